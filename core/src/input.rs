//! What can happen to a conversation: one [`Input`] makes one turn.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::Reference;

/// One thing that happened, with the moment at which the platform says it happened.
///
/// Stored sealed in the inbox; any released version must be able to read it (P12).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// When it was written, by the platform's clock. Compared with `Context::now` to tell a
    /// message that waited out an outage.
    pub at: Timestamp,
    pub what: InputKind,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// The person wrote something.
    Message(Message),
    /// The person pressed a button.
    Press {
        /// Id of the choice.
        choice: String,
        /// Number of the prompt that the button hung on ([`crate::effect::Say::prompt`]), where
        /// the channel knows it. A press on an older prompt is stale.
        prompt: Option<u32>,
    },
    /// A timer of this conversation came due.
    Timer {
        name: String,
        /// The step it was set for.
        step: String,
    },
    /// A practitioner acted in the thread of this conversation's case.
    Desk(DeskMessage),
    /// The person took back a message: the store has already erased its text.
    Redacted,
    /// The person blocked or left the bot, or came back.
    Reachable(bool),
    /// A text to the person was given up after the platform refused it for good.
    Undelivered { safety: bool },
    /// Something arrived that could not be decrypted or read (P9).
    Unreadable,
}

/// The person's words, with whatever came along.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The text, or the caption of an attachment; empty when there was none.
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<Attachment>,
    /// The message replaces an earlier one of theirs: a correction.
    #[serde(default)]
    pub edited: bool,
    /// Somebody else's words, passed on.
    #[serde(default)]
    pub forwarded: bool,
}

/// What no one has seen or heard yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attachment {
    Voice,
    Photo,
    Video,
    Sticker,
    File,
    Location,
    Contact,
    Other,
}

/// What a member of the desk wrote into a case thread. `by` is who the channel proves it to be;
/// whether that person may act is looked up in `Context::desk`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeskMessage {
    pub by: String,
    pub case: Reference,
    /// A leading `/` or `!` makes it a command.
    pub text: String,
}
