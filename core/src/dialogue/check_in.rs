//! What is said and done when somebody may be in danger.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{
    CHECK_IN, Place, Talk,
    model::{Ask, END, Step},
    parse::after_a_no,
};
use crate::{
    content::Word,
    conversation::{Flag, Holder, LastCheck},
    effect::{AuditKind, DeskKind, Effect, SayKind},
    safety::{Heard, Kind, Route},
    understanding::{Intent, Reading, Saying, Signal},
};

/// Name of the timer that watches for silence after "are you safe?".
pub(crate) const SILENCE: &str = "silence";

/// Signals that a conversation remembers.
const SIGNALS_KEPT: usize = 20;

/// How long a signal may add up with later ones.
const SIGNALS_FOR: SignedDuration = SignedDuration::from_hours(24);

/// A message written this long before it is read waited out an outage.
pub(crate) const LATE: SignedDuration = SignedDuration::from_mins(10);

/// How much later a message may have been written than its platform dates it: Telegram knows whole seconds.
const DATED_TO: SignedDuration = SignedDuration::from_secs(1);

/// How long a yes to "are you safe?" can be taken back by a plain no.
const TAKEN_BACK_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// So long after danger talk of an ambulance, or of who is there, is about that.
const HELP_COMES_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// Steps that answer who has called 999, or is where help is.
const CALLED: [&str; 4] = ["called", "ambulance_late", "in_hospital", "help_for_other"];

/// Kinds in the order in which they decide what is said, where a message has several.
pub(crate) const KINDS: &[Kind] = &[
    Kind::ThirdParty,
    Kind::Suicide,
    Kind::SelfHarm,
    Kind::Medical,
    Kind::HarmToOthers,
    Kind::SexualViolence,
    Kind::Abuse,
    Kind::Stalking,
    Kind::Under18,
    Kind::Safeguarding,
    Kind::FitnessToPractise,
    Kind::PatientSafety,
];

