use std::time::Duration;

use chatbox_core::{
    channel::{Channel, ReceiveError},
    input::{Attachment, InputKind},
};
use chatbox_telegram_standin::{Event, Fault, Media};
use serde_json::json;

use crate::{WITHIN, ask, attempt, connect, lane, message, next, noon, only, pair};

#[tokio::test]
async fn words_come_with_their_lane_key_and_time() {
    let (standin, telegram) = pair().await;
    let sam = standin.user(7, "Sam");
    let sent = sam.said_ago("/start group", Duration::from_mins(15));
    let incoming = only(&telegram, &mut None).await;
    assert_eq!(incoming.lane, lane(7));
    assert_eq!(incoming.key, format!("7/{sent}/0"));
    assert_eq!(incoming.native, Some(sent.to_string()));
    let words = message(&incoming);
    assert_eq!(words.text, "/start group");
    assert!(words.attachment.is_none() && !words.edited && !words.forwarded);
    let again = only(&telegram, &mut None).await;
    assert_eq!(again, incoming, "delivered again as the same message");
}

#[tokio::test]
async fn nothing_is_confirmed_before_the_commit() {
    let (standin, telegram) = pair().await;
    let sam = standin.user(7, "Sam");
    sam.says("one");
    let batch = telegram.receive(None).await.unwrap();
    assert_eq!((batch.incoming.len(), standin.pending()), (1, 1));
    sam.says("two");
    let batch = telegram.receive(batch.cursor.as_deref()).await.unwrap();
    assert_eq!(message(&batch.incoming[0]).text, "two");
    assert_eq!(standin.pending(), 1, "the first is confirmed, the second is not");

    // A bot that was killed here gets the second again, whatever cursor it may have kept.
    let successor = connect(&standin).await;
    let again = successor.receive(batch.cursor.as_deref()).await.unwrap();
    assert_eq!(again.incoming, batch.incoming);
}

#[tokio::test]
async fn update_ids_that_start_anew_lose_nothing() {
    let (standin, telegram) = pair().await;
    let sam = standin.user(7, "Sam");
    let mut committed = None;
    sam.says("before the quiet week");
    next(&telegram, &mut committed).await;
    // The poll that confirms it, woken by the next message.
    sam.says("still before");
    next(&telegram, &mut committed).await;
    let (batch, ()) = tokio::join!(telegram.receive(committed.as_deref()), async {
        standin.wait_for_confirmation().await;
        standin.restart_update_ids();
        sam.says("after it");
    });
    assert_eq!(message(&batch.unwrap().incoming[0]).text, "after it");
    sam.says("and then");
    let batch = telegram.receive(committed.as_deref()).await.unwrap();
    let texts: Vec<&str> = batch.incoming.iter().map(|i| message(i).text.as_str()).collect();
    assert_eq!(texts, ["after it", "and then"]);
}

#[tokio::test]
async fn an_edit_is_a_message_of_its_own() {
    let (standin, telegram) = pair().await;
    let sam = standin.user(7, "Sam");
    let mut committed = None;
    let sent = sam.says("make it 6");
    let first = only(&telegram, &mut committed).await;
    sam.edits(sent, "make it 8");
    let second = only(&telegram, &mut committed).await;
    assert!(message(&second).edited);
    assert_eq!(message(&second).text, "make it 8");
    assert_eq!(second.native, first.native);
    assert_ne!(second.key, first.key);
    sam.edits(sent, "make it 10");
    assert_ne!(only(&telegram, &mut committed).await.key, second.key);
}

#[tokio::test]
async fn attachments_are_named_and_their_captions_read() {
    let (standin, telegram) = pair().await;
    let sam = standin.user(7, "Sam");
    let mut committed = None;
    for (media, expected) in [
        (Media::Voice, Attachment::Voice),
        (Media::Audio, Attachment::Voice),
        (Media::Photo, Attachment::Photo),
        (Media::Video, Attachment::Video),
        (Media::VideoNote, Attachment::Video),
        (Media::Animation, Attachment::Video),
        (Media::Sticker, Attachment::Sticker),
        (Media::Document, Attachment::File),
        (Media::Location, Attachment::Location),
        (Media::Contact, Attachment::Contact),
        (Media::Poll, Attachment::Other),
        (Media::Dice, Attachment::Other),
    ] {
        sam.sends(media, "");
        let incoming = only(&telegram, &mut committed).await;
        let seen = matches!(&incoming.input.what, InputKind::Message(m) if m.attachment == Some(expected));
        assert!(seen, "{media:?}: {incoming:?}");
        // Whoever asks a question says something: it may be a cry for help.
        let words = if matches!(media, Media::Poll) { "Which?" } else { "" };
        assert_eq!(message(&incoming).text, words);
    }
    let photo = sam.sends_photo("I can't go on");
    assert_eq!(message(&only(&telegram, &mut committed).await).text, "I can't go on");
    sam.edits(photo, "I can");
    let edited = only(&telegram, &mut committed).await;
    assert_eq!((message(&edited).text.as_str(), message(&edited).edited), ("I can", true));
    sam.forwards("somebody else's words");
    assert!(message(&only(&telegram, &mut committed).await).forwarded);
}

