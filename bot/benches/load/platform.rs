//! A Bot API with simulated users, fast enough that the bot under test is what is measured. It
//! runs on a thread of its own and answers from memory; correctness is the stand-in's business
//! (`adapters/telegram/standin`), not this one's.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Handle, sync::Notify, time};

use crate::script::{Action, Script};

/// Users whose ids lie between those of two runs: more than any run has.
const APART: i64 = 1_000_000;

/// Updates handed out at once, as in the real Bot API.
const MOST: usize = 100;

/// Connections over which updates are pushed, as Telegram opens them: unless asked for another number, and at most.
const CONNECTIONS: i64 = 40;
const MOST_CONNECTIONS: i64 = 100;

/// Before an update that was not taken is pushed again, to the next process.
const PUSH_AGAIN: Duration = Duration::from_millis(50);

/// What a process knows pushes by.
pub(crate) const SECRET: &str = "the-secret-of-the-load";

/// How users behave.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// Each writes again as soon as they are answered.
    AtOnce,
    /// Together so many updates a second, on the clock, whatever the answers.
    PerSecond(u32),
    /// The first user sends so many at once, and the second one message right after them. All of
    /// them are the first step of the script.
    Flood(usize),
    /// So many messages wait already, of all users in turn, all of them the first step of the script.
    Backlog(usize),
}

/// What happened while it was measured.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) answered: usize,
    /// Replies without the expected words.
    pub(crate) wrong: usize,
    /// Replies equal to the one before.
    pub(crate) repeats: usize,
    /// Update to reply, in microseconds, sorted.
    pub(crate) waits: Vec<u32>,
    /// Users who wait for an answer.
    pub(crate) waiting: usize,
    /// The last wrong reply, and the words that were expected.
    pub(crate) last_wrong: Option<String>,
}

impl Tally {
    /// In milliseconds.
    pub(crate) fn wait(&self, quantile: f64) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place in a list"
        )]
        let at = (self.waits.len().saturating_sub(1) as f64 * quantile) as usize;
        self.waits.get(at).map_or(f64::NAN, |wait| f64::from(*wait) / 1_000.0)
    }
}

