//! Sends what stands in the outbox: lease, check, send, write down how it ended.
//!
//! Order holds within a lane, and no lane waits for another. Nothing that must arrive is ever
//! given up, unless the platform refuses it for good.

mod amend;
mod desk;
mod files;
mod outlet;
#[cfg(test)]
mod refusals;
mod send;

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc, time::Duration};

use chatbox_core::{
    channel::{Channel, Incoming},
    ids::OutboxId,
};
use chatbox_store::{Destination, SendEnd, SendJob, SendLimits, Sends, Store, StoreError};
use jiff::Timestamp;
use tokio::{task::JoinSet, time::Instant};

use self::send::{SEND_WITHIN, lane};
pub use self::{
    desk::filled,
    outlet::{Desk, Outlet},
};
use super::{sleep, until};
use crate::{clock, kill::kill_point, seed};

/// Rows of one lane leased at once, and lanes at once. As many lanes again may be leased along with what
/// is decided after an exchange, and while the next one is under way.
const PER_LANE: usize = 3;
const LANES: usize = 256;

/// Longer than all sends of one lane may take, and files to fetch for them.
const LEASE: Duration = Duration::from_secs(45);
/// A text that was never tried leaves at once. So long waits, at most, what a process was about to send
/// when it died, crisis lines among it; and the process has two seconds to begin.
const FIRST_LEASE: Duration = SEND_WITHIN.saturating_add(Duration::from_secs(2));

/// Sends what can be sent at `now`, and returns how many rows that were. Call again while it is
/// not 0.
pub async fn step<C: Channel + Clone + 'static>(
    store: &Store,
    outlet: &Arc<Outlet<C>>,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut sending = JoinSet::new();
    // They are leased: whatever else fails, they are sent.
    let handed = store.handed();
    let mut count = handed.len();
    let mut send = |jobs| {
        for jobs in by_lane(jobs) {
            sending.spawn(lane(store.clone(), Arc::clone(outlet), jobs, now));
        }
    };
    send(handed);
    let exchanged = exchange(store, outlet, now, LANES, LANES).await.map(|sends| {
        count += sends.jobs.len();
        send(sends.jobs);
    });
    while let Some(done) = sending.join_next().await {
        outlet.over().take(done);
    }
    exchanged?;
    exchange(store, outlet, now, 0, LANES).await?;
    Ok(count)
}

/// Sends until `stop` is ready; then finishes what is under way.
pub async fn run<C: Channel + Clone + 'static>(
    store: &Store,
    outlet: &Arc<Outlet<C>>,
    stop: impl Future<Output = ()>,
) {
    let mut changes = store.outbox_changes();
    let mut handed = store.handed_changes();
    let mut sending: JoinSet<Over> = JoinSet::new();
    // One at a time. What is leased along with its turn asks nothing of the store, and does not wait for it.
    let mut exchanging: Option<Exchanging<'_>> = None;
    // Something may be there to write down or to lease.
    let mut look = false;
    // When to look next, whatever happens.
    let mut next = Some(Instant::now());
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            () = handed.changed() => {}
            () = changes.changed() => look = true,
            Some(done) = sending.join_next(), if !sending.is_empty() => {
                outlet.over().take(done);
                look = true;
            }
            Some(exchanged) = under_way(&mut exchanging) => {
                exchanging = None;
                let wait = match exchanged {
                    Ok(Sends { jobs, next }) => {
                        start(&mut sending, store, outlet, jobs);
                        next.map(|at| until(at, clock::now()))
                    }
                    Err(fault) => Some(note(&fault)),
                };
                next = wait.map(|wait| Instant::now() + wait);
            }
            () = sleep(next.map(|at| at.saturating_duration_since(Instant::now()))) => {
                next = None;
                look = true;
            }
        }
        start(&mut sending, store, outlet, store.handed());
        while let Some(done) = sending.try_join_next() {
            outlet.over().take(done);
            look = true;
        }
        if look && exchanging.is_none() {
            look = false;
            let free = LANES.saturating_sub(sending.len());
            exchanging = Some(Box::pin(exchange(store, outlet, clock::now(), free, free)));
        }
    }
    match under_way(&mut exchanging).await {
        Some(Ok(Sends { jobs, next: _ })) => start(&mut sending, store, outlet, jobs),
        Some(Err(fault)) => drop(note(&fault)),
        None => {}
    }
    // What is over is written down while others are under way: one of them may take longer than there is
    // time, and what is not written down goes out again.
    while let Some(done) = sending.join_next().await {
        outlet.over().take(done);
        while let Some(done) = sending.try_join_next() {
            outlet.over().take(done);
        }
        start(&mut sending, store, outlet, store.handed());
        if let Err(fault) = exchange(store, outlet, clock::now(), 0, 0).await {
            note(&fault);
        }
    }
    if let Err(fault) = exchange(store, outlet, clock::now(), 0, 0).await {
        note(&fault);
    }
}

