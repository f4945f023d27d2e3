//! Texts on their way out.
//!
//! Each leaves under a transaction id of its own, by which the homeserver knows a repeat for a
//! day. Before that nothing is sent but to a room that is encrypted, and that holds nobody but the
//! person (or is the desk's).

use std::{sync::Arc, time::Duration};

use chatbox_core::{
    channel::{Attempt, Delivery, Post, Refusal, ThreadError},
    effect::{DeskKind, Media},
    ids::{Lane, OutboxId},
    input::Attachment,
};
use jiff::{SignedDuration, Timestamp};
use matrix_sdk::{
    Client, Room, RoomState,
    room::MessagesOptions,
    ruma::{
        OwnedEventId, UserId,
        api::client::{receipt::create_receipt::v3::ReceiptType, room::create_room},
        events::{InitialStateEvent, receipt::ReceiptThread, room::encryption::RoomEncryptionEventContent},
        uint,
    },
};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use crate::{
    account::{Account, room_of},
    call::{self, Failure, failure_of},
    content::{self, About},
    event::Event,
    gap, media,
    read::{THREAD, lane},
    rooms::{self, Company},
};

/// How far back a text is looked for that may have arrived, in pages of a hundred events.
const MAX_PAGES: usize = 5;
/// How much clocks may differ.
const CLOCKS: SignedDuration = SignedDuration::from_mins(10);

/// What a failed send is to the outbox.
fn delivery(failure: Failure) -> Delivery {
    match failure {
        Failure::Connect | Failure::Local | Failure::Token => Delivery::Unsent,
        Failure::Unknown | Failure::Unreadable => Delivery::Unknown,
        Failure::RetryAfter(wait) => Delivery::RetryAfter(wait),
        Failure::Refused { gone: true, .. } => Delivery::Refused(Refusal::Gone),
        Failure::Refused { code, gone: false } => Delivery::Refused(Refusal::Bad { code }),
    }
}

/// See [`chatbox_core::channel::Channel::send`].
pub(crate) async fn send(
    account: &Arc<Account>,
    to: &Lane,
    post: &Post,
    file: Option<&[u8]>,
    attempt: Attempt,
    within: Duration,
) -> Delivery {
    let deadline = Instant::now() + within;
    let Some(client) = account.client().await else { return Delivery::Unsent };
    let sending = async {
        let room = open_room(account, &client, to).await?;
        let id = format!("{}/{}", attempt.id, attempt.made.as_millisecond());
        if attempt.repeat && account.forgotten(attempt.made) {
            match arrived(account, &client, &room, &id, attempt.made).await {
                Ok(Some(native)) => return Ok(Delivery::Sent { native }),
                Ok(None) => {}
                // Nothing was sent now, but whether it was before is as unknown as ever.
                Err(_) => return Ok(Delivery::Unknown),
            }
        }
        Ok(put_all(&client, &room, to, post, file, &id).await.unwrap_or_else(delivery))
    };
    match timeout_at(deadline, sending).await {
        Ok(Ok(sent)) => {
            if matches!((&sent, post), (Delivery::Sent { .. }, Post::Say(_))) {
                acknowledge(account, to);
            }
            sent
        }
        Ok(Err(not)) => not,
        Err(_) => Delivery::Unknown,
    }
}

/// The room of a lane, if texts may go there.
async fn open_room(account: &Account, client: &Client, to: &Lane) -> Result<Room, Delivery> {
    let Some(named) = room_of(client, &to.chat) else {
        return Err(gone(account));
    };
    let desk = rooms::is_desk(account, client, &named);
    let room = rooms::newest(account, client, named);
    if desk && room.room_id().as_str() != to.chat {
        // Threads do not move along.
        return Err(Delivery::Refused(Refusal::Moved(lane(room.room_id()))));
    }
    match room.state() {
        RoomState::Joined => {}
        RoomState::Invited | RoomState::Knocked => return Err(Delivery::Unsent),
        RoomState::Left | RoomState::Banned => return Err(gone(account)),
    }
    if !desk {
        match rooms::company(&room).await {
            Ok(Company::One(_)) => {}
            // A room that the bot has just made, before the first sync of it.
            Ok(Company::Nobody) if !room.is_state_fully_synced() => {}
            Ok(Company::Nobody) => return Err(gone(account)),
            Ok(Company::More) => return Err(Delivery::Refused(Refusal::Bad { code: NOT_ALONE })),
            Err(_) => return Err(Delivery::Unsent),
        }
    }
    match rooms::is_encrypted(&room).await {
        Ok(true) => Ok(room),
        Ok(false) => Err(match rooms::encrypt(&room).await {
            // The next sync says so.
            Ok(()) => Delivery::Unsent,
            Err(Failure::Refused { .. }) => Delivery::Refused(Refusal::Bad { code: NOT_ENCRYPTED }),
            Err(failure) => match delivery(failure) {
                Delivery::RetryAfter(wait) => Delivery::RetryAfter(wait),
                Delivery::Sent { .. } | Delivery::Refused(_) | Delivery::Unsent | Delivery::Unknown => {
                    Delivery::Unsent
                }
            },
        }),
        Err(Failure::RetryAfter(wait)) => Err(Delivery::RetryAfter(wait)),
        Err(_) => Err(Delivery::Unsent),
    }
}

