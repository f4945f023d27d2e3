//! From wherever a conversation may be, help, menu, stop, a person and a cry for help all work,
//! and there is always a way on.

#[expect(dead_code, reason = "shared by several test programs, each of which uses a part")]
mod support;

use std::sync::LazyLock;

use chatbox_core::{
    conversation::Holder,
    effect::{DeskKind, Effect, SayKind},
    engine::Engine,
    safety::Route,
};
use jiff::SignedDuration;
use proptest::prelude::*;
use support::{Play, says, told};

static ENGINE: LazyLock<Engine> = LazyLock::new(support::engine);

/// What a person may do next.
#[derive(Debug, Clone)]
enum Move {
    Says(&'static str),
    /// The choice at this place of the open question, counted round.
    Presses(usize),
    Waits(i64),
}

/// Texts of all sorts: answers, wishes, questions, danger, noise.
const TEXTS: &[&str] = &[
    "hello",
    "I want to set up a group for my team",
    "closed fortnightly group for 8 nurses on Tuesday afternoons",
    "9 sessions",
    "make it 8, not 6",
    "not sure yet",
    "skip",
    "back",
    "yes",
    "no",
    "maybe",
    "that's all",
    "carry on with the form",
    "leave it for now",
    "what does closed mean?",
    "why do you ask?",
    "can't sleep and skint",
    "none of these",
    "a number didn't work",
    "I'd like to talk to someone",
    "who can see this?",
    "hide this chat",
    "delete my data",
    "I'm not suicidal, just shattered",
    "there's no way out",
    "I want to kill myself",
    "I've taken 30 paracetamol",
    "he hit me again",
    "my colleague said she wants to die",
    "asdf qwer",
    "🙂🙂",
    "",
    "/start group",
    "/menu",
    "start again",
    "Sam Okafor, ward manager",
    "sam@example.org",
    "Thursday after 3, by phone",
    "{hub.name} {lines}",
];

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        3 => (0..TEXTS.len()).prop_map(|nth| Move::Says(TEXTS[nth])),
        3 => (0..12usize).prop_map(Move::Presses),
        1 => (1..400i64).prop_map(Move::Waits),
    ];
    prop::collection::vec(one, 0..14)
}

fn walk<'a>(moves: &[Move]) -> Play<'a> {
    let mut play = Play::new(&ENGINE);
    for step in moves {
        match step {
            Move::Says(text) => {
                let turn = play.says(text);
                assert!(says(&turn).next().is_some() || is_over_limit(&play), "silence after {text:?}");
            }
            Move::Presses(nth) => {
                let choices = play.conversation().prompt.choices;
                if !choices.is_empty() {
                    let choice = choices[nth % choices.len()].id.clone();
                    let turn = play.presses(&choice);
                    assert!(says(&turn).next().is_some(), "silence after pressing {choice}");
                }
            }
            Move::Waits(minutes) => {
                play.after(SignedDuration::from_mins(*minutes));
            }
        }
        assert_not_stuck(&play);
    }
    // The ways out are tried in a minute of their own.
    play.after(SignedDuration::from_mins(2));
    play
}

fn is_over_limit(play: &Play<'_>) -> bool {
    play.conversation().pace.is_some_and(|pace| pace.count > play.engine.hub().person_per_minute)
}

#[test]
fn clock_that_is_set_back_silences_nobody_until_it_is_as_far_again() {
    let mut play = Play::new(&ENGINE);
    let began = play.now;
    while !is_over_limit(&play) {
        play.now = began;
        play.says("thanks");
    }
    play.now = began - SignedDuration::from_hours(1);
    assert!(says(&play.says("thanks")).next().is_some());
}

