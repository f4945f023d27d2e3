//! Waiting for events, without losing one.
//!
//! The SDK remembers a place of its own, and writes it down before we have committed what came
//! before it. So ours goes with the inbox: it is set in the store before the session is restored,
//! and whenever what is committed is not what this process has read, the client is opened anew at
//! the committed place. A batch is kept until the one after it is asked for, and is handed out
//! again until then.
//!
//! A sync must not be dropped half way, while a caller may drop [`Receiver::receive`] at any await:
//! the work is done in a task of its own, and whoever comes next waits for the same one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chatbox_core::channel::{Batch, ReceiveError};
use matrix_sdk::{
    config::{SyncSettings, SyncToken},
    ruma::{
        api::client::{filter::FilterDefinition, sync::sync_events::v3::Filter},
        uint,
    },
};
use tokio::{sync::Mutex, task::JoinHandle};

use crate::{
    account::Account,
    call::{Failure, failure_of},
    cursor::Cursor,
    rooms::Joining,
    take::{Taken, Taking},
};

/// How long the homeserver may hold a sync open.
const LONG_POLL: Duration = Duration::from_secs(30);
/// After this long a place that moved without bringing anything is handed out, so that a restart
/// has less to go through.
const IDLE: Duration = Duration::from_mins(5);
/// What waits for its key is tried again this often, besides when keys come: at first, and after
/// [`YOUNG`].
const RETRY_YOUNG: Duration = Duration::from_secs(15);
const RETRY_OLD: Duration = Duration::from_mins(10);
const YOUNG: i64 = 10 * 60;

/// Hands out batches.
pub(crate) struct Receiver {
    account: Arc<Account>,
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    /// Handed out, and perhaps not committed.
    ready: Option<Ready>,
    /// Where the client stands. None: it has to be opened anew.
    standing: Option<Standing>,
    work: Option<JoinHandle<Worked>>,
}

/// Where the client stands after some work, and what it brought.
type Worked = (Option<Standing>, Result<Ready, ReceiveError>);

struct Ready {
    /// The cursor that the batch goes on from.
    from: Option<String>,
    batch: Batch,
}

/// Where the client stands, which only the task at work knows.
struct Standing {
    /// Up to where it has read.
    cursor: Cursor,
    /// The cursor of the newest batch that was handed out.
    handed: Option<String>,
    handed_at: Instant,
    /// The store has seen no sync yet.
    fresh: bool,
    retried: Instant,
    retries: usize,
    joining: Joining,
}

/// Why there is no batch.
enum Stop {
    /// Nothing was read: go on from the same place.
    Again(ReceiveError),
    /// Something was read and is lost with this error: go back to the committed place.
    Back(ReceiveError),
}

impl Receiver {
    pub(crate) fn new(account: Arc<Account>) -> Self {
        Self { account, slot: Mutex::default() }
    }

    /// See [`chatbox_core::channel::Channel::receive`]. Dropping it loses nothing.
    pub(crate) async fn receive(&self, committed: Option<&str>) -> Result<Batch, ReceiveError> {
        let mut slot = self.slot.lock().await;
        loop {
            if let Some(ready) = &slot.ready {
                if ready.from.as_deref() == committed {
                    return Ok(ready.batch.clone());
                }
                let done = ready.batch.cursor.as_deref() == committed;
                slot.ready = None;
                if !done {
                    slot.standing = None;
                }
            }
            if slot.work.is_none() {
                let standing =
                    slot.standing.take().filter(|standing| standing.handed.as_deref() == committed);
                let work = work(Arc::clone(&self.account), standing, committed.map(str::to_owned));
                slot.work = Some(tokio::spawn(work));
            }
            let Some(work) = &mut slot.work else { continue };
            let ended = work.await;
            slot.work = None;
            let (standing, result) = ended.unwrap_or_else(|_| {
                let what = "receiving from Matrix broke off";
                (None, Err(ReceiveError::Later { what, wait: self.account.failed() }))
            });
            slot.standing = standing;
            slot.ready = Some(result?);
        }
    }

    /// Ends the work that is under way. What it has read is read again from the committed place.
    pub(crate) async fn close(&self) {
        let mut slot = self.slot.lock().await;
        if let Some(work) = slot.work.take() {
            work.abort();
            drop(work.await);
        }
        slot.standing = None;
        self.account.close().await;
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(work) = self.slot.get_mut().work.take() {
            work.abort();
        }
        self.account.abandon();
    }
}

/// Reads until there is something to commit.
async fn work(account: Arc<Account>, standing: Option<Standing>, committed: Option<String>) -> Worked {
    let mut standing = match standing {
        Some(standing) => standing,
        None => match Standing::open(&account, committed.clone()).await {
            Ok(standing) => standing,
            Err(error) => return (None, Err(error)),
        },
    };
    loop {
        match standing.round(&account).await {
            Ok(None) => {}
            Ok(Some(batch)) => return (Some(standing), Ok(Ready { from: committed, batch })),
            Err(Stop::Again(error)) => return (Some(standing), Err(error)),
            Err(Stop::Back(error)) => return (None, Err(error)),
        }
    }
}

