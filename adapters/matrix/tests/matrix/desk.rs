//! The desk's room: threads, commands, marks.

use chatbox_core::{
    channel::{Channel, Delivery, Mark, Post, ThreadError},
    effect::{Choice, DeskKind, DeskPost},
    ids::{ChannelKind, Lane, OutboxId, Reference},
};
use chatbox_matrix_synapse::Synapse;

use crate::{
    bot::{Bot, WITHIN},
    places::upgrade,
};

fn alert(case: &Reference) -> Post {
    let choices = [("take", "Take over"), ("ack", "Seen")].map(|(id, label)| Choice::new(id, label));
    let post = DeskPost::new(Some(case.clone()), DeskKind::Alert, "Somebody has to look.");
    Post::Desk(DeskPost { choices: choices.to_vec(), ..post })
}

#[tokio::test]
async fn case_is_a_thread_and_choices_are_commands_of_whoever_picks_them() {
    let synapse = Synapse::shared().await;
    let kim = synapse.person("kim").await;
    let room = kim.opens(&[], true).await;
    let mut bot = Bot::start_with(synapse, |config| config.desk_room = Some(room.id.clone())).await;
    let id = bot.id().to_owned();
    let desk = Lane::new(ChannelKind::Matrix, room.id.clone());
    assert_eq!(bot.matrix.desk_room(), Some(desk.clone()));
    room.invites(&id).await;
    // More than two are no trouble here.
    let lee = synapse.person("lee").await;
    room.invites(&lee.id).await;
    let lees = lee.accepts().await;
    let joined = |event: &chatbox_matrix_synapse::Event| {
        event.kind == "m.room.member" && event.sender == id && event.content["membership"] == "join"
    };
    bot.during(async {
        room.finds("the bot", joined).await;
        room.ready(&id).await;
        room.ready(&lee.id).await;
    })
    .await;
    room.says("all here").await;
    bot.until("the first word", |bot| !bot.desk.is_empty()).await;
    bot.desk.clear();

    let (case, row) = (Reference("KWG-7Q2MX".to_owned()), OutboxId { input: 9, nth: 0 });
    let thread = bot.matrix.open_thread(&desk, &case.0, row, WITHIN).await.unwrap();
    assert_eq!(bot.matrix.open_thread(&desk, &case.0, row, WITHIN).await.unwrap(), thread, "only one");
    let root = room.next(&id).await;
    assert_eq!((root.text(), thread.thread.as_deref()), ("KWG-7Q2MX", Some(root.id.as_str())));
    let Delivery::Sent { native } = bot.send(&thread, &alert(&case)).await else { panic!("not sent") };
    let shown = room.next(&id).await;
    assert_eq!((shown.id.as_str(), shown.thread()), (native.as_str(), Some(root.id.as_str())));
    assert_eq!(shown.text(), "Somebody has to look.\n\n1. Take over\n2. Seen");
    assert!(shown.encrypted && shown.content["m.mentions"]["room"] == true);
    let Delivery::Sent { .. } = bot.send(&desk, &alert(&case)).await else { panic!("not sent") };
    assert!(
        room.next(&id).await.text().starts_with("KWG-7Q2MX: Somebody"),
        "outside a thread it says which case"
    );

    room.reacts(&native, "1️⃣").await;
    let words = room.says_under(&root.id, "hello, this is Kim").await;
    room.edits(&words, "hello, Kim here").await;
    lees.ready(&id).await;
    lees.edits(&words, "Kim never said this").await;
    room.replies(&native, "/note she is calm").await;
    let noted = |bot: &Bot| bot.desk.iter().any(|from| from.said.text.starts_with("/note"));
    bot.until("the note", noted).await;
    room.takes_back(&words).await;
    room.says("!queue").await;
    bot.until("the last word", |bot| bot.desk.iter().any(|from| from.said.text == "!queue")).await;
    let seen: Vec<_> = bot
        .desk
        .iter()
        .map(|from| {
            assert_eq!(from.by, kim.id);
            (from.lane.thread.is_some(), from.said.text.as_str(), from.said.edited, from.redacted)
        })
        .collect();
    let expected = [
        (true, "/take", false, false),
        (true, "hello, this is Kim", false, false),
        (true, "hello, Kim here", true, false),
        (true, "/note she is calm", false, false),
        (false, "", false, true),
        (false, "!queue", false, false),
    ];
    assert_eq!(seen, expected);
    assert_eq!(bot.desk[2].said.id.as_deref(), Some(words.as_str()));
    assert_eq!(bot.desk[4].said.id.as_deref(), Some(words.as_str()));
    assert_eq!(bot.incoming, [], "the desk is no person");

    bot.matrix.mark(&thread, &native, Mark::Delivered).await;
    let mark = room.finds("the mark", |event| event.kind == "m.reaction" && event.sender == id).await;
    assert_eq!(mark.content["m.relates_to"]["key"], "✓");
}

#[tokio::test]
async fn desk_goes_on_in_the_room_that_replaces_its_own() {
    let synapse = Synapse::shared().await;
    let kim = synapse.person("kim").await;
    let room = kim.opens(&[], true).await;
    let mut bot = Bot::start_with(synapse, |config| config.desk_room = Some(room.id.clone())).await;
    let id = bot.id().to_owned();
    let lee = synapse.person("lee").await;
    room.invites(&id).await;
    bot.during(room.ready(&id)).await;
    let desk = Lane::new(ChannelKind::Matrix, room.id.clone());

    let new = upgrade(&kim, &room).await;
    new.invites(&id).await;
    new.invites(&lee.id).await;
    lee.accepts().await;
    bot.during(async {
        new.ready(&id).await;
        new.ready(&lee.id).await;
    })
    .await;
    new.says("!queue").await;
    bot.until("a command", |bot| bot.desk.iter().any(|from| from.said.text == "!queue")).await;
    let moved = bot.desk.last().unwrap().lane.clone();
    assert_eq!(moved.chat, new.id);
    let row = OutboxId { input: 9, nth: 0 };
    let opened = bot.matrix.open_thread(&desk, "CSE-1A2B3", row, WITHIN).await;
    assert_eq!(opened, Err(ThreadError::Moved(moved.clone())), "threads do not move along");
    bot.matrix.open_thread(&moved, "CSE-1A2B3", row, WITHIN).await.unwrap();
    assert_eq!(bot.incoming, [], "the desk is no person");
    assert_eq!(new.next(&id).await.text(), "CSE-1A2B3", "and nobody is told to talk one to one");

    // Whichever of the two stands in the configuration.
    bot = bot.again(|config, _| config.desk_room = Some(moved.chat.clone())).await;
    new.says("!help").await;
    bot.until("a command", |bot| bot.desk.iter().any(|from| from.said.text == "!help")).await;
}
