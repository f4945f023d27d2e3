//! What waits in the inbox: claiming, timers, replay.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::{PgConnection, Row};
use tokio::time::sleep_until;

use super::{
    Hold, NAME, Postgres, Result, again,
    receive::{append, lock_lanes},
};
use crate::{
    arrival::{self, Arrival},
    error::Fail,
    rows, seal,
    signals::Changes,
    work::{self, Claim},
};

type Tried<T> = std::result::Result<T, Fail>;

/// An input that is handed out: seq, lane, native, received, seed, tries before, body.
type Handed = (i64, String, Option<String>, i64, i64, i64, Option<Vec<u8>>);

/// Waiting inputs among which a claim looks for conversations, unless all of them are held.
const WINDOW: i64 = 1024;

/// Conversations of its own that a claim looks at, at most.
const OWN: usize = 1024;

impl Postgres {
    /// The oldest that waits, whoever took it in.
    pub(crate) async fn claim(&self, limit: usize) -> Result<Option<Claim>> {
        self.claim_up_to(i64::MAX, limit).await
    }

    async fn claim_up_to(&self, seq: i64, limit: usize) -> Result<Option<Claim>> {
        let mut window = WINDOW;
        loop {
            let waiting = self.waiting(seq, window).await.map_err(Fail::into_error)?;
            let Waiting { lanes, all, last, others } = waiting;
            let held = self.hold(&lanes, limit).await.map_err(Fail::into_error)?;
            self.own.looked(last, held.more, others);
            // What waited in front is held by others: look behind it once.
            if held.claim.is_some() || all || window > WINDOW {
                return Ok(held.claim);
            }
            window = i64::MAX;
        }
    }

    /// What this process took in, and from time to time whatever waits.
    pub(crate) async fn claim_soon(&self, limit: usize) -> Result<Option<Claim>> {
        if let Some(seq) = self.own.is_to_look()
            && let Some(claim) = self.claim_up_to(seq, limit).await?
        {
            return Ok(Some(claim));
        }
        loop {
            if self.own.rests().is_some() {
                return Ok(None);
            }
            let lanes = self.own.take(OWN);
            if lanes.is_empty() {
                return Ok(None);
            }
            let held = self.hold(&lanes, limit).await;
            let done = match &held {
                Ok(held) if !held.more => &held.lanes[..],
                Ok(_) | Err(_) => &[],
            };
            let left: Vec<String> = lanes.into_iter().filter(|lane| !done.contains(lane)).collect();
            // Others may have decided some meanwhile: then what is left is tried.
            let over = left.is_empty() || done.is_empty();
            self.own.note(left);
            let Held { claim, more, .. } = held.map_err(Fail::into_error)?;
            if claim.is_some() {
                self.own.claimed(more);
            }
            if claim.is_some() || over {
                return Ok(claim);
            }
        }
    }

    /// One of this process looks at a time: a second would find what the first is about to take.
    pub(crate) async fn claim_next(&self, limit: usize, changes: impl FnOnce() -> Changes) -> Result<Claim> {
        let _looking = self.looking.lock().await;
        let mut changes = changes();
        loop {
            if let Some(claim) = self.claim_soon(limit).await? {
                return Ok(claim);
            }
            match self.own.rests() {
                Some(until) => sleep_until(until.into()).await,
                None => changes.changed().await,
            }
        }
    }

    /// Where the oldest inputs wait, up to this one.
    async fn waiting(&self, seq: i64, window: i64) -> Tried<Waiting> {
        let mut looking = self.work.take().await?;
        let found: Vec<(String, i64)> = sqlx::query_as(
            "SELECT lane, count(*)
             FROM (SELECT lane, seq FROM inbox WHERE status = 0 AND seq <= $1 ORDER BY seq LIMIT $2) w
             GROUP BY lane ORDER BY min(seq)",
        )
        .bind(seq)
        .bind(window)
        .fetch_all(&mut *looking)
        .await?;
        let (processes, last): (i64, i64) = sqlx::query_as(
            "SELECT count(DISTINCT application_name), (SELECT coalesce(max(seq), 0) FROM inbox)
             FROM pg_stat_activity WHERE datname = current_database()
             AND starts_with(application_name, $1)",
        )
        .bind(NAME)
        .fetch_one(&mut *looking)
        .await?;
        looking.rest();
        let all = found.iter().map(|(_, inputs)| inputs).sum::<i64>() < window;
        let lanes = found.into_iter().map(|(lane, _)| lane).collect();
        Ok(Waiting { lanes, all, last, others: processes > 1 })
    }

