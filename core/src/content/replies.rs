//! Answers that practitioners can send with a word, from `replies.yaml`.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Finding, Source, template};

/// Buttons that a desk message can carry; more are sent by name.
const SHOWN: usize = 12;

/// Prepared answers, in the order of the file. There may be none.
#[derive(Debug, Clone, Default)]
pub struct Replies(Vec<Reply>);

/// One prepared answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// `reply NAME` sends it.
    pub name: String,
    /// On its button.
    pub label: String,
    pub text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Spanned<String>,
    label: String,
    text: Spanned<String>,
}

impl Replies {
    /// Reads `replies.yaml`. A name that cannot stand in a button, or stands there twice, an empty
    /// text or an unknown name in braces is a finding.
    pub fn load(file: &str, text: &str, findings: &mut Vec<Finding>) -> Self {
        let source = Source { file, text };
        let entries = match source.parse::<Vec<Entry>>() {
            Ok(entries) => entries,
            Err(finding) => {
                findings.push(finding);
                return Self::default();
            }
        };
        let mut known = BTreeSet::new();
        for entry in &entries {
            let name = &entry.name.value;
            let fits = (1..=30).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if !fits {
                let text = "a prepared answer's name is 1 to 30 of a-z, 0-9 and _".to_owned();
                findings.push(source.error(&entry.name, text));
            }
            if !known.insert(name) {
                findings.push(source.error(&entry.name, format!("a second answer is called “{name}”")));
            }
            if entry.text.value.trim().is_empty() {
                findings.push(source.error(&entry.text, format!("the answer “{name}” is empty")));
            }
            for name in template::names(&entry.text.value) {
                if !template::NAMES.contains(&name) {
                    findings.push(source.error(&entry.text, format!("nothing is called {{{name}}}")));
                }
            }
        }
        let replies = entries.into_iter().map(|entry| Reply {
            name: entry.name.value,
            label: entry.label,
            text: entry.text.value,
        });
        Self(replies.collect())
    }

    pub fn get(&self, name: &str) -> Option<&Reply> {
        let name = name.to_lowercase();
        self.0.iter().find(|reply| reply.name == name)
    }

    /// Those that get a button, in order.
    pub fn shown(&self) -> impl Iterator<Item = &Reply> {
        self.0.iter().take(SHOWN)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|reply| reply.name.as_str())
    }
}
