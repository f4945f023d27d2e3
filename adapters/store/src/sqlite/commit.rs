//! Turns into rows, all of a claim in one transaction.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use super::{
    Hold, Result,
    ahead::{Ahead, Planned},
    answer,
    inbox::delete_timer,
    recent::Head,
    statement::shared,
    writer::{Done, Group, Task},
};
use crate::{
    arrival,
    error::Fail,
    plan::{Batch, Erasure, OutRow, StateRow, Turn},
    read, redact,
    seal::Sealer,
    work::CommitReport,
};

/// Turns with their rows, made before the writer is asked: sealing is not its work.
pub(super) struct Ready {
    hold: Hold,
    turns: Vec<Turn>,
    /// None where the database has to be asked first, and where the rows are at fault: then each
    /// turn is written by itself.
    batch: Option<Batch>,
    planned: Planned,
}

impl Ready {
    pub(super) fn of(hold: Hold, turns: Vec<Turn>, sealer: &Sealer, ahead: &Ahead) -> Self {
        let asks = turns.iter().any(|turn| turn.clears_erased().is_some());
        let mut batch = if asks { None } else { Batch::of(&turns, &HashMap::new(), sealer).ok() };
        let planned = match (&mut batch, turns.first()) {
            (Some(batch), Some(turn)) => ahead.plan(batch, turn.now),
            (Some(_), None) | (None, _) => Planned::new(),
        };
        Self { hold, turns, batch, planned }
    }

    /// How the new states begin, by lane.
    pub(super) fn heads(&self) -> HashMap<String, Head> {
        let states = self.batch.iter().flat_map(|batch| batch.states.values());
        states.filter_map(|row| Some((row.lane.clone(), *row.state.first_chunk()?))).collect()
    }

    pub(super) fn task(self, ahead: Arc<Ahead>, reply: oneshot::Sender<Result<Committed>>) -> Commit {
        Commit { ready: self, ahead, report: CommitReport::default(), written: Written::default(), reply }
    }
}

pub(super) struct Commit {
    ready: Ready,
    ahead: Arc<Ahead>,
    report: CommitReport,
    written: Written,
    reply: oneshot::Sender<Result<Committed>>,
}

/// What can be sent of what was written.
#[derive(Default)]
struct Written {
    /// Something that is not leased.
    waiting: bool,
    /// The lanes whose rows are leased as they were planned.
    leased: Vec<String>,
}

pub(super) struct Committed {
    pub(super) report: CommitReport,
    /// Something can be sent that is not leased.
    pub(super) waiting: bool,
    /// Something was leased: [`Ahead::take`].
    pub(super) leased: bool,
    /// Those that were handed in.
    pub(super) turns: Vec<Turn>,
}

impl Task for Commit {
    fn order(&self) -> u8 {
        2
    }

    fn run(&mut self, db: &Connection, group: &mut Group) -> Done {
        self.report = CommitReport::default();
        self.written = Written::default();
        group.freed.extend(self.ready.hold.lanes.iter().cloned());
        if group.alone {
            return self.one_by_one(db, group);
        }
        self.written = match &self.ready.batch {
            Some(batch) => write(db, batch, group)?,
            None => apply(db, &self.ready.turns, group)?,
        };
        self.report.committed = self.ready.turns.iter().map(|turn| turn.seq).collect();
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let Self { ready: Ready { hold, turns, batch: _, mut planned }, ahead, report, written, reply } =
            *self;
        let Written { waiting, leased } = written;
        if outcome.is_ok() {
            // Also when nobody waits for the answer any more: they are leased.
            ahead.put(leased.iter().filter_map(|lane| planned.remove(lane)).flatten().collect());
        }
        drop(hold);
        let leased = !leased.is_empty();
        answer(reply, outcome.map(|()| Committed { report, waiting, leased, turns }));
    }
}

