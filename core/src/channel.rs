//! What a channel must be able to do. Plain data and async functions; no runtime is assumed.

use std::{fmt, future::Future, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    effect::{DeskPost, Say},
    ids::{ChannelKind, Lane, OutboxId},
    input::{FileRef, Input, Message},
};

/// What stands wherever a platform shows who the bot is, before anybody has said a word.
pub const NOT_FOR_EMERGENCIES: &str =
    "Staff wellbeing chat. Not for emergencies: 999, NHS 111, Samaritans 116 123.";

/// How private a conversation is: the weakest link that the words pass through. Ordered from
/// weakest to strongest, so that `min` joins two links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidentiality {
    /// The platform's company can read it (a Telegram bot chat).
    Platform,
    /// End-to-end encrypted, the other device not verified.
    Encrypted,
    /// End-to-end encrypted with a verified device.
    EncryptedVerified,
    /// Never leaves this machine (the terminal).
    Local,
}

impl Confidentiality {
    /// The name as it stands in content.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Encrypted => "encrypted",
            Self::EncryptedVerified => "encrypted_verified",
            Self::Local => "local",
        }
    }

    /// The level of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Platform, Self::Encrypted, Self::EncryptedVerified, Self::Local]
            .into_iter()
            .find(|level| level.as_str() == name)
    }
}

/// What the engine must know of the channel that a conversation runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelFacts {
    pub kind: ChannelKind,
    pub confidentiality: Confidentiality,
    /// The bot can delete messages of both sides.
    pub can_clear: bool,
}

impl ChannelFacts {
    /// What is known of a channel before a word has come by it.
    pub fn of(kind: ChannelKind) -> Self {
        match kind {
            ChannelKind::Telegram => {
                Self { kind, confidentiality: Confidentiality::Platform, can_clear: true }
            }
            ChannelKind::Matrix => {
                Self { kind, confidentiality: Confidentiality::Encrypted, can_clear: true }
            }
            ChannelKind::Terminal => Self { kind, confidentiality: Confidentiality::Local, can_clear: false },
        }
    }
}

/// One raw message as the platform delivered it, ready to be committed.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    pub lane: Lane,
    /// What makes this delivery the same as another of the same message. Unique in its channel.
    pub key: String,
    /// A number that is the same at every delivery and grows with the channel's messages, as their ids or their
    /// times do; 0 where there is none. Keys are kept in its order, so that the newest stand together, which makes
    /// them cheaper to keep; [`Incoming::key`] is unique without it.
    pub order: i64,
    /// The platform's id of the message, where it has one: needed to delete or edit it.
    pub native: Option<String>,
    pub input: Input,
}

/// A one-time code ([`crate::desk::read_code`]) that somebody wrote in their private chat with the
/// bot: they prove who they are at the desk. Its words are never part of a conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof {
    /// The private chat.
    pub lane: Lane,
    /// As [`Incoming::key`].
    pub key: String,
    /// As [`Incoming::order`].
    pub order: i64,
    /// Who the channel proves them to be: a Matrix id, a numeric Telegram id.
    pub by: String,
    pub at: Timestamp,
    pub code: String,
}

/// Without the code.
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof").field("lane", &self.lane).field("key", &self.key).finish_non_exhaustive()
    }
}

/// Something that somebody wrote, pressed or took back in the desk's room.
#[derive(Debug, Clone, PartialEq)]
pub struct FromDesk {
    /// The room, or a thread of it.
    pub lane: Lane,
    /// As [`Incoming::key`].
    pub key: String,
    /// As [`Incoming::native`].
    pub native: Option<String>,
    /// Who the channel proves it to be: a Matrix id, a numeric Telegram id. Nobody is enrolled
    /// under an empty one.
    pub by: String,
    pub at: Timestamp,
    /// A pressed button is the command that it stands for.
    pub said: Message,
    /// The message of that id was taken back.
    pub redacted: bool,
}

/// What one wait brought. The platform is told that we have it only by the next
/// [`Channel::receive`], so commit first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    pub incoming: Vec<Incoming>,
    pub desk: Vec<FromDesk>,
    pub proofs: Vec<Proof>,
    /// Where to go on after this batch is committed. Stored beside the inbox by channels whose
    /// platform keeps no place for us; Telegram's lives in memory alone.
    pub cursor: Option<String>,
}

/// A text that leaves by the outbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Post {
    Say(Say),
    Desk(DeskPost),
}

