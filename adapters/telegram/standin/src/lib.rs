//! A Telegram Bot API for tests: an HTTP server on 127.0.0.1 that any Bot API client can talk to,
//! with people, groups and faults that a test drives.
//!
//! ```no_run
//! # async fn demo() -> std::io::Result<()> {
//! use chatbox_telegram_standin::{Fault, Standin};
//!
//! let telegram = Standin::start("12345:token").await?;
//! let amina = telegram.user(7, "Amina");
//! // … start the bot under test with `telegram.url()` as its API address …
//! amina.says("/start");
//! let hello = amina.next_message().await;
//! amina.presses(hello.labels()[0]);
//! telegram.fault(Fault::retry_after(3).on("sendMessage").for_chat(7));
//! # Ok(()) }
//! ```
//!
//! The server lives as long as its [`Standin`], not as long as the bot: after the bot is killed,
//! updates that it never confirmed are delivered again to its successor.
//!
//! Programs in other languages drive the same things over HTTP under `/_standin/`: see [`control`].
//! The binary `telegram-standin` runs it as a process of its own.
//!
//! What is checked as Telegram checks it: the token, lengths in UTF-16 units, callback data,
//! unchanged edits, second answers to a callback query, the 48 hours of `deleteMessage`, threads,
//! blocked and migrated chats, a second poller, and that a pressed button hangs on a message that
//! was really sent and still has it. Update ids start at a random number. The clock is the
//! machine's and can be moved on with [`Standin::advance`].

pub mod control;
mod fault;
mod media;
mod methods;
mod params;
mod people;
mod server;
mod shared;
mod standin;
mod text;
mod transcript;
mod webhook;
mod world;

pub use fault::Fault;
pub use media::Media;
pub use people::{Group, NoSuchButton, User};
pub use standin::Standin;
pub use transcript::{Button, Call, Entry, Event};
