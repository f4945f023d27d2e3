//! Everything the engine remembers about one person's chat. Stored sealed as JSON after each
//! turn; every field has a default, so that state written by any released version loads (P12), and
//! a field that says no more than its default is not written.

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    channel::Confidentiality,
    dialogue::Place,
    effect::Choice,
    ids::Reference,
    safety::{Kind, Route},
    understanding::Memory,
};

/// Who speaks to the person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    #[default]
    Bot,
    /// A person was asked for; the bot goes on meanwhile.
    Waiting {
        since: Timestamp,
    },
    Practitioner {
        id: String,
        since: Timestamp,
    },
}

impl Holder {
    /// `bot`, `waiting` or `practitioner`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Waiting { .. } => "waiting",
            Self::Practitioner { .. } => "practitioner",
        }
    }
}

/// Danger that was heard and that no practitioner has closed yet. Nothing the person says,
/// edits or deletes clears it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// The highest route so far.
    pub route: Route,
    pub kinds: BTreeSet<Kind>,
    pub since: Timestamp,
    /// Whether somebody is with them, as far as they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<bool>,
    /// Whether 999 was called, as far as they said, or they are where help is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub called: bool,
}

/// The question whose choices may be pressed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// Counts the texts with choices, from 1.
    pub number: u32,
    pub choices: Vec<Choice>,
}

/// How many messages came within the minute that began at `since`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    pub since: Timestamp,
    pub count: u32,
}

/// The state of one conversation.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conversation {
    #[serde(skip_serializing_if = "is_default")]
    pub holder: Holder,
    /// Rises only when a practitioner takes, transfers or lets go.
    #[serde(skip_serializing_if = "is_default")]
    pub epoch: u32,
    /// The case thread at the desk, once there is one.
    #[serde(skip_serializing_if = "is_default")]
    pub case: Option<Reference>,
    #[serde(skip_serializing_if = "is_default")]
    pub flag: Option<Flag>,
    /// Hash of the content that it is in.
    #[serde(skip_serializing_if = "is_default")]
    pub content: String,
    #[serde(skip_serializing_if = "is_default")]
    pub welcomed: bool,
    /// The dialogue under way.
    #[serde(skip_serializing_if = "is_default")]
    pub place: Option<Place>,
    /// Forms put aside, the newest last.
    #[serde(skip_serializing_if = "is_default")]
    pub aside: Vec<Aside>,
    #[serde(skip_serializing_if = "is_default")]
    pub prompt: Prompt,
    /// How often in a row nothing was understood while no dialogue was under way.
    #[serde(skip_serializing_if = "is_default")]
    pub tries: u8,
    /// The crisis lines were shown to a soft B once.
    #[serde(skip_serializing_if = "is_default")]
    pub lines_shown: bool,
    /// Never write first: somebody else may read along.
    #[serde(skip_serializing_if = "is_default")]
    pub do_not_message: bool,
    /// A practitioner held it once: then its record is the hub's to keep.
    #[serde(skip_serializing_if = "is_default")]
    pub handled: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub area: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub role: Option<String>,
    /// How private the person's last words were: the weakest link that they passed through.
    #[serde(skip_serializing_if = "is_default")]
    pub confidentiality: Option<Confidentiality>,
    #[serde(skip_serializing_if = "is_default")]
    pub memory: Memory,
    #[serde(skip_serializing_if = "is_default")]
    pub pace: Option<Pace>,
    /// When an outage was last apologised for.
    #[serde(skip_serializing_if = "is_default")]
    pub late_at: Option<Timestamp>,
    /// When danger in old messages was last answered as one.
    #[serde(skip_serializing_if = "is_default")]
    pub late_danger_at: Option<Timestamp>,
    /// When the open question of a check-in was asked.
    #[serde(skip_serializing_if = "is_default")]
    pub asked_at: Option<Timestamp>,
    /// The check-in question that was settled last.
    #[serde(skip_serializing_if = "is_default")]
    pub last_check: Option<LastCheck>,
    /// What the person's newest messages answered, so that an edit corrects what it edits.
    #[serde(skip_serializing_if = "is_default")]
    pub told: Vec<Told>,
    /// What is going on between this conversation and the desk.
    #[serde(skip_serializing_if = "is_default")]
    pub desk: AtDesk,
}

