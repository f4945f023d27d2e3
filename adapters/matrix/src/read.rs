//! What an event means to the bot: something for a conversation, something at the desk, or nothing.

use chatbox_core::{
    channel::{Confidentiality, FromDesk, Incoming, Proof},
    desk::read_code,
    ids::{ChannelKind, Lane},
    input::{Attachment, FileRef, Input, InputKind, Message},
};
use matrix_sdk::ruma::{RoomId, UserId};
use serde_json::Value;

use crate::{
    content::{self, About},
    event::Event,
};

/// Something for a person's conversation. `target` is [`Event::target`], where it could be read, and
/// `me` the bot.
pub(crate) fn from_person(
    lane: Lane,
    event: &Event,
    target: Option<&Event>,
    me: &UserId,
) -> Option<Incoming> {
    let take = |native: Option<&str>, via: Option<Confidentiality>, what: InputKind| Incoming {
        lane,
        key: event.id.to_string(),
        order: event.at.as_millisecond(),
        native: native.map(str::to_owned),
        input: Input { at: event.at, via, what },
    };
    match said(event, target, me)? {
        Said::Words(message) => {
            let native = message.id.clone();
            Some(take(native.as_deref(), event.via, InputKind::Message(message)))
        }
        // What is pressed or taken back says no words, so it lowers no confidentiality.
        Said::Choice { choice, about } => {
            Some(take(None, None, InputKind::Press { choice, prompt: Some(about.prompt) }))
        }
        Said::Lost => Some(take(None, None, InputKind::Press { choice: String::new(), prompt: Some(0) })),
        Said::TakenBack { of } => Some(take(None, None, InputKind::Redacted { of })),
    }
}

/// A message that is a one-time code: who wrote it proves who they are at the desk.
pub(crate) fn proof(event: &Event, incoming: &Incoming) -> Option<Proof> {
    let InputKind::Message(message) = &incoming.input.what else { return None };
    let code = read_code(&message.text)?;
    let Incoming { lane, key, order, .. } = incoming.clone();
    Some(Proof { lane, key, order, by: event.sender.to_string(), at: event.at, code })
}

/// Something said in the desk's room, which is `room`.
pub(crate) fn from_desk(room: Lane, event: &Event, target: Option<&Event>, me: &UserId) -> Option<FromDesk> {
    // Only what one wrote can one correct.
    if event.replaces().is_some() && target.is_none_or(|target| target.sender != event.sender) {
        return None;
    }
    // An answer to something in a thread belongs there, also from a client without threads.
    let thread = event.thread().or_else(|| {
        let target = target?;
        let root = about(target, me).is_some_and(|about| about.id.starts_with(THREAD));
        target.thread().or_else(|| root.then_some(target.id.as_str()))
    });
    let lane = match thread {
        Some(thread) => room.in_thread(thread),
        None => room,
    };
    let (said, redacted) = match said(event, target, me)? {
        Said::Words(message) => (message, false),
        Said::Choice { choice, about } if about.desk => {
            (Message { text: format!("/{choice}"), ..Message::default() }, false)
        }
        Said::Choice { .. } | Said::Lost => return None,
        Said::TakenBack { of } => (Message { id: Some(of), ..Message::default() }, true),
    };
    let native = said.id.clone().filter(|_| !redacted);
    Some(FromDesk {
        lane,
        key: event.id.to_string(),
        native,
        by: event.sender.to_string(),
        at: event.at,
        said,
        redacted,
    })
}

/// How the ids of messages begin that open a thread.
pub(crate) const THREAD: &str = "thread/";

enum Said {
    Words(Message),
    Choice {
        choice: String,
        about: About,
    },
    /// A choice of a message of ours that we cannot read any more.
    Lost,
    TakenBack {
        of: String,
    },
}

/// What a message of ours says about itself. Anybody can write what looks like one.
fn about(event: &Event, me: &UserId) -> Option<About> {
    About::read(&event.content).filter(|_| event.sender == me)
}

fn said(event: &Event, target: Option<&Event>, me: &UserId) -> Option<Said> {
    if event.kind == "m.room.redaction" {
        return Some(Said::TakenBack { of: event.redacts.clone()? });
    }
    if event.state_key.is_some() {
        return None;
    }
    let about = target.and_then(|target| about(target, me));
    if event.kind == "m.reaction" {
        let key = event.content["m.relates_to"]["key"].as_str()?;
        if let Some(about) = about {
            if let Some(choice) = about.pick(key) {
                return Some(Said::Choice { choice: choice.id.clone(), about });
            }
            if about.is_thumb_at_grave(key) {
                return Some(words(event, key.to_owned()));
            }
        } else if content::number(key).is_some()
            && target.is_some_and(|target| target.is_unreadable() && target.sender == me)
        {
            return Some(Said::Lost);
        }
        // Some clients let people react with words.
        return key.chars().any(char::is_alphabetic).then(|| words(event, key.to_owned()));
    }
    // An "edit" of somebody else's message corrects nothing, but its words are words.
    let replaces = event.replaces().filter(|_| target.is_none_or(|target| target.sender == event.sender));
    let mut message = heard(event, replaces)?;
    let replied = event.content["m.relates_to"]["m.in_reply_to"].is_object();
    if replied {
        message.text = without_quote(&message.text).to_owned();
    }
    if replied
        && !message.edited
        && message.attachment.is_none()
        && let Some(about) = about
        && let Some(choice) = about.pick(&message.text)
    {
        return Some(Said::Choice { choice: choice.id.clone(), about });
    }
    Some(Said::Words(message))
}

