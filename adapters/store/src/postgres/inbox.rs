//! What comes in: receiving, claiming, timers.

use jiff::Timestamp;
use sqlx::{PgConnection, Row};

use super::{Hold, Postgres, Result, again, enrolment};
use crate::{
    plan::{self, Arrival, Fail},
    rows,
    seal::{self, Sealer},
    work::{self, Claim},
};

type Tried<T> = std::result::Result<T, Fail>;

/// Waiting inputs among which a claim looks for conversations, unless all of them are held.
const WINDOW: i64 = 1024;

impl Postgres {
    pub(crate) async fn receive(
        &self,
        arrivals: Vec<Arrival>,
        cursor: Option<(String, String)>,
    ) -> Result<usize> {
        again(|| async {
            let mut tx = self.pool.begin().await?;
            lock_lanes(&mut tx, &arrivals, &self.sealer).await?;
            // Codes are rare: everything else goes as it is.
            let mut proving;
            let mut arrivals = &arrivals[..];
            if arrivals.iter().any(|arrival| arrival.proof.is_some()) {
                proving = arrivals.to_vec();
                enrolment::redeem(&mut tx, &self.sealer, &mut proving).await?;
                arrivals = &proving[..];
            }
            let new = insert(&mut tx, arrivals, &self.sealer).await?;
            if let Some((channel, value)) = &cursor {
                sqlx::query(
                    "INSERT INTO cursor (channel, value) VALUES ($1, $2)
                     ON CONFLICT (channel) DO UPDATE SET value = excluded.value",
                )
                .bind(channel)
                .bind(value)
                .execute(&mut *tx)
                .await?;
            }
            tx.commit().await?;
            Ok(new)
        })
        .await
    }

    pub(crate) async fn claim(&self, limit: usize) -> Result<Option<Claim>> {
        let mut window = WINDOW;
        loop {
            match self.try_claim(limit, window).await.map_err(Fail::into_error)? {
                Looked::Claimed(claim) => return Ok(Some(claim)),
                // What waited in front is held by others: look behind it once.
                Looked::AllHeld if window == WINDOW => window = i64::MAX,
                Looked::Nothing | Looked::AllHeld => return Ok(None),
            }
        }
    }

    async fn try_claim(&self, limit: usize, window: i64) -> Tried<Looked> {
        // A row to lock, for those that have none yet. Committed at once: uncommitted it would
        // make every other claimer wait.
        let waiting: Vec<String> = sqlx::query_scalar(
            "SELECT w.lane FROM (SELECT lane, seq FROM inbox WHERE status = 0 ORDER BY seq LIMIT $1) w
             GROUP BY w.lane ORDER BY min(w.seq)",
        )
        .bind(window)
        .fetch_all(&self.pool)
        .await?;
        if waiting.is_empty() {
            return Ok(Looked::Nothing);
        }
        let mut tx = self.claims.begin().await?;
        let mut locked = lock(&mut tx, &waiting, limit).await?;
        if locked.len() < waiting.len().min(limit) {
            let made = sqlx::query(
                "INSERT INTO conversation (lane)
                 SELECT w.lane FROM unnest($1::text[]) w (lane)
                 WHERE NOT EXISTS (SELECT 1 FROM conversation c WHERE c.lane = w.lane)
                 ON CONFLICT DO NOTHING",
            )
            .bind(&waiting)
            .execute(&self.pool)
            .await?;
            if made.rows_affected() > 0 {
                locked = lock(&mut tx, &waiting, limit).await?;
            }
        }
        if locked.is_empty() {
            return Ok(Looked::AllHeld);
        }
        let lanes: Vec<&str> = locked.iter().map(|(lane, _)| lane.as_str()).collect();
        // A statement of its own, so that it sees what the former holders committed.
        let mut found = sqlx::query(
            "SELECT seq, lane, native, received, seed, tries, body FROM inbox
             WHERE status = 0 AND lane = ANY($1) ORDER BY seq LIMIT $2",
        )
        .bind(&lanes)
        .bind(rows::count(limit))
        .fetch_all(&mut *tx)
        .await?;
        if found.is_empty() {
            return Ok(Looked::AllHeld);
        }
        let tries: Vec<i64> = found.iter().map(|row| row.try_get(5)).collect::<sqlx::Result<_>>()?;
        found.truncate(work::together(tries.into_iter()));
        let mut seqs: Vec<i64> = Vec::with_capacity(found.len());
        let mut gather = work::Gather::default();
        for row in &found {
            let (seq, lane): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
            seqs.push(seq);
            let state = locked.iter_mut().find(|(of, _)| *of == lane).and_then(|(_, state)| state.take());
            gather.add(
                &self.sealer,
                work::Found {
                    seq,
                    lane,
                    native: row.try_get(2)?,
                    received: row.try_get(3)?,
                    seed: row.try_get(4)?,
                    tries: row.try_get(5)?,
                    body: row.try_get(6)?,
                    state: work::State::Sealed(state),
                },
            )?;
        }
        // On a connection of its own: it must be on disk before the engine runs.
        sqlx::query("UPDATE inbox SET tries = tries + 1 WHERE seq = ANY($1)")
            .bind(&seqs)
            .execute(&self.pool)
            .await?;
        let works = gather.done();
        Ok(Looked::Claimed(Claim { works, hold: work::Hold::Postgres(Hold(tx)) }))
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
            .bind(rows::count(seeds.len()))
            .fetch_all(&mut *tx)
            .await?;
            due.sort_by(|a, b| (a.3, &a.0, &a.1).cmp(&(b.3, &b.0, &b.1)));
            let mut arrivals = Vec::with_capacity(due.len());
            for ((lane, name, step, at), seed) in due.into_iter().zip(&seeds) {
                arrivals.push(plan::timer(lane, name, step, at, *seed, now)?);
            }
            lock_lanes(&mut tx, &arrivals, &self.sealer).await?;
            append(&mut tx, &arrivals.iter().collect::<Vec<_>>(), &self.sealer).await?;
            tx.commit().await?;
            Ok(arrivals.len())
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
            Ok(())
        })
        .await
    }
}

