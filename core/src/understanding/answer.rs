//! Reading the answer to one question. All functions say `None` rather than guess.

use std::{borrow::Borrow, collections::BTreeSet};

use strsim::osa_distance;

use super::{
    Day, Intent, Reading, Size, Time, clip, question, slots,
    text::{self, Sep, Token},
};
use crate::safety::is_english;

/// The ways of saying one of the answers that a question offers, each as its words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ways(Vec<Vec<String>>);

impl Ways {
    /// Of an answer with its id, its label and other words for it.
    pub fn new(id: &str, label: &str, synonyms: &[String]) -> Self {
        let mut ways: Vec<Vec<String>> = [id, label]
            .into_iter()
            .chain(synonyms.iter().map(String::as_str))
            .map(|way| {
                text::tokens(&way.replace('_', " "))
                    .into_iter()
                    .map(|token| token.word)
                    .filter(|word| !FILLERS.contains(&word.as_str()))
                    .collect()
            })
            .filter(|way: &Vec<String>| !way.is_empty())
            .collect();
        ways.dedup();
        Self(ways)
    }
}

/// An answer to a question of yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum YesNo {
    Yes,
    No,
    Unsure,
}

/// When something suits, with the person's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    pub days: BTreeSet<Day>,
    pub time: Option<Time>,
    /// The answer as written, trimmed.
    pub text: String,
}

/// How to reach somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contact {
    /// As written, in lower case.
    Email(String),
    /// Digits, with a leading `+` if there was one.
    Phone(String),
    /// An email address and a phone number, as written.
    Several(String),
    /// Anything else, as written: "ask for me at the desk".
    Other(String),
}

/// The phone number or email address in a text, or the text itself. `None` for an empty text.
pub fn contact(text: &str) -> Option<Contact> {
    let text = clip(text).trim();
    if text.is_empty() {
        return None;
    }
    let email = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '<' | '>' | '(' | ')'))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .find(|word| is_email(word));
    // Two ways to reach somebody are both kept, as written.
    if email.is_some() && phone(text).is_some() {
        return Some(Contact::Several(text.to_owned()));
    }
    if let Some(email) = email {
        return Some(Contact::Email(email.to_lowercase()));
    }
    Some(phone(text).map_or_else(|| Contact::Other(text.to_owned()), Contact::Phone))
}

/// The place of the one name among `names` that a text holds: the boroughs or areas of the hub. A
/// typing error in a longer name is forgiven. `None` when none or several are named.
pub fn name_among<S: AsRef<str>>(text: &str, names: &[S]) -> Option<usize> {
    let tokens = text::tokens(clip(text));
    let matches = |exact: bool| {
        let mut found = names.iter().enumerate().filter(|(_, name)| holds(&tokens, name.as_ref(), exact));
        let first = found.next()?.0;
        found.next().is_none().then_some(first)
    };
    matches(true).or_else(|| matches(false))
}

