//! What cannot work is one clear sentence: tried again where that can help, else exit code 2.

use std::{fs, time::Duration};

use chatbox_matrix_synapse::Gate;

use crate::{stage::Stage, support::Service};

/// The last line of the log of a service that ends by itself, which has to be with exit code 2.
async fn refused(service: Service) -> String {
    let log = service.log.clone();
    let status = tokio::task::spawn_blocking(move || service.wait()).await.unwrap();
    let log = fs::read_to_string(log).unwrap();
    assert_eq!(status.code(), Some(2), "{log}");
    log.lines().last().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn wrong_password_is_one_sentence_and_exit_2() {
    let stage = Stage::set().await;
    stage.configure(stage.synapse.url(), "SECRET-wrong");
    let said = refused(stage.start()).await;
    assert!(said.contains("matrix.password") && !said.contains("SECRET"), "{said}");
}

#[tokio::test]
async fn homeserver_without_encryption_is_one_sentence_and_exit_2() {
    let stage = Stage::set().await;
    let gate = Gate::to(stage.synapse.url()).await;
    gate.answer("/keys/", 404, r#"{"errcode":"M_UNRECOGNIZED","error":"Unrecognized request"}"#);
    stage.configure(gate.url(), &stage.bot.password);
    let said = refused(stage.start()).await;
    assert!(said.contains("does not support end-to-end encryption"), "{said}");
}

#[tokio::test]
async fn second_process_on_the_same_keys_is_one_sentence_and_exit_2() {
    let stage = Stage::set().await;
    let _service = stage.start();
    let sam = stage.guest("sam").await;
    sam.asks("hello").await;
    let second = stage.dir.path().join("second.toml");
    let text = fs::read_to_string(stage.config()).unwrap();
    fs::write(&second, format!("{text}[store]\nurl = \"sqlite:second.db\"\n")).unwrap();
    let elsewhere = stage.dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let said = refused(Service::start(&elsewhere, &second)).await;
    assert!(said.contains("another process uses matrix.state_dir"), "{said}");
    // The first one is not disturbed.
    sam.asks("thanks").await;
}

#[tokio::test]
async fn unreachable_homeserver_is_tried_again_until_it_answers() {
    let stage = Stage::set().await;
    let gate = Gate::to(stage.synapse.url()).await;
    gate.answer("/_matrix", 503, "{}");
    stage.configure(gate.url(), &stage.bot.password);
    let service = stage.start();
    let log = service.log.clone();
    let tried_twice = async {
        loop {
            let said = fs::read_to_string(&log).unwrap_or_default();
            if said.matches("trying again").count() >= 2 {
                break said;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let said = tokio::time::timeout(Duration::from_secs(30), tried_twice).await.unwrap();
    assert!(said.contains("cannot be reached at"), "{said}");
    gate.open();
    let sam = stage.guest("sam").await;
    sam.asks("hello").await;
    assert!(service.stop().success());
}
