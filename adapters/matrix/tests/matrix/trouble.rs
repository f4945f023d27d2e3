//! Kills, outages, gaps and missing keys: nothing is lost, and nothing comes twice.

use chatbox_core::{
    channel::{Attempt, Batch, Channel, Delivery, ReceiveError, Refusal},
    input::InputKind,
};
use chatbox_matrix_synapse::{Gate, Synapse};

use crate::bot::{Bot, WITHIN, say};

#[tokio::test]
async fn what_is_not_committed_is_handed_out_again() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    room.says("one").await;
    bot.hears("one").await;

    room.says("two").await;
    let committed = bot.committed.clone();
    let lost = bot.matrix.receive(committed.as_deref()).await.unwrap();
    let text = |batch: &Batch| {
        let InputKind::Message(message) = &batch.incoming[0].input.what else { panic!("no message") };
        message.text.clone()
    };
    assert_eq!(text(&lost), "two");
    let again = bot.matrix.receive(committed.as_deref()).await.unwrap();
    assert_eq!(again, lost, "in the same process");

    // Nothing else happens on the server, so nothing but our own place can bring it back.
    bot = bot.again(|_, _| {}).await;
    let again = bot.matrix.receive(committed.as_deref()).await.unwrap();
    assert_eq!(again.incoming, lost.incoming, "after a kill");
    bot.commit(again);
    room.says("three").await;
    let next = bot.step().await;
    assert_eq!(text(&next), "three");

    // Going back to an older place, too, brings everything since then.
    bot.committed = committed;
    bot.incoming.clear();
    bot.hears("three").await;
    assert_eq!(bot.heard(), ["two", "three"]);
}

#[tokio::test]
async fn wait_that_is_dropped_loses_nothing() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    for nth in 0..10 {
        let text = nth.to_string();
        // The wait is given up the moment that the message is on the server.
        tokio::select! {
            biased;
            _ = room.says(&text) => {}
            batch = bot.matrix.receive(bot.committed.as_deref()) => bot.commit(batch.unwrap()),
        }
    }
    room.says("last").await;
    bot.hears("last").await;
    let said: std::collections::BTreeSet<String> =
        room.messages(&ann.id).iter().map(|event| event.id.clone()).collect();
    let heard: Vec<&String> = bot.incoming.iter().map(|incoming| &incoming.key).collect();
    // What was dropped half way by the client of the test itself may still have arrived.
    for event in &said {
        assert!(heard.contains(&event), "{event} was lost");
    }
}

#[tokio::test]
async fn gap_of_an_outage_is_filled_in_order() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    room.says("before").await;
    bot.hears("before").await;
    let texts: Vec<String> = (0..230).map(|nth| nth.to_string()).collect();
    for text in &texts {
        room.says(text).await;
    }
    bot.hears("229").await;
    assert_eq!(bot.heard()[1..], texts);
}

#[tokio::test]
async fn nothing_from_before_the_invitation_is_answered() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let room = ann.opens(&[], true).await;
    room.says("to myself").await;
    room.invites(bot.id()).await;
    // Said before the bot joins, and to the bot.
    room.ready(bot.id()).await;
    room.says("to the bot").await;
    bot.hears("to the bot").await;
    assert_eq!(bot.heard(), ["to the bot"]);
    let lane = bot.incoming[0].lane.clone();
    bot.says(&lane, &say("hello")).await;
    room.says("after").await;

    // Without a place, as after everything was lost: only what the bot has not answered.
    bot.committed = None;
    bot.incoming.clear();
    bot = bot.again(|_, dir| std::fs::remove_dir_all(dir.join("matrix")).unwrap()).await;
    bot.hears("after").await;
    assert_eq!(bot.heard(), ["after"]);
}

#[tokio::test]
async fn message_without_its_key_is_kept_told_of_once_and_read_when_the_key_comes() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    room.says("hello").await;
    let lane = bot.hears("hello").await.lane;
    ann.keeps_keys_back().await;
    let secret = room.says("I am not safe").await;
    let kept = |bot: &Bot| bot.committed.as_ref().is_some_and(|cursor| cursor.contains(&secret));
    bot.until("the unreadable message", kept).await;
    bot.hands.move_on(61);
    let more = room.says("are you there?").await;
    let told = |bot: &Bot| bot.incoming.iter().filter(|one| one.input.what == InputKind::Unreadable).count();
    bot.until("word that it is unreadable", |bot| told(bot) == 1).await;
    assert_eq!(bot.incoming.last().unwrap().lane, lane);

    // The list outlives the process.
    bot = bot.again(|_, _| {}).await;
    bot.during(ann.hands_keys_over()).await;
    let read = bot.hears("I am not safe").await;
    assert_eq!(read.key, secret);
    bot.hears("are you there?").await;
    assert!(bot.incoming.iter().any(|incoming| incoming.key == more));
    assert!(told(&bot) <= 2, "nobody is told again and again");
    let empty = |bot: &Bot| bot.committed.as_ref().is_some_and(|cursor| !cursor.contains("unread"));
    bot.until("an empty list", empty).await;
}

