//! Which needs a message speaks of, and the words that say so.
//!
//! Phrases of the lexicon say it outright; beside them a message is held against whole sentences of
//! each need (see [`Nearest`]), which decides between needs that the phrases leave equal, and finds
//! one where no phrase fits.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{
    clauses,
    encoder::{self, Shares},
    meaning::{BESIDE, NeedFound},
    nearest::{Nearest, Sentences},
    phrase::{Hit, Phrases},
    text::{self, Sep, Token, words_of},
    typos::Typos,
};
use crate::content::{Finding, Severity, Source};

/// Further needs than this are noise.
const MOST_NEEDS: usize = 8;
/// How much one phrase of each list says, from what outweighs all others to a hint.
const WEIGHTS: [f64; 4] = [0.97, 0.78, 0.5, 0.23];
/// How much of that counts for a broad need.
const BROAD: f64 = 0.85;
/// How much likeness to the sentences of a need counts beside its phrases, how much its share of what
/// explains the words, and both at most.
const LIKENESS: f64 = 0.25;
const SHARE: f64 = 0.95;
const MOST_LIKENESS: f64 = 0.95;
/// Less likeness than this, so weighed, is not worth naming by itself.
const WORTH_NAMING: f64 = 0.2;
/// Where the words are those of people who speak of no need, phrases keep so much of what they say.
const NAMED: f64 = 0.5;
/// A message in which no need reaches this speaks of none.
const HEARD: f64 = 0.3;
/// Nor does one without a phrase of the lexicon whose words tell less of any need.
const TELLING: f64 = 0.15;
/// Where the best need scores less, the words leave it unsure, and what the message says as a whole counts too.
const UNSURE: f64 = 0.95;
/// How much the share of a need among what says alike counts, and at most.
const SAID: f64 = 4.0;
const MOST_SAID: f64 = 0.6;
/// A need of which the whole says so much is named even where no word tells of it.
const SAID_PLAINLY: f64 = 0.4;
/// A message of fewer words says too little as a whole.
const A_WHOLE: usize = 7;
/// A clause names a need by itself if its phrases say so much.
const ALONE: f64 = 0.6;
/// In a message of at most so many words each clause is looked at apart: a longer one tells a story, and what
/// its clauses name is part of it.
const FEW_WORDS: usize = 40;
/// What a line of `told.txt` that speaks of no need begins with.
const NOTHING: &str = "none";

/// A word that was told so often is no typing error.
const OFTEN: usize = 2;

/// The lexicon of needs, in the order of the content.
#[derive(Debug, Default)]
pub(super) struct Needs {
    list: Vec<Need>,
    phrases: Phrases,
    meanings: Vec<Means>,
    denials: Phrases,
    nearest: Nearest,
    /// What the same sentences say as a whole.
    said: encoder::Sentences,
    file: String,
}

#[derive(Debug)]
struct Need {
    id: String,
    label: String,
    broad: bool,
    examples: Vec<Spanned<String>>,
}

/// What one phrase says: each need with its weight. No needs: an idiom that says nothing.
#[derive(Debug, Clone, Default)]
struct Means(Vec<(usize, f64)>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// "not", "isn't": what they stand before is not meant.
    denials: Vec<Spanned<String>>,
    /// Words that may stand between a denial and what it denies.
    between: Vec<String>,
    /// Phrases that only look like a need.
    idioms: Vec<Spanned<String>>,
    /// Words that are right as they are, though one letter away from a word of the lexicon.
    plain_words: Vec<String>,
    needs: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    label: String,
    /// Says less than any other need beside it: "stressed about money" is about money.
    #[serde(default)]
    broad: bool,
    #[serde(default)]
    settles: Vec<Spanned<String>>,
    #[serde(default)]
    sure: Vec<Spanned<String>>,
    #[serde(default)]
    likely: Vec<Spanned<String>>,
    #[serde(default)]
    hint: Vec<Spanned<String>>,
    examples: Vec<Spanned<String>>,
}

/// An entry of `sentences.yaml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    need: Spanned<String>,
    sentences: Vec<String>,
}

