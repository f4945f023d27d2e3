use chatbox_core::{
    channel::{Channel, Delivery, FetchError, FromDesk, Mark, Post, Refusal},
    effect::{Choice, DeskKind, DeskPost, Media, Say, SayKind},
    ids::{ChannelKind, Lane, Reference},
    input::{Attachment, FileRef},
};
use chatbox_telegram::Telegram;
use chatbox_telegram_standin::{Entry, Event, Group, Media as Sent, Standin, User};

use crate::{WITHIN, attempt, connect, lane, message, only, pair, say, soon};

const DESK: i64 = -100_200;

struct Desk {
    standin: Standin,
    telegram: Telegram,
    group: Group,
    /// Their own chat with the bot, opened.
    sam: User,
    /// In a topic of the desk's group.
    bob: User,
    topic: Lane,
    committed: Option<String>,
}

impl Desk {
    async fn open() -> Self {
        let (standin, telegram) = pair().await;
        let (sam, bob) = (standin.user(7, "Sam"), standin.user(42, "Bob"));
        let group = standin.forum(DESK, "Desk");
        group.adds_bot(&bob, true);
        let mut committed = None;
        sam.says("hello");
        only(&telegram, &mut committed).await;
        let topic = telegram.open_thread(&lane(DESK), "CSE-AAAAA", attempt(0).id, WITHIN).await.unwrap();
        let thread = topic.thread.as_deref().unwrap().parse().unwrap();
        let bob = bob.in_group(&group).in_topic(thread);
        Self { standin, telegram, group, sam, bob, topic, committed }
    }

    /// What the desk says next, all of it up to a moment at which there is something.
    async fn hears(&mut self) -> Vec<FromDesk> {
        let polling = async {
            loop {
                let batch = self.telegram.receive(self.committed.as_deref()).await.unwrap();
                self.committed.clone_from(&batch.cursor);
                if !batch.desk.is_empty() {
                    return batch.desk;
                }
            }
        };
        soon(polling).await
    }