#[tokio::test]
async fn send_that_may_have_arrived_is_repeated_without_a_second_message() {
    let synapse = Synapse::shared().await;
    let gate = Gate::to(synapse.url()).await;
    let mut bot = Bot::start_with(synapse, |config| config.homeserver = gate.url().to_owned()).await;
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    room.says("hello").await;
    let lane = bot.hears("hello").await.lane;
    bot.says(&lane, &say("first")).await;

    gate.lose_answers(1, "/send/m.room.encrypted");
    let attempt = bot.attempt();
    let lost = bot.matrix.send(&lane, &say("once"), None, attempt, WITHIN).await;
    assert_eq!(lost, Delivery::Unknown);
    let repeat = Attempt { repeat: true, ..attempt };
    let Delivery::Sent { native } = bot.matrix.send(&lane, &say("once"), None, repeat, WITHIN).await else {
        panic!("it was not sent");
    };
    // In another login the homeserver does not know the id any longer.
    bot = bot.again(|_, dir| std::fs::remove_dir_all(dir.join("matrix")).unwrap()).await;
    room.says("are you there?").await;
    bot.hears("are you there?").await;
    let again = bot.matrix.send(&lane, &say("once"), None, repeat, WITHIN).await;
    assert_eq!(again, Delivery::Sent { native });
    bot.says(&lane, &say("last")).await;
    room.finds("the last", |event| event.text() == "last").await;
    let texts: Vec<_> = room.messages(&id).iter().map(|event| event.text().to_owned()).collect();
    assert_eq!(texts, ["first", "once", "last"]);
}

#[tokio::test]
async fn outcomes_say_what_is_known() {
    let synapse = Synapse::shared().await;
    let gate = Gate::to(synapse.url()).await;
    let mut bot = Bot::start_with(synapse, |config| config.homeserver = gate.url().to_owned()).await;
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    room.says("hello").await;
    let lane = bot.hears("hello").await.lane;
    bot.says(&lane, &say("first")).await;

    let limited = r#"{"errcode":"M_LIMIT_EXCEEDED","error":"slow down","retry_after_ms":2500}"#;
    gate.answer_times(1, "/send/", 429, limited);
    let wait = std::time::Duration::from_millis(2_500);
    assert_eq!(bot.send(&lane, &say("x")).await, Delivery::RetryAfter(wait));
    gate.answer_times(1, "/send/", 502, "");
    assert_eq!(bot.send(&lane, &say("x")).await, Delivery::Unknown);
    let large = r#"{"errcode":"M_TOO_LARGE","error":"too large"}"#;
    gate.answer_times(1, "/send/", 413, large);
    let refused = bot.send(&lane, &say("x")).await;
    assert_eq!(refused, Delivery::Refused(Refusal::Bad { code: 413 }));

    gate.answer_times(1, "/sync", 429, limited);
    // The wait that is open already ends first.
    room.says("hello again").await;
    let (mut paused, mut outage) = (false, false);
    let broken = r#"{"errcode":"M_UNKNOWN","error":"broken"}"#;
    for _ in 0..4 {
        match bot.matrix.receive(bot.committed.as_deref()).await {
            Ok(batch) => bot.commit(batch),
            Err(ReceiveError::Later { wait: asked, .. }) if asked == wait => {
                paused = true;
                gate.answer_times(1, "/sync", 500, broken);
            }
            Err(ReceiveError::Later { .. }) => {
                outage = true;
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(paused && outage);
    bot.hears("hello again").await;
    drop(gate);
    assert_eq!(bot.send(&lane, &say("x")).await, Delivery::Unsent);
}

#[tokio::test]
async fn one_room_that_hands_nothing_out_keeps_nobody_elses_messages_back() {
    let synapse = Synapse::shared().await;
    let gate = Gate::to(synapse.url()).await;
    let mut bot = Bot::start_with(synapse, |config| config.homeserver = gate.url().to_owned()).await;
    let ann = synapse.person("ann").await;
    let ben = synapse.person("ben").await;
    let id = bot.id().to_owned();
    let anns = bot.during(ann.meets(&id)).await;
    let bens = bot.during(ben.meets(&id)).await;
    anns.says("hello").await;
    bot.hears("hello").await;

    // More than one sync brings, of a room that refuses to hand out the rest.
    let forbidden = r#"{"errcode":"M_FORBIDDEN","error":"you are banned"}"#;
    gate.answer("/messages", 403, forbidden);
    for nth in 0..120 {
        anns.says(&nth.to_string()).await;
    }
    bens.says("is anybody there?").await;
    bot.hears("is anybody there?").await;
    bot.hears("119").await;
    gate.open();

    // An event that relates to one which what stands before the homeserver cannot hand out.
    for (status, body) in [(403, "<html>no</html>"), (500, r#"{"errcode":"M_UNKNOWN","error":"broken"}"#)] {
        gate.answer("/event/", status, body);
        let text = format!("to nothing {status}");
        anns.replies("$nothing", &text).await;
        let after = format!("and now {status}?");
        bens.says(&after).await;
        bot.hears_through_trouble(&after).await;
        assert!(bot.heard().contains(&text.as_str()), "it is read without");
        gate.open();
    }
}
