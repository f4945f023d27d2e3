//! The stand-in itself, as a test holds it.

use std::{
    io,
    net::{Ipv4Addr, Shutdown},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    fault::Fault,
    people::{Group, User},
    server,
    shared::Shared,
    transcript::{Call, Entry, Event},
    webhook,
    world::{Kind, Person, World},
};

/// How long a test waits for something to happen before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running Bot API. Ends when it is dropped.
pub struct Standin {
    shared: Shared,
    url: String,
    port: u16,
    server: Mutex<JoinHandle<()>>,
    pusher: JoinHandle<()>,
}

impl Standin {
    /// Starts on a free port of 127.0.0.1. `token` is the only one accepted; the digits before its
    /// colon are the bot's id.
    pub async fn start(token: &str) -> io::Result<Self> {
        Self::start_on(0, token).await
    }

    /// As [`start`](Self::start), on this port.
    pub async fn start_on(port: u16, token: &str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = listener.local_addr()?.port();
        let shared = Shared::new(World::new(token));
        let server = tokio::spawn(server::serve(listener, shared.clone()));
        let pusher = tokio::spawn(webhook::run(shared.clone()));
        Ok(Self { shared, url: format!("http://127.0.0.1:{port}"), port, server: Mutex::new(server), pusher })
    }

    /// What a client takes as the address of the Bot API, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A person with an account. The bot cannot write to them before they wrote to it.
    pub fn user(&self, id: i64, name: &str) -> User {
        self.account(id, name, false)
    }

    /// Another bot.
    pub fn other_bot(&self, id: i64, name: &str) -> User {
        self.account(id, name, true)
    }

    fn account(&self, id: i64, name: &str, is_bot: bool) -> User {
        add_person(&self.shared, id, name, is_bot);
        User::new(self.shared.clone(), id)
    }

    /// A basic group; the bot is not in it yet. `id` is negative.
    pub fn group(&self, id: i64, title: &str) -> Group {
        Group::new(self.shared.clone(), id, Kind::Group, title)
    }

    /// A supergroup without topics.
    pub fn supergroup(&self, id: i64, title: &str) -> Group {
        Group::new(self.shared.clone(), id, Kind::Supergroup { forum: false }, title)
    }

    /// A supergroup with topics.
    pub fn forum(&self, id: i64, title: &str) -> Group {
        Group::new(self.shared.clone(), id, Kind::Supergroup { forum: true }, title)
    }

    pub fn channel(&self, id: i64, title: &str) -> Group {
        Group::new(self.shared.clone(), id, Kind::Channel, title)
    }

    /// Lets a fault strike.
    pub fn fault(&self, fault: Fault) {
        self.shared.with(|world| world.faults.push(fault));
    }

    pub fn clear_faults(&self) {
        self.shared.with(|world| world.faults.clear());
    }

    /// Everything that happened in a chat, oldest first.
    pub fn transcript(&self, chat: i64) -> Vec<Entry> {
        self.shared
            .look(|world| world.transcript.iter().filter(|entry| entry.chat == chat).cloned().collect())
    }

    /// Everything that happened, oldest first.
    pub fn everything(&self) -> Vec<Entry> {
        self.shared.look(|world| world.transcript.clone())
    }

    /// The texts that the bot sent to a chat, oldest first, deleted ones included.
    pub fn said(&self, chat: i64) -> Vec<String> {
        self.transcript(chat)
            .into_iter()
            .filter(|entry| entry.bot && entry.event == Event::Sent)
            .map(|entry| entry.text)
            .collect()
    }

    /// The content of the file that a message carries.
    pub fn file(&self, chat: i64, message: i64) -> Option<Vec<u8>> {
        self.shared.look(|world| {
            let body = &world.chats.get(&chat)?.messages.get(&message)?.body;
            let field = crate::media::KINDS.iter().find_map(|kind| body.get(*kind))?;
            let file = field.as_array().map_or(Some(field), |sizes| sizes.last())?;
            Some(world.files.get(file["file_id"].as_str()?)?.bytes.clone())
        })
    }

    /// Every call of a method, whatever came of it.
    pub fn calls(&self, method: &str) -> Vec<Call> {
        self.shared.look(|world| {
            world.calls.iter().filter(|call| call.method.eq_ignore_ascii_case(method)).cloned().collect()
        })
    }

    /// How many sends came to a chat before its `retry_after` was over.
    pub fn violations(&self) -> usize {
        self.shared.look(|world| world.violations)
    }

    /// How many updates the bot did not confirm yet.
    pub fn pending(&self) -> usize {
        self.shared.look(|world| world.updates.queue.len())
    }

    /// Queues an update as given; `update_id` is added. For what no [`User`] can do.
    pub fn update(&self, update: Value) {
        self.shared.with(|world| world.update_raw(0, update));
    }

