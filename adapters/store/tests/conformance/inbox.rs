use std::{pin::pin, time::Duration};

use chatbox_core::{effect::Effect, input::InputKind};
use chatbox_store::{MAX_TRIES, StoreError};

use crate::support::*;

pub(crate) async fn message_received_twice_is_decided_once(home: Home) {
    let store = home.open().await;
    let hello = text("42", "m1", "hello");
    assert_eq!(receive(&store, &[hello.clone(), hello.clone()]).await, 1);
    assert_eq!(receive(&store, &[hello.clone(), text("42", "m2", "again")]).await, 1);
    let report = decide(&store, |_, input| decided(input, vec![])).await;
    assert_eq!(report.committed.len(), 2);
    assert_eq!(receive(&store, &[hello]).await, 0);
    assert!(store.claim(10).await.unwrap().is_none());
    // The same key on another channel is another message.
    let mut other = text("42", "m1", "hello");
    other.lane.channel = chatbox_core::ids::ChannelKind::Matrix;
    assert_eq!(receive(&store, &[other]).await, 1);
}

pub(crate) async fn cursor_is_kept_with_its_batch(home: Home) {
    let store = home.open().await;
    assert_eq!(store.cursor("matrix").await.unwrap(), None);
    let batch = [text("1", "a", "x")];
    store.receive(&batch, Some(("matrix", "s1")), at(0), || 1).await.unwrap();
    store.receive(&[], Some(("matrix", "s2")), at(0), || 1).await.unwrap();
    assert_eq!(store.cursor("matrix").await.unwrap().as_deref(), Some("s2"));
    assert_eq!(store.cursor("telegram").await.unwrap(), None);
}

pub(crate) async fn inputs_of_one_conversation_come_in_order_to_one_claimer(home: Home) {
    let store = home.open().await;
    receive(&store, &[text("a", "1", "one"), text("b", "2", "two"), text("a", "3", "three")]).await;
    let first = store.claim(1).await.unwrap().unwrap();
    assert_eq!(first.works().len(), 1);
    assert_eq!(words(&first.works()[0].inputs[0].input), "one");
    assert_eq!(first.works()[0].inputs[0].received, at(0));
    // While `a` is held only `b` is handed out.
    let second = claim(&store).await;
    assert_eq!(second.works().len(), 1);
    assert_eq!(second.works()[0].lane, lane("b"));
    assert!(store.claim(10).await.unwrap().is_none());
    drop(first);
    let third = claim(&store).await;
    let told: Vec<&str> = third.works()[0].inputs.iter().map(|i| words(&i.input)).collect();
    assert_eq!(told, ["one", "three"]);
}

pub(crate) async fn claim_that_waits_is_answered_by_what_is_received(home: Home) {
    let store = home.open().await;
    // One that nobody waits for any more takes nothing.
    assert!(tokio::time::timeout(Duration::from_millis(50), store.claim_next(10)).await.is_err());
    let waiting = [store.clone(), store.clone()].map(|store| {
        tokio::spawn(async move {
            let claim = store.claim_next(10).await.unwrap();
            let [work] = claim.works() else { panic!("one conversation at a time") };
            let told = (work.inputs[0].tries, words(&work.inputs[0].input).to_owned());
            let turns = work.inputs.iter().map(|input| decided(input, Vec::new())).collect();
            store.commit(claim, turns, Vec::new(), at(1)).await.unwrap();
            told
        })
    });
    tokio::task::yield_now().await;
    receive(&store, &[text("a", "1", "one")]).await;
    // By now one of the two has it, or will have it before the other is asked.
    while store.stats(at(2)).await.unwrap().inbox_waiting > 0 {
        tokio::task::yield_now().await;
    }
    receive(&store, &[text("a", "2", "two")]).await;
    let [first, second] = waiting;
    let mut told = [first.await.unwrap(), second.await.unwrap()];
    told.sort();
    assert_eq!(told, [(1, "one".to_owned()), (1, "two".to_owned())]);
}

