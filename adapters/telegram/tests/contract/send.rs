use std::time::Duration;

use chatbox_core::{
    channel::{Channel, Delivery, Post, Refusal, ThreadError},
    effect::{DeskKind, DeskPost},
    ids::Reference,
};
use chatbox_telegram::Telegram;
use chatbox_telegram_standin::{Event, Fault, Standin, User};

use crate::{WITHIN, ask, attempt, lane, pair, say};

/// A pair and a person who has written to the bot.
async fn with_sam() -> (Standin, Telegram, User) {
    let (standin, telegram) = pair().await;
    let sam = standin.user(7, "Sam");
    sam.says("hello");
    (standin, telegram, sam)
}

#[tokio::test]
async fn a_text_goes_out_as_it_is() {
    let (standin, telegram, sam) = with_sam().await;
    let text = "Call 116 123 *now* <b>or</b> see https://www.samaritans.org/ [x](y) _z_ &amp;";
    let delivery = telegram.send(&lane(7), &say(text), None, attempt(1), WITHIN).await;
    let entry = sam.next_message().await;
    assert_eq!(delivery, Delivery::Sent { native: entry.message.to_string() });
    assert_eq!(entry.text, text, "nothing in it is taken for markup");
    let call = &standin.calls("sendMessage")[0];
    assert!(call.params.get("parse_mode").is_none());
    assert_eq!(call.params["link_preview_options"]["is_disabled"], true);
}

#[tokio::test]
async fn choices_hang_on_it_as_buttons() {
    let (_standin, telegram, sam) = with_sam().await;
    let long = "y".repeat(40);
    let post = ask(u32::MAX, "Which?", &[("a", "The first of them all"), (&long, "The second"), ("c", "")]);
    telegram.send(&lane(7), &post, None, attempt(1), WITHIN).await;
    let entry = sam.next_message().await;
    assert_eq!(entry.labels(), ["The first of them all", "The second", "c"]);
    assert_eq!(entry.keyboard.len(), 3);
    assert_eq!(entry.keyboard[1][0].data, Some(format!("{}:{long}", u32::MAX)));
}

#[tokio::test]
async fn every_part_of_a_long_text_arrives() {
    let (standin, telegram, sam) = with_sam().await;
    let text = "Ten words of comfort 💙, and then ten words more. ".repeat(300);
    let post = ask(1, &text, &[("ok", "OK")]);
    let delivery = telegram.send(&lane(7), &post, None, attempt(1), WITHIN).await;
    let said = standin.said(7);
    assert!(said.len() >= 4);
    let solid = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!(solid(&said.concat()), solid(&text));
    let entries: Vec<_> = standin.transcript(7).into_iter().filter(|entry| entry.bot).collect();
    let natives: Vec<String> = entries.iter().map(|entry| entry.message.to_string()).collect();
    assert_eq!(delivery, Delivery::Sent { native: natives.join(",") });
    let buttons: Vec<usize> = entries.iter().map(|entry| entry.labels().len()).collect();
    assert_eq!(buttons.iter().sum::<usize>(), 1);
    assert_eq!(buttons.last(), Some(&1), "the buttons hang on the last part");

    telegram.retire(&lane(7), &natives.join(",")).await;
    assert!(sam.try_presses("OK").is_err());
    assert_eq!(telegram.clear(&lane(7), &[natives.join(",")]).await, 0);
    assert_eq!(sam.visible().len(), 1, "only what Sam wrote is left");
}

