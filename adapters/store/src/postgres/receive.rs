//! Receiving. What is pushed comes one message at a time, from many at once: whatever waits while
//! one transaction is under way shares the next.

use std::{collections::BTreeSet, sync::Arc};

use sqlx::{PgConnection, PgPool};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};

use super::{Postgres, Result, again, connections::Connections, enrol, own::Own};
use crate::{
    arrival::Arrival,
    error::{Fail, StoreError},
    rows,
    seal::{self, Sealer},
};

type Tried<T> = std::result::Result<T, Fail>;

/// Receipts that share a transaction at most, and as many may wait.
const GROUP: usize = 64;

/// Where others are at work so many do not wait for company any more.
const ENOUGH: usize = 16;

/// The receipts of this process. Ends with the last clone.
#[derive(Clone)]
pub(super) struct Receipts(mpsc::Sender<Receipt>);

struct Receipt {
    arrivals: Vec<Arrival>,
    reply: oneshot::Sender<Result<usize>>,
}

impl Receipts {
    pub(super) fn start(work: Connections, pool: PgPool, sealer: Arc<Sealer>, own: Arc<Own>) -> Self {
        let (send, mut waiting) = mpsc::channel(GROUP);
        // A task of its own: whoever asked may be gone before it is done, and the others are not.
        tokio::spawn(async move {
            let mut group = Vec::with_capacity(GROUP);
            // One that comes alone, after a while, does not wait.
            let mut company = Instant::now();
            while waiting.recv_many(&mut group, GROUP).await > 0 {
                while group.len() < ENOUGH && !waiting.is_closed() {
                    let room = GROUP - group.len();
                    if timeout_at(company, waiting.recv_many(&mut group, room)).await.is_err() {
                        break;
                    }
                }
                company = Instant::now() + own.company();
                take_in(&work, &pool, &sealer, &own, std::mem::take(&mut group)).await;
            }
        });
        Self(send)
    }

    async fn ask(&self, arrivals: Vec<Arrival>) -> Result<usize> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Receipt { arrivals, reply }).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

/// Those that cannot share a transaction get one each, and hold up nobody.
async fn take_in(
    work: &Connections,
    pool: &PgPool,
    sealer: &Arc<Sealer>,
    own: &Arc<Own>,
    group: Vec<Receipt>,
) {
    let taken = together(work, sealer, &group).await.unwrap_or_default();
    let taken = taken.into_iter().chain(std::iter::repeat(None));
    for (Receipt { arrivals, reply }, new) in group.into_iter().zip(taken) {
        if let Some(new) = new {
            if new > 0 {
                own.note(arrivals.into_iter().map(|arrival| arrival.lane));
            }
            // Whoever asked may be gone.
            let _ = reply.send(Ok(new));
            continue;
        }
        let (pool, sealer, own) = (pool.clone(), Arc::clone(sealer), Arc::clone(own));
        tokio::spawn(async move {
            let _ = reply.send(alone(&pool, &sealer, &own, arrivals, None).await);
        });
    }
}

/// How many of each receipt were new. `None`: somebody else is writing to one of its conversations.
async fn together(work: &Connections, sealer: &Sealer, group: &[Receipt]) -> Tried<Vec<Option<usize>>> {
    let all: Vec<&Arrival> = group.iter().flat_map(|receipt| &receipt.arrivals).collect();
    let mut tx = work.begin().await?;
    // Each locks its conversation before it takes its seq, so the order within a conversation is that of the seqs.
    let free: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT nth, nextval('inbox_seq_seq')
         FROM (SELECT nth FROM unnest($1::bigint[]) WITH ORDINALITY l (lock, nth)
               WHERE pg_try_advisory_xact_lock(lock) ORDER BY nth) free",
    )
    .bind(all.iter().map(|arrival| lock_of(arrival, sealer)).collect::<Vec<_>>())
    .fetch_all(&mut *tx)
    .await?;
    let mut free = free.into_iter().peekable();
    let mut shares = Vec::with_capacity(group.len());
    let mut taken: Vec<(i64, &Arrival)> = Vec::with_capacity(all.len());
    let mut nth = 0;
    for receipt in group {
        let before = taken.len();
        for arrival in &receipt.arrivals {
            nth += 1;
            taken.extend(free.next_if(|(free, _)| *free == nth).map(|(_, seq)| (seq, arrival)));
        }
        shares.push(taken.len() == before + receipt.arrivals.len());
        if !shares[shares.len() - 1] {
            taken.truncate(before);
        }
    }
    let mut new = insert(&mut tx, &taken, sealer).await?.into_iter();
    tx.commit().await?;
    let mut count = |receipt: &Receipt| new.by_ref().take(receipt.arrivals.len()).filter(|new| *new).count();
    Ok(group.iter().zip(shares).map(|(receipt, shares)| shares.then(|| count(receipt))).collect())
}

