//! The terminal: a person at a keyboard ([`person`]), and JSON lines for machines ([`lines`]).

pub mod lines;
pub mod person;
mod wrap;
