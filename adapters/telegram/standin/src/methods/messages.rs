//! Sending, editing and deleting.

use serde_json::{Value, json};

use super::{Answer, Fail};
use crate::{
    params::Params,
    text::{shown, utf16},
    transcript::Event,
    world::{Kind, Message, Rank, World},
};

/// Longest text, in UTF-16 units.
const MAX_TEXT: usize = 4096;
/// How far back a bot may delete, in seconds.
const DELETABLE: i64 = 48 * 3600;
/// How long a callback query can be answered, in seconds.
const QUERY_LIFE: i64 = 600;
const MAX_BUTTONS: usize = 100;
/// Longest caption, in UTF-16 units.
pub(super) const MAX_CAPTION: usize = 1024;
/// Some of the reactions that Telegram knows.
const REACTIONS: [&str; 6] = ["👍", "👎", "❤", "🔥", "👏", "👌"];

pub(super) fn send(world: &mut World, params: &Params) -> Answer {
    let chat = world.writable(params.int("chat_id"))?;
    let text = message_text(params)?;
    let mut content = envelope(world, params, chat)?;
    content["text"] = json!(text);
    Ok(world.post(chat, world.bot_id(), thread(world, params, chat)?, content))
}

pub(super) fn edit_text(world: &mut World, params: &Params) -> Answer {
    let (chat, id) = own_message(world, params)?;
    let text = message_text(params)?;
    let markup = inline_keyboard(params)?;
    let Message { mut body, .. } = find(world, chat, id)?.clone();
    if body.get("text").is_none() {
        return Err(Fail::bad("there is no text in the message to edit"));
    }
    if body["text"] == json!(text) && body.get("reply_markup") == markup.as_ref() {
        return Err(not_modified());
    }
    body["text"] = json!(text);
    body["edit_date"] = json!(world.now());
    set_markup(&mut body, markup);
    Ok(replace(world, chat, id, body, Event::Edited))
}

pub(super) fn edit_caption(world: &mut World, params: &Params) -> Answer {
    let (chat, id) = own_message(world, params)?;
    let caption = shown(&params.text("caption").unwrap_or_default(), params.text("parse_mode").as_deref())?;
    if utf16(&caption) > MAX_CAPTION {
        return Err(Fail::bad("message caption is too long"));
    }
    let markup = inline_keyboard(params)?;
    let Message { mut body, .. } = find(world, chat, id)?.clone();
    if body["caption"] == json!(caption) && body.get("reply_markup") == markup.as_ref() {
        return Err(not_modified());
    }
    body["caption"] = json!(caption);
    body["edit_date"] = json!(world.now());
    set_markup(&mut body, markup);
    Ok(replace(world, chat, id, body, Event::Edited))
}

/// One reaction a message is what a bot may set; none takes it away.
pub(super) fn react(world: &mut World, params: &Params) -> Answer {
    let chat = world.writable(params.int("chat_id"))?;
    let id = params.int("message_id").ok_or_else(|| Fail::bad("message identifier is not specified"))?;
    let Some(message) = world.chats[&chat].messages.get(&id) else {
        return Err(Fail::bad("message to react not found"));
    };
    let body = message.body.clone();
    let reactions = params.json("reaction").unwrap_or_else(|| json!([]));
    let emoji = reactions[0]["emoji"].as_str().unwrap_or_default().to_owned();
    if reactions.as_array().is_none_or(|all| all.len() > 1)
        || !(emoji.is_empty() || REACTIONS.contains(&&*emoji))
    {
        return Err(Fail::bad("REACTION_INVALID"));
    }
    world.note(Event::Reacted, world.bot_id(), &body, Some(&emoji));
    Ok(json!(true))
}

pub(super) fn edit_markup(world: &mut World, params: &Params) -> Answer {
    let (chat, id) = own_message(world, params)?;
    let markup = inline_keyboard(params)?;
    let Message { mut body, .. } = find(world, chat, id)?.clone();
    if body.get("reply_markup") == markup.as_ref() {
        return Err(not_modified());
    }
    set_markup(&mut body, markup);
    Ok(replace(world, chat, id, body, Event::Keyboard))
}