fn words(event: &Event, text: String) -> Said {
    Said::Words(Message { text, id: Some(event.id.to_string()), ..Message::default() })
}

/// The words of a message, and what came along. None: nothing that is for us.
fn heard(event: &Event, replaces: Option<&str>) -> Option<Message> {
    let new = &event.content["m.new_content"];
    let content = if new.is_object() { new } else { &event.content };
    let body = content["body"].as_str().unwrap_or_default();
    let msgtype = content["msgtype"].as_str().unwrap_or_default();
    let (text, attachment) = match (event.kind.as_str(), msgtype) {
        (_, "m.notice" | "m.server_notice" | "m.key.verification.request") => return None,
        ("m.room.message", "m.image") => (caption(content), Some(Attachment::Photo)),
        ("m.room.message", "m.video") => (caption(content), Some(Attachment::Video)),
        ("m.room.message", "m.audio") => (caption(content), Some(Attachment::Voice)),
        ("m.room.message", "m.file") => (caption(content), Some(Attachment::File)),
        ("m.room.message", "m.location") => (String::new(), Some(Attachment::Location)),
        ("m.sticker", _) => (String::new(), Some(Attachment::Sticker)),
        ("m.call.invite", _) => (String::new(), Some(Attachment::Other)),
        ("m.room.message", _) => (body.to_owned(), None),
        ("m.poll.start" | "org.matrix.msc3381.poll.start", _) => {
            (extensible(content), Some(Attachment::Other))
        }
        // Kinds that we do not know may hold words all the same.
        (_, _) => (if body.is_empty() { extensible(content) } else { body.to_owned() }, None),
    };
    if text.trim().is_empty() && attachment.is_none() {
        return None;
    }
    let id = replaces.map_or_else(|| event.id.to_string(), str::to_owned);
    let file = attachment.and_then(|_| file(content));
    Some(Message { text, id: Some(id), attachment, file, edited: replaces.is_some(), forwarded: false })
}

/// The words under a file. Without a name of its own the `body` is the name.
fn caption(content: &Value) -> String {
    match (content["filename"].as_str(), content["body"].as_str()) {
        (Some(name), Some(body)) if name != body => body.to_owned(),
        (Some(_) | None, Some(_) | None) => String::new(),
    }
}

fn file(content: &Value) -> Option<FileRef> {
    let handle = match (&content["file"], &content["url"]) {
        (file, _) if file["url"].is_string() => serde_json::json!({ "file": file }),
        (_, url) if url.is_string() => serde_json::json!({ "url": url }),
        (_, _) => return None,
    };
    Some(FileRef {
        channel: ChannelKind::Matrix,
        handle: handle.to_string(),
        name: content["filename"].as_str().or(content["body"].as_str()).map(str::to_owned),
        mime: content["info"]["mimetype"].as_str().map(str::to_owned),
        size: content["info"]["size"].as_u64(),
    })
}

/// The plain words of an event of the newer kinds, which say everything in several forms.
fn extensible(content: &Value) -> String {
    let text = &content["m.text"];
    let said = [text, &text[0]["body"], &content["org.matrix.msc1767.text"]];
    said.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned()
}

/// A text without the lines of the message that it answers, which older clients put before it.
fn without_quote(text: &str) -> &str {
    if !text.starts_with("> ") {
        return text;
    }
    let mut rest = text;
    while rest.starts_with('>') {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    }
    rest.trim_start_matches('\n')
}

pub(crate) fn lane(room: &RoomId) -> Lane {
    Lane::new(ChannelKind::Matrix, room.as_str())
}

