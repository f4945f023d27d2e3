//! What is refused at the door, and what a file gives away. SQLite's own part.

use std::{fs, path::Path};

use chatbox_core::{conversation::Conversation, effect::Effect};
use chatbox_store::{Decided, OpenError, Periods, Store, StoreConfig};
use jiff::SignedDuration;
use sqlx::Connection;

use crate::support::*;

async fn refused(config: StoreConfig) -> (OpenError, String) {
    let Err(error) = Store::open_service(config).await else { panic!("opened") };
    let sentence = error.to_string();
    (error, sentence)
}

#[tokio::test]
async fn wrong_key_file_is_a_sentence() {
    let home = Home::sqlite();
    home.open().await.close().await;
    let key = home.folder.path().join("chatbox.db.key");
    fs::rename(&key, key.with_extension("old")).unwrap();
    let (error, _) = refused(home.config.clone()).await;
    assert!(matches!(error, OpenError::KeyMissing { .. }), "{error}");
    write_key(&key, &format!("1: {}\n", "ab".repeat(32)), 0o600);
    let (error, sentence) = refused(home.config.clone()).await;
    assert!(matches!(error, OpenError::WrongKey { .. }), "{error}");
    assert!(sentence.contains("chatbox.db.key"), "{sentence}");
    write_key(&key, "1: abcd\n", 0o600);
    assert!(matches!(refused(home.config.clone()).await.0, OpenError::KeyFile { .. }));
    write_key(&key, &format!("1: {}\n", "ab".repeat(32)), 0o644);
    let (_, sentence) = refused(home.config.clone()).await;
    assert!(sentence.contains("chmod 600"), "{sentence}");
    fs::rename(key.with_extension("old"), &key).unwrap();
    home.open().await;
}

/// The modes of all files in a folder, but the lock's: that one is empty.
fn modes(folder: &Path) -> Vec<(String, u32)> {
    use std::os::unix::fs::PermissionsExt;
    let mode = |entry: &fs::DirEntry| entry.metadata().unwrap().permissions().mode() & 0o777;
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut modes: Vec<_> =
        files.map(|entry| (entry.file_name().into_string().unwrap(), mode(&entry))).collect();
    modes.retain(|(name, _)| name != "chatbox.db.lock");
    modes.sort();
    modes
}

#[tokio::test]
async fn database_and_its_backup_are_for_their_owner_alone() {
    let home = Home::sqlite();
    let store = home.open().await;
    one_turn(&store, "a", "1", vec![save("KWG-AAAAA")]).await;
    store.backup(&home.folder.path().join("copy.db")).await.unwrap();
    let found = modes(home.folder.path());
    let expected = ["chatbox.db", "chatbox.db-shm", "chatbox.db-wal", "chatbox.db.key", "copy.db"];
    assert_eq!(found, expected.map(|name| (name.to_owned(), 0o600)));
}

#[tokio::test]
async fn database_that_was_not_opened_leaves_no_file() {
    let home = Home::sqlite();
    write_key(&home.folder.path().join("chatbox.db.key"), "1: abcd\n", 0o600);
    assert!(matches!(refused(home.config.clone()).await.0, OpenError::KeyFile { .. }));
    assert_eq!(modes(home.folder.path()), [("chatbox.db.key".to_owned(), 0o600)]);
}