/// Nobody is there: as far as is known before the first sync, in which they may have come back.
fn gone(account: &Account) -> Delivery {
    if account.knows_rooms() { Delivery::Refused(Refusal::Gone) } else { Delivery::Unsent }
}

/// The codes of refusals that are ours: somebody else is in the room; it is not encrypted.
const NOT_ALONE: u16 = 409;
const NOT_ENCRYPTED: u16 = 426;

/// Sends all messages of a text. Parts that are out already are known to the homeserver by their
/// transaction ids.
async fn put_all(
    client: &Client,
    room: &Room,
    to: &Lane,
    post: &Post,
    file: Option<&[u8]>,
    id: &str,
) -> Result<Delivery, Failure> {
    let mut natives = Vec::new();
    for (nth, mut content) in messages(to, post, id).into_iter().enumerate() {
        if nth == 0
            && let (Some(media), Some(file)) = (media_of(post), file)
        {
            media::attach(client, &mut content, media, file).await?;
        }
        let id = if nth == 0 { id.to_owned() } else { format!("{id}/{nth}") };
        natives.push(put(room, "m.room.message", content, &id).await?.to_string());
    }
    Ok(Delivery::Sent { native: natives.join(",") })
}

fn media_of(post: &Post) -> Option<&Media> {
    match post {
        Post::Say(say) => say.media.as_ref(),
        Post::Desk(post) => post.media.as_ref(),
    }
}

/// The messages of a text, in order; the choices hang on the last.
fn messages(to: &Lane, post: &Post, id: &str) -> Vec<Value> {
    let (text, prompt, choices) = match post {
        Post::Say(say) => (say.text.clone(), say.prompt, &say.choices),
        // Outside a thread nothing else says which case it is about.
        Post::Desk(post) => match &post.case {
            Some(case) if to.thread.is_none() => (format!("{case}: {}", post.text), 0, &post.choices),
            Some(_) | None => (post.text.clone(), 0, &post.choices),
        },
    };
    let parts = content::parts(&text);
    let last = parts.len() - 1;
    let desk = matches!(post, Post::Desk(_));
    let alarm = matches!(post, Post::Desk(post) if post.kind == DeskKind::Alert);
    let parts = parts.into_iter().enumerate().map(|(nth, part)| {
        let choices = if nth == last { choices.clone() } else { Vec::new() };
        let id = if nth == 0 { id.to_owned() } else { format!("{id}/{nth}") };
        let mut content = content::message(part, &About { id, prompt, choices, desk });
        if alarm && nth == 0 {
            content["m.mentions"] = json!({ "room": true });
        }
        if let Some(root) = &to.thread {
            content["m.relates_to"] = json!({
                "rel_type": "m.thread",
                "event_id": root,
                "is_falling_back": true,
                "m.in_reply_to": { "event_id": root },
            });
        }
        content
    });
    parts.collect()
}

/// Sends one event, encrypted.
async fn put(room: &Room, kind: &str, content: Value, id: &str) -> Result<OwnedEventId, Failure> {
    call::put(room, kind, content, id).await.map_err(|error| failure_of(&error))
}

