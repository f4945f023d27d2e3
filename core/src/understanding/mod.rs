//! From words to [`Meaning`]: route, needs, intent and the slots of a group request.
//!
//! [`Understanding`] reads needs, intent and slots; `safety` reads route and kinds. Its words are
//! content (`needs.yaml`, `sentences.yaml`, `told.txt`, `intents.yaml`, `slots.yaml`), compiled once; what
//! sentences say as a whole is made from them (`sentences.weights`).
//! [`answer`] reads the answer to one question.

pub mod answer;
mod clauses;
mod dates;
mod encoder;
mod examples;
mod intents;
mod meaning;
mod mend;
mod nearest;
mod needs;
mod phrase;
mod question;
mod reading;
mod slots;
mod text;
mod typos;

pub use dates::days_named;
pub use encoder::PATH as SENTENCES;
use intents::Intents;
pub use meaning::{
    Access, Day, Frequency, GroupSlots, Intent, Meaning, Memory, NeedFound, Outline, Part, PartOfDay, Reason,
    Saying, Setting, Signal, Size, Staff, Time,
};
use needs::Needs;
pub use reading::Reading;
use slots::Words;

use crate::content::{Finding, Severity, Source};

/// More of a message than this is not read for needs, intent and slots. (Safety reads all of it.)
pub const LONGEST_READ: usize = 20_000;

/// A need that scores less says too little to be a wish for support beside the slots of a group.
const ENOUGH: f64 = 0.8;

/// The compiled words of needs, intents and slots. Immutable; share it freely between threads.
#[derive(Debug, Default)]
pub struct Understanding {
    needs: Needs,
    intents: Intents,
    words: Words,
}

impl Understanding {
    /// Compiles `needs.yaml`, `sentences.yaml`, `told.txt`, `intents.yaml` and `slots.yaml`, given as (path,
    /// text). Every fault, a missing file too, is a finding; what is sound is used all the same. Without
    /// `sentences.weights` needs are found by words alone, which is no fault.
    pub fn load(files: &[(&str, &str)], findings: &mut Vec<Finding>) -> Self {
        let said = named(files, encoder::FILE);
        let mut find = |name: &str| -> Option<Source<'_>> {
            let found = named(files, name);
            if found.is_none() {
                findings.push(Finding {
                    severity: Severity::Error,
                    file: format!("understanding/{name}"),
                    line: 0,
                    column: 0,
                    message: "This file is missing; without it messages cannot be understood.".into(),
                });
            }
            found
        };
        let (needs, sentences, told) = (find("needs.yaml"), find("sentences.yaml"), find("told.txt"));
        let (intents, words) = (find("intents.yaml"), find("slots.yaml"));
        let mut needs = needs.map(|source| Needs::load(&source, findings)).unwrap_or_default();
        needs.add_sentences(sentences, told, said, findings);
        Self {
            needs,
            intents: intents.map(|source| Intents::load(&source, findings)).unwrap_or_default(),
            words: words.map(|source| Words::load(&source, findings)).unwrap_or_default(),
        }
    }

    /// The text of [`SENTENCES`] for the sentences in these files, given as for [`Understanding::load`]. Those
    /// that it holds already are kept; each new one takes some milliseconds. Faults are left to `load`.
    pub fn learn(files: &[(&str, &str)]) -> String {
        let (by_need, told) = (named(files, "sentences.yaml"), named(files, "told.txt"));
        let needs = named(files, "needs.yaml").map(|source| Needs::load(&source, &mut Vec::new()));
        let known = named(files, encoder::FILE).map_or("", |source| source.text);
        let sentences = match (needs, by_need, told) {
            (Some(needs), Some(by_need), Some(told)) => needs.sentences(&by_need, &told),
            _ => Vec::new(),
        };
        encoder::learn(sentences.iter().map(String::as_str), known)
    }

    /// Reads needs, intent and slots of one message.
    ///
    /// `step` is the field that is being asked for ("size", "when", …), if any: a bare number is then
    /// the answer to it, and a need that is only mentioned is part of the answer, not a wish for
    /// support (at the step "needs" it is [`Intent::Signpost`]).
    pub fn read<'a>(&'a self, text: &'a str, step: Option<&str>) -> Reading<'a> {
        Reading::new(self, text, step)
    }

    /// Whether a text speaks in some way, whatever else it says.
    pub fn says(&self, text: &str, saying: Saying) -> bool {
        let tokens = text::tokens(clip(text));
        self.intents.sayings(&tokens).iter().any(|said| said.saying == saying)
    }

    /// Whether every word of a text is one that says so; also where there is none.
    pub fn says_no_more(&self, text: &str, saying: Saying) -> bool {
        let tokens = text::tokens(clip(text));
        let said = self.intents.sayings(&tokens);
        (0..tokens.len())
            .all(|at| said.iter().any(|said| said.saying == saying && (said.at..=said.last).contains(&at)))
    }

    /// A text with its badly typed words as they were meant, as far as they are words of a wish ("speek to
    /// sumone"). `None`: there are none. For texts that are not understood as they stand, and ask for no name.
    pub fn mended(&self, text: &str) -> Option<String> {
        self.intents.mend.mend(clip(text))
    }

    /// A text without the single words that say nothing: "bloody", "please".
    pub fn without_fillers(&self, text: &str) -> String {
        let text = clip(text);
        let tokens = text::tokens(text);
        self.intents.alone(&tokens).without_fillers(text, &tokens)
    }

    /// The ids of all needs, in the order of the content.
    pub fn need_ids(&self) -> impl Iterator<Item = &str> {
        self.needs.ids()
    }

    /// What to call a need when speaking to a person ("money worries").
    pub fn need_label(&self, id: &str) -> Option<&str> {
        self.needs.label(id)
    }

    /// The ids of the kinds of staff, in the order of the content.
    pub fn role_ids(&self) -> impl Iterator<Item = &str> {
        self.words.roles.iter().map(|role| role.id.as_str())
    }

    /// The kind of staff that a text names first ("staff nurse in A&E" is `nurse`).
    pub fn role(&self, text: &str) -> Option<&str> {
        let tokens = text::tokens(clip(text));
        let marks = self.words.marks(&tokens);
        marks.iter().find_map(|(mark, ..)| {
            let slots::Mark::Role(role) = mark else { return None };
            self.words.roles.get(*role).map(|role| role.id.as_str())
        })
    }

    /// Runs the examples of the content; each that fails is a finding.
    pub fn check_examples(&self) -> Vec<Finding> {
        examples::check(self)
    }
}

/// The file of this name.
fn named<'f>(files: &[(&'f str, &'f str)], name: &str) -> Option<Source<'f>> {
    let found = files.iter().find(|(path, _)| path.rsplit('/').next() == Some(name));
    found.map(|(file, text)| Source { file, text })
}

/// How many slots are filled.
fn filled(group: &GroupSlots) -> usize {
    strong(group) + usize::from(!group.days.is_empty()) + usize::from(group.time.is_some())
}

/// Slots that hardly turn up when somebody speaks of something else.
fn strong(group: &GroupSlots) -> usize {
    [
        group.outline.is_some(),
        group.access.is_some(),
        group.setting.is_some(),
        group.frequency.is_some(),
        group.sessions.is_some(),
        group.size.is_some(),
        group.staff.is_some(),
    ]
    .into_iter()
    .filter(|filled| *filled)
    .count()
}

/// The start of a text that is read.
fn clip(text: &str) -> &str {
    let mut end = text.len().min(LONGEST_READ);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
