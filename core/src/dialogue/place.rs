//! Where a conversation is in a dialogue, and what was answered so far.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::summary::except_words;
use crate::{
    conversation::is_default,
    understanding::{Day, Size, Time},
};

/// A dialogue under way.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    pub dialogue: String,
    /// The step that waits for the person.
    pub step: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub answers: BTreeMap<String, Answer>,
    /// Steps passed, in order: for going back, and so that nothing is said twice.
    #[serde(default, skip_serializing_if = "is_default")]
    pub path: Vec<String>,
    /// How often the open question was not understood.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tries: u8,
    /// Offers already shown in this dialogue.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shown: Vec<String>,
    /// The choices under the open question may have changed to a list of fields to change.
    #[serde(default, skip_serializing_if = "is_default")]
    pub changing: bool,
    /// "That's all": go on to the summary with the rest unanswered.
    #[serde(default, skip_serializing_if = "is_default")]
    pub finish: bool,
}

/// Where it stands, and what was answered without how.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("dialogue", &self.dialogue)
            .field("step", &self.step)
            .field("answered", &self.answers.keys())
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// One answer.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Not sure yet, or rather not say: null in a record.
    Skipped,
    /// Id of an option.
    Choice(String),
    Number(u32),
    Size(Size),
    When(When),
    Text(String),
    /// Ids of needs with their scores, best first.
    Needs(Vec<(String, f64)>),
}

/// What kind of an answer it is, and no more.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Skipped => "Skipped",
            Self::Choice(_) => "Choice",
            Self::Number(_) => "Number",
            Self::Size(_) => "Size",
            Self::When(_) => "When",
            Self::Text(_) => "Text",
            Self::Needs(_) => "Needs",
        })
    }
}

/// When something should be, as far as it was said. No `Debug`: it holds an answer.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct When {
    #[serde(default, skip_serializing_if = "is_default")]
    pub days: BTreeSet<Day>,
    /// Days that do not suit, where no other is named.
    #[serde(default, skip_serializing_if = "is_default")]
    pub except: BTreeSet<Day>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub time: Option<Time>,
    /// How to talk: `phone`, `video`, `chat`, `in_person`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub by: Option<String>,
    /// Their own words, where the rest does not say it all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub text: Option<String>,
}

impl Answer {
    /// As it stands in a saved record.
    pub fn to_json(&self, with_way: bool) -> serde_json::Value {
        match self {
            Self::Skipped => serde_json::Value::Null,
            Self::Choice(id) => json!(id),
            Self::Number(number) => json!(number),
            Self::Size(size) => json!(size),
            Self::When(when) if with_way => {
                json!({"days": when.days, "time": when.time, "by": when.by, "text": when.text})
            }
            Self::When(when) => {
                let text = when.text.clone().or_else(|| except_words(when));
                json!({"days": when.days, "time": when.time, "text": text})
            }
            Self::Text(text) => json!(text),
            Self::Needs(needs) => json!(needs.iter().map(|(id, _)| id).collect::<Vec<_>>()),
        }
    }

    /// The value that a condition, a branch or `next` compares with.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Choice(id) => Some(id),
            Self::Skipped => Some("skipped"),
            Self::Number(_) | Self::Size(_) | Self::When(_) | Self::Text(_) | Self::Needs(_) => None,
        }
    }
}
