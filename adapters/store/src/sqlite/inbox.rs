//! What comes in: receiving, claiming, timers.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use serde::Deserialize;
use sqlx::{Row, SqliteConnection};
use tokio::sync::oneshot;

use super::{
    Hold, Result, answer, enrolment,
    recent::Recent,
    writer::{Group, Run, Task},
};
use crate::{
    plan::{self, Arrival, Fail},
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

    fn run<'a>(&'a mut self, tx: &'a mut SqliteConnection, group: &'a mut Group) -> Run<'a> {
        Box::pin(async move {
            if let Some((channel, value)) = &self.cursor {
                sqlx::query(
                    "INSERT INTO cursor (channel, value) VALUES ($1, $2)
                     ON CONFLICT (channel) DO UPDATE SET value = excluded.value",
                )
                .bind(channel)
                .bind(value)
                .execute(&mut *tx)
                .await?;
            }
            enrolment::redeem(tx, &group.sealer, &mut self.arrivals).await?;
            self.new = insert(tx, &self.arrivals, &group.sealer).await?;
            Ok(())
        })
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        answer(self.reply, outcome.map(|()| self.new));
    }
}

/// Inserts those not seen before, and returns how many they were.
async fn insert(
    tx: &mut SqliteConnection,
    arrivals: &[Arrival],
    sealer: &Sealer,
) -> std::result::Result<usize, Fail> {
    if arrivals.is_empty() {
        return Ok(0);
    }
    let keys: Vec<String> = arrivals.iter().map(|arrival| rows::hex(&arrival.key)).collect();
    let (known, last): (String, Option<i64>) = sqlx::query_as(
        "SELECT json_group_array(j.value), (SELECT seq FROM sqlite_sequence WHERE name = 'inbox')
         FROM json_each($1) j JOIN seen ON seen.key = unhex(j.value)",
    )
    .bind(rows::json(&keys)?)
    .fetch_one(&mut *tx)
    .await?;
    let known: BTreeSet<String> = rows::parse(&known)?;
    let (new, keys): (Vec<&Arrival>, Vec<&String>) =
        arrivals.iter().zip(&keys).filter(|(_, key)| !known.contains(*key)).unzip();
    if new.is_empty() {
        return Ok(0);
    }
    let (list, bodies) = seal(&new, last, sealer)?;
    sqlx::query(
        "INSERT INTO seen (key, at) SELECT unhex(value), $2 FROM json_each($1);
         INSERT INTO inbox (seq, lane, native, origin, seed, received, body)
         SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5,
                substr($4, value->>6, value->>7) FROM json_each($3)",
    )
    .bind(rows::json(&keys)?)
    .bind(new[0].received)
    .bind(list)
    .bind(bodies)
    .execute(&mut *tx)
    .await?;
    Ok(new.len())
}

