//! Where to go on: a sync token, the events that wait for their key, and the rooms that go on in another.

use std::collections::BTreeMap;

use chatbox_core::channel::ReceiveError;
use matrix_sdk::ruma::{EventId, OwnedEventId, OwnedRoomId};
use serde::{Deserialize, Serialize};

/// Events that wait for their key, at most; then the oldest that was told of goes.
const MAX_UNREAD: usize = 500;
/// How long an event is tried again, in seconds.
const KEPT_FOR: i64 = 7 * 24 * 60 * 60;
/// After this long, in seconds, the sender is told.
pub(crate) const TELL_AFTER: i64 = 60;

/// Stored beside the inbox as JSON. Any released version must be able to read it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// The `next_batch` of the newest sync. None: nothing was ever received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// Oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) unread: Vec<Unread>,
    /// Rooms in which somebody came back, by which conversation goes on there: the one that they left.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) returns: BTreeMap<OwnedRoomId, OwnedRoomId>,
}

/// An event that could not be decrypted yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unread {
    pub(crate) room: OwnedRoomId,
    pub(crate) event: OwnedEventId,
    /// When we first failed, in seconds of our clock.
    pub(crate) at: i64,
    /// The sender knows.
    #[serde(default)]
    pub(crate) told: bool,
}

impl Cursor {
    pub(crate) fn read(committed: Option<&str>) -> Result<Self, ReceiveError> {
        match committed {
            None => Ok(Self::default()),
            Some(text) => serde_json::from_str(text).map_err(|_| {
                ReceiveError::Fatal(
                    "The place up to which Matrix was received cannot be read: it was written by a newer version \
                     of this program. Start that version."
                        .to_owned(),
                )
            }),
        }
    }

    pub(crate) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Keeps an event that cannot be read. False if it is kept already.
    pub(crate) fn keep(&mut self, room: &OwnedRoomId, event: OwnedEventId, now: i64) -> bool {
        if self.unread.iter().any(|unread| unread.event == event) {
            return false;
        }
        if self.unread.len() >= MAX_UNREAD {
            let oldest = self.unread.iter().position(|unread| unread.told).unwrap_or(0);
            self.unread.remove(oldest);
            tracing::error!(
                matrix.unread = MAX_UNREAD,
                "too many messages wait for their keys; one was given up"
            );
        }
        self.unread.push(Unread { room: room.clone(), event, at: now, told: false });
        true
    }

    /// Forgets an event that was read. False if it was not kept.
    pub(crate) fn forget(&mut self, event: &EventId) -> bool {
        let before = self.unread.len();
        self.unread.retain(|unread| unread.event != event);
        self.unread.len() != before
    }

    /// Gives up what waited too long. Returns whether there was any.
    pub(crate) fn expire(&mut self, now: i64) -> bool {
        let before = self.unread.len();
        self.unread.retain(|unread| now - unread.at < KEPT_FOR);
        self.unread.len() != before
    }

    /// The rooms in which the sender is to be told now, with the newest event each. All that waits
    /// in such a room counts as told: one sentence is enough.
    pub(crate) fn tell(&mut self, now: i64) -> Vec<(OwnedRoomId, OwnedEventId)> {
        let due: std::collections::BTreeSet<OwnedRoomId> = self
            .unread
            .iter()
            .filter(|unread| !unread.told && now - unread.at >= TELL_AFTER)
            .map(|unread| unread.room.clone())
            .collect();
        let mut told = Vec::new();
        for room in due {
            let mut newest = None;
            for unread in self.unread.iter_mut().filter(|unread| unread.room == room && !unread.told) {
                unread.told = true;
                newest = Some(unread.event.clone());
            }
            told.extend(newest.map(|event| (room, event)));
        }
        told
    }

    /// In how many seconds somebody has to be told, if at all.
    pub(crate) fn next_tell(&self, now: i64) -> Option<i64> {
        self.unread
            .iter()
            .filter(|unread| !unread.told)
            .map(|unread| (unread.at + TELL_AFTER - now).max(0))
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> OwnedEventId {
        OwnedEventId::try_from(text).unwrap()
    }

    fn room(text: &str) -> OwnedRoomId {
        OwnedRoomId::try_from(text).unwrap()
    }

    #[test]
    fn each_sender_is_told_once_after_a_minute() {
        let (one, two) = (room("!one:x.test"), room("!two:x.test"));
        let mut cursor = Cursor::default();
        assert!(cursor.keep(&one, id("$a"), 100));
        assert!(!cursor.keep(&one, id("$a"), 101), "kept once");
        assert!(cursor.keep(&one, id("$b"), 130));
        assert!(cursor.keep(&two, id("$c"), 140));
        assert_eq!(cursor.tell(159), []);
        assert_eq!(cursor.next_tell(159), Some(1));
        assert_eq!(cursor.tell(160), [(one.clone(), id("$b"))]);
        assert_eq!(cursor.tell(199), [], "the younger one in the same room counts as told");
        assert_eq!(cursor.tell(200), [(two, id("$c"))]);
        assert_eq!(cursor.next_tell(200), None);
        assert_eq!(cursor.unread.len(), 3, "told or not, they are tried again");
        assert!(cursor.forget(&id("$a")));
        assert!(!cursor.forget(&id("$a")));
        assert!(!cursor.expire(130 + KEPT_FOR - 1));
        assert!(cursor.expire(130 + KEPT_FOR));
        assert_eq!(cursor.unread.len(), 1);
    }

    #[test]
    fn what_was_told_goes_first_when_there_is_no_room() {
        let one = room("!one:x.test");
        let mut cursor = Cursor::default();
        for n in 0..MAX_UNREAD {
            cursor.keep(&one, id(&format!("${n}")), 0);
        }
        cursor.unread[3].told = true;
        cursor.keep(&one, id("$new"), 1);
        assert_eq!(cursor.unread.len(), MAX_UNREAD);
        assert!(!cursor.unread.iter().any(|unread| unread.event == id("$3")));
    }

    #[test]
    fn what_was_written_is_read() {
        let mut cursor = Cursor { token: Some("s1_2".to_owned()), ..Cursor::default() };
        cursor.keep(&room("!one:x.test"), id("$a"), 7);
        cursor.returns.insert(room("!new:x.test"), room("!one:x.test"));
        assert_eq!(Cursor::read(Some(&cursor.write())).unwrap(), cursor);
        let old = r#"{"token":"s1","unread":[{"room":"!one:x.test","event":"$a","at":7}]}"#;
        assert!(!Cursor::read(Some(old)).unwrap().unread[0].told);
        assert_eq!(Cursor::read(None).unwrap(), Cursor::default());
        assert!(matches!(Cursor::read(Some("s1_2")), Err(ReceiveError::Fatal(_))));
    }
}
