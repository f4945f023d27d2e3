//! The one type through which everything is kept.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chatbox_core::{
    channel::{Incoming, Proof},
    conversation::Conversation,
    ids::{Lane, OutboxId, Reference},
};
use jiff::Timestamp;

use crate::{
    arrival,
    config::StoreConfig,
    enrol::{Known, New},
    error::{OpenError, StoreError},
    plan,
    postgres::Postgres,
    sends::{Reach, SendEnd, SendJob, SendLimits, Sends},
    signals::{Changes, Outgoing, Signals},
    sqlite::Sqlite,
    views::{Audited, Copy, Line, OpenCase, Parked, Periods, Practitioner, Purged, Saved, Stats},
    work::{Claim, CommitReport, Decided, Hold},
};

/// Wiped from memory when dropped.
pub type SecretBytes = zeroize::Zeroizing<Vec<u8>>;

type Result<T, E = StoreError> = std::result::Result<T, E>;

/// A database of chatbox. Cheap to clone; closes when the last clone is gone.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    signals: Arc<Signals>,
    reach: Arc<Mutex<Reach>>,
}

#[derive(Clone)]
enum Backend {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// Runs one method of whichever database it is.
macro_rules! on {
    ($store:expr, $db:ident => $call:expr) => {
        match &$store.backend {
            Backend::Sqlite($db) => $call.await,
            Backend::Postgres($db) => $call.await,
        }
    };
}

impl Store {
    /// Opens for a short command beside a service that may be running. Waits for a busy database
    /// for a few seconds.
    pub async fn open(config: StoreConfig) -> Result<Self, OpenError> {
        Self::open_as(config, false).await
    }

    /// Opens for the service. On SQLite this proves, by a lock on a file beside the database, that
    /// no other service has it open, and makes every lease of a former process void. In memory and
    /// on PostgreSQL it is the same as [`Store::open`].
    pub async fn open_service(config: StoreConfig) -> Result<Self, OpenError> {
        Self::open_as(config, true).await
    }

    async fn open_as(config: StoreConfig, service: bool) -> Result<Self, OpenError> {
        let signals = Arc::new(Signals::default());
        let backend = if config.url.starts_with("sqlite:") {
            Backend::Sqlite(Sqlite::open(&config, service, Arc::clone(&signals)).await?)
        } else if config.url.starts_with("postgres:") || config.url.starts_with("postgresql:") {
            Backend::Postgres(Postgres::open(&config).await?)
        } else {
            return Err(OpenError::Url);
        };
        Ok(Self { backend, signals, reach: Arc::new(Mutex::new(Reach::ALL)) })
    }

    /// The number of the newest migration that the database has.
    pub async fn schema_version(&self) -> Result<i64> {
        on!(self, db => db.schema_version())
    }

    /// Finishes what was asked for and closes. Without it the same happens in the background.
    pub async fn close(self) {
        on!(self, db => db.close());
    }

    /// Writes a batch of a channel to the inbox, with the channel's new cursor, and returns how
    /// many messages were new: one with a `(channel, key)` seen before is passed over. On return
    /// they are on disk. `seeds` gives each its seed.
    ///
    /// Order within a lane is the order of the slice, and of the calls.
    pub async fn receive(
        &self,
        incoming: &[Incoming],
        cursor: Option<(&str, &str)>,
        now: Timestamp,
        seeds: impl FnMut() -> u64 + Send,
    ) -> Result<usize> {
        self.take_in(incoming, &[], cursor, now, seeds).await
    }

    /// As [`Store::receive`], with one-time codes. What came of each is an input of its chat:
    /// `Enrolled` if it was made for somebody less than ten minutes ago and was not used, and the
    /// account is not somebody already; else `NotEnrolled`, and so after five tries of one account
    /// within an hour. The code itself is not kept.
    pub async fn take_in(
        &self,
        incoming: &[Incoming],
        proofs: &[Proof],
        cursor: Option<(&str, &str)>,
        now: Timestamp,
        seeds: impl FnMut() -> u64 + Send,
    ) -> Result<usize> {
        if incoming.is_empty() && proofs.is_empty() && cursor.is_none() {
            return Ok(0);
        }
        let arrivals = arrival::arrivals(self.sealer(), incoming, proofs, now, seeds)?;
        let cursor = cursor.map(|(channel, value)| (channel.to_owned(), value.to_owned()));
        let new = on!(self, db => db.receive(arrivals, cursor))?;
        if new > 0 {
            self.signals.inbox.fire();
        }
        Ok(new)
    }

