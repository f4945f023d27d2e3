//! The desk in a Matrix room with threads, or in a Telegram forum, for people on either platform.

use std::{fs, path::PathBuf};

use chatbox_matrix_synapse::{Account, Event, Person, Room, Synapse};
use chatbox_telegram_standin as telegram;
use chatbox_telegram_standin::{Entry, Standin};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Service, chatbox, folder, run};

const TOKEN: &str = "12345:token-SECRET";
const FORUM: i64 = -1007;

/// A bot on both platforms.
struct Hub {
    dir: TempDir,
    synapse: &'static Synapse,
    bot: Account,
    telegram: Standin,
    service: Option<Service>,
}

impl Hub {
    async fn open() -> Self {
        let synapse = Synapse::shared().await;
        let bot = synapse.account("bot").await;
        Self { dir: folder(), synapse, bot, telegram: Standin::start(TOKEN).await.unwrap(), service: None }
    }

    fn start(&mut self, desk: &str) {
        let text = format!(
            "[store]\nurl = \"sqlite:hub.db\"\n[hub]\nhours = \"always\"\n[telegram]\ntoken = \"{TOKEN}\"\napi_url = \
             \"{}\"\nchat_per_second = 0\ngroup_per_minute = 0\n[matrix]\nhomeserver = \"{}\"\nuser = \"{}\"\n\
             password = \"{}\"\nstate_dir = \"matrix\"\n[desk]\n{desk}\n",
            self.telegram.url(),
            self.synapse.url(),
            self.bot.id,
            self.bot.password,
        );
        fs::write(self.config(), text).unwrap();
        self.service = Some(Service::start(self.dir.path(), &self.config()));
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("chatbox.toml")
    }

    fn code_for(&self, name: &str) -> String {
        let added = run(chatbox(self.dir.path(), ["-c", "chatbox.toml", "practitioner", "add", name]), b"");
        assert_eq!(added.code, Some(0), "{}", added.err);
        added.out.lines().next().unwrap().to_owned()
    }

    /// Waits for what the bot does on Telegram.
    async fn sees(&self, fits: impl Fn(&Entry) -> bool) -> Entry {
        self.telegram.wait_for(|all| all.iter().find(|entry| entry.bot && fits(entry)).cloned()).await
    }

    async fn tells(&self, chat: i64, part: &str) -> Entry {
        self.sees(|e| e.chat == chat && e.event == telegram::Event::Sent && e.text.contains(part)).await
    }

    async fn stop(&mut self) {
        let service = self.service.take().unwrap();
        assert!(tokio::task::spawn_blocking(move || service.stop()).await.unwrap().success());
    }

    /// Somebody in a room with the bot, who proves there that they are a practitioner.
    async fn enrols(&self, person: &Person, name: &str) {
        let code = self.code_for(name);
        let room = person.meets(&self.bot.id).await;
        room.says(&code).await;
        room.finds("the bot's thanks", |e| e.text().contains("enrolled at the desk")).await;
    }
}

