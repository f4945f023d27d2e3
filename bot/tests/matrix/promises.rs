//! What is promised when something between the bot and its platforms fails.

use std::{fs, net::TcpListener, time::Duration};

use chatbox_matrix_synapse::Gate;
use chatbox_telegram_standin::Standin;
use tokio::time;

use crate::{
    stage::Stage,
    support::{Service, folder},
};

#[tokio::test]
async fn reply_whose_outcome_nobody_knows_appears_exactly_once() {
    let stage = Stage::set().await;
    let gate = Gate::to(stage.synapse.url()).await;
    stage.configure(gate.url(), &stage.bot.password);
    let service = stage.start();
    let sam = stage.guest("sam").await;
    sam.asks("hello").await;
    for thanks in 1..=3 {
        // Each of them reaches the room, and the bot is told nothing of it.
        gate.lose_answers(2, "/send/m.room.encrypted/");
        sam.room.says("thanks").await;
        let reply = sam.hears().await;
        assert!(reply.text().contains("You're welcome"), "{thanks}: {}", reply.text());
    }
    gate.open();
    sam.asks("goodbye").await;
    let heard = sam.heard();
    assert_eq!(heard.len(), 5, "{heard:#?}");
    assert!(service.stop().success());
}

#[tokio::test]
async fn outage_of_one_platform_never_stops_the_other() {
    let stage = Stage::set().await;
    let gate = Gate::to(stage.synapse.url()).await;
    gate.answer("/_matrix", 502, "");
    stage.configure(gate.url(), &stage.bot.password);
    let telegram = Standin::start("12345:token").await.unwrap();
    let both = |api: &str| format!("[telegram]\ntoken = \"12345:token\"\napi_url = \"{api}\"\n");
    let text = fs::read_to_string(stage.config()).unwrap();
    fs::write(stage.config(), format!("{text}{}", both(telegram.url()))).unwrap();
    // Matrix is out at the start, and Telegram works.
    let service = stage.start();
    let amina = telegram.user(7, "Amina");
    amina.says("hello");
    assert!(amina.next_message().await.text.contains("What would help?"));
    // Matrix comes back by itself.
    gate.open();
    let sam = stage.guest("sam").await;
    sam.asks("hello").await;
    // It goes out again, and Telegram still works.
    gate.answer("/_matrix", 502, "");
    amina.says("thanks");
    assert!(amina.next_message().await.text.contains("You're welcome"));
    assert!(service.stop().success());

    // Telegram is out at the start, and Matrix works.
    gate.open();
    let nowhere = "http://127.0.0.1:9";
    fs::write(stage.config(), format!("{text}{}", both(nowhere))).unwrap();
    let service = stage.start();
    assert!(sam.asks("thanks").await.text().contains("You're welcome"));
    assert!(service.stop().success());
}

#[tokio::test]
async fn platform_that_wants_no_more_of_us_leaves_the_other_alone() {
    let stage = Stage::set().await;
    let telegram = Standin::start("12345:token").await.unwrap();
    let text = fs::read_to_string(stage.config()).unwrap();
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let both = format!(
        "{text}[telegram]\ntoken = \"12345:token\"\napi_url = \"{}\"\n[http]\nlisten = \"{listen}\"\n",
        telegram.url()
    );
    fs::write(stage.config(), both).unwrap();
    let get = async |path: &str| {
        let answer = reqwest::get(format!("http://{listen}/{path}")).await.unwrap();
        answer.error_for_status().unwrap().text().await.unwrap()
    };
    let service = stage.start();
    let log = service.log.clone();
    let sam = stage.guest("sam").await;
    sam.asks("hello").await;
    telegram.user(7, "Amina").says("hello");
    telegram.wait_for_confirmation().await;
    assert!(get("readyz").await.contains(r#""channels":{"matrix":"connected","telegram":"connected"}"#));
    telegram.revoke_token("12345:other");
    let said = || fs::read_to_string(&log).unwrap().contains("The other channel goes on.");
    time::timeout(Duration::from_secs(60), async {
        while !said() {
            time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
    assert!(get("readyz").await.contains(r#""channels":{"matrix":"connected","telegram":"lost"}"#));
    let metrics = get("metrics").await;
    for line in
        [r#"chatbox_channel_lost{channel="telegram"} 1"#, r#"chatbox_channel_lost{channel="matrix"} 0"#]
    {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    assert!(sam.asks("thanks").await.text().contains("You're welcome"));
    assert!(service.stop().success());
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_and_told_and_answered_when_its_key_comes() {
    let stage = Stage::set().await;
    let service = stage.start();
    let sam = stage.guest("sam").await;
    sam.asks("hello").await;
    sam.keeps_keys_back().await;
    let written = time::Instant::now();
    sam.room.says("can I have a group for my team").await;
    let told = sam.hears().await;
    assert!(
        told.text().contains("that I could not read") && told.text().contains("116 123"),
        "{}",
        told.text()
    );
    assert!(written.elapsed() >= Duration::from_secs(55), "keys often come a little late");
    sam.hands_keys_over().await;
    assert!(sam.hears().await.text().contains("What is the group for?"), "the message is answered");
    assert!(service.stop().success());
}

#[tokio::test]
async fn wrong_account_on_one_platform_is_said_at_the_start() {
    let stage = Stage::set().await;
    stage.configure(stage.synapse.url(), "wrong");
    let telegram = Standin::start("12345:token").await.unwrap();
    let text = fs::read_to_string(stage.config()).unwrap();
    let dir = folder();
    let config = dir.path().join("chatbox.toml");
    fs::write(
        &config,
        format!("{text}[telegram]\ntoken = \"12345:token\"\napi_url = \"{}\"\n", telegram.url()),
    )
    .unwrap();
    let service = Service::start(dir.path(), &config);
    let log = service.log.clone();
    let status = tokio::task::spawn_blocking(move || service.wait()).await.unwrap();
    let log = fs::read_to_string(log).unwrap();
    assert_eq!(status.code(), Some(2), "{log}");
    assert!(log.lines().last().unwrap().contains("matrix.password"), "{log}");
}
