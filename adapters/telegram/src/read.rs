//! What an update means to the bot.

use chatbox_core::{
    channel::Incoming,
    ids::{ChannelKind, Lane},
    input::{Attachment, Input, InputKind, Message},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use teloxide_core::types::{CallbackQuery, ChatMemberUpdated, MediaKind, Message as Native, MessageKind};

use crate::press;

#[derive(Debug, PartialEq)]
pub(crate) enum Reading {
    /// Something for a conversation.
    Take(Incoming),
    /// A pressed button: for a conversation, and the query waits for an answer.
    Press { incoming: Incoming, query: String },
    /// A button pressed where it must not be: only the query is answered.
    Decline { query: String },
    /// A person wrote in a group.
    Elsewhere { chat: i64, thread: Option<i32> },
    /// Nothing to do with us.
    Skip,
}

/// Reads one update. `now` is the time of what Telegram gives no time for; `desk` is the group in
/// which nobody is sent away. A message that the types do not fit is read by hand, so that words
/// are not lost to a field that Telegram has added.
pub(crate) fn read(update: &Value, now: Timestamp, desk: Option<i64>) -> Reading {
    for (kind, edited) in [("message", false), ("edited_message", true)] {
        let Some(raw) = update.get(kind) else { continue };
        return match Native::deserialize(raw) {
            Ok(message) => message_of(&message, raw, edited, desk),
            Err(_) => unreadable(raw, edited, now),
        };
    }
    if let Some(raw) = update.get("callback_query") {
        return match (CallbackQuery::deserialize(raw), raw["id"].as_str()) {
            (Ok(query), _) => press_of(&query, now),
            (Err(_), Some(id)) => Reading::Decline { query: id.to_owned() },
            (Err(_), None) => Reading::Skip,
        };
    }
    match update.get("my_chat_member").map(ChatMemberUpdated::deserialize) {
        Some(Ok(change)) => reachable_of(&change),
        Some(Err(_)) | None => Reading::Skip,
    }
}

fn message_of(message: &Native, raw: &Value, edited: bool, desk: Option<i64>) -> Reading {
    let chat = message.chat.id.0;
    if !message.chat.is_private() {
        return in_group(message, edited, desk);
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
        return unreadable(raw, edited, seconds(message.date.timestamp()));
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
    let forwarded = message.forward_origin().is_some();
    let what = InputKind::Message(Message { text, attachment, edited, forwarded, ..Message::default() });
    Reading::Take(incoming(chat, message.id.0, edit, Input::new(at, what)))
}

fn in_group(message: &Native, edited: bool, desk: Option<i64>) -> Reading {
    let person = message.from.as_ref().is_some_and(|from| !from.is_bot) && message.sender_chat.is_none();
    let said = matches!(message.kind, MessageKind::Common(_));
    if !person || !said || edited || message.chat.is_channel() || desk == Some(message.chat.id.0) {
        return Reading::Skip;
    }
    let thread = message.thread_id.filter(|_| message.is_topic_message).map(|thread| thread.0.0);
    Reading::Elsewhere { chat: message.chat.id.0, thread }
}

fn press_of(query: &CallbackQuery, now: Timestamp) -> Reading {
    let id = query.id.0.clone();
    let (Some(message), Some(data)) = (&query.message, &query.data) else {
        return Reading::Decline { query: id };
    };
    let chat = message.chat();
    if !chat.is_private() || i64::try_from(query.from.id.0) != Ok(chat.id.0) {
        return Reading::Decline { query: id };
    }
    let (choice, prompt) = press::read(data);
    let incoming = Incoming {
        lane: lane(chat.id.0),
        key: format!("cb/{id}"),
        native: None,
        input: Input::new(now, InputKind::Press { choice, prompt }),
    };
    Reading::Press { incoming, query: id }
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
        native: None,
        input: Input::new(seconds(at), InputKind::Reachable(reachable)),
    })
}

/// A message of which only the plain fields can be trusted.
fn unreadable(raw: &Value, edited: bool, now: Timestamp) -> Reading {
    let private = raw["chat"]["type"] == "private" && raw["from"]["is_bot"] != true;
    let (Some(chat), Some(id)) = (raw["chat"]["id"].as_i64(), raw["message_id"].as_i64()) else {
        return Reading::Skip;
    };
    if !private {
        return Reading::Skip;
    }
    let text = words(raw);
    let attachment = named(raw);
    let what = if text.is_empty() && attachment.is_none() {
        InputKind::Unreadable
    } else {
        let forwarded = raw.get("forward_origin").is_some();
        InputKind::Message(Message { text, attachment, edited, forwarded, ..Message::default() })
    };
    let edit = raw["edit_date"].as_i64();
    let at = edit.filter(|_| edited).or(raw["date"].as_i64()).map_or(now, seconds);
    Reading::Take(incoming(chat, id, edit.unwrap_or(0), Input::new(at, what)))
}

/// What a message holds beside words, by the name of its field: the types know some attachments
/// only with fields that Telegram may leave out.
fn named(raw: &Value) -> Option<Attachment> {
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

/// Text or caption, whatever kind of message it stands in.
fn words(raw: &Value) -> String {
    raw["text"].as_str().or(raw["caption"].as_str()).unwrap_or_default().to_owned()
}

fn incoming(chat: i64, message: impl std::fmt::Display, edit: i64, input: Input) -> Incoming {
    Incoming {
        lane: lane(chat),
        key: format!("{chat}/{message}/{edit}"),
        native: Some(message.to_string()),
        input,
    }
}

fn lane(chat: i64) -> Lane {
    Lane::new(ChannelKind::Telegram, chat.to_string())
}

fn seconds(unix: i64) -> Timestamp {
    Timestamp::from_second(unix).unwrap_or(Timestamp::UNIX_EPOCH)
}
