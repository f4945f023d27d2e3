//! What goes out: leases and how sends ended.

use std::collections::BTreeSet;

use chatbox_core::ids::OutboxId;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::oneshot;

use super::{
    Result, answer,
    writer::{Done, Group, Task},
};
use crate::{
    plan, rows,
    sends::{self, Ended, Head, Leases, Reach, SendEnd, SendLimits, Sends},
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

    fn run(&mut self, db: &Connection, group: &mut Group) -> Done {
        self.sends = Sends::default();
        let now = self.now.as_microsecond();
        let lanes = self.lanes(db, now)?;
        let next: Option<i64> = db
            .prepare_cached(&format!("SELECT min(ready) FROM sending WHERE ready > ?1{}", self.reach.and()))?
            .query_row([now], |row| row.get(0))?;
        let look = |at: Option<i64>| at.map(|at| views::time(at, "sending", "ready")).transpose();
        if lanes.is_empty() {
            self.sends.next = look(next)?;
            return Ok(());
        }
        let mut leases = Leases::new(self.now, self.limits);
        self.heads(db, &lanes, &mut leases)?;
        leases.close_gates(&flying(db, &leases.gated(), now)?);
        let leased = leases.done(&group.sealer);
        for id in &leased.broken {
            db.prepare_cached("UPDATE outbox SET status = 4 WHERE id = ?1")?.execute([id])?;
        }
        for lane in lanes.iter().filter(|lane| !leased.ready.contains_key(*lane)) {
            forget_if_over(db, lane)?;
        }
        let mut ready = db.prepare_cached("UPDATE sending SET ready = ?2 WHERE lane = ?1")?;
        for lane in &leased.ready {
            ready.execute(lane)?;
        }
        let mut handed = db.prepare_cached(
            "UPDATE outbox SET fence = fence + 1, unknown = unknown + handed, handed = 1 WHERE id = ?1",
        )?;
        for id in &leased.rows {
            handed.execute([id])?;
        }
        self.sends.next = look(leased.ready.values().copied().chain(next).min())?;
        self.sends.jobs = leased.jobs;
        Ok(())
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

impl Lease {
    /// Those that may be sent to, most urgent first.
    fn lanes(&self, db: &Connection, now: i64) -> Done<Vec<String>> {
        let sql = format!(
            "SELECT lane FROM sending INDEXED BY sending_next
             WHERE ready <= ?1{} ORDER BY rank, ready LIMIT +?2",
            self.reach.and()
        );
        let mut lanes = db.prepare_cached(&sql)?;
        let lanes = lanes.query_map((now, rows::at_most(self.limits.lanes)), |row| row.get(0))?;
        Ok(lanes.collect::<rusqlite::Result<_>>()?)
    }

    /// The first rows of each lane.
    fn heads(&self, db: &Connection, lanes: &[String], leases: &mut Leases) -> Done {
        let mut heads = db.prepare_cached(
            "SELECT o.id, o.lane, o.person, o.kind, o.epoch, o.gate, o.made, o.fence, o.handed, o.unknown,
                    o.body, c.epoch
             FROM outbox o INDEXED BY outbox_queued LEFT JOIN conversation c ON c.lane = o.person
             WHERE o.lane = ?1 AND o.status = 0 ORDER BY o.place, o.id LIMIT +?2",
        )?;
        let each = rows::at_most(self.limits.per_lane.max(1));
        for lane in lanes {
            let mut rows = heads.query((lane, each))?;
            while let Some(row) = rows.next()? {
                leases.add(Head {
                    id: row.get(0)?,
                    lane: row.get(1)?,
                    person: row.get(2)?,
                    kind: row.get(3)?,
                    epoch: row.get(4)?,
                    gate: row.get(5)?,
                    made: row.get(6)?,
                    fence: row.get(7)?,
                    handed: row.get(8)?,
                    unknown: row.get(9)?,
                    body: row.get(10)?,
                    current: row.get(11)?,
                });
            }
        }
        Ok(())
    }
}

/// Of these persons those with a leased row of the bot: its oldest epoch, the end of its lease.
fn flying(db: &Connection, persons: &[String], now: i64) -> Done<Vec<(String, i64, i64)>> {
    let mut flying = db.prepare_cached(
        "SELECT min(o.epoch), max(s.ready)
         FROM outbox o INDEXED BY outbox_queued JOIN sending s ON s.lane = o.lane
         WHERE o.lane = ?1 AND o.status = 0 AND o.handed = 1 AND o.kind = ?2 AND s.ready > ?3
         GROUP BY o.lane",
    )?;
    let mut found = Vec::new();
    for person in persons {
        let row = flying.query_row(params![person, plan::BOT, now], |row| row.try_into()).optional()?;
        found.extend(row.map(|(epoch, until)| (person.clone(), epoch, until)));
    }
    Ok(found)
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

    fn run(&mut self, db: &Connection, group: &mut Group) -> Done {
        let mut end = db.prepare_cached(
            "UPDATE outbox SET status = ?3, native = ?4, due = ?5, unknown = unknown + ?6, handed = 0
             WHERE id = ?1 AND fence = ?2 AND status = 0 AND handed = 1 RETURNING lane, person, erase",
        )?;
        let mut erase = db.prepare_cached("DELETE FROM outbox WHERE id = ?1")?;
        let (mut lanes, mut persons, mut written) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for Ended(id, fence, status, native, due, unknown) in Ended::of(&self.ends) {
            let row = end
                .query_row(params![id, fence, status, native, due, unknown], |row| row.try_into())
                .optional()?;
            let Some((lane, person, erased)): Option<(String, String, bool)> = row else { continue };
            if erased && status > 0 {
                erase.execute([id])?;
                group.erased = true;
            }
            lanes.insert(lane);
            persons.insert(person);
            written.push(id);
        }
        for lane in &lanes {
            look_again(db, lane, self.now)?;
        }
        open_gates(db, &persons, self.now)?;
        self.late = sends::late(&self.ends, written.into_iter());
        Ok(())
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

/// Whether nothing is queued in a lane any more: then it is forgotten.
fn forget_if_over(db: &Connection, lane: &str) -> Done<bool> {
    let mut over = db.prepare_cached(
        "DELETE FROM sending WHERE lane = ?1
         AND NOT EXISTS (SELECT 1 FROM outbox INDEXED BY outbox_queued WHERE lane = ?1 AND status = 0)",
    )?;
    Ok(over.execute([lane])? > 0)
}

/// When a lane is looked at again, after something in it was over.
fn look_again(db: &Connection, lane: &str, now: i64) -> Done {
    if forget_if_over(db, lane)? {
        return Ok(());
    }
    let (rank, due, handed): (Option<i64>, Option<i64>, Option<i64>) = db
        .prepare_cached(
            "SELECT min(rank), max(due), max(handed) FROM outbox INDEXED BY outbox_queued
             WHERE lane = ?1 AND status = 0",
        )?
        .query_row([lane], |row| row.try_into())?;
    if handed == Some(0) {
        db.prepare_cached("UPDATE sending SET rank = ?2, ready = max(?3, ?4) WHERE lane = ?1")?
            .execute(params![lane, rank, due, now])?;
    }
    Ok(())
}

/// Lanes of the desk that may have waited for something of these persons to be over are looked at now.
fn open_gates(db: &Connection, persons: &BTreeSet<String>, now: i64) -> Done {
    let mut gated = db.prepare_cached(
        "SELECT 1 FROM outbox INDEXED BY outbox_gated WHERE gate = 1 AND status = 0 LIMIT 1",
    )?;
    if !gated.exists([])? {
        return Ok(());
    }
    let mut open = db.prepare_cached(
        "UPDATE sending SET ready = ?2 WHERE lane IN (
            SELECT lane FROM outbox INDEXED BY outbox_gated
            WHERE person = ?1 AND gate = 1 AND status = 0 AND handed = 0 AND due <= ?2)
         AND ready > ?2 AND NOT EXISTS (
            SELECT 1 FROM outbox q INDEXED BY outbox_queued
            WHERE q.lane = sending.lane AND q.status = 0 AND (q.handed = 1 OR q.due > ?2))",
    )?;
    for person in persons {
        open.execute((person, now))?;
    }
    Ok(())
}
