use chatbox_core::{
    channel::{Incoming, Post, Proof},
    effect::{AuditKind, DeskKind, Effect},
    ids::{ChannelKind, Lane},
    input::{DeskMessage, Input, InputKind, Message},
};
use chatbox_store::{CaseState, Destination, SendEnd, SendLimits, SendState, Spoken, Store, StoreError};

use crate::support::*;

/// Somebody tries a code in their chat.
fn proof(who: &str, key: &str, code: &str) -> Proof {
    Proof {
        lane: lane(who),
        key: key.to_owned(),
        order: 7,
        by: who.to_owned(),
        at: at(0),
        code: code.to_owned(),
    }
}

/// Sends a code and returns who it made of them.
async fn tries(store: &Store, proof: Proof, seconds: i64) -> Option<String> {
    assert_eq!(store.take_in(&[], &[proof], None, at(seconds), || 1).await.unwrap(), 1);
    let mut name = None;
    decide(store, |_, input| {
        if let InputKind::Enrolled { name: found } = &input.input.what {
            name = Some(found.clone());
        } else {
            assert_eq!(input.input.what, InputKind::NotEnrolled);
        }
        decided(input, Vec::new())
    })
    .await;
    name
}

pub(crate) async fn practitioner_is_known_only_after_the_code(home: Home) {
    let store = home.open().await;
    store.add_practitioner("Bob Green", Some("Trust A"), true, "DESK-1", at(0)).await.unwrap();
    let bob = &store.practitioners().await.unwrap()[0];
    assert_eq!((bob.who.as_deref(), bob.expires), (None, Some(at(600))));
    assert_eq!(tries(&store, proof("8", "a", "DESK-2"), 1).await, None);
    assert_eq!(tries(&store, proof("7", "b", "DESK-1"), 599).await.as_deref(), Some("Bob Green"));
    let bob = &store.practitioners().await.unwrap()[0];
    assert_eq!((bob.name.as_str(), bob.organisation.as_deref()), ("Bob Green", Some("Trust A")));
    assert_eq!((bob.lead, bob.who.as_deref(), bob.expires), (true, Some("telegram:7"), None));
    assert_eq!(tries(&store, proof("8", "c", "DESK-1"), 599).await, None, "a code works once");
    let taken = store.add_practitioner("bob green ", None, false, "DESK-9", at(0)).await;
    assert!(matches!(taken, Err(StoreError::Taken)));
    // The same delivery again is no second try and changes nothing.
    assert_eq!(store.take_in(&[], &[proof("8", "c", "DESK-1")], None, at(599), || 1).await.unwrap(), 0);

    store.enrol_practitioner("Ann", None, false, "matrix:@ann:hub", at(0)).await.unwrap();
    let taken = store.enrol_practitioner("Eve", None, false, "matrix:@ann:hub", at(0)).await;
    assert!(matches!(taken, Err(StoreError::Taken)));
    let names: Vec<String> = store.practitioners().await.unwrap().into_iter().map(|p| p.name).collect();
    assert_eq!(names, ["Ann", "Bob Green"]);
    assert!(store.remove_practitioner("BOB GREEN", at(700)).await.unwrap());
    assert!(!store.remove_practitioner("Bob Green", at(700)).await.unwrap());
    let acts: Vec<_> = store.audit(10).await.unwrap().into_iter().map(|line| (line.what, line.by)).collect();
    let bob = Some("telegram:7".to_owned());
    assert_eq!(acts, [(AuditKind::Enrolled, bob.clone()), (AuditKind::Removed, bob)]);
}

pub(crate) async fn codes_grow_old_and_guessing_is_limited(home: Home) {
    let store = home.open().await;
    let add = async |name: &str, code: &str, now| {
        store.add_practitioner(name, None, false, code, at(now)).await.unwrap();
    };
    add("Bob", "DESK-1", 0).await;
    assert_eq!(tries(&store, proof("7", "a", "DESK-1"), 600).await, None, "too old");
    // Another code replaces the one that was not used.
    add("Bob", "DESK-2", 600).await;
    add("Bob", "DESK-3", 600).await;
    assert_eq!(tries(&store, proof("7", "b", "DESK-2"), 601).await, None);
    for key in ["c", "d", "e"] {
        assert_eq!(tries(&store, proof("7", key, "DESK-X"), 602).await, None);
    }
    assert_eq!(tries(&store, proof("7", "f", "DESK-3"), 603).await, None, "the sixth try is not looked at");
    assert_eq!(tries(&store, proof("8", "g", "DESK-3"), 604).await.as_deref(), Some("Bob"));
    // One account is one person at the desk.
    add("Carol", "DESK-4", 605).await;
    assert_eq!(tries(&store, proof("8", "h", "DESK-4"), 606).await, None);
    add("Carol", "DESK-5", 4_200).await;
    assert_eq!(tries(&store, proof("7", "i", "DESK-5"), 4_201).await.as_deref(), Some("Carol"));
}

