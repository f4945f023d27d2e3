//! Words while no question is open, and words that were not understood.

use super::{listen::reaches, talk::Talk};
use crate::{
    content::{Word, plain},
    understanding::{GroupSlots, Intent, Reading},
};

/// Tries at a question before a person is offered.
const TRIES: u8 = 2;

/// Words from which on a question says what somebody needs as well.
const WORDS_OF_A_WISH: usize = 7;

impl Talk<'_> {
    pub(super) fn hear_idle(&mut self, text: &str, reading: &Reading<'_>) {
        if is_of_what_was_sent(text, reading)
            && self.tell_of_sent(&format!("They wrote after they sent this: {}", text.trim()))
        {
            return;
        }
        // "07700 900123, call me": it is known already how to reach them.
        let wants_person = reading.intent == Intent::Person
            || (reading.intent == Intent::None && plain(text).contains(" me "));
        if wants_person && reaches(text) {
            return self.begin_person_with(text);
        }
        if self.command(reading.intent) {
            return;
        }
        if let Some(choice) = self.menu_pick(reading) {
            self.navigate(choice.trim_start_matches("go."));
            return;
        }
        if reading.intent == Intent::Question || self.asks_commonly(text, reading) {
            self.clarify(text, reading);
        } else if reading.intent == Intent::Yes && self.offered("resume") {
            self.resume_on_word();
        } else if reading.intent == Intent::No && self.offered("leave") {
            self.leave();
        } else if matches!(reading.intent, Intent::No | Intent::Unsure)
            && self.takes_it_back(if reading.intent == Intent::No { "no" } else { "unsure" })
        {
            // A no after all: it has been answered.
        } else if reading.intent == Intent::OtherLanguage {
            self.not_understood();
        } else if self.answers_nothing(reading) {
            // There was no question.
        } else if reading.intent == Intent::Group {
            self.begin_group(reading);
        } else if self.conversation.flag.is_some() && reading.is_guess() {
            // Somebody who told of danger is listened to before anything is guessed at.
            self.not_understood();
        } else if !reading.needs().is_empty() || reading.intent == Intent::Signpost {
            self.signpost(reading);
        } else {
            self.not_understood();
        }
    }

    /// Whether a text asks a common question, and says little else: "What is a KeepingWell Group?" wants
    /// none yet.
    pub(super) fn asks_commonly(&self, text: &str, reading: &Reading<'_>) -> bool {
        let short = text.split_whitespace().count() < WORDS_OF_A_WISH;
        reading.is_question()
            && (short || reading.intent == Intent::Group)
            && self.common_answer(text).is_some()
    }

    /// Answers an answer to nothing: "ok", "no", "skip", "dunno" while no question is open. Returns
    /// whether it was one. A no or an "I'm fine" of somebody who told of danger is heard as more.
    fn answers_nothing(&mut self, reading: &Reading<'_>) -> bool {
        let flagged = self.conversation.flag.is_some();
        let at_ease = if reading.intent == Intent::Fine { !flagged } else { reading.says_nothing() };
        if reading.intent == Intent::Finish {
            self.word(Word::NothingToResume);
        } else if at_ease && flagged {
            self.word(Word::StillHere);
        } else if at_ease || (matches!(reading.intent, Intent::No | Intent::Skip) && !flagged) {
            self.word(Word::AtEase);
        } else if reading.intent == Intent::Unsure && !flagged {
            self.word(Word::NoNeedToKnow);
        } else {
            return false;
        }
        self.offer_choices(self.menu_choices());
        true
    }

    /// Whether a choice hangs under the open question.
    pub(super) fn offered(&self, choice: &str) -> bool {
        self.conversation.prompt.choices.iter().any(|open| open.id == choice)
    }

    /// The menu entry that a text picks while nothing is open.
    fn menu_pick(&self, reading: &Reading<'_>) -> Option<String> {
        self.picked(reading).filter(|picked| picked.starts_with("go."))
    }

    /// Somebody is cross with the bot: it says sorry, and how to get a person.
    pub(super) fn sorry(&mut self) {
        self.word(Word::SorryForThis);
        self.ask_again_or_menu_with_a_person();
    }

    /// The open question with a person beside its choices; where none is open, the menu, which has one.
    fn ask_again_or_menu_with_a_person(&mut self) {
        if self.running().is_some() {
            self.ask_again();
            self.add_choice(Word::ChoicePerson, "go.person");
        } else {
            self.offer_choices(self.menu_choices());
        }
    }

    /// Whether this is the first try at the open question.
    pub(crate) fn first_try(&self) -> bool {
        self.conversation.place.as_ref().is_some_and(|place| place.tries == 0)
    }

    /// Two tries, then a person is offered.
    pub(crate) fn not_understood(&mut self) {
        if self.content.understanding.read(&self.words, None).intent == Intent::OtherLanguage {
            self.word(Word::OtherLanguage);
            return self.ask_again_or_menu_with_a_person();
        }
        // Somebody who told of danger is listened to, not asked to say it another way.
        if self.conversation.flag.is_some() && self.running().is_none() {
            self.word(Word::Listening);
            self.offer_choices(self.menu_choices());
            return;
        }
        let tries = match self.conversation.place.as_mut() {
            Some(place) => {
                place.tries = place.tries.saturating_add(1);
                place.tries
            }
            None => {
                self.conversation.tries = self.conversation.tries.saturating_add(1);
                self.conversation.tries
            }
        };
        if tries < TRIES {
            self.word(Word::NotUnderstood);
            if self.running().is_some() {
                self.ask_again();
            } else {
                self.offer_choices(self.menu_choices());
            }
            return;
        }
        self.word(Word::NotUnderstoodAgain);
        self.ask_again_or_menu_with_a_person();
        if tries == TRIES {
            self.lost_at_the_desk();
        }
    }
}

/// Whether words fit a request that was sent: "oh, make it 10", "can I cancel it?", "we're off on Mondays",
/// "my number is 07700 900123".
fn is_of_what_was_sent(text: &str, reading: &Reading<'_>) -> bool {
    let cancels = || [" cancel ", " withdraw ", " scrap "].iter().any(|word| plain(text).contains(word));
    let adds = || {
        const OPENINGS: [&str; 6] =
            [" also ", " oh and ", " ps ", " i forgot ", " forgot ", " one more thing "];
        reading.group != GroupSlots::default()
            || !reading.days_ruled_out().is_empty()
            || reaches(text)
            || OPENINGS.iter().any(|opening| plain(text).starts_with(opening))
    };
    reading.intent == Intent::Correct
        || (reading.intent == Intent::Stop && cancels())
        || (reading.intent == Intent::None && adds())
}
