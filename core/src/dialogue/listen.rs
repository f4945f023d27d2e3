//! What a person's words do, once danger is ruled out: commands, answers, questions, corrections.

use super::{
    Answer,
    contact::reaches,
    load::CHECK_IN,
    model::{Ask, Expect, Step},
    parse::{Read, read_freely, slot_values, speaks_of_talk},
    talk::Talk,
};
use crate::{
    content::{Word, plain},
    understanding::{GroupSlots, Intent, Reading, Saying},
};

/// Words from which on an answer is taken to say more than the one field it names.
const WORDS_THAT_SAY_MORE: usize = 5;

/// Words from which on a text that nothing was found in tells something.
const WORDS_OF_A_STORY: usize = 3;

impl Talk<'_> {
    /// Answers an ordinary text.
    pub(crate) fn hear(&mut self, text: &str, reading: &Reading<'_>) {
        if let Some(word) = deep_link(text) {
            self.follow_link(&word);
            return;
        }
        if self.conversation.dialogue() == Some(CHECK_IN) {
            return self.hear_check_in(text, reading);
        }
        if let Some(meant) = self.meant(text, reading) {
            let reading = self.content.understanding.read(&meant, self.conversation.step());
            return self.hear_as_it_stands(&meant, &reading);
        }
        self.hear_as_it_stands(text, reading);
    }

    fn hear_as_it_stands(&mut self, text: &str, reading: &Reading<'_>) {
        if self.hears_how_to_reach(text, reading) {
            return;
        }
        if self.running().is_some() {
            self.hear_in_dialogue(text, reading);
        } else {
            self.hear_idle(text, reading);
        }
    }

    /// A badly typed wish as it was meant, where a text says nothing as it stands. Where words are kept as
    /// they are a word alone may be a name.
    fn meant(&self, text: &str, reading: &Reading<'_>) -> Option<String> {
        let unread = matches!(reading.intent, Intent::None | Intent::Question)
            && reading.group == GroupSlots::default()
            && self.picked(reading).is_none();
        let keeps_words = self.open_ask().is_some_and(|ask| {
            matches!(
                ask.answer,
                Expect::Text(_) | Expect::Contact | Expect::When | Expect::Talk | Expect::Area
            )
        });
        if !unread || (keeps_words && !text.trim().contains(' ')) {
            return None;
        }
        let meant = self.content.understanding.mended(text)?;
        let intent = self.content.understanding.read(&meant, self.conversation.step()).intent;
        let is_wish =
            is_command(intent) || matches!(intent, Intent::Group | Intent::Skip | Intent::Yes | Intent::No);
        is_wish.then_some(meant)
    }

    fn hear_in_dialogue(&mut self, text: &str, reading: &Reading<'_>) {
        // In a form "no need to call" is an answer.
        let form = self.running().is_some_and(|(dialogue, _)| dialogue.form);
        if !form && self.calls_off(text, reading) {
            return;
        }
        let Some((dialogue, place)) = self.running() else { return };
        match dialogue.step(&place.step) {
            Some(Step::Ask(ask)) => self.hear_at_question(ask, text, reading),
            Some(Step::Offer(offer)) => {
                // "Not sure" is nearly "not for me", and says another thing.
                if reading.is_whole(Intent::Unsure) {
                    self.word_and_stay(Word::NoNeedToChoose);
                } else if self.tells_after_a_no(offer, text) {
                    self.word(Word::HeardMore);
                    self.hang_choices();
                } else if !asks_what_is_meant(reading)
                    && let Some(nth) = reading.choose(&offer.choices, |option| &option.ways)
                    && !is_way_out(reading.intent)
                {
                    match offer.next.get(&offer.choices[nth].id.value) {
                        Some(then) => {
                            let told = self.told_of_an_offer(&offer.choices[nth], &then.value, text);
                            self.go_to_anew(&then.value, told);
                        }
                        None => self.ask_again(),
                    }
                } else if self.asks_about_privacy(text, reading) {
                    // It has been answered.
                } else if reading.intent == Intent::Thanks {
                    // What was shown stays open, and nobody is asked about it twice.
                    self.word_and_stay(Word::Thanks);
                } else if reading.skips() {
                    self.word_and_stay(Word::NoNeedToChoose);
                } else if reading.says_nothing() {
                    self.word_and_stay(Word::AtEase);
                } else if !self.command(reading.intent) {
                    if !reading.is_question() && self.tells_role_or_area(text) {
                        self.show_what_fits_now(offer);
                    } else if reading.intent == Intent::Question || self.asks_commonly(text, reading) {
                        self.clarify(text, reading);
                    } else if reading.intent == Intent::OtherLanguage {
                        self.not_understood();
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
                    } else if self.has_offers_for(reading) {
                        self.signpost(reading);
                    } else {
                        self.word(Word::HeardMore);
                        self.hang_choices();
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
        if self.answered_otherwise(ask, text, reading) {
            return;
        }
        let mut read = self.read_surely(ask, text, reading);
        // "A mix" stands for an option whose answer is in the person's own words.
        if let (Read::Answer(Answer::Choice(id), _), Expect::Choice(options)) = (&read, &ask.answer)
            && let Some(option) = options.iter().find(|option| option.id.value == *id && option.other)
        {
            if plain(text) == plain(&option.label) || text.trim().len() <= 2 {
                self.word(Word::OwnWords);
                self.offer_choices(Vec::new());
                return;
            }
            read = Read::Other(id.clone(), text.trim().to_owned());
        }
        let field = ask.id.value.clone();
        // A name or a place speaks of nothing else, unless it says that it corrects something, or
        // hardly says more than how often or when to meet: no place is called "every other week".
        let speaks_of_when = reading.group.frequency.is_some()
            || !reading.group.days.is_empty()
            || !reading.days_ruled_out().is_empty();
        let says_when = speaks_of_when && text.split_whitespace().count() < WORDS_THAT_SAY_MORE;
        let names = match ask.answer {
            Expect::Contact => reaches(text) || !speaks_of_when,
            Expect::Text(_) => !says_when,
            Expect::Choice(_)
            | Expect::Number(_)
            | Expect::Size(_)
            | Expect::When
            | Expect::Talk
            | Expect::YesNo
            | Expect::Needs(_)
            | Expect::Area
            | Expect::Role
            | Expect::Confirm => false,
        };
        let of_talk = matches!(ask.answer, Expect::Contact) && speaks_of_when && !reaches(text);
        let talk = of_talk || speaks_of_talk(reading);
        let words_alone =
            names && reading.intent != Intent::Correct && !talk && !self.is_answer_to_another(ask, reading);
        let before = self.conversation.place.as_ref().map(|place| place.answers.clone()).unwrap_or_default();
        let mut filled = if words_alone { Vec::new() } else { self.fill_from_slots(ask, &read, reading) };
        filled.extend(self.fill_contact(ask, text));
        if matches!(ask.answer, Expect::Confirm) && !filled.is_empty() {
            self.go_on_after(&field);
            return;
        }
        // "Support for the nurses after a hard winter" says who it is for, and is the answer as well.
        // "And 6 sessions, not 4" corrects, and is no answer.
        let corrects = |field: &String| {
            let now = self.conversation.place.as_ref().and_then(|place| place.answers.get(field));
            before.get(field).is_some_and(|before| *before != Answer::Skipped && now != Some(before))
        };
        let says_more = filled.len() == 1
            && !filled.iter().any(corrects)
            && !reading.also(Intent::Yes)
            && !talk
            && !reaches(text)
            && read == Read::Nothing
            && text.split_whitespace().count() >= WORDS_THAT_SAY_MORE
            && !matches!(reading.intent, Intent::Correct | Intent::Group);
        if says_more {
            read = read_freely(ask, text);
        }
        if read == Read::Nothing && filled.is_empty() {
            if matches!(ask.answer, Expect::Confirm) && self.name_field(text, false) {
                return;
            }
            if self.digress(ask, text, reading) {
                return;
            }
            // "No thanks" to "how often?", and "ok" to "which team?".
            let form = self.running().is_some_and(|(dialogue, _)| dialogue.form);
            if form && reading.intent == Intent::No && ask.skip.as_deref() != Some("") {
                return self.skip();
            }
            if form && reading.intent == Intent::OtherLanguage && self.first_try() {
                return self.not_understood();
            }
            if form && self.tells_the_area_alone(ask, text) {
                return;
            }
            if self.corrects_after_a_no(ask, text) {
                return self.ask_again();
            }
            // "Actually no, support for me".
            if form && reading.intent == Intent::Correct && reading.also(Intent::Signpost) {
                self.word(Word::PutAside);
                return self.signpost(reading);
            }
            // "All well" is a word on how the chat was, and no name of a team.
            let keeps_all = !form && matches!(ask.answer, Expect::Text(_));
            let says_nothing = reading.says_nothing() && (!keeps_all || !text.trim().contains(' '));
            if says_nothing {
                let wants_words = form && matches!(ask.answer, Expect::Text(_));
                self.word(if reading.also(Intent::Thanks) {
                    Word::ThanksMeanwhile
                } else if wants_words {
                    Word::OwnWords
                } else {
                    Word::WheneverReady
                });
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

    /// Does what a text wants that is no answer to the open question: a change, a command, a question, a
    /// skip. Returns whether it was one.
    fn answered_otherwise(&mut self, ask: &Ask, text: &str, reading: &Reading<'_>) -> bool {
        if matches!(ask.answer, Expect::Confirm)
            && reading.group == GroupSlots::default()
            && let Some(picked) = self.picked(reading)
            && let Some(field) = picked.strip_prefix("change.")
        {
            self.change_field(field);
            return true;
        }
        if self.picks_what_hangs_below(ask, text, reading) {
            return true;
        }
        // A common question is one, whatever else its words may mean.
        let asks = reading.is_question() && reading.group == GroupSlots::default();
        if asks && !is_command(reading.intent) && self.explanation(text).is_some() {
            self.clarify(text, reading);
            return true;
        }
        let changing = self.conversation.place.as_ref().is_some_and(|place| place.changing);
        let corrects = matches!(ask.answer, Expect::Confirm) || reading.intent == Intent::Correct;
        let wants_change = (corrects && reading.says(Saying::Changes) && split_change(text).is_none())
            || reading.says(Saying::GoesBack);
        let to_change = (changing || wants_change) && reading.group == GroupSlots::default();
        if to_change && self.name_field(text, true) {
            return true;
        }
        if self.changes_an_answer_to(text, reading) {
            return true;
        }
        // A question about privacy is answered here and now, without leaving the form.
        if self.asks_about_privacy(text, reading) {
            return true;
        }
        // "I can't find what I need" may be the very answer that is asked for, and so may "call me".
        let answers = (reading.intent == Intent::Feedback && !reading.is_whole(Intent::Feedback))
            || (reading.intent == Intent::Finish && matches!(ask.answer, Expect::Confirm))
            || (reading.intent == Intent::Person && self.says_how_to_talk(ask, text, reading))
            || (reading.intent == Intent::Person && self.is_left_for_a_person(ask, reading))
            || (matches!(reading.intent, Intent::Greeting | Intent::Bye) && says_when_to_meet(ask, reading));
        if !answers && is_command(reading.intent) && self.command(reading.intent) {
            return true;
        }
        // What is left for a person may well be a question: it is kept, not answered.
        let form = self.running().is_some_and(|(dialogue, _)| dialogue.form);
        let keeps_words = !form && matches!(ask.answer, Expect::Text(_)) && self.explanation(text).is_none();
        if reading.intent == Intent::Question && (!keeps_words || asks_what_is_meant(reading)) {
            self.clarify(text, reading);
            return true;
        }
        // "No", "nothing" and "I'm fine" to "what is going on?": there is nothing to look for.
        if matches!(ask.answer, Expect::Needs(_)) && matches!(reading.intent, Intent::No | Intent::Fine) {
            self.word(Word::AtEase);
            self.end_dialogue();
            return true;
        }
        // A group wished for in answer to "what kind of work do you do?", for nurses; or to "what is going on?".
        let one_of_few = matches!(ask.answer, Expect::Role | Expect::Area | Expect::YesNo | Expect::Needs(_));
        if (one_of_few || self.is_about_a_team())
            && !self.running().is_some_and(|(dialogue, _)| dialogue.group_slots)
        {
            let alone = self.content.understanding.read(text, None);
            if alone.intent == Intent::Group {
                self.begin_group(&alone);
                return true;
            }
        }
        // A word in which a need can only be guessed at: which one is asked, once.
        if matches!(ask.answer, Expect::Needs(_))
            && reading.is_guess()
            && self.first_try()
            && self.offered("skip")
            && self.picked(reading).is_none()
        {
            if let Some(place) = self.conversation.place.as_mut() {
                place.tries = 1;
            }
            self.word(Word::WhichNeed);
            self.ask_again();
            self.offer_guesses(reading);
            return true;
        }
        // Who does not know what is wrong is not taken to want a person at once.
        if reading.intent == Intent::Unsure
            && matches!(ask.answer, Expect::Needs(_))
            && let Some(place) = self.conversation.place.as_mut().filter(|place| place.tries == 0)
        {
            place.tries = 1;
            self.word(Word::NoNeedToKnow);
            self.hang_choices();
            return true;
        }
        let no_is_skip =
            !matches!(ask.answer, Expect::Choice(_) | Expect::YesNo | Expect::Confirm | Expect::Needs(_));
        let presses_skip =
            ask.skip.as_deref().is_some_and(|label| !label.is_empty() && plain(label) == plain(text));
        if presses_skip
            || (reading.skips() && !matches!(ask.answer, Expect::YesNo))
            || (no_is_skip && reading.intent == Intent::No)
            // "That's all", with nothing said.
            || (!form && matches!(ask.answer, Expect::Text(_)) && reading.is_whole(Intent::Finish))
        {
            self.skip();
            return true;
        }
        false
    }

    /// Answers a question about who sees what, and asks the open question again. Returns whether it was
    /// one; "privacy" alone wants all that there is to say of it.
    pub(crate) fn asks_about_privacy(&mut self, text: &str, reading: &Reading<'_>) -> bool {
        if reading.intent != Intent::Privacy || !(reading.is_question() || self.common_answer(text).is_some())
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
    pub(super) fn answered(&mut self, ask: &Ask, answer: Answer, note: Option<String>) {
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

    /// Does what an intent asks for from anywhere. Returns whether it was one of those.
    pub(super) fn command(&mut self, intent: Intent) -> bool {
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
            Intent::Thanks if self.running().is_some() => self.word_and_go_on(Word::ThanksMeanwhile),
            Intent::Thanks => self.word_and_go_on(Word::Thanks),
            Intent::Bye if self.conversation.flag.is_some() => self.word_and_stay(Word::StillHere),
            Intent::Bye => {
                self.word_and_stay(Word::Bye);
                self.still_asked();
            }
            Intent::Pause => self.word_and_stay(Word::Pause),
            Intent::Greeting if self.running().is_some_and(|(dialogue, _)| dialogue.form) => {
                self.word_and_go_on(Word::Resumed);
            }
            Intent::Greeting => {
                self.word_and_go_on(Word::Menu);
                self.still_asked();
            }
            Intent::Annoyed => self.sorry(),
            Intent::Person | Intent::Privacy | Intent::DeleteData | Intent::ClearChat | Intent::Feedback => {
                let Some(name) = self.content.dialogues.for_intent(intent).map(|d| d.dialogue.value.clone())
                else {
                    return false;
                };
                self.begin_or_ask_again(&name);
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

    /// "4", where "skip" is the fourth that hangs under a question of choice: the choices of a question are
    /// numbered where they are a list, and a number alone is no answer in words. Returns whether it was one.
    fn picks_what_hangs_below(&mut self, ask: &Ask, text: &str, reading: &Reading<'_>) -> bool {
        let number = text.trim().trim_end_matches(['.', ')']);
        let Expect::Choice(options) = &ask.answer else { return false };
        let Ok(number) = number.parse::<usize>() else { return false };
        if number <= options.len() {
            return false;
        }
        match self.picked(reading).as_deref() {
            Some("skip") => self.skip(),
            Some("finish") => self.finish_form(),
            Some(_) | None => self.not_understood(),
        }
        true
    }

    /// "Change the site to Barnet", at another question of a form. Returns whether it was so.
    fn changes_an_answer_to(&mut self, text: &str, reading: &Reading<'_>) -> bool {
        let Some((dialogue, place)) = self.running() else { return false };
        let form = dialogue.form && reading.group == GroupSlots::default();
        let Some((what, value)) = split_change(text).filter(|_| form) else { return false };
        let named = self.named_field(&plain(what), true);
        let Some(ask) = named.filter(|ask| place.answers.contains_key(&ask.id.value)) else { return false };
        let value_read = self.content.understanding.read(value, Some(&ask.id.value));
        let read = match self.read_surely(ask, value, &value_read) {
            Read::Nothing => read_freely(ask, value),
            read @ (Read::Answer(..) | Read::Other(..) | Read::Refused(_)) => read,
        };
        let Read::Answer(answer, _) = read else { return false };
        let field = ask.id.value.clone();
        self.fill(&field, answer);
        let rows = self.rows(&[field]);
        self.word(Word::Changed);
        self.say(rows);
        self.ask_again();
        true
    }

    /// Whether help is looked for that a group may give.
    fn is_about_a_team(&self) -> bool {
        let needs = self.conversation.place.as_ref().and_then(|place| place.answers.get("needs"));
        matches!(needs, Some(Answer::Needs(needs)) if needs.iter().any(|(id, _)| id == "team_support"))
    }

    /// "No managers", in answer to "which site?".
    fn is_answer_to_another(&self, ask: &Ask, reading: &Reading<'_>) -> bool {
        self.running().is_some_and(|(dialogue, _)| {
            let others = dialogue.asks().filter(|other| dialogue.form && other.id.value != ask.id.value);
            others
                .filter_map(|other| other.answer.options())
                .flatten()
                .any(|option| reading.is_exactly(&option.ways))
        })
    }

    /// "No closed", to an "open" that was put down before.
    fn corrects_after_a_no(&mut self, ask: &Ask, text: &str) -> bool {
        /// More words say no to something.
        const WORDS: usize = 2;
        let Some((no, rest)) = text.trim().split_once([' ', ',']) else { return false };
        if !no.eq_ignore_ascii_case("no") || rest.split_whitespace().count() > WORDS {
            return false;
        }
        let reading = self.content.understanding.read(rest, None);
        let corrects = self.running().is_some_and(|(dialogue, place)| {
            let values = slot_values(&reading.group);
            dialogue.form
                && values
                    .iter()
                    .any(|(field, _)| *field != ask.id.value && place.answers.contains_key(*field))
        });
        corrects && !self.fill_from_slots(ask, &Read::Nothing, &reading).is_empty()
    }

    /// "Enfield", in answer to "which organisation and team?": it is the area, and the question is asked once
    /// more. Returns whether it was so.
    fn tells_the_area_alone(&mut self, ask: &Ask, text: &str) -> bool {
        let Some(area) = self.hub.areas.iter().find(|area| plain(area) == plain(text)).cloned() else {
            return false;
        };
        let Some((dialogue, place)) = self.running() else { return false };
        let asked = dialogue.asks().find(|ask| matches!(ask.answer, Expect::Area));
        let Some(field) = asked.map(|ask| ask.id.value.clone()) else { return false };
        let heard = dialogue.heard.clone().unwrap_or_default();
        let once = matches!(ask.answer, Expect::Text(_))
            && self.first_try()
            && place.answers.get(&field).is_none_or(|answer| *answer == Answer::Skipped);
        if !once {
            return false;
        }
        self.fill(&field, Answer::Choice(area));
        if let Some(place) = self.conversation.place.as_mut() {
            place.tries = 1;
        }
        let rows = self.rows(&[field]);
        self.say(format!("{heard}\n{rows}"));
        self.ask_again();
        true
    }

    /// "I want to talk to someone about my pay", where what they would like to say is asked for.
    fn is_left_for_a_person(&self, ask: &Ask, reading: &Reading<'_>) -> bool {
        /// Fewer words say no more than that.
        const WORDS_OF_A_MESSAGE: usize = 8;
        let for_person = self.running().is_some_and(|(dialogue, _)| dialogue.intent == Some(Intent::Person));
        for_person
            && matches!(ask.answer, Expect::Text(_))
            && !reading.is_question()
            && reading.text.split_whitespace().count() >= WORDS_OF_A_MESSAGE
    }

    /// Whether "call me on Thursday" is the answer to the open question.
    fn says_how_to_talk(&self, ask: &Ask, text: &str, reading: &Reading<'_>) -> bool {
        let asks_when = self
            .running()
            .is_some_and(|(dialogue, _)| dialogue.asks().any(|ask| matches!(ask.answer, Expect::Talk)));
        (asks_when && speaks_of_talk(reading))
            || (matches!(ask.answer, Expect::Talk) && reading.way_to_talk().is_some())
            || (matches!(ask.answer, Expect::Contact) && reaches(text))
    }
}

/// What is to be changed and to what, of "change the site to Barnet".
fn split_change(text: &str) -> Option<(&str, &str)> {
    let low = text.to_ascii_lowercase();
    let from = low.find("change ")?;
    let to = from + low[from..].find(" to ")?;
    Some((text.get(from..to)?, text.get(to + " to ".len()..)?.trim())).filter(|(_, value)| !value.is_empty())
}

/// "Afternoon" is a time where one is asked for.
fn says_when_to_meet(ask: &Ask, reading: &Reading<'_>) -> bool {
    matches!(ask.answer, Expect::When | Expect::Talk) && reading.when().time.is_some()
}

/// "What?", "such as?": asks for the open question in other words.
pub(super) fn asks_what_is_meant(reading: &Reading<'_>) -> bool {
    reading.is_whole(Intent::Question)
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
        | Intent::Pause
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
