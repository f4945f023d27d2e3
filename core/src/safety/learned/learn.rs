//! From examples to weights: for each ear a machine that tells its examples from the others, and
//! thresholds set on examples that were held out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::machine::{Example, number, separate};
use super::{EARS, Ear, Gauge, Learned, Lesson, Row, STILL_ADDS, Scores, features, file, pieces, together};
use crate::safety::normalise::{Sentence, normalise};
use crate::safety::{Kind, Route};

/// How large a share of the texts that were held out may be heard where they should not.
#[derive(Debug, Clone, Copy)]
pub struct Shares {
    /// Of harmless texts, by the ears of B, C, D and E. The examples lie near the border on purpose:
    /// of what people really write, a third of it or less is heard.
    pub harmless: [f64; 4],
    /// Of harmless texts, by the ear of suicide as a kind, which hears what is said indirectly.
    pub harmless_as_suicide: f64,
    /// Of harmless texts, by the ears of errors at work and of fitness to work. They are told in the words
    /// of any working day, without a word for danger, so that no ear of a route hears them well.
    pub harmless_as_work: f64,
    /// Of harmless texts, by the ear of another kind.
    pub harmless_by_kind: f64,
    /// Of dangerous texts that call for a gentler route, by the ear of the level of D, and of E.
    pub gentler: [f64; 2],
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            harmless: [0.026, 0.058, 0.043, 0.0187],
            harmless_as_suicide: 0.0227,
            harmless_as_work: 0.005,
            harmless_by_kind: 0.001,
            gentler: [0.19, 0.125],
        }
    }
}

/// What [`learn`] made.
#[derive(Debug)]
pub struct Learnt {
    /// The text of `safety/learned.weights`.
    pub weights: String,
    /// For each lesson the route that is heard by weights made without it.
    pub held_out: Vec<Route>,
}

/// The examples are held out in so many parts, a part at a time.
const PARTS: usize = 5;
/// A feature must stand in so many texts.
const LEAST_TEXTS: usize = 2;
/// Features are left out that weigh less than this for every ear of a route and of suicide, and less than
/// [`LEAST_ROOT_OF_KIND`] for every other; they tell little, and the file must not grow too long.
const LEAST_ROOT: i8 = 13;
const LEAST_ROOT_OF_KIND: i8 = 22;

/// Learns weights and thresholds. The same lessons in the same order give the same bytes. `digest`
/// is that of the examples' files, and is written into the weights.
pub fn learn(lessons: &[Lesson], digest: &str, shares: &Shares) -> Learnt {
    let school = School::new(lessons);
    let mut totals: Vec<Scores> = vec![[-STILL_ADDS; EARS.len()]; lessons.len()];
    for part in 0..PARTS {
        let (learned, _) = school.teach(|lesson| lesson % PARTS != part);
        for lesson in (part..lessons.len()).step_by(PARTS) {
            let pieces = pieces(&school.sentences[lesson]);
            totals[lesson] = together(&pieces.map(|piece| learned.score(piece)).collect::<Vec<_>>());
        }
    }
    let (mut learned, names) = school.teach(|_| true);
    for (at, ear) in EARS.into_iter().enumerate() {
        let scores: Vec<(&Lesson, f64)> =
            lessons.iter().zip(&totals).map(|(lesson, total)| (lesson, total[at])).collect();
        let gauge = &mut learned.gauges[at];
        gauge.threshold = rounded(threshold(&scores, ear, shares));
        gauge.named = match ear {
            Ear::Kind(kind) => rounded_down(named_from(&scores, kind)),
            Ear::Route(_) | Ear::Level(_) => 0.0,
        };
    }
    let held_out = totals.iter().map(|total| learned.route(total, 0.0)).collect();
    let rows: Vec<(String, Row)> =
        names.into_iter().filter_map(|(name, hash)| learned.rows.get(hash).map(|row| (name, *row))).collect();
    Learnt { weights: file::write(digest, &learned.gauges, &rows), held_out }
}

/// As the file holds it.
fn rounded(score: f64) -> f64 {
    (score * 1e6).round() / 1e6
}

/// The same for a score that must itself still be reached.
fn rounded_down(score: f64) -> f64 {
    (score * 1e6).floor() / 1e6
}

