//! Conversations in an encrypted direct room.

use std::{
    fs,
    time::{Duration, Instant},
};

use chatbox_core::ids::{ChannelKind, Lane};
use chatbox_matrix_synapse::Event;
use chatbox_store::{Spoken, Store, StoreConfig};
use tokio::time;

use crate::{
    stage::{Guest, Stage},
    support::{chatbox, holds, run},
};

fn assert_holds(event: &Event, part: &str) {
    assert!(event.text().contains(part), "“{part}” is not in: {}", event.text());
}

/// The number in front of a choice.
fn number(event: &Event, label: &str) -> String {
    let line = event.text().lines().find(|line| line.ends_with(label));
    let line = line.unwrap_or_else(|| panic!("“{label}” is no choice of: {}", event.text()));
    line.split_once('.').expect("choices are numbered").0.to_owned()
}

#[tokio::test]
async fn a_group_is_requested_by_number_words_reaction_and_thumb() {
    let stage = Stage::set().await;
    let _service = stage.start();
    let sam = stage.guest("sam").await;
    let outline = sam
        .asks("I would like a closed fortnightly group for 8 nurses, Tuesday afternoons on Teams, four sessions")
        .await;
    assert_holds(&outline, "How private this is: it is encrypted.");
    assert_holds(&outline, "- People: 8");
    assert_holds(&outline, "What is the group for?");
    assert!(outline.html().is_some_and(|html| html.contains("<li>")), "{:?}", outline.html());
    // A number, typed.
    let levels = sam.asks(&number(&outline, "Support for frontline team experience")).await;
    assert_holds(&levels, "Will managers or senior staff be in the group?");
    // A reaction with the number.
    sam.room.reacts(&levels.id, "2\u{fe0f}\u{20e3}").await;
    let team = sam.hears().await;
    assert_holds(&team, "Which organisation and team is it for?");
    // A reply with the words of a choice.
    sam.room.replies(&team.id, "Not sure yet, skip").await;
    let requester = sam.hears().await;
    assert_holds(&requester, "What is your name, and your role?");
    // Words.
    let contact = sam.asks("skip").await;
    assert_holds(&contact, "How can the Hub reach you?");
    let talk = sam.asks("sam@example.org").await;
    assert_holds(&talk, "will want to talk it through");
    let summary = sam.asks("Thursday after 3, by phone").await;
    assert_holds(&summary, "- Managers or seniors: No, they will not");
    assert_holds(&summary, "Shall I send it?");
    // A thumb.
    sam.room.reacts(&summary.id, "👍").await;
    let saved = sam.hears().await;
    assert_holds(&saved, "The reference is KWG-");
    // The answered question is shown without its choices.
    let retired = sam.room.finds("the retired question", |event| event.replaces() == Some(&levels.id)).await;
    assert!(retired.encrypted);
    assert!(!retired.content["m.new_content"]["body"].as_str().unwrap().contains("1."), "{retired:?}");
    assert_eq!(sam.room.events().iter().filter(|event| event.unreadable).count(), 0, "every reply was read");
}

#[tokio::test]
async fn someone_is_signposted_and_nothing_said_is_in_a_log_or_a_file() {
    let stage = Stage::set().await;
    let service = stage.start();
    let amina = stage.guest("amina").await;
    let first = amina.asks("CANARYWORD I can't sleep after nights and I'm skint").await;
    // The profession is asked for where it could change what is shown; that depends on what is open at
    // this hour.
    let offers = if first.text().contains("What kind of work do you do?") {
        amina.asks(&number(&first, "Nurse")).await
    } else {
        first
    };
    assert_holds(&offers, "This may help with sleep and money worries:");
    let more = amina.asks(&number(&offers, "Not for me")).await;
    assert_holds(&more, "1. ");
    let safety = amina.asks("I want to end it all").await;
    assert_holds(&safety, "116 123");
    assert!(service.stop().success());
    for secret in ["CANARYWORD", "skint", "money worries", "end it all", &stage.bot.password] {
        let found = holds(stage.dir.path(), secret);
        let found: Vec<_> = found.iter().filter(|path| !path.ends_with("chatbox.toml")).collect();
        assert_eq!(found, Vec::<&std::path::PathBuf>::new(), "“{secret}” is written down");
    }
}

