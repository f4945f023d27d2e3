//! Texts on their way out, and taking them back.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use chatbox_core::{
    channel::{Delivery, Post, Refusal, ThreadError},
    ids::{ChannelKind, Lane, OutboxId},
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};
use teloxide_core::{
    payloads::{
        CreateForumTopic, DeleteMessages, EditMessageReplyMarkup, SendChatAction, SendChatActionSetters,
        SendMessage, SendMessageSetters,
    },
    types::{ChatAction, ChatId, ForumTopic, LinkPreviewOptions, MessageId, ReplyMarkup, ThreadId},
};
use tokio::time::Instant;

use crate::{
    Telegram,
    call::{Outcome, Refused},
    file::{MAX_CAPTION, Sending, merge},
    press,
    receive::{COURTESY, note},
    split::{MAX_TEXT, split, utf16},
};

/// What one `deleteMessages` takes.
const MAX_DELETED: usize = 100;
/// After this many messages in a row that cannot be deleted, older ones are not tried.
const MAX_STUCK: usize = 3;
/// How many texts that went out in part are remembered.
const MAX_PARTIAL: usize = 1000;

/// Which parts of long texts are out already, so that the next try of the same text goes on there.
/// Lost with the process: then a text of which a part went out is sent anew from its beginning.
#[derive(Default)]
pub(crate) struct Partial(BTreeMap<OutboxId, Vec<String>>);

impl fmt::Debug for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Partial({})", self.0.len())
    }
}

impl Partial {
    fn keep(&mut self, id: OutboxId, natives: Vec<String>) {
        if natives.is_empty() {
            return;
        }
        if self.0.len() >= MAX_PARTIAL {
            self.0.pop_first();
        }
        self.0.insert(id, natives);
    }
}

/// All that is needed of a message that was sent.
#[derive(Debug, Deserialize)]
pub(crate) struct Sent {
    message_id: i64,
}

/// A chat, and a topic of it, as Telegram numbers them.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) chat: ChatId,
    pub(crate) thread: Option<ThreadId>,
}

impl Place {
    pub(crate) fn of(lane: &Lane) -> Option<Self> {
        let chat = ChatId(lane.chat.parse().ok()?);
        let thread = match &lane.thread {
            Some(thread) => Some(ThreadId(MessageId(thread.parse().ok()?))),
            None => None,
        };
        Some(Self { chat, thread })
    }
}

impl Telegram {
    pub(crate) async fn deliver(
        &self,
        to: &Lane,
        post: &Post,
        file: Option<&[u8]>,
        id: OutboxId,
        within: Duration,
    ) -> Delivery {
        let Some(place) = Place::of(to) else { return Delivery::Refused(Refusal::Bad { code: 400 }) };
        let deadline = Instant::now() + within;
        let parts = parts(place, post, file);
        let mut natives = self.partial().0.remove(&id).unwrap_or_default();
        for part in parts.iter().skip(natives.len()) {
            let left = deadline.saturating_duration_since(Instant::now());
            let outcome: Outcome<Sent> = match part {
                Part::Text(message) => self.api.call(&**message, left).await,
                Part::File { sending, fields } => Box::pin(sending.send(self, fields, left)).await,
            };
            let failed = match outcome {
                Outcome::Done(sent) => {
                    natives.push(sent.message_id.to_string());
                    continue;
                }
                Outcome::Refused(refused) => {
                    if let Some(moved) = refused.migrate_to {
                        self.follow(place.chat.0, moved);
                    }
                    return Delivery::Refused(refusal(to, &refused));
                }
                Outcome::RetryAfter(wait) => Delivery::RetryAfter(wait),
                Outcome::Unsent(_) => Delivery::Unsent,
                Outcome::Unknown => Delivery::Unknown,
            };
            self.partial().keep(id, natives);
            return failed;
        }
        Delivery::Sent { native: natives.join(",") }
    }

    pub(crate) async fn show_typing(&self, to: &Lane) {
        let Some(place) = Place::of(to) else { return };
        let mut payload = SendChatAction::new(place.chat, ChatAction::Typing);
        if let Some(thread) = place.thread {
            payload = payload.message_thread_id(thread);
        }
        let outcome: Outcome<IgnoredAny> = self.api.call(&payload, COURTESY).await;
        note("SendChatAction", &outcome);
    }

    pub(crate) async fn take_buttons_off(&self, to: &Lane, native: &str) {
        // The buttons hang on the last part of a text.
        let (Some(place), Some(message)) = (Place::of(to), message_ids(native).last().copied()) else {
            return;
        };
        let payload = EditMessageReplyMarkup::new(place.chat, message);
        let outcome: Outcome<IgnoredAny> = self.api.call(&payload, COURTESY).await;
        note("EditMessageReplyMarkup", &outcome);
    }