    /// Claims what waits in those of these conversations that nobody holds.
    async fn hold(&self, lanes: &[String], limit: usize) -> Tried<Held> {
        if lanes.is_empty() {
            return Ok(Held::default());
        }
        let mut tx = self.claims.begin().await?;
        let mut locked = lock(&mut tx, lanes, limit).await?;
        let new: Vec<String> = locked.extract_if(.., |row| row.2).map(|row| row.0).collect();
        if !new.is_empty() {
            // A row to lock, for those that have none yet. Committed at once: uncommitted it would
            // make every other claimer wait.
            let mut connection = self.work.take().await?;
            sqlx::query(
                "INSERT INTO conversation (lane) SELECT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING",
            )
            .bind(&new)
            .execute(&mut *connection)
            .await?;
            connection.rest();
            locked.extend(lock(&mut tx, &new, limit.saturating_sub(locked.len())).await?);
        }
        let lanes: Vec<String> = locked.iter().map(|row| row.0.clone()).collect();
        let found =
            if locked.is_empty() { Vec::new() } else { self.hand_out(&mut tx, &lanes, limit).await? };
        if found.is_empty() {
            tx.roll_back().await?;
            return Ok(Held { lanes, ..Held::default() });
        }
        let more = found.len() >= limit || found.iter().any(|row| work::is_suspect(row.5));
        let mut states: HashMap<String, Option<Vec<u8>>> =
            locked.into_iter().map(|(lane, state, _)| (lane, state)).collect();
        let mut gather = work::Gather::default();
        for (seq, lane, native, received, seed, tries, body) in found {
            let state = work::State::Sealed(states.get_mut(&lane).and_then(Option::take));
            let found = work::Found { seq, lane, native, received, seed, tries, body, state };
            gather.add(&self.sealer, found)?;
        }
        let claim = Claim { works: gather.done(), hold: work::Hold::Postgres(Hold(tx)) };
        Ok(Held { claim: Some(claim), lanes, more })
    }

    /// What waits in locked conversations, in the order of its seq and each with its tries before this one.
    ///
    /// A statement of its own, so that it sees what the former holders committed. A try that was not
    /// counted when the input was taken in is counted now, on a connection of its own: it must be on disk
    /// before the engine runs.
    async fn hand_out(&self, tx: &mut PgConnection, lanes: &[String], limit: usize) -> Tried<Vec<Handed>> {
        let mut found: Vec<Handed> = sqlx::query_as(
            "SELECT seq, lane, native, received, seed, tries, body FROM inbox
             WHERE status = 0 AND lane = ANY($1) ORDER BY seq LIMIT $2",
        )
        .bind(lanes)
        .bind(rows::at_most(limit))
        .fetch_all(tx)
        .await?;
        let mut again = Vec::new();
        for row in &mut found {
            // Another process may have tried it meanwhile.
            if self.own.is_untried(row.0) && row.5 == 1 {
                row.5 = 0;
            } else {
                again.push(row.0);
            }
        }
        found.truncate(work::together(found.iter().map(|row| row.5)));
        again.retain(|seq| found.iter().any(|row| row.0 == *seq));
        if !again.is_empty() {
            let mut connection = self.work.take().await?;
            sqlx::query("UPDATE inbox SET tries = tries + 1 WHERE seq = ANY($1)")
                .bind(again)
                .execute(&mut *connection)
                .await?;
            connection.rest();
        }
        Ok(found)
    }

