//! What goes out: leases and how sends ended.
//!
//! Whoever leases or ends holds the rows of `sending` first, in the order of their lanes when it
//! waits for them.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chatbox_core::ids::OutboxId;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::{
    Postgres, Result, again,
    connections::{BEGIN, Connections},
    written::write,
};
use crate::{
    error::Fail,
    plan, rows,
    seal::Sealer,
    sends::{self, Leases, Reach, SendEnd, SendJob, SendLimits, Sends},
    views,
};

type Tried<T> = std::result::Result<T, Fail>;

/// How soon to look again at a lane of the desk while another process is at work on the person's.
const BUSY: i64 = 50_000;

/// So long what others put into the outbox waits when sends end, at most.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Leases hold by each process's own clock: one that is further off than this, in microseconds, takes away what
/// another has in hand, or leaves alone what nobody has.
const CLOCKS_APART: i64 = 5_000_000;

/// Somebody is told of it this often.
const TELL_EVERY: Duration = Duration::from_mins(10);

/// How a send ended.
pub(super) type End = (OutboxId, i64, SendEnd);

/// What came of ends that were written down.
pub(super) struct Finished {
    /// Those that were refused.
    pub(super) late: Vec<OutboxId>,
    /// Something can be sent that waited for one of them, or is to be tried again.
    pub(super) left: bool,
}

/// When the outbox was last looked at.
#[derive(Default)]
pub(super) struct Looked(Mutex<Option<Instant>>);

/// When it was last told that clocks are apart.
#[derive(Default)]
pub(super) struct Clocks(Mutex<Option<Instant>>);

impl Clocks {
    /// By how many seconds our clock is behind the database's (less than 0: before it), if that has to be told now.
    fn apart(&self, ours: i64, theirs: i64) -> Option<i64> {
        let apart = theirs.saturating_sub(ours);
        if apart.abs() <= CLOCKS_APART {
            return None;
        }
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|told| told.elapsed() < TELL_EVERY) {
            return None;
        }
        *told = Some(Instant::now());
        Some(apart / 1_000_000)
    }
}

impl Looked {
    /// Something may be there to be sent.
    pub(super) fn forget(&self) {
        *self.lock() = None;
    }

    fn now(&self) {
        *self.lock() = Some(Instant::now());
    }

    /// When to look again. `None`: now.
    fn rests(&self) -> Option<Duration> {
        let until = (*self.lock())? + LOOK_EVERY;
        Some(until.saturating_duration_since(Instant::now())).filter(|rest| !rest.is_zero())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Postgres {
    pub(crate) async fn claim_sends(
        &self,
        now: Timestamp,
        limits: SendLimits,
        reach: Reach,
    ) -> Result<Sends> {
        self.ahead.allow(limits, reach);
        let (ready, next) = self.look(now.as_microsecond(), reach).await.map_err(Fail::into_error)?;
        let (jobs, until) = if ready && limits.lanes > 0 {
            again(|| self.try_claim_sends(now, limits, reach)).await?
        } else {
            (Vec::new(), None)
        };
        let next = next.into_iter().chain(until).min();
        Ok(Sends { jobs, next: next.map(|next| views::time(next, "sending", "ready")).transpose()? })
    }

    /// Whether a lane can be sent to, and when the next one can.
    async fn look(&self, now: i64, reach: Reach) -> Tried<(bool, Option<i64>)> {
        let mut connection = self.work.take().await?;
        self.looked.now();
        let can = reach.and();
        let (ready, next, theirs) = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT EXISTS (SELECT FROM sending WHERE ready <= $1{can}),
                    (SELECT min(ready) FROM sending WHERE ready > $1{can}),
                    (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
        )))
        .bind(now)
        .fetch_one(&mut *connection)
        .await?;
        connection.rest();
        if let Some(seconds) = self.clocks.apart(now, theirs) {
            tracing::warn!(
                store.clock_behind_s = seconds,
                "this machine's clock is not the database's: processes may send twice, or late. Set both by NTP"
            );
        }
        Ok((ready, next))
    }