    /// Where a channel goes on, as last committed by [`Store::receive`].
    pub async fn cursor(&self, channel: &str) -> Result<Option<String>> {
        on!(self, db => db.cursor(channel))
    }

    /// The oldest undecided inputs, at most `limit`, of conversations that nobody else has
    /// claimed. `None` when there are none. By the time this returns, each input's `tries` has
    /// been raised on disk. One that was tried twice before comes alone: it may be what made the
    /// process fail, and what waits beside it must not be set aside with it.
    ///
    /// On SQLite only the service claims: who holds what is known to its process alone.
    ///
    /// Hold a claim only while the engine runs. On PostgreSQL one that is held for longer than
    /// [`StoreConfig::claim_timeout`] is lost, and its commit is refused.
    pub async fn claim(&self, limit: usize) -> Result<Option<Claim>> {
        on!(self, db => db.claim(limit))
    }

    /// [`Store::claim`] as soon as there is something. May be dropped at any point: what it has claimed
    /// by then is given back; its tries stay counted.
    ///
    /// On PostgreSQL what was received through this handle comes first, and what others received and
    /// do not decide is found within half a second.
    pub async fn claim_next(&self, limit: usize) -> Result<Claim> {
        match &self.backend {
            Backend::Sqlite(db) => db.claim_next(limit).await,
            Backend::Postgres(db) => db.claim_next(limit, || self.inbox_changes()).await,
        }
    }

    /// Commits the turns of a claim, all in one transaction: inbox rows done, state, outbox rows,
    /// timers, records, audit, erasures. If that fails they are committed one by one, and those
    /// that cannot be are named in the report; an error means that nothing more was committed.
    ///
    /// `decided` and `parked` name inputs of this claim, within each conversation from its first
    /// on without a gap, in order. A parked input may also be decided: what was said instead of a
    /// turn. Inputs of the claim that neither names stay undecided.
    ///
    /// - `Say` and `ClearChat` become rows of the person's lane, `Desk` rows of the case's, each
    ///   under [`OutboxId`] of its input and its place among the effects.
    /// - Desk rows of a turn that raised the epoch are held back until no older talk of the bot
    ///   is leased (P5).
    /// - The conversation's case, and every record's reference, must be new or this lane's own.
    /// - `Erase` removes the lane's inbox rows up to this input, its outbox, timers, records and
    ///   case, except that `keep` of either kind keeps records and case, and `OpenFlag` keeps the
    ///   timers. Texts of this turn, and safety and desk rows not sent yet, are sent and then
    ///   removed. Deduplication keys stay, and one text-free audit row. A `ClearChat` of the same
    ///   turn still knows what to delete.
    /// - A decided `Redacted` erases the text of the earlier inputs with that native id, and what
    ///   was copied of it to the desk. Talk of the bot that they caused and that has not left is
    ///   dropped; safety wording, relays and the desk's alerts are not.
    pub async fn commit(
        &self,
        claim: Claim,
        decided: Vec<Decided>,
        parked: Vec<i64>,
        now: Timestamp,
    ) -> Result<CommitReport> {
        let turns = plan::turns(&claim.works, decided, &parked, now)?;
        let Claim { works: _, hold } = claim;
        let (report, outgoing) = match (&self.backend, hold) {
            (Backend::Sqlite(db), Hold::Sqlite(hold)) => db.commit(hold, turns).await?,
            (Backend::Postgres(db), Hold::Postgres(hold)) => db.commit(hold, turns).await?,
            (Backend::Sqlite(_), Hold::Postgres(_)) | (Backend::Postgres(_), Hold::Sqlite(_)) => {
                return Err(StoreError::NotClaimed);
            }
        };
        self.tell(outgoing);
        Ok(report)
    }

