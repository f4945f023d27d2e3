//! What practitioners command in a case thread.

use super::{case::button, conflict::conflicts, queue::queue_text, wait::request_timer};
use crate::{
    content::{Word, template},
    conversation::{Holder, Untold},
    dialogue::{Answer, CHECK_IN, Talk},
    effect::{AuditKind, Choice, DeskKind, DeskPost, Effect, SayKind},
    engine::Member,
    input::DeskMessage,
    safety::Route,
};

/// To somebody who may not act.
pub(super) const NOT_ENROLLED: &str = "You are not enrolled at this desk, so nothing was done.";

/// What a practitioner can do in the thread of a case. Commands are told as they are typed, as what is typed
/// without the mark goes to the person; and with the mark that no client takes for a command of its own.
pub(super) const COMMANDS: &str = "\
!take: talk with the person. What you write then goes to them.
!release: hand back to the bot.
!safe REASON: close the flag.
!ack WHEN: tell them who will be in touch, and by when. Alone: seen.
!note TEXT: for colleagues only.
!reply NAME: send a prepared answer. Alone: the list.
!send TEXT: write to them although somebody else may read along.
!transfer NAME: hand over to a colleague.
!history NUMBER: the last lines of the conversation.
!close OUTCOME: end the case.
!queue: who is waiting.
!identify REASON: who the person is. Duty lead, at D and E.";

/// Lines that `history` shows where no number is given, and at most.
const HISTORY: u16 = 30;
const HISTORY_AT_MOST: u16 = 100;

/// Words for buttons that stand for a reason: the id behind the dot, and what it says.
const SAFE_REASONS: &[(&str, &str)] = &[
    ("talked", "Talked it through, safe for now"),
    ("plan", "Safe with a plan made together"),
    ("handed", "Emergency or crisis services have them"),
    ("mistaken", "It was not meant that way"),
];
const OUTCOMES: &[(&str, &str)] = &[
    ("landed", "They have what they need"),
    ("signposted", "Told where to go"),
    ("referred", "Referred on"),
    ("no_reply", "No reply"),
];
const WHENS: &[(&str, &str)] =
    &[("today", "later today"), ("tomorrow", "by the end of tomorrow"), ("week", "by the end of this week")];

