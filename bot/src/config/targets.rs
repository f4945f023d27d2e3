//! Section `targets`.

use serde::Deserialize;

use super::de;

/// Within how many minutes, while the hub is open, a person should answer on each route.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Targets {
    #[serde(deserialize_with = "de::whole")]
    pub b: u32,
    #[serde(deserialize_with = "de::whole")]
    pub c: u32,
    #[serde(deserialize_with = "de::whole")]
    pub d: u32,
    #[serde(deserialize_with = "de::whole")]
    pub e: u32,
}

impl Default for Targets {
    fn default() -> Self {
        Self { b: 480, c: 15, d: 0, e: 0 }
    }
}
