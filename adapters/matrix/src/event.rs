//! One event of a room: who sent what, and which other event it belongs to.
//!
//! Read by hand: words must not be lost to a field that a client has added.

use chatbox_core::channel::Confidentiality;
use jiff::Timestamp;
use matrix_sdk::{
    deserialized_responses::{TimelineEvent, TimelineEventKind, VerificationState},
    ruma::{OwnedEventId, OwnedUserId},
};
use serde_json::Value;

/// One event, decrypted if it could be. No `Debug`: it holds what was said.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) id: OwnedEventId,
    pub(crate) sender: OwnedUserId,
    pub(crate) at: Timestamp,
    pub(crate) kind: String,
    pub(crate) content: Value,
    pub(crate) state_key: Option<String>,
    /// The membership before, of an event about one.
    pub(crate) before: Option<String>,
    /// What it takes back, of a redaction.
    pub(crate) redacts: Option<String>,
    /// None: it is encrypted and cannot be read yet.
    pub(crate) via: Option<Confidentiality>,
}

impl Event {
    pub(crate) fn parse(event: &TimelineEvent) -> Option<Self> {
        let via = match &event.kind {
            TimelineEventKind::Decrypted(decrypted) => {
                Some(match decrypted.encryption_info.verification_state {
                    VerificationState::Verified => Confidentiality::EncryptedVerified,
                    VerificationState::Unverified(_) => Confidentiality::Encrypted,
                })
            }
            TimelineEventKind::PlainText { .. } => Some(Confidentiality::Platform),
            TimelineEventKind::UnableToDecrypt { .. } => None,
        };
        Self::of(&serde_json::from_str(event.raw().json().get()).ok()?, via)
    }

    pub(crate) fn of(raw: &Value, via: Option<Confidentiality>) -> Option<Self> {
        let text = |field: &str| raw[field].as_str().map(str::to_owned);
        Some(Self {
            id: OwnedEventId::try_from(raw["event_id"].as_str()?).ok()?,
            sender: OwnedUserId::try_from(raw["sender"].as_str()?).ok()?,
            at: Timestamp::from_millisecond(raw["origin_server_ts"].as_i64()?).ok()?,
            kind: text("type")?,
            content: raw["content"].clone(),
            state_key: text("state_key"),
            before: raw["unsigned"]["prev_content"]["membership"].as_str().map(str::to_owned),
            redacts: text("redacts").or_else(|| raw["content"]["redacts"].as_str().map(str::to_owned)),
            via,
        })
    }

    pub(crate) fn is_unreadable(&self) -> bool {
        self.via.is_none()
    }

    /// The membership that it gives to `user`: `join`, `invite`, `leave`, `ban` or `knock`.
    pub(crate) fn membership(&self) -> Option<(&str, &str)> {
        let user = self.state_key.as_deref().filter(|_| self.kind == "m.room.member")?;
        Some((user, self.content["membership"].as_str()?))
    }

    /// The event that has to be known before this one can be read.
    pub(crate) fn target(&self) -> Option<OwnedEventId> {
        let relation = &self.content["m.relates_to"];
        let id = match relation["rel_type"].as_str() {
            Some("m.annotation" | "m.replace") => relation["event_id"].as_str(),
            Some("m.thread") if relation["is_falling_back"] == true => None,
            Some(_) | None => relation["m.in_reply_to"]["event_id"].as_str(),
        };
        OwnedEventId::try_from(id?).ok()
    }

    /// The first message of the thread that it stands in.
    pub(crate) fn thread(&self) -> Option<&str> {
        let relation = &self.content["m.relates_to"];
        relation["event_id"].as_str().filter(|_| relation["rel_type"] == "m.thread")
    }

    /// The message that it is another version of.
    pub(crate) fn replaces(&self) -> Option<&str> {
        let relation = &self.content["m.relates_to"];
        relation["event_id"].as_str().filter(|_| relation["rel_type"] == "m.replace")
    }
}
