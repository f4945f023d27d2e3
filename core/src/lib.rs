//! The conversation engine of chatbox: inputs in, effects out.
//!
//! Nothing here does I/O, reads a clock or draws a random number: [`effect::Effect`]s say what
//! the outside world should do, and time, seed and the state of the desk come in as arguments.
//!
//! The way of one message through here, each step in the module that it names:
//!
//! 1. A channel ([`channel::Channel`], in a crate of its own) makes an [`input::Input`] of it. What
//!    was said so far is a [`conversation::Conversation`].
//! 2. [`engine::Engine::turn`] opens a `Talk` (`dialogue/talk.rs`): the state as it becomes, and what
//!    has been said. All that follows are methods of `Talk`, wherever they stand.
//! 3. [`safety::Safety::hear`] looks for danger in the words, whatever else is going on.
//! 4. While a practitioner holds the conversation, `desk/relay.rs` carries the words to them, and the bot
//!    keeps to safety wording. What practitioners themselves do begins in `desk/act.rs`.
//! 5. Else danger is answered by `dialogue/check_in.rs`, and nothing below is asked.
//! 6. [`understanding::Understanding::read`] says what the words mean, and `dialogue/listen.rs` what comes
//!    of it: a command, an answer, a question, a correction. `dialogue/run.rs` goes on to the next step
//!    of the [`content`]; where offers are wanted, [`directory::Directory::search`] finds them.
//! 7. `Talk` ends as an [`engine::Turn`]: the new state and the [`effect::Effect`]s.

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