impl Reading<'_> {
    /// Which of a question's answers it picks (its place in `choices`): by number, by letter, by words, or
    /// by words that are nearly those. `None` when none or more than one fits.
    pub fn choose<'c, T, W: Borrow<Ways>>(
        &self,
        choices: &'c [T],
        ways: impl Fn(&'c T) -> W,
    ) -> Option<usize> {
        let words = self.tokens.iter().map(|token| token.word.as_str());
        let words: Vec<&str> = words.filter(|word| !FILLERS.contains(word)).collect();
        if (words.is_empty() && !self.says_nothing()) || question::is_question(&self.tokens) {
            return None;
        }
        // "It's 3am" picks nothing.
        let clock = self.tokens.iter().any(|token| token.is(&["am", "pm", "oclock"]))
            && self.tokens.iter().any(Token::is_digits);
        let by_number = if clock { None } else { by_number(&words, choices.len()) };
        by_number.or_else(|| {
            let ways: Vec<W> = choices.iter().map(ways).collect();
            let ways: Vec<&[Vec<String>]> = ways.iter().map(|ways| ways.borrow().0.as_slice()).collect();
            by_words(&words, &ways).or_else(|| by_near_words(&words, &ways)).or_else(|| self.by_yes_no(&ways))
        })
    }

    /// The answer (its place in `choices`) that it names in two words or more, besides whatever else it
    /// says: "8 nurses, no managers".
    pub fn names_among<'c, T>(&self, choices: &'c [T], ways: impl Fn(&'c T) -> &'c Ways) -> Option<usize> {
        let words: Vec<&str> = self.tokens.iter().map(|token| token.word.as_str()).collect();
        let stands = |way: &Vec<String>| {
            way.len() > 1 && words.windows(way.len()).any(|window| window == way.as_slice())
        };
        let ways: Vec<&Ways> = choices.iter().map(ways).collect();
        only(&ways, |ways| ways.0.iter().any(stands))
    }

    /// Whether it says of anything that it is not so.
    pub fn denies(&self) -> bool {
        self.tokens.iter().any(|token| token.is(&DENIALS))
    }

    /// Whether it is some way of saying an answer, in two words or more, and nothing else: "every week".
    pub fn is_exactly(&self, ways: &Ways) -> bool {
        let words = self.tokens.iter().map(|token| token.word.as_str());
        let words: Vec<&str> = words.filter(|word| !FILLERS.contains(word)).collect();
        ways.0.iter().any(|way| way.len() > 1 && way.iter().map(String::as_str).eq(words.iter().copied()))
    }

    /// The answer that has "yes" or "no" among its words, for a yes or a no said in any way.
    fn by_yes_no(&self, ways: &[&[Vec<String>]]) -> Option<usize> {
        let word = match self.yes_no() {
            Some(YesNo::Yes) => "yes",
            Some(YesNo::No) => "no",
            Some(YesNo::Unsure) | None => return None,
        };
        only(ways, |ways| ways.iter().any(|way| matches!(way.as_slice(), [own] if own == word)))
    }

    /// Yes, no or unsure, if it says nothing else.
    pub fn yes_no(&self) -> Option<YesNo> {
        let intent = self.whole?;
        let answers = [
            (YesNo::Yes, &[Intent::Yes, Intent::Finish]),
            (YesNo::No, &[Intent::No, Intent::Fine]),
            (YesNo::Unsure, &[Intent::Unsure, Intent::Skip]),
        ];
        answers.into_iter().find(|(_, intents)| intents.contains(&intent)).map(|(answer, _)| answer)
    }

    /// Will not or cannot answer: "not sure yet", "pass", "rather not say".
    pub fn skips(&self) -> bool {
        matches!(self.whole, Some(Intent::Skip | Intent::Unsure))
    }

    /// How many people it says as an answer to "how many?".
    pub fn size(&self) -> Option<Size> {
        slots::read(&self.understanding.words, &self.tokens, Some("size")).size
    }

    /// How many sessions it says as an answer; also out of range.
    pub fn sessions(&self) -> Option<u32> {
        slots::read(&self.understanding.words, &self.tokens, Some("sessions")).sessions
    }

    /// Its days and time as an answer. Both may be missing: the words are kept in any case.
    pub fn when(&self) -> When {
        let slots = slots::read(&self.understanding.words, &self.tokens, Some("when"));
        When { days: slots.days, time: slots.time, text: self.text.trim().to_owned() }
    }
}

const FILLERS: &[&str] = &[
    "the",
    "a",
    "an",
    "please",
    "one",
    "option",
    "number",
    "choice",
    "i",
    "would",
    "like",
    "want",
    "think",
    "will",
    "go",
    "for",
    "with",
    "it",
    "is",
    "its",
    "that",
    "this",
    "be",
    "my",
    "am",
    "prefer",
    "probably",
    "ill",
    "id",
    "id",
    "take",
    "just",
    "lets",
    "let",
    "say",
    "to",
    "of",
    "and",
    "um",
    "er",
    "ok",
    "okay",
    "we",
    "have",
    "choose",
    "pick",
    "some",
    "thanks",
    "definitely",
];

fn by_number(words: &[&str], count: usize) -> Option<usize> {
    let [word] = words else { return None };
    let place = match *word {
        "first" | "1st" => 1,
        "second" | "2nd" | "two" | "b" => 2,
        "third" | "3rd" | "three" | "c" => 3,
        "fourth" | "4th" | "four" | "d" => 4,
        "fifth" | "5th" | "five" | "e" => 5,
        "sixth" | "6th" | "six" => 6,
        "last" => count,
        digits => digits.parse().ok()?,
    };
    (1..=count).contains(&place).then(|| place - 1)
}

fn by_words(words: &[&str], ways: &[&[Vec<String>]]) -> Option<usize> {
    let exact = |way: &Vec<String>| way.iter().map(String::as_str).eq(words.iter().copied());
    if let Some(only) = only(ways, |ways| ways.iter().any(exact)) {
        return Some(only);
    }
    // One choice whose words all stand in the answer; the most words win.
    let score = |ways: &&[Vec<String>]| {
        let held = |way: &&Vec<String>| stands(words, way, |own, word| own == word);
        ways.iter().filter(held).map(Vec::len).max().unwrap_or(0)
    };
    best(ways, score).or_else(|| {
        // Or whose label holds all the words of the answer, and little more: "work" is not "a number
        // didn't work".
        let within = |ways: &&[Vec<String>]| {
            let held = |way: &Vec<String>| {
                let denies = |own: &String| DENIALS.contains(&own.as_str()) && !words.contains(&own.as_str());
                way.len() <= words.len() * 2
                    && !way.iter().any(denies)
                    && words.iter().all(|word| way.iter().any(|own| own == word))
            };
            usize::from(ways.iter().any(held))
        };
        best(ways, within)
    })
}

