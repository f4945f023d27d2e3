//! Starting: one clear sentence for each way in which it fails, and nothing lost with the folder.

use chatbox_core::channel::Channel;
use chatbox_matrix::ConnectError;
use chatbox_matrix_synapse::{Gate, Synapse};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use crate::bot::{Bot, config, connect, say};

#[tokio::test]
async fn each_failure_has_its_sentence_and_says_whether_to_try_again() {
    let synapse = Synapse::shared().await;
    let account = synapse.account("bot").await;
    let dir = TempDir::new().unwrap();
    let good = || config(synapse.url(), &account, dir.path());
    let fails = |error: ConnectError, retry: bool, part: &str| {
        let sentence = error.to_string();
        assert!(sentence.contains(part), "{sentence}");
        assert_eq!(error.can_help_to_retry(), retry, "{sentence}");
    };

    let mut wrong = good();
    wrong.password = "not it".to_owned().into();
    fails(connect(wrong).await.unwrap_err(), false, "matrix.password");
    let mut nobody = good();
    nobody.user = "@nobody:chatbox.test".to_owned();
    fails(connect(nobody).await.unwrap_err(), false, "matrix.user");
    let mut away = good();
    away.homeserver = "http://127.0.0.1:9".to_owned();
    fails(connect(away).await.unwrap_err(), true, "cannot be reached at http://127.0.0.1:9");
    let mut bad = good();
    bad.homeserver = "matrix.example.org".to_owned();
    fails(connect(bad).await.unwrap_err(), false, "matrix.homeserver");
    let mut desk = good();
    desk.desk_room = Some("#nothing:chatbox.test".to_owned());
    fails(connect(desk).await.unwrap_err(), false, "desk.room");

    // That far it had logged in.
    std::fs::remove_dir_all(dir.path().join("matrix")).unwrap();
    let gate = Gate::to(synapse.url()).await;
    let mut through = good();
    through.homeserver = gate.url().to_owned();
    gate.answer("/login", 200, "<html>hello</html>");
    fails(connect(through.clone()).await.unwrap_err(), false, "not a Matrix homeserver");
    gate.open();
    gate.answer("/keys/", 404, r#"{"errcode":"M_UNRECOGNIZED","error":"Unrecognized request"}"#);
    fails(connect(through.clone()).await.unwrap_err(), false, "end-to-end encryption");
    gate.open();
    gate.answer("/login", 503, "");
    std::fs::remove_dir_all(dir.path().join("matrix")).unwrap();
    fails(connect(through.clone()).await.unwrap_err(), true, "cannot be reached");
    gate.open();

    let first = connect(good()).await.unwrap();
    fails(connect(good()).await.unwrap_err(), false, "another process uses matrix.state_dir");
    first.close().await;
    let mut other_key = good();
    other_key.store_key = [8; 32];
    fails(connect(other_key).await.unwrap_err(), false, "cannot be opened");
    let mut other = good();
    other.user = synapse.account("other").await.id;
    fails(connect(other).await.unwrap_err(), false, &account.id);
    connect(good()).await.unwrap().close().await;
}

#[tokio::test]
async fn old_conversation_goes_on_after_the_folder_is_lost() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    assert!(bot.recovery_key.is_some(), "the first login makes a key");
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    let devices = room.ready(&id).await;
    room.says("one").await;
    let lane = bot.hears("one").await.lane;
    bot.says(&lane, &say("hello")).await;
    room.next(&id).await;

    bot = bot.again(|_, _| {}).await;
    assert_eq!(bot.matrix.user(), id);
    bot.matrix.close().await;
    // Written while nobody is there, for a device that will never come back.
    room.says("two").await;
    let key = bot.recovery_key.clone();
    let state_dir = bot.config.state_dir.clone();
    std::fs::remove_dir_all(&state_dir).unwrap();
    let mut config = bot.config.clone();
    config.recovery_key.clone_from(&key);
    bot.matrix = connect(config).await.unwrap();

    bot.hears("two").await;
    bot.during(room.ready_beside(&id, &devices)).await;
    room.says("three").await;
    bot.hears("three").await;
    bot.says(&lane, &say("still here")).await;
    let answer = room.finds("the answer", |event| event.text() == "still here").await;
    assert!(answer.encrypted);
    assert_eq!(bot.heard(), ["one", "two", "three"], "nothing twice");
}

#[tokio::test]
async fn recovery_key_that_nobody_saved_is_replaced() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let first = bot.recovery_key.clone();
    // The process ended before the key was sealed in the database.
    bot.recovery_key = None;
    let bot = bot.again(|_, _| {}).await;
    let (first, second) = (first.unwrap(), bot.recovery_key.clone().unwrap());
    assert_ne!(first.expose_secret(), second.expose_secret());
    // With the new key nothing has to be made any more, also not after the folder was lost.
    let bot = bot
        .again(|config, dir| {
            assert!(config.recovery_key.is_some());
            std::fs::remove_dir_all(dir.join("matrix")).unwrap();
        })
        .await;
    assert_eq!(bot.recovery_key.unwrap().expose_secret(), second.expose_secret());
}

#[tokio::test]
async fn session_that_the_homeserver_ended_is_replaced_by_a_new_login() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    room.says("one").await;
    bot.hears("one").await;
    let mut ended = room.ready(&id).await;
    let me = synapse.login(&bot.account).await;
    ended.push(me.device.clone());
    let (status, _) = me.calls("POST", "/_matrix/client/v3/logout/all", serde_json::json!({})).await;
    assert_eq!(status, 200);
    // A wait that is open already ends first.
    let unread = room.says("two").await;
    let error = loop {
        match bot.matrix.receive(bot.committed.as_deref()).await {
            Ok(batch) => bot.commit(batch),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("ended the bot's login"), "{error}");
    let mut bot = bot.again(|_, _| {}).await;
    bot.during(room.ready_beside(&id, &ended)).await;
    room.says("three").await;
    bot.hears("three").await;
    assert_eq!(bot.heard(), ["one", "three"]);
    // There was no device that could have had its key: it is not read, and not forgotten.
    assert!(bot.committed.is_some_and(|cursor| cursor.contains(&unread)));
}
