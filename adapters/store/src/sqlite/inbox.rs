//! What comes in: receiving, claiming, timers.

use std::{collections::BTreeSet, sync::Arc};

use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::oneshot;

use super::{
    Hold, Result, answer, enrol,
    recent::{Head, Recent},
    writer::{Done, Group, Task},
};
use crate::{
    arrival::{self, Arrival},
    rows,
    seal::{self, Sealer},
    work::{self, Found, State},
};

pub(super) struct Receive {
    pub(super) arrivals: Vec<Arrival>,
    pub(super) cursor: Option<(String, String)>,
    pub(super) new: usize,
    pub(super) reply: oneshot::Sender<Result<usize>>,
}

impl Task for Receive {
    fn order(&self) -> u8 {
        0
    }

    fn run(&mut self, db: &Connection, group: &mut Group) -> Done {
        if let Some(cursor) = &self.cursor {
            db.prepare_cached(
                "INSERT INTO cursor (channel, value) VALUES (?1, ?2)
                 ON CONFLICT (channel) DO UPDATE SET value = excluded.value",
            )?
            .execute((&cursor.0, &cursor.1))?;
        }
        let mut seen = Seen::of(db)?;
        enrol::redeem(db, &group.sealer, &mut self.arrivals, &mut seen)?;
        let mut inbox = Inbox::of(db)?;
        self.new = 0;
        for arrival in &self.arrivals {
            if seen.is_new(arrival)? {
                inbox.append(arrival, &group.sealer)?;
                self.new += 1;
            }
        }
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        answer(self.reply, outcome.map(|()| self.new));
    }
}

/// What was received. The newest keys stand side by side, so what comes in touches few pages.
pub(super) struct Seen<'a> {
    select: rusqlite::CachedStatement<'a>,
    insert: rusqlite::CachedStatement<'a>,
    /// Keys that an earlier version kept, until their time is over.
    before: Option<rusqlite::CachedStatement<'a>>,
}

impl<'a> Seen<'a> {
    fn of(db: &'a Connection) -> Done<Self> {
        let mut before = db.prepare_cached("SELECT 1 FROM seen_before LIMIT 1")?;
        let before = if before.exists([])? {
            Some(db.prepare_cached("SELECT 1 FROM seen_before WHERE key = ?1")?)
        } else {
            None
        };
        let select = db.prepare_cached("SELECT 1 FROM seen WHERE place = ?1 AND key = ?2")?;
        let insert = db.prepare_cached(
            "INSERT INTO seen (place, key, at) VALUES (?1, ?2, ?3) ON CONFLICT (place, key) DO NOTHING",
        )?;
        Ok(Self { select, insert, before })
    }

    pub(super) fn knows(&mut self, arrival: &Arrival) -> Done<bool> {
        Ok(self.knew(arrival)? || self.select.exists(params![arrival.order, arrival.key])?)
    }

    /// It is known from now on.
    fn is_new(&mut self, arrival: &Arrival) -> Done<bool> {
        let Arrival { order, key, received, .. } = arrival;
        Ok(!self.knew(arrival)? && self.insert.execute(params![order, key, received])? > 0)
    }

    fn knew(&mut self, arrival: &Arrival) -> Done<bool> {
        match &mut self.before {
            Some(before) => Ok(before.exists([arrival.key])?),
            None => Ok(false),
        }
    }
}

/// Appends to the inbox within one transaction, in which nobody else may.
struct Inbox<'a> {
    insert: rusqlite::CachedStatement<'a>,
    last: i64,
}

