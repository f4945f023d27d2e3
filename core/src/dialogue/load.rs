//! Reads dialogues and proves that nobody can get stuck in one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_saphyr::Spanned;

use super::model::{Ask, BY_CONFIDENTIALITY, Branch, Condition, Dialogue, END, Expect, Offer, Step};
use crate::{
    channel::Confidentiality,
    content::{Finding, Source, template},
    understanding::Intent,
};

/// All dialogues by name.
#[derive(Debug, Clone, Default)]
pub struct Dialogues {
    by_name: BTreeMap<String, Dialogue>,
}

/// Dialogues that the engine enters by itself.
pub const CHECK_IN: &str = "check_in";

impl Dialogues {
    /// Reads `(path, text)` files, one dialogue each. Faults become findings, and a dialogue with
    /// a fault is left out.
    pub fn load(files: &[(&str, &str)], findings: &mut Vec<Finding>) -> Self {
        let mut by_name = BTreeMap::new();
        let mut intents: BTreeMap<Intent, String> = BTreeMap::new();
        for &(file, text) in files {
            let source = Source { file, text };
            let dialogue: Dialogue = match source.parse() {
                Ok(dialogue) => dialogue,
                Err(finding) => {
                    findings.push(finding);
                    continue;
                }
            };
            check(&source, &dialogue, findings);
            if let Some(intent) = dialogue.intent
                && let Some(other) = intents.insert(intent, dialogue.dialogue.value.clone())
            {
                findings.push(source.error(
                    &dialogue.dialogue,
                    format!("the dialogue {other} already starts on this intent; give it to one of them"),
                ));
            }
            let name = dialogue.dialogue.clone();
            if by_name.insert(name.value.clone(), dialogue).is_some() {
                findings.push(source.error(&name, format!("there are two dialogues named {}", name.value)));
            }
        }
        Self { by_name }
    }

    pub fn get(&self, name: &str) -> Option<&Dialogue> {
        self.by_name.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Dialogue> {
        self.by_name.values()
    }

    /// The dialogue that an intent starts.
    pub fn for_intent(&self, intent: Intent) -> Option<&Dialogue> {
        self.iter().find(|dialogue| dialogue.intent == Some(intent))
    }

    /// The dialogue behind a deep link's word.
    pub fn for_link(&self, word: &str) -> Option<&Dialogue> {
        self.iter().find(|dialogue| dialogue.link.as_deref() == Some(word))
    }
}

fn check(source: &Source<'_>, dialogue: &Dialogue, findings: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    for step in &dialogue.steps {
        let id = step.id();
        if !well_named(&id.value) {
            findings.push(
                source.error(id, format!("a step's name is made of a-z, 0-9 and _, not “{}”", id.value)),
            );
        }
        if id.value == END {
            findings.push(source.error(id, "“end” is the end of a dialogue; give the step another name"));
        }
        if !seen.insert(id.value.as_str()) {
            findings.push(source.error(id, format!("there are two steps named {}", id.value)));
        }
        for target in step.targets() {
            if target.value != END && dialogue.position(&target.value).is_none() {
                let near = nearest(&target.value, dialogue.steps.iter().map(|s| s.id().value.as_str()));
                findings.push(source.error(
                    target,
                    format!(
                        "the step {} points to “{}”, which is not a step here{near}",
                        id.value, target.value
                    ),
                ));
            }
        }
        match step {
            Step::Say(say) => {
                check_template(source, dialogue, &say.text, findings);
                check_condition(source, dialogue, say.only_if.as_ref(), findings);
            }
            Step::Ask(ask) => check_ask(source, dialogue, ask, findings),
            Step::Offer(offer) => check_offer(source, dialogue, offer, findings),
            Step::Branch(branch) => check_branch(source, dialogue, branch, findings),
            Step::Save(save) => {
                if save.prefix.len() != 3 || !save.prefix.bytes().all(|b| b.is_ascii_uppercase()) {
                    findings.push(source.error(&save.id, "a prefix is three capital letters"));
                }
            }
            Step::HandOver(_) | Step::Act(_) => {}
        }
    }
    if dialogue.steps.is_empty() {
        findings.push(source.error(&dialogue.dialogue, "a dialogue needs at least one step"));
    } else {
        check_reachable(source, dialogue, findings);
    }
}

fn check_ask(source: &Source<'_>, dialogue: &Dialogue, ask: &Ask, findings: &mut Vec<Finding>) {
    for text in [Some(&ask.text), ask.again.as_ref()].into_iter().flatten() {
        check_template(source, dialogue, text, findings);
    }
    check_condition(source, dialogue, ask.only_if.as_ref(), findings);
    let mut keys: Vec<&str> = match &ask.answer {
        Expect::Choice(options) | Expect::Needs(options) => {
            for option in options {
                check_choice_id(source, &option.id, findings);
            }
            options.iter().map(|option| option.id.value.as_str()).collect()
        }
        Expect::YesNo => vec!["yes", "no", "unsure", "unclear"],
        Expect::Confirm => vec!["yes"],
        Expect::Number(_)
        | Expect::Size(_)
        | Expect::When
        | Expect::Talk
        | Expect::Text(_)
        | Expect::Contact
        | Expect::Area
        | Expect::Role => Vec::new(),
    };
    keys.extend(ask.say.keys().map(String::as_str));
    keys.push("skipped");
    for (key, target) in &ask.next {
        if !keys.contains(&key.as_str()) {
            findings
                .push(source.error(target, format!("“{key}” is not an answer of the step {}", ask.id.value)));
        }
    }
    for key in &ask.rises {
        if !keys.contains(&key.as_str()) {
            findings.push(source.error(&ask.id, format!("“{key}” in rises is not an answer of this step")));
        }
    }
}

