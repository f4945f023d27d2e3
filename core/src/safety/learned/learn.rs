//! From examples to weights: a support vector machine for each ear, trained one coordinate at a
//! time (Hsieh and others, 2008), and thresholds set on examples that were held out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

use super::{
    EARS, Ear, FIRST_KIND, FIRST_LEVEL, KINDS, LEVELS, Learned, MURMUR, ROUTES, Row, features, file, together,
};
use crate::safety::normalise::{Sentence, normalise};
use crate::safety::{Kind, Route};

/// A text, and what should be heard in it: a line of `safety/examples/*.jsonl`, in the form that
/// `chatbox understand --score` reads too. What else stands there is not learned from.
#[derive(Debug, Clone, Deserialize)]
pub struct Lesson {
    pub text: String,
    /// What figures are given by.
    pub group: String,
    /// The gentlest route that is right.
    pub min: Route,
    /// The highest route that is right; E if left out.
    #[serde(default = "highest")]
    pub max: Route,
    /// Every kind of danger in it, where that can be said.
    pub kinds: Option<BTreeSet<Kind>>,
}

/// How large a share of the texts that were held out may be heard where they should not.
#[derive(Debug, Clone, Copy)]
pub struct Shares {
    /// Of harmless texts, by the ears of B, C, D and E. The examples lie near the border on purpose:
    /// of what people really write, a third of it or less is heard.
    pub harmless: [f64; 4],
    /// Of harmless texts, by the ear of suicide as a kind, which hears what is said indirectly.
    pub harmless_as_suicide: f64,
    /// Of harmless texts, by the ear of another kind.
    pub harmless_by_kind: f64,
    /// Of texts that call for the route just below, by the ear of the level of D, and of E.
    pub one_step_below: [f64; 2],
    /// Of texts that call for a still gentler one.
    pub further_below: f64,
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            harmless: [0.02, 0.03, 0.035, 0.04],
            harmless_as_suicide: 0.025,
            harmless_by_kind: 0.003,
            one_step_below: [0.42, 0.3],
            further_below: 0.15,
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
/// Features that weigh less than this for every ear are left out; they tell nothing.
const LEAST_ROOT: i8 = 12;
/// How much a wrong example costs beside the size of the weights.
const COST: f64 = 1.0;
/// Each feature is taken to stand so many times more on either side than it does.
const DOUBT: f64 = 0.5;
/// Rounds over all examples.
const ROUNDS: usize = 40;

fn highest() -> Route {
    Route::E
}

impl Lesson {
    /// Reads a line; `None` for one of several messages in turn (`texts`), which the rules alone add
    /// up. The error is a sentence without the person's words.
    pub fn parse(line: &str) -> Result<Option<Self>, String> {
        let value: serde_json::Value = serde_json::from_str(line).map_err(|_| "it is not JSON".to_owned())?;
        if value.get("texts").is_some() {
            return Ok(None);
        }
        let lesson: Self = serde_json::from_value(value).map_err(|_| {
            "a line is {\"text\": …, \"group\": …, \"min\": \"B\", \"max\": \"C\", \"kinds\": […]}, the last two may be left out".to_owned()
        })?;
        if lesson.min > lesson.max {
            return Err("\"min\" is above \"max\"".to_owned());
        }
        Ok(Some(lesson))
    }
}

/// Learns weights and thresholds. The same lessons in the same order give the same bytes. `digest`
/// is that of the examples' files, and is written into the weights.
pub fn learn(lessons: &[Lesson], digest: &str, shares: &Shares) -> Learnt {
    let school = School::new(lessons);
    let mut totals = vec![[-MURMUR; EARS]; lessons.len()];
    for part in 0..PARTS {
        let (learned, _) = school.teach(|lesson| lesson % PARTS != part);
        for lesson in (part..lessons.len()).step_by(PARTS) {
            let scores: Vec<_> =
                school.sentences[lesson].iter().map(|sentence| learned.sentence(sentence)).collect();
            totals[lesson] = std::array::from_fn(|ear| together(scores.iter().map(|score| score[ear])));
        }
    }
    let (mut learned, names) = school.teach(|_| true);
    for ear in 0..EARS {
        learned.ears[ear].threshold = threshold(lessons, &totals, ear, shares);
        learned.ears[ear].named = named_from(lessons, &totals, ear);
    }
    let held_out = totals.iter().map(|total| learned.route(total)).collect();
    let rows: Vec<(String, Row)> = names
        .into_iter()
        .filter_map(|(name, hash)| learned.rows.get(&hash).map(|row| (name, *row)))
        .collect();
    Learnt { weights: file::write(digest, &learned.ears, &rows), held_out }
}

/// The least score at which few enough of the texts that should not be heard are heard.
fn threshold(lessons: &[Lesson], totals: &[[f64; EARS]], ear: usize, shares: &Shares) -> f64 {
    let limit = |share: f64, belongs: &dyn Fn(&Lesson) -> bool| {
        let mut scores: Vec<f64> = lessons
            .iter()
            .zip(totals)
            .filter(|(lesson, _)| belongs(lesson))
            .map(|(_, total)| total[ear])
            .collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        let allowed = number(scores.len()) * share;
        let first_too_many = scores.iter().zip(0..).find(|(_, before)| number(*before) >= allowed);
        first_too_many.map_or(-MURMUR, |(score, _)| score + 1e-6)
    };
    // Rounded as it is written down.
    let rounded = |score: f64| (score.max(-MURMUR + 1e-3) * 1e6).round() / 1e6;
    if let Some(level) = ear.checked_sub(FIRST_LEVEL).filter(|level| *level < LEVELS.len()) {
        let steps = |lesson: &Lesson| (LEVELS[level] as u8).saturating_sub(lesson.min as u8);
        let next = limit(shares.one_step_below[level], &|lesson| lesson.max > Route::A && steps(lesson) == 1);
        let gentler = limit(shares.further_below, &|lesson| lesson.max > Route::A && steps(lesson) > 1);
        return rounded(next.max(gentler));
    }
    let share = match ear.checked_sub(FIRST_KIND).map(|kind| KINDS[kind]) {
        None => shares.harmless[ear],
        Some(Kind::Suicide) => shares.harmless_as_suicide,
        Some(_) => shares.harmless_by_kind,
    };
    rounded(limit(share, &|lesson| lesson.max == Route::A))
}

/// The score from which a kind is best named, where a route is heard: the one with the most kinds
/// named rightly for each that is missed or wrong (F1).
fn named_from(lessons: &[Lesson], totals: &[[f64; EARS]], ear: usize) -> f64 {
    let Some(kind) = ear.checked_sub(FIRST_KIND).map(|kind| KINDS[kind]) else { return 0.0 };
    let mut scores: Vec<(f64, bool)> = lessons
        .iter()
        .zip(totals)
        .filter(|(lesson, _)| lesson.max > Route::A)
        .filter_map(|(lesson, total)| Some((total[ear], lesson.kinds.as_ref()?.contains(&kind))))
        .collect();
    scores.sort_by(|a, b| b.0.total_cmp(&a.0));
    let all = number(scores.iter().filter(|(_, right)| *right).count());
    let mut best = (0.0, 0.0);
    let mut right = 0.0;
    for (at, (score, is_right)) in scores.iter().enumerate() {
        right += f64::from(u8::from(*is_right));
        let f1 = 2.0 * right / (number(at + 1) + all);
        if f1 > best.0 {
            best = (f1, *score);
        }
    }
    (best.1 * 1e6).round() / 1e6
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
                papers.push(Paper { lesson, features: named(sentences).iter().filter_map(number).collect() });
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
        let mut rows = vec![[0_i8; EARS]; self.vocabulary.len()];
        for ear in 0..EARS {
            let examples: Vec<(&Paper, f64)> = self
                .papers
                .iter()
                .filter(|paper| taken(paper.lesson))
                .filter_map(|paper| Some((paper, target(&self.lessons[paper.lesson], ear)?)))
                .collect();
            let (weights, bias) = separate(&examples, self.vocabulary.len());
            let unit = unit(&weights);
            for (row, worth) in rows.iter_mut().zip(&weights) {
                row[ear] = root(worth / unit);
            }
            learned.ears[ear] = Ear { unit, bias: (bias * 1e6).round() / 1e6, threshold: 0.0, named: 0.0 };
        }
        let mut names = vec![];
        for (name, roots) in self.vocabulary.iter().zip(rows) {
            if roots.iter().any(|root| root.abs() >= LEAST_ROOT) {
                let hash = features::hash(&[name]);
                learned.rows.insert(hash, Row(roots));
                names.push((name.clone(), hash));
            }
        }
        (learned, names)
    }
}

