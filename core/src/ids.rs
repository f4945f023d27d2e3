//! Names of things: which channel, which chat, which message.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A way in: the platform that carries the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    Telegram,
    Matrix,
    Terminal,
}

impl ChannelKind {
    /// The name as it stands in a lane and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Telegram => "telegram",
            Self::Matrix => "matrix",
            Self::Terminal => "terminal",
        }
    }
}

/// One chat on one channel, in which order is kept: `telegram:42`, or `telegram:-100/17` for a
/// thread (a forum topic) of a group. A person's lane is also the name of their conversation.
///
/// Native ids are the only personal data that the database holds unsealed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Lane {
    pub channel: ChannelKind,
    pub chat: String,
    pub thread: Option<String>,
}

impl Lane {
    /// A chat as a whole, by the platform's own id of it.
    pub fn new(channel: ChannelKind, chat: impl Into<String>) -> Self {
        Self { channel, chat: chat.into(), thread: None }
    }

    /// The same chat, in a thread of it.
    #[must_use]
    pub fn in_thread(self, thread: impl Into<String>) -> Self {
        Self { thread: Some(thread.into()), ..self }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.channel.as_str(), self.chat)?;
        if let Some(thread) = &self.thread {
            write!(f, "/{thread}")?;
        }
        Ok(())
    }
}

impl From<Lane> for String {
    fn from(lane: Lane) -> Self {
        lane.to_string()
    }
}

/// A lane that cannot be read.
#[derive(Debug, Error)]
#[error("a lane is written channel:chat, with channel telegram, matrix or terminal")]
pub struct BadLane;

impl TryFrom<String> for Lane {
    type Error = BadLane;
    fn try_from(text: String) -> Result<Self, BadLane> {
        text.parse()
    }
}

impl FromStr for Lane {
    type Err = BadLane;
    fn from_str(text: &str) -> Result<Self, BadLane> {
        let (channel, rest) = text.split_once(':').ok_or(BadLane)?;
        let channel = match channel {
            "telegram" => ChannelKind::Telegram,
            "matrix" => ChannelKind::Matrix,
            "terminal" => ChannelKind::Terminal,
            _ => return Err(BadLane),
        };
        let (chat, thread) = match rest.split_once('/') {
            Some((chat, thread)) => (chat, Some(thread.to_owned())),
            None => (rest, None),
        };
        if chat.is_empty() {
            return Err(BadLane);
        }
        Ok(Self { channel, chat: chat.to_owned(), thread })
    }
}

/// What a case is called at the desk, and a saved request by everyone: `KWG-7Q2MX`.
/// Always three capital letters, a hyphen and five of `0-9A-Z`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reference(pub String);

impl Reference {
    /// Reads one that somebody typed, in capitals or not.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.to_ascii_uppercase();
        let (prefix, rest) = text.split_once('-')?;
        let fits = prefix.len() == 3
            && prefix.bytes().all(|b| b.is_ascii_uppercase())
            && rest.len() == 5
            && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        fits.then_some(Self(text))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one outbox row for good: the inbox row that caused it, and its place among that turn's
/// rows. Deciding the same input again gives the same id, so a platform that knows ids
/// (Matrix) can tell a repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OutboxId {
    /// `seq` of the inbox row.
    pub input: i64,
    /// 0-based place of the effect within its turn.
    pub nth: u16,
}

impl fmt::Display for OutboxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.input, self.nth)
    }
}
