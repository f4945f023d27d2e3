//! What a text sounds like: a second net below the rules, learned from examples.
//!
//! Rules hear what somebody thought of; people find other words. So each text is also weighed: its
//! words, pairs and triples of words and parts of words each count for or against a route and a
//! kind, by how often they stood in examples of it ([`learn`]). The weights are a text file of the
//! content, `safety/learned.weights`, made from `safety/examples/*.jsonl` by `chatbox learn`.
//!
//! Architecture invariants:
//! - It only ever raises a route, and never speaks where there is no weights file.
//! - The scores of sentences add up and none counts below zero, so a sentence more never lowers
//!   the route.
//! - Only addition, multiplication, division and the square root are used: the same text gives the
//!   same bytes on every machine.

mod features;
mod file;
mod learn;

use std::{
    collections::{BTreeSet, HashMap},
    hash::BuildHasherDefault,
};

use features::Hashed;
pub use learn::{Learnt, Lesson, Shares, learn};

use super::normalise::Sentence;
use super::{Kind, Route, WEIGHTS};
use crate::content::{Finding, Severity};

/// Routes that are listened for, each with an ear of its own: "this or higher".
const ROUTES: [Route; 4] = [Route::B, Route::C, Route::D, Route::E];

/// Kinds that are listened for once a route was raised.
const KINDS: [Kind; 12] = [
    Kind::Suicide,
    Kind::SelfHarm,
    Kind::HarmToOthers,
    Kind::Abuse,
    Kind::SexualViolence,
    Kind::Stalking,
    Kind::Safeguarding,
    Kind::Under18,
    Kind::Medical,
    Kind::FitnessToPractise,
    Kind::PatientSafety,
    Kind::ThirdParty,
];

/// Routes that have a second ear, which tells them from gentler danger.
const LEVELS: [Route; 2] = [Route::D, Route::E];

/// The ears of routes come first, then those of levels, then those of kinds.
const FIRST_LEVEL: usize = ROUTES.len();
const FIRST_KIND: usize = FIRST_LEVEL + LEVELS.len();
const EARS: usize = FIRST_KIND + KINDS.len();

/// How far below zero a sentence still adds to its neighbours' score.
const MURMUR: f64 = 0.6;

/// So many sentences of a message add up.
const LOUDEST: usize = 3;

/// So many words of the sentence that weighed most are named as the reason.
const REASONS: usize = 4;

/// The weights, ready to use.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// By the hash of the feature.
    rows: HashMap<u64, Row, BuildHasherDefault<Hashed>>,
    ears: [Ear; EARS],
}

/// What one feature counts for or against each ear: the root of the weight in that ear's `unit`, with
/// its sign.
#[derive(Debug, Clone, Copy)]
struct Row([i8; EARS]);