/// What is going on between a conversation and the desk, besides who holds it. No `Debug`: it holds what somebody wrote.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AtDesk {
    /// When the case was opened.
    #[serde(skip_serializing_if = "is_default")]
    pub opened: Option<Timestamp>,
    /// Saved requests whose threads are open.
    #[serde(skip_serializing_if = "is_default")]
    pub requests: Vec<OpenRequest>,
    /// The route for which the desk is being reminded that nobody has taken the case.
    #[serde(skip_serializing_if = "is_default")]
    pub waiting_on: Option<Route>,
    /// From when the reminders are counted.
    #[serde(skip_serializing_if = "is_default")]
    pub waiting_from: Option<Timestamp>,
    /// A practitioner has seen the case and will come.
    #[serde(skip_serializing_if = "is_default")]
    pub acknowledged: bool,
    /// The person was told that nobody has come yet.
    #[serde(skip_serializing_if = "is_default")]
    pub told_nobody_came: bool,
    /// Since when the person has waited for a word of whoever holds the conversation.
    #[serde(skip_serializing_if = "is_default")]
    pub unanswered: Option<Timestamp>,
    /// The person has written since the conversation was taken.
    #[serde(skip_serializing_if = "is_default")]
    pub written: bool,
    /// What the person could not be told, because somebody else may read along.
    #[serde(skip_serializing_if = "is_default")]
    pub untold: Option<Untold>,
    /// Up to which route the lines were shown while a practitioner holds, and when.
    #[serde(skip_serializing_if = "is_default")]
    pub lines_for: Option<Route>,
    #[serde(skip_serializing_if = "is_default")]
    pub lines_at: Option<Timestamp>,
    /// A team or organisation the person would rather not talk to, in their words.
    #[serde(skip_serializing_if = "is_default")]
    pub avoid: Option<String>,
    /// The desk was told that words in the thread reach nobody until somebody has taken it.
    #[serde(skip_serializing_if = "is_default")]
    pub hinted: bool,
    /// Asked to have everything deleted while a practitioner held.
    #[serde(skip_serializing_if = "is_default")]
    pub wants_erasure: bool,
    /// Who held it until it went back to the queue by itself, and when.
    #[serde(skip_serializing_if = "is_default")]
    pub lost: Option<Lost>,
    /// The newest messages that were carried over to the other side.
    #[serde(skip_serializing_if = "is_default")]
    pub relayed: Vec<Relayed>,
}

/// Somebody from whom a conversation was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    pub by: String,
    pub at: Timestamp,
}

/// A request that the desk has not closed yet. No `Debug`: it holds what somebody wrote.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRequest {
    pub case: Reference,
    pub since: Timestamp,
    /// Whose request it is, as they gave it: whoever runs a group comes from elsewhere.
    #[serde(default)]
    pub organisation: Option<String>,
    /// The requester was told who will be in touch, and by when.
    #[serde(default)]
    pub acknowledged: bool,
}

/// A message whose words were passed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relayed {
    /// [`crate::input::Message::id`].
    pub id: String,
    /// A practitioner's.
    pub desk: bool,
    /// Who wrote it, of a practitioner's: nobody else can take it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// News that is told with the person's next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Untold {
    Joined,
    Left,
}

/// A message of the person, and what it answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// [`crate::input::Message::id`].
    pub id: String,
    pub dialogue: String,
    /// The question that was open.
    pub step: String,
}

/// A question of the check-in that was answered, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastCheck {
    pub step: String,
    pub at: Timestamp,
}

/// A form that waits. No `Debug`: it holds what somebody wrote.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Aside {
    pub place: Place,
    /// Goes on only on the person's word; else by itself, once what came between is over.
    pub parked: bool,
}

/// Where it stands, without what was said and answered.
impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation")
            .field("holder", &self.holder)
            .field("epoch", &self.epoch)
            .field("case", &self.case)
            .field("flag", &self.flag)
            .field("dialogue", &self.dialogue())
            .field("step", &self.step())
            .field("prompt", &self.prompt)
            .finish_non_exhaustive()
    }
}

impl Conversation {
    /// Name of the dialogue under way.
    pub fn dialogue(&self) -> Option<&str> {
        self.place.as_ref().map(|place| place.dialogue.as_str())
    }

    /// The step that waits for the person.
    pub fn step(&self) -> Option<&str> {
        self.place.as_ref().map(|place| place.step.as_str())
    }

    /// The open flag's route, else A.
    pub fn route(&self) -> Route {
        self.flag.as_ref().map_or(Route::A, |flag| flag.route)
    }

    /// A small number for queues: 0 for nothing open, else 1 (A) to 5 (E). The only thing besides
    /// holder and case that the database may hold unsealed.
    pub fn urgency(&self) -> i16 {
        match (&self.case, self.route()) {
            (None, Route::A) => 0,
            (Some(_), Route::A) => 1,
            (_, Route::B) => 2,
            (_, Route::C) => 3,
            (_, Route::D) => 4,
            (_, Route::E) => 5,
        }
    }

    /// The newest form that can be gone on with.
    pub fn parked(&self) -> Option<&Place> {
        self.aside.last().map(|aside| &aside.place)
    }
}

/// Whether a field says no more than its default, and so need not be written.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_not_written() {
        assert_eq!(serde_json::to_string(&Conversation::default()).expect("state"), "{}");
    }

    #[test]
    fn state_with_every_field_written_out_reads_the_same() {
        let written = r#"{"holder":"bot","epoch":0,"case":null,"flag":null,"content":"04","welcomed":true,
            "place":{"dialogue":"group_request","step":"access","answers":{},"path":[],"tries":0},"aside":[],
            "prompt":{"number":0,"choices":[]},"tries":0,"lines_shown":false,"do_not_message":false,
            "handled":false,"area":null,"role":null,"confidentiality":null,"memory":[],"pace":null,
            "late_at":null,"late_danger_at":null,"asked_at":null,"last_check":null,"told":[],
            "desk":{"opened":null,"requests":[],"waiting_on":null,"acknowledged":false,"relayed":[]}}"#;
        let read: Conversation = serde_json::from_str(written).expect("older state");
        let short = serde_json::to_string(&read).expect("state");
        assert_eq!(
            short,
            r#"{"content":"04","welcomed":true,"place":{"dialogue":"group_request","step":"access"}}"#
        );
        assert_eq!(serde_json::from_str::<Conversation>(&short).expect("state"), read);
    }
}
