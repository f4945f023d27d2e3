//! Nobody there: reminders, the duty lead, and a holder who falls silent. All of it in timers of
//! the conversation, so that it survives a restart.

use jiff::{SignedDuration, Timestamp};

use super::{case::button, queue::span};
use crate::{
    content::Word,
    conversation::{Holder, Lost, Untold},
    dialogue::Talk,
    effect::{AuditKind, DeskKind, DeskPost, Effect, SayKind},
    engine::Targets,
    ids::Reference,
    safety::Route,
    understanding::Intent,
};

/// A timer of that name that comes due does nothing but have the conversation looked at: whoever
/// holds it may not be enrolled any more.
pub const LOOK: &str = "desk.look";

/// Nobody has taken the case. Its step is the minutes of waiting that it stands for.
const WAIT: &str = "desk.wait";
/// Whoever holds the conversation writes nothing. Its step is one of those below.
const HOLD: &str = "desk.hold";
/// Before the reference of a request that nobody has acknowledged.
const REQUEST: &str = "request.";

/// The person waits for an answer of whoever holds.
const ANSWER: &str = "answer";
/// The same, after a reminder.
const LET_GO: &str = "let_go";
/// Nobody has written for long.
const QUIET: &str = "quiet";
const QUIET_LET_GO: &str = "quiet_let_go";

/// Minutes of waiting after which the desk is reminded, besides the target itself: from C on, and
/// below it, in opening hours. After the last they go on daily.
const REMIND_URGENT: &[i64] = &[5, 10, 20, 40, 60, 120, 240, 480];
const REMIND: &[i64] = &[15, 60, 240];
const DAY: i64 = 1_440;
/// Reminders of one wait; then a case has been told of for weeks.
const REMINDERS: usize = 40;

/// Minutes after which the person is told that nobody has come: at least this, from D on as soon
/// as the desk is reminded.
const TELL_AFTER: i64 = 15;

/// How long a person waits for an answer before the holder is reminded, and again before the case
/// goes back to the queue; and the same from C on.
const ANSWER_WITHIN: SignedDuration = SignedDuration::from_mins(10);
const ANSWER_WITHIN_URGENT: SignedDuration = SignedDuration::from_mins(5);

/// How long a conversation may be held with no word on either side before the holder is reminded,
/// and then before it goes back to the queue; and the same from C on.
const IDLE: [SignedDuration; 2] = [SignedDuration::from_hours(2), SignedDuration::from_hours(22)];
const IDLE_URGENT: [SignedDuration; 2] = [SignedDuration::from_mins(30), SignedDuration::from_mins(60)];

/// The timer of one request.
pub(super) fn request_timer(case: &Reference) -> String {
    format!("{REQUEST}{case}")
}

/// How long a request may lie before the desk is reminded for the nth time.
pub(super) fn request_delay(nth: usize, targets: Targets) -> Option<SignedDuration> {
    let minutes = if nth == 0 { i64::from(targets.b) } else { DAY };
    (nth < REMINDERS).then(|| SignedDuration::from_mins(minutes))
}

/// Minutes until a practitioner should have come.
fn target(route: Route, targets: Targets) -> i64 {
    i64::from(match route {
        Route::A | Route::B => targets.b,
        Route::C => targets.c,
        Route::D => targets.d,
        Route::E => targets.e,
    })
}

/// Minutes of waiting at which the desk is reminded, in order.
fn reminders(route: Route, targets: Targets) -> Vec<i64> {
    let table = if route >= Route::C { REMIND_URGENT } else { REMIND };
    let mut minutes = table.to_vec();
    // A target of nothing was told of as the wait began.
    minutes.extend(Some(target(route, targets)).filter(|target| *target > 0));
    minutes.sort_unstable();
    minutes.dedup();
    let last = minutes.last().copied().unwrap_or(0);
    let more = REMINDERS.saturating_sub(minutes.len());
    minutes.extend((1..).take(more).map(|day| last + day * DAY));
    minutes
}

