//! Keeps what chatbox must not lose: the inbox, the conversations, the outbox, timers, records.
//!
//! One type, [`Store`], over SQLite (embedded, one service process) or PostgreSQL (any number of
//! identical processes). A message goes through it in this order:
//!
//! 1. [`Store::receive`] writes incoming messages to the inbox. When it returns they are on disk,
//!    and the platform may be told so.
//! 2. [`Store::claim`] hands out undecided inputs, each conversation to one claimer at a time.
//! 3. The caller runs the engine on each input in order and gives the turns to [`Store::commit`]:
//!    inbox rows, state, outbox rows, timers and records change together or not at all.
//! 4. [`Store::claim_sends`] leases what waits at the head of each lane, the caller sends it, and
//!    [`Store::finish_sends`] writes down how that ended.
//! 5. [`Store::due_timers`] turns timers into inbox rows.
//!
//! The service's loops take two of these steps in one transaction: [`Store::commit_then_claim`] and
//! [`Store::exchange_sends`].
//!
//! Every operation is one transaction and may be called again after an error. Message text,
//! answers, names and conversation state are sealed ([`seal`]) before they reach the database.
//! No error and no `Debug` of this crate holds any of them.
//!
//! **Invariant**: nothing here reads a clock or draws a random number that decides anything; `now`
//! and the seeds are arguments. Nonces and the first key are the only use of the system's
//! randomness.

mod ahead;
mod arrival;
mod config;
mod copies;
mod enrol;
mod error;
mod found;
mod plan;
mod postgres;
mod private;
mod purge;
mod read;
mod redact;
mod rows;
pub mod seal;
mod sends;
mod signals;
mod sqlite;
mod store;
mod views;
mod work;

pub use config::StoreConfig;
pub use error::{OpenError, StoreError};
pub use sends::{Destination, Reach, SendBody, SendEnd, SendJob, SendLimits, Sends};
pub use signals::Changes;
pub use store::{SecretBytes, Store};
pub use views::{
    Audited, CaseState, Copy, Line, OpenCase, Parked, Periods, Practitioner, Purged, Saved, SendState,
    Spoken, Stats,
};
pub use work::{Claim, Claimed, CommitReport, Decided, MAX_TRIES, Work};