impl<'a> Inbox<'a> {
    fn of(db: &'a Connection) -> Done<Self> {
        let last = db
            .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'inbox'")?
            .query_row([], |row| row.get(0))
            .optional()?;
        let insert = db.prepare_cached(
            "INSERT INTO inbox (seq, lane, native, origin, seed, received, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        Ok(Self { insert, last: last.unwrap_or(0) })
    }

    /// The seq is bound into the sealed body, so it is chosen here.
    fn append(&mut self, arrival: &Arrival, sealer: &Sealer) -> Done {
        self.last += 1;
        let body = sealer.seal(seal::INBOX, &self.last.to_be_bytes(), &arrival.body);
        let Arrival { lane, native, origin, seed, received, .. } = arrival;
        self.insert.execute(params![self.last, lane, native, origin, seed, received, body])?;
        Ok(())
    }
}

pub(super) struct Take {
    pub(super) limit: usize,
    /// Until there is something.
    pub(super) wait: bool,
    pub(super) recent: Arc<Recent>,
    pub(super) taken: Option<Taken>,
    pub(super) reply: oneshot::Sender<Result<Option<Taken>>>,
}

/// A claim whose rows are sealed still: opening them is not the writer's work.
pub(super) struct Taken {
    /// In the order of their seq.
    pub(super) found: Vec<Found>,
    pub(super) hold: Hold,
}

impl Task for Take {
    fn order(&self) -> u8 {
        3
    }

    fn run(&mut self, db: &Connection, group: &mut Group) -> Done {
        self.taken = None;
        let busy: BTreeSet<String> = {
            let mut lanes = group.held.lock();
            let free = |lane: &&String| !group.freed.contains(*lane);
            let busy: BTreeSet<String> =
                lanes.held.keys().filter(free).chain(&group.taken).cloned().collect();
            lanes.wanted |= !busy.is_empty() || lanes.alone;
            if lanes.alone {
                return Ok(());
            }
            busy
        };
        let mut found = self.waiting(db, &busy)?;
        let tries: Vec<i64> = found.iter().map(|row| row.tries).collect();
        let Some(first) = tries.first() else { return Ok(()) };
        let alone = work::is_suspect(*first);
        if alone && !busy.is_empty() {
            return Ok(());
        }
        found.truncate(work::together(tries.into_iter()));
        let mut tried = db.prepare_cached("UPDATE inbox SET tries = tries + 1 WHERE seq = ?1")?;
        let mut states = States::of(db, &self.recent)?;
        for row in &mut found {
            tried.execute([row.seq])?;
            row.state = states.state(&row.lane)?;
        }
        let lanes: BTreeSet<String> = found.iter().map(|row| row.lane.clone()).collect();
        group.taken.extend(lanes.iter().cloned());
        let hold = Hold::take(&group.held, lanes.into_iter().collect(), alone);
        self.taken = Some(Taken { found, hold });
        Ok(())
    }

    fn can_linger(&self) -> bool {
        self.wait
    }

    fn still_waits(&self) -> bool {
        self.wait && self.taken.is_none()
    }

    fn is_forgotten(&self) -> bool {
        self.reply.is_closed()
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let taken = self.taken;
        if let Err(Ok(Some(Taken { hold, .. }))) = self.reply.send(outcome.map(|()| taken)) {
            // Whoever asked is gone by now; others wait.
            hold.give_back();
        }
    }
}

impl Take {
    /// The oldest undecided rows of lanes that are not busy, each without its conversation's state.
    fn waiting(&self, db: &Connection, busy: &BTreeSet<String>) -> Done<Vec<Found>> {
        let mut waiting = db.prepare_cached(
            "SELECT seq, lane, native, received, seed, tries, body FROM inbox INDEXED BY inbox_waiting
             WHERE status = 0 ORDER BY seq",
        )?;
        let mut rows = waiting.query([])?;
        let mut found = Vec::new();
        while found.len() < self.limit
            && let Some(row) = rows.next()?
        {
            let lane: String = row.get(1)?;
            if !busy.contains(&lane) {
                found.push(Found {
                    seq: row.get(0)?,
                    lane,
                    native: row.get(2)?,
                    received: row.get(3)?,
                    seed: row.get(4)?,
                    tries: row.get(5)?,
                    body: row.get(6)?,
                    state: State::Sealed(None),
                });
            }
        }
        Ok(found)
    }
}

/// The states of conversations, each handed out once: those that are known, and the others as they are
/// stored.
struct States<'a> {
    select: rusqlite::CachedStatement<'a>,
    recent: &'a Recent,
    given: BTreeSet<String>,
}