/// Whatever waits for the person is a question that exists.
fn assert_not_stuck(play: &Play<'_>) {
    let conversation = play.conversation();
    if let (Some(dialogue), Some(step)) = (conversation.dialogue(), conversation.step()) {
        let known = play.engine.content().dialogues.get(dialogue).expect("the dialogue exists");
        assert!(known.step(step).is_some(), "{dialogue}/{step} does not exist");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn help_menu_and_stop_work_from_anywhere(moves in moves()) {
        let mut play = walk(&moves);
        prop_assert!(told(&play.says("help")).contains("999"));
        let menu = play.says("menu");
        prop_assert!(says(&menu).any(|say| say.choices.iter().any(|choice| choice.id == "go.person")));
        prop_assert!(play.conversation().place.is_none());
        let mut play = walk(&moves);
        let stop = play.says("stop");
        prop_assert!(play.conversation().place.is_none());
        prop_assert!(says(&stop).any(|say| !say.choices.is_empty()));
    }

    #[test]
    fn a_person_can_be_asked_for_from_anywhere(moves in moves()) {
        let mut play = walk(&moves);
        let turn = play.says("I want to talk to a person");
        prop_assert!(matches!(play.conversation().holder, Holder::Waiting { .. }), "{}", told(&turn));
        prop_assert!(turn.effects.iter().any(|effect| matches!(effect, Effect::Desk(_)))
            || told(&turn).contains("message"));
    }

    #[test]
    fn danger_is_answered_from_anywhere(moves in moves()) {
        let mut play = walk(&moves);
        let before = play.conversation().route();
        let turn = play.says("I want to kill myself");
        let safety: Vec<_> = says(&turn).filter(|say| say.kind == SayKind::Safety).collect();
        prop_assert!(!safety.is_empty());
        prop_assert!(safety[0].text.contains("999"));
        prop_assert!(matches!(turn.effects.first(), Some(Effect::Say(say)) if say.kind == SayKind::Safety));
        let alerted = turn.effects.iter().any(|effect| matches!(effect, Effect::Desk(post) if post.kind == DeskKind::Alert));
        prop_assert!(alerted);
        prop_assert!(play.conversation().route() >= before.max(Route::C));
    }

    #[test]
    fn nothing_a_person_does_lowers_an_open_flag(moves in moves(), more in moves()) {
        let mut play = walk(&moves);
        let mut route = play.conversation().route();
        for step in &more {
            match step {
                Move::Says(text) => { play.says(text); }
                Move::Presses(_) => { play.says("forget I said that, I'm fine"); }
                Move::Waits(minutes) => { play.after(SignedDuration::from_mins(*minutes)); }
            }
            let now = play.conversation().route();
            prop_assert!(now >= route);
            route = now;
        }
    }

    #[test]
    fn any_text_at_all_is_answered(text in "\\PC{0,400}") {
        let mut play = Play::new(&ENGINE);
        let turn = play.says(&text);
        prop_assert!(says(&turn).next().is_some());
        for say in says(&turn) {
            prop_assert!(!say.text.trim().is_empty());
        }
    }
}

#[test]
fn hard_texts_are_answered_kindly_and_the_conversation_goes_on() {
    let long = "so tired of this ".repeat(6_000);
    let buried =
        format!("{} I've taken 30 paracetamol. {}", "blah blah. ".repeat(5_000), "blah blah. ".repeat(4_000));
    for text in ["", "   ", "🙂🙂🙂", "مرحبا كيف حالك", "\u{202e}olleh", "\u{0}\u{1}\u{7}", long.as_str()]
    {
        let mut play = Play::new(&ENGINE);
        play.says("hello");
        let turn = play.says(text);
        assert!(says(&turn).next().is_some(), "an answer to {:?}", text.chars().take(20).collect::<String>());
        assert!(says(&play.says("I'd like a group")).next().is_some());
        assert_eq!(play.conversation().dialogue(), Some("group_request"));
    }
    let mut play = Play::new(&ENGINE);
    assert!(told(&play.says(&buried)).starts_with("Call 999 now"), "danger is found anywhere in a long text");
}

#[test]
fn a_hub_that_names_no_way_to_reach_it_leaves_no_question_about_it_unanswered() {
    let hub = chatbox_core::engine::Hub { phone: None, email: None, web: None, ..support::hub() };
    let engine = Engine::new(support::content(), hub);
    let mut play = Play::new(&engine);
    play.says("hello");
    for text in ["how do I contact you", "phone number?", "when are you open", "why do you ask"] {
        let turn = play.says(text);
        assert!(says(&turn).any(|say| !say.text.trim().is_empty()), "{text:?} got no answer");
    }
}
