//! Turns into rows, all of a claim in the transaction that holds it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::{Connection as _, PgConnection};

use super::{Hold, Postgres, Result, inbox::lock, queries};
use crate::{
    ahead::{Ahead, Planned},
    arrival,
    error::Fail,
    error::{StoreError, code},
    plan::{self, Batch, Erasure, Turn},
    redact, rows,
    seal::Sealer,
    signals::Outgoing,
    work::CommitReport,
};

type Tried<T> = std::result::Result<T, Fail>;

impl Postgres {
    pub(crate) async fn commit(&self, hold: Hold, turns: Vec<Turn>) -> Result<(CommitReport, Outgoing)> {
        let Hold(mut tx) = hold;
        let mut report = CommitReport::default();
        let (written, mut planned) = match apply(&mut tx, &turns, &self.sealer, Some(&self.ahead)).await {
            Ok(written) => {
                report.committed = turns.iter().map(|turn| turn.seq).collect();
                written
            }
            Err(Fail::Database(error)) => {
                return Err(if tx.ping().await.is_err() { StoreError::NotClaimed } else { error });
            }
            Err(Fail::Clash | Fail::Rows | Fail::Broken(_)) => {
                // No savepoint before them all: what a subtransaction writes to a row that was locked
                // outside of it costs every commit more than this costs the few.
                tx.roll_back().await.map_err(lost)?;
                tx = self.claims.begin().await?;
                let turns = still_held(&mut tx, turns).await.map_err(Fail::into_error)?;
                let waiting = one_by_one(&mut tx, &turns, &self.sealer, &mut report).await;
                (Written { waiting: waiting.map_err(Fail::into_error)?, leased: Vec::new() }, Planned::new())
            }
        };
        tx.commit().await.map_err(lost)?;
        let Written { waiting, leased } = written;
        if waiting {
            self.looked.forget();
        }
        self.ahead.put(leased.iter().filter_map(|lane| planned.remove(lane)).flatten().collect());
        Ok((report, Outgoing { waiting, leased: !leased.is_empty() }))
    }
}

/// What can be sent of what was written.
#[derive(Default)]
struct Written {
    /// Something that is not leased.
    waiting: bool,
    /// The lanes whose rows are leased as they were planned.
    leased: Vec<String>,
}

/// A claim whose connection was ended by the server is somebody else's by now.
fn lost(error: sqlx::Error) -> StoreError {
    if code(&error) == "25P03" || matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) {
        return StoreError::NotClaimed;
    }
    error.into()
}

/// Locks the conversations anew, and keeps the turns of those in which nobody did anything meanwhile.
async fn still_held(tx: &mut PgConnection, mut turns: Vec<Turn>) -> Tried<Vec<Turn>> {
    let lanes: BTreeSet<String> = turns.iter().map(|turn| turn.lane.to_string()).collect();
    let lanes: Vec<String> = lanes.into_iter().collect();
    let locked: BTreeSet<String> =
        lock(tx, &lanes, lanes.len()).await?.into_iter().filter(|row| !row.2).map(|row| row.0).collect();
    let undecided: BTreeSet<i64> =
        sqlx::query_scalar("SELECT seq FROM inbox WHERE seq = ANY($1) AND status = 0")
            .bind(turns.iter().map(|turn| turn.seq).collect::<Vec<_>>())
            .fetch_all(&mut *tx)
            .await?
            .into_iter()
            .collect();
    let lost: BTreeSet<String> = turns
        .iter()
        .filter(|turn| !undecided.contains(&turn.seq))
        .map(|turn| turn.lane.to_string())
        .collect();
    turns.retain(|turn| {
        let lane = turn.lane.to_string();
        locked.contains(&lane) && !lost.contains(&lane)
    });
    if turns.is_empty() { Err(StoreError::NotClaimed.into()) } else { Ok(turns) }
}

