use std::time::Duration;

use chatbox_core::{
    channel::Incoming,
    conversation::{Conversation, Holder},
    effect::{DeskKind, Effect, Media, Say, SayKind},
    ids::{ChannelKind, Lane, OutboxId},
    input::{Attachment, FileRef},
};
use chatbox_store::{Decided, Destination, Reach, SendEnd, SendLimits};

use crate::support::*;

pub(crate) async fn rows_of_a_lane_leave_in_order_and_safety_first(home: Home) {
    let store = home.open().await;
    one_turn(&store, "a", "1", vec![bot("one"), bot("two")]).await;
    one_turn(&store, "a", "2", vec![bot("three"), say(SayKind::Safety, "lines")]).await;
    assert_eq!(send_all(&store).await, ["lines", "one", "two", "three"]);
}

pub(crate) async fn stuck_lane_delays_no_other(home: Home) {
    let store = home.open().await;
    one_turn(&store, "stuck", "1", vec![bot("s1"), bot("s2")]).await;
    let stuck = store.claim_sends(at(2), ONE).await.unwrap();
    assert_eq!(all_said(&stuck), ["s1"]);
    one_turn(&store, "free", "2", vec![bot("f1"), bot("f2"), to_desk("KWG-AAAAA", DeskKind::Alert, "look")])
        .await;
    assert_eq!(send_all(&store).await, ["look", "f1", "f2"]);
    sent(&store, &stuck[0]).await;
    assert_eq!(send_all(&store).await, ["s2"]);
}

pub(crate) async fn lease_expires_and_fence_refuses_the_late_writer(home: Home) {
    let store = home.open().await;
    one_turn(&store, "a", "1", vec![bot("one")]).await;
    let first = store.claim_sends(at(0), ONE).await.unwrap().remove(0);
    assert_eq!((first.attempts, first.unknown_before, first.until), (1, false, at(30)));
    assert!(store.claim_sends(at(29), ONE).await.unwrap().is_empty());
    assert_eq!(store.next_send().await.unwrap(), Some(at(30)));
    let second = store.claim_sends(at(30), ONE).await.unwrap().remove(0);
    assert_eq!((second.attempts, second.unknown_before, second.id), (2, true, first.id));
    let late = vec![(first.id, first.fence, SendEnd::Sent { native: "late".to_owned() })];
    assert_eq!(store.finish_sends(late, at(31)).await.unwrap(), [first.id]);
    assert!(store.natives(&lane("a"), at(0)).await.unwrap().iter().all(|native| native != "late"));
    sent(&store, &second).await;
    // Once it is over nobody can end it again.
    let again = vec![(second.id, second.fence, SendEnd::Refused)];
    assert_eq!(store.finish_sends(again, at(32)).await.unwrap(), [second.id]);
    assert_eq!(store.next_send().await.unwrap(), None);
}

pub(crate) async fn unknown_outcomes_are_counted_on_the_row(home: Home) {
    let store = home.open().await;
    one_turn(&store, "a", "1", vec![bot("one")]).await;
    let job = store.claim_sends(at(0), ONE).await.unwrap().remove(0);
    finish(&store, &job, SendEnd::Retry { at: at(5) }).await;
    assert!(store.claim_sends(at(4), ONE).await.unwrap().is_empty());
    let job = store.claim_sends(at(5), ONE).await.unwrap().remove(0);
    assert!(!job.unknown_before, "it was certainly not sent");
    finish(&store, &job, SendEnd::Unknown { at: at(6) }).await;
    let job = store.claim_sends(at(6), ONE).await.unwrap().remove(0);
    assert!(job.unknown_before);
    assert_eq!(job.attempts, 3);
    finish(&store, &job, SendEnd::Retry { at: at(7) }).await;
    assert!(store.claim_sends(at(7), ONE).await.unwrap().remove(0).unknown_before);
}

/// A practitioner takes the conversation, and is told so.
pub(crate) fn taken(seq: i64, epoch: u32) -> Decided {
    Decided {
        seq,
        conversation: Conversation {
            epoch,
            holder: Holder::Practitioner { id: "@bob:hub".to_owned(), since: at(1) },
            case: Some(reference("KWG-AAAAA")),
            ..Conversation::default()
        },
        effects: vec![to_desk("KWG-AAAAA", DeskKind::Notice, "you have it")],
    }
}