/// The server, for as long as this lives.
pub(crate) struct Platform {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Handle,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

struct Shared {
    world: Mutex<World>,
    /// An update waits.
    arrived: Notify,
    script: Script,
    /// How long the platform takes over each call.
    delay: Duration,
}

#[derive(Default)]
struct World {
    /// The id of the first user. No run has those of another: in a database that is kept their
    /// messages would be known already.
    first: i64,
    users: Vec<User>,
    queue: VecDeque<Update>,
    next_update: i64,
    next_message: i64,
    first_poll: Option<Instant>,
    /// What the last webhook asked for.
    connections: Option<i64>,
    running: bool,
    closed_loop: bool,
    measuring: bool,
    tally: Tally,
    /// Everything that the bot said.
    replies: usize,
}

#[derive(Default, Clone)]
struct User {
    step: usize,
    /// When the update that waits for an answer was made.
    asked: Option<Instant>,
    /// Further updates that wait: a flood.
    more: usize,
    last_message: i64,
    keys: Vec<(String, String)>,
    last_text: String,
}

struct Update {
    id: i64,
    body: String,
}

impl Platform {
    pub(crate) fn start(script: Script, delay: Duration) -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let first = chatbox::clock::now().as_second() * APART;
        let world = World { first, next_update: 1, next_message: 1, ..World::default() };
        let shared = Arc::new(Shared { world: Mutex::new(world), arrived: Notify::new(), script, delay });
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (served, handle) = (Arc::clone(&shared), runtime.handle().clone());
        let thread = std::thread::spawn(move || {
            let serve = async {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
                    // Without it small answers wait for more to send.
                    let _ = stream.set_nodelay(true);
                });
                let router = Router::new().fallback(call).with_state(served);
                let _ = axum::serve(listener, router).await;
            };
            runtime.block_on(async {
                tokio::select! { () = serve => {}, _ = stopped => {} }
            });
        });
        Ok(Self { address, shared, runtime: handle, stop: Some(stop), thread: Some(thread) })
    }

    /// From now on updates are not polled for but pushed, to each of these in turn.
    pub(crate) fn push_to(&self, processes: &[SocketAddr]) {
        let hooks: Arc<[String]> = processes.iter().map(|address| format!("http://{address}/hook")).collect();
        let (next, client) = (Arc::new(AtomicUsize::new(0)), reqwest::Client::new());
        let connections = self.shared.lock().connections.unwrap_or(CONNECTIONS).clamp(1, MOST_CONNECTIONS);
        for _ in 0..connections {
            let (shared, hooks) = (Arc::clone(&self.shared), Arc::clone(&hooks));
            let (next, client) = (Arc::clone(&next), client.clone());
            self.runtime.spawn(async move {
                loop {
                    let update = shared.next_update().await;
                    loop {
                        let hook = &hooks[next.fetch_add(1, Ordering::Relaxed) % hooks.len()];
                        let push = client.post(hook).header("X-Telegram-Bot-Api-Secret-Token", SECRET);
                        let answer = push.body(update.body.clone()).send().await;
                        if answer.is_ok_and(|answer| answer.status().is_success()) {
                            break;
                        }
                        time::sleep(PUSH_AGAIN).await;
                    }
                }
            });
        }
    }

    pub(crate) fn first_poll(&self) -> Option<Instant> {
        self.shared.lock().first_poll
    }

    /// So that the first poll of the next process is seen.
    pub(crate) fn forget_first_poll(&self) {
        self.shared.lock().first_poll = None;
    }

    /// Users begin to write.
    pub(crate) fn begin(&self, users: usize, pace: Pace) {
        let mut world = self.shared.lock();
        world.users = vec![User::default(); users.max(2)];
        world.running = true;
        world.closed_loop = matches!(pace, Pace::AtOnce);
        match pace {
            Pace::AtOnce => (0..users).for_each(|user| world.write(user, &self.shared.script)),
            Pace::PerSecond(rate) => {
                let shared = Arc::clone(&self.shared);
                // A thread: the clock must not wait for the server.
                std::thread::spawn(move || shared.tick(rate));
            }
            Pace::Backlog(count) => {
                for nth in 0..count {
                    world.write(nth % users, &self.shared.script);
                }
            }
            Pace::Flood(count) => {
                for _ in 0..count {
                    world.write(0, &self.shared.script);
                }
                world.write(1, &self.shared.script);
            }
        }
        drop(world);
        self.shared.arrived.notify_one();
    }

    /// Counts from now on.
    pub(crate) fn measure(&self) {
        let mut world = self.shared.lock();
        world.measuring = true;
        world.tally = Tally::default();
    }

    /// Counts no more; users write no more.
    pub(crate) fn end(&self) -> Tally {
        let mut world = self.shared.lock();
        world.running = false;
        world.measuring = false;
        let mut tally = std::mem::take(&mut world.tally);
        tally.waits.sort_unstable();
        tally.waiting = world.users.iter().filter(|user| user.asked.is_some()).count();
        tally
    }

    /// Whether a user has been answered everything.
    pub(crate) fn is_answered(&self, user: usize) -> bool {
        self.shared.lock().users.get(user).is_some_and(|user| user.asked.is_none())
    }

    /// How many texts the bot has sent.
    pub(crate) fn replies(&self) -> usize {
        self.shared.lock().replies
    }

    /// How many wait for an answer.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.lock().users.iter().filter(|user| user.asked.is_some()).count()
    }

    /// Since [`Platform::measure`].
    pub(crate) fn answered(&self) -> usize {
        self.shared.lock().tally.answered
    }

    /// Users write no more; counting goes on.
    pub(crate) fn hush(&self) {
        self.shared.lock().running = false;
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.shared.lock().running = false;
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest update that nobody has taken, when there is one.
    async fn next_update(&self) -> Update {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut world = self.lock();
                if let Some(update) = world.queue.pop_front() {
                    if !world.queue.is_empty() {
                        self.arrived.notify_one();
                    }
                    return update;
                }
            }
            arrived.await;
        }
    }

    fn tick(&self, rate: u32) {
        let every = Duration::from_secs(1) / rate.max(1);
        let mut next = Instant::now();
        let mut user = 0;
        loop {
            {
                let mut world = self.lock();
                if !world.running {
                    return;
                }
                let count = world.users.len();
                // Whoever waits still is passed over, and counted as waiting at the end.
                if let Some(free) =
                    (0..count).map(|n| (user + n) % count).find(|n| world.users[*n].asked.is_none())
                {
                    world.write(free, &self.script);
                    user = free + 1;
                }
            }
            self.arrived.notify_one();
            next += every;
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }
}