#[tokio::test]
async fn a_long_text_goes_on_where_it_stopped() {
    let (standin, telegram, _sam) = with_sam().await;
    let post = say(&"word ".repeat(2400));
    for (fault, expected) in [
        (Fault::retry_after(1), Delivery::RetryAfter(Duration::from_secs(1))),
        (Fault::gateway(502), Delivery::Unknown),
    ] {
        let before = standin.said(7).len();
        standin.clear_faults();
        standin.fault(fault.on("sendMessage").after(1));
        assert_eq!(telegram.send(&lane(7), &post, None, attempt(2), WITHIN).await, expected);
        assert_eq!(standin.said(7).len(), before + 1);
        if let Delivery::RetryAfter(wait) = expected {
            tokio::time::sleep(wait).await;
        }
        let delivery = telegram.send(&lane(7), &post, None, attempt(2), WITHIN).await;
        let Delivery::Sent { native } = delivery else { panic!("{delivery:?}") };
        assert_eq!(native.split(',').count(), 3);
        assert_eq!(standin.said(7).len(), before + 3, "no part went out twice");
    }
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let (standin, telegram, sam) = with_sam().await;
    let send = |chat: i64, n: i64| {
        let telegram = &telegram;
        async move { telegram.send(&lane(chat), &say("hello"), None, attempt(n), WITHIN).await }
    };
    assert_eq!(send(99, 1).await, Delivery::Refused(Refusal::Bad { code: 400 }), "chat not found");
    let empty = telegram.send(&lane(7), &say(" \n "), None, attempt(2), WITHIN).await;
    assert_eq!(empty, Delivery::Refused(Refusal::Bad { code: 400 }));
    let mut nowhere = lane(7);
    nowhere.chat = "!room:matrix".to_owned();
    let nowhere = telegram.send(&nowhere, &say("hello"), None, attempt(3), WITHIN).await;
    assert_eq!(nowhere, Delivery::Refused(Refusal::Bad { code: 400 }));

    sam.blocks();
    assert_eq!(send(7, 4).await, Delivery::Refused(Refusal::Gone));

    let group = standin.group(-500, "Ward 7");
    group.adds_bot(&sam, true);
    let moved = group.migrates_to(-100_500);
    let expected = Delivery::Refused(Refusal::Moved(lane(moved.id())));
    assert_eq!(send(-500, 5).await, expected);
    assert!(matches!(send(moved.id(), 6).await, Delivery::Sent { .. }));
}

#[tokio::test]
async fn a_pause_is_passed_on_and_hurries_nobody() {
    let (standin, telegram, _sam) = with_sam().await;
    standin.fault(Fault::retry_after(30).on("sendMessage"));
    let delivery = telegram.send(&lane(7), &say("hello"), None, attempt(1), WITHIN).await;
    assert_eq!(delivery, Delivery::RetryAfter(Duration::from_secs(30)));
    assert_eq!(standin.calls("sendMessage").len(), 1, "nothing is tried again in secret");
    let other = standin.user(8, "Alex");
    other.says("hello");
    assert!(matches!(
        telegram.send(&lane(8), &say("hi"), None, attempt(2), WITHIN).await,
        Delivery::Sent { .. }
    ));
    assert_eq!(standin.violations(), 0);
}

#[tokio::test]
async fn unknown_outcomes_are_unknown_whatever_happened() {
    let (standin, telegram, _sam) = with_sam().await;
    let soon = Duration::from_millis(300);
    for (n, (fault, arrived, within)) in [
        (Fault::gateway(502), 0, WITHIN),
        (Fault::gateway_after(504), 1, WITHIN),
        (Fault::refuse(500, "Internal Server Error"), 0, WITHIN),
        (Fault::drop(), 0, WITHIN),
        (Fault::drop_after(), 1, WITHIN),
        (Fault::hang(), 0, soon),
        (Fault::hang_after(), 1, soon),
        (Fault::garbage(), 0, WITHIN),
    ]
    .into_iter()
    .enumerate()
    {
        let before = standin.said(7).len();
        standin.fault(fault.clone().on("sendMessage"));
        let delivery =
            telegram.send(&lane(7), &say("hello"), None, attempt(i64::try_from(n).unwrap()), within).await;
        assert_eq!(delivery, Delivery::Unknown, "{fault:?}");
        assert_eq!(standin.said(7).len() - before, arrived, "{fault:?}");
    }
}