pub(crate) async fn old_talk_of_the_bot_is_stale_after_a_take(home: Home) {
    let store = home.open().await;
    one_turn(&store, "a", "1", vec![bot("old"), say(SayKind::Safety, "lines"), say(SayKind::Notice, "news")])
        .await;
    receive(&store, &[text("a", "2", "/take")]).await;
    decide(&store, |_, input| taken(input.seq, 1)).await;
    let mut seen = Vec::new();
    loop {
        let jobs = store.claim_sends(at(2), ONE).await.unwrap();
        if jobs.is_empty() {
            break;
        }
        for job in jobs {
            seen.push((said(&job), job.stale));
            finish(&store, &job, if job.stale { SendEnd::Dropped } else { SendEnd::Refused }).await;
        }
    }
    seen.sort();
    let expected = [("lines", false), ("news", false), ("old", true), ("you have it", false)];
    assert_eq!(seen, expected.map(|(text, stale)| (text.to_owned(), stale)));
}

pub(crate) async fn you_have_it_waits_for_talk_in_flight(home: Home) {
    let store = home.open().await;
    one_turn(&store, "a", "1", vec![bot("in flight")]).await;
    let flying = store.claim_sends(at(0), ONE).await.unwrap().remove(0);
    receive(&store, &[text("a", "2", "/take")]).await;
    decide(&store, |_, input| taken(input.seq, 1)).await;
    assert!(store.claim_sends(at(2), ONE).await.unwrap().is_empty());
    // Nor does a loop have to ask again and again.
    assert_eq!(store.next_send().await.unwrap(), Some(at(30)));
    sent(&store, &flying).await;
    assert_eq!(all_said(&store.claim_sends(at(2), ONE).await.unwrap()), ["you have it"]);

    // Or the lease runs out.
    one_turn(&store, "b", "3", vec![bot("hangs")]).await;
    assert_eq!(store.claim_sends(at(3), ONE).await.unwrap().len(), 1);
    receive(&store, &[text("b", "4", "/take")]).await;
    decide(&store, |_, input| {
        let mut turn = taken(input.seq, 1);
        turn.conversation.case = Some(reference("KWG-BBBBB"));
        turn.effects = vec![to_desk("KWG-BBBBB", DeskKind::Notice, "you have b")];
        turn
    })
    .await;
    assert!(store.claim_sends(at(32), ONE).await.unwrap().iter().all(|job| said(job) != "you have b"));
    let after = store.claim_sends(at(33), ONE).await.unwrap();
    let told: Vec<_> = after.iter().map(|job| (said(job), job.stale)).collect();
    assert!(told.contains(&("you have b".to_owned(), false)), "{told:?}");
    assert!(told.contains(&("hangs".to_owned(), true)), "{told:?}");
}

pub(crate) async fn run_of_one_lane_is_leased_together(home: Home) {
    let store = home.open().await;
    let post = |text| to_desk("KWG-AAAAA", DeskKind::Message, text);
    one_turn(&store, "a", "1", vec![post("m1"), post("m2"), bot("b1"), post("m3")]).await;
    let runs = SendLimits { per_lane: 2, ..ONE };
    let mut jobs = store.claim_sends(at(2), runs).await.unwrap();
    jobs.sort_by_key(|job| job.to != Destination::Desk(reference("KWG-AAAAA")));
    assert_eq!(all_said(&jobs), ["m1", "m2", "b1"]);
    assert_eq!(jobs[0].person, lane("a"));
    assert_eq!(jobs[0].id, OutboxId { input: jobs[0].id.input, nth: 0 });
    sent(&store, &jobs[0]).await;
    // The lane is held until all of the run is reported.
    assert!(store.claim_sends(at(2), runs).await.unwrap().is_empty());
    sent(&store, &jobs[1]).await;
    assert_eq!(all_said(&store.claim_sends(at(2), runs).await.unwrap()), ["m3"]);
}

