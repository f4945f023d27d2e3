//! What one sync brings: for conversations, for the desk, and for the list of what cannot be read.

use std::{collections::BTreeSet, sync::Arc};

use chatbox_core::{
    channel::{FromDesk, Incoming, Proof},
    input::{Input, InputKind},
};
use jiff::Timestamp;
use matrix_sdk::{
    Client, Room,
    deserialized_responses::TimelineEvent,
    ruma::{EventId, OwnedRoomId, RoomId},
    sync::{SyncResponse, Timeline},
};

use crate::{
    account::Account,
    call::{Failure, failure_of},
    cursor::{Cursor, Unread},
    event::Event,
    gap, read,
    rooms::{self, Company, Joining},
};

/// Events that are tried again at once, at most: everybody's messages wait for that.
const MAX_RETRIED: usize = 20;

/// Takes up one sync.
pub(crate) struct Taking<'a> {
    account: &'a Arc<Account>,
    client: &'a Client,
    /// The token before this sync. None: nothing was ever received.
    since: Option<String>,
    /// The sync brought all rooms anew, although there is a token: their events are fetched.
    anew: bool,
    now: Timestamp,
    taken: Taken,
}

pub(crate) struct Taken {
    pub(crate) incoming: Vec<Incoming>,
    pub(crate) desk: Vec<FromDesk>,
    pub(crate) proofs: Vec<Proof>,
    pub(crate) cursor: Cursor,
}

impl<'a> Taking<'a> {
    pub(crate) fn new(
        account: &'a Arc<Account>,
        client: &'a Client,
        cursor: &Cursor,
        fresh: bool,
        now: Timestamp,
    ) -> Self {
        let since = cursor.token.clone();
        let anew = fresh && since.is_some();
        let taken =
            Taken { incoming: Vec::new(), desk: Vec::new(), proofs: Vec::new(), cursor: cursor.clone() };
        Self { account, client, since, anew, now, taken }
    }

    /// Tries again what could not be read, in the `nth` round. What still cannot stays.
    pub(crate) async fn retry(&mut self, nth: usize) {
        self.taken.cursor.expire(self.now.as_second());
        for unread in due(&self.taken.cursor.unread, nth) {
            let Some(room) = self.client.get_room(&unread.room) else { continue };
            let event = match gap::with_backup(self.client, &room, &unread.event).await {
                Ok(Some(event)) => event,
                Ok(None) => {
                    self.taken.cursor.forget(&unread.event);
                    continue;
                }
                Err(failure) => {
                    tracing::debug!(
                        matrix.failure = failure.name(),
                        "what waits for its key could not be tried again"
                    );
                    if matches!(failure, Failure::Unreadable | Failure::Local) {
                        continue;
                    }
                    return;
                }
            };
            // It was kept because it was for the bot when it was said.
            if event.is_unreadable() || self.one(&room, &event, true).await.is_err() {
                continue;
            }
            self.taken.cursor.forget(&unread.event);
        }
    }

    /// Takes what the sync brought. After a failure nothing of it counts.
    pub(crate) async fn take(
        &mut self,
        response: SyncResponse,
        joining: &mut Joining,
    ) -> Result<(), Failure> {
        for (id, update) in response.rooms.joined {
            self.room(&id, update.timeline, &response.next_batch, joining).await?;
        }
        for (id, update) in response.rooms.left {
            self.room(&id, update.timeline, &response.next_batch, joining).await?;
        }
        self.taken.cursor.token = Some(response.next_batch);
        Ok(())
    }

    /// What there is, with those told who wrote what cannot be read for a minute.
    pub(crate) async fn end(mut self) -> Taken {
        for (id, event) in self.taken.cursor.tell(self.now.as_second()) {
            let room = self.client.get_room(&id);
            if room.as_ref().is_some_and(|room| self.is_desk(room)) {
                tracing::warn!("a message at the desk cannot be decrypted");
                continue;
            }
            let first = match &room {
                Some(room) => rooms::first(self.account, self.client, room).await,
                None => id,
            };
            self.taken.incoming.push(Incoming {
                lane: read::lane(&first),
                key: format!("unreadable/{event}"),
                order: 0,
                native: None,
                input: Input::new(self.now, InputKind::Unreadable),
            });
        }
        self.taken
    }

    async fn room(
        &mut self,
        id: &OwnedRoomId,
        timeline: Timeline,
        next: &str,
        joining: &mut Joining,
    ) -> Result<(), Failure> {
        let Some(room) = self.client.get_room(id) else { return Ok(()) };
        let events = self.events(&room, timeline, next).await?;
        let events: Vec<Event> = events.iter().filter_map(Event::parse).collect();
        let for_us = self.for_us(&room, &events).await?;
        self.comes_back(&room, &events).await?;
        for (event, for_us) in events.into_iter().zip(for_us) {
            if event.kind == "m.room.tombstone"
                && let Some(next) = event.content["replacement_room"].as_str()
                && let Ok(next) = RoomId::parse(next)
                && (self.account.may_invite(&event.sender) || self.is_desk(&room))
            {
                joining.want(next);
            }
            rooms::settle(self.account, id, &event);
            if event.is_unreadable() && event.sender != self.account.me {
                if for_us {
                    self.taken.cursor.keep(id, event.id, self.now.as_second());
                }
                continue;
            }
            self.one(&room, &event, for_us).await?;
            self.taken.cursor.forget(&event.id);
        }
        Ok(())
    }

