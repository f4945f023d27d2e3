//! What goes out: leases and how sends ended.

use std::collections::BTreeMap;

use chatbox_core::ids::OutboxId;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use tokio::sync::oneshot;

use super::{
    Result, answer,
    writer::{Group, Run, Task},
};
use crate::{
    plan::{self, Fail},
    rows,
    sends::{self, Ended, Leases, Reach, SendEnd, SendJob, SendLimits},
};

pub(super) struct Lease {
    pub(super) now: Timestamp,
    pub(super) limits: SendLimits,
    pub(super) reach: Reach,
    pub(super) jobs: Vec<SendJob>,
    pub(super) reply: oneshot::Sender<Result<Vec<SendJob>>>,
}

impl Task for Lease {
    fn order(&self) -> u8 {
        5
    }

    fn run<'a>(&'a mut self, tx: &'a mut SqliteConnection, group: &'a mut Group) -> Run<'a> {
        Box::pin(async move {
            self.jobs.clear();
            let now = self.now.as_microsecond();
            let lanes: String = sqlx::query_scalar(AssertSqlSafe(format!(
                "SELECT json_group_array(lane) FROM (
                    SELECT lane FROM sending INDEXED BY sending_next
                    WHERE ready <= $1{} ORDER BY rank, ready LIMIT $2)",
                self.reach.and()
            )))
            .bind(now)
            .bind(rows::count(self.limits.lanes))
            .fetch_one(&mut *tx)
            .await?;
            let lanes: Vec<String> = rows::parse(&lanes)?;
            if lanes.is_empty() {
                return Ok(());
            }
            let mut leases = Leases::new(self.now, self.limits);
            let heads = sqlx::query(
                "SELECT o.id, o.lane, o.person, o.kind, o.epoch, o.gate, o.made, o.fence, o.handed, o.unknown,
                        o.body, c.epoch
                 FROM json_each($1) l CROSS JOIN outbox o LEFT JOIN conversation c ON c.lane = o.person
                 WHERE o.id IN (SELECT q.id FROM outbox q INDEXED BY outbox_queued
                                WHERE q.lane = l.value AND q.status = 0 ORDER BY q.place, q.id LIMIT $2)
                 ORDER BY l.key, o.place, o.id",
            )
            .bind(rows::json(&lanes)?)
            .bind(rows::count(self.limits.per_lane.max(1)))
            .fetch_all(&mut *tx)
            .await?;
            for row in &heads {
                leases.add(sends::Head {
                    id: row.try_get(0)?,
                    lane: row.try_get(1)?,
                    person: row.try_get(2)?,
                    kind: row.try_get(3)?,
                    epoch: row.try_get(4)?,
                    gate: row.try_get::<i64, _>(5)? == 1,
                    made: row.try_get(6)?,
                    fence: row.try_get(7)?,
                    handed: row.try_get::<i64, _>(8)? == 1,
                    unknown: row.try_get(9)?,
                    body: row.try_get(10)?,
                    current: row.try_get(11)?,
                });
            }
            let persons = leases.gated();
            if !persons.is_empty() {
                let flying: Vec<(String, i64, i64)> = sqlx::query_as(
                    "SELECT o.person, min(o.epoch), max(s.ready) FROM outbox o JOIN sending s ON s.lane = o.lane
                     WHERE o.person IN (SELECT value FROM json_each($1))
                       AND o.status = 0 AND o.handed = 1 AND o.kind = $2 AND s.ready > $3
                     GROUP BY o.person",
                )
                .bind(rows::json(&persons)?)
                .bind(plan::BOT)
                .bind(now)
                .fetch_all(&mut *tx)
                .await?;
                leases.close_gates(&flying);
            }
            let leased = leases.done(&group.sealer);
            if !leased.broken.is_empty() {
                sqlx::query("UPDATE outbox SET status = 4 WHERE id IN (SELECT value FROM json_each($1))")
                    .bind(rows::json(&leased.broken)?)
                    .execute(&mut *tx)
                    .await?;
            }
            let idle: Vec<&String> = lanes.iter().filter(|lane| !leased.ready.contains_key(*lane)).collect();
            if !idle.is_empty() {
                sqlx::query(
                    "DELETE FROM sending WHERE lane IN (SELECT value FROM json_each($1))
                     AND NOT EXISTS (SELECT 1 FROM outbox WHERE lane = sending.lane AND status = 0)",
                )
                .bind(rows::json(&idle)?)
                .execute(&mut *tx)
                .await?;
            }
            set_ready(tx, &leased.ready).await?;
            if !leased.rows.is_empty() {
                sqlx::query(
                    "UPDATE outbox SET fence = fence + 1, unknown = unknown + handed, handed = 1
                     WHERE id IN (SELECT value FROM json_each($1))",
                )
                .bind(rows::json(&leased.rows)?)
                .execute(&mut *tx)
                .await?;
            }
            self.jobs = leased.jobs;
            Ok(())
        })
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let jobs = self.jobs;
        answer(self.reply, outcome.map(|()| jobs));
    }
}

