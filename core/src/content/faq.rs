//! Questions that people ask in the middle of anything, from `faq.yaml`.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Finding, Source, template};

/// The answers to common questions.
#[derive(Debug, Clone, Default)]
pub struct Faq(Vec<Entry>);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Phrases; one of them must stand in the question, as whole words.
    ask: Vec<String>,
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

    /// The answer to a question: the entry with the longest phrase found in it.
    pub fn answer(&self, question: &str) -> Option<&str> {
        let question = plain(question);
        self.0
            .iter()
            .flat_map(|entry| entry.ask.iter().map(move |phrase| (plain(phrase), entry)))
            .filter(|(phrase, _)| question.contains(phrase.as_str()))
            .max_by_key(|(phrase, _)| phrase.len())
            .map(|(_, entry)| entry.say.value.as_str())
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