#[cfg(test)]
mod tests {
    use chatbox_core::effect::Choice;
    use matrix_sdk::ruma::{room_id, user_id};
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "as json! gives it")]
    fn event(kind: &str, content: Value) -> Event {
        let raw = json!({
            "event_id": "$e", "sender": "@sam:x.test", "origin_server_ts": 1_767_607_200_000_i64,
            "type": kind, "content": content, "redacts": "$r",
        });
        Event::of(&raw, Some(Confidentiality::Encrypted)).unwrap()
    }

    fn bot() -> &'static UserId {
        user_id!("@bot:x.test")
    }

    fn text(content: Value) -> Event {
        event("m.room.message", content)
    }

    fn prompt(desk: bool) -> Event {
        let choices = ["Yes", "No"];
        let choices =
            choices.map(|label| Choice { id: label.to_lowercase(), label: label.to_owned() }).to_vec();
        let about = About { id: "1-0".to_owned(), prompt: 4, choices, desk };
        let mut prompt = text(content::message("Shall we?", &about));
        prompt.sender = "@bot:x.test".try_into().unwrap();
        prompt
    }

    fn person(event: &Event, target: Option<&Event>) -> Option<InputKind> {
        from_person(lane(room_id!("!r:x.test")), event, target, bot()).map(|incoming| incoming.input.what)
    }

    fn reply(body: &str) -> Event {
        text(json!({ "msgtype": "m.text", "body": body,
            "m.relates_to": { "m.in_reply_to": { "event_id": "$p" } } }))
    }

    fn reaction(key: &str) -> Event {
        event(
            "m.reaction",
            json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": "$p", "key": key } }),
        )
    }

    #[test]
    fn words_come_with_the_id_that_they_can_be_taken_back_by() {
        let room = lane(room_id!("!r:x.test"));
        let hello = text(json!({ "msgtype": "m.text", "body": "hello" }));
        let incoming = from_person(room, &hello, None, bot()).unwrap();
        assert_eq!(incoming.key, "$e");
        assert_eq!(incoming.native.as_deref(), Some("$e"));
        assert_eq!(incoming.lane.to_string(), "matrix:!r:x.test");
        assert_eq!(incoming.input.via, Some(Confidentiality::Encrypted));
        let InputKind::Message(message) = incoming.input.what else { panic!("no message") };
        assert_eq!((message.text.as_str(), message.id.as_deref()), ("hello", Some("$e")));
    }

    #[test]
    fn bots_and_what_is_no_talk_are_not_answered() {
        for content in [
            json!({ "msgtype": "m.notice", "body": "beep" }),
            json!({ "msgtype": "m.key.verification.request", "body": "verify me" }),
            json!({ "msgtype": "m.text", "body": "  " }),
            json!({}),
        ] {
            assert_eq!(person(&text(content.clone()), None), None, "{content}");
        }
        assert_eq!(person(&event("m.call.candidates", json!({})), None), None);
    }

    #[test]
    fn words_in_unknown_kinds_are_heard() {
        for (kind, content) in [
            ("m.message", json!({ "m.text": [{ "body": "help" }] })),
            ("org.example.new", json!({ "body": "help" })),
            ("m.room.message", json!({ "msgtype": "org.example", "body": "help" })),
            ("m.poll.start", json!({ "m.text": "help" })),
            ("m.room.message", json!({ "msgtype": "m.image", "filename": "a.jpg", "body": "help" })),
        ] {
            let Some(InputKind::Message(message)) = person(&event(kind, content), None) else {
                panic!("{kind} was not heard");
            };
            assert_eq!(message.text, "help", "{kind}");
        }
    }

    #[test]
    fn files_can_be_fetched_and_their_names_are_no_words() {
        let content = json!({ "msgtype": "m.audio", "body": "voice.ogg", "info": { "size": 9 },
            "file": { "url": "mxc://x.test/a", "key": {} } });
        let Some(InputKind::Message(message)) = person(&text(content), None) else { panic!("not heard") };
        assert_eq!(message.text, "");
        assert_eq!(message.attachment, Some(Attachment::Voice));
        let file = message.file.unwrap();
        assert_eq!((file.name.as_deref(), file.size), (Some("voice.ogg"), Some(9)));
        assert!(file.handle.contains("mxc://x.test/a"));
    }

    #[test]
    fn edit_is_a_correction_of_the_first_version() {
        let edit = text(json!({ "msgtype": "m.text", "body": "* eight",
            "m.new_content": { "msgtype": "m.text", "body": "eight" },
            "m.relates_to": { "rel_type": "m.replace", "event_id": "$first" } }));
        let incoming = from_person(lane(room_id!("!r:x.test")), &edit, None, bot()).unwrap();
        assert_eq!((incoming.key.as_str(), incoming.native.as_deref()), ("$e", Some("$first")));
        let InputKind::Message(message) = incoming.input.what else { panic!("no message") };
        assert!(message.edited);
        assert_eq!((message.text.as_str(), message.id.as_deref()), ("eight", Some("$first")));
    }

    #[test]
    fn reaction_or_reply_with_a_number_is_a_press_on_that_prompt() {
        let press = |choice: &str| Some(InputKind::Press { choice: choice.to_owned(), prompt: Some(4) });
        let prompt = prompt(false);
        assert_eq!(person(&reaction("1️⃣"), Some(&prompt)), press("yes"));
        assert_eq!(person(&reply("2"), Some(&prompt)), press("no"));
        assert_eq!(person(&reply("> <@bot:x.test> Shall we?\n> 1. Yes\n\nno"), Some(&prompt)), press("no"));
        assert_eq!(person(&reaction("👍"), Some(&prompt)), press("yes"));
        assert_eq!(person(&reaction("🎉"), Some(&prompt)), None);
        let mut safe = prompt.clone();
        let about = About {
            choices: ["yes", "no", "unsure"].map(|id| Choice::new(id, id)).to_vec(),
            ..About::read(&prompt.content).unwrap()
        };
        safe.content = content::message("Are you safe?", &about);
        let Some(InputKind::Message(message)) = person(&reaction("👍"), Some(&safe)) else {
            panic!("it is not passed over in silence");
        };
        assert_eq!(message.text, "👍");
        assert_eq!(person(&reaction("2️⃣"), Some(&safe)), press("no"));
        let Some(InputKind::Message(message)) = person(&reply("> <@b:x> a\n\nno, I feel bad"), Some(&prompt))
        else {
            panic!("more words than a choice are words");
        };
        assert_eq!(message.text, "no, I feel bad");
        let Some(InputKind::Message(message)) = person(&reaction("help me"), Some(&prompt)) else {
            panic!("words in a reaction are words");
        };
        assert_eq!(message.text, "help me");
        let mut lost = prompt.clone();
        (lost.via, lost.content) = (None, json!({}));
        let stale = InputKind::Press { choice: String::new(), prompt: Some(0) };
        assert_eq!(person(&reaction("1️⃣"), Some(&lost)), Some(stale));
    }

    #[test]
    fn what_is_taken_back_is_named() {
        let redaction = event("m.room.redaction", json!({}));
        assert_eq!(person(&redaction, None), Some(InputKind::Redacted { of: "$r".to_owned() }));
    }

    #[test]
    fn desk_knows_who_spoke_and_in_which_thread() {
        let room = || lane(room_id!("!d:x.test"));
        let thread = text(json!({ "msgtype": "m.text", "body": "!take",
            "m.relates_to": { "rel_type": "m.thread", "event_id": "$root", "is_falling_back": true,
                "m.in_reply_to": { "event_id": "$x" } } }));
        assert_eq!(thread.target(), None);
        let said = from_desk(room(), &thread, None, bot()).unwrap();
        assert_eq!(said.lane.to_string(), "matrix:!d:x.test/$root");
        assert_eq!((said.by.as_str(), said.said.text.as_str()), ("@sam:x.test", "!take"));

        let mut root =
            text(content::message("KWG-12345", &About { id: format!("{THREAD}1-0"), ..About::default() }));
        (root.id, root.sender) = ("$root".try_into().unwrap(), bot().to_owned());
        let said = from_desk(room(), &reply("hello"), Some(&root), bot()).unwrap();
        assert_eq!(said.lane.thread.as_deref(), Some("$root"), "a reply to the head of a thread");

        let mut alert = prompt(true);
        alert.content["m.relates_to"] = json!({ "rel_type": "m.thread", "event_id": "$root" });
        let said = from_desk(room(), &reaction("1️⃣"), Some(&alert), bot()).unwrap();
        assert_eq!((said.lane.thread.as_deref(), said.said.text.as_str()), (Some("$root"), "/yes"));
    }

    #[test]
    fn nobody_corrects_what_somebody_else_said_at_the_desk() {
        let edit = text(json!({ "msgtype": "m.text", "body": "* x",
            "m.new_content": { "msgtype": "m.text", "body": "x" },
            "m.relates_to": { "rel_type": "m.replace", "event_id": "$first" } }));
        let mut first = text(json!({ "msgtype": "m.text", "body": "y" }));
        let heard =
            |target: Option<&Event>| from_desk(lane(room_id!("!d:x.test")), &edit, target, bot()).is_some();
        assert!(heard(Some(&first)));
        first.sender = "@kim:x.test".try_into().unwrap();
        assert!(!heard(Some(&first)));
        assert!(!heard(None));
    }

    #[test]
    fn nobodys_message_stands_for_a_prompt_of_the_bot() {
        let mut forged = prompt(true);
        forged.sender = "@mallory:x.test".try_into().unwrap();
        let room = lane(room_id!("!d:x.test"));
        assert_eq!(from_desk(room.clone(), &reaction("1️⃣"), Some(&forged), bot()), None);
        let replied = from_desk(room, &reply("1"), Some(&forged), bot()).unwrap();
        assert_eq!(replied.said.text, "1", "words, and no command");
    }
}
