//! The rare writes: the desk's people and threads, purging, replay, backup.

use std::path::Path;

use chatbox_core::ids::{Lane, OutboxId, Reference};
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use tokio::sync::oneshot;

use super::{
    Result, Sqlite, answer, copying, enrolment, inbox, open,
    writer::{Group, Run, Task},
};
use crate::{
    copies::rows,
    enrol::{New, name_key},
    error::StoreError,
    plan::Fail,
    purge, read, seal,
    views::{Periods, Purged},
};

/// Rows that a purge looks at in one transaction.
const PURGED_AT_ONCE: i64 = 1000;

/// A write that needs no more than its statements.
struct Rare<W, T> {
    write: W,
    outcome: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<W, T> Task for Rare<W, T>
where
    W: for<'a> Fn(&'a mut SqliteConnection, &'a mut Group, &'a mut Option<T>) -> Run<'a> + Send,
    T: Send,
{
    fn order(&self) -> u8 {
        1
    }

    fn run<'a>(&'a mut self, tx: &'a mut SqliteConnection, group: &'a mut Group) -> Run<'a> {
        (self.write)(tx, group, &mut self.outcome)
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let done = self.outcome;
        answer(self.reply, outcome.and_then(|()| done.ok_or(StoreError::Closed)));
    }
}

impl Sqlite {
    async fn rare<T, W>(&self, write: W) -> Result<T>
    where
        W: for<'a> Fn(&'a mut SqliteConnection, &'a mut Group, &'a mut Option<T>) -> Run<'a> + Send + 'static,
        T: Send + 'static,
    {
        self.writer.ask(|reply| Rare { write, outcome: None, reply }).await
    }

    pub(crate) async fn schema_version(&self) -> Result<i64> {
        Ok(open::schema(&mut *self.reading().await?).await?)
    }

    pub(crate) async fn keep_secret(&self, name: &str, value: &[u8]) -> Result<()> {
        let row = seal::secret_row(name);
        let sealed = self.sealer.seal(seal::META, row.as_bytes(), value);
        self.rare(move |tx, _, done| {
            let (row, sealed) = (row.clone(), sealed.clone());
            Box::pin(async move {
                sqlx::query(read::KEEP_SECRET).bind(row).bind(sealed).execute(tx).await?;
                *done = Some(());
                Ok(())
            })
        })
        .await
    }

    pub(crate) async fn set_case_thread(&self, case: &Reference, thread: &Lane) -> Result<()> {
        let (case, thread) = (case.to_string(), thread.to_string());
        self.rare(move |tx, _, done| {
            let (case, thread) = (case.clone(), thread.clone());
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO reference (reference, thread) VALUES ($1, $2)
                     ON CONFLICT (reference) DO UPDATE SET thread = excluded.thread",
                )
                .bind(case)
                .bind(thread)
                .execute(tx)
                .await?;
                *done = Some(());
                Ok(())
            })
        })
        .await
    }

    pub(crate) async fn add_practitioner(&self, new: New) -> Result<()> {
        self.rare(move |tx, _, done| {
            let new = new.clone();
            Box::pin(async move {
                if !enrolment::add(tx, &new).await? {
                    return Err(Fail::Database(StoreError::Taken));
                }
                *done = Some(());
                Ok(())
            })
        })
        .await
    }

    pub(crate) async fn remove_practitioner(&self, name: &str, now: Timestamp) -> Result<bool> {
        let (key, now) = (name_key(&self.sealer, name), now.as_microsecond());
        self.rare(move |tx, _, done| {
            Box::pin(async move {
                *done = Some(enrolment::remove(tx, &key, now).await?);
                Ok(())
            })
        })
        .await
    }

    pub(crate) async fn rewrite(&self, ids: &[OutboxId], text: Option<&str>) -> Result<()> {
        let (ids, text) = (rows(ids), text.map(str::to_owned));
        self.rare(move |tx, group, done| {
            let (ids, text) = (ids.clone(), text.clone());
            Box::pin(async move {
                copying::rewrite(tx, &group.sealer, &ids, text.as_deref()).await?;
                group.erased = true;
                *done = Some(());
                Ok(())
            })
        })
        .await
    }

    pub(crate) async fn replay(&self, seq: i64) -> Result<()> {
        self.rare(move |tx, group, done| {
            Box::pin(async move {
                if inbox::replay(tx, seq, &group.sealer).await? == 0 {
                    return Err(Fail::Database(StoreError::Missing));
                }
                *done = Some(());
                Ok(())
            })
        })
        .await
    }

    pub(crate) async fn purge(&self, now: Timestamp, periods: Periods) -> Result<Purged> {
        let cuts = purge::Cuts::of(now, &periods);
        let mut purged = Purged::default();
        for step in purge::STEPS {
            let mut from = Some(i64::MIN);
            while let Some(after) = from {
                let binds = (step.bind)(&cuts);
                let slice = self.rare(move |tx, group, done| {
                    let binds = binds.clone();
                    Box::pin(async move {
                        let (gone, next) = purge_slice(tx, step, &binds, after).await?;
                        group.erased |= gone > 0;
                        *done = Some((gone, next));
                        Ok(())
                    })
                });
                let (gone, next) = slice.await?;
                (step.count)(&mut purged, gone);
                from = next;
            }
        }
        // What is gone is not to stay in memory.
        self.recent.forget();
        Ok(purged)
    }

    pub(crate) async fn backup(&self, path: &Path) -> Result<()> {
        let Some(text) = path.to_str() else {
            return Err(StoreError::Unsupported("the path of a backup must be Unicode"));
        };
        if path.exists() {
            return Err(StoreError::Unsupported("a backup never replaces a file: give another path"));
        }
        let Some(database) = &self.path else {
            return Err(StoreError::Unsupported("a database in memory cannot be backed up"));
        };
        // Reads one moment of the database; writing goes on beside it.
        let sql = format!("VACUUM INTO '{}'", text.replace('\'', "''"));
        let mut connection = open::options(Some(database)).connect().await?;
        sqlx::query(AssertSqlSafe(sql)).persistent(false).execute(&mut connection).await?;
        connection.close().await?;
        // The copy must be on disk before anybody counts on it.
        std::fs::File::open(path)
            .and_then(|copy| copy.sync_all())
            .map_err(|error| StoreError::Database { why: error.kind().to_string() })
    }
}