pub(crate) async fn retry_holds_the_whole_lane_back(home: Home) {
    let store = home.open().await;
    one_turn(&store, "a", "1", vec![bot("one")]).await;
    let job = store.claim_sends(at(1), ONE).await.unwrap().remove(0);
    finish(&store, &job, SendEnd::Retry { at: at(60) }).await;
    one_turn(&store, "a", "2", vec![say(SayKind::Safety, "lines")]).await;
    assert!(store.claim_sends(at(59), ONE).await.unwrap().is_empty());
    assert_eq!(all_said(&store.claim_sends(at(60), ONE).await.unwrap()), ["lines"]);
}

pub(crate) async fn only_what_this_process_can_reach_is_leased(home: Home) {
    let store = home.open().await;
    let matrix = Lane::new(ChannelKind::Matrix, "!room:server");
    one_turn(&store, "a", "1", vec![bot("telegram"), to_desk("KWG-00001", DeskKind::Opened, "desk")]).await;
    receive(&store, &[Incoming { lane: matrix, ..text("a", "2", "hello") }]).await;
    decide(&store, |_, input| decided(input, vec![bot("matrix")])).await;
    store.set_reach(Reach::NONE);
    assert!(store.claim_sends(at(2), ONE).await.unwrap().is_empty());
    assert_eq!(store.next_send().await.unwrap(), None, "nothing to wake for");
    store.set_reach(Reach { matrix: true, ..Reach::NONE });
    assert_eq!(send_all(&store).await, ["matrix"]);
    let mut changes = store.outbox_changes();
    store.set_reach(Reach { desk: true, ..Reach::NONE });
    changes.changed().await;
    assert_eq!(send_all(&store).await, ["desk"]);
    store.set_reach(Reach::ALL);
    assert_eq!(send_all(&store).await, ["telegram"]);
}

pub(crate) async fn talk_leased_with_its_turn_is_in_flight_like_any_other(home: Home) {
    let store = home.open().await;
    let limits = SendLimits { ahead: 100, ..ONE };
    let mut handed = store.handed_changes();
    assert!(store.claim_sends(at(0), limits).await.unwrap().is_empty());
    one_turn(&store, "a", "1", vec![bot("one"), bot("two")]).await;
    let flying = store.handed();
    handed.changed().await;
    assert!(store.handed().is_empty(), "each is handed out once");
    let [job] = &flying[..] else { panic!("{:?}", all_said(&flying)) };
    assert_eq!((said(job).as_str(), job.attempts, job.unknown_before, job.stale), ("one", 1, false, false));
    assert_eq!((job.until, job.to.clone()), (at(30), Destination::Person(lane("a"))));
    assert!(store.claim_sends(at(2), limits).await.unwrap().is_empty());
    // What follows it in its lane waits, and so does what must come after it.
    receive(&store, &[text("a", "2", "/take")]).await;
    decide(&store, |_, input| taken(input.seq, 1)).await;
    assert!(store.handed().is_empty());
    assert!(store.claim_sends(at(2), limits).await.unwrap().is_empty());
    sent(&store, job).await;
    let mut then = all_said(&store.claim_sends(at(2), ONE).await.unwrap());
    then.sort();
    assert_eq!(then, ["two", "you have it"]);

    if home.shared {
        // Whoever leased it is gone: it may have arrived.
        assert!(store.claim_sends(at(2), limits).await.unwrap().is_empty());
        one_turn(&store, "b", "3", vec![bot("lost")]).await;
        assert_eq!(all_said(&store.handed()), ["lost"]);
        store.close().await;
        let store = home.open().await;
        let over = if home.alone { at(3) } else { at(32) };
        let jobs = store.claim_sends(over, ONE).await.unwrap();
        let lost = jobs.iter().find(|job| said(job) == "lost").unwrap();
        assert!(lost.unknown_before);
    }
}

