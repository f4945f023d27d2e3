//! What is written and pressed in the desk's group.
//!
//! Read from the raw update: whatever field Telegram adds, the words and who wrote them are found.

use chatbox_core::{
    channel::FromDesk,
    ids::{ChannelKind, Lane},
    input::Message,
};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    press,
    read::{file_of, named, seconds, words},
};

/// A message of the desk's group; `None` for what is no message of a person: the group's own
/// news, other bots (two bots could answer each other for ever), and commands for another bot.
///
/// Who hides behind the group, a channel or a forward is nobody: the words count, and `by` is
/// empty.
pub(crate) fn message(raw: &Value, edited: bool, username: &str) -> Option<FromDesk> {
    let hidden = raw.get("sender_chat").is_some() || raw.get("forward_origin").is_some();
    if !hidden && raw["from"]["is_bot"] == true {
        return None;
    }
    let (text, attachment) = (own_command(&words(raw), username)?, named(raw));
    // A live location is "edited" every few seconds.
    if text.is_empty() && (attachment.is_none() || edited) {
        return None;
    }
    let (chat, id) = (raw["chat"]["id"].as_i64()?, raw["message_id"].as_i64()?);
    let edit = raw["edit_date"].as_i64().unwrap_or(0);
    let at = if edited && edit > 0 { edit } else { raw["date"].as_i64()? };
    Some(FromDesk {
        lane: lane(raw, chat),
        key: format!("{chat}/{id}/{edit}"),
        native: Some(id.to_string()),
        by: if hidden { String::new() } else { who(&raw["from"]) },
        at: seconds(at),
        said: Message {
            text,
            id: Some(id.to_string()),
            attachment,
            file: file_of(raw),
            edited,
            forwarded: raw.get("forward_origin").is_some(),
        },
        redacted: false,
    })
}

/// A pressed button is the command that it stands for. `None` where it can no longer be told which
/// thread it hung in.
pub(crate) fn press(raw: &Value, now: Timestamp) -> Option<FromDesk> {
    let message = &raw["message"];
    // Telegram shows of an old message no more than its id, with a date of 0.
    if message["date"].as_i64()? == 0 || raw["from"]["is_bot"] == true {
        return None;
    }
    let chat = message["chat"]["id"].as_i64()?;
    let (choice, _) = press::read(raw["data"].as_str()?);
    Some(FromDesk {
        lane: lane(message, chat),
        key: format!("cb/{}", raw["id"].as_str()?),
        native: None,
        by: who(&raw["from"]),
        at: now,
        said: Message { text: format!("/{choice}"), ..Message::default() },
        redacted: false,
    })
}

fn lane(message: &Value, chat: i64) -> Lane {
    let room = Lane::new(ChannelKind::Telegram, chat.to_string());
    // In a group without topics a thread is a chain of replies.
    match message["message_thread_id"].as_i64().filter(|_| message["is_topic_message"] == true) {
        Some(thread) => room.in_thread(thread.to_string()),
        None => room,
    }
}

fn who(from: &Value) -> String {
    from["id"].as_i64().map(|id| id.to_string()).unwrap_or_default()
}

/// The text, without the bot's name in `/take@name`; `None` if the command is another bot's.
fn own_command(text: &str, username: &str) -> Option<String> {
    let first = text.split_whitespace().next().unwrap_or_default();
    let Some((command, name)) = first.split_once('@').filter(|_| text.starts_with('/')) else {
        return Some(text.to_owned());
    };
    name.eq_ignore_ascii_case(username).then(|| format!("{command}{}", &text[first.len()..]))
}

/// Whether an update's message or pressed button is of this group.
pub(crate) fn is_of(raw: &Value, desk: Option<i64>) -> bool {
    desk.is_some() && (raw["chat"]["id"].as_i64() == desk || raw["message"]["chat"]["id"].as_i64() == desk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_for_this_bot_lose_its_name_and_others_are_left() {
        assert_eq!(own_command("/take", "hub_bot").as_deref(), Some("/take"));
        assert_eq!(
            own_command("/safe@Hub_Bot spoke to her", "hub_bot").as_deref(),
            Some("/safe spoke to her")
        );
        assert_eq!(own_command("/take@other_bot", "hub_bot"), None);
        assert_eq!(
            own_command("write to sam@example.org", "hub_bot").as_deref(),
            Some("write to sam@example.org")
        );
    }
}