impl Needs {
    pub(super) fn load(source: &Source<'_>, findings: &mut Vec<Finding>) -> Self {
        let file: File = match source.parse() {
            Ok(file) => file,
            Err(finding) => {
                findings.push(finding);
                return Self::default();
            }
        };
        let mut this = Self { file: source.file.to_owned(), ..Self::default() };
        for phrase in &file.idioms {
            this.add(phrase, Means::default(), source, findings);
        }
        for (index, entry) in file.needs.into_iter().enumerate() {
            if this.list.iter().any(|need| need.id == entry.id.value) {
                let message = format!("The need \"{}\" stands here a second time.", entry.id.value);
                findings.push(source.error(&entry.id, message));
            }
            if entry.examples.is_empty() {
                let message = format!("The need \"{}\" wants at least one example.", entry.id.value);
                findings.push(source.error(&entry.id, message));
            }
            let lists = [&entry.settles, &entry.sure, &entry.likely, &entry.hint];
            for (list, weight) in lists.into_iter().zip(WEIGHTS) {
                for phrase in list {
                    this.add(phrase, Means(vec![(index, weight)]), source, findings);
                }
            }
            this.list.push(Need {
                id: entry.id.value,
                label: entry.label,
                broad: entry.broad,
                examples: entry.examples,
            });
        }
        this.phrases.finish(&Typos::plain(file.plain_words));
        for phrase in &file.denials {
            if let Err(message) = this.denials.add(&phrase.value, 0) {
                findings.push(source.error(phrase, message));
            }
        }
        for word in &file.between {
            // A word of its own cannot be a faulty phrase.
            let _ = this.denials.add(word, 1);
        }
        this
    }

    /// Adds the sentences that are known to speak of a need: by need from `sentences.yaml`, and told by
    /// people in `told.txt`, which is a line each, `need, further need: sentence`, or `none: sentence` for
    /// one that speaks of no need. Their words are no typing errors either, unless told only once.
    pub(super) fn add_sentences(
        &mut self,
        by_need: Option<Source<'_>>,
        told: Option<Source<'_>>,
        said: Option<Source<'_>>,
        findings: &mut Vec<Finding>,
    ) {
        let by_need = by_need.map(|source| self.by_need(&source, findings)).unwrap_or_default();
        let told = told.map(|source| self.told(&source, findings)).unwrap_or_default();
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        let mut sentences = Sentences::default();
        let mut add = |needs: &[usize], text: &str, often: usize| {
            let tokens = text::tokens(text);
            sentences.add(needs, &tokens);
            for token in tokens {
                *times.entry(token.word).or_default() += often;
            }
        };
        for (need, text) in &by_need {
            add(&[*need], text, OFTEN);
        }
        for (needs, text) in &told {
            add(needs, text, 1);
        }
        self.nearest = Nearest::new(sentences);
        if let Some(source) = said {
            let by_need = by_need.iter().map(|(need, text)| (vec![*need], text.as_str()));
            let told = told.iter().map(|(needs, text)| (needs.clone(), *text));
            self.said = encoder::Sentences::new(by_need.chain(told), source.text);
            if self.said.missing > 0 {
                let message = format!(
                    "sentences of sentences.yaml and told.txt that are not in it yet: {}; run `chatbox learn`",
                    self.said.missing
                );
                let file = source.file.to_owned();
                findings.push(Finding { severity: Severity::Warning, file, line: 0, column: 0, message });
            }
        }
        let right = times.into_iter().filter(|(_, times)| *times >= OFTEN);
        self.phrases.never_typos(right.map(|(word, _)| word));
    }

    /// All sentences, those of `sentences.yaml` first.
    pub(super) fn sentences(&self, by_need: &Source<'_>, told: &Source<'_>) -> Vec<String> {
        let by_need = self.by_need(by_need, &mut Vec::new()).into_iter().map(|(_, text)| text);
        by_need.chain(self.told(told, &mut Vec::new()).into_iter().map(|(_, text)| text.to_owned())).collect()
    }