    /// [`Store::commit`] and, in the same transaction where the database allows it, a claim of what
    /// waits next, as [`Store::claim_next`] finds it. An error is the commit's; a claim that fails is `None`,
    /// and [`Store::inbox_changes`] fires.
    pub async fn commit_then_claim(
        &self,
        claim: Claim,
        decided: Vec<Decided>,
        parked: Vec<i64>,
        now: Timestamp,
        limit: usize,
    ) -> Result<(CommitReport, Option<Claim>)> {
        let turns = plan::turns(&claim.works, decided, &parked, now)?;
        let Claim { works: _, hold } = claim;
        let ((report, outgoing), next) = match (&self.backend, hold) {
            (Backend::Sqlite(db), Hold::Sqlite(hold)) => db.commit_then_claim(hold, turns, limit).await?,
            (Backend::Postgres(db), Hold::Postgres(hold)) => {
                let (report, outgoing) = db.commit(hold, turns).await?;
                // What was said goes out while the next is claimed.
                self.tell(outgoing);
                ((report, Outgoing::default()), db.claim_soon(limit).await)
            }
            (Backend::Sqlite(_), Hold::Postgres(_)) | (Backend::Postgres(_), Hold::Sqlite(_)) => {
                return Err(StoreError::NotClaimed);
            }
        };
        self.tell(outgoing);
        let next = next.unwrap_or_else(|_| {
            self.signals.inbox.fire();
            None
        });
        Ok((report, next))
    }

    /// Turns up to `limit` timers that are due into inputs of their conversations, and returns how
    /// many. A timer becomes an input exactly once.
    pub async fn due_timers(
        &self,
        now: Timestamp,
        limit: usize,
        seeds: impl FnMut() -> u64 + Send,
    ) -> Result<usize> {
        let seeds = arrival::seeds(limit, seeds);
        let due = on!(self, db => db.due_timers(now, seeds))?;
        if due > 0 {
            self.signals.inbox.fire();
        }
        Ok(due)
    }

    /// When the next timer is due.
    pub async fn next_timer(&self) -> Result<Option<Timestamp>> {
        on!(self, db => db.next_timer())
    }

    /// Leases the head rows of destinations that have something to send and are not leased,
    /// most urgent first. Rows of one destination stand together, in order: send them one after
    /// the other, and after one that did not end `Sent`, `Refused` or `Dropped`, report the rest
    /// as [`SendEnd::Retry`].
    pub async fn claim_sends(&self, now: Timestamp, limits: SendLimits) -> Result<Vec<SendJob>> {
        let reach = self.reach();
        Ok(on!(self, db => db.claim_sends(now, limits, reach))?.jobs)
    }

    /// Writes down how sends ended. Returns those that were refused because the lease is somebody
    /// else's by now, or the row is gone; nothing was written for them.
    pub async fn finish_sends(
        &self,
        ends: Vec<(OutboxId, i64, SendEnd)>,
        now: Timestamp,
    ) -> Result<Vec<OutboxId>> {
        if ends.is_empty() {
            return Ok(Vec::new());
        }
        let late = on!(self, db => db.finish_sends(ends, now))?;
        self.signals.outbox.fire();
        Ok(late)
    }

    /// [`Store::finish_sends`] and, in the same transaction where the database allows it,
    /// [`Store::claim_sends`] of what is next. After an error no end was written. If ends were
    /// written and leasing failed, there are no jobs, and `next` is now.
    pub async fn exchange_sends(
        &self,
        ends: Vec<(OutboxId, i64, SendEnd)>,
        now: Timestamp,
        limits: SendLimits,
    ) -> Result<(Vec<OutboxId>, Sends)> {
        let reach = self.reach();
        if ends.is_empty() {
            return Ok((Vec::new(), on!(self, db => db.claim_sends(now, limits, reach))?));
        }
        let (late, sends) = on!(self, db => db.exchange_sends(ends, now, limits, reach))?;
        Ok((late, sends.unwrap_or(Sends { jobs: Vec::new(), next: Some(now) })))
    }

    /// What turns have leased along with themselves since the last call, as jobs of
    /// [`Store::claim_sends`] that stand together by destination.
    pub fn handed(&self) -> Vec<SendJob> {
        match &self.backend {
            Backend::Sqlite(db) => db.handed(),
            Backend::Postgres(db) => db.handed(),
        }
    }

    /// When something can next be sent: at once if it lies in the past; a retry, or the end of a
    /// lease, if it lies in the future.
    pub async fn next_send(&self) -> Result<Option<Timestamp>> {
        let reach = self.reach();
        on!(self, db => db.next_send(reach))
    }

