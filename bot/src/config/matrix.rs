//! Section `matrix`. The keys are fixed; this build has no Matrix and says so.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;

use super::{Fault, de};

/// The account of the bot on Matrix.
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
    #[serde(deserialize_with = "de::path")]
    pub state_dir: Option<PathBuf>,
}

impl Matrix {
    pub(super) fn resolve(&mut self, base: &Path) {
        for path in [&mut self.password_file, &mut self.state_dir].into_iter().flatten() {
            *path = base.join(&*path);
        }
    }

    pub(super) fn validate(&self) -> Result<(), Fault> {
        let Self { homeserver, user, password, password_file, state_dir } = self;
        let set = [
            (homeserver.is_some(), "homeserver"),
            (user.is_some(), "user"),
            (password.is_some(), "password"),
            (password_file.is_some(), "password_file"),
            (state_dir.is_some(), "state_dir"),
        ];
        match set.into_iter().find(|(set, _)| *set) {
            None => Ok(()),
            Some((_, key)) => {
                Err(Fault(format!("matrix.{key} is set, but this build has no Matrix: take it out.")))
            }
        }
    }
}
