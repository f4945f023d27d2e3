//! Section `retention`.

use serde::Deserialize;

use super::{Fault, de};

/// For how many days things are kept. A purge runs once an hour.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// A chat that no practitioner took part in. The bot states this number.
    #[serde(deserialize_with = "de::whole")]
    pub chat_days: u32,
    /// A chat that a practitioner took part in: the hub's care record.
    #[serde(deserialize_with = "de::whole")]
    pub handled_days: u32,
    /// A group request.
    #[serde(deserialize_with = "de::whole")]
    pub request_days: u32,
    /// A line of the audit record. It holds no text.
    #[serde(deserialize_with = "de::whole")]
    pub audit_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { chat_days: 90, handled_days: 2922, request_days: 730, audit_days: 2922 }
    }
}

impl Retention {
    pub(super) fn validate(&self) -> Result<(), Fault> {
        let Self { chat_days, handled_days, request_days, audit_days } = *self;
        let periods = [
            ("chat_days", chat_days),
            ("handled_days", handled_days),
            ("request_days", request_days),
            ("audit_days", audit_days),
        ];
        match periods.into_iter().find(|(_, days)| !(1..=36_525).contains(days)) {
            None => Ok(()),
            Some((key, _)) => Err(Fault(format!("retention.{key} must be from 1 to 36525 days."))),
        }
    }
}
