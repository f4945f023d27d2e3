//! Turns into rows, all of a claim in one transaction.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use sqlx::SqliteConnection;
use tokio::sync::oneshot;

use super::{
    Hold, Result,
    ahead::{Ahead, Planned},
    answer, inbox, queries,
    recent::Head,
    writer::{Group, Run, Task},
};
use crate::{
    plan::{self, Batch, Erasure, Fail, OutRow, StateRow, Turn},
    redact, rows,
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

    fn run<'a>(&'a mut self, tx: &'a mut SqliteConnection, group: &'a mut Group) -> Run<'a> {
        Box::pin(async move {
            self.report = CommitReport::default();
            self.written = Written::default();
            group.freed.extend(self.ready.hold.lanes.iter().cloned());
            if group.alone {
                return self.one_by_one(tx, group).await;
            }
            self.written = match &self.ready.batch {
                Some(batch) => write(tx, batch, group).await?,
                None => apply(tx, &self.ready.turns, group).await?,
            };
            self.report.committed = self.ready.turns.iter().map(|turn| turn.seq).collect();
            Ok(())
        })
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
    async fn one_by_one(
        &mut self,
        tx: &mut SqliteConnection,
        group: &mut Group,
    ) -> std::result::Result<(), Fail> {
        let mut stopped = BTreeSet::new();
        for turn in &self.ready.turns {
            if stopped.contains(&turn.lane) {
                continue;
            }
            sqlx::query("SAVEPOINT turn").execute(&mut *tx).await?;
            match apply(tx, std::slice::from_ref(turn), group).await {
                Ok(written) => {
                    self.written.waiting |= written.waiting;
                    self.report.committed.push(turn.seq);
                }
                Err(fail @ (Fail::Database(_) | Fail::Broken(_))) => return Err(fail),
                Err(fail @ (Fail::Clash | Fail::Rows)) => {
                    sqlx::query("ROLLBACK TO turn").execute(&mut *tx).await?;
                    stopped.insert(&turn.lane);
                    if matches!(fail, Fail::Clash) {
                        sqlx::query("UPDATE inbox SET seed = $1 WHERE seq = $2")
                            .bind(plan::fresh_seed(turn.seed))
                            .bind(turn.seq)
                            .execute(&mut *tx)
                            .await?;
                        self.report.clashed.push(turn.seq);
                    } else {
                        self.report.failed.push(turn.seq);
                    }
                }
            }
            sqlx::query("RELEASE turn").execute(&mut *tx).await?;
        }
        Ok(())
    }
}

/// Writes some turns; nothing of what they say is leased.
async fn apply(
    tx: &mut SqliteConnection,
    turns: &[Turn],
    group: &mut Group,
) -> std::result::Result<Written, Fail> {
    let mut natives = HashMap::new();
    for turn in turns {
        if let Some(since) = turn.clears_erased() {
            natives.insert(turn.seq, queries::natives(tx, &turn.lane.to_string(), since).await?);
        }
    }
    let batch = Batch::of(turns, &natives, &group.sealer)?;
    write(tx, &batch, group).await
}

async fn write(
    tx: &mut SqliteConnection,
    batch: &Batch,
    group: &mut Group,
) -> std::result::Result<Written, Fail> {
    group.erased |= !batch.erasures.is_empty() || !batch.redactions.is_empty();
    for erasure in &batch.erasures {
        erase(tx, erasure).await?;
    }
    if !batch.references.is_empty() {
        let pairs: Vec<(&String, &String)> = batch.references.iter().collect();
        let written = sqlx::query(
            "INSERT INTO reference (reference, lane)
             SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each($1) WHERE true
             ON CONFLICT (reference) DO UPDATE SET lane = excluded.lane WHERE lane = excluded.lane",
        )
        .bind(rows::json(&pairs)?)
        .execute(&mut *tx)
        .await?;
        if written.rows_affected() < pairs.len() as u64 {
            return Err(Fail::Clash);
        }
    }
    for record in &batch.records {
        sqlx::query("INSERT INTO record (reference, kind, lane, created, body) VALUES ($1, $2, $3, $4, $5)")
            .bind(&record.reference)
            .bind(&record.kind)
            .bind(&record.lane)
            .bind(record.created)
            .bind(&record.body)
            .execute(&mut *tx)
            .await?;
    }
    for row in &batch.audits {
        sqlx::query("INSERT INTO audit (at, what, by, case_ref) VALUES ($1, $2, $3, $4)")
            .bind(row.at)
            .bind(&row.what)
            .bind(&row.by)
            .bind(&row.case)
            .execute(&mut *tx)
            .await?;
    }
    timers(tx, batch).await?;
    let leased = turned(tx, batch).await?;
    for redaction in &batch.redactions {
        redact(tx, redaction, &group.sealer).await?;
    }
    let waiting = batch.out.iter().any(|row| !(row.ahead && leased.contains(&row.lane)));
    Ok(Written { waiting, leased })
}

