//! Configuration: one TOML file, the environment over it, secrets also from files.
//!
//! A file per section, each with its own `validate`. Every field is read by a function of
//! [`de`], which knows what a value from the environment (always text) may look like. A new key
//! is a field in its section, a line in [`KEYS`] and a commented entry in `config/chatbox.toml`:
//! the tests say which of the three is missing.

pub mod content;
mod de;
pub mod desk;
pub mod http;
pub mod hub;
pub mod limits;
mod load;
pub mod matrix;
pub mod retention;
mod secret;
pub mod store;
pub mod targets;
pub mod telegram;

use serde::Deserialize;
use thiserror::Error;

pub use load::{DEFAULT_PATH, Loaded, load};

/// Every key, as `section.key`: what an unknown one is compared with.
pub const KEYS: &[&str] = &[
    "store.url",
    "store.key_file",
    "content.dir",
    "hub.name",
    "hub.phone",
    "hub.email",
    "hub.web",
    "hub.areas",
    "hub.nation",
    "hub.hours",
    "hub.closed_days",
    "hub.confidentiality",
    "telegram.token",
    "telegram.token_file",
    "telegram.api_url",
    "telegram.mode",
    "telegram.webhook_url",
    "telegram.webhook_listen",
    "telegram.webhook_secret",
    "telegram.webhook_secret_file",
    "telegram.webhook_secret_old",
    "telegram.webhook_secret_old_file",
    "telegram.per_second",
    "telegram.chat_per_second",
    "telegram.group_per_minute",
    "matrix.homeserver",
    "matrix.user",
    "matrix.password",
    "matrix.password_file",
    "matrix.state_dir",
    "matrix.allowed_servers",
    "desk.channel",
    "desk.room",
    "desk.duty_lead",
    "desk.none",
    "targets.b",
    "targets.c",
    "targets.d",
    "targets.e",
    "retention.chat_days",
    "retention.handled_days",
    "retention.request_days",
    "retention.audit_days",
    "limits.person_per_minute",
    "http.listen",
];

/// What is wrong with the configuration: where, what, and what to do, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Fault(pub String);

/// The whole configuration, checked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub store: store::Store,
    pub content: content::Content,
    pub hub: hub::Hub,
    pub telegram: telegram::Telegram,
    pub matrix: matrix::Matrix,
    pub desk: desk::Desk,
    pub targets: targets::Targets,
    pub retention: retention::Retention,
    pub limits: limits::Limits,
    pub http: http::Http,
}

impl Config {
    /// A platform other than the terminal is configured.
    pub fn has_live_channel(&self) -> bool {
        self.telegram.token.is_some() || self.matrix.is_on()
    }

    /// What is allowed and probably not meant, a sentence each: shown by `check` and in the log
    /// at the start.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.telegram.warnings();
        warnings.extend(self.hub.warnings());
        if self.has_live_channel() && self.desk.channel.is_none() {
            warnings.push(desk::NOBODY.to_owned());
        }
        warnings
    }

    fn validate(&self) -> Result<(), Fault> {
        self.store.validate()?;
        self.telegram.validate()?;
        self.matrix.validate()?;
        self.desk.validate(&self.telegram, &self.matrix)?;
        self.retention.validate()
    }
}
