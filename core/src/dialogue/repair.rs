//! Ways out and back: stop, back, skip, change, carry on, leave, clarify, menu, help.

use super::{
    Answer,
    listen::asks_what_is_meant,
    load::CHECK_IN,
    model::{Ask, Expect},
    talk::Talk,
};
use crate::{
    content::{FOR_ANOTHER, SENT, WAITING, Word},
    conversation::Holder,
    effect::Choice,
    safety::{Kind, Route},
    understanding::{Intent, Reading, Saying},
};

impl<'a> Talk<'a> {
    /// The menu's text and choices. What is going on stays as it is.
    pub(crate) fn menu(&mut self) {
        self.word(Word::Menu);
        self.offer_choices(self.menu_choices());
    }

    /// Leaves what is going on (a form is kept) and shows the menu.
    pub(crate) fn go_to_menu(&mut self) {
        if self.put_aside(true) {
            self.word(Word::Left);
        }
        self.conversation.place = None;
        self.park_all();
        self.conversation.tries = 0;
        self.menu();
    }

    pub(crate) fn menu_choices(&self) -> Vec<Choice> {
        let mut choices = Vec::new();
        if self.conversation.parked().is_some() {
            choices.push(self.choice("go.resume", Word::ChoiceResume));
        }
        choices.extend([
            self.choice("go.signpost", Word::ChoiceSignpost),
            self.choice("go.group_request", Word::ChoiceGroup),
            self.choice("go.person", Word::ChoicePerson),
            self.choice("go.privacy", Word::ChoicePrivacy),
        ]);
        choices
    }

    /// What the bot can do; then the open question again.
    pub(crate) fn help(&mut self) {
        self.word_and_go_on_quietly(Word::Help);
    }

    pub(crate) fn word_and_go_on(&mut self, word: Word) {
        if self.running().is_some() {
            if word != Word::Menu {
                self.word(word);
            }
            self.ask_again();
        } else {
            self.conversation.tries = 0;
            self.word(word);
            self.offer_choices(self.menu_choices());
        }
    }

    /// Says something and asks the open question again; where none is open, nothing is asked.
    pub(super) fn word_and_go_on_quietly(&mut self, word: Word) {
        self.word(word);
        if self.running().is_some() { self.ask_again() } else { self.offer_choices(self.menu_choices()) }
    }

    /// Says something that needs no answer: what is open stays so, and is not asked again.
    pub(crate) fn word_and_stay(&mut self, word: Word) {
        self.word(word);
        if self.running().is_some() {
            self.hang_choices();
        } else {
            self.conversation.tries = 0;
            self.offer_choices(self.menu_choices());
        }
    }

    /// Ends what is going on, at once. A form is dropped; a flag stays.
    pub(crate) fn stop(&mut self) {
        let form = self.running().is_some_and(|(dialogue, _)| dialogue.form);
        // "Never mind", right after a person was asked for, is about that.
        let for_person = self.running().is_some_and(|(dialogue, place)| {
            dialogue.intent == Some(Intent::Person) && place.answers.is_empty()
        });
        // Who told of danger is waited for all the same.
        let waits =
            matches!(self.conversation.holder, Holder::Waiting { .. }) && self.conversation.flag.is_none();
        if for_person && waits {
            self.park_all();
            return self.call_off();
        }
        self.word(if form { Word::StoppedForm } else { Word::Stopped });
        self.conversation.place = None;
        self.park_all();
        self.conversation.tries = 0;
        self.offer_choices(self.menu_choices());
        self.still_asked();
    }

    /// Who goes while somebody was asked to come is told that they may still write, and can call it off
    /// where it is theirs to. To be called once the choices hang.
    pub(super) fn still_asked(&mut self) {
        if matches!(self.conversation.holder, Holder::Waiting { .. }) {
            self.word(Word::StillAsked);
            if self.conversation.route() < Route::C {
                self.add_choice(Word::ChoiceCallOff, "go.call_off");
            }
        }
    }

