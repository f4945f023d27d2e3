//! The examples of the content, held against what is read.

use super::{Understanding, intents::Example};
use crate::content::{Finding, Source};

pub(super) fn check(understanding: &Understanding) -> Vec<Finding> {
    let mut findings = Vec::new();
    let needs = Source { file: understanding.needs.file(), text: "" };
    for (id, example) in understanding.needs.examples() {
        let reading = understanding.read(&example.value, Some("needs"));
        let found: Vec<&str> = reading.needs().iter().map(|need| need.id.as_str()).collect();
        if found.first() != Some(&id) {
            let found = if found.is_empty() { "no need".to_owned() } else { found.join(", ") };
            let message = format!("\"{}\" should give {id} first, and gives {found}.", example.value);
            findings.push(needs.error(example, message));
        }
    }
    let intents = Source { file: &understanding.intents.file, text: "" };
    for Example { text, intent, must } in &understanding.intents.examples {
        let found = understanding.read(&text.value, None).intent;
        if (found == *intent) != *must {
            let should = if *must { "should" } else { "should not" };
            let message =
                format!("\"{}\" {should} be taken for {intent:?}, and is taken for {found:?}.", text.value);
            findings.push(intents.error(text, message));
        }
    }
    for (text, saying, must) in &understanding.intents.sayings_examples {
        if understanding.read(&text.value, None).says(*saying) != *must {
            let should = if *must { "should" } else { "should not" };
            let message = format!("\"{}\" {should} be heard as {saying:?}.", text.value);
            findings.push(intents.error(text, message));
        }
    }
    let slots = Source { file: &understanding.words.file, text: "" };
    for example in &understanding.words.examples {
        let tokens = super::text::tokens(&example.text.value);
        let found = super::slots::read(&understanding.words, &tokens, example.step.as_deref());
        if found != example.slots {
            let message =
                format!("\"{}\" gives other slots than it should: {}.", example.text.value, in_json(&found));
            findings.push(slots.error(&example.text, message));
        }
    }
    findings
}

fn in_json(slots: &super::GroupSlots) -> String {
    serde_json::to_string(slots).unwrap_or_default()
}