/// Inserts what nothing else can have brought.
async fn append(
    tx: &mut SqliteConnection,
    arrivals: &[&Arrival],
    sealer: &Sealer,
) -> std::result::Result<(), Fail> {
    let last: Option<i64> = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'inbox'")
        .fetch_optional(&mut *tx)
        .await?;
    let (list, bodies) = seal(arrivals, last, sealer)?;
    sqlx::query(
        "INSERT INTO inbox (seq, lane, native, origin, seed, received, body)
         SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5,
                substr($2, value->>6, value->>7) FROM json_each($1)",
    )
    .bind(list)
    .bind(bodies)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Rows of the inbox: seq, lane, native, origin, seed, received, and where the body stands.
///
/// The seq is bound into the sealed body, so it must be known before. Nobody else writes within
/// this transaction.
fn seal(
    arrivals: &[&Arrival],
    last: Option<i64>,
    sealer: &Sealer,
) -> std::result::Result<(String, Vec<u8>), Fail> {
    let mut bodies = rows::Blobs::default();
    let list: Vec<_> = (last.unwrap_or(0) + 1..)
        .zip(arrivals)
        .map(|(seq, arrival)| {
            let (at, len) = bodies.push(&sealer.seal(seal::INBOX, &seq.to_be_bytes(), &arrival.body));
            let Arrival { lane, native, origin, seed, received, .. } = arrival;
            (seq, lane, native, origin, seed, received, at, len)
        })
        .collect();
    Ok((rows::json(&list)?, bodies.bytes()))
}

pub(super) struct Take {
    pub(super) limit: usize,
    /// Until there is something.
    pub(super) wait: bool,
    pub(super) recent: Arc<Recent>,
    pub(super) taken: Option<Taken>,
    pub(super) reply: oneshot::Sender<Result<Option<Taken>>>,
}

/// An undecided row of the inbox as it is read. Binary values are in hexadecimal; empty are those
/// that are not there.
#[derive(Deserialize)]
struct Waiting {
    seq: i64,
    lane: String,
    native: Option<String>,
    received: i64,
    seed: i64,
    tries: i64,
    body: String,
    /// Of the conversation's state.
    head: String,
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

    fn run<'a>(&'a mut self, tx: &'a mut SqliteConnection, group: &'a mut Group) -> Run<'a> {
        Box::pin(async move {
            self.taken = None;
            let busy: Vec<String> = {
                let mut lanes = group.held.lock();
                let free = |lane: &&String| !group.freed.contains(*lane);
                let busy: Vec<String> = lanes.held.keys().filter(free).chain(&group.taken).cloned().collect();
                lanes.wanted |= !busy.is_empty() || lanes.alone;
                if lanes.alone {
                    return Ok(());
                }
                busy
            };
            // As one value: each row that comes by itself wakes the writer. Of a state its head; most
            // are known.
            let (rows,): (String,) = sqlx::query_as(
                "SELECT json_group_array(json_array(seq, lane, native, received, seed, tries, hex(body), hex(head))
                        ORDER BY seq)
                 FROM (SELECT i.seq, i.lane, i.native, i.received, i.seed, i.tries, i.body,
                              substr(c.state, 1, $3) AS head
                       FROM inbox i INDEXED BY inbox_waiting LEFT JOIN conversation c ON c.lane = i.lane
                       WHERE i.status = 0 AND i.lane NOT IN (SELECT value FROM json_each($1))
                       ORDER BY i.seq LIMIT +$2)",
            )
            .bind(rows::json(&busy)?)
            .bind(rows::count(self.limit))
            .bind(rows::count(seal::HEAD))
            .fetch_one(&mut *tx)
            .await?;
            let mut rows: Vec<Waiting> = rows::parse(&rows)?;
            let tries: Vec<i64> = rows.iter().map(|row| row.tries).collect();
            let Some(first) = tries.first() else { return Ok(()) };
            let alone = work::is_suspect(*first);
            if alone && !busy.is_empty() {
                return Ok(());
            }
            rows.truncate(work::together(tries.into_iter()));
            let mut states = self.states(tx, &rows).await?;
            let found: Vec<Found> = rows
                .into_iter()
                .map(|row| Found {
                    seq: row.seq,
                    state: states.remove(&row.lane).unwrap_or(State::Sealed(None)),
                    lane: row.lane,
                    native: row.native,
                    received: row.received,
                    seed: row.seed,
                    tries: row.tries,
                    body: rows::unhex(&row.body),
                })
                .collect();
            let seqs: Vec<i64> = found.iter().map(|row| row.seq).collect();
            sqlx::query("UPDATE inbox SET tries = tries + 1 WHERE seq IN (SELECT value FROM json_each($1))")
                .bind(rows::json(&seqs)?)
                .execute(&mut *tx)
                .await?;
            let lanes: BTreeSet<String> = found.iter().map(|row| row.lane.clone()).collect();
            group.taken.extend(lanes.iter().cloned());
            let hold = Hold::take(&group.held, lanes.into_iter().collect(), alone);
            self.taken = Some(Taken { found, hold });
            Ok(())
        })
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
    /// The states of the conversations of some rows: those that are known, and the others as they are
    /// stored.
    async fn states(
        &self,
        tx: &mut SqliteConnection,
        rows: &[Waiting],
    ) -> std::result::Result<HashMap<String, State>, Fail> {
        let mut states = HashMap::with_capacity(rows.len());
        let mut unknown: BTreeSet<String> = BTreeSet::new();
        for row in rows {
            let (false, Some(head)) = (states.contains_key(&row.lane), rows::unhex(&row.head)) else {
                continue;
            };
            match self.recent.take(&row.lane, &head) {
                Some(conversation) => {
                    states.insert(row.lane.clone(), State::Open(conversation));
                }
                None => {
                    unknown.insert(row.lane.clone());
                }
            }
        }
        if !unknown.is_empty() {
            let sealed: Vec<(String, Vec<u8>)> = sqlx::query_as(
                "SELECT lane, state FROM conversation WHERE lane IN (SELECT value FROM json_each($1))",
            )
            .bind(rows::json(&unknown)?)
            .fetch_all(&mut *tx)
            .await?;
            states.extend(sealed.into_iter().map(|(lane, state)| (lane, State::Sealed(Some(state)))));
        }
        Ok(states)
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

    fn run<'a>(&'a mut self, tx: &'a mut SqliteConnection, group: &'a mut Group) -> Run<'a> {
        Box::pin(async move {
            let due: Vec<(String, String, String, i64)> = sqlx::query_as(
                "SELECT lane, name, step, due FROM timer WHERE due <= $1 ORDER BY due, lane, name LIMIT +$2",
            )
            .bind(self.now)
            .bind(rows::count(self.seeds.len()))
            .fetch_all(&mut *tx)
            .await?;
            self.fired = due.len();
            if due.is_empty() {
                return Ok(());
            }
            let names: Vec<(&str, &str)> = due.iter().map(|t| (t.0.as_str(), t.1.as_str())).collect();
            delete_timers(tx, &names).await?;
            let mut arrivals = Vec::with_capacity(due.len());
            for ((lane, name, step, at), seed) in due.into_iter().zip(&self.seeds) {
                arrivals.push(plan::timer(lane, name, step, at, *seed, self.now)?);
            }
            append(tx, &arrivals.iter().collect::<Vec<_>>(), &group.sealer).await
        })
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        answer(self.reply, outcome.map(|()| self.fired));
    }
}