/// Looks for a text in the newest events of its room, back to when it was made. All of its parts
/// must be there; if not, it is sent anew from its beginning.
async fn arrived(
    account: &Account,
    client: &Client,
    room: &Room,
    id: &str,
    made: Timestamp,
) -> Result<Option<String>, Failure> {
    let mut from: Option<String> = None;
    let mut natives: Vec<(String, String)> = Vec::new();
    for _ in 0..MAX_PAGES {
        let mut options = MessagesOptions::backward().from(from.as_deref());
        options.limit = uint!(100);
        let page = room.messages(options).await.map_err(|error| failure_of(&error))?;
        let mut events: Vec<_> = page.chunk.iter().filter_map(Event::parse).collect();
        for event in events.iter_mut().filter(|event| event.sender == account.me) {
            // What another login of ours sent is read with the key from the backup.
            if event.is_unreadable()
                && let Some(found) = gap::with_backup(client, room, &event.id).await?
            {
                *event = found;
            }
            if let Some(about) = About::read(&event.content)
                && (about.id == id || about.id.strip_prefix(id).is_some_and(|rest| rest.starts_with('/')))
            {
                natives.push((about.id, event.id.to_string()));
            }
        }
        let next = gap::further(from.as_deref(), page.end);
        if next.is_none() || events.last().is_some_and(|oldest| oldest.at < made - CLOCKS) {
            break;
        }
        from = next;
    }
    natives.reverse();
    let whole = natives.iter().any(|(found, _)| found == id);
    Ok(whole.then(|| natives.into_iter().map(|(_, native)| native).collect::<Vec<_>>().join(",")))
}

/// Shows the person what was read, now that it is answered.
fn acknowledge(account: &Arc<Account>, to: &Lane) {
    let (of, chat) = (Arc::clone(account), to.chat.clone());
    account.spawn(async move {
        let account = of;
        let Some(client) = account.client().await else { return };
        let Some(room) = room_of(&client, &chat) else { return };
        let room = rooms::newest(&account, &client, room);
        let Some(event) = account.take_unseen(room.room_id()) else { return };
        if let Err(error) =
            room.send_single_receipt(ReceiptType::Read, ReceiptThread::Unthreaded, event).await
        {
            tracing::debug!(matrix.failure = failure_of(&error).name(), "a receipt could not be sent");
        }
    });
}

/// See [`chatbox_core::channel::Channel::open_thread`].
pub(crate) async fn open_thread(
    account: &Account,
    room: &Lane,
    title: &str,
    id: OutboxId,
    within: Duration,
) -> Result<Lane, ThreadError> {
    let deadline = Instant::now() + within;
    let Some(client) = account.client().await else { return Err(ThreadError::Unsent) };
    let opening = async {
        let there = open_room(account, &client, room).await.map_err(thread_error)?;
        let id = format!("{THREAD}{id}/{title}");
        let about = About { id: id.clone(), desk: true, ..About::default() };
        let sent = put(&there, "m.room.message", content::message(title, &about), &id).await;
        let root = sent.map_err(|failure| thread_error(delivery(failure)))?;
        Ok(room.clone().in_thread(root.as_str()))
    };
    timeout_at(deadline, opening).await.unwrap_or(Err(ThreadError::Unknown))
}

fn thread_error(delivery: Delivery) -> ThreadError {
    match delivery {
        Delivery::Refused(Refusal::Moved(to)) => ThreadError::Moved(to),
        Delivery::Refused(Refusal::Bad { code }) => ThreadError::Refused { code },
        Delivery::Refused(Refusal::Gone | Refusal::NoThread) => ThreadError::Refused { code: 403 },
        Delivery::RetryAfter(wait) => ThreadError::RetryAfter(wait),
        Delivery::Unsent => ThreadError::Unsent,
        Delivery::Unknown | Delivery::Sent { .. } => ThreadError::Unknown,
    }
}

/// See [`chatbox_core::channel::Channel::direct`].
pub(crate) async fn direct(account: &Account, who: &str, within: Duration) -> Result<Lane, ThreadError> {
    let Ok(who) = UserId::parse(who) else { return Err(ThreadError::Refused { code: 400 }) };
    let deadline = Instant::now() + within;
    let Some(client) = account.client().await else { return Err(ThreadError::Unsent) };
    let opening = async {
        if let Some(room) = rooms::direct_with(&client, &who).await {
            return Ok(lane(&rooms::first(account, &client, &room).await));
        }
        // Without its rooms the bot would make a second one.
        if !account.knows_rooms() {
            return Err(ThreadError::Unsent);
        }
        let encryption = RoomEncryptionEventContent::with_recommended_defaults();
        let mut request = create_room::v3::Request::new();
        request.invite = vec![who];
        request.is_direct = true;
        request.preset = Some(create_room::v3::RoomPreset::TrustedPrivateChat);
        request.initial_state = vec![InitialStateEvent::with_empty_state_key(encryption).to_raw_any()];
        request.topic = Some(account.topic.clone());
        let made = client.create_room(request).await;
        made.map(|room| lane(room.room_id())).map_err(|error| thread_error(delivery(failure_of(&error))))
    };
    timeout_at(deadline, opening).await.unwrap_or(Err(ThreadError::Unknown))
}

