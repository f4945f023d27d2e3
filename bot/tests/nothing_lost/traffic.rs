//! People who give feedback over and over: every second message of theirs is kept as a record, so
//! that a message that is lost or decided twice cannot hide.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chatbox_telegram_standin::{Entry, Event, Standin, User};
use tokio::sync::watch;

/// What the bot says to a wish to give feedback, and to the feedback itself.
pub(crate) const QUESTION: &str = "What would you like to tell us";
pub(crate) const THANKS: &str = "I have noted that";

/// Longer than any test waits.
const LONG: Duration = Duration::from_hours(1);

/// Messages that one person sends at once, at most.
const BURST: usize = 4;

/// Somebody who has things to say.
struct Person {
    user: User,
    /// Waits for an answer before writing on; else writes in bursts.
    patient: bool,
    /// Ids of the messages sent so far.
    sent: Vec<i64>,
    /// Something was answered since the last message.
    answered: bool,
}

/// What was sent: by chat, the ids of the messages in their order.
pub(crate) type Sent = BTreeMap<i64, Vec<i64>>;

/// The text of somebody's `nth` message, counted from 0.
pub(crate) fn words(chat: i64, nth: usize) -> String {
    if nth.is_multiple_of(2) { "I want to give feedback".to_owned() } else { note(chat, nth) }
}

/// The feedback that is kept as a record.
fn note(chat: i64, nth: usize) -> String {
    format!("My feedback is number {nth} of chat {chat}")
}

/// All records that must be there.
pub(crate) fn notes(sent: &Sent) -> BTreeSet<String> {
    sent.iter().flat_map(|(chat, ids)| (1..ids.len()).step_by(2).map(|nth| note(*chat, nth))).collect()
}

/// Has `people` write until each has sent as many messages as `allowed` says; the sender of
/// `allowed` raises it from time to time, and is dropped when it will not rise any more.
pub(crate) async fn run(telegram: &Standin, people: i64, mut allowed: watch::Receiver<usize>) -> Sent {
    let mut all: BTreeMap<i64, Person> = (1..=people)
        .map(|id| {
            let user = telegram.user(id, "Somebody");
            (id, Person { user, patient: id % 2 == 0, sent: Vec::new(), answered: true })
        })
        .collect();
    let mut seen = 0;
    loop {
        let limit = *allowed.borrow_and_update();
        for (chat, person) in &mut all {
            person.writes(*chat, limit);
        }
        let heard = telegram.wait_within(LONG, |entries| {
            let new = entries.get(seen..).filter(|new| !new.is_empty())?;
            seen = entries.len();
            Some(new.iter().filter(|entry| is_said(entry)).map(|entry| entry.chat).collect::<Vec<_>>())
        });
        tokio::select! {
            chats = heard => for chat in chats.unwrap_or_default() {
                if let Some(person) = all.get_mut(&chat) {
                    person.answered = true;
                }
            },
            changed = allowed.changed() => if changed.is_err() {
                break;
            },
        }
    }
    all.into_iter().map(|(chat, person)| (chat, person.sent)).collect()
}

fn is_said(entry: &Entry) -> bool {
    entry.bot && entry.event == Event::Sent
}

impl Person {
    fn writes(&mut self, chat: i64, limit: usize) {
        let burst = if self.patient { usize::from(self.answered) } else { BURST };
        let end = if self.patient || self.answered { limit.min(self.sent.len() + burst) } else { 0 };
        while self.sent.len() < end {
            let text = words(chat, self.sent.len());
            self.sent.push(self.user.says(&text));
            self.answered = false;
        }
    }
}
