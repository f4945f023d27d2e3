//! What is learned from: one example.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::safety::{Kind, Route};

/// A text, and what should be heard in it: a line of `safety/examples/*.jsonl`, in the form that
/// `chatbox understand --score` reads too. What else stands there is not learned from.
#[derive(Debug, Clone, Deserialize)]
pub struct Lesson {
    pub text: String,
    /// What figures are given by.
    pub group: String,
    /// The gentlest route that is right.
    pub min: Route,
    /// The highest route that is right; E if left out.
    #[serde(default = "highest")]
    pub max: Route,
    /// Every kind of danger in it, where that can be said.
    pub kinds: Option<BTreeSet<Kind>>,
}

fn highest() -> Route {
    Route::E
}

impl Lesson {
    /// Reads a line; `None` for one of several messages in turn (`texts`), which the rules alone add
    /// up. The error is a sentence without the person's words.
    pub fn parse(line: &str) -> Result<Option<Self>, String> {
        let value: serde_json::Value = serde_json::from_str(line).map_err(|_| "it is not JSON".to_owned())?;
        if value.get("texts").is_some() {
            return Ok(None);
        }
        let lesson: Self = serde_json::from_value(value).map_err(|_| {
            "a line is {\"text\": …, \"group\": …, \"min\": \"B\", \"max\": \"C\", \"kinds\": […]}, the last two may be left out".to_owned()
        })?;
        if lesson.min > lesson.max {
            return Err("\"min\" is above \"max\"".to_owned());
        }
        Ok(Some(lesson))
    }
}