enum Looked {
    Claimed(Claim),
    Nothing,
    AllHeld,
}

async fn lock(
    tx: &mut PgConnection,
    waiting: &[String],
    limit: usize,
) -> Tried<Vec<(String, Option<Vec<u8>>)>> {
    Ok(sqlx::query_as(
        "SELECT c.lane, c.state FROM unnest($1::text[]) WITH ORDINALITY w (lane, nth)
         JOIN conversation c ON c.lane = w.lane ORDER BY w.nth LIMIT $2 FOR UPDATE OF c SKIP LOCKED",
    )
    .bind(waiting)
    .bind(rows::count(limit))
    .fetch_all(tx)
    .await?)
}

/// Whoever appends to a conversation holds its lock until the commit, so that a lower seq of it is
/// never committed after a higher one.
async fn lock_lanes(tx: &mut PgConnection, arrivals: &[Arrival], sealer: &Sealer) -> Tried<()> {
    let mut locks: Vec<i64> = arrivals
        .iter()
        .map(|arrival| {
            let hash = u128::from_be_bytes(sealer.hash("lane", &[&arrival.lane]));
            ((hash >> 64) as u64).cast_signed()
        })
        .collect();
    locks.sort_unstable();
    locks.dedup();
    if !locks.is_empty() {
        sqlx::query("SELECT pg_advisory_xact_lock(k) FROM unnest($1::bigint[]) k")
            .bind(&locks)
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// Inserts those not seen before, and returns how many they were.
async fn insert(tx: &mut PgConnection, arrivals: &[Arrival], sealer: &Sealer) -> Tried<usize> {
    if arrivals.is_empty() {
        return Ok(0);
    }
    let keys: Vec<&[u8]> = arrivals.iter().map(|arrival| &arrival.key[..]).collect();
    let fresh: Vec<Vec<u8>> = sqlx::query_scalar(
        "INSERT INTO seen (key, at) SELECT k, $2 FROM unnest($1::bytea[]) k
         ON CONFLICT DO NOTHING RETURNING key",
    )
    .bind(&keys)
    .bind(arrivals[0].received)
    .fetch_all(&mut *tx)
    .await?;
    let new: Vec<&Arrival> = arrivals.iter().filter(|a| fresh.iter().any(|key| key[..] == a.key)).collect();
    append(tx, &new, sealer).await?;
    Ok(new.len())
}

async fn append(tx: &mut PgConnection, arrivals: &[&Arrival], sealer: &Sealer) -> Tried<()> {
    if arrivals.is_empty() {
        return Ok(());
    }
    // The seq is bound into the sealed body, so it must be known before.
    let mut seqs: Vec<i64> = sqlx::query_scalar(
        "SELECT nextval(pg_get_serial_sequence('inbox', 'seq')) FROM generate_series(1, $1::bigint)",
    )
    .bind(rows::count(arrivals.len()))
    .fetch_all(&mut *tx)
    .await?;
    seqs.sort_unstable();
    let bodies: Vec<Vec<u8>> = arrivals
        .iter()
        .zip(&seqs)
        .map(|(arrival, seq)| sealer.seal(seal::INBOX, &seq.to_be_bytes(), &arrival.body))
        .collect();
    sqlx::query(
        "INSERT INTO inbox (seq, lane, native, origin, seed, received, body)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
                              $7::bytea[])",
    )
    .bind(&seqs)
    .bind(arrivals.iter().map(|a| a.lane.as_str()).collect::<Vec<_>>())
    .bind(arrivals.iter().map(|a| a.native.as_deref()).collect::<Vec<_>>())
    .bind(arrivals.iter().map(|a| a.origin).collect::<Vec<_>>())
    .bind(arrivals.iter().map(|a| a.seed).collect::<Vec<_>>())
    .bind(arrivals.iter().map(|a| a.received).collect::<Vec<_>>())
    .bind(&bodies)
    .execute(tx)
    .await?;
    Ok(())
}
