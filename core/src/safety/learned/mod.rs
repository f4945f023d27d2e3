//! What a text sounds like: a second net below the rules, learned from examples.
//!
//! Rules hear what somebody thought of; people find other words. So each text is also weighed: its
//! words, pairs of words, the classes of both and parts of words each count for or against a route and a
//! kind, by how often they stood in examples of it ([`learn`]). The weights are a text file of the
//! content, `safety/learned.weights`, made from `safety/examples/*.jsonl` by `chatbox learn`.
//!
//! Architecture invariants:
//! - It only ever raises a route, and never speaks where there is no weights file. But rules that say
//!   `needs_murmur` are not heard where it hears next to none.
//! - The scores of sentences add up and none counts below zero, so a sentence more never lowers
//!   the route, however long the text.
//! - Only addition, multiplication, division and the square root are used: the same text gives the
//!   same bytes on every machine.

mod classes;
mod features;
mod file;
mod learn;
mod lesson;
mod machine;
mod rows;

use std::collections::BTreeSet;

pub(crate) use classes::has as is_english;
pub use learn::{Learnt, Shares, learn};
pub use lesson::Lesson;
use rows::Rows;

use super::normalise::{Sentence, Word};
use super::{Kind, Route, WEIGHTS};
use crate::content::{Finding, Severity};

/// One thing that is listened for, with weights of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ear {
    /// That a text calls for this route or a higher one.
    Route(Route),
    /// The same, learned from dangerous texts alone: it tells this danger from a gentler one.
    Level(Route),
    /// That there is this kind of danger.
    Kind(Kind),
}

/// Every ear, in the order of the weights.
const EARS: [Ear; 18] = [
    Ear::Route(Route::B),
    Ear::Route(Route::C),
    Ear::Route(Route::D),
    Ear::Route(Route::E),
    Ear::Level(Route::D),
    Ear::Level(Route::E),
    Ear::Kind(Kind::Suicide),
    Ear::Kind(Kind::SelfHarm),
    Ear::Kind(Kind::HarmToOthers),
    Ear::Kind(Kind::Abuse),
    Ear::Kind(Kind::SexualViolence),
    Ear::Kind(Kind::Stalking),
    Ear::Kind(Kind::Safeguarding),
    Ear::Kind(Kind::Under18),
    Ear::Kind(Kind::Medical),
    Ear::Kind(Kind::FitnessToPractise),
    Ear::Kind(Kind::PatientSafety),
    Ear::Kind(Kind::ThirdParty),
];

/// One number for each of [`EARS`].
type Scores = [f64; EARS.len()];

/// How far below zero a sentence still adds to its neighbours' score.
const STILL_ADDS: f64 = 0.6;

/// A message that scores less than this for any danger has no murmur of it.
const LEAST_MURMUR: f64 = -0.3;

/// D and E are beyond doubt where the ears of their levels score so much more than they need.
const DOUBT: f64 = 0.2;

/// The ear that hears any danger.
const DANGER: Ear = Ear::Route(Route::B);

/// So many sentences of a message add up.
const LOUDEST: usize = 3;

/// A longer sentence is weighed in pieces of so many words, as if each were a sentence.
const LONGEST_PIECE: usize = 200;

/// A piece of fewer features, some five words, is weighed as if it had so many: in two words one of them
/// would decide alone.
const FEW: usize = 70;

/// So many words of the piece that weighed most are named as the reason.
const REASONS: usize = 4;

/// The weights, ready to use.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// By the hash of the feature.
    rows: Rows,
    /// For each of [`EARS`].
    gauges: [Gauge; EARS.len()],
}

/// What one feature counts for or against each of [`EARS`]: the root of the weight in that ear's
/// `unit`, with its sign.
#[derive(Debug, Clone, Copy)]
struct Row([i8; EARS.len()]);

impl Row {
    /// For the ear at this place in [`EARS`].
    fn weight(&self, ear: usize) -> i32 {
        let root = i32::from(self.0[ear]);
        root * root.abs()
    }
}

/// How an ear's weights become a score, and what the score says.
#[derive(Debug, Clone, Copy, Default)]
struct Gauge {
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
    /// It sounds at least a little like danger, or there is nothing learned that could tell.
    pub murmur: bool,
    pub route: Route,
    /// The route if D and E count only where they are beyond doubt; never above `route`.
    pub beyond_doubt: Route,
    /// None on route A.
    pub kinds: BTreeSet<Kind>,
    /// The words that weighed most; none on route A.
    pub words: String,
}

impl Learned {
    /// What `sentences` sound like together.
    pub(super) fn hear(&self, sentences: &[&Sentence]) -> Sound {
        let mut sound = Sound {
            murmur: true,
            route: Route::A,
            beyond_doubt: Route::A,
            kinds: BTreeSet::new(),
            words: String::new(),
        };
        if self.rows.is_empty() {
            return sound;
        }
        let pieces: Vec<Piece<'_>> = pieces(sentences.iter().copied()).collect();
        let scores: Vec<Scores> = pieces.iter().map(|piece| self.score(*piece)).collect();
        let totals = together(&scores);
        sound.murmur = EARS.iter().zip(totals).any(|(ear, score)| *ear == DANGER && score > LEAST_MURMUR);
        sound.route = self.route(&totals, 0.0);
        sound.beyond_doubt = self.route(&totals, DOUBT);
        if sound.route == Route::A {
            return sound;
        }
        sound.kinds = self.kinds(&totals);
        let decided = |ear: Ear| match ear {
            Ear::Route(of) => of == sound.route,
            Ear::Level(_) => false,
            Ear::Kind(_) => true,
        };
        let loudest = (0..EARS.len())
            .filter(|ear| decided(EARS[*ear]))
            .max_by(|a, b| totals[*a].total_cmp(&totals[*b]))
            .and_then(|ear| {
                let pieces = pieces.iter().zip(&scores);
                let (piece, _) = pieces.max_by(|(_, a), (_, b)| a[ear].total_cmp(&b[ear]))?;
                Some((ear, *piece))
            });
        if let Some((ear, piece)) = loudest {
            sound.words = self.telling(piece, ear);
        }
        sound
    }

