//! Dialogues as the content files write them.
//!
//! A dialogue is a list of steps. Each step is externally tagged (`- ask:` and its fields below),
//! and every name that points elsewhere keeps its place in the file, so that `check` can say
//! where it is wrong.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::{
    channel::Confidentiality,
    understanding::{Intent, Saying, answer::Ways},
};

/// One conversation that the bot can have: a form, a search, a check-in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialogue {
    /// Its name; a conversation's `dialogue` in every interface.
    pub dialogue: Spanned<String>,
    /// What to call it to the person: "your group request".
    pub name: String,
    /// The intent that starts it.
    #[serde(default)]
    pub intent: Option<Intent>,
    /// Word behind `/start` in a deep link that starts it.
    #[serde(default)]
    pub link: Option<String>,
    /// Answers are worth keeping: it is parked when danger or something else comes between.
    #[serde(default)]
    pub form: bool,
    /// Slots of a group request in any message fill its fields.
    #[serde(default)]
    pub group_slots: bool,
    /// A heading over what was understood so far, once a message filled several fields.
    #[serde(default)]
    pub heard: Option<String>,
    /// Words a person may ask about ("what does closed mean?") and what to say. Keys are
    /// lower-case; several words for one thing are separated by `|`.
    #[serde(default)]
    pub terms: BTreeMap<String, String>,
    /// Steps that the engine enters by name (the check-in's responses): reachable by themselves.
    #[serde(default)]
    pub entries: bool,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Says something and goes on.
    Say(Say),
    /// Asks and waits.
    Ask(Box<Ask>),
    /// Shows offers and waits for what the person makes of them.
    Offer(Offer),
    /// Goes one way or another by an answer.
    Branch(Branch),
    /// Keeps the answers as a record and tells the desk.
    Save(Save),
    /// Asks the desk for a person.
    HandOver(HandOver),
    /// Does what only the engine can: see [`Act`].
    Act(ActStep),
}

/// Where to go after a step. Absent: the next one in the list; after the last, the dialogue ends.
pub type Then = Option<Spanned<String>>;

/// The name of the end, wherever a step name may stand.
pub const END: &str = "end";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Say {
    pub id: Spanned<String>,
    pub text: Spanned<String>,
    #[serde(default)]
    pub only_if: Option<Condition>,
    #[serde(default)]
    pub then: Then,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Also the name of the field that it fills.
    pub id: Spanned<String>,
    pub text: Spanned<String>,
    /// Shorter, for when it is asked again; absent: `text`.
    #[serde(default)]
    pub again: Option<Spanned<String>>,
    /// What the answer is called in a summary: "How many people".
    #[serde(default)]
    pub label: Option<String>,
    /// What people call the answer besides: "the days", of "When".
    #[serde(default)]
    pub called: Vec<String>,
    #[serde(default)]
    pub why: Option<String>,
    #[serde(default)]
    pub example: Option<String>,
    pub answer: Expect,
    /// Label of the skip button; absent: the shared one. An empty text: it cannot be skipped.
    #[serde(default)]
    pub skip: Option<String>,
    #[serde(default)]
    pub only_if: Option<Condition>,
    /// Answer to step.
    #[serde(default)]
    pub next: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub then: Then,
    /// A check-in question: these answers raise the route by one step. `unclear` is any text
    /// that is no answer.
    #[serde(default)]
    pub rises: Vec<String>,
    /// What people feel may be the answer ("we are all exhausted"), unless somebody speaks of nobody but
    /// themselves. At the other questions of a form it is heard for what it is, and support is offered
    /// beside the form.
    #[serde(default)]
    pub feelings: bool,
    /// Of a check-in question: what says one of its answers, wherever it stands; the first that is said
    /// counts. Answers of its own that stand here may stand in `next`.
    #[serde(default)]
    pub say: BTreeMap<String, Vec<Saying>>,
    /// Minutes of silence after which the desk is alerted and the lines are shown once more.
    #[serde(default)]
    pub silence: Option<u32>,
}

/// What kind of answer a question wants.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    Choice(Vec<Opt>),
    /// A whole number.
    Number(Number),
    /// How many people.
    Size(SizeAdvice),
    /// Days, a time, or words about them.
    When,
    /// Days, a time and a way to talk.
    Talk,
    /// Anything, up to so many characters.
    Text(TextLimit),
    YesNo,
    Contact,
    /// What is wrong or wanted, in their own words.
    Needs(Vec<Opt>),
    /// One of `hub.areas`.
    Area,
    /// One of the directory's roles.
    Role,
    /// The summary: send it, change something, or leave it.
    Confirm,
}

impl Expect {
    /// Whether words may be kept as they are in the answer, whatever they say.
    pub fn takes_words(&self) -> bool {
        match self {
            Self::When | Self::Talk | Self::Text(_) | Self::Contact | Self::Needs(_) => true,
            Self::Choice(_)
            | Self::Number(_)
            | Self::Size(_)
            | Self::YesNo
            | Self::Area
            | Self::Role
            | Self::Confirm => false,
        }
    }

    /// The answers to choose from, of a choice.
    pub fn options(&self) -> Option<&[Opt]> {
        match self {
            Self::Choice(options) => Some(options),
            Self::Number(_)
            | Self::Size(_)
            | Self::When
            | Self::Talk
            | Self::Text(_)
            | Self::YesNo
            | Self::Contact
            | Self::Needs(_)
            | Self::Area
            | Self::Role
            | Self::Confirm => None,
        }
    }
}

/// One answer to choose.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "WrittenOpt")]
pub struct Opt {
    pub id: Spanned<String>,
    pub label: String,
    /// Free text instead: kept in the field `ID_text`.
    pub other: bool,
    /// Its id, its label and other words for it.
    pub ways: Ways,
}

