//! Runs the examples of the rules, and the floor.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::floor::{Expected, FLOOR};
use super::learned::Learned;
use super::rules::{Example, Scope};
use super::{Heard, Route, Safety};
use crate::content::{Finding, Severity};
use crate::understanding::{Memory, Signal};

/// Examples run as if their messages were sent a minute apart from here on.
const START: Timestamp = Timestamp::UNIX_EPOCH;

/// The floor must hold with all that hears; the examples of a rule are the rule's own business, and
/// are heard by the rules alone.
pub(super) fn check(safety: &Safety) -> Vec<Finding> {
    let mut findings = vec![];
    for expected in FLOOR {
        if let Err(fault) = expected.compare(&safety.hear_in_turn(expected.messages)) {
            findings.push(Finding {
                severity: Severity::Error,
                file: super::BUILT_IN.0.into(),
                line: 0,
                column: 0,
                message: fault,
            });
        }
    }
    let mut wrong = |example: &Example, message: String| {
        let place = example.place.clone();
        findings.push(Finding {
            severity: Severity::Error,
            file: place.file,
            line: place.line,
            column: place.column,
            message,
        });
    };
    for rule in &safety.rules.rules {
        for example in &rule.examples {
            let heard = safety.rules_in_turn(&example.messages);
            let speaks = speaks(&heard, &rule.name);
            if !speaks || heard.route < rule.past.unwrap_or(rule.route).min(rule.route) {
                let text = said(&example.messages);
                let route = heard.route;
                wrong(example, format!("Rule “{}” does not find {text} (route {route:?}).", rule.name));
            }
        }
        for example in &rule.not {
            let heard = safety.rules_in_turn(&example.messages);
            let speaks = speaks(&heard, &rule.name);
            if speaks || (rule.route > Route::A && heard.route >= rule.route) {
                let text = said(&example.messages);
                wrong(example, format!("Rule “{}” must not find {text} ({}).", rule.name, reasons(&heard)));
            }
        }
    }
    for scope in &safety.rules.scopes {
        for example in &scope.examples {
            let heard = safety.rules_in_turn(&example.messages);
            let right = match scope.scope {
                Scope::Idiom => heard.route == Route::A,
                Scope::Professional => heard.route == Route::A && (heard.gentle || !scope.gentle),
                Scope::Denial => heard.soft,
                Scope::Past | Scope::Reported => heard.route <= Route::B,
            };
            if !right {
                let text = said(&example.messages);
                wrong(
                    example,
                    format!("Scope “{}” does not cover {text} ({}).", scope.name, reasons(&heard)),
                );
            }
        }
        for example in &scope.not {
            let heard = safety.rules_in_turn(&example.messages);
            if heard.route == Route::A || heard.soft {
                let text = said(&example.messages);
                wrong(example, format!("Scope “{}” must not hide {text}.", scope.name));
            }
        }
    }
    for sum in &safety.rules.sums {
        let adds_up = |example: &Example| speaks(&safety.rules_in_turn(&example.messages), &sum.name);
        for example in sum.examples.iter().filter(|example| !adds_up(example)) {
            wrong(example, format!("Sum “{}” does not add up {}.", sum.name, said(&example.messages)));
        }
        for example in sum.not.iter().filter(|example| adds_up(example)) {
            wrong(example, format!("Sum “{}” must not add up {}.", sum.name, said(&example.messages)));
        }
    }
    findings
}

fn speaks(heard: &Heard, rule: &str) -> bool {
    heard.reasons.iter().chain(&heard.pieces).any(|reason| reason.rule == rule)
}

impl Safety {
    /// The content scopes that hide a built-in example: each is an error and stays switched off.
    pub(super) fn scopes_against_floor(&self, findings: &mut Vec<Finding>) -> BTreeSet<usize> {
        let fails = |off: &BTreeSet<usize>| {
            FLOOR.iter().any(|expected| {
                let heard = in_turn(expected.messages, |text, memory, now| {
                    super::hear::hear(&self.rules, off, &Learned::default(), text, memory, now)
                });
                expected.compare(&heard).is_err()
            })
        };
        let none = BTreeSet::new();
        if !fails(&none) {
            return none;
        }
        let content = (0..self.rules.scopes.len()).filter(|id| !self.rules.scopes[*id].built_in);
        let mut off: BTreeSet<usize> = content.collect();
        if fails(&off) {
            // The fault lies elsewhere, a rule that shouts for instance: `check_examples` names it.
            return none;
        }
        for id in off.clone() {
            off.remove(&id);
            if !fails(&off) {
                continue;
            }
            off.insert(id);
            let scope = &self.rules.scopes[id];
            let place = scope.examples.first().map(|example| example.place.clone());
            findings.push(Finding {
                severity: Severity::Error,
                file: place.as_ref().map_or_else(|| "safety".into(), |place| place.file.clone()),
                line: place.as_ref().map_or(0, |place| place.line),
                column: place.as_ref().map_or(0, |place| place.column),
                message: format!("Scope “{}” hides a built-in example and is not used.", scope.name),
            });
        }
        off
    }

    /// What the rules alone hear in the last of `messages`, sent one after the other.
    fn rules_in_turn<T: AsRef<str>>(&self, messages: &[T]) -> Heard {
        let nothing = Learned::default();
        in_turn(messages, |text, memory, now| {
            super::hear::hear(&self.rules, &self.scopes_off, &nothing, text, memory, now)
        })
    }

    /// What is heard in the last of `messages`, sent one after the other.
    pub(super) fn hear_in_turn<T: AsRef<str>>(&self, messages: &[T]) -> Heard {
        in_turn(messages, |text, memory, now| self.hear(text, memory, now))
    }
}

fn in_turn<T: AsRef<str>>(messages: &[T], hear: impl Fn(&str, &Memory, Timestamp) -> Heard) -> Heard {
    let mut memory = Memory::default();
    let mut now = START;
    let mut heard = Heard::default();
    for message in messages {
        heard = hear(message.as_ref(), &memory, now);
        memory.0.extend(heard.signals.iter().map(|id| Signal { id: id.clone(), at: now }));
        now = now.saturating_add(SignedDuration::from_mins(1)).unwrap_or(now);
    }
    heard
}

impl Expected {
    fn compare(&self, heard: &Heard) -> Result<(), String> {
        let text = said(self.messages);
        if heard.route < self.route || heard.route > self.at_most {
            return Err(format!(
                "{text} must have route {:?} and has {:?} ({}).",
                self.route,
                heard.route,
                reasons(heard)
            ));
        }
        if heard.soft != self.soft {
            return Err(format!("{text} must {}be a soft B.", if self.soft { "" } else { "not " }));
        }
        if self.gentle && !heard.gentle {
            return Err(format!("{text} must ask for a gentle sentence."));
        }
        match self.kinds.iter().find(|kind| !heard.kinds.contains(kind)) {
            Some(kind) => Err(format!("{text} must be of kind {kind:?}.")),
            None => Ok(()),
        }
    }
}

fn said<T: AsRef<str>>(messages: &[T]) -> String {
    let quoted: Vec<String> = messages.iter().map(|message| format!("“{}”", message.as_ref())).collect();
    quoted.join(" … ")
}

fn reasons(heard: &Heard) -> String {
    let named: Vec<String> =
        heard.reasons.iter().map(|reason| format!("{}: {}", reason.rule, reason.words)).collect();
    format!("route {:?}, {}", heard.route, if named.is_empty() { "no rule".into() } else { named.join("; ") })
}
