//! Content: dialogues, directory, needs, safety and wording, as the hub edits it.

mod finding;

pub use finding::{Finding, Severity, Source};
