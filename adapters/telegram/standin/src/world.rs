//! Everything that exists: people, chats, messages, updates that wait for the bot.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    hash::{BuildHasher, RandomState},
    net::TcpStream,
    sync::Weak,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    fault::Fault,
    methods::Fail,
    params::Upload,
    transcript::{Call, Entry, Event, keyboard_of},
};

/// The account that posts for administrators who hide their names.
pub(crate) const ANONYMOUS_ADMIN: i64 = 1_087_968_824;

pub(crate) struct World {
    pub(crate) token: String,
    pub(crate) bot: Value,
    pub(crate) people: BTreeMap<i64, Person>,
    pub(crate) chats: BTreeMap<i64, Chat>,
    pub(crate) updates: Updates,
    pub(crate) queries: BTreeMap<String, Query>,
    pub(crate) files: BTreeMap<String, Upload>,
    pub(crate) profile: BTreeMap<String, Value>,
    pub(crate) faults: Vec<Fault>,
    /// Until when a chat takes no sends, after a 429.
    pub(crate) not_before: BTreeMap<i64, Instant>,
    pub(crate) violations: usize,
    pub(crate) transcript: Vec<Entry>,
    pub(crate) calls: Vec<Call>,
    pub(crate) connections: Vec<Weak<TcpStream>>,
    pub(crate) started: Instant,
    /// Seconds by which the clock was moved on.
    pub(crate) skew: i64,
    /// Private chats and basic groups number their messages together, supergroups on their own.
    next_message: i64,
    serial: u64,
}

pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) username: Option<String>,
    pub(crate) is_bot: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Private,
    Group,
    Supergroup { forum: bool },
    Channel,
}

pub(crate) struct Chat {
    pub(crate) kind: Kind,
    pub(crate) title: String,
    pub(crate) members: BTreeMap<i64, Rank>,
    /// What the bot is in it: `None` when it was never let in, was blocked, or left.
    pub(crate) bot: Option<Rank>,
    /// The person has written to the bot: before that it does not know the chat.
    pub(crate) opened: bool,
    pub(crate) migrated_to: Option<i64>,
    pub(crate) topics: BTreeMap<i64, Topic>,
    pub(crate) messages: BTreeMap<i64, Message>,
    next_message: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rank {
    Member,
    Admin,
}

pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) closed: bool,
}

/// A message as Telegram writes it, and what Telegram knows beside it.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) body: Value,
    pub(crate) by_bot: bool,
    pub(crate) date: i64,
}

pub(crate) struct Query {
    pub(crate) asked: i64,
    pub(crate) answered: bool,
    pub(crate) chat: i64,
}

pub(crate) struct Updates {
    pub(crate) queue: VecDeque<Pending>,
    next_id: i64,
    pub(crate) allowed: Option<Vec<String>>,
    /// Counts polls: an older one that still waits is turned away.
    pub(crate) poll: u64,
    pub(crate) webhook: Option<Webhook>,
}

pub(crate) struct Pending {
    pub(crate) id: i64,
    /// Webhook pushes of one chat never overtake each other.
    pub(crate) chat: i64,
    pub(crate) body: Value,
}

#[derive(Clone)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) secret: Option<String>,
    pub(crate) connections: usize,
    pub(crate) in_flight: BTreeSet<i64>,
    pub(crate) last_error: Option<(i64, String)>,
    /// Tells this one from the webhooks before it.
    pub(crate) serial: u64,
}

impl Updates {
    /// Forgets updates before `offset`; a negative one keeps only that many of the newest.
    pub(crate) fn confirm(&mut self, offset: i64) {
        if offset < 0 {
            let keep = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
            let drop = self.queue.len().saturating_sub(keep);
            self.queue.drain(..drop);
        } else {
            while self.queue.front().is_some_and(|update| update.id < offset) {
                self.queue.pop_front();
            }
        }
    }

    /// From now on queues only these kinds; an empty list stands for the usual ones.
    pub(crate) fn allow(&mut self, kinds: &Value) {
        let kinds: Vec<String> =
            kinds.as_array().into_iter().flatten().filter_map(|k| k.as_str().map(str::to_owned)).collect();
        self.allowed = (!kinds.is_empty()).then_some(kinds);
    }
}