impl<'a> States<'a> {
    fn of(db: &'a Connection, recent: &'a Recent) -> Done<Self> {
        let select = db.prepare_cached("SELECT state FROM conversation WHERE lane = ?1")?;
        Ok(Self { select, recent, given: BTreeSet::new() })
    }

    /// Nothing for a lane that was asked for before: the state stands with its first input.
    fn state(&mut self, lane: &str) -> Done<State> {
        if !self.given.insert(lane.to_owned()) {
            return Ok(State::Sealed(None));
        }
        let recent = self.recent;
        let state = self.select.query_row([lane], |row| {
            let Some(sealed) = row.get_ref(0)?.as_blob_or_null()? else { return Ok(State::Sealed(None)) };
            let head = sealed.get(..size_of::<Head>()).unwrap_or_default();
            Ok(match recent.take(lane, head) {
                Some(conversation) => State::Open(conversation),
                None => State::Sealed(Some(sealed.to_vec())),
            })
        });
        Ok(state.optional()?.unwrap_or(State::Sealed(None)))
    }
}

pub(super) struct Due {
    pub(super) now: i64,
    pub(super) seeds: Vec<i64>,
    pub(super) fired: usize,
    pub(super) reply: oneshot::Sender<Result<usize>>,
}

impl Task for Due {
    fn order(&self) -> u8 {
        1
    }

    fn run(&mut self, db: &Connection, group: &mut Group) -> Done {
        let due: Vec<(String, String, String, i64)> = db
            .prepare_cached(
                "SELECT lane, name, step, due FROM timer WHERE due <= ?1 ORDER BY due, lane, name LIMIT +?2",
            )?
            .query_map((self.now, rows::at_most(self.seeds.len())), |row| row.try_into())?
            .collect::<rusqlite::Result<_>>()?;
        self.fired = due.len();
        let mut inbox = Inbox::of(db)?;
        for ((lane, name, step, at), seed) in due.into_iter().zip(&self.seeds) {
            delete_timer(db, &lane, &name)?;
            inbox.append(&arrival::timer(lane, name, step, at, *seed, self.now)?, &group.sealer)?;
        }
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        answer(self.reply, outcome.map(|()| self.fired));
    }
}

pub(super) fn delete_timer(db: &Connection, lane: &str, name: &str) -> Done {
    db.prepare_cached("DELETE FROM timer WHERE lane = ?1 AND name = ?2")?.execute([lane, name])?;
    Ok(())
}

/// Puts a parked input at the end of its conversation. False if it is not parked.
pub(super) fn replay(db: &Connection, seq: i64, sealer: &Sealer) -> Done<bool> {
    let mut decided = db.prepare_cached(
        "UPDATE inbox SET status = 1 WHERE seq = ?1 AND status = 2
         RETURNING lane, native, origin, seed, received, body",
    )?;
    let parked = decided.query_row([seq], |row| {
        let arrival = Arrival {
            key: [0; 16],
            order: 0,
            lane: row.get(0)?,
            native: row.get(1)?,
            origin: row.get(2)?,
            seed: row.get(3)?,
            received: row.get(4)?,
            body: zeroize::Zeroizing::default(),
            proof: None,
        };
        Ok((arrival, row.get::<_, Option<Vec<u8>>>(5)?))
    });
    let Some((mut arrival, Some(body))) = parked.optional()? else { return Ok(false) };
    arrival.body = sealer.open(seal::INBOX, &seq.to_be_bytes(), &body)?;
    Inbox::of(db)?.append(&arrival, sealer)?;
    Ok(true)
}
