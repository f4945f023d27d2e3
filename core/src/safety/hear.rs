//! From matches to a route.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::{SignedDuration, Timestamp};

use super::grammar::{OTHERS, Span};
use super::learned::{Learned, Sound};
use super::normalise::{self, Sentence, Word};
use super::rules::{Owner, RuleBook, Scope, ScopeRule, Sum, Within};
use super::{Heard, Kind, Route};
use crate::understanding::{Memory, Reason};

/// Signals older than this no longer add up.
const MEMORY: SignedDuration = SignedDuration::from_hours(24);

/// So many of the latest signals add up.
const SIGNALS: usize = 40;

/// Reasons kept of one text, the highest route first.
const REASONS: usize = 20;

/// In a longer sentence the net may not hear a murmur that a few words make.
const LONGEST_SILENCE: usize = 30;

/// In so few words it has next to nothing to hear.
const FEW_WORDS: usize = 6;

/// Words between "my colleague said" and what she said.
const REPORT_REACH: usize = 2;

/// A sentence with one of these may tell of more than what was long ago, whatever else it says.
const STILL_SO: &[&str] = &[
    "am", "is", "are", "have", "has", "been", "going", "will", "want", "need", "can", "keep", "help", "if",
    "now", "today", "tonight", "morning", "minutes", "hour", "hours", "this", "just", "again", "still",
    "since", "every", "plan", "plans", "planned", "used",
];

/// Words after which somebody takes back, or adds to, what they denied before.
const CONTRASTS: &[&str] = &["but", "though", "although", "however", "except", "yet"];

pub(super) fn hear(
    rules: &RuleBook,
    scopes_off: &BTreeSet<usize>,
    learned: &Learned,
    text: &str,
    memory: &Memory,
    now: Timestamp,
) -> Heard {
    let sentences = normalise::normalise(text);
    let all: Vec<&Sentence> = sentences.iter().collect();
    let runs = one_word_runs(&sentences);
    let mut sound = learned.hear(&all);
    // The net hears a run word by word.
    let deaf = !runs.is_empty()
        || all.iter().any(|sentence| sentence.words.len() > LONGEST_SILENCE)
        || all.iter().map(|sentence| sentence.words.len()).sum::<usize>() <= FEW_WORDS;
    let mut listener = Listener {
        rules,
        scopes_off,
        murmur: sound.murmur || deaf,
        heard: Heard::default(),
        in_sentence: BTreeMap::new(),
        in_message: BTreeMap::new(),
        denied: false,
        found: vec![],
    };
    let mut scoped: Vec<Scoped> = sentences.iter().map(|sentence| listener.sentence(sentence)).collect();
    for joined in &runs {
        listener.sentence(joined);
    }
    listener.add_up_messages(memory, now);
    if sentences.iter().zip(&scoped).all(|(sentence, scoped)| scoped.is_all_of(sentence)) {
        for scoped in &mut scoped {
            scoped.figures.append(&mut scoped.alone);
        }
    }
    let said: Vec<Cow<'_, Sentence>> =
        sentences.iter().zip(&scoped).map(|(sentence, scoped)| without(sentence, &scoped.figures)).collect();
    if scoped.iter().any(|scoped| !scoped.figures.is_empty()) {
        sound = learned.hear(&said.iter().map(|sentence| &**sentence).collect::<Vec<_>>());
    }
    let mut asides = vec![];
    let mut not_denied = vec![];
    let mut recent = vec![];
    for ((sentence, said), scoped) in sentences.iter().zip(&said).zip(&scoped) {
        match scoped.denied_to {
            None => not_denied.push(&**said),
            Some(end) => asides.extend(contrast(sentence, end)),
        }
        let still_so = |word: &Word| STILL_SO.contains(&word.text.as_str());
        if !scoped.long_ago || sentence.words.iter().any(still_so) {
            recent.push(&**said);
        }
    }
    // A denial sounds like what it denies: up to C, and where it is not beyond doubt, it counts for nothing. It takes
    // nothing from the sentences around it, nor from what follows its "but".
    if all.len() > not_denied.len() {
        not_denied.extend(&asides);
        let without = learned.hear(&not_denied);
        if sound.beyond_doubt <= Route::C || without.route > sound.route {
            sound = without;
        }
    }
    // What was long ago is no plan and no emergency.
    if all.len() > recent.len() && sound.route > Route::C {
        sound.route = learned.hear(&recent).route.max(Route::C);
    }
    listener.raise(sound);
    listener.finish()
}

struct Listener<'a> {
    rules: &'a RuleBook,
    scopes_off: &'a BTreeSet<usize>,
    /// Whether the learned net hears a murmur of danger in the message, or may be deaf to it.
    murmur: bool,
    heard: Heard,
    /// Signals of the sentence being read, each with the words that gave it.
    in_sentence: BTreeMap<String, String>,
    /// Those of all sentences read so far.
    in_message: BTreeMap<String, String>,
    /// Whether anything was denied so far.
    denied: bool,
    found: Vec<(Route, Reason)>,
}

