//! What was sent already: its text changed, deleted, or marked.

use std::time::Duration;

use chatbox_core::{
    channel::{Delivery, Mark, Refusal},
    ids::Lane,
};
use serde_json::{Value, json};
use teloxide_core::{payloads::DeleteMessages, types::MessageId};
use tokio::time::Instant;

use crate::{
    Telegram,
    call::Outcome,
    file::MAX_CAPTION,
    receive::{COURTESY, note},
    send::{Place, message_ids, refusal},
    split::{MAX_TEXT, split},
};

/// Stands at the end of an edit that needs more messages than there were.
const CUT: &str = " … (cut here)";

impl Telegram {
    pub(crate) async fn edit(&self, to: &Lane, native: &str, text: &str, within: Duration) -> Delivery {
        let (Some(place), ids) = (Place::of(to), message_ids(native)) else { return bad() };
        let deadline = Instant::now() + within;
        let mut pieces: Vec<String> = split(text, MAX_TEXT).into_iter().map(str::to_owned).collect();
        if pieces.len() > ids.len() {
            pieces.truncate(ids.len());
            if let Some(last) = pieces.last_mut() {
                shorten(last, MAX_TEXT);
            }
        }
        for (nth, id) in ids.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let outcome = match pieces.get(nth) {
                Some(piece) => self.edit_one(place, *id, piece, left).await,
                None => self.api.call(&DeleteMessages::new(place.chat, vec![*id]), left).await,
            };
            if let Some(failed) = failure(to, &outcome) {
                return failed;
            }
        }
        Delivery::Sent { native: native.to_owned() }
    }

    /// What was sent with a file has its words under it.
    async fn edit_one(&self, place: Place, id: MessageId, text: &str, within: Duration) -> Outcome<Value> {
        let payload = json!({"chat_id": place.chat, "message_id": id.0, "text": text,
            "link_preview_options": {"is_disabled": true}});
        match self.api.post("editMessageText", &payload, within).await {
            Outcome::Refused(refused) if refused.description.contains("no text in the message") => {
                let mut caption = text.to_owned();
                if caption.encode_utf16().count() > MAX_CAPTION {
                    shorten(&mut caption, MAX_CAPTION);
                }
                let payload = json!({"chat_id": place.chat, "message_id": id.0, "caption": caption});
                self.api.post("editMessageCaption", &payload, within).await
            }
            outcome @ (Outcome::Done(_)
            | Outcome::Refused(_)
            | Outcome::RetryAfter(_)
            | Outcome::Unsent(_)
            | Outcome::Unknown) => outcome,
        }
    }

    pub(crate) async fn unsend(&self, to: &Lane, native: &str, within: Duration) -> Delivery {
        let Some(place) = Place::of(to) else { return bad() };
        let payload = DeleteMessages::new(place.chat, message_ids(native));
        let outcome: Outcome<Value> = self.api.call(&payload, within).await;
        failure(to, &outcome).unwrap_or(Delivery::Sent { native: native.to_owned() })
    }

    pub(crate) async fn react(&self, at: &Lane, native: &str, mark: Mark) {
        let (Some(place), Some(id)) = (Place::of(at), message_ids(native).last().copied()) else { return };
        let emoji = match mark {
            Mark::Delivered => "👍",
            Mark::Failed => "👎",
        };
        let payload = json!({"chat_id": place.chat, "message_id": id.0,
            "reaction": [{"type": "emoji", "emoji": emoji}]});
        let outcome: Outcome<Value> = self.api.post("setMessageReaction", &payload, COURTESY).await;
        note("setMessageReaction", &outcome);
    }
}

/// `None` when the message is as it should be.
fn failure(to: &Lane, outcome: &Outcome<Value>) -> Option<Delivery> {
    match outcome {
        Outcome::Done(_) => None,
        Outcome::Refused(refused)
            if refused.description.contains("not modified")
                || refused.description.contains("delete not found") =>
        {
            None
        }
        Outcome::Refused(refused) => Some(Delivery::Refused(refusal(to, refused))),
        Outcome::RetryAfter(wait) => Some(Delivery::RetryAfter(*wait)),
        Outcome::Unsent(_) => Some(Delivery::Unsent),
        Outcome::Unknown => Some(Delivery::Unknown),
    }
}

fn shorten(text: &mut String, limit: usize) {
    let room = limit - CUT.encode_utf16().count();
    let first = split(text, room).first().map_or(0, |first| first.len());
    text.truncate(first);
    text.push_str(CUT);
}

fn bad() -> Delivery {
    Delivery::Refused(Refusal::Bad { code: 400 })
}
