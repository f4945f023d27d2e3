//! Claimed work, and what came of it.

use std::collections::HashMap;

use chatbox_core::{
    conversation::Conversation,
    effect::Effect,
    ids::Lane,
    input::{Input, InputKind},
};
use jiff::Timestamp;

use crate::{
    error::StoreError,
    postgres,
    seal::{self, Sealer},
    sqlite, views,
};

/// An input that was tried this often without being decided is handed out as `poisoned`.
pub const MAX_TRIES: u16 = 5;

/// An input that was tried this often is handed out alone, so that what fails with it does not
/// count against others. Anything may be tried once more than it deserves: the process was killed.
pub(crate) const SUSPECT: i64 = 2;

/// How many of the oldest waiting inputs go out together, by how often each was tried before.
pub(crate) fn together(tries: impl Iterator<Item = i64>) -> usize {
    tries.take_while(|tries| !is_suspect(*tries)).count().max(1)
}

pub(crate) fn is_suspect(tries: i64) -> bool {
    tries >= SUSPECT
}

/// Undecided inputs, held for this claimer until it is committed or dropped. Dropping it gives
/// the inputs back undecided; their tries stay counted.
pub struct Claim {
    pub(crate) works: Vec<Work>,
    pub(crate) hold: Hold,
}

pub(crate) enum Hold {
    Sqlite(sqlite::Hold),
    Postgres(postgres::Hold),
}

impl Claim {
    /// One entry a conversation, oldest waiting first.
    pub fn works(&self) -> &[Work] {
        &self.works
    }
}

/// The waiting inputs of one conversation. No `Debug`: it holds what people wrote.
pub struct Work {
    pub lane: Lane,
    /// `None` before the first turn, and when `damaged`.
    pub conversation: Option<Conversation>,
    /// The stored state cannot be opened or read. Every input is `poisoned`: check its text, tell
    /// the person, park it. Deciding it would overwrite the state.
    pub damaged: bool,
    /// In the order in which they must be decided.
    pub inputs: Vec<Claimed>,
}

/// One undecided input.
pub struct Claimed {
    /// Names the input for good.
    pub seq: i64,
    pub input: Input,
    pub received: Timestamp,
    /// For the engine's `Context`: the same on every try, unless a reference clashed.
    pub seed: u64,
    /// How often it was handed out, this time included. On PostgreSQL once more if another process took it
    /// in: whether that one has handed it out is not known.
    pub tries: u16,
    /// Handed out [`MAX_TRIES`] times before, or unreadable: do not run the engine on it. Check
    /// the text for safety, tell the person, and park it.
    pub poisoned: bool,
    /// The platform's id of the message.
    pub native: Option<String>,
}

/// A decided input: what `Engine::turn` returned for it.
pub struct Decided {
    pub seq: i64,
    pub conversation: Conversation,
    pub effects: Vec<Effect>,
}

/// What became of each input handed to [`crate::Store::commit`]. What is not named stays
/// undecided and is handed out again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitReport {
    /// On disk, parked ones included.
    pub committed: Vec<i64>,
    /// A reference of the turn belongs to somebody else. The input has a fresh seed and stays
    /// undecided, and so do the later ones of its conversation.
    pub clashed: Vec<i64>,
    /// The turn could not be written. The input stays undecided, and so do the later ones of its
    /// conversation.
    pub failed: Vec<i64>,
}

/// An undecided row of the inbox.
pub(crate) struct Found {
    pub(crate) seq: i64,
    pub(crate) lane: String,
    pub(crate) native: Option<String>,
    pub(crate) received: i64,
    pub(crate) seed: i64,
    /// Before this time.
    pub(crate) tries: i64,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) state: State,
}

/// The state of a conversation as it was found.
pub(crate) enum State {
    Sealed(Option<Vec<u8>>),
    Open(Box<Conversation>),
}

/// Puts rows that come in the order of their seq together by conversation.
#[derive(Default)]
pub(crate) struct Gather {
    works: Vec<Work>,
    lanes: HashMap<String, usize>,
}

impl Gather {
    pub(crate) fn add(&mut self, sealer: &Sealer, found: Found) -> Result<(), StoreError> {
        let received = views::time(found.received, "inbox", "received")?;
        let at = if let Some(at) = self.lanes.get(&found.lane) {
            *at
        } else {
            let lane =
                found.lane.parse().map_err(|_| StoreError::Unreadable { table: "inbox", column: "lane" })?;
            let state = match found.state {
                State::Open(conversation) => Ok(Some(*conversation)),
                State::Sealed(state) => state
                    .map(|state| sealer.open_json(seal::STATE, found.lane.as_bytes(), &state))
                    .transpose(),
            };
            let damaged = state.is_err();
            self.works.push(Work {
                lane,
                conversation: state.unwrap_or_default(),
                damaged,
                inputs: Vec::new(),
            });
            self.lanes.insert(found.lane, self.works.len() - 1);
            self.works.len() - 1
        };
        let work = &mut self.works[at];
        // One that cannot be read is kept, and the person is told (P9).
        let input = found
            .body
            .and_then(|body| sealer.open_json::<Input>(seal::INBOX, &found.seq.to_be_bytes(), &body).ok());
        let tries = u16::try_from(found.tries).unwrap_or(u16::MAX);
        work.inputs.push(Claimed {
            seq: found.seq,
            poisoned: input.is_none() || work.damaged || tries >= MAX_TRIES,
            input: input.unwrap_or_else(|| Input::new(received, InputKind::Unreadable)),
            received,
            seed: found.seed.cast_unsigned(),
            tries: tries.saturating_add(1),
            native: found.native,
        });
        Ok(())
    }

    pub(crate) fn done(self) -> Vec<Work> {
        self.works
    }
}
