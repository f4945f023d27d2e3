//! P5: a practitioner takes a conversation while the bot is answering in it. The real service on
//! SQLite, and two processes of it on PostgreSQL; what Telegram saw, in the order in which it came,
//! decides.
//!
//! `CHATBOX_RACES` is how many takes (1,000 in the long form).

use std::time::Duration;

use chatbox_telegram_standin::{Call, Entry, Fault, User};
use tokio::{task::JoinSet, time};

use crate::{
    hub::{Hub, PATIENCE, Service, number},
    many::Front,
    promises::free_address,
    server,
};

const ROOM: i64 = -1007;
const BOB: i64 = 42;

/// People who are taken at the same time.
const AT_ONCE: i64 = 25;

/// Everybody after this many writes of danger.
const DANGER_EVERY: i64 = 4;

/// Open at any hour, and no limits.
const DESK: &str = "per_second = 0\nchat_per_second = 0\ngroup_per_minute = 0\n[limits]\nperson_per_minute = 0\n\
                    [hub]\nhours = \"always\"\n[desk]\nchannel = \"telegram\"\nroom = -1007\n";

#[derive(Debug, Default)]
struct Verdict {
    /// The bot's texts that began to be sent after the practitioner was told that they hold the
    /// conversation.
    begun_after: usize,
    /// People in danger who were not shown the lines.
    without_lines: usize,
    /// Texts of the bot that came between the take and its confirmation: it had to wait for them.
    waited_for: usize,
}

async fn race(hub: &Hub, takes: i64) -> Verdict {
    let telegram = &hub.telegram;
    // The database is there by then.
    telegram.wait_for_calls("getMe", 1).await;
    let bob = telegram.user(BOB, "Bob");
    telegram.forum(ROOM, "Desk").adds_bot(&bob, true);
    let added = hub.command(&["practitioner", "add", "Bob"]).await;
    bob.says(added.out.lines().next().unwrap());
    telegram
        .wait_for(|all| all.iter().find(|e| e.chat == BOB && e.text.contains("enrolled")).map(drop))
        .await;
    let bob = bob.in_group(&telegram.forum(ROOM, "Desk"));
    // Every send is under way for a while.
    telegram.fault(Fault::delay(20).on("sendMessage").always());
    let mut first = 1_000;
    while first < 1_000 + takes {
        let last = (first + AT_ONCE).min(1_000 + takes);
        let mut racing = JoinSet::new();
        for id in first..last {
            let (person, bob) = (telegram.user(id, "Somebody"), bob.clone());
            person.says(&format!("can I talk to a person please, I am number {id}"));
            // All that this first turn says is out before the race begins.
            let asked = |e: &Entry| e.chat == id && e.bot && e.text.contains("You can leave a message here");
            let head = telegram.wait_for(|all| head(all, id).filter(|_| all.iter().any(asked)));
            let topic = time::timeout(PATIENCE, head).await.expect("a case is opened");
            racing.spawn(take(person, bob.in_topic(topic)));
        }
        while let Some(done) = racing.join_next().await {
            done.unwrap();
        }
        let told = telegram.wait_for(|all| {
            let taken =
                all.iter().filter(|e| e.chat == ROOM && e.bot && e.text.contains("Bob has it.")).count();
            (taken >= usize::try_from(last - 1_000).unwrap()).then_some(())
        });
        time::timeout(PATIENCE, told).await.expect("every take is confirmed");
        first = last;
    }
    // What was still under way has come in by the time that nothing new does.
    let mut before = 0;
    while telegram.calls("sendMessage").len() > before {
        before = telegram.calls("sendMessage").len();
        time::sleep(Duration::from_secs(2)).await;
    }
    verdict(&telegram.calls("sendMessage"), &telegram.everything(), takes)
}

/// The topic of this person's case.
fn head(all: &[Entry], id: i64) -> Option<i64> {
    let of = |e: &&Entry| e.chat == ROOM && e.bot && e.text.contains(&format!("I am number {id}"));
    all.iter().find(of).and_then(|entry| entry.thread)
}

