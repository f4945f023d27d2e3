//! What people looked for and could not find, told to the desk's room once a week.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::Value;

use crate::{
    content::Content,
    effect::{DeskKind, DeskPost, Effect},
};

/// Their own words that are shown; all are kept as records.
const WORDS: usize = 20;

/// The field of a record of the kind `dead_number` that holds what did not work.
const NUMBER: &str = "which_number";

/// A digest of records of the kinds `gap` and `dead_number`. Nothing where there are none.
pub(crate) fn digest(content: &Content, gaps: &[Value]) -> Vec<Effect> {
    // Who reports a number and then misses something has said both in the second record.
    let of_number = |record: &&Value| record["gap"].is_null() && record[NUMBER].is_string();
    let (numbers, gaps): (Vec<&Value>, Vec<&Value>) = gaps.iter().partition(of_number);
    let mut texts = Vec::new();
    if !gaps.is_empty() {
        texts.push(missing(content, &gaps));
    }
    if !numbers.is_empty() {
        let mut text = format!("Numbers and links said not to work in the last week: {}.", numbers.len());
        quote(&mut text, &numbers, NUMBER);
        texts.push(text);
    }
    texts.into_iter().map(|text| Effect::Desk(DeskPost::new(None, DeskKind::Notice, text))).collect()
}

fn missing(content: &Content, gaps: &[&Value]) -> String {
    let mut needs: BTreeMap<&str, usize> = BTreeMap::new();
    for need in gaps.iter().flat_map(|gap| gap["needs"].as_array().into_iter().flatten()) {
        if let Some(id) = need.as_str() {
            *needs.entry(content.need_words(id).unwrap_or(id)).or_default() += 1;
        }
    }
    let mut themes: Vec<(&str, usize)> = needs.into_iter().collect();
    themes.sort_by_key(|(words, count)| (std::cmp::Reverse(*count), *words));
    let mut text = format!("What people could not find in the last week: {}.", gaps.len());
    for (words, count) in themes {
        let _ = write!(text, "\n- {words}: {count}");
    }
    quote(&mut text, gaps, "gap");
    text
}

/// What people wrote in a field of the records.
fn quote(text: &mut String, records: &[&Value], field: &str) {
    let words: Vec<&str> = records
        .iter()
        .filter_map(|record| record[field].as_str())
        .filter(|words| !words.trim().is_empty())
        .take(WORDS)
        .collect();
    if !words.is_empty() {
        text.push_str("\nIn their words:");
    }
    for words in words {
        let _ = write!(text, "\n“{}”", words.replace('\n', " "));
    }
}