/// What nearly every turn brings: an input that is done, a state, and something to send. Returns
/// the lanes that are leased.
async fn turned(tx: &mut SqliteConnection, batch: &Batch) -> std::result::Result<Vec<String>, Fail> {
    let done: Vec<(i64, i64)> =
        batch.decided.iter().map(|seq| (*seq, 1)).chain(batch.parked.iter().map(|seq| (*seq, 2))).collect();
    let mut blobs = rows::Blobs::default();
    let states: Vec<_> = batch
        .states
        .values()
        .map(|row| {
            let (at, len) = blobs.push(&row.state);
            let handled = row.handled();
            let StateRow { lane, epoch, holder, since, case, urgency, changed, .. } = row;
            (lane, epoch, holder, since, case, urgency, handled, changed, at, len)
        })
        .collect();
    let out: Vec<_> = batch
        .out
        .iter()
        .map(|row| {
            let (at, len) = blobs.push(&row.body);
            let OutRow { id, lane, person, kind, rank, epoch, made, .. } = row;
            let flag = i64::from;
            let (gate, erase, ahead) = (flag(row.gate), flag(row.erase), flag(row.ahead));
            (id, lane, person, kind, rank, row.place(), epoch, gate, erase, made, at, len, ahead)
        })
        .collect();
    let mut lanes: BTreeMap<&str, (i64, i64, bool)> = BTreeMap::new();
    for row in &batch.out {
        let lane = lanes.entry(&row.lane).or_insert((row.rank, row.made, false));
        lane.0 = lane.0.min(row.rank);
        lane.2 |= row.ahead;
    }
    let lanes: Vec<_> = lanes
        .into_iter()
        .map(|(lane, (rank, made, ahead))| {
            (lane, rank, if ahead { batch.until } else { made }, i64::from(ahead))
        })
        .collect();
    // First the lanes to which nothing is under way: those are leased, if they are to be.
    let (leased,): (String,) = sqlx::query_as(
        "SELECT json_group_array(value->>0) FROM json_each($4)
         WHERE value->>3 = 1 AND NOT EXISTS (SELECT 1 FROM sending s WHERE s.lane = value->>0);
         UPDATE inbox SET status = j.value->>1 FROM json_each($1) j WHERE inbox.seq = j.value->>0;
         INSERT INTO conversation
             (lane, epoch, holder, since, case_ref, urgency, handled, changed, state)
         SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7,
                substr($5, value->>8, value->>9) FROM json_each($2) WHERE true
         ON CONFLICT (lane) DO UPDATE SET epoch = excluded.epoch, holder = excluded.holder,
             since = excluded.since, case_ref = excluded.case_ref, urgency = excluded.urgency,
             handled = max(handled, excluded.handled), changed = excluded.changed, state = excluded.state;
         INSERT INTO outbox (id, lane, person, kind, rank, place, epoch, gate, erase, made, body, fence, handed)
         SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7,
                value->>8, value->>9, substr($5, value->>10, value->>11), free, free
         FROM (SELECT value, value->>12 = 1 AND NOT EXISTS
                   (SELECT 1 FROM sending s WHERE s.lane = value->>1) AS free FROM json_each($3));
         INSERT INTO sending (lane, rank, ready)
         SELECT value->>0, value->>1, value->>2 FROM json_each($4) WHERE true
         ON CONFLICT (lane) DO UPDATE SET rank = min(rank, excluded.rank)",
    )
    .bind(rows::json(&done)?)
    .bind(rows::json(&states)?)
    .bind(rows::json(&out)?)
    .bind(rows::json(&lanes)?)
    .bind(blobs.bytes())
    .fetch_all(&mut *tx)
    .await?
    .pop()
    .ok_or(Fail::Rows)?;
    rows::parse(&leased)
}

async fn timers(tx: &mut SqliteConnection, batch: &Batch) -> std::result::Result<(), Fail> {
    let gone: Vec<(&str, &str)> = batch
        .timers
        .iter()
        .filter(|(_, to)| to.is_none())
        .map(|((lane, name), _)| (lane.as_str(), name.as_str()))
        .collect();
    if !gone.is_empty() {
        inbox::delete_timers(tx, &gone).await?;
    }
    let set: Vec<(&str, &str, &str, i64)> = batch
        .timers
        .iter()
        .filter_map(|((lane, name), to)| to.as_ref().map(|(step, due)| (&**lane, &**name, &**step, *due)))
        .collect();
    if !set.is_empty() {
        sqlx::query(
            "INSERT INTO timer (lane, name, step, due)
             SELECT value->>0, value->>1, value->>2, value->>3 FROM json_each($1) WHERE true
             ON CONFLICT (lane, name) DO UPDATE SET step = excluded.step, due = excluded.due",
        )
        .bind(rows::json(&set)?)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn redact(
    tx: &mut SqliteConnection,
    (lane, native): &(String, String),
    sealer: &Sealer,
) -> std::result::Result<(), Fail> {
    for sql in [redact::STOP, redact::FORGET] {
        sqlx::query(sql).bind(lane).bind(native).execute(&mut *tx).await?;
    }
    let told: Vec<redact::Told> =
        sqlx::query_as(redact::TOLD).bind(lane).bind(native).fetch_all(&mut *tx).await?;
    for row in &told {
        let Some(change) = redact::change(sealer, row)? else { continue };
        let query = sqlx::query(redact::CHANGE).bind(row.0).bind(change.status).bind(change.erase);
        query.bind(change.body).execute(&mut *tx).await?;
    }
    Ok(())
}

async fn erase(tx: &mut SqliteConnection, erasure: &Erasure) -> std::result::Result<(), Fail> {
    let lane = &erasure.lane;
    sqlx::query("DELETE FROM inbox WHERE lane = $1 AND seq <= $2")
        .bind(lane)
        .bind(erasure.seq)
        .execute(&mut *tx)
        .await?;
    for sql in erasure.statements() {
        sqlx::query(sql).bind(lane).execute(&mut *tx).await?;
    }
    Ok(())
}