/// What somebody says to have a form in its middle.
async fn half_a_form(guest: &Guest) {
    let next = guest.asks("I'd like a group for my team").await;
    assert_holds(&next, "What is the group for?");
    let next = guest.asks("frontline").await;
    assert_holds(&next, "Should it be open (a drop-in) or closed");
}

#[tokio::test]
async fn form_goes_on_after_the_bot_was_killed_and_nothing_comes_twice() {
    let stage = Stage::set().await;
    let service = stage.start();
    let sam = stage.guest("sam").await;
    half_a_form(&sam).await;
    service.kill();
    sam.room.says("closed").await;
    let service = stage.start();
    assert_holds(&sam.hears().await, "Online or on site?");
    sam.asks("stop").await;
    // What came twice would have come by now: the bot says things in order.
    let heard = sam.heard();
    assert_eq!(heard.len(), 4, "{heard:#?}");
    assert!(service.stop().success());
}

#[tokio::test]
async fn old_conversation_goes_on_after_the_keys_were_lost() {
    let stage = Stage::set().await;
    let service = stage.start();
    let sam = stage.guest("sam").await;
    half_a_form(&sam).await;
    let before = sam.room.ready(&stage.bot.id).await;
    assert!(service.stop().success());

    let shown =
        run(chatbox(stage.dir.path(), ["--config", "chatbox.toml", "doctor", "matrix", "--recovery"]), b"");
    assert_eq!((shown.code, shown.out.lines().count()), (Some(0), 1), "{}", shown.err);
    let key = shown.out.trim().to_owned();
    assert!(key.len() > 40, "a recovery key is long");
    assert_eq!(holds(stage.dir.path(), &key), Vec::<std::path::PathBuf>::new(), "it is sealed");

    fs::remove_dir_all(stage.dir.path().join("matrix")).unwrap();
    // Written while nobody could read it, for a device that will never come back.
    sam.room.says("closed").await;
    let service = stage.start();
    let devices = sam.room.ready_beside(&stage.bot.id, &before).await;
    assert!(!devices.is_empty());
    sam.room.says("skip").await;
    assert_holds(&sam.hears().await, "Online or on site?");
    assert!(service.stop().success());
    let shown =
        run(chatbox(stage.dir.path(), ["--config", "chatbox.toml", "doctor", "matrix", "--recovery"]), b"");
    assert_eq!(shown.out.trim(), key, "the old key still opens the backup");
}

#[tokio::test]
async fn text_taken_back_is_erased_within_a_minute() {
    let stage = Stage::set().await;
    let _service = stage.start();
    let sam = stage.guest("sam").await;
    let hello = sam.asks("hello").await;
    assert_holds(&hello, "What would help?");
    let secret = sam.room.says("my name is Samantha").await;
    sam.hears().await;
    let url = format!("sqlite:{}", stage.dir.path().join("chatbox.db").display());
    let store = Store::open(StoreConfig::new(url)).await.unwrap();
    let lane = Lane::new(ChannelKind::Matrix, &sam.room.id);
    let texts = || async {
        let lines = store.transcript(&lane, 20).await.unwrap();
        let heard = lines.into_iter().filter_map(|line| match line.what {
            Spoken::Heard { input, .. } => Some(input.map(|input| input.what)),
            Spoken::Said { .. } => None,
        });
        heard.collect::<Vec<_>>()
    };
    assert!(texts().await.iter().all(Option::is_some));
    let taken_back = Instant::now();
    sam.room.takes_back(&secret).await;
    while texts().await.iter().all(Option::is_some) {
        assert!(taken_back.elapsed() < Duration::from_secs(60), "it is still there");
        time::sleep(Duration::from_millis(50)).await;
    }
    let left = serde_json::to_string(&texts().await).unwrap();
    assert!(left.contains("hello") && !left.contains("Samantha"), "{left}");
}
