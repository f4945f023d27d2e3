//! Needs by likeness: a message is held against sentences that are known to speak of a need.
//!
//! It is asked twice. How much does the message share with the sentences most like it? Words count by
//! their stem, and the more the fewer sentences hold them; this finds the need of a message that somebody
//! has said before in other words. And from all sentences of each need together: of which need would one
//! expect just these words, and these words beside each other? This weighs many small signs. Each finds
//! what the other misses.
//!
//! Some sentences speak of no need: what people say to try the chat, to ask about it, to fill in a form, or
//! of their day. They are asked only the second way, and tell how far a message speaks of any need at all.
//!
//! Beside addition, multiplication and division only the square root is used, which every machine rounds
//! alike, so the same text gives the same bytes everywhere.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::text::Token;

/// So many sentences of a need, those most like the message, count.
const MOST_SENTENCES: usize = 10;
/// Different words of one message that are compared; a longer one has said what it is about.
const MOST_WORDS: usize = 80;
/// So many words are named as the reason.
const REASONS: usize = 3;
/// A need is taken to hold so many words, and so many pairs of neighbours, beside those of its sentences,
/// spread as in all sentences: what its sentences happen not to hold does not rule it out.
const UNSEEN: f64 = 50.0;
const UNSEEN_PAIRS: f64 = 100.0;
/// How much a sentence tells of the need it speaks of first, and how much of each further one, in halves.
const FIRST: u16 = 2;
const FURTHER: u16 = 1;
/// How much of what people say is taken to speak of no need, if no more of the sentences do.
const NOTHING: f64 = 0.4;
/// Neighbours of the first and the last word.
const START: u16 = u16::MAX - 1;
const END: u16 = u16::MAX;

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
    /// The number of each stem.
    numbers: FxHashMap<String, u32>,
    stems: Vec<Stem>,
    /// Each need that sentences speak of first, in order, with the number after its last sentence.
    ends: Vec<(u16, u32)>,
    /// What a word weighs that no sentence holds.
    unknown: f64,
    /// By the number of the need its part of all sentences; last, for none, at least [`NOTHING`].
    parts: Vec<f64>,
    words: Expected<u32>,
    pairs: Expected<Neighbours>,
}

#[derive(Debug, Default)]
struct Stem {
    weight: f64,
    /// How far it tells one need from others: 0 for a word of [`COMMON`], towards 1 for one that only
    /// sentences of one need hold.
    tells: f64,
    /// Sentences that hold it, in order, with its share in each.
    held_by: Vec<(u32, f32)>,
}

/// What is to be expected of each need, out of what its sentences hold.
#[derive(Debug, Default)]
struct Expected<T> {
    /// What was found with which need and how often, in halves of a sentence; in order. Small, for there
    /// are a hundred thousand.
    found: Vec<(T, u16, u16)>,
    all: f64,
    unseen: f64,
    /// By need: how much less than among all sentences anything is to be expected that was not found there.
    less: Vec<f64>,
}

/// The numbers of two stems beside each other; those of stems beyond are not noted.
type Neighbours = (u16, u16);

/// Sentences as numbers, before they are compiled.
#[derive(Debug, Default)]
pub(super) struct Sentences {
    /// The number of each stem.
    numbers: FxHashMap<String, u32>,
    list: Vec<Sentence>,
}

#[derive(Debug)]
struct Sentence {
    /// By their numbers, the one it speaks of first before others; empty if it speaks of none.
    needs: Vec<u16>,
    /// Its stems and its pairs of neighbours, each once, in order.
    stems: Vec<u32>,
    pairs: Vec<Neighbours>,
}

impl Sentences {
    /// Adds a sentence with the needs that it speaks of, the best first; none if it speaks of none.
    pub(super) fn add(&mut self, needs: &[usize], tokens: &[Token]) {
        let mut stems = Vec::with_capacity(tokens.len());
        for token in tokens {
            let next = short(self.numbers.len());
            stems.push(*self.numbers.entry(stem(&token.word).to_owned()).or_insert(next));
        }
        let pairs = sorted(neighbours(stems.iter().map(|stem| Some(*stem))));
        let needs = needs.iter().filter_map(|need| u16::try_from(*need).ok()).collect();
        self.list.push(Sentence { needs, stems: sorted(stems.into_iter()), pairs });
    }
}

/// A word of the message that some sentence holds.
struct Word<'a> {
    /// Its token.
    at: usize,
    /// How much of the message it is.
    share: f64,
    number: u32,
    tells: f64,
    /// Of the sentences that hold it, those of the need that is looked at, and those of later ones.
    here: &'a [(u32, f32)],
    later: &'a [(u32, f32)],
}

