//! Section `matrix`.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;

use super::{Fault, de, secret};

/// The account of the bot on Matrix. `homeserver` switches it on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Matrix {
    #[serde(deserialize_with = "de::text")]
    pub homeserver: Option<String>,
    #[serde(deserialize_with = "de::text")]
    pub user: Option<String>,
    #[serde(deserialize_with = "de::secret")]
    pub password: Option<SecretString>,
    #[serde(deserialize_with = "de::path")]
    pub password_file: Option<PathBuf>,
    /// Session and encryption keys. One account's, and one process's.
    #[serde(deserialize_with = "de::path")]
    pub state_dir: Option<PathBuf>,
    /// Servers whose people may invite the bot. Empty: its own alone.
    #[serde(deserialize_with = "de::list")]
    pub allowed_servers: Vec<String>,
}

impl Matrix {
    /// Matrix is configured.
    pub fn is_on(&self) -> bool {
        self.homeserver.is_some()
    }

    /// Where session and keys are kept: `chatbox-matrix` where chatbox is started, unless set.
    pub fn state_dir(&self) -> &Path {
        self.state_dir.as_deref().unwrap_or_else(|| Path::new("chatbox-matrix"))
    }

    pub(super) fn resolve(&mut self, base: &Path) -> Result<(), Fault> {
        secret::from_file(base, "matrix.password", &mut self.password, self.password_file.as_deref())?;
        self.state_dir = self.state_dir.take().map(|path| base.join(path));
        Ok(())
    }

    pub(super) fn validate(&self) -> Result<(), Fault> {
        let Some(homeserver) = &self.homeserver else {
            let set = [(self.user.is_some(), "user"), (self.password.is_some(), "password")];
            return match set.into_iter().find(|(set, _)| *set) {
                None => Ok(()),
                Some((_, key)) => Err(Fault(format!(
                    "matrix.{key} is set and matrix.homeserver is not: set it to the address of the homeserver, \
                     or take matrix.{key} out."
                ))),
            };
        };
        if cfg!(not(feature = "matrix")) {
            return Err(Fault("matrix.homeserver is set, but this build has no Matrix: take it out.".into()));
        }
        if !homeserver.starts_with("https://") && !homeserver.starts_with("http://") {
            return Err(Fault(
                "matrix.homeserver must be a web address, such as https://matrix.example.org.".into(),
            ));
        }
        let Some(user) = &self.user else {
            return Err(Fault(
                "matrix.homeserver is set, so matrix.user must be the bot's account, such as \
                 @chatbox:example.org."
                    .into(),
            ));
        };
        if user.contains(char::is_whitespace) || (user.starts_with('@') != user.contains(':')) {
            return Err(Fault(
                "matrix.user must be written @chatbox:example.org, or chatbox for an account of the homeserver."
                    .into(),
            ));
        }
        if self.password.is_none() {
            return Err(Fault(
                "matrix.homeserver is set, so matrix.password or matrix.password_file must be set.".into(),
            ));
        }
        match self.allowed_servers.iter().find(|name| name.contains(['/', '@', ' '])) {
            None => Ok(()),
            Some(_) => Err(Fault(
                "matrix.allowed_servers must be a list of server names, such as [\"example.org\"], as they stand \
                 behind the colon of an account."
                    .into(),
            )),
        }
    }
}
