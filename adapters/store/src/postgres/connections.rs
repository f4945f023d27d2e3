//! The connections of the loops, which work without a pause under load.
//!
//! sqlx's pool asks the server whether a connection lives when it is taken and when it is given
//! back: two round trips around a transaction of four. Here one that was used a moment ago and did
//! not fail is not asked, and one that failed is closed.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::outbox::HOLD;
use sqlx::{ConnectOptions, Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long a connection may rest and still be taken for alive.
const FRESH: Duration = Duration::from_secs(1);
/// How long to wait for a connection.
pub(super) const WAIT: Duration = Duration::from_secs(10);

/// Each statement of the transaction sees what was committed before it.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// So many connections at most, each made when it is first needed.
#[derive(Clone)]
pub(super) struct Connections {
    options: Arc<PgConnectOptions>,
    /// Those that rest, and since when. Used last, taken first.
    resting: Arc<Mutex<Vec<(PgConnection, Instant)>>>,
    permits: Arc<Semaphore>,
    most: u32,
}

impl Connections {
    pub(super) fn new(options: PgConnectOptions, most: u32) -> Self {
        let permits = Arc::new(Semaphore::new(most as usize));
        Self { options: Arc::new(options), resting: Arc::default(), permits, most }
    }

    pub(super) async fn take(&self) -> sqlx::Result<Connection> {
        let taken = timeout(WAIT, async {
            let permit = Arc::clone(&self.permits);
            let permit = permit.acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
            let connection = self.alive().await?;
            Ok(Connection { connection, resting: Arc::clone(&self.resting), _permit: permit })
        });
        taken.await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    /// Begins a transaction each of whose statements sees what was committed before it.
    pub(super) async fn begin(&self) -> sqlx::Result<Connection> {
        let mut connection = self.take().await?;
        sqlx::raw_sql(BEGIN).execute(&mut *connection).await?;
        Ok(connection)
    }

    /// Waits for those that are in use, and closes all.
    pub(super) async fn close(&self) {
        let _all = self.permits.acquire_many(self.most).await;
        self.permits.close();
        let resting = std::mem::take(&mut *lock(&self.resting));
        for (connection, _) in resting {
            // It may be gone already.
            let _ = connection.close().await;
        }
    }

    async fn alive(&self) -> sqlx::Result<PgConnection> {
        loop {
            let Some((mut connection, since)) = lock(&self.resting).pop() else {
                let mut connection = self.options.connect().await?;
                sqlx::raw_sql(HOLD).execute(&mut connection).await?;
                return Ok(connection);
            };
            if since.elapsed() < FRESH || connection.ping().await.is_ok() {
                return Ok(connection);
            }
        }
    }
}

/// One of them. Dropped it is closed, and the server rolls back what is under way.
pub(super) struct Connection {
    connection: PgConnection,
    resting: Arc<Mutex<Vec<(PgConnection, Instant)>>>,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    /// Commits, and gives the connection back.
    pub(super) async fn commit(mut self) -> sqlx::Result<()> {
        sqlx::raw_sql("COMMIT").execute(&mut *self).await?;
        self.rest();
        Ok(())
    }

    /// Undoes the transaction, and gives the connection back.
    pub(super) async fn roll_back(mut self) -> sqlx::Result<()> {
        sqlx::raw_sql("ROLLBACK").execute(&mut *self).await?;
        self.rest();
        Ok(())
    }

    /// Gives the connection back, on which nothing failed and no transaction is open.
    pub(super) fn rest(self) {
        let Self { connection, resting, _permit } = self;
        lock(&resting).push((connection, Instant::now()));
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

fn lock<T>(resting: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    resting.lock().unwrap_or_else(PoisonError::into_inner)
}
