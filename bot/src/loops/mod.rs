//! The loops that carry a message through: [`receive`], [`decide`], [`deliver`], [`timers`].
//!
//! Each is a `step` that does what can be done now and never waits for time to pass, and a `run`
//! that calls it and waits in between. Tests, `converse` and `chat` call the steps themselves.

pub mod decide;
pub mod timers;
