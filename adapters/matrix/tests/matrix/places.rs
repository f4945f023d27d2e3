//! Where the bot talks: in encrypted rooms with one person, and nowhere else.

use chatbox_core::{
    channel::{Channel, Confidentiality, Delivery, Refusal},
    ids::{ChannelKind, Lane},
    input::InputKind,
};
use chatbox_matrix_synapse::{Gate, Person, Room, Synapse};
use serde_json::{Value, json};

use crate::bot::{Bot, TOPIC, WITHIN, say};

/// A room as Element makes it for two: the invited has all rights too.
async fn trusted(person: &Person, bot: &str, initial: Value) -> Room {
    let body = json!({ "preset": "trusted_private_chat", "is_direct": true, "invite": [bot], "initial_state": initial });
    let (status, answer) = person.calls("POST", "/_matrix/client/v3/createRoom", body).await;
    assert_eq!(status, 200);
    person.room(answer["room_id"].as_str().expect("a room"))
}

#[tokio::test]
async fn room_with_a_third_member_gets_one_sentence_and_no_content() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let ben = synapse.person("ben").await;
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    room.says("hello").await;
    let lane = bot.hears("hello").await.lane;
    bot.says(&lane, &say("hello")).await;
    assert_eq!(room.next(&id).await.text(), "hello");

    room.invites(&ben.id).await;
    let sentence = bot.during(room.next(&id)).await;
    assert!(sentence.text().starts_with("I only talk one to one"), "{}", sentence.text());
    room.says("about us three").await;
    let refused = Delivery::Refused(Refusal::Bad { code: 409 });
    assert_eq!(bot.send(&lane, &say("content")).await, refused);
    assert_eq!(bot.matrix.partner(&lane).await, None);

    // A room that is one for two again.
    let (status, _) = ann
        .calls("POST", &format!("/_matrix/client/v3/rooms/{}/kick", room.id), json!({ "user_id": ben.id }))
        .await;
    assert_eq!(status, 200);
    room.says("about us two").await;
    bot.hears("about us two").await;
    assert_eq!(bot.heard(), ["hello", "about us two"]);
    bot.says(&lane, &say("again")).await;
    room.finds("the last", |event| event.text() == "again").await;
    let said = room.messages(&id);
    let texts: Vec<_> = said.iter().map(chatbox_matrix_synapse::Event::text).collect();
    assert_eq!(texts, ["hello", sentence.text(), "again"]);
}

#[tokio::test]
async fn what_was_said_before_a_third_person_came_is_heard_though_both_come_at_once() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let ben = synapse.person("ben").await;
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    room.says("hello").await;
    bot.hears("hello").await;
    // While the bot does not look.
    room.says("I am in danger").await;
    room.invites(&ben.id).await;
    room.says("about us three").await;
    bot.hears("I am in danger").await;
    let sentence = bot.during(room.next(&id)).await;
    assert!(sentence.text().contains("999") && sentence.text().contains("116 123"), "{}", sentence.text());
    assert_eq!(bot.heard(), ["hello", "I am in danger"]);
}

#[tokio::test]
async fn what_was_said_among_three_is_not_heard_though_the_third_is_gone_again() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let ben = synapse.person("ben").await;
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    room.says("hello").await;
    bot.hears("hello").await;
    // While the bot does not look.
    room.invites(&ben.id).await;
    room.says("about us three").await;
    let (status, _) = ann
        .calls("POST", &format!("/_matrix/client/v3/rooms/{}/kick", room.id), json!({ "user_id": ben.id }))
        .await;
    assert_eq!(status, 200);
    room.says("about us two").await;
    bot.hears("about us two").await;
    assert_eq!(bot.heard(), ["hello", "about us two"]);
}

#[tokio::test]
async fn encryption_is_turned_on_where_the_room_lets_the_bot() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    let room = trusted(&ann, &id, json!([])).await;
    let heard = async {
        let sentence = room.next(&id).await;
        let topic = room.finds("the topic", |event| event.kind == "m.room.topic").await;
        (sentence, topic)
    };
    let (sentence, topic) = bot.during(heard).await;
    assert!(sentence.encrypted);
    assert!(sentence.text().starts_with("I have turned on encryption"), "{}", sentence.text());
    assert_eq!(topic.content["topic"], TOPIC);
    bot.during(room.ready(&id)).await;
    room.says("hello").await;
    let heard = bot.hears("hello").await;
    assert_eq!(heard.input.via, Some(Confidentiality::Encrypted));
    bot.says(&heard.lane, &say("hello")).await;
    assert!(room.next(&id).await.encrypted);
}

