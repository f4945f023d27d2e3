//! Cases: when one opens, and what a practitioner reads first.

use std::{collections::BTreeSet, fmt::Write as _};

use super::wait;
use crate::{
    channel::Confidentiality,
    content::Word,
    conversation::{Flag, Holder, OpenRequest},
    dialogue::Talk,
    directory,
    effect::{AuditKind, Choice, DeskKind, DeskPost, Effect},
    ids::{ChannelKind, Reference},
    safety::{Kind, Route},
    understanding::{Intent, Reason},
};

/// What the references of cases begin with in which somebody wants to talk, or is in danger.
const TALK: &str = "CSE";

/// Lines of the conversation that stand under the head of a new case.
const HISTORY_IN_HEAD: u16 = 10;

/// Requests whose threads are remembered; the oldest goes when there are more.
const REQUESTS: usize = 20;

impl Talk<'_> {
    /// Tells the desk in the conversation's case, opening one where there is none.
    pub(crate) fn tell_desk(&mut self, kind: DeskKind, what: impl Into<String>) {
        if !self.context.desk.exists {
            return;
        }
        let what = what.into();
        match self.conversation.case.clone() {
            Some(case) => {
                let mut post = DeskPost::new(Some(case), kind, what);
                if !matches!(self.conversation.holder, Holder::Practitioner { .. }) {
                    post.choices = vec![button("take", "Take it")];
                }
                self.effects.push(Effect::Desk(post));
            }
            None => self.open_case(kind, &what, &[]),
        }
    }

    /// A line in the case, if there is one.
    pub(crate) fn desk_post(&mut self, kind: DeskKind, text: String) {
        if let Some(case) = self.conversation.case.clone() {
            self.effects.push(Effect::Desk(DeskPost::new(Some(case), kind, text)));
        }
    }

    fn open_case(&mut self, kind: DeskKind, what: &str, reasons: &[Reason]) {
        let case = self.draw_reference(TALK);
        self.conversation.case = Some(case.clone());
        self.conversation.desk.opened = Some(self.now());
        // An alert follows by itself: the head need not say it too.
        let title = if kind == DeskKind::Alert { "A person may be in danger." } else { what };
        let head = self.case_head(&format!("{case}. {title}"), reasons);
        self.effects.push(Effect::Desk(DeskPost {
            choices: vec![
                button("take", "Take it"),
                button("ack", "Seen, on my way"),
                button("help", "Help"),
            ],
            history: HISTORY_IN_HEAD,
            ..DeskPost::new(Some(case.clone()), DeskKind::Opened, head)
        }));
        if kind == DeskKind::Alert {
            self.effects.push(Effect::Desk(DeskPost::new(Some(case.clone()), kind, what)));
        }
        self.effects.push(Effect::Audit { what: AuditKind::CaseOpened, by: None, case: Some(case) });
    }

    /// What a practitioner reads first. Never the name the platform gives the person.
    fn case_head(&self, title: &str, reasons: &[Reason]) -> String {
        let mut rows = vec![title.to_owned(), self.channel_row()];
        let local = self.now().to_zoned(directory::london().clone());
        rows.push(format!(
            "Since: {}, {}",
            local.strftime("%A %-d %B"),
            directory::clock(local.time().round(jiff::Unit::Minute).unwrap_or(local.time()))
        ));
        if self.conversation.do_not_message {
            rows.push("Do not write first: somebody else may read along.".to_owned());
        }
        if let Some(avoid) = &self.conversation.desk.avoid {
            rows.push(format!("Would rather not talk to: {avoid}"));
        }
        if let Some(flag) = &self.conversation.flag {
            rows.push(format!("Route: {}{}", flag_words(flag), reason_rows(reasons)));
        }
        if !self.words.is_empty() {
            rows.push(format!("They wrote: {}", self.words));
        }
        let answers = self.answers_so_far();
        if !answers.is_empty() {
            rows.push(format!("Answered so far:\n{answers}"));
        }
        rows.join("\n")
    }

    /// The channel, how private it is, and the desk's own room where that is the weaker link.
    fn channel_row(&self) -> String {
        let channel = match self.context.channel.kind {
            ChannelKind::Telegram => "Telegram",
            ChannelKind::Matrix => "Matrix",
            ChannelKind::Terminal => "a terminal",
        };
        let theirs = self.context.channel.confidentiality;
        let mut row = format!("Channel: {channel} ({})", privacy(theirs));
        if let Some(room) = self.context.desk.confidentiality.filter(|room| *room < theirs) {
            let _ = write!(row, ". This room is less private: {}", privacy(room));
        }
        row
    }

    /// The form under way, or those that wait.
    pub(super) fn answers_so_far(&self) -> String {
        let places = self.conversation.place.iter().chain(self.conversation.aside.iter().map(|a| &a.place));
        let rows: Vec<String> = places
            .filter(|place| self.content.dialogues.get(&place.dialogue).is_some_and(|d| d.form))
            .filter(|place| !place.answers.is_empty())
            .map(|place| self.summary_of(place))
            .collect();
        rows.join("\n")
    }

    /// Tells the desk of danger: the route, the kinds and the words that raised them; and has it
    /// reminded until somebody comes.
    pub(crate) fn tell_desk_of_danger(&mut self, route: Route, kinds: &BTreeSet<Kind>, reasons: &[Reason]) {
        if !self.context.desk.exists {
            return;
        }
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let title = format!("Route {route:?}: {}.", kinds.join(", "));
        if self.conversation.case.is_none() {
            self.open_case(DeskKind::Alert, &title, reasons);
        } else {
            let mut text = format!("{title}{}", reason_rows(reasons));
            // While held their words stand in the thread already.
            let held = matches!(self.conversation.holder, Holder::Practitioner { .. });
            if !held && !self.words.is_empty() {
                let _ = write!(text, "\nThey wrote: {}", self.words);
            }
            self.tell_desk(DeskKind::Alert, text);
        }
        self.ask_for_somebody();
    }

    /// The case of a saved record: its reference is the case's.
    pub(crate) fn open_record_case(&mut self, kind: &str, reference: &Reference) {
        if !self.context.desk.exists {
            return;
        }
        let title = match kind {
            "group_request" => "A KeepingWell Group is asked for.",
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
        let text = format!("{reference}. {title}\n{}\n{summary}", self.channel_row());
        self.effects.push(Effect::Desk(DeskPost {
            choices: vec![
                button("ack", "Tell them who will be in touch"),
                button("take", "Talk with them now"),
                button("close", "Close"),
            ],
            ..DeskPost::new(Some(reference.clone()), DeskKind::Opened, text)
        }));
        self.effects.push(Effect::Audit {
            what: AuditKind::CaseOpened,
            by: None,
            case: Some(reference.clone()),
        });
        let since = self.now();
        let organisation = self.answer_words("organisation").filter(|words| !words.is_empty());
        let requests = &mut self.conversation.desk.requests;
        requests.push(OpenRequest { case: reference.clone(), since, organisation, acknowledged: false });
        if requests.len() > REQUESTS {
            requests.remove(0);
        }
        self.watch_request(reference, 0);
    }

    /// The bot failed to understand twice.
    pub(crate) fn lost_at_the_desk(&mut self) {
        self.tell_desk(DeskKind::Notice, "The bot did not understand twice in a row, and offered a person.");
    }

    /// Asks the desk for a person, and tells the person what is so.
    pub(crate) fn hand_over(&mut self) {
        if self.context.desk.exists {
            self.tell_desk(DeskKind::Notice, "Asks to talk to a person.");
            self.ask_for_somebody();
        }
        let promise = self.desk_text(Word::DeskStaffed, Word::DeskClosed, Word::DeskUnknown, Word::DeskNone);
        self.say(promise);
        if let Some(place) = self.place_in_queue() {
            self.say(place);
        }
        let contact = self.render("{hub.contact}");
        self.say(contact);
        if !matches!(self.desk_state(), super::DeskState::Staffed { .. }) {
            let lines = self.lines();
            self.say(format!("You can talk to someone at any time:\n{lines}"));
        }
    }

    /// Asked for a person once more, while one is asked for.
    pub(crate) fn asked_already(&mut self) {
        if !matches!(self.conversation.holder, Holder::Waiting { .. }) {
            return;
        }
        self.desk_post(DeskKind::Notice, "Asks again to talk to a person.".to_owned());
        self.word(Word::AskedAlready);
        if let Some(place) = self.place_in_queue() {
            self.say(place);
        }
    }

    /// They need nobody any more. Below C nobody waits from now on, and the desk is told; a flag stays. At C and
    /// above somebody is wanted all the same, and they are told so.
    pub(crate) fn call_off(&mut self) {
        if !matches!(self.conversation.holder, Holder::Waiting { .. }) {
            self.word(Word::StalePress);
            return self.ask_again();
        }
        let for_person =
            |talk: &Self| talk.running().is_some_and(|(dialogue, _)| dialogue.intent == Some(Intent::Person));
        let route = self.conversation.route();
        let said = "They say that they need nobody any more.";
        if route >= Route::C {
            self.desk_post(DeskKind::Notice, format!("{said} A flag is open, so somebody is still wanted."));
            self.word(Word::CannotCallOff);
        } else {
            self.let_go();
            let flag = if route > Route::A { " The flag stays open until it is closed." } else { "" };
            if let Some(case) = self.conversation.case.clone() {
                self.effects.push(Effect::Desk(DeskPost {
                    choices: vec![button("take", "Take it"), button("close", "Close the case")],
                    ..DeskPost::new(
                        Some(case),
                        DeskKind::Notice,
                        format!("{said} Nobody waits here now.{flag}"),
                    )
                }));
            }
            self.word(Word::CalledOff);
        }
        if for_person(self) {
            self.end_dialogue();
        } else if self.running().is_some() {
            self.ask_again();
        } else {
            self.offer_choices(self.menu_choices());
        }
    }

    /// Whether a practitioner is asked for, and how many wait before this person.
    pub(crate) fn waiting_words(&self) -> String {
        match self.conversation.holder {
            Holder::Waiting { .. } => {
                let place = self.place_in_queue().unwrap_or_default();
                format!("{} {place}", self.text(Word::AskedAlready)).trim_end().to_owned()
            }
            Holder::Bot | Holder::Practitioner { .. } => {
                self.desk_text(Word::NotAsked, Word::NotAsked, Word::NotAsked, Word::DeskNone)
            }
        }
    }

    /// What the person would rather not: practitioners of it cannot take.
    pub(crate) fn avoid(&mut self, organisation: &str) {
        // "Not the radiology team, please" would be said twice over.
        let organisation = organisation.trim();
        let begins = organisation.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("not "));
        let organisation = if begins { organisation[4..].trim() } else { organisation };
        self.conversation.desk.avoid = Some(organisation.to_owned());
        self.desk_post(DeskKind::Notice, format!("Would rather not talk to: {organisation}"));
    }

    /// How many wait before this one, where that is a comfort to know.
    fn place_in_queue(&self) -> Option<String> {
        let Holder::Waiting { since } = self.conversation.holder else { return None };
        let staffed = matches!(self.desk_state(), super::DeskState::Staffed { .. });
        if !staffed || self.conversation.route() >= Route::C {
            return None;
        }
        let urgency = self.conversation.urgency();
        let before = self
            .context
            .desk
            .queue
            .iter()
            .filter(|other| !other.request && other.held.is_none())
            .filter(|other| Some(&other.case) != self.conversation.case.as_ref())
            .filter(|other| {
                other.waiting.is_some_and(|waits| {
                    other.urgency > urgency || (other.urgency == urgency && waits <= since)
                })
            })
            .count();
        Some(match before {
            0 => self.text(Word::PlaceNext),
            1 => self.text(Word::PlaceOne),
            _ => crate::content::template::render(self.content.wording.get(Word::PlaceMany), |name| {
                (name == "desk.place").then(|| before.to_string())
            }),
        })
    }

    /// "CSE-1A2B3: route D", for those who see nothing else.
    pub(super) fn case_name(&self) -> String {
        let case = self.conversation.case.as_ref().map_or_else(String::new, Reference::to_string);
        match self.conversation.route() {
            Route::A => case,
            route @ (Route::B | Route::C | Route::D | Route::E) => format!("{case}, route {route:?}"),
        }
    }

    /// Writes to the duty lead by the second route. No word of the person's goes there.
    pub(crate) fn page(&mut self, what: &str) {
        if !self.context.desk.lead {
            return;
        }
        let case = self.conversation.case.clone();
        let text = format!("{}: {what}", self.case_name());
        self.effects.push(Effect::Desk(DeskPost::new(case.clone(), DeskKind::Page, text)));
        self.effects.push(Effect::Audit { what: AuditKind::Paged, by: None, case });
    }

    /// When a request has to be looked at next.
    pub(super) fn watch_request(&mut self, case: &Reference, nth: usize) {
        let delay = wait::request_delay(nth, self.hub.targets);
        if let Some(at) = delay.and_then(|delay| self.now().checked_add(delay).ok()) {
            let at = self.in_hours(at);
            let name = wait::request_timer(case);
            self.effects.push(Effect::SetTimer { name, step: nth.to_string(), at });
        }
    }
}

/// A button of a command.
pub(super) fn button(id: &str, label: &str) -> Choice {
    Choice::new(id, label)
}

/// "C, suicide, self-harm".
fn flag_words(flag: &Flag) -> String {
    let kinds: Vec<&str> = flag.kinds.iter().map(|kind| kind.as_str()).collect();
    format!("{:?}, {}", flag.route, kinds.join(", "))
}

fn reason_rows(reasons: &[Reason]) -> String {
    reasons.iter().fold(String::new(), |mut rows, reason| {
        let _ = write!(rows, "\n- {}: “{}”", reason.rule, reason.words);
        rows
    })
}

fn privacy(of: Confidentiality) -> &'static str {
    match of {
        Confidentiality::Platform => "its company can read it",
        Confidentiality::Encrypted => "end-to-end encrypted, their device not verified",
        Confidentiality::EncryptedVerified => "end-to-end encrypted, their device verified",
        Confidentiality::Local => "never leaves this machine",
    }
}
