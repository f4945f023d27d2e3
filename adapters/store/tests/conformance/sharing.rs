//! What only a database that several processes share must do. A process is a store of its own here.

use std::{collections::BTreeSet, time::Duration};

use chatbox_store::{OpenError, Store, StoreConfig, StoreError};

use crate::{server, support::*};

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
    // Waits until the server has taken it away.
    let taken = claim(&other).await;
    assert_eq!(taken.works()[0].inputs[0].tries, 2);
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
async fn database_that_does_not_sync_is_refused() {
    let (url, key) = server::database().await;
    let database = url.split("localhost/").nth(1).unwrap().split('?').next().unwrap();
    server::run(&format!("ALTER DATABASE {database} SET synchronous_commit = off")).await;
    let config = StoreConfig::new(url.clone()).key_file(key);
    let Err(error) = Store::open(config).await else { panic!("opened") };
    assert!(matches!(error, OpenError::NotDurable { setting: "synchronous_commit", .. }), "{error}");
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
