//! Promises of the service as a whole, each kept by the real binary.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    time::{Duration, Instant},
};

use chatbox_telegram_standin::{Event, Fault, User};
use tokio::{sync::watch, time};

use crate::{
    hub::{Hub, LOOK_EVERY, PATIENCE, Service, TOKEN, UNLIMITED},
    ledger::Books,
    traffic::{self, QUESTION},
};

const NO_DESK: &str = "[desk]\nnone = true\n";

/// What nobody may read anywhere but in the chat.
const CANARY: &str = "zebra-marmalade-6191";

/// An address of this machine where nobody listens yet.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

/// Waits until the bot has said something with this in it, anywhere in a chat.
pub(crate) async fn heard(hub: &Hub, chat: i64, part: &str) {
    hub.telegram
        .wait_for(|entries| {
            entries
                .iter()
                .any(|e| e.chat == chat && e.bot && e.event == Event::Sent && e.text.contains(part))
                .then_some(())
        })
        .await;
}

/// Asks until the answer is as it should be; the body of that answer.
pub(crate) async fn get(url: &str, status: u16) -> String {
    let began = Instant::now();
    loop {
        if let Ok(answer) = reqwest::get(url).await
            && answer.status().as_u16() == status
        {
            return answer.text().await.unwrap();
        }
        assert!(began.elapsed() < PATIENCE, "{url} did not answer with {status}");
        time::sleep(LOOK_EVERY).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn message_that_the_engine_panics_on_is_set_aside_after_five_tries_and_the_conversation_goes_on() {
    let hub = Hub::open("[desk]\nchannel = \"telegram\"\nroom = -1007\n").await;
    hub.telegram.forum(-1007, "Desk").adds_bot(&hub.telegram.user(1, "Lead"), true);
    let amina = hub.telegram.user(7, "Amina");
    // Both wait when the service starts: the second must not be set aside with the first.
    amina.says("I'm planning on killing myself");
    amina.says("I want to give feedback");
    let service = hub.start_to_die("decide.engine=5*panic");
    // The text was still checked, and the person is told.
    heard(&hub, 7, "999").await;
    heard(&hub, 7, "Something went wrong here with your last message").await;
    heard(&hub, -1007, "The bot failed on a message").await;
    // The second message was answered by the engine itself.
    hub.telegram.wait_for_confirmation().await;
    let failures = hub.log().matches("the engine failed on an input").count();
    assert_eq!(failures, 5, "{}", hub.log());

    let parked = hub.command(&["replay"]).await.out;
    assert_eq!(parked.lines().count(), 1, "{parked}");
    assert!(parked.contains("tried 6 times"), "{parked}");
    let number = parked.split_whitespace().next().unwrap();
    let before = hub.telegram.everything().len();
    let ran = hub.command(&["replay", number]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    // Nobody writes: the service finds by itself what was put back.
    hub.telegram
        .wait_for(|entries| entries[before..].iter().any(|e| e.chat == 7 && e.bot).then_some(()))
        .await;
    assert_eq!(hub.command(&["replay"]).await.out, "Nothing is set aside.\n");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushed_message_is_answered_with_200_only_after_the_commit() {
    let listen = free_address();
    let hub = Hub::open(&format!(
        "mode = \"webhook\"\nwebhook_url = \"http://{listen}/hook\"\nwebhook_listen = \"{listen}\"\n\
         webhook_secret = \"a-secret-of-today\"\nwebhook_secret_old = \"a-secret-of-before\"\n{UNLIMITED}"
    ))
    .await;
    let amina = hub.telegram.user(7, "Amina");
    // Died before the commit, and after it but before the answer: it is pushed again both times.
    for (waiting, point, text) in
        [(1, "receive.before_commit", "I want to give feedback"), (2, "receive.committed", "All well")]
    {
        let service = hub.start_to_die(&format!("{point}=return"));
        amina.says(text);
        assert!(!service.ended().await.success());
        assert_eq!(hub.telegram.pending(), waiting, "Telegram was told too early");
    }
    let service = hub.start();
    heard(&hub, 7, "I have noted that").await;
    hub.telegram.wait_for_confirmation().await;
    assert_eq!(hub.telegram.said(7).len(), 2, "{:#?}", hub.telegram.said(7));

    let client = reqwest::Client::new();
    let update = r#"{"update_id":1,"message":{"message_id":77,"date":1790000000,"text":"hello",
        "chat":{"id":7,"type":"private","first_name":"A"},"from":{"id":7,"is_bot":false,"first_name":"A"}}}"#;
    for (secret, status) in
        [("", 401), ("a-secret-of-todaz", 401), ("a-secret-of-before", 200), ("a-secret-of-today", 200)]
    {
        let answer = client
            .post(format!("http://{listen}/hook"))
            .header("X-Telegram-Bot-Api-Secret-Token", secret)
            .body(update)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), status, "{secret:?}");
    }
    service.stop().await;
    assert!(!hub.log().contains("a-secret-of"));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_how_it_is_and_nothing_about_anybody() {
    let listen = free_address();
    let hub = Hub::open(&format!("{NO_DESK}[http]\nlisten = \"{listen}\"\n")).await;
    let quetzal = hub.telegram.user(7_654_321, "Quetzalcoatlina");
    hub.telegram.fault(Fault::retry_after(1).on("sendMessage"));
    let service = hub.start();
    quetzal.says(&format!("I can't sleep {CANARY}"));
    quetzal.next_message().await;
    assert_eq!(get(&format!("http://{listen}/healthz"), 200).await, "ok\n");
    let ready = get(&format!("http://{listen}/readyz"), 200).await;
    let parsed: serde_json::Value = serde_json::from_str(&ready).unwrap();
    assert_eq!(parsed["ready"], true);
    let metrics = get(&format!("http://{listen}/metrics"), 200).await;
    for line in [
        "chatbox_decided_total 1",
        "chatbox_deliveries_total{channel=\"telegram\",outcome=\"retry_after\"} 1",
        "chatbox_deliveries_total{channel=\"telegram\",outcome=\"sent\"}",
        "chatbox_inbox_waiting 0",
        "chatbox_parked 0",
        "chatbox_desk_waiting 0",
        "chatbox_database_up 1",
        "chatbox_receiving{channel=\"telegram\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    for secret in [CANARY, "Quetzal", "7654321", "token-SECRET"] {
        assert!(!metrics.contains(secret) && !ready.contains(secret), "{secret}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_drains_in_under_ten_seconds_and_nothing_is_sent_twice() {
    let hub = Hub::open(UNLIMITED).await;
    let allowed = watch::Sender::new(4);
    let people = traffic::run(&hub.telegram, 20, allowed.subscribe());
    let lives = async {
        for life in 2..=4 {
            let service = hub.start();
            let calls = hub.telegram.calls("sendMessage").len();
            hub.telegram.wait_for_calls("sendMessage", calls + 10).await;
            // More comes in while it stops.
            allowed.send_replace(life * 4);
            let began = Instant::now();
            service.stop().await;
            assert!(began.elapsed() < Duration::from_secs(10));
        }
        let service = hub.start();
        let books = Books::sqlite(&hub.database());
        books.settled(20 * 16).await;
        service.stop().await;
        drop(allowed);
        books
    };
    let (sent, books) = tokio::join!(people, lives);
    let found = books.audit(&hub.telegram, &sent).await;
    assert_eq!((found.messages, found.repeats, found.unknown), (20 * 16, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_that_hangs_delays_no_other() {
    let hub = Hub::open(UNLIMITED).await;
    let (amina, ben) = (hub.telegram.user(7, "Amina"), hub.telegram.user(8, "Ben"));
    hub.telegram.fault(Fault::hang().on("sendMessage").for_chat(7).always());
    let service = hub.start();
    amina.says("help");
    hub.telegram.wait_for_calls("sendMessage", 1).await;
    let hung = |hub: &Hub| -> Vec<u16> {
        let calls = hub.telegram.calls("sendMessage");
        calls.iter().filter(|call| call.chat == Some(7)).map(|call| call.status).collect()
    };
    for _ in 0..10 {
        ben.says("help");
        ben.next_message().await;
    }
    assert_eq!(hung(&hub), [0], "all ten answers came while the first call to the other chat still hung");
    // It is not forgotten either.
    hub.telegram.clear_faults();
    amina.next_message().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_telegram_hold_under_load_and_pauses_are_kept() {
    const CHATS: i64 = 40;
    let hub = Hub::open(&format!("{NO_DESK}[limits]\nperson_per_minute = 0\n")).await;
    let people: Vec<User> = (1..=CHATS).map(|id| hub.telegram.user(id, "Somebody")).collect();
    for chat in 1..=5 {
        hub.telegram.fault(Fault::retry_after(2).on("sendMessage").for_chat(chat).after(1));
    }
    for person in &people {
        // More than the burst of one chat.
        for _ in 0..5 {
            person.says("help");
        }
    }
    let service = hub.start();
    for person in &people {
        for _ in 0..5 {
            person.next_message().await;
        }
    }
    assert_eq!(hub.telegram.violations(), 0, "something was sent before a pause was over");
    let calls = hub.telegram.calls("sendMessage");
    // Telegram sees calls a little closer together than they were made, or further apart.
    let most = |calls: &[Duration], length: Duration| {
        calls
            .iter()
            .map(|first| calls.iter().filter(|at| **at >= *first && **at < *first + length).count())
            .max()
    };
    let all: Vec<Duration> = calls.iter().map(|call| call.at).collect();
    assert!(most(&all, Duration::from_millis(800)) <= Some(30));
    for chat in 1..=CHATS {
        let one: Vec<Duration> = calls.iter().filter(|c| c.chat == Some(chat)).map(|c| c.at).collect();
        assert!(most(&one, Duration::from_millis(800)) <= Some(3), "chat {chat}: {one:?}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_of_a_running_service_can_be_restored() {
    let hub = Hub::open(UNLIMITED).await;
    let amina = hub.telegram.user(70, "Amina");
    let allowed = watch::Sender::new(8);
    let people = traffic::run(&hub.telegram, 10, allowed.subscribe());
    let service = hub.start();
    let work = async {
        amina.says("I want to give feedback");
        heard(&hub, 70, QUESTION).await;
        allowed.send_replace(40);
        let ran = hub.command(&["backup", "copy.db"]).await;
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        drop(allowed);
    };
    tokio::join!(people, work);
    service.kill().await;

    // Elsewhere, from the copy and the key file alone.
    let restored = Hub::open(UNLIMITED).await;
    fs::copy(hub.dir.path().join("copy.db"), restored.database()).unwrap();
    fs::copy(hub.dir.path().join("hub.db.key"), restored.dir.path().join("hub.db.key")).unwrap();
    let amina = restored.telegram.user(70, "Amina");
    let service = restored.start();
    amina.says(CANARY);
    heard(&restored, 70, "I have noted that").await;
    service.stop().await;
    let refused = restored.command(&["backup", "hub.db"]).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn full_disk_loses_nothing_and_the_service_goes_on_when_there_is_room() {
    let listen = free_address();
    let hub = Hub::open(&format!("{UNLIMITED}[http]\nlisten = \"{listen}\"\n")).await;
    let amina = hub.telegram.user(7, "Amina");
    let service = Service::start_on_a_small_disk(&hub);
    amina.says("I want to give feedback");
    heard(&hub, 7, QUESTION).await;
    // No file may grow any more, as on a full disk; what is written is refused in the same place.
    let wal = fs::metadata(hub.dir.path().join("hub.db-wal")).unwrap().len();
    limit_files(&service, &wal.to_string());
    amina.says(CANARY);
    let unacknowledged = async {
        while !hub.log().contains("could not be committed") {
            time::sleep(LOOK_EVERY).await;
        }
    };
    time::timeout(PATIENCE, unacknowledged).await.expect("the log says that nothing can be committed");
    assert_eq!(hub.telegram.pending(), 1, "Telegram keeps what we could not");
    get(&format!("http://{listen}/readyz"), 503).await;
    assert!(get(&format!("http://{listen}/metrics"), 200).await.contains("chatbox_database_up 0"));
    limit_files(&service, "unlimited");
    heard(&hub, 7, "I have noted that").await;
    get(&format!("http://{listen}/readyz"), 200).await;
    assert!(get(&format!("http://{listen}/metrics"), 200).await.contains("chatbox_database_up 1"));
    service.stop().await;
    assert_eq!(hub.telegram.said(7).len(), 2);
    assert!(!hub.log().contains(TOKEN) && !hub.log().contains(CANARY));
}

fn limit_files(service: &Service, bytes: &str) {
    let done = std::process::Command::new("prlimit")
        .args(["--pid", &service.id().to_string(), &format!("--fsize={bytes}:")])
        .status()
        .unwrap();
    assert!(done.success(), "prlimit");
}
