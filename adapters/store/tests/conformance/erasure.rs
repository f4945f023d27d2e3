use chatbox_core::{
    conversation::{Conversation, Holder},
    effect::{AuditKind, DeskKind, Effect, Kept, SayKind},
};
use chatbox_store::{Decided, Periods, SendBody, Store};
use jiff::SignedDuration;

use crate::support::*;

const DAY: i64 = 24 * 3600;

async fn busy(store: &Store, who: &str, key: &str) {
    let timer = Effect::SetTimer { name: "news".to_owned(), step: "s".to_owned(), at: at(500) };
    receive(store, &[text(who, key, "words")]).await;
    decide(store, |_, input| Decided {
        seq: input.seq,
        conversation: Conversation {
            case: Some(reference(&format!("KWG-0000{key}"))),
            ..Conversation::default()
        },
        effects: vec![
            bot("waits"),
            timer.clone(),
            save(&format!("KWG-1000{key}")),
            to_desk(&format!("KWG-0000{key}"), DeskKind::Opened, "a case"),
            say(SayKind::Safety, "lines"),
        ],
    })
    .await;
}

async fn erase(store: &Store, who: &str, keep: Vec<Kept>, conversation: Conversation) {
    receive(store, &[text(who, &format!("erase-{who}"), "delete my data")]).await;
    decide(store, |_, input| Decided {
        seq: input.seq,
        conversation: conversation.clone(),
        effects: vec![Effect::Erase { keep: keep.clone() }, bot("deleted")],
    })
    .await;
}

pub(crate) async fn erase_leaves_nothing_but_keys_and_audit(home: Home) {
    let store = home.open().await;
    busy(&store, "alice", "1").await;
    busy(&store, "other", "2").await;
    erase(&store, "alice", vec![], Conversation::default()).await;
    let alice = lane("alice");
    assert_eq!(store.conversation(&alice).await.unwrap(), None);
    assert_eq!(store.case_lane(&reference("KWG-00001")).await.unwrap(), None);
    assert_eq!(store.records(None).await.unwrap().len(), 1);
    // What she must know, and what the desk must know, still leaves; then it is gone too.
    let mut left = send_all(&store).await;
    left.sort();
    assert_eq!(left, ["a case", "a case", "deleted", "lines", "lines", "waits"]);
    assert!(store.transcript(&alice, 10).await.unwrap().is_empty());
    assert!(store.natives(&alice, at(0)).await.unwrap().is_empty());
    assert_eq!(store.due_timers(at(500), 10, || 1).await.unwrap(), 1, "the other's alone");
    // The key stays: a repeat of a message is not a new one. So does an audit row without text.
    assert_eq!(receive(&store, &[text("alice", "1", "words")]).await, 0);
    let audit = store.audit(10).await.unwrap();
    assert_eq!(audit.len(), 1);
    assert_eq!((audit[0].what, audit[0].by.clone(), audit[0].case.clone()), (AuditKind::Erased, None, None));
    // The reference is not given out again.
    receive(&store, &[text("new", "9", "hi")]).await;
    let report = store.claim(100).await.unwrap();
    let claim = report.unwrap();
    let turns = claim
        .works()
        .iter()
        .filter(|work| work.lane == lane("new"))
        .map(|work| decided(&work.inputs[0], vec![save("KWG-10001")]))
        .collect();
    assert_eq!(store.commit(claim, turns, vec![], at(2)).await.unwrap().clashed.len(), 1);
    // Others keep everything.
    assert!(!store.transcript(&lane("other"), 10).await.unwrap().is_empty());
}

pub(crate) async fn erase_keeps_what_it_is_told_to_keep(home: Home) {
    let store = home.open().await;
    busy(&store, "alice", "1").await;
    send_all(&store).await;
    let kept = Conversation {
        case: Some(reference("KWG-00001")),
        holder: Holder::Waiting { since: at(1) },
        ..Conversation::default()
    };
    erase(&store, "alice", vec![Kept::OpenFlag], kept.clone()).await;
    let alice = lane("alice");
    assert_eq!(store.conversation(&alice).await.unwrap(), Some(kept));
    assert_eq!(store.case_lane(&reference("KWG-00001")).await.unwrap(), Some(alice.clone()));
    assert_eq!(store.records(None).await.unwrap().len(), 1);
    assert_eq!(store.next_timer().await.unwrap(), Some(at(500)));
    send_all(&store).await;
    assert!(store.transcript(&alice, 10).await.unwrap().is_empty());
}