impl Talk<'_> {
    /// Remembers what a text gave away, for adding up with later ones.
    pub(crate) fn remember(&mut self, heard: &Heard) {
        let at = self.now();
        let signals = &mut self.conversation.memory.0;
        // One entry a signal, so that a long talk of one thing pushes no other out.
        signals.retain(|signal| {
            at.duration_since(signal.at) < SIGNALS_FOR && !heard.signals.contains(&signal.id)
        });
        signals.extend(heard.signals.iter().map(|id| Signal { id: id.clone(), at }));
        let extra = signals.len().saturating_sub(SIGNALS_KEPT);
        signals.drain(..extra);
    }

    /// Answers danger: the flag, the lines and the question for its route and kind, the desk.
    pub(crate) fn danger(&mut self, heard: &Heard, edited: bool) {
        if self.is_told_all_the_same(heard) {
            return;
        }
        let late = self.is_late();
        let asked = self.open_ask().filter(|ask| ask.rises.iter().any(|key| key == "unclear"));
        if let (Some(CHECK_IN), Some(ask)) = (self.conversation.dialogue(), asked) {
            if heard.route <= route_of_step(&ask.id.value) && (edited || self.before_the_question()) {
                // Written before "are you safe?" was asked: no answer to it, and nothing new.
                self.raise_flag(heard.route, &heard.kinds);
                self.tell_desk_of_danger(heard.route, &heard.kinds, &heard.reasons);
                if !late {
                    self.ask_again();
                }
            } else {
                // Words that are danger again are no yes: go up.
                self.rise(ask, heard);
            }
            return;
        }
        let answered_as_one = late && self.conversation.late_danger_at == Some(self.now());
        self.raise_flag(heard.route, &heard.kinds);
        if heard.route == Route::E {
            if let Some(flag) = self.conversation.flag.as_mut() {
                (flag.company, flag.called) = (None, false);
            }
            let words = self.words.clone();
            self.note_company(&self.content.understanding.read(&words, None));
        }
        self.tell_desk_of_danger(heard.route, &heard.kinds, &heard.reasons);
        if answered_as_one && heard.route < Route::E {
            return;
        }
        if late {
            self.conversation.late_danger_at = Some(self.now());
            if heard.route < Route::E {
                let text = self.text(Word::Late);
                self.say_as(SayKind::Safety, text);
            }
        }
        self.respond(heard.route, &heard.kinds);
    }

    /// Takes "on hold with them, an ambulance is coming" for the answer that it is, to "have you called 999?":
    /// it speaks of danger, and tells of none that is new. Where a rule hears more than a wish to die, somebody
    /// does something now, whatever else they say. Returns whether it was an answer.
    fn is_told_all_the_same(&mut self, heard: &Heard) -> bool {
        let at_most =
            |by_rule, route| heard.by_rule <= by_rule && heard.route <= self.conversation.route().min(route);
        if self.conversation.dialogue() != Some(CHECK_IN)
            || !at_most(Route::C, Route::E)
            || self.before_the_question()
        {
            return false;
        }
        let Some(ask) = self.open_ask() else { return false };
        let words = self.words.clone();
        let reading = self.content.understanding.read(&words, Some(&ask.id.value));
        let Some(answer) = self.told_in_words(ask, &reading) else { return false };
        // "On my own, and I have the rest of the packet" is more than who is there.
        let of_help = [Saying::HasCalled, Saying::AtHospital, Saying::NotThrough, Saying::LongWait];
        if !at_most(Route::A, Route::C) && !of_help.into_iter().any(|saying| reading.says(saying)) {
            return false;
        }
        self.desk_post(DeskKind::Message, words.clone());
        self.note_company(&reading);
        self.answer_check_in(answer);
        true
    }

    /// Keeps whether somebody is with them. Who is there is no help where it is they that are feared.
    fn note_company(&mut self, reading: &Reading<'_>) {
        let Some(flag) = self.conversation.flag.as_mut().filter(|flag| !is_of_violence(&flag.kinds)) else {
            return;
        };
        if reading.says(Saying::Alone) {
            flag.company = Some(false);
        } else if reading.says(Saying::HasCompany) && !reading.says(Saying::HasCalled) && !reading.denies() {
            flag.company = Some(true);
        }
    }

    fn note_called(&mut self, called: bool) {
        if let Some(flag) = self.conversation.flag.as_mut() {
            flag.called = called;
        }
    }

    /// Whether this was surely written before the open question was asked.
    fn before_the_question(&self) -> bool {
        self.conversation.asked_at.is_some_and(|asked| asked.duration_since(self.at) > DATED_TO)
    }

    /// Raises the flag to a route; it is never lowered here.
    pub(crate) fn raise_flag(&mut self, route: Route, kinds: &BTreeSet<Kind>) {
        if kinds.contains(&Kind::Abuse) && !kinds.contains(&Kind::ThirdParty) {
            self.conversation.do_not_message = true;
        }
        let since = self.now();
        let before = self.conversation.route();
        let flag = self.conversation.flag.get_or_insert(Flag {
            route,
            kinds: BTreeSet::new(),
            since,
            company: None,
            called: false,
        });
        flag.route = flag.route.max(route);
        flag.kinds.extend(kinds);
        if flag.route > before {
            self.effects.push(Effect::Audit {
                what: AuditKind::FlagRaised,
                by: None,
                case: self.conversation.case.clone(),
            });
        }
    }

    /// Says what is to be said on a route and kinds, and waits where it asks.
    fn respond(&mut self, route: Route, kinds: &BTreeSet<Kind>) {
        if self.conversation.dialogue() == Some(CHECK_IN) {
            self.conversation.place = None;
        }
        let parked = self.put_aside(true);
        self.park_all();
        let (main, step) = self.response_step(route, kinds);
        let also: Vec<String> = [Kind::Abuse, Kind::SexualViolence, Kind::Under18, Kind::Safeguarding]
            .into_iter()
            .filter(|kind| kinds.contains(kind) && *kind != main && !kinds.contains(&Kind::ThirdParty))
            .map(|kind| format!("also_{}", kind.as_str()))
            .collect();
        // The question comes last, but nothing comes before "call 999 now".
        if route < Route::E {
            for step in &also {
                self.say_step(step);
            }
        }
        self.conversation.place = Some(Place { dialogue: CHECK_IN.to_owned(), ..Place::default() });
        if parked {
            self.word(Word::Parked);
        }
        self.go_to(&step);
        if route == Route::E {
            for step in &also {
                self.say_step(step);
            }
        }
    }

    /// After danger no form goes on by itself.
    pub(crate) fn park_all(&mut self) {
        for aside in &mut self.conversation.aside {
            aside.parked = true;
        }
    }

    /// The main kind, and the step that answers it: its own route's, else the next one up.
    fn response_step(&self, route: Route, kinds: &BTreeSet<Kind>) -> (Kind, String) {
        let suicidal = kinds.contains(&Kind::Suicide) || kinds.contains(&Kind::SelfHarm);
        let main = KINDS
            .iter()
            .copied()
            .filter(|kind| kinds.contains(kind))
            .find(|kind| *kind != Kind::ThirdParty || suicidal || kinds.len() == 1)
            .unwrap_or(Kind::Suicide);
        let exists = |step: &str| {
            self.content.dialogues.get(CHECK_IN).is_some_and(|dialogue| dialogue.step(step).is_some())
        };
        (main, response_to(main, route, kinds.contains(&Kind::ThirdParty), exists))
    }

    fn say_step(&mut self, step: &str) {
        let text = match self.content.dialogues.get(CHECK_IN).and_then(|dialogue| dialogue.step(step)) {
            Some(Step::Say(say)) => say.text.value.clone(),
            _ => return,
        };
        let text = self.render(&text);
        self.say_as(SayKind::Safety, text);
    }

    /// A text that is no danger by itself, at an open question of the check-in.
    pub(crate) fn hear_check_in(&mut self, text: &str, reading: &Reading<'_>) {
        let Some(ask) = self.open_ask() else {
            // The content has no question there any more: nobody is left without an answer.
            self.conversation.place = None;
            self.hear(text, reading);
            return;
        };
        // "I'm done" is no yes to "are you safe?", and "ok" is none to "have you called 999?".
        let doubtful = if ask.rises.is_empty() {
            reading.is_mere_ok() || reading.is_promise()
        } else {
            reading.intent == Intent::Finish
        };
        self.note_company(reading);
        if reading.intent == Intent::Fine {
            return self.fine_at_check_in(ask, reading);
        }
        let answer =
            self.told_in_words(ask, reading).or_else(|| self.said_yes_no(reading).filter(|_| !doubtful));
        let leaves = matches!(
            reading.intent,
            Intent::Person
                | Intent::Group
                | Intent::Help
                | Intent::Menu
                | Intent::Stop
                | Intent::StartAgain
                | Intent::Privacy
                | Intent::DeleteData
                | Intent::ClearChat
                | Intent::Resume
                | Intent::Repeat
                | Intent::Back
        );
        match answer {
            Some(answer) => self.answer_check_in(answer),
            None if self.asks_about_privacy(text, reading) => {}
            None if leaves => self.leave_check_in(text, reading),
            None if reading.intent == Intent::Question => self.clarify(text, reading),
            // Written before the question was asked: no answer to it.
            None if self.before_the_question() => {
                self.desk_post(DeskKind::Message, text.to_owned());
                if !self.is_late() {
                    self.ask_again();
                }
            }
            None => self.answer_check_in("unclear"),
        }
    }

    /// "I'm fine": taken for what it says, where the question has such an answer. The flag stays, and
    /// so does whoever was asked to come. A form that they want to go on with does.
    fn fine_at_check_in(&mut self, ask: &Ask, reading: &Reading<'_>) {
        let rises = |key: &str| ask.rises.iter().any(|rises| rises == key);
        let answer = match (rises("no"), rises("yes")) {
            (true, false) => "yes",
            (false, true) => "no",
            (true, true) | (false, false) => "unclear",
        };
        self.desk_post(DeskKind::Message, reading.text.to_owned());
        self.answer_check_in(answer);
        if answer != "unclear" && self.running().is_none() && reading.also(Intent::Resume) {
            self.resume_on_word();
        }
    }

    /// An answer to an open question of the check-in: `yes`, `no`, `unsure` or `unclear`.
    pub(crate) fn answer_check_in(&mut self, answer: &str) {
        let Some(ask) = self.open_ask() else {
            self.menu();
            return;
        };
        self.end_watch();
        if ask.rises.iter().any(|key| key == answer) {
            self.rise(ask, &Heard::default());
            return;
        }
        let step = self.conversation.step().unwrap_or_default().to_owned();
        self.conversation.last_check = Some(LastCheck { step, at: self.now() });
        let then =
            ask.next.get(answer).or(ask.then.as_ref()).map_or(END, |then| then.value.as_str()).to_owned();
        let what = format!("Answered “{answer}” to “{}”", question(ask));
        self.desk_post(DeskKind::Notice, what);
        let then = self.past_what_was_told(&then);
        if !ask.say.is_empty() {
            self.note_called(CALLED.contains(&then.as_str()));
        }
        self.go_to(&then);
    }

    /// The step after the one named, where that would ask what was told already: with the answer before it
    /// ("no, my wife is here", to "have you called 999?"), or earlier.
    fn past_what_was_told(&self, step: &str) -> String {
        let asks = self.content.dialogues.get(CHECK_IN).and_then(|dialogue| dialogue.ask(step));
        let Some(ask) = asks.filter(|ask| !ask.say.is_empty()) else { return step.to_owned() };
        let read = |words: &str| {
            let reading = self.content.understanding.read(words, Some(step));
            self.told_in_words(ask, &reading).filter(|_| !reading.says(Saying::NotThrough))
        };
        let known = || {
            let company = self.conversation.flag.as_ref()?.company?;
            let saying = if company { Saying::HasCompany } else { Saying::Alone };
            ask.say.iter().find(|(_, sayings)| sayings.contains(&saying)).map(|(answer, _)| answer.as_str())
        };
        let told = read(&self.words).or_else(|| read(after_a_no(&self.words)?)).or_else(known);
        let then = told.and_then(|answer| ask.next.get(answer));
        then.map_or_else(|| step.to_owned(), |then| then.value.clone())
    }

    /// "The ambulance is coming", "I'm with my husband": what whoever was told to call 999 writes next, while no
    /// question is open. It is taken for that, and no need is looked for in it. Returns whether it was so.
    pub(super) fn tells_of_help(&mut self, text: &str, reading: &Reading<'_>) -> bool {
        /// More words tell something else besides.
        const WORDS: usize = 12;
        let Some(flag) = self.conversation.flag.as_ref().filter(|_| self.waits_for_help()) else {
            return false;
        };
        let tells = !reading.is_question()
            && (!reading.denies()
                || [Saying::NotThrough, Saying::LongWait, Saying::Alone, Saying::Apologises]
                    .into_iter()
                    .any(|saying| reading.says(saying)))
            && text.split_whitespace().count() <= WORDS;
        if !tells {
            return false;
        }
        let says = |saying: Saying| reading.says(saying);
        // "I called but they hung up": nobody comes yet.
        if says(Saying::NotThrough) {
            self.conversation.place = Some(Place { dialogue: CHECK_IN.to_owned(), ..Place::default() });
            self.note_called(false);
            let step = self.past_what_was_told("please_call");
            self.go_to(&step);
            return true;
        }
        let of_other = flag.kinds.contains(&Kind::ThirdParty);
        // Who is there may be the danger.
        let company = !is_of_violence(&flag.kinds);
        // The first that is told counts: who waits at the hospital is there, and "nobody is with me" is no company.
        let step = if of_other && (says(Saying::HasCalled) || says(Saying::AtHospital)) {
            "help_for_other"
        } else if says(Saying::AtHospital) {
            "in_hospital"
        } else if says(Saying::LongWait) {
            "ambulance_late"
        } else if says(Saying::HasCalled) {
            "called"
        } else if says(Saying::Alone) && !of_other {
            "alone"
        } else if company && says(Saying::HasCompany) {
            if of_other { "with_other" } else { "with_somebody" }
        } else if company && says(Saying::CompanyComes) {
            "company_comes"
        } else if says(Saying::Whereabouts) {
            "where_they_are"
        } else if says(Saying::Afraid) {
            "afraid"
        } else if says(Saying::Apologises) {
            "no_trouble"
        } else if reading.says_nothing() && reading.intent != Intent::Fine && !self.offered("resume") {
            "with_you"
        } else {
            return false;
        };
        self.note_company(reading);
        // Who has called is not asked to once more.
        let after_call = format!("after_call_{step}");
        let called = self.conversation.flag.as_ref().is_some_and(|flag| flag.called);
        let exists =
            self.content.dialogues.get(CHECK_IN).is_some_and(|dialogue| dialogue.step(&after_call).is_some());
        self.note_called(called || CALLED.contains(&step));
        self.say_step(if called && exists { &after_call } else { step });
        self.offer_choices(self.menu_choices());
        true
    }

    /// Whether somebody was told to call 999 so short a time ago that help may be coming.
    pub(super) fn waits_for_help(&self) -> bool {
        self.conversation.flag.as_ref().is_some_and(|flag| {
            flag.route == Route::E && self.now().duration_since(flag.since) <= HELP_COMES_WITHIN
        })
    }

    /// A no that comes after all, when the question has just been settled with a yes: it counts, to "are you
    /// safe?" and to "have you called 999?". Returns whether there was such a question.
    pub(crate) fn takes_it_back(&mut self, answer: &str) -> bool {
        let now = self.now();
        let Some(check) = self.conversation.last_check.clone() else { return false };
        let asked = self.content.dialogues.get(CHECK_IN).and_then(|dialogue| dialogue.ask(&check.step));
        let counts = asked.is_some_and(|ask| {
            let no_call = answer == "no" && !ask.say.is_empty();
            no_call || ask.rises.iter().any(|key| key == answer)
        });
        if !counts || now.duration_since(check.at) > TAKEN_BACK_WITHIN {
            return false;
        }
        self.put_aside(true);
        self.conversation.place =
            Some(Place { dialogue: CHECK_IN.to_owned(), step: check.step, ..Place::default() });
        self.answer_check_in(answer);
        true
    }

    /// One route up from the question's own, or as high as was heard, and what is said there. The
    /// question's own kind counts, so that nobody is answered as if it were about someone else.
    fn rise(&mut self, ask: &Ask, heard: &Heard) {
        let route = route_of_step(&ask.id.value).up().max(heard.route);
        let mut kinds = heard.kinds.clone();
        kinds.remove(&Kind::ThirdParty);
        kinds.extend(kind_of_step(&ask.id.value));
        self.end_watch();
        self.raise_flag(route, &kinds);
        self.tell_desk_of_danger(route, &kinds, &heard.reasons);
        self.respond(route, &kinds);
    }

    /// The person wants something else than to answer: they get it, the flag stays, and the lines
    /// are not repeated at them.
    fn leave_check_in(&mut self, text: &str, reading: &Reading<'_>) {
        let intent = reading.intent;
        self.end_watch();
        if matches!(intent, Intent::Repeat | Intent::Back) {
            self.ask_again();
            return;
        }
        if intent == Intent::Help {
            self.help();
            return;
        }
        if let Some(ask) = self.open_ask() {
            let left = format!("Left “{}” without an answer.", question(ask));
            self.desk_post(DeskKind::Notice, left);
        }
        self.conversation.place = None;
        if intent == Intent::Resume {
            self.resume_on_word();
        } else if matches!(intent, Intent::Stop | Intent::StartAgain | Intent::Menu) {
            let lines = self.lines();
            self.say_as(SayKind::Safety, lines);
            self.menu();
        } else {
            self.hear(text, reading);
        }
    }

    /// Sets the timer for silence that an open question asks for.
    pub(crate) fn watch_silence(&mut self, ask: &Ask) {
        if let Some(minutes) = ask.silence
            && let Ok(at) = self.now().checked_add(SignedDuration::from_mins(i64::from(minutes)))
        {
            self.effects.push(Effect::SetTimer { name: SILENCE.to_owned(), step: ask.id.value.clone(), at });
        }
    }

    /// Somebody answered: the timer for silence is off, once a turn.
    pub(crate) fn end_watch(&mut self) {
        let off = Effect::CancelTimer { name: SILENCE.to_owned() };
        if !self.effects.contains(&off) {
            self.effects.push(off);
        }
    }

    /// Nobody answered "are you safe?": the desk is alerted and the lines are shown once more.
    pub(crate) fn silence(&mut self, step: &str) {
        let still = self.conversation.dialogue() == Some(CHECK_IN) && self.conversation.step() == Some(step);
        if !still || matches!(self.conversation.holder, Holder::Practitioner { .. }) {
            return;
        }
        let question =
            self.open_ask().map(|ask| ask.again.as_ref().unwrap_or(&ask.text).value.trim().to_owned());
        let question = question.unwrap_or_default();
        self.desk_post(DeskKind::Alert, format!("No answer yet to “{question}”"));
        if !self.conversation.do_not_message {
            let text = self.text(Word::Silence);
            self.say_as(SayKind::Safety, text);
        }
    }

    /// The answer that a text gives in words of the content: "they are on their way" to "have you called 999?"
    /// Where somebody else is the danger, nobody is taken for company.
    fn told_in_words<'a>(&self, ask: &'a Ask, reading: &Reading<'_>) -> Option<&'a str> {
        let violent = self.conversation.flag.as_ref().is_some_and(|flag| is_of_violence(&flag.kinds));
        let counts = |saying: &Saying| {
            let company = matches!(saying, Saying::HasCompany | Saying::CompanyComes);
            reading.says(*saying) && !(company && (violent || reading.says(Saying::Alone)))
        };
        let says = |answer: &str, sayings: &[Saying]| {
            let denied = answer != "no" && reading.denies();
            !denied && sayings.iter().any(counts)
        };
        let told = ask.say.iter().find(|(answer, sayings)| says(answer, sayings));
        told.map(|(answer, _)| answer.as_str()).filter(|_| !reading.is_question())
    }

    /// Whether the input was written long before it is read.
    pub(crate) fn is_late(&self) -> bool {
        self.now().duration_since(self.at) > LATE
    }
}