    /// The events of a room since the token, oldest first, gaps filled; but none from before the
    /// bot was invited, and without a token none from before the bot's own last word.
    async fn events(
        &self,
        room: &Room,
        timeline: Timeline,
        next: &str,
    ) -> Result<Vec<TimelineEvent>, Failure> {
        let failed = |error| failure_of(&error);
        let never = |_: &TimelineEvent| false;
        let since = self.since.as_deref();
        let mut events = if self.anew {
            gap::before(room, Some(next), since, never).await.map_err(failed)?
        } else if timeline.limited && since.is_some() {
            let mut events =
                gap::before(room, timeline.prev_batch.as_deref(), since, never).await.map_err(failed)?;
            events.extend(timeline.events.iter().cloned());
            events
        } else {
            timeline.events.clone()
        };
        let me = self.account.me.as_str();
        let is = |event: &TimelineEvent, what: &str| {
            Event::parse(event).is_some_and(|event| {
                event.membership() == Some((me, what))
                    && (what != "join" || event.before.as_deref() != Some("join"))
            })
        };
        let joined = events.iter().rposition(|event| is(event, "join"));
        if joined.is_some() {
            if !events.iter().any(|event| is(event, "invite")) && timeline.prev_batch.is_some() {
                let before =
                    gap::before(room, timeline.prev_batch.as_deref(), None, |event| is(event, "invite"));
                events = before.await.map_err(failed)?;
                events.extend(timeline.events);
            }
            let invited = events.iter().rposition(|event| is(event, "invite"));
            let start = invited.or_else(|| events.iter().rposition(|event| is(event, "join")));
            events.drain(..start.unwrap_or(0));
        }
        if since.is_none() {
            let spoke = events.iter().rposition(|event| {
                Event::parse(event).is_some_and(|event| event.sender == me && event.state_key.is_none())
            });
            match (spoke, joined) {
                (Some(spoke), _) => drop(events.drain(..spoke)),
                (None, Some(_)) => {}
                (None, None) => events.clear(),
            }
        }
        Ok(events)
    }

    /// Takes one event that could be read. `ours`: what is said there is for the bot.
    async fn one(&mut self, room: &Room, event: &Event, ours: bool) -> Result<(), Failure> {
        let desk = self.is_desk(room);
        if let Some((user, membership)) = event.membership() {
            // A room that was replaced is left behind by everybody.
            let replaced = rooms::newest(self.account, self.client, room.clone()).room_id() != room.room_id();
            if !desk && !replaced {
                let reachable = self.reachable(room, event, user, membership).await?;
                self.taken.incoming.extend(reachable);
            }
            return Ok(());
        }
        if event.sender == self.account.me || !ours {
            return Ok(());
        }
        let target = match event.target() {
            Some(target) => self.target(room, &target).await?,
            None => None,
        };
        let (me, target) = (&self.account.me, target.as_ref());
        if desk {
            self.taken.desk.extend(read::from_desk(read::lane(room.room_id()), event, target, me));
            return Ok(());
        }
        let lane = read::lane(&rooms::first(self.account, self.client, room).await);
        if let Some(incoming) = read::from_person(lane, event, target, me) {
            self.account.has_read(room.room_id(), event.id.clone());
            match read::proof(event, &incoming) {
                Some(proof) => self.taken.proofs.push(proof),
                None => self.taken.incoming.push(incoming),
            }
        }
        Ok(())
    }

    fn is_desk(&self, room: &Room) -> bool {
        rooms::is_desk(self.account, self.client, room)
    }

