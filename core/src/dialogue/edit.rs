//! An edited message corrects what it first said, wherever that was.

use super::{
    Answer, CHECK_IN,
    model::{Ask, Expect},
    parse::{Read, read_freely},
    talk::Talk,
};
use crate::{
    content::Word,
    conversation::Told,
    effect::{DeskKind, DeskPost, Effect},
    input::Message,
};

/// Messages of the person whose answers are remembered.
const TOLD: usize = 20;

impl Talk<'_> {
    /// A correction in which nothing was found that a form asks for: "sorry, I meant Ward 6" mends the
    /// ward in an answer given in words, or is the answer in words; anything else is asked about.
    pub(crate) fn correct_words(&mut self, ask: &Ask, text: &str) {
        let mended = self.running().and_then(|(dialogue, place)| {
            dialogue.asks().find_map(|ask| match place.answers.get(&ask.id.value)? {
                Answer::Text(before) => Some((ask.id.value.clone(), mend_number(before, text)?)),
                Answer::Skipped
                | Answer::Choice(_)
                | Answer::Number(_)
                | Answer::Size(_)
                | Answer::When(_)
                | Answer::Needs(_) => None,
            })
        });
        if let Some((field, words)) = mended {
            self.fill(&field, Answer::Text(words));
            let rows = self.rows(&[field]);
            self.word(Word::Changed);
            self.say(rows);
            return self.ask_again();
        }
        match (&ask.answer, read_freely(ask, text)) {
            (Expect::Text(_), Read::Answer(answer, _)) => {
                self.fill(&ask.id.value, answer);
                self.go_on_after(&ask.id.value);
            }
            _ => self.ask_what_to_change(),
        }
    }

    /// The question that is open as a message comes in: what [`Talk::note_told`] needs.
    pub(crate) fn open_before(&self) -> Option<(String, String)> {
        let place = self.conversation.place.as_ref()?;
        Some((place.dialogue.clone(), place.step.clone()))
    }

    /// Remembers what a message answered, or which dialogue it began.
    pub(crate) fn note_told(&mut self, message: &Message, open: Option<(String, String)>) {
        let began = || self.conversation.place.as_ref().map(|place| (place.dialogue.clone(), String::new()));
        let (Some(id), Some((dialogue, step))) = (message.id.clone(), open.or_else(began)) else { return };
        let erased = self.effects.iter().any(|effect| matches!(effect, Effect::Erase { .. }));
        if dialogue == CHECK_IN || erased {
            return;
        }
        let told = &mut self.conversation.told;
        told.push(Told { id, dialogue, step });
        if told.len() > TOLD {
            told.remove(0);
        }
    }

    /// An edited message corrects the answers that it first gave; without an id, the last one.
    /// Returns whether it did: else it is heard like any other.
    pub(crate) fn correct_edited(&mut self, message: &Message) -> bool {
        let Some(id) = &message.id else { return self.correct_last(&message.text) };
        let Some(told) = self.conversation.told.iter().rev().find(|told| told.id == *id).cloned() else {
            return self.edit_is_unknown();
        };
        if self.conversation.dialogue() == Some(told.dialogue.as_str()) {
            let corrected = self.correct_at(&told.step, &message.text);
            if corrected {
                self.go_on();
            }
            return corrected;
        }
        let aside = self.conversation.aside.iter().position(|aside| aside.place.dialogue == told.dialogue);
        match aside {
            Some(nth) => self.correct_aside(nth, &told.step, &message.text),
            None => self.correct_sent(&told.dialogue, &message.text),
        }
    }

    /// In the middle of a form an edit of old must not be taken for an answer to the open question.
    fn edit_is_unknown(&mut self) -> bool {
        let form = self.running().is_some_and(|(dialogue, _)| dialogue.form);
        if form {
            self.word(Word::EditUnknown);
            self.ask_again();
        }
        form
    }

    fn correct_last(&mut self, text: &str) -> bool {
        let last = self.running().and_then(|(dialogue, place)| {
            place.path.iter().rev().find(|step| dialogue.ask(step).is_some()).cloned()
        });
        let corrected = last.is_some_and(|step| self.correct_at(&step, text));
        if corrected {
            self.go_on();
        }
        corrected
    }

    /// The open question once more, unless the edit has answered it.
    fn go_on(&mut self) {
        let answered = self.running().is_some_and(|(_, place)| place.answers.contains_key(&place.step));
        match self.conversation.step().map(str::to_owned) {
            Some(step) if answered => self.go_on_after(&step),
            Some(_) | None => self.ask_again(),
        }
    }

    /// In a form that waits: what is going on meanwhile stays as it is.
    fn correct_aside(&mut self, nth: usize, step: &str, text: &str) -> bool {
        let now = self.conversation.place.take();
        let place = std::mem::take(&mut self.conversation.aside[nth].place);
        self.conversation.place = Some(place);
        let corrected = self.correct_at(step, text);
        self.conversation.aside[nth].place = self.conversation.place.take().unwrap_or_default();
        self.conversation.place = now;
        if corrected {
            self.ask_again();
        }
        corrected
    }

    /// A form that was sent already: the desk is told.
    fn correct_sent(&mut self, dialogue: &str, text: &str) -> bool {
        if !self.content.dialogues.get(dialogue).is_some_and(|dialogue| dialogue.form) {
            return false;
        }
        self.tell_of_sent(&format!(
            "They changed a message after they sent this. It now reads: {}",
            text.trim()
        ))
    }

    /// Tells the desk what somebody says of the request that they sent last. Returns whether there is one
    /// that somebody reads.
    pub(crate) fn tell_of_sent(&mut self, post: &str) -> bool {
        let Some(request) = self.conversation.desk.requests.last().filter(|_| self.context.desk.exists)
        else {
            return false;
        };
        let post = DeskPost::new(Some(request.case.clone()), DeskKind::Message, post.to_owned());
        self.effects.push(Effect::Desk(post));
        self.word(Word::SentAlready);
        self.ask_again();
        true
    }

    /// Corrects the answer to a question of the running dialogue, and whatever else the text says.
    /// An empty `step` is no question: the message that began the dialogue.
    fn correct_at(&mut self, step: &str, text: &str) -> bool {
        let Some((dialogue, place)) = self.running() else { return false };
        let answered = |field: &str| place.answers.contains_key(field);
        let own = dialogue
            .ask(step)
            .filter(|ask| answered(&ask.id.value) || answered(&format!("{}_text", ask.id.value)));
        let Some(ask) = own.or_else(|| dialogue.asks().next()) else { return false };
        let reading = self.content.understanding.read(text, own.map(|ask| ask.id.value.as_str()));
        let mut read = if own.is_some() { self.read_surely(ask, text, &reading) } else { Read::Nothing };
        let filled = self.fill_from_slots(ask, &read, &reading);
        if own.is_some() && read == Read::Nothing && filled.is_empty() {
            read = read_freely(ask, text);
        }
        self.correct_own(ask, read, filled.is_empty()) || !filled.is_empty()
    }

    fn correct_own(&mut self, ask: &Ask, read: Read, first: bool) -> bool {
        let field = ask.id.value.clone();
        let text_field = format!("{field}_text");
        let before = self.conversation.place.clone();
        match read {
            Read::Answer(answer, _) => {
                if let Some(place) = self.conversation.place.as_mut() {
                    place.answers.remove(&text_field);
                }
                self.fill(&field, answer);
            }
            Read::Other(_, words) => {
                self.fill(&text_field, Answer::Text(words));
                self.fill(&field, Answer::Skipped);
            }
            Read::Refused(why) => {
                self.say(why);
                return true;
            }
            Read::Nothing => return false,
        }
        // An edit of what says the same is no news.
        if before != self.conversation.place {
            let rows = self.rows(&[field]);
            if first {
                self.word(Word::Changed);
            }
            self.say(rows);
        }
        true
    }
}

/// Words before in which the number after a word is another now: "Ward 5, St Pancras" and "I meant
/// Ward 6" give "Ward 6, St Pancras".
fn mend_number(before: &str, correction: &str) -> Option<String> {
    let is_number = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let said: Vec<String> = correction.split_whitespace().map(bare).collect();
    let pair = said.windows(2).find(|pair| !is_number(&pair[0]) && is_number(&pair[1]))?;
    let words: Vec<&str> = before.split_whitespace().collect();
    let at = words.windows(2).position(|two| bare(two[0]) == pair[0] && is_number(&bare(two[1])))?;
    let old = bare(words[at + 1]);
    (old != pair[1]).then(|| {
        let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        words[at + 1] = words[at + 1].replace(&old, &pair[1]);
        words.join(" ")
    })
}
