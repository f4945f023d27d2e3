//! Opening a SQLite database, and refusing one that would break a promise.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rusqlite::OpenFlags;
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::{Instant, sleep};

use super::{Held, Sqlite, writer::Writer};
use crate::{
    config::StoreConfig,
    error::{OpenError, code, describe, migration_why},
    private,
    seal::{self, HASH_KEY, Keyring, META, Sealer},
    signals::Signals,
};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/sqlite");

/// How long a database that is in use is waited for: a service that was killed may not be gone yet, and what a
/// process starts holds its files too until it is a program of its own.
const HANDED_OVER: Duration = Duration::from_millis(500);
/// How long a process waits while another one writes.
const BUSY: Duration = Duration::from_secs(5);
/// Connections for reading.
const READERS: u32 = 2;
/// Statements that the writer keeps prepared.
const PREPARED: usize = 64;
/// Where SQLite keeps databases that are shared within a process, up to 1 GiB each. Whoever reads while a
/// transaction writes waits for it.
const MEMORY: &str = "memdb";

/// Settings of each connection.
const SETTINGS: [(&str, &str); 5] = [
    ("foreign_keys", "on"),
    ("secure_delete", "on"),
    ("temp_store", "memory"),
    // Kibibytes. The default holds too little of what a busy hub touches again and again.
    ("cache_size", "-4096"),
    // Pages. Most are written again soon: fewer, longer checkpoints write each of them once.
    ("wal_autocheckpoint", "8192"),
];

impl Sqlite {
    pub(crate) async fn open(
        config: &StoreConfig,
        service: bool,
        signals: Arc<Signals>,
    ) -> Result<Self, OpenError> {
        let path = path(&config.url)?;
        let file = path.clone().unwrap_or_else(in_memory);
        let options = options(&file, path.is_some());
        let key_file = match (&config.key_file, &path) {
            (Some(file), _) => file.clone(),
            (None, Some(path)) => beside(path, ".key"),
            (None, None) => PathBuf::new(),
        };
        let ring = match &path {
            Some(_) => Keyring::load(&key_file)?,
            None => Some(Keyring::ephemeral()),
        };
        let lock = match &path {
            Some(path) if service => Some(lock(path).await?),
            Some(_) | None => None,
        };
        let existed = path.as_deref().is_some_and(|path| path.metadata().is_ok_and(|file| file.len() > 0));
        let mut connection = connect(&options, path.as_deref(), existed || config.migrate).await?;
        let writing = writing(&file, path.is_some())
            .map_err(|error| OpenError::Unwritable { path: file, why: writing_why(&error) })?;
        // Before anything is written: it must last, the schema must be known and the key must fit.
        if path.is_some() {
            durable(&writing)?;
        }
        let found = schema(&mut connection).await.map_err(|e| unreadable(path.as_deref(), &e))?;
        let known = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0);
        if found > known {
            return Err(OpenError::SchemaNewer { found, known });
        }
        if found < known && !config.migrate {
            return Err(OpenError::SchemaOlder { found, known });
        }
        let sealed: Option<Vec<u8>> = if found > 0 {
            hash_key(&mut connection).await.map_err(|e| unreadable(path.as_deref(), &e))?
        } else {
            None
        };
        let (ring, hash) = match (ring, sealed) {
            (Some(ring), Some(sealed)) => {
                let hash = seal::open_hash_key(&ring, &sealed, &key_file)?;
                (ring, hash)
            }
            (None, Some(_)) => return Err(OpenError::KeyMissing { path: key_file }),
            (Some(ring), None) => (ring, seal::random()),
            (None, None) => (Keyring::create(&key_file)?, seal::random()),
        };
        if found < known {
            MIGRATIONS
                .run(&mut connection)
                .await
                .map_err(|error| OpenError::Migrate { why: migration_why(&error) })?;
        }
        prepare(&mut connection, &ring, &hash, service)
            .await
            .map_err(|e| OpenError::Migrate { why: describe(&e) })?;

        let sealer = Arc::new(Sealer::new(ring, hash));
        // Only now: a database in memory is gone when nobody has it open.
        connection.close().await.map_err(|e| unreadable(path.as_deref(), &e))?;
        let reads = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_lazy_with(options.create_if_missing(false).pragma("query_only", "on"));
        let held = Arc::new(Held::new(signals));
        let wal = path.is_some();
        let writer = Writer { connection: writing, sealer: Arc::clone(&sealer), held, lock, wal }.start();
        Ok(Self { writer, reads, sealer, recent: Arc::default(), ahead: Arc::default(), path })
    }
}

fn path(url: &str) -> Result<Option<PathBuf>, OpenError> {
    let rest = url.strip_prefix("sqlite:").ok_or(OpenError::Url)?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    match rest {
        ":memory:" => Ok(None),
        "" => Err(OpenError::Url),
        path => Ok(Some(PathBuf::from(path))),
    }
}

/// The name of a database that no other has.
fn in_memory() -> PathBuf {
    static MADE: AtomicU64 = AtomicU64::new(0);
    // The slash: it is shared among connections.
    PathBuf::from(format!("/chatbox-{}", MADE.fetch_add(1, Ordering::Relaxed)))
}

/// How a connection for reading and migrations is opened.
pub(super) fn options(file: &Path, on_disk: bool) -> SqliteConnectOptions {
    let mut options = SqliteConnectOptions::new()
        .filename(file)
        .busy_timeout(BUSY)
        .statement_cache_capacity(256)
        .row_buffer_size(512)
        .disable_statement_logging();
    for (setting, value) in SETTINGS {
        options = options.pragma(setting, value);
    }
    if on_disk {
        options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full)
    } else {
        options.vfs(MEMORY)
    }
}

