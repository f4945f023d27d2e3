//! The rare writes: the desk's people and threads, purging, replay, backup.

use std::{fs, io, path::Path};

use chatbox_core::ids::{Lane, OutboxId, Reference};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _};
use tokio::sync::oneshot;

use super::{
    Result, Sqlite, answer, enrol, inbox, open,
    statement::shared,
    writer::{Done, Group, Task},
};
use crate::{
    copies,
    enrol::{New, name_key},
    error::{Fail, StoreError},
    private, purge, read, seal,
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
    W: Fn(&Connection, &mut Group) -> Done<T> + Send,
    T: Send,
{
    fn order(&self) -> u8 {
        1
    }

    fn run(&mut self, db: &Connection, group: &mut Group) -> Done {
        self.outcome = Some((self.write)(db, group)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let done = self.outcome;
        answer(self.reply, outcome.and_then(|()| done.ok_or(StoreError::Closed)));
    }
}

impl Sqlite {
    async fn rare<T, W>(&self, write: W) -> Result<T>
    where
        W: Fn(&Connection, &mut Group) -> Done<T> + Send + 'static,
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
        self.rare(move |db, _| {
            shared(db, read::KEEP_SECRET)?.execute((&row, &sealed))?;
            Ok(())
        })
        .await
    }

    pub(crate) async fn set_case_thread(&self, case: &Reference, thread: &Lane) -> Result<()> {
        let (case, thread) = (case.to_string(), thread.to_string());
        self.rare(move |db, _| {
            db.prepare_cached(
                "INSERT INTO reference (reference, thread) VALUES (?1, ?2)
                 ON CONFLICT (reference) DO UPDATE SET thread = excluded.thread",
            )?
            .execute([&case, &thread])?;
            Ok(())
        })
        .await
    }

    pub(crate) async fn add_practitioner(&self, new: New) -> Result<()> {
        self.rare(
            move |db, _| {
                if enrol::add(db, &new)? { Ok(()) } else { Err(Fail::Database(StoreError::Taken)) }
            },
        )
        .await
    }

    pub(crate) async fn remove_practitioner(&self, name: &str, now: Timestamp) -> Result<bool> {
        let (key, now) = (name_key(&self.sealer, name), now.as_microsecond());
        self.rare(move |db, _| enrol::remove(db, &key, now)).await
    }

    pub(crate) async fn rewrite(&self, ids: &[OutboxId], text: Option<&str>) -> Result<()> {
        let (ids, text) = (copies::rows(ids), text.map(str::to_owned));
        self.rare(move |db, group| {
            for id in &ids {
                let body: Option<Vec<u8>> =
                    shared(db, copies::OVER)?.query_row([id], |row| row.get(0)).optional()?;
                let Some(body) = body else { continue };
                let changed = copies::changed(&group.sealer, *id, &body, text.as_deref())?;
                shared(db, copies::REWRITE)?.execute((id, changed))?;
            }
            group.erased = true;
            Ok(())
        })
        .await
    }

    pub(crate) async fn replay(&self, seq: i64) -> Result<()> {
        self.rare(move |db, group| {
            let parked = inbox::replay(db, seq, &group.sealer)?;
            if parked { Ok(()) } else { Err(Fail::Database(StoreError::Missing)) }
        })
        .await
    }

    pub(crate) async fn purge(&self, now: Timestamp, periods: Periods) -> Result<Purged> {
        let cuts = purge::Cuts::of(now, &periods);
        let mut purged = Purged::default();
        for step in purge::STEPS.iter().chain([&purge::SEEN_BEFORE]) {
            let mut from = Some(i64::MIN);
            while let Some(after) = from {
                let binds = (step.bind)(&cuts);
                let slice = self.rare(move |db, group| {
                    let (gone, next) = purge_slice(db, step, binds.clone(), after)?;
                    group.erased |= gone > 0;
                    Ok((gone, next))
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
        let Some(database) = &self.path else {
            return Err(StoreError::Unsupported("a database in memory cannot be backed up"));
        };
        // Its owner's alone from the first page on. What is there and empty, SQLite fills.
        if private::make(path).is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists) {
            return Err(StoreError::Unsupported("a backup never replaces a file: give another path"));
        }
        let copied = copy(database, path, text).await;
        if copied.is_err() {
            // Half a copy is no backup, and would be in the way of the next one.
            let _ = fs::remove_file(path);
        }
        copied
    }
}

/// Copies one moment of the database, while writing goes on beside it, and returns once it is on disk, and that
/// it is there as well.
async fn copy(database: &Path, path: &Path, name: &str) -> Result<()> {
    let sql = format!("VACUUM INTO '{}'", name.replace('\'', "''"));
    let mut connection = open::options(database, true).connect().await?;
    sqlx::query(AssertSqlSafe(sql)).persistent(false).execute(&mut connection).await?;
    connection.close().await?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for written in [path, folder] {
        fs::File::open(written)
            .and_then(|written| written.sync_all())
            .map_err(|error| StoreError::Database { why: error.kind().to_string() })?;
    }
    Ok(())
}

/// Runs a step on its next rows. Returns how many it changed, and where to go on.
fn purge_slice(
    db: &Connection,
    step: &purge::Step,
    mut binds: Vec<i64>,
    after: i64,
) -> Done<(u64, Option<i64>)> {
    let run = |sql: &str, binds: &[i64]| -> Done<u64> {
        Ok(shared(db, sql)?.execute(rusqlite::params_from_iter(binds))? as u64)
    };
    let Some(purge::Slices { table, key, time }) = &step.slices else {
        return Ok((run(step.sql, &binds)?, None));
    };
    let (last, oldest, rows): (Option<i64>, Option<i64>, i64) = db
        .prepare_cached(&format!(
            "SELECT max(k), min(t), count(*) FROM (
                SELECT {key} AS k, {} AS t FROM {table} WHERE {key} > ?1 ORDER BY {key} LIMIT {PURGED_AT_ONCE})",
            time.unwrap_or("NULL")
        ))?
        .query_row([after], |row| row.try_into())?;
    let Some(last) = last else { return Ok((0, None)) };
    if oldest.is_some_and(|oldest| binds.iter().all(|cut| oldest >= *cut)) {
        return Ok((0, None));
    }
    let sql = format!("{} AND {key} > ${} AND {key} <= ${}", step.sql, binds.len() + 1, binds.len() + 2);
    binds.extend([after, last]);
    Ok((run(&sql, &binds)?, (rows == PURGED_AT_ONCE).then_some(last)))
}