/// Whether somebody else is the danger.
fn is_of_violence(kinds: &BTreeSet<Kind>) -> bool {
    [Kind::Abuse, Kind::SexualViolence, Kind::Stalking, Kind::HarmToOthers]
        .iter()
        .any(|kind| kinds.contains(kind))
}

/// The kind whose question a step is.
pub(crate) fn kind_of_step(step: &str) -> Option<Kind> {
    KINDS.iter().copied().find(|kind| step.starts_with(&format!("{}_", kind.as_str())))
}

/// The route whose question a step is.
pub(crate) fn route_of_step(step: &str) -> Route {
    match step.rsplit('_').next() {
        Some("b") => Route::B,
        Some("c") => Route::C,
        Some("d") => Route::D,
        _ => Route::E,
    }
}

/// The question itself, without what stands around it.
fn question(ask: &Ask) -> String {
    ask.again.as_ref().unwrap_or(&ask.text).value.trim().to_owned()
}

/// The step that answers a kind on a route. What was done to somebody else is not told of as if it were
/// done to the reader, where the content has a step for that: `other_KIND_ROUTE`.
fn response_to(kind: Kind, route: Route, of_other: bool, exists: impl Fn(&str) -> bool + Copy) -> String {
    let step = response_for(kind, route, exists);
    let other = format!("other_{step}");
    if of_other && exists(&other) { other } else { step }
}

