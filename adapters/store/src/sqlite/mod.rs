//! SQLite: one file, one service process, one thread that writes.
//!
//! Whatever is written for a message goes straight to SQLite (rusqlite): through sqlx each statement costs a journey
//! to another thread and back. Reading beside it, and migrations, go through sqlx as on PostgreSQL.

mod admin;
mod commit;
mod enrol;
mod inbox;
mod open;
mod outbox;
mod recent;
mod statement;
mod writer;

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use chatbox_core::{
    conversation::Conversation,
    ids::{Lane, OutboxId, Reference},
};
use jiff::Timestamp;
use sqlx::{Sqlite as Db, SqlitePool, pool::PoolConnection};
use tokio::sync::{Notify, oneshot};

use crate::{
    ahead,
    arrival::Arrival,
    error::StoreError,
    plan::Turn,
    read,
    seal::Sealer,
    sends::{Reach, SendEnd, SendJob, SendLimits, Sends},
    signals::{Outgoing, Signals},
    views::{Audited, Copy, Line, OpenCase, Parked, Practitioner, Saved, Stats},
    work::{self, Claim, CommitReport},
};
use recent::Head;

type Result<T> = std::result::Result<T, StoreError>;

read::queries!(queries, sqlx::SqliteConnection);
crate::copies::copies!(copying, sqlx::SqliteConnection);

/// An open SQLite database.
#[derive(Clone)]
pub(crate) struct Sqlite {
    writer: writer::Handle,
    reads: SqlitePool,
    sealer: Arc<Sealer>,
    recent: Arc<recent::Recent>,
    ahead: Arc<ahead::Ahead>,
    /// `None` in memory.
    path: Option<PathBuf>,
}

/// The lanes that a claim holds. In memory alone: there is one service process.
pub(crate) struct Hold {
    lanes: Vec<String>,
    /// Nobody else may hold anything meanwhile.
    alone: bool,
    held: Arc<Held>,
}

/// All lanes that are held.
pub(crate) struct Held {
    lanes: Mutex<Lanes>,
    signals: Arc<Signals>,
    /// Something that was wanted is held no more.
    given_back: Notify,
}

#[derive(Default)]
struct Lanes {
    /// How many hold each: within one group a lane may be committed and claimed again before
    /// the first is told.
    held: BTreeMap<String, usize>,
    /// A claim passed over one of them: somebody waits for it.
    wanted: bool,
    /// What is held is suspect: it may bring the process down, and would count against others.
    alone: bool,
}