impl Standing {
    /// Opens the client at the committed place.
    async fn open(account: &Account, committed: Option<String>) -> Result<Self, ReceiveError> {
        let cursor = Cursor::read(committed.as_deref())?;
        account.returns().clone_from(&cursor.returns);
        let fresh = account.reopen(cursor.token.as_deref()).await.map_err(|error| {
            tracing::error!(error = %error, "the Matrix store cannot be opened");
            ReceiveError::Later { what: "the Matrix store cannot be opened", wait: account.failed() }
        })?;
        let (now, joining) = (Instant::now(), Joining::default());
        Ok(Self { cursor, handed: committed, handed_at: now, fresh, retried: now, retries: 0, joining })
    }

    /// One sync, and what follows from it. None: nothing that has to be committed.
    async fn round(&mut self, account: &Arc<Account>) -> Result<Option<Batch>, Stop> {
        let client = account.client().await.ok_or_else(|| {
            let what = "the Matrix store is being opened";
            Stop::Back(ReceiveError::Later { what, wait: account.failed() })
        })?;
        self.joining.step(account, &client).await;
        let since = if self.fresh { None } else { self.cursor.token.clone() };
        let settings = SyncSettings::new()
            .token(SyncToken::from_optional_token(since))
            .timeout(self.patience((account.clock)().as_second()))
            .filter(Filter::FilterDefinition(filter()));
        let response = client.sync_once(settings).await.map_err(|error| no_sync(account, &error))?;
        account.arrived();

        let now = (account.clock)();
        let mut taking = Taking::new(account, &client, &self.cursor, self.fresh, now);
        if self.retry_is_due(now.as_second()) || !response.to_device.is_empty() {
            self.retried = Instant::now();
            self.retries = self.retries.wrapping_add(1);
            taking.retry(self.retries).await;
        }
        let took = taking.take(response, &mut self.joining).await;
        account.took(took.is_ok());
        took.map_err(|failure| {
            let what = "what Matrix sent could not be read in full";
            tracing::debug!(matrix.failure = failure.name(), "{what}");
            Stop::Back(ReceiveError::Later { what, wait: account.failed() })
        })?;
        let taken = taking.end().await;
        self.fresh = false;
        let changed =
            taken.cursor.unread != self.cursor.unread || taken.cursor.returns != self.cursor.returns;
        self.cursor = taken.cursor;
        let nothing = taken.incoming.is_empty() && taken.desk.is_empty() && taken.proofs.is_empty();
        let idle = nothing && !changed;
        if idle && self.handed.is_some() && self.handed_at.elapsed() < IDLE {
            return Ok(None);
        }
        self.handed = Some(self.cursor.write());
        self.handed_at = Instant::now();
        let Taken { incoming, desk, proofs, cursor: _ } = taken;
        Ok(Some(Batch { incoming, desk, proofs, cursor: self.handed.clone() }))
    }

    /// How long the next sync may wait: not longer than until somebody has to be told something.
    fn patience(&self, now: i64) -> Duration {
        let tell = self.cursor.next_tell(now).map(|seconds| Duration::from_secs(seconds.unsigned_abs()));
        let retry = self.retry_every(now).map(|every| every.saturating_sub(self.retried.elapsed()));
        [tell, retry, self.joining.next()].into_iter().flatten().fold(LONG_POLL, Duration::min)
    }

    fn retry_is_due(&self, now: i64) -> bool {
        self.retry_every(now).is_some_and(|every| self.retried.elapsed() >= every)
    }

    fn retry_every(&self, now: i64) -> Option<Duration> {
        let newest = self.cursor.unread.iter().map(|unread| unread.at).max()?;
        Some(if now - newest < YOUNG { RETRY_YOUNG } else { RETRY_OLD })
    }
}

/// More events a room than by default, so that gaps are rare; and nothing that is no talk.
fn filter() -> FilterDefinition {
    let mut filter = FilterDefinition::default();
    filter.presence.types = Some(Vec::new());
    filter.room.ephemeral.types = Some(Vec::new());
    filter.room.timeline.limit = Some(uint!(100));
    filter
}

fn no_sync(account: &Account, error: &matrix_sdk::Error) -> Stop {
    let failure = failure_of(error);
    let later = |what| ReceiveError::Later { what, wait: account.failed() };
    match failure {
        Failure::Token => Stop::Back(ReceiveError::Fatal(
            "The homeserver has ended the bot's login on Matrix. Start the service again: it logs in anew."
                .to_owned(),
        )),
        Failure::RetryAfter(wait) => {
            Stop::Again(ReceiveError::Later { what: "the homeserver asks for a pause", wait })
        }
        Failure::Connect => Stop::Again(later("the homeserver cannot be reached")),
        Failure::Refused { .. } => Stop::Again(later("the homeserver refuses to hand out messages")),
        Failure::Unknown | Failure::Unreadable => Stop::Again(later("the homeserver does not answer")),
        // The answer came, and could not be written down.
        Failure::Local => Stop::Back(later("the Matrix store cannot be written")),
    }
}