/// What scopes say of a whole sentence.
#[derive(Debug, Default)]
struct Scoped {
    /// Where the last denial in it ends, if something is denied.
    denied_to: Option<usize>,
    /// It tells of what was months or years ago, or some of it does.
    long_ago: bool,
    /// Where figures of speech stand that can mean nothing else.
    figures: Vec<Range<usize>>,
    /// And those that are such only where the message says nothing else: "I'll wait" is patience, and "I'll
    /// wait, the train is due" is not.
    alone: Vec<Range<usize>>,
}

impl Scoped {
    /// Whether there is no word in the sentence beside its figures of speech.
    fn is_all_of(&self, sentence: &Sentence) -> bool {
        let figures = || self.figures.iter().chain(&self.alone);
        (0..sentence.words.len()).all(|at| figures().any(|figure| figure.contains(&at)))
    }
}

impl Listener<'_> {
    fn sentence(&mut self, sentence: &Sentence) -> Scoped {
        let mut scoped = Scoped::default();
        let rules = self.rules;
        rules.grammar.spans(&rules.words, sentence, |from, spans| {
            if !spans.is_empty() {
                let here = self.window(&sentence.words[from..], spans);
                scoped.denied_to = scoped.denied_to.max(here.denied_to.map(|end| from + end));
                scoped.long_ago |= here.long_ago;
                let places =
                    |of: Vec<Range<usize>>| of.into_iter().map(move |at| from + at.start..from + at.end);
                scoped.figures.extend(places(here.figures));
                scoped.alone.extend(places(here.alone));
            }
        });
        let here = std::mem::take(&mut self.in_sentence);
        for sum in rules.sums.iter().filter(|sum| sum.within == Within::Sentence) {
            self.add_up(sum, &here, &BTreeSet::new());
        }
        self.in_message.extend(here);
        self.denied |= scoped.denied_to.is_some();
        scoped
    }

    fn window(&mut self, words: &[Word], spans: &[Span]) -> Scoped {
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
            if let Some(signal) = scope.signal.clone() {
                self.in_sentence.insert(signal, scope.name.clone());
            }
            self.heard.gentle |= scope.gentle;
        }
        for span in spans {
            let Owner::Rule(id) = rules.owners[span.template as usize] else { continue };
            let rule = &rules.rules[id];
            let shares =
                |(_, other): &(usize, Span)| other.start < span.shortest && span.start < other.longest;
            let figures = || here(Scope::Idiom).filter(|(id, _)| !rules.scopes[*id].alone);
            let hidden = !rule.meant && figures().any(shares);
            if hidden || here(Scope::Denial).any(shares) {
                continue;
            }
            if rule.unless.iter().any(|scope| here(*scope).next().is_some()) {
                continue;
            }
            let mut route = rule.route;
            let mut kinds = rule.kinds.clone();
            if rule.needs_murmur && !self.murmur {
                // It is a piece then, and may still add up with other messages.
                route = Route::A;
                kinds.clear();
            }
            if let Some(past) = rule.past
                && here(Scope::Past).next().is_some()
            {
                if rule.route == Route::A {
                    continue;
                }
                route = route.min(past);
            }
            let about_feelings = kinds.contains(&Kind::Suicide) || kinds.contains(&Kind::SelfHarm);
            let reported = |(_, said): &(usize, Span)| {
                (said.shortest..=said.longest + REPORT_REACH).contains(&span.start)
            };
            let others = about_feelings && !kinds.contains(&Kind::ThirdParty);
            if others && (here(Scope::Reported).any(reported) || rules.about_another(words, spans, span)) {
                route = route.min(Route::B);
                kinds.insert(Kind::ThirdParty);
            }
            let said: Vec<&str> =
                words[span.start..span.shortest].iter().map(|word| word.text.as_str()).collect();
            let said = said.join(" ");
            if let Some(signal) = rule.signal.clone() {
                self.in_sentence.entry(signal).or_insert_with(|| said.clone());
            }
            self.heard.kinds.extend(kinds);
            self.heard.route = self.heard.route.max(route);
            if !self.found.iter().any(|(_, reason)| reason.rule == rule.name) {
                self.found.push((route, Reason { rule: rule.name.clone(), words: said }));
            }
        }
        let places = |is: fn(&ScopeRule) -> bool| {
            let these = scopes.iter().filter(|(id, _)| is(&rules.scopes[*id]));
            these.map(|(_, span)| span.start..span.longest).collect()
        };
        Scoped {
            denied_to: here(Scope::Denial).map(|(_, span)| span.longest).max(),
            long_ago: here(Scope::Past).next().is_some(),
            figures: places(|scope| scope.unmistakable),
            alone: places(|scope| scope.alone),
        }
    }

    fn add_up_messages(&mut self, memory: &Memory, now: Timestamp) {
        let remembered: BTreeSet<&str> = memory
            .0
            .iter()
            .rev()
            .take(SIGNALS)
            .filter(|signal| now.duration_since(signal.at) <= MEMORY)
            .map(|signal| signal.id.as_str())
            .collect();
        let said = std::mem::take(&mut self.in_message);
        for sum in &self.rules.sums {
            match sum.within {
                // Added up as each sentence was read.
                Within::Sentence => {}
                Within::Message => self.add_up(sum, &said, &BTreeSet::new()),
                Within::Day => self.add_up(sum, &said, &remembered),
            }
        }
        self.heard.signals = said.into_keys().filter(|signal| self.rules.lasting.contains(signal)).collect();
    }

    /// Raises the route to what the text sounds like, if that is higher than what the rules heard.
    fn raise(&mut self, sound: Sound) {
        self.heard.by_rule = self.heard.route;
        self.heard.kinds.extend(sound.kinds);
        if sound.route > self.heard.route {
            self.heard.route = sound.route;
            let rule = format!("sounds-like-{:?}", sound.route).to_lowercase();
            self.found.push((sound.route, Reason { rule, words: sound.words }));
        }
    }

    fn finish(mut self) -> Heard {
        if self.denied && self.heard.route < Route::B {
            self.heard.route = Route::B;
            self.heard.soft = true;
            self.heard.kinds.insert(Kind::Suicide);
        }
        self.heard.gentle &= self.heard.route == Route::A;
        self.found.sort_by_key(|(route, _)| std::cmp::Reverse(*route));
        let decided = self.found.partition_point(|(route, _)| *route > Route::A);
        let mut reasons = self.found.into_iter().map(|(_, reason)| reason);
        if decided > 0 {
            self.heard.reasons = reasons.by_ref().take(decided).collect();
            self.heard.pieces = reasons.take(REASONS).collect();
        } else {
            self.heard.reasons = reasons.take(REASONS).collect();
        }
        self.heard.reasons.truncate(REASONS);
        self.heard
    }

    /// Adds `sum` to what is heard if its signals were `said` now, or `before` with at least one now.
    fn add_up(&mut self, sum: &Sum, said: &BTreeMap<String, String>, before: &BTreeSet<&str>) {
        if said.is_empty() || (sum.needs_murmur && !self.murmur) {
            return;
        }
        let has = |signal: &&String| said.contains_key(*signal) || before.contains(signal.as_str());
        let new = sum.all.iter().chain(&sum.any).any(|signal| said.contains_key(signal));
        if !new
            || !sum.all.iter().all(|signal| has(&signal))
            || sum.any.iter().filter(has).count() < sum.count
        {
            return;
        }
        self.heard.route = self.heard.route.max(sum.route);
        self.heard.kinds.extend(&sum.kinds);
        if !self.found.iter().any(|(_, reason)| reason.rule == sum.name) {
            let words = |signal| said.get(signal).unwrap_or(signal).as_str();
            let words: Vec<&str> = sum.all.union(&sum.any).filter(has).map(words).collect();
            self.found.push((sum.route, Reason { rule: sum.name.clone(), words: words.join("; ") }));
        }
    }
}

