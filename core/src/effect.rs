//! What a turn asks the outside world to do. The engine only names it; the store commits it,
//! and the loops carry it out after the commit.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    hidden::Letters,
    ids::Reference,
    input::{Attachment, FileRef},
};

/// One thing to do after a turn. What goes to a platform leaves by the outbox; the rest is done in the turn's
/// own transaction.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// A text to the person.
    Say(Say),
    /// A text to the desk, in the thread of a case.
    Desk(DeskPost),
    /// A record to keep, under a reference of its own.
    Save(Record),
    /// Set a timer of this conversation; one of the same name is replaced.
    SetTimer {
        name: String,
        step: String,
        at: Timestamp,
    },
    CancelTimer {
        name: String,
    },
    /// Carries an edit or a deletion over to the copies that were made of a message: those texts
    /// that the input with [`crate::input::Message::id`] `of` caused on the other side that pass
    /// on its words, which are [`SayKind::Relay`] to the person and [`DeskKind::Message`] at the
    /// desk. An alert or a notice stands, whatever becomes of the words that led to it.
    Amend {
        of: String,
        /// The new text; none deletes.
        text: Option<String>,
    },
    /// Hide the chat: delete the messages of both sides on the platform, as far back as it lets a
    /// bot. Nothing is deleted here.
    ClearChat {
        within: SignedDuration,
    },
    /// Delete everything kept about this person. The conversation that the turn returns replaces
    /// theirs; texts to the person in the same turn are still sent and then deleted too. What
    /// `keep` names stays.
    Erase {
        keep: Vec<Kept>,
    },
    /// A text-free line in the audit record.
    Audit {
        what: AuditKind,
        by: Option<String>,
        case: Option<Reference>,
    },
}

/// Without words and names.
impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Say(say) => say.fmt(f),
            Self::Desk(post) => post.fmt(f),
            Self::Save(record) => record.fmt(f),
            Self::SetTimer { name, step, at } => {
                f.debug_struct("SetTimer").field("name", name).field("step", step).field("at", at).finish()
            }
            Self::CancelTimer { name } => f.debug_struct("CancelTimer").field("name", name).finish(),
            Self::Amend { of, text } => {
                let text = text.as_deref().map(Letters);
                f.debug_struct("Amend").field("of", of).field("text", &text).finish()
            }
            Self::ClearChat { within } => f.debug_struct("ClearChat").field("within", within).finish(),
            Self::Erase { keep } => f.debug_struct("Erase").field("keep", keep).finish(),
            Self::Audit { what, by: _, case } => {
                f.debug_struct("Audit").field("what", what).field("case", case).finish_non_exhaustive()
            }
        }
    }
}

/// A text to the person, and the choices that hang on it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Say {
    pub kind: SayKind,
    pub text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// Numbers the texts with choices within a conversation, so that a press on an old one can
    /// be told from a press on the open question. 0 where there are no choices.
    #[serde(default)]
    pub prompt: u32,
    /// Goes along with the text, which is then its caption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<Media>,
}

impl Say {
    /// Words alone.
    pub fn new(kind: SayKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), choices: Vec::new(), prompt: 0, media: None }
    }
}

/// Without the words: they say back what somebody wrote.
impl fmt::Debug for Say {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, text, choices, prompt, media } = self;
        f.debug_struct("Say")
            .field("kind", kind)
            .field("text", &Letters(text))
            .field("choices", choices)
            .field("prompt", prompt)
            .field("media", media)
            .finish()
    }
}

/// A file to pass on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    pub kind: Attachment,
    pub file: FileRef,
}

/// Who speaks, and so what may stop it on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SayKind {
    /// Safety wording: goes first, is never dropped, whoever holds the conversation.
    Safety,
    /// What the desk says through the bot.
    Relay,
    /// What the person must know about the conversation itself ("a practitioner has joined").
    Notice,
    /// The bot's own talk: dropped when its epoch is old by the time it would be sent.
    Bot,
}

/// A button, or a line of a numbered list where the channel has no buttons.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// At most 40 of `a-z0-9_.-`, so that it fits a Telegram button.
    pub id: String,
    pub label: String,
}

impl Choice {
    pub fn new(id: impl Into<String>, label: impl Into<String>) -> Self {
        Self { id: id.into(), label: label.into() }
    }

    /// Stands under every question and answers none of them. Where there are only such choices, a
    /// number that somebody types is an answer of their own, not a place in the list.
    pub fn is_aside(&self) -> bool {
        ["skip", "finish", "back"].contains(&self.id.as_str())
    }
}

/// Without the label, in which a name may stand.
impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Choice").field("id", &self.id).field("label", &Letters(&self.label)).finish()
    }
}

/// A line at the desk.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct DeskPost {
    /// The case in whose thread it stands; none for the room itself.
    pub case: Option<Reference>,
    pub kind: DeskKind,
    pub text: String,
    /// Commands that a press can give. The id is the command, with what follows it behind a dot
    /// (`take`, `close.landed`); a press of it says the same as the text `/ID`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<Media>,
    /// So many of the last lines of the conversation before this input are added on the way out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub history: u16,
    /// Who the platform says the person is is added on the way out: an audited act of the duty
    /// lead's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub identify: bool,
}

impl DeskPost {
    /// Words alone.
    pub fn new(case: Option<Reference>, kind: DeskKind, text: impl Into<String>) -> Self {
        Self { case, kind, text: text.into(), choices: Vec::new(), media: None, history: 0, identify: false }
    }
}

/// Without the words.
impl fmt::Debug for DeskPost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, kind, text, choices, media, history, identify } = self;
        f.debug_struct("DeskPost")
            .field("case", case)
            .field("kind", kind)
            .field("text", &Letters(text))
            .field("choices", choices)
            .field("media", media)
            .field("history", history)
            .field("identify", identify)
            .finish()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u16) -> bool {
    *number == 0
}

/// What a line at the desk is for, and so where it stands and how soon it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeskKind {
    /// The head of a new case.
    Opened,
    /// What the person wrote while a practitioner holds, or what happened in the conversation.
    Message,
    /// Someone must look now.
    Alert,
    /// For the duty lead, in a private chat with them: the second route.
    Page,
    /// An answer to a desk command, or news of the case.
    Notice,
}

/// Something the hub keeps: a group request, a gap, a message left for the hub.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// `group_request`, `gap`, `feedback`, `message`, `dead_number`.
    pub kind: String,
    pub reference: Reference,
    /// A JSON object; what was skipped is null.
    pub data: serde_json::Value,
}

/// Without what was answered.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("kind", &self.kind)
            .field("reference", &self.reference)
            .finish_non_exhaustive()
    }
}

/// Why something outlives a person's wish to delete it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// A practitioner handled it: the hub's care record.
    Handled,
    /// A flag is open: a practitioner must close it first.
    OpenFlag,
}

/// What the audit record tells of. The names are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditKind {
    Erased,
    Purged,
    FlagRaised,
    FlagClosed,
    CaseOpened,
    CaseClosed,
    Taken,
    Released,
    Transferred,
    Identified,
    Acknowledged,
    Noted,
    /// A practitioner's words went to the person.
    Relayed,
    /// A practitioner had the transcript shown.
    HistoryRead,
    /// Taken although the person would rather not talk to that organisation.
    Overridden,
    /// A conversation went back to the queue because whoever held it fell silent or may not act
    /// any more.
    Returned,
    /// The duty lead was written to by the second route.
    Paged,
    /// Somebody who may not tried to act.
    Refused,
    /// Somebody may act at the desk from now on.
    Enrolled,
    /// Somebody may not any more.
    Removed,
    Parked,
    Replayed,
}
