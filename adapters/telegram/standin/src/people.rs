//! People and groups, as a test plays them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use thiserror::Error;

use crate::{
    media::Media,
    methods::chats::membership,
    shared::Shared,
    standin::{PATIENCE, give_up},
    text::utf16,
    transcript::{Entry, Event, keyboard_of},
    world::{ANONYMOUS_ADMIN, Kind, Query, Rank, Topic, World},
};

/// A person, in their private chat with the bot or in a group ([`User::in_group`]). Clones share
/// what they have heard.
#[derive(Clone)]
pub struct User {
    shared: Shared,
    id: i64,
    chat: i64,
    thread: Option<i64>,
    anonymous: bool,
    heard: Arc<AtomicU64>,
}

/// The pressed button hangs on no message of that chat, or hangs there no longer.
#[derive(Debug, Error)]
#[error("no button \"{wanted}\" hangs in chat {chat}; there are: {there}")]
pub struct NoSuchButton {
    wanted: String,
    chat: i64,
    there: String,
}

impl User {
    pub(crate) fn new(shared: Shared, id: i64) -> Self {
        Self { shared, id, chat: id, thread: None, anonymous: false, heard: Arc::default() }
    }

    pub fn id(&self) -> i64 {
        self.id
    }

    /// The same person in a group, which they join.
    #[must_use]
    pub fn in_group(&self, group: &Group) -> Self {
        self.shared.with(|world| {
            if let Some(chat) = world.chats.get_mut(&group.id) {
                chat.members.entry(self.id).or_insert(Rank::Member);
            }
        });
        self.in_chat(group.id)
    }

    pub(crate) fn in_chat(&self, chat: i64) -> Self {
        Self { chat, thread: None, heard: Arc::default(), ..self.clone() }
    }

    /// The same person in a topic of the group they are in.
    #[must_use]
    pub fn in_topic(&self, thread: i64) -> Self {
        Self { thread: Some(thread), heard: Arc::default(), ..self.clone() }
    }

    /// The same person as an administrator of the group who hides their name.
    #[must_use]
    pub fn anonymously(&self) -> Self {
        Self { anonymous: true, ..self.clone() }
    }

    /// Writes a text; returns the message's id. Writing privately to the bot starts or unblocks it.
    pub fn says(&self, text: &str) -> i64 {
        self.posts(written(text))
    }

    /// Writes a text that Telegram dates that long ago.
    pub fn said_ago(&self, text: &str, ago: Duration) -> i64 {
        let ago = i64::try_from(ago.as_secs()).unwrap_or_default();
        let date = self.shared.look(World::now) - ago;
        let mut content = written(text);
        content["date"] = json!(date);
        self.posts(content)
    }

    /// Passes on what somebody else wrote.
    pub fn forwards(&self, text: &str) -> i64 {
        let mut content = written(text);
        let date = self.shared.look(World::now);
        content["forward_origin"] =
            json!({"type": "hidden_user", "sender_user_name": "Someone", "date": date});
        content["forward_date"] = json!(date);
        self.posts(content)
    }

    /// Replies to a message of the chat.
    pub fn replies(&self, to: i64, text: &str) -> i64 {
        let mut content = written(text);
        let quoted =
            self.shared.look(|world| Some(world.chats.get(&self.chat)?.messages.get(&to)?.body.clone()));
        if let Some(quoted) = quoted {
            content["reply_to_message"] = quoted;
        }
        self.posts(content)
    }

    /// Sends something that is not text; an empty caption is none.
    pub fn sends(&self, media: Media, caption: &str) -> i64 {
        let content = self.shared.with(|world| media.content(world, caption));
        self.posts(content)
    }

    pub fn sends_voice(&self, caption: &str) -> i64 {
        self.sends(Media::Voice, caption)
    }

    pub fn sends_photo(&self, caption: &str) -> i64 {
        self.sends(Media::Photo, caption)
    }

    pub fn sends_sticker(&self) -> i64 {
        self.sends(Media::Sticker, "")
    }

    /// Sends a message with these fields beside id, sender, chat and date.
    pub fn posts(&self, content: Value) -> i64 {
        self.shared.with(|world| {
            self.opens_private_chat(world);
            let from = if self.anonymous { ANONYMOUS_ADMIN } else { self.id };
            let mut content = content;
            if self.anonymous {
                content["sender_chat"] = world.chat_json(self.chat);
            }
            let message = world.post(self.chat, from, self.thread, content);
            if bot_sees(world, self.chat, &message) {
                world.update("message", self.chat, &message);
            }
            message["message_id"].as_i64().unwrap_or_default()
        })
    }

    /// Changes the text of an earlier message of theirs.
    pub fn edits(&self, message: i64, text: &str) {
        self.shared.with(|world| {
            let now = world.now();
            let Some(stored) = world.chats.get_mut(&self.chat).and_then(|c| c.messages.get_mut(&message))
            else {
                panic!("There is no message {message} in chat {} to edit.", self.chat);
            };
            // Two edits within a second would have one date, which Telegram's ids cannot tell apart.
            let last = stored.body["edit_date"].as_i64().unwrap_or_default();
            let field = if stored.body.get("caption").is_some() { "caption" } else { "text" };
            stored.body[field] = json!(text);
            stored.body["edit_date"] = json!(now.max(last + 1));
            let body = stored.body.clone();
            world.note(Event::Edited, self.id, &body, None);
            if bot_sees(world, self.chat, &body) {
                world.update("edited_message", self.chat, &body);
            }
        });
    }