/// A message of the bot in the desk's room.
async fn at_desk(room: &Room, bot: &str, part: &str) -> Event {
    room.finds(part, |e| e.sender == bot && e.replaces().is_none() && e.text().contains(part)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_on_telegram_talks_with_a_desk_on_matrix() {
    let mut hub = Hub::open().await;
    let bot = hub.bot.id.clone();
    let (bob, carol, mallory) = (
        hub.synapse.person("bob").await,
        hub.synapse.person("carol").await,
        hub.synapse.person("mallory").await,
    );
    let room = bob.opens(&[&bot, &carol.id, &mallory.id], true).await;
    let (carols, mallorys) = (carol.accepts().await, mallory.accepts().await);
    hub.start(&format!("channel = \"matrix\"\nroom = \"{}\"", room.id));
    room.ready(&bot).await;
    hub.enrols(&bob, "Bob").await;
    hub.enrols(&carol, "Carol").await;
    // A practitioner on Telegram is nobody at a desk on Matrix.
    let dora = hub.telegram.user(44, "Dora");
    dora.says(&hub.code_for("Dora"));
    hub.tells(44, "enrolled").await;

    let alice = hub.telegram.user(7, "Alice");
    alice.says("can I talk to a person please");
    let head = at_desk(&room, &bot, "Asks to talk to a person").await;
    assert!(head.encrypted);
    let root = head.thread().expect("a case has a thread").to_owned();

    mallorys.ready(&bot).await;
    mallorys.says_under(&root, "!take").await;
    at_desk(&room, &bot, "not enrolled").await;
    room.says_under(&root, "!take").await;
    at_desk(&room, &bot, "Bob has it.").await;
    hub.tells(7, "has joined this chat").await;
    carols.ready(&bot).await;
    carols.says_under(&root, "/take").await;
    at_desk(&room, &bot, "Bob has it already").await;

    // Words, with a mark on them; edits and deletions; both ways.
    let hello = room.says_under(&root, "hello from Matrix").await;
    let heard = hub.tells(7, "hello from Matrix").await;
    let mark = room.finds("the mark", |e| {
        e.sender == bot && e.kind == "m.reaction" && e.content["m.relates_to"]["event_id"] == json!(hello)
    });
    mark.await;
    room.edits(&hello, "hello from Bob on Matrix").await;
    hub.sees(|e| e.message == heard.message && e.text.contains("from Bob on Matrix")).await;
    let slip = room.says_under(&root, "this was for Carol").await;
    let seen = hub.tells(7, "this was for Carol").await;
    room.takes_back(&slip).await;
    hub.sees(|e| e.message == seen.message && e.event == telegram::Event::Deleted).await;
    let said = alice.says("hello from Telegram");
    let passed_on = at_desk(&room, &bot, "hello from Telegram").await;
    assert_eq!(passed_on.thread(), Some(&*root));
    alice.edits(said, "hello from Alice");
    room.finds("the edit", |e| {
        e.replaces() == Some(&passed_on.id)
            && e.content["m.new_content"]["body"].as_str().is_some_and(|body| body.contains("from Alice"))
    })
    .await;

    // Files, byte for byte.
    let photo = alice.sends_photo("the ceiling fell in");
    let copy = room.finds("the photo", |e| e.sender == bot && e.content["msgtype"] == "m.image").await;
    assert_eq!(decoded(&bob.fetches(&copy.content["file"]).await), hub.telegram.file(7, photo).unwrap());
    let thread = json!({ "m.relates_to": { "rel_type": "m.thread", "event_id": root } });
    room.sends_file("m.file", "form.txt", "text/plain", &base64(b"a form"), thread).await;
    let file = hub.sees(|e| e.chat == 7 && e.media.as_deref() == Some("document")).await;
    assert_eq!(hub.telegram.file(7, file.message).unwrap(), b"a form");

    room.says_under(&root, "!release").await;
    hub.tells(7, "has left this chat").await;
    hub.stop().await;
    assert!(!hub.telegram.said(7).iter().any(|text| text.contains("!take")));
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_on_matrix_talks_with_a_desk_on_telegram() {
    let mut hub = Hub::open().await;
    let owner = hub.telegram.user(1, "Owner");
    let forum = hub.telegram.forum(FORUM, "Desk");
    forum.adds_bot(&owner, true);
    hub.start(&format!("channel = \"telegram\"\nroom = {FORUM}"));
    // The database is there by then.
    hub.telegram.wait_for_calls("getMe", 1).await;
    let bob = hub.telegram.user(42, "Bob");
    bob.says(&hub.code_for("Bob"));
    hub.tells(42, "enrolled").await;

    let alice = hub.synapse.person("alice").await;
    let room = alice.meets(&hub.bot.id).await;
    let bot = hub.bot.id.clone();
    room.says("can I talk to a person please").await;
    let head = hub.tells(FORUM, "Asks to talk to a person").await;
    assert!(!head.text.contains(&alice.id), "never the platform's name of the person");
    let bob = bob.in_group(&forum).in_topic(head.thread.unwrap());
    bob.presses("Take it");
    hub.tells(FORUM, "Bob has it.").await;
    at_desk(&room, &bot, "has joined this chat").await;
    let hello = bob.says("hello from Telegram");
    let heard = at_desk(&room, &bot, "hello from Telegram").await;
    assert!(heard.encrypted);
    hub.sees(|e| e.event == telegram::Event::Reacted && e.message == hello).await;
    let said = room.says("hello from Matrix").await;
    let passed_on = hub.tells(FORUM, "hello from Matrix").await;
    assert_eq!(passed_on.thread, head.thread);
    room.takes_back(&said).await;
    hub.sees(|e| e.message == passed_on.message && e.event == telegram::Event::Deleted).await;
    bob.edits(hello, "hello from Bob");
    room.finds("the edit", |e| e.replaces() == Some(&heard.id)).await;

    let voice = bob.sends_voice("");
    let copy =
        room.finds("the voice message", |e| e.sender == bot && e.content["msgtype"] == "m.audio").await;
    let there = hub.telegram.file(FORUM, voice).unwrap();
    assert_eq!(decoded(&alice.fetches(&copy.content["file"]).await), there);
    room.sends_file("m.image", "rota.png", "image/png", &base64(b"pixels"), json!({})).await;
    let photo = hub.sees(|e| e.chat == FORUM && e.media.as_deref() == Some("photo")).await;
    assert_eq!(hub.telegram.file(FORUM, photo.message).unwrap(), b"pixels");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn practitioner_takes_over_and_hands_back_with_both_on_matrix() {
    let mut hub = Hub::open().await;
    let bot = hub.bot.id.clone();
    let (bob, carol, mallory) = (
        hub.synapse.person("bob").await,
        hub.synapse.person("carol").await,
        hub.synapse.person("mallory").await,
    );
    let desk = bob.opens(&[&bot, &carol.id, &mallory.id], true).await;
    let (carols, mallorys) = (carol.accepts().await, mallory.accepts().await);
    hub.start(&format!("channel = \"matrix\"\nroom = \"{}\"", desk.id));
    for room in [&desk, &carols, &mallorys] {
        room.ready(&bot).await;
    }
    hub.enrols(&bob, "Bob").await;
    hub.enrols(&carol, "Carol").await;
    let alice = hub.synapse.person("alice").await;
    let room = alice.meets(&bot).await;
    let hears = async |part: &str| {
        loop {
            let event = room.next(&bot).await;
            assert!(event.encrypted, "all that the bot says is encrypted");
            if event.text().contains(part) {
                return event;
            }
        }
    };
    room.says("a closed group for 8 nurses, every two weeks").await;
    hears("What is the group for?").await;
    room.says("can I talk to a person please").await;
    let head = at_desk(&desk, &bot, "Asks to talk to a person").await;
    let root = head.thread().expect("a case has a thread").to_owned();
    mallorys.says_under(&root, "!take").await;
    at_desk(&desk, &bot, "not enrolled").await;
    // The first command of the head's list is to take it: on Matrix buttons are numbers.
    desk.reacts(&head.id, "1\u{fe0f}\u{20e3}").await;
    at_desk(&desk, &bot, "Bob has it.").await;
    hears("has joined this chat").await;
    carols.says_under(&root, "!take").await;
    at_desk(&desk, &bot, "Bob has it already").await;
    desk.says_under(&root, "hello, this is Bob").await;
    carols.says_under(&root, "shall I ring her manager?").await;
    hears("this is Bob").await;
    room.says("a bad shift").await;
    at_desk(&desk, &bot, "a bad shift").await;

    room.says("I want to kill myself").await;
    hears("116 123").await;
    at_desk(&desk, &bot, "Route").await;
    desk.says_under(&root, "!release").await;
    at_desk(&desk, &bot, "A flag is open").await;
    desk.says_under(&root, "!safe we talked it through").await;
    at_desk(&desk, &bot, "The flag is closed").await;
    desk.says_under(&root, "!release").await;
    hears("carry on").await;
    room.says("carry on").await;
    hears("What is the group for?").await;
    room.says("we know we need something").await;
    room.says("that's all").await;
    hears("Shall I send it?").await;
    room.says("yes, send it").await;
    hears("KWG-").await;
    let request = at_desk(&desk, &bot, "A KeepingWell Group is asked for").await;
    assert!(request.thread().is_some_and(|thread| thread != root), "it has a case of its own");
    assert!(room.messages(&bot).iter().all(|event| !event.text().contains("ring her manager")));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_and_comes_back_by_another_room_is_with_the_same_practitioner() {
    let mut hub = Hub::open().await;
    let bot = hub.bot.id.clone();
    let bob = hub.synapse.person("bob").await;
    let desk = bob.opens(&[&bot], true).await;
    hub.start(&format!("channel = \"matrix\"\nroom = \"{}\"", desk.id));
    desk.ready(&bot).await;
    hub.enrols(&bob, "Bob").await;
    let alice = hub.synapse.person("alice").await;
    let room = alice.meets(&bot).await;
    room.says("I want to kill myself").await;
    let head = at_desk(&desk, &bot, "A person may be in danger").await;
    let root = head.thread().expect("a case has a thread").to_owned();
    desk.says_under(&root, "!take").await;
    at_desk(&desk, &bot, "Bob has it.").await;
    room.finds("word of Bob", |event| event.text().contains("has joined this chat")).await;
    room.leaves().await;
    at_desk(&desk, &bot, "has blocked or left this chat").await;

    let back = alice.meets(&bot).await;
    at_desk(&desk, &bot, "is back in this chat").await;
    desk.says_under(&root, "I am still here").await;
    back.finds("Bob's words", |event| event.text() == "I am still here").await;
    back.says("sorry, I was frightened").await;
    let passed_on = at_desk(&desk, &bot, "I was frightened").await;
    assert_eq!(passed_on.thread(), Some(&*root));
    hub.stop().await;
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for nth in 0..4 {
            let letter = char::from(LETTERS[(bits >> (18 - 6 * nth) & 63) as usize]);
            out.push(if nth > chunk.len() { '=' } else { letter });
        }
    }
    out
}

fn decoded(text: &str) -> Vec<u8> {
    let letters: Vec<u32> = text
        .bytes()
        .filter_map(|byte| LETTERS.iter().position(|letter| *letter == byte))
        .map(|place| u32::try_from(place).unwrap())
        .collect();
    letters
        .chunks(4)
        .flat_map(|chunk| {
            let bits = chunk.iter().fold(0, |bits, six| bits << 6 | six) << (6 * (4 - chunk.len()));
            bits.to_be_bytes()[1..chunk.len()].to_vec()
        })
        .collect()
}
