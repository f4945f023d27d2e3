//! Conversations that were committed a moment ago, still open.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chatbox_core::conversation::Conversation;

use crate::seal::HEAD;

/// Beyond so many all are forgotten: the database has them.
const MOST: usize = 1_000;

/// How a sealed value begins.
pub(super) type Head = [u8; HEAD];

/// What a conversation was when it was last sealed, so that its next message needs no opening.
///
/// Never trusted by itself: it stands beside the head of the sealed value, and no other value has
/// the same nonce. Whatever becomes of the row (a commit that fails, an erasure, another process),
/// what it holds then has another head, and is read.
#[derive(Default)]
pub(super) struct Recent(Mutex<Known>);

type Known = HashMap<String, (Head, Box<Conversation>)>;

impl Recent {
    pub(super) fn keep(&self, lane: String, head: Head, conversation: Conversation) {
        let mut recent = self.lock();
        if recent.len() >= MOST {
            recent.clear();
        }
        recent.insert(lane, (head, Box::new(conversation)));
    }

    /// The conversation whose row begins like that; it is forgotten here.
    pub(super) fn take(&self, lane: &str, head: &[u8]) -> Option<Box<Conversation>> {
        self.lock().remove(lane).filter(|(known, _)| known == head).map(|(_, conversation)| conversation)
    }

    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
