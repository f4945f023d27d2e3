//! chatbox: the service around the engine.
pub mod config;
