//! Reading, where both databases speak the same SQL.

/// Keeps a secret in `meta`, in place of an older one of the same name.
pub(crate) const KEEP_SECRET: &str = "INSERT INTO meta (name, value) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// What a person wrote since then, and what they were sent: place in the chat, the platform's id. Each
/// takes the lane and the time.
pub(crate) const NATIVES: [&str; 2] = [
    "SELECT seq * 65536, native FROM heard
     WHERE lane = $1 AND received >= $2 AND origin = 0 AND native IS NOT NULL",
    "SELECT id, native FROM said WHERE person = $1 AND lane = $1 AND made >= $2 AND native IS NOT NULL",
];

/// Open records that are looked at.
pub(crate) const MOST_OPEN: i64 = 500;

/// Records, with how far each has come.
macro_rules! records {
    ($which:literal) => {
        concat!(
            "SELECT reference, kind, lane, created, body, (
                SELECT CAST(max(CASE what WHEN 'case_closed' THEN 3 WHEN 'taken' THEN 2 WHEN 'acknowledged' THEN 1
                           ELSE 0 END) AS BIGINT) FROM audit WHERE case_ref = reference)",
            " FROM record ",
            $which,
            " ORDER BY created, reference"
        )
    };
}
pub(crate) const RECORDS: &str = records!("");
pub(crate) const RECORDS_OF_KIND: &str = records!("WHERE kind = $1");