    /// Moves Telegram's clock on.
    pub fn advance(&self, by: Duration) {
        let seconds = i64::try_from(by.as_secs()).unwrap_or_default();
        self.shared.with(|world| world.skew += seconds);
    }

    /// What a week without updates does: the next update's id is unrelated to those before.
    pub fn restart_update_ids(&self) {
        self.shared.with(World::restart_update_ids);
    }

    /// From now on only this token is accepted.
    pub fn revoke_token(&self, new: &str) {
        self.shared.with(|world| new.clone_into(&mut world.token));
    }

    /// Breaks every connection and refuses new ones.
    pub fn goes_offline(&self) {
        self.server().abort();
        let lines = self.shared.with(|world| std::mem::take(&mut world.connections));
        for line in lines.iter().filter_map(std::sync::Weak::upgrade) {
            let _ = line.shutdown(Shutdown::Both);
        }
    }

    /// Listens again, on the same port, with the same world.
    pub async fn comes_back(&self) -> io::Result<()> {
        // The old listener is gone once its task has ended.
        let old = std::mem::replace(&mut *self.server(), tokio::spawn(async {}));
        old.abort();
        let _ = old.await;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        *self.server() = tokio::spawn(server::serve(listener, self.shared.clone()));
        Ok(())
    }

    fn server(&self) -> std::sync::MutexGuard<'_, JoinHandle<()>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next thing that the bot sends to this chat from now on.
    ///
    /// # Panics
    /// When nothing comes for 20 seconds. So do all waits here.
    pub async fn next_message(&self, chat: i64) -> Entry {
        let after = self.shared.look(|world| world.transcript.len());
        self.wait_for(|entries| {
            entries[after.min(entries.len())..]
                .iter()
                .find(|entry| entry.bot && entry.chat == chat && entry.event == Event::Sent)
                .cloned()
        })
        .await
    }

    /// Waits until something is to be found in what has happened, over all chats.
    pub async fn wait_for<R>(&self, mut find: impl FnMut(&[Entry]) -> Option<R>) -> R {
        let found = self.shared.wait(PATIENCE, |world| find(&world.transcript)).await;
        let Some(found) = found else { give_up(&self.shared, "what the test waits for") };
        found
    }

    /// As [`wait_for`](Self::wait_for), without the panic: `None` when `patience` is over.
    pub async fn wait_within<R>(
        &self,
        patience: Duration,
        mut find: impl FnMut(&[Entry]) -> Option<R>,
    ) -> Option<R> {
        self.shared.wait(patience, |world| find(&world.transcript)).await
    }

    /// Waits until this many calls of a method have come in.
    pub async fn wait_for_calls(&self, method: &str, count: usize) {
        let found = self.shared.wait(PATIENCE, |world| {
            let calls = world.calls.iter().filter(|call| call.method.eq_ignore_ascii_case(method)).count();
            (calls >= count).then_some(())
        });
        if found.await.is_none() {
            give_up(&self.shared, &format!("{count} calls of {method}"));
        }
    }

    /// Waits until the bot has confirmed every update.
    pub async fn wait_for_confirmation(&self) {
        let found = self.shared.wait(PATIENCE, |world| world.updates.queue.is_empty().then_some(()));
        if found.await.is_none() {
            give_up(&self.shared, "every update to be confirmed");
        }
    }

    /// Commands, descriptions and name as the bot set them for everyone: `commands`,
    /// `description`, `short_description`, `name`.
    pub fn profile(&self, field: &str) -> Option<Value> {
        let key = if field == "commands" {
            "commands {\"type\":\"default\"} ".to_owned()
        } else {
            format!("{field} ")
        };
        self.shared.look(|world| world.profile.get(&key).cloned())
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.server().abort();
        self.pusher.abort();
    }
}

pub(crate) fn add_person(shared: &Shared, id: i64, name: &str, is_bot: bool) {
    let person = Person { name: name.to_owned(), username: None, is_bot };
    shared.with(|world| {
        world.people.insert(id, person);
        world.chat(id, Kind::Private, name);
    });
}

/// Fails the test with what did happen.
pub(crate) fn give_up(shared: &Shared, what: &str) -> ! {
    let (last, calls) = shared.look(|world| {
        let last: Vec<String> = world
            .transcript
            .iter()
            .rev()
            .take(12)
            .rev()
            .map(|entry| {
                let who = if entry.bot { "bot".to_owned() } else { entry.by.to_string() };
                format!("  {} {who} {:?} #{}: {}", entry.chat, entry.event, entry.message, entry.text)
            })
            .collect();
        let calls: Vec<String> = world
            .calls
            .iter()
            .rev()
            .take(12)
            .rev()
            .map(|call| format!("  {} {:?} -> {}", call.method, call.chat, call.status))
            .collect();
        (last.join("\n"), calls.join("\n"))
    });
    panic!(
        "The stand-in waited {} s in vain for {what}. Last events:\n{last}\nLast calls:\n{calls}",
        PATIENCE.as_secs()
    );
}
