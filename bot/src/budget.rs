//! What may be sent now: the token buckets of the platform's limits (P7).
//!
//! Kept in memory: after a restart they are full, and no limit of the platform is that tight.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

/// Messages that one chat may get at once after a pause.
const CHAT_BURST: f64 = 3.0;

/// Messages of a group's minute that are kept for what cannot wait.
const URGENT: usize = 4;

/// Chats remembered; beyond it those are forgotten that have nothing to wait for.
const MAX_CHATS: usize = 10_000;

/// A clock that is behind by more than this was set back: what was spent by the old one was spent now.
/// Otherwise nothing would be sent until the new one is as far.
const SET_BACK: SignedDuration = SignedDuration::from_secs(1);

/// Messages a second altogether and to one chat, and a minute to one group. 0: no limit.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    pub per_second: f64,
    pub chat_per_second: f64,
    pub group_per_minute: f64,
}

/// The budgets of one channel.
#[derive(Debug)]
pub struct Budget {
    rates: Rates,
    all: Window,
    chats: HashMap<String, Chat>,
}

#[derive(Debug)]
struct Chat {
    bucket: Bucket,
    /// Of a group only.
    window: Option<Window>,
    /// The platform asked for silence until then.
    blocked: Timestamp,
}

impl Budget {
    pub fn new(rates: Rates) -> Self {
        let all = Window::new(rates.per_second, SignedDuration::from_secs(1));
        Self { rates, all, chats: HashMap::new() }
    }

    /// Spends one message to a chat, or says when to ask again.
    pub fn take(&mut self, chat: &str, group: bool, now: Timestamp) -> Result<(), Timestamp> {
        if self.chats.len() >= MAX_CHATS {
            self.chats.retain(|_, chat| !chat.is_idle(now));
        }
        let rates = self.rates;
        let chat = self.chats.entry(chat.to_owned()).or_insert_with(|| Chat::new(rates, group, now));
        chat.keep_up(now);
        let window = chat.window.as_mut().map_or(now, |window| window.next(now));
        let at = chat.blocked.max(chat.bucket.next(now)).max(window).max(self.all.next(now));
        if at > now {
            return Err(at);
        }
        chat.bucket.spend(now);
        if let Some(window) = &mut chat.window {
            window.spend(now);
        }
        self.all.spend(now);
        Ok(())
    }

    /// The same for what can wait, in a group: leaves the last [`URGENT`] of its minute to others.
    pub fn take_behind(&mut self, chat: &str, now: Timestamp) -> Result<(), Timestamp> {
        if let Some(window) = self.chats.get_mut(chat).and_then(|chat| chat.window.as_mut()) {
            let at = window.next_leaving(URGENT, now);
            if at > now {
                return Err(at);
            }
        }
        self.take(chat, true, now)
    }

    /// Nothing to this chat before `until`.
    pub fn block(&mut self, chat: &str, group: bool, until: Timestamp) {
        let rates = self.rates;
        // Its bucket is full: it gets no more by waiting.
        let long_ago = Timestamp::UNIX_EPOCH;
        let chat = self.chats.entry(chat.to_owned()).or_insert_with(|| Chat::new(rates, group, long_ago));
        chat.blocked = chat.blocked.max(until);
    }
}

impl Chat {
    fn new(rates: Rates, group: bool, now: Timestamp) -> Self {
        Self {
            bucket: Bucket { rate: rates.chat_per_second, tokens: CHAT_BURST, at: now },
            window: group.then(|| Window::new(rates.group_per_minute, SignedDuration::from_mins(1))),
            blocked: Timestamp::UNIX_EPOCH,
        }
    }

    /// A pause is as long by a clock that was set back since the chat was last looked at.
    fn keep_up(&mut self, now: Timestamp) {
        let back = self.bucket.at.duration_since(now);
        if back > SET_BACK {
            self.blocked = self.blocked.checked_sub(back).unwrap_or(Timestamp::UNIX_EPOCH);
        }
    }

    fn is_idle(&mut self, now: Timestamp) -> bool {
        self.keep_up(now);
        self.bucket.refill(now);
        self.blocked <= now
            && (self.bucket.rate == 0.0 || self.bucket.tokens >= CHAT_BURST)
            && self.window.as_mut().is_none_or(|window| window.is_empty(now))
    }
}

/// Fills up at a rate; empty, it says when there is one again.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    tokens: f64,
    at: Timestamp,
}

