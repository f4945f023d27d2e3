//! Turns into rows, all of a claim in the transaction that holds it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::PgConnection;

use super::{Hold, Postgres, Result, queries};
use crate::{
    error::{StoreError, code},
    plan::{self, Batch, Erasure, Fail, Turn},
    redact,
    seal::Sealer,
    store::Outgoing,
    work::CommitReport,
};

type Tried<T> = std::result::Result<T, Fail>;

impl Postgres {
    pub(crate) async fn commit(&self, hold: Hold, turns: Vec<Turn>) -> Result<(CommitReport, Outgoing)> {
        let Hold(mut tx) = hold;
        let mut report = CommitReport::default();
        sqlx::query("SAVEPOINT turns").execute(&mut *tx).await.map_err(lost)?;
        let waiting = match apply(&mut tx, &turns, &self.sealer).await {
            Ok(waiting) => {
                report.committed = turns.iter().map(|turn| turn.seq).collect();
                waiting
            }
            Err(Fail::Database(error)) => return Err(error),
            Err(Fail::Clash | Fail::Rows | Fail::Broken(_)) => {
                sqlx::query("ROLLBACK TO turns").execute(&mut *tx).await.map_err(lost)?;
                one_by_one(&mut tx, &turns, &self.sealer, &mut report).await.map_err(Fail::into_error)?
            }
        };
        tx.commit().await.map_err(lost)?;
        Ok((report, Outgoing { waiting, leased: false }))
    }
}

/// A claim whose connection was ended by the server is somebody else's by now.
fn lost(error: sqlx::Error) -> StoreError {
    if code(&error) == "25P03" || matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) {
        return StoreError::NotClaimed;
    }
    error.into()
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
        sqlx::query("SAVEPOINT turn").execute(&mut *tx).await?;
        match apply(tx, std::slice::from_ref(turn), sealer).await {
            Ok(sends) => {
                outbox |= sends;
                report.committed.push(turn.seq);
            }
            Err(Fail::Database(error)) => return Err(Fail::Database(error)),
            Err(fail @ (Fail::Clash | Fail::Rows | Fail::Broken(_))) => {
                sqlx::query("ROLLBACK TO turn").execute(&mut *tx).await?;
                stopped.insert(&turn.lane);
                if matches!(fail, Fail::Clash) {
                    sqlx::query("UPDATE inbox SET seed = $1 WHERE seq = $2")
                        .bind(plan::fresh_seed(turn.seed))
                        .bind(turn.seq)
                        .execute(&mut *tx)
                        .await?;
                    report.clashed.push(turn.seq);
                } else {
                    report.failed.push(turn.seq);
                }
            }
        }
        sqlx::query("RELEASE turn").execute(&mut *tx).await?;
    }
    Ok(outbox)
}

/// Writes some turns, and returns whether any of them has something to send.
async fn apply(tx: &mut PgConnection, turns: &[Turn], sealer: &Sealer) -> Tried<bool> {
    let mut natives = HashMap::new();
    for turn in turns {
        if let Some(since) = turn.clears_erased() {
            natives.insert(turn.seq, queries::natives(tx, &turn.lane.to_string(), since).await?);
        }
    }
    let batch = Batch::of(turns, &natives, sealer)?;
    write(tx, &batch, sealer).await?;
    Ok(!batch.out.is_empty())
}

async fn write(tx: &mut PgConnection, batch: &Batch, sealer: &Sealer) -> Tried<()> {
    for erasure in &batch.erasures {
        erase(tx, erasure).await?;
    }
    for (seqs, status) in [(&batch.decided, 1_i64), (&batch.parked, 2)] {
        if !seqs.is_empty() {
            sqlx::query("UPDATE inbox SET status = $2 WHERE seq = ANY($1)")
                .bind(seqs)
                .bind(status)
                .execute(&mut *tx)
                .await?;
        }
    }
    states(tx, batch).await?;
    references(tx, batch).await?;
    timers(tx, batch).await?;
    if !batch.audits.is_empty() {
        let rows = &batch.audits;
        sqlx::query(
            "INSERT INTO audit (at, what, by, case_ref)
             SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[])",
        )
        .bind(rows.iter().map(|row| row.at).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.what.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.by.as_deref()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.case.as_deref()).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await?;
    }
    send(tx, batch).await?;
    for redaction in &batch.redactions {
        redact(tx, redaction, sealer).await?;
    }
    Ok(())
}

