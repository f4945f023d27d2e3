//! Words while no question is open, and words that were not understood.

use super::{contact::reaches, talk::Talk};
use crate::{
    content::Word,
    safety::Kind,
    understanding::{GroupSlots, Intent, Reading, Saying},
};

/// Tries at a question before a person is offered.
const TRIES: u8 = 2;

/// Words from which on a question says what somebody needs as well.
const WORDS_OF_A_WISH: usize = 7;

impl Talk<'_> {
    /// What words can be while no question is open, in this order: the first that takes them answers. Each says
    /// whether it did.
    const WHILE_IDLE: [fn(&mut Self, &str, &Reading<'_>) -> bool; 15] = [
        Self::is_of_what_was_sent,
        Self::calls_off,
        Self::gives_a_number,
        Self::asks_besides_help,
        |talk, _, reading| talk.command(reading.intent),
        Self::tells_of_help,
        Self::picks_from_the_menu,
        Self::asks,
        Self::answers_whether_to_resume,
        Self::takes_back_a_yes,
        Self::is_in_another_language,
        |talk, _, reading| talk.answers_nothing(reading),
        Self::wants_a_group,
        Self::needs_support,
        Self::is_for_who_comes,
    ];

    pub(super) fn hear_idle(&mut self, text: &str, reading: &Reading<'_>) {
        if !Self::WHILE_IDLE.iter().any(|takes| takes(self, text, reading)) {
            self.not_understood();
        }
    }

    /// "Oh, make it 10", to a request that was sent.
    fn is_of_what_was_sent(&mut self, text: &str, reading: &Reading<'_>) -> bool {
        is_of_what_was_sent(text, reading)
            && self.tell_of_sent(&format!("They wrote after they sent this: {}", text.trim()))
    }

    /// "Actually don't bother, I'm ok", to a person who was asked to come.
    pub(super) fn calls_off(&mut self, text: &str, reading: &Reading<'_>) -> bool {
        let calls_off = self.wants_to_call_off(text, reading);
        if calls_off {
            self.call_off();
        }
        calls_off
    }

    /// "07700 900123": a number is given to be called on.
    fn gives_a_number(&mut self, text: &str, reading: &Reading<'_>) -> bool {
        let wants_person = matches!(reading.intent, Intent::Person | Intent::None);
        let gives = wants_person && reaches(text);
        if gives {
            self.begin_person_with(text);
        }
        gives
    }

    /// "I'm deaf, what can you offer?" asks for more than help in general.
    fn asks_besides_help(&mut self, text: &str, reading: &Reading<'_>) -> bool {
        let asks = reading.intent == Intent::Help
            && !reading.is_whole(Intent::Help)
            && self.common_answer(text).is_some();
        if asks {
            self.clarify(text, reading);
        }
        asks
    }

    /// The menu entry that a text picks.
    fn picks_from_the_menu(&mut self, _: &str, reading: &Reading<'_>) -> bool {
        let picked = self.picked(reading).filter(|picked| picked.starts_with("go."));
        if let Some(choice) = &picked {
            self.navigate(choice.trim_start_matches("go."));
        }
        picked.is_some()
    }

    fn asks(&mut self, text: &str, reading: &Reading<'_>) -> bool {
        let asks = reading.intent == Intent::Question || self.asks_commonly(text, reading);
        if asks {
            self.clarify(text, reading);
        }
        asks
    }

    /// "Yes" or "no" to "carry on, or leave it for now?".
    fn answers_whether_to_resume(&mut self, _: &str, reading: &Reading<'_>) -> bool {
        if reading.intent == Intent::Yes && self.offered("resume") {
            self.resume_on_word();
        } else if reading.intent == Intent::No && self.offered("leave") {
            self.leave();
        } else {
            return false;
        }
        true
    }

    /// A no after all, to "are you safe?" or "have you called 999?".
    fn takes_back_a_yes(&mut self, _: &str, reading: &Reading<'_>) -> bool {
        (reading.intent == Intent::No && self.takes_it_back("no"))
            || (reading.intent == Intent::Unsure && self.takes_it_back("unsure"))
    }

    fn is_in_another_language(&mut self, _: &str, reading: &Reading<'_>) -> bool {
        let other = reading.intent == Intent::OtherLanguage;
        if other {
            self.not_understood();
        }
        other
    }

    fn wants_a_group(&mut self, _: &str, reading: &Reading<'_>) -> bool {
        let wants = reading.intent == Intent::Group;
        if wants {
            self.begin_group(reading);
        }
        wants
    }

    /// Somebody who told of danger is listened to before anything is guessed at.
    fn needs_support(&mut self, _: &str, reading: &Reading<'_>) -> bool {
        let flag = self.conversation.flag.as_ref();
        let guess = flag.is_some() && reading.is_guess();
        // "Her husband is with her" speaks of nobody's marriage.
        let of_other =
            flag.is_some_and(|flag| flag.kinds.contains(&Kind::ThirdParty)) && !reading.is_of_oneself();
        let needs = !guess
            && !of_other
            && (!reading.needs().is_empty()
                || reading.intent == Intent::Signpost
                || (self.conversation.flag.is_none() && reading.tells_a_role_alone()));
        if needs {
            self.signpost(reading);
        }
        needs
    }

    /// Whether a text asks a common question, and says little else: "What is a KeepingWell Group?" wants
    /// none yet, and "do managers get told what was said" is about no manager.
    pub(super) fn asks_commonly(&self, text: &str, reading: &Reading<'_>) -> bool {
        let short = text.split_whitespace().count() < WORDS_OF_A_WISH;
        let asks = reading.is_question()
            && (short
                || reading.intent == Intent::Group
                || reading.is_guess()
                || self.is_asked_plainly(text))
            && self.common_answer(text).is_some();
        asks || (short && self.is_answered_when_told(text))
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
        if at_ease {
            self.still_asked();
        }
        true
    }

    /// Whether a choice hangs under the open question.
    pub(super) fn offered(&self, choice: &str) -> bool {
        self.conversation.prompt.choices.iter().any(|open| open.id == choice)
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
            // Under what was shown there is one.
            if self.open_ask().is_some() {
                self.add_choice(Word::ChoicePerson, "go.person");
            }
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
    let cancels = || reading.says(Saying::TakesBack);
    let adds = || {
        reading.group != GroupSlots::default()
            || !reading.days_ruled_out().is_empty()
            || reaches(text)
            || reading.begins_with(Saying::Adds)
    };
    reading.intent == Intent::Correct
        || (reading.intent == Intent::Stop && cancels())
        || (reading.intent == Intent::None && adds())
}
