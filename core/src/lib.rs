//! The conversation engine of chatbox: inputs in, effects out.
//!
//! Nothing here does I/O, reads a clock or draws a random number: [`effect::Effect`]s say what
//! the outside world should do, and time, seed and the state of the desk come in as arguments.

pub mod channel;
pub mod content;
pub mod conversation;
pub mod desk;
pub mod dialogue;
pub mod directory;
pub mod effect;
pub mod engine;
mod hidden;
pub mod ids;
pub mod input;
pub mod safety;
pub mod understanding;