    /// Leases, and returns the jobs and when the first of the lanes that were looked at is ready again.
    async fn try_claim_sends(
        &self,
        at: Timestamp,
        limits: SendLimits,
        reach: Reach,
    ) -> Tried<(Vec<SendJob>, Option<i64>)> {
        let now = at.as_microsecond();
        let mut tx = self.work.begin().await?;
        let lanes: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
            "SELECT lane FROM sending WHERE ready <= $1{} ORDER BY rank, ready LIMIT $2
             FOR UPDATE SKIP LOCKED",
            reach.and()
        )))
        .bind(now)
        .bind(rows::at_most(limits.lanes))
        .fetch_all(&mut *tx)
        .await?;
        if lanes.is_empty() {
            tx.roll_back().await?;
            return Ok((Vec::new(), None));
        }
        let mut leases = Leases::new(at, limits);
        let heads = sqlx::query(
            "SELECT o.id, o.lane, o.person, o.kind, o.epoch, o.gate, o.made, o.fence, o.handed, o.unknown,
                    o.body, c.epoch
             FROM unnest($1::text[]) WITH ORDINALITY l (lane, nth)
             CROSS JOIN LATERAL (SELECT * FROM outbox q WHERE q.lane = l.lane AND q.status = 0
                                 ORDER BY q.place, q.id LIMIT $2) o
             LEFT JOIN conversation c ON c.lane = o.person
             ORDER BY l.nth, o.place, o.id",
        )
        .bind(&lanes)
        .bind(rows::at_most(limits.per_lane.max(1)))
        .fetch_all(&mut *tx)
        .await?;
        for row in &heads {
            leases.add(sends::Head {
                id: row.try_get(0)?,
                lane: row.try_get(1)?,
                person: row.try_get(2)?,
                kind: row.try_get(3)?,
                epoch: row.try_get(4)?,
                gate: row.try_get::<i64, _>(5)? == 1,
                made: row.try_get(6)?,
                fence: row.try_get(7)?,
                handed: row.try_get::<i64, _>(8)? == 1,
                unknown: row.try_get(9)?,
                body: row.try_get(10)?,
                current: row.try_get(11)?,
            });
        }
        let persons = leases.gated();
        if !persons.is_empty() {
            leases.close_gates(&flying(&mut tx, &persons, now).await?);
        }
        let leased = leases.done(&self.sealer);
        if !leased.broken.is_empty() {
            sqlx::query("UPDATE outbox SET status = 4 WHERE id = ANY($1)")
                .bind(&leased.broken)
                .execute(&mut *tx)
                .await?;
        }
        let idle: Vec<&str> =
            lanes.iter().filter(|lane| !leased.ready.contains_key(*lane)).map(String::as_str).collect();
        if !idle.is_empty() {
            delete_empty(&mut tx, &idle).await?;
        }
        sqlx::query(
            "WITH lanes AS (
                UPDATE sending SET ready = j.ready FROM unnest($1::text[], $2::bigint[]) j (lane, ready)
                WHERE sending.lane = j.lane)
             UPDATE outbox SET fence = fence + 1, unknown = unknown + handed, handed = 1 WHERE id = ANY($3)",
        )
        .bind(leased.ready.keys().map(String::as_str).collect::<Vec<_>>())
        .bind(leased.ready.values().copied().collect::<Vec<_>>())
        .bind(&leased.rows)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok((leased.jobs, leased.ready.into_values().min()))
    }

    pub(crate) async fn finish_sends(&self, ends: Vec<End>, now: Timestamp) -> Result<Vec<OutboxId>> {
        Ok(self.finish(ends, now).await?.late)
    }

    /// Nothing is looked for right after a look, unless something is known to be there.
    pub(crate) async fn exchange_sends(
        &self,
        ends: Vec<End>,
        now: Timestamp,
        limits: SendLimits,
        reach: Reach,
    ) -> Result<(Vec<OutboxId>, Result<Sends>)> {
        let Finished { late, left: _ } = self.finish(ends, now).await?;
        if let Some(rest) = self.looked.rests() {
            self.ahead.allow(limits, reach);
            let next = now.checked_add(rest).unwrap_or(Timestamp::MAX);
            return Ok((late, Ok(Sends { jobs: Vec::new(), next: Some(next) })));
        }
        Ok((late, self.claim_sends(now, limits, reach).await))
    }

    async fn finish(&self, ends: Vec<End>, now: Timestamp) -> Result<Finished> {
        let finished = self.together.finish(ends, now.as_microsecond()).await?;
        if finished.left {
            self.looked.forget();
        }
        Ok(finished)
    }
}

/// What must be held while ends are written down: their own lanes, and those of the desk that may have
/// waited for one of them to be over.
macro_rules! wanted {
    () => {
        "ended AS MATERIALIZED (SELECT lane, person FROM outbox WHERE id = ANY($1)),
         wanted AS MATERIALIZED (
            SELECT lane FROM ended
            UNION SELECT lane FROM outbox
            WHERE gate = 1 AND status = 0 AND person = ANY(ARRAY(SELECT person FROM ended)))"
    };
}

/// The ids of ends, as rows.
pub(super) fn ids(ends: &[End]) -> impl Iterator<Item = i64> {
    ends.iter().map(|end| plan::row_id(end.0))
}