async fn set_ready(
    tx: &mut SqliteConnection,
    lanes: &BTreeMap<String, i64>,
) -> std::result::Result<(), Fail> {
    if !lanes.is_empty() {
        sqlx::query("UPDATE sending SET ready = j.value FROM json_each($1) AS j WHERE sending.lane = j.key")
            .bind(rows::json(lanes)?)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

pub(super) struct Finish {
    pub(super) ends: Vec<(OutboxId, i64, SendEnd)>,
    pub(super) now: i64,
    pub(super) late: Vec<OutboxId>,
    pub(super) reply: oneshot::Sender<Result<Vec<OutboxId>>>,
}

impl Task for Finish {
    fn order(&self) -> u8 {
        4
    }

    fn run<'a>(&'a mut self, tx: &'a mut SqliteConnection, group: &'a mut Group) -> Run<'a> {
        Box::pin(async move {
            let ended = Ended::of(&self.ends);
            let ended = rows::json(&ended)?;
            // id, lane, person, erase, new status.
            let written: String = sqlx::query_scalar(
                "SELECT json_group_array(json_array(o.id, o.lane, o.person, o.erase, json_extract(j.value, '$[2]')))
                 FROM json_each($1) j CROSS JOIN outbox o ON o.id = json_extract(j.value, '$[0]')
                 WHERE o.fence = json_extract(j.value, '$[1]') AND o.status = 0 AND o.handed = 1",
            )
            .bind(&ended)
            .fetch_one(&mut *tx)
            .await?;
            let written: Vec<(i64, String, String, i64, i64)> = rows::parse(&written)?;
            sqlx::query(
                "UPDATE outbox SET status = j.status, native = j.native, due = j.due, handed = 0,
                        unknown = outbox.unknown + j.unknown
                 FROM (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS fence,
                              json_extract(value, '$[2]') AS status, json_extract(value, '$[3]') AS native,
                              json_extract(value, '$[4]') AS due, json_extract(value, '$[5]') AS unknown
                       FROM json_each($1)) AS j
                 WHERE outbox.id = j.id AND outbox.fence = j.fence AND outbox.status = 0 AND outbox.handed = 1",
            )
            .bind(&ended)
            .execute(&mut *tx)
            .await?;
            self.late = sends::late(&self.ends, written.iter().map(|row| row.0));
            let gone: Vec<i64> =
                written.iter().filter(|row| row.3 == 1 && row.4 > 0).map(|row| row.0).collect();
            if !gone.is_empty() {
                group.erased = true;
                sqlx::query("DELETE FROM outbox WHERE id IN (SELECT value FROM json_each($1))")
                    .bind(rows::json(&gone)?)
                    .execute(&mut *tx)
                    .await?;
            }
            let mut lanes: Vec<&str> = written.iter().map(|row| row.1.as_str()).collect();
            lanes.sort_unstable();
            lanes.dedup();
            if lanes.is_empty() {
                return Ok(());
            }
            let lanes_json = rows::json(&lanes)?;
            let empty = sqlx::query(
                "DELETE FROM sending WHERE lane IN (SELECT value FROM json_each($1))
                 AND NOT EXISTS (SELECT 1 FROM outbox WHERE lane = sending.lane AND status = 0)",
            )
            .bind(&lanes_json)
            .execute(&mut *tx)
            .await?;
            if empty.rows_affected() < lanes.len() as u64 {
                sqlx::query(
                    "UPDATE sending SET (rank, ready) =
                        (SELECT min(rank), max(due, $2) FROM (
                            SELECT min(rank) AS rank, max(due) AS due FROM outbox
                            WHERE lane = sending.lane AND status = 0))
                     WHERE lane IN (SELECT value FROM json_each($1))
                     AND NOT EXISTS (SELECT 1 FROM outbox
                                     WHERE lane = sending.lane AND status = 0 AND handed = 1)",
                )
                .bind(&lanes_json)
                .bind(self.now)
                .execute(&mut *tx)
                .await?;
            }
            // A lane of the desk may have waited for one of these to be over.
            let persons: Vec<&str> = written.iter().map(|row| row.2.as_str()).collect();
            sqlx::query(
                "UPDATE sending SET ready = $2 WHERE lane IN (
                    SELECT o.lane FROM json_each($1) p CROSS JOIN outbox o INDEXED BY outbox_gated
                    ON o.person = p.value
                    WHERE o.gate = 1 AND o.status = 0 AND o.handed = 0 AND o.due <= $2)
                 AND ready > $2 AND NOT EXISTS (
                    SELECT 1 FROM outbox WHERE lane = sending.lane AND status = 0 AND (handed = 1 OR due > $2))",
            )
            .bind(rows::json(&persons)?)
            .bind(self.now)
            .execute(&mut *tx)
            .await?;
            Ok(())
        })
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let late = self.late;
        answer(self.reply, outcome.map(|()| late));
    }
}