    pub(crate) fn start_again(&mut self) {
        let name = self.running().map(|(dialogue, _)| dialogue.dialogue.value.clone());
        self.word(Word::StartedAgain);
        self.conversation.place = None;
        match name {
            Some(name) if name != CHECK_IN => {
                self.start(&name);
                self.advance(0);
            }
            _ => self.menu(),
        }
    }

    /// Asks the question before the open one again.
    pub(crate) fn back(&mut self) {
        let Some((dialogue, place)) = self.running() else {
            self.word(Word::NothingToGoBack);
            self.menu();
            return;
        };
        let last = place
            .path
            .iter()
            .rev()
            .find(|step| **step != place.step && dialogue.ask(step).is_some())
            .cloned();
        match last {
            Some(field) => self.reopen(&field),
            None => {
                self.word(Word::NothingToGoBack);
                self.ask_again();
            }
        }
    }

    /// Takes an answer back and asks for it again.
    fn reopen(&mut self, field: &str) {
        if let Some(place) = self.conversation.place.as_mut() {
            place.answers.remove(field);
            place.answers.remove(&format!("{field}_text"));
            place.path.retain(|step| step != field);
        }
        // Opened directly: "that's all" still holds for the questions that were left out.
        if let Some((dialogue, _)) = self.running()
            && let Some(ask) = dialogue.ask(field)
        {
            self.open(dialogue, ask);
        }
    }

    pub(crate) fn skip(&mut self) {
        let Some(ask) = self.open_ask() else {
            self.not_understood();
            return;
        };
        if ask.skip.as_deref() == Some("") || matches!(ask.answer, Expect::Confirm) {
            self.word(Word::CannotSkip);
            self.ask_again();
            return;
        }
        self.word(Word::Skipped);
        self.fill(&ask.id.value, Answer::Skipped);
        self.go_on_after(&ask.id.value);
    }

    /// "That's all": the rest stays unanswered.
    pub(crate) fn finish_form(&mut self) {
        if let Some(place) = self.conversation.place.as_mut() {
            place.finish = true;
        }
        self.advance(0);
    }

    /// Goes on with a kept form because the person said so.
    pub(crate) fn resume_on_word(&mut self) {
        if self.conversation.aside.is_empty() && self.running().is_some() {
            self.ask_again();
            return;
        }
        if self.conversation.aside.is_empty() {
            self.word(Word::NothingToResume);
            self.offer_choices(self.menu_choices());
            return;
        }
        if let Some(wanted) = self.conversation.aside.pop() {
            self.put_aside(true);
            self.conversation.place = None;
            self.conversation.aside.push(wanted);
        }
        self.resume();
    }

    /// Keeps the form for later.
    pub(crate) fn leave(&mut self) {
        if self.put_aside(true) {
            self.word(Word::Left);
        } else if let Some(aside) = self.conversation.aside.last_mut() {
            aside.parked = true;
            self.conversation.place = None;
            self.word(Word::Left);
        } else {
            self.conversation.place = None;
            self.word(Word::Stopped);
        }
        self.offer_choices(self.menu_choices());
    }

    pub(crate) fn ask_what_to_change(&mut self) {
        if let Some(place) = self.conversation.place.as_mut() {
            place.changing = true;
        }
        self.word(Word::WhatToChange);
        let choices =
            self.running().map(|(dialogue, place)| self.change_choices(dialogue, place)).unwrap_or_default();
        self.offer_choices(choices);
    }

    pub(crate) fn change_field(&mut self, field: &str) {
        if self.running().is_some_and(|(dialogue, _)| dialogue.ask(field).is_some()) {
            self.reopen(field);
        } else {
            self.ask_again();
        }
    }

    /// "The size", in answer to "what would you like to change?".
    /// `to_change`: it was said that something is to be changed, and whatever names an answer does.
    pub(crate) fn name_field(&mut self, text: &str, to_change: bool) -> bool {
        let field = self.named_field(&crate::content::plain(text), to_change).map(|ask| ask.id.value.clone());
        match field {
            Some(field) => {
                self.reopen(&field);
                true
            }
            None => false,
        }
    }