fn named(sentences: &[Sentence]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for sentence in sentences {
        features::each(sentence, |_, parts| {
            names.insert(parts.concat());
        });
    }
    names
}

/// 1 for a lesson that the ear must hear, -1 for one that it must not, `None` for neither.
fn target(lesson: &Lesson, ear: usize) -> Option<f64> {
    let side = |hears: bool| if hears { 1.0 } else { -1.0 };
    if let Some(kind) = ear.checked_sub(FIRST_KIND) {
        let harmless = (lesson.max == Route::A).then_some(false);
        let has = |kinds: &BTreeSet<Kind>| kinds.contains(&KINDS[kind]);
        return harmless.or_else(|| lesson.kinds.as_ref().map(has)).map(side);
    }
    let (route, among_danger) = match ear.checked_sub(FIRST_LEVEL) {
        Some(level) => (LEVELS[level], true),
        None => (ROUTES[ear], false),
    };
    if lesson.min >= route {
        Some(1.0)
    } else if among_danger {
        (lesson.max > Route::A).then_some(-1.0)
    } else {
        (lesson.max < route).then_some(-1.0)
    }
}

/// The root of a weight as the file holds it, with the weight's sign.
#[expect(clippy::cast_possible_truncation, reason = "at most MOST either way")]
fn root(weight: f64) -> i8 {
    (weight.abs().sqrt().round().min(f64::from(file::MOST)) * weight.signum()) as i8
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

/// What one unit of weight is worth, so that the largest can still be told.
fn unit(worths: &[f64]) -> f64 {
    let largest = worths.iter().fold(0.0_f64, |most, worth| most.max(worth.abs()));
    let most = f64::from(file::MOST);
    ((largest / (most * most)).max(1e-6) * 1e9).round() / 1e9
}

/// The weights and the bias that tell the examples apart: squared hinge loss, squared weights, each
/// feature scaled by how unevenly it stands on the two sides (Wang and Manning, 2012).
fn separate(examples: &[(&Paper, f64)], features: usize) -> (Vec<f64>, f64) {
    const SLACK: f64 = 0.5 / COST;
    let scale = unevenness(examples, features);
    let worth = |paper: &Paper| 1.0 / number(paper.features.len().max(1)).sqrt();
    let size = |paper: &Paper| {
        let squares: f64 = paper.features.iter().map(|at| scale[*at as usize] * scale[*at as usize]).sum();
        squares * worth(paper) * worth(paper)
    };
    let mut weights = vec![0.0; features];
    let mut bias = 0.0;
    let mut shares = vec![0.0_f64; examples.len()];
    let sizes: Vec<f64> = examples.iter().map(|(paper, _)| size(paper)).collect();
    // So that the cost means the same for every ear.
    let mean = (sizes.iter().map(|size| size.sqrt()).sum::<f64>() / number(sizes.len().max(1))).max(1e-9);
    // A step that shares no factor with the number of examples visits each once, out of order.
    let step = [7919, 104_729, 1_299_709]
        .into_iter()
        .find(|step| !examples.len().is_multiple_of(*step))
        .unwrap_or(1);
    for _ in 0..ROUNDS {
        let mut at = 0;
        for _ in 0..examples.len() {
            at = (at + step) % examples.len();
            let (paper, side) = examples[at];
            let each = worth(paper) / mean;
            let sum: f64 = paper.features.iter().map(|at| weights[*at as usize] * scale[*at as usize]).sum();
            let gradient = side * (bias + sum * each) - 1.0 + SLACK * shares[at];
            let curve = sizes[at] / (mean * mean) + 1.0 + SLACK;
            let share = (shares[at] - gradient / curve).max(0.0);
            let change = (share - shares[at]) * side;
            if change != 0.0 {
                shares[at] = share;
                bias += change;
                for at in &paper.features {
                    weights[*at as usize] += change * each * scale[*at as usize];
                }
            }
        }
    }
    for (weight, scale) in weights.iter_mut().zip(&scale) {
        *weight *= scale / mean;
    }
    (weights, bias)
}

/// For each feature how unevenly it stands on the two sides: 0 for evenly, 1 for on one side alone.
fn unevenness(examples: &[(&Paper, f64)], features: usize) -> Vec<f64> {
    let mut counts = vec![[DOUBT; 2]; features];
    for (paper, side) in examples {
        for at in &paper.features {
            counts[*at as usize][usize::from(*side > 0.0)] += 1.0;
        }
    }
    let all = counts.iter().fold([0.0; 2], |all, count| [all[0] + count[0], all[1] + count[1]]);
    let uneven = |count: &[f64; 2]| {
        let (against, with) = (count[0] / all[0], count[1] / all[1]);
        (with - against).abs() / (with + against)
    };
    counts.iter().map(uneven).collect()
}
