//! The desk: cases, who holds a conversation, and what a practitioner does in a case thread.
//!
//! [`Talk`] decides: `case` opens threads and says what stands at their head, `act` does what
//! practitioners command there, `hold` says who has a conversation, `relay` carries words across,
//! `wait` reminds until somebody comes, `conflict` keeps apart who would rather not meet, `erase`
//! deletes. `queue` and `gaps` speak in the room.

mod act;
mod case;
mod code;
mod conflict;
mod erase;
mod gaps;
mod hold;
mod queue;
mod relay;
mod wait;

use crate::{
    content::Word,
    dialogue::Talk,
    directory::{self, OpenState},
};

pub use code::{CODE_LENGTH, CODE_LETTERS, read_code, write_code};
pub(crate) use gaps::digest;
pub use queue::addressed;
pub(crate) use queue::in_room;
pub use wait::LOOK;

/// How far back platforms let a bot delete messages.
pub(crate) const CLEAR_WITHIN: jiff::SignedDuration = jiff::SignedDuration::from_hours(48);

/// Closing times that are further off than this are not told.
const FAR_AHEAD: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// The desk at this moment, as far as a person may be promised anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DeskState {
    /// Somebody is there; until when, if that is known.
    Staffed {
        until: Option<jiff::Timestamp>,
    },
    Closed {
        opens: Option<jiff::Timestamp>,
    },
    /// There is a desk, and nobody said when.
    Unknown,
    None,
}

impl Talk<'_> {
    pub(crate) fn desk_state(&self) -> DeskState {
        if !self.context.desk.exists {
            return DeskState::None;
        }
        self.desk_state_at(self.now())
    }

    /// What the opening hours say of a moment.
    fn desk_state_at(&self, at: jiff::Timestamp) -> DeskState {
        let calendar = self
            .content
            .directory
            .calendars()
            .of(self.hub.nation)
            .clone()
            .for_hub(self.hub.closed_days.iter().copied());
        match self.hub.hours.state(at, &calendar) {
            OpenState::Open { until } => DeskState::Staffed { until },
            OpenState::Closed { opens: Some(opens) } => DeskState::Closed { opens: Some(opens) },
            OpenState::Closed { opens: None } | OpenState::Unknown => DeskState::Unknown,
        }
    }

    /// The moment itself while the desk is open, else the next opening.
    fn in_hours(&self, at: jiff::Timestamp) -> jiff::Timestamp {
        match self.desk_state_at(at) {
            DeskState::Closed { opens: Some(opens) } => opens.max(at),
            DeskState::Staffed { .. }
            | DeskState::Closed { opens: None }
            | DeskState::Unknown
            | DeskState::None => at,
        }
    }

    /// One of four texts, by what is so.
    pub(crate) fn desk_text(&self, staffed: Word, closed: Word, unknown: Word, none: Word) -> String {
        self.text(match self.desk_state() {
            DeskState::Staffed { .. } => staffed,
            DeskState::Closed { .. } => closed,
            DeskState::Unknown => unknown,
            DeskState::None => none,
        })
    }

    /// "until 5pm", or "Monday at 9am".
    pub(crate) fn desk_hours_words(&self) -> String {
        match self.desk_state() {
            // A day on which it is closed weeks ahead is no news.
            DeskState::Staffed { until: Some(until) } if until.duration_since(self.now()) < FAR_AHEAD => {
                directory::until(until, self.now())
            }
            DeskState::Closed { opens: Some(opens) } => directory::when(opens, self.now()),
            DeskState::Staffed { until: Some(_) | None } => "day and night".to_owned(),
            DeskState::Closed { opens: None } | DeskState::Unknown | DeskState::None => String::new(),
        }
    }
}