pub(super) fn delete(world: &mut World, params: &Params) -> Answer {
    let chat = world.writable(params.int("chat_id"))?;
    let id = params.int("message_id").ok_or_else(|| Fail::bad("message identifier is not specified"))?;
    if !world.chats[&chat].messages.contains_key(&id) {
        return Err(Fail::bad("message to delete not found"));
    }
    deletable(world, chat, id)?;
    remove(world, chat, id);
    Ok(json!(true))
}

/// Messages that are not there are skipped; one that may not be deleted fails the whole call.
pub(super) fn delete_many(world: &mut World, params: &Params) -> Answer {
    let chat = world.writable(params.int("chat_id"))?;
    let ids: Vec<i64> = params
        .json("message_ids")
        .and_then(|ids| ids.as_array().map(|ids| ids.iter().filter_map(Value::as_i64).collect()))
        .unwrap_or_default();
    if ids.is_empty() {
        return Err(Fail::bad("message identifiers are not specified"));
    }
    if ids.len() > 100 {
        return Err(Fail::bad("too many message identifiers specified"));
    }
    let there: Vec<i64> = ids.into_iter().filter(|id| world.chats[&chat].messages.contains_key(id)).collect();
    for id in &there {
        deletable(world, chat, *id)?;
    }
    for id in there {
        remove(world, chat, id);
    }
    Ok(json!(true))
}

pub(super) fn answer_query(world: &mut World, params: &Params) -> Answer {
    let id = params.text("callback_query_id").unwrap_or_default();
    let text = params.text("text").unwrap_or_default();
    if utf16(&text) > 200 {
        return Err(Fail::bad("MESSAGE_TOO_LONG"));
    }
    let now = world.now();
    let chat = match world.queries.get_mut(&id) {
        Some(query) if !query.answered && now - query.asked <= QUERY_LIFE => {
            query.answered = true;
            query.chat
        }
        _ => {
            return Err(Fail::bad("query is too old and response timeout expired or query ID is invalid"));
        }
    };
    world.note_act(Event::Answered, chat, None, &text);
    Ok(json!(true))
}

pub(super) fn action(world: &mut World, params: &Params) -> Answer {
    let chat = world.writable(params.int("chat_id"))?;
    let action = params.text("action").unwrap_or_default();
    let known =
        ["typing", "upload_photo", "record_voice", "upload_voice", "upload_document", "find_location"];
    if !known.contains(&action.as_str()) {
        return Err(Fail::bad("wrong parameter action in request"));
    }
    let thread = thread(world, params, chat)?;
    world.note_act(Event::Action, chat, thread, &action);
    Ok(json!(true))
}

/// What a new message has beside its content: keyboard and what it replies to.
pub(super) fn envelope(world: &World, params: &Params, chat: i64) -> Answer {
    let mut content = json!({});
    if let Some(markup) = reply_markup(params)? {
        content["reply_markup"] = markup;
    }
    let reply = params.json("reply_parameters");
    let to =
        reply.as_ref().and_then(|r| r["message_id"].as_i64()).or_else(|| params.int("reply_to_message_id"));
    if let Some(to) = to {
        let lenient = reply.is_some_and(|r| r["allow_sending_without_reply"].as_bool() == Some(true))
            || params.flag("allow_sending_without_reply");
        match world.chats[&chat].messages.get(&to) {
            Some(message) => {
                let mut quoted = message.body.clone();
                if let Some(quoted) = quoted.as_object_mut() {
                    quoted.remove("reply_to_message");
                }
                content["reply_to_message"] = quoted;
            }
            None if lenient => {}
            None => return Err(Fail::bad("message to be replied not found")),
        }
    }
    Ok(content)
}

/// The topic that a message goes to, if it is there and open to the bot.
pub(super) fn thread(world: &World, params: &Params, chat: i64) -> Result<Option<i64>, Fail> {
    let Some(thread) = params.int("message_thread_id") else { return Ok(None) };
    let chat = &world.chats[&chat];
    let Some(topic) = chat.topics.get(&thread) else {
        return Err(Fail::bad("message thread not found"));
    };
    if topic.closed && chat.bot != Some(Rank::Admin) {
        return Err(Fail::bad("TOPIC_CLOSED"));
    }
    Ok(Some(thread))
}

fn message_text(params: &Params) -> Result<String, Fail> {
    let text = shown(&params.text("text").unwrap_or_default(), params.text("parse_mode").as_deref())?;
    if text.is_empty() {
        return Err(Fail::bad("message text is empty"));
    }
    if utf16(&text) > MAX_TEXT {
        return Err(Fail::bad("message is too long"));
    }
    Ok(text)
}