#[tokio::test]
async fn a_press_names_choice_and_prompt_and_is_answered_after_the_commit() {
    let (standin, telegram) = pair().await;
    let sam = standin.user(7, "Sam");
    let mut committed = None;
    sam.says("hello");
    next(&telegram, &mut committed).await;
    telegram
        .send(
            &lane(7),
            &ask(3, "Open or closed?", &[("open", "Open"), ("closed", "Closed")]),
            None,
            attempt(1),
            WITHIN,
        )
        .await;
    let query = sam.presses("Closed");
    let batch = telegram.receive(committed.as_deref()).await.unwrap();
    let press = &batch.incoming[0];
    assert_eq!(press.lane, lane(7));
    assert_eq!(press.key, format!("cb/{query}"));
    assert_eq!(press.input.at, noon());
    assert_eq!(press.input.what, InputKind::Press { choice: "closed".to_owned(), prompt: Some(3) });

    // Not committed: delivered again, and still not answered.
    let again = telegram.receive(committed.as_deref()).await.unwrap();
    assert_eq!(again, batch);
    assert!(standin.calls("answerCallbackQuery").is_empty());
    let answered = async {
        sam.next(Event::Answered).await;
        sam.says("next");
    };
    let (after, ()) = tokio::join!(telegram.receive(batch.cursor.as_deref()), answered);
    assert_eq!(message(&after.unwrap().incoming[0]).text, "next");
    assert_eq!(standin.calls("answerCallbackQuery").len(), 1);
}

#[tokio::test]
async fn blocking_and_coming_back_are_told() {
    let (standin, telegram) = pair().await;
    let sam = standin.user(7, "Sam");
    let mut committed = None;
    sam.says("hello");
    next(&telegram, &mut committed).await;
    sam.blocks();
    assert_eq!(only(&telegram, &mut committed).await.input.what, InputKind::Reachable(false));
    sam.unblocks();
    assert_eq!(only(&telegram, &mut committed).await.input.what, InputKind::Reachable(true));
}

#[tokio::test]
async fn groups_are_told_once_to_write_privately() {
    let (standin, telegram) = pair().await;
    let sam = standin.user(7, "Sam");
    let mut committed = None;
    let forum = standin.forum(-100_300, "Ward 7");
    forum.adds_bot(&sam, true);
    let thread = forum.opens_topic(&sam, "Rota");
    let member = sam.in_group(&forum).in_topic(thread);
    member.says("my manager shouts at me");
    member.says("hello?");
    sam.in_group(&forum).anonymously().says("the management speaks");
    standin.other_bot(8, "Robo").in_group(&forum).says("beep");
    let channel = standin.channel(-100_400, "News");
    channel.adds_bot(&sam, true);
    channel.posts("Cake on Friday");
    let desk = standin.forum(-100_200, "Desk");
    desk.adds_bot(&sam, true);
    sam.in_group(&desk).says("who takes this?");
    sam.says("privately");

    let private = only(&telegram, &mut committed).await;
    assert_eq!(message(&private).text, "privately");
    let told = member.next_message().await;
    assert!(told.text.contains("https://t.me/standin_bot"), "{}", told.text);
    member.says("again");
    sam.says("privately again");
    only(&telegram, &mut committed).await;
    for chat in [-100_200, -100_400] {
        assert!(standin.said(chat).is_empty(), "nothing is said in {chat}");
    }
    assert_eq!(standin.said(-100_300).len(), 1);
}

#[tokio::test]
async fn a_press_in_a_group_is_answered_and_ignored() {
    let (standin, telegram) = pair().await;
    let sam = standin.user(7, "Sam");
    let group = standin.group(-500, "Ward 7");
    group.adds_bot(&sam, true);
    telegram.send(&lane(-500), &ask(1, "Well?", &[("yes", "Yes")]), None, attempt(1), WITHIN).await;
    let member = sam.in_group(&group);
    member.presses("Yes");
    sam.says("privately");
    assert_eq!(message(&only(&telegram, &mut None).await).text, "privately");
    assert_eq!(member.next(Event::Answered).await.text, "Please write to me privately.");
}

