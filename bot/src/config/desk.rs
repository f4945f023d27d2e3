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
        self.validate_room(telegram, matrix)?;
        match &self.duty_lead {
            // `converse` knows people by their names, and has no desk on a platform.
            Some(lead) if self.channel.is_some() => validate_lead(lead, telegram, matrix),
            Some(_) | None => Ok(()),
        }
    }

    fn validate_room(&self, telegram: &Telegram, matrix: &Matrix) -> Result<(), Fault> {
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

/// Somebody who cannot be reached would be paged in vain.
fn validate_lead(lead: &str, telegram: &Telegram, matrix: &Matrix) -> Result<(), Fault> {
    let matrix_id = lead.strip_prefix('@').and_then(|id| id.split_once(':'));
    match (lead.parse::<u64>(), matrix_id) {
        (Ok(_), _) if telegram.token.is_none() => Err(Fault(
            "desk.duty_lead is a Telegram id, but telegram.token is not set: set it, or name a Matrix id.".into(),
        )),
        (_, Some(_)) if !matrix.is_on() => Err(Fault(
            "desk.duty_lead is a Matrix id, but matrix.homeserver is not set: set it, or name a Telegram id."
                .into(),
        )),
        (Ok(_), _) | (_, Some(_)) => Ok(()),
        (Err(_), None) => Err(Fault(
            "desk.duty_lead must be a person's numeric Telegram id, such as 123456789, or their Matrix id, such \
             as @ann:example.org."
                .into(),
        )),
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

    #[test]
    fn duty_lead_is_somebody_who_can_be_reached() {
        let on = Telegram { token: Some(SecretString::from("1:x")), ..Telegram::default() };
        let fault = |lead: &str, telegram: &Telegram, channel| {
            let room = Some("-100123".to_owned());
            let desk = Desk { channel, room, duty_lead: Some(lead.to_owned()), none: false };
            desk.validate(telegram, &Matrix::default()).err().map(|fault| fault.0)
        };
        let desk = Some(DeskChannel::Telegram);
        assert_eq!(fault("123456789", &on, desk), None);
        for (lead, part) in [
            ("@ann:example.org", "matrix.homeserver is not set"),
            ("ann", "must be a person's numeric Telegram id"),
            ("@ann", "must be a person's numeric Telegram id"),
            ("-100123", "must be a person's numeric Telegram id"),
        ] {
            let found = fault(lead, &on, desk).unwrap();
            assert!(found.contains(part), "{found}");
        }
        let off = validate_lead("7", &Telegram::default(), &Matrix::default()).err().unwrap();
        assert!(off.0.contains("telegram.token is not set"), "{off}");
    }
}
