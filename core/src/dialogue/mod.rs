//! Dialogues: their form in content files, and the runner that leads a person through one.

pub mod model;
mod place;

pub use place::{Answer, Place, When};
