//! The real binary on a real homeserver, and people there who use a client that shares no code with
//! it.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up may as well stop")]

mod contract;
mod conversation;
mod desk;
mod kills;
mod promises;
mod refusals;
mod stage;
#[expect(dead_code, reason = "shared with the end-to-end tests, which use all of it")]
#[path = "../e2e/support.rs"]
mod support;
