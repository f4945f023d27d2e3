//! How somebody can be reached, and how not: whoever gets in touch has to know both.

use super::{
    Answer,
    model::{Ask, Expect, Step},
    run::AVOID,
    talk::Talk,
};
use crate::{
    content::Word,
    conversation::Holder,
    effect::DeskKind,
    understanding::{
        Intent, Reading, Saying,
        answer::{Contact, contact},
    },
};

/// More words than this tell of something else besides.
const WORDS_ABOUT_REACHING: usize = 15;

impl Talk<'_> {
    /// "No calls at work", "text only", where nothing of the sort is asked for: it is put beside the number in
    /// a form, and passed on where somebody waits or has sent a request. Returns whether it was taken.
    pub(super) fn hears_how_to_reach(&mut self, text: &str, reading: &Reading<'_>) -> bool {
        // "After 3 o'clock" is no team that somebody would rather not talk to.
        let avoid = self.open_ask().is_some_and(|ask| ask.id.value == AVOID);
        let greets = matches!(reading.intent, Intent::Bye | Intent::Thanks | Intent::Greeting);
        let says_when = || {
            let when = reading.when();
            reaches(text) || !when.days.is_empty() || when.time.is_some()
        };
        let about_it = (reading.says(Saying::HowToReach) || (avoid && !greets && says_when()))
            && !reading.is_question()
            && text.split_whitespace().count() <= WORDS_ABOUT_REACHING;
        if !about_it {
            return false;
        }
        match self.running() {
            Some((dialogue, _)) if dialogue.form => self.adds_how_to_reach(text),
            // What is left for a practitioner has it already.
            Some((dialogue, place)) => match dialogue.step(&place.step) {
                Some(Step::Ask(ask)) if ask.id.value != AVOID => false,
                Some(_) | None => self.passes_on(text),
            },
            None => self.passes_on(text),
        }
    }

    /// In a form: what can be reached how is asked for once where only the limits are known.
    fn adds_how_to_reach(&mut self, text: &str) -> bool {
        let Some(ask) = self.open_ask() else { return false };
        let Some(wanted) = self
            .running()
            .and_then(|(dialogue, _)| dialogue.asks().find(|ask| matches!(ask.answer, Expect::Contact)))
        else {
            return false;
        };
        let field = wanted.id.value.clone();
        let known = self.conversation.place.as_ref().and_then(|place| place.answers.get(&field));
        let words = Answer::Text(text.trim().to_owned());
        if matches!(ask.answer, Expect::Contact) && !reaches(text) && self.first_try() {
            self.fill(&field, words);
            if let Some(place) = self.conversation.place.as_mut() {
                place.tries = 1;
            }
            self.word(Word::AndHowToReach);
            self.hang_choices();
            return true;
        }
        let beside = !ask.answer.takes_words() && matches!(known, Some(Answer::Text(_))) && !reaches(text);
        if beside {
            self.fill(&field, words);
            let rows = self.rows(&[field]);
            self.word(Word::Changed);
            self.say(rows);
            self.ask_again();
        }
        beside
    }

    /// Words of somebody who waits that say nothing to the bot: they are for whoever comes.
    pub(super) fn is_for_who_comes(&mut self, text: &str, reading: &Reading<'_>) -> bool {
        /// Fewer words tell nobody anything.
        const WORDS: usize = 3;
        let waits = matches!(self.conversation.holder, Holder::Waiting { .. });
        if !waits || self.conversation.flag.is_some() {
            return false;
        }
        if reading.is_whole(Intent::Correct) {
            self.word(Word::OwnWords);
            return true;
        }
        let tells = !reading.is_question() && text.split_whitespace().count() >= WORDS;
        tells && self.passes_on(text)
    }

    /// Tells those who are to get in touch. Returns whether there are any.
    fn passes_on(&mut self, text: &str) -> bool {
        if !matches!(self.conversation.holder, Holder::Waiting { .. }) {
            return self.tell_of_sent(&format!("They wrote after they sent this: {}", text.trim()));
        }
        self.desk_post(DeskKind::Message, text.trim().to_owned());
        self.word_and_go_on_quietly(Word::PassedOn);
        true
    }

    /// The answer to "how can the Hub reach you?", with what was said before of how not: a number that comes
    /// after "text only" stands before it, and neither takes the other away.
    pub(super) fn with_how_to_reach(&self, field: &str, answer: Answer) -> Answer {
        let Some((dialogue, place)) = self.running() else { return answer };
        let of_contact = dialogue.ask(field).is_some_and(|ask| matches!(ask.answer, Expect::Contact));
        let Some(Answer::Text(before)) = place.answers.get(field).filter(|_| of_contact) else {
            return answer;
        };
        let limits = !reaches(before) && self.is_how_to_reach(before);
        let both = match &answer {
            Answer::Skipped if limits => before.clone(),
            Answer::Text(now) if limits && reaches(now) => format!("{now}. {before}"),
            Answer::Text(now) if !reaches(now) && self.is_how_to_reach(now) => format!("{before}. {now}"),
            Answer::Skipped
            | Answer::Text(_)
            | Answer::Choice(_)
            | Answer::Number(_)
            | Answer::Size(_)
            | Answer::When(_)
            | Answer::Needs(_) => return answer,
        };
        Answer::Text(both)
    }

    fn is_how_to_reach(&self, text: &str) -> bool {
        self.content.understanding.says(text, Saying::HowToReach)
    }

    /// Takes a phone number or an email address that is given where something else is asked for.
    /// Returns the field, where that is all of the text.
    pub(crate) fn fill_contact(&mut self, ask: &Ask, text: &str) -> Option<String> {
        let (dialogue, _) = self.running()?;
        let wanted = dialogue.asks().find(|ask| matches!(ask.answer, Expect::Contact))?;
        if matches!(ask.answer, Expect::Contact) {
            return None;
        }
        let given = contact(text)?;
        let limited = self.is_how_to_reach(text);
        let way = match given {
            Contact::Email(_) if limited => text.trim().to_owned(),
            Contact::Email(email) => email,
            Contact::Phone(number) if is_whole_number(&number) && limited => text.trim().to_owned(),
            Contact::Phone(number) if is_whole_number(&number) => number,
            Contact::Several(both) => both,
            Contact::Phone(_) | Contact::Other(_) => return None,
        };
        let field = wanted.id.value.clone();
        let heard = dialogue.heard.clone().unwrap_or_default();
        self.fill(&field, Answer::Text(way));
        if !limited && !self.is_contact_alone(text) {
            return None;
        }
        let rows = self.rows(std::slice::from_ref(&field));
        self.say(format!("{heard}\n{rows}"));
        Some(field)
    }

    /// "My number is 07700 900123": nothing else is said.
    pub(super) fn is_contact_alone(&self, text: &str) -> bool {
        let around = text
            .split_whitespace()
            .filter(|word| !word.contains('@') && !word.chars().any(|c| c.is_ascii_digit()));
        self.content.understanding.says_no_more(&around.collect::<Vec<_>>().join(" "), Saying::GivesContact)
    }

    /// Whether a text says that nobody is needed any more, while somebody was asked to come.
    pub(super) fn wants_to_call_off(&self, text: &str, reading: &Reading<'_>) -> bool {
        /// More words tell a story.
        const FEW: usize = 12;
        matches!(self.conversation.holder, Holder::Waiting { .. })
            && reading.says(Saying::CallsOff)
            && !reading.is_question()
            && reading.intent != Intent::Person
            && text.split_whitespace().count() <= FEW
    }
}

/// Whether a phone number or an email address stands in a text.
pub(super) fn reaches(text: &str) -> bool {
    !matches!(contact(text), Some(Contact::Other(_)) | None)
}

/// A phone number in full, and not two times of day.
fn is_whole_number(number: &str) -> bool {
    number.len() >= 10 && number.starts_with(['0', '+'])
}