#[tokio::test]
async fn nothing_but_one_sentence_is_said_in_plain_text() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    let room = ann.opens(&[&id], false).await;
    let sentence = bot.during(room.next(&id)).await;
    assert!(!sentence.encrypted);
    assert!(sentence.text().contains("999") && sentence.text().contains("116 123"), "{}", sentence.text());
    room.says("I am in danger").await;
    let heard = bot.hears("I am in danger").await;
    assert_eq!(heard.input.via, Some(Confidentiality::Platform), "it is heard, and known to be readable");
    let refused = Delivery::Refused(Refusal::Bad { code: 426 });
    assert_eq!(bot.send(&heard.lane, &say("content")).await, refused);
    room.says("over").await;
    bot.hears("over").await;
    assert_eq!(room.messages(&id).len(), 1);
}

#[tokio::test]
async fn only_people_of_allowed_servers_may_invite() {
    let synapse = Synapse::shared().await;
    let elsewhere =
        |config: &mut chatbox_matrix::Config| config.allowed_servers = vec!["elsewhere.test".to_owned()];
    let mut bot = Bot::start_with(synapse, elsewhere).await;
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    let room = ann.opens(&[&id], true).await;
    let left = |event: &chatbox_matrix_synapse::Event| {
        event.kind == "m.room.member" && event.sender == id && event.content["membership"] == "leave"
    };
    bot.during(room.finds("a refusal", left)).await;
    assert_eq!(bot.incoming, []);
}

#[tokio::test]
async fn leaving_is_told_and_an_upgraded_room_is_followed() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    room.says("hello").await;
    let lane = bot.hears("hello").await.lane;

    let new = upgrade(&ann, &room).await;
    new.invites(&id).await;
    bot.during(new.ready(&id)).await;
    new.says("here now").await;
    let moved = bot.hears("here now").await.lane;
    assert_eq!(moved, lane, "the conversation goes on");
    bot.says(&lane, &say("here too")).await;
    assert_eq!(new.next(&id).await.text(), "here too");
    assert_eq!(bot.matrix.partner(&lane).await.as_ref(), Some(&ann.id));
    assert_eq!(bot.matrix.direct(&ann.id, WITHIN).await.unwrap(), lane);

    // The old room says nothing of her any more.
    room.leaves().await;
    new.says("still here").await;
    bot.hears("still here").await;
    let gone = |bot: &Bot| bot.incoming.iter().any(|one| one.input.what == InputKind::Reachable(false));
    assert!(!gone(&bot));
    new.leaves().await;
    bot.until("word that she left", gone).await;
    assert_eq!(bot.incoming.last().unwrap().lane, lane);
    assert_eq!(bot.send(&lane, &say("x")).await, Delivery::Refused(Refusal::Gone));
    let nowhere = Lane::new(ChannelKind::Matrix, "!nowhere:chatbox.test");
    assert_eq!(bot.send(&nowhere, &say("x")).await, Delivery::Refused(Refusal::Gone));
}

