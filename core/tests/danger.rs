//! What must hold once danger has been heard.

#[expect(dead_code, reason = "shared by several test programs, each of which uses a part")]
mod support;

use std::sync::LazyLock;

use chatbox_core::{
    content::Content,
    conversation::{Conversation, Holder},
    effect::{DeskKind, Effect, SayKind},
    engine::{Engine, Turn},
    input::{InputKind, Message},
    safety::Route,
};
use jiff::{SignedDuration, civil::date};
use support::{Play, says, told};

static ENGINE: LazyLock<Engine> = LazyLock::new(support::engine);

fn message(text: &str) -> InputKind {
    InputKind::Message(Message { text: text.into(), ..Message::default() })
}

/// The engine, after edits of its content: file, what stood there, what stands there now.
fn edited(edits: &[(&str, &str, &str)]) -> Engine {
    let mut files = support::content_files();
    for (file, from, to) in edits {
        let (_, text) = files.iter_mut().find(|(path, _)| path == file).expect("the file is there");
        assert!(text.contains(from), "“{from}” is no longer in {file}");
        *text = text.replace(from, to);
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let content = Content::load(&files, date(2026, 11, 22)).unwrap_or_else(|_| panic!("the edit is sound"));
    Engine::new(content, support::hub())
}

fn alerts(turn: &Turn) -> usize {
    let alert = |effect: &&Effect| matches!(effect, Effect::Desk(post) if post.kind == DeskKind::Alert);
    turn.effects.iter().filter(alert).count()
}

#[test]
fn who_is_not_safe_is_never_answered_as_if_it_were_about_somebody_else() {
    let mut play = Play::new(&ENGINE);
    play.says("my colleague said she wants to die");
    let turn = play.says("I want to kill myself too");
    assert!(told(&turn).contains("Are you safe right now?"), "{}", told(&turn));
    let turn = play.says("no");
    assert_eq!(play.conversation().step(), Some("suicide_d"), "{}", told(&turn));
    assert!(told(&turn).contains("Are you safe right now?"));
}

#[test]
fn what_happens_now_is_answered_as_such_whatever_was_asked_and_flagged() {
    let mut play = Play::new(&ENGINE);
    play.says("I want to kill myself");
    play.says("no");
    play.says("no");
    assert_eq!(play.conversation().route(), Route::E);
    play.says("menu");
    play.says("there's no way out");
    let turn = play.says("I've taken 30 paracetamol");
    assert!(told(&turn).starts_with("Call 999 now"), "{}", told(&turn));
    assert!(alerts(&turn) > 0);
}

#[test]
fn a_no_that_comes_after_a_yes_still_counts() {
    let mut play = Play::new(&ENGINE);
    play.says("I want to kill myself");
    play.says("yes");
    play.says("no");
    assert_eq!(play.conversation().step(), Some("suicide_d"));

    let mut play = Play::new(&ENGINE);
    play.says("I want to kill myself");
    let first = play.conversation().prompt.number;
    play.says("help");
    play.input(InputKind::Press { choice: "no".into(), prompt: Some(first) });
    assert_eq!(play.conversation().step(), Some("suicide_d"), "the older copy of the question counts");
}

#[test]
fn done_is_no_yes_to_are_you_safe() {
    let mut play = Play::new(&ENGINE);
    play.says("I want to kill myself");
    let turn = play.says("that's it, I'm done");
    assert!(!told(&turn).contains("glad you are safe"), "{}", told(&turn));
    assert!(play.conversation().route() >= Route::D);
}

#[test]
fn answers_to_are_you_safe_are_heard_beyond_the_limit_of_messages() {
    let mut play = Play::new(&ENGINE);
    play.says("I want to kill myself");
    for _ in 0..40 {
        play.now = play.now.checked_sub(SignedDuration::from_secs(4)).expect("in range");
        play.says("who are you?");
    }
    play.now = play.now.checked_sub(SignedDuration::from_secs(4)).expect("in range");
    play.says("no");
    assert_eq!(play.conversation().step(), Some("suicide_d"));
}

#[test]
fn choice_that_is_typed_out_is_no_danger_whatever_it_sounds_like() {
    // A hub's own words for a choice, in which danger is heard by themselves.
    const LABEL: &str = "I can't go on like this";
    let engine = edited(&[("dialogues/signpost.yaml", "label: Not for me", &format!("label: {LABEL}"))]);
    let at_offers = || {
        let mut play = Play::new(&engine);
        play.says("I can't sleep");
        play.says("skip");
        assert_eq!(play.conversation().step(), Some("offers"));
        play
    };
    assert!(engine.understand(LABEL, None).route >= Route::B, "by itself it sounds like danger");
    let choices = at_offers().conversation().prompt.choices;
    assert!(choices.iter().any(|choice| choice.label == LABEL), "{choices:?}");
    for choice in choices {
        let mut play = at_offers();
        play.says(&format!("{}.", choice.label.to_lowercase()));
        assert_eq!(play.conversation().route(), Route::A, "{}", choice.label);
    }
    let mut play = at_offers();
    play.says(&format!("{LABEL}, I want to die"));
    assert!(play.conversation().route() >= Route::C, "only the choice itself is the bot's own words");
}

#[test]
fn messages_from_an_outage_are_answered_as_one() {
    let mut play = Play::new(&ENGINE);
    let written = play.now;
    play.after(SignedDuration::from_hours(3));
    let batch = play.now;
    let first = play.input_at(written, message("I want to kill myself"));
    assert!(told(&first).contains("I was not working when you wrote this"), "{}", told(&first));
    assert!(told(&first).contains("Are you safe right now?"));
    play.now = batch;
    let second = play.input_at(written, message("I can't go on, I want to die"));
    assert_eq!(says(&second).count(), 0, "{}", told(&second));
    assert!(alerts(&second) > 0, "the desk hears of each");
    play.now = batch;
    let third = play.input_at(written, message("sorry, long night"));
    assert_eq!(says(&third).count(), 0, "{}", told(&third));
    assert_eq!(play.conversation().step(), Some("suicide_c"), "what was written before is no answer");
}

#[test]
fn answer_within_the_second_of_the_question_is_an_answer_though_its_date_is_before() {
    let mut play = Play::new(&ENGINE);
    let dated = play.now;
    for at in [400, 900].map(SignedDuration::from_millis) {
        play.now = dated.checked_add(at).expect("in range");
        play.input_at(dated, message("I want to kill myself"));
    }
    assert_eq!(play.conversation().step(), Some("suicide_d"), "said again, it is no yes");
}

#[test]
fn ordinary_old_messages_do_not_hide_danger_among_them() {
    let mut play = Play::new(&ENGINE);
    play.says("I want to kill myself");
    play.says("yes");
    let written = play.now;
    play.after(SignedDuration::from_hours(3));
    let batch = play.now;
    play.input_at(written, message("hello"));
    play.now = batch;
    let turn = play.input_at(written, message("I want to die"));
    assert!(told(&turn).contains("Are you safe right now?"), "{}", told(&turn));
}

#[test]
fn a_form_left_by_danger_goes_on_only_on_the_persons_word() {
    let mut play = Play::new(&ENGINE);
    play.says("I want a closed group for 8 nurses");
    play.says("I want to kill myself");
    play.says("yes");
    play.says("yes");
    assert_ne!(play.conversation().dialogue(), Some("group_request"));
    play.says("carry on with the form");
    assert_eq!(play.conversation().dialogue(), Some("group_request"));
    assert!(play.conversation().place.is_some_and(|place| place.answers.contains_key("access")));
}

#[test]
fn nobody_is_held_by_somebody_who_is_no_longer_enrolled() {
    let mut play = Play::new(&ENGINE);
    play.says("I want to talk to a person");
    play.desk("bob", "/take");
    play.desk.members.remove("bob");
    let turn = play.says("is anybody there?");
    assert!(says(&turn).next().is_some(), "the bot answers again");
    assert!(matches!(play.conversation().holder, Holder::Waiting { .. }));
    play.desk("carol", "/take");
    assert!(matches!(play.conversation().holder, Holder::Practitioner { .. }));
}

#[test]
fn the_bot_is_silent_while_somebody_holds_and_safety_is_not() {
    let mut play = Play::new(&ENGINE);
    play.says("I want to talk to a person");
    play.desk("bob", "/take");
    for text in ["help", "menu", "I want a group for 8 nurses", "can't sleep"] {
        assert_eq!(says(&play.says(text)).count(), 0, "{text}");
    }
    let turn = play.says("I want to kill myself");
    assert!(says(&turn).all(|say| say.kind == SayKind::Safety));
    assert!(told(&turn).contains("999"));
    assert!(alerts(&turn) > 0);
    let hidden = play.says("/clear");
    assert!(hidden.effects.iter().any(|effect| matches!(effect, Effect::ClearChat { .. })));
}

#[test]
fn nobody_is_promised_where_there_is_no_desk() {
    let mut play = Play::new(&ENGINE);
    play.desk.exists = false;
    for text in ["hello", "I want to kill myself", "menu", "talk to a person", "who are you?", "help"] {
        let turn = play.says(text);
        let said = told(&turn);
        assert!(!said.contains("asking a practitioner"), "{said}");
        assert!(!said.contains("practitioner will"), "{said}");
        assert!(!said.contains("can join when you ask"), "{said}");
        assert!(!turn.effects.iter().any(|effect| matches!(effect, Effect::Desk(_))));
    }
}

#[test]
fn deleting_clears_the_words_and_never_an_open_flag() {
    let mut play = Play::new(&ENGINE);
    play.says("I want a closed group for 8 nurses");
    play.says("I want to kill myself");
    let turn = play.says("delete my data");
    assert!(turn.effects.iter().any(|effect| matches!(effect, Effect::Erase { .. })));
    assert!(told(&turn).contains("note about your safety stays"), "{}", told(&turn));
    let conversation = play.conversation();
    assert_eq!(conversation.route(), Route::C);
    assert!(conversation.aside.is_empty() && conversation.place.is_none());
}

#[test]
fn deleting_leaves_nothing_where_nothing_must_stay() {
    let mut play = Play::new(&ENGINE);
    play.says("I want a closed group for 8 nurses");
    play.says("talk to a person");
    play.says("delete my data");
    assert_eq!(play.conversation(), Conversation::default());
}

#[test]
fn after_an_edit_of_the_content_nobody_is_stuck_and_no_answer_is_lost() {
    let mut play = Play::new(&ENGINE);
    play.says("I want a closed weekly group for 8 nurses");
    play.says("frontline");
    assert_eq!(play.conversation().step(), Some("setting"));
    let form = "dialogues/group_request.yaml";
    let engine = edited(&[
        (form, "id: setting\n", "id: place_of_meeting\n"),
        (form, "field: setting", "field: place_of_meeting"),
    ]);
    let mut later = Play::new(&engine);
    later.state.clone_from(&play.state);
    let turn = later.says("online");
    assert!(told(&turn).contains("Our questions have changed"), "{}", told(&turn));
    let place = later.conversation().place.expect("the form goes on");
    assert_eq!(place.step, "place_of_meeting");
    for field in ["access", "frequency", "size", "outline"] {
        assert!(place.answers.contains_key(field), "{field} is kept");
    }
}