pub(crate) async fn what_was_said_at_the_desk_is_found_by_its_id(home: Home) {
    let store = home.open().await;
    let said = DeskMessage {
        by: "42".to_owned(),
        case: Some(reference("CSE-AAAAA")),
        said: Message::default(),
        redacted: false,
    };
    let at_desk = Incoming {
        lane: lane("a"),
        key: "-100/9/0".to_owned(),
        order: 0,
        native: Some("9".to_owned()),
        input: Input::new(at(0), InputKind::Desk(said)),
    };
    assert_eq!(receive(&store, &[at_desk, text("a", "9", "the person's own")]).await, 2);
    let found = store.desk_said("9").await.unwrap();
    assert_eq!(found, Some((lane("a"), Some(reference("CSE-AAAAA")))));
    assert_eq!(store.desk_said("n-9").await.unwrap(), None, "a person's is no practitioner's");
}

pub(crate) async fn copies_are_found_and_changed(home: Home) {
    let store = home.open().await;
    let message = |text| to_desk("CSE-AAAAA", DeskKind::Message, text);
    let alert = to_desk("CSE-AAAAA", DeskKind::Alert, "Route C");
    one_turn(&store, "a", "1", vec![message("I am here"), alert, bot("not a copy")]).await;
    one_turn(&store, "a", "2", vec![message("still here")]).await;
    assert!(store.copies(&lane("a"), "n-1", true).await.unwrap().is_empty(), "not sent yet");
    // What waits for one case goes out as one message.
    loop {
        let jobs = store.claim_sends(at(2), SendLimits { per_lane: 5, ..ONE }).await.unwrap();
        if jobs.is_empty() {
            break;
        }
        for job in jobs {
            finish(&store, &job, SendEnd::Sent { native: "500".to_owned() }).await;
        }
    }
    let copies = store.copies(&lane("a"), "n-1", true).await.unwrap();
    let told: Vec<_> =
        copies.iter().map(|copy| (copy.text.as_str(), copy.native.as_str(), copy.of_it)).collect();
    assert_eq!(told, [("I am here", "500", true), ("still here", "500", false)]);
    assert!(copies.iter().all(|copy| copy.to == Destination::Desk(reference("CSE-AAAAA"))));
    assert!(store.copies(&lane("a"), "n-1", false).await.unwrap().is_empty(), "the other side");
    assert!(store.copies(&lane("b"), "n-1", true).await.unwrap().is_empty(), "somebody else's");

    store.rewrite(&[copies[0].id], Some("I was here")).await.unwrap();
    let again = store.copies(&lane("a"), "n-1", true).await.unwrap();
    assert_eq!((again[0].text.as_str(), again[1].text.as_str()), ("I was here", "still here"));
    store.rewrite(&[copies[0].id], None).await.unwrap();
    assert_eq!(store.copies(&lane("a"), "n-1", true).await.unwrap()[0].text, "(taken back)");
}

pub(crate) async fn requests_have_the_state_that_the_desk_gave_them(home: Home) {
    let store = home.open().await;
    let act = |what| Effect::Audit { what, by: None, case: Some(reference("KWG-AAAAA")) };
    one_turn(&store, "a", "1", vec![save("KWG-AAAAA"), act(AuditKind::CaseOpened)]).await;
    one_turn(&store, "b", "2", vec![save("KWG-BBBBB")]).await;
    let state = async || store.records(Some("group_request")).await.unwrap()[0].state;
    let open = async || store.open_records().await.unwrap();
    assert_eq!((state().await, open().await), (CaseState::Received, vec![(reference("KWG-AAAAA"), at(0))]));
    for (key, what, expected) in [
        ("3", AuditKind::Acknowledged, CaseState::Acknowledged),
        ("4", AuditKind::Taken, CaseState::Taken),
        ("5", AuditKind::Acknowledged, CaseState::Taken),
        ("6", AuditKind::CaseClosed, CaseState::Closed),
    ] {
        one_turn(&store, "a", key, vec![act(what)]).await;
        assert_eq!(state().await, expected);
    }
    assert!(open().await.is_empty());
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
