//! Nothing is lost, nothing is decided twice, whatever breaks: the real binary, on stand-ins that
//! keep their own ledger.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up may as well stop")]

mod hub;
mod kills;
mod ledger;
mod many;
mod promises;
mod race;
#[path = "../../../adapters/store/tests/conformance/server.rs"]
mod server;
mod stopping;
#[expect(dead_code, reason = "shared with the end-to-end tests, which use all of it")]
#[path = "../e2e/support.rs"]
mod support;
mod traffic;
mod versions;