pub(crate) async fn claim_that_waits_gets_what_another_gave_back(home: Home) {
    let store = home.open().await;
    receive(&store, &[text("a", "1", "one")]).await;
    let held = claim(&store).await;
    let mut waiting = pin!(store.claim_next(10));
    assert!(tokio::time::timeout(Duration::ZERO, &mut waiting).await.is_err());
    // Whoever writes has seen what waits when this is done.
    store.keep_secret("something", b"else").await.unwrap();
    drop(held);
    assert_eq!(waiting.await.unwrap().works()[0].inputs[0].tries, 2);
}

pub(crate) async fn tries_are_committed_before_the_engine_runs(home: Home) {
    let store = home.open().await;
    receive(&store, &[text("a", "1", "one")]).await;
    let held = claim(&store).await;
    assert_eq!(held.works()[0].inputs[0].tries, 1);
    if home.shared {
        // The process dies here: nothing of the claim is given back in good order.
        let copy = home.folder.path().join("after-the-kill.db");
        if store.backup(&copy).await.is_ok() {
            let key = home.folder.path().join("chatbox.db.key");
            let config = chatbox_store::StoreConfig::new(format!("sqlite:{}", copy.display())).key_file(key);
            let after = chatbox_store::Store::open_service(config).await.unwrap();
            assert_eq!(claim(&after).await.works()[0].inputs[0].tries, 2);
        }
    }
    drop(held);
    assert_eq!(claim(&store).await.works()[0].inputs[0].tries, 2);
}

pub(crate) async fn input_tried_five_times_is_poisoned_then_parked_then_replayed(home: Home) {
    let store = home.open().await;
    receive(&store, &[text("a", "1", "bad"), text("a", "2", "good")]).await;
    for tries in 1..=MAX_TRIES {
        let claim = claim(&store).await;
        let input = &claim.works()[0].inputs[0];
        assert_eq!((input.tries, input.poisoned), (tries, false));
    }
    let poisoned = claim(&store).await;
    let [bad] = &poisoned.works()[0].inputs[..] else { panic!() };
    assert!(bad.poisoned);
    assert_eq!(words(&bad.input), "bad");
    let (bad, turns) = (bad.seq, vec![decided(bad, vec![bot("sorry")])]);
    let report = store.commit(poisoned, turns, vec![bad], at(1)).await.unwrap();
    assert_eq!(report.committed, [bad]);
    assert_eq!(send_all(&store).await, ["sorry"]);
    assert_eq!(store.parked().await.unwrap().iter().map(|p| p.seq).collect::<Vec<_>>(), [bad]);
    // The conversation goes on, and the parked one comes back at its end.
    store.replay(bad).await.unwrap();
    assert!(matches!(store.replay(bad).await, Err(StoreError::Missing)));
    let rest = claim(&store).await;
    let told: Vec<(&str, u16)> = rest.works()[0].inputs.iter().map(|i| (words(&i.input), i.tries)).collect();
    // What waited behind it was not tried with it until both were to be set aside.
    assert_eq!(told, [("good", 3)]);
    let turns = vec![decided(&rest.works()[0].inputs[0], Vec::new())];
    store.commit(rest, turns, Vec::new(), at(1)).await.unwrap();
    let again = claim(&store).await;
    assert_eq!((words(&again.works()[0].inputs[0].input), again.works()[0].inputs[0].tries), ("bad", 1));
    assert!(store.parked().await.unwrap().is_empty());
}

pub(crate) async fn dropped_claim_gives_its_inputs_back(home: Home) {
    let store = home.open().await;
    receive(&store, &[text("a", "1", "one")]).await;
    let seed = claim(&store).await.works()[0].inputs[0].seed;
    let again = claim(&store).await;
    assert_eq!(again.works()[0].inputs[0].seed, seed);
    // A commit that names nothing leaves everything undecided.
    let report = store.commit(again, vec![], vec![], at(1)).await.unwrap();
    assert!(report.committed.is_empty());
    assert_eq!(claim(&store).await.works()[0].inputs[0].tries, 3);
}

