//! The conversations in which this process has taken something in.
//!
//! Whoever takes a message in decides it. So several processes do not look for the same work all the
//! time and find that others hold it. What is left over, because a process died or has too much to
//! do, is found by looking at what has waited for a while, from time to time.
//!
//! And so a message is taken in with its first try counted: when it is handed out nothing has to be
//! written down before. What another process hands out, or is handed out again, is counted then.
//!
//! With it the server is asked whether there are other processes. Each transaction costs the server,
//! which all share, more than what is in it; so where there are others, a process takes in and claims
//! at intervals, and more at a time.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::arrival::Arrival;

/// How often what has waited since the last look is looked for. Whoever took it in has as long to decide it.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Where there are others: from one claim to the next, unless more was left, and how long what is
/// taken in, and how sends ended, waits for company.
const CLAIM_EVERY: Duration = Duration::from_millis(30);
const COMPANY: Duration = Duration::from_millis(20);

/// Conversations that are remembered at most, and messages; the others are found by looking, and counted
/// once more.
const MOST: usize = 10_000;

#[derive(Default)]
pub(super) struct Own(Mutex<State>);

#[derive(Default)]
struct State {
    /// Longest waiting first, each once.
    lanes: VecDeque<String>,
    known: BTreeSet<String>,
    /// Messages whose first try is counted and that were not handed out yet.
    untried: BTreeSet<i64>,
    /// The last message that was there when all that waits was last looked at. None before the first look.
    seen: Option<i64>,
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

    /// These were taken in under their seqs, with their first try counted.
    pub(super) fn take_in<'a>(&self, new: impl IntoIterator<Item = (i64, &'a Arrival)>) {
        let (seqs, lanes): (Vec<i64>, Vec<String>) =
            new.into_iter().map(|(seq, arrival)| (seq, arrival.lane.clone())).unzip();
        let mut state = self.lock();
        // Others may have decided what is left in it.
        if state.untried.len() >= MOST {
            state.untried.clear();
        }
        state.untried.extend(seqs);
        drop(state);
        self.note(lanes);
    }

    /// Whether this is the try that was counted when it was taken in. Once.
    pub(super) fn is_untried(&self, seq: i64) -> bool {
        self.lock().untried.remove(&seq)
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

    /// Whether it is time to look at all that waits, and up to which message: what came in since the last
    /// look is left to whoever took it in.
    pub(super) fn is_to_look(&self) -> Option<i64> {
        let state = self.lock();
        let due = state.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY);
        due.then(|| state.seen.unwrap_or(i64::MAX))
    }

    /// All that waits was looked at. `last`: the last message that was there. `more`: and not all that waits
    /// could be taken. `others`: there are other processes.
    pub(super) fn looked(&self, last: i64, more: bool, others: bool) {
        let mut state = self.lock();
        state.looked = (!more).then(Instant::now);
        if !more {
            state.seen = Some(last);
        }
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

    /// How long what is taken in, and how sends ended, waits for company.
    pub(super) fn company(&self) -> Duration {
        if self.lock().others { COMPANY } else { Duration::ZERO }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