fn write_key(path: &Path, text: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    let _ = fs::remove_file(path);
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn key_file_is_made_for_its_owner_alone_and_rotates() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::sqlite();
    let store = home.open().await;
    one_turn(&store, "a", "1", vec![save("KWG-OLD00")]).await;
    store.close().await;
    let key = home.folder.path().join("chatbox.db.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let old = fs::read_to_string(&key).unwrap();
    write_key(&key, &format!("{old}2: {}\n", "cd".repeat(32)), 0o600);
    let store = home.open().await;
    one_turn(&store, "a", "2", vec![save("KWG-NEW00")]).await;
    assert_eq!(store.records(None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn database_that_another_lets_go_of_in_a_moment_is_waited_for() {
    let home = Home::sqlite();
    home.open().await.close().await;
    let another = fs::File::open(home.folder.path().join("chatbox.db.lock")).unwrap();
    another.lock().unwrap();
    // Whoever opens is asked first, and finds the door shut.
    tokio::join!(home.open(), async { drop(another) });
}

#[tokio::test]
async fn second_service_process_is_refused() {
    let home = Home::sqlite();
    let first = home.open().await;
    let (error, sentence) = refused(home.config.clone()).await;
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(sentence.contains("PostgreSQL"), "{sentence}");
    // A short command is let in.
    let command = Store::open(home.config.clone()).await.unwrap();
    assert_eq!(receive(&command, &[text("a", "1", "x")]).await, 1);
    assert_eq!(claim(&first).await.works().len(), 1);
    first.close().await;
    home.open().await;
}

#[tokio::test]
async fn unwritable_database_is_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        |path: &str| StoreConfig::new(format!("sqlite:{}", folder.path().join(path).display())).migrate();
    let (error, sentence) = refused(config("none/chatbox.db")).await;
    assert!(matches!(error, OpenError::Unwritable { .. }), "{error}");
    assert!(sentence.contains("none/chatbox.db"), "{sentence}");
    fs::create_dir(folder.path().join("folder.db")).unwrap();
    assert!(matches!(refused(config("folder.db")).await.0, OpenError::Unwritable { .. }));
    fs::write(folder.path().join("text.db"), "this is not a database, only a longer text file").unwrap();
    let (error, sentence) = refused(config("text.db")).await;
    assert!(matches!(error, OpenError::Unwritable { .. }), "{sentence}");
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "key"))
        .collect();
    assert!(left.is_empty(), "a refused database gets no key: {left:?}");
    assert!(matches!(refused(StoreConfig::new("mysql://x")).await.0, OpenError::Url));
    assert!(matches!(refused(StoreConfig::new("sqlite:")).await.0, OpenError::Url));
}

#[tokio::test]
async fn schema_that_does_not_fit_is_a_sentence() {
    let home = Home::sqlite();
    let never = StoreConfig::new(url(&home));
    let (error, _) = refused(never.clone()).await;
    assert!(matches!(error, OpenError::Unwritable { .. }), "{error}");
    home.open().await.close().await;
    let store = Store::open_service(never).await.unwrap();
    assert!(store.schema_version().await.unwrap() > 1);
    store.close().await;
    let mut raw = raw(&home).await;
    sqlx::query("UPDATE _sqlx_migrations SET version = 999 WHERE version = 1")
        .execute(&mut raw)
        .await
        .unwrap();
    drop(raw);
    let (error, sentence) = refused(home.config.clone()).await;
    assert!(matches!(error, OpenError::SchemaNewer { found: 999, .. }), "{error}");
    assert!(sentence.contains("999"), "{sentence}");
}

#[tokio::test]
async fn state_that_cannot_be_read_is_never_overwritten() {
    let home = Home::sqlite();
    let store = home.open().await;
    receive(&store, &[text("a", "1", "one")]).await;
    decide(&store, |_, input| decided(input, vec![bot("hello")])).await;
    let mut raw = raw(&home).await;
    sqlx::query("UPDATE conversation SET state = x'00ff'").execute(&mut raw).await.unwrap();
    receive(&store, &[text("a", "2", "two")]).await;
    let claim = store.claim(10).await.unwrap().unwrap();
    assert!(claim.works()[0].damaged);
    let seq = claim.works()[0].inputs[0].seq;
    let instead = Decided { seq, conversation: Conversation::default(), effects: vec![bot("sorry")] };
    store.commit(claim, vec![instead], vec![seq], at(2)).await.unwrap();
    let state: Vec<u8> =
        sqlx::query_scalar("SELECT state FROM conversation").fetch_one(&mut raw).await.unwrap();
    assert_eq!(state, [0x00, 0xff], "it waits for someone who can mend it");
    store.close().await;
}

fn url(home: &Home) -> String {
    format!("sqlite:{}", home.folder.path().join("chatbox.db").display())
}

#[tokio::test]
async fn what_an_earlier_version_received_is_not_received_again() {
    let home = Home::sqlite();
    let store = home.open().await;
    receive(&store, &[text("a", "1", "x")]).await;
    store.close().await;
    let mut raw = raw(&home).await;
    // As version 4 had the keys: beside those of their second, which says nothing of their order.
    for sql in [
        "ALTER TABLE seen RENAME COLUMN place TO sent",
        "UPDATE seen SET sent = 1764000000",
        "DELETE FROM _sqlx_migrations WHERE version > 4",
    ] {
        sqlx::query(sql).execute(&mut raw).await.unwrap();
    }
    raw.close().await.unwrap();
    let store = home.open().await;
    assert_eq!(receive(&store, &[text("a", "1", "x"), text("a", "2", "y")]).await, 1);
    let week = SignedDuration::from_hours(24 * 7);
    let periods = Periods { chat: week, records: week, handled: week, audit: week, seen: week };
    assert_eq!(store.purge(at(8 * 24 * 3600), &periods).await.unwrap().seen, 2, "both kinds of keys go");
}

async fn raw(home: &Home) -> sqlx::SqliteConnection {
    sqlx::SqliteConnection::connect(&url(home)).await.unwrap()
}

#[tokio::test]
async fn text_is_nowhere_in_the_file() {
    let home = Home::sqlite();
    let store = home.open().await;
    let canary = "Zanzibar-canary";
    let (name, trust, code) = (format!("{canary} Name"), format!("{canary} Trust"), format!("{canary}-code"));
    store.add_practitioner(&name, Some(&trust), false, &code, at(0)).await.unwrap();
    receive(&store, &[text("a", "1", &format!("{canary} wrote this")), text("b", "2", canary)]).await;
    decide(&store, |_, input| {
        let mut turn = decided(
            input,
            vec![
                bot(&format!("{canary} said")),
                to_desk("KWG-AAAAA", chatbox_core::effect::DeskKind::Message, canary),
            ],
        );
        turn.conversation.holder =
            chatbox_core::conversation::Holder::Practitioner { id: canary.to_owned(), since: at(0) };
        if words(&input.input) == canary {
            turn.effects.push(Effect::Save(chatbox_core::effect::Record {
                kind: "gap".to_owned(),
                reference: reference("KWG-BBBBB"),
                data: serde_json::json!({"text": canary}),
            }));
        }
        turn
    })
    .await;
    send_all(&store).await;
    let find = || -> Vec<String> {
        fs::read_dir(home.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                let bytes = fs::read(path).unwrap();
                bytes.windows(canary.len()).any(|window| window == canary.as_bytes())
            })
            .map(|path| path.display().to_string())
            .collect()
    };
    let files = fs::read_dir(home.folder.path()).unwrap().count();
    assert!(files >= 4, "database, log, index of the log, key");
    assert_eq!(find(), Vec::<String>::new());
    // And what is read back is what was written.
    assert_eq!(store.records(Some("gap")).await.unwrap()[0].record.data["text"], canary);
    store.close().await;
    assert_eq!(find(), Vec::<String>::new());
}