impl Talk<'_> {
    /// Acts on what was written in the thread of this conversation's case. Who is not enrolled
    /// gets a notice and changes nothing.
    pub(crate) fn desk_message(&mut self, message: &DeskMessage) {
        // What was written there before it was gone changes nothing any more.
        if !self.context.desk.exists {
            return;
        }
        let Some(member) = self.context.desk.members.get(&message.by).cloned() else {
            self.answer(message, NOT_ENROLLED);
            self.audit(AuditKind::Refused, message);
            return;
        };
        if self.amended_at_desk(message) {
            return;
        }
        let text = message.said.text.trim();
        match text.strip_prefix(['/', '!']) {
            Some(command) => {
                let (command, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
                let command = command.to_lowercase();
                // A button: what follows stands behind a dot.
                let (command, rest) = match command.split_once('.') {
                    Some((command, key)) if rest.is_empty() => (command, key),
                    Some((command, _)) => (command, rest.trim()),
                    None => (command.as_str(), rest.trim()),
                };
                // Telegram adds the bot's name in groups.
                let command = command.split('@').next().unwrap_or_default();
                self.desk_command(message, &member, command, rest);
            }
            None => self.relay(message),
        }
    }

    fn desk_command(&mut self, message: &DeskMessage, member: &Member, command: &str, rest: &str) {
        match command {
            "take" => self.take(message, member, rest),
            "release" => self.release(message, member),
            "safe" => self.safe(message, member, rest),
            "ack" => self.acknowledge(message, member, rest),
            "close" => self.close(message, member, rest),
            "transfer" => self.transfer(message, member, rest),
            "reply" => self.reply(message, rest),
            "send" => self.send(message, rest),
            "note" => {
                self.audit(AuditKind::Noted, message);
                self.answer(message, "Noted.");
            }
            "history" => self.history(message, rest),
            "identify" => self.identify(message, member, rest),
            "queue" => {
                let text = queue_text(&self.context.desk, self.now());
                self.answer(message, &text);
            }
            "help" => self.answer(message, COMMANDS),
            _ => self.answer(
                message,
                &format!(
                    "“{command}” is not a command here, and nothing was sent to the person. !help lists them."
                ),
            ),
        }
    }

    /// With an open flag of C or above nobody lets go. Tells of it.
    pub(super) fn flag_lets_go(&mut self, message: &DeskMessage) -> bool {
        let open = self.conversation.route() >= Route::C;
        if open {
            let text = "A flag is open. Close it first with: !safe REASON.";
            self.answer_with(message, text, reasons("safe", SAFE_REASONS), 0);
        }
        !open
    }

    fn safe(&mut self, message: &DeskMessage, member: &Member, reason: &str) {
        let Some(reason) = said(reason, SAFE_REASONS) else {
            self.answer_with(message, "Say why: !safe REASON.", reasons("safe", SAFE_REASONS), 0);
            return;
        };
        if let Holder::Practitioner { id, .. } = &self.conversation.holder
            && *id != message.by
            && !member.duty_lead
        {
            let text = format!("{} has it. Only they or the duty lead close its flag.", self.member_name(id));
            self.answer(message, &text);
            return;
        }
        if self.conversation.flag.take().is_none() {
            self.answer(message, "No flag is open.");
            return;
        }
        // What was asked about the danger is a practitioner's to ask now.
        if self.conversation.dialogue() == Some(CHECK_IN) {
            self.conversation.place = None;
        }
        self.end_watch();
        self.conversation.desk.lines_for = None;
        self.conversation.desk.lines_at = None;
        if matches!(self.conversation.holder, Holder::Waiting { .. }) {
            self.begin_wait();
        } else {
            self.conversation.desk.waiting_on = None;
        }
        self.audit(AuditKind::FlagClosed, message);
        self.answer(message, &format!("The flag is closed: {reason}"));
    }

    /// "I have seen it": of a request, and of a person who waits.
    fn acknowledge(&mut self, message: &DeskMessage, member: &Member, when: &str) {
        let request =
            self.conversation.desk.requests.iter().position(|r| Some(&r.case) == message.case.as_ref());
        let when = said(when, WHENS);
        let word = match (request, &when) {
            (Some(_), None) => {
                let text = "Say by when you will be in touch: !ack WHEN. It goes to the person.";
                self.answer_with(message, text, reasons("ack", WHENS), 0);
                return;
            }
            (Some(nth), Some(_)) => {
                let request = &mut self.conversation.desk.requests[nth];
                request.acknowledged = true;
                let name = request_timer(&request.case);
                self.effects.push(Effect::CancelTimer { name });
                self.reference.clone_from(&message.case);
                Word::RequestAcknowledged
            }
            (None, _) => {
                if !matches!(self.conversation.holder, Holder::Waiting { .. }) {
                    self.answer(message, "Nobody is waiting here.");
                    return;
                }
                // The desk is reminded all the same, and anew: seen is not yet there.
                self.begin_wait();
                self.conversation.desk.acknowledged = true;
                Word::Acknowledged
            }
        };
        self.audit(AuditKind::Acknowledged, message);
        let asked_by = request.and_then(|nth| self.conversation.desk.requests[nth].organisation.clone());
        if asked_by.is_some_and(|organisation| conflicts(&organisation, member)) {
            let text = format!(
                "{} is from the organisation that asks. Somebody from another organisation should run the group.",
                member.name
            );
            self.answer(message, &text);
        }
        let Some(when) = when else {
            let text =
                format!("{} has seen it. The person was told nothing. Please take it soon.", member.name);
            self.answer(message, &text);
            return;
        };
        if self.conversation.do_not_message {
            let text = format!(
                "{} has seen it. The person was told nothing: somebody else may read along.",
                member.name
            );
            self.answer(message, &text);
            return;
        }
        let text = template::render(self.content.wording.get(word), |name| match name {
            "desk.name" => Some(member.name.clone()),
            "desk.when" => Some(when.clone()),
            "reference" => message.case.as_ref().map(ToString::to_string),
            _ => None,
        });
        self.say_as(SayKind::Notice, text);
        self.answer(message, &format!("{} has seen it. The person was told: {when}.", member.name));
    }

    fn close(&mut self, message: &DeskMessage, member: &Member, outcome: &str) {
        let Some(outcome) = said(outcome, OUTCOMES) else {
            self.answer_with(message, "Say how it ended: !close OUTCOME.", reasons("close", OUTCOMES), 0);
            return;
        };
        let closed = format!("{} closed the case: {outcome}", member.name);
        // Another thread of this person's, such as a request's: the talk itself goes on.
        if self.conversation.case.as_ref() != message.case.as_ref() {
            self.close_request(message);
            self.audit(AuditKind::CaseClosed, message);
            self.answer(message, &closed);
            return;
        }
        let held = matches!(self.conversation.holder, Holder::Practitioner { .. });
        let waited = matches!(self.conversation.holder, Holder::Waiting { .. });
        if held && !self.holds_it(&message.by) {
            self.answer(message, "Only who holds the conversation can close its case.");
            return;
        }
        if !self.flag_lets_go(message) {
            return;
        }
        self.let_go();
        self.close_request(message);
        if self.conversation.flag.take().is_some() {
            self.audit(AuditKind::FlagClosed, message);
        }
        self.audit(AuditKind::CaseClosed, message);
        self.answer(message, &closed);
        self.conversation.case = None;
        self.conversation.desk.opened = None;
        if !held && !waited {
            return;
        }
        if self.conversation.do_not_message {
            self.conversation.desk.untold = held.then_some(Untold::Left);
            return;
        }
        let text = self.text(if held { Word::CaseClosed } else { Word::CaseClosedUnheld });
        self.say_as(SayKind::Notice, text);
        // Who was not talking to anybody is in the middle of something else.
        if held && !self.ask_about_erasure() {
            self.offer_choices(self.menu_choices());
        }
    }

    fn close_request(&mut self, message: &DeskMessage) {
        let Some(case) = &message.case else { return };
        let requests = &mut self.conversation.desk.requests;
        if let Some(nth) = requests.iter().position(|request| request.case == *case) {
            requests.remove(nth);
            self.effects.push(Effect::CancelTimer { name: request_timer(case) });
        }
    }

    fn reply(&mut self, message: &DeskMessage, name: &str) {
        if !self.holds_it(&message.by) {
            self.answer(message, "Only who holds the conversation can send an answer. First: !take");
            return;
        }
        let Some(prepared) = self.content.replies.get(name) else {
            let replies = &self.content.replies;
            let buttons =
                replies.shown().map(|reply| button(&format!("reply.{}", reply.name), &reply.label)).collect();
            let names: Vec<&str> = replies.names().collect();
            let text = format!("Prepared answers: {}.", names.join(", "));
            self.answer_with(message, &text, buttons, 0);
            return;
        };
        let text = self.render(&prepared.text);
        self.send_to_person(message, &text);
        self.answer(message, &format!("Sent:\n{text}"));
    }

    fn send(&mut self, message: &DeskMessage, text: &str) {
        if self.holds_it(&message.by) {
            self.send_to_person(message, text);
        } else {
            self.answer(message, "Only who holds the conversation can write to the person. First: !take");
        }
    }

    fn history(&mut self, message: &DeskMessage, lines: &str) {
        let lines = lines.parse().unwrap_or(HISTORY).clamp(1, HISTORY_AT_MOST);
        self.audit(AuditKind::HistoryRead, message);
        self.answer_with(message, "What was said:", Vec::new(), lines);
    }

    fn identify(&mut self, message: &DeskMessage, member: &Member, reason: &str) {
        if !member.duty_lead {
            self.audit(AuditKind::Refused, message);
            self.answer(message, "Only the duty lead can do that.");
            return;
        }
        if self.conversation.route() < Route::D {
            self.audit(AuditKind::Refused, message);
            self.answer(message, "That is for routes D and E alone.");
            return;
        }
        if reason.is_empty() {
            self.answer(message, "Say why: !identify REASON. It is recorded.");
            return;
        }
        self.audit(AuditKind::Identified, message);
        let mut text = "Who they are, as far as it is known.".to_owned();
        for given in self.given() {
            text.push('\n');
            text.push_str(&given);
        }
        self.effects.push(Effect::Desk(DeskPost {
            identify: true,
            ..DeskPost::new(message.case.clone(), DeskKind::Notice, text)
        }));
    }

    /// What the person gave of themselves in any form: name, way to reach them, place.
    fn given(&self) -> Vec<String> {
        let places = self.conversation.place.iter().chain(self.conversation.aside.iter().map(|a| &a.place));
        let mut rows: Vec<String> = places
            .flat_map(|place| {
                ["requester", "contact", "organisation", "site"].into_iter().filter_map(|field| {
                    match place.answers.get(field)? {
                        Answer::Text(text) => Some(format!("- {field}: {text}")),
                        Answer::Skipped
                        | Answer::Choice(_)
                        | Answer::Number(_)
                        | Answer::Size(_)
                        | Answer::When(_)
                        | Answer::Needs(_) => None,
                    }
                })
            })
            .collect();
        rows.extend(self.conversation.area.iter().map(|area| format!("- area: {area}")));
        rows.extend(
            self.conversation
                .role
                .iter()
                .filter_map(|role| self.content.role_label(role).map(|role| format!("- work: {role}"))),
        );
        rows
    }

    pub(crate) fn answer(&mut self, message: &DeskMessage, text: &str) {
        self.answer_with(message, text, Vec::new(), 0);
    }

    pub(super) fn answer_with(
        &mut self,
        message: &DeskMessage,
        text: &str,
        choices: Vec<Choice>,
        history: u16,
    ) {
        let post = DeskPost::new(message.case.clone(), DeskKind::Notice, text);
        self.effects.push(Effect::Desk(DeskPost { choices, history, ..post }));
    }

    pub(super) fn audit(&mut self, what: AuditKind, message: &DeskMessage) {
        self.effects.push(Effect::Audit { what, by: Some(message.by.clone()), case: message.case.clone() });
    }
}

/// A reason in words; the key of a button stands for its words.
fn said(reason: &str, known: &[(&str, &str)]) -> Option<String> {
    let words = known.iter().find(|(key, _)| *key == reason).map_or(reason, |(_, words)| words);
    (!words.is_empty()).then(|| words.to_owned())
}

fn reasons(command: &str, known: &[(&str, &str)]) -> Vec<Choice> {
    known.iter().map(|(key, words)| button(&format!("{command}.{key}"), words)).collect()
}