    /// Deletes newest first, because what cannot be deleted is what is over 48 hours old: one such
    /// message fails its whole batch, which is then tried in halves.
    pub(crate) async fn delete(&self, to: &Lane, natives: &[String]) -> usize {
        let Some(place) = Place::of(to) else { return natives.len() };
        let ids: BTreeSet<i32> =
            natives.iter().flat_map(|native| message_ids(native)).map(|id| id.0).collect();
        let newest_first: Vec<MessageId> = ids.into_iter().rev().map(MessageId).collect();
        let mut batches: Vec<Vec<MessageId>> =
            newest_first.chunks(MAX_DELETED).rev().map(<[_]>::to_vec).collect();
        let mut remaining = 0;
        let mut stuck = 0;
        while let Some(mut batch) = batches.pop() {
            if stuck >= MAX_STUCK {
                remaining += batch.len();
                continue;
            }
            let payload = DeleteMessages::new(place.chat, batch.clone());
            match self.api.call::<_, IgnoredAny>(&payload, COURTESY).await {
                Outcome::Done(_) => stuck = 0,
                Outcome::Refused(refused) if refused.code == 400 && batch.len() > 1 => {
                    let older = batch.split_off(batch.len() / 2);
                    batches.push(older);
                    batches.push(batch);
                }
                Outcome::Refused(refused) if refused.description.contains("not found") => {}
                failed @ (Outcome::Refused(_)
                | Outcome::RetryAfter(_)
                | Outcome::Unsent(_)
                | Outcome::Unknown) => {
                    note("DeleteMessages", &failed);
                    stuck = if matches!(failed, Outcome::Refused(_)) { stuck + 1 } else { MAX_STUCK };
                    remaining += batch.len();
                }
            }
        }
        remaining
    }

    /// Opens a topic in a forum group, for a case at the desk. Gives up within `within`; an
    /// unknown outcome may leave an empty topic behind. The bot must be an administrator there
    /// who may manage topics.
    pub(crate) async fn create_topic(
        &self,
        room: &Lane,
        name: &str,
        within: Duration,
    ) -> Result<Lane, ThreadError> {
        let Some(place) = Place::of(room) else { return Err(ThreadError::Refused { code: 400 }) };
        let name: String = name.chars().take(100).collect();
        let payload = CreateForumTopic::new(place.chat, name);
        match self.api.call::<_, ForumTopic>(&payload, within).await {
            Outcome::Done(topic) => Ok(room.clone().in_thread(topic.thread_id.0.0.to_string())),
            Outcome::Refused(Refused { migrate_to: Some(to), .. }) => {
                self.follow(place.chat.0, to);
                Err(ThreadError::Moved(Lane::new(ChannelKind::Telegram, to.to_string())))
            }
            Outcome::Refused(refused) => Err(ThreadError::Refused { code: refused.code }),
            Outcome::RetryAfter(wait) => Err(ThreadError::RetryAfter(wait)),
            Outcome::Unsent(_) => Err(ThreadError::Unsent),
            Outcome::Unknown => Err(ThreadError::Unknown),
        }
    }
}

/// One message of a post.
enum Part<'a> {
    Text(Box<SendMessage>),
    File { sending: Sending<'a>, fields: Value },
}

/// The messages of a post, in order; the buttons hang on the last. A file comes after its words,
/// unless they fit under it.
fn parts<'a>(place: Place, post: &'a Post, file: Option<&'a [u8]>) -> Vec<Part<'a>> {
    let (text, keyboard, media) = match post {
        Post::Say(say) => (say.text.clone(), press::keyboard(say.prompt, &say.choices), &say.media),
        // Outside a topic nothing else says which case it is about.
        Post::Desk(post) => match &post.case {
            Some(case) if place.thread.is_none() => (format!("{case}: {}", post.text), None, &post.media),
            Some(_) | None => (post.text.clone(), press::keyboard(0, &post.choices), &post.media),
        },
    };
    let sending = media.as_ref().and_then(|media| Sending::of(media, file));
    let caption = sending.as_ref().is_some_and(|sending| sending.captioned) && utf16(&text) <= MAX_CAPTION;
    let mut parts = Vec::new();
    if sending.is_none() || !(caption || text.is_empty()) {
        parts.extend(
            split(&text, MAX_TEXT).into_iter().map(|part| Part::Text(Box::new(message(place, part)))),
        );
    }
    if let Some(sending) = sending {
        let mut fields = json!({ "chat_id": place.chat });
        if let Some(thread) = place.thread {
            fields["message_thread_id"] = json!(thread.0.0);
        }
        if caption && !text.is_empty() {
            fields["caption"] = json!(text);
        }
        parts.push(Part::File { sending, fields });
    }
    match (keyboard, parts.last_mut()) {
        (Some(keyboard), Some(Part::Text(last))) => {
            last.reply_markup = Some(ReplyMarkup::InlineKeyboard(keyboard));
        }
        (Some(keyboard), Some(Part::File { fields, .. })) => {
            merge(fields, &json!({ "reply_markup": keyboard }));
        }
        (None, _) | (Some(_), None) => {}
    }
    parts
}

fn message(place: Place, text: &str) -> SendMessage {
    let message = SendMessage::new(place.chat, text).link_preview_options(NO_PREVIEW);
    match place.thread {
        Some(thread) => message.message_thread_id(thread),
        None => message,
    }
}

const NO_PREVIEW: LinkPreviewOptions = LinkPreviewOptions {
    is_disabled: true,
    url: None,
    prefer_small_media: false,
    prefer_large_media: false,
    show_above_text: false,
};

pub(crate) fn refusal(to: &Lane, refused: &Refused) -> Refusal {
    match (refused.migrate_to, refused.code) {
        (Some(chat), _) => {
            // Topics do not move along.
            Refusal::Moved(Lane::new(to.channel, chat.to_string()))
        }
        (None, 403) => Refusal::Gone,
        (None, _) if refused.description.contains("thread not found") => Refusal::NoThread,
        (None, code) => Refusal::Bad { code },
    }
}

/// The messages that a native id stands for: one, or the parts of a long text.
pub(crate) fn message_ids(native: &str) -> Vec<MessageId> {
    native.split(',').filter_map(|id| id.parse().ok().map(MessageId)).collect()
}
