//! Section `limits`.

use serde::Deserialize;

use super::de;

/// What one person may use up.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Messages a minute before the bot only listens for danger. 0: no limit.
    #[serde(deserialize_with = "de::whole")]
    pub person_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { person_per_minute: 30 }
    }
}