    /// The question whose answer a plain text names.
    pub(super) fn named_field(&self, text: &str, to_change: bool) -> Option<&'a Ask> {
        let (dialogue, place) = self.running()?;
        let asks = self.may_change(dialogue, place);
        let by_label = asks.iter().find(|ask| names(ask, text)).copied();
        let by_name = || {
            let is_called =
                |ask: &&&Ask| ask.called.iter().any(|name| text.contains(&crate::content::plain(name)));
            asks.iter().find(is_called).copied().filter(|_| to_change)
        };
        by_label.or_else(by_name)
    }

    /// Answers a question in the middle of anything, then asks the open question again.
    pub(crate) fn clarify(&mut self, text: &str, reading: &Reading<'_>) {
        let said = self.explanation(text);
        if said.is_none() && asks_what_is_meant(reading) {
            return self.say_it_otherwise();
        }
        let unknown = said.is_none();
        self.explain(said.unwrap_or_else(|| self.text(Word::UnknownQuestion)));
        if self.running().is_some() {
            self.ask_again();
            if unknown && self.conversation.dialogue() != Some(CHECK_IN) {
                self.add_choice(Word::ChoicePerson, "go.person");
            }
        } else {
            self.offer_choices(self.menu_choices());
        }
    }

    /// Says an explanation. The check-in's question comes after it, not before.
    pub(crate) fn explain(&mut self, said: String) {
        match self.running() {
            Some((dialogue, _)) => self.say_in(dialogue, said),
            None => self.say(said),
        }
    }

    /// What there is to say to a question: a term, why the open question is asked, or a common one.
    pub(crate) fn explanation(&self, text: &str) -> Option<String> {
        self.term(text)
            .or_else(|| self.reason(text))
            .or_else(|| self.common_answer(text).map(|answer| self.render(answer)))
            .filter(|said| !said.trim().is_empty())
    }

    /// The answer to a common question where this conversation is.
    pub(super) fn common_answer(&self, text: &str) -> Option<&str> {
        let places = self.faq_places();
        // "Are you a bloody robot?"
        let bare = || self.content.faq.answer(&self.content.understanding.without_fillers(text), &places);
        self.content.faq.answer(text, &places).or_else(bare)
    }

    /// Whether somebody who says so is answered as if they asked.
    pub(super) fn is_answered_when_told(&self, text: &str) -> bool {
        self.content.faq.answers_when_told(text, &self.faq_places())
    }

    /// Whether a text is a common question in so many words.
    pub(super) fn is_asked_plainly(&self, text: &str) -> bool {
        self.content.faq.is_asked_plainly(text, &self.faq_places())
    }

    fn faq_places(&self) -> Vec<&str> {
        let mut places: Vec<&str> = match self.conversation.dialogue() {
            Some(name) => vec![name],
            // What is kept and what was sent may be asked about while nothing is open.
            None => {
                let kept = self.conversation.aside.iter().map(|aside| aside.place.dialogue.as_str());
                let sent = (!self.conversation.desk.requests.is_empty()).then_some(SENT);
                let danger = self.waits_for_help().then_some(CHECK_IN);
                kept.chain(sent).chain(danger).collect()
            }
        };
        if matches!(self.conversation.holder, Holder::Waiting { .. }) {
            places.push(WAITING);
        }
        let flag = self.conversation.flag.as_ref();
        let of_suicide = |kind: &Kind| matches!(kind, Kind::Suicide | Kind::SelfHarm);
        if flag
            .is_some_and(|flag| flag.kinds.contains(&Kind::ThirdParty) && flag.kinds.iter().any(of_suicide))
        {
            places.push(FOR_ANOTHER);
        }
        places
    }

    /// "What does closed mean?"
    fn term(&self, text: &str) -> Option<String> {
        if !self.content.understanding.says(text, Saying::AsksMeaning) {
            return None;
        }
        let plain = crate::content::plain(text);
        // Outside a dialogue the words of any form may be asked about.
        let dialogues: Vec<_> = match self.running() {
            Some((dialogue, _)) => vec![dialogue],
            None => self.content.dialogues.iter().collect(),
        };
        let said: Vec<String> = dialogues
            .iter()
            .flat_map(|dialogue| &dialogue.terms)
            .filter(|(words, _)| words.split('|').any(|word| plain.contains(&crate::content::plain(word))))
            .map(|(_, reading)| self.render(reading))
            .collect();
        // "The difference between open and closed" wants both; more than two is a word too common.
        (!said.is_empty()).then(|| said.into_iter().take(2).collect::<Vec<_>>().join("\n"))
    }

    /// "Why do you ask?"
    fn reason(&self, text: &str) -> Option<String> {
        if !self.content.understanding.read(text, None).begins_with(Saying::AsksReason) {
            return None;
        }
        let ask = self.open_ask()?;
        Some(match &ask.why {
            Some(why) => self.render(why),
            None => self.text(Word::NoReason),
        })
    }

    /// What the open question is for, with an example where there is one.
    pub(crate) fn explain_question(&mut self) {
        let Some(ask) = self.open_ask() else { return };
        if let Some(why) = &ask.why {
            self.explain(self.render(why));
        }
        if let Some(example) = &ask.example {
            self.explain(format!("For example: {}", self.render(example)));
        }
    }

    /// "What?": what the open question is for, and the question again; where none is open, what can be
    /// said here.
    pub(crate) fn say_it_otherwise(&mut self) {
        if self.running().is_some() {
            self.explain_question();
            self.ask_again();
        } else {
            self.help();
        }
    }

    /// Answers that the content does not know any more are asked for again.
    fn drop_vanished(&mut self) {
        let Some((dialogue, place)) = self.running() else { return };
        let gone: Vec<String> = dialogue
            .asks()
            .filter(|ask| match (&ask.answer, place.answers.get(&ask.id.value)) {
                (Expect::Choice(options), Some(Answer::Choice(id))) => {
                    !options.iter().any(|option| option.id.value == *id)
                }
                _ => false,
            })
            .map(|ask| ask.id.value.clone())
            .collect();
        if let Some(place) = self.conversation.place.as_mut() {
            place.answers.retain(|field, _| !gone.contains(field));
            place.path.retain(|step| !gone.contains(step));
        }
    }

    /// After an edit of the content: goes on at the same step where it still exists, else says so
    /// and picks up at the nearest earlier answered one. Returns whether it asked anew.
    pub(crate) fn follow_content(&mut self) -> bool {
        self.conversation.content.clone_from(&self.content.hash);
        self.drop_vanished();
        let Some(place) = self.conversation.place.as_ref() else { return false };
        let Some(dialogue) = self.content.dialogues.get(&place.dialogue) else {
            self.conversation.place = None;
            self.word(Word::ContentChanged);
            self.menu();
            return true;
        };
        if dialogue.step(&place.step).is_some() {
            return false;
        }
        let earlier = place.path.iter().rev().find(|step| dialogue.ask(step).is_some()).cloned();
        let fields: Vec<String> = dialogue.asks().map(|ask| ask.id.value.clone()).collect();
        self.word(Word::ContentChanged);
        if let Some(place) = self.conversation.place.as_mut() {
            place.answers.retain(|field, _| {
                fields.iter().any(|known| field == known || field.strip_suffix("_text") == Some(known))
            });
        }
        match earlier {
            Some(step) => self.go_on_after(&step),
            None => self.advance(0),
        }
        true
    }
}

fn names(ask: &Ask, text: &str) -> bool {
    let id = ask.id.value.replace('_', " ");
    ask.label.iter().chain([&id]).any(|name| text.contains(&crate::content::plain(name)))
}