fn by_near_words(words: &[&str], ways: &[&[Vec<String>]]) -> Option<usize> {
    const SHORTEST: usize = 4;
    // A word that is right as it stands is no slip: "deaf" is not "dead".
    let near = |own: &String, word: &str| {
        own == word
            || (own.chars().count() >= SHORTEST
                && !is_english(word)
                && own.len() < 30
                && word.len() < 30
                && osa_distance(own, word) <= if own.chars().count() > 7 { 2 } else { 1 })
    };
    let score = |ways: &&[Vec<String>]| {
        let held = |way: &&Vec<String>| stands(words, way, near);
        ways.iter().filter(held).map(Vec::len).max().unwrap_or(0)
    };
    best(ways, score)
}

/// Whether all words of a way stand in an answer, and are what it says: "not really helpful" is not
/// "helpful", and "great, and now they have cut my hours" not "great".
fn stands(words: &[&str], way: &[String], same: impl Fn(&String, &str) -> bool) -> bool {
    /// An answer may have so many words for each of the way's.
    const MOST_FOR_ONE: usize = 4;
    /// So many words before the way may say that it is not meant.
    const REACH: usize = 2;
    if words.len() > way.len() * MOST_FOR_ONE {
        return false;
    }
    // "I no have computer" is no "no".
    let is_word_alone = matches!(way, [own] if own == "no" || own == "yes");
    if is_word_alone && words.len() > 2 {
        return false;
    }
    let Some(places) =
        way.iter().map(|own| words.iter().position(|word| same(own, word))).collect::<Option<Vec<usize>>>()
    else {
        return false;
    };
    let first = places.iter().copied().min().unwrap_or(0);
    // "No, weekly" answers what was said before.
    let denies =
        |at: usize| DENIALS.contains(&words[at]) && !places.contains(&at) && (at > 0 || words[at] != "no");
    !(first.saturating_sub(REACH)..first).any(denies)
}

/// Words that say that what follows is not meant.
const DENIALS: [&str; 21] = [
    "not", "no", "nor", "never", "nobody", "cannot", "hardly", "without", "dont", "doesnt", "didnt", "isnt",
    "arent", "wasnt", "werent", "cant", "couldnt", "wont", "wouldnt", "havent", "aint",
];

fn only<T>(list: &[T], fits: impl Fn(&T) -> bool) -> Option<usize> {
    let mut found = list.iter().enumerate().filter(|(_, item)| fits(item));
    let first = found.next()?.0;
    found.next().is_none().then_some(first)
}

fn best<T>(list: &[T], score: impl Fn(&T) -> usize) -> Option<usize> {
    let scores: Vec<usize> = list.iter().map(score).collect();
    let most = scores.iter().copied().max().filter(|most| *most > 0)?;
    only(&scores, |score| *score == most)
}

fn is_email(word: &str) -> bool {
    let Some((name, host)) = word.split_once('@') else { return false };
    !name.is_empty()
        && !host.contains('@')
        && host.contains('.')
        && !host.starts_with('.')
        && !host.ends_with('.')
}

/// Seven to fifteen digits, however they are grouped.
fn phone(text: &str) -> Option<String> {
    let mut best: Option<String> = None;
    let mut digits = String::new();
    for c in text.chars().chain([';']) {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() => digits.push(c),
            ' ' | '-' | '(' | ')' | '.' | '\u{a0}' => {}
            _ => {
                let count = digits.chars().filter(char::is_ascii_digit).count();
                if (7..=15).contains(&count) && best.is_none() {
                    best = Some(std::mem::take(&mut digits));
                }
                digits.clear();
            }
        }
    }
    best
}

fn holds(tokens: &[Token], name: &str, exact: bool) -> bool {
    const LONG: usize = 6;
    let name = text::tokens(name);
    if name.is_empty() {
        return false;
    }
    tokens.windows(name.len()).any(|window| {
        window.iter().zip(&name).enumerate().all(|(at, (token, own))| {
            let together = at == 0 || token.before < Sep::Sentence;
            let near = !exact
                && own.word.chars().count() >= LONG
                && token.word.chars().next() == own.word.chars().next()
                && osa_distance(&token.word, &own.word) <= 1;
            together && (token.word == own.word || near)
        })
    })
}
