//! What the sentences of each need say, and of which need a message speaks by what it says.
//!
//! To encode six thousand sentences takes half a minute, so `chatbox learn` does it once and writes
//! `understanding/sentences.weights`, a line for each sentence: the start of the SHA-256 of the sentence, a tab,
//! and a character for each number. A sentence that was changed since has no line, and is not compared; nor is any
//! where the first line names another encoder.

use std::{collections::BTreeMap, fmt::Write as _};

use rustc_hash::FxHashMap;
use sha2::{Digest as _, Sha256};

use super::{
    NAME, NUMBERS, encode,
    network::{dot, soften},
};

/// The file within the content folder.
pub const PATH: &str = "understanding/sentences.weights";
/// The file within its folder.
pub(crate) const FILE: &str = "sentences.weights";

const HEAD: &str = "# What the sentences of sentences.yaml and told.txt say, in numbers. Made by `chatbox learn`: change\n\
# the sentences, never this file.\n";
/// What stands before the name of the encoder.
const ENCODER: &str = "encoder";
/// The character of nothing; others are so many further on or back.
const NOTHING: u8 = b'P';
const MOST: f32 = 46.0;

/// So many sentences, those most alike, count.
const MOST_SENTENCES: usize = 100;
/// How much less alike a sentence is to count about a third.
const LESS: f32 = 0.08;

/// Sentences with the needs that they speak of, by number; those without speak of none.
#[derive(Debug, Default)]
pub(crate) struct Sentences {
    needs: Vec<Vec<usize>>,
    said: Vec<[i8; NUMBERS]>,
    /// How many more there are that are not in the file.
    pub missing: usize,
}

/// How far a text speaks of each need, by number, and of none: they add up to 1.
#[derive(Debug)]
pub(crate) struct Shares {
    pub needs: Vec<f64>,
    pub none: f64,
}

impl Sentences {
    /// The sentences as the file has them.
    pub(crate) fn new<'t>(sentences: impl Iterator<Item = (Vec<usize>, &'t str)>, file: &str) -> Self {
        let lines = lines(file);
        let mut this = Self::default();
        for (needs, text) in sentences {
            match lines.get(key(text).as_str()).and_then(|line| numbers(line)) {
                Some(said) => {
                    this.needs.push(needs);
                    this.said.push(said);
                }
                None => this.missing += 1,
            }
        }
        this
    }

    /// How far a text speaks of each of so many needs, by what it says. `None`: it has no words, or there are no
    /// sentences.
    pub(crate) fn shares(&self, text: &str, needs: usize) -> Option<Shares> {
        let mut shares = Shares { needs: vec![0.0; needs], none: 0.0 };
        let said = if self.said.is_empty() { None } else { encode(text) }?;
        let mut alike: Vec<(f32, usize)> = self
            .said
            .iter()
            .enumerate()
            .map(|(nth, other)| {
                let other = other.map(f32::from);
                (dot(&said, &other) / dot(&other, &other).sqrt(), nth)
            })
            .collect();
        // Equally alike: in the order of the content.
        let order = |a: &(f32, usize), b: &(f32, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if alike.len() > MOST_SENTENCES {
            alike.select_nth_unstable_by(MOST_SENTENCES, order);
            alike.truncate(MOST_SENTENCES);
        }
        alike.sort_unstable_by(order);
        let mut weights: Vec<f32> = alike.iter().map(|(alike, _)| alike / LESS).collect();
        soften(&mut weights);
        for ((_, nth), weight) in alike.iter().zip(weights) {
            let spoken = &self.needs[*nth];
            // The first counts whole, a further one half, as among words.
            for (at, need) in spoken.iter().enumerate() {
                shares.needs[*need] += f64::from(weight) * if at == 0 { 1.0 } else { 0.5 };
            }
            shares.none += if spoken.is_empty() { f64::from(weight) } else { 0.0 };
        }
        let all = shares.none + shares.needs.iter().sum::<f64>();
        shares.needs.iter_mut().chain([&mut shares.none]).for_each(|share| *share /= all);
        Some(shares)
    }
}

/// The text of `understanding/sentences.weights` for these sentences. What `old` holds of them is kept: only
/// sentences that are new are encoded.
pub(crate) fn learn<'t>(sentences: impl Iterator<Item = &'t str>, old: &str) -> String {
    let old = lines(old);
    let mut new: BTreeMap<String, String> = BTreeMap::new();
    for sentence in sentences {
        let key = key(sentence);
        let kept = old.get(key.as_str()).filter(|line| numbers(line).is_some());
        let line = match kept {
            Some(line) => Some((*line).to_owned()),
            None => encode(sentence).map(|said| letters(&said)),
        };
        new.extend(line.map(|line| (key, line)));
    }
    let mut out = format!("{HEAD}{ENCODER}\t{NAME}\n");
    for (key, line) in new {
        let _ = writeln!(out, "{key}\t{line}");
    }
    out
}

/// What the file holds by this encoder: all of it, or nothing.
fn lines(file: &str) -> FxHashMap<&str, &str> {
    let lines: FxHashMap<_, _> = file.lines().filter_map(|line| line.split_once('\t')).collect();
    if lines.get(ENCODER) == Some(&NAME) { lines } else { FxHashMap::default() }
}

/// What a sentence is known by.
fn key(sentence: &str) -> String {
    start_of_digest(sentence.as_bytes())
}

pub(super) fn start_of_digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest[..8].iter().fold(String::new(), |mut key, byte| {
        let _ = write!(key, "{byte:02x}");
        key
    })
}

fn letters(said: &[f32; NUMBERS]) -> String {
    let most = said.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    said.iter().map(|value| char::from(NOTHING.wrapping_add_signed(whole(value / most * MOST)))).collect()
}

fn numbers(line: &str) -> Option<[i8; NUMBERS]> {
    let bytes: [u8; NUMBERS] = line.as_bytes().try_into().ok()?;
    Some(bytes.map(|byte| byte.wrapping_sub(NOTHING).cast_signed()))
}

#[expect(clippy::cast_possible_truncation, reason = "of at most MOST either way")]
fn whole(value: f32) -> i8 {
    (value + 0.5).floor() as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_speaks_of_the_need_whose_sentences_say_alike() {
        let sentences = ["I can't pay my bills", "my manager bullies me", "hello there"];
        let file = learn(sentences.into_iter(), "");
        let needs = [vec![0], vec![1, 0], vec![]];
        let known = Sentences::new(needs.into_iter().zip(sentences), &file);
        assert_eq!(known.missing, 0);
        let Shares { needs, none } = known.shares("skint until pay day", 2).unwrap();
        assert!(needs[0] > needs[1] && none > 0.0, "{needs:?}");
        assert!((needs[0] + needs[1] + none - 1.0).abs() < 1e-6);
        assert_eq!(learn(sentences.into_iter(), &file), file, "what is known is kept");
        let changed = ["I cannot pay my bills", "my manager bullies me", "hello there"];
        assert_eq!(Sentences::new([vec![0], vec![1], vec![]].into_iter().zip(changed), &file).missing, 1);
    }

    #[test]
    fn numbers_of_another_encoder_are_not_compared_and_are_made_anew() {
        let sentences = ["I can't pay my bills", "hello there"];
        let file = learn(sentences.into_iter(), "");
        let other = file.replace(NAME, "another").replace('P', "Q");
        assert_ne!(file, other);
        assert_eq!(Sentences::new([vec![0], vec![]].into_iter().zip(sentences), &other).missing, 2);
        assert_eq!(learn(sentences.into_iter(), &other), file);
    }
}
