//! What a person's words do, once danger is ruled out: commands, answers, questions, corrections.

use super::{
    Answer,
    load::CHECK_IN,
    model::{Ask, Expect, Step},
    parse::{Read, read_freely, speaks_of_talk, way_to_talk},
    talk::Talk,
};
use crate::{
    content::Word,
    understanding::{
        GroupSlots, Intent, Reading,
        answer::{Contact, contact},
    },
};

/// Words from which on an answer is taken to say more than the one field it names.
const WORDS_THAT_SAY_MORE: usize = 5;

/// Words from which on a text that nothing was found in tells something.
const WORDS_OF_A_STORY: usize = 3;

/// Tries at a question before a person is offered.
const TRIES: u8 = 2;

impl Talk<'_> {
    /// Answers an ordinary text.
    pub(crate) fn hear(&mut self, text: &str, reading: &Reading<'_>) {
        if let Some(word) = deep_link(text) {
            self.follow_link(&word);
            return;
        }
        match self.running().map(|(dialogue, _)| dialogue.dialogue.value.clone()) {
            Some(name) if name == CHECK_IN => self.hear_check_in(text, reading),
            Some(_) => self.hear_in_dialogue(text, reading),
            None => self.hear_idle(text, reading),
        }
    }

    /// A press, checked to belong to the open question or to lead somewhere from anywhere.
    pub(crate) fn press(&mut self, choice: &str, prompt: Option<u32>) {
        if let Some(to) = choice.strip_prefix("go.") {
            self.navigate(to);
            return;
        }
        let open = &self.conversation.prompt;
        let fits = prompt.is_none_or(|number| number == open.number)
            && open.choices.iter().any(|open| open.id == choice);
        // A late no to "are you safe?" counts, whichever copy of the question it hangs on.
        if !fits && matches!(choice, "no" | "unsure") {
            if self.conversation.dialogue() == Some(CHECK_IN) && self.open_ask().is_some() {
                self.answer_check_in(choice);
                return;
            }
            if self.takes_it_back(choice) {
                return;
            }
        }
        if !fits {
            self.word(Word::StalePress);
            self.ask_again();
            return;
        }
        match choice {
            "skip" => self.skip(),
            "finish" => self.finish_form(),
            "resume" => self.resume_on_word(),
            "leave" => self.leave(),
            "change" => self.ask_what_to_change(),
            _ => match choice.strip_prefix("change.") {
                Some(field) => self.change_field(field),
                None => self.pressed_answer(choice),
            },
        }
    }

    fn navigate(&mut self, to: &str) {
        match to {
            "menu" => self.go_to_menu(),
            "help" => self.help(),
            "resume" => self.resume_on_word(),
            _ => match self.content.dialogues.get(to) {
                Some(dialogue) if self.conversation.dialogue() == Some(to) => {
                    if dialogue.intent == Some(Intent::Person) {
                        self.asked_already();
                    }
                    self.ask_again();
                }
                Some(_) => self.begin(to),
                None => {
                    self.word(Word::StalePress);
                    self.ask_again();
                }
            },
        }
    }

    fn pressed_answer(&mut self, choice: &str) {
        let Some((dialogue, place)) = self.running() else {
            self.menu();
            return;
        };
        let (name, step) = (dialogue.dialogue.value.as_str(), dialogue.step(&place.step));
        match step {
            Some(Step::Ask(_)) if name == CHECK_IN => self.answer_check_in(choice),
            Some(Step::Ask(ask)) => {
                let answer = match &ask.answer {
                    Expect::Choice(options) | Expect::Needs(options)
                        if options.iter().any(|option| option.id.value == choice && option.other) =>
                    {
                        self.word(Word::OwnWords);
                        self.offer_choices(Vec::new());
                        return;
                    }
                    Expect::Needs(_) => Answer::Needs(vec![(choice.to_owned(), 1.0)]),
                    Expect::Area => {
                        let area = choice
                            .strip_prefix("area_")
                            .and_then(|nth| nth.parse::<usize>().ok())
                            .and_then(|nth| self.hub.areas.get(nth.checked_sub(1)?).cloned());
                        match area {
                            Some(area) => Answer::Choice(area),
                            None => return self.ask_again(),
                        }
                    }
                    Expect::Choice(_)
                    | Expect::YesNo
                    | Expect::Role
                    | Expect::Confirm
                    | Expect::Number(_)
                    | Expect::Size(_)
                    | Expect::When
                    | Expect::Talk
                    | Expect::Text(_)
                    | Expect::Contact => Answer::Choice(choice.to_owned()),
                };
                self.answered(ask, answer, None);
            }
            Some(Step::Offer(offer)) => match offer.next.get(choice) {
                Some(then) => self.go_to_anew(&then.value),
                None => self.ask_again(),
            },
            Some(Step::Say(_) | Step::Branch(_) | Step::Save(_) | Step::HandOver(_) | Step::Act(_))
            | None => {
                self.ask_again();
            }
        }
    }

    fn hear_in_dialogue(&mut self, text: &str, reading: &Reading<'_>) {
        let Some((dialogue, place)) = self.running() else { return };
        match dialogue.step(&place.step) {
            Some(Step::Ask(ask)) => self.hear_at_question(ask, text, reading),
            Some(Step::Offer(offer)) => {
                if let Some(nth) = reading.choose(&offer.choices, |option| &option.ways)
                    && !is_way_out(reading.intent)
                {
                    match offer.next.get(&offer.choices[nth].id.value) {
                        Some(then) => self.go_to_anew(&then.value),
                        None => self.ask_again(),
                    }
                } else if matches!(reading.intent, Intent::Thanks | Intent::Bye) {
                    // What was shown stays open, and nobody is asked about it twice.
                    self.word(if reading.intent == Intent::Bye { Word::Bye } else { Word::Thanks });
                    self.hang_choices();
                } else if !self.command(reading.intent) {
                    if self.tells_role_or_area(text) {
                        self.show_what_fits_now(offer);
                    } else if reading.intent == Intent::Question {
                        self.clarify(text);
                    } else if reading.intent == Intent::Group {
                        self.begin_group(reading);
                    } else if reading.needs().is_empty() || reading.is_guess() {
                        // Told more, they are not asked what is going on once again.
                        if reading.intent == Intent::Signpost
                            || text.split_whitespace().count() >= WORDS_OF_A_STORY
                        {
                            self.word(Word::HeardMore);
                            self.hang_choices();
                        } else {
                            self.not_understood();
                        }
                    } else {
                        self.signpost(reading);
                    }
                }
            }
            Some(Step::Say(_) | Step::Branch(_) | Step::Save(_) | Step::HandOver(_) | Step::Act(_))
            | None => {
                self.conversation.place = None;
                self.hear_idle(text, reading);
            }
        }
    }

    fn hear_at_question(&mut self, ask: &Ask, text: &str, reading: &Reading<'_>) {
        if matches!(ask.answer, Expect::Confirm)
            && reading.group == GroupSlots::default()
            && let Some(picked) = self.picked(reading)
            && let Some(field) = picked.strip_prefix("change.")
        {
            self.change_field(field);
            return;
        }
        let changing = self.conversation.place.as_ref().is_some_and(|place| place.changing);
        let wants_change =
            matches!(ask.answer, Expect::Confirm) && crate::content::plain(text).contains(" change ");
        if (changing || wants_change) && reading.group == GroupSlots::default() && self.name_field(text) {
            return;
        }
        // A question about privacy is answered here and now, without leaving the form.
        if self.asks_about_privacy(text, reading) {
            return;
        }
        // "I can't find what I need" may be the very answer that is asked for, and so may "call me".
        let answers = reading.intent == Intent::Feedback
            || (reading.intent == Intent::Finish && matches!(ask.answer, Expect::Confirm))
            || (reading.intent == Intent::Person && self.says_how_to_talk(ask, text, reading));
        if !answers && is_command(reading.intent) && self.command(reading.intent) {
            return;
        }
        // What is left for a person may well be a question: it is kept, not answered.
        let form = self.running().is_some_and(|(dialogue, _)| dialogue.form);
        let keeps_words = !form && matches!(ask.answer, Expect::Text(_)) && self.explanation(text).is_none();
        if reading.intent == Intent::Question && !matches!(ask.answer, Expect::Needs(_)) && !keeps_words {
            self.clarify(text);
            return;
        }
        // Who does not know what is wrong is not taken to want a person at once.
        if reading.intent == Intent::Unsure
            && matches!(ask.answer, Expect::Needs(_))
            && let Some(place) = self.conversation.place.as_mut().filter(|place| place.tries == 0)
        {
            place.tries = 1;
            self.word(Word::NoNeedToKnow);
            self.hang_choices();
            return;
        }
        let no_is_skip =
            !matches!(ask.answer, Expect::Choice(_) | Expect::YesNo | Expect::Confirm | Expect::Needs(_));
        let presses_skip = ask.skip.as_deref().is_some_and(|label| {
            !label.is_empty() && crate::content::plain(label) == crate::content::plain(text)
        });
        if presses_skip
            || (reading.skips() && !matches!(ask.answer, Expect::YesNo))
            || (no_is_skip && reading.intent == Intent::No)
        {
            self.skip();
            return;
        }
        let mut read = self.read_surely(ask, text, reading);
        // "A mix" stands for an option whose answer is in the person's own words.
        if let (Read::Answer(Answer::Choice(id), _), Expect::Choice(options)) = (&read, &ask.answer)
            && let Some(option) = options.iter().find(|option| option.id.value == *id && option.other)
        {
            if crate::content::plain(text) == crate::content::plain(&option.label) || text.trim().len() <= 2 {
                self.word(Word::OwnWords);
                self.offer_choices(Vec::new());
                return;
            }
            read = Read::Other(id.clone(), text.trim().to_owned());
        }
        let field = ask.id.value.clone();
        // A name or a place speaks of nothing else, unless it says that it corrects something, or
        // hardly says more than how often or when to meet: no place is called "every other week".
        let says_when = (reading.group.frequency.is_some()
            || !reading.group.days.is_empty()
            || !reading.days_ruled_out().is_empty())
            && text.split_whitespace().count() < WORDS_THAT_SAY_MORE;
        let names =
            matches!(ask.answer, Expect::Contact) || (matches!(ask.answer, Expect::Text(_)) && !says_when);
        let talk = speaks_of_talk(text, &reading.group);
        let words_alone = names && reading.intent != Intent::Correct && !talk;
        let mut filled = if words_alone { Vec::new() } else { self.fill_from_slots(ask, &read, reading) };
        filled.extend(self.fill_contact(ask, text));
        if matches!(ask.answer, Expect::Confirm) && !filled.is_empty() {
            self.go_on_after(&field);
            return;
        }
        // "Support for the nurses after a hard winter" says who it is for, and is the answer as well.
        let says_more = filled.len() == 1
            && !talk
            && !reaches(text)
            && read == Read::Nothing
            && text.split_whitespace().count() >= WORDS_THAT_SAY_MORE
            && !matches!(reading.intent, Intent::Correct | Intent::Group);
        if says_more {
            read = read_freely(ask, text);
        }
        if read == Read::Nothing && filled.is_empty() {
            if matches!(ask.answer, Expect::Confirm) && self.name_field(text) {
                return;
            }
            if self.digress(ask, text, reading) {
                return;
            }
            // "No thanks" to "how often?", and "ok" to "which team?".
            if form && reading.intent == Intent::No && ask.skip.as_deref() != Some("") {
                return self.skip();
            }
            if reading.says_nothing() && !matches!(ask.answer, Expect::When) {
                if matches!(ask.answer, Expect::Text(_)) {
                    self.word(Word::OwnWords);
                }
                return self.ask_again();
            }
            if form && reading.intent == Intent::Correct {
                return self.correct_words(ask, text);
            }
            read = read_freely(ask, text);
        }
        match read {
            Read::Answer(answer, note) => self.answered(ask, answer, note),
            Read::Other(_, words) => {
                self.fill(&format!("{field}_text"), Answer::Text(words));
                self.fill(&field, Answer::Skipped);
                self.go_on_after(&field);
            }
            Read::Refused(why) => {
                self.say(why);
                self.ask_again();
            }
            Read::Nothing if !filled.is_empty() => {
                if let Some(place) = self.conversation.place.as_mut() {
                    place.tries = 0;
                }
                self.go_on_after(filled.first().map_or(field.as_str(), String::as_str));
            }
            Read::Nothing => self.not_understood(),
        }
    }

    /// Answers a question about who sees what, and asks the open question again. Returns whether it was
    /// one; "privacy" alone wants all that there is to say of it.
    pub(crate) fn asks_about_privacy(&mut self, text: &str, reading: &Reading<'_>) -> bool {
        if reading.intent != Intent::Privacy
            || !(reading.is_question() || self.content.faq.answer(text).is_some())
        {
            return false;
        }
        let privacy = || self.render("{hub.confidentiality}\n{channel.privacy}");
        let said = self.explanation(text).unwrap_or_else(privacy);
        self.explain(said);
        self.ask_again();
        true
    }

    /// Takes an answer to the open question and goes on.
    fn answered(&mut self, ask: &Ask, answer: Answer, note: Option<String>) {
        let field = ask.id.value.clone();
        if matches!(ask.answer, Expect::Confirm) {
            match answer.key() {
                Some("yes") => {}
                Some("leave") => return self.leave(),
                _ => return self.ask_what_to_change(),
            }
        }
        if let Some(place) = self.conversation.place.as_mut() {
            place.answers.remove(&format!("{field}_text"));
        }
        if let Some(note) = note {
            self.say(note);
        }
        self.fill(&field, answer);
        self.go_on_after(&field);
    }

    fn hear_idle(&mut self, text: &str, reading: &Reading<'_>) {
        if self.command(reading.intent) {
            return;
        }
        if let Some(choice) = self.menu_pick(reading) {
            self.navigate(choice.trim_start_matches("go."));
            return;
        }
        // "What is a KeepingWell Group?" asks, and wants none yet.
        let asks = reading.is_question() && self.content.faq.answer(text).is_some();
        if reading.intent == Intent::Question || (reading.intent == Intent::Group && asks) {
            self.clarify(text);
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

    /// Does what an intent asks for from anywhere. Returns whether it was one of those.
    fn command(&mut self, intent: Intent) -> bool {
        match intent {
            Intent::Help => self.help(),
            Intent::Menu => self.go_to_menu(),
            Intent::Stop => self.stop(),
            Intent::StartAgain => self.start_again(),
            Intent::Back => self.back(),
            Intent::Repeat => self.ask_again(),
            Intent::Resume => self.resume_on_word(),
            Intent::Leave => self.leave(),
            Intent::Finish if self.running().is_some_and(|(dialogue, _)| dialogue.form) => self.finish_form(),
            Intent::Thanks => self.word_and_go_on(Word::Thanks),
            Intent::Bye => self.word_and_go_on(Word::Bye),
            Intent::Greeting if self.running().is_some_and(|(dialogue, _)| dialogue.form) => {
                self.word_and_go_on(Word::Resumed);
            }
            Intent::Greeting => self.word_and_go_on(Word::Menu),
            Intent::Annoyed => self.sorry(),
            Intent::Person | Intent::Privacy | Intent::DeleteData | Intent::ClearChat | Intent::Feedback => {
                let Some(name) = self.content.dialogues.for_intent(intent).map(|d| d.dialogue.value.clone())
                else {
                    return false;
                };
                if self.conversation.dialogue() == Some(name.as_str()) {
                    if intent == Intent::Person {
                        self.asked_already();
                    }
                    self.ask_again();
                } else {
                    self.begin(&name);
                }
            }
            Intent::None
            | Intent::Signpost
            | Intent::Group
            | Intent::Skip
            | Intent::Finish
            | Intent::Yes
            | Intent::No
            | Intent::Unsure
            | Intent::Fine
            | Intent::OtherLanguage
            | Intent::Question
            | Intent::Correct => return false,
        }
        true
    }

    /// Somebody is cross with the bot: it says sorry, and how to get a person.
    fn sorry(&mut self) {
        self.word(Word::SorryForThis);
        if self.running().is_some() {
            self.ask_again();
            self.add_choice(Word::ChoicePerson, "go.person");
        } else {
            self.offer_choices(self.menu_choices());
        }
    }

    /// Answers an answer to nothing: "ok", "no", "skip", "dunno" while no question is open. Returns
    /// whether it was one. A no or an "I'm fine"
    /// of somebody who told of danger is heard as more.
    fn answers_nothing(&mut self, reading: &Reading<'_>) -> bool {
        let flagged = self.conversation.flag.is_some();
        let at_ease = if reading.intent == Intent::Fine { !flagged } else { reading.says_nothing() };
        if reading.intent == Intent::Finish {
            self.word(Word::NothingToResume);
        } else if at_ease || (reading.intent == Intent::No && !flagged) {
            self.word(Word::AtEase);
        } else if matches!(reading.intent, Intent::Unsure | Intent::Skip) && !flagged {
            self.word(Word::NoNeedToKnow);
        } else {
            return false;
        }
        self.offer_choices(self.menu_choices());
        true
    }

    /// Whether "call me on Thursday" is the answer to the open question.
    fn says_how_to_talk(&self, ask: &Ask, text: &str, reading: &Reading<'_>) -> bool {
        let asks_when = self
            .running()
            .is_some_and(|(dialogue, _)| dialogue.asks().any(|ask| matches!(ask.answer, Expect::Talk)));
        (asks_when && speaks_of_talk(text, &reading.group))
            || (matches!(ask.answer, Expect::Talk) && way_to_talk(text).is_some())
            || (matches!(ask.answer, Expect::Contact) && reaches(text))
    }

    /// Whether a choice hangs under the open question.
    fn offered(&self, choice: &str) -> bool {
        self.conversation.prompt.choices.iter().any(|open| open.id == choice)
    }

    /// Two tries, then a person is offered.
    pub(crate) fn not_understood(&mut self) {
        if self.content.understanding.read(&self.words, None).intent == Intent::OtherLanguage {
            self.word(Word::OtherLanguage);
            return if self.running().is_some() {
                self.ask_again();
                self.add_choice(Word::ChoicePerson, "go.person");
            } else {
                self.offer_choices(self.menu_choices());
            };
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
        let running = self.running().is_some();
        if tries < TRIES {
            self.word(Word::NotUnderstood);
            if running {
                self.ask_again();
            } else {
                self.offer_choices(self.menu_choices());
            }
            return;
        }
        self.word(Word::NotUnderstoodAgain);
        if running {
            self.ask_again();
            self.add_choice(Word::ChoicePerson, "go.person");
        } else {
            self.offer_choices(self.menu_choices());
        }
        if tries == TRIES {
            self.lost_at_the_desk();
        }
    }

    /// The menu entry that a text picks while nothing is open.
    fn menu_pick(&self, reading: &Reading<'_>) -> Option<String> {
        self.picked(reading).filter(|picked| picked.starts_with("go."))
    }
}

/// Intents that lead out of whatever is going on, and mean nothing else.
fn is_way_out(intent: Intent) -> bool {
    matches!(
        intent,
        Intent::Help
            | Intent::Menu
            | Intent::Stop
            | Intent::StartAgain
            | Intent::Back
            | Intent::Privacy
            | Intent::DeleteData
            | Intent::ClearChat
    )
}

/// Intents that are never an answer to a question.
fn is_command(intent: Intent) -> bool {
    match intent {
        Intent::Person
        | Intent::Feedback
        | Intent::Privacy
        | Intent::DeleteData
        | Intent::ClearChat
        | Intent::Help
        | Intent::Menu
        | Intent::Stop
        | Intent::StartAgain
        | Intent::Back
        | Intent::Repeat
        | Intent::Resume
        | Intent::Leave
        | Intent::Finish
        | Intent::Thanks
        | Intent::Greeting
        | Intent::Annoyed
        | Intent::Bye => true,
        Intent::None
        | Intent::Signpost
        | Intent::Group
        | Intent::Skip
        | Intent::Yes
        | Intent::No
        | Intent::Unsure
        | Intent::Fine
        | Intent::OtherLanguage
        | Intent::Question
        | Intent::Correct => false,
    }
}

/// The word behind `/start`, or an empty one for `/start` alone.
fn deep_link(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    let command = words.next()?.split('@').next()?;
    (command == "/start").then(|| words.next().unwrap_or_default().to_lowercase())
}

/// Whether a phone number or an email address stands in a text.
fn reaches(text: &str) -> bool {
    !matches!(contact(text), Some(Contact::Other(_)) | None)
}
