//! Section `content`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::de;

/// Where dialogues, directory, safety rules and wording come from.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Content {
    /// Absent: the folder `content` beside the configuration file if there is one, else the copy
    /// in the binary.
    #[serde(deserialize_with = "de::path")]
    pub dir: Option<PathBuf>,
}

impl Content {
    pub(super) fn resolve(&mut self, base: &Path) {
        if let Some(dir) = &mut self.dir {
            *dir = base.join(&*dir);
        }
    }
}
