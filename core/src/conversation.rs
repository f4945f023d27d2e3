//! Everything the engine remembers about one person's chat. Stored sealed as JSON after each
//! turn; every field has a default, so that state written by any released version loads (P12).

use std::collections::BTreeSet;

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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conversation {
    pub holder: Holder,
    /// Rises only when a practitioner takes, transfers or lets go.
    pub epoch: u32,
    /// The case thread at the desk, once there is one.
    pub case: Option<Reference>,
    pub flag: Option<Flag>,
    /// Hash of the content that it is in.
    pub content: String,
    pub welcomed: bool,
    /// The dialogue under way.
    pub place: Option<Place>,
    /// Forms put aside, the newest last.
    pub aside: Vec<Aside>,
    pub prompt: Prompt,
    /// How often in a row nothing was understood while no dialogue was under way.
    pub tries: u8,
    /// The crisis lines were shown to a soft B once.
    pub lines_shown: bool,
    /// Never write first: somebody else may read along.
    pub do_not_message: bool,
    /// A practitioner held it once: then its record is the hub's to keep.
    pub handled: bool,
    pub area: Option<String>,
    pub role: Option<String>,
    /// How private the person's last words were: the weakest link that they passed through.
    pub confidentiality: Option<Confidentiality>,
    pub memory: Memory,
    pub pace: Option<Pace>,
    /// When an outage was last apologised for.
    pub late_at: Option<Timestamp>,
    /// When danger in old messages was last answered as one.
    pub late_danger_at: Option<Timestamp>,
    /// When the open question of a check-in was asked.
    pub asked_at: Option<Timestamp>,
    /// The check-in question that was settled last.
    pub last_check: Option<LastCheck>,
    /// What the person's newest messages answered, so that an edit corrects what it edits.
    pub told: Vec<Told>,
    /// What is going on between this conversation and the desk.
    #[serde(skip_serializing_if = "AtDesk::is_nothing")]
    pub desk: AtDesk,
}

/// What is going on between a conversation and the desk, besides who holds it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AtDesk {
    /// When the case was opened.
    pub opened: Option<Timestamp>,
    /// Saved requests whose threads are open.
    pub requests: Vec<OpenRequest>,
    /// The route for which the desk is being reminded that nobody has taken the case.
    pub waiting_on: Option<Route>,
    /// From when the reminders are counted.
    pub waiting_from: Option<Timestamp>,
    /// A practitioner has seen the case and will come.
    pub acknowledged: bool,
    /// The person was told that nobody has come yet.
    pub told_nobody_came: bool,
    /// Since when the person has waited for a word of whoever holds the conversation.
    pub unanswered: Option<Timestamp>,
    /// The person has written since the conversation was taken.
    pub written: bool,
    /// What the person could not be told, because somebody else may read along.
    pub untold: Option<Untold>,
    /// Up to which route the lines were shown while a practitioner holds, and when.
    pub lines_for: Option<Route>,
    pub lines_at: Option<Timestamp>,
    /// A team or organisation the person would rather not talk to, in their words.
    pub avoid: Option<String>,
    /// The desk was told that words in the thread reach nobody until somebody has taken it.
    pub hinted: bool,
    /// Asked to have everything deleted while a practitioner held.
    pub wants_erasure: bool,
    /// Who held it until it went back to the queue by itself, and when.
    pub lost: Option<Lost>,
    /// The newest messages that were carried over to the other side.
    pub relayed: Vec<Relayed>,
}

impl AtDesk {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Somebody from whom a conversation was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    pub by: String,
    pub at: Timestamp,
}

/// A request that the desk has not closed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// A form that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Aside {
    pub place: Place,
    /// Goes on only on the person's word; else by itself, once what came between is over.
    pub parked: bool,
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