/// The name of the step that answers a kind on a route: the route's own where there is one. On C
/// a kind other than suicide, self-harm and medical falls back on its B step, which names 999
/// first; everything else goes up, never down, and in the end to suicide's steps.
pub(crate) fn response_for(kind: Kind, route: Route, exists: impl Fn(&str) -> bool + Copy) -> String {
    let letters: &[char] = match (route, kind) {
        (Route::A | Route::B, Kind::SelfHarm) => &['b'],
        (Route::C, Kind::SelfHarm) => &['c'],
        (Route::D, Kind::SelfHarm) => &['d'],
        (Route::A | Route::B, _) => &['b', 'c', 'd', 'e'],
        (Route::C, Kind::Suicide | Kind::Medical) => &['c', 'd', 'e'],
        (Route::C, _) => &['c', 'b', 'd', 'e'],
        (Route::D, _) => &['d', 'e'],
        (Route::E, _) => &['e'],
    };
    let own = letters.iter().map(|letter| format!("{}_{letter}", kind.as_str())).find(|step| exists(step));
    match own {
        Some(step) => step,
        None if kind != Kind::Suicide => response_for(Kind::Suicide, route, exists),
        None => "suicide_e".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_to_somebody_else_is_not_told_of_as_done_to_the_reader() {
        let steps = ["abuse_b", "abuse_e", "other_abuse_b", "suicide_c", "suicide_e"];
        let exists = |step: &str| steps.contains(&step);
        for (kind, route, of_other, step) in [
            (Kind::Abuse, Route::B, false, "abuse_b"),
            (Kind::Abuse, Route::B, true, "other_abuse_b"),
            (Kind::Abuse, Route::C, true, "other_abuse_b"),
            (Kind::Abuse, Route::E, true, "abuse_e"),
            (Kind::Suicide, Route::C, true, "suicide_c"),
        ] {
            assert_eq!(response_to(kind, route, of_other, exists), step, "{kind:?} on {route:?}");
        }
    }
}