/// Defines a module of queries for one database's connection.
macro_rules! queries {
    ($name:ident, $connection:ty) => {
        mod $name {
            use crate::{enrol, error::StoreError, found, read, seal::Sealer, views};

            type Result<T> = std::result::Result<T, StoreError>;
            type Connection = $connection;

            pub(super) async fn cursor(db: &mut Connection, channel: &str) -> Result<Option<String>> {
                Ok(sqlx::query_scalar("SELECT value FROM cursor WHERE channel = $1")
                    .bind(channel)
                    .fetch_optional(db)
                    .await?)
            }

            pub(super) async fn meta(db: &mut Connection, name: &str) -> Result<Option<Vec<u8>>> {
                Ok(sqlx::query_scalar("SELECT value FROM meta WHERE name = $1")
                    .bind(name)
                    .fetch_optional(db)
                    .await?)
            }

            pub(super) async fn next_timer(db: &mut Connection) -> Result<Option<i64>> {
                Ok(sqlx::query_scalar("SELECT min(due) FROM timer").fetch_one(db).await?)
            }

            pub(super) async fn next_send(
                db: &mut Connection,
                reach: crate::sends::Reach,
            ) -> Result<Option<i64>> {
                let sql = format!("SELECT min(ready) FROM sending WHERE true{}", reach.and());
                Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(db).await?)
            }

            pub(super) async fn natives(db: &mut Connection, lane: &str, since: i64) -> Result<Vec<String>> {
                let mut natives: Vec<(i64, String)> = Vec::new();
                for sql in read::NATIVES {
                    natives.extend(sqlx::query_as(sql).bind(lane).bind(since).fetch_all(&mut *db).await?);
                }
                natives.sort_by_key(|(at, _)| *at);
                Ok(natives.into_iter().map(|(_, native)| native).collect())
            }

            pub(super) async fn conversation(db: &mut Connection, lane: &str) -> Result<Option<Vec<u8>>> {
                let state: Option<Option<Vec<u8>>> =
                    sqlx::query_scalar("SELECT state FROM conversation WHERE lane = $1")
                        .bind(lane)
                        .fetch_optional(db)
                        .await?;
                Ok(state.flatten())
            }

            pub(super) async fn transcript(
                db: &mut Connection,
                sealer: &Sealer,
                lane: &str,
                before: i64,
                limit: i64,
            ) -> Result<Vec<views::Line>> {
                let heard: Vec<found::Heard> = sqlx::query_as(
                    "SELECT seq, received, body FROM heard WHERE lane = $1 AND seq < $3
                     ORDER BY seq DESC LIMIT $2",
                )
                .bind(lane)
                .bind(limit)
                .bind(before)
                .fetch_all(&mut *db)
                .await?;
                let said: Vec<found::Said> = sqlx::query_as(
                    "SELECT id, made, status, body FROM said
                     WHERE person = $1 AND lane = $1 AND seq < $3 ORDER BY seq DESC, id DESC LIMIT $2",
                )
                .bind(lane)
                .bind(limit)
                .bind(before)
                .fetch_all(&mut *db)
                .await?;
                found::lines(sealer, heard, said, usize::try_from(limit).unwrap_or(usize::MAX))
            }

            pub(super) async fn records(
                db: &mut Connection,
                sealer: &Sealer,
                kind: Option<&str>,
            ) -> Result<Vec<views::Saved>> {
                let rows: Vec<found::RecordFound> = match kind {
                    Some(kind) => {
                        sqlx::query_as(
                            read::RECORDS_OF_KIND,
                        )
                        .bind(kind)
                        .fetch_all(db)
                        .await?
                    }
                    None => {
                        sqlx::query_as(
                            read::RECORDS,
                        )
                        .fetch_all(db)
                        .await?
                    }
                };
                rows.into_iter().map(|row| found::saved(sealer, row)).collect()
            }

            pub(super) async fn open_cases(db: &mut Connection) -> Result<Vec<views::OpenCase>> {
                let rows: Vec<found::CaseFound> = sqlx::query_as(
                    "SELECT lane, case_ref, urgency, holder, since, changed FROM conversation
                     WHERE urgency > 0 OR holder > 0 ORDER BY urgency DESC, changed, lane",
                )
                .fetch_all(db)
                .await?;
                rows.into_iter().map(found::open_case).collect()
            }

            pub(super) async fn desk_native(db: &mut Connection, seq: i64) -> Result<Option<String>> {
                let native: Option<Option<String>> =
                    sqlx::query_scalar("SELECT native FROM inbox WHERE seq = $1 AND origin = 1")
                        .bind(seq)
                        .fetch_optional(db)
                        .await?;
                Ok(native.flatten())
            }

            /// seq, lane and body of what was said at the desk under that id.
            pub(super) async fn desk_said(
                db: &mut Connection,
                native: &str,
            ) -> Result<Option<(i64, String, Option<Vec<u8>>)>> {
                Ok(sqlx::query_as(
                    "SELECT seq, lane, body FROM inbox WHERE native = $1 AND origin = 1 ORDER BY seq DESC LIMIT 1",
                )
                .bind(native)
                .fetch_optional(db)
                .await?)
            }

            /// Records that have a case which is not closed, oldest first.
            pub(super) async fn open_records(db: &mut Connection) -> Result<Vec<(String, i64)>> {
                Ok(sqlx::query_as(
                    "SELECT reference, created FROM record
                     WHERE EXISTS (SELECT 1 FROM audit WHERE case_ref = reference AND what = 'case_opened')
                       AND NOT EXISTS (SELECT 1 FROM audit WHERE case_ref = reference AND what = 'case_closed')
                     ORDER BY created, reference LIMIT $1",
                )
                .bind(read::MOST_OPEN)
                .fetch_all(db)
                .await?)
            }

            pub(super) async fn case_lane(db: &mut Connection, case: &str) -> Result<Option<String>> {
                let lane: Option<Option<String>> =
                    sqlx::query_scalar("SELECT lane FROM reference WHERE reference = $1")
                        .bind(case)
                        .fetch_optional(db)
                        .await?;
                Ok(lane.flatten())
            }

            pub(super) async fn case_thread(db: &mut Connection, case: &str) -> Result<Option<String>> {
                let lane: Option<Option<String>> =
                    sqlx::query_scalar("SELECT thread FROM reference WHERE reference = $1")
                        .bind(case)
                        .fetch_optional(db)
                        .await?;
                Ok(lane.flatten())
            }

            pub(super) async fn thread_case(db: &mut Connection, thread: &str) -> Result<Option<String>> {
                Ok(sqlx::query_scalar("SELECT reference FROM reference WHERE thread = $1 ORDER BY reference")
                    .bind(thread)
                    .fetch_optional(db)
                    .await?)
            }

            pub(super) async fn practitioners(
                db: &mut Connection,
                sealer: &Sealer,
            ) -> Result<Vec<views::Practitioner>> {
                let rows: Vec<enrol::Found> = sqlx::query_as(
                    "SELECT key, who, lead, added, name, organisation, expires FROM practitioner",
                )
                .fetch_all(db)
                .await?;
                let mut all = Vec::with_capacity(rows.len());
                for row in rows {
                    all.push(enrol::practitioner(sealer, row)?);
                }
                all.sort_by(|a, b| a.name.cmp(&b.name));
                Ok(all)
            }

            pub(super) async fn parked(db: &mut Connection) -> Result<Vec<views::Parked>> {
                let rows: Vec<(i64, String, i64, i64)> = sqlx::query_as(
                    "SELECT seq, lane, received, tries FROM inbox WHERE status = 2 ORDER BY seq",
                )
                .fetch_all(db)
                .await?;
                rows.into_iter().map(found::parked).collect()
            }

            pub(super) async fn audit(db: &mut Connection, limit: i64) -> Result<Vec<views::Audited>> {
                let rows: Vec<(i64, String, Option<String>, Option<String>)> =
                    sqlx::query_as("SELECT at, what, by, case_ref FROM audit ORDER BY id DESC LIMIT $1")
                        .bind(limit)
                        .fetch_all(db)
                        .await?;
                rows.into_iter().rev().map(found::audited).collect()
            }

            pub(super) async fn stats(db: &mut Connection, now: i64) -> Result<views::Stats> {
                let (inbox_waiting, inbox): (i64, Option<i64>) =
                    sqlx::query_as("SELECT count(*), min(received) FROM inbox WHERE status = 0")
                        .fetch_one(&mut *db)
                        .await?;
                let (outbox_waiting, outbox): (i64, Option<i64>) =
                    sqlx::query_as("SELECT count(*), min(made) FROM outbox WHERE status = 0")
                        .fetch_one(&mut *db)
                        .await?;
                let parked: i64 = sqlx::query_scalar("SELECT count(*) FROM inbox WHERE status = 2")
                    .fetch_one(&mut *db)
                    .await?;
                let open: Vec<(i64, i64)> = sqlx::query_as(
                    "SELECT urgency, count(*) FROM conversation WHERE urgency > 0 GROUP BY urgency",
                )
                .fetch_all(&mut *db)
                .await?;
                let (waiting, longest): (i64, Option<i64>) = sqlx::query_as(
                    "SELECT count(*), min(since) FROM conversation
                     WHERE holder = 1 AND (urgency > 0 OR holder > 0)",
                )
                .fetch_one(&mut *db)
                .await?;
                let mut stats = views::Stats {
                    inbox_waiting: inbox_waiting.cast_unsigned(),
                    inbox_oldest: found::age(now, inbox),
                    outbox_waiting: outbox_waiting.cast_unsigned(),
                    outbox_oldest: found::age(now, outbox),
                    parked: parked.cast_unsigned(),
                    open: [0; 6],
                    waiting: waiting.cast_unsigned(),
                    waiting_oldest: found::age(now, longest),
                };
                for (urgency, count) in open {
                    if let Some(slot) = usize::try_from(urgency).ok().and_then(|u| stats.open.get_mut(u)) {
                        *slot = count.cast_unsigned();
                    }
                }
                Ok(stats)
            }
        }
    };
}
pub(crate) use queries;