/// A need that a message is like.
#[derive(Debug, PartialEq)]
pub(super) struct Like {
    pub need: usize,
    /// 0 for nothing in common; seldom above 2.
    pub likeness: f64,
    /// The part of it that tells this need from others.
    pub telling: f64,
    /// How well its sentences explain all words together, beside the other needs: 0 to 1.
    pub share: f64,
    /// The part of each token in it.
    parts: Vec<(f64, usize)>,
}

impl Like {
    /// The tokens that say so, the most telling first.
    pub(super) fn because(mut self) -> Vec<usize> {
        self.parts.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut out: Vec<usize> = Vec::new();
        for (_, at) in self.parts {
            if out.len() < REASONS && !out.contains(&at) {
                out.push(at);
            }
        }
        out
    }
}

/// What a message is like.
#[derive(Debug, Default)]
pub(super) struct Alike {
    /// The needs, in the order of their numbers.
    pub needs: Vec<Like>,
    /// How far it speaks of a need rather than of nothing: 0 to 1.
    pub speaks: f64,
}

impl Nearest {
    pub(super) fn new(sentences: Sentences) -> Self {
        let Sentences { numbers, list } = sentences;
        let (nothing, mut of_needs): (Vec<Sentence>, Vec<Sentence>) =
            list.into_iter().partition(|sentence| sentence.needs.is_empty());
        of_needs.sort_by_key(|sentence| sentence.needs[0]);
        let mut end = 0;
        let by_need = of_needs.chunk_by(|a, b| a.needs[0] == b.needs[0]);
        let ends = by_need.map(|of_need| {
            end += short(of_need.len());
            (of_need[0].needs[0], end)
        });
        let mut this =
            Self { numbers, ends: ends.collect(), unknown: weight(of_needs.len(), 1), ..Self::default() };
        this.hold(&of_needs);
        this.expect(&of_needs, &nothing);
        this
    }

    /// Notes which sentences hold each stem.
    fn hold(&mut self, sentences: &[Sentence]) {
        let mut counts = vec![0usize; self.numbers.len()];
        for stem in sentences.iter().flat_map(|sentence| &sentence.stems) {
            counts[*stem as usize] += 1;
        }
        self.stems = counts
            .iter()
            .map(|count| Stem { weight: weight(sentences.len(), *count), ..Stem::default() })
            .collect();
        for (sentence, index) in sentences.iter().zip(0..) {
            let weights = sentence.stems.iter().map(|stem| self.stems[*stem as usize].weight);
            let length = weights.map(|weight| weight * weight).sum::<f64>().sqrt();
            for stem in &sentence.stems {
                let stem = &mut self.stems[*stem as usize];
                stem.held_by.push((index, narrow(stem.weight / length)));
            }
        }
    }

    /// Counts what is to be expected of each need, and of none.
    fn expect(&mut self, of_needs: &[Sentence], nothing: &[Sentence]) {
        let none = of_needs.iter().flat_map(|sentence| &sentence.needs).max().map_or(0, |last| last + 1);
        let mut parts = vec![0.0; usize::from(none) + 1];
        let (mut words, mut pairs) = (Vec::new(), Vec::new());
        let mut count = |sentence: &Sentence, need: u16, part: u16| {
            parts[usize::from(need)] += f64::from(part);
            words.extend(sentence.stems.iter().map(|stem| (*stem, need, part)));
            pairs.extend(sentence.pairs.iter().map(|stems| (*stems, need, part)));
        };
        for sentence in of_needs {
            for (nth, need) in sentence.needs.iter().enumerate() {
                count(sentence, *need, if nth == 0 { FIRST } else { FURTHER });
            }
        }
        for sentence in nothing {
            count(sentence, none, FIRST);
        }
        for stem in &mut self.stems {
            stem.held_by.shrink_to_fit();
            let need = |(sentence, _): &(u32, f32)| of_needs[*sentence as usize].needs[0];
            let by_need = stem.held_by.chunk_by(|a, b| need(a) == need(b));
            let most = by_need.map(<[_]>::len).max().unwrap_or_default();
            stem.tells = number(most) / number(stem.held_by.len() + 1);
        }
        for word in COMMON {
            if let Some(number) = self.numbers.get(stem(word)) {
                self.stems[*number as usize].tells = 0.0;
            }
        }
        self.words = Expected::new(words, parts.len(), UNSEEN);
        self.pairs = Expected::new(pairs, parts.len(), UNSEEN_PAIRS);
        if let Some((none, parts)) = parts.split_last_mut()
            && *none > 0.0
        {
            *none = none.max(parts.iter().sum::<f64>() * NOTHING / (1.0 - NOTHING));
        }
        let all: f64 = parts.iter().sum();
        self.parts = parts.into_iter().map(|part| part / all).collect();
    }