    /// Presses the newest button with this label or this data; part of a label will do. Returns
    /// the id of the callback query.
    ///
    /// # Panics
    /// When no such button hangs in the chat.
    pub fn presses(&self, button: &str) -> String {
        self.try_presses(button).unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`presses`](Self::presses), without the panic.
    pub fn try_presses(&self, button: &str) -> Result<String, NoSuchButton> {
        self.press(None, button)
    }

    /// Presses a button of one message.
    pub fn presses_on(&self, message: i64, button: &str) -> Result<String, NoSuchButton> {
        self.press(Some(message), button)
    }

    fn press(&self, on: Option<i64>, button: &str) -> Result<String, NoSuchButton> {
        self.shared.with(|world| {
            let (message, data) = find_button(world, self.chat, on, button)?;
            let id = format!("{}{:09}", self.id, world.serial());
            let asked = world.now();
            world.queries.insert(id.clone(), Query { asked, answered: false, chat: self.chat });
            world.note(Event::Pressed, self.id, &message, Some(&data));
            let query = json!({"id": id, "from": world.user(self.id), "message": message,
                "chat_instance": self.chat.to_string(), "data": data});
            world.update("callback_query", self.chat, &query);
            Ok(id)
        })
    }

    /// Blocks the bot.
    pub fn blocks(&self) {
        self.shared.with(|world| self.changes_bot(world, None));
    }

    /// Lets the bot in again, without writing to it.
    pub fn unblocks(&self) {
        self.shared.with(|world| self.changes_bot(world, Some(Rank::Member)));
    }

    /// The next message of the bot in this chat (and topic) that this was not yet returned for.
    ///
    /// # Panics
    /// When none comes for 20 seconds.
    pub async fn next_message(&self) -> Entry {
        self.next(Event::Sent).await
    }

    /// The next event of this kind by the bot in this chat (and topic), after the last one returned.
    ///
    /// # Panics
    /// When none comes for 20 seconds.
    pub async fn next(&self, event: Event) -> Entry {
        let heard = self.heard.load(Ordering::SeqCst);
        let found = self.shared.wait(PATIENCE, |world| {
            world
                .transcript
                .iter()
                .find(|entry| {
                    entry.seq > heard
                        && entry.bot
                        && entry.event == event
                        && entry.chat == self.chat
                        && (self.thread.is_none() || entry.thread == self.thread)
                })
                .cloned()
        });
        let Some(entry) = found.await else {
            give_up(&self.shared, &format!("the bot in chat {} ({event:?})", self.chat))
        };
        self.heard.store(entry.seq, Ordering::SeqCst);
        entry
    }

    /// The ids of the messages that are in the chat now, oldest first.
    pub fn visible(&self) -> Vec<i64> {
        self.shared.look(|world| {
            world
                .chats
                .get(&self.chat)
                .map(|chat| chat.messages.keys().copied().collect())
                .unwrap_or_default()
        })
    }

    fn opens_private_chat(&self, world: &mut World) {
        let Some(chat) = world.chats.get_mut(&self.chat) else { return };
        if chat.kind != Kind::Private || chat.bot.is_some() {
            return;
        }
        if std::mem::replace(&mut chat.opened, true) {
            self.changes_bot(world, Some(Rank::Member));
        } else {
            chat.bot = Some(Rank::Member);
        }
    }

    fn changes_bot(&self, world: &mut World, to: Option<Rank>) {
        change_bot(world, self.chat, self.id, to);
    }
}

/// A group, supergroup or channel.
#[derive(Clone)]
pub struct Group {
    shared: Shared,
    id: i64,
}

impl Group {
    pub(crate) fn new(shared: Shared, id: i64, kind: Kind, title: &str) -> Self {
        shared.with(|world| {
            world.chat(id, kind, title);
        });
        Self { shared, id }
    }

    pub fn id(&self) -> i64 {
        self.id
    }

    /// Lets the bot in, or changes what it may do. Only an administrator reads everything and
    /// manages topics; others see commands, mentions and replies to them.
    pub fn adds_bot(&self, by: &User, admin: bool) {
        let rank = if admin { Rank::Admin } else { Rank::Member };
        self.shared.with(|world| change_bot(world, self.id, by.id, Some(rank)));
    }

    pub fn removes_bot(&self, by: &User) {
        self.shared.with(|world| change_bot(world, self.id, by.id, None));
    }

    /// Makes somebody an administrator.
    pub fn promotes(&self, user: &User) {
        self.shared.with(|world| {
            if let Some(chat) = world.chats.get_mut(&self.id) {
                chat.members.insert(user.id, Rank::Admin);
            }
        });
    }