/// Each turn within a savepoint, so that a bad one sinks only what builds on it.
async fn one_by_one(
    tx: &mut PgConnection,
    turns: &[Turn],
    sealer: &Sealer,
    report: &mut CommitReport,
) -> Tried<bool> {
    let mut stopped = BTreeSet::new();
    let mut outbox = false;
    for turn in turns {
        if stopped.contains(&turn.lane) {
            continue;
        }
        sqlx::raw_sql("SAVEPOINT turn").execute(&mut *tx).await?;
        match apply(tx, std::slice::from_ref(turn), sealer, None).await {
            Ok((written, _)) => {
                outbox |= written.waiting;
                report.committed.push(turn.seq);
            }
            Err(Fail::Database(error)) => return Err(Fail::Database(error)),
            Err(fail @ (Fail::Clash | Fail::Rows | Fail::Broken(_))) => {
                sqlx::raw_sql("ROLLBACK TO turn").execute(&mut *tx).await?;
                stopped.insert(&turn.lane);
                if matches!(fail, Fail::Clash) {
                    sqlx::query("UPDATE inbox SET seed = $1 WHERE seq = $2")
                        .bind(arrival::fresh_seed(turn.seed))
                        .bind(turn.seq)
                        .execute(&mut *tx)
                        .await?;
                    report.clashed.push(turn.seq);
                } else {
                    report.failed.push(turn.seq);
                }
            }
        }
        sqlx::raw_sql("RELEASE turn").execute(&mut *tx).await?;
    }
    Ok(outbox)
}

/// Writes some turns, and leases what `ahead` allows of what they say.
async fn apply(
    tx: &mut PgConnection,
    turns: &[Turn],
    sealer: &Sealer,
    ahead: Option<&Ahead>,
) -> Tried<(Written, Planned)> {
    let mut natives = HashMap::new();
    for turn in turns {
        if let Some(since) = turn.clears_erased() {
            natives.insert(turn.seq, queries::natives(tx, &turn.lane.to_string(), since).await?);
        }
    }
    let mut batch = Batch::of(turns, &natives, sealer)?;
    let planned = match (ahead, turns.first()) {
        (Some(ahead), Some(turn)) => ahead.plan(&mut batch, turn.now),
        (Some(_), None) | (None, _) => Planned::new(),
    };
    Ok((write(tx, &batch, sealer).await?, planned))
}

