//! The terminal: a person at a keyboard ([`screen`]), and JSON lines for machines ([`lines`]).

pub mod lines;
pub mod screen;
mod wrap;

pub use screen::Screen;