impl World {
    /// The next step of a user becomes an update.
    fn write(&mut self, user: usize, script: &Script) {
        let (id, message) = (self.next_update, self.next_message);
        self.next_update += 1;
        self.next_message += 1;
        let chat = self.first + i64::try_from(user).unwrap_or(0);
        let who = &mut self.users[user];
        if who.asked.is_some() {
            who.more += 1;
        } else {
            who.asked = Some(Instant::now());
        }
        let date = chatbox::clock::now().as_second();
        let person = json!({"id": chat, "is_bot": false, "first_name": "User", "language_code": "en"});
        let place = json!({"id": chat, "type": "private", "first_name": "User"});
        let update = match &script.step(who.step).action {
            Action::Press(label) => {
                let data = who.keys.iter().find(|key| key.0.to_lowercase().contains(label));
                let data = data.map_or(label.as_str(), |key| key.1.as_str());
                let on = json!({"message_id": who.last_message, "chat": place, "date": date, "text": "…",
                    "from": {"id": 12345, "is_bot": true, "first_name": "Bot", "username": "load_bot"}});
                json!({"update_id": id, "callback_query": {"id": id.to_string(), "from": person,
                    "chat_instance": "1", "data": data, "message": on}})
            }
            Action::Say(text) => {
                let mut said =
                    json!({"message_id": message, "from": person, "chat": place, "date": date, "text": text});
                if text.starts_with('/') {
                    said["entities"] = json!([{"type": "bot_command", "offset": 0, "length": text.len()}]);
                }
                json!({"update_id": id, "message": said})
            }
        };
        self.queue.push_back(Update { id, body: update.to_string() });
    }

    /// The bot says something. Returns the id of its message.
    fn reply(&mut self, chat: i64, text: &str, markup: Option<&Value>, script: &Script) -> i64 {
        let id = self.next_message;
        self.next_message += 1;
        self.replies += 1;
        let user = usize::try_from(chat - self.first).unwrap_or(usize::MAX);
        let Some(who) = self.users.get_mut(user) else { return id };
        who.last_message = id;
        if let Some(markup) = markup {
            who.keys = keys(markup);
        }
        let step = script.step(who.step);
        let fits = text.to_lowercase().contains(&step.answer);
        let repeat = who.last_text == text;
        let Some(asked) = who.asked.filter(|_| fits) else {
            if self.measuring {
                if repeat {
                    self.tally.repeats += 1;
                } else {
                    self.tally.wrong += 1;
                    self.tally.last_wrong = Some(format!("expected {:?}, got: {text}", step.answer));
                }
            }
            return id;
        };
        text.clone_into(&mut who.last_text);
        if who.more > 0 {
            who.more -= 1;
        } else {
            who.asked = None;
            who.step += 1;
        }
        if self.measuring {
            self.tally.answered += 1;
            self.tally.waits.push(u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
        if self.running && self.closed_loop {
            self.write(user, script);
        }
        id
    }
}

async fn call(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let method = uri.path().rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match method.as_str() {
        "getupdates" => poll(&shared, &params(kind, &body)).await,
        "sendmessage" => {
            let params = params(kind, &body);
            let chat = number(&params, "chat_id");
            let text = params["text"].as_str().unwrap_or_default();
            let markup = match params["reply_markup"].as_str() {
                Some(text) => serde_json::from_str(text).ok(),
                None => params.get("reply_markup").cloned(),
            };
            let id = shared.lock().reply(chat, text, markup.as_ref(), &shared.script);
            shared.arrived.notify_one();
            time::sleep(shared.delay).await;
            done(&message(chat, id, text))
        }
        "editmessagetext" | "editmessagereplymarkup" => {
            let params = params(kind, &body);
            time::sleep(shared.delay).await;
            let text = params["text"].as_str().unwrap_or("…");
            done(&message(number(&params, "chat_id"), number(&params, "message_id"), text))
        }
        "getme" => done(&json!({"id": 12345, "is_bot": true, "first_name": "Bot", "username": "load_bot",
            "can_join_groups": true, "can_read_all_group_messages": false, "supports_inline_queries": false,
            "can_connect_to_business": false, "has_main_web_app": false, "has_topics_enabled": false})),
        "getwebhookinfo" => {
            done(&json!({"url": "", "has_custom_certificate": false, "pending_update_count": 0}))
        }
        "setwebhook" => {
            let connections = params(kind, &body)["max_connections"].as_i64();
            shared.lock().connections = connections;
            done(&json!(true))
        }
        "getmycommands" => done(&json!([])),
        "getmydescription" => done(&json!({"description": ""})),
        "getmyshortdescription" => done(&json!({"short_description": ""})),
        "answercallbackquery" | "sendchataction" => {
            time::sleep(shared.delay).await;
            done(&json!(true))
        }
        _ => done(&json!(true)),
    }
}

async fn poll(shared: &Shared, params: &Value) -> Response {
    let offset = number(params, "offset");
    let limit = usize::try_from(number(params, "limit")).ok().filter(|n| *n > 0).unwrap_or(MOST).min(MOST);
    let until =
        time::Instant::now() + Duration::from_secs(number(params, "timeout").clamp(0, 50).unsigned_abs());
    {
        let mut world = shared.lock();
        world.first_poll.get_or_insert_with(Instant::now);
        while world.queue.front().is_some_and(|update| update.id < offset) {
            world.queue.pop_front();
        }
    }
    loop {
        let arrived = shared.arrived.notified();
        {
            let world = shared.lock();
            if !world.queue.is_empty() {
                let mut body = String::with_capacity(64 << 10);
                body.push_str("{\"ok\":true,\"result\":[");
                for (nth, update) in world.queue.iter().take(limit).enumerate() {
                    let comma = if nth > 0 { "," } else { "" };
                    let _ = write!(body, "{comma}{}", update.body);
                }
                body.push_str("]}");
                return ([(CONTENT_TYPE, "application/json")], body).into_response();
            }
        }
        if time::timeout_at(until, arrived).await.is_err() {
            return done(&json!([]));
        }
    }
}

fn done(result: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], format!("{{\"ok\":true,\"result\":{result}}}")).into_response()
}

