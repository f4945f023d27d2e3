//! The rule files: what they may say, and how they become one grammar.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::grammar::Grammar;
use super::template::{self, Node, Vocabulary};
use super::{Kind, Route};
use crate::content::{Finding, Source};

/// One rule file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Word lists by name, each entry a template. Lists are shared by all files.
    #[serde(default)]
    words: BTreeMap<String, Vec<Spanned<String>>>,
    /// What its rules and sums find in a message counts only where the learned net hears at least a
    /// murmur of danger there, unless a rule says otherwise. It always counts where there is no net, in
    /// long sentences, and in sums over the messages of a day.
    #[serde(default)]
    needs_murmur: bool,
    #[serde(default)]
    rules: Vec<RuleText>,
    #[serde(default)]
    scopes: Vec<ScopeText>,
    #[serde(default)]
    sums: Vec<SumText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    name: Spanned<String>,
    explain: String,
    route: Route,
    #[serde(default)]
    kinds: BTreeSet<Kind>,
    #[serde(default)]
    signal: Option<String>,
    /// The route where the sentence says that it was long ago.
    #[serde(default)]
    past: Option<Route>,
    /// Scopes that silence the rule in the same sentence.
    #[serde(default)]
    unless: BTreeSet<Scope>,
    /// Says in so many words that it is meant, so no figure of speech hides it.
    #[serde(default)]
    meant: bool,
    /// Instead of what its file says.
    #[serde(default)]
    needs_murmur: Option<bool>,
    patterns: Vec<Spanned<String>>,
    examples: Vec<Spanned<String>>,
    #[serde(default)]
    not: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopeText {
    name: Spanned<String>,
    explain: String,
    scope: Scope,
    #[serde(default)]
    signal: Option<String>,
    /// Professional talk of something distressing: a gentle sentence is due.
    #[serde(default)]
    gentle: bool,
    /// A figure of speech that can mean nothing else: the learned net does not hear its words either.
    #[serde(default)]
    unmistakable: bool,
    /// It is one only where nothing else is said: beside more the net hears its words.
    #[serde(default)]
    alone: bool,
    patterns: Vec<Spanned<String>>,
    #[serde(default)]
    examples: Vec<Spanned<String>>,
    #[serde(default)]
    not: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SumText {
    name: Spanned<String>,
    explain: String,
    /// Every one of these signals.
    #[serde(default)]
    all: BTreeSet<String>,
    /// And so many of these.
    #[serde(default)]
    any: BTreeSet<String>,
    #[serde(default)]
    count: Option<usize>,
    #[serde(default)]
    within: Within,
    route: Route,
    kinds: BTreeSet<Kind>,
    /// Messages in order; the last one must reach the route.
    examples: Vec<Vec<Spanned<String>>>,
    #[serde(default)]
    not: Vec<Vec<Spanned<String>>>,
}

/// How words around a match change what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    /// Figure of speech: a match that shares a word with it is dropped, unless its rule is `meant`.
    Idiom,
    /// A denial: a match that shares a word with it is dropped, and soft B is due.
    Denial,
    /// Work talk: silences the rules that say `unless: [professional]` in its sentence.
    Professional,
    /// Long ago: rules with `past` take that route in its sentence.
    Past,
    /// "My colleague said": a match that follows at once is about somebody else.
    Reported,
}

/// How far apart the signals of a sum may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Within {
    /// In one sentence, in any order.
    Sentence,
    /// In one message.
    Message,
    /// In the messages of a day.
    #[default]
    Day,
}

/// Where a text of the rules stands, to report on it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) line: u64,
    pub(super) column: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Example {
    pub(super) messages: Vec<String>,
    pub(super) place: Place,
}

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) route: Route,
    pub(super) kinds: BTreeSet<Kind>,
    pub(super) signal: Option<String>,
    pub(super) past: Option<Route>,
    pub(super) unless: BTreeSet<Scope>,
    pub(super) meant: bool,
    /// See [`File`].
    pub(super) needs_murmur: bool,
    pub(super) examples: Vec<Example>,
    pub(super) not: Vec<Example>,
}

