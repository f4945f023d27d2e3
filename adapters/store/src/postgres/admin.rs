//! The rare writes: the desk's people and threads, purging.

use std::path::Path;

use chatbox_core::ids::{Lane, Reference};
use jiff::Timestamp;

use super::{Postgres, Result, again, open};
use crate::{
    error::StoreError,
    purge, read, seal,
    views::{Periods, Practitioner, Purged},
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

    pub(crate) async fn add_practitioner(
        &self,
        name: &str,
        who: Option<&str>,
        lead: bool,
        code: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        let row = read::NewPractitioner::of(&self.sealer, name, who, lead, code, now);
        let added = sqlx::query(
            "INSERT INTO practitioner (key, who, code, lead, added, name)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        )
        .bind(row.key)
        .bind(row.who)
        .bind(row.code)
        .bind(row.lead)
        .bind(row.added)
        .bind(row.name)
        .execute(&self.pool)
        .await?;
        if added.rows_affected() == 0 { Err(StoreError::Taken) } else { Ok(()) }
    }

    pub(crate) async fn confirm_practitioner(&self, code: &str, who: &str) -> Result<Option<Practitioner>> {
        let row: sqlx::Result<Option<read::PractitionerFound>> = sqlx::query_as(
            "UPDATE practitioner SET who = $2, code = NULL WHERE code = $1
             RETURNING key, who, lead, added, name",
        )
        .bind(self.sealer.hash("code", &[code]).to_vec())
        .bind(who)
        .fetch_optional(&self.pool)
        .await;
        let row = row.map_err(|error| read::taken(error).into_error())?;
        row.map(|row| read::practitioner(&self.sealer, row)).transpose()
    }

    pub(crate) async fn remove_practitioner(&self, name: &str) -> Result<bool> {
        let gone = sqlx::query("DELETE FROM practitioner WHERE key = $1")
            .bind(read::name_key(&self.sealer, name).to_vec())
            .execute(&self.pool)
            .await?;
        Ok(gone.rows_affected() > 0)
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
