//! The real binary, from outside: over pipes, and over the stand-in for Telegram.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up may as well stop")]

mod chat;
mod converse;
mod desk;
mod handover;
mod refusals;
mod secrecy;
mod support;
mod telegram;
mod understand;
