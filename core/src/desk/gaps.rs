//! What people looked for and could not find, told to the desk's room once a week.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::Value;

use crate::{
    content::Content,
    effect::{DeskKind, DeskPost, Effect},
};

/// Their own words that are shown; all are kept as records.
const WORDS: usize = 20;

/// A digest of records of the kind `gap`. Nothing where there are none.
pub(crate) fn digest(content: &Content, gaps: &[Value]) -> Vec<Effect> {
    if gaps.is_empty() {
        return Vec::new();
    }
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
    let words: Vec<&str> = gaps
        .iter()
        .filter_map(|gap| gap["gap"].as_str())
        .filter(|words| !words.trim().is_empty())
        .take(WORDS)
        .collect();
    if !words.is_empty() {
        text.push_str("\nIn their words:");
    }
    for words in words {
        let _ = write!(text, "\n«{}»", words.replace('\n', " "));
    }
    vec![Effect::Desk(DeskPost::new(None, DeskKind::Notice, text))]
}