impl Row {
    fn weight(&self, ear: usize) -> i32 {
        let root = i32::from(self.0[ear]);
        root * root.abs()
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Ear {
    /// What one unit of weight is worth.
    unit: f64,
    /// The score of a text without any known feature.
    bias: f64,
    /// From this score on the ear has heard something.
    threshold: f64,
    /// For a kind: from this score on it is named where a route was heard.
    named: f64,
}

/// The digest of the examples that the weights in `text` were learned from, if it can be read.
pub fn taught_by(text: &str) -> Option<String> {
    file::read(text).ok().map(|(_, digest)| digest)
}

/// Reads the weights among `files`. Without them the rules hear alone; a broken file is a finding.
pub(super) fn load(files: &[(&str, &str)], findings: &mut Vec<Finding>) -> Learned {
    let Some((path, text)) = files.iter().find(|(path, _)| *path == WEIGHTS) else {
        return Learned::default();
    };
    match file::read(text) {
        Ok((learned, _)) => learned,
        Err((line, message)) => {
            let file = (*path).to_owned();
            findings.push(Finding { severity: Severity::Error, file, line, column: 1, message });
            Learned::default()
        }
    }
}

/// What a text sounds like.
#[derive(Debug, PartialEq)]
pub(super) struct Sound {
    pub route: Route,
    pub kinds: BTreeSet<Kind>,
    /// The words that weighed most.
    pub words: String,
}

impl Learned {
    /// What `sentences` sound like together; `None` if like nothing that calls for a route.
    pub(super) fn hear(&self, sentences: &[Sentence]) -> Option<Sound> {
        if self.rows.is_empty() {
            return None;
        }
        let scores: Vec<[f64; EARS]> = sentences.iter().map(|sentence| self.sentence(sentence)).collect();
        let totals: [f64; EARS] = std::array::from_fn(|ear| together(scores.iter().map(|score| score[ear])));
        let route = self.route(&totals);
        if route == Route::A {
            return None;
        }
        let best =
            (0..KINDS.len()).max_by(|a, b| totals[FIRST_KIND + a].total_cmp(&totals[FIRST_KIND + b]))?;
        let sure =
            (0..KINDS.len()).filter(|kind| totals[FIRST_KIND + kind] >= self.ears[FIRST_KIND + kind].named);
        let kinds: BTreeSet<Kind> = sure.chain([best]).map(|kind| KINDS[kind]).collect();
        let ear = (0..EARS)
            .filter(|ear| ROUTES.get(*ear) == Some(&route) || *ear >= FIRST_KIND)
            .max_by(|a, b| totals[*a].total_cmp(&totals[*b]))?;
        let loudest = (0..sentences.len()).max_by(|a, b| scores[*a][ear].total_cmp(&scores[*b][ear]))?;
        Some(Sound { route, kinds, words: self.telling(&sentences[loudest], ear) })
    }

    /// The route of a text with these scores: the highest whose ear heard it, and B for a kind alone.
    fn route(&self, totals: &[f64; EARS]) -> Route {
        let heard = |ear: usize| totals[ear] >= self.ears[ear].threshold;
        let level = |route: Route| {
            LEVELS.iter().position(|level| *level == route).is_none_or(|level| heard(FIRST_LEVEL + level))
        };
        match (0..ROUTES.len()).rev().find(|ear| heard(*ear) && level(ROUTES[*ear])) {
            Some(ear) => ROUTES[ear],
            None if (FIRST_KIND..EARS).any(heard) => Route::B,
            None => Route::A,
        }
    }

    fn sentence(&self, sentence: &Sentence) -> [f64; EARS] {
        let mut known = vec![];
        features::each(sentence, |_, feature| {
            let hash = features::hash(feature);
            known.extend(self.rows.get(&hash).map(|row| (hash, *row)));
        });
        known.sort_unstable_by_key(|(hash, _)| *hash);
        known.dedup_by_key(|(hash, _)| *hash);
        let mut sums = [0_i32; EARS];
        for (_, row) in &known {
            for (ear, sum) in sums.iter_mut().enumerate() {
                *sum += row.weight(ear);
            }
        }
        let length = u32::try_from(known.len().max(1)).map_or(f64::MAX, f64::from).sqrt();
        std::array::from_fn(|ear| {
            let Ear { unit, bias, .. } = self.ears[ear];
            f64::from(sums[ear]) * unit / length + bias
        })
    }

    /// The words whose features speak loudest for `ear`, in the order of the sentence.
    fn telling(&self, sentence: &Sentence, ear: usize) -> String {
        let mut shares = vec![0; sentence.words.len()];
        features::each(sentence, |words, feature| {
            if let Some(row) = self.rows.get(&features::hash(feature)) {
                for word in words {
                    shares[word] += row.weight(ear);
                }
            }
        });
        let mut order: Vec<usize> = (0..shares.len()).filter(|word| shares[*word] > 0).collect();
        order.sort_by_key(|word| std::cmp::Reverse(shares[*word]));
        order.truncate(REASONS);
        order.sort_unstable();
        let words: Vec<&str> = order.iter().map(|word| sentence.words[*word].text.as_str()).collect();
        words.join(" ")
    }
}

/// The score of sentences that stand in one message: each of the loudest that is not far below zero
/// adds to it.
fn together(scores: impl Iterator<Item = f64>) -> f64 {
    let mut louder: Vec<f64> = scores.map(|score| (score + MURMUR).max(0.0)).collect();
    louder.sort_unstable_by(|a, b| b.total_cmp(a));
    louder.iter().take(LOUDEST).sum::<f64>() - MURMUR
}
