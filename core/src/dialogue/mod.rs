//! Dialogues: their form in content files, and the runner that leads a person through one.
//!
//! [`model`] is what the YAML says, `load` reads and proves it, [`Place`] is where somebody is in
//! one. `Talk` is one turn while it is decided: `listen` takes the person's words where a question is
//! open and `idle` where none is, `press` a button. `parse` reads an answer (`dates` puts the date
//! beside "tomorrow"), `contact` keeps how somebody is to be reached, `fill` takes many from one sentence, `begin` starts a dialogue, `run` goes from
//! step to step, `offers` shows what the directory found, `summary` says answers back, `repair` is every
//! way out and back, `edit` corrects what an edited message first said, `check_in` answers danger and
//! asks "are you safe?".

mod begin;
mod check_in;
mod contact;
mod dates;
mod edit;
mod fill;
mod idle;
mod listen;
mod load;
pub mod model;
mod offers;
mod parse;
mod place;
mod press;
mod repair;
mod run;
mod summary;
mod talk;

pub(crate) use check_in::{KINDS, SILENCE, kind_of_step, response_for, route_of_step};
pub use load::{CHECK_IN, Dialogues};
pub use place::{Answer, Place, When};
pub(crate) use talk::Talk;
