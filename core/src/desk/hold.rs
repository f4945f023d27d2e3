//! Who holds a conversation: taking it, handing it on, letting go.

use super::{case::button, conflict::conflicts, queue::slug};
use crate::{
    content::Word,
    conversation::{Holder, Untold},
    dialogue::{CHECK_IN, Talk},
    effect::{AuditKind, Choice, DeskKind, DeskPost, Effect, SayKind},
    engine::Member,
    input::DeskMessage,
    safety::Route,
};

/// Lines shown at a take, of what was said since the case was opened.
const HISTORY_AT_TAKE: u16 = 10;

/// How long a case may be open before its head is old news.
const HEAD_IS_OLD: jiff::SignedDuration = jiff::SignedDuration::from_mins(2);

impl Talk<'_> {
    pub(super) fn take(&mut self, message: &DeskMessage, member: &Member, rest: &str) {
        if let Holder::Practitioner { id, .. } = &self.conversation.holder {
            let text = if *id == message.by {
                "You have it already.".to_owned()
            } else {
                format!("{} has it already.", self.member_name(id))
            };
            self.answer(message, &text);
            return;
        }
        if !self.may_take(message, member, Take { anyway: rest == "anyway", theirs: true }) {
            return;
        }
        self.move_talk_to(message);
        let lately = self.history_for_a_take();
        self.conversation.epoch += 1;
        self.hold(&message.by);
        self.audit(AuditKind::Taken, message);
        let urgent = self.conversation.route() >= Route::D;
        self.tell_of_arrival(if urgent { Word::PractitionerJoinedUrgent } else { Word::PractitionerJoined });
        let mut text = format!("{} has it. What you write here now goes to the person.", member.name);
        if self.conversation.do_not_message {
            text.push_str("\nDo not write first: somebody else may read along.");
        }
        self.answer_with(message, &text, self.holder_buttons(), lately);
    }

    /// Whether nothing stands between this practitioner and this person; tells of it where it does.
    fn may_take(&mut self, message: &DeskMessage, member: &Member, take: Take) -> bool {
        let Some(avoid) = self.conversation.desk.avoid.clone() else { return true };
        if !conflicts(&avoid, member) {
            return true;
        }
        let urgent = self.conversation.route() >= Route::D;
        if urgent && take.anyway {
            self.audit(AuditKind::Overridden, message);
            return true;
        }
        self.audit(AuditKind::Refused, message);
        let why = format!("The person would rather not talk to: {avoid}. {} is from there.", member.name);
        if urgent && take.theirs {
            let text = format!("{why} If nobody else can: !take anyway. That is recorded.");
            self.answer_with(message, &text, vec![button("take.anyway", "Take it anyway")], 0);
        } else {
            self.answer(message, &format!("{why} Please leave it to a colleague."));
        }
        false
    }

    /// Whichever of the person's threads it is taken in is where the talk goes on.
    fn move_talk_to(&mut self, message: &DeskMessage) {
        let before = self.conversation.case.clone();
        if before != message.case {
            self.conversation.case.clone_from(&message.case);
            if let (Some(before), Some(now)) = (before, &message.case) {
                let text = format!("The talk goes on in {now}.");
                self.effects.push(Effect::Desk(DeskPost::new(Some(before.clone()), DeskKind::Notice, text)));
                self.effects.push(Effect::Audit {
                    what: AuditKind::CaseClosed,
                    by: Some(message.by.clone()),
                    case: Some(before),
                });
            }
        }
    }

    fn history_for_a_take(&self) -> u16 {
        let opened = self.conversation.desk.opened;
        let old = opened.is_none_or(|at| self.now().duration_since(at) > HEAD_IS_OLD);
        if old { HISTORY_AT_TAKE } else { 0 }
    }

    /// The conversation is this practitioner's from now on.
    fn hold(&mut self, who: &str) {
        self.conversation.holder = Holder::Practitioner { id: who.to_owned(), since: self.now() };
        self.conversation.handled = true;
        // A question of the bot's on the way to a person is answered by the person.
        if self.running().is_some_and(|(d, _)| !d.form && d.dialogue.value != CHECK_IN) {
            self.conversation.place = None;
        }
        self.end_watch();
        self.end_wait();
        self.conversation.desk.unanswered = None;
        self.conversation.desk.written = false;
        self.conversation.desk.lines_at = None;
        self.conversation.desk.untold = None;
        self.conversation.desk.lost = None;
        self.await_holder();
    }

    fn tell_of_arrival(&mut self, word: Word) {
        if self.conversation.do_not_message {
            self.conversation.desk.untold = Some(Untold::Joined);
        } else {
            let text = self.text(word);
            self.say_as(SayKind::Notice, text);
        }
    }

    fn holder_buttons(&self) -> Vec<Choice> {
        let mut buttons =
            vec![button("reply", "Prepared answers"), button("release", "Hand back to the bot")];
        if self.conversation.flag.is_some() {
            buttons.push(button("safe", "Close the flag"));
        }
        buttons.extend([button("transfer", "Hand to a colleague"), button("close", "Close the case")]);
        buttons
    }

    pub(super) fn release(&mut self, message: &DeskMessage, member: &Member) {
        if !self.holds_it(&message.by) {
            self.answer(message, "Only who holds the conversation can hand it back.");
            return;
        }
        if !self.flag_lets_go(message) {
            return;
        }
        self.let_go();
        self.audit(AuditKind::Released, message);
        self.answer_with(
            message,
            &format!("{} handed it back to the bot. The case stays open until it is closed.", member.name),
            vec![button("take", "Take it"), button("close", "Close the case")],
            0,
        );
        self.bot_goes_on();
    }

    /// Tells the person that a practitioner has let go, and resumes where the bot stopped.
    pub(super) fn bot_goes_on(&mut self) {
        if self.conversation.do_not_message {
            self.conversation.desk.untold = Some(Untold::Left);
            return;
        }
        let parked = self.conversation.aside.last().is_some_and(|aside| aside.parked);
        let text = self.text(if parked { Word::HandedBackParked } else { Word::HandedBack });
        self.say_as(SayKind::Notice, text);
        if self.ask_about_erasure() {
        } else if parked {
            let choices =
                vec![self.choice("resume", Word::ChoiceResume), self.choice("leave", Word::ChoiceLeave)];
            self.offer_choices(choices);
        } else if self.conversation.place.is_none() && !self.conversation.aside.is_empty() {
            self.resume();
        } else {
            self.ask_again();
        }
    }

    /// What they asked for while a practitioner held. Returns whether they had.
    pub(super) fn ask_about_erasure(&mut self) -> bool {
        if !std::mem::take(&mut self.conversation.desk.wants_erasure) {
            return false;
        }
        self.start("privacy");
        self.go_to("sure");
        true
    }

    pub(super) fn transfer(&mut self, message: &DeskMessage, member: &Member, name: &str) {
        let Holder::Practitioner { id: holder, .. } = self.conversation.holder.clone() else {
            self.answer(message, "Nobody has it yet. A colleague can take it.");
            return;
        };
        if holder != message.by && !member.duty_lead {
            self.answer(message, "Only who holds the conversation, or the duty lead, can hand it over.");
            return;
        }
        let others = || self.context.desk.members.iter().filter(|(id, _)| **id != holder);
        let found: Vec<(String, Member)> = others()
            .filter(|(_, other)| is_called(&other.name, name))
            .map(|(id, other)| (id.clone(), other.clone()))
            .collect();
        let [(id, other)] = found.as_slice() else {
            let buttons = others()
                .filter(|(_, other)| !slug(&other.name).is_empty())
                .map(|(_, other)| button(&format!("transfer.{}", slug(&other.name)), &other.name))
                .take(8)
                .collect();
            self.answer_with(message, "Say to whom: !transfer NAME, as they are enrolled.", buttons, 0);
            return;
        };
        if !self.may_take(message, other, Take { anyway: false, theirs: false }) {
            return;
        }
        let untold = self.conversation.desk.untold;
        self.conversation.epoch += 1;
        self.hold(id);
        self.audit(AuditKind::Transferred, message);
        if untold.is_some() {
            self.conversation.desk.untold = untold;
        } else {
            self.tell_of_arrival(Word::PractitionerChanged);
        }
        let text = format!(
            "{} hands it to {}. {}, what you write here now goes to the person.",
            member.name, other.name, other.name
        );
        self.answer_with(message, &text, self.holder_buttons(), HISTORY_AT_TAKE);
    }

    /// Nobody holds it any more, and nobody waits.
    pub(super) fn let_go(&mut self) {
        if matches!(self.conversation.holder, Holder::Practitioner { .. }) {
            self.conversation.epoch += 1;
        }
        self.conversation.holder = Holder::Bot;
        self.conversation.desk.hinted = false;
        self.end_wait();
        self.end_hold();
    }

    pub(super) fn holds_it(&self, who: &str) -> bool {
        matches!(&self.conversation.holder, Holder::Practitioner { id, .. } if id == who)
    }

    pub(super) fn member_name(&self, id: &str) -> String {
        self.context.desk.members.get(id).map_or_else(|| "Somebody".to_owned(), |member| member.name.clone())
    }
}

/// How somebody would come to hold a conversation.
#[derive(Clone, Copy)]
struct Take {
    /// Whatever the person would rather not.
    anyway: bool,
    /// By a wish of their own.
    theirs: bool,
}

/// Whether somebody is meant by what was typed, or stands in a button.
fn is_called(name: &str, typed: &str) -> bool {
    let same = name.trim().to_lowercase() == typed.trim().to_lowercase();
    same || (slug(name) == slug(typed) && !slug(name).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colleague_is_meant_by_their_whole_name_in_any_script() {
        assert!(is_called("Anne-Marie O'Neill", "anne-marie o'neill"));
        assert!(is_called("Anne-Marie O'Neill", "annemarieoneill"), "as a button says it");
        assert!(is_called("李", " 李 "));
        assert!(!is_called("李", "王"));
        assert!(!is_called("李", "?"));
        assert!(!is_called("Bob", ""));
    }
}
