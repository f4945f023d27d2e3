//! Section `desk`.

use std::{fmt, str::FromStr};

use chatbox_core::ids::ChannelKind;
use serde::Deserialize;

use super::{Fault, de, matrix::Matrix, telegram::Telegram};

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

impl DeskChannel {
    pub fn kind(self) -> ChannelKind {
        match self {
            Self::Telegram => ChannelKind::Telegram,
            Self::Matrix => ChannelKind::Matrix,
        }
    }
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
    pub(super) fn validate(&self, telegram: &Telegram, matrix: &Matrix) -> Result<(), Fault> {
        match self.channel {
            None if self.room.is_some() => Err(Fault(
                "desk.room is set and desk.channel is not: set desk.channel to \"telegram\" or \"matrix\"."
                    .into(),
            )),
            None => Ok(()),
            Some(DeskChannel::Telegram | DeskChannel::Matrix) if self.none => Err(Fault(
                "desk.none is true and desk.channel is set: take one of the two out.".into(),
            )),
            Some(DeskChannel::Matrix) if !matrix.is_on() => Err(Fault(
                "desk.channel is \"matrix\", but matrix.homeserver is not set: set it, and the bot's account."
                    .into(),
            )),
            Some(DeskChannel::Matrix) => match self.room.as_deref() {
                Some(room) if room.starts_with(['!', '#']) => Ok(()),
                Some(_) | None => Err(Fault(
                    "desk.channel is \"matrix\", so desk.room must be the id or the address of a room, such as \
                     !abc:example.org or #wellbeing-desk:example.org."
                        .into(),
                )),
            },
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

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn desk_on_matrix_needs_matrix_and_a_room_of_it() {
        let desk = |room: Option<&str>| Desk {
            channel: Some(DeskChannel::Matrix),
            room: room.map(str::to_owned),
            ..Desk::default()
        };
        let matrix = Matrix {
            homeserver: Some("https://example.org".to_owned()),
            user: Some("@bot:example.org".to_owned()),
            password: Some(SecretString::from("x")),
            ..Matrix::default()
        };
        let fault = |desk: &Desk, matrix: &Matrix| desk.validate(&Telegram::default(), matrix).err();
        let off = fault(&desk(Some("!a:b")), &Matrix::default()).unwrap();
        assert!(off.0.contains("matrix.homeserver is not set"), "{off}");
        for room in [None, Some("-100123")] {
            let wrong = fault(&desk(room), &matrix).unwrap();
            assert!(wrong.0.contains("such as !abc:example.org"), "{wrong}");
        }
        for room in ["!abc:example.org", "#desk:example.org"] {
            assert_eq!(fault(&desk(Some(room)), &matrix), None);
        }
    }
}