    async fn hears_one(&mut self) -> FromDesk {
        let mut all = self.hears().await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

fn post(text: &str) -> DeskPost {
    DeskPost::new(Some(Reference("CSE-AAAAA".to_owned())), DeskKind::Message, text)
}

fn relay(text: &str, media: Option<Media>) -> Post {
    Post::Say(Say { media, ..Say::new(SayKind::Relay, text) })
}

fn native(delivery: &Delivery) -> &str {
    let Delivery::Sent { native } = delivery else { panic!("not sent: {delivery:?}") };
    native
}

fn last(standin: &Standin, chat: i64) -> Entry {
    standin.transcript(chat).pop().unwrap()
}

#[tokio::test]
async fn desk_messages_come_with_their_thread_and_who_wrote_them() {
    let mut desk = Desk::open().await;
    let sent = desk.bob.says("/take@standin_bot now");
    let said = desk.hears_one().await;
    assert_eq!(said.lane, desk.topic);
    assert_eq!((said.by.as_str(), said.key.as_str()), ("42", format!("{DESK}/{sent}/0").as_str()));
    assert_eq!((said.said.text.as_str(), said.redacted), ("/take now", false));
    assert_eq!((said.native.clone(), said.said.id), (Some(sent.to_string()), Some(sent.to_string())));

    desk.bob.edits(sent, "/note I was too quick");
    let edited = desk.hears_one().await;
    assert!(edited.said.edited && edited.key != said.key);
    assert_eq!((edited.said.text.as_str(), edited.native), ("/note I was too quick", said.native));

    desk.standin.user(42, "Bob").in_group(&desk.group).says("/queue");
    let in_the_room = desk.hears_one().await;
    assert_eq!((in_the_room.lane, in_the_room.by.as_str()), (lane(DESK), "42"));
}

#[tokio::test]
async fn who_hides_at_the_desk_is_nobody_and_other_bots_are_not_heard() {
    let mut desk = Desk::open().await;
    desk.bob.anonymously().says("/take");
    desk.bob.forwards("/take");
    desk.standin.other_bot(9, "Robo").in_group(&desk.group).says("/take");
    desk.bob.says("/take@other_bot");
    desk.bob.says("/take");
    let said = desk.hears().await;
    let by: Vec<&str> = said.iter().map(|said| said.by.as_str()).collect();
    assert_eq!(by, ["", "", "42"]);
    assert!(said[1].said.forwarded);
}

#[tokio::test]
async fn desk_button_is_its_command_and_is_answered_after_the_commit() {
    let mut desk = Desk::open().await;
    let choices = vec![Choice { id: "take".to_owned(), label: "Take".to_owned() }];
    let head = Post::Desk(DeskPost { choices, ..post("A person waits.") });
    desk.telegram.send(&desk.topic, &head, None, attempt(1), WITHIN).await;
    let query = desk.bob.presses("Take");
    let said = desk.hears_one().await;
    assert_eq!((said.said.text.as_str(), said.by.as_str()), ("/take", "42"));
    assert_eq!((said.key, said.lane), (format!("cb/{query}"), desk.topic.clone()));
    assert!(desk.standin.calls("answerCallbackQuery").is_empty(), "not before it is on disk");
    desk.bob.says("next");
    desk.hears_one().await;
    desk.standin.wait_for_calls("answerCallbackQuery", 1).await;
}

#[tokio::test]
async fn files_that_came_by_telegram_are_passed_on_whatever_they_are() {
    let mut desk = Desk::open().await;
    for (media, kind) in [
        (Sent::Photo, "photo"),
        (Sent::Voice, "voice"),
        (Sent::Audio, "audio"),
        (Sent::Video, "video"),
        (Sent::VideoNote, "video_note"),
        (Sent::Animation, "animation"),
        (Sent::Sticker, "sticker"),
        (Sent::Document, "document"),
        (Sent::Location, "location"),
    ] {
        let original = desk.sam.sends(media, "");
        let incoming = only(&desk.telegram, &mut desk.committed).await;
        let said = message(&incoming);
        let media = Media { kind: said.attachment.unwrap(), file: said.file.clone().unwrap() };
        let out = Post::Desk(DeskPost { media: Some(media), ..post("") });
        let sent = desk.telegram.send(&desk.topic, &out, None, attempt(2), WITHIN).await;
        let copy = last(&desk.standin, DESK);
        assert_eq!(copy.media.as_deref(), Some(kind), "{sent:?}");
        assert_eq!((copy.thread, copy.message.to_string().as_str()), (desk.bob_thread(), native(&sent)));
        let bytes = |chat, message| desk.standin.file(chat, message);
        assert_eq!(bytes(DESK, copy.message), bytes(7, original));
    }
    // The words stand under the file, or before it where they do not fit.
    let photo = desk.bob.sends_photo("this is the form");
    let said = desk.hears_one().await.said;
    let media = Media { kind: said.attachment.unwrap(), file: said.file.unwrap() };
    assert_eq!(said.text, "this is the form");
    let sent =
        desk.telegram.send(&lane(7), &relay(&said.text, Some(media.clone())), None, attempt(3), WITHIN).await;
    assert_eq!(last(&desk.standin, 7).text, "this is the form");
    assert_eq!(desk.standin.file(7, native(&sent).parse().unwrap()), desk.standin.file(DESK, photo));
    let long = "many words ".repeat(200);
    let sent = desk.telegram.send(&lane(7), &relay(&long, Some(media)), None, attempt(4), WITHIN).await;
    assert_eq!(native(&sent).split(',').count(), 2);
}

impl Desk {
    fn bob_thread(&self) -> Option<i64> {
        self.topic.thread.as_deref()?.parse().ok()
    }
}

#[tokio::test]
async fn files_are_fetched_within_their_limit_and_uploaded_from_elsewhere() {
    let mut desk = Desk::open().await;
    let sent = desk.sam.sends_photo("");
    let file = message(&only(&desk.telegram, &mut desk.committed).await).file.clone().unwrap();
    let there = desk.standin.file(7, sent).unwrap();
    assert_eq!(desk.telegram.fetch(&file, 1_000, WITHIN).await.unwrap(), there);
    assert_eq!(desk.telegram.fetch(&file, 3, WITHIN).await, Err(FetchError::TooLarge));
    let unsized_file = FileRef { size: None, ..file.clone() };
    assert_eq!(desk.telegram.fetch(&unsized_file, 3, WITHIN).await, Err(FetchError::TooLarge));
    let gone = FileRef { handle: "photo:nothing".to_owned(), size: None, ..file };
    assert_eq!(desk.telegram.fetch(&gone, 1_000, WITHIN).await, Err(FetchError::Gone { code: 400 }));

    let mime = Some("image/png".to_owned());
    let elsewhere =
        FileRef { channel: ChannelKind::Matrix, handle: "mxc".to_owned(), name: None, mime, size: None };
    let media = Media { kind: Attachment::Photo, file: elsewhere };
    let out = relay("from the desk", Some(media.clone()));
    let sent = desk.telegram.send(&lane(7), &out, Some(b"pixels"), attempt(5), WITHIN).await;
    assert_eq!(desk.standin.file(7, native(&sent).parse().unwrap()).unwrap(), b"pixels");
    assert_eq!(last(&desk.standin, 7).text, "from the desk");
    // Without its content only the words leave.
    desk.telegram.send(&lane(7), &out, None, attempt(6), WITHIN).await;
    assert_eq!(last(&desk.standin, 7).media, None);
}

#[tokio::test]
async fn what_was_sent_is_changed_deleted_and_marked() {
    let desk = Desk::open().await;
    let sent = desk.telegram.send(&lane(7), &say("hello"), None, attempt(1), WITHIN).await;
    let id = attempt(1).id;
    let amend = async |native: &str, text| desk.telegram.amend(&lane(7), native, text, id, WITHIN).await;
    for _ in 0..2 {
        // Again after a crash it is as it should be already.
        assert_eq!(amend(native(&sent), Some("hello Sam")).await, sent);
    }
    assert_eq!(last(&desk.standin, 7).text, "hello Sam");
    // A long text became several messages, and shrinks to one.
    let long = "many words ".repeat(600);
    let parts = desk.telegram.send(&lane(7), &say(&long), None, attempt(2), WITHIN).await;
    assert_eq!(amend(native(&parts), Some("few words")).await, parts);
    let visible = desk.sam.visible();
    let there = native(&parts).split(',').filter(|id| visible.contains(&id.parse().unwrap())).count();
    assert_eq!(there, 1);
    // And one that grows too long is cut, which it says.
    assert_eq!(amend(native(&sent), Some(&long)).await, sent);
    assert!(last(&desk.standin, 7).text.ends_with("(cut here)"));
    for _ in 0..2 {
        assert_eq!(amend(native(&sent), None).await, sent);
    }
    assert_eq!(last(&desk.standin, 7).event, Event::Deleted);
    assert!(matches!(amend(native(&sent), Some("too late")).await, Delivery::Refused(Refusal::Bad { .. })));

    let note = desk.bob.says("are you there?");
    desk.telegram.mark(&desk.topic, &note.to_string(), Mark::Delivered).await;
    let mark = last(&desk.standin, DESK);
    assert_eq!((mark.event, mark.message, mark.text.as_str()), (Event::Reacted, note, "👍"));
}

#[tokio::test]
async fn a_topic_that_was_deleted_is_told_apart() {
    let desk = Desk::open().await;
    let gone = lane(DESK).in_thread("99999");
    let sent = desk.telegram.send(&gone, &Post::Desk(post("hello")), None, attempt(1), WITHIN).await;
    assert_eq!(sent, Delivery::Refused(Refusal::NoThread));
}

#[tokio::test]
async fn a_one_time_code_is_no_message() {
    let mut desk = Desk::open().await;
    let sent = desk.sam.says("desk 7q2m-x9pk");
    let batch = desk.telegram.receive(desk.committed.as_deref()).await.unwrap();
    assert!(batch.incoming.is_empty() && batch.desk.is_empty());
    let proof = &batch.proofs[0];
    assert_eq!((proof.by.as_str(), proof.code.as_str()), ("7", "DESK-7Q2M-X9PK"));
    assert_eq!((proof.lane.clone(), proof.key.clone()), (lane(7), format!("7/{sent}/0")));
    // In the desk's group it proves nothing.
    desk.bob.says("DESK-7Q2M-X9PK");
    assert_eq!(desk.hears_one().await.said.text, "DESK-7Q2M-X9PK");
}

#[tokio::test]
async fn desk_whose_group_gets_another_id_is_still_heard() {
    let mut desk = Desk::open().await;
    let moved = desk.group.migrates_to(-100_900);
    let bob = desk.standin.user(42, "Bob").in_group(&moved);
    bob.says("/queue");
    assert_eq!(desk.hears_one().await.lane, lane(moved.id()));

    // Started again with the id of old, it learns the new one as soon as it says something there.
    desk.telegram = connect(&desk.standin).await;
    let refused = desk.telegram.send(&lane(DESK), &say("hello"), None, attempt(1), WITHIN).await;
    assert_eq!(refused, Delivery::Refused(Refusal::Moved(lane(moved.id()))));
    bob.says("/help");
    assert_eq!(desk.hears().await.last().unwrap().said.text, "/help");
}