    /// The route of a text with these scores: the highest that was heard, and B for a kind alone. The ears of a level
    /// must have heard so much `more` than they need.
    fn route(&self, scores: &Scores, more: f64) -> Route {
        let ears = || EARS.iter().zip(scores).zip(&self.gauges);
        let heard = |ear: Ear| {
            let more = if matches!(ear, Ear::Level(_)) { more } else { 0.0 };
            ears().any(|((at, score), gauge)| *at == ear && *score >= gauge.threshold + more)
        };
        let route = [Route::E, Route::D, Route::C, Route::B].into_iter().find(|route| match route {
            Route::D | Route::E => heard(Ear::Route(*route)) && heard(Ear::Level(*route)),
            Route::A | Route::B | Route::C => heard(Ear::Route(*route)),
        });
        let a_kind = || EARS.iter().any(|ear| matches!(ear, Ear::Kind(_)) && heard(*ear));
        route.or_else(|| a_kind().then_some(Route::B)).unwrap_or(Route::A)
    }

    /// The kinds of danger in a text with these scores that calls for a route: those that are clear,
    /// and at least the likeliest.
    fn kinds(&self, scores: &Scores) -> BTreeSet<Kind> {
        let kinds = || {
            EARS.iter().zip(scores).zip(&self.gauges).filter_map(|((ear, score), gauge)| match ear {
                Ear::Kind(kind) => Some((*kind, *score, gauge.named)),
                Ear::Route(_) | Ear::Level(_) => None,
            })
        };
        let likeliest = kinds().max_by(|(_, a, _), (_, b, _)| a.total_cmp(b));
        kinds().filter(|(_, score, named)| score >= named).chain(likeliest).map(|(kind, ..)| kind).collect()
    }

    /// How `piece` sounds to each ear.
    fn score(&self, piece: Piece<'_>) -> Scores {
        let mut hashes = vec![];
        features::each(piece, |_, feature| hashes.push(features::hash(feature)));
        hashes.sort_unstable();
        hashes.dedup();
        let mut sums = [0_i32; EARS.len()];
        for row in hashes.iter().filter_map(|hash| self.rows.get(*hash)) {
            for (ear, sum) in sums.iter_mut().enumerate() {
                *sum += row.weight(ear);
            }
        }
        let evened = evened(hashes.len());
        std::array::from_fn(|ear| {
            let Gauge { unit, bias, .. } = self.gauges[ear];
            f64::from(sums[ear]) * unit / evened + bias
        })
    }

    /// The words whose features speak loudest for the ear at this place, in their order.
    fn telling(&self, piece: Piece<'_>, ear: usize) -> String {
        let mut shares = vec![0; piece.words.len()];
        features::each(piece, |places, feature| {
            if let Some(row) = self.rows.get(features::hash(feature)) {
                for place in places {
                    shares[place] += row.weight(ear);
                }
            }
        });
        let mut order: Vec<usize> = (0..shares.len()).filter(|place| shares[*place] > 0).collect();
        order.sort_by_key(|place| std::cmp::Reverse(shares[*place]));
        order.truncate(REASONS);
        order.sort_unstable();
        let telling: Vec<&str> = order.iter().map(|place| piece.words[*place].text.as_str()).collect();
        telling.join(" ")
    }
}

/// What is weighed at a time: a sentence, or a part of a long one.
#[derive(Debug, Clone, Copy)]
struct Piece<'a> {
    words: &'a [Word],
    /// A question mark ends its sentence.
    question: bool,
}

fn pieces<'a>(sentences: impl IntoIterator<Item = &'a Sentence>) -> impl Iterator<Item = Piece<'a>> {
    sentences.into_iter().flat_map(|Sentence { words, question }| {
        words.chunks(LONGEST_PIECE).map(|words| Piece { words, question: *question })
    })
}

/// What the sum of the weights is divided by in a piece of so many features, known or not, so that
/// long pieces and short ones can be compared.
fn evened(features: usize) -> f64 {
    let count = u32::try_from(features.max(FEW)).map_or(f64::MAX, f64::from);
    (count * count.sqrt()).sqrt()
}

/// The scores of pieces that stand in one message: each of the loudest that is not far below zero
/// adds to them, and none takes away.
fn together(pieces: &[Scores]) -> Scores {
    std::array::from_fn(|ear| {
        let mut louder: Vec<f64> = pieces.iter().map(|score| (score[ear] + STILL_ADDS).max(0.0)).collect();
        louder.sort_unstable_by(|a, b| b.total_cmp(a));
        louder.iter().take(LOUDEST).sum::<f64>() - STILL_ADDS
    })
}
