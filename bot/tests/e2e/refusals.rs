//! What cannot work ends with one sentence and exit code 2, and changes nothing.

use std::{fs, path::Path};

use chatbox_telegram_standin::Standin;

use crate::support::{Service, chatbox, copy, folder, run};

fn refused(dir: &Path, config: &str, args: &[&str]) -> String {
    fs::write(dir.join("chatbox.toml"), config).unwrap();
    let before = names(dir);
    let ran = run(chatbox(dir, ["--config", "chatbox.toml"].iter().chain(args)), b"");
    assert_eq!(ran.code, Some(2), "{}{}", ran.out, ran.err);
    assert_eq!(ran.err.trim_end().lines().count(), 1, "{}", ran.err);
    assert_eq!(ran.out, "");
    assert_eq!(names(dir), before, "something was changed");
    ran.err
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn unknown_key_names_file_line_and_the_nearest() {
    let dir = folder();
    let fault = refused(dir.path(), "[hub]\nphome = \"1\"\n", &["run"]);
    assert!(fault.contains("chatbox.toml:2:1") && fault.contains("hub.phone"), "{fault}");
}

#[test]
fn unknown_variable_names_the_nearest() {
    let dir = folder();
    let mut command = chatbox(dir.path(), ["check"]);
    command.env("CHATBOX_TELEGRAM__TOKN", "1:SECRET");
    let ran = run(command, b"");
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("telegram.token") && !ran.err.contains("SECRET"), "{}", ran.err);
}

#[test]
fn live_channel_without_a_desk_must_be_meant() {
    let dir = folder();
    let fault = refused(dir.path(), "[telegram]\ntoken = \"1:abc\"\n", &["run"]);
    assert!(fault.contains("reach nobody") && fault.contains("desk.none = true"), "{fault}");
}

#[test]
fn unwritable_database_is_named() {
    let dir = folder();
    let config = "[store]\nurl = \"sqlite:no/such/folder/x.db\"\n";
    let fault = refused(dir.path(), config, &["chat"]);
    assert!(fault.contains("no/such/folder"), "{fault}");
}

#[test]
fn wrong_key_file_is_named_and_the_right_one_still_works() {
    let dir = folder();
    let talk = b"{\"from\":\"a\",\"text\":\"hello\"}\n";
    let play = |config: &str| {
        fs::write(dir.path().join("c.toml"), config).unwrap();
        run(chatbox(dir.path(), ["--config", "c.toml", "converse", "--db", "sqlite:x.db"]), talk)
    };
    let (first, other) = ("[store]\nkey_file = \"first.key\"\n", "[store]\nkey_file = \"other.key\"\n");
    assert_eq!(play(first).code, Some(0));
    fs::write(dir.path().join("other.db.toml"), other).unwrap();
    let ran =
        run(chatbox(dir.path(), ["--config", "other.db.toml", "converse", "--db", "sqlite:y.db"]), talk);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let ran = play(other);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("other.key"), "{}", ran.err);
    assert_eq!(play(first).code, Some(0));
}

#[test]
fn broken_content_names_file_line_and_column() {
    let dir = folder();
    let content = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/content");
    copy(&content, &dir.path().join("content"));
    let file = dir.path().join("content/dialogues/group_request.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let line = text.lines().position(|line| line.trim() == "- ask:").unwrap() + 2;
    fs::write(&file, text.replacen("- ask:\n", "- ask:\n      nonsense: 1\n", 1)).unwrap();
    fs::write(dir.path().join("chatbox.toml"), "").unwrap();
    let ran = run(chatbox(dir.path(), ["--config", "chatbox.toml", "check"]), b"");
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    let place = format!("dialogues/group_request.yaml:{line}:");
    assert!(ran.out.contains(&place) && ran.out.contains("error: "), "{}{}", ran.out, ran.err);
}

#[test]
fn what_ships_passes_its_check() {
    let dir = folder();
    let ran = run(chatbox(dir.path(), ["check", "--today", "2026-11-22"]), b"");
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_token_is_one_sentence_without_the_token() {
    let telegram = Standin::start("12345:right").await.unwrap();
    let dir = folder();
    let config = dir.path().join("chatbox.toml");
    let text = format!(
        "[telegram]\ntoken = \"12345:wrong-SECRET\"\napi_url = \"{}\"\n[desk]\nnone = true\n",
        telegram.url()
    );
    fs::write(&config, text).unwrap();
    let service = Service::start(dir.path(), &config);
    let log = service.log.clone();
    let status = tokio::task::spawn_blocking(move || service.wait()).await.unwrap();
    assert_eq!(status.code(), Some(2));
    let log = fs::read_to_string(log).unwrap();
    assert!(log.lines().last().unwrap().contains("telegram.token"), "{log}");
    assert!(!log.contains("SECRET"), "{log}");
}
