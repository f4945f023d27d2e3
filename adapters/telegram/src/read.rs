//! What an update means to the bot.

use chatbox_core::{
    channel::{FromDesk, Incoming, Proof},
    desk::read_code,
    ids::{ChannelKind, Lane},
    input::{Attachment, FileRef, Input, InputKind, Message},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use teloxide_core::types::{ChatMemberUpdated, MediaKind, Message as Native, MessageKind};

use crate::{desk, press};

const ELSEWHERE: &str = "Please write to me privately.";
const TOO_OLD: &str = "This button is too old. Please type the command.";

#[derive(Debug, PartialEq)]
pub(crate) enum Reading {
    /// Something for a conversation.
    Take(Incoming),
    /// A pressed button: for a conversation, and the query waits for an answer.
    Press { incoming: Incoming, query: String },
    /// A one-time code in a private chat.
    Prove(Proof),
    /// Something that somebody did at the desk; a pressed button's query waits for an answer.
    Desk { said: FromDesk, query: Option<String> },
    /// A button pressed where it can do nothing: only the query is answered.
    Decline { query: String, words: &'static str },
    /// A person wrote in a group.
    Elsewhere { chat: i64, thread: Option<i32> },
    /// Nothing to do with us.
    Skip,
}

/// Where an update is read: the time of what Telegram gives no time for, the desk's group, and the
/// bot's own name.
#[derive(Clone, Copy)]
pub(crate) struct Here<'a> {
    pub(crate) now: Timestamp,
    pub(crate) desk: Option<i64>,
    pub(crate) username: &'a str,
}

/// Reads one update. A message that the types do not fit is read by hand, so that words are not
/// lost to a field that Telegram has added. So are a private text, which has no other fields that count, and a
/// pressed button: to try all that the types know of takes longer than parsing it.
pub(crate) fn read(update: &Value, here: Here<'_>) -> Reading {
    let now = here.now;
    for (kind, edited) in [("message", false), ("edited_message", true)] {
        let Some(raw) = update.get(kind) else { continue };
        if desk::is_of(raw, here.desk) {
            return desk::message(raw, edited, here.username)
                .map_or(Reading::Skip, |said| Reading::Desk { said, query: None });
        }
        if raw["text"].is_string() && raw["chat"]["type"] == "private" {
            return by_hand(raw, edited, now);
        }
        return match Native::deserialize(raw) {
            Ok(message) => message_of(&message, raw, edited),
            Err(_) => by_hand(raw, edited, now),
        };
    }
    if let Some(raw) = update.get("callback_query") {
        let Some(id) = raw["id"].as_str() else { return Reading::Skip };
        if desk::is_of(raw, here.desk) {
            let query = id.to_owned();
            return match desk::press(raw, now) {
                Some(said) => Reading::Desk { said, query: Some(query) },
                None => Reading::Decline { query, words: TOO_OLD },
            };
        }
        return press(raw, id, now)
            .unwrap_or_else(|| Reading::Decline { query: id.to_owned(), words: ELSEWHERE });
    }
    match update.get("my_chat_member").map(ChatMemberUpdated::deserialize) {
        Some(Ok(change)) => reachable_of(&change),
        Some(Err(_)) | None => Reading::Skip,
    }
}

fn message_of(message: &Native, raw: &Value, edited: bool) -> Reading {
    let chat = message.chat.id.0;
    if !message.chat.is_private() {
        return in_group(message, edited);
    }
    if message.from.as_ref().is_some_and(|from| from.is_bot) {
        return Reading::Skip;
    }
    let text = words(raw);
    let attachment = if let MessageKind::Common(common) = &message.kind {
        if let MediaKind::Migration(_) = common.media_kind {
            return Reading::Skip;
        }
        let text = matches!(common.media_kind, MediaKind::Text(_));
        (!text).then(|| named(raw).unwrap_or(Attachment::Other))
    } else if let MessageKind::Dice(_) = &message.kind {
        Some(Attachment::Other)
    } else if let MessageKind::Empty {} = &message.kind {
        return by_hand(raw, edited, seconds(message.date.timestamp()));
    } else {
        return Reading::Skip;
    };
    // A live location is "edited" every few seconds.
    if edited && text.is_empty() && attachment == Some(Attachment::Location) {
        return Reading::Skip;
    }
    let edit = match message.edit_date() {
        Some(date) => date.timestamp(),
        None => 0,
    };
    let at = seconds(if edited && edit > 0 { edit } else { message.date.timestamp() });
    if let Some(code) = read_code(&text) {
        return prove(chat, message.id.0.into(), edit, at, code);
    }
    let forwarded = message.forward_origin().is_some();
    let id = Some(message.id.0.to_string());
    let what = InputKind::Message(Message { text, id, attachment, file: file_of(raw), edited, forwarded });
    Reading::Take(incoming(chat, message.id.0.into(), edit, Input::new(at, what)))
}

/// In a private chat the chat has the person's own id.
fn prove(chat: i64, message: i64, edit: i64, at: Timestamp, code: String) -> Reading {
    let key = format!("{chat}/{message}/{edit}");
    Reading::Prove(Proof { lane: lane(chat), key, order: message, by: chat.to_string(), at, code })
}

fn in_group(message: &Native, edited: bool) -> Reading {
    let person = message.from.as_ref().is_some_and(|from| !from.is_bot) && message.sender_chat.is_none();
    let said = matches!(message.kind, MessageKind::Common(_));
    if !person || !said || edited || message.chat.is_channel() {
        return Reading::Skip;
    }
    let thread = message.thread_id.filter(|_| message.is_topic_message).map(|thread| thread.0.0);
    Reading::Elsewhere { chat: message.chat.id.0, thread }
}

/// By the plain fields, as what is written is. `None` where it can do nothing.
fn press(raw: &Value, id: &str, now: Timestamp) -> Option<Reading> {
    let message = &raw["message"];
    let chat = message["chat"]["id"].as_i64().filter(|_| message["chat"]["type"] == "private")?;
    if raw["from"]["id"].as_i64() != Some(chat) {
        return None;
    }
    let (choice, prompt) = press::read(raw["data"].as_str()?);
    let incoming = Incoming {
        lane: lane(chat),
        key: format!("cb/{id}"),
        // Of the message that it belongs to: its own grow with nothing.
        order: message["message_id"].as_i64()?,
        native: None,
        input: Input::new(now, InputKind::Press { choice, prompt }),
    };
    Some(Reading::Press { incoming, query: id.to_owned() })
}

fn reachable_of(change: &ChatMemberUpdated) -> Reading {
    if !change.chat.is_private() {
        return Reading::Skip;
    }
    let chat = change.chat.id.0;
    let reachable = change.new_chat_member.is_present();
    let at = change.date.timestamp();
    Reading::Take(Incoming {
        lane: lane(chat),
        key: format!("{chat}/reachable/{at}/{reachable}"),
        order: at,
        native: None,
        input: Input::new(seconds(at), InputKind::Reachable(reachable)),
    })
}

/// By the plain fields of a message alone.
fn by_hand(raw: &Value, edited: bool, now: Timestamp) -> Reading {
    let private = raw["chat"]["type"] == "private" && raw["from"]["is_bot"] != true;
    let (Some(chat), Some(id)) = (raw["chat"]["id"].as_i64(), raw["message_id"].as_i64()) else {
        return Reading::Skip;
    };
    if !private {
        return Reading::Skip;
    }
    let text = words(raw);
    let attachment = named(raw);
    let edit = raw["edit_date"].as_i64();
    let at = edit.filter(|_| edited).or(raw["date"].as_i64()).map_or(now, seconds);
    if let Some(code) = read_code(&text) {
        return prove(chat, id, edit.unwrap_or(0), at, code);
    }
    let what = if text.is_empty() && attachment.is_none() {
        InputKind::Unreadable
    } else {
        let forwarded = raw.get("forward_origin").is_some();
        let id = Some(id.to_string());
        InputKind::Message(Message { text, id, attachment, file: file_of(raw), edited, forwarded })
    };
    Reading::Take(incoming(chat, id, edit.unwrap_or(0), Input::new(at, what)))
}

/// What a message holds beside words, by the name of its field: the types know some attachments
/// only with fields that Telegram may leave out.
pub(crate) fn named(raw: &Value) -> Option<Attachment> {
    NAMES.into_iter().find(|(name, _)| raw.get(name).is_some()).map(|(_, attachment)| attachment)
}

/// An animation comes before the `document` that it has too.
const NAMES: [(&str, Attachment); 12] = [
    ("voice", Attachment::Voice),
    ("audio", Attachment::Voice),
    ("photo", Attachment::Photo),
    ("video", Attachment::Video),
    ("video_note", Attachment::Video),
    ("animation", Attachment::Video),
    ("sticker", Attachment::Sticker),
    ("document", Attachment::File),
    ("location", Attachment::Location),
    ("contact", Attachment::Contact),
    ("poll", Attachment::Other),
    ("dice", Attachment::Other),
];

/// Where the attachment can be had: the name of its field, a colon, and its file id. A place on the
/// map has no file, and stands there itself.
pub(crate) fn file_of(raw: &Value) -> Option<FileRef> {
    let (name, _) = NAMES.into_iter().find(|(name, _)| raw.get(name).is_some())?;
    let field = &raw[name];
    if name == "location" {
        let (lat, lon) = (field["latitude"].as_f64()?, field["longitude"].as_f64()?);
        return Some(FileRef {
            channel: ChannelKind::Telegram,
            handle: format!("location:{lat},{lon}"),
            name: Some("place.txt".to_owned()),
            mime: Some("text/plain".to_owned()),
            size: None,
        });
    }
    // Of a photo Telegram keeps several sizes, the largest last.
    let file = field.as_array().map_or(Some(field), |sizes| sizes.last())?;
    let text = |key: &str| file[key].as_str().map(str::to_owned);
    Some(FileRef {
        channel: ChannelKind::Telegram,
        handle: format!("{name}:{}", text("file_id")?),
        name: text("file_name"),
        mime: text("mime_type").or_else(|| (name == "photo").then(|| "image/jpeg".to_owned())),
        size: file["file_size"].as_u64(),
    })
}

/// Text, caption or the question of a poll, whatever kind of message it stands in.
pub(crate) fn words(raw: &Value) -> String {
    let texts = [&raw["text"], &raw["caption"], &raw["poll"]["question"]];
    texts.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned()
}

fn incoming(chat: i64, message: i64, edit: i64, input: Input) -> Incoming {
    Incoming {
        lane: lane(chat),
        key: format!("{chat}/{message}/{edit}"),
        order: message,
        native: Some(message.to_string()),
        input,
    }
}

fn lane(chat: i64) -> Lane {
    Lane::new(ChannelKind::Telegram, chat.to_string())
}

pub(crate) fn seconds(unix: i64) -> Timestamp {
    Timestamp::from_second(unix).unwrap_or(Timestamp::UNIX_EPOCH)
}
