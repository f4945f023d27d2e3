//! What can happen to a conversation: one [`Input`] makes one turn.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    channel::Confidentiality,
    hidden::Letters,
    ids::{ChannelKind, Reference},
};

/// One thing that happened, with the moment at which the platform says it happened.
///
/// Stored sealed in the inbox; any released version must be able to read it (P12).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// When it was written, by the platform's clock. Compared with `Context::now` to tell a
    /// message that waited out an outage.
    pub at: Timestamp,
    /// How private the channel was when it came, where that is known better than by the kind of
    /// channel ([`crate::channel::ChannelFacts::of`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Confidentiality>,
    pub what: InputKind,
}

impl Input {
    /// An input on a channel that is as private as its kind.
    pub fn new(at: Timestamp, what: InputKind) -> Self {
        Self { at, via: None, what }
    }

    /// The person's own words are in it.
    pub fn has_words(&self) -> bool {
        match self.what {
            InputKind::Message(_) => true,
            InputKind::Press { .. }
            | InputKind::Timer { .. }
            | InputKind::Desk(_)
            | InputKind::Redacted { .. }
            | InputKind::Enrolled { .. }
            | InputKind::NotEnrolled
            | InputKind::Reachable(_)
            | InputKind::Undelivered { .. }
            | InputKind::Unreadable
            | InputKind::Gaps(_) => false,
        }
    }
}

/// What happened. Stored in the inbox: a kind may be added, and none may change its form.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
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
    /// The person took back a message: the store erases its text with this turn.
    Redacted {
        /// [`Message::id`] of what was taken back.
        of: String,
    },
    /// The sender of this private chat proved by a one-time code to be the practitioner of that
    /// name.
    Enrolled { name: String },
    /// The sender of this private chat wrote a one-time code that does not work.
    NotEnrolled,
    /// The person blocked or left the bot, or came back.
    Reachable(bool),
    /// A text to the person was given up after the platform refused it for good; or, with
    /// `change`, an edit or a deletion of one that they have.
    Undelivered {
        safety: bool,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        change: bool,
    },
    /// Something arrived that could not be decrypted or read (P9).
    Unreadable,
    /// For the desk's room, not for a conversation: the data of the records of the kinds `gap`
    /// and `dead_number` that were saved in a week.
    Gaps(Vec<serde_json::Value>),
}

/// Without words, names and answers.
impl fmt::Debug for InputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => message.fmt(f),
            Self::Press { choice: _, prompt } => {
                f.debug_struct("Press").field("prompt", prompt).finish_non_exhaustive()
            }
            Self::Timer { name, step } => {
                f.debug_struct("Timer").field("name", name).field("step", step).finish()
            }
            Self::Desk(message) => message.fmt(f),
            Self::Redacted { of } => f.debug_struct("Redacted").field("of", of).finish(),
            Self::Enrolled { name: _ } => f.write_str("Enrolled"),
            Self::NotEnrolled => f.write_str("NotEnrolled"),
            Self::Reachable(reachable) => f.debug_tuple("Reachable").field(reachable).finish(),
            Self::Undelivered { safety, change } => {
                f.debug_struct("Undelivered").field("safety", safety).field("change", change).finish()
            }
            Self::Unreadable => f.write_str("Unreadable"),
            Self::Gaps(data) => write!(f, "Gaps({})", data.len()),
        }
    }
}

/// The person's words, with whatever came along.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The text, or the caption of an attachment; empty when there was none.
    pub text: String,
    /// The platform's id of the message; of the first version, where it is an edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<Attachment>,
    /// Where the attachment can be fetched from, if it can be passed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileRef>,
    /// The message replaces an earlier one of theirs, of the same `id`: a correction.
    #[serde(default)]
    pub edited: bool,
    /// Somebody else's words, passed on.
    #[serde(default)]
    pub forwarded: bool,
}

/// Without the words.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, id, attachment, file, edited, forwarded } = self;
        f.debug_struct("Message")
            .field("text", &Letters(text))
            .field("id", id)
            .field("attachment", attachment)
            .field("file", file)
            .field("edited", edited)
            .field("forwarded", forwarded)
            .finish()
    }
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

/// What somebody wrote at the desk. `by` is who the channel proves it to be; whether that person
/// may act is looked up in `Context::desk`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeskMessage {
    pub by: String,
    /// The case in whose thread it stands; none in the room itself.
    pub case: Option<Reference>,
    /// A leading `/` or `!` makes it a command.
    pub said: Message,
    /// The message of that `id` was taken back.
    #[serde(default)]
    pub redacted: bool,
}

/// A file on the platform that it came by.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRef {
    pub channel: ChannelKind,
    /// All that the channel needs to fetch it: an id, or the address with its keys.
    pub handle: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// Bytes, as the platform says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// Without its name, and without what fetches it: on Matrix that opens it.
impl fmt::Debug for FileRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileRef")
            .field("channel", &self.channel)
            .field("mime", &self.mime)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
