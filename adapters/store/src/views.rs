//! What can be read back.

use std::time::Duration;

use chatbox_core::{
    channel::Post,
    effect::{AuditKind, Record},
    ids::{Lane, OutboxId, Reference},
    input::Input,
};
use jiff::{SignedDuration, Timestamp};

use crate::{error::StoreError, sends::Destination};

/// One line of a conversation. No `Debug`: it holds what was said.
pub struct Line {
    pub at: Timestamp,
    pub what: Spoken,
}

/// What a line of a conversation is.
pub enum Spoken {
    /// What came in. `None` when it was taken back since.
    Heard { seq: i64, input: Option<Input> },
    /// What went out, or will.
    Said { id: OutboxId, post: Post, state: SendState },
}

/// What became of a text in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendState {
    /// Not sent yet, or it is not known whether it was.
    Waiting,
    Sent,
    /// The platform will never take it.
    Refused,
    /// Old talk that a practitioner's take made void.
    Dropped,
}

/// A record as it is kept.
pub struct Saved {
    pub record: Record,
    pub created: Timestamp,
    pub state: CaseState,
    /// `None` once the person was erased or their chat's period is over.
    pub lane: Option<Lane>,
}

/// How far the desk is with the case of a record, by what stands in the audit record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CaseState {
    /// Nobody has answered yet.
    Received,
    /// The requester was told who will be in touch.
    Acknowledged,
    /// A practitioner has talked with the requester.
    Taken,
    Closed,
}

impl CaseState {
    pub(crate) fn of(number: Option<i64>) -> Self {
        match number {
            Some(3) => Self::Closed,
            Some(2) => Self::Taken,
            Some(1) => Self::Acknowledged,
            Some(_) | None => Self::Received,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Acknowledged => "acknowledged",
            Self::Taken => "taken",
            Self::Closed => "closed",
        }
    }
}

/// A text that passed on somebody's words. No `Debug`: it holds them.
#[derive(Clone, PartialEq, Eq)]
pub struct Copy {
    pub id: OutboxId,
    pub to: Destination,
    /// Several rows that went out as one message have the same.
    pub native: String,
    pub text: String,
    /// Of the message itself; else it went out together with such a copy.
    pub of_it: bool,
}

/// A case or flag that is open, for the queue. Unsealed columns only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCase {
    pub lane: Lane,
    pub reference: Option<Reference>,
    /// [`chatbox_core::conversation::Conversation::urgency`].
    pub urgency: i16,
    /// Waiting for a practitioner since.
    pub waiting: Option<Timestamp>,
    /// Held by a practitioner since.
    pub held: Option<Timestamp>,
    pub changed: Timestamp,
}

/// An input that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    pub seq: i64,
    pub lane: Lane,
    pub received: Timestamp,
    pub tries: u16,
}

/// Somebody who may act at the desk. No `Debug`: it holds a name.
#[derive(Clone, PartialEq, Eq)]
pub struct Practitioner {
    pub name: String,
    pub organisation: Option<String>,
    /// The channel, a colon, and who it proves them to be: `telegram:42`. `None` until the code
    /// was used.
    pub who: Option<String>,
    pub lead: bool,
    pub added: Timestamp,
    /// Until when the code can be used; `None` once it was.
    pub expires: Option<Timestamp>,
}

/// A line of the audit record: text-free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    pub at: Timestamp,
    pub what: AuditKind,
    pub by: Option<String>,
    pub case: Option<Reference>,
}

/// How long things are kept, from their last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Periods {
    /// Messages and state of conversations that no practitioner held.
    pub chat: SignedDuration,
    /// Records that no practitioner handled.
    pub records: SignedDuration,
    /// Messages, state and records of conversations that a practitioner held.
    pub handled: SignedDuration,
    pub audit: SignedDuration,
    /// Deduplication keys: longer than any platform repeats a message.
    pub seen: SignedDuration,
}

/// How many rows a purge removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    pub inbox: u64,
    pub outbox: u64,
    pub conversations: u64,
    pub records: u64,
    pub audit: u64,
    pub seen: u64,
}

/// For metrics and health. Nothing in it tells who.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    pub inbox_waiting: u64,
    pub inbox_oldest: Option<Duration>,
    pub outbox_waiting: u64,
    pub outbox_oldest: Option<Duration>,
    pub parked: u64,
    /// Conversations by urgency, 0 (nothing open, not counted) to 5.
    pub open: [u64; 6],
    /// Waiting for a practitioner, and the longest wait.
    pub waiting: u64,
    pub waiting_oldest: Option<Duration>,
}

pub(crate) fn time(micros: i64, table: &'static str, column: &'static str) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|_| StoreError::Unreadable { table, column })
}
