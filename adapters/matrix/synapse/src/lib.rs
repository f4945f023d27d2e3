//! A real Matrix homeserver for tests: Synapse on 127.0.0.1, and people on it who use a client that
//! shares no code with the bot (matrix-nio on libolm).
//!
//! ```no_run
//! # async fn demo() {
//! use chatbox_matrix_synapse::Synapse;
//!
//! let synapse = Synapse::shared().await;
//! let bot = synapse.account("bot").await;
//! // … start the bot under test with `synapse.url()`, `bot.id` and `bot.password` …
//! let ann = synapse.person("ann").await;
//! let room = ann.meets(&bot.id).await;
//! let hello = room.says("hello").await;
//! let answer = room.next(&bot.id).await;
//! assert!(answer.encrypted);
//! # }
//! ```
//!
//! One server serves a test binary, and ends with it, however that ends. The first use on a machine
//! installs Synapse and the client with pip, into `$CHATBOX_CI_CACHE`, or else `chatbox-ci` in the
//! user's cache folder; only `python3` with its `venv` is needed. Accounts and rooms are new for
//! each test, and nothing outlasts the process.
//!
//! What is between the bot and its server can be made to fail by a [`Gate`].
//!
//! Test support: whatever a test cannot go on without is a panic that says what it was.

mod gate;
mod install;
mod people;
mod server;

pub use gate::Gate;
pub use people::{Event, Person, Room};
pub use server::{Account, Synapse};

/// How long anything is awaited that should come.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
