//! Beginning a dialogue: on a wish, on a link, with what the first words already said.

use super::{
    Answer,
    model::{Ask, Expect},
    parse::{Read, read_freely},
    talk::Talk,
};
use crate::{
    content::Word,
    conversation::Holder,
    directory::capital,
    effect::Choice,
    understanding::{Intent, Reading},
};

/// So many guesses at what a person needs are offered at once.
const GUESSES: usize = 3;

impl Talk<'_> {
    /// Starts a dialogue and says its first words.
    pub(crate) fn begin(&mut self, name: &str) {
        self.conversation.tries = 0;
        // A parked form of that dialogue is the one that is meant.
        if let Some(at) = self.conversation.aside.iter().position(|aside| aside.place.dialogue == name) {
            let aside = self.conversation.aside.remove(at);
            self.put_aside(false);
            self.conversation.aside.push(aside);
            self.resume();
            return;
        }
        if name != "delete_data" && name != "clear_chat" {
            let put_aside = self.running().is_some_and(|(dialogue, _)| dialogue.form);
            if put_aside {
                self.word(Word::PutAside);
            }
        }
        self.start(name);
        self.advance(0);
    }

    /// Starts a dialogue, or asks its open question again where it is under way. Who asks for a person
    /// once more is told that one is asked for; where that is over, one is asked for anew.
    pub(crate) fn begin_or_ask_again(&mut self, name: &str) {
        let Some(dialogue) = self.content.dialogues.get(name) else { return self.menu() };
        let under_way = self.conversation.dialogue() == Some(name);
        let for_person = dialogue.intent == Some(Intent::Person);
        let waits = matches!(self.conversation.holder, Holder::Waiting { .. });
        if !under_way || (for_person && !waits) {
            return self.begin(name);
        }
        if for_person {
            self.asked_already();
        }
        self.ask_again();
    }

    /// Asks for a person with words that the practitioners are to have.
    pub(crate) fn begin_person_with(&mut self, text: &str) {
        let Some(dialogue) = self.content.dialogues.for_intent(Intent::Person) else {
            return self.not_understood();
        };
        self.conversation.tries = 0;
        self.start(&dialogue.dialogue.value);
        let message = dialogue.asks().find(|ask| matches!(ask.answer, Expect::Text(_)));
        if let Some(ask) = message
            && let Read::Answer(answer, _) = read_freely(ask, text)
        {
            self.fill(&ask.id.value, answer);
        }
        self.advance(0);
    }

    pub(crate) fn begin_group(&mut self, reading: &Reading<'_>) {
        let Some(name) = self.content.dialogues.for_intent(Intent::Group).map(|d| d.dialogue.value.clone())
        else {
            return self.not_understood();
        };
        if let Some(at) = self.conversation.aside.iter().position(|aside| aside.place.dialogue == name) {
            let aside = self.conversation.aside.remove(at);
            self.put_aside(false);
            self.conversation.place = Some(aside.place);
            self.word(Word::Resumed);
        } else {
            self.conversation.tries = 0;
            self.start(&name);
        }
        self.say_opening();
        let first = self.running().and_then(|(dialogue, _)| dialogue.asks().next());
        if let Some(ask) = first {
            self.fill_from_slots(ask, &Read::Nothing, reading);
            self.fill_contact(ask, reading.text);
        }
        self.advance(0);
    }

    /// Looks for support for the needs that the words named. Asks when they named none, and which it
    /// is when that would be a guess.
    pub(crate) fn signpost(&mut self, reading: &Reading<'_>) {
        let Some(name) =
            self.content.dialogues.for_intent(Intent::Signpost).map(|d| d.dialogue.value.clone())
        else {
            return self.not_understood();
        };
        self.conversation.tries = 0;
        if let Some(role) = reading.own_role() {
            self.conversation.role = Some(role.to_owned());
        }
        self.start(&name);
        // "Support please" names nothing to guess at.
        // Nor does "I'm a student midwife".
        if reading.is_guess() && !reading.is_whole(Intent::Signpost) && !reading.tells_a_role_alone() {
            self.word(Word::WhichNeed);
            self.advance(0);
            self.offer_guesses(reading);
            return;
        }
        if !reading.needs().is_empty() && !reading.is_guess() {
            if !reading.is_question() && !reading.is_whole(Intent::Signpost) {
                self.word(Word::ToldANeed);
            }
            self.fill_needs(reading);
        }
        self.advance(0);
    }

    /// Hangs the needs that may be meant on the question what is going on, in place of its own.
    pub(super) fn offer_guesses(&mut self, reading: &Reading<'_>) {
        let mut choices: Vec<Choice> = reading
            .needs()
            .iter()
            .filter_map(|need| {
                let label = capital(self.content.need_words(&need.id)?);
                Some(Choice { id: need.id.clone(), label })
            })
            .take(GUESSES)
            .collect();
        let other = self.open_ask().and_then(|ask| match &ask.answer {
            Expect::Needs(options) => options.iter().find(|option| option.other),
            Expect::Choice(_)
            | Expect::YesNo
            | Expect::Role
            | Expect::Area
            | Expect::Confirm
            | Expect::Number(_)
            | Expect::Size(_)
            | Expect::When
            | Expect::Talk
            | Expect::Text(_)
            | Expect::Contact => None,
        });
        if let (Some(other), false) = (other, choices.is_empty()) {
            choices.push(Choice { id: other.id.value.clone(), label: other.label.clone() });
            self.offer_choices(choices);
        }
    }

    pub(crate) fn fill_needs(&mut self, reading: &Reading<'_>) {
        let needs = reading.main_needs().map(|need| (need.id.clone(), need.score)).collect();
        self.fill("needs", Answer::Needs(needs));
        // What was shown for other needs may fit these.
        if let Some(place) = self.conversation.place.as_mut() {
            place.shown.clear();
        }
    }

    pub(crate) fn follow_link(&mut self, word: &str) {
        match self.content.dialogues.for_link(word).map(|dialogue| dialogue.dialogue.value.clone()) {
            Some(name) if self.conversation.dialogue() != Some(name.as_str()) => self.begin(&name),
            _ if self.running().is_some() => self.ask_again(),
            _ => self.menu(),
        }
    }

    /// A new wish in the middle of something: a group in the middle of a search, support in the
    /// middle of a form. A question that takes any words takes these.
    pub(crate) fn digress(&mut self, ask: &Ask, text: &str, reading: &Reading<'_>) -> bool {
        let takes_words = matches!(
            ask.answer,
            Expect::Text(_) | Expect::Needs(_) | Expect::When | Expect::Talk | Expect::Contact | Expect::Area
        ) || matches!(&ask.answer, Expect::Choice(options) if options.iter().any(|option| option.other));
        let running = self.conversation.dialogue().map(str::to_owned);
        // More of what is wrong, in answer to "what kind of work do you do?".
        if running.as_deref() == Some("signpost") && matches!(ask.answer, Expect::Role | Expect::Area) {
            let alone = self.content.understanding.read(text, None);
            if alone.intent == Intent::Signpost && !alone.needs().is_empty() && !alone.is_guess() {
                self.fill(&ask.id.value, Answer::Skipped);
                self.fill_needs(&alone);
                self.advance(0);
                return true;
            }
        }
        // "I feel awful" at a question of a form: it is heard, and what to do is theirs to say. "Trauma clinic"
        // is the name of a team, and "we are all exhausted" what a group is for.
        let no_answer = if ask.feelings {
            reading.is_of_oneself() && !reading.is_of_others()
        } else {
            !takes_words || matches!(ask.answer, Expect::Choice(_)) || reading.is_of_oneself()
        };
        let in_form = self.running().is_some_and(|(dialogue, _)| dialogue.form);
        // "Stress mainly", where support was offered beside the form.
        if in_form && no_answer && self.offered("go.signpost") {
            let alone = self.content.understanding.read(text, None);
            if !alone.needs().is_empty() {
                self.word(Word::PutAside);
                self.signpost(&alone);
                return true;
            }
        }
        if in_form && no_answer && self.first_try() {
            let alone = self.content.understanding.read(text, None);
            if alone.intent == Intent::Signpost && !alone.needs().is_empty() && !alone.is_guess() {
                if let Some(place) = self.conversation.place.as_mut() {
                    place.tries = u8::from(takes_words);
                }
                self.word(Word::HeardInForm);
                self.ask_again();
                self.add_choice(Word::ChoiceSignpost, "go.signpost");
                return true;
            }
        }
        if reading.intent == Intent::Group && running.as_deref() != Some("group_request") {
            self.begin_group(reading);
            return true;
        }
        if reading.intent == Intent::Signpost
            && !takes_words
            && running.as_deref() != Some("signpost")
            && (reading.is_whole(Intent::Signpost) || !reading.is_guess())
        {
            self.word(Word::PutAside);
            self.signpost(reading);
            return true;
        }
        false
    }
}
