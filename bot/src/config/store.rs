//! Section `store`.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Fault, de};

/// The database.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// `sqlite:PATH` or `postgres://…`, which may hold a password. Absent: [`DEFAULT_URL`] in the
    /// working directory.
    #[serde(deserialize_with = "de::secret")]
    pub url: Option<SecretString>,
    /// Absent: beside the SQLite file, made on the first run.
    #[serde(deserialize_with = "de::path")]
    pub key_file: Option<PathBuf>,
}

/// The embedded database of a service that nobody configured.
pub const DEFAULT_URL: &str = "sqlite:chatbox.db";

impl Store {
    pub fn url(&self) -> SecretString {
        self.url.clone().unwrap_or_else(|| DEFAULT_URL.into())
    }

    pub(super) fn resolve(&mut self, base: &Path) {
        if let Some(file) = &mut self.key_file {
            *file = base.join(&*file);
        }
        let Some(url) = &self.url else { return };
        if let Some(path) = url.expose_secret().strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path != ":memory:" {
                self.url = Some(format!("sqlite:{}", base.join(path).display()).into());
            }
        }
    }

    /// Whether any number of processes may work on it, as on PostgreSQL.
    pub fn is_shared(&self) -> bool {
        let url = self.url();
        let url = url.expose_secret();
        url.starts_with("postgres://") || url.starts_with("postgresql://")
    }

    pub(super) fn validate(&self) -> Result<(), Fault> {
        let url = self.url();
        let url = url.expose_secret();
        if self.is_shared() {
            if self.key_file.is_none() {
                return Err(Fault(
                    "store.url is a PostgreSQL database, so store.key_file must be set: the key does not \
                     belong beside the data."
                        .into(),
                ));
            }
            return Ok(());
        }
        if url.strip_prefix("sqlite:").is_some_and(|path| !path.is_empty()) {
            return Ok(());
        }
        Err(Fault("store.url must be sqlite:PATH or postgres://….".into()))
    }
}
