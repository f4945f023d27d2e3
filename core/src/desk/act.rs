//! A practitioner's message in a case thread.

use crate::{
    content::Word,
    conversation::Holder,
    dialogue::Talk,
    effect::{AuditKind, DeskKind, DeskPost, Effect, SayKind},
    engine::Member,
    input::DeskMessage,
    safety::Route,
};

/// To somebody who may not act.
pub(super) const NOT_ENROLLED: &str = "You are not enrolled at this desk, so nothing was done.";

/// What a practitioner can do in the thread of a case.
pub(super) const COMMANDS: &str = "\
take: talk with the person. What you write then goes to them.
release: hand back to the bot.
safe REASON: close the flag.
note TEXT: for colleagues only.
close OUTCOME: end the case.";

impl Talk<'_> {
    /// Acts on what was written in the thread of this conversation's case. Who is not enrolled
    /// gets a notice and changes nothing.
    pub(crate) fn desk_message(&mut self, message: &DeskMessage) {
        let Some(member) = self.context.desk.members.get(&message.by).cloned() else {
            self.answer(message, NOT_ENROLLED);
            return;
        };
        let text = message.said.text.trim();
        match text.strip_prefix(['/', '!']) {
            Some(command) => {
                let (command, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
                self.desk_command(message, &member, &command.to_lowercase(), rest.trim());
            }
            None => self.relay(message, text),
        }
    }

    fn relay(&mut self, message: &DeskMessage, text: &str) {
        // What anybody else writes in a thread stays among colleagues.
        if self.holds_it(&message.by) {
            self.say_as(SayKind::Relay, text);
        }
    }

    fn desk_command(&mut self, message: &DeskMessage, member: &Member, command: &str, rest: &str) {
        match command {
            "take" => self.take(message, member),
            "release" => self.release(message, member),
            "safe" => self.safe(message, rest),
            "close" => self.close(message, rest),
            "note" => self.answer(message, "Noted."),
            "help" => self.answer(message, COMMANDS),
            _ => self.answer(message, &format!("«{command}» is no command here. Say help for the list.")),
        }
    }

    fn take(&mut self, message: &DeskMessage, member: &Member) {
        if let Holder::Practitioner { id, .. } = &self.conversation.holder {
            let text = if *id == message.by {
                "You have it already.".to_owned()
            } else {
                format!("{} has it already.", self.member_name(id))
            };
            self.answer(message, &text);
            return;
        }
        self.conversation.epoch += 1;
        self.conversation.holder = Holder::Practitioner { id: message.by.clone(), since: self.now() };
        self.conversation.handled = true;
        // Whichever of the person's threads it is taken in is where the talk goes on.
        self.conversation.case.clone_from(&message.case);
        self.end_watch();
        self.audit(AuditKind::Taken, message);
        if !self.conversation.do_not_message {
            let joined = self.text(Word::PractitionerJoined);
            self.say_as(SayKind::Notice, joined);
        }
        self.answer(message, &format!("{} has it. What you write here now goes to the person.", member.name));
        if self.conversation.do_not_message {
            self.answer(message, "Do not write first: somebody else may read along.");
        }
    }

    fn release(&mut self, message: &DeskMessage, member: &Member) {
        if !self.holds_it(&message.by) {
            self.answer(message, "Only who holds the conversation can hand it back.");
            return;
        }
        if self.conversation.route() >= Route::C {
            self.answer(message, "A flag is open. Close it first with: safe REASON.");
            return;
        }
        self.let_go();
        self.audit(AuditKind::Released, message);
        self.answer(message, &format!("{} handed it back to the bot.", member.name));
        if let Some(aside) = self.conversation.aside.last() {
            let parked = aside.parked;
            let text = self.text(if parked { Word::HandedBackParked } else { Word::HandedBack });
            self.say_as(SayKind::Notice, text);
            if parked {
                let choices =
                    vec![self.choice("resume", Word::ChoiceResume), self.choice("leave", Word::ChoiceLeave)];
                self.offer_choices(choices);
                return;
            }
        } else {
            let text = self.text(Word::HandedBack);
            self.say_as(SayKind::Notice, text);
        }
        self.ask_again();
    }

    fn safe(&mut self, message: &DeskMessage, reason: &str) {
        if reason.is_empty() {
            self.answer(message, "Say why: safe REASON.");
            return;
        }
        if self.conversation.flag.take().is_none() {
            self.answer(message, "No flag is open.");
            return;
        }
        // What was asked about the danger is a practitioner's to ask now.
        if self.conversation.dialogue() == Some(crate::dialogue::CHECK_IN) {
            self.conversation.place = None;
        }
        self.end_watch();
        self.audit(AuditKind::FlagClosed, message);
        self.answer(message, "The flag is closed.");
    }

    fn close(&mut self, message: &DeskMessage, outcome: &str) {
        if outcome.is_empty() {
            self.answer(message, "Say how it ended: close OUTCOME.");
            return;
        }
        if self.conversation.route() >= Route::C {
            self.answer(message, "A flag is open. Close it first with: safe REASON.");
            return;
        }
        // Another thread of this person's, such as a request's: the talk itself goes on.
        if self.conversation.case.as_ref() != message.case.as_ref() {
            self.audit(AuditKind::CaseClosed, message);
            self.answer(message, "The case is closed.");
            return;
        }
        let held = matches!(self.conversation.holder, Holder::Practitioner { .. });
        if held && !self.holds_it(&message.by) {
            self.answer(message, "Only who holds the conversation can close its case.");
            return;
        }
        self.let_go();
        self.audit(AuditKind::CaseClosed, message);
        self.answer(message, "The case is closed.");
        self.conversation.case = None;
        if held {
            let text = self.text(Word::CaseClosed);
            self.say_as(SayKind::Notice, text);
            self.offer_choices(self.menu_choices());
        }
    }

    fn let_go(&mut self) {
        if matches!(self.conversation.holder, Holder::Practitioner { .. }) {
            self.conversation.epoch += 1;
        }
        self.conversation.holder = Holder::Bot;
    }

    fn holds_it(&self, who: &str) -> bool {
        matches!(&self.conversation.holder, Holder::Practitioner { id, .. } if id == who)
    }

    fn member_name(&self, id: &str) -> String {
        self.context.desk.members.get(id).map_or_else(|| "Somebody".to_owned(), |member| member.name.clone())
    }

    fn answer(&mut self, message: &DeskMessage, text: &str) {
        self.effects.push(Effect::Desk(DeskPost::new(message.case.clone(), DeskKind::Notice, text)));
    }

    fn audit(&mut self, what: AuditKind, message: &DeskMessage) {
        self.effects.push(Effect::Audit { what, by: Some(message.by.clone()), case: message.case.clone() });
    }
}