/// A transaction of its own, which waits for whoever is at work on the same lanes.
pub(super) async fn alone(work: &Connections, sealer: &Sealer, ends: &[End], now: i64) -> Tried<Finished> {
    let mut tx = work.begin().await?;
    sqlx::query(concat!(
        "WITH ",
        wanted!(),
        " SELECT FROM sending WHERE lane = ANY(ARRAY(SELECT lane FROM wanted)) ORDER BY lane FOR UPDATE"
    ))
    .bind(ids(ends).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
    let (written, _) = write(&mut tx, (ends, now), &[], sealer).await?;
    tx.commit().await?;
    Ok(written.of(ends))
}

/// Begins a transaction, locks what `alone` would lock for these ids, as far as nobody else holds it, and tells whether that was
/// all; and by the same way the conversations behind `locks`, and returns the places of those that nobody
/// else holds, each with a seq.
pub(super) async fn hold(
    tx: &mut PgConnection,
    ids: impl Iterator<Item = i64>,
    locks: impl Iterator<Item = i64>,
) -> Tried<(bool, Vec<(i64, i64)>)> {
    let text = AssertSqlSafe(format!("{BEGIN}; EXECUTE hold ({}, {})", numbers(ids), numbers(locks)));
    let rows = sqlx::raw_sql(text).fetch_all(tx).await?;
    let mut everything = true;
    let mut free = Vec::with_capacity(rows.len());
    for row in rows {
        everything &= row.try_get::<bool, _>(0)?;
        free.extend(row.try_get::<Option<i64>, _>(1)?.zip(row.try_get::<Option<i64>, _>(2)?));
    }
    Ok((everything, free))
}

/// An array of numbers, as a statement that has no parameters spells it.
fn numbers(numbers: impl Iterator<Item = i64>) -> String {
    let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
    format!("'{{{}}}'", numbers.join(","))
}

/// What [`hold`] runs, prepared on each of the loops' connections under this name: so it can be asked for in one
/// text with the beginning of its transaction.
pub(super) const HOLD: &str = concat!(
    "PREPARE hold (bigint[], bigint[]) AS WITH ",
    wanted!(),
    ", held AS MATERIALIZED (
        SELECT FROM sending WHERE lane = ANY(ARRAY(SELECT lane FROM wanted)) FOR UPDATE SKIP LOCKED)
     SELECT everything, nth, seq
     FROM (SELECT (SELECT count(*) FROM held)
                  = (SELECT count(*) FROM sending WHERE lane = ANY(ARRAY(SELECT lane FROM wanted)))
                  AS everything) h
     LEFT JOIN (SELECT nth, nextval('inbox_seq_seq') AS seq
                FROM (SELECT nth FROM unnest($2) WITH ORDINALITY l (lock, nth)
                      WHERE pg_try_advisory_xact_lock(lock) ORDER BY nth) free) f ON true"
);

/// Persons with a leased row of the bot, its oldest epoch, the end of its lease.
async fn flying(tx: &mut PgConnection, persons: &[String], now: i64) -> Tried<Vec<(String, i64, i64)>> {
    // A row that cannot be locked is being leased by another process at this moment: what it
    // leases cannot be seen yet.
    let busy: Vec<String> = sqlx::query_scalar(
        "WITH free AS (SELECT lane FROM sending WHERE lane = ANY($1) FOR UPDATE SKIP LOCKED)
         SELECT lane FROM sending WHERE lane = ANY($1) AND lane NOT IN (SELECT lane FROM free)",
    )
    .bind(persons)
    .fetch_all(&mut *tx)
    .await?;
    let mut flying: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT o.lane, min(o.epoch), max(s.ready) FROM outbox o JOIN sending s ON s.lane = o.lane
         WHERE o.lane = ANY($1) AND o.status = 0 AND o.handed = 1 AND o.kind = $2 AND s.ready > $3
         GROUP BY o.lane",
    )
    .bind(persons)
    .bind(plan::BOT)
    .bind(now)
    .fetch_all(&mut *tx)
    .await?;
    // That one ends within a moment, and what was leased before counts anew then.
    flying.retain(|(person, ..)| !busy.contains(person));
    flying.extend(busy.into_iter().map(|person| (person, i64::MIN, now + BUSY)));
    Ok(flying)
}

/// Takes lanes away that have nothing queued, and returns how many.
async fn delete_empty(tx: &mut PgConnection, lanes: &[&str]) -> Tried<u64> {
    let gone = sqlx::query(
        "DELETE FROM sending WHERE lane = ANY($1)
         AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.lane = sending.lane AND o.status = 0)",
    )
    .bind(lanes)
    .execute(tx)
    .await?;
    Ok(gone.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_that_is_not_the_databases_is_told_of_once_in_a_while() {
        let clocks = Clocks::default();
        assert_eq!(clocks.apart(0, CLOCKS_APART), None, "so much is no harm");
        assert_eq!(clocks.apart(60_000_000, 0), Some(-60));
        assert_eq!(clocks.apart(60_000_000, 0), None, "and not with every look");
        assert_eq!(Clocks::default().apart(0, 6_000_000), Some(6));
    }
}