#[tokio::test]
async fn updates_that_cannot_be_read_never_block_the_queue() {
    let (standin, telegram) = pair().await;
    let sam = standin.user(7, "Sam");
    let date = 1_790_000_000;
    let person = json!({"id": 7, "is_bot": false, "first_name": "Sam"});
    let chat = json!({"id": 7, "type": "private", "first_name": "Sam"});
    standin.update(json!({"brain_wave": {"from": person}}));
    standin.update(json!({"message": "not even an object"}));
    standin.update(json!({"message": {"message_id": 901, "date": date, "from": person, "chat": chat,
        "hologram": {"pixels": 9}}}));
    standin.update(json!({"message": {"message_id": 902, "date": date, "from": person, "chat": chat,
        "sticker": {"file_id": 5}}}));
    standin.update(json!({"message": {"message_id": 903, "date": date, "from": person, "chat": chat,
        "text": "words in a strange message", "entities": "none"}}));
    standin.update(json!({"message": {"message_id": 904, "date": date, "from": person, "chat": chat,
        "delete_chat_photo": true}}));
    standin.update(json!({"callback_query": {"id": "5"}}));
    sam.says("after all that");
    let mut committed = None;
    let batch = next(&telegram, &mut committed).await;
    let read: Vec<(&str, &InputKind)> =
        batch.incoming.iter().map(|i| (i.key.as_str(), &i.input.what)).collect();
    assert_eq!(read.len(), 4, "{read:?}");
    assert_eq!(read[0], ("7/901/0", &InputKind::Unreadable));
    assert_eq!(message(&batch.incoming[1]).attachment, Some(Attachment::Sticker));
    assert_eq!(message(&batch.incoming[2]).text, "words in a strange message");
    assert_eq!(message(&batch.incoming[3]).text, "after all that");
}

#[tokio::test]
async fn hard_texts_arrive_as_they_were_written() {
    let (standin, telegram) = pair().await;
    let sam = standin.user(7, "Sam");
    let mut committed = None;
    for text in ["😀😀😀", "مرحبا", "a\u{0}b\u{7}\u{202e}c", "  ", &"x".repeat(100_000)] {
        sam.says(text);
        assert_eq!(message(&only(&telegram, &mut committed).await).text, *text);
    }
}

#[tokio::test]
async fn a_second_poller_is_waited_out_with_growing_patience() {
    let (standin, telegram) = pair().await;
    let mut waits = Vec::new();
    standin.fault(
        Fault::refuse(409, "Conflict: terminated by other getUpdates request").on("getUpdates").times(9),
    );
    for _ in 0..9 {
        match telegram.receive(None).await.unwrap_err() {
            ReceiveError::Later { what, wait } => {
                assert!(what.contains("another program is polling"), "{what}");
                waits.push(wait.as_secs());
            }
            ReceiveError::Fatal(sentence) => panic!("{sentence}"),
        }
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    standin.user(7, "Sam").says("hello");
    telegram.receive(None).await.unwrap();
    standin.fault(Fault::gateway(502).on("getUpdates"));
    let error = telegram.receive(None).await.unwrap_err();
    assert_eq!(error.to_string(), "Telegram does not answer; trying again in 1 s");
}

#[tokio::test]
async fn two_real_pollers_get_in_each_others_way() {
    let (standin, telegram) = pair().await;
    let other = connect(&standin).await;
    let first = async {
        let error = telegram.receive(None).await.unwrap_err();
        standin.user(7, "Sam").says("hello");
        error
    };
    let second = async {
        standin.wait_for_calls("getUpdates", 1).await;
        other.receive(None).await
    };
    let (turned_away, batch) = tokio::join!(first, second);
    assert!(matches!(turned_away, ReceiveError::Later { .. }), "{turned_away}");
    assert_eq!(batch.unwrap().incoming.len(), 1);
}

#[tokio::test]
async fn outages_and_limits_pass_and_a_void_token_does_not() {
    let (standin, telegram) = pair().await;
    let later = |error: ReceiveError| match error {
        ReceiveError::Later { what, wait } => (what, wait),
        ReceiveError::Fatal(sentence) => panic!("{sentence}"),
    };
    standin.fault(Fault::retry_after(17).on("getUpdates"));
    let (_, wait) = later(telegram.receive(None).await.unwrap_err());
    assert_eq!(wait, Duration::from_secs(17));
    for fault in [Fault::drop(), Fault::garbage(), Fault::refuse(400, "Bad Request: no")] {
        standin.fault(fault.on("getUpdates"));
        later(telegram.receive(None).await.unwrap_err());
    }
    standin.goes_offline();
    // Finds out that the connections at hand are broken.
    telegram.typing(&lane(7)).await;
    assert_eq!(later(telegram.receive(None).await.unwrap_err()).0, "Telegram cannot be reached");
    standin.comes_back().await.unwrap();
    standin.user(7, "Sam").says("hello");
    assert_eq!(telegram.receive(None).await.unwrap().incoming.len(), 1);
    standin.revoke_token("12345:changed");
    let fatal = telegram.receive(None).await.unwrap_err();
    assert!(matches!(&fatal, ReceiveError::Fatal(sentence) if sentence.contains("@BotFather")), "{fatal}");
}