/// Opens the writing connection of a database that is there.
fn writing(file: &Path, on_disk: bool) -> rusqlite::Result<rusqlite::Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if on_disk {
        rusqlite::Connection::open_with_flags(file, flags)?
    } else {
        rusqlite::Connection::open_with_flags_and_vfs(file, flags, MEMORY)?
    };
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    for (setting, value) in SETTINGS {
        connection.pragma_update(None, setting, value)?;
    }
    connection.pragma_update(None, "synchronous", "full")?;
    Ok(connection)
}

async fn connect(
    options: &SqliteConnectOptions,
    path: Option<&Path>,
    create: bool,
) -> Result<SqliteConnection, OpenError> {
    let unwritable =
        |why: String| OpenError::Unwritable { path: path.map(Path::to_owned).unwrap_or_default(), why };
    if let Some(path) = path {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            return Err(unwritable("its folder does not exist".to_owned()));
        }
        if path.is_dir() {
            return Err(unwritable("it is a folder".to_owned()));
        }
        if !create && !path.exists() {
            return Err(unwritable("it does not exist; `chatbox migrate` makes it".to_owned()));
        }
        if create {
            let _ = private::make(path);
        }
    }
    let mut connection = options
        .clone()
        .create_if_missing(create)
        .connect()
        .await
        .map_err(|error| unwritable(sqlite_why(&error)))?;
    // A file that can only be read is found out now, not at the first message.
    let tried = async {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await?;
        sqlx::query("PRAGMA user_version = 0").execute(&mut connection).await?;
        sqlx::query("ROLLBACK").execute(&mut connection).await
    };
    tried.await.map_err(|error| unwritable(sqlite_why(&error)))?;
    Ok(connection)
}

fn sqlite_why(error: &sqlx::Error) -> String {
    sentence(code(error).parse().ok()).map_or_else(|| describe(error), str::to_owned)
}

fn writing_why(error: &rusqlite::Error) -> String {
    let code = error.sqlite_error().map(|failure| failure.extended_code);
    sentence(code).map_or_else(|| format!("code {}", code.unwrap_or_default()), str::to_owned)
}

fn sentence(code: Option<i32>) -> Option<&'static str> {
    Some(match code? & 0xFF {
        5 | 6 => "another process keeps it busy",
        8 => "it can only be read",
        10 => "the disk failed",
        13 => "the disk is full",
        14 => "the system does not let it be opened",
        11 | 26 => "it is not an SQLite database, or is damaged",
        _ => return None,
    })
}

fn unreadable(path: Option<&Path>, error: &sqlx::Error) -> OpenError {
    OpenError::Unwritable { path: path.map(Path::to_owned).unwrap_or_default(), why: sqlite_why(error) }
}

/// A lock on a file of its own: closing any other handle of the database itself would let go of
/// SQLite's locks on it. One that is held is waited for a moment.
async fn lock(path: &Path) -> Result<File, OpenError> {
    let lock = beside(path, ".lock");
    let unwritable =
        |error: &std::io::Error| OpenError::Unwritable { path: lock.clone(), why: error.kind().to_string() };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock)
        .map_err(|error| unwritable(&error))?;
    let until = Instant::now() + HANDED_OVER;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < until => sleep(HANDED_OVER / 50).await,
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(unwritable(&error)),
        }
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Committed means on disk (P8).
fn durable(connection: &rusqlite::Connection) -> Result<(), OpenError> {
    let setting = |name| connection.pragma_query_value(None, name, |row| row.get_ref(0).map(found));
    let unreachable = |error: rusqlite::Error| OpenError::Unreachable { why: writing_why(&error) };
    let journal = setting("journal_mode").map_err(unreachable)?;
    if journal != "wal" {
        return Err(OpenError::NotDurable { setting: "journal_mode", found: journal, needed: "wal" });
    }
    let synchronous = setting("synchronous").map_err(unreachable)?;
    if !matches!(synchronous.as_str(), "2" | "3") {
        return Err(OpenError::NotDurable { setting: "synchronous", found: synchronous, needed: "2 (FULL)" });
    }
    Ok(())
}

fn found(value: rusqlite::types::ValueRef<'_>) -> String {
    match value.as_i64() {
        Ok(number) => number.to_string(),
        Err(_) => value.as_str().unwrap_or_default().to_owned(),
    }
}

/// The newest migration that ran; 0 for an empty database.
pub(super) async fn schema(connection: &mut SqliteConnection) -> sqlx::Result<i64> {
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'")
            .fetch_one(&mut *connection)
            .await?;
    if tables == 0 {
        return Ok(0);
    }
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success")
        .fetch_one(&mut *connection)
        .await
}

async fn hash_key(connection: &mut SqliteConnection) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar("SELECT value FROM meta WHERE name = $1")
        .bind(HASH_KEY)
        .fetch_optional(&mut *connection)
        .await
}

async fn prepare(
    connection: &mut SqliteConnection,
    ring: &Keyring,
    hash: &[u8; 32],
    service: bool,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(HASH_KEY)
        .bind(ring.seal(META, HASH_KEY.as_bytes(), hash))
        .execute(&mut *connection)
        .await?;
    if service {
        // Whoever held a lease is gone. A lane that was told to wait by its platform still waits.
        sqlx::query(
            "UPDATE sending SET ready = coalesce((SELECT max(due) FROM outbox WHERE outbox.lane = sending.lane AND status = 0), 0)
             WHERE lane IN (SELECT lane FROM outbox WHERE status = 0 AND (handed = 1 OR gate = 1))",
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
