//! What can go wrong, as sentences that an operator can act on.

use std::path::PathBuf;

use thiserror::Error;

/// Why a database was not opened. Nothing was changed.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("store.url must be sqlite:PATH, sqlite::memory: or postgres://USER@HOST/DATABASE")]
    Url,
    #[error("the database {path} cannot be opened for writing: {why}")]
    Unwritable { path: PathBuf, why: String },
    #[error("the database cannot be reached: {why}")]
    Unreachable { why: String },
    #[error(
        "{path} does not fit this database: it was sealed with another key. Give the key file that was made with it (store.key_file)"
    )]
    WrongKey { path: PathBuf },
    #[error("the key file {path} is missing, and without it nothing in this database can be read")]
    KeyMissing { path: PathBuf },
    #[error("PostgreSQL needs a key file of its own: set store.key_file")]
    KeyFileNotSet,
    #[error("the key file {path} {why}")]
    KeyFile { path: PathBuf, why: String },
    #[error(
        "the database has schema {found}, and this program knows only up to {known}: use a newer program"
    )]
    SchemaNewer { found: i64, known: i64 },
    #[error("the database has schema {found}, and this program needs {known}: run `chatbox migrate` first")]
    SchemaOlder { found: i64, known: i64 },
    #[error(
        "another chatbox service has {path} open. SQLite serves one service process; stop the other one, or use PostgreSQL"
    )]
    InUse { path: PathBuf },
    #[error(
        "the database would lose committed messages in a power cut: {setting} is {found}, and must be {needed}"
    )]
    NotDurable { setting: &'static str, found: String, needed: &'static str },
    #[error("the schema could not be brought up to date: {why}")]
    Migrate { why: String },
}

/// Why an operation did not happen. Unless a method says otherwise nothing was changed, and it
/// may be tried again.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database said no. Holds its code and the name of a constraint at most, never a value.
    #[error("the database failed: {why}")]
    Database { why: String },
    #[error("something stored cannot be opened with the keys at hand ({table}.{column})")]
    Sealed { table: &'static str, column: &'static str },
    #[error("something stored cannot be read by this program ({table}.{column})")]
    Unreadable { table: &'static str, column: &'static str },
    /// The rows belong to somebody else by now: the claim ran out, or never held them.
    #[error("the claim does not hold what was to be committed")]
    NotClaimed,
    #[error("the store is closed")]
    Closed,
    #[error("there is no such row")]
    Missing,
    #[error("that name or code is taken already")]
    Taken,
    #[error("{0}")]
    Unsupported(&'static str),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed) {
            Self::Closed
        } else {
            Self::Database { why: describe(&error) }
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let why = match error.sqlite_error() {
            Some(failure) => coded(&failure.extended_code.to_string(), None),
            None => "unexpected answer".to_owned(),
        };
        Self::Database { why }
    }
}

/// Why a batch cannot be made or written.
#[derive(Debug)]
pub(crate) enum Fail {
    /// A reference is somebody else's.
    Clash,
    /// The rows are at fault.
    Rows,
    /// PostgreSQL broke the transaction off in favour of another: it may be run again.
    Broken(StoreError),
    /// The database is at fault.
    Database(StoreError),
}

impl Fail {
    pub(crate) fn into_error(self) -> StoreError {
        match self {
            Self::Broken(error) | Self::Database(error) => error,
            Self::Clash | Self::Rows => {
                StoreError::Database { why: "the rows break a rule of the schema".to_owned() }
            }
        }
    }
}

impl From<StoreError> for Fail {
    fn from(error: StoreError) -> Self {
        Self::Database(error)
    }
}

impl From<sqlx::Error> for Fail {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind;
        let kind = error.as_database_error().map(sqlx::error::DatabaseError::kind);
        let code = code(&error);
        match kind {
            Some(ErrorKind::UniqueViolation) => Self::Clash,
            Some(
                ErrorKind::ForeignKeyViolation
                | ErrorKind::NotNullViolation
                | ErrorKind::CheckViolation
                | ErrorKind::ExclusionViolation,
            ) => Self::Rows,
            // PostgreSQL's classes: 40, the transaction was rolled back; 22, a value that cannot
            // be (a zero byte in a text, say). SQLite has no such codes.
            _ if code.len() == 5 && code.starts_with("40") => Self::Broken(error.into()),
            _ if code.len() == 5 && code.starts_with("22") => Self::Rows,
            _ if matches!(error, sqlx::Error::Encode(_)) => Self::Rows,
            _ => Self::Database(error.into()),
        }
    }
}

impl From<rusqlite::Error> for Fail {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ffi;
        match error.sqlite_error().map(|failure| failure.extended_code) {
            Some(
                ffi::SQLITE_CONSTRAINT_UNIQUE
                | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                | ffi::SQLITE_CONSTRAINT_ROWID,
            ) => Self::Clash,
            Some(code) if code & 0xFF == ffi::SQLITE_CONSTRAINT => Self::Rows,
            _ => Self::Database(error.into()),
        }
    }
}

/// What happened, without the database's own sentence: that may quote the row.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library may add more")]
pub(crate) fn describe(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => coded(&error.code().unwrap_or_default(), error.constraint()),
        sqlx::Error::Io(error) => format!("connection: {}", error.kind()),
        sqlx::Error::Tls(_) => "encryption of the connection".to_owned(),
        sqlx::Error::PoolTimedOut => "no connection became free in time".to_owned(),
        sqlx::Error::ColumnNotFound(column) => format!("no column {column}"),
        sqlx::Error::ColumnDecode { index, .. } => format!("column {index} has another type"),
        sqlx::Error::RowNotFound => "no row".to_owned(),
        sqlx::Error::Protocol(_) => "protocol".to_owned(),
        _ => "unexpected answer".to_owned(),
    }
}

fn coded(code: &str, constraint: Option<&str>) -> String {
    match (disk(code), constraint) {
        (Some(sentence), _) => sentence.to_owned(),
        (None, Some(constraint)) => format!("code {code}, constraint {constraint}"),
        (None, None) => format!("code {code}"),
    }
}

/// What the operator of the machine has to see to.
fn disk(code: &str) -> Option<&'static str> {
    match (code, code.parse::<i32>().map(|code| code & 0xFF)) {
        // SQLite's codes are numbers, of which the last byte tells the kind; PostgreSQL's have five
        // letters or digits.
        ("53100", _) => Some("the disk is full"),
        ("58030", _) => Some("the disk failed"),
        (code, Ok(13)) if code.len() < 5 => Some("the disk is full"),
        (code, Ok(10)) if code.len() < 5 => Some("the disk failed"),
        (_, _) => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library may add more")]
pub(crate) fn migration_why(error: &sqlx::migrate::MigrateError) -> String {
    use sqlx::migrate::MigrateError;

    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => describe(error),
        MigrateError::VersionMissing(version) => format!("migration {version} is unknown to this program"),
        MigrateError::VersionMismatch(version) => {
            format!("migration {version} is not the one that this program knows")
        }
        MigrateError::Dirty(version) => format!("migration {version} was left half done"),
        _ => "a migration failed".to_owned(),
    }
}

/// The database's own code, empty where there is none.
pub(crate) fn code(error: &sqlx::Error) -> String {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default().into_owned()
}
