//! What nearly every message needs beside its turn: that it is taken in, and how the sends that it led to
//! ended. It comes one at a time, from many at once: whatever of it waits while one transaction is under
//! way shares the next, as each transaction costs the server more than what is in it.

use std::sync::Arc;

use sqlx::PgPool;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};

use super::{
    Result, again,
    connections::Connections,
    outbox::{self, End, Finished},
    own::Own,
    receive::{self, Taken},
    written::{Written, write},
};
use crate::{
    arrival::Arrival,
    error::{Fail, StoreError},
    seal::Sealer,
};

type Tried<T> = std::result::Result<T, Fail>;

/// What shares a transaction at most, and as many may wait.
const GROUP: usize = 64;

/// Where there are other processes so many do not wait for company any more. Telegram pushes over a hundred
/// connections: four processes have little more than this many at a time.
const ENOUGH: usize = 20;

/// The way to the task that works. It ends with the last clone.
#[derive(Clone)]
pub(super) struct Together(mpsc::Sender<Job>);

enum Job {
    Receipt(Receipt),
    Ends(Ends),
}

struct Receipt {
    arrivals: Vec<Arrival>,
    reply: oneshot::Sender<Result<usize>>,
}

/// How sends ended, and when that was known.
struct Ends {
    ends: Vec<End>,
    now: i64,
    reply: oneshot::Sender<Result<Finished>>,
}

/// What whoever works needs.
#[derive(Clone)]
pub(super) struct Means {
    pub(super) work: Connections,
    pub(super) pool: PgPool,
    pub(super) sealer: Arc<Sealer>,
    pub(super) own: Arc<Own>,
}

impl Together {
    pub(super) fn start(means: Means) -> Self {
        let (send, mut waiting) = mpsc::channel(GROUP);
        // A task of its own: whoever asked may be gone before it is done, and the others are not.
        tokio::spawn(async move {
            let mut group = Vec::with_capacity(GROUP);
            // What comes alone, after a while, does not wait.
            let mut company = Instant::now();
            while waiting.recv_many(&mut group, GROUP).await > 0 {
                while group.len() < ENOUGH && !waiting.is_closed() {
                    let room = GROUP - group.len();
                    if timeout_at(company, waiting.recv_many(&mut group, room)).await.is_err() {
                        break;
                    }
                }
                company = Instant::now() + means.own.company();
                work(&means, std::mem::take(&mut group)).await;
            }
        });
        Self(send)
    }

    /// Takes in what came, and tells how much of it was new.
    pub(super) async fn receive(&self, arrivals: Vec<Arrival>) -> Result<usize> {
        let (reply, answer) = oneshot::channel();
        self.ask(Job::Receipt(Receipt { arrivals, reply }), answer).await
    }

    /// Writes down how sends ended.
    pub(super) async fn finish(&self, ends: Vec<End>, now: i64) -> Result<Finished> {
        let (reply, answer) = oneshot::channel();
        self.ask(Job::Ends(Ends { ends, now, reply }), answer).await
    }

    async fn ask<T>(&self, job: Job, answer: oneshot::Receiver<Result<T>>) -> Result<T> {
        self.0.send(job).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

/// Those that cannot share a transaction get one each, and hold up nobody.
async fn work(means: &Means, group: Vec<Job>) {
    let (mut receipts, mut ended) = (Vec::new(), Vec::new());
    for job in group {
        match job {
            Job::Receipt(receipt) => receipts.push(receipt),
            Job::Ends(ends) => ended.push(ends),
        }
    }
    let (taken, written) = together(means, &receipts, &ended).await.unwrap_or_default();
    let taken = taken.into_iter().chain(std::iter::repeat(None));
    for (Receipt { arrivals, reply }, new) in receipts.into_iter().zip(taken) {
        if let Some(new) = new {
            // Whoever asked may be gone.
            let _ = reply.send(Ok(new));
            continue;
        }
        let Means { pool, sealer, own, work: _ } = means.clone();
        tokio::spawn(async move {
            let _ = reply.send(receive::alone(&pool, &sealer, &own, arrivals, None).await);
        });
    }
    for Ends { ends, now, reply } in ended {
        if let Some(written) = &written {
            let _ = reply.send(Ok(written.of(&ends)));
            continue;
        }
        let Means { work, sealer, pool: _, own: _ } = means.clone();
        tokio::spawn(async move {
            let _ = reply.send(again(|| outbox::alone(&work, &sealer, &ends, now)).await);
        });
    }
}

/// How many of each receipt were new; `None`: somebody else is writing to one of its conversations. And
/// what was written of the ends, if nobody else is at work on one of their lanes.
async fn together(
    Means { work, pool: _, sealer, own }: &Means,
    receipts: &[Receipt],
    ended: &[Ends],
) -> Tried<(Vec<Option<usize>>, Option<Written>)> {
    let arrivals = receipts.iter().flat_map(|receipt| &receipt.arrivals);
    let locks = arrivals.map(|arrival| receive::lock_of(arrival, sealer));
    let ends: Vec<End> = ended.iter().flat_map(|ended| ended.ends.iter().cloned()).collect();
    let mut tx = work.take().await?;
    // Each locks its conversation before it takes its seq, so the order within a conversation is that of the seqs.
    let (held, free) = outbox::hold(&mut tx, outbox::ids(&ends), locks).await?;
    let mut free = free.into_iter().peekable();
    let mut shares = Vec::with_capacity(receipts.len());
    let mut taken: Taken<'_> = Vec::new();
    let mut nth = 0;
    for receipt in receipts {
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
    let now = ended.iter().map(|ended| ended.now).max().unwrap_or_default();
    let (written, new) = write(&mut tx, (if held { &ends } else { &[] }, now), &taken, sealer).await?;
    tx.commit().await?;
    own.take_in(taken.iter().zip(&new).filter(|(_, new)| **new).map(|(taken, _)| *taken));
    let mut new = new.into_iter();
    let mut count = |receipt: &Receipt| new.by_ref().take(receipt.arrivals.len()).filter(|new| *new).count();
    let new = receipts.iter().zip(shares).map(|(receipt, shares)| shares.then(|| count(receipt))).collect();
    Ok((new, held.then_some(written)))
}