/// What nearly every turn writes goes as one statement: the way to the server and back costs more
/// than most of its parts.
async fn write(tx: &mut PgConnection, batch: &Batch, sealer: &Sealer) -> Tried<Written> {
    for erasure in &batch.erasures {
        erase(tx, erasure).await?;
    }
    audits(tx, batch).await?;
    let seqs: Vec<i64> = batch.decided.iter().chain(&batch.parked).copied().collect();
    let states: Vec<_> = batch.states.values().collect();
    let gone: Vec<_> = batch.timers.iter().filter(|(_, to)| to.is_none()).map(|(timer, _)| timer).collect();
    let set: Vec<_> = batch
        .timers
        .iter()
        .filter_map(|((lane, name), to)| to.as_ref().map(|(step, due)| (lane, name, step, *due)))
        .collect();
    let (out, records) = (&batch.out, &batch.records);
    let lanes = lanes(batch);
    let rows: Vec<(Option<String>, i64)> = sqlx::query_as(WRITE)
        .bind(seqs)
        .bind(&batch.parked)
        .bind(states.iter().map(|row| row.lane.as_str()).collect::<Vec<_>>())
        .bind(states.iter().map(|row| row.epoch).collect::<Vec<_>>())
        .bind(states.iter().map(|row| row.holder).collect::<Vec<_>>())
        .bind(states.iter().map(|row| row.since).collect::<Vec<_>>())
        .bind(states.iter().map(|row| row.case.as_deref()).collect::<Vec<_>>())
        .bind(states.iter().map(|row| row.urgency).collect::<Vec<_>>())
        .bind(states.iter().map(|row| row.handled()).collect::<Vec<_>>())
        .bind(states.iter().map(|row| row.changed).collect::<Vec<_>>())
        .bind(states.iter().map(|row| row.state.as_slice()).collect::<Vec<_>>())
        .bind(gone.iter().map(|timer| timer.0.as_str()).collect::<Vec<_>>())
        .bind(gone.iter().map(|timer| timer.1.as_str()).collect::<Vec<_>>())
        .bind(set.iter().map(|timer| timer.0.as_str()).collect::<Vec<_>>())
        .bind(set.iter().map(|timer| timer.1.as_str()).collect::<Vec<_>>())
        .bind(set.iter().map(|timer| timer.2.as_str()).collect::<Vec<_>>())
        .bind(set.iter().map(|timer| timer.3).collect::<Vec<_>>())
        .bind(lanes.keys().copied().collect::<Vec<_>>())
        .bind(lanes.values().map(|lane| lane.rank).collect::<Vec<_>>())
        .bind(lanes.values().map(|lane| lane.ready).collect::<Vec<_>>())
        .bind(lanes.values().map(|lane| lane.ahead).collect::<Vec<_>>())
        .bind(out.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind(out.iter().map(|row| row.lane.as_str()).collect::<Vec<_>>())
        .bind(out.iter().map(|row| row.person.as_str()).collect::<Vec<_>>())
        .bind(out.iter().map(|row| row.kind).collect::<Vec<_>>())
        .bind(out.iter().map(|row| row.rank).collect::<Vec<_>>())
        .bind(out.iter().map(plan::OutRow::place).collect::<Vec<_>>())
        .bind(out.iter().map(|row| row.epoch).collect::<Vec<_>>())
        .bind(out.iter().map(|row| i64::from(row.gate)).collect::<Vec<_>>())
        .bind(out.iter().map(|row| i64::from(row.erase)).collect::<Vec<_>>())
        .bind(out.iter().map(|row| row.made).collect::<Vec<_>>())
        .bind(out.iter().map(|row| row.body.as_slice()).collect::<Vec<_>>())
        .bind(out.iter().map(|row| row.ahead).collect::<Vec<_>>())
        .bind(batch.references.keys().map(String::as_str).collect::<Vec<_>>())
        .bind(batch.references.values().map(String::as_str).collect::<Vec<_>>())
        .bind(records.iter().map(|row| row.reference.as_str()).collect::<Vec<_>>())
        .bind(records.iter().map(|row| row.kind.as_str()).collect::<Vec<_>>())
        .bind(records.iter().map(|row| row.lane.as_str()).collect::<Vec<_>>())
        .bind(records.iter().map(|row| row.created).collect::<Vec<_>>())
        .bind(records.iter().map(|row| row.body.as_slice()).collect::<Vec<_>>())
        .fetch_all(&mut *tx)
        .await?;
    // A reference that is another conversation's already is not written.
    if rows.iter().map(|row| row.1).sum::<i64>() < rows::at_most(batch.references.len()) {
        return Err(Fail::Clash);
    }
    let leased: Vec<String> = rows.into_iter().filter_map(|(lane, _)| lane).collect();
    for redaction in &batch.redactions {
        redact(tx, redaction, sealer).await?;
    }
    let waiting = out.iter().any(|row| !(row.ahead && leased.contains(&row.lane)));
    Ok(Written { waiting, leased })
}

/// Inputs (those in the second list are parked), states, timers gone and set, lanes to send to, texts, references,
/// records; returns the lanes that are leased along with it, and in a row of its own how many references were
/// written. Those lanes are new in `sending`, which `xmax` tells: where a row stood already somebody may have
/// leased its lane.
const WRITE: &str = "
    WITH inputs AS (
        UPDATE inbox SET status = CASE WHEN seq = ANY($2) THEN 2 ELSE 1 END WHERE seq = ANY($1)),
    states AS (
        INSERT INTO conversation (lane, epoch, holder, since, case_ref, urgency, handled, changed, state)
        SELECT * FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[],
                             $9::bigint[], $10::bigint[], $11::bytea[])
        ON CONFLICT (lane) DO UPDATE SET epoch = excluded.epoch, holder = excluded.holder,
            since = excluded.since, case_ref = excluded.case_ref, urgency = excluded.urgency,
            handled = greatest(conversation.handled, excluded.handled), changed = excluded.changed,
            state = excluded.state),
    gone AS (
        DELETE FROM timer
        WHERE lane = ANY($12) AND (lane, name) IN (SELECT * FROM unnest($12::text[], $13::text[]))),
    timers AS (
        INSERT INTO timer (lane, name, step, due)
        SELECT * FROM unnest($14::text[], $15::text[], $16::text[], $17::bigint[])
        ON CONFLICT (lane, name) DO UPDATE SET step = excluded.step, due = excluded.due),
    lanes AS (
        INSERT INTO sending (lane, rank, ready)
        SELECT lane, rank, ready FROM unnest($18::text[], $19::bigint[], $20::bigint[]) j (lane, rank, ready)
        ON CONFLICT (lane) DO UPDATE SET rank = least(sending.rank, excluded.rank)
        RETURNING lane, xmax = 0 AS new),
    leased AS (
        SELECT lane FROM lanes JOIN unnest($18::text[], $21::boolean[]) j (lane, ahead) USING (lane)
        WHERE new AND ahead),
    texts AS (
        INSERT INTO outbox (id, lane, person, kind, rank, place, epoch, gate, erase, made, body, handed, fence)
        SELECT id, lane, person, kind, rank, place, epoch, gate, erase, made, body, handed, handed
        FROM (SELECT *, (ahead AND lane IN (SELECT lane FROM leased))::int AS handed
              FROM unnest($22::bigint[], $23::text[], $24::text[], $25::bigint[], $26::bigint[],
                          $27::bigint[], $28::bigint[], $29::bigint[], $30::bigint[], $31::bigint[],
                          $32::bytea[], $33::boolean[])
                   j (id, lane, person, kind, rank, place, epoch, gate, erase, made, body, ahead)) rows),
    named AS (
        INSERT INTO reference (reference, lane) SELECT * FROM unnest($34::text[], $35::text[])
        ON CONFLICT (reference) DO UPDATE SET lane = excluded.lane WHERE reference.lane = excluded.lane
        RETURNING 1),
    saved AS (
        INSERT INTO record (reference, kind, lane, created, body)
        SELECT * FROM unnest($36::text[], $37::text[], $38::text[], $39::bigint[], $40::bytea[]))
    SELECT lane, 0::bigint FROM leased UNION ALL SELECT NULL, count(*) FROM named";