async fn alone(
    pool: &PgPool,
    sealer: &Sealer,
    own: &Own,
    arrivals: Vec<Arrival>,
    cursor: Option<(String, String)>,
) -> Result<usize> {
    let new = again(|| async {
        let mut tx = pool.begin().await?;
        lock_lanes(&mut tx, &arrivals, sealer).await?;
        // Codes are rare: everything else goes as it is.
        let mut proving;
        let mut arrivals = &arrivals[..];
        if arrivals.iter().any(|arrival| arrival.proof.is_some()) {
            proving = arrivals.to_vec();
            enrol::redeem(&mut tx, sealer, &mut proving).await?;
            arrivals = &proving[..];
        }
        let seqs = seqs(&mut tx, arrivals.len()).await?;
        let taken: Vec<(i64, &Arrival)> = seqs.into_iter().zip(arrivals).collect();
        let new = insert(&mut tx, &taken, sealer).await?;
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
        Ok(new.into_iter().filter(|new| *new).count())
    })
    .await?;
    if new > 0 {
        own.note(arrivals.into_iter().map(|arrival| arrival.lane));
    }
    Ok(new)
}

impl Postgres {
    pub(crate) async fn receive(
        &self,
        arrivals: Vec<Arrival>,
        cursor: Option<(String, String)>,
    ) -> Result<usize> {
        if cursor.is_some() || arrivals.iter().any(|arrival| arrival.proof.is_some()) {
            return alone(&self.pool, &self.sealer, &self.own, arrivals, cursor).await;
        }
        self.receipts.ask(arrivals).await
    }
}

/// Whoever appends to a conversation holds its lock until the commit, so that a lower seq of it is
/// never committed after a higher one.
pub(super) async fn lock_lanes(tx: &mut PgConnection, arrivals: &[Arrival], sealer: &Sealer) -> Tried<()> {
    let mut locks: Vec<i64> = arrivals.iter().map(|arrival| lock_of(arrival, sealer)).collect();
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

/// The lock of the conversation that it goes to.
fn lock_of(arrival: &Arrival, sealer: &Sealer) -> i64 {
    let hash = u128::from_be_bytes(sealer.hash("lane", &[&arrival.lane]));
    ((hash >> 64) as u64).cast_signed()
}

/// Inserts those not seen before, each under its seq, and tells which they were. Of two with one key
/// the first counts.
async fn insert(tx: &mut PgConnection, arrivals: &[(i64, &Arrival)], sealer: &Sealer) -> Tried<Vec<bool>> {
    let Some((_, first)) = arrivals.first() else { return Ok(Vec::new()) };
    let mut known = BTreeSet::new();
    let firsts: Vec<&(i64, &Arrival)> =
        arrivals.iter().filter(|(_, arrival)| known.insert(arrival.key)).collect();
    let new: Vec<i64> = sqlx::query_scalar(
        "WITH fresh AS (INSERT INTO seen (key, at) SELECT key, $9 FROM unnest($8::bytea[]) j (key)
                        ON CONFLICT DO NOTHING RETURNING key)
         INSERT INTO inbox (seq, lane, native, origin, seed, received, body)
         SELECT seq, lane, native, origin, seed, received, body
         FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
                     $7::bytea[], $8::bytea[]) j (seq, lane, native, origin, seed, received, body, key)
         WHERE key IN (SELECT key FROM fresh)
         RETURNING seq",
    )
    .bind(firsts.iter().map(|(seq, _)| *seq).collect::<Vec<_>>())
    .bind(firsts.iter().map(|(_, a)| a.lane.as_str()).collect::<Vec<_>>())
    .bind(firsts.iter().map(|(_, a)| a.native.as_deref()).collect::<Vec<_>>())
    .bind(firsts.iter().map(|(_, a)| a.origin).collect::<Vec<_>>())
    .bind(firsts.iter().map(|(_, a)| a.seed).collect::<Vec<_>>())
    .bind(firsts.iter().map(|(_, a)| a.received).collect::<Vec<_>>())
    .bind(firsts.iter().map(|(seq, a)| sealed(*seq, a, sealer)).collect::<Vec<_>>())
    .bind(firsts.iter().map(|(_, a)| &a.key[..]).collect::<Vec<_>>())
    .bind(first.received)
    .fetch_all(&mut *tx)
    .await?;
    let new: BTreeSet<i64> = new.into_iter().collect();
    Ok(arrivals.iter().map(|(seq, _)| new.contains(seq)).collect())
}

/// Appends what nothing else can have brought.
pub(super) async fn append(tx: &mut PgConnection, arrivals: &[&Arrival], sealer: &Sealer) -> Tried<()> {
    if arrivals.is_empty() {
        return Ok(());
    }
    let seqs = seqs(tx, arrivals.len()).await?;
    let bodies: Vec<Vec<u8>> =
        arrivals.iter().zip(&seqs).map(|(arrival, seq)| sealed(*seq, arrival, sealer)).collect();
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

/// So many seqs, lowest first. To be taken once the conversations are locked.
async fn seqs(tx: &mut PgConnection, count: usize) -> Tried<Vec<i64>> {
    let mut seqs: Vec<i64> =
        sqlx::query_scalar("SELECT nextval('inbox_seq_seq') FROM generate_series(1, $1::bigint)")
            .bind(rows::at_most(count))
            .fetch_all(tx)
            .await?;
    seqs.sort_unstable();
    Ok(seqs)
}

/// The seq is bound into the sealed body, so it must be known before.
fn sealed(seq: i64, arrival: &Arrival, sealer: &Sealer) -> Vec<u8> {
    sealer.seal(seal::INBOX, &seq.to_be_bytes(), &arrival.body)
}
