//! The JSON lines of `chatbox converse`.

use std::fmt;

use chatbox_core::{
    conversation::{Conversation, Holder},
    effect::{Choice, DeskKind, DeskPost, Record, Say},
};
use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::{Map, Value, json};
use thiserror::Error;

/// A name is at most this long, in bytes.
pub const MAX_NAME_BYTES: usize = 200;

/// One line in.
#[derive(Clone, PartialEq, Eq)]
pub enum Line {
    /// Somebody writes.
    Text { from: String, text: String },
    /// Somebody presses a button.
    Press { from: String, choice: String },
    /// Somebody at the desk writes into the thread of a case.
    Desk { by: String, case: String, text: String },
    /// The clock moves.
    After(SignedDuration),
}

/// Without names and words.
impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text { .. } => "Text",
            Self::Press { .. } => "Press",
            Self::Desk { .. } => "Desk",
            Self::After(_) => "After",
        })
    }
}

/// Why a line cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadLine {
    #[error("the line is not UTF-8 text")]
    NotText,
    #[error("the line is not a JSON object")]
    NotJson,
    #[error(
        "a line has \"from\" with \"text\" or \"press\", or \"desk\" with \"case\" and \"text\", or \"after\", and nothing else"
    )]
    Fields,
    #[error("\"{0}\" must be a text")]
    NotString(&'static str),
    #[error("\"{0}\" must be a name of 1 to 200 bytes")]
    Name(&'static str),
    #[error("\"after\" must be a duration such as \"PT15M\" or \"P1D\", not negative")]
    Duration,
}

impl Line {
    /// Reads one line, with or without its line ending.
    pub fn parse(line: &[u8]) -> Result<Self, BadLine> {
        let line = std::str::from_utf8(line).map_err(|_| BadLine::NotText)?;
        let value: Value = serde_json::from_str(line).map_err(|_| BadLine::NotJson)?;
        let Value::Object(mut fields) = value else { return Err(BadLine::NotJson) };
        let line = if fields.contains_key("from") {
            let from = name(&mut fields, "from")?;
            if fields.contains_key("press") {
                Self::Press { from, choice: string(&mut fields, "press")? }
            } else {
                Self::Text { from, text: string(&mut fields, "text")? }
            }
        } else if fields.contains_key("desk") {
            let (by, case) = (name(&mut fields, "desk")?, name(&mut fields, "case")?);
            Self::Desk { by, case, text: string(&mut fields, "text")? }
        } else {
            Self::After(duration(&string(&mut fields, "after")?)?)
        };
        if fields.is_empty() { Ok(line) } else { Err(BadLine::Fields) }
    }
}

fn string(fields: &mut Map<String, Value>, key: &'static str) -> Result<String, BadLine> {
    match fields.remove(key) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(BadLine::NotString(key)),
        None => Err(BadLine::Fields),
    }
}

fn name(fields: &mut Map<String, Value>, key: &'static str) -> Result<String, BadLine> {
    let name = string(fields, key)?;
    if name.trim().is_empty() || name.len() > MAX_NAME_BYTES { Err(BadLine::Name(key)) } else { Ok(name) }
}

/// ISO 8601; a day is 24 hours.
fn duration(text: &str) -> Result<SignedDuration, BadLine> {
    let span: Span = text.parse().map_err(|_| BadLine::Duration)?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| BadLine::Duration)?;
    if duration.is_negative() { Err(BadLine::Duration) } else { Ok(duration) }
}

/// One line out, as it is serialised.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Out<'a> {
    /// What the person gets.
    To { to: &'a str, text: &'a str, choices: &'a [Choice] },
    /// What the desk gets.
    Desk { desk: DeskLine<'a> },
    /// A record that was kept.
    Saved { saved: SavedLine<'a> },
    /// The end of what a line in led to.
    Turn { turn: u64, conversation: Option<State<'a>> },
    /// All that a bad line leads to.
    Error { error: String },
}

/// A line at the desk, as [`Out::Desk`] writes it.
#[derive(Serialize)]
pub struct DeskLine<'a> {
    /// None for the desk's room itself.
    pub case: Option<&'a str>,
    pub kind: DeskKind,
    pub text: &'a str,
}

/// A record, as [`Out::Saved`] writes it.
#[derive(Serialize)]
pub struct SavedLine<'a> {
    pub kind: &'a str,
    pub reference: &'a str,
    pub data: &'a Value,
}

/// Where a conversation stands.
#[derive(Debug)]
pub struct State<'a> {
    pub holder: &'a Holder,
    pub dialogue: Option<&'a str>,
    pub step: Option<&'a str>,
}