/// An [`Opt`] as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenOpt {
    id: Spanned<String>,
    label: String,
    #[serde(default)]
    say: Vec<String>,
    #[serde(default)]
    other: bool,
}

impl From<WrittenOpt> for Opt {
    fn from(written: WrittenOpt) -> Self {
        let WrittenOpt { id, label, say, other } = written;
        let ways = Ways::new(&id.value, &label, &say);
        Self { id, label, other, ways }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Number {
    pub min: u32,
    pub max: u32,
    /// Said when the number is outside; the question stays.
    pub refused: String,
    /// Said when the answer is from one number to another: the larger one stands.
    #[serde(default)]
    pub larger: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizeAdvice {
    pub min: u32,
    pub max: u32,
    /// Said when the number is outside; the answer stands.
    pub advice: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextLimit {
    pub max: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The field has this answer; of needs, this is one of them.
    Is { field: Spanned<String>, answer: String },
    /// Knowing the field could change which offers are shown.
    ChangesOffers(OfferField),
    /// The conversation is at this state of the desk.
    Desk(DeskIs),
    /// The weakest link that the words pass through is one of these.
    Confidentiality(Vec<Confidentiality>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferField {
    Area,
    Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeskIs {
    Staffed,
    Closed,
    None,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    pub id: Spanned<String>,
    /// Above the offers.
    pub text: Spanned<String>,
    /// Above the line that is open now, whatever it is about.
    pub open_now: String,
    /// Below the offers.
    pub ask: Spanned<String>,
    pub choices: Vec<Opt>,
    pub next: BTreeMap<String, Spanned<String>>,
    /// Where to go when nothing fits (any more).
    pub nothing: Spanned<String>,
}

/// What a branch goes by when it goes by how private the conversation is: its ways are named
/// `platform`, `encrypted`, `encrypted_verified` and `local`.
pub const BY_CONFIDENTIALITY: &str = "channel.confidentiality";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    pub id: Spanned<String>,
    /// A field, or [`BY_CONFIDENTIALITY`].
    pub on: Spanned<String>,
    pub to: BTreeMap<String, Spanned<String>>,
    #[serde(rename = "else")]
    pub otherwise: Spanned<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Save {
    pub id: Spanned<String>,
    /// Kind of the record.
    pub kind: String,
    /// Three capital letters in front of the reference.
    pub prefix: String,
    /// Open a case at the desk for it.
    #[serde(default)]
    pub case: bool,
    #[serde(default)]
    pub then: Then,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandOver {
    pub id: Spanned<String>,
    #[serde(default)]
    pub then: Then,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActStep {
    pub id: Spanned<String>,
    #[serde(rename = "do")]
    pub what: Act,
    #[serde(default)]
    pub then: Then,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Delete what is kept about the person.
    Erase,
    /// Hide the chat.
    Clear,
    /// Go on with what was parked.
    Resume,
    /// Show the crisis lines.
    Lines,
    /// It is safe to message the person unasked.
    MayMessage,
    /// It is not.
    DoNotMessage,
}

impl Step {
    pub fn id(&self) -> &Spanned<String> {
        match self {
            Self::Say(s) => &s.id,
            Self::Ask(s) => &s.id,
            Self::Offer(s) => &s.id,
            Self::Branch(s) => &s.id,
            Self::Save(s) => &s.id,
            Self::HandOver(s) => &s.id,
            Self::Act(s) => &s.id,
        }
    }

    /// Every step name that this step points at, with its place in the file.
    pub fn targets(&self) -> Vec<&Spanned<String>> {
        match self {
            Self::Say(s) => s.then.iter().collect(),
            Self::Ask(s) => s.next.values().chain(&s.then).collect(),
            Self::Offer(s) => s.next.values().chain([&s.nothing]).collect(),
            Self::Branch(s) => s.to.values().chain([&s.otherwise]).collect(),
            Self::Save(s) => s.then.iter().collect(),
            Self::HandOver(s) => s.then.iter().collect(),
            Self::Act(s) => s.then.iter().collect(),
        }
    }

    /// Whether the list goes on below this step.
    pub fn falls_through(&self) -> bool {
        match self {
            Self::Say(s) => s.then.is_none(),
            Self::Ask(s) => s.then.is_none(),
            Self::Offer(_) | Self::Branch(_) => false,
            Self::Save(s) => s.then.is_none(),
            Self::HandOver(s) => s.then.is_none(),
            Self::Act(s) => s.then.is_none(),
        }
    }
}

impl Dialogue {
    pub fn position(&self, step: &str) -> Option<usize> {
        self.steps.iter().position(|s| s.id().value == step)
    }

    pub fn step(&self, step: &str) -> Option<&Step> {
        self.position(step).map(|at| &self.steps[at])
    }

    pub fn ask(&self, step: &str) -> Option<&Ask> {
        match self.step(step) {
            Some(Step::Ask(ask)) => Some(ask),
            Some(
                Step::Say(_)
                | Step::Offer(_)
                | Step::Branch(_)
                | Step::Save(_)
                | Step::HandOver(_)
                | Step::Act(_),
            )
            | None => None,
        }
    }

    /// All questions, in order.
    pub fn asks(&self) -> impl Iterator<Item = &Ask> {
        self.steps.iter().filter_map(|step| match step {
            Step::Ask(ask) => Some(&**ask),
            Step::Say(_)
            | Step::Offer(_)
            | Step::Branch(_)
            | Step::Save(_)
            | Step::HandOver(_)
            | Step::Act(_) => None,
        })
    }
}