#[derive(Debug)]
pub(super) struct ScopeRule {
    pub(super) name: String,
    pub(super) scope: Scope,
    pub(super) signal: Option<String>,
    pub(super) gentle: bool,
    /// The learned net does not hear its words either.
    pub(super) unmistakable: bool,
    /// Nor does it where the message says nothing else.
    pub(super) alone: bool,
    /// Comes with the program, not with the content.
    pub(super) built_in: bool,
    pub(super) examples: Vec<Example>,
    pub(super) not: Vec<Example>,
}

#[derive(Debug)]
pub(super) struct Sum {
    pub(super) name: String,
    pub(super) all: BTreeSet<String>,
    pub(super) any: BTreeSet<String>,
    pub(super) count: usize,
    pub(super) within: Within,
    /// See [`File`].
    pub(super) needs_murmur: bool,
    pub(super) route: Route,
    pub(super) kinds: BTreeSet<Kind>,
    pub(super) examples: Vec<Example>,
    pub(super) not: Vec<Example>,
}

/// Whose a template is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Rule(usize),
    Scope(usize),
}

/// All rule files together.
#[derive(Debug, Default)]
pub(super) struct RuleBook {
    pub(super) words: Vocabulary,
    pub(super) grammar: Grammar,
    /// By number of the template.
    pub(super) owners: Vec<Owner>,
    pub(super) rules: Vec<Rule>,
    pub(super) scopes: Vec<ScopeRule>,
    pub(super) sums: Vec<Sum>,
    /// Signals that may add up with those of later messages, and so are worth remembering.
    pub(super) lasting: BTreeSet<String>,
}

/// Reads `files`, of which the first `built_in` come with the program.
pub(super) fn compile(files: &[(&str, &str)], built_in: usize, findings: &mut Vec<Finding>) -> RuleBook {
    let mut read = vec![];
    for (number, &(file, text)) in files.iter().enumerate() {
        let source = Source { file, text };
        match source.parse::<File>() {
            Ok(parsed) => read.push((source, number < built_in, parsed)),
            Err(finding) => findings.push(finding),
        }
    }
    let mut words = Vocabulary::default();
    let (names, lists) = word_lists(&read, &mut words, findings);
    let mut out = RuleBook::default();
    let mut templates: Vec<Node> = vec![];
    let mut signals = BTreeSet::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for (source, built_in, file) in &mut read {
        let source = *source;
        let mut named = |name: &Spanned<String>, explain: &str, findings: &mut Vec<Finding>| {
            if !seen.insert(name.value.clone()) {
                findings
                    .push(source.error(name, format!("There are two rules “{}”. Rename one.", name.value)));
            }
            if explain.trim().is_empty() {
                findings.push(source.error(name, format!("Rule “{}” does not explain why.", name.value)));
            }
        };
        let mut add = |patterns: &[Spanned<String>], owner: Owner, findings: &mut Vec<Finding>| {
            for pattern in patterns {
                match template::read(&pattern.value, &mut words, &names) {
                    Ok(node) => {
                        templates.push(node);
                        out.owners.push(owner);
                    }
                    Err(fault) => findings.push(source.error(pattern, fault)),
                }
            }
        };
        for rule in file.rules.drain(..) {
            named(&rule.name, &rule.explain, findings);
            if rule.examples.is_empty() {
                let text = format!("Rule “{}” has no example. Give one that it must find.", rule.name.value);
                findings.push(source.error(&rule.name, text));
            }
            add(&rule.patterns, Owner::Rule(out.rules.len()), findings);
            signals.extend(rule.signal.clone());
            out.rules.push(Rule {
                name: rule.name.value,
                route: rule.route,
                kinds: rule.kinds,
                signal: rule.signal,
                past: rule.past,
                unless: rule.unless,
                meant: rule.meant,
                needs_murmur: rule.needs_murmur.unwrap_or(file.needs_murmur),
                examples: singles(source, rule.examples),
                not: singles(source, rule.not),
            });
        }
        for scope in file.scopes.drain(..) {
            named(&scope.name, &scope.explain, findings);
            add(&scope.patterns, Owner::Scope(out.scopes.len()), findings);
            signals.extend(scope.signal.clone());
            out.scopes.push(ScopeRule {
                name: scope.name.value,
                scope: scope.scope,
                signal: scope.signal,
                gentle: scope.gentle,
                unmistakable: scope.unmistakable,
                alone: scope.alone,
                built_in: *built_in,
                examples: singles(source, scope.examples),
                not: singles(source, scope.not),
            });
        }
        for sum in &file.sums {
            named(&sum.name, &sum.explain, findings);
        }
    }
    for (source, _, file) in read {
        for sum in file.sums {
            for unknown in sum.all.union(&sum.any).filter(|signal| !signals.contains(*signal)) {
                let text = format!("No rule gives the signal “{unknown}” that “{}” adds up.", sum.name.value);
                findings.push(source.error(&sum.name, text));
            }
            out.sums.push(Sum {
                count: sum.count.unwrap_or(usize::from(!sum.any.is_empty())),
                name: sum.name.value,
                all: sum.all,
                any: sum.any,
                within: sum.within,
                needs_murmur: file.needs_murmur && sum.within != Within::Day,
                route: sum.route,
                kinds: sum.kinds,
                examples: sum.examples.into_iter().filter_map(|messages| example(source, messages)).collect(),
                not: sum.not.into_iter().filter_map(|messages| example(source, messages)).collect(),
            });
        }
    }
    let lasting = out.sums.iter().filter(|sum| sum.within == Within::Day);
    out.lasting = lasting.flat_map(|sum| sum.all.union(&sum.any)).cloned().collect();
    out.grammar = Grammar::new(&words, lists, templates);
    out.words = words;
    out
}