    /// Becomes a supergroup with a new id.
    #[must_use]
    pub fn migrates_to(&self, id: i64) -> Self {
        self.shared.with(|world| {
            let (title, members, bot) = match world.chats.get_mut(&self.id) {
                Some(old) => {
                    old.migrated_to = Some(id);
                    (old.title.clone(), old.members.clone(), old.bot)
                }
                None => return,
            };
            let new = world.chat(id, Kind::Supergroup { forum: false }, &title);
            new.members = members;
            new.bot = bot;
            for (chat, note) in
                [(self.id, json!({"migrate_to_chat_id": id})), (id, json!({"migrate_from_chat_id": self.id}))]
            {
                let message = world.post(chat, ANONYMOUS_ADMIN, None, note);
                world.update("message", chat, &message);
            }
        });
        Self { shared: self.shared.clone(), id }
    }

    /// Somebody opens a topic; returns its thread id.
    pub fn opens_topic(&self, by: &User, name: &str) -> i64 {
        self.shared.with(|world| {
            let content = json!({"forum_topic_created": {"name": name, "icon_color": 7_322_096}});
            let mut message = world.post(self.id, by.id, None, content);
            let thread = message["message_id"].as_i64().unwrap_or_default();
            if let Some(chat) = world.chats.get_mut(&self.id) {
                chat.topics.insert(thread, Topic { name: name.to_owned(), closed: false });
            }
            message["message_thread_id"] = json!(thread);
            message["is_topic_message"] = json!(true);
            if bot_sees(world, self.id, &message) {
                world.update("message", self.id, &message);
            }
            thread
        })
    }

    /// A post in a channel: it has no sender but the channel.
    pub fn posts(&self, text: &str) -> i64 {
        self.shared.with(|world| {
            let sender = world.chat_json(self.id);
            let mut content = written(text);
            content["sender_chat"] = sender;
            let mut post = world.post(self.id, ANONYMOUS_ADMIN, None, content);
            if let Some(post) = post.as_object_mut() {
                post.remove("from");
            }
            world.update("channel_post", self.id, &post);
            post["message_id"].as_i64().unwrap_or_default()
        })
    }
}

/// A text as a client sends it, with the entity that marks a command.
fn written(text: &str) -> Value {
    let mut content = json!({"text": text});
    if text.starts_with('/') {
        let command = text.split_whitespace().next().unwrap_or_default();
        content["entities"] = json!([{"type": "bot_command", "offset": 0, "length": utf16(command)}]);
    }
    content
}

/// Whether Telegram shows a message to the bot: in groups only an administrator sees everything.
fn bot_sees(world: &World, chat: i64, message: &Value) -> bool {
    let Some(chat) = world.chats.get(&chat) else { return false };
    match (chat.kind, chat.bot) {
        (_, None) => false,
        (Kind::Private | Kind::Channel, _) | (_, Some(Rank::Admin)) => true,
        (Kind::Group | Kind::Supergroup { .. }, Some(Rank::Member)) => {
            let text = message["text"].as_str().or(message["caption"].as_str()).unwrap_or_default();
            let name = world.bot["username"].as_str().unwrap_or_default();
            let to_bot = message["reply_to_message"]["from"]["id"] == world.bot["id"];
            text.starts_with('/') || text.contains(&format!("@{name}")) || to_bot
        }
    }
}

fn change_bot(world: &mut World, chat: i64, by: i64, to: Option<Rank>) {
    let Some(place) = world.chats.get_mut(&chat) else { return };
    let private = place.kind == Kind::Private;
    let old = std::mem::replace(&mut place.bot, to);
    let bot = world.bot_user();
    let member = |rank: Option<Rank>| {
        if rank.is_none() && private {
            json!({"status": "kicked", "user": bot, "until_date": 0})
        } else {
            membership(&bot, rank)
        }
    };
    let change = json!({"chat": world.chat_json(chat), "from": world.user(by), "date": world.now(),
        "old_chat_member": member(old), "new_chat_member": member(to)});
    world.update("my_chat_member", chat, &change);
}

/// The newest message that has the button, and the button's data.
fn find_button(
    world: &World,
    chat: i64,
    on: Option<i64>,
    wanted: &str,
) -> Result<(Value, String), NoSuchButton> {
    let messages = world.chats.get(&chat).map(|chat| &chat.messages);
    let mut there = Vec::new();
    let lower = wanted.to_lowercase();
    let mut close = None;
    for message in messages.into_iter().flat_map(|messages| messages.values().rev()) {
        if !message.by_bot || on.is_some_and(|id| message.body["message_id"] != json!(id)) {
            continue;
        }
        for button in keyboard_of(&message.body).into_iter().flatten() {
            let Some(data) = button.data else { continue };
            if button.text == wanted || data == wanted {
                return Ok((message.body.clone(), data));
            }
            if close.is_none() && button.text.to_lowercase().contains(&lower) {
                close = Some((message.body.clone(), data.clone()));
            }
            there.push(button.text);
        }
    }
    close.ok_or_else(|| NoSuchButton { wanted: wanted.to_owned(), chat, there: there.join(" | ") })
}