async fn states(tx: &mut PgConnection, batch: &Batch) -> Tried<()> {
    if batch.states.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = batch.states.values().collect();
    sqlx::query(
        "INSERT INTO conversation (lane, epoch, holder, since, case_ref, urgency, handled, changed, state)
         SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[],
                              $7::bigint[], $8::bigint[], $9::bytea[])
         ON CONFLICT (lane) DO UPDATE SET epoch = excluded.epoch, holder = excluded.holder,
            since = excluded.since, case_ref = excluded.case_ref, urgency = excluded.urgency,
            handled = greatest(conversation.handled, excluded.handled), changed = excluded.changed,
            state = excluded.state",
    )
    .bind(rows.iter().map(|row| row.lane.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.epoch).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.holder).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.since).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.case.as_deref()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.urgency).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.handled()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.changed).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.state.as_slice()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

async fn references(tx: &mut PgConnection, batch: &Batch) -> Tried<()> {
    if !batch.references.is_empty() {
        let written = sqlx::query(
            "INSERT INTO reference (reference, lane) SELECT * FROM unnest($1::text[], $2::text[])
             ON CONFLICT (reference) DO UPDATE SET lane = excluded.lane
             WHERE reference.lane = excluded.lane",
        )
        .bind(batch.references.keys().map(String::as_str).collect::<Vec<_>>())
        .bind(batch.references.values().map(String::as_str).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await?;
        if written.rows_affected() < batch.references.len() as u64 {
            return Err(Fail::Clash);
        }
    }
    let rows = &batch.records;
    if !rows.is_empty() {
        sqlx::query(
            "INSERT INTO record (reference, kind, lane, created, body)
             SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[])",
        )
        .bind(rows.iter().map(|row| row.reference.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.kind.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.lane.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.created).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.body.as_slice()).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn timers(tx: &mut PgConnection, batch: &Batch) -> Tried<()> {
    let gone: Vec<(&str, &str)> = batch
        .timers
        .iter()
        .filter(|(_, to)| to.is_none())
        .map(|((lane, name), _)| (lane.as_str(), name.as_str()))
        .collect();
    if !gone.is_empty() {
        sqlx::query("DELETE FROM timer WHERE (lane, name) IN (SELECT * FROM unnest($1::text[], $2::text[]))")
            .bind(gone.iter().map(|timer| timer.0).collect::<Vec<_>>())
            .bind(gone.iter().map(|timer| timer.1).collect::<Vec<_>>())
            .execute(&mut *tx)
            .await?;
    }
    let set: Vec<(&str, &str, &str, i64)> = batch
        .timers
        .iter()
        .filter_map(|((lane, name), to)| to.as_ref().map(|(step, due)| (&**lane, &**name, &**step, *due)))
        .collect();
    if !set.is_empty() {
        sqlx::query(
            "INSERT INTO timer (lane, name, step, due)
             SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
             ON CONFLICT (lane, name) DO UPDATE SET step = excluded.step, due = excluded.due",
        )
        .bind(set.iter().map(|timer| timer.0).collect::<Vec<_>>())
        .bind(set.iter().map(|timer| timer.1).collect::<Vec<_>>())
        .bind(set.iter().map(|timer| timer.2).collect::<Vec<_>>())
        .bind(set.iter().map(|timer| timer.3).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn send(tx: &mut PgConnection, batch: &Batch) -> Tried<()> {
    let rows = &batch.out;
    if rows.is_empty() {
        return Ok(());
    }
    // In order, so that two processes never wait for each other's rows of `sending`.
    let mut lanes: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for row in rows {
        let lane = lanes.entry(&row.lane).or_insert((row.rank, row.made));
        lane.0 = lane.0.min(row.rank);
    }
    sqlx::query(
        "INSERT INTO outbox (id, lane, person, kind, rank, place, epoch, gate, erase, made, body)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
                              $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bytea[])",
    )
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.lane.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.person.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.kind).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.rank).collect::<Vec<_>>())
    .bind(rows.iter().map(plan::OutRow::place).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.epoch).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| i64::from(row.gate)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| i64::from(row.erase)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.made).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.body.as_slice()).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO sending (lane, rank, ready) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
         ON CONFLICT (lane) DO UPDATE SET rank = least(sending.rank, excluded.rank)",
    )
    .bind(lanes.keys().copied().collect::<Vec<_>>())
    .bind(lanes.values().map(|lane| lane.0).collect::<Vec<_>>())
    .bind(lanes.values().map(|lane| lane.1).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
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
    sqlx::query("DELETE FROM inbox WHERE lane = $1 AND seq <= $2")
        .bind(&erasure.lane)
        .bind(erasure.seq)
        .execute(&mut *tx)
        .await?;
    for sql in erasure.statements() {
        sqlx::query(sql).bind(&erasure.lane).execute(&mut *tx).await?;
    }
    Ok(())
}