impl World {
    pub(crate) fn new(token: &str) -> Self {
        let id: i64 = token.split(':').next().and_then(|id| id.parse().ok()).unwrap_or(12345);
        let first_update = i64::try_from(RandomState::new().hash_one(token) % 900_000_000).unwrap_or(0);
        Self {
            token: token.to_owned(),
            bot: json!({"id": id, "is_bot": true, "first_name": "Stand-in bot", "username": "standin_bot",
                "can_join_groups": true, "can_read_all_group_messages": false,
                "supports_inline_queries": false, "can_connect_to_business": false,
                "has_main_web_app": false, "has_topics_enabled": false}),
            people: BTreeMap::new(),
            chats: BTreeMap::new(),
            updates: Updates {
                queue: VecDeque::new(),
                next_id: 100_000_000 + first_update,
                allowed: None,
                poll: 0,
                webhook: None,
            },
            queries: BTreeMap::new(),
            files: BTreeMap::new(),
            profile: BTreeMap::new(),
            faults: Vec::new(),
            not_before: BTreeMap::new(),
            violations: 0,
            transcript: Vec::new(),
            calls: Vec::new(),
            connections: Vec::new(),
            started: Instant::now(),
            skew: 0,
            next_message: 1,
            serial: 0,
        }
    }

    pub(crate) fn bot_id(&self) -> i64 {
        self.bot["id"].as_i64().unwrap_or_default()
    }

    /// The bot as the sender of a message: without what only `getMe` tells.
    pub(crate) fn bot_user(&self) -> Value {
        json!({"id": self.bot["id"], "is_bot": true, "first_name": self.bot["first_name"],
            "username": self.bot["username"]})
    }

