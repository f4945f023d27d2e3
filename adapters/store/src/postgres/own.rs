//! The conversations in which this process has taken something in.
//!
//! Whoever takes a message in decides it. So several processes do not look for the same work all the
//! time and find that others hold it. What is left over, because a process died or has too much to
//! do, is found by looking at all that waits, from time to time.
//!
//! With it the server is asked whether there are other processes. Each transaction costs the server,
//! which all share, more than what is in it; so where there are others, a process takes in and claims
//! at intervals, and more at a time.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// What a message waits longer, at most, because whoever took it in does not decide it.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Where there are others: from one claim to the next, unless more was left, and how long what is
/// taken in waits for company.
const CLAIM_EVERY: Duration = Duration::from_millis(30);
const COMPANY: Duration = Duration::from_millis(10);

/// Conversations that are remembered at most; the others are found by looking.
const MOST: usize = 10_000;

#[derive(Default)]
pub(super) struct Own(Mutex<State>);

#[derive(Default)]
struct State {
    /// Longest waiting first, each once.
    lanes: VecDeque<String>,
    known: BTreeSet<String>,
    /// When all that waits was last looked at, unless more of it was left.
    looked: Option<Instant>,
    /// There were other processes then.
    others: bool,
    /// When something was last claimed, unless more of it was left.
    claimed: Option<Instant>,
}

impl Own {
    /// Something waits in these.
    pub(super) fn note(&self, lanes: impl IntoIterator<Item = String>) {
        let mut state = self.lock();
        for lane in lanes {
            if state.lanes.len() < MOST && state.known.insert(lane.clone()) {
                state.lanes.push_back(lane);
            }
        }
    }

    /// Takes out those that wait longest.
    pub(super) fn take(&self, most: usize) -> Vec<String> {
        let mut state = self.lock();
        let most = most.min(state.lanes.len());
        let lanes: Vec<String> = state.lanes.drain(..most).collect();
        for lane in &lanes {
            state.known.remove(lane);
        }
        lanes
    }

    /// Whether it is time to look at all that waits.
    pub(super) fn is_to_look(&self) -> bool {
        self.lock().looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY)
    }

    /// All that waits was looked at. `more`: and not all of it could be taken. `others`: there are other
    /// processes.
    pub(super) fn looked(&self, more: bool, others: bool) {
        let mut state = self.lock();
        state.looked = (!more).then(Instant::now);
        state.others = others;
    }

    /// Something was claimed of its own. `more`: and not all of it.
    pub(super) fn claimed(&self, more: bool) {
        self.lock().claimed = (!more).then(Instant::now);
    }

    /// Until when nothing is to be claimed.
    pub(super) fn rests(&self) -> Option<Instant> {
        let state = self.lock();
        let until = state.claimed? + CLAIM_EVERY;
        (state.others && Instant::now() < until).then_some(until)
    }

    /// How long what is taken in waits for company.
    pub(super) fn company(&self) -> Duration {
        if self.lock().others { COMPANY } else { Duration::ZERO }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
