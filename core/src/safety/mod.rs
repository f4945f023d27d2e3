//! Danger in what people write: the route ladder, and the rules that find it.
//!
//! [`Safety::hear`] runs on every text a person sends, in every state of a conversation. It is a
//! pure function of the text, the rules and the signals of earlier messages: no clock, no network.
//! A text is put into plain words ([`normalise()`]), cut into sentences, and each sentence
//! is compared with phrase templates that the content brings and the program has built in. Below the
//! rules lies a second net, learned from examples ([`learn`]), which raises a route, and without a murmur
//! from which the loosest rules do not count.
//!
//! Architecture invariants:
//! - Each sentence is judged on its own and the highest route counts, so nothing that a person adds
//!   in a sentence of its own can lower the route of what they wrote.
//! - Scopes (idiom, denial, work talk, long ago, what others said) act within one sentence only.
//! - The built-in rules are always loaded. Content scopes that would hide one of the built-in
//!   examples are switched off and reported.

mod examples;
mod floor;
mod grammar;
mod hear;
mod keys;
mod learned;
mod mend;
mod normalise;
mod route;
mod rules;
mod sign_off;
mod spelling;
mod template;

use std::collections::BTreeSet;

use jiff::Timestamp;

pub(crate) use learned::is_english;
pub use learned::{Learnt, Lesson, Shares, learn, taught_by};
pub(crate) use mend::{by_ear, is_inflected};
pub use normalise::{Sentence, Word, normalise, plain};
pub use route::{Kind, Route};
pub use sign_off::{SignOff, digest};

use crate::content::Finding;
use crate::understanding::{Memory, Reason};

/// What the safety rules heard in one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    pub route: Route,
    /// What the rules heard by themselves: `route` but for what it only sounds like.
    pub by_rule: Route,
    /// Route B for a clear denial with no other signal.
    pub soft: bool,
    pub kinds: BTreeSet<Kind>,
    /// The rules that spoke, those of the highest route first.
    pub reasons: Vec<Reason>,
    /// Rules that only gave a signal, where others decided.
    pub pieces: Vec<Reason>,
    /// Work talk of something distressing, on route A: a gentle sentence is due.
    pub gentle: bool,
    /// What later messages may add up with; keep them in the conversation's [`Memory`].
    pub signals: BTreeSet<String>,
}

/// The safety rules, compiled. Cheap to call, and shared freely.
#[derive(Debug)]
pub struct Safety {
    rules: rules::RuleBook,
    /// Content scopes that hide a built-in example, by number.
    scopes_off: BTreeSet<usize>,
    learned: learned::Learned,
}

/// The content file of what was learned from examples.
pub const WEIGHTS: &str = "safety/learned.weights";

/// The file of the built-in rules, as findings name it.
const BUILT_IN: (&str, &str) = ("built-in/floor.yaml", include_str!("floor.yaml"));

impl Safety {
    /// Compiles the built-in rules and `files`: path and text of each rule file in
    /// `safety/*.yaml` of the content. Faults become findings; what can be read is used.
    pub fn load(files: &[(&str, &str)], findings: &mut Vec<Finding>) -> Self {
        let mut all = vec![BUILT_IN];
        all.extend(files.iter().filter(|(path, _)| !sign_off::is_sign_off(path) && *path != WEIGHTS));
        let rules = rules::compile(&all, 1, findings);
        let learned = learned::load(files, findings);
        let mut safety = Self { rules, scopes_off: BTreeSet::new(), learned };
        safety.scopes_off = safety.scopes_against_floor(findings);
        safety
    }

    /// What the rules hear in `text`, whatever its length or script. `memory` holds the signals of
    /// earlier messages; those of the last 24 hours add up with this one. `now` is used for that
    /// alone.
    pub fn hear(&self, text: &str, memory: &Memory, now: Timestamp) -> Heard {
        hear::hear(&self.rules, &self.scopes_off, &self.learned, text, memory, now)
    }

    /// Runs every rule's own examples and the built-in ones. Each failure is a finding.
    pub fn check_examples(&self) -> Vec<Finding> {
        examples::check(self)
    }
}