#[tokio::test]
async fn erased_rows_leave_no_page_behind() {
    let home = Home::sqlite();
    let store = home.open().await;
    let native = "native-id-of-alice";
    let mut hello = text("alice-lane-id", "1", "hello");
    hello.native = Some(native.to_owned());
    receive(&store, &[hello]).await;
    decide(&store, |_, input| decided(input, vec![bot("hi"), save("KWG-AAAAA")])).await;
    send_all(&store).await;
    receive(&store, &[text("alice-lane-id", "2", "delete")]).await;
    decide(&store, |_, input| decided(input, vec![Effect::Erase { keep: vec![] }, bot("gone")])).await;
    assert_eq!(send_all(&store).await, ["gone"]);
    store.close().await;
    for entry in fs::read_dir(home.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        for trace in [native, "alice-lane-id"] {
            let found = bytes.windows(trace.len()).any(|window| window == trace.as_bytes());
            assert!(!found, "{trace} is still in {}", path.display());
        }
    }
}

#[tokio::test]
async fn backup_opens_with_the_key_and_holds_everything() {
    let home = Home::sqlite();
    let store = home.open().await;
    one_turn(&store, "a", "1", vec![save("KWG-AAAAA"), bot("waits")]).await;
    let copy = home.folder.path().join("it's a copy.db");
    store.backup(&copy).await.unwrap();
    assert!(store.backup(&copy).await.is_err(), "a backup replaces nothing");
    let config = StoreConfig::new(format!("sqlite:{}", copy.display()))
        .key_file(home.folder.path().join("chatbox.db.key"));
    let restored = Store::open_service(config).await.unwrap();
    assert_eq!(restored.records(None).await.unwrap().len(), 1);
    assert_eq!(send_all(&restored).await, ["waits"]);
    assert_eq!(receive(&restored, &[text("a", "1", "again")]).await, 0);
}

#[tokio::test]
async fn leases_of_a_killed_process_are_void_and_counted_unknown() {
    let home = Home::sqlite();
    let store = home.open().await;
    one_turn(&store, "a", "1", vec![bot("one"), bot("two")]).await;
    assert_eq!(store.claim_sends(at(0), ONE).await.unwrap().len(), 1);
    store.close().await;
    let store = home.open().await;
    let job = store.claim_sends(at(0), ONE).await.unwrap().remove(0);
    assert_eq!((said(&job).as_str(), job.unknown_before), ("one", true));
    sent(&store, &job).await;
    let job = store.claim_sends(at(2), ONE).await.unwrap().remove(0);
    assert_eq!((said(&job).as_str(), job.unknown_before), ("two", false));
}
