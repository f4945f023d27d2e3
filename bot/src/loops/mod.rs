//! The loops that carry a message through: [`receive`], [`decide`], [`deliver`], [`timers`].
//!
//! Each is a `step` that does what can be done now and never waits for time to pass, and a `run`
//! that calls it and waits in between. Tests, `converse` and `chat` call the steps themselves.

pub mod decide;
pub mod deliver;
pub mod receive;
pub mod timers;

use std::{future::Future, time::Duration};

use jiff::Timestamp;
use tokio::time;

/// How long to wait for a moment. One that is past and still brought nothing is waited for a
/// little, so that no loop spins.
fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default().max(Duration::from_millis(5))
}

/// Sleeps, or for ever.
async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

/// Waits, or until `stop` is ready: then false.
async fn pause(wait: Duration, stop: impl Future<Output = ()>) -> bool {
    tokio::select! {
        () = stop => false,
        () = time::sleep(wait) => true,
    }
}