impl RuleBook {
    /// Whether `span` lies within what a rule on somebody else found, and the last person named
    /// before it is not the writer.
    fn about_another(&self, words: &[Word], spans: &[Span], span: &Span) -> bool {
        let around = |other: &Span| other.start <= span.start && span.shortest <= other.longest;
        let another = |other: &Span| match self.owners[other.template as usize] {
            Owner::Rule(id) => self.rules[id].kinds.contains(&Kind::ThirdParty) && around(other),
            Owner::Scope(_) => false,
        };
        let writer = |word: &str| matches!(word, "i" | "me" | "myself");
        let named = |word: &Word| {
            let other = OTHERS.contains(&word.text.as_str());
            (other || writer(&word.text)).then_some(other)
        };
        let (before, within) = (&words[..span.start], &words[span.start..span.shortest]);
        before.iter().rev().find_map(named).unwrap_or(false)
            && !within.iter().any(|word| writer(&word.text))
            && spans.iter().any(another)
    }
}

/// `sentence` without the words in these ranges.
fn without<'a>(sentence: &'a Sentence, figures: &[Range<usize>]) -> Cow<'a, Sentence> {
    if figures.is_empty() {
        return Cow::Borrowed(sentence);
    }
    let stays = |at: &usize| !figures.iter().any(|figure| figure.contains(at));
    let words = sentence.words.iter().enumerate().filter(|(at, _)| stays(at));
    let words = words.map(|(_, word)| word.clone()).collect();
    Cow::Owned(Sentence { words, question: sentence.question })
}

/// What follows the first contrast after `end`, as a sentence: in "I'd never do it, but I do think of
/// it" the denial ends before the "but".
fn contrast(sentence: &Sentence, end: usize) -> Option<Sentence> {
    let after = sentence.words.get(end..)?;
    let turn = after.iter().position(|word| CONTRASTS.contains(&word.text.as_str()))?;
    let words = after[turn + 1..].to_vec();
    (!words.is_empty()).then_some(Sentence { words, question: sentence.question })
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
