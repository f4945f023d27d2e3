//! What is nice to have: typing, answered prompts, marks; and taking messages back.

use std::time::Duration;

use chatbox_core::{channel::Mark, ids::Lane};
use matrix_sdk::{Room, ruma::OwnedEventId};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    account::{Account, room_of},
    call::{self, Failure, failure_of},
    content::{self, About},
    event::Event,
    rooms,
    send::{natives, take_back},
};

/// How long one of these may take.
const COURTESY: Duration = Duration::from_secs(5);
/// After this many messages in a row that cannot be taken back, older ones are not tried.
const MAX_STUCK: usize = 3;

pub(crate) async fn typing(account: &Account, to: &Lane) {
    with_room("typing", account, to, async |room| {
        room.typing_notice(true).await.map_err(|error| failure_of(&error))
    })
    .await;
}

/// Takes the list of choices off a prompt, so that nobody answers it twice.
pub(crate) async fn retire(account: &Account, to: &Lane, native: &str) {
    // The choices hang on the last part of a text.
    let Some(event) = natives(native).pop() else { return };
    with_room("retire", account, to, async |room| {
        let prompt = room.event(&event, None).await.map_err(|error| failure_of(&error))?;
        let Some(prompt) = Event::parse(&prompt).filter(|prompt| prompt.sender == account.me) else {
            return Ok(());
        };
        let Some(about) = About::read(&prompt.content).filter(|about| !about.choices.is_empty()) else {
            return Ok(());
        };
        let words = content::words(&prompt.content, &about);
        // A list on its own has no words that could stay.
        if words.is_empty() || !rooms::is_encrypted(&room).await? {
            return Ok(());
        }
        let content = content::replacement(event.as_str(), &words, &about);
        let sent = call::put(&room, "m.room.message", content, &format!("retire/{event}")).await;
        sent.map(drop).map_err(|error| failure_of(&error))
    })
    .await;
}

/// Redacts messages. Returns how many are still there: those of the person, where the room does
/// not let the bot take them back.
pub(crate) async fn clear(account: &Account, to: &Lane, all: &[String]) -> usize {
    let events: Vec<OwnedEventId> = all.iter().flat_map(|native| natives(native)).collect();
    let Some(client) = account.client().await else { return events.len() };
    let Some(room) = room_of(&client, &to.chat) else { return events.len() };
    let rooms = rooms::chain(account, &client, room);
    let mut remaining = 0;
    let mut stuck = 0;
    for event in events.iter().rev() {
        if stuck >= MAX_STUCK {
            remaining += 1;
            continue;
        }
        match take_back_in_time(account, &rooms, event).await {
            Ok(()) => stuck = 0,
            Err(failure) => {
                tracing::debug!(matrix.failure = failure.name(), "a message could not be taken back");
                remaining += 1;
                // One that the room does not let us take back says nothing of the next.
                stuck = if matches!(failure, Failure::Refused { .. }) { stuck } else { stuck + 1 };
            }
        }
    }
    remaining
}

/// As [`take_back`], and once more after a pause that the homeserver asks for.
async fn take_back_in_time(account: &Account, rooms: &[Room], event: &OwnedEventId) -> Result<(), Failure> {
    let once = || async {
        timeout(COURTESY, take_back(account, rooms, event)).await.unwrap_or(Err(Failure::Unknown))
    };
    match once().await {
        Err(Failure::RetryAfter(wait)) if wait <= COURTESY => {
            tokio::time::sleep(wait).await;
            once().await
        }
        other => other,
    }
}

pub(crate) async fn mark(account: &Account, at: &Lane, native: &str, mark: Mark) {
    let Some(event) = natives(native).pop() else { return };
    let (key, name) = match mark {
        Mark::Delivered => ("✓", "delivered"),
        Mark::Failed => ("✗", "failed"),
    };
    with_room("mark", account, at, async |room| {
        let relation = json!({ "rel_type": "m.annotation", "event_id": event, "key": key });
        let content = json!({ "m.relates_to": relation });
        let sent = call::put(&room, "m.reaction", content, &format!("{name}/{event}")).await;
        sent.map(drop).map_err(|error| failure_of(&error))
    })
    .await;
}

/// Does something in a room, within the time of a courtesy. A failure is logged and no more.
async fn with_room(
    what: &'static str,
    account: &Account,
    lane: &Lane,
    act: impl AsyncFnOnce(Room) -> Result<(), Failure>,
) {
    let done = timeout(COURTESY, async {
        let client = account.client().await.ok_or(Failure::Local)?;
        let room = room_of(&client, &lane.chat).ok_or(Failure::Local)?;
        act(rooms::newest(account, &client, room)).await
    });
    if let Err(failure) = done.await.unwrap_or(Err(Failure::Unknown)) {
        tracing::debug!(matrix.call = what, matrix.failure = failure.name(), "call failed");
    }
}