fn message(chat: i64, id: i64, text: &str) -> Value {
    json!({"message_id": id, "date": chatbox::clock::now().as_second(), "text": text,
        "from": {"id": 12345, "is_bot": true, "first_name": "Bot", "username": "load_bot"},
        "chat": {"id": chat, "type": "private", "first_name": "User"}})
}

fn number(params: &Value, key: &str) -> i64 {
    let value = &params[key];
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}

/// Label and data of every inline button.
fn keys(markup: &Value) -> Vec<(String, String)> {
    let rows = markup["inline_keyboard"].as_array().into_iter().flatten();
    rows.filter_map(Value::as_array)
        .flatten()
        .filter_map(|key| Some((key["text"].as_str()?.to_owned(), key["callback_data"].as_str()?.to_owned())))
        .collect()
}

/// The parameters of a call, as JSON, form or multipart.
fn params(kind: &str, body: &[u8]) -> Value {
    if kind.starts_with("application/json") {
        return serde_json::from_slice(body).unwrap_or_default();
    }
    let text = String::from_utf8_lossy(body);
    let mut params = serde_json::Map::new();
    if let Some((_, boundary)) = kind.split_once("boundary=") {
        let boundary = format!("--{}", boundary.trim_matches('"'));
        for part in text.split(boundary.as_str()) {
            let Some((head, value)) = part.split_once("\r\n\r\n") else { continue };
            let name = head.split_once("name=\"").and_then(|(_, rest)| rest.split_once('"'));
            if let Some((name, _)) = name {
                params.insert(name.to_owned(), value.trim_end_matches("\r\n").into());
            }
        }
    } else {
        for pair in text.split('&') {
            if let Some((key, value)) = pair.split_once('=') {
                params.insert(key.to_owned(), percent(value).into());
            }
        }
    }
    Value::Object(params)
}

fn percent(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = [bytes.next().unwrap_or(b'0'), bytes.next().unwrap_or(b'0')];
                let digits = std::str::from_utf8(&digits).unwrap_or("3f");
                out.push(u8::from_str_radix(digits, 16).unwrap_or(b'?'));
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