pub(crate) async fn clear_chat_of_an_erasing_turn_still_knows_the_messages(home: Home) {
    let store = home.open().await;
    one_turn(&store, "a", "1", vec![bot("hi")]).await;
    send_all(&store).await;
    receive(&store, &[text("a", "2", "delete and hide")]).await;
    decide(&store, |_, input| {
        let within = SignedDuration::from_hours(48);
        decided(input, vec![Effect::ClearChat { within }, Effect::Erase { keep: vec![] }, bot("bye")])
    })
    .await;
    let job = store.claim_sends(at(2), ONE).await.unwrap().remove(0);
    let SendBody::Clear { also, .. } = &job.body else { panic!("{}", said(&job)) };
    assert_eq!(also.len(), 3, "{also:?}");
    sent(&store, &job).await;
    assert_eq!(send_all(&store).await, ["bye"]);
}

pub(crate) async fn purge_keeps_the_periods(home: Home) {
    let store = home.open().await;
    let held = |seq, urgent| Decided {
        seq,
        conversation: Conversation {
            epoch: 1,
            case: Some(reference("KWG-HELD0")),
            holder: Holder::Practitioner { id: "x".to_owned(), since: at(0) },
            ..Conversation::default()
        },
        effects: if urgent { vec![save("KWG-HELD1")] } else { vec![] },
    };
    receive(&store, &[text("held", "1", "x")]).await;
    decide(&store, |_, input| held(input.seq, true)).await;
    one_turn(&store, "plain", "2", vec![bot("hi"), save("KWG-PLAIN")]).await;
    one_turn(&store, "unsent", "3", vec![bot("still waits")]).await;
    send_all(&store).await;
    receive(&store, &[text("undecided", "4", "x")]).await;
    let periods = Periods {
        chat: SignedDuration::from_hours(24 * 30),
        records: SignedDuration::from_hours(24 * 60),
        handled: SignedDuration::from_hours(24 * 90),
        audit: SignedDuration::from_hours(24 * 90),
        seen: SignedDuration::from_hours(24 * 20),
    };
    let none = store.purge(at(10 * DAY), &periods).await.unwrap();
    assert_eq!(none, chatbox_store::Purged::default());
    let some = store.purge(at(31 * DAY), &periods).await.unwrap();
    assert_eq!((some.inbox, some.outbox, some.conversations, some.records, some.seen), (2, 2, 2, 0, 4));
    assert!(store.conversation(&lane("held")).await.unwrap().is_some());
    let records = store.records(None).await.unwrap();
    let plain = records.iter().find(|r| r.record.reference == reference("KWG-PLAIN")).unwrap();
    assert_eq!(plain.lane, None, "the request outlives the chat, without a name on it");
    let more = store.purge(at(61 * DAY), &periods).await.unwrap();
    assert_eq!((more.inbox, more.records), (0, 1));
    let rest = store.purge(at(91 * DAY), &periods).await.unwrap();
    assert_eq!((rest.inbox, rest.records, rest.conversations), (1, 1, 0), "a held conversation stays");
    assert_eq!(words(&claim(&store).await.works()[0].inputs[0].input), "x");
}

pub(crate) async fn purge_keeps_an_input_as_long_as_what_was_said_because_of_it(home: Home) {
    let store = home.open().await;
    one_turn(&store, "a", "1", vec![bot("hi")]).await;
    let month = SignedDuration::from_hours(24 * 30);
    let periods = Periods { chat: month, records: month, handled: month, audit: month, seen: month };
    let waits = store.purge(at(31 * DAY), &periods).await.unwrap();
    assert_eq!((waits.inbox, waits.outbox, waits.conversations), (0, 0, 0));
    assert_eq!(store.transcript(&lane("a"), 9).await.unwrap().len(), 2, "the desk sees both sides");
    send_all(&store).await;
    let over = store.purge(at(31 * DAY), &periods).await.unwrap();
    assert_eq!((over.inbox, over.outbox, over.conversations), (1, 1, 1));
}

pub(crate) async fn what_somebody_wrote_is_found_however_much_others_wrote(home: Home) {
    let store = home.open().await;
    let alice = lane("alice");
    one_turn(&store, "alice", "1", vec![bot("first")]).await;
    let others: Vec<_> = (0..5_000).map(|nth| text("other", &format!("other-{nth}"), "words")).collect();
    receive(&store, &others).await;
    receive(&store, &[text("alice", "2", "second")]).await;
    assert_eq!(store.transcript(&alice, 9).await.unwrap().len(), 3);
    assert_eq!(store.natives(&alice, at(0)).await.unwrap(), ["n-1", "n-2"]);

    receive(&store, &[text("alice", "3", "delete my data")]).await;
    while store.stats(at(2)).await.unwrap().inbox_waiting > 0 {
        decide(&store, |of, input| {
            let erase = *of == alice && input.native.as_deref() == Some("n-3");
            decided(input, if erase { vec![Effect::Erase { keep: vec![] }] } else { vec![] })
        })
        .await;
    }
    assert!(store.transcript(&alice, 9).await.unwrap().is_empty());
    assert!(store.natives(&alice, at(0)).await.unwrap().is_empty());
    assert_eq!(store.natives(&lane("other"), at(0)).await.unwrap().len(), others.len());
}