/// The least score at which few enough of the texts that should not be heard are heard. `scores`
/// are what the ear gave each lesson.
fn threshold(scores: &[(&Lesson, f64)], ear: Ear, shares: &Shares) -> f64 {
    let limit = |share: f64, belongs: &dyn Fn(&Lesson) -> bool| {
        let mut scores: Vec<f64> =
            scores.iter().filter(|(lesson, _)| belongs(lesson)).map(|(_, score)| *score).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        let allowed = number(scores.len()) * share;
        let first_too_many = scores.iter().zip(0..).find(|(_, before)| number(*before) >= allowed);
        first_too_many.map_or(-STILL_ADDS, |(score, _)| score + 1e-6)
    };
    let harmless = |lesson: &Lesson| lesson.max == Route::A;
    let threshold = match ear {
        Ear::Route(route) => {
            let [b, c, d, e] = shares.harmless;
            let share = match route {
                Route::A | Route::B => b,
                Route::C => c,
                Route::D => d,
                Route::E => e,
            };
            limit(share, &harmless)
        }
        Ear::Level(level) => {
            let [d, e] = shares.gentler;
            let share = if level < Route::E { d } else { e };
            limit(share, &|lesson| !harmless(lesson) && lesson.min < level)
        }
        Ear::Kind(Kind::Suicide) => limit(shares.harmless_as_suicide, &harmless),
        Ear::Kind(Kind::PatientSafety | Kind::FitnessToPractise) => limit(shares.harmless_as_work, &harmless),
        Ear::Kind(_) => limit(shares.harmless_by_kind, &harmless),
    };
    threshold.max(-STILL_ADDS + 1e-3)
}

/// The score from which `kind` is best named, where a route is heard: the one with the most texts
/// named rightly for each that is missed or wrong (F1).
fn named_from(scores: &[(&Lesson, f64)], kind: Kind) -> f64 {
    let mut scores: Vec<(f64, bool)> = scores
        .iter()
        .filter(|(lesson, _)| lesson.max > Route::A)
        .filter_map(|(lesson, score)| Some((*score, lesson.kinds.as_ref()?.contains(&kind))))
        .collect();
    scores.sort_by(|a, b| b.0.total_cmp(&a.0));
    let all = number(scores.iter().filter(|(_, right)| *right).count());
    let mut best = (0.0, 0.0);
    let mut right = 0.0;
    let mut named = 0;
    // Whoever has the same score is named together or not at all.
    for equal in scores.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        named += equal.len();
        right += number(equal.iter().filter(|(_, right)| *right).count());
        let f1 = 2.0 * right / (number(named) + all);
        if f1 > best.0 {
            best = (f1, equal[0].0);
        }
    }
    best.1
}

/// The lessons, cut into sentences and features.
struct School<'a> {
    lessons: &'a [Lesson],
    sentences: Vec<Vec<Sentence>>,
    /// The features that are learned.
    vocabulary: Vec<String>,
    papers: Vec<Paper>,
}

/// One thing to learn from: a whole text, or a sentence of a harmless one.
struct Paper {
    lesson: usize,
    /// Numbers in the vocabulary.
    features: Vec<u32>,
    /// All its features, those of the vocabulary or not.
    all: usize,
}

impl<'a> School<'a> {
    fn new(lessons: &'a [Lesson]) -> Self {
        let sentences: Vec<Vec<Sentence>> = lessons.iter().map(|lesson| normalise(&lesson.text)).collect();
        let mut texts: BTreeMap<String, usize> = BTreeMap::new();
        for text in &sentences {
            for feature in named(text) {
                *texts.entry(feature).or_default() += 1;
            }
        }
        let vocabulary: Vec<String> =
            texts.into_iter().filter(|(_, count)| *count >= LEAST_TEXTS).map(|(name, _)| name).collect();
        let numbers: HashMap<&str, u32> = vocabulary.iter().map(String::as_str).zip(0..).collect();
        let mut papers = vec![];
        for (lesson, text) in sentences.iter().enumerate() {
            let mut add = |sentences: &[Sentence]| {
                let number = |name: &String| numbers.get(name.as_str()).copied();
                let names = named(sentences);
                let features = names.iter().filter_map(number).collect();
                papers.push(Paper { lesson, features, all: names.len() });
            };
            add(text);
            if text.len() > 1 && lessons[lesson].max == Route::A {
                for sentence in text {
                    add(std::slice::from_ref(sentence));
                }
            }
        }
        Self { lessons, sentences, vocabulary, papers }
    }

