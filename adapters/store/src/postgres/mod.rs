//! PostgreSQL: any number of identical processes share one database.

mod admin;
mod commit;
mod connections;
mod enrol;
mod inbox;
mod open;
mod outbox;
mod own;
mod receive;
mod together;
mod written;

use std::{future::Future, sync::Arc};

use chatbox_core::{
    conversation::Conversation,
    ids::{Lane, Reference},
};
use jiff::Timestamp;
use sqlx::{PgPool, Postgres as Db, pool::PoolConnection};

use tokio::sync::Mutex;

use crate::{
    ahead::Ahead,
    error::{Fail, StoreError},
    read,
    seal::Sealer,
    sends::SendJob,
    views::{Audited, Copy, Line, OpenCase, Parked, Practitioner, Saved, Stats},
};

use connections::{Connection, Connections};
use own::Own;

type Result<T> = std::result::Result<T, StoreError>;

/// How each process is called at the server, with a number of its own behind it: so it knows of others.
const NAME: &str = "chatbox-";

/// Tries of a transaction that PostgreSQL broke off to resolve a deadlock.
const TRIES: usize = 4;

read::queries!(queries, sqlx::PgConnection);
crate::copies::copies!(copying, sqlx::PgConnection);

/// An open PostgreSQL database.
#[derive(Clone)]
pub(crate) struct Postgres {
    /// For what is rare.
    pool: PgPool,
    /// For what the loops do for every message.
    work: Connections,
    /// Connections that hold claims. Apart, so that whoever holds a claim never waits for a
    /// connection that somebody else's claim holds.
    claims: Connections,
    together: together::Together,
    sealer: Arc<Sealer>,
    ahead: Arc<Ahead>,
    own: Arc<Own>,
    looked: Arc<outbox::Looked>,
    clocks: Arc<outbox::Clocks>,
    /// Held by whoever waits for something to claim.
    looking: Arc<Mutex<()>>,
}

/// A transaction that has the rows of the claimed conversations locked.
pub(crate) struct Hold(Connection);

impl Postgres {
    pub(crate) fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    async fn reading(&self) -> Result<PoolConnection<Db>> {
        Ok(self.pool.acquire().await?)
    }

    /// What turns have leased along with themselves since the last call.
    pub(crate) fn handed(&self) -> Vec<SendJob> {
        self.ahead.take()
    }

    pub(crate) async fn close(&self) {
        self.claims.close().await;
        self.work.close().await;
        self.pool.close().await;
    }
}

/// Runs a whole transaction, again if PostgreSQL broke it off in favour of another.
async fn again<T, F>(mut transaction: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = std::result::Result<T, Fail>>,
{
    let mut tries = 1;
    loop {
        match transaction().await {
            Ok(done) => return Ok(done),
            Err(Fail::Broken(_)) if tries < TRIES => tries += 1,
            Err(fail) => return Err(fail.into_error()),
        }
    }
}

read::forward!(Postgres);