impl Commit {
    /// Each turn within a savepoint, so that a bad one sinks only what builds on it.
    fn one_by_one(&mut self, db: &Connection, group: &mut Group) -> Done {
        let mut stopped = BTreeSet::new();
        for turn in &self.ready.turns {
            if stopped.contains(&turn.lane) {
                continue;
            }
            db.execute_batch("SAVEPOINT turn")?;
            match apply(db, std::slice::from_ref(turn), group) {
                Ok(written) => {
                    self.written.waiting |= written.waiting;
                    self.report.committed.push(turn.seq);
                }
                Err(fail @ (Fail::Database(_) | Fail::Broken(_))) => return Err(fail),
                Err(fail @ (Fail::Clash | Fail::Rows)) => {
                    db.execute_batch("ROLLBACK TO turn")?;
                    stopped.insert(&turn.lane);
                    if matches!(fail, Fail::Clash) {
                        db.prepare_cached("UPDATE inbox SET seed = ?1 WHERE seq = ?2")?
                            .execute([arrival::fresh_seed(turn.seed), turn.seq])?;
                        self.report.clashed.push(turn.seq);
                    } else {
                        self.report.failed.push(turn.seq);
                    }
                }
            }
            db.execute_batch("RELEASE turn")?;
        }
        Ok(())
    }
}

/// Writes some turns; nothing of what they say is leased.
fn apply(db: &Connection, turns: &[Turn], group: &mut Group) -> Done<Written> {
    let mut natives = HashMap::new();
    for turn in turns {
        if let Some(since) = turn.clears_erased() {
            natives.insert(turn.seq, self::natives(db, &turn.lane.to_string(), since)?);
        }
    }
    let batch = Batch::of(turns, &natives, &group.sealer)?;
    write(db, &batch, group)
}

