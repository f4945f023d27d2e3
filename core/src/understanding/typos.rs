//! Typing errors: one letter wrong, missing, too many, or two swapped, in longer words.

use rustc_hash::{FxHashMap, FxHashSet};
use strsim::osa_distance;

/// Shorter words are too often other words.
const SHORTEST: usize = 6;
const LONGEST: usize = 20;

/// An index of words by themselves less one letter.
#[derive(Debug, Default)]
pub(super) struct Typos {
    by_shorter: FxHashMap<String, Vec<u32>>,
    words: Vec<(String, u32)>,
    plain: FxHashSet<String>,
}

impl Typos {
    /// `words` in a fixed order, each with the number that stands for it.
    pub(super) fn new(words: &[(&str, u32)], plain: &Self) -> Self {
        let mut this = Self { plain: plain.plain.clone(), ..Self::default() };
        for &(word, id) in words {
            let letters = word.chars().count();
            if !(SHORTEST - 1..=LONGEST).contains(&letters) || !word.chars().all(char::is_alphabetic) {
                continue;
            }
            let Ok(index) = u32::try_from(this.words.len()) else { break };
            this.words.push((word.to_owned(), id));
            each_shorter(word, |key| this.by_shorter.entry(key.to_owned()).or_default().push(index));
        }
        this
    }

    /// Only words that are right as they stand.
    pub(super) fn plain(words: impl IntoIterator<Item = String>) -> Self {
        Self { plain: words.into_iter().collect(), ..Self::default() }
    }

    pub(super) fn add_plain(&mut self, words: impl Iterator<Item = String>) {
        self.plain.extend(words);
    }

    /// What an unknown word was meant to be.
    pub(super) fn meant(&self, word: &str) -> Vec<u32> {
        let letters = word.chars().count();
        if !(SHORTEST..=LONGEST).contains(&letters)
            || self.plain.contains(word)
            || !word.chars().all(char::is_alphabetic)
        {
            return Vec::new();
        }
        let mut out = Vec::new();
        each_shorter(word, |key| {
            for &index in self.by_shorter.get(key).map_or(&[][..], Vec::as_slice) {
                let (known, id) = &self.words[index as usize];
                let ending = known.strip_suffix('s') == Some(word) || word.strip_suffix('s') == Some(known);
                if known.chars().next() == word.chars().next()
                    && !ending
                    && !out.contains(id)
                    && osa_distance(known, word) == 1
                {
                    out.push(*id);
                }
            }
        });
        out
    }
}

/// Calls with a word without each of its letters, and with the word itself.
fn each_shorter(word: &str, mut take: impl FnMut(&str)) {
    let mut key = String::with_capacity(word.len());
    for (at, c) in word.char_indices() {
        key.clear();
        key.push_str(&word[..at]);
        key.push_str(&word[at + c.len_utf8()..]);
        take(&key);
    }
    take(word);
}