/// At the same moment, as nearly as can be, in an order that changes from one to the next.
async fn take(person: User, bob: User) {
    let id = person.id();
    let words = if id % DANGER_EVERY == 0 { "I want to kill myself" } else { "I can't sleep" };
    let wait = Duration::from_millis(u64::try_from(id * 7 % 60).unwrap());
    if id % 2 == 0 {
        person.says(words);
        time::sleep(wait).await;
        bob.says("/take");
    } else {
        bob.says("/take");
        time::sleep(wait / 4).await;
        person.says(words);
    }
}

fn verdict(calls: &[Call], all: &[Entry], takes: i64) -> Verdict {
    let text = |call: &Call| call.params["text"].as_str().unwrap_or_default().to_owned();
    let is_safety = |text: &str| text.contains("116 123") && !text.contains("wellbeing chat");
    let is_news = |text: &str| text.contains("has joined this chat");
    let mut verdict = Verdict::default();
    for id in 1_000..1_000 + takes {
        let topic = head(all, id).unwrap();
        let thread = |call: &&Call| call.params.get("message_thread_id").and_then(serde_json::Value::as_i64);
        let confirmed = calls
            .iter()
            .find(|call| thread(call) == Some(topic) && text(call).contains("Bob has it."))
            .unwrap();
        let mut shown = false;
        for call in calls.iter().filter(|call| call.chat == Some(id)) {
            let text = text(call);
            shown |= is_safety(&text);
            verdict.begun_after +=
                usize::from(call.at > confirmed.at && !is_safety(&text) && !is_news(&text));
        }
        verdict.without_lines += usize::from(id % DANGER_EVERY == 0 && !shown);
        let here = |e: &&Entry| e.thread == Some(topic);
        let taken = all.iter().filter(here).find(|e| e.by == BOB && e.text == "/take").unwrap().seq;
        let told = all.iter().filter(here).find(|e| e.bot && e.text.contains("Bob has it.")).unwrap().seq;
        let between = all.iter().filter(|e| e.chat == id && e.bot && (taken..told).contains(&e.seq));
        verdict.waited_for += between.filter(|e| !is_safety(&e.text) && !is_news(&e.text)).count();
    }
    verdict
}

fn check(verdict: &Verdict) {
    assert_eq!((verdict.begun_after, verdict.without_lines), (0, 0), "{verdict:?}");
    assert!(verdict.waited_for > 0, "nothing was under way at any take, so that nothing was shown");
}

fn takes() -> i64 {
    i64::try_from(number("CHATBOX_RACES", 100)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_bot_begins_after_a_take_was_confirmed_on_sqlite() {
    let hub = Hub::open(DESK).await;
    let service = hub.start();
    let found = race(&hub, takes()).await;
    service.stop().await;
    println!("{} takes on SQLite: {found:?}", takes());
    check(&found);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_bot_begins_after_a_take_was_confirmed_by_two_processes_on_postgresql() {
    let (url, key) = server::database().await;
    let store = format!("url = \"{url}\"\nkey_file = \"{}\"", key.display());
    let listen = [free_address(), free_address()];
    let (front, serving) = Front::open(listen.to_vec()).await;
    let hub = Hub::with(&store, DESK).await;
    for (nth, listen) in listen.iter().enumerate() {
        let webhook = format!(
            "mode = \"webhook\"\nwebhook_url = \"http://{front}/hook\"\nwebhook_listen = \"{listen}\"\n\
             webhook_secret = \"a-secret-of-today\"\n{DESK}"
        );
        hub.configure(&format!("{nth}.toml"), &store, &webhook);
    }
    let services: Vec<Service> =
        (0..listen.len()).map(|nth| Service::start(&hub, &format!("{nth}.toml"), &[])).collect();
    let found = race(&hub, takes()).await;
    for service in services {
        service.stop().await;
    }
    serving.abort();
    println!("{} takes by two processes on PostgreSQL: {found:?}", takes());
    check(&found);
}
