//! Shows what the directory found.

use super::{
    Answer,
    model::{Expect, Offer, OfferField, Opt},
    parse::{Read, after_a_no, read_freely},
    talk::Talk,
};
use crate::{
    content::{Word, plain},
    directory::{Field, Query},
    effect::Choice,
    understanding::{Intent, Reading, answer::name_among},
};

/// How one of the offers is named by where it stands.
const PLACES: [&str; 10] =
    ["first", "second", "third", "1st", "2nd", "3rd", "last", "top", "middle", "bottom"];

/// Shorter words name no offer, and neither do words of so many names.
const SHORTEST_NAME: usize = 4;
const MANY_NAMES: usize = 3;

impl Talk<'_> {
    /// Shows the next offers that fit, and what is open now. Returns whether there were any.
    pub(crate) fn show_offers(&mut self, offer: &Offer) -> bool {
        let needs = self.needs();
        let shown = self.conversation.place.as_ref().map(|place| place.shown.clone()).unwrap_or_default();
        let list = self.content.directory.search(&self.query(&needs, &shown));
        if list.matches.is_empty() {
            return false;
        }
        let now = self.now();
        let cards: Vec<String> = list
            .matches
            .iter()
            .enumerate()
            .map(|(nth, found)| format!("{}. {}", nth + 1, found.card(now)))
            .collect();
        let open_now = list.open_now.as_ref().map(|found| found.card(now));
        // The next list names another that is open now, where there is one.
        let ids: Vec<String> =
            list.matches.iter().chain(&list.open_now).map(|found| found.offer.id.clone()).collect();

        let heading = self.render(&offer.text.value);
        let open_heading = self.render(&offer.open_now);
        let ask = self.render(&offer.ask.value);
        self.say(format!("{heading}\n\n{}", cards.join("\n\n")));
        if let Some(open_now) = open_now {
            self.say(format!("{open_heading}\n{open_now}"));
        }
        self.say(ask);
        if let Some(place) = self.conversation.place.as_mut() {
            place.step.clone_from(&offer.id.value);
            place.tries = 0;
            place.shown.extend(ids);
        }
        self.offer_choices(
            offer
                .choices
                .iter()
                .map(|option| Choice { id: option.id.value.clone(), label: option.label.clone() })
                .collect(),
        );
        true
    }

    /// Takes a role or an area that was told where what is shown could go by it: "camden", "I'm an
    /// HCA". Returns whether there was one.
    pub(crate) fn tells_role_or_area(&mut self, text: &str) -> bool {
        /// More words say something else besides.
        const FEW: usize = 6;
        if text.split_whitespace().count() > FEW {
            return false;
        }
        let role = self.content.understanding.role(text).map(str::to_owned);
        let area = name_among(text, &self.hub.areas).map(|nth| self.hub.areas[nth].clone());
        let told = role.is_some() || area.is_some();
        self.conversation.role = role.or(self.conversation.role.take());
        self.conversation.area = area.or(self.conversation.area.take());
        told
    }

    /// "No, I just want to cry", to what was shown: more than that it does not fit.
    pub(crate) fn tells_after_a_no(&self, offer: &Offer, text: &str) -> bool {
        /// Fewer words tell nothing.
        const WORDS: usize = 4;
        let Some(rest) = after_a_no(text).filter(|rest| rest.split_whitespace().count() >= WORDS) else {
            return false;
        };
        let reading = self.content.understanding.read(rest, None);
        let picks = reading.choose(&offer.choices, |option| &option.ways).is_some();
        !picks
            && reading.intent == Intent::Signpost
            && reading.is_of_oneself()
            && self.content.understanding.role(rest).is_none()
    }

    /// Whether there is anything at all to show for the needs that a text speaks of.
    pub(crate) fn has_offers_for(&self, reading: &Reading<'_>) -> bool {
        let needs: Vec<(&str, f64)> =
            reading.main_needs().map(|need| (need.id.as_str(), need.score)).collect();
        !self.content.directory.search(&self.query(&needs, &[])).matches.is_empty()
    }

    /// Shows what fits a role or an area that was told, unless all of it was shown before.
    pub(crate) fn show_what_fits_now(&mut self, offer: &Offer) {
        let needs = self.needs();
        let shown = self.conversation.place.as_ref().map(|place| place.shown.clone()).unwrap_or_default();
        let found = self.content.directory.search(&self.query(&needs, &[])).matches;
        if found.iter().all(|found| shown.contains(&found.offer.id)) {
            self.word(Word::Noted);
            return self.ask_again();
        }
        if let Some(place) = self.conversation.place.as_mut() {
            place.shown.clear();
        }
        self.go_to_anew(&offer.id.value, None);
    }

    /// "The Cruse number just rings" answers already which one did not work. `picked`: the choice that it
    /// picks; `step`: what comes next.
    pub(super) fn told_of_an_offer(&self, picked: &Opt, step: &str, text: &str) -> Option<Answer> {
        let picked = plain(&picked.label);
        let (dialogue, place) = self.running()?;
        let ask = dialogue.ask(step).filter(|ask| matches!(ask.answer, Expect::Text(_)))?;
        let text_words = plain(text);
        let says = |word: &str| text_words.contains(&format!(" {word} "));
        let names = |id: &String| {
            let name = self.content.directory.offer(id).map(|offer| plain(&offer.name)).unwrap_or_default();
            // "Helpline" stands in many names and names none, and "work" is what a number does.
            let names_it = |word: &&str| {
                word.len() >= SHORTEST_NAME
                    && !picked.contains(&format!(" {word} "))
                    && self.content.directory.offers_named(word) < MANY_NAMES
            };
            name.split_whitespace().filter(names_it).any(says)
        };
        if !PLACES.iter().any(|place| says(place)) && !place.shown.iter().any(names) {
            return None;
        }
        match read_freely(ask, text) {
            Read::Answer(answer, _) => Some(answer),
            Read::Other(..) | Read::Refused(_) | Read::Nothing => None,
        }
    }

    /// Whether knowing the field could change what is shown.
    pub(crate) fn changes_offers(&self, field: OfferField) -> bool {
        // Who told of danger is not asked for their job before they are shown anything.
        if self.conversation.flag.is_some() {
            return false;
        }
        let known = match field {
            OfferField::Area => self.conversation.area.is_some(),
            OfferField::Role => self.conversation.role.is_some(),
        };
        if known {
            return false;
        }
        let needs = self.needs();
        let query = self.query(&needs, &[]);
        self.content.directory.changes_answer(
            &query,
            match field {
                OfferField::Area => Field::Area,
                OfferField::Role => Field::Role,
            },
        )
    }

    fn query<'q>(&'q self, needs: &'q [(&'q str, f64)], exclude: &'q [String]) -> Query<'q> {
        Query {
            needs,
            area: self.conversation.area.as_deref(),
            role: self.conversation.role.as_deref(),
            sector: None,
            nation: self.hub.nation,
            now: self.now(),
            exclude,
            areas: &self.hub.areas,
        }
    }

    fn needs(&self) -> Vec<(&str, f64)> {
        match self.conversation.place.as_ref().and_then(|place| place.answers.get("needs")) {
            Some(Answer::Needs(needs)) => needs.iter().map(|(id, score)| (id.as_str(), *score)).collect(),
            Some(
                Answer::Skipped
                | Answer::Choice(_)
                | Answer::Number(_)
                | Answer::Size(_)
                | Answer::When(_)
                | Answer::Text(_),
            )
            | None => Vec::new(),
        }
    }

    /// One more choice under what was said last.
    pub(crate) fn add_choice(&mut self, word: Word, id: &str) {
        let choice = self.choice(id, word);
        self.push_choice(choice);
    }
}