    /// Weights learned from the lessons that are `taken`, with thresholds of 0, and the names of
    /// their features with the hashes.
    fn teach(&self, taken: impl Fn(usize) -> bool) -> (Learned, Vec<(String, u64)>) {
        let mut learned = Learned::default();
        let mut rows = vec![[0_i8; EARS.len()]; self.vocabulary.len()];
        for (ear, listens_for) in EARS.into_iter().enumerate() {
            let examples: Vec<Example<'_>> = self
                .papers
                .iter()
                .filter(|paper| taken(paper.lesson))
                .filter_map(|Paper { lesson, features, all }| {
                    Some(Example { features, all: *all, side: side(&self.lessons[*lesson], listens_for)? })
                })
                .collect();
            let (weights, bias) = separate(&examples, self.vocabulary.len());
            let unit = unit(&weights);
            for (row, worth) in rows.iter_mut().zip(&weights) {
                row[ear] = root(worth / unit);
            }
            learned.gauges[ear] = Gauge { unit, bias: rounded(bias), threshold: 0.0, named: 0.0 };
        }
        let (mut kept, mut names) = (vec![], vec![]);
        for (name, roots) in self.vocabulary.iter().zip(rows) {
            if EARS.into_iter().zip(roots).any(tells) {
                let hash = features::hash(&[name]);
                kept.push((hash, Row(roots)));
                names.push((name.clone(), hash));
            }
        }
        learned.rows = kept.into_iter().collect();
        (learned, names)
    }
}

/// The names of all features of the sentences.
fn named(sentences: &[Sentence]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for piece in pieces(sentences) {
        features::each(piece, |_, parts| {
            names.insert(parts.concat());
        });
    }
    names
}

/// 1 for a lesson that the ear must hear, -1 for one that it must not, `None` for neither.
fn side(lesson: &Lesson, ear: Ear) -> Option<f64> {
    let harmless = lesson.max == Route::A;
    let hears = match ear {
        Ear::Route(route) if lesson.min >= route => Some(true),
        Ear::Route(route) => (lesson.max < route).then_some(false),
        Ear::Level(route) => (!harmless).then_some(lesson.min >= route),
        Ear::Kind(_) if harmless => Some(false),
        Ear::Kind(kind) => lesson.kinds.as_ref().map(|kinds| kinds.contains(&kind)),
    };
    hears.map(|hears| if hears { 1.0 } else { -1.0 })
}

/// Whether a feature with this root of its weight for this ear is worth its place.
fn tells((ear, root): (Ear, i8)) -> bool {
    let least = match ear {
        Ear::Route(_) | Ear::Level(_) | Ear::Kind(Kind::Suicide) => LEAST_ROOT,
        Ear::Kind(_) => LEAST_ROOT_OF_KIND,
    };
    root.abs() >= least
}

/// The root of a weight as the file holds it, with the weight's sign.
#[expect(clippy::cast_possible_truncation, reason = "at most MOST either way")]
fn root(weight: f64) -> i8 {
    (weight.abs().sqrt().round().min(f64::from(file::MOST)) * weight.signum()) as i8
}

/// What one unit of weight is worth, so that the largest can still be told.
fn unit(worths: &[f64]) -> f64 {
    let largest = worths.iter().fold(0.0_f64, |most, worth| most.max(worth.abs()));
    let most = f64::from(file::MOST);
    ((largest / (most * most)).max(1e-6) * 1e9).round() / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lesson(max: Route, kind: Option<Kind>) -> Lesson {
        Lesson {
            text: String::new(),
            group: String::new(),
            min: Route::A,
            max,
            kinds: Some(kind.into_iter().collect()),
        }
    }

    #[test]
    fn a_kind_is_named_from_a_score_that_parts_no_texts_of_the_same_score() {
        let right = lesson(Route::E, Some(Kind::Abuse));
        let wrong = lesson(Route::E, None);
        // At 0.5 two are right and four wrong, whichever of them comes first.
        let mut scores = vec![(&right, 0.9), (&right, 0.5), (&wrong, 0.5), (&wrong, 0.5), (&wrong, 0.5)];
        scores.push((&wrong, 0.5));
        assert!((named_from(&scores, Kind::Abuse) - 0.9).abs() < 1e-9);
        scores.reverse();
        assert!((named_from(&scores, Kind::Abuse) - 0.9).abs() < 1e-9);
    }

    #[test]
    fn no_more_harmless_texts_are_heard_than_their_share_even_where_scores_are_the_same() {
        let harmless = lesson(Route::A, None);
        let shares = Shares { harmless: [0.2; 4], ..Shares::default() };
        let scores: Vec<(&Lesson, f64)> =
            [0.9, 0.7, 0.7, 0.7, 0.7, 0.3, 0.1, 0.1, 0.0, 0.0].map(|score| (&harmless, score)).into();
        let from = threshold(&scores, Ear::Route(Route::B), &shares);
        assert!(from > 0.7 && from < 0.71, "{from}");
        assert!(scores.iter().filter(|(_, score)| *score >= rounded(from)).count() <= 2);
    }
}