    /// How well the sentences of each need explain some words and neighbours: the parts add up to 1. Beside
    /// it how much better the best of them does than those that speak of none, 0 to 1. Roots soften it, for
    /// words come in company and each counts as if it came alone; neighbours hold the words once more.
    fn shares(
        &self,
        words: impl Iterator<Item = u32>,
        pairs: impl Iterator<Item = Neighbours>,
    ) -> (Vec<f64>, f64) {
        let (mut by_words, mut by_pairs) = (self.parts.clone(), self.parts.clone());
        words.for_each(|stem| self.words.weigh(stem, &mut by_words));
        pairs.for_each(|stems| self.pairs.weigh(stems, &mut by_pairs));
        let best = |shares: &[f64]| shares.iter().copied().fold(0.0, f64::max);
        let (best_words, best_pairs) = (best(&by_words), best(&by_pairs));
        if best_words <= 0.0 || best_pairs <= 0.0 {
            return (vec![0.0; self.parts.len()], 1.0);
        }
        let eighth = |share: f64| share.sqrt().sqrt().sqrt();
        let soften = |share: f64| eighth(share) * eighth(share).sqrt();
        let mut shares: Vec<f64> = by_words
            .iter()
            .zip(&by_pairs)
            .map(|(words, pairs)| soften(words / best_words) * soften(pairs / best_pairs).sqrt())
            .collect();
        let none = shares.pop().unwrap_or_default();
        let (best, sum) = (best(&shares), shares.iter().sum::<f64>());
        if best <= 0.0 {
            return (shares, 0.0);
        }
        (shares.into_iter().map(|share| share / sum).collect(), best / (best + none))
    }

    /// What a message is like. Of the tokens only those that are `heard` count; the others make the
    /// message longer, and so less like anything. It is like no need where no word tells one need from
    /// others, unless a need is `named` already.
    pub(super) fn find(&self, tokens: &[Token], heard: impl Fn(usize) -> bool, named: bool) -> Alike {
        let mut words: BTreeMap<&str, (usize, Option<u32>)> = BTreeMap::new();
        let mut in_order = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            if words.len() == MOST_WORDS {
                break;
            }
            let stem = stem(&token.word);
            let number = self.numbers.get(stem).copied();
            in_order.push(number.filter(|_| heard(at)));
            words.entry(stem).or_insert((at, number));
        }
        let weight = |number: u32| self.stems[number as usize].weight;
        let weights = words.values().map(|(_, number)| number.map_or(self.unknown, weight));
        let length = weights.map(|weight| weight * weight).sum::<f64>().sqrt();
        let mut known: Vec<Word<'_>> = words
            .values()
            .filter(|(at, _)| heard(*at))
            .filter_map(|&(at, number)| {
                let number = number?;
                let Stem { weight, tells, held_by } = &self.stems[number as usize];
                Some(Word { at, share: weight / length, number, tells: *tells, here: &[], later: held_by })
            })
            .collect();
        if !named && known.iter().all(|word| word.tells <= 0.0) {
            return Alike { needs: Vec::new(), speaks: 1.0 };
        }
        let pairs = sorted(neighbours(in_order.into_iter()).take(MOST_WORDS));
        let (shares, speaks) = self.shares(known.iter().map(|word| word.number), pairs.into_iter());
        let mut alike = Alike { needs: Vec::new(), speaks };
        // The sentences of one need after the other.
        let mut sums: Vec<f64> = Vec::new();
        let mut first = 0;
        for &(need, end) in &self.ends {
            sums.clear();
            sums.resize((end - first) as usize, 0.0);
            for word in &mut known {
                let (here, later) = word.later.split_at(word.later.partition_point(|(at, _)| *at < end));
                (word.here, word.later) = (here, later);
                for &(sentence, share) in here {
                    sums[(sentence - first) as usize] += word.share * f64::from(share);
                }
            }
            let most = most_alike(&sums, first);
            first = end;
            if most.is_empty() {
                continue;
            }
            let need = usize::from(need);
            let likeness = most.iter().map(|(sum, _)| sum).sum();
            let parts: Vec<(f64, usize)> =
                most.iter().flat_map(|(_, sentence)| telling(&known, *sentence)).collect();
            let telling = parts.iter().map(|(part, _)| part).sum();
            alike.needs.push(Like { need, likeness, telling, share: shares[need], parts });
        }
        alike
    }
}

