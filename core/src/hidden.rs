//! `Debug` of what people write: it ends in logs and in panics, where nobody's words may stand (P10). So it
//! tells how long a text is and nothing else; a test that needs the words asks for them.

use std::fmt;

/// A text by its length.
pub(crate) struct Letters<'a>(pub(crate) &'a str);

impl fmt::Debug for Letters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} letters>", self.0.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use crate::{
        channel::{Batch, FromDesk, Incoming, Proof},
        conversation::Conversation,
        dialogue::{Answer, Place, When},
        effect::{AuditKind, Choice, DeskKind, DeskPost, Effect, Media, Record, Say, SayKind},
        engine::{Member, Turn},
        ids::{ChannelKind, Lane, Reference},
        input::{Attachment, DeskMessage, FileRef, Input, InputKind, Message},
        safety::Heard,
        understanding::{Meaning, NeedFound, Reason},
    };

    const SAID: &str = "quetzalcoatl";

    fn said() -> String {
        SAID.to_owned()
    }

    fn media() -> Media {
        let (name, mime, size) = (Some(said()), None, Some(7));
        let file = FileRef { channel: ChannelKind::Matrix, handle: said(), name, mime, size };
        Media { kind: Attachment::Photo, file }
    }

    fn message() -> Message {
        Message { text: said(), file: Some(media().file), ..Message::default() }
    }

    #[test]
    fn nothing_that_was_said_is_in_what_debug_shows() {
        let (lane, at) = (Lane::new(ChannelKind::Telegram, "42"), Timestamp::UNIX_EPOCH);
        let (by, key) = ("42".to_owned(), "1".to_owned());
        let inputs = [
            InputKind::Message(message()),
            InputKind::Press { choice: said(), prompt: Some(1) },
            InputKind::Desk(DeskMessage { by: by.clone(), case: None, said: message(), redacted: false }),
            InputKind::Enrolled { name: said() },
            InputKind::Gaps(vec![json!({ "text": SAID })]),
        ];
        let incoming = |what| Incoming {
            lane: lane.clone(),
            key: key.clone(),
            order: 0,
            native: None,
            input: Input::new(at, what),
        };
        let batch = Batch {
            incoming: inputs.map(incoming).to_vec(),
            desk: vec![FromDesk {
                lane: lane.clone(),
                key: key.clone(),
                native: None,
                by: by.clone(),
                at,
                said: message(),
                redacted: false,
            }],
            proofs: vec![Proof { lane: lane.clone(), key: key.clone(), order: 0, by, at, code: said() }],
            cursor: None,
        };
        let choices = vec![Choice::new("yes", SAID)];
        let effects = vec![
            Effect::Say(Say {
                choices: choices.clone(),
                media: Some(media()),
                ..Say::new(SayKind::Bot, SAID)
            }),
            Effect::Desk(DeskPost { choices, ..DeskPost::new(None, DeskKind::Message, SAID) }),
            Effect::Save(Record {
                kind: "gap".to_owned(),
                reference: Reference("GAP-AAAAA".to_owned()),
                data: json!({ "text": SAID }),
            }),
            Effect::Amend { of: key, text: Some(said()) },
            Effect::Audit { what: AuditKind::Noted, by: Some(said()), case: None },
        ];
        let mut conversation = Conversation { area: Some(said()), ..Conversation::default() };
        let when = When { text: Some(said()), by: Some(said()), ..When::default() };
        let answers = [
            ("organisation", Answer::Text(said())),
            ("staff", Answer::Choice(said())),
            ("when", Answer::When(when)),
            ("needs", Answer::Needs(vec![(said(), 1.0)])),
        ];
        let answers = answers.map(|(field, answer)| (field.to_owned(), answer)).into();
        let place = Place { answers, ..Place::default() };
        conversation.place = Some(place.clone());
        let reasons = vec![Reason { rule: "a-rule".to_owned(), words: said() }];
        let need = NeedFound { id: "sleep".to_owned(), score: 1.0, because: vec![said()] };
        let heard = Heard { reasons: reasons.clone(), pieces: reasons.clone(), ..Heard::default() };
        let meaning = Meaning { reasons, needs: vec![need], ..Meaning::default() };
        let turn = Turn { conversation, effects };
        let member = Member { name: said(), organisation: None, duty_lead: true };
        let shown = format!(
            "{batch:?}\n{batch:#?}\n{turn:?}\n{turn:#?}\n{member:?}\n{place:?}\n{heard:?}\n{meaning:?}"
        );
        assert!(!shown.contains(SAID), "{shown}");
        assert!(shown.contains("<12 letters>"), "{shown}");
        assert!(
            shown.contains("organisation") && shown.contains("a-rule"),
            "where it stands is told: {shown}"
        );
    }
}
