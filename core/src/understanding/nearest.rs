//! Needs by likeness: a message is held against sentences that are known to speak of a need.
//!
//! Words count by their stem, and the more the fewer sentences hold them. Beside addition,
//! multiplication and division only the square root is used, which every machine rounds alike, so
//! the same text gives the same bytes everywhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::text::Token;

/// So many sentences of a need, those most like the message, count.
const MOST_SENTENCES: usize = 10;
/// Different words of one message that are compared; a longer one has said what it is about.
const MOST_WORDS: usize = 80;
/// So many words are named as the reason.
const REASONS: usize = 3;

/// Words that anybody uses about anything. They help to rank needs, and speak of none by themselves.
#[rustfmt::skip]
const COMMON: &[&str] = &[
    "i", "me", "my", "myself", "we", "us", "our", "you", "your", "he", "him", "his", "she",
    "her", "they", "them", "their", "it", "its", "this", "that", "these", "those", "who",
    "which", "what", "when", "where", "why", "how", "a", "an", "the", "and", "or", "but", "so",
    "if", "as", "of", "at", "by", "for", "with", "about", "into", "to", "from", "up", "on",
    "off", "in", "out", "over", "then", "than", "too", "very", "just", "do", "does", "did",
    "dont", "doesnt", "didnt", "have", "has", "had", "havent", "hasnt", "is", "am", "are",
    "was", "were", "be", "been", "being", "isnt", "arent", "wasnt", "can", "cant", "could",
    "couldnt", "will", "wont", "would", "wouldnt", "should", "may", "might", "must", "not",
    "no", "nor", "any", "some", "all", "more", "most", "other", "one", "two", "there", "here",
    "now", "again", "also", "still", "even", "ever", "yes", "please", "time", "day", "today",
    "come", "came", "go", "get", "got", "getting", "going", "make", "made", "take", "put",
    "say", "said", "know", "see", "want", "like", "thing", "things", "something", "anything",
    "everything", "way", "really", "much", "many", "lot", "good", "weather", "nothing", "nobody", "none", "never", "without",
];

/// The sentences, compiled.
#[derive(Debug, Default)]
pub(super) struct Nearest {
    stems: HashMap<String, Stem>,
    /// The need of each sentence.
    needs: Vec<usize>,
}

#[derive(Debug, Default)]
struct Stem {
    weight: f64,
    /// Among [`COMMON`].
    common: bool,
    /// Sentences that hold it, with its share in each.
    held_by: Vec<(u32, f64)>,
}

/// What a message has in common with one sentence.
#[derive(Debug, Clone, Default)]
struct Shared {
    sum: f64,
    /// The part of each telling word, with its token.
    telling: Vec<(f64, usize)>,
}

/// A need that a message is like.
#[derive(Debug, PartialEq)]
pub(super) struct Like {
    pub need: usize,
    /// 0 for nothing in common; seldom above 2.
    pub likeness: f64,
    /// The part of it that is due to words that tell something.
    pub telling: f64,
    /// The tokens that say so, the most telling first.
    pub because: Vec<usize>,
}

impl Nearest {
    /// `sentences`: the words of each with the number of its need.
    pub(super) fn new(sentences: &[(usize, Vec<Token>)]) -> Self {
        let sets: Vec<BTreeSet<String>> = sentences
            .iter()
            .map(|(_, tokens)| tokens.iter().map(|token| stem(&token.word)).collect())
            .collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for set in &sets {
            for stem in set {
                *counts.entry(stem).or_default() += 1;
            }
        }
        let common: BTreeSet<String> = COMMON.iter().map(|word| stem(word)).collect();
        let weigh = |stem: &str| weight(sets.len(), counts.get(stem).copied().unwrap_or(1));
        let mut stems: HashMap<String, Stem> = HashMap::new();
        for (index, set) in sets.iter().enumerate() {
            let Ok(index) = u32::try_from(index) else { break };
            let length = set.iter().map(|stem| weigh(stem) * weigh(stem)).sum::<f64>().sqrt();
            for word in set {
                let held = stems.entry(word.clone()).or_default();
                held.weight = weigh(word);
                held.common = common.contains(word);
                held.held_by.push((index, held.weight / length));
            }
        }
        Self { stems, needs: sentences.iter().map(|(need, _)| *need).collect() }
    }

    /// The needs that a message is like, in the order of their numbers. Of the tokens only those
    /// that are `heard` count; the others make the message longer, and so less like anything.
    pub(super) fn find(&self, tokens: &[Token], heard: impl Fn(usize) -> bool) -> Vec<Like> {
        let mut words: BTreeMap<String, usize> = BTreeMap::new();
        for (at, token) in tokens.iter().enumerate() {
            if words.len() == MOST_WORDS {
                break;
            }
            words.entry(stem(&token.word)).or_insert(at);
        }
        let unknown = weight(self.needs.len(), 1);
        let weights = words.keys().map(|word| self.stems.get(word).map_or(unknown, |stem| stem.weight));
        let length = weights.map(|weight| weight * weight).sum::<f64>().sqrt();
        let mut shared: Vec<Shared> = vec![Shared::default(); self.needs.len()];
        for (word, at) in words.iter().filter(|(_, at)| heard(**at)) {
            let Some(stem) = self.stems.get(word) else { continue };
            for &(sentence, share) in &stem.held_by {
                let part = stem.weight / length * share;
                let with = &mut shared[sentence as usize];
                with.sum += part;
                if !stem.common {
                    with.telling.push((part, *at));
                }
            }
        }
        let mut by_need: BTreeMap<usize, Vec<Shared>> = BTreeMap::new();
        for (need, with) in self.needs.iter().zip(shared).filter(|(_, with)| with.sum > 0.0) {
            by_need.entry(*need).or_default().push(with);
        }
        by_need
            .into_iter()
            .map(|(need, mut with)| {
                with.sort_by(|a, b| b.sum.total_cmp(&a.sum));
                with.truncate(MOST_SENTENCES);
                let likeness = with.iter().map(|one| one.sum).sum();
                let telling = with.iter().flat_map(|one| &one.telling).map(|(part, _)| part).sum();
                Like { need, likeness, telling, because: reasons(with) }
            })
            .collect()
    }
}

/// The most telling tokens of the sentences that are most alike.
fn reasons(with: Vec<Shared>) -> Vec<usize> {
    let mut parts: Vec<(f64, usize)> = with.into_iter().flat_map(|one| one.telling).collect();
    parts.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut out: Vec<usize> = Vec::new();
    for (_, at) in parts {
        if out.len() < REASONS && !out.contains(&at) {
            out.push(at);
        }
    }
    out
}

/// What a word tells that stands in `count` of `all` sentences: the fourth root of how rare it is.
fn weight(all: usize, count: usize) -> f64 {
    let number = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    (number(all.max(1)) / number(count.max(1))).sqrt().sqrt()
}

/// A word without its ending: "argued", "arguing" and "argues" are one.
fn stem(word: &str) -> String {
    const ENDINGS: [&str; 10] = ["ings", "ing", "edly", "ed", "ies", "es", "ly", "s", "y", "e"];
    const SHORTEST: usize = 3;
    let cut = ENDINGS
        .iter()
        .find_map(|ending| word.strip_suffix(ending).filter(|rest| rest.chars().count() >= SHORTEST));
    let mut stem = cut.unwrap_or(word).to_owned();
    let mut back = stem.chars().rev();
    if stem.chars().count() > SHORTEST && back.next() == back.next() {
        stem.pop();
    }
    stem
}
