//! Files that their owner alone can read: what is sealed in a database is not all that it tells.

use std::{fs::OpenOptions, io, os::unix::fs::OpenOptionsExt as _, path::Path};

const OWNER: u32 = 0o600;

/// Makes an empty file; one that is there stays as it is, and is the error. SQLite takes it for a new database, and gives the files that it
/// makes beside it the same mode. Where it cannot be made, whoever opens it says why.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(OWNER).open(path).map(|_| ())
}
