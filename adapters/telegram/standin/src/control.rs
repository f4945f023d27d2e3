//! Drives the stand-in over HTTP, for programs in other languages and other processes.
//!
//! Every request is `POST /_standin/NAME` with a JSON object (`GET` where nothing is changed);
//! every answer is JSON. A request that cannot be read, or a press on a button that is not there,
//! is a 400 with `{"error": "…"}`.
//!
//! | NAME | object | answer |
//! |---|---|---|
//! | `user` | `id`, `name`, `is_bot`? | `{}` |
//! | `says` | `user`, `text`, `chat`?, `thread`?, `ago`? (seconds) | `message_id` |
//! | `forwards` | as `says` | `message_id` |
//! | `edits` | `user`, `message_id`, `text`, `chat`? | `{}` |
//! | `sends` | `user`, `what` (`voice`, `photo`, `sticker`, `document`, …), `caption`?, `chat`? | `message_id` |
//! | `presses` | `user`, `button` (label or data), `message_id`?, `chat`? | `query_id` |
//! | `blocks`, `unblocks` | `user` | `{}` |
//! | `group` | `id`, `title`, `kind` (`group`, `supergroup`, `forum`, `channel`), `bot`? (`member`, `admin`), `by`? | `{}` |
//! | `topic` | `chat`, `name`, `user` | `message_thread_id` |
//! | `migrates` | `chat`, `to` | `{}` |
//! | `fault` | see [`Fault`](crate::Fault) | `{}` |
//! | `clear_faults` | | `{}` |
//! | `update` | an update without `update_id` | `{}` |
//! | `advance` | `seconds` | `{}` |
//! | `restart_update_ids` | | `{}` |
//! | `transcript` | `chat`?, `after`? (seq) | list of [`Entry`](crate::Entry) |
//! | `wait` | `chat`?, `after`? (seq), `event`? (default `sent`), `contains`?, `seconds`? (20) | [`Entry`](crate::Entry) of the bot, or null |
//! | `calls` | `method`? | list of [`Call`](crate::Call) |
//! | `state` | | `pending` updates, `violations`, `calls` |

use std::time::Duration;

use axum::{extract::Request, http::StatusCode, response::Response};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    fault::Fault,
    media::Media,
    params::Params,
    people::{Group, User},
    server::{json_response, refused},
    shared::Shared,
    standin::add_person,
    transcript::{Entry, Event},
    world::{Kind, World},
};

const LONGEST_WAIT: u64 = 600;

type Done = Result<Value, String>;

