//! Turns due timers into inputs, and removes what was kept long enough.

use chatbox_store::{Periods, Purged, Store, StoreError};
use jiff::{SignedDuration, Timestamp};

use crate::config::retention::Retention;

/// Timers fired in one transaction at most.
const BATCH: usize = 256;

/// Deduplication keys are kept this long: platforms repeat a message for a day at most.
const SEEN_DAYS: u32 = 14;

/// Fires what is due. Returns how many; call again while it is not 0.
pub async fn step(
    store: &Store,
    now: Timestamp,
    seeds: impl FnMut() -> u64 + Send,
) -> Result<usize, StoreError> {
    store.due_timers(now, BATCH, seeds).await
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
