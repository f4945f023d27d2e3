//! Everything the engine remembers about one person's chat. Stored sealed as JSON after each turn.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ids::Reference, safety::Route, understanding::Memory};

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

/// The state of one conversation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    #[serde(default)]
    pub holder: Holder,
    /// Rises only when a practitioner takes, transfers or lets go.
    #[serde(default)]
    pub epoch: u32,
    /// The case thread at the desk, once there is one.
    #[serde(default)]
    pub case: Option<Reference>,
    /// An open flag: stays until a practitioner closes it.
    #[serde(default)]
    pub route: Route,
    #[serde(default)]
    pub memory: Memory,
}

impl Conversation {
    /// A small number for queues: 0 for nothing open, else 1 (A) to 5 (E). The only thing besides
    /// holder and case that the database may hold unsealed.
    pub fn urgency(&self) -> i16 {
        match (&self.case, self.route) {
            (None, Route::A) => 0,
            (_, Route::A) => 1,
            (_, Route::B) => 2,
            (_, Route::C) => 3,
            (_, Route::D) => 4,
            (_, Route::E) => 5,
        }
    }
}