impl Serialize for State<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let holder = match self.holder {
            Holder::Bot => "bot",
            Holder::Waiting { .. } => "waiting",
            Holder::Practitioner { .. } => "practitioner",
        };
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("holder", holder)?;
        map.serialize_entry("dialogue", &self.dialogue)?;
        map.serialize_entry("step", &self.step)?;
        map.end()
    }
}

impl<'a> Out<'a> {
    pub fn to(to: &'a str, say: &'a Say) -> Self {
        Self::To { to, text: &say.text, choices: &say.choices }
    }

    pub fn desk(post: &'a DeskPost) -> Self {
        Self::Desk {
            desk: DeskLine {
                case: post.case.as_ref().map(|case| case.0.as_str()),
                kind: post.kind,
                text: &post.text,
            },
        }
    }

    pub fn saved(record: &'a Record) -> Self {
        let Record { kind, reference, data } = record;
        Self::Saved { saved: SavedLine { kind, reference: &reference.0, data } }
    }

    pub fn turn(turn: u64, conversation: Option<&'a Conversation>) -> Self {
        let conversation =
            conversation.map(|c| State { holder: &c.holder, dialogue: c.dialogue(), step: c.step() });
        Self::Turn { turn, conversation }
    }

    /// As one line, without its line ending.
    pub fn to_line(&self) -> String {
        // Only maps with keys that are no strings can fail, and there are none.
        serde_json::to_string(self).unwrap_or_else(|_| json!({"error": "unwritable"}).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let text = Line::Text { from: "a".into(), text: String::new() };
        assert_eq!(Line::parse(b"{\"from\":\"a\",\"text\":\"\"}\r\n"), Ok(text));
        let press = Line::Press { from: "a".into(), choice: "x".into() };
        assert_eq!(Line::parse(br#"{"press":"x","from":"a"}"#), Ok(press));
        let desk = Line::Desk { by: "b".into(), case: "KWG-11111".into(), text: "/take".into() };
        assert_eq!(Line::parse(br#"{"desk":"b","case":"KWG-11111","text":"/take"}"#), Ok(desk));
        for (text, minutes) in [("PT15M", 15), ("P1D", 1440), ("P1W", 10_080), ("PT0S", 0)] {
            let line = format!("{{\"after\":\"{text}\"}}");
            assert_eq!(Line::parse(line.as_bytes()), Ok(Line::After(SignedDuration::from_mins(minutes))));
        }
    }

    #[test]
    fn bad_lines_say_what_is_wrong() {
        for (line, fault) in [
            (&b"\xff\xfe"[..], BadLine::NotText),
            (b"", BadLine::NotJson),
            (b"hello", BadLine::NotJson),
            (b"[1]", BadLine::NotJson),
            (b"{}", BadLine::Fields),
            (br#"{"from":"a"}"#, BadLine::Fields),
            (br#"{"from":"a","text":"x","press":"y"}"#, BadLine::Fields),
            (br#"{"from":"a","text":"x","extra":1}"#, BadLine::Fields),
            (br#"{"from":"a","text":1}"#, BadLine::NotString("text")),
            (br#"{"from":" ","text":"x"}"#, BadLine::Name("from")),
            (br#"{"desk":"b","text":"x"}"#, BadLine::Fields),
            (br#"{"after":"PT-5M"}"#, BadLine::Duration),
            (br#"{"after":"-PT5M"}"#, BadLine::Duration),
            (br#"{"after":"P1M"}"#, BadLine::Duration),
            (br#"{"after":"soon"}"#, BadLine::Duration),
        ] {
            assert_eq!(Line::parse(line), Err(fault), "{}", String::from_utf8_lossy(line));
        }
    }
}