    fn by_need(&self, source: &Source<'_>, findings: &mut Vec<Finding>) -> Vec<(usize, String)> {
        let file: Vec<Said> = source.parse().unwrap_or_else(|finding| {
            findings.push(finding);
            Vec::new()
        });
        let mut known = Vec::new();
        for Said { need: id, sentences } in file {
            match self.number(&id.value) {
                Ok(need) => known.extend(sentences.into_iter().map(|text| (need, text))),
                Err(message) => findings.push(source.error(&id, message)),
            }
        }
        known
    }

    fn told<'t>(&self, source: &Source<'t>, findings: &mut Vec<Finding>) -> Vec<(Vec<usize>, &'t str)> {
        let mut known = Vec::new();
        for (entry, line) in source.text.lines().zip(1..).filter(|(entry, _)| !entry.starts_with('#')) {
            let needs = |ids: &str| match ids {
                NOTHING => Ok(Vec::new()),
                ids => ids.split(", ").map(|id| self.number(id)).collect::<Result<Vec<_>, _>>(),
            };
            let read = entry
                .split_once(": ")
                .ok_or_else(|| "A line is \"need, further need: sentence\".".to_owned())
                .and_then(|(ids, text)| Ok((needs(ids)?, text)));
            match read {
                Ok(read) => known.push(read),
                Err(message) => {
                    let file = source.file.to_owned();
                    findings.push(Finding { severity: Severity::Error, file, line, column: 1, message });
                }
            }
        }
        known
    }

    fn number(&self, id: &str) -> Result<usize, String> {
        let found = self.list.iter().position(|need| need.id == id);
        found.ok_or_else(|| format!("There is no need \"{id}\" in needs.yaml."))
    }

    /// Best first; equal scores in the order of the content. `telling_words` counts the words that are more than
    /// phrases of an intent.
    pub(super) fn find(
        &self,
        text: &str,
        tokens: &[Token],
        telling_words: impl FnOnce() -> usize,
    ) -> Vec<NeedFound> {
        let hits = self.phrases.find(tokens);
        let denied = self.denied(tokens, &hits);
        let mut found: Vec<Found> = Vec::new();
        let idioms: Vec<&Hit> =
            longest(&hits).filter(|hit| self.meanings[hit.means as usize].0.is_empty()).collect();
        // "Confidential" is an idiom, and begins as "confident" does.
        let is_idiom =
            |hit: &&Hit| idioms.iter().any(|idiom| (idiom.first, idiom.last) == (hit.first, hit.last));
        for hit in longest(&hits).filter(|hit| !denied[hit.first] && !is_idiom(hit)) {
            for &(need, weight) in &self.meanings[hit.means as usize].0 {
                let words = words_of(text, tokens, hit.first, hit.last);
                let weight = if self.list[need].broad { weight * BROAD } else { weight };
                if let Some(other) = found.iter_mut().find(|other| other.need == need) {
                    other.add(words, weight, hit.len());
                } else {
                    let because = vec![words.to_owned()];
                    found.push(Found { need, doubt: 1.0 - weight, because, words: hit.len() });
                }
            }
        }
        // Words of an idiom, and what is denied, are not compared either.
        let mut heard: Vec<bool> = denied.iter().map(|denied| !denied).collect();
        for hit in &idioms {
            heard[hit.first..=hit.last].fill(false);
        }
        let alike = self.nearest.find(tokens, |at| heard[at], !found.is_empty());
        let mut telling = !found.is_empty() || alike.needs.iter().any(|like| like.telling >= TELLING);
        let named = NAMED + (1.0 - NAMED) * alike.speaks;
        for one in &mut found {
            one.doubt = 1.0 - named * (1.0 - one.doubt);
        }
        for like in alike.needs {
            let broad = if self.list[like.need].broad { BROAD } else { 1.0 };
            let weight = broad * (LIKENESS * like.likeness + SHARE * like.share).min(MOST_LIKENESS);
            let doubt = 1.0 - alike.speaks * weight;
            if let Some(other) = found.iter_mut().find(|other| other.need == like.need) {
                other.doubt *= doubt;
            } else if weight >= WORTH_NAMING && like.telling > 0.0 {
                let need = like.need;
                let because =
                    like.because().into_iter().map(|at| words_of(text, tokens, at, at).to_owned()).collect();
                found.push(Found { need, doubt, because, words: 0 });
            }
        }
        let best = found.iter().map(|one| 1.0 - one.doubt).fold(0.0, f64::max);
        if best < UNSURE && heard.iter().all(|heard| *heard) && telling_words() >= A_WHOLE {
            telling |= self.hear_the_whole(text, &mut found);
        }
        found.sort_by(Found::order);
        if let Some((first, further)) = found.split_first_mut() {
            let alone = self.named_alone(first.need, tokens, &hits, &denied);
            for one in further.iter_mut().filter(|one| alone.contains(&one.need)) {
                one.doubt = one.doubt.min(first.doubt.max(1.0 - BESIDE));
            }
            further.sort_by(Found::order);
        }
        found.truncate(MOST_NEEDS);
        if !telling || found.first().is_some_and(|best| 1.0 - best.doubt < HEARD) {
            found.clear();
        }
        found
            .into_iter()
            .map(|one| NeedFound {
                id: self.list[one.need].id.clone(),
                score: ((1.0 - one.doubt) * 100.0).round() / 100.0,
                because: one.because,
            })
            .collect()
    }

    /// Adds what the message says as a whole, whatever its words; whether it speaks of a need plainly.
    fn hear_the_whole(&self, text: &str, found: &mut Vec<Found>) -> bool {
        let Some(Shares { needs, none }) = self.said.shares(text, self.list.len()) else { return false };
        let speaks = 1.0 - none;
        for one in found.iter_mut() {
            one.doubt = 1.0 - speaks * (1.0 - one.doubt);
        }
        // Idle talk is like some need or other too, and some of what is told of needs like idle talk: half of it
        // around a message leaves a need next to nothing, a tenth two thirds. Smaller powers take idle talk for
        // a need more often, and find no more.
        let plain = speaks.powi(4);
        let mut plainly = false;
        for (need, share) in needs.into_iter().enumerate() {
            let broad = if self.list[need].broad { BROAD } else { 1.0 };
            let weight = broad * (SAID * share * plain).min(MOST_SAID);
            plainly |= weight >= SAID_PLAINLY;
            if let Some(other) = found.iter_mut().find(|other| other.need == need) {
                other.doubt *= 1.0 - weight;
            } else if weight >= WORTH_NAMING {
                found.push(Found { need, doubt: 1.0 - weight, because: Vec::new(), words: 0 });
            }
        }
        plainly
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|need| need.id.as_str())
    }

    pub(super) fn label(&self, id: &str) -> Option<&str> {
        self.list.iter().find(|need| need.id == id).map(|need| need.label.as_str())
    }

    /// Each need with its examples and the file they stand in.
    pub(super) fn examples(&self) -> impl Iterator<Item = (&str, &Spanned<String>)> {
        self.list.iter().flat_map(|need| need.examples.iter().map(|example| (need.id.as_str(), example)))
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    fn add(
        &mut self,
        phrase: &Spanned<String>,
        means: Means,
        source: &Source<'_>,
        findings: &mut Vec<Finding>,
    ) {
        let Ok(id) = u32::try_from(self.meanings.len()) else { return };
        self.meanings.push(means);
        if let Err(message) = self.phrases.add(&phrase.value, id) {
            findings.push(source.error(phrase, message));
        }
    }

    /// The needs that a clause names by itself, beside those clauses that name the first need so: "can't sleep
    /// and I'm skint".
    fn named_alone(&self, first: usize, tokens: &[Token], hits: &[Hit], denied: &[bool]) -> BTreeSet<usize> {
        if tokens.len() > FEW_WORDS {
            return BTreeSet::new();
        }
        let clauses = clauses::numbers(tokens);
        let mut doubts: BTreeMap<usize, BTreeMap<usize, f64>> = BTreeMap::new();
        let within = |hit: &&Hit| !denied[hit.first] && clauses[hit.first] == clauses[hit.last];
        for hit in longest(hits).filter(within) {
            let of_clause = doubts.entry(clauses[hit.first]).or_default();
            for &(need, weight) in &self.meanings[hit.means as usize].0 {
                let weight = if self.list[need].broad { weight * BROAD } else { weight };
                *of_clause.entry(need).or_insert(1.0) *= 1.0 - weight;
            }
        }
        let named = doubts.into_values().flat_map(|of_clause| {
            let least = of_clause.values().copied().fold(1.0 - ALONE, f64::min);
            let best: Vec<usize> =
                of_clause.into_iter().filter(|(_, doubt)| *doubt <= least).map(|(need, _)| need).collect();
            if best.contains(&first) { Vec::new() } else { best }
        });
        named.collect()
    }

    /// For each token whether what begins there is denied: "not about money", "nor housing".
    fn denied(&self, tokens: &[Token], hits: &[Hit]) -> Vec<bool> {
        let mut denied = vec![false; tokens.len()];
        let marks = self.denials.find(tokens);
        let mut between = vec![false; tokens.len()];
        for mark in marks.iter().filter(|mark| mark.means == 1) {
            between[mark.first] = true;
        }
        let mut reach: Option<usize> = None;
        let mut ends = vec![None; tokens.len()];
        for mark in marks.iter().filter(|mark| mark.means == 0) {
            ends[mark.first] = Some(mark.last);
        }
        let mut hit_ends = vec![None::<usize>; tokens.len()];
        for hit in longest(hits) {
            hit_ends[hit.first] = hit_ends[hit.first].max(Some(hit.last));
        }
        let mut at = 0;
        while at < tokens.len() {
            if matches!(tokens[at].before, Sep::Sentence | Sep::Comma | Sep::Dash)
                && !tokens[at].is(&["or", "nor"])
            {
                reach = None;
            }
            if reach == Some(at)
                && let Some(end) = hit_ends[at]
            {
                denied[at..=end].fill(true);
                at = end + 1;
                reach = tokens.get(at).filter(|next| next.is(&["or", "nor"])).map(|_| at + 1);
                at += usize::from(reach.is_some());
                continue;
            }
            if let Some(end) = ends[at].filter(|_| hit_ends[at].is_none()) {
                at = end + 1;
                reach = Some(at);
                continue;
            }
            if reach == Some(at) {
                reach = between[at].then_some(at + 1);
            }
            at += 1;
        }
        denied
    }
}

