//! Filling gaps: what a sync left out because there was too much of it, and what could not be read
//! when it came.

use matrix_sdk::{
    Client, Room,
    deserialized_responses::{TimelineEvent, TimelineEventKind},
    room::MessagesOptions,
    ruma::{EventId, uint},
};

use crate::{
    call::{Failure, failure_of},
    event::Event,
};

/// Pages of a hundred events that are fetched for one room at most.
const MAX_PAGES: usize = 200;

/// The events before `from` (none: before now), back to `to` or to the first for which `enough`
/// says so, which is included. Oldest first. What the homeserver refuses to hand out, of a room from
/// which the bot was banned say, is left out: it will never come.
pub(crate) async fn before(
    room: &Room,
    from: Option<&str>,
    to: Option<&str>,
    enough: impl Fn(&TimelineEvent) -> bool,
) -> matrix_sdk::Result<Vec<TimelineEvent>> {
    let mut found = Vec::new();
    let mut from = from.map(str::to_owned);
    for _ in 0..MAX_PAGES {
        let mut options = MessagesOptions::backward().from(from.as_deref());
        options.to = to.map(str::to_owned);
        options.limit = uint!(100);
        let page = match room.messages(options).await {
            Ok(page) => page,
            Err(error) if matches!(failure_of(&error), Failure::Refused { .. }) => {
                tracing::warn!(
                    matrix.events = found.len(),
                    "a room does not hand out what was said in it before"
                );
                found.reverse();
                return Ok(found);
            }
            Err(error) => return Err(error),
        };
        let mut done = false;
        for event in page.chunk {
            done = enough(&event);
            found.push(event);
            if done {
                break;
            }
        }
        let next = further(from.as_deref(), page.end);
        if done || next.is_none() {
            found.reverse();
            return Ok(found);
        }
        from = next;
    }
    tracing::error!(
        matrix.events = found.len(),
        "a room has more unread messages than are fetched; the oldest are left out"
    );
    found.reverse();
    Ok(found)
}

/// Where the page after one begins. None: that was the last. An empty page is none: a homeserver leaves
/// out what the bot may not see, a page of it together.
pub(crate) fn further(from: Option<&str>, end: Option<String>) -> Option<String> {
    end.filter(|end| from != Some(end))
}

/// An event by its id, with its key from the backup if it cannot be read without. None if the
/// homeserver does not have it.
pub(crate) async fn with_backup(
    client: &Client,
    room: &Room,
    id: &EventId,
) -> Result<Option<Event>, Failure> {
    let Some(event) = by_id(room, id).await? else { return Ok(None) };
    if let TimelineEventKind::UnableToDecrypt { utd_info, .. } = &event.kind
        && let Some(session) = &utd_info.session_id
        && matches!(client.encryption().backups().download_room_key(room.room_id(), session).await, Ok(true))
    {
        let event = by_id(room, id).await?;
        return Ok(event.as_ref().and_then(Event::parse));
    }
    Ok(Event::parse(&event))
}

/// An event by its id. None if the homeserver does not have it.
pub(crate) async fn by_id(room: &Room, id: &EventId) -> Result<Option<TimelineEvent>, Failure> {
    match room.event(id, None).await.map_err(|error| failure_of(&error)) {
        Ok(event) => Ok(Some(event)),
        Err(Failure::Refused { .. }) => Ok(None),
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_that_leads_nowhere_is_the_last() {
        let end = |end: &str| Some(end.to_owned());
        assert_eq!(further(None, end("a")), end("a"));
        assert_eq!(further(Some("a"), end("b")), end("b"), "whether or not there was anything on it");
        assert_eq!(further(Some("b"), end("b")), None, "and not round and round");
        assert_eq!(further(Some("b"), None), None);
    }
}
