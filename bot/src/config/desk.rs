//! Section `desk`.

use std::{fmt, str::FromStr};

use serde::Deserialize;

use super::{Fault, de, telegram::Telegram};

/// What a service without a desk has to be told.
pub const NOBODY: &str = "no desk is configured: requests and alerts reach nobody, and nobody is told that a \
                          person is coming";

/// Where practitioners are.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Desk {
    #[serde(deserialize_with = "de::maybe_one_of")]
    pub channel: Option<DeskChannel>,
    /// The group with topics (Telegram) or the room (Matrix).
    #[serde(deserialize_with = "de::id")]
    pub room: Option<String>,
    /// Who is paged on routes D and E: a numeric Telegram id or a Matrix id.
    #[serde(deserialize_with = "de::id")]
    pub duty_lead: Option<String>,
    /// Start with a live channel although nobody is at a desk.
    #[serde(deserialize_with = "de::flag")]
    pub none: bool,
}

/// The channel that carries the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeskChannel {
    Telegram,
    Matrix,
}

/// A word that is no desk channel.
#[derive(Debug)]
pub struct BadDeskChannel;

impl fmt::Display for BadDeskChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be \"telegram\" or \"matrix\"")
    }
}

impl FromStr for DeskChannel {
    type Err = BadDeskChannel;
    fn from_str(text: &str) -> Result<Self, BadDeskChannel> {
        match text {
            "telegram" => Ok(Self::Telegram),
            "matrix" => Ok(Self::Matrix),
            _ => Err(BadDeskChannel),
        }
    }
}

impl Desk {
    pub(super) fn validate(&self, telegram: &Telegram) -> Result<(), Fault> {
        match self.channel {
            None if self.room.is_some() => {
                Err(Fault("desk.room is set and desk.channel is not: set desk.channel to \"telegram\".".into()))
            }
            None => Ok(()),
            Some(DeskChannel::Matrix) => {
                Err(Fault("desk.channel is \"matrix\", but this build has no Matrix: use \"telegram\".".into()))
            }
            Some(DeskChannel::Telegram) if self.none => Err(Fault(
                "desk.none is true and desk.channel is set: take one of the two out.".into(),
            )),
            Some(DeskChannel::Telegram) if telegram.token.is_none() => Err(Fault(
                "desk.channel is \"telegram\", but telegram.token is not set: set it, or telegram.token_file."
                    .into(),
            )),
            Some(DeskChannel::Telegram) => match self.room.as_deref().map(str::parse::<i64>) {
                Some(Ok(_)) => Ok(()),
                Some(Err(_)) | None => Err(Fault(
                    "desk.channel is \"telegram\", so desk.room must be the numeric id of a group with topics, \
                     such as -1001234567890."
                        .into(),
                )),
            },
        }
    }
}