/// The sentences most like a message among those of one need, each with how much it is; `first` is the
/// number of the first.
fn most_alike(sums: &[f64], first: u32) -> Vec<(f64, u32)> {
    let mut most: Vec<(f64, u32)> = Vec::with_capacity(MOST_SENTENCES);
    let mut least = 0.0;
    for (sum, sentence) in sums.iter().zip(first..) {
        if *sum > least {
            let place = most.partition_point(|(other, _)| other >= sum);
            most.truncate(MOST_SENTENCES - 1);
            most.insert(place, (*sum, sentence));
            least = most.get(MOST_SENTENCES - 1).map_or(0.0, |(sum, _)| *sum);
        }
    }
    most
}

impl<T: Copy + Ord> Expected<T> {
    fn new(mut found: Vec<(T, u16, u16)>, needs: usize, unseen: f64) -> Self {
        found.sort_unstable();
        found.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            kept.2 = kept.2.saturating_add(if same { next.2 } else { 0 });
            same
        });
        found.shrink_to_fit();
        let mut parts = vec![0.0; needs];
        for (_, need, part) in &found {
            parts[usize::from(*need)] += f64::from(*part);
        }
        let unseen = unseen * f64::from(FIRST);
        let less = parts.iter().map(|part| unseen / (part + unseen)).collect();
        Self { found, all: parts.iter().sum(), unseen, less }
    }

    /// Multiplies the share of each need by how much more than elsewhere `what` is to be expected of it.
    /// What nothing is known of changes nothing.
    fn weigh(&self, what: T, shares: &mut [f64]) {
        let from = self.found.partition_point(|(known, ..)| *known < what);
        let same = || self.found[from..].iter().take_while(|(known, ..)| *known == what);
        let everywhere: f64 = same().map(|(.., part)| f64::from(*part)).sum();
        if everywhere <= 0.0 {
            return;
        }
        for (share, less) in shares.iter_mut().zip(&self.less) {
            *share *= less;
        }
        let usual = self.unseen * everywhere / self.all;
        for (_, need, part) in same() {
            shares[usize::from(*need)] *= f64::from(*part) / usual + 1.0;
        }
    }
}

/// Which stand beside each other, the start and the end too.
fn neighbours(stems: impl Iterator<Item = Option<u32>>) -> impl Iterator<Item = Neighbours> {
    let numbers = stems.map(|stem| u16::try_from(stem?).ok().filter(|stem| *stem < START));
    let mut before = Some(START);
    numbers.chain([Some(END)]).filter_map(move |stem| {
        let pair = before.zip(stem);
        before = stem;
        pair
    })
}

fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    items.collect::<BTreeSet<T>>().into_iter().collect()
}

#[expect(clippy::cast_possible_truncation, reason = "seven digits are enough, and hold half the memory")]
fn narrow(number: f64) -> f32 {
    number as f32
}

/// The part of each telling word in what a message has in common with a sentence, with its token.
fn telling<'a>(known: &'a [Word<'_>], sentence: u32) -> impl Iterator<Item = (f64, usize)> + use<'a> {
    known.iter().filter(|word| word.tells > 0.0).filter_map(move |word| {
        let nth = word.here.binary_search_by_key(&sentence, |(sentence, _)| *sentence).ok()?;
        Some((word.share * f64::from(word.here[nth].1) * word.tells, word.at))
    })
}

/// What a word tells that stands in `count` of `all` sentences: the fourth root of how rare it is.
fn weight(all: usize, count: usize) -> f64 {
    (number(all.max(1)) / number(count.max(1))).sqrt().sqrt()
}

fn number(count: usize) -> f64 {
    f64::from(short(count))
}

/// A word without its ending: "argued", "arguing" and "argues" are one.
fn stem(word: &str) -> &str {
    const ENDINGS: [&str; 10] = ["ings", "ing", "edly", "ed", "ies", "es", "ly", "s", "y", "e"];
    const SHORTEST: usize = 3;
    let cut = ENDINGS
        .iter()
        .find_map(|ending| word.strip_suffix(ending).filter(|rest| rest.chars().count() >= SHORTEST));
    let stem = cut.unwrap_or(word);
    let mut shorter = stem.chars();
    let last = shorter.next_back();
    let doubled = last == shorter.clone().next_back() && stem.chars().count() > SHORTEST;
    if doubled { shorter.as_str() } else { stem }
}