    /// What an event relates to. None where that cannot be had: whoever writes chooses the id, and
    /// no id may keep the messages of others back.
    async fn target(&self, room: &Room, id: &EventId) -> Result<Option<Event>, Failure> {
        match gap::by_id(room, id).await {
            Ok(target) => Ok(target.as_ref().and_then(Event::parse)),
            Err(failure @ (Failure::Unreadable | Failure::Unknown))
                if failure == Failure::Unreadable || self.account.is_stuck() =>
            {
                tracing::warn!(
                    matrix.failure = failure.name(),
                    "what a message relates to cannot be had; it is read without"
                );
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Takes note of a room that somebody opened who had left another: their conversation goes on in it.
    async fn comes_back(&mut self, room: &Room, events: &[Event]) -> Result<(), Failure> {
        let me = self.account.me.as_str();
        // A room to which the bot comes back itself has its own conversation.
        let new =
            events.iter().any(|event| event.membership() == Some((me, "invite")) && event.before.is_none());
        let Some(joined) = events.iter().find(|event| event.membership() == Some((me, "join"))) else {
            return Ok(());
        };
        if !new || self.is_desk(room) || self.account.returns().contains_key(room.room_id()) {
            return Ok(());
        }
        let left = rooms::left_before(self.account, self.client, room).await;
        let Some(left) = left.map_err(|error| failure_of(&error))? else { return Ok(()) };
        self.account.returns().insert(room.room_id().to_owned(), left.clone());
        self.taken.cursor.returns.insert(room.room_id().to_owned(), left);
        self.taken.incoming.push(Incoming {
            lane: read::lane(&rooms::first(self.account, self.client, room).await),
            key: joined.id.to_string(),
            order: joined.at.as_millisecond(),
            native: None,
            input: Input::new(joined.at, InputKind::Reachable(true)),
        });
        Ok(())
    }

    /// For each of these events whether it is for us: in the desk's room all of it, elsewhere what was
    /// said while the bot had at most one other with it, whoever is there now. Told from who is there
    /// now, back through who came and went.
    async fn for_us(&self, room: &Room, events: &[Event]) -> Result<Vec<bool>, Failure> {
        let mut for_us = vec![true; events.len()];
        if self.is_desk(room) {
            return Ok(for_us);
        }
        let now = rooms::others(room).await.map_err(|error| failure_of(&error))?;
        let mut there: BTreeSet<String> = now.iter().map(ToString::to_string).collect();
        for (event, for_us) in events.iter().zip(&mut for_us).rev() {
            *for_us = there.len() <= 1;
            let Some((user, membership)) = event.membership() else { continue };
            if user == self.account.me {
                continue;
            }
            let was_there = matches!(event.before.as_deref(), Some("join" | "invite"));
            match membership {
                "join" | "invite" if !was_there => {
                    there.remove(user);
                }
                "leave" | "ban" if was_there || event.before.is_none() => {
                    there.insert(user.to_owned());
                }
                _ => {}
            }
        }
        Ok(for_us)
    }

    /// Whether a change of membership means that the person can or cannot be reached there.
    async fn reachable(
        &self,
        room: &Room,
        event: &Event,
        user: &str,
        membership: &str,
    ) -> Result<Option<Incoming>, Failure> {
        let was_there = matches!(event.before.as_deref(), Some("join") | None);
        let company = rooms::company(room).await.map_err(|error| failure_of(&error))?;
        let reachable = match (membership, company) {
            ("leave" | "ban", Company::Nobody) if was_there => false,
            ("leave" | "ban", Company::One(_)) if was_there && user == self.account.me => false,
            ("join", Company::One(one)) if one == user => {
                if !matches!(event.before.as_deref(), Some("leave" | "ban")) {
                    return Ok(None);
                }
                true
            }
            _ => return Ok(None),
        };
        Ok(Some(Incoming {
            lane: read::lane(&rooms::first(self.account, self.client, room).await),
            key: event.id.to_string(),
            order: event.at.as_millisecond(),
            native: None,
            input: Input::new(event.at, InputKind::Reachable(reachable)),
        }))
    }
}

/// What is tried again in the `nth` round, oldest first: the newest, and of the others some by turns.
fn due(unread: &[Unread], nth: usize) -> Vec<Unread> {
    let mut waiting = unread.to_vec();
    waiting.sort_by_key(|unread| unread.at);
    if waiting.len() <= MAX_RETRIED {
        return waiting;
    }
    let newest = waiting.split_off(waiting.len() - MAX_RETRIED / 2);
    let others = waiting.len();
    let mut due: Vec<Unread> =
        (0..MAX_RETRIED / 2).map(|at| waiting[(nth * (MAX_RETRIED / 2) + at) % others].clone()).collect();
    due.sort_by_key(|unread| unread.at);
    due.dedup();
    due.extend(newest);
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_waits_for_its_key_has_its_turn_and_the_newest_every_time() {
        let unread = |at: i64| Unread {
            room: "!r:x.test".try_into().unwrap(),
            event: format!("${at}").try_into().unwrap(),
            at,
            told: true,
        };
        let all: Vec<Unread> = (0..137).map(unread).collect();
        let mut tried = BTreeSet::new();
        for nth in 7..20 {
            let round = due(&all, nth);
            assert!(round.len() <= MAX_RETRIED);
            assert!(round.is_sorted_by_key(|unread| unread.at));
            assert_eq!(round.last().unwrap().at, 136);
            tried.extend(round.into_iter().map(|unread| unread.at));
        }
        assert_eq!(tried.len(), all.len());
        assert_eq!(due(&all[..3], 9), all[..3]);
    }
}