    /// Seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "the stand-in plays Telegram, which has its own clock")]
        let now = std::time::SystemTime::now();
        let seconds = now.duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        i64::try_from(seconds).unwrap_or_default() + self.skew
    }

    /// A number that was not given out before.
    pub(crate) fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(crate) fn user(&self, id: i64) -> Value {
        if id == self.bot_id() {
            return self.bot_user();
        }
        if id == ANONYMOUS_ADMIN {
            return json!({"id": id, "is_bot": true, "first_name": "Group", "username": "GroupAnonymousBot"});
        }
        let Some(person) = self.people.get(&id) else {
            return json!({"id": id, "is_bot": false, "first_name": "Unknown"});
        };
        let mut user = json!({"id": id, "is_bot": person.is_bot, "first_name": person.name});
        if let Some(username) = &person.username {
            user["username"] = json!(username);
        }
        user
    }

    pub(crate) fn chat_json(&self, id: i64) -> Value {
        let Some(chat) = self.chats.get(&id) else { return json!({"id": id, "type": "private"}) };
        match chat.kind {
            Kind::Private => {
                let mut json = json!({"id": id, "type": "private", "first_name": chat.title});
                if let Some(name) = self.people.get(&id).and_then(|person| person.username.as_ref()) {
                    json["username"] = json!(name);
                }
                json
            }
            Kind::Group => json!({"id": id, "type": "group", "title": chat.title}),
            Kind::Supergroup { forum: false } => json!({"id": id, "type": "supergroup", "title": chat.title}),
            Kind::Supergroup { forum: true } => {
                json!({"id": id, "type": "supergroup", "title": chat.title, "is_forum": true})
            }
            Kind::Channel => json!({"id": id, "type": "channel", "title": chat.title}),
        }
    }

    /// Makes the chat unless it is there.
    pub(crate) fn chat(&mut self, id: i64, kind: Kind, title: &str) -> &mut Chat {
        self.chats.entry(id).or_insert_with(|| Chat {
            kind,
            title: title.to_owned(),
            members: BTreeMap::new(),
            bot: None,
            opened: false,
            migrated_to: None,
            topics: BTreeMap::new(),
            messages: BTreeMap::new(),
            next_message: 1,
        })
    }

    pub(crate) fn next_message_id(&mut self, chat: i64) -> i64 {
        let counter = match self.chats.get_mut(&chat) {
            Some(chat) if matches!(chat.kind, Kind::Supergroup { .. } | Kind::Channel) => {
                &mut chat.next_message
            }
            _ => &mut self.next_message,
        };
        let id = *counter;
        *counter += 1;
        id
    }

    /// Puts a message into its chat and into the transcript. `content` holds what is beside id,
    /// sender, chat and date. Returns the whole message.
    pub(crate) fn post(&mut self, chat: i64, from: i64, thread: Option<i64>, content: Value) -> Value {
        let id = self.next_message_id(chat);
        let date = self.now();
        let by_bot = from == self.bot_id();
        let mut body = json!({"message_id": id, "from": self.user(from), "chat": self.chat_json(chat),
            "date": date});
        if let (Some(body), Value::Object(content)) = (body.as_object_mut(), content) {
            body.extend(content);
        }
        if let Some(thread) = thread {
            body["message_thread_id"] = json!(thread);
            body["is_topic_message"] = json!(true);
        }
        if let Some(chat) = self.chats.get_mut(&chat) {
            chat.messages.insert(id, Message { body: body.clone(), by_bot, date });
        }
        self.note(Event::Sent, from, &body, None);
        body
    }

    /// Writes an event that concerns a message into the transcript.
    pub(crate) fn note(&mut self, event: Event, by: i64, message: &Value, text: Option<&str>) {
        let shown = message["text"].as_str().or(message["caption"].as_str()).unwrap_or_default();
        let media = crate::media::KINDS.iter().find(|kind| message.get(**kind).is_some());
        let entry = Entry {
            seq: self.transcript.len() as u64 + 1,
            chat: message["chat"]["id"].as_i64().unwrap_or_default(),
            thread: message["message_thread_id"].as_i64(),
            event,
            by,
            bot: by == self.bot_id(),
            message: message["message_id"].as_i64().unwrap_or_default(),
            text: text.unwrap_or(shown).to_owned(),
            keyboard: keyboard_of(message),
            media: media.map(|kind| (*kind).to_owned()),
            reply_to: message["reply_to_message"]["message_id"].as_i64(),
        };
        self.transcript.push(entry);
    }

    /// Writes an event of the bot that concerns no message.
    pub(crate) fn note_act(&mut self, event: Event, chat: i64, thread: Option<i64>, text: &str) {
        let mut about = json!({"chat": {"id": chat}});
        if let Some(thread) = thread {
            about["message_thread_id"] = json!(thread);
        }
        let by = self.bot_id();
        self.note(event, by, &about, Some(text));
    }

    /// Queues an update for the bot, unless it asked not to have this kind.
    pub(crate) fn update(&mut self, kind: &str, chat: i64, content: &Value) {
        let wanted = match &self.updates.allowed {
            Some(kinds) => kinds.iter().any(|k| k == kind),
            None => !matches!(kind, "chat_member" | "message_reaction" | "message_reaction_count"),
        };
        if wanted {
            self.update_raw(chat, json!({ kind: content }));
        }
    }

    /// Queues an update exactly as given, with the next id.
    pub(crate) fn update_raw(&mut self, chat: i64, mut body: Value) {
        let id = self.updates.next_id;
        self.updates.next_id += 1;
        body["update_id"] = json!(id);
        self.updates.queue.push_back(Pending { id, chat, body });
    }

    /// Lets a quiet week pass: the next update has an unrelated, lower id.
    pub(crate) fn restart_update_ids(&mut self) {
        self.updates.next_id /= 3;
    }

    /// The chat of a call, if the bot may write there.
    pub(crate) fn writable(&mut self, id: Option<i64>) -> Result<i64, Fail> {
        let id = id.ok_or_else(|| Fail::bad("chat_id is empty"))?;
        let Some(chat) = self.chats.get(&id) else { return Err(Fail::bad("chat not found")) };
        if let Some(to) = chat.migrated_to {
            return Err(Fail {
                parameters: Some(json!({"migrate_to_chat_id": to})),
                ..Fail::bad("group chat was upgraded to a supergroup chat")
            });
        }
        if chat.kind == Kind::Private && !chat.opened {
            return Err(Fail::bad("chat not found"));
        }
        if chat.bot.is_none() {
            return Err(Fail::new(
                403,
                match chat.kind {
                    Kind::Private => "Forbidden: bot was blocked by the user",
                    Kind::Group => "Forbidden: bot was kicked from the group chat",
                    Kind::Supergroup { .. } => "Forbidden: bot was kicked from the supergroup chat",
                    Kind::Channel => "Forbidden: bot is not a member of the channel chat",
                },
            ));
        }
        Ok(id)
    }
}