/// Gives a database the reading half of its methods.
macro_rules! forward {
    ($database:ty) => {
        impl $database {
            pub(crate) async fn cursor(&self, channel: &str) -> Result<Option<String>> {
                queries::cursor(&mut *self.reading().await?, channel).await
            }

            pub(crate) async fn next_timer(&self) -> Result<Option<Timestamp>> {
                let due = queries::next_timer(&mut *self.reading().await?).await?;
                due.map(|due| crate::views::time(due, "timer", "due")).transpose()
            }

            pub(crate) async fn secret(&self, name: &str) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>> {
                let row = crate::seal::secret_row(name);
                let sealed = queries::meta(&mut *self.reading().await?, &row).await?;
                sealed.map(|sealed| self.sealer.open(crate::seal::META, row.as_bytes(), &sealed)).transpose()
            }

            pub(crate) async fn next_send(&self, reach: crate::sends::Reach) -> Result<Option<Timestamp>> {
                let ready = queries::next_send(&mut *self.reading().await?, reach).await?;
                ready.map(|ready| crate::views::time(ready, "sending", "ready")).transpose()
            }

            pub(crate) async fn natives(&self, lane: &Lane, since: Timestamp) -> Result<Vec<String>> {
                let lane = lane.to_string();
                queries::natives(&mut *self.reading().await?, &lane, since.as_microsecond()).await
            }

            pub(crate) async fn conversation(&self, lane: &Lane) -> Result<Option<Conversation>> {
                let lane = lane.to_string();
                let state = queries::conversation(&mut *self.reading().await?, &lane).await?;
                state
                    .map(|state| self.sealer.open_json(crate::seal::STATE, lane.as_bytes(), &state))
                    .transpose()
            }

            pub(crate) async fn transcript(
                &self,
                lane: &Lane,
                before: i64,
                limit: usize,
            ) -> Result<Vec<Line>> {
                let (lane, limit) = (lane.to_string(), crate::rows::at_most(limit));
                queries::transcript(&mut *self.reading().await?, &self.sealer, &lane, before, limit).await
            }

            pub(crate) async fn copies(&self, person: &Lane, of: &str, desk: bool) -> Result<Vec<Copy>> {
                let person = person.to_string();
                copying::find(&mut *self.reading().await?, &self.sealer, &person, of, desk).await
            }

            pub(crate) async fn desk_native(&self, seq: i64) -> Result<Option<String>> {
                queries::desk_native(&mut *self.reading().await?, seq).await
            }

            pub(crate) async fn desk_said(&self, native: &str) -> Result<Option<(Lane, Option<Reference>)>> {
                let found = queries::desk_said(&mut *self.reading().await?, native).await?;
                let Some((seq, lane, Some(body))) = found else { return Ok(None) };
                let case = crate::found::desk_case(&self.sealer, seq, &body)?;
                Ok(Some((crate::found::lane(&lane, "inbox")?, case)))
            }

            pub(crate) async fn open_records(&self) -> Result<Vec<(Reference, Timestamp)>> {
                let rows = queries::open_records(&mut *self.reading().await?).await?;
                let read = |(reference, created)| {
                    Ok((Reference(reference), crate::views::time(created, "record", "created")?))
                };
                rows.into_iter().map(read).collect()
            }

            pub(crate) async fn records(&self, kind: Option<&str>) -> Result<Vec<Saved>> {
                queries::records(&mut *self.reading().await?, &self.sealer, kind).await
            }

            pub(crate) async fn open_cases(&self) -> Result<Vec<OpenCase>> {
                queries::open_cases(&mut *self.reading().await?).await
            }

            pub(crate) async fn case_lane(&self, case: &Reference) -> Result<Option<Lane>> {
                let lane = queries::case_lane(&mut *self.reading().await?, &case.0).await?;
                lane.map(|lane| crate::found::lane(&lane, "reference")).transpose()
            }

            pub(crate) async fn case_thread(&self, case: &Reference) -> Result<Option<Lane>> {
                let lane = queries::case_thread(&mut *self.reading().await?, &case.0).await?;
                lane.map(|lane| crate::found::lane(&lane, "reference")).transpose()
            }

            pub(crate) async fn thread_case(&self, thread: &Lane) -> Result<Option<Reference>> {
                let case = queries::thread_case(&mut *self.reading().await?, &thread.to_string()).await?;
                Ok(case.map(Reference))
            }

            pub(crate) async fn practitioners(&self) -> Result<Vec<Practitioner>> {
                queries::practitioners(&mut *self.reading().await?, &self.sealer).await
            }

            pub(crate) async fn parked(&self) -> Result<Vec<Parked>> {
                queries::parked(&mut *self.reading().await?).await
            }

            pub(crate) async fn audit(&self, limit: usize) -> Result<Vec<Audited>> {
                queries::audit(&mut *self.reading().await?, crate::rows::at_most(limit)).await
            }

            pub(crate) async fn stats(&self, now: Timestamp) -> Result<Stats> {
                queries::stats(&mut *self.reading().await?, now.as_microsecond()).await
            }
        }
    };
}
pub(crate) use forward;