/// An [`exchange`] under way.
type Exchanging<'a> = Pin<Box<dyn Future<Output = Result<Sends, StoreError>> + Send + 'a>>;

/// How it ended. None if there is none.
async fn under_way<T>(future: &mut Option<impl Future<Output = T> + Unpin>) -> Option<T> {
    match future {
        Some(future) => Some(future.await),
        None => None,
    }
}

fn start<C: Channel + Clone + 'static>(
    sending: &mut JoinSet<Over>,
    store: &Store,
    outlet: &Arc<Outlet<C>>,
    jobs: Vec<SendJob>,
) {
    for jobs in by_lane(jobs) {
        sending.spawn(lane(store.clone(), Arc::clone(outlet), jobs, clock::now()));
    }
}

fn note(fault: &StoreError) -> Duration {
    tracing::error!(error = %fault, "the outbox cannot be worked on");
    Duration::from_secs(1)
}

/// What came of lanes that were sent to, until it is written down.
#[derive(Default)]
struct Over {
    lanes: usize,
    ends: Vec<(OutboxId, i64, SendEnd)>,
    /// What the engine is to be told of.
    news: Vec<Incoming>,
}

impl Over {
    fn take(&mut self, done: Result<Self, tokio::task::JoinError>) {
        match done {
            Ok(done) => self.add(done),
            // Its lease runs out, and the rows are handed out again.
            Err(fault) => tracing::error!(deliver.panic = fault.is_panic(), "sending to a lane broke off"),
        }
    }

    fn add(&mut self, other: Self) {
        self.lanes += other.lanes;
        self.ends.extend(other.ends);
        self.news.extend(other.news);
    }
}

/// Writes down what is over and leases what comes next, up to so many lanes, in one transaction;
/// as many as `ahead` may be leased along with what is decided from then on. What cannot be written
/// is kept for the next call.
async fn exchange<C: Channel>(
    store: &Store,
    outlet: &Outlet<C>,
    now: Timestamp,
    lanes: usize,
    ahead: usize,
) -> Result<Sends, StoreError> {
    let over = std::mem::take(&mut *outlet.over());
    let limits = SendLimits { lanes, per_lane: PER_LANE, lease: LEASE, first_lease: FIRST_LEASE, ahead };
    let exchanged = write(store, &over, now, limits).await;
    if exchanged.is_err() {
        outlet.over().add(over);
    }
    exchanged
}

async fn write(
    store: &Store,
    Over { ends, news, .. }: &Over,
    now: Timestamp,
    limits: SendLimits,
) -> Result<Sends, StoreError> {
    if !ends.is_empty() {
        kill_point("deliver.before_finish");
    }
    // First the news: they have keys of their own, and are lost if the rows are written down and
    // they are not.
    store.receive(news, None, now, seed::fresh()).await?;
    if ends.is_empty() && limits.lanes == 0 {
        return Ok(Sends::default());
    }
    let (late, sends) = store.exchange_sends(ends.clone(), now, limits).await?;
    if !ends.is_empty() {
        kill_point("deliver.finished");
    }
    if !sends.jobs.is_empty() {
        kill_point("deliver.leased");
    }
    for id in late {
        tracing::warn!(outbox.id = %id, "a send ended after its lease; it may go out twice");
    }
    Ok(sends)
}

/// One list a lane.
fn by_lane(jobs: Vec<SendJob>) -> Vec<Vec<SendJob>> {
    let mut by_lane: BTreeMap<Destination, usize> = BTreeMap::new();
    let mut found: Vec<Vec<SendJob>> = Vec::new();
    for job in jobs {
        let at = *by_lane.entry(job.to.clone()).or_insert_with(|| {
            found.push(Vec::new());
            found.len() - 1
        });
        found[at].push(job);
    }
    found
}