pub(crate) async fn what_was_never_tried_is_leased_for_a_short_time(home: Home) {
    let store = home.open().await;
    let limits = SendLimits { first_lease: Duration::from_secs(10), ..ONE };
    let ahead = SendLimits { ahead: 100, ..limits };
    let claim = async |now, limits| {
        let mut jobs = store.claim_sends(at(now), limits).await.unwrap();
        jobs.sort_by_key(said);
        jobs.iter().map(|job| (said(job), job.until)).collect::<Vec<_>>()
    };
    let file = || {
        let channel = ChannelKind::Telegram;
        let file = FileRef { channel, handle: "1".to_owned(), name: None, mime: None, size: None };
        let media = Some(Media { kind: Attachment::Photo, file });
        Effect::Say(Say { media, ..Say::new(SayKind::Relay, "a picture") })
    };
    one_turn(&store, "a", "1", vec![say(SayKind::Safety, "lines")]).await;
    one_turn(&store, "b", "2", vec![file()]).await;
    let lines = |until| ("lines".to_owned(), at(until));
    assert_eq!(claim(0, limits).await, [("a picture".to_owned(), at(30)), lines(10)]);
    // It may have arrived: from now on it has as long as anything.
    assert!(claim(9, limits).await.is_empty());
    assert_eq!(claim(10, ahead).await, [lines(40)]);
    // The same with their turn.
    one_turn(&store, "c", "3", vec![say(SayKind::Safety, "lines")]).await;
    one_turn(&store, "d", "4", vec![file()]).await;
    let handed: Vec<_> = store.handed().iter().map(|job| (said(job), job.until)).collect();
    assert_eq!(handed, [lines(10)]);
    assert_eq!(claim(11, limits).await, [("a picture".to_owned(), at(41)), lines(41)]);
}

pub(crate) async fn turns_lease_no_more_than_they_may(home: Home) {
    let store = home.open().await;
    one_turn(&store, "a", "1", vec![bot("nobody has asked yet")]).await;
    assert!(store.handed().is_empty());
    send_all(&store).await;

    let asks = async |ahead| {
        let limits = SendLimits { ahead, ..ONE };
        assert!(store.claim_sends(at(2), limits).await.unwrap().is_empty());
    };
    let two = |nth: i64| {
        let words = |who: &str| text(who, &format!("{who}{nth}"), "hello");
        [words("a"), words("b")]
    };
    asks(1).await;
    receive(&store, &two(1)).await;
    decide(&store, |lane, input| {
        let kind = if lane.chat == "b" { SayKind::Safety } else { SayKind::Bot };
        decided(input, vec![say(kind, &lane.chat)])
    })
    .await;
    let first = store.handed();
    assert_eq!(all_said(&first), ["b"], "the most urgent goes first");
    assert_eq!(all_said(&store.claim_sends(at(2), ONE).await.unwrap()), ["a"]);
    sent(&store, &first[0]).await;

    // Neither to where something is under way, nor by a channel that is not there.
    asks(100).await;
    receive(&store, &two(2)).await;
    decide(&store, |lane, input| decided(input, vec![bot(&lane.chat)])).await;
    let second = store.handed();
    assert_eq!(all_said(&second), ["b"]);
    sent(&store, &second[0]).await;
    store.set_reach(Reach { telegram: false, ..Reach::ALL });
    asks(100).await;
    one_turn(&store, "b", "3", vec![bot("b"), to_desk("KWG-AAAAA", DeskKind::Alert, "look")]).await;
    assert_eq!(all_said(&store.handed()), ["look"]);
}

pub(crate) async fn secret_is_kept_sealed_and_keys_are_derived(home: Home) {
    let store = home.open().await;
    assert_eq!(store.secret("x").await.unwrap(), None);
    store.keep_secret("x", b"first").await.unwrap();
    store.keep_secret("x", b"second").await.unwrap();
    store.keep_secret("y", b"other").await.unwrap();
    assert_eq!(store.secret("x").await.unwrap().unwrap().as_slice(), b"second");
    let key = store.derived_key("matrix");
    assert_ne!(*key, *store.derived_key("else"));
    if home.shared {
        store.close().await;
        let store = home.open().await;
        assert_eq!(store.secret("x").await.unwrap().unwrap().as_slice(), b"second");
        assert_eq!(*store.derived_key("matrix"), *key);
    }
}