fn check_offer(source: &Source<'_>, dialogue: &Dialogue, offer: &Offer, findings: &mut Vec<Finding>) {
    check_template(source, dialogue, &offer.text, findings);
    check_template(source, dialogue, &offer.ask, findings);
    for option in &offer.choices {
        check_choice_id(source, &option.id, findings);
        if !offer.next.contains_key(&option.id.value) {
            findings.push(
                source.error(&option.id, format!("“{}” leads nowhere: add it to next", option.id.value)),
            );
        }
    }
    for (key, target) in &offer.next {
        if !offer.choices.iter().any(|option| option.id.value == *key) {
            findings.push(source.error(target, format!("“{key}” is not one of this step's choices")));
        }
    }
}

fn check_condition(
    source: &Source<'_>,
    dialogue: &Dialogue,
    condition: Option<&Condition>,
    findings: &mut Vec<Finding>,
) {
    if let Some(Condition::Is { field, .. }) = condition {
        check_field(source, dialogue, field, findings);
    }
}

fn check_branch(source: &Source<'_>, dialogue: &Dialogue, branch: &Branch, findings: &mut Vec<Finding>) {
    if branch.on.value != BY_CONFIDENTIALITY {
        return check_field(source, dialogue, &branch.on, findings);
    }
    for (name, step) in &branch.to {
        if Confidentiality::named(name).is_none() {
            let message = format!(
                "“{name}” is not a level of confidentiality: they are platform, encrypted, encrypted_verified and local"
            );
            findings.push(source.error(step, message));
        }
    }
}

fn check_field(
    source: &Source<'_>,
    dialogue: &Dialogue,
    field: &Spanned<String>,
    findings: &mut Vec<Finding>,
) {
    if dialogue.ask(&field.value).is_none() {
        findings.push(source.error(field, format!("“{}” is not a question of this dialogue", field.value)));
    }
}

fn check_choice_id(source: &Source<'_>, id: &Spanned<String>, findings: &mut Vec<Finding>) {
    if id.value.len() > 40 || !well_named(&id.value) {
        findings.push(source.error(id, "a choice's id is at most 40 of a-z, 0-9 and _"));
    }
}

fn check_template(
    source: &Source<'_>,
    dialogue: &Dialogue,
    text: &Spanned<String>,
    findings: &mut Vec<Finding>,
) {
    if text.value.trim().is_empty() {
        findings.push(source.error(text, "the wording is missing: say something here"));
    }
    for name in template::names(&text.value) {
        let known = template::NAMES.contains(&name)
            || name.strip_prefix("answer.").is_some_and(|field| dialogue.ask(field).is_some());
        if !known {
            let near = nearest(name, template::NAMES.iter().copied());
            findings.push(source.error(text, format!("nothing is called {{{name}}}{near}")));
        }
    }
}

/// Every step can be reached from the first (or is an entry), and from every step the end can be.
fn check_reachable(source: &Source<'_>, dialogue: &Dialogue, findings: &mut Vec<Finding>) {
    let count = dialogue.steps.len();
    let next: Vec<Vec<usize>> = (0..count)
        .map(|at| {
            let step = &dialogue.steps[at];
            let mut next: Vec<usize> = step
                .targets()
                .into_iter()
                .map(|t| if t.value == END { count } else { dialogue.position(&t.value).unwrap_or(count) })
                .collect();
            if step.falls_through() {
                next.push(at + 1);
            }
            next
        })
        .collect();
    let mut reached = vec![dialogue.entries; count + 1];
    let mut queue = VecDeque::from([0]);
    reached[0] = true;
    while let Some(at) = queue.pop_front() {
        for &to in next.get(at).into_iter().flatten() {
            if !reached[to] {
                reached[to] = true;
                queue.push_back(to);
            }
        }
    }
    let mut ends = vec![false; count + 1];
    ends[count] = true;
    let mut changed = true;
    while changed {
        changed = false;
        for at in 0..count {
            if !ends[at] && next[at].iter().any(|&to| ends[to]) {
                ends[at] = true;
                changed = true;
            }
        }
    }
    for (at, step) in dialogue.steps.iter().enumerate() {
        let id = step.id();
        if !reached[at] {
            findings
                .push(source.error(id, format!("no step leads to {}: point to it or take it out", id.value)));
        }
        if !ends[at] {
            findings.push(source.error(id, format!("from {} the end cannot be reached", id.value)));
        }
    }
}

/// " (did you mean X?)" for the closest of some names, or nothing.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    names
        .map(|other| (strsim::damerau_levenshtein(name, other), other))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map_or_else(String::new, |(_, other)| format!(" (did you mean {other}?)"))
}

fn well_named(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
