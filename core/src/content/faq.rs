//! Questions that people ask in the middle of anything, from `faq.yaml`.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Finding, Source, template};
use crate::dialogue::Dialogues;

/// The place of somebody for whom a practitioner was asked to come.
pub const WAITING: &str = "waiting";

/// The place of somebody who has sent a request, while nothing else is open.
pub const SENT: &str = "sent";

/// The place of somebody who is worried that another person may end their life.
pub const FOR_ANOTHER: &str = "for_another";

/// The answers to common questions.
#[derive(Debug, Clone, Default)]
pub struct Faq(Vec<Entry>);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Phrases; one of them must stand in the question, as whole words.
    ask: Vec<String>,
    /// Where this answer is true: names of dialogues, [`WAITING`], [`SENT`] and [`FOR_ANOTHER`]. Empty: anywhere.
    #[serde(default, rename = "in")]
    places: Vec<Spanned<String>>,
    /// Answers who says so as well as who asks: "I'm deaf".
    #[serde(default)]
    told: bool,
    say: Spanned<String>,
}

impl Faq {
    /// Reads `faq.yaml`, a list of entries.
    pub fn load(file: &str, text: &str, findings: &mut Vec<Finding>) -> Self {
        let source = Source { file, text };
        match source.parse::<Vec<Entry>>() {
            Ok(entries) => {
                for entry in &entries {
                    for name in template::names(&entry.say.value) {
                        if !template::NAMES.contains(&name) {
                            findings.push(source.error(&entry.say, format!("nothing is called {{{name}}}")));
                        }
                    }
                }
                Self(entries)
            }
            Err(finding) => {
                findings.push(finding);
                Self::default()
            }
        }
    }

    /// The answer to a question that is asked in some places at once: the entry of one of them, or else
    /// of no place, with the longest phrase found in it.
    pub fn answer(&self, question: &str, places: &[&str]) -> Option<&str> {
        self.entry(question, places).map(|entry| entry.say.value.as_str())
    }

    /// Whether that answers a text that asks nothing, too.
    pub fn answers_when_told(&self, text: &str, places: &[&str]) -> bool {
        self.entry(text, places).is_some_and(|entry| entry.told)
    }

    /// Whether that is asked in so many words: its phrase is half of the question, or more.
    pub fn is_asked_plainly(&self, question: &str, places: &[&str]) -> bool {
        let words = |text: &str| text.split_whitespace().count();
        self.found(question, places).is_some_and(|(phrase, _)| 2 * words(&phrase) >= words(&plain(question)))
    }

    fn entry(&self, question: &str, places: &[&str]) -> Option<&Entry> {
        self.found(question, places).map(|(_, entry)| entry)
    }

    /// The entry, and the phrase of it that stands in the question.
    fn found(&self, question: &str, places: &[&str]) -> Option<(String, &Entry)> {
        let question = plain(question);
        let here = |entry: &Entry| entry.places.iter().any(|place| places.contains(&place.value.as_str()));
        self.0
            .iter()
            .filter(|entry| entry.places.is_empty() || here(entry))
            .flat_map(|entry| entry.ask.iter().map(move |phrase| (plain(phrase), entry)))
            .filter(|(phrase, _)| question.contains(phrase.as_str()))
            .max_by_key(|(phrase, entry)| (phrase.len(), here(entry)))
    }

    /// Whatever an entry names as a place and is none.
    pub fn check_places(&self, file: &str, text: &str, dialogues: &Dialogues, findings: &mut Vec<Finding>) {
        let source = Source { file, text };
        for place in self.0.iter().flat_map(|entry| &entry.places) {
            if ![WAITING, SENT, FOR_ANOTHER].contains(&place.value.as_str())
                && dialogues.get(&place.value).is_none()
            {
                findings.push(source.error(place, format!("there is no dialogue named “{}”", place.value)));
            }
        }
    }
}

/// Lower case, words alone, one space before and after each.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::from(" ");
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’').filter(|w| !w.is_empty())
    {
        out.extend(word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase));
        out.push(' ');
    }
    out
}