    /// Says what this process can send from now on: [`Store::claim_sends`] and
    /// [`Store::next_send`] pass over the rest. Everything, until this is called.
    pub fn set_reach(&self, reach: Reach) {
        *self.reach.lock().unwrap_or_else(PoisonError::into_inner) = reach;
        self.signals.outbox.fire();
    }

    /// The platform's ids of the messages of both sides in a lane, since a moment, oldest first.
    pub async fn natives(&self, lane: &Lane, since: Timestamp) -> Result<Vec<String>> {
        on!(self, db => db.natives(lane, since))
    }

    /// Fires when an input may be waiting. Take it before the first [`Store::claim`].
    pub fn inbox_changes(&self) -> Changes {
        // A command beside the service may put something back into the inbox.
        let poll = self.poll().unwrap_or(Duration::from_secs(1));
        self.signals.inbox.changes(Some(poll))
    }

    /// Fires when something was leased along with its turn: [`Store::handed`].
    pub fn handed_changes(&self) -> Changes {
        self.signals.handed.changes(None)
    }

    /// Fires when a send may be waiting. Take it before the first [`Store::claim_sends`].
    pub fn outbox_changes(&self) -> Changes {
        self.signals.outbox.changes(self.poll())
    }

    /// The state of a conversation as its last turn left it. `None` if nothing is kept of it: it is new,
    /// erased, or its period is over.
    pub async fn conversation(&self, lane: &Lane) -> Result<Option<Conversation>> {
        on!(self, db => db.conversation(lane))
    }

    /// The last `limit` lines of a conversation, oldest first.
    pub async fn transcript(&self, lane: &Lane, limit: usize) -> Result<Vec<Line>> {
        self.transcript_before(lane, i64::MAX >> 16, limit).await
    }

    /// The last `limit` lines that came before an input, oldest first.
    pub async fn transcript_before(&self, lane: &Lane, seq: i64, limit: usize) -> Result<Vec<Line>> {
        on!(self, db => db.transcript(lane, seq, limit))
    }

    /// The texts that passed on a message's words to the other side and were sent: with `desk`
    /// those at the desk of a person's message, else those to the person of a practitioner's.
    /// What went out in one message with one of them comes too.
    pub async fn copies(&self, person: &Lane, of: &str, desk: bool) -> Result<Vec<Copy>> {
        on!(self, db => db.copies(person, of, desk))
    }

    /// Gives texts that were sent other words, as the platform shows them by now; none says that
    /// they were taken back.
    pub async fn rewrite(&self, ids: &[OutboxId], text: Option<&str>) -> Result<()> {
        on!(self, db => db.rewrite(ids, text))
    }

    /// Where the practitioner's message of that platform's id went: the conversation, and the case.
    pub async fn desk_said(&self, native: &str) -> Result<Option<(Lane, Option<Reference>)>> {
        on!(self, db => db.desk_said(native))
    }

    /// The platform's id of the practitioner's message that an input is.
    pub async fn desk_native(&self, seq: i64) -> Result<Option<String>> {
        on!(self, db => db.desk_native(seq))
    }

    /// Records that have a case at the desk which is not closed, and since when, oldest first.
    pub async fn open_records(&self) -> Result<Vec<(Reference, Timestamp)>> {
        on!(self, db => db.open_records())
    }

    /// Records of one kind, or of all, oldest first.
    pub async fn records(&self, kind: Option<&str>) -> Result<Vec<Saved>> {
        on!(self, db => db.records(kind))
    }

    /// Conversations with a case, a flag or a practitioner, most urgent first, then longest
    /// unchanged.
    pub async fn open_cases(&self) -> Result<Vec<OpenCase>> {
        on!(self, db => db.open_cases())
    }

    /// Whose case it is. `None` for an unknown one, and after erasure.
    pub async fn case_lane(&self, case: &Reference) -> Result<Option<Lane>> {
        on!(self, db => db.case_lane(case))
    }

    /// The desk's thread of a case.
    pub async fn case_thread(&self, case: &Reference) -> Result<Option<Lane>> {
        on!(self, db => db.case_thread(case))
    }

    /// The case of a thread at the desk.
    pub async fn thread_case(&self, thread: &Lane) -> Result<Option<Reference>> {
        on!(self, db => db.thread_case(thread))
    }

    /// Remembers the desk's thread of a case; one that is known already is replaced.
    pub async fn set_case_thread(&self, case: &Reference, thread: &Lane) -> Result<()> {
        on!(self, db => db.set_case_thread(case, thread))
    }