impl Talk<'_> {
    /// A practitioner is wanted: the person waits, the duty lead hears of D and E at once, and the
    /// desk is reminded until somebody comes. Starts anew only when it is more urgent than before.
    pub(crate) fn ask_for_somebody(&mut self) {
        let route = self.conversation.route();
        if route >= Route::D && self.conversation.desk.waiting_on.is_none_or(|before| before < route) {
            self.page(match self.conversation.holder {
                Holder::Practitioner { .. } => "danger while a practitioner holds it. Please look now.",
                Holder::Bot | Holder::Waiting { .. } => "nobody has it yet. Please look now.",
            });
        }
        match self.conversation.holder {
            Holder::Practitioner { .. } => {
                self.conversation.desk.waiting_on = Some(route);
                return;
            }
            Holder::Bot => self.conversation.holder = Holder::Waiting { since: self.now() },
            Holder::Waiting { .. } if self.conversation.desk.waiting_on.is_some_and(|was| was >= route) => {
                return;
            }
            Holder::Waiting { .. } => {}
        }
        self.begin_wait();
    }

    /// Begins the wait for a practitioner: as its target says, in opening hours below C.
    pub(super) fn begin_wait(&mut self) {
        let now = self.now();
        let route = self.conversation.route();
        let from = if route >= Route::C { now } else { self.in_hours(now) };
        let desk = &mut self.conversation.desk;
        desk.waiting_on = Some(route);
        desk.waiting_from = Some(from);
        desk.acknowledged = false;
        desk.told_nobody_came = false;
        self.remind_next(from);
    }

    /// After an erasure took the timers along.
    pub(super) fn keep_waiting(&mut self) {
        if matches!(self.conversation.holder, Holder::Waiting { .. }) {
            self.begin_wait();
        }
        let open = self.conversation.desk.requests.clone();
        for request in open.iter().filter(|request| !request.acknowledged) {
            self.watch_request(&request.case, 0);
        }
    }

    /// Sets the first reminder after the moment given. After an outage the others are left out.
    fn remind_next(&mut self, after: Timestamp) {
        let route = self.conversation.route();
        let Some(from) = self.conversation.desk.waiting_from else { return };
        let next = reminders(route, self.hub.targets).into_iter().find_map(|minutes| {
            let at = from.checked_add(SignedDuration::from_mins(minutes)).ok()?;
            let at = if route >= Route::C { at } else { self.in_hours(at) };
            (at > after).then_some((minutes, at))
        });
        if let Some((minutes, at)) = next {
            self.effects.push(Effect::SetTimer { name: WAIT.to_owned(), step: minutes.to_string(), at });
        }
    }

    /// Somebody has come, or nobody is wanted any more.
    pub(super) fn end_wait(&mut self) {
        self.conversation.desk.waiting_on = None;
        self.conversation.desk.waiting_from = None;
        self.conversation.desk.acknowledged = false;
        self.conversation.desk.told_nobody_came = false;
        self.effects.push(Effect::CancelTimer { name: WAIT.to_owned() });
    }

    /// A timer of the desk came due. Whether it still holds is read from the conversation, as it
    /// may have been overtaken in the inbox.
    pub(crate) fn desk_timer(&mut self, name: &str, step: &str) {
        if !self.context.desk.exists {
            return;
        }
        match (name, step) {
            (WAIT, minutes) => self.nobody_came(minutes.parse().unwrap_or(DAY)),
            (HOLD, ANSWER) => self.holder_is_silent(),
            (HOLD, LET_GO) => self.holder_stays_silent(),
            (HOLD, QUIET) => self.nobody_writes(),
            (HOLD, QUIET_LET_GO) => self.nobody_writes_any_more(),
            _ => {
                if let Some(case) = name.strip_prefix(REQUEST) {
                    self.request_lies(&Reference(case.to_owned()), step.parse().unwrap_or(REMINDERS));
                }
            }
        }
    }

    fn nobody_came(&mut self, minutes: i64) {
        let Holder::Waiting { since } = self.conversation.holder else { return };
        let route = self.conversation.route();
        let target = target(route, self.hub.targets);
        let waits = span(self.now().duration_since(since));
        let seen =
            if self.conversation.desk.acknowledged { " It was seen, and nobody has come." } else { "" };
        self.tell_desk(DeskKind::Alert, format!("Nobody has taken this. They have waited {waits}.{seen}"));
        if minutes == target || (minutes > target && route >= Route::C) {
            self.page(&format!("nobody has taken it. They have waited {waits}."));
        }
        let tell = minutes >= TELL_AFTER || route >= Route::D;
        if tell && !self.conversation.desk.told_nobody_came && !self.conversation.desk.acknowledged {
            self.conversation.desk.told_nobody_came = true;
            let text =
                self.desk_text(Word::NobodyCame, Word::NobodyCameClosed, Word::NobodyCame, Word::NobodyCame);
            self.tell_unasked(text);
        }
        self.remind_next(self.now());
    }

    /// The holder has the next word: at a take, and when the person has written.
    pub(crate) fn await_holder(&mut self) {
        // Who must not write first is not waited for.
        if self.conversation.do_not_message && !self.conversation.desk.written {
            self.set_hold(QUIET, self.idle()[0]);
        } else if self.conversation.desk.unanswered.is_none() {
            self.conversation.desk.unanswered = Some(self.now());
            self.set_hold(ANSWER, self.answer_within());
        }
    }

    /// The holder has written.
    pub(super) fn holder_wrote(&mut self) {
        self.conversation.desk.unanswered = None;
        self.set_hold(QUIET, self.idle()[0]);
    }

    /// Nobody holds any more.
    pub(super) fn end_hold(&mut self) {
        let desk = &mut self.conversation.desk;
        desk.unanswered = None;
        desk.written = false;
        desk.lines_for = None;
        desk.lines_at = None;
        self.effects.push(Effect::CancelTimer { name: HOLD.to_owned() });
    }

    fn set_hold(&mut self, step: &str, within: SignedDuration) {
        if let Ok(at) = self.now().checked_add(within) {
            self.effects.push(Effect::SetTimer { name: HOLD.to_owned(), step: step.to_owned(), at });
        }
    }

    fn idle(&self) -> [SignedDuration; 2] {
        if self.conversation.route() >= Route::C { IDLE_URGENT } else { IDLE }
    }

    /// It has become urgent: whoever holds has less time than before.
    pub(super) fn hurry_holder(&mut self) {
        self.set_hold(ANSWER, ANSWER_WITHIN_URGENT);
    }

    fn answer_within(&self) -> SignedDuration {
        if self.conversation.route() >= Route::C { ANSWER_WITHIN_URGENT } else { ANSWER_WITHIN }
    }

    /// Who holds, and for how long the person has waited for them; none where nobody waits, or not
    /// for as long as a reminder takes.
    fn unanswered_for(&self, at_least: SignedDuration) -> Option<(String, SignedDuration)> {
        let Holder::Practitioner { id, .. } = &self.conversation.holder else { return None };
        let waited = self.now().duration_since(self.conversation.desk.unanswered?);
        (waited >= at_least).then(|| (self.member_name(id), waited))
    }

    fn holder_is_silent(&mut self) {
        let Some((name, waited)) = self.unanswered_for(ANSWER_WITHIN_URGENT) else { return };
        let text = format!("{name}, the person has waited {} for an answer from you.", span(waited));
        self.desk_post(DeskKind::Alert, text);
        if self.conversation.route() >= Route::C {
            self.page("whoever holds it has not answered. Please look.");
        }
        self.set_hold(LET_GO, self.answer_within());
    }

    fn holder_stays_silent(&mut self) {
        if let Some((name, waited)) = self.unanswered_for(ANSWER_WITHIN_URGENT * 2) {
            let why = format!("{name} has not answered for {}.", span(waited));
            self.back_to_the_queue(&why, Word::HolderGone);
        }
    }

    fn nobody_writes(&mut self) {
        let Holder::Practitioner { id, .. } = &self.conversation.holder else { return };
        if self.conversation.desk.unanswered.is_some() {
            return;
        }
        let name = self.member_name(id);
        let urgent = self.conversation.route() >= Route::C;
        let flag = if urgent { " A flag is open." } else { "" };
        let text = format!("{name}, you still have this, and nothing was written for a while.{flag}");
        if let Some(case) = self.conversation.case.clone() {
            self.effects.push(Effect::Desk(DeskPost {
                choices: vec![button("release", "Hand back to the bot"), button("close", "Close the case")],
                ..DeskPost::new(Some(case), if urgent { DeskKind::Alert } else { DeskKind::Notice }, text)
            }));
        }
        if urgent {
            self.page("a flag is open, and nobody has written for a while. Please look.");
        }
        self.set_hold(QUIET_LET_GO, self.idle()[1]);
    }

    /// With an open flag of C or above somebody is wanted. Else the talk is over, and nobody waits.
    fn nobody_writes_any_more(&mut self) {
        let Holder::Practitioner { id, .. } = &self.conversation.holder else { return };
        if self.conversation.desk.unanswered.is_some() {
            return;
        }
        let [first, then] = self.idle();
        let why = format!("Nothing was written for {}.", span(first + then));
        if self.conversation.route() >= Route::C {
            self.back_to_the_queue(&why, Word::HandedBack);
            return;
        }
        self.conversation.desk.lost = Some(Lost { by: id.clone(), at: self.now() });
        let case = self.conversation.case.clone();
        self.let_go();
        self.effects.push(Effect::Audit { what: AuditKind::Returned, by: None, case: case.clone() });
        self.effects.push(Effect::Desk(DeskPost {
            choices: vec![button("take", "Take it"), button("close", "Close the case")],
            ..DeskPost::new(
                case,
                DeskKind::Notice,
                format!("{why} It went back to the bot. The case stays open until it is closed."),
            )
        }));
        self.bot_goes_on();
    }

    /// Nobody reads along any more: the bot goes on alone, and promises nobody.
    pub(crate) fn desk_is_gone(&mut self) {
        let held = match self.conversation.holder {
            Holder::Bot => return,
            Holder::Waiting { .. } => false,
            Holder::Practitioner { .. } => true,
        };
        self.let_go();
        // "Is there anything you would like to say to them?"
        if self.running().is_some_and(|(dialogue, _)| dialogue.intent == Some(Intent::Person)) {
            self.conversation.place = None;
        }
        if held && self.conversation.do_not_message {
            self.conversation.desk.untold = Some(Untold::Left);
        } else if held {
            let text = self.text(Word::HandedBack);
            self.say_as(SayKind::Notice, text);
        }
    }

    /// Takes the conversation from whoever holds it. The person waits again.
    pub(crate) fn back_to_the_queue(&mut self, why: &str, told: Word) {
        let Holder::Practitioner { id, .. } = &self.conversation.holder else { return };
        self.conversation.desk.lost = Some(Lost { by: id.clone(), at: self.now() });
        let case = self.conversation.case.clone();
        self.conversation.holder = Holder::Waiting { since: self.now() };
        self.conversation.epoch += 1;
        self.end_hold();
        self.conversation.desk.hinted = false;
        self.effects.push(Effect::Audit { what: AuditKind::Returned, by: None, case });
        self.tell_desk(DeskKind::Alert, format!("{why} It is back in the queue."));
        if self.conversation.do_not_message {
            self.conversation.desk.untold = Some(Untold::Left);
        } else {
            let text = self.text(told);
            self.say_as(SayKind::Notice, text);
        }
        if self.conversation.route() >= Route::D {
            self.page("it is back in the queue, and nobody has it. Please look now.");
        }
        self.begin_wait();
    }

    fn request_lies(&mut self, case: &Reference, nth: usize) {
        let Some(request) = self.conversation.desk.requests.iter().find(|open| open.case == *case) else {
            return;
        };
        if request.acknowledged {
            return;
        }
        let waits = span(self.now().duration_since(request.since));
        self.effects.push(Effect::Desk(DeskPost {
            choices: vec![button("ack", "Tell them who will be in touch")],
            ..DeskPost::new(
                Some(case.clone()),
                DeskKind::Alert,
                format!("Nobody has acknowledged this. It came {waits} ago."),
            )
        }));
        if nth == 0 && self.context.desk.lead {
            let text = format!("{case}: a request came {waits} ago, and nobody has acknowledged it.");
            self.effects.push(Effect::Desk(DeskPost::new(Some(case.clone()), DeskKind::Page, text)));
        }
        self.watch_request(case, nth + 1);
    }

    /// Tells the person something that they did not ask for, unless somebody else may read along.
    /// From C on it goes as safety wording.
    fn tell_unasked(&mut self, text: String) {
        if self.conversation.do_not_message {
            return;
        }
        let urgent = self.conversation.route() >= Route::C;
        self.say_as(if urgent { SayKind::Safety } else { SayKind::Notice }, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_among_the_reminders_and_they_never_end_soon() {
        let targets = Targets { b: 480, c: 15, d: 0, e: 0 };
        assert_eq!(reminders(Route::A, targets)[..5], [15, 60, 240, 480, 480 + DAY]);
        assert_eq!(reminders(Route::C, targets)[..5], [5, 10, 15, 20, 40]);
        assert_eq!(reminders(Route::E, targets)[..4], [5, 10, 20, 40]);
        for route in [Route::A, Route::B, Route::C, Route::D, Route::E] {
            let minutes = reminders(route, targets);
            assert_eq!(minutes.len(), REMINDERS);
            assert!(minutes.is_sorted_by(|a, b| a < b));
        }
    }
}
