//! The outbox as the delivery loop sees it.

use std::time::Duration;

use chatbox_core::{
    channel::Post,
    ids::{Lane, OutboxId, Reference},
};
use jiff::{SignedDuration, Timestamp};

/// Where a row goes. Each destination is a lane of its own: order holds within it, and it waits
/// for no other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    Person(Lane),
    /// The thread of a case; see [`crate::Store::case_thread`].
    Desk(Reference),
}

/// What leaves. No `Debug`: it holds what is said to people.
#[derive(Clone, PartialEq)]
pub enum SendBody {
    Post(Post),
    /// Delete both sides' messages of the chat, as far back as `within`: those of
    /// [`crate::Store::natives`] and those in `also`, whose rows are erased already.
    Clear {
        within: SignedDuration,
        also: Vec<String>,
    },
}

/// How much to lease at once.
#[derive(Debug, Clone, Copy)]
pub struct SendLimits {
    /// Destinations at most.
    pub lanes: usize,
    /// Rows of one destination at most, in the order in which they must be sent. All of them have
    /// to be reported before the destination is handed out again.
    pub per_lane: usize,
    /// After this long the rows may be handed out again. Longer than any send may take.
    pub lease: Duration,
}

/// One leased row.
pub struct SendJob {
    pub id: OutboxId,
    pub to: Destination,
    /// The conversation that it belongs to.
    pub person: Lane,
    pub body: SendBody,
    /// When it was committed.
    pub made: Timestamp,
    /// How often it was handed out, this time included.
    pub attempts: u32,
    pub epoch: u32,
    /// The bot's own talk from before a practitioner took over: report [`SendEnd::Dropped`].
    pub stale: bool,
    /// An earlier attempt ended unknown, or was never reported: it may have arrived.
    pub unknown_before: bool,
    /// Proves the lease to [`crate::Store::finish_sends`].
    pub fence: i64,
    /// The lease ends here: do not begin to send after it.
    pub until: Timestamp,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendEnd {
    Sent {
        native: String,
    },
    /// The platform will never take it.
    Refused,
    /// Not sent, on purpose.
    Dropped,
    /// Certainly not sent: hand it out again at `at`, and nothing of its destination before.
    Retry {
        at: Timestamp,
    },
    /// May or may not have arrived: hand it out again at `at`, counted.
    Unknown {
        at: Timestamp,
    },
}
