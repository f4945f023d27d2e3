//! Turns due timers into inputs, and removes what was kept long enough.

use std::{future::Future, time::Duration};

use chatbox_store::{Periods, Purged, Store, StoreError};
use jiff::{SignedDuration, Timestamp};

use super::{pause, until};
use crate::{clock, config::retention::Retention, kill::kill_point, seed};

/// Timers fired in one transaction at most.
const BATCH: usize = 256;

/// How often somebody looks for timers that were set meanwhile: none is set for less than minutes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

const PURGE_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Deduplication keys are kept this long: platforms repeat a message for a day at most.
const SEEN_DAYS: u32 = 14;

/// Fires what is due. Returns how many; call again while it is not 0.
pub async fn step(
    store: &Store,
    now: Timestamp,
    seeds: impl FnMut() -> u64 + Send,
) -> Result<usize, StoreError> {
    let fired = store.due_timers(now, BATCH, seeds).await?;
    if fired > 0 {
        kill_point("timers.fired");
    }
    Ok(fired)
}

/// Fires and purges until `stop` is ready.
pub async fn run(store: &Store, retention: &Retention, stop: impl Future<Output = ()>) {
    let mut seeds = seed::fresh();
    let mut purged = Timestamp::UNIX_EPOCH;
    tokio::pin!(stop);
    loop {
        let now = clock::now();
        if now.duration_since(purged) >= PURGE_EVERY {
            purged = now;
            match purge(store, retention, now).await {
                Ok(gone) => tracing::debug!(
                    purge.conversations = gone.conversations,
                    purge.records = gone.records,
                    "what was kept long enough is removed"
                ),
                Err(fault) => {
                    tracing::error!(error = %fault, "the purge failed; it is tried again in an hour");
                }
            }
        }
        let wait = match step(store, now, &mut seeds).await {
            Ok(0) => match store.next_timer().await {
                Ok(next) => next.map_or(LOOK_EVERY, |at| until(at, now)).min(LOOK_EVERY),
                Err(_) => LOOK_EVERY,
            },
            Ok(_) => continue,
            Err(fault) => {
                tracing::error!(error = %fault, "timers cannot be worked on");
                LOOK_EVERY
            }
        };
        if !pause(wait, &mut stop).await {
            return;
        }
    }
}

/// Removes what is older than `retention` says.
pub async fn purge(store: &Store, retention: &Retention, now: Timestamp) -> Result<Purged, StoreError> {
    let periods = Periods {
        chat: days(retention.chat_days),
        records: days(retention.request_days),
        handled: days(retention.handled_days),
        audit: days(retention.audit_days),
        seen: days(SEEN_DAYS),
    };
    store.purge(now, &periods).await
}

fn days(days: u32) -> SignedDuration {
    SignedDuration::from_hours(i64::from(days) * 24)
}
