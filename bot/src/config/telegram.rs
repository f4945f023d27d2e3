//! Section `telegram`.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Fault, de, secret};

/// The bot on Telegram.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telegram {
    #[serde(deserialize_with = "de::secret")]
    pub token: Option<SecretString>,
    #[serde(deserialize_with = "de::path")]
    pub token_file: Option<PathBuf>,
    #[serde(deserialize_with = "de::word")]
    pub api_url: String,
    #[serde(deserialize_with = "de::one_of")]
    pub mode: Mode,
    #[serde(deserialize_with = "de::text")]
    pub webhook_url: Option<String>,
    #[serde(deserialize_with = "de::listen")]
    pub webhook_listen: Option<SocketAddr>,
    #[serde(deserialize_with = "de::secret")]
    pub webhook_secret: Option<SecretString>,
    #[serde(deserialize_with = "de::path")]
    pub webhook_secret_file: Option<PathBuf>,
    /// Good beside the new one while the secret is being changed.
    #[serde(deserialize_with = "de::secret")]
    pub webhook_secret_old: Option<SecretString>,
    #[serde(deserialize_with = "de::path")]
    pub webhook_secret_old_file: Option<PathBuf>,
    /// Messages a second altogether. 0: no limit, as for the other two.
    #[serde(deserialize_with = "de::rate")]
    pub per_second: f64,
    /// Messages a second in one chat, with a burst of 3.
    #[serde(deserialize_with = "de::rate")]
    pub chat_per_second: f64,
    /// Messages a minute in one group.
    #[serde(deserialize_with = "de::rate")]
    pub group_per_minute: f64,
}

/// How messages come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Poll,
    Webhook,
}

/// A word that is no mode.
#[derive(Debug)]
pub struct BadMode;

impl fmt::Display for BadMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be \"poll\" or \"webhook\"")
    }
}

impl FromStr for Mode {
    type Err = BadMode;
    fn from_str(text: &str) -> Result<Self, BadMode> {
        match text {
            "poll" => Ok(Self::Poll),
            "webhook" => Ok(Self::Webhook),
            _ => Err(BadMode),
        }
    }
}

/// The public Bot API.
pub const PUBLIC_API: &str = "https://api.telegram.org";

impl Default for Telegram {
    fn default() -> Self {
        Self {
            token: None,
            token_file: None,
            api_url: PUBLIC_API.into(),
            mode: Mode::Poll,
            webhook_url: None,
            webhook_listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 8443))),
            webhook_secret: None,
            webhook_secret_file: None,
            webhook_secret_old: None,
            webhook_secret_old_file: None,
            per_second: 30.0,
            chat_per_second: 1.0,
            group_per_minute: 20.0,
        }
    }
}

impl Telegram {
    pub(super) fn resolve(&mut self, base: &Path) -> Result<(), Fault> {
        secret::from_file(base, "telegram.token", &mut self.token, self.token_file.as_deref())?;
        let file = self.webhook_secret_file.as_deref();
        secret::from_file(base, "telegram.webhook_secret", &mut self.webhook_secret, file)?;
        let file = self.webhook_secret_old_file.as_deref();
        secret::from_file(base, "telegram.webhook_secret_old", &mut self.webhook_secret_old, file)
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        if self.api_url.trim_end_matches('/') != PUBLIC_API {
            return Vec::new();
        }
        [
            ("per_second", self.per_second, 30.0),
            ("chat_per_second", self.chat_per_second, 1.0),
            ("group_per_minute", self.group_per_minute, 20.0),
        ]
        .into_iter()
        .filter(|(_, rate, allowed)| *rate == 0.0 || rate > allowed)
        .map(|(key, rate, allowed)| {
            let set = if rate == 0.0 { "0, so off".to_owned() } else { format!("{rate}") };
            format!(
                "telegram.{key} is {set}, and telegram.api_url is the public Bot API, which allows about \
                 {allowed}: messages will be refused."
            )
        })
        .collect()
    }

    pub(super) fn validate(&self) -> Result<(), Fault> {
        if cfg!(not(feature = "telegram")) && self.token.is_some() {
            return Err(Fault("telegram.token is set, but this build has no Telegram: take it out.".into()));
        }
        if !self.api_url.starts_with("http://") && !self.api_url.starts_with("https://") {
            return Err(Fault(format!("telegram.api_url must be a web address such as {PUBLIC_API}.")));
        }
        if let Some(token) = &self.token {
            let numbered = token
                .expose_secret()
                .split_once(':')
                .is_some_and(|(id, rest)| id.parse::<u64>().is_ok() && !rest.is_empty());
            if !numbered || token.expose_secret().contains(char::is_whitespace) {
                return Err(Fault(
                    "telegram.token is not a bot token: it is written NUMBER:LETTERS; ask @BotFather for it."
                        .into(),
                ));
            }
        }
        match self.mode {
            Mode::Poll => Ok(()),
            Mode::Webhook => self.validate_webhook(),
        }
    }

    fn validate_webhook(&self) -> Result<(), Fault> {
        if !self.webhook_url.as_deref().is_some_and(|url| url.starts_with("http")) {
            return Err(Fault(
                "telegram.mode is \"webhook\", so telegram.webhook_url must be the public https address that \
                 leads to telegram.webhook_listen."
                    .into(),
            ));
        }
        if self.webhook_listen.is_none() {
            return Err(Fault(
                "telegram.mode is \"webhook\", so telegram.webhook_listen must be set.".into(),
            ));
        }
        if !self.webhook_secret.as_ref().is_some_and(is_secret) {
            return Err(Fault(
                "telegram.mode is \"webhook\", so telegram.webhook_secret must be set: 16 to 256 of A-Z, a-z, \
                 0-9, _ and -."
                    .into(),
            ));
        }
        if !self.webhook_secret_old.as_ref().is_none_or(is_secret) {
            return Err(Fault(
                "telegram.webhook_secret_old must be the secret of before, 16 to 256 of A-Z, a-z, 0-9, _ and -, \
                 or not be set."
                    .into(),
            ));
        }
        Ok(())
    }
}

fn is_secret(secret: &SecretString) -> bool {
    let secret = secret.expose_secret();
    (16..=256).contains(&secret.len())
        && secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
