//! The rare writes: the desk's people and threads, purging.

use std::path::Path;

use chatbox_core::ids::{Lane, OutboxId, Reference};
use jiff::Timestamp;

use super::{Postgres, Result, again, enrol, open};
use crate::{
    copies,
    enrol::{New, name_key},
    error::{Fail, StoreError},
    purge, read, seal,
    views::{Periods, Purged},
};

impl Postgres {
    pub(crate) async fn schema_version(&self) -> Result<i64> {
        Ok(open::schema(&mut *self.reading().await?).await?)
    }

    pub(crate) async fn keep_secret(&self, name: &str, value: &[u8]) -> Result<()> {
        let row = seal::secret_row(name);
        let sealed = self.sealer.seal(seal::META, row.as_bytes(), value);
        sqlx::query(read::KEEP_SECRET).bind(row).bind(sealed).execute(&self.pool).await?;
        Ok(())
    }

    pub(crate) async fn set_case_thread(&self, case: &Reference, thread: &Lane) -> Result<()> {
        sqlx::query(
            "INSERT INTO reference (reference, thread) VALUES ($1, $2)
             ON CONFLICT (reference) DO UPDATE SET thread = excluded.thread",
        )
        .bind(&case.0)
        .bind(thread.to_string())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    pub(crate) async fn add_practitioner(&self, new: New) -> Result<()> {
        let added = enrol::add(&mut *self.reading().await?, &new).await.map_err(Fail::into_error)?;
        if added { Ok(()) } else { Err(StoreError::Taken) }
    }

    pub(crate) async fn remove_practitioner(&self, name: &str, now: Timestamp) -> Result<bool> {
        let key = name_key(&self.sealer, name);
        again(|| async {
            let mut tx = self.pool.begin().await?;
            let gone = enrol::remove(&mut tx, &key, now.as_microsecond()).await?;
            tx.commit().await?;
            Ok(gone)
        })
        .await
    }

    pub(crate) async fn rewrite(&self, ids: &[OutboxId], text: Option<&str>) -> Result<()> {
        let ids = copies::rows(ids);
        again(|| async {
            let mut tx = self.pool.begin().await?;
            for id in &ids {
                let body: Option<Vec<u8>> =
                    sqlx::query_scalar(copies::OVER).bind(id).fetch_optional(&mut *tx).await?;
                let Some(body) = body else { continue };
                let changed = copies::changed(&self.sealer, *id, &body, text)?;
                sqlx::query(copies::REWRITE).bind(id).bind(changed).execute(&mut *tx).await?;
            }
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    pub(crate) async fn purge(&self, now: Timestamp, periods: Periods) -> Result<Purged> {
        let cuts = purge::Cuts::of(now, &periods);
        again(|| async {
            let mut tx = self.pool.begin().await?;
            let mut purged = Purged::default();
            for step in purge::STEPS {
                let query = sqlx::query(step.sql);
                let query = (step.bind)(&cuts).into_iter().fold(query, sqlx::query::Query::bind);
                (step.count)(&mut purged, query.execute(&mut *tx).await?.rows_affected());
            }
            tx.commit().await?;
            Ok(purged)
        })
        .await
    }

    #[expect(clippy::unused_async, reason = "the other database waits here")]
    pub(crate) async fn backup(&self, _: &Path) -> Result<()> {
        Err(StoreError::Unsupported(
            "back up a PostgreSQL database with pg_dump, and keep the key file apart",
        ))
    }
}
