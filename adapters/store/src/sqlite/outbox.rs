//! What goes out: leases and how sends ended.

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
    sends::{self, Ended, Leases, Reach, SendEnd, SendLimits, Sends},
    views,
};

pub(super) struct Lease {
    pub(super) now: Timestamp,
    pub(super) limits: SendLimits,
    pub(super) reach: Reach,
    /// Asked for along with [`Finish`].
    pub(super) with_ends: bool,
    pub(super) sends: Sends,
    pub(super) reply: oneshot::Sender<Result<Sends>>,
}

impl Task for Lease {
    fn order(&self) -> u8 {
        5
    }

    fn run<'a>(&'a mut self, tx: &'a mut SqliteConnection, group: &'a mut Group) -> Run<'a> {
        Box::pin(async move {
            self.sends = Sends::default();
            let now = self.now.as_microsecond();
            // One row with the lanes that may be sent to, then their heads.
            let found = sqlx::query(AssertSqlSafe(format!(
                "SELECT json_group_array(lane), (SELECT min(ready) FROM sending WHERE ready > $1{can}),
                        0, 0, 0, 0, 0, 0, 0, 0, 0, 0
                 FROM (SELECT lane FROM sending INDEXED BY sending_next
                       WHERE ready <= $1{can} ORDER BY rank, ready LIMIT +$2);
                 SELECT o.id, o.lane, o.person, o.kind, o.epoch, o.gate, o.made, o.fence, o.handed, o.unknown,
                        o.body, c.epoch
                 FROM (SELECT lane, rank, ready FROM sending INDEXED BY sending_next
                       WHERE ready <= $1{can} ORDER BY rank, ready LIMIT +$2) l
                 CROSS JOIN outbox o LEFT JOIN conversation c ON c.lane = o.person
                 WHERE o.id IN (SELECT q.id FROM outbox q INDEXED BY outbox_queued
                                WHERE q.lane = l.lane AND q.status = 0 ORDER BY q.place, q.id LIMIT +$3)
                 ORDER BY l.rank, l.ready, l.lane, o.place, o.id",
                can = self.reach.and()
            )))
            .bind(now)
            .bind(rows::count(self.limits.lanes))
            .bind(rows::count(self.limits.per_lane.max(1)))
            .fetch_all(&mut *tx)
            .await?;
            let Some((summary, heads)) = found.split_first() else { return Ok(()) };
            let next: Option<i64> = summary.try_get(1)?;
            let lanes: Vec<String> = rows::parse(summary.try_get(0)?)?;
            let look = |at: Option<i64>| at.map(|at| views::time(at, "sending", "ready")).transpose();
            self.sends.next = look(next)?;
            if lanes.is_empty() {
                return Ok(());
            }
            let mut leases = Leases::new(self.now, self.limits);
            for row in heads {
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
            sqlx::query(
                "UPDATE sending SET ready = j.value FROM json_each($1) AS j WHERE sending.lane = j.key;
                 UPDATE outbox SET fence = fence + 1, unknown = unknown + handed, handed = 1
                 WHERE id IN (SELECT value FROM json_each($2))",
            )
            .bind(rows::json(&leased.ready)?)
            .bind(rows::json(&leased.rows)?)
            .execute(&mut *tx)
            .await?;
            self.sends.next = look(leased.ready.values().copied().chain(next).min())?;
            self.sends.jobs = leased.jobs;
            Ok(())
        })
    }

    /// What waits to be sent may wait for it, unless it comes along with ends.
    fn can_linger(&self) -> bool {
        self.with_ends
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let sends = self.sends;
        answer(self.reply, outcome.map(|()| sends));
    }
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
            let ended = rows::json(&Ended::of(&self.ends))?;
            // First the ids that are written, those of them that are erased, and whether any text waits
            // for others to be over. Then the rows and their lanes.
            let (written, gone, gated): (String, i64, i64) = sqlx::query_as(
                "SELECT json_group_array(o.id), coalesce(sum(o.erase AND j.value->>2 > 0), 0),
                        EXISTS (SELECT 1 FROM outbox INDEXED BY outbox_gated WHERE gate = 1 AND status = 0)
                 FROM json_each($1) j CROSS JOIN outbox o ON o.id = j.value->>0
                 WHERE o.fence = j.value->>1 AND o.status = 0 AND o.handed = 1;
                 UPDATE outbox SET status = j.value->>2, native = j.value->>3, due = j.value->>4, handed = 0,
                        unknown = outbox.unknown + (j.value->>5)
                 FROM json_each($1) AS j
                 WHERE outbox.id = j.value->>0 AND outbox.fence = j.value->>1
                   AND outbox.status = 0 AND outbox.handed = 1;
                 DELETE FROM sending WHERE lane IN (
                    SELECT o.lane FROM json_each($1) j CROSS JOIN outbox o ON o.id = j.value->>0)
                 AND NOT EXISTS (SELECT 1 FROM outbox q INDEXED BY outbox_queued
                                 WHERE q.lane = sending.lane AND q.status = 0);
                 UPDATE sending SET (rank, ready) = (
                    SELECT min(q.rank), max(max(q.due), $2) FROM outbox q INDEXED BY outbox_queued
                    WHERE q.lane = sending.lane AND q.status = 0)
                 WHERE lane IN (
                    SELECT o.lane FROM json_each($1) j CROSS JOIN outbox o ON o.id = j.value->>0)
                 AND NOT EXISTS (SELECT 1 FROM outbox q INDEXED BY outbox_queued
                                 WHERE q.lane = sending.lane AND q.status = 0 AND q.handed = 1)",
            )
            .bind(&ended)
            .bind(self.now)
            .fetch_all(&mut *tx)
            .await?
            .pop()
            .ok_or(Fail::Rows)?;
            if gated > 0 {
                // Lanes of the desk that may have waited for one of these to be over.
                sqlx::query(
                    "UPDATE sending SET ready = $2 WHERE lane IN (
                        SELECT g.lane FROM json_each($1) j CROSS JOIN outbox o ON o.id = j.value->>0
                        CROSS JOIN outbox g INDEXED BY outbox_gated ON g.person = o.person
                        WHERE g.gate = 1 AND g.status = 0 AND g.handed = 0 AND g.due <= $2)
                     AND ready > $2 AND NOT EXISTS (
                        SELECT 1 FROM outbox q INDEXED BY outbox_queued
                        WHERE q.lane = sending.lane AND q.status = 0 AND (q.handed = 1 OR q.due > $2))",
                )
                .bind(&ended)
                .bind(self.now)
                .execute(&mut *tx)
                .await?;
            }
            if gone > 0 {
                sqlx::query(
                    "DELETE FROM outbox WHERE erase = 1 AND status > 0 AND id IN (
                        SELECT value->>0 FROM json_each($1))",
                )
                .bind(&ended)
                .execute(&mut *tx)
                .await?;
            }
            let written: Vec<i64> = rows::parse(&written)?;
            self.late = sends::late(&self.ends, written.into_iter());
            group.erased |= gone > 0;
            Ok(())
        })
    }

    /// Nobody waits for it but what comes next in the same lanes.
    fn can_linger(&self) -> bool {
        true
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let late = self.late;
        answer(self.reply, outcome.map(|()| late));
    }
}
