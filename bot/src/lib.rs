//! chatbox: the service around the engine.
//!
//! Wires configuration, content, store and channels together and drives them with four loops
//! ([`loops`]). What is said is decided in `chatbox-core`, how it is kept in `chatbox-store`.
//!
//! **Invariant**: the clock is read in [`clock`] alone, and randomness is drawn in [`seed`] alone;
//! everything else takes them as arguments, so that tests can drive the loops' steps by hand.

pub mod budget;
pub mod channels;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod content;
pub mod health;
mod kill;
pub mod link;
pub mod logging;
pub mod loops;
pub mod seed;
pub mod server;
pub mod service;
pub mod setup;
pub mod stop;
