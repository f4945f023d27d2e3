use chatbox_core::{
    channel::Post,
    effect::DeskKind,
    ids::{ChannelKind, Lane},
};
use chatbox_store::{SendState, Spoken, StoreError};

use crate::support::*;

pub(crate) async fn practitioner_is_known_only_after_the_code(home: Home) {
    let store = home.open().await;
    store.add_practitioner("Bob Green", true, "12345", at(0)).await.unwrap();
    assert!(matches!(store.add_practitioner("bob green ", false, "9", at(0)).await, Err(StoreError::Taken)));
    assert_eq!(store.practitioners().await.unwrap()[0].who, None);
    assert!(store.confirm_practitioner("54321", "telegram:7").await.unwrap().is_none());
    let bob = store.confirm_practitioner("12345", "telegram:7").await.unwrap().unwrap();
    assert_eq!((bob.name.as_str(), bob.lead, bob.who.as_deref()), ("Bob Green", true, Some("telegram:7")));
    assert!(store.confirm_practitioner("12345", "telegram:8").await.unwrap().is_none(), "a code works once");
    store.enrol_practitioner("Ann", "matrix:@ann:hub", false, at(0)).await.unwrap();
    let taken = store.enrol_practitioner("Eve", "matrix:@ann:hub", false, at(0)).await;
    assert!(matches!(taken, Err(StoreError::Taken)));
    let names: Vec<String> = store.practitioners().await.unwrap().into_iter().map(|p| p.name).collect();
    assert_eq!(names, ["Ann", "Bob Green"]);
    assert!(store.remove_practitioner("BOB GREEN").await.unwrap());
    assert!(!store.remove_practitioner("Bob Green").await.unwrap());
}

pub(crate) async fn case_and_thread_find_each_other(home: Home) {
    let store = home.open().await;
    let (case, thread) = (reference("KWG-AAAAA"), Lane::new(ChannelKind::Telegram, "-100").in_thread("17"));
    assert_eq!(store.case_thread(&case).await.unwrap(), None);
    store.set_case_thread(&case, &thread).await.unwrap();
    assert_eq!(store.case_thread(&case).await.unwrap(), Some(thread.clone()));
    assert_eq!(store.thread_case(&thread).await.unwrap(), Some(case.clone()));
    let moved = Lane::new(ChannelKind::Telegram, "-100").in_thread("18");
    store.set_case_thread(&case, &moved).await.unwrap();
    assert_eq!(store.thread_case(&thread).await.unwrap(), None);
    assert_eq!(store.case_thread(&case).await.unwrap(), Some(moved));
}

pub(crate) async fn transcript_tells_both_sides_in_order(home: Home) {
    let store = home.open().await;
    let desk = to_desk("KWG-AAAAA", DeskKind::Opened, "for the desk alone");
    one_turn(&store, "a", "1", vec![bot("r1"), desk]).await;
    one_turn(&store, "a", "2", vec![bot("r2"), bot("r3")]).await;
    let job = store.claim_sends(at(2), ONE).await.unwrap().into_iter().find(|job| said(job) == "r1").unwrap();
    sent(&store, &job).await;
    let told = |lines: Vec<chatbox_store::Line>| -> Vec<(String, Option<SendState>)> {
        lines
            .into_iter()
            .map(|line| match line.what {
                Spoken::Heard { input, .. } => (words(&input.unwrap()).to_owned(), None),
                Spoken::Said { post: Post::Say(say), state, .. } => (say.text, Some(state)),
                Spoken::Said { post: Post::Desk(_), .. } => panic!("the desk's own"),
            })
            .collect()
    };
    let all = told(store.transcript(&lane("a"), 10).await.unwrap());
    let expected = [
        ("hello", None),
        ("r1", Some(SendState::Sent)),
        ("hello", None),
        ("r2", Some(SendState::Waiting)),
        ("r3", Some(SendState::Waiting)),
    ];
    assert_eq!(all, expected.map(|(text, state)| (text.to_owned(), state)));
    let last = told(store.transcript(&lane("a"), 2).await.unwrap());
    assert_eq!(last.iter().map(|l| l.0.as_str()).collect::<Vec<_>>(), ["r2", "r3"]);
}

pub(crate) async fn stats_tell_what_waits(home: Home) {
    let store = home.open().await;
    assert_eq!(store.stats(at(0)).await.unwrap(), chatbox_store::Stats::default());
    one_turn(&store, "a", "1", vec![bot("r1")]).await;
    receive(&store, &[text("b", "2", "x")]).await;
    let stats = store.stats(at(10)).await.unwrap();
    assert_eq!((stats.inbox_waiting, stats.inbox_oldest.unwrap().as_secs()), (1, 10));
    assert_eq!((stats.outbox_waiting, stats.outbox_oldest.unwrap().as_secs()), (1, 10));
}