/// See [`chatbox_core::channel::Channel::amend`].
pub(crate) async fn amend(
    account: &Account,
    to: &Lane,
    native: &str,
    text: Option<&str>,
    id: OutboxId,
    within: Duration,
) -> Delivery {
    let deadline = Instant::now() + within;
    let Some(client) = account.client().await else { return Delivery::Unsent };
    let amending = async {
        let Some(text) = text else {
            let Some(room) = room_of(&client, &to.chat) else { return Err(Delivery::Refused(Refusal::Gone)) };
            let rooms = rooms::chain(account, &client, room);
            for event in natives(native) {
                take_back(account, &rooms, &event).await.map_err(delivery)?;
            }
            return Ok(Delivery::Sent { native: native.to_owned() });
        };
        let room = open_room(account, &client, to).await?;
        let mut events = natives(native).into_iter();
        let Some(first) = events.next() else { return Err(Delivery::Refused(Refusal::Bad { code: 400 })) };
        // The homeserver takes an id only once, so the message is part of it.
        let id = format!("{id}/{first}");
        let content =
            content::replacement(first.as_str(), text, &About { id: id.clone(), ..About::default() });
        put(&room, "m.room.message", content, &id).await.map_err(delivery)?;
        for part in events {
            take_back(account, std::slice::from_ref(&room), &part).await.map_err(delivery)?;
        }
        Ok(Delivery::Sent { native: native.to_owned() })
    };
    match timeout_at(deadline, amending).await {
        Ok(Ok(done) | Err(done)) => done,
        Err(_) => Delivery::Unknown,
    }
}

/// Redacts an event, and what replaced it, which holds the words as well. It stands in one of these
/// rooms.
pub(crate) async fn take_back(
    account: &Account,
    rooms: &[Room],
    event: &OwnedEventId,
) -> Result<(), Failure> {
    let mut outcome = Err(Failure::Refused { code: 404, gone: false });
    for room in rooms {
        outcome = take_back_in(account, room, event).await;
        if !matches!(outcome, Err(Failure::Refused { .. })) {
            break;
        }
    }
    outcome
}

async fn take_back_in(account: &Account, room: &Room, event: &OwnedEventId) -> Result<(), Failure> {
    let failed = |error: matrix_sdk::HttpError| crate::call::http_failure(&error);
    for edit in edits(account, room, event).await? {
        room.redact(&edit, None, Some(format!("redact/{edit}").into())).await.map_err(failed)?;
    }
    room.redact(event, None, Some(format!("redact/{event}").into())).await.map_err(failed)?;
    Ok(())
}

async fn edits(account: &Account, room: &Room, event: &OwnedEventId) -> Result<Vec<OwnedEventId>, Failure> {
    use matrix_sdk::room::{IncludeRelations, RelationsOptions};
    use matrix_sdk::ruma::events::relation::RelationType;
    let options = RelationsOptions {
        include_relations: IncludeRelations::RelationsOfType(RelationType::Replacement),
        limit: Some(uint!(50)),
        ..RelationsOptions::default()
    };
    match room.relations(event.clone(), options).await.map_err(|error| failure_of(&error)) {
        Ok(found) => Ok(found
            .chunk
            .iter()
            .filter(|edit| edit.sender().is_some_and(|sender| sender == account.me))
            .filter_map(matrix_sdk::deserialized_responses::TimelineEvent::event_id)
            .collect()),
        Err(Failure::Refused { .. }) => Ok(Vec::new()),
        Err(failure) => Err(failure),
    }
}

/// The messages that a native id stands for: one, or the parts of a long text.
pub(crate) fn natives(native: &str) -> Vec<OwnedEventId> {
    native.split(',').filter_map(|id| OwnedEventId::try_from(id).ok()).collect()
}

/// What an attachment is called on Matrix.
pub(crate) fn msgtype(kind: Attachment) -> &'static str {
    match kind {
        Attachment::Voice => "m.audio",
        Attachment::Photo => "m.image",
        Attachment::Video => "m.video",
        Attachment::Sticker
        | Attachment::File
        | Attachment::Location
        | Attachment::Contact
        | Attachment::Other => "m.file",
    }
}
