use chatbox_core::{
    conversation::{Conversation, Flag, Holder},
    effect::{DeskKind, Effect, SayKind},
    input::InputKind,
    safety::{Kind, Route},
};
use chatbox_store::{Decided, SendEnd, SendLimits, Spoken, Store, StoreError};

use crate::support::*;

pub(crate) async fn state_timers_and_records_are_committed_together(home: Home) {
    let store = home.open().await;
    receive(&store, &[text("a", "1", "one"), text("a", "2", "two")]).await;
    let mut turn = 0;
    decide(&store, |_, input| {
        turn += 1;
        Decided {
            seq: input.seq,
            conversation: Conversation {
                holder: Holder::Waiting { since: at(turn) },
                case: Some(reference("KWG-AAAAA")),
                flag: Some(Flag {
                    route: Route::C,
                    kinds: [Kind::Suicide].into(),
                    since: at(1),
                    company: None,
                    called: false,
                }),
                ..Conversation::default()
            },
            effects: if turn == 1 { vec![save("KWG-AAAAB")] } else { vec![bot("done")] },
        }
    })
    .await;
    let kept = store.conversation(&lane("a")).await.unwrap().unwrap();
    assert_eq!(kept.holder, Holder::Waiting { since: at(2) });
    assert_eq!(store.conversation(&lane("b")).await.unwrap(), None);
    let records = store.records(Some("group_request")).await.unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].record.data, serde_json::json!({"size": 8, "site": null}));
    assert_eq!((records[0].lane.clone(), records[0].created), (Some(lane("a")), at(0)));
    assert!(store.records(Some("gap")).await.unwrap().is_empty());
    assert_eq!(store.case_lane(&reference("KWG-AAAAA")).await.unwrap(), Some(lane("a")));
    let open = store.open_cases().await.unwrap();
    assert_eq!((open[0].urgency, open[0].waiting, open[0].held), (3, Some(at(2)), None));
    // The next claim sees it.
    receive(&store, &[text("a", "3", "three")]).await;
    assert_eq!(claim(&store).await.works()[0].conversation, Some(kept));
}

/// A turn that cannot be written: it saves two records under one reference.
fn bad() -> Vec<Effect> {
    vec![save("KWG-TWICE"), save("KWG-TWICE")]
}

pub(crate) async fn one_bad_turn_does_not_sink_the_commit(home: Home) {
    let store = home.open().await;
    receive(
        &store,
        &[text("a", "1", "fine"), text("b", "2", "bad"), text("b", "3", "after"), text("c", "4", "fine")],
    )
    .await;
    let report = decide(&store, |_, input| {
        decided(input, if words(&input.input) == "bad" { bad() } else { vec![bot("ok")] })
    })
    .await;
    assert_eq!(report.committed.len(), 2);
    assert_eq!(report.clashed.len() + report.failed.len(), 1);
    assert_eq!(send_all(&store).await, ["ok", "ok"]);
    // The bad one and what came after it are still there, in order.
    let left = claim(&store).await;
    let told: Vec<&str> = left.works()[0].inputs.iter().map(|i| words(&i.input)).collect();
    assert_eq!(told, ["bad", "after"]);
}

pub(crate) async fn unique_reference_clash_gets_a_fresh_seed(home: Home) {
    let store = home.open().await;
    one_turn(&store, "a", "1", vec![save("KWG-00000")]).await;
    receive(&store, &[text("b", "2", "mine"), text("c", "3", "fine")]).await;
    let held = claim(&store).await;
    let (seq, seed) = (held.works()[0].inputs[0].seq, held.works()[0].inputs[0].seed);
    let turns = held
        .works()
        .iter()
        .map(|work| {
            decided(&work.inputs[0], if work.lane == lane("b") { vec![save("KWG-00000")] } else { vec![] })
        })
        .collect();
    let report = store.commit(held, turns, vec![], at(1)).await.unwrap();
    assert_eq!(report.clashed, [seq]);
    assert_eq!(report.committed.len(), 1);
    let again = claim(&store).await;
    assert_eq!(again.works()[0].inputs[0].seq, seq);
    assert_ne!(again.works()[0].inputs[0].seed, seed);
    let turn = decided(&again.works()[0].inputs[0], vec![save("KWG-00001")]);
    store.commit(again, vec![turn], vec![], at(1)).await.unwrap();
    assert_eq!(store.records(None).await.unwrap().len(), 2);

    // A case is a reference too.
    receive(&store, &[text("d", "4", "help")]).await;
    let report = decide(&store, |_, input| Decided {
        seq: input.seq,
        conversation: Conversation { case: Some(reference("KWG-00001")), ..Conversation::default() },
        effects: vec![],
    })
    .await;
    assert_eq!(report.clashed.len(), 1);
}

pub(crate) async fn commit_takes_only_what_the_claim_holds(home: Home) {
    let store = home.open().await;
    receive(&store, &[text("a", "1", "one"), text("a", "2", "two")]).await;
    let held = claim(&store).await;
    let stranger = Decided { seq: 999, conversation: Conversation::default(), effects: vec![] };
    assert!(matches!(store.commit(held, vec![stranger], vec![], at(1)).await, Err(StoreError::NotClaimed)));
    let held = claim(&store).await;
    let second = decided(&held.works()[0].inputs[1], vec![]);
    assert!(matches!(store.commit(held, vec![second], vec![], at(1)).await, Err(StoreError::NotClaimed)));
    let again = claim(&store).await;
    assert_eq!((words(&again.works()[0].inputs[0].input), again.works()[0].inputs[0].tries), ("one", 3));
}

