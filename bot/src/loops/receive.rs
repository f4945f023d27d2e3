//! Brings messages in: wait for the platform, commit, and only then have it told so.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chatbox_core::{
    channel::{Batch, Channel, FromDesk, Incoming, ReceiveError},
    desk::addressed,
    ids::{ChannelKind, Lane},
    input::{DeskMessage, Input, InputKind},
};
use chatbox_store::{Store, StoreError};
use jiff::Timestamp;
use thiserror::Error;
use tokio::time::{self, Instant};

use super::deliver::Outlet;
use crate::{channels::AnyChannel, clock, kill::kill_point, seed};

/// A reply that takes longer than this shows that it is on its way.
const TYPING_AFTER: Duration = Duration::from_millis(300);

/// Chats that are watched for that at most, and notices at once.
const MAX_WATCHED: usize = 1_000;
const MAX_NOTICES: usize = 16;

/// After a failed commit, the wait before the same messages are fetched again.
const AFTER_FAULT: Duration = Duration::from_secs(1);

/// Why a step brought nothing.
#[derive(Debug, Error)]
pub enum StepError {
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Waits for one batch, commits it, and remembers in `committed` that it is on disk. On an error
/// nothing is lost: the platform gives the same messages again.
pub async fn step<C: Channel>(
    store: &Store,
    channel: &C,
    committed: &mut Option<String>,
    now: impl Fn() -> Timestamp,
    seeds: impl FnMut() -> u64 + Send,
) -> Result<Vec<Lane>, StepError> {
    let batch = channel.receive(committed.as_deref()).await?;
    // By now the platform was told that we have the batch before this one.
    kill_point("receive.told");
    let lanes = take(store, channel.kind(), &batch, now(), seeds).await?;
    *committed = batch.cursor;
    Ok(lanes)
}

/// Whether the cursor is stored with the messages that it stands behind. Telegram keeps our place
/// itself, and nobody does for a terminal.
fn keeps_cursor(kind: ChannelKind) -> bool {
    match kind {
        ChannelKind::Matrix => true,
        ChannelKind::Telegram | ChannelKind::Terminal => false,
    }
}

/// Commits a batch. Returns the chats in which somebody said something.
pub async fn take(
    store: &Store,
    kind: ChannelKind,
    batch: &Batch,
    now: Timestamp,
    seeds: impl FnMut() -> u64 + Send,
) -> Result<Vec<Lane>, StoreError> {
    let mut incoming = Cow::Borrowed(&batch.incoming);
    for said in &batch.desk {
        let at_desk = at_desk(store, said).await?;
        incoming.to_mut().push(at_desk);
    }
    kill_point("receive.before_commit");
    let cursor = batch.cursor.as_deref().filter(|_| keeps_cursor(kind));
    let cursor = cursor.map(|cursor| (kind.as_str(), cursor));
    store.take_in(&incoming, &batch.proofs, cursor, now, seeds).await?;
    kill_point("receive.committed");
    let said = batch
        .incoming
        .iter()
        .filter(|incoming| matches!(incoming.input.what, InputKind::Message(_) | InputKind::Press { .. }));
    Ok(said.map(|incoming| incoming.lane.clone()).collect())
}

/// What was said at the desk, as an input of the conversation that it is about: that of the thread's
/// case, or of the case that a command names. What is about none is the room's own.
async fn at_desk(store: &Store, said: &FromDesk) -> Result<Incoming, StoreError> {
    let FromDesk { lane, key, native, by, at, said, redacted } = said.clone();
    let mut said = said;
    let named = addressed(&said.text).filter(|_| !said.edited && !redacted);
    let mut case = match (&named, &lane.thread) {
        (Some((case, _)), _) => Some(case.clone()),
        (None, Some(_)) => store.thread_case(&lane).await?,
        (None, None) => None,
    };
    let mut person = match &case {
        Some(case) => store.case_lane(case).await?,
        None => None,
    };
    // What is taken back, and what is corrected in the room, is known by its first version alone.
    if let (None, true, Some(first)) = (&person, redacted || said.edited, &said.id)
        && let Some((to, of)) = store.desk_said(first).await?
        && of.is_some()
    {
        (person, case) = (Some(to), of);
    }
    match (&person, named) {
        (Some(_), Some((_, command))) => said.text = command,
        (Some(_), None) => {}
        // Nobody's: an unknown reference, or the person has deleted their data.
        (None, _) => case = None,
    }
    let to = person.unwrap_or(Lane { thread: None, ..lane });
    let what = InputKind::Desk(DeskMessage { by, case, said, redacted });
    Ok(Incoming { lane: to, key, order: 0, native, input: Input::new(at, what) })
}

/// Receives until `stop` is ready. Ends with a sentence if the platform wants no more of us.
pub async fn run(
    store: &Store,
    channel: &AnyChannel,
    waiting: &Waiting,
    stop: impl Future<Output = ()>,
) -> Result<(), String> {
    let kind = channel.kind();
    // The place that was committed, once it could be read.
    let mut known = if keeps_cursor(kind) { None } else { Some(None) };
    let mut seeds = seed::fresh();
    tokio::pin!(stop);
    loop {
        let next = async {
            let mut committed = match known.take() {
                Some(committed) => committed,
                None => store.cursor(kind.as_str()).await?,
            };
            let lanes = step(store, channel, &mut committed, clock::now, &mut seeds).await;
            known = Some(committed);
            lanes
        };
        let step = tokio::select! {
            () = &mut stop => return Ok(()),
            step = next => step,
        };
        let receiving = !matches!(step, Err(StepError::Receive(_)));
        metrics::gauge!("chatbox_receiving", "channel" => kind.as_str()).set(f64::from(u8::from(receiving)));
        let wait = match step {
            Ok(lanes) => {
                waiting.expect(lanes);
                continue;
            }
            Err(StepError::Receive(ReceiveError::Fatal(sentence))) => return Err(sentence),
            Err(StepError::Receive(ReceiveError::Later { what, wait })) => {
                tracing::warn!(channel = kind.as_str(), receive.wait_s = wait.as_secs(), "{what}");
                wait
            }
            Err(StepError::Store(fault)) => {
                tracing::error!(error = %fault, "received messages could not be committed; fetching them again");
                AFTER_FAULT
            }
        };
        tokio::select! {
            () = &mut stop => return Ok(()),
            () = time::sleep(wait) => {}
        }
    }
}

/// Chats in which somebody said something that is not decided yet.
#[derive(Default)]
pub struct Waiting(Mutex<BTreeMap<Lane, Instant>>);

impl Waiting {
    pub fn expect(&self, lanes: impl IntoIterator<Item = Lane>) {
        let mut waiting = self.lock();
        for lane in lanes {
            if waiting.len() < MAX_WATCHED {
                waiting.entry(lane).or_insert_with(Instant::now);
            }
        }
    }

    pub fn decided(&self, lane: &Lane) {
        self.lock().remove(lane);
    }

    /// Shows in each chat that has waited long enough, once, that an answer is on its way.
    pub async fn watch(&self, outlet: &Outlet) {
        let mut tick = time::interval(TYPING_AFTER / 3);
        loop {
            tick.tick().await;
            for lane in self.overdue() {
                if let Some(channel) = outlet.channel(lane.channel).cloned() {
                    tokio::spawn(async move { channel.typing(&lane).await });
                }
            }
        }
    }

    fn overdue(&self) -> Vec<Lane> {
        let mut waiting = self.lock();
        let overdue: Vec<_> = waiting
            .iter()
            .filter(|(_, since)| since.elapsed() >= TYPING_AFTER)
            .map(|(lane, _)| lane.clone())
            .take(MAX_NOTICES)
            .collect();
        for lane in &overdue {
            waiting.remove(lane);
        }
        overdue
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Lane, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