pub(crate) async fn due_timer_becomes_one_input(home: Home) {
    let store = home.open().await;
    let set = |name: &str, step: &str, due| Effect::SetTimer {
        name: name.to_owned(),
        step: step.to_owned(),
        at: at(due),
    };
    one_turn(
        &store,
        "a",
        "1",
        vec![set("safe", "x", 100), set("safe", "check", 300), set("news", "y", 200), set("gone", "z", 50)],
    )
    .await;
    one_turn(&store, "a", "2", vec![Effect::CancelTimer { name: "gone".to_owned() }]).await;
    assert_eq!(store.next_timer().await.unwrap(), Some(at(200)));
    assert_eq!(store.due_timers(at(199), 10, || 7).await.unwrap(), 0);
    let (one, two) = tokio::join!(store.due_timers(at(300), 10, || 7), store.due_timers(at(300), 10, || 8));
    assert_eq!(one.unwrap() + two.unwrap(), 2);
    assert_eq!(store.next_timer().await.unwrap(), None);
    let claim = claim(&store).await;
    let fired: Vec<_> = claim.works()[0].inputs.iter().map(|i| (i.input.clone(), i.received)).collect();
    assert_eq!(fired.len(), 2);
    let InputKind::Timer { name, step } = &fired[0].0.what else { panic!() };
    assert_eq!((name.as_str(), step.as_str(), fired[0].0.at), ("news", "y", at(200)));
    assert_eq!(fired[0].1, at(300));
    let InputKind::Timer { name, step } = &fired[1].0.what else { panic!() };
    assert_eq!((name.as_str(), step.as_str()), ("safe", "check"));
}

pub(crate) async fn waiting_loop_is_woken_by_what_arrives(home: Home) {
    let store = home.open().await;
    let (mut inbox, mut outbox) = (store.inbox_changes(), store.outbox_changes());
    let waiting = tokio::spawn({
        let store = store.clone();
        async move {
            loop {
                if let Some(claim) = store.claim(10).await.unwrap() {
                    let turn = decided(&claim.works()[0].inputs[0], vec![bot("hi")]);
                    store.commit(claim, vec![turn], vec![], at(1)).await.unwrap();
                    return;
                }
                inbox.changed().await;
            }
        }
    });
    receive(&store, &[text("a", "1", "one")]).await;
    waiting.await.unwrap();
    loop {
        let jobs = store.claim_sends(at(1), ONE).await.unwrap();
        if !jobs.is_empty() {
            assert_eq!(all_said(&jobs), ["hi"]);
            return;
        }
        outbox.changed().await;
    }
}

pub(crate) async fn native_ids_with_odd_characters_are_kept(home: Home) {
    let store = home.open().await;
    let mut odd = text("!room:hub.example", "$event'\"\\,{}", "it's \"quoted\" {1,2} \u{202e}\u{1f600}\n\t");
    odd.native = Some("$ev'\"\\,{}:x".to_owned());
    odd.lane.channel = chatbox_core::ids::ChannelKind::Matrix;
    receive(&store, &[odd.clone()]).await;
    let claim = claim(&store).await;
    let work = &claim.works()[0];
    assert_eq!(work.lane, odd.lane);
    assert_eq!(work.inputs[0].native, odd.native);
    assert_eq!(work.inputs[0].input, odd.input);
    let turn = decided(&work.inputs[0], vec![bot("a'b\"c")]);
    store.commit(claim, vec![turn], vec![], at(1)).await.unwrap();
    let jobs = store.claim_sends(at(1), ONE).await.unwrap();
    let native = "m'\"{}\\".to_owned();
    store
        .finish_sends(
            vec![(jobs[0].id, jobs[0].fence, chatbox_store::SendEnd::Sent { native: native.clone() })],
            at(1),
        )
        .await
        .unwrap();
    assert_eq!(store.natives(&odd.lane, at(0)).await.unwrap(), [odd.native.unwrap(), native]);
}