type Read<'a> = (Source<'a>, bool, File);

/// Numbers of the lists by name, and their entries in an order in which each list refers only to
/// earlier ones. A list may be extended by later files, but a built-in list by none.
fn word_lists(
    files: &[Read<'_>],
    words: &mut Vocabulary,
    findings: &mut Vec<Finding>,
) -> (FxHashMap<String, u32>, Vec<Vec<Node>>) {
    let mut texts: BTreeMap<&str, (Source<'_>, &Vec<Spanned<String>>)> = BTreeMap::new();
    for (source, _, file) in files {
        for (name, entries) in &file.words {
            if texts.contains_key(name.as_str()) {
                let text = format!("There is a word list “{name}” already. Choose another name.");
                if let Some(entry) = entries.first() {
                    findings.push(source.error(entry, text));
                }
                continue;
            }
            texts.insert(name, (*source, entries));
        }
    }
    let mut names: FxHashMap<String, u32> = FxHashMap::default();
    let mut lists = vec![];
    // Lists whose references are all known go first; what is left over refers in a circle.
    let mut waiting: Vec<&str> = texts.keys().copied().collect();
    loop {
        let ready = |name: &&str| {
            texts[*name].1.iter().all(|entry| {
                references(&entry.value)
                    .all(|wanted| names.contains_key(wanted) || !texts.contains_key(wanted))
            })
        };
        let (now, later): (Vec<&str>, Vec<&str>) = waiting.iter().copied().partition(ready);
        if now.is_empty() {
            for name in later {
                let (source, entries) = texts[name];
                if let Some(entry) = entries.first() {
                    findings.push(
                        source.error(entry, format!("Word list “{name}” refers to itself in a circle.")),
                    );
                }
            }
            break;
        }
        for name in now {
            let (source, entries) = texts[name];
            let mut nodes = vec![];
            for entry in entries {
                match template::read(&entry.value, words, &names) {
                    Ok(node) => nodes.push(node),
                    Err(fault) => findings.push(source.error(entry, fault)),
                }
            }
            names.insert(name.to_owned(), u32::try_from(lists.len()).unwrap_or(u32::MAX));
            lists.push(nodes);
        }
        waiting = later;
    }
    (names, lists)
}

/// Names in braces.
fn references(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

fn singles(source: Source<'_>, texts: Vec<Spanned<String>>) -> Vec<Example> {
    texts.into_iter().filter_map(|text| example(source, vec![text])).collect()
}

fn example(source: Source<'_>, messages: Vec<Spanned<String>>) -> Option<Example> {
    let at = messages.last()?.referenced;
    let place = Place { file: source.file.to_owned(), line: at.line(), column: at.column() };
    Some(Example { messages: messages.into_iter().map(|message| message.value).collect(), place })
}
