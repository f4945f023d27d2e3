//! What a test reads back.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One thing that happened in a chat, by the bot or by a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts up over all chats.
    pub seq: u64,
    pub chat: i64,
    /// The forum topic, where there is one.
    pub thread: Option<i64>,
    pub event: Event,
    /// Who did it.
    pub by: i64,
    /// The bot under test did it.
    pub bot: bool,
    /// The message it happened to; 0 for what has none.
    pub message: i64,
    /// Text or caption as a person sees it: markup taken out. The answer to a callback query, the
    /// chat action, the name of a topic.
    pub text: String,
    /// The inline keyboard that hangs on the message after this event, row by row.
    pub keyboard: Vec<Vec<Button>>,
    /// `photo`, `voice`, … where the message is more than text.
    pub media: Option<String>,
    pub reply_to: Option<i64>,
}

impl Entry {
    /// The labels of the inline buttons, row by row.
    pub fn labels(&self) -> Vec<&str> {
        self.keyboard.iter().flatten().map(|button| button.text.as_str()).collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Sent,
    Edited,
    /// Only the buttons changed.
    Keyboard,
    Deleted,
    /// A button was pressed: `text` is its data.
    Pressed,
    /// A callback query was answered.
    Answered,
    /// A reaction was set: `text` is the emoji.
    Reacted,
    /// "typing" and the like.
    Action,
    TopicCreated,
    TopicEdited,
    TopicClosed,
    TopicReopened,
    /// The bot left the chat.
    Left,
}

/// An inline button as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    pub text: String,
    /// `callback_data`.
    pub data: Option<String>,
    pub url: Option<String>,
}

/// One call of the Bot API, carried out or not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Call {
    /// Lower case.
    pub method: String,
    pub chat: Option<i64>,
    pub params: Map<String, Value>,
    /// HTTP status of the answer; 0 if it was never answered.
    pub status: u16,
    /// When it came in, since the stand-in started.
    pub at: Duration,
}

pub(crate) fn keyboard_of(message: &Value) -> Vec<Vec<Button>> {
    let text = |button: &Value, key: &str| button[key].as_str().map(str::to_owned);
    message["reply_markup"]["inline_keyboard"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| {
            row.as_array()
                .into_iter()
                .flatten()
                .map(|button| Button {
                    text: text(button, "text").unwrap_or_default(),
                    data: text(button, "callback_data"),
                    url: text(button, "url"),
                })
                .collect()
        })
        .collect()
}
