//! What only a database that several processes share must do. A process is a store of its own here.

use std::{collections::BTreeSet, time::Duration};

use chatbox_store::{OpenError, SendEnd, Store, StoreConfig, StoreError};
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

use crate::{outbox::taken, server, support::*};

#[tokio::test(flavor = "multi_thread")]
async fn identical_processes_share_the_work_and_keep_order() {
    let home = Home::postgres().await;
    let mut processes = Vec::new();
    for _ in 0..3 {
        processes.push(home.open().await);
    }
    let total = 120;
    let deciders: Vec<_> = processes
        .iter()
        .cloned()
        .map(|store| {
            tokio::spawn(async move {
                let mut changes = store.inbox_changes();
                let mut done: Vec<(String, usize)> = Vec::new();
                loop {
                    match store.claim(5).await.unwrap() {
                        Some(claim) => {
                            let mut turns = Vec::new();
                            for work in claim.works() {
                                for input in &work.inputs {
                                    if words(&input.input) == "stop" {
                                        return done;
                                    }
                                    done.push((work.lane.to_string(), words(&input.input).parse().unwrap()));
                                    turns.push(decided(input, vec![bot(words(&input.input))]));
                                }
                            }
                            let count = turns.len();
                            let report = store.commit(claim, turns, vec![], at(1)).await.unwrap();
                            assert_eq!(report.committed.len(), count);
                        }
                        None => changes.changed().await,
                    }
                }
            })
        })
        .collect();
    // Two of them receive, the same platform's repeats included.
    for n in 0..total {
        let message = [text(&format!("p{}", n % 7), &format!("k{n}"), &n.to_string())];
        let (a, b) = tokio::join!(receive(&processes[0], &message), receive(&processes[1], &message));
        assert_eq!(a + b, 1);
    }
    let watch = processes[2].clone();
    let mut changes = watch.inbox_changes();
    while watch.stats(at(1)).await.unwrap().inbox_waiting > 0 {
        changes.changed().await;
    }
    // Each decider leaves at a message of its own, which stays undecided.
    let stops: Vec<_> = (0..3).map(|n| text(&format!("stop{n}"), &format!("stop{n}"), "stop")).collect();
    let mut all: Vec<(String, usize)> = Vec::new();
    let mut deciders = deciders;
    receive(&watch, &stops).await;
    for decider in deciders.drain(..) {
        all.extend(decider.await.unwrap());
    }
    assert_eq!(all.len(), total, "each once");
    let mut sent: BTreeSet<usize> = BTreeSet::new();
    for text in send_all(&processes[1]).await {
        assert!(sent.insert(text.parse().unwrap()), "twice");
    }
    assert_eq!(sent.len(), total);
    for lane_number in 0..7 {
        let lines = watch.transcript(&lane(&format!("p{lane_number}")), 1000).await.unwrap();
        let told: Vec<i64> = lines
            .iter()
            .filter_map(|line| match &line.what {
                chatbox_store::Spoken::Heard { input: Some(input), .. } => {
                    Some(words(input).parse().unwrap())
                }
                chatbox_store::Spoken::Heard { .. } | chatbox_store::Spoken::Said { .. } => None,
            })
            .collect();
        assert!(told.is_sorted(), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_come_all_at_once_to_several_processes_are_kept_once_each() {
    let home = Home::postgres().await;
    let (one, other) = (home.open().await, home.open().await);
    let total = 300;
    let mut receiving = tokio::task::JoinSet::new();
    for n in 0..total {
        // Each to both, and many of one conversation among them.
        for store in [&one, &other] {
            let (store, message) =
                (store.clone(), text(&format!("p{}", n % 5), &format!("k{n}"), &n.to_string()));
            receiving.spawn(async move { receive(&store, &[message]).await });
        }
    }
    assert_eq!(receiving.join_all().await.into_iter().sum::<usize>(), total);
    let mut told = BTreeSet::new();
    while let Some(claim) = one.claim(100).await.unwrap() {
        let mut turns = Vec::new();
        for input in claim.works().iter().flat_map(|work| &work.inputs) {
            assert!(told.insert(words(&input.input).to_owned()), "twice");
            turns.push(decided(input, vec![]));
        }
        one.commit(claim, turns, vec![], at(1)).await.unwrap();
    }
    assert_eq!(told.len(), total);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_took_in_before_it_died_is_decided_by_another() {
    let home = Home::postgres().await;
    let (dying, other) = (home.open().await, home.open().await);
    // It waits already, and nothing tells it of what others take in.
    let mut waiting = std::pin::pin!(other.claim_next(10));
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut waiting).await.is_err());
    receive(&dying, &[text("a", "1", "one")]).await;
    drop(dying);
    let claim = tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("claimed").unwrap();
    assert_eq!(words(&claim.works()[0].inputs[0].input), "one");
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_process_loses_its_claim_and_cannot_commit() {
    let home = Home::postgres().await;
    let frozen = Store::open(home.config.clone().claim_timeout(Duration::from_millis(100))).await.unwrap();
    let other = home.open().await;
    receive(&other, &[text("a", "1", "one")]).await;
    let held = claim(&frozen).await;
    // The first was counted for whoever took it in.
    assert_eq!(held.works()[0].inputs[0].tries, 2);
    // Waits until the server has taken it away.
    let taken = claim(&other).await;
    assert_eq!(taken.works()[0].inputs[0].tries, 3);
    let turn = decided(&held.works()[0].inputs[0], vec![bot("late")]);
    assert!(matches!(frozen.commit(held, vec![turn], vec![], at(1)).await, Err(StoreError::NotClaimed)));
    let turn = decided(&taken.works()[0].inputs[0], vec![bot("once")]);
    other.commit(taken, vec![turn], vec![], at(1)).await.unwrap();
    assert_eq!(send_all(&other).await, ["once"]);
    // The frozen one works again.
    receive(&frozen, &[text("a", "2", "two")]).await;
    assert_eq!(claim(&frozen).await.works().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn you_have_it_does_not_wait_for_talk_that_ended_while_it_was_held_back() {
    let (url, key) = server::database().await;
    let store = Store::open(StoreConfig::new(url.clone()).key_file(key)).await.unwrap();
    one_turn(&store, "0", "1", vec![bot("elsewhere")]).await;
    one_turn(&store, "a", "2", vec![bot("in flight")]).await;
    let flying = store.claim_sends(at(0), ONE).await.unwrap();
    assert_eq!(flying.len(), 2);
    // Whoever writes down how these ended waits for the first of their lanes, and has not come to the other.
    let mut connection = connect(&url).await;
    let mut holding = connection.begin().await.unwrap();
    sqlx::query("SELECT FROM sending WHERE lane = $1 FOR UPDATE")
        .bind(lane("0").to_string())
        .execute(&mut *holding)
        .await
        .unwrap();
    let ends = flying.iter().map(|job| (job.id, job.fence, SendEnd::Sent { native: "n".to_owned() }));
    let (ends, writing) = (ends.collect(), store.clone());
    let writing = tokio::spawn(async move { writing.finish_sends(ends, at(2)).await.unwrap() });
    let waits = "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let mut looking = connect(&url).await;
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut looking).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    receive(&store, &[text("a", "3", "/take")]).await;
    decide(&store, |_, input| taken(input.seq, 1)).await;
    assert!(store.claim_sends(at(2), ONE).await.unwrap().is_empty(), "it is in flight yet");
    holding.rollback().await.unwrap();
    assert!(writing.await.unwrap().is_empty());
    assert_eq!(all_said(&store.claim_sends(at(2), ONE).await.unwrap()), ["you have it"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn conversation_in_a_long_queue_of_held_ones_is_still_claimed() {
    let home = Home::postgres().await;
    let (stuck, free) = (home.open().await, home.open().await);
    let flood: Vec<_> = (0..1100).map(|n| text("flood", &format!("f{n}"), "x")).collect();
    receive(&stuck, &flood).await;
    let held = stuck.claim(1).await.unwrap().unwrap();
    receive(&free, &[text("other", "1", "hello")]).await;
    assert_eq!(claim(&free).await.works()[0].lane, lane("other"));
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_plan_made_while_tables_are_empty_reads_all_of_them_once_they_have_grown() {
    let (url, key) = server::database().await;
    let store = Store::open(StoreConfig::new(url.clone()).key_file(key)).await.unwrap();
    // A plan is kept once its statement was used five times on a connection.
    for n in 0..12 {
        one_turn(&store, &format!("p{}", n % 5), &format!("k{n}"), vec![bot("hello")]).await;
        assert_eq!(send_all(&store).await, ["hello"]);
    }
    store.close().await;
    // They tell what they did when they end.
    let mut connection = connect(&url).await;
    let open = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name LIKE 'chatbox-%'";
    while sqlx::query_scalar::<_, i64>(open).fetch_one(&mut connection).await.unwrap() > 0 {
        tokio::task::yield_now().await;
    }
    let read: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT relname::text, seq_scan, idx_scan FROM pg_stat_user_tables
         WHERE relname IN ('inbox', 'conversation', 'outbox', 'sending', 'seen', 'timer') ORDER BY relname",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(read.len(), 6);
    assert!(read.iter().all(|(_, whole, _)| *whole == 0), "{read:?}");
    assert!(read.iter().any(|(table, _, by_key)| table == "inbox" && *by_key >= 12), "{read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn database_that_does_not_sync_is_refused() {
    let (url, key) = server::database().await;
    server::run(&format!("ALTER DATABASE {} SET synchronous_commit = off", name(&url))).await;
    let config = StoreConfig::new(url.clone()).key_file(key);
    let Err(error) = Store::open(config).await else { panic!("opened") };
    assert!(matches!(error, OpenError::NotDurable { setting: "synchronous_commit", .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn database_that_does_not_sync_is_left_as_it_was() {
    let (url, key) = server::database().await;
    let (name, empty) = (name(&url), format!("{}_empty", name(&url)));
    server::run(&format!("CREATE DATABASE {empty}")).await;
    server::run(&format!("ALTER DATABASE {empty} SET synchronous_commit = off")).await;
    let url = url.replace(&format!("/{name}?"), &format!("/{empty}?"));
    let config = StoreConfig::new(url.clone()).key_file(key).migrate();
    let Err(error) = Store::open(config).await else { panic!("opened") };
    assert!(matches!(error, OpenError::NotDurable { .. }), "{error}");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let tables: i64 = sqlx::query_scalar(tables).fetch_one(&mut connect(&url).await).await.unwrap();
    assert_eq!(tables, 0, "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_without_its_key_is_a_sentence() {
    let (url, _) = server::database().await;
    let folder = tempfile::tempdir().unwrap();
    let open = |config| async {
        let Err(error) = Store::open(config).await else { panic!("opened") };
        error
    };
    let error = open(StoreConfig::new(url.clone())).await;
    assert!(matches!(error, OpenError::KeyFileNotSet), "{error}");
    let missing = folder.path().join("none.key");
    let error = open(StoreConfig::new(url.clone()).key_file(&missing)).await;
    assert!(matches!(error, OpenError::KeyMissing { .. }), "{error}");
    assert!(!missing.exists(), "a new key would open nothing");
    // Another database's key.
    let other = Home::sqlite();
    other.open().await.close().await;
    let error = open(StoreConfig::new(url).key_file(other.folder.path().join("chatbox.db.key"))).await;
    assert!(matches!(error, OpenError::WrongKey { .. }), "{error}");
    let nowhere = StoreConfig::new("postgres://test@127.0.0.1:1/none").key_file(&missing).migrate();
    let error = open(nowhere).await;
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error}");
    assert!(!missing.exists());
}

/// What the server calls the database of a URL.
fn name(url: &str) -> String {
    let (address, _) = url.split_once('?').unwrap();
    address.rsplit('/').next().unwrap().to_owned()
}

async fn connect(url: &str) -> PgConnection {
    url.parse::<PgConnectOptions>().unwrap().connect().await.unwrap()
}
