//! The real binary, from outside: over pipes, and over the stand-in for Telegram.

mod chat;
mod converse;
mod refusals;
mod secrecy;
mod support;
mod telegram;
