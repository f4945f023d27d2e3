//! How statements are written and run.
//!
//! A statement costs about two microseconds, since it runs on the thread that asks for it and is
//! prepared once. So rows are written one by one, in plain SQL.
//!
//! A limit is written `LIMIT +?1`: without the plus SQLite looks at its value and plans anew for each.

use rusqlite::{CachedStatement, Connection};

/// A statement that PostgreSQL runs too: it numbers its parameters `$1`, which to SQLite are names.
pub(super) fn shared<'a>(db: &'a Connection, sql: &str) -> rusqlite::Result<CachedStatement<'a>> {
    db.prepare_cached(&sql.replace('$', "?"))
}