/// Any kind of reply markup, checked.
fn reply_markup(params: &Params) -> Result<Option<Value>, Fail> {
    let Some(markup) = params.json("reply_markup") else { return Ok(None) };
    if markup.get("inline_keyboard").is_some() {
        return inline_keyboard(params);
    }
    let other = ["keyboard", "remove_keyboard", "force_reply"].iter().any(|key| markup.get(key).is_some());
    if other || markup.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(None);
    }
    Err(Fail::bad("object expected as reply markup"))
}

/// An inline keyboard; an empty one is none.
fn inline_keyboard(params: &Params) -> Result<Option<Value>, Fail> {
    let Some(markup) = params.json("reply_markup") else { return Ok(None) };
    let Some(object) = markup.as_object() else { return Err(Fail::bad("object expected as reply markup")) };
    let Some(rows) = object.get("inline_keyboard") else { return Ok(None) };
    let rows = rows.as_array().ok_or_else(|| Fail::bad("field \"inline_keyboard\" must be of type Array"))?;
    let mut count = 0;
    for row in rows {
        let row =
            row.as_array().ok_or_else(|| Fail::bad("can't parse inline keyboard: an Array is expected"))?;
        for button in row {
            count += 1;
            check_button(button)?;
        }
    }
    if count > MAX_BUTTONS {
        return Err(Fail::bad("reply markup is too long"));
    }
    Ok((count > 0).then_some(markup))
}

fn check_button(button: &Value) -> Result<(), Fail> {
    if button["text"].as_str().is_none_or(str::is_empty) {
        return Err(Fail::bad("can't parse inline keyboard button: Can't find field \"text\""));
    }
    if let Some(data) = button.get("callback_data") {
        if !data.as_str().is_some_and(|data| (1..=64).contains(&data.len())) {
            return Err(Fail::bad("BUTTON_DATA_INVALID"));
        }
    } else if button.as_object().is_none_or(|button| button.len() < 2) {
        return Err(Fail::bad(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ));
    }
    Ok(())
}

fn own_message(world: &mut World, params: &Params) -> Result<(i64, i64), Fail> {
    let chat = world.writable(params.int("chat_id"))?;
    let id = params.int("message_id").ok_or_else(|| Fail::bad("message identifier is not specified"))?;
    if find(world, chat, id)?.by_bot { Ok((chat, id)) } else { Err(Fail::bad("message can't be edited")) }
}

fn find(world: &World, chat: i64, id: i64) -> Result<&Message, Fail> {
    world.chats[&chat].messages.get(&id).ok_or_else(|| Fail::bad("message to edit not found"))
}

fn not_modified() -> Fail {
    Fail::bad(
        "message is not modified: specified new message content and reply markup are exactly the same as a \
         current content and reply markup of the message",
    )
}

fn set_markup(body: &mut Value, markup: Option<Value>) {
    match markup {
        Some(markup) => body["reply_markup"] = markup,
        None => drop(body.as_object_mut().and_then(|body| body.remove("reply_markup"))),
    }
}

fn replace(world: &mut World, chat: i64, id: i64, body: Value, event: Event) -> Value {
    if let Some(message) = world.chats.get_mut(&chat).and_then(|chat| chat.messages.get_mut(&id)) {
        message.body = body.clone();
    }
    world.note(event, world.bot_id(), &body, None);
    body
}

fn deletable(world: &World, chat: i64, id: i64) -> Result<(), Fail> {
    let now = world.now();
    let chat = &world.chats[&chat];
    let Some(message) = chat.messages.get(&id) else { return Ok(()) };
    if !message.by_bot && chat.kind != Kind::Private && chat.bot != Some(Rank::Admin) {
        return Err(Fail::bad("message can't be deleted"));
    }
    if now - message.date > DELETABLE {
        return Err(Fail::bad("message can't be deleted for everyone"));
    }
    Ok(())
}

fn remove(world: &mut World, chat: i64, id: i64) {
    let message = world.chats.get_mut(&chat).and_then(|chat| chat.messages.remove(&id));
    if let Some(message) = message {
        let mut body = message.body;
        set_markup(&mut body, None);
        world.note(Event::Deleted, world.bot_id(), &body, None);
    }
}