/// One try at sending a row of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// The row: the same at every try, so that a platform that knows ids can tell a repeat.
    pub id: OutboxId,
    /// When the row was committed. A platform remembers ids for a limited time.
    pub made: Timestamp,
    /// How an earlier try ended is not known: it may have arrived.
    pub repeat: bool,
}

/// How a send ended. Only `Unknown` may lead to a repeat on a platform without ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    Sent {
        native: String,
    },
    /// The platform will never take it.
    Refused(Refusal),
    /// Not sent; the platform names a wait.
    RetryAfter(Duration),
    /// Certainly not sent: try again when you like.
    Unsent,
    /// May or may not have arrived.
    Unknown,
}

/// Why a platform will never take a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The person blocked the bot, or left.
    Gone,
    /// The chat goes on elsewhere.
    Moved(Lane),
    /// The thread is gone; the room still stands.
    NoThread,
    /// The platform found fault with the request. `code` is its status code.
    Bad { code: u16 },
}

/// Why nothing could be received.
#[derive(Debug, Error)]
pub enum ReceiveError {
    /// Try again after the wait: an outage, a second poller, a rate limit.
    #[error("{what}; trying again in {} s", wait.as_secs())]
    Later { what: &'static str, wait: Duration },
    /// Trying again cannot help: the sentence says what to do.
    #[error("{0}")]
    Fatal(String),
}

/// Why a thread could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ThreadError {
    /// The room has no threads, or does not let the bot open one.
    #[error("the room opens no threads (code {code})")]
    Refused { code: u16 },
    #[error("the room has moved to {0}")]
    Moved(Lane),
    #[error("the platform asks to wait {} s", .0.as_secs())]
    RetryAfter(Duration),
    #[error("no thread was opened")]
    Unsent,
    #[error("it is not known whether a thread was opened")]
    Unknown,
}

/// Why a file could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FetchError {
    #[error("the file is larger than may be passed on")]
    TooLarge,
    #[error("the platform does not have the file any more (code {code})")]
    Gone { code: u16 },
    #[error("the file could not be fetched just now")]
    Later,
}

/// How the relay of a practitioner's message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Delivered,
    Failed,
}

/// A platform that carries conversations. Errors never hold message text or tokens.
pub trait Channel: Send + Sync {
    fn kind(&self) -> ChannelKind;

    /// Waits for messages. `committed` is the cursor of the newest batch that is on disk: the
    /// platform is told that we have everything up to it.
    fn receive(&self, committed: Option<&str>) -> impl Future<Output = Result<Batch, ReceiveError>> + Send;

    /// Sends one text. `file` is the content of its media, fetched; without it only the words
    /// leave. `attempt` says which row it is, and whether it may have arrived before. Gives up
    /// within `within`, and then answers [`Delivery::Unknown`] unless it is sure.
    fn send(
        &self,
        to: &Lane,
        post: &Post,
        file: Option<&[u8]>,
        attempt: Attempt,
        within: Duration,
    ) -> impl Future<Output = Delivery> + Send;

    /// Shows that an answer is on its way. Best effort.
    fn typing(&self, to: &Lane) -> impl Future<Output = ()> + Send;

    /// Takes the buttons off a message whose question is answered. Best effort.
    fn retire(&self, to: &Lane, native: &str) -> impl Future<Output = ()> + Send;

    /// Deletes messages by their native ids. Returns how many are still there.
    fn clear(&self, to: &Lane, natives: &[String]) -> impl Future<Output = usize> + Send;

    /// Gives a message of the bot another text; none deletes it.
    fn amend(
        &self,
        to: &Lane,
        native: &str,
        text: Option<&str>,
        id: OutboxId,
        within: Duration,
    ) -> impl Future<Output = Delivery> + Send;

    /// Fetches a file that came by this channel, of at most `limit` bytes.
    fn fetch(
        &self,
        file: &FileRef,
        limit: u64,
        within: Duration,
    ) -> impl Future<Output = Result<Vec<u8>, FetchError>> + Send;

    /// Shows on somebody's message whether it reached the person. Best effort.
    fn mark(&self, at: &Lane, native: &str, mark: Mark) -> impl Future<Output = ()> + Send;

    /// Opens a thread of the desk's room.
    fn open_thread(
        &self,
        room: &Lane,
        title: &str,
        id: OutboxId,
        within: Duration,
    ) -> impl Future<Output = Result<Lane, ThreadError>> + Send;

    /// The private chat with somebody whom this channel proves to be `who`, opened if need be.
    fn direct(&self, who: &str, within: Duration) -> impl Future<Output = Result<Lane, ThreadError>> + Send;
}