pub(crate) async fn serve(shared: Shared, command: &str, request: Request) -> Response {
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(fail) => return refused(&fail),
    };
    // Numbers that came in a query are text.
    let order: Value = params
        .values
        .into_iter()
        .map(|(key, value)| {
            let number = value.as_str().and_then(|text| text.parse::<i64>().ok()).filter(|_| numeric(&key));
            (key, number.map_or(value, |number| json!(number)))
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    let done = if command == "wait" { wait(&shared, order).await } else { act(&shared, command, order) };
    match done {
        Ok(answer) => json_response(StatusCode::OK, &answer),
        Err(error) => json_response(StatusCode::BAD_REQUEST, &json!({ "error": error })),
    }
}

fn numeric(key: &str) -> bool {
    matches!(key, "id" | "user" | "chat" | "thread" | "message_id" | "after" | "seconds" | "ago" | "to")
}

#[derive(Deserialize)]
struct Account {
    id: i64,
    name: String,
    #[serde(default)]
    is_bot: bool,
}

#[derive(Deserialize)]
struct Act {
    user: i64,
    chat: Option<i64>,
    thread: Option<i64>,
    message_id: Option<i64>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    caption: String,
    #[serde(default)]
    button: String,
    what: Option<Media>,
    ago: Option<u64>,
}

#[derive(Deserialize)]
struct NewGroup {
    id: i64,
    title: String,
    kind: String,
    bot: Option<String>,
    #[serde(default)]
    by: i64,
}

#[derive(Deserialize)]
struct NewTopic {
    chat: i64,
    name: String,
    user: i64,
}

#[derive(Deserialize)]
struct Migration {
    chat: i64,
    to: i64,
}

#[derive(Deserialize)]
struct Advance {
    seconds: i64,
}

#[derive(Deserialize)]
struct Filter {
    chat: Option<i64>,
    #[serde(default)]
    after: u64,
    event: Option<Event>,
    contains: Option<String>,
    seconds: Option<u64>,
    method: Option<String>,
}

fn act(shared: &Shared, command: &str, order: Value) -> Done {
    let nothing = Ok(json!({}));
    match command {
        "user" => {
            let Account { id, name, is_bot } = read(order)?;
            add_person(shared, id, &name, is_bot);
            nothing
        }
        "says" | "forwards" | "edits" | "sends" | "presses" | "blocks" | "unblocks" => {
            act_as(shared, command, &read(order)?)
        }
        "group" => {
            let NewGroup { id, title, kind, bot, by } = read(order)?;
            let kind = match kind.as_str() {
                "group" => Kind::Group,
                "supergroup" => Kind::Supergroup { forum: false },
                "forum" => Kind::Supergroup { forum: true },
                "channel" => Kind::Channel,
                _ => return Err("kind is group, supergroup, forum or channel".to_owned()),
            };
            let group = Group::new(shared.clone(), id, kind, &title);
            if let Some(rank) = bot {
                group.adds_bot(&User::new(shared.clone(), by), rank == "admin");
            }
            nothing
        }
        "topic" => {
            let NewTopic { chat, name, user } = read(order)?;
            let thread = group(shared, chat)?.opens_topic(&User::new(shared.clone(), user), &name);
            Ok(json!({"message_thread_id": thread}))
        }
        "migrates" => {
            let Migration { chat, to } = read(order)?;
            drop(group(shared, chat)?.migrates_to(to));
            nothing
        }
        "fault" => {
            let fault: Fault = read(order)?;
            shared.with(|world| world.faults.push(fault));
            nothing
        }
        "clear_faults" => {
            shared.with(|world| world.faults.clear());
            nothing
        }
        "update" => {
            shared.with(|world| world.update_raw(0, order));
            nothing
        }
        "advance" => {
            let Advance { seconds } = read(order)?;
            shared.with(|world| world.skew += seconds);
            nothing
        }
        "restart_update_ids" => {
            shared.with(World::restart_update_ids);
            nothing
        }
        "transcript" => {
            let filter: Filter = read(order)?;
            let entries: Vec<Entry> = shared.look(|world| {
                let fits = |entry: &&Entry| {
                    entry.seq > filter.after && filter.chat.is_none_or(|chat| chat == entry.chat)
                };
                world.transcript.iter().filter(fits).cloned().collect()
            });
            Ok(json!(entries))
        }
        "calls" => {
            let Filter { method, .. } = read(order)?;
            Ok(shared.look(|world| {
                let fits = |name: &str| method.as_deref().is_none_or(|m| m.eq_ignore_ascii_case(name));
                json!(world.calls.iter().filter(|call| fits(&call.method)).collect::<Vec<_>>())
            }))
        }
        "state" => Ok(shared.look(|world| {
            json!({"pending": world.updates.queue.len(), "violations": world.violations,
                "calls": world.calls.len(), "entries": world.transcript.len()})
        })),
        _ => Err(format!("/_standin/{command} does not exist")),
    }
}

fn act_as(shared: &Shared, command: &str, act: &Act) -> Done {
    if !shared.look(|world| world.people.contains_key(&act.user)) {
        return Err(format!("there is no user {}", act.user));
    }
    let mut user = User::new(shared.clone(), act.user);
    if let Some(chat) = act.chat {
        user = user.in_group(&group(shared, chat)?);
    }
    if let Some(thread) = act.thread {
        user = user.in_topic(thread);
    }
    let message = match command {
        "says" => match act.ago {
            Some(ago) => user.said_ago(&act.text, Duration::from_secs(ago)),
            None => user.says(&act.text),
        },
        "forwards" => user.forwards(&act.text),
        "sends" => {
            let what = act.what.ok_or("what is voice, photo, sticker, document, …")?;
            user.sends(what, &act.caption)
        }
        "presses" => {
            let pressed = match act.message_id {
                Some(message) => user.presses_on(message, &act.button),
                None => user.try_presses(&act.button),
            };
            return pressed.map(|id| json!({"query_id": id})).map_err(|error| error.to_string());
        }
        "edits" => {
            let message = act.message_id.filter(|id| user.visible().contains(id));
            user.edits(message.ok_or("message_id names no message of the chat")?, &act.text);
            return Ok(json!({}));
        }
        "blocks" => {
            user.blocks();
            return Ok(json!({}));
        }
        _ => {
            user.unblocks();
            return Ok(json!({}));
        }
    };
    Ok(json!({"message_id": message}))
}

async fn wait(shared: &Shared, order: Value) -> Done {
    let filter: Filter = read(order)?;
    let event = filter.event.unwrap_or(Event::Sent);
    let patience = Duration::from_secs(filter.seconds.unwrap_or(20).min(LONGEST_WAIT));
    let found = shared.wait(patience, |world| {
        world
            .transcript
            .iter()
            .find(|entry| {
                entry.bot
                    && entry.seq > filter.after
                    && entry.event == event
                    && filter.chat.is_none_or(|chat| chat == entry.chat)
                    && filter.contains.as_ref().is_none_or(|part| entry.text.contains(part.as_str()))
            })
            .cloned()
    });
    Ok(json!(found.await))
}

fn group(shared: &Shared, id: i64) -> Result<Group, String> {
    let title = shared.look(|world| world.chats.get(&id).map(|chat| (chat.kind, chat.title.clone())));
    let (kind, title) = title.ok_or_else(|| format!("there is no chat {id}"))?;
    Ok(Group::new(shared.clone(), id, kind, &title))
}

fn read<T: DeserializeOwned>(order: Value) -> Result<T, String> {
    serde_json::from_value(order).map_err(|error| error.to_string())
}
