//! People with a client of their own: `people.py`, driven over its standard input and output.

use std::{
    collections::{BTreeMap, HashMap},
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{sync::watch, time};

use crate::{PATIENCE, server::Account};

/// The process that holds every person of this test binary.
pub(crate) struct People {
    shared: Arc<Shared>,
    folder: String,
    _process: Child,
}

struct Shared {
    input: Mutex<ChildStdin>,
    seen: Mutex<Seen>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Seen {
    asked: u64,
    answers: HashMap<u64, Result<Value, String>>,
    /// By person and room.
    events: BTreeMap<(String, String), Vec<Event>>,
    invites: Vec<(String, String)>,
    typing: BTreeMap<(String, String), Vec<Vec<String>>>,
    over: bool,
}

/// Something in a room, as a person's client shows it.
#[derive(Debug, Clone, Deserialize)]
pub struct Event {
    pub id: String,
    pub sender: String,
    /// Milliseconds since 1970, by the server.
    pub at: i64,
    #[serde(rename = "type")]
    pub kind: String,
    pub content: Value,
    pub redacts: Option<String>,
    /// It came encrypted, and could be read.
    pub encrypted: bool,
    /// It came encrypted, and could not be read.
    pub unreadable: bool,
}

impl Event {
    /// The plain words of a message.
    pub fn text(&self) -> &str {
        self.content["body"].as_str().unwrap_or_default()
    }

    /// The formatted words of a message.
    pub fn html(&self) -> Option<&str> {
        self.content["formatted_body"].as_str()
    }

    /// What this event is a change of.
    pub fn replaces(&self) -> Option<&str> {
        let relation = &self.content["m.relates_to"];
        (relation["rel_type"] == "m.replace").then(|| relation["event_id"].as_str()).flatten()
    }

    /// The first message of the thread that this one stands in.
    pub fn thread(&self) -> Option<&str> {
        let relation = &self.content["m.relates_to"];
        (relation["rel_type"] == "m.thread").then(|| relation["event_id"].as_str()).flatten()
    }

    fn is_message(&self) -> bool {
        self.kind == "m.room.message" && self.replaces().is_none()
    }
}

/// Somebody logged in on one device.
#[derive(Clone)]
pub struct Person {
    pub id: String,
    pub device: String,
    shared: Arc<Shared>,
}

/// A room, as one person sees it.
#[derive(Clone)]
pub struct Room {
    pub id: String,
    pub person: Person,
    /// How many events [`Room::next`] has gone past.
    read: Arc<Mutex<usize>>,
}

impl People {
    pub(crate) fn start(python: &Path, folder: &Path) -> Self {
        let mut process = Command::new(python)
            .args(["-c", include_str!("people.py")])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python can be started");
        let input = process.stdin.take().expect("it was asked for");
        let output = process.stdout.take().expect("it was asked for");
        let shared = Arc::new(Shared {
            input: Mutex::new(input),
            seen: Mutex::default(),
            changed: watch::Sender::new(()),
        });
        let reader = Arc::clone(&shared);
        // A thread: tests come and go with runtimes of their own.
        thread::spawn(move || reader.read(output));
        Self { shared, folder: folder.display().to_string(), _process: process }
    }

    pub(crate) async fn login(&self, homeserver: &str, account: &Account) -> Person {
        let what = json!({ "homeserver": homeserver, "password": account.password, "folder": self.folder });
        let device = self.shared.ask(&account.id, "login", what).await;
        Person {
            id: account.id.clone(),
            device: device.as_str().unwrap_or_default().to_owned(),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, output: ChildStdout) {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(line) => self.seen().take(line),
                Err(error) => eprintln!("people.py wrote what is no JSON line: {error}"),
            }
            self.changed.send_replace(());
        }
        self.seen().over = true;
        self.changed.send_replace(());
    }

    /// Asks for something and waits for its end.
    async fn ask(&self, who: &str, what: &str, mut with: Value) -> Value {
        let number = {
            let mut seen = self.seen();
            seen.asked += 1;
            seen.asked
        };
        with["id"] = number.into();
        with["who"] = who.into();
        with["do"] = what.into();
        let line = format!("{with}\n");
        self.input
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(line.as_bytes())
            .expect("people.py reads");
        let answer = self.until(&format!("the end of {what}"), |seen| seen.answers.remove(&number)).await;
        answer.unwrap_or_else(|why| panic!("{who}: {why}"))
    }

    /// Waits until `find` finds something.
    async fn until<T>(&self, what: &str, mut find: impl FnMut(&mut Seen) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        // What is asked for has its own patience, which is to end first.
        let end = time::Instant::now() + PATIENCE + PATIENCE / 10;
        loop {
            changed.mark_unchanged();
            {
                let mut seen = self.seen();
                if let Some(found) = find(&mut seen) {
                    return found;
                }
                assert!(!seen.over, "people.py has ended: see above. Waited for {what}");
            }
            let news = time::timeout_at(end, changed.changed()).await;
            assert!(news.is_ok(), "{what} did not come within {} s", PATIENCE.as_secs());
        }
    }
}

impl Seen {
    fn take(&mut self, mut line: Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if let Some(number) = line["id"].as_u64() {
            let failed = line["failed"].as_str().map(str::to_owned);
            self.answers.insert(number, failed.map_or_else(|| Ok(line["done"].take()), Err));
            return;
        }
        let place = (text(&line["who"]), text(&line["room"]));
        if line["invited"] == true {
            self.invites.push(place);
        } else if line["typing"].is_array() {
            let who = serde_json::from_value(line["typing"].take()).unwrap_or_default();
            self.typing.entry(place).or_default().push(who);
        } else {
            match serde_json::from_value(line["event"].take()) {
                Ok(event) => self.events.entry(place).or_default().push(event),
                Err(error) => eprintln!("people.py wrote what is no event: {error}"),
            }
        }
    }
}

impl Person {
    /// A new encrypted direct room with somebody who joins by themselves. Returns when what is
    /// said there would be encrypted for them.
    pub async fn meets(&self, who: &str) -> Room {
        let room = self.opens(&[who], true).await;
        room.ready(who).await;
        room
    }

    /// A new room to which others are invited.
    pub async fn opens(&self, invite: &[&str], encrypted: bool) -> Room {
        let with = json!({ "invite": invite, "encrypted": encrypted, "direct": invite.len() == 1 });
        let id = self.ask("room", with).await;
        self.room(id.as_str().unwrap_or_default())
    }

    /// The first room that this person is invited to and has not joined by this call yet, joined.
    pub async fn accepts(&self) -> Room {
        let invited = |seen: &mut Seen| {
            let nth = seen.invites.iter().position(|(who, _)| *who == self.id)?;
            Some(seen.invites.remove(nth).1)
        };
        let id = self.shared.until("an invitation", invited).await;
        self.shared.seen().invites.retain(|invite| *invite != (self.id.clone(), id.clone()));
        self.ask("join", json!({ "room": id })).await;
        self.room(&id)
    }

    /// A room by its id.
    pub fn room(&self, id: &str) -> Room {
        Room { id: id.to_owned(), person: self.clone(), read: Arc::default() }
    }

    /// From now on what this person says is encrypted with keys that nobody else has.
    pub async fn keeps_keys_back(&self) {
        self.ask("keep_keys_back", json!({})).await;
    }

    /// Hands over the keys that were kept back.
    pub async fn hands_keys_over(&self) {
        let handed = self.ask("hand_keys_over", json!({})).await;
        assert_ne!(handed, 0, "there were keys to hand over");
    }

    /// Any request to the server in this person's name: the status, and what it answered.
    pub async fn calls(&self, method: &str, path: &str, body: Value) -> (u64, Value) {
        let mut answer = self.ask("call", json!({ "method": method, "path": path, "body": body })).await;
        (answer["status"].as_u64().unwrap_or_default(), answer["body"].take())
    }

    /// The content of a file that came in a room, in base64. `file` is the message's `file`.
    pub async fn fetches(&self, file: &Value) -> String {
        self.ask("fetch", json!({ "file": file })).await.as_str().unwrap_or_default().to_owned()
    }

    async fn ask(&self, what: &str, with: Value) -> Value {
        self.shared.ask(&self.id, what, with).await
    }
}

impl Room {
    /// Waits until what is said here would be encrypted for that user, and returns their devices.
    pub async fn ready(&self, user: &str) -> Vec<String> {
        self.ready_beside(user, &[]).await
    }

    /// As [`Room::ready`], for a device other than those named, which may be gone already without this person
    /// knowing.
    pub async fn ready_beside(&self, user: &str, but: &[String]) -> Vec<String> {
        let with = json!({ "room": self.id, "user": user, "but": but });
        let devices = self.person.ask("ready", with).await;
        serde_json::from_value(devices).expect("devices are a list")
    }

    /// Says something, and returns its event id.
    pub async fn says(&self, text: &str) -> String {
        self.message(json!({ "msgtype": "m.text", "body": text })).await
    }

    /// Says something as an answer to an earlier message.
    pub async fn replies(&self, to: &str, text: &str) -> String {
        self.message(json!({
            "msgtype": "m.text",
            "body": text,
            "m.relates_to": { "m.in_reply_to": { "event_id": to } },
        }))
        .await
    }

    /// Says something in the thread under an earlier message.
    pub async fn says_under(&self, root: &str, text: &str) -> String {
        self.message(json!({
            "msgtype": "m.text",
            "body": text,
            "m.relates_to": { "rel_type": "m.thread", "event_id": root, "is_falling_back": true,
                              "m.in_reply_to": { "event_id": root } },
        }))
        .await
    }

    /// Gives an earlier message another text.
    pub async fn edits(&self, event: &str, text: &str) -> String {
        self.message(json!({
            "msgtype": "m.text",
            "body": format!("* {text}"),
            "m.new_content": { "msgtype": "m.text", "body": text },
            "m.relates_to": { "rel_type": "m.replace", "event_id": event },
        }))
        .await
    }

    /// Reacts to a message, with an emoji for instance.
    pub async fn reacts(&self, event: &str, key: &str) -> String {
        let relation = json!({ "rel_type": "m.annotation", "event_id": event, "key": key });
        self.sends("m.reaction", json!({ "m.relates_to": relation })).await
    }

    /// Takes an event back.
    pub async fn takes_back(&self, event: &str) {
        let path = format!("/_matrix/client/v3/rooms/{}/redact/{event}/of-{}", self.id, &event[1..]);
        let (status, _) = self.person.calls("PUT", &path, json!({})).await;
        assert_eq!(status, 200, "an event can be taken back");
    }

    /// Sends a message of any content.
    pub async fn message(&self, content: Value) -> String {
        self.sends("m.room.message", content).await
    }

    /// Sends an event of any type; encrypted where the room is, reactions excepted.
    pub async fn sends(&self, kind: &str, content: Value) -> String {
        let id = self.person.ask("send", json!({ "room": self.id, "type": kind, "content": content })).await;
        id.as_str().unwrap_or_default().to_owned()
    }

    /// Sends a file, its content given in base64. `more` goes into the message's content.
    pub async fn sends_file(
        &self,
        msgtype: &str,
        name: &str,
        mime: &str,
        base64: &str,
        more: Value,
    ) -> String {
        let with = json!({
            "room": self.id, "msgtype": msgtype, "name": name, "mime": mime, "data": base64, "extra": more,
        });
        self.person.ask("file", with).await.as_str().unwrap_or_default().to_owned()
    }

    /// Invites somebody else.
    pub async fn invites(&self, user: &str) {
        let path = format!("/_matrix/client/v3/rooms/{}/invite", self.id);
        let (status, _) = self.person.calls("POST", &path, json!({ "user_id": user })).await;
        assert_eq!(status, 200, "{user} can be invited");
    }

    /// Leaves.
    pub async fn leaves(&self) {
        let path = format!("/_matrix/client/v3/rooms/{}/leave", self.id);
        assert_eq!(self.person.calls("POST", &path, json!({})).await.0, 200, "a room can be left");
    }

    /// The next message of that sender, after those that came by this before. Changes of earlier
    /// messages are passed over.
    pub async fn next(&self, sender: &str) -> Event {
        let find = |seen: &mut Seen| {
            let events = seen.events.get(&self.place())?;
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            let nth = (*read..events.len())
                .find(|nth| events[*nth].sender == sender && events[*nth].is_message())?;
            *read = nth + 1;
            Some(events[nth].clone())
        };
        self.person.shared.until(&format!("a message from {sender}"), find).await
    }

    /// The first event that fits, of those that came and come.
    pub async fn finds(&self, what: &str, fits: impl Fn(&Event) -> bool) -> Event {
        let find =
            |seen: &mut Seen| seen.events.get(&self.place())?.iter().find(|event| fits(event)).cloned();
        self.person.shared.until(what, find).await
    }

    /// Waits for somebody to be shown as typing.
    pub async fn sees_typing(&self, user: &str) {
        let find = |seen: &mut Seen| {
            let typing = seen.typing.get(&self.place())?;
            typing.iter().any(|users| users.iter().any(|typing| typing == user)).then_some(())
        };
        self.person.shared.until(&format!("{user} typing"), find).await;
    }

    /// Every event that came, oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.person.shared.seen().events.get(&self.place()).cloned().unwrap_or_default()
    }

    /// The messages of that sender, oldest first, without changes of earlier ones.
    pub fn messages(&self, sender: &str) -> Vec<Event> {
        self.events().into_iter().filter(|event| event.sender == sender && event.is_message()).collect()
    }

    fn place(&self) -> (String, String) {
        (self.person.id.clone(), self.id.clone())
    }
}