impl Bucket {
    fn refill(&mut self, now: Timestamp) {
        if self.at.duration_since(now) > SET_BACK {
            self.at = now;
        }
        if now > self.at {
            let passed = now.duration_since(self.at).as_secs_f64();
            self.tokens = (self.tokens + passed * self.rate).min(CHAT_BURST);
            self.at = now;
        }
    }

    fn next(&mut self, now: Timestamp) -> Timestamp {
        self.refill(now);
        if self.rate == 0.0 || self.tokens >= 1.0 {
            return now;
        }
        now + up((1.0 - self.tokens) / self.rate)
    }

    fn spend(&mut self, now: Timestamp) {
        self.refill(now);
        if self.rate > 0.0 {
            self.tokens -= 1.0;
        }
    }
}

/// So many in any stretch of so long: platforms count like that, and a bucket would let through
/// twice as many in its first stretch.
#[derive(Debug)]
pub(crate) struct Window {
    /// 0: no limit.
    most: usize,
    length: SignedDuration,
    spent: VecDeque<Timestamp>,
}

impl Window {
    pub(crate) fn new(rate: f64, length: SignedDuration) -> Self {
        if rate < 1.0 {
            let longer = if rate > 0.0 { up(length.as_secs_f64() / rate) } else { length };
            return Self { most: usize::from(rate > 0.0), length: longer, spent: VecDeque::new() };
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate is not negative, and rounding it down keeps the limit"
        )]
        let most = rate as usize;
        Self { most, length, spent: VecDeque::new() }
    }

    pub(crate) fn next(&mut self, now: Timestamp) -> Timestamp {
        self.forget(now);
        match self.spent.front() {
            Some(first) if self.most > 0 && self.spent.len() >= self.most => *first + self.length,
            Some(_) | None => now,
        }
    }

    /// As [`Self::next`], with so many kept back; of a small number none is.
    fn next_leaving(&mut self, kept: usize, now: Timestamp) -> Timestamp {
        let most = self.most;
        if most > 2 * kept {
            self.most -= kept;
        }
        let next = self.next(now);
        self.most = most;
        next
    }

    pub(crate) fn spend(&mut self, now: Timestamp) {
        if self.most > 0 {
            self.spent.push_back(now);
        }
    }

    fn is_empty(&mut self, now: Timestamp) -> bool {
        self.forget(now);
        self.spent.is_empty()
    }

    fn forget(&mut self, now: Timestamp) {
        if self.spent.back().is_some_and(|last| last.duration_since(now) > SET_BACK) {
            self.spent.iter_mut().for_each(|spent| *spent = now.min(*spent));
        }
        while self.spent.front().is_some_and(|first| *first + self.length <= now) {
            self.spent.pop_front();
        }
    }
}

