//! Opening a PostgreSQL database, and refusing one that would break a promise.

use std::{str::FromStr, sync::Arc};

use sqlx::{
    ConnectOptions, Connection, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    NAME, Postgres,
    connections::{Connections, WAIT},
    together::{Means, Together},
};
use crate::{
    config::StoreConfig,
    error::{OpenError, code, describe, migration_why},
    seal::{self, HASH_KEY, Keyring, META, Sealer},
};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/postgres");

/// Connections for what is rare.
const RARE: u32 = 4;
/// Connections for what is done for every message.
const WORK: u32 = 4;
/// Claims that one process may hold at once.
const CLAIMS: u32 = 4;

impl Postgres {
    pub(crate) async fn open(config: &StoreConfig) -> Result<Self, OpenError> {
        let key_file = config.key_file.as_ref().ok_or(OpenError::KeyFileNotSet)?;
        let ring = Keyring::load(key_file)?;
        let options = PgConnectOptions::from_str(&config.url)
            .map_err(|_| OpenError::Url)?
            .application_name(&format!("{NAME}{:08x}", u32::from_be_bytes(*seal::random())))
            .disable_statement_logging();
        let mut connection =
            options.connect().await.map_err(|error| OpenError::Unreachable { why: why(&error) })?;
        durable(&mut connection).await?;
        let lost = |error: &sqlx::Error| OpenError::Unreachable { why: why(error) };
        let found = schema(&mut connection).await.map_err(|e| lost(&e))?;
        let known = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0);
        if found > known {
            return Err(OpenError::SchemaNewer { found, known });
        }
        if found < known && !config.migrate {
            return Err(OpenError::SchemaOlder { found, known });
        }
        let sealed = if found > 0 { hash_key(&mut connection).await.map_err(|e| lost(&e))? } else { None };
        let ring = match (ring, &sealed) {
            (Some(ring), Some(sealed)) => {
                seal::open_hash_key(&ring, sealed, key_file)?;
                ring
            }
            (Some(ring), None) => ring,
            (None, Some(_)) => return Err(OpenError::KeyMissing { path: key_file.clone() }),
            (None, None) => Keyring::create(key_file)?,
        };
        if found < known {
            MIGRATIONS
                .run(&mut connection)
                .await
                .map_err(|error| OpenError::Migrate { why: migration_why(&error) })?;
        }
        // Another process may be first: the one that stands there counts.
        sqlx::query("INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(HASH_KEY)
            .bind(ring.seal(META, HASH_KEY.as_bytes(), &*seal::random::<32>()))
            .execute(&mut connection)
            .await
            .map_err(|e| lost(&e))?;
        let sealed = hash_key(&mut connection)
            .await
            .map_err(|e| lost(&e))?
            .ok_or_else(|| OpenError::WrongKey { path: key_file.clone() })?;
        let hash = seal::open_hash_key(&ring, &sealed, key_file)?;
        connection.close().await.map_err(|e| lost(&e))?;

        // A process that stands still in the middle of a transaction must not hold up the others.
        let options = options.options([(
            "idle_in_transaction_session_timeout",
            format!("{}ms", config.claim_timeout.as_millis()),
        )]);
        let pool = PgPoolOptions::new().max_connections(RARE).acquire_timeout(WAIT);
        let pool = pool.connect_lazy_with(options.clone());
        // The loops find every row by a key. A plan that was made while tables were small, and reads all of
        // them, would be kept while they grow.
        let options = options.options([("enable_seqscan", "off")]);
        let work = Connections::new(options.clone(), WORK);
        let claims = Connections::new(options, CLAIMS);
        let sealer = Arc::new(Sealer::new(ring, hash));
        let means = Means { work, pool, sealer, own: Arc::default() };
        let together = Together::start(means.clone());
        let Means { work, pool, sealer, own } = means;
        let (ahead, looking, looked, clocks) = Default::default();
        Ok(Self { pool, work, claims, together, sealer, ahead, own, looked, clocks, looking })
    }
}

fn why(error: &sqlx::Error) -> String {
    match code(error).as_str() {
        "28P01" | "28000" => "it does not accept this user or password".to_owned(),
        "3D000" => "there is no database of that name".to_owned(),
        "53300" => "it has no connection free".to_owned(),
        "57P03" => "it is starting up or shutting down".to_owned(),
        "42501" => "this user may not use it".to_owned(),
        _ => describe(error),
    }
}

/// Committed means on disk (P8).
async fn durable(connection: &mut PgConnection) -> Result<(), OpenError> {
    for (setting, sql, needed) in [
        ("fsync", "SHOW fsync", "on"),
        ("full_page_writes", "SHOW full_page_writes", "on"),
        ("synchronous_commit", "SHOW synchronous_commit", "on"),
    ] {
        let found: String = sqlx::query_scalar(sql)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| OpenError::Unreachable { why: why(&error) })?;
        // `local`, `remote_write` and `remote_apply` all wait for this server's own disk.
        if found == "off" {
            return Err(OpenError::NotDurable { setting, found, needed });
        }
    }
    Ok(())
}

/// The newest migration that ran; 0 for an empty database.
pub(super) async fn schema(connection: &mut PgConnection) -> sqlx::Result<i64> {
    let exists: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Ok(0);
    }
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success")
        .fetch_one(&mut *connection)
        .await
}

async fn hash_key(connection: &mut PgConnection) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar("SELECT value FROM meta WHERE name = $1")
        .bind(HASH_KEY)
        .fetch_optional(&mut *connection)
        .await
}
