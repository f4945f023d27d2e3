//! What sending needs to remember.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use chatbox_core::{
    channel::Channel,
    ids::{ChannelKind, Lane},
};
use jiff::{SignedDuration, Timestamp};

use super::{Over, send::LONGEST_WAIT};
use crate::{
    budget::{Budget, Rates, Window},
    channels::AnyChannel,
};

/// Keyboards that may still be taken off, and calls for it at once. Best effort.
const MAX_KEYBOARDS: usize = 10_000;
const MAX_RETIRING: usize = 32;
/// And a second: they count against the platform's limits as texts do.
const RETIRED_PER_SECOND: f64 = 10.0;
/// Chats whose failures are counted. Beyond that all begin anew with a short wait: a chat that is never written
/// to again would be remembered for ever.
const MAX_FAILING: usize = 10_000;

/// Where texts for the desk go.
#[derive(Debug, Default)]
pub struct Desk {
    /// The room that holds a thread for each case. None: nowhere, and the deployer said so.
    pub room: Mutex<Option<Lane>>,
    /// Who is written to by a second route.
    pub lead: Option<String>,
}

impl Desk {
    pub(super) fn room(&self) -> Option<Lane> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn place(kind: ChannelKind) -> usize {
    match kind {
        ChannelKind::Telegram => 0,
        ChannelKind::Matrix => 1,
        ChannelKind::Terminal => 2,
    }
}

/// Everything that sending needs to remember.
pub struct Outlet<C = AnyChannel> {
    /// A place for each kind; empty until that channel is connected.
    channels: [OnceLock<C>; 3],
    pub(super) desk: Desk,
    /// When the desk's room last took something.
    room_worked: Mutex<Timestamp>,
    budget: Mutex<Budget>,
    /// What came of sends and is not written down: forgotten, they would be sent again when their
    /// lease is over, and hold up their lane until then.
    over: Mutex<Over>,
    /// Failures in a row, by chat.
    failures: Mutex<HashMap<String, u32>>,
    /// The last message with buttons in each chat.
    keyboards: Mutex<HashMap<Lane, String>>,
    pub(super) retiring: Arc<tokio::sync::Semaphore>,
    retired: Mutex<Window>,
}

impl<C: Channel> Outlet<C> {
    pub fn new(channels: Vec<C>, desk: Desk, rates: Rates) -> Arc<Self> {
        let outlet = Arc::new(Self {
            channels: Default::default(),
            desk,
            room_worked: Mutex::new(Timestamp::UNIX_EPOCH),
            budget: Mutex::new(Budget::new(rates)),
            over: Mutex::default(),
            failures: Mutex::default(),
            keyboards: Mutex::default(),
            retiring: Arc::new(tokio::sync::Semaphore::new(MAX_RETIRING)),
            retired: Mutex::new(Window::new(RETIRED_PER_SECOND, SignedDuration::from_secs(1))),
        });
        for channel in channels {
            outlet.connected(channel);
        }
        outlet
    }

    /// A channel can be sent by from now on. The first of its kind stays.
    pub fn connected(&self, channel: C) {
        // One that is there already does the same.
        let _ = self.channels[place(channel.kind())].set(channel);
    }

    /// The desk's room, once it is known by its id.
    pub fn set_room(&self, room: Lane) {
        *self.desk.room.lock().unwrap_or_else(PoisonError::into_inner) = Some(room);
    }

    pub fn channel(&self, kind: ChannelKind) -> Option<&C> {
        self.channels[place(kind)].get()
    }

    /// How long to wait after one more failure in a chat. The first wait is short: most failures
    /// are a connection that was closed meanwhile.
    pub(super) fn backoff(&self, chat: &str) -> SignedDuration {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MAX_FAILING && !failures.contains_key(chat) {
            failures.clear();
        }
        let count = failures.entry(chat.to_owned()).or_default();
        *count = count.saturating_add(1);
        SignedDuration::from_millis(250_i64 << (*count - 1).min(8)).min(LONGEST_WAIT)
    }

    pub(super) fn recovered(&self, chat: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(chat);
    }

    pub(super) fn room_works(&self, now: Timestamp) {
        *self.room_worked.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    pub(super) fn worked_since(&self, then: Timestamp) -> bool {
        *self.room_worked.lock().unwrap_or_else(PoisonError::into_inner) > then
    }

    pub(super) fn over(&self) -> MutexGuard<'_, Over> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn budget(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Channel + Clone + 'static> Outlet<C> {
    /// Takes the buttons off the message before this one, unless there is much else to do: a press on
    /// an old button is answered kindly anyway.
    pub(super) fn retire_older(&self, channel: &C, lane: &Lane, native: &str, now: Timestamp) {
        let older = {
            let mut keyboards = self.keyboards.lock().unwrap_or_else(PoisonError::into_inner);
            if keyboards.len() >= MAX_KEYBOARDS {
                keyboards.clear();
            }
            keyboards.insert(lane.clone(), native.to_owned())
        };
        let Some(older) = older else { return };
        {
            let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
            if retired.next(now) > now {
                return;
            }
            retired.spend(now);
        }
        if let Ok(permit) = Arc::clone(&self.retiring).try_acquire_owned() {
            let (channel, lane) = (channel.clone(), lane.clone());
            tokio::spawn(async move {
                channel.retire(&lane, &older).await;
                drop(permit);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chats_that_fail_are_remembered_up_to_a_limit_and_wait_longer_each_time() {
        let rates = Rates { per_second: 0.0, chat_per_second: 0.0, group_per_minute: 0.0 };
        let outlet: Arc<Outlet> = Outlet::new(Vec::new(), Desk::default(), rates);
        assert!(outlet.backoff("0") < outlet.backoff("0"));
        for chat in 0..3 * MAX_FAILING {
            outlet.backoff(&chat.to_string());
        }
        assert!(outlet.failures.lock().unwrap().len() <= MAX_FAILING);
    }
}
