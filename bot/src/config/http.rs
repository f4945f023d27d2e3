//! Section `http`.

use std::net::SocketAddr;

use serde::Deserialize;

use super::de;

/// Health and metrics.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Absent: off.
    #[serde(deserialize_with = "de::listen")]
    pub listen: Option<SocketAddr>,
}
