//! The desk: cases, who holds a conversation, and what a practitioner does in a case thread.

mod act;
mod queue;

use std::{collections::BTreeSet, fmt::Write as _};

use crate::{
    content::Word,
    conversation::{Conversation, Flag, Holder},
    dialogue::Talk,
    directory::{self, OpenState},
    effect::{AuditKind, DeskKind, DeskPost, Effect, Kept},
    ids::{ChannelKind, Reference},
    safety::{Kind, Route, kind_name},
    understanding::Reason,
};

pub use queue::addressed;
pub(crate) use queue::in_room;

/// How far back platforms let a bot delete messages.
pub(crate) const CLEAR_WITHIN: jiff::SignedDuration = jiff::SignedDuration::from_hours(48);

/// The desk at this moment, as far as a person may be promised anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DeskState {
    /// Somebody is there; until when, if that is known.
    Staffed {
        until: Option<jiff::Timestamp>,
    },
    Closed {
        opens: Option<jiff::Timestamp>,
    },
    /// There is a desk, and nobody said when.
    Unknown,
    None,
}

impl Talk<'_> {
    pub(crate) fn desk_state(&self) -> DeskState {
        if !self.context.desk.exists {
            return DeskState::None;
        }
        let calendar = self
            .content
            .directory
            .calendars()
            .of(self.hub.nation)
            .clone()
            .for_hub(self.hub.closed_days.iter().copied());
        match self.hub.hours.state(self.now(), &calendar) {
            OpenState::Open { until } => DeskState::Staffed { until },
            OpenState::Closed { opens: Some(opens) } => DeskState::Closed { opens: Some(opens) },
            OpenState::Closed { opens: None } | OpenState::Unknown => DeskState::Unknown,
        }
    }

    /// One of four texts, by what is so.
    pub(crate) fn desk_text(&self, staffed: Word, closed: Word, unknown: Word, none: Word) -> String {
        self.text(match self.desk_state() {
            DeskState::Staffed { .. } => staffed,
            DeskState::Closed { .. } => closed,
            DeskState::Unknown => unknown,
            DeskState::None => none,
        })
    }

    /// "until 5pm", or "Monday at 9am".
    pub(crate) fn desk_hours_words(&self) -> String {
        match self.desk_state() {
            DeskState::Staffed { until: Some(until) } => directory::until(until, self.now()),
            DeskState::Closed { opens: Some(opens) } => directory::when(opens, self.now()),
            DeskState::Staffed { until: None } => "day and night".to_owned(),
            DeskState::Closed { opens: None } | DeskState::Unknown | DeskState::None => String::new(),
        }
    }

    /// Asks the desk for a person, and tells the person what is so.
    pub(crate) fn hand_over(&mut self) {
        let now = self.now();
        if self.desk_state() != DeskState::None {
            if self.conversation.holder == Holder::Bot {
                self.conversation.holder = Holder::Waiting { since: now };
            }
            self.tell_desk(DeskKind::Notice, "Asks to talk to a person.");
        }
        let promise = self.desk_text(Word::DeskStaffed, Word::DeskClosed, Word::DeskUnknown, Word::DeskNone);
        self.say(promise);
        let contact = self.render("{hub.contact}");
        self.say(contact);
        if !matches!(self.desk_state(), DeskState::Staffed { .. }) {
            let lines = self.lines();
            self.say(format!("You can talk to someone at any time:\n{lines}"));
        }
    }

    /// Tells the desk in the conversation's case, opening one where there is none.
    pub(crate) fn tell_desk(&mut self, kind: DeskKind, what: impl Into<String>) {
        if !self.context.desk.exists {
            return;
        }
        let what = what.into();
        match self.conversation.case.clone() {
            Some(case) => self.effects.push(Effect::Desk(DeskPost::new(Some(case), kind, what))),
            None => self.open_case(kind, &what),
        }
    }

    /// A line in the case, if there is one.
    pub(crate) fn desk_post(&mut self, kind: DeskKind, text: String) {
        if let Some(case) = self.conversation.case.clone() {
            self.effects.push(Effect::Desk(DeskPost::new(Some(case), kind, text)));
        }
    }

    fn open_case(&mut self, kind: DeskKind, what: &str) {
        let case = self.draw_reference("CSE");
        self.conversation.case = Some(case.clone());
        // An alert follows by itself: the head need not say it too.
        let head = self.case_head(if kind == DeskKind::Alert { "A person may be in danger." } else { what });
        self.effects.push(Effect::Desk(DeskPost::new(Some(case.clone()), DeskKind::Opened, head)));
        if kind == DeskKind::Alert {
            self.effects.push(Effect::Desk(DeskPost::new(Some(case.clone()), kind, what)));
        }
        self.effects.push(Effect::Audit { what: AuditKind::CaseOpened, by: None, case: Some(case) });
    }

    /// What a practitioner reads first. Never the name the platform gives the person.
    fn case_head(&self, what: &str) -> String {
        let channel = match self.context.channel.kind {
            ChannelKind::Telegram => "Telegram (its company can read it)",
            ChannelKind::Matrix => "Matrix (end-to-end encrypted)",
            ChannelKind::Terminal => "a terminal on this machine",
        };
        let mut rows = vec![what.to_owned(), format!("Channel: {channel}")];
        if self.conversation.do_not_message {
            rows.push("Do not write first: somebody else may read along.".to_owned());
        }
        if let Some(flag) = &self.conversation.flag {
            rows.push(format!("Route: {}", flag_words(flag)));
        }
        if !self.words.is_empty() {
            rows.push(format!("They wrote: {}", self.words));
        }
        if self.running().is_some_and(|(dialogue, place)| dialogue.form && !place.answers.is_empty()) {
            rows.push(format!("Answered so far:\n{}", self.summary()));
        }
        rows.join("\n")
    }

    /// Tells the desk of danger: the route, the kinds and the words that raised them.
    pub(crate) fn tell_desk_of_danger(&mut self, route: Route, kinds: &BTreeSet<Kind>, reasons: &[Reason]) {
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind_name(*kind)).collect();
        let mut text = format!("Route {route:?}: {}.", kinds.join(", "));
        for reason in reasons {
            let _ = write!(text, "\n- {}: «{}»", reason.rule, reason.words);
        }
        if self.conversation.case.is_some() && !self.words.is_empty() {
            let _ = write!(text, "\nThey wrote: {}", self.words);
        }
        self.tell_desk(DeskKind::Alert, text);
    }

    /// The case of a saved record: its reference is the case's.
    pub(crate) fn open_record_case(&mut self, kind: &str, reference: &Reference) {
        if !self.context.desk.exists {
            return;
        }
        let title = match kind {
            "group_request" => "A KeepingWell Group is asked for.",
            "dead_number" => "A number on the list is reported not to work.",
            "message" => "A message was left for the desk.",
            _ => "Something was saved for the desk.",
        };
        // A message belongs to the case in which it was asked for.
        if kind == "message" && self.conversation.case.is_some() {
            let text = self.answer_words("message").unwrap_or_default();
            self.desk_post(DeskKind::Message, text);
            return;
        }
        let summary = self.summary();
        let text = format!("{title} {reference}\n{summary}");
        self.effects.push(Effect::Desk(DeskPost::new(Some(reference.clone()), DeskKind::Opened, text)));
        self.effects.push(Effect::Audit {
            what: AuditKind::CaseOpened,
            by: None,
            case: Some(reference.clone()),
        });
    }

    /// The bot failed to understand twice.
    pub(crate) fn lost_at_the_desk(&mut self) {
        self.tell_desk(DeskKind::Notice, "The bot did not understand twice in a row, and offered a person.");
    }

    /// Deletes what is kept about the person, and says what must stay and why.
    pub(crate) fn erase(&mut self) {
        let mut keep = Vec::new();
        let mut kept = Vec::new();
        if self.conversation.handled {
            keep.push(Kept::Handled);
            kept.push(self.text(Word::KeptHandled));
        }
        if self.conversation.flag.is_some() {
            keep.push(Kept::OpenFlag);
            kept.push(self.text(Word::KeptFlag));
        }
        if keep.is_empty() {
            kept.push(self.text(Word::ErasedRequests));
        }
        self.kept = kept.join(" ");
        let old = std::mem::take(&mut self.conversation);
        let stays = !keep.is_empty();
        let old_case = old.case.clone();
        // Where nothing must stay, nothing does: they are greeted like anybody new.
        self.conversation = if stays {
            Conversation {
                holder: old.holder,
                epoch: old.epoch,
                case: old.case,
                flag: old.flag,
                content: old.content,
                welcomed: true,
                prompt: old.prompt,
                lines_shown: old.lines_shown,
                do_not_message: old.do_not_message,
                handled: old.handled,
                ..Conversation::default()
            }
        } else {
            Conversation::default()
        };
        // Nothing of this turn may bring the words back.
        self.words.clear();
        self.effects.clear();
        self.effects.push(Effect::Erase { keep });
        if let Some(case) = old_case
            && self.context.desk.exists
        {
            let text = "The person has deleted their data here.".to_owned();
            self.effects.push(Effect::Desk(DeskPost::new(Some(case), DeskKind::Notice, text)));
        }
        self.word(Word::Erased);
        if self.context.desk.exists {
            self.word(Word::ErasedDesk);
        }
        // The menu would be something to remember.
        if stays {
            self.offer_choices(self.menu_choices());
        }
    }

    /// Deletes the messages on the platform, where it lets a bot.
    pub(crate) fn clear_chat(&mut self) {
        if self.context.channel.can_clear {
            self.word(Word::ClearCan);
            self.effects.push(Effect::ClearChat { within: CLEAR_WITHIN });
        } else {
            self.word(Word::ClearCannot);
        }
    }
}

/// "C, suicide, self-harm".
fn flag_words(flag: &Flag) -> String {
    let kinds: Vec<&str> = flag.kinds.iter().map(|kind| kind_name(*kind)).collect();
    format!("{:?}, {}", flag.route, kinds.join(", "))
}