    /// Adds somebody to the desk who is not known by an id yet: `code` is what they prove it with
    /// within ten minutes ([`Store::take_in`]). Only its keyed hash is kept. Names are unique,
    /// whatever their case; who has not used a code yet is given this one.
    pub async fn add_practitioner(
        &self,
        name: &str,
        organisation: Option<&str>,
        lead: bool,
        code: &str,
        now: Timestamp,
    ) -> Result<()> {
        let new = New::of(self.sealer(), name, organisation, lead, &Known::Code(code), now);
        on!(self, db => db.add_practitioner(new))
    }

    /// Adds somebody to the desk who is known by an id already: `who` is `telegram:42` or
    /// `matrix:@ann:hub.example`.
    pub async fn enrol_practitioner(
        &self,
        name: &str,
        organisation: Option<&str>,
        lead: bool,
        who: &str,
        now: Timestamp,
    ) -> Result<()> {
        let new = New::of(self.sealer(), name, organisation, lead, &Known::Who(who), now);
        on!(self, db => db.add_practitioner(new))
    }

    /// Removes by name. False if there was nobody of that name.
    pub async fn remove_practitioner(&self, name: &str, now: Timestamp) -> Result<bool> {
        on!(self, db => db.remove_practitioner(name, now))
    }

    /// Everybody at the desk, by name.
    pub async fn practitioners(&self) -> Result<Vec<Practitioner>> {
        on!(self, db => db.practitioners())
    }

    /// Inputs that were set aside, oldest first.
    pub async fn parked(&self) -> Result<Vec<Parked>> {
        on!(self, db => db.parked())
    }

    /// Puts a parked input into its conversation again, as a new one at the end.
    /// [`StoreError::Missing`] if it is not parked.
    pub async fn replay(&self, seq: i64) -> Result<()> {
        on!(self, db => db.replay(seq))?;
        self.signals.inbox.fire();
        Ok(())
    }

    /// The last `limit` lines of the audit record, oldest first.
    pub async fn audit(&self, limit: usize) -> Result<Vec<Audited>> {
        on!(self, db => db.audit(limit))
    }

    /// Removes what is older than its period. Undecided inputs, unsent texts, conversations with
    /// an open flag or a practitioner, and those with a timer to come are left.
    pub async fn purge(&self, now: Timestamp, periods: &Periods) -> Result<Purged> {
        on!(self, db => db.purge(now, *periods))
    }

    /// Writes a copy of the whole database to a new file, which its owner alone can read, while the
    /// service goes on. The key file is not in it. On PostgreSQL the error says what to use instead.
    pub async fn backup(&self, path: &std::path::Path) -> Result<()> {
        on!(self, db => db.backup(path))
    }

    /// Queue lengths and ages.
    pub async fn stats(&self, now: Timestamp) -> Result<Stats> {
        on!(self, db => db.stats(now))
    }

    /// What another part of the program had sealed under that name.
    pub async fn secret(&self, name: &str) -> Result<Option<SecretBytes>> {
        on!(self, db => db.secret(name))
    }

    /// Seals something for another part of the program, in place of what stood under that name.
    pub async fn keep_secret(&self, name: &str, value: &[u8]) -> Result<()> {
        on!(self, db => db.keep_secret(name, value))
    }

    /// A key for what is kept outside the database. It is the same for one purpose as long as the
    /// database lives, also after the keys of the key file were changed.
    pub fn derived_key(&self, purpose: &str) -> zeroize::Zeroizing<[u8; 32]> {
        self.sealer().derive(purpose)
    }

    fn tell(&self, outgoing: Outgoing) {
        if outgoing.leased {
            self.signals.handed.fire();
        }
        if outgoing.waiting {
            self.signals.outbox.fire();
        }
    }

    fn reach(&self) -> Reach {
        *self.reach.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sealer(&self) -> &crate::seal::Sealer {
        match &self.backend {
            Backend::Sqlite(db) => db.sealer(),
            Backend::Postgres(db) => db.sealer(),
        }
    }

    /// Other processes tell nothing here, so a shared database is looked at this often.
    fn poll(&self) -> Option<Duration> {
        match &self.backend {
            Backend::Sqlite(_) => None,
            Backend::Postgres(_) => Some(Duration::from_millis(25)),
        }
    }
}
