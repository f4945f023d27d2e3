//! Filling gaps: what a sync left out because there was too much of it.

use matrix_sdk::{Room, deserialized_responses::TimelineEvent, room::MessagesOptions, ruma::uint};

/// Pages of a hundred events that are fetched for one room at most.
const MAX_PAGES: usize = 200;

/// The events before `from` (none: before now), back to `to` or to the first for which `enough`
/// says so, which is included. Oldest first.
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
        let page = room.messages(options).await?;
        let mut done = page.chunk.is_empty();
        for event in page.chunk {
            done = enough(&event);
            found.push(event);
            if done {
                break;
            }
        }
        from = page.end;
        if done || from.is_none() {
            found.reverse();
            return Ok(found);
        }
    }
    tracing::error!(
        matrix.events = found.len(),
        "a room has more unread messages than are fetched; the oldest are left out"
    );
    found.reverse();
    Ok(found)
}
