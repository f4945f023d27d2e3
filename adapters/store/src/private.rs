//! Files that their owner alone can read: what is sealed in a database is not all that it tells.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt as _, path::Path};

const OWNER: u32 = 0o600;

/// Makes an empty file, unless there is one. SQLite takes it for a new database, and gives the files that it
/// makes beside it the same mode. Where it cannot be made, whoever opens it says why.
pub(crate) fn make(path: &Path) {
    let _ = OpenOptions::new().write(true).create_new(true).mode(OWNER).open(path);
}