pub(super) async fn delete_timers(
    tx: &mut SqliteConnection,
    names: &[(&str, &str)],
) -> std::result::Result<(), Fail> {
    let mut lanes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (lane, name) in names {
        lanes.entry(lane).or_default().push(name);
    }
    sqlx::query(
        "DELETE FROM timer WHERE (lane, name) IN
         (SELECT l.key, n.value FROM json_each($1) l, json_each(l.value) n)",
    )
    .bind(rows::json(&lanes)?)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Puts a parked input at the end of its conversation. 0 if it is not parked.
pub(super) async fn replay(
    tx: &mut SqliteConnection,
    seq: i64,
    sealer: &Sealer,
) -> std::result::Result<u64, Fail> {
    let row = sqlx::query(
        "UPDATE inbox SET status = 1 WHERE seq = $1 AND status = 2
         RETURNING lane, native, origin, seed, received, body",
    )
    .bind(seq)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(0) };
    let body: Option<Vec<u8>> = row.try_get(5)?;
    let Some(body) = body else { return Ok(0) };
    let arrival = Arrival {
        key: [0; 16],
        lane: row.try_get(0)?,
        native: row.try_get(1)?,
        origin: row.try_get(2)?,
        seed: row.try_get(3)?,
        received: row.try_get(4)?,
        body: sealer.open(seal::INBOX, &seq.to_be_bytes(), &body)?,
        proof: None,
    };
    append(tx, &[&arrival], sealer).await?;
    Ok(1)
}