#[tokio::test]
async fn what_certainly_did_not_go_is_unsent() {
    let (standin, telegram, _sam) = with_sam().await;
    assert_eq!(
        telegram.send(&lane(7), &say("late"), None, attempt(1), Duration::ZERO).await,
        Delivery::Unsent
    );
    standin.goes_offline();
    // Finds out that the connections at hand are broken: before that the outcome is unknown.
    telegram.typing(&lane(7)).await;
    assert_eq!(telegram.send(&lane(7), &say("off"), None, attempt(2), WITHIN).await, Delivery::Unsent);
    standin.comes_back().await.unwrap();
    assert!(matches!(
        telegram.send(&lane(7), &say("on"), None, attempt(2), WITHIN).await,
        Delivery::Sent { .. }
    ));
    standin.revoke_token("12345:changed");
    assert_eq!(telegram.send(&lane(7), &say("void"), None, attempt(3), WITHIN).await, Delivery::Unsent);
    assert_eq!(standin.said(7), ["on"]);
}

#[tokio::test]
async fn the_desk_has_topics() {
    let (standin, telegram, sam) = with_sam().await;
    let desk = standin.forum(-100_200, "Desk");
    let post =
        Post::Desk(DeskPost::new(Some(Reference("KWG-7Q2MX".to_owned())), DeskKind::Opened, "A new case"));
    desk.adds_bot(&sam, false);
    let refused =
        telegram.open_thread(&lane(-100_200), "KWG-7Q2MX", attempt(9).id, WITHIN).await.unwrap_err();
    assert_eq!(refused, ThreadError::Refused { code: 400 });
    desk.adds_bot(&sam, true);
    let topic = telegram
        .open_thread(&lane(-100_200), &"KWG-7Q2MX é".repeat(30), attempt(9).id, WITHIN)
        .await
        .unwrap();
    assert!(matches!(telegram.send(&topic, &post, None, attempt(1), WITHIN).await, Delivery::Sent { .. }));
    telegram.typing(&topic).await;
    telegram.send(&lane(-100_200), &post, None, attempt(2), WITHIN).await;
    let entries = standin.transcript(-100_200);
    let thread = topic.thread.as_ref().map(|thread| thread.parse().unwrap());
    let sent: Vec<_> = entries.iter().filter(|e| e.event == Event::Sent && !e.text.is_empty()).collect();
    assert_eq!((sent[0].thread, sent[0].text.as_str()), (thread, "A new case"));
    assert_eq!((sent[1].thread, sent[1].text.as_str()), (None, "KWG-7Q2MX: A new case"));
    assert!(entries.iter().any(|e| e.event == Event::Action && e.thread == thread));
    let gone = telegram.send(&lane(-100_200).in_thread("999"), &post, None, attempt(3), WITHIN).await;
    assert_eq!(gone, Delivery::Refused(Refusal::NoThread));
}

#[tokio::test]
async fn courtesies_never_fail_aloud() {
    let (standin, telegram, sam) = with_sam().await;
    telegram.typing(&lane(7)).await;
    assert_eq!(sam.next(Event::Action).await.text, "typing");
    telegram.retire(&lane(7), "12").await;
    telegram.retire(&lane(7), "not a number").await;
    standin.fault(Fault::drop().always());
    telegram.typing(&lane(7)).await;
    telegram.retire(&lane(7), "12").await;
    assert_eq!(telegram.clear(&lane(7), &["1".to_owned(), "2".to_owned()]).await, 2);
}

#[tokio::test]
async fn clearing_goes_back_48_hours() {
    let (standin, telegram, sam) = with_sam().await;
    let mut natives = Vec::new();
    for n in 0..120 {
        natives.push(sam.says(&format!("old {n}")).to_string());
    }
    standin.advance(Duration::from_hours(49));
    for n in 0..130 {
        let Delivery::Sent { native } =
            telegram.send(&lane(7), &say(&format!("new {n}")), None, attempt(n), WITHIN).await
        else {
            panic!("not sent");
        };
        natives.push(native);
    }
    natives.push("424242".to_owned());
    assert_eq!(telegram.clear(&lane(7), &natives).await, 120);
    assert_eq!(sam.visible().len(), 121, "Sam's first hello is not among those to clear");
    let calls = standin.calls("deleteMessages").len();
    assert!(calls < 20, "{calls} calls");
    assert_eq!(telegram.clear(&lane(7), &[]).await, 0);
}
