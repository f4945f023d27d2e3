//! Needs by likeness: a message is held against sentences that are known to speak of a need.
//!
//! It is asked twice. How much does the message share with the sentences most like it? Words count by
//! their stem, and the more the fewer sentences hold them; this finds the need of a message that somebody
//! has said before in other words. And from all sentences of each need together: of which need would one
//! expect just these words? This weighs many small signs. Each finds what the other misses.
//!
//! Beside addition, multiplication and division only the square root is used, which every machine rounds
//! alike, so the same text gives the same bytes everywhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::text::Token;

/// So many sentences of a need, those most like the message, count.
const MOST_SENTENCES: usize = 10;
/// Different words of one message that are compared; a longer one has said what it is about.
const MOST_WORDS: usize = 80;
/// So many words are named as the reason.
const REASONS: usize = 3;
/// A need is taken to hold so many words beside those of its sentences, spread as in all sentences: a
/// word that its sentences happen not to hold does not rule it out.
const UNSEEN: f64 = 50.0;

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
    "open", "opened", "use", "used", "keep", "keeps", "stop", "start", "started", "tell", "told", "think", "find",
    "look", "looking", "wont", "because", "after", "before", "since", "always", "back", "down", "them", "only",
];

/// The sentences, compiled.
#[derive(Debug, Default)]
pub(super) struct Nearest {
    stems: HashMap<String, Stem>,
    /// The need of each sentence.
    needs: Vec<usize>,
    /// By the number of the need.
    classes: Vec<Class>,
}

#[derive(Debug, Default)]
struct Stem {
    weight: f64,
    /// Among [`COMMON`].
    common: bool,
    /// Sentences that hold it, in order, with its share in each.
    held_by: Vec<(u32, f64)>,
    /// Needs whose sentences hold it, with how much more to be expected it is there than a word that
    /// they do not hold.
    expected: Vec<(usize, f64)>,
}

/// All sentences of one need.
#[derive(Debug, Default)]
struct Class {
    /// Its part of all sentences.
    part: f64,
    /// How much less than among all sentences a word is to be expected that its sentences do not hold.
    unseen: f64,
}

/// A word of the message that some sentence holds.
struct Word<'a> {
    /// Its token.
    at: usize,
    /// How much of the message it is.
    share: f64,
    stem: &'a Stem,
}

/// A need that a message is like.
#[derive(Debug, PartialEq)]
pub(super) struct Like {
    pub need: usize,
    /// 0 for nothing in common; seldom above 2.
    pub likeness: f64,
    /// The part of it that is due to words that tell something.
    pub telling: f64,
    /// How well its sentences explain all words together, beside the other needs: 0 to 1.
    pub share: f64,
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
        let mut this =
            Self { stems, needs: sentences.iter().map(|(need, _)| *need).collect(), classes: Vec::new() };
        this.expect();
        this
    }

    /// Counts what is to be expected of each need.
    fn expect(&mut self) {
        let needs = self.needs.iter().max().map_or(0, |last| last + 1);
        let mut sentences = vec![0usize; needs];
        for need in &self.needs {
            sentences[*need] += 1;
        }
        let mut words = vec![0usize; needs];
        for (sentence, _) in self.stems.values().flat_map(|stem| &stem.held_by) {
            words[self.needs[*sentence as usize]] += 1;
        }
        let all_words = number(words.iter().sum());
        self.classes = (0..needs)
            .map(|need| Class {
                part: number(sentences[need]) / number(self.needs.len().max(1)),
                unseen: UNSEEN / (number(words[need]) + UNSEEN),
            })
            .collect();
        for stem in self.stems.values_mut() {
            let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
            for (sentence, _) in &stem.held_by {
                *counts.entry(self.needs[*sentence as usize]).or_default() += 1;
            }
            let usual = UNSEEN * number(stem.held_by.len()) / all_words;
            stem.expected =
                counts.into_iter().map(|(need, count)| (need, number(count) / usual + 1.0)).collect();
        }
    }

    /// How well the sentences of each need explain some words: the parts add up to 1. The fourth root
    /// softens it, for words come in company and each counts as if it came alone.
    fn shares<'w>(&self, words: impl Iterator<Item = &'w Stem>) -> Vec<f64> {
        let mut shares: Vec<f64> = self.classes.iter().map(|class| class.part).collect();
        for stem in words {
            for (share, class) in shares.iter_mut().zip(&self.classes) {
                *share *= class.unseen;
            }
            for &(need, more) in &stem.expected {
                shares[need] *= more;
            }
        }
        let best = shares.iter().copied().fold(0.0, f64::max);
        for share in &mut shares {
            *share = if best > 0.0 { (*share / best).sqrt().sqrt() } else { 0.0 };
        }
        let sum: f64 = shares.iter().sum();
        shares.into_iter().map(|share| share / sum.max(1.0)).collect()
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
        let known: Vec<Word<'_>> = words
            .iter()
            .filter(|(_, at)| heard(**at))
            .filter_map(|(word, at)| {
                let stem = self.stems.get(word)?;
                Some(Word { at: *at, share: stem.weight / length, stem })
            })
            .collect();
        let mut sums = vec![0.0; self.needs.len()];
        for word in &known {
            for &(sentence, share) in &word.stem.held_by {
                sums[sentence as usize] += word.share * share;
            }
        }
        let shares = self.shares(known.iter().map(|word| word.stem));
        let mut by_need: BTreeMap<usize, Vec<(f64, usize)>> = BTreeMap::new();
        for (sentence, (need, sum)) in
            self.needs.iter().zip(sums).enumerate().filter(|(_, (_, sum))| *sum > 0.0)
        {
            by_need.entry(*need).or_default().push((sum, sentence));
        }
        by_need
            .into_iter()
            .map(|(need, mut most)| {
                most.sort_by(|a, b| b.0.total_cmp(&a.0));
                most.truncate(MOST_SENTENCES);
                let likeness = most.iter().map(|(sum, _)| sum).sum();
                let parts: Vec<(f64, usize)> =
                    most.iter().flat_map(|(_, sentence)| telling(&known, *sentence)).collect();
                let telling = parts.iter().map(|(part, _)| part).sum();
                Like { need, likeness, telling, share: shares[need], because: reasons(parts) }
            })
            .collect()
    }
}

/// The part of each telling word in what a message has in common with a sentence, with its token.
fn telling<'a>(known: &'a [Word<'_>], sentence: usize) -> impl Iterator<Item = (f64, usize)> + use<'a> {
    known.iter().filter(|word| !word.stem.common).filter_map(move |word| {
        let held = &word.stem.held_by;
        let nth = held.binary_search_by_key(&sentence, |(sentence, _)| *sentence as usize).ok()?;
        Some((word.share * held[nth].1, word.at))
    })
}

/// The most telling tokens of the sentences that are most alike.
fn reasons(mut parts: Vec<(f64, usize)>) -> Vec<usize> {
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
    (number(all.max(1)) / number(count.max(1))).sqrt().sqrt()
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
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