#[tokio::test]
async fn who_left_and_opens_another_room_goes_on_with_their_conversation() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let (ann, ben) = (synapse.person("ann").await, synapse.person("ben").await);
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    room.says("hello").await;
    let lane = bot.hears("hello").await.lane;
    // A second room beside the first is another conversation.
    let second = bot.during(ann.meets(&id)).await;
    second.says("and here").await;
    let beside = bot.hears("and here").await.lane;
    assert_ne!(beside, lane);
    room.leaves().await;
    let told = |bot: &Bot, what: bool| {
        let about = |one: &&chatbox_core::channel::Incoming| one.input.what == InputKind::Reachable(what);
        bot.incoming.iter().filter(about).map(|one| one.lane.clone()).collect::<Vec<_>>()
    };
    bot.until("word that she left", |bot| !told(bot, false).is_empty()).await;

    let back = bot.during(ann.meets(&id)).await;
    back.says("I am back").await;
    assert_eq!(bot.hears("I am back").await.lane, lane);
    assert_eq!(told(&bot, true), std::slice::from_ref(&lane));
    second.says("still here").await;
    assert_eq!(bot.hears("still here").await.lane, beside);
    // Nobody else's.
    let bens = bot.during(ben.meets(&id)).await;
    bens.says("I am Ben").await;
    assert_eq!(bot.hears("I am Ben").await.lane, Lane::new(ChannelKind::Matrix, &bens.id));

    let mut bot = bot.again(|_, _| {}).await;
    // Before it knows who came back, nothing is given up.
    assert_eq!(bot.send(&lane, &say("welcome back")).await, Delivery::Unsent);
    back.says("is anybody there?").await;
    assert_eq!(bot.hears("is anybody there?").await.lane, lane);
    bot.says(&lane, &say("welcome back")).await;
    assert_eq!(back.next(&id).await.text(), "welcome back");
    assert_eq!(bot.matrix.partner(&lane).await.as_ref(), Some(&ann.id));
    // The bot is put out and let in again, and she opens another.
    let kick = format!("/_matrix/client/v3/rooms/{}/kick", back.id);
    assert_eq!(ann.calls("POST", &kick, json!({ "user_id": id })).await.0, 200);
    bot.until("word that it was put out", |bot| told(bot, false).len() == 2).await;
    back.invites(&id).await;
    bot.during(back.ready(&id)).await;
    back.says("in again").await;
    assert_eq!(bot.hears("in again").await.lane, lane);
    assert_eq!(ann.calls("POST", &kick, json!({ "user_id": id })).await.0, 200);
    bot.until("word that it was put out", |bot| told(bot, false).len() == 3).await;
    let third = bot.during(ann.meets(&id)).await;
    third.says("a third room").await;
    assert_eq!(bot.hears("a third room").await.lane, lane);
}

/// The room as the homeserver makes it anew; nobody else is invited yet.
pub(crate) async fn upgrade(person: &Person, room: &Room) -> Room {
    let path = format!("/_matrix/client/v3/rooms/{}/upgrade", room.id);
    let (status, answer) = person.calls("POST", &path, json!({ "new_version": "10" })).await;
    assert_eq!(status, 200, "{answer}");
    person.room(answer["replacement_room"].as_str().expect("a room"))
}

#[tokio::test]
async fn room_that_only_claims_to_replace_another_is_a_conversation_of_its_own() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let mallory = synapse.person("mallory").await;
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    room.says("my secret").await;
    let lane = bot.hears("my secret").await.lane;
    let body = json!({
        "preset": "private_chat", "invite": [id],
        "creation_content": { "predecessor": { "room_id": room.id, "event_id": "$any" } },
        "initial_state": [{ "type": "m.room.encryption", "state_key": "", "content": { "algorithm": "m.megolm.v1.aes-sha2" } }],
    });
    let (status, answer) = mallory.calls("POST", "/_matrix/client/v3/createRoom", body).await;
    assert_eq!(status, 200);
    let hers = mallory.room(answer["room_id"].as_str().expect("a room"));
    bot.during(hers.ready(&id)).await;
    hers.says("what did I say?").await;
    assert_ne!(bot.hears("what did I say?").await.lane, lane);
}

#[tokio::test]
async fn invitation_that_could_not_be_turned_down_at_first_is_never_taken_up() {
    let synapse = Synapse::shared().await;
    let gate = Gate::to(synapse.url()).await;
    let limited = r#"{"errcode":"M_LIMIT_EXCEEDED","error":"slow down","retry_after_ms":10}"#;
    let mut bot = Bot::start_with(synapse, |config| {
        config.homeserver = gate.url().to_owned();
        config.allowed_servers = vec!["elsewhere.test".to_owned()];
    })
    .await;
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    gate.answer_times(2, "/leave", 429, limited);
    let room = ann.opens(&[&id], true).await;
    let of_the_bot = |event: &chatbox_matrix_synapse::Event| {
        event.kind == "m.room.member"
            && event.sender == id
            && matches!(event.content["membership"].as_str(), Some("leave" | "join"))
    };
    let answer = bot.during(room.finds("an answer to the invitation", of_the_bot)).await;
    assert_eq!(answer.content["membership"], "leave");
}

#[tokio::test]
async fn somebody_can_be_written_to_first_and_always_in_the_same_room() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    let lane = bot.matrix.direct(&ann.id, WITHIN).await.unwrap();
    bot.says(&lane, &say("news for you")).await;
    let room = ann.accepts().await;
    assert_eq!(lane.chat, room.id);
    let news = room.next(&id).await;
    assert!(news.encrypted || news.unreadable);
    bot.during(room.ready(&id)).await;
    room.says("thanks").await;
    assert_eq!(bot.hears("thanks").await.lane, lane);
    assert_eq!(bot.matrix.direct(&ann.id, WITHIN).await.unwrap(), lane);
}