impl Held {
    fn new(signals: Arc<Signals>) -> Self {
        Self { lanes: Mutex::default(), signals, given_back: Notify::new() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    fn take(held: &Arc<Held>, lanes: Vec<String>, alone: bool) -> Self {
        {
            let mut all = held.lock();
            all.alone |= alone;
            for lane in &lanes {
                *all.held.entry(lane.clone()).or_default() += 1;
            }
        }
        Self { lanes, alone, held: Arc::clone(held) }
    }

    /// As dropping it, and whoever waits for work is told.
    fn give_back(self) {
        self.held.lock().wanted = true;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut lanes = self.held.lock();
        lanes.alone &= !self.alone;
        for lane in &self.lanes {
            if let Entry::Occupied(mut count) = lanes.held.entry(lane.clone()) {
                *count.get_mut() -= 1;
                if *count.get() == 0 {
                    count.remove();
                }
            }
        }
        if std::mem::take(&mut lanes.wanted) {
            self.held.signals.inbox.fire();
            self.held.given_back.notify_one();
        }
    }
}

impl Sqlite {
    pub(crate) fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    async fn reading(&self) -> Result<PoolConnection<Db>> {
        Ok(self.reads.acquire().await?)
    }

    pub(crate) async fn close(&self) {
        self.writer.close().await;
        self.reads.close().await;
    }

    pub(crate) async fn receive(
        &self,
        arrivals: Vec<Arrival>,
        cursor: Option<(String, String)>,
    ) -> Result<usize> {
        self.writer.ask(|reply| inbox::Receive { arrivals, cursor, new: 0, reply }).await
    }

    pub(crate) async fn claim(&self, limit: usize) -> Result<Option<Claim>> {
        self.take(limit, false).await
    }

    /// Comes back when there is something.
    pub(crate) async fn claim_next(&self, limit: usize) -> Result<Claim> {
        self.take(limit, true).await?.ok_or(StoreError::Closed)
    }

    async fn take(&self, limit: usize, wait: bool) -> Result<Option<Claim>> {
        let recent = Arc::clone(&self.recent);
        let taken = self.writer.ask(|reply| inbox::Take { limit, wait, recent, taken: None, reply }).await?;
        self.opened(taken)
    }

    fn opened(&self, taken: Option<inbox::Taken>) -> Result<Option<Claim>> {
        let Some(inbox::Taken { found, hold }) = taken else { return Ok(None) };
        let mut gather = work::Gather::default();
        for row in found {
            gather.add(&self.sealer, row)?;
        }
        Ok(Some(Claim { works: gather.done(), hold: work::Hold::Sqlite(hold) }))
    }

    pub(crate) async fn commit(&self, hold: Hold, turns: Vec<Turn>) -> Result<(CommitReport, Outgoing)> {
        let ready = commit::Ready::of(hold, turns, &self.sealer, &self.ahead);
        let (heads, ahead) = (ready.heads(), Arc::clone(&self.ahead));
        let committed = self.writer.ask(|reply| ready.task(ahead, reply)).await?;
        Ok(self.kept(committed, &heads))
    }

    pub(crate) async fn commit_then_claim(
        &self,
        hold: Hold,
        turns: Vec<Turn>,
        limit: usize,
    ) -> Result<((CommitReport, Outgoing), Result<Option<Claim>>)> {
        let ready = commit::Ready::of(hold, turns, &self.sealer, &self.ahead);
        let (heads, ahead, recent) = (ready.heads(), Arc::clone(&self.ahead), Arc::clone(&self.recent));
        let take = |reply| inbox::Take { limit, wait: false, recent, taken: None, reply };
        let (committed, taken) = self.writer.ask_both(|reply| ready.task(ahead, reply), take).await?;
        let report = self.kept(committed?, &heads);
        Ok((report, taken.and_then(|taken| self.opened(taken))))
    }

    /// Remembers what conversations are now.
    fn kept(&self, committed: commit::Committed, heads: &HashMap<String, Head>) -> (CommitReport, Outgoing) {
        let commit::Committed { report, waiting, leased, turns } = committed;
        for (lane, conversation) in turns.into_iter().filter_map(Turn::left) {
            if let Some(head) = heads.get(&lane) {
                self.recent.keep(lane, *head, conversation);
            }
        }
        (report, Outgoing { waiting, leased })
    }

    pub(crate) fn handed(&self) -> Vec<SendJob> {
        self.ahead.take()
    }

    pub(crate) async fn due_timers(&self, now: Timestamp, seeds: Vec<i64>) -> Result<usize> {
        let now = now.as_microsecond();
        self.writer.ask(|reply| inbox::Due { now, seeds, fired: 0, reply }).await
    }

    pub(crate) async fn claim_sends(
        &self,
        now: Timestamp,
        limits: SendLimits,
        reach: Reach,
    ) -> Result<Sends> {
        let sends = self
            .writer
            .ask(|reply| outbox::Lease {
                now,
                limits,
                reach,
                with_ends: false,
                sends: Sends::default(),
                reply,
            })
            .await?;
        self.ahead.allow(limits, reach);
        Ok(sends)
    }

    pub(crate) async fn finish_sends(
        &self,
        ends: Vec<(OutboxId, i64, SendEnd)>,
        now: Timestamp,
    ) -> Result<Vec<OutboxId>> {
        let now = now.as_microsecond();
        self.writer.ask(|reply| outbox::Finish { ends, now, late: Vec::new(), reply }).await
    }

    pub(crate) async fn exchange_sends(
        &self,
        ends: Vec<(OutboxId, i64, SendEnd)>,
        now: Timestamp,
        limits: SendLimits,
        reach: Reach,
    ) -> Result<(Vec<OutboxId>, Result<Sends>)> {
        let at = now.as_microsecond();
        let finish = |reply| outbox::Finish { ends, now: at, late: Vec::new(), reply };
        let lease =
            |reply| outbox::Lease { now, limits, reach, with_ends: true, sends: Sends::default(), reply };
        let (late, sends) = self.writer.ask_both(finish, lease).await?;
        let late = late?;
        self.ahead.allow(limits, reach);
        Ok((late, sends))
    }
}

/// Answers whoever asked; they may be gone.
fn answer<T>(reply: oneshot::Sender<Result<T>>, outcome: Result<T>) {
    // Nobody waits any more: what was done is done, and a claim gives itself back.
    let _ = reply.send(outcome);
}

read::forward!(Sqlite);