/// A lane that has something to send.
struct Sending {
    rank: i64,
    ready: i64,
    /// To be leased at once, if nothing of it is under way.
    ahead: bool,
}

/// In order, so that two processes never wait for each other's rows of `sending`.
fn lanes(batch: &Batch) -> BTreeMap<&str, Sending> {
    let mut lanes: BTreeMap<&str, Sending> = BTreeMap::new();
    for row in &batch.out {
        let lane =
            lanes.entry(&row.lane).or_insert(Sending { rank: row.rank, ready: row.made, ahead: false });
        lane.rank = lane.rank.min(row.rank);
        lane.ahead |= row.ahead;
    }
    for lane in lanes.values_mut().filter(|lane| lane.ahead) {
        lane.ready = batch.until;
    }
    lanes
}

async fn audits(tx: &mut PgConnection, batch: &Batch) -> Tried<()> {
    let rows = &batch.audits;
    if !rows.is_empty() {
        sqlx::query(
            "INSERT INTO audit (at, what, by, case_ref)
             SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[])",
        )
        .bind(rows.iter().map(|row| row.at).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.what.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.by.as_deref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.case.as_deref()).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    }
    Ok(())
}

async fn redact(tx: &mut PgConnection, (lane, native): &(String, String), sealer: &Sealer) -> Tried<()> {
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

async fn erase(tx: &mut PgConnection, erasure: &Erasure) -> Tried<()> {
    for sql in erasure.statements() {
        sqlx::query(sql).bind(&erasure.lane).execute(&mut *tx).await?;
    }
    sqlx::query("DELETE FROM inbox WHERE lane = $1 AND seq <= $2")
        .bind(&erasure.lane)
        .bind(erasure.seq)
        .execute(&mut *tx)
        .await?;
    Ok(())
}