/// Seconds, rounded up to the millisecond so that asking again then succeeds.
fn up(seconds: f64) -> SignedDuration {
    SignedDuration::try_from_secs_f64((seconds * 1_000.0).ceil() / 1_000.0 + 0.001)
        .unwrap_or(SignedDuration::from_hours(24))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TELEGRAM: Rates = Rates { per_second: 30.0, chat_per_second: 1.0, group_per_minute: 20.0 };

    fn start() -> Timestamp {
        "2026-01-05T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_last_of_a_groups_minute_is_for_what_cannot_wait() {
        let mut budget = Budget::new(Rates { chat_per_second: 0.0, ..TELEGRAM });
        let ordinary = (0..30).filter(|_| budget.take_behind("-1", start()).is_ok()).count();
        let urgent = (0..30).filter(|_| budget.take("-1", true, start()).is_ok()).count();
        assert_eq!((ordinary, urgent), (20 - URGENT, URGENT));
        let later = start() + SignedDuration::from_mins(1);
        assert_eq!(budget.take_behind("-1", start()), Err(later), "it says when to ask again");
        assert_eq!(budget.take_behind("-1", later), Ok(()));
    }

    /// Sends as fast as allowed for a while; the moments at which it sent.
    fn flood(budget: &mut Budget, chats: &[&str], group: bool, length: SignedDuration) -> Vec<Timestamp> {
        let mut sent = Vec::new();
        let mut now = start();
        while now < start() + length {
            let mut next = now + SignedDuration::from_millis(1);
            let mut any = false;
            for chat in chats {
                match budget.take(chat, group, now) {
                    Ok(()) => {
                        sent.push(now);
                        any = true;
                    }
                    Err(at) if !any => next = next.max(at.min(now + SignedDuration::from_millis(50))),
                    Err(_) => {}
                }
            }
            now = next;
        }
        sent
    }

    fn most_in_any(sent: &[Timestamp], length: SignedDuration) -> usize {
        let within =
            |first: &Timestamp| sent.iter().filter(|at| *at >= first && **at < *first + length).count();
        sent.iter().map(within).max().unwrap_or(0)
    }

    #[test]
    fn one_chat_gets_one_a_second_after_a_burst_of_three() {
        let sent = flood(&mut Budget::new(TELEGRAM), &["7"], false, SignedDuration::from_secs(10));
        assert_eq!(most_in_any(&sent, SignedDuration::from_secs(1)), 3);
        assert!((12..=13).contains(&sent.len()), "{}", sent.len());
    }

    #[test]
    fn all_chats_together_get_thirty_in_any_second() {
        let chats: Vec<String> = (0..200).map(|n| n.to_string()).collect();
        let chats: Vec<&str> = chats.iter().map(String::as_str).collect();
        let sent = flood(&mut Budget::new(TELEGRAM), &chats, false, SignedDuration::from_secs(5));
        assert_eq!(most_in_any(&sent, SignedDuration::from_secs(1)), 30);
        assert!(sent.len() >= 140, "{}", sent.len());
    }

    #[test]
    fn a_group_gets_twenty_in_any_minute() {
        let sent = flood(&mut Budget::new(TELEGRAM), &["-100"], true, SignedDuration::from_mins(5));
        assert_eq!(most_in_any(&sent, SignedDuration::from_mins(1)), 20);
        assert!(sent.len() >= 98, "{}", sent.len());
    }

    #[test]
    fn nothing_is_sent_before_retry_after_and_other_chats_go_on() {
        let mut budget = Budget::new(TELEGRAM);
        let until = start() + SignedDuration::from_secs(9);
        budget.block("7", false, until);
        assert_eq!(budget.take("7", false, start()), Err(until));
        assert_eq!(budget.take("8", false, start()), Ok(()));
        assert_eq!(budget.take("7", false, until), Ok(()));
    }

    #[test]
    fn clock_that_is_set_back_holds_nothing_up_and_limits_hold_on() {
        let mut budget = Budget::new(TELEGRAM);
        let chats: Vec<String> = (0..30).map(|n| n.to_string()).collect();
        assert!(chats.iter().all(|chat| budget.take(chat, false, start()).is_ok()));
        let back = start() - SignedDuration::from_hours(1);
        let second = SignedDuration::from_secs(1);
        for chat in ["7", "new"] {
            assert_eq!(budget.take(chat, false, back), Err(back + second));
        }
        let names: Vec<&str> = chats.iter().map(String::as_str).collect();
        let mut sent = Vec::new();
        for nth in 0..5_000 {
            let now = back + SignedDuration::from_millis(nth);
            sent.extend(names.iter().filter(|chat| budget.take(chat, false, now).is_ok()).map(|_| now));
        }
        assert_eq!(most_in_any(&sent, second), 30);
        assert!(sent.len() >= 100, "{}", sent.len());

        let mut group = Budget::new(Rates { chat_per_second: 0.0, ..TELEGRAM });
        assert_eq!((0..30).filter(|_| group.take("-1", true, start()).is_ok()).count(), 20);
        assert_eq!(group.take("-1", true, back), Err(back + SignedDuration::from_mins(1)));
        assert_eq!(group.take("-1", true, back + SignedDuration::from_mins(1)), Ok(()));

        let mut paused = Budget::new(TELEGRAM);
        assert_eq!(paused.take("7", false, start()), Ok(()));
        let pause = SignedDuration::from_secs(20);
        paused.block("7", false, start() + pause);
        assert_eq!(paused.take("7", false, back), Err(back + pause));
        assert_eq!(paused.take("7", false, back + pause), Ok(()));
    }

    #[test]
    fn zero_turns_a_limit_off_and_asking_again_when_told_succeeds() {
        let off = Rates { per_second: 0.0, chat_per_second: 0.0, group_per_minute: 0.0 };
        let mut budget = Budget::new(off);
        assert!((0..1000).all(|_| budget.take("-1", true, start()).is_ok()));
        let mut slow = Budget::new(Rates { per_second: 0.5, ..off });
        assert_eq!(slow.take("1", false, start()), Ok(()));
        let at = slow.take("1", false, start()).unwrap_err();
        assert!(at >= start() + SignedDuration::from_secs(2));
        assert_eq!(slow.take("1", false, at), Ok(()));
    }
}
