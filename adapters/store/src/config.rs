//! Which database, and how it is opened.

use std::{fmt, path::PathBuf, time::Duration};

/// Which database, and how it is opened.
#[derive(Clone)]
pub struct StoreConfig {
    pub(crate) url: String,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) migrate: bool,
    pub(crate) claim_timeout: Duration,
}

/// Without the address, which holds the password of PostgreSQL.
impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreConfig")
            .field("key_file", &self.key_file)
            .field("migrate", &self.migrate)
            .field("claim_timeout", &self.claim_timeout)
            .finish_non_exhaustive()
    }
}

impl StoreConfig {
    /// `sqlite:PATH`, `sqlite::memory:` or `postgres://…`.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), key_file: None, migrate: false, claim_timeout: Duration::from_mins(1) }
    }

    /// The key file. Needed for PostgreSQL; otherwise it stands beside the SQLite file, which it
    /// is named after, and is made on the first run with mode 600.
    #[must_use]
    pub fn key_file(self, path: impl Into<PathBuf>) -> Self {
        Self { key_file: Some(path.into()), ..self }
    }

    /// Bring the schema up to date while opening. Without it an older schema, and an empty
    /// database, is an error.
    #[must_use]
    pub fn migrate(self) -> Self {
        Self { migrate: true, ..self }
    }

    /// PostgreSQL: a process that stops in the middle of a claim loses it after this long. A
    /// minute unless set.
    #[must_use]
    pub fn claim_timeout(self, timeout: Duration) -> Self {
        Self { claim_timeout: timeout, ..self }
    }
}