    pub(crate) async fn due_timers(&self, now: Timestamp, seeds: Vec<i64>) -> Result<usize> {
        let now = now.as_microsecond();
        again(|| async {
            let mut tx = self.pool.begin().await?;
            let mut due: Vec<(String, String, String, i64)> = sqlx::query_as(
                "DELETE FROM timer WHERE (lane, name) IN
                   (SELECT lane, name FROM timer WHERE due <= $1 ORDER BY due, lane, name LIMIT $2
                    FOR UPDATE SKIP LOCKED)
                 RETURNING lane, name, step, due",
            )
            .bind(now)
            .bind(rows::at_most(seeds.len()))
            .fetch_all(&mut *tx)
            .await?;
            due.sort_by(|a, b| (a.3, &a.0, &a.1).cmp(&(b.3, &b.0, &b.1)));
            let mut arrivals = Vec::with_capacity(due.len());
            for ((lane, name, step, at), seed) in due.into_iter().zip(&seeds) {
                arrivals.push(arrival::timer(lane, name, step, at, *seed, now)?);
            }
            lock_lanes(&mut tx, &arrivals, &self.sealer).await?;
            append(&mut tx, &arrivals.iter().collect::<Vec<_>>(), &self.sealer).await?;
            tx.commit().await?;
            let due = arrivals.len();
            self.own.note(arrivals.into_iter().map(|arrival| arrival.lane));
            Ok(due)
        })
        .await
    }

    pub(crate) async fn replay(&self, seq: i64) -> Result<()> {
        again(|| async {
            let mut tx = self.pool.begin().await?;
            let row = sqlx::query(
                "UPDATE inbox SET status = 1 WHERE seq = $1 AND status = 2
                 RETURNING lane, native, origin, seed, received, body",
            )
            .bind(seq)
            .fetch_optional(&mut *tx)
            .await?;
            let missing = || Fail::Database(crate::error::StoreError::Missing);
            let row = row.ok_or_else(missing)?;
            let body: Vec<u8> = row.try_get::<Option<Vec<u8>>, _>(5)?.ok_or_else(missing)?;
            let arrival = Arrival {
                key: [0; 16],
                order: 0,
                lane: row.try_get(0)?,
                native: row.try_get(1)?,
                origin: row.try_get(2)?,
                seed: row.try_get(3)?,
                received: row.try_get(4)?,
                body: self.sealer.open(seal::INBOX, &seq.to_be_bytes(), &body)?,
                proof: None,
            };
            lock_lanes(&mut tx, std::slice::from_ref(&arrival), &self.sealer).await?;
            append(&mut tx, &[&arrival], &self.sealer).await?;
            tx.commit().await?;
            self.own.note([arrival.lane]);
            Ok(())
        })
        .await
    }
}

/// What a look at all that waits finds.
struct Waiting {
    /// The conversations in which the oldest inputs wait.
    lanes: Vec<String>,
    /// There are no more.
    all: bool,
    /// The last message that there is.
    last: i64,
    /// There are other processes.
    others: bool,
}

/// What became of conversations that were to be claimed.
#[derive(Default)]
struct Held {
    claim: Option<Claim>,
    /// Those that nobody held.
    lanes: Vec<String>,
    /// More waits in them than was handed out.
    more: bool,
}

/// Locks some of these conversations, and tells which of them have no row yet.
pub(super) async fn lock(
    tx: &mut PgConnection,
    lanes: &[String],
    limit: usize,
) -> Tried<Vec<(String, Option<Vec<u8>>, bool)>> {
    Ok(sqlx::query_as(
        "WITH locked AS MATERIALIZED (
            SELECT c.lane, c.state FROM unnest($1::text[]) WITH ORDINALITY w (lane, nth)
            JOIN conversation c ON c.lane = w.lane ORDER BY w.nth LIMIT $2 FOR UPDATE OF c SKIP LOCKED)
         SELECT lane, state, false FROM locked
         UNION ALL
         SELECT w.lane, NULL, true FROM unnest($1::text[]) w (lane)
         WHERE (SELECT true FROM conversation c WHERE c.lane = w.lane) IS NULL",
    )
    .bind(lanes)
    .bind(rows::at_most(limit))
    .fetch_all(tx)
    .await?)
}