/// Runs a step on its next rows. Returns how many it changed, and where to go on.
async fn purge_slice(
    tx: &mut SqliteConnection,
    step: &purge::Step,
    binds: &[i64],
    after: i64,
) -> std::result::Result<(u64, Option<i64>), Fail> {
    let bound = |sql| binds.iter().fold(sqlx::query(sql), |query, bind| query.bind(*bind));
    let Some(purge::Slices { table, key, time }) = &step.slices else {
        return Ok((bound(AssertSqlSafe(step.sql.to_owned())).execute(tx).await?.rows_affected(), None));
    };
    let (last, oldest, rows): (Option<i64>, Option<i64>, i64) = sqlx::query_as(AssertSqlSafe(format!(
        "SELECT max(k), min(t), count(*) FROM (
            SELECT {key} AS k, {} AS t FROM {table} WHERE {key} > $1 ORDER BY {key} LIMIT {PURGED_AT_ONCE})",
        time.unwrap_or("NULL")
    )))
    .bind(after)
    .fetch_one(&mut *tx)
    .await?;
    let Some(last) = last else { return Ok((0, None)) };
    if oldest.is_some_and(|oldest| binds.iter().all(|cut| oldest >= *cut)) {
        return Ok((0, None));
    }
    let sql = format!("{} AND {key} > ${} AND {key} <= ${}", step.sql, binds.len() + 1, binds.len() + 2);
    let gone = bound(AssertSqlSafe(sql)).bind(after).bind(last).execute(tx).await?.rows_affected();
    Ok((gone, (rows == PURGED_AT_ONCE).then_some(last)))
}
