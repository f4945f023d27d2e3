//! Danger in what people write: the route ladder, and the rules that find it.

mod route;

pub use route::{Kind, Route};
