//! From matches to a route.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::grammar::Span;
use super::normalise::{self, Sentence, Word};
use super::rules::{Owner, RuleBook, Scope};
use super::{Heard, Kind, Route};
use crate::understanding::{Memory, Reason};

/// Signals older than this no longer add up.
const MEMORY: SignedDuration = SignedDuration::from_hours(24);

/// So many of the latest signals add up.
const SIGNALS: usize = 40;

/// Reasons kept of one text, the highest route first.
const REASONS: usize = 20;

/// Words between "my colleague said" and what she said.
const REPORT_REACH: usize = 2;

pub(super) fn hear(
    rules: &RuleBook,
    scopes_off: &BTreeSet<usize>,
    text: &str,
    memory: &Memory,
    now: Timestamp,
) -> Heard {
    let mut ear = Ear { rules, scopes_off, heard: Heard::default(), denied: false, found: vec![] };
    let sentences = normalise::normalise(text);
    for sentence in &sentences {
        ear.sentence(sentence);
    }
    for joined in one_word_runs(&sentences) {
        ear.sentence(&joined);
    }
    ear.finish(memory, now)
}

struct Ear<'a> {
    rules: &'a RuleBook,
    scopes_off: &'a BTreeSet<usize>,
    heard: Heard,
    denied: bool,
    found: Vec<(Route, Reason)>,
}

impl Ear<'_> {
    fn sentence(&mut self, sentence: &Sentence) {
        let rules = self.rules;
        rules.grammar.spans(&rules.words, sentence, |from, spans| {
            if !spans.is_empty() {
                self.window(&sentence.words[from..], spans);
            }
        });
    }

    fn window(&mut self, words: &[Word], spans: &[Span]) {
        let rules = self.rules;
        let scopes: Vec<(usize, Span)> = spans
            .iter()
            .filter_map(|span| match rules.owners[span.template as usize] {
                Owner::Scope(scope) if !self.scopes_off.contains(&scope) => Some((scope, *span)),
                Owner::Scope(_) | Owner::Rule(_) => None,
            })
            .collect();
        let here = |scope: Scope| scopes.iter().filter(move |(id, _)| rules.scopes[*id].scope == scope);
        for (id, _) in &scopes {
            let scope = &rules.scopes[*id];
            self.heard.signals.extend(scope.signal.clone());
            self.heard.gentle |= scope.gentle;
            self.denied |= scope.scope == Scope::Denial;
        }
        for span in spans {
            let Owner::Rule(id) = rules.owners[span.template as usize] else { continue };
            let rule = &rules.rules[id];
            let shares =
                |(_, other): &(usize, Span)| other.start < span.shortest && span.start < other.longest;
            if here(Scope::Idiom).any(shares) || here(Scope::Denial).any(shares) {
                continue;
            }
            if rule.unless.iter().any(|scope| here(*scope).next().is_some()) {
                continue;
            }
            let mut route = rule.route;
            let mut kinds = rule.kinds.clone();
            if let Some(past) = rule.past
                && here(Scope::Past).next().is_some()
            {
                route = route.min(past);
            }
            let about_feelings = kinds.contains(&Kind::Suicide) || kinds.contains(&Kind::SelfHarm);
            let reported = |(_, said): &(usize, Span)| {
                (said.shortest..=said.longest + REPORT_REACH).contains(&span.start)
            };
            if about_feelings && here(Scope::Reported).any(reported) {
                route = route.min(Route::B);
                kinds.insert(Kind::ThirdParty);
            }
            self.heard.signals.extend(rule.signal.clone());
            self.heard.kinds.extend(kinds);
            self.heard.route = self.heard.route.max(route);
            if !self.found.iter().any(|(_, reason)| reason.rule == rule.name) {
                let words: Vec<&str> =
                    words[span.start..span.shortest].iter().map(|word| word.text.as_str()).collect();
                self.found.push((route, Reason { rule: rule.name.clone(), words: words.join(" ") }));
            }
        }
    }

    fn finish(mut self, memory: &Memory, now: Timestamp) -> Heard {
        let remembered: BTreeSet<&str> = memory
            .0
            .iter()
            .rev()
            .take(SIGNALS)
            .filter(|signal| now.duration_since(signal.at) <= MEMORY)
            .map(|signal| signal.id.as_str())
            .collect();
        let said = self.heard.signals.clone();
        for sum in &self.rules.sums {
            let has = |signal: &String| said.contains(signal) || remembered.contains(signal.as_str());
            let new = sum.all.union(&sum.any).any(|signal| said.contains(signal));
            if new
                && sum.all.iter().all(has)
                && sum.any.iter().filter(|signal| has(signal)).count() >= sum.count
            {
                self.heard.route = self.heard.route.max(sum.route);
                self.heard.kinds.extend(&sum.kinds);
                let words = sum.all.union(&sum.any).filter(|signal| has(signal)).cloned().collect::<Vec<_>>();
                self.found.push((sum.route, Reason { rule: sum.name.clone(), words: words.join(", ") }));
            }
        }
        if self.denied && self.heard.route < Route::B {
            self.heard.route = Route::B;
            self.heard.soft = true;
            self.heard.kinds.insert(Kind::Suicide);
        }
        self.heard.gentle &= self.heard.route == Route::A;
        self.found.sort_by_key(|(route, _)| std::cmp::Reverse(*route));
        self.heard.reasons = self.found.into_iter().map(|(_, reason)| reason).take(REASONS).collect();
        self.heard
    }
}

/// Runs of sentences of one word each ("I. Want. To. Die.") as one sentence.
fn one_word_runs(sentences: &[Sentence]) -> Vec<Sentence> {
    sentences
        .chunk_by(|a, b| a.words.len() == 1 && b.words.len() == 1)
        .filter(|run| run.len() >= 3)
        .map(|run| Sentence {
            words: run.iter().flat_map(|sentence| sentence.words.clone()).map(unmarked).collect(),
            question: false,
        })
        .collect()
}

fn unmarked(word: Word) -> Word {
    Word { after_mark: false, ..word }
}