/// The platform's ids of what a person wrote and was sent since then, in their order.
fn natives(db: &Connection, lane: &str, since: i64) -> Done<Vec<String>> {
    let mut natives: Vec<(i64, String)> = Vec::new();
    for sql in read::NATIVES {
        let mut found = shared(db, sql)?;
        let rows = found.query_map((lane, since), |row| row.try_into())?;
        natives.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    natives.sort_by_key(|(at, _)| *at);
    Ok(natives.into_iter().map(|(_, native)| native).collect())
}

fn write(db: &Connection, batch: &Batch, group: &mut Group) -> Done<Written> {
    group.erased |= !batch.erasures.is_empty() || !batch.redactions.is_empty();
    for erasure in &batch.erasures {
        erase(db, erasure)?;
    }
    refer(db, batch)?;
    for record in &batch.records {
        db.prepare_cached(
            "INSERT INTO record (reference, kind, lane, created, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((&record.reference, &record.kind, &record.lane, record.created, &record.body))?;
    }
    for row in &batch.audits {
        db.prepare_cached("INSERT INTO audit (at, what, by, case_ref) VALUES (?1, ?2, ?3, ?4)")?
            .execute((row.at, &row.what, &row.by, &row.case))?;
    }
    timers(db, batch)?;
    let leased = put_into_lanes(db, batch)?;
    turned(db, batch)?;
    say(db, batch, &leased)?;
    for redaction in &batch.redactions {
        redact(db, redaction, &group.sealer)?;
    }
    let waiting = batch.out.iter().any(|row| !leased.contains(&row.lane) || !row.ahead);
    Ok(Written { waiting, leased: leased.into_iter().collect() })
}

fn refer(db: &Connection, batch: &Batch) -> Done {
    let mut insert = db.prepare_cached(
        "INSERT INTO reference (reference, lane) VALUES (?1, ?2)
         ON CONFLICT (reference) DO UPDATE SET lane = excluded.lane WHERE lane = excluded.lane",
    )?;
    for pair in &batch.references {
        if insert.execute(pair)? == 0 {
            return Err(Fail::Clash);
        }
    }
    Ok(())
}

fn timers(db: &Connection, batch: &Batch) -> Done {
    let mut set = db.prepare_cached(
        "INSERT INTO timer (lane, name, step, due) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (lane, name) DO UPDATE SET step = excluded.step, due = excluded.due",
    )?;
    for ((lane, name), to) in &batch.timers {
        match to {
            None => delete_timer(db, lane, name)?,
            Some((step, due)) => {
                set.execute((lane, name, step, due))?;
            }
        }
    }
    Ok(())
}

/// What is said in one lane.
struct Spoken {
    /// The most urgent row's.
    rank: i64,
    made: i64,
    /// It is to be leased at once.
    ahead: bool,
}

/// That lanes have something to send. Returns those that are leased along with it: those in which nothing
/// else is.
fn put_into_lanes(db: &Connection, batch: &Batch) -> Done<BTreeSet<String>> {
    let mut lanes: BTreeMap<&str, Spoken> = BTreeMap::new();
    for OutRow { lane, rank, made, ahead, .. } in &batch.out {
        let spoken = lanes.entry(lane).or_insert(Spoken { rank: *rank, made: *made, ahead: false });
        spoken.rank = spoken.rank.min(*rank);
        spoken.ahead |= ahead;
    }
    let mut lease = db.prepare_cached(
        "INSERT INTO sending (lane, rank, ready) VALUES (?1, ?2, ?3) ON CONFLICT (lane) DO NOTHING",
    )?;
    let mut wait = db.prepare_cached(
        "INSERT INTO sending (lane, rank, ready) VALUES (?1, ?2, ?3)
         ON CONFLICT (lane) DO UPDATE SET rank = min(rank, excluded.rank)",
    )?;
    let mut leased = BTreeSet::new();
    for (lane, Spoken { rank, made, ahead }) in lanes {
        if ahead && lease.execute((lane, rank, batch.until))? > 0 {
            leased.insert(lane.to_owned());
        } else {
            wait.execute((lane, rank, made))?;
        }
    }
    Ok(leased)
}

/// Inputs that are done, and what their conversations are now.
fn turned(db: &Connection, batch: &Batch) -> Done {
    let mut done = db.prepare_cached("UPDATE inbox SET status = ?2 WHERE seq = ?1")?;
    for (seqs, status) in [(&batch.decided, 1), (&batch.parked, 2)] {
        for seq in seqs {
            done.execute([*seq, status])?;
        }
    }
    let mut state = db.prepare_cached(
        "INSERT INTO conversation (lane, epoch, holder, since, case_ref, urgency, handled, changed, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (lane) DO UPDATE SET epoch = excluded.epoch, holder = excluded.holder,
             since = excluded.since, case_ref = excluded.case_ref, urgency = excluded.urgency,
             handled = max(handled, excluded.handled), changed = excluded.changed, state = excluded.state",
    )?;
    for row in batch.states.values() {
        let handled = row.handled();
        let StateRow { lane, epoch, holder, since, case, urgency, changed, state: sealed } = row;
        state.execute(params![lane, epoch, holder, since, case, urgency, handled, changed, sealed])?;
    }
    Ok(())
}

/// What is to be sent.
fn say(db: &Connection, batch: &Batch, leased: &BTreeSet<String>) -> Done {
    let mut out = db.prepare_cached(
        "INSERT INTO outbox (id, lane, person, kind, rank, place, epoch, gate, erase, made, body, fence, handed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)",
    )?;
    for row in &batch.out {
        let (place, handed) = (row.place(), row.ahead && leased.contains(&row.lane));
        let OutRow { id, lane, person, kind, rank, epoch, gate, erase, made, body, .. } = row;
        out.execute(params![id, lane, person, kind, rank, place, epoch, gate, erase, made, body, handed])?;
    }
    Ok(())
}

fn redact(db: &Connection, (lane, native): &(String, String), sealer: &Sealer) -> Done {
    for sql in [redact::STOP, redact::FORGET] {
        shared(db, sql)?.execute([lane, native])?;
    }
    let told: Vec<redact::Told> = shared(db, redact::TOLD)?
        .query_map([lane, native], |row| row.try_into())?
        .collect::<rusqlite::Result<_>>()?;
    for row in &told {
        let Some(change) = redact::change(sealer, row)? else { continue };
        shared(db, redact::CHANGE)?.execute((row.0, change.status, change.erase, change.body))?;
    }
    Ok(())
}

fn erase(db: &Connection, erasure: &Erasure) -> Done {
    let lane = &erasure.lane;
    for sql in erasure.statements() {
        shared(db, sql)?.execute([lane])?;
    }
    db.prepare_cached(
        "DELETE FROM inbox WHERE seq IN (SELECT seq FROM heard WHERE lane = ?1 AND seq <= ?2)",
    )?
    .execute((lane, erasure.seq))?;
    Ok(())
}