struct Found {
    need: usize,
    doubt: f64,
    because: Vec<String>,
    /// How many words spoke for it.
    words: usize,
}

impl Found {
    /// The best first. Longer phrases say more; then the order of the content.
    fn order(&self, other: &Self) -> Ordering {
        let words = other.words.cmp(&self.words);
        self.doubt.total_cmp(&other.doubt).then(words).then(self.need.cmp(&other.need))
    }

    /// The same words twice say no more than once.
    fn add(&mut self, words: &str, weight: f64, count: usize) {
        if self.because.iter().any(|known| known.eq_ignore_ascii_case(words)) {
            return;
        }
        self.doubt *= 1.0 - weight;
        self.because.push(words.to_owned());
        self.words += count;
    }
}

/// Hits that no longer hit covers: "mum's dementia" is not about "mum".
fn longest(hits: &[Hit]) -> impl Iterator<Item = &Hit> {
    let mut furthest: Option<(usize, usize)> = None;
    hits.iter().enumerate().filter_map(move |(index, hit)| {
        // Hits come in order of their first token, so a covering one is near.
        let same_start = hits[index + 1..].iter().take_while(|other| other.first == hit.first);
        let before = hits[..index].iter().rev().take_while(|other| other.first == hit.first);
        let beaten = same_start.chain(before).any(|other| other.last > hit.last)
            || furthest.is_some_and(|(first, last)| first < hit.first && last >= hit.last);
        if furthest.is_none_or(|(_, last)| hit.last > last) {
            furthest = Some((hit.first, hit.last));
        }
        (!beaten).then_some(hit)
    })
}