pub(crate) async fn many_commits_at_once_keep_every_turn(home: Home) {
    let store = home.open().await;
    let messages: Vec<_> =
        (0..60).map(|n| text(&format!("p{}", n % 20), &format!("k{n}"), &n.to_string())).collect();
    receive(&store, &messages).await;
    let deciders: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                while let Some(claim) = store.claim(7).await.unwrap() {
                    let turns: Vec<_> = claim
                        .works()
                        .iter()
                        .flat_map(|work| &work.inputs)
                        .map(|input| decided(input, vec![bot(words(&input.input))]))
                        .collect();
                    let count = turns.len();
                    let report = store.commit(claim, turns, vec![], at(1)).await.unwrap();
                    assert_eq!(report.committed.len(), count, "nobody else held them");
                }
            })
        })
        .collect();
    for decider in deciders {
        decider.await.unwrap();
    }
    // A decider may have stopped while another held the last ones.
    while let Some(claim) = store.claim(100).await.unwrap() {
        let turns = claim
            .works()
            .iter()
            .flat_map(|w| &w.inputs)
            .map(|i| decided(i, vec![bot(words(&i.input))]))
            .collect();
        store.commit(claim, turns, vec![], at(1)).await.unwrap();
    }
    let mut said: Vec<usize> = send_all(&store).await.iter().map(|s| s.parse().unwrap()).collect();
    said.sort_unstable();
    assert_eq!(said, (0..60).collect::<Vec<_>>());
    for n in 0..20 {
        let told: Vec<String> = store
            .transcript(&lane(&format!("p{n}")), 100)
            .await
            .unwrap()
            .into_iter()
            .filter_map(|line| match line.what {
                Spoken::Heard { input: Some(input), .. } => Some(words(&input).to_owned()),
                Spoken::Heard { .. } | Spoken::Said { .. } => None,
            })
            .collect();
        assert_eq!(told, [n.to_string(), (n + 20).to_string(), (n + 40).to_string()]);
    }
}

pub(crate) async fn text_taken_back_is_gone(home: Home) {
    let store = home.open().await;
    one_turn(&store, "a", "1", vec![]).await;
    let mut back = text("a", "back-1", "");
    back.native = Some("n-1".to_owned());
    back.input.what = InputKind::Redacted { of: back.native.clone().unwrap_or_default() };
    receive(&store, &[back]).await;
    decide(&store, |_, input| decided(input, vec![])).await;
    let lines = store.transcript(&lane("a"), 10).await.unwrap();
    assert!(matches!(lines[0].what, Spoken::Heard { input: None, .. }));
    assert!(matches!(lines[1].what, Spoken::Heard { input: Some(_), .. }));
}

/// What waits to be said when a message is taken back: by then it may all stand in one commit.
pub(crate) async fn talk_about_a_text_taken_back_is_dropped_and_danger_is_not(home: Home) {
    let store = home.open().await;
    let answers = vec![
        say(SayKind::Safety, "lines"),
        bot("about it"),
        say(SayKind::Notice, "notice"),
        to_desk("KWG-00001", DeskKind::Message, "words"),
        to_desk("KWG-00001", DeskKind::Alert, "alert with words"),
    ];
    let mut back = text("a", "back-1", "");
    back.input.what = InputKind::Redacted { of: "n-1".to_owned() };
    one_turn(&store, "a", "0", vec![bot("before")]).await;
    one_turn(&store, "a", "1", answers.clone()).await;
    receive(&store, std::slice::from_ref(&back)).await;
    decide(&store, |_, input| decided(input, vec![bot("after")])).await;
    let mut said = kept(&store).await;
    said.sort();
    assert_eq!(said, ["after", "alert with words", "before", "lines", "notice"]);

    // The same in one commit: by itself, and where turns may lease what they say.
    for (chat, nth, limits) in [("b", "2", ONE), ("c", "3", SendLimits { ahead: 100, ..ONE })] {
        assert!(store.claim_sends(at(2), limits).await.unwrap().is_empty());
        let mut again = text(chat, &format!("back-{nth}"), "");
        again.input.what = InputKind::Redacted { of: format!("n-{nth}") };
        receive(&store, &[text(chat, nth, "words"), again]).await;
        decide(&store, |_, input| {
            let message = matches!(input.input.what, InputKind::Message(_));
            decided(input, if message { answers.clone() } else { vec![bot("after")] })
        })
        .await;
        assert!(store.handed().is_empty(), "nothing is handed out before it was taken back");
        let mut said = kept(&store).await;
        said.sort();
        assert_eq!(said, ["after", "alert with words", "lines", "notice"]);
    }
}

/// Sends what may be sent, as the delivery loop does: what is stale is dropped.
async fn kept(store: &Store) -> Vec<String> {
    let mut kept = Vec::new();
    loop {
        let jobs = store.claim_sends(at(2), ONE).await.unwrap();
        if jobs.is_empty() {
            return kept;
        }
        for job in jobs {
            if job.stale {
                finish(store, &job, SendEnd::Dropped).await;
            } else {
                kept.push(said(&job));
                sent(store, &job).await;
            }
        }
    }
}
