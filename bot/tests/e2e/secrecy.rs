//! P10: what people write is in no file and no log.

use std::fs;

use crate::support::{chatbox, folder, holds, run};

#[test]
fn nothing_typed_is_in_the_database_or_the_log() {
    const CANARY: &str = "zebra-marmalade-6191";
    let dir = folder();
    let input = format!(
        "{{\"from\":\"alice\",\"text\":\"I can't sleep, {CANARY}, and my manager {CANARY}\"}}\n\
         {{\"from\":\"alice\",\"text\":\"I want to set up a group for {CANARY}\"}}\n\
         {{\"from\":\"alice\",\"press\":\"{CANARY}\"}}\n\
         {{\"from\":\"alice\",\"text\":\"I want to kill myself {CANARY}\"}}\n"
    );
    let mut command = chatbox(dir.path(), ["converse", "--db", "sqlite:talk.db"]);
    command.env("RUST_LOG", "trace");
    let ran = run(command, input.as_bytes());
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    fs::write(dir.path().join("log"), &ran.err).unwrap();
    assert_eq!(holds(dir.path(), CANARY), Vec::<std::path::PathBuf>::new());
    assert_eq!(holds(dir.path(), "KeepingWell"), Vec::<std::path::PathBuf>::new());
}

#[cfg(unix)]
#[test]
fn key_file_is_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = folder();
    let ran = run(chatbox(dir.path(), ["converse", "--db", "sqlite:talk.db"]), b"");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let key = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains("key"))
        .unwrap();
    assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
}
