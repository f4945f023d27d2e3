//! A person and the bot, in an encrypted room.

use chatbox_core::{
    channel::{Channel, Confidentiality, Delivery, FetchError, Post},
    effect::{Media, Say, SayKind},
    ids::ChannelKind,
    input::{Attachment, FileRef, InputKind},
};
use chatbox_matrix_synapse::Synapse;
use serde_json::json;

use crate::bot::{Bot, WITHIN, ask, say};

#[tokio::test]
async fn replies_are_encrypted_and_choices_are_taken_in_every_way() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    let hello = room.says("hello").await;
    let heard = bot.hears("hello").await;
    assert_eq!((heard.key.as_str(), heard.native.as_deref()), (hello.as_str(), Some(hello.as_str())));
    assert_eq!(heard.input.via, Some(Confidentiality::Encrypted));
    let lane = heard.lane;
    assert_eq!(lane.to_string(), format!("matrix:{}", room.id));
    assert_eq!(bot.matrix.partner(&lane).await.as_deref(), Some(ann.id.as_str()));

    bot.matrix.typing(&lane).await;
    room.sees_typing(&id).await;
    let prompt = ask("Shall <we>?", 4, &[("yes", "Yes"), ("no", "No")]);
    let native = bot.says(&lane, &prompt).await;
    let shown = room.next(&id).await;
    assert!(shown.encrypted);
    assert_eq!(shown.id, native);
    assert_eq!(shown.text(), "Shall <we>?\n\n1. Yes\n2. No");
    assert_eq!(shown.html(), Some("Shall &lt;we&gt;?<ol><li>Yes</li><li>No</li></ol>"));

    room.reacts(&shown.id, "1️⃣").await;
    room.replies(&shown.id, "No").await;
    room.replies(&shown.id, "no, it is worse than that").await;
    bot.hears("no, it is worse than that").await;
    let presses: Vec<_> = bot
        .incoming
        .iter()
        .filter_map(|incoming| {
            let InputKind::Press { choice, prompt } = &incoming.input.what else { return None };
            Some((choice.as_str(), *prompt))
        })
        .collect();
    assert_eq!(presses, [("yes", Some(4)), ("no", Some(4))]);

    bot.matrix.retire(&lane, &native).await;
    let edit = room.finds("the answered prompt", |event| event.replaces() == Some(&native)).await;
    assert!(edit.encrypted);
    assert_eq!(edit.content["m.new_content"]["body"], "Shall <we>?");
}

#[tokio::test]
async fn edits_and_redactions_name_what_they_change() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    let first = room.says("for 6").await;
    room.edits(&first, "for 8").await;
    let edit = bot.hears("for 8").await;
    let InputKind::Message(message) = edit.input.what else { panic!("no message") };
    assert!(message.edited);
    assert_eq!((message.id.as_deref(), edit.native.as_deref()), (Some(first.as_str()), Some(first.as_str())));
    assert_ne!(edit.key, first);
    room.takes_back(&first).await;
    let redacted = InputKind::Redacted { of: first };
    bot.until("the redaction", |bot| bot.incoming.iter().any(|one| one.input.what == redacted)).await;
    room.message(json!({ "msgtype": "m.notice", "body": "a bot's words" })).await;
    room.says("over").await;
    bot.hears("over").await;
    assert_eq!(bot.heard(), ["for 6", "for 8", "over"], "bots are not answered");
}

#[tokio::test]
async fn what_the_bot_said_can_be_changed_and_taken_back_with_all_its_versions() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    room.says("hello").await;
    let lane = bot.hears("hello").await.lane;
    let native = bot.says(&lane, &say("one")).await;
    let attempt = bot.attempt();
    let amended = bot.matrix.amend(&lane, &native, Some("two"), attempt.id, WITHIN).await;
    assert_eq!(amended, Delivery::Sent { native: native.clone() });
    let edit = room.finds("the change", |event| event.replaces() == Some(&native)).await;
    assert_eq!(edit.content["m.new_content"]["body"], "two");
    let long = "words and more words\n".repeat(2_000);
    let parts = bot.says(&lane, &say(&long)).await;
    assert!(parts.contains(','), "a long text goes in parts");

    let theirs = bot.hears("hello").await.native.unwrap();
    let left = bot.matrix.clear(&lane, &[theirs, native.clone(), parts.clone()]).await;
    assert_eq!(left, 1, "the room does not let the bot take back what the person said");
    for gone in parts.split(',').chain([native.as_str(), edit.id.as_str()]) {
        room.finds("a redaction", |event| event.redacts.as_deref() == Some(gone)).await;
    }
}

#[tokio::test]
async fn files_pass_encrypted_in_both_directions() {
    let synapse = Synapse::shared().await;
    let mut bot = Bot::start(synapse).await;
    let ann = synapse.person("ann").await;
    let id = bot.id().to_owned();
    let room = bot.during(ann.meets(&id)).await;
    room.sends_file("m.image", "a.png", "image/png", "aGVsbG8=", json!({})).await;
    let is_file = |bot: &Bot| bot.heard() == [""];
    bot.until("the picture", is_file).await;
    let lane = bot.incoming[0].lane.clone();
    let InputKind::Message(message) = bot.incoming[0].input.what.clone() else { panic!("no message") };
    assert_eq!(message.attachment, Some(Attachment::Photo));
    let file = message.file.unwrap();
    assert_eq!(bot.matrix.fetch(&file, 5, WITHIN).await.unwrap(), b"hello");
    assert_eq!(bot.matrix.fetch(&file, 4, WITHIN).await, Err(FetchError::TooLarge));
    let lying = FileRef { size: None, ..file.clone() };
    assert_eq!(bot.matrix.fetch(&lying, 4, WITHIN).await, Err(FetchError::TooLarge));
    let missing = FileRef { handle: r#"{"url":"mxc://chatbox.test/nothing"}"#.to_owned(), ..lying };
    assert_eq!(bot.matrix.fetch(&missing, 4, WITHIN).await, Err(FetchError::Gone { code: 404 }));

    let media = Media { kind: Attachment::Photo, file };
    let (kind, text) = (SayKind::Relay, "look".to_owned());
    let post = Post::Say(Say { media: Some(media), ..Say::new(kind, text) });
    let sent = bot.matrix.send(&lane, &post, Some(b"picture"), bot.attempt(), WITHIN).await;
    assert!(matches!(sent, Delivery::Sent { .. }), "{sent:?}");
    let shown = room.next(&id).await;
    assert_eq!((shown.content["msgtype"].as_str(), shown.text()), (Some("m.image"), "look"));
    assert_eq!(shown.content["filename"], "a.png");
    assert_eq!(ann.fetches(&shown.content["file"]).await, "cGljdHVyZQ==");
    assert_eq!(bot.matrix.kind(), ChannelKind::Matrix);
}
