//! Databases that earlier versions of the program wrote, each with the same people in the middle of
//! things: today's program goes on where they stopped (P12).
//!
//! A folder of `versions` is one version: its database as SQL, and its key. Amina is asked where her
//! group meets. Ben's form is parked, and he is asked whether he is safe. Bob holds Carol's
//! conversation. Dan's request is saved. Add a folder when a release changes schema or state.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde_json::Value;
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};

use crate::{many, server, support};

const GOES_ON: &str = r#"{"from":"amina","text":"on Teams"}
{"after":"PT6M"}
{"from":"carol","text":"Thank you for writing"}
{"desk":"bob","case":"CSE-QBB8R","text":"/release"}
"#;

fn versions() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nothing_lost/versions");
    let found: Vec<PathBuf> = fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!found.is_empty());
    found
}

/// A folder with the key and a configuration.
fn home(version: &Path) -> tempfile::TempDir {
    let dir = support::folder();
    let key = dir.path().join("old.key");
    fs::copy(version.join("key"), &key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    dir
}

/// Goes on with every conversation, and looks at what comes of it.
fn goes_on(dir: &Path, url: &str) {
    fs::write(dir.join("c.toml"), format!("[store]\nurl = \"{url}\"\nkey_file = \"old.key\"\n")).unwrap();
    let lines = support::converse(dir, &["--config", "c.toml", "--db", url, "--desk", "bob"], GOES_ON);
    let turns: Vec<&Value> = lines.iter().filter(|line| line.get("turn").is_some()).collect();
    let [amina, _, carol, released] = turns[..] else { panic!("{lines:#?}") };
    assert_eq!(amina["conversation"]["dialogue"], "group_request");
    assert_ne!(amina["conversation"]["step"], "setting", "her answer was taken");
    assert_eq!(carol["conversation"]["holder"], "practitioner");
    assert_ne!(released["conversation"]["holder"], "practitioner");
    let at_the_desk = |case: &str, part: &str| {
        lines.iter().any(|line| {
            line["desk"]["case"] == case
                && line["desk"]["text"].as_str().is_some_and(|text| text.contains(part))
        })
    };
    assert!(at_the_desk("CSE-QBB8R", "Thank you for writing"), "{lines:#?}");
    let ben = |line: &&Value| line["to"] == "ben";
    assert!(lines.iter().any(|line| ben(&line)), "his silence is noticed: {lines:#?}");
    assert!(at_the_desk("CSE-1A905", ""), "{lines:#?}");

    let listed = support::run(support::chatbox(dir, ["--config", "c.toml", "requests", "--json"]), b"");
    assert!(listed.out.contains("KWG-K6WXB"), "{}{}", listed.out, listed.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_database_of_every_version_is_gone_on_with() {
    for version in versions() {
        let dir = home(&version);
        let file = dir.path().join("old.db");
        let mut db = SqliteConnection::connect(&format!("sqlite:{}?mode=rwc", file.display())).await.unwrap();
        let sql = fs::read_to_string(version.join("sqlite.sql")).unwrap();
        db.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await.unwrap();
        db.close().await.unwrap();
        goes_on(dir.path(), &format!("sqlite:{}", file.display()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_database_of_every_version_is_gone_on_with() {
    for version in versions() {
        let (url, _) = server::database().await;
        let name = many::name(&url);
        server::run(&format!("CREATE DATABASE {name}_old")).await;
        let url = url.replace(&format!("/{name}?"), &format!("/{name}_old?"));
        let mut db = PgConnection::connect(&url).await.unwrap();
        let sql = fs::read_to_string(version.join("postgres.sql")).unwrap();
        db.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await.unwrap();
        db.close().await.unwrap();
        let dir = home(&version);
        goes_on(dir.path(), &url);
    }
}
