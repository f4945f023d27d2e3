//! The desk, on conversations that go anywhere: who may act, who speaks, and that nobody is left
//! waiting without somebody being reminded.

#[expect(dead_code, reason = "shared by several test programs, each of which uses a part")]
mod support;

use std::sync::LazyLock;

use chatbox_core::{
    channel::Confidentiality,
    conversation::Holder,
    effect::{AuditKind, DeskKind, Effect, SayKind},
    engine::{Engine, Turn},
    ids::{ChannelKind, Reference},
    input::{DeskMessage, InputKind, Message},
    safety::Route,
};
use jiff::SignedDuration;
use proptest::prelude::*;
use support::{Play, says, told};

static ENGINE: LazyLock<Engine> = LazyLock::new(support::engine);

/// Content is edited while people are in it: a question may have become a sentence.
#[test]
fn nobody_is_met_with_silence_where_the_check_in_asks_nothing_any_more() {
    let mut play = Play::new(&ENGINE);
    play.says("I want to kill myself");
    let mut conversation = play.conversation();
    let step = "also_abuse";
    let asks = ENGINE.content().dialogues.get("check_in").and_then(|dialogue| dialogue.ask(step));
    assert!(asks.is_none(), "{step} is a step that asks nothing");
    conversation.place.as_mut().expect("the check-in").step = step.to_owned();
    play.state = serde_json::to_string(&conversation).expect("state is JSON");
    assert!(!told(&play.says("I don't know")).is_empty());
}

/// What may happen next.
#[derive(Debug, Clone)]
enum Move {
    Says(&'static str),
    Edits(usize, &'static str),
    Presses(usize),
    Waits(i64),
    Desk(&'static str, &'static str),
    DeskEdits(&'static str, usize, &'static str),
    DeskUnsends(&'static str, usize),
    Undelivered(bool),
    Leaves(&'static str),
    Comes(&'static str),
    /// How private the next messages come.
    Via(Confidentiality),
    /// There is no desk any more.
    Closes,
}

const TEXTS: &[&str] = &[
    "hello",
    "I want to set up a group for my team",
    "closed fortnightly group for 8 nurses",
    "that's all",
    "yes",
    "no",
    "I'd like to talk to a person",
    "anyone but Camden Council",
    "delete my data",
    "hide this chat",
    "carry on with the form",
    "menu",
    "stop",
    "there's no way out",
    "I want to kill myself",
    "I've taken 30 paracetamol",
    "he hit me again",
    "asdf qwer",
    "",
];

const DESK: &[&str] = &[
    "/take",
    "/take anyway",
    "/release",
    "/safe",
    "/safe.talked",
    "/safe she is with her sister",
    "/ack",
    "/ack tomorrow",
    "/close",
    "/close.landed",
    "/note a note",
    "/transfer carol",
    "/transfer bob",
    "/reply",
    "/reply.hello",
    "/send something",
    "/history 5",
    "/queue",
    "/identify a reason",
    "/help",
    "/nothing of the sort",
    "plain words",
    "",
];

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let who = prop_oneof![Just("bob"), Just("carol"), Just("mallory")];
    let text = (0..TEXTS.len()).prop_map(|nth| TEXTS[nth]);
    let command = (0..DESK.len()).prop_map(|nth| DESK[nth]);
    let one = prop_oneof![
        6 => text.clone().prop_map(Move::Says),
        1 => (1..9usize, text).prop_map(|(nth, text)| Move::Edits(nth, text)),
        3 => (0..8usize).prop_map(Move::Presses),
        2 => (1..900i64).prop_map(Move::Waits),
        9 => (who.clone(), command.clone()).prop_map(|(who, text)| Move::Desk(who, text)),
        1 => (who.clone(), 1..9usize, command).prop_map(|(who, nth, text)| Move::DeskEdits(who, nth, text)),
        1 => (who.clone(), 1..9usize).prop_map(|(who, nth)| Move::DeskUnsends(who, nth)),
        1 => any::<bool>().prop_map(Move::Undelivered),
        1 => who.clone().prop_map(Move::Leaves),
        1 => who.prop_map(Move::Comes),
        1 => prop_oneof![Just(Confidentiality::Platform), Just(Confidentiality::Encrypted)].prop_map(Move::Via),
    ];
    // Once it is gone nothing much happens.
    let one = prop_oneof![60 => one, 1 => Just(Move::Closes)];
    prop::collection::vec(one, 0..24)
}

/// Plays one move. Returns the turns that it led to.
fn play_one(play: &mut Play<'_>, step: &Move) -> Vec<Turn> {
    let case = play.conversation().case;
    let desk = |who: &&'static str, id: Option<String>, text: &str, edited, redacted| {
        let said = Message { text: text.to_owned(), id, edited, ..Message::default() };
        InputKind::Desk(DeskMessage { by: (*who).to_owned(), case: case.clone(), said, redacted })
    };
    match step {
        Move::Says(text) => vec![play.says(text)],
        Move::Edits(nth, text) => vec![play.edits(&format!("m{nth}"), text)],
        Move::Presses(nth) => {
            let choices = play.conversation().prompt.choices;
            if choices.is_empty() {
                return Vec::new();
            }
            vec![play.presses(&choices[nth % choices.len()].id)]
        }
        Move::Waits(minutes) => play.after(SignedDuration::from_mins(*minutes)),
        Move::Undelivered(safety) => {
            vec![play.input(InputKind::Undelivered { safety: *safety, change: false })]
        }
        Move::Leaves(who) => {
            if *who != "mallory" {
                play.desk.members.remove(*who);
            }
            Vec::new()
        }
        Move::Comes(who) => {
            if *who != "mallory" {
                play.enrol(who);
            }
            Vec::new()
        }
        Move::Via(level) => {
            play.via = Some(*level);
            Vec::new()
        }
        Move::Closes => {
            play.desk.exists = false;
            Vec::new()
        }
        // Nobody can write in a thread that does not exist.
        Move::Desk(..) | Move::DeskEdits(..) | Move::DeskUnsends(..) if case.is_none() => Vec::new(),
        Move::Desk(who, text) => vec![play.desk(who, text)],
        Move::DeskEdits(who, nth, text) => {
            vec![play.input(desk(who, Some(format!("d{nth}")), text, true, false))]
        }
        Move::DeskUnsends(who, nth) => {
            vec![play.input(desk(who, Some(format!("d{nth}")), "", false, true))]
        }
    }
}

fn walk<'a>(moves: &[Move]) -> Play<'a> {
    let mut play = Play::new(&ENGINE);
    for step in moves {
        play_one(&mut play, step);
    }
    play
}

/// What reaches nobody but colleagues in the thread, and leaves no trace but the audit record.
fn is_only_an_answer(turn: &Turn) -> bool {
    turn.effects.iter().all(|effect| match effect {
        Effect::Desk(post) => post.kind == DeskKind::Notice && !post.identify && post.history == 0,
        Effect::Audit { what, .. } => *what == AuditKind::Refused,
        Effect::Say(_)
        | Effect::Save(_)
        | Effect::SetTimer { .. }
        | Effect::CancelTimer { .. }
        | Effect::Amend { .. }
        | Effect::ClearChat { .. }
        | Effect::Erase { .. } => false,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn nobody_acts_at_the_desk_who_is_not_enrolled(
        moves in moves(),
        who in prop_oneof![Just("mallory"), Just("Bob"), Just("bob "), Just(""), Just("@bob:elsewhere.example")],
        text in prop_oneof![(0..DESK.len()).prop_map(|nth| DESK[nth].to_owned()), "[/!]?\\PC{0,40}"],
        id in prop::option::of("d[1-9]"),
        (edited, redacted) in any::<(bool, bool)>(),
    ) {
        let mut play = walk(&moves);
        play.settle_holder();
        let before = play.conversation();
        let case = before.case.clone().or_else(|| Some(Reference("CSE-00000".to_owned())));
        let said = Message { text, id, edited, ..Message::default() };
        let message = DeskMessage { by: who.to_owned(), case, said, redacted };
        let turn = play.input(InputKind::Desk(message.clone()));
        prop_assert_eq!(play.conversation(), before);
        prop_assert!(is_only_an_answer(&turn), "{:?}", turn.effects);
        for effect in ENGINE.desk_room(&DeskMessage { case: None, ..message }, play.now, &play.desk) {
            let refused = matches!(&effect, Effect::Desk(post) if post.case.is_none())
                || matches!(&effect, Effect::Audit { what: AuditKind::Refused, .. });
            prop_assert!(refused, "{:?}", effect);
        }
    }

    #[test]
    fn the_bot_is_silent_while_a_practitioner_holds(moves in moves(), before in 0..6usize) {
        let mut play = Play::new(&ENGINE);
        play.kind = ChannelKind::Matrix;
        // Most walks take long until somebody holds: half of these begin there.
        let start = [Move::Says("I'd like to talk to a person"), Move::Desk("bob", "/take")];
        let moves: Vec<Move> = start.into_iter().filter(|_| before < 3).chain(moves).collect();
        for step in &moves {
            let before = play.conversation();
            for turn in play_one(&mut play, step) {
                let (was, is) = (&before.holder, &turn.conversation.holder);
                if was == is && matches!(is, Holder::Practitioner { .. }) {
                    for say in says(&turn) {
                        prop_assert!(say.kind != SayKind::Bot, "{:?}", say);
                    }
                }
            }
        }
    }

    #[test]
    fn only_who_holds_the_conversation_reaches_the_person(moves in moves()) {
        let mut play = Play::new(&ENGINE);
        for step in &moves {
            let before = play.conversation();
            let enrolled = |who: &str| play.desk.members.contains_key(who);
            let holds = match (step, &before.holder) {
                (Move::Desk(who, _) | Move::DeskEdits(who, ..), Holder::Practitioner { id, .. }) => {
                    who == id && enrolled(id)
                }
                _ => false,
            };
            for turn in play_one(&mut play, step) {
                let relayed = says(&turn).any(|say| say.kind == SayKind::Relay);
                prop_assert!(!relayed || holds, "{:?} by {:?}", step, before.holder);
                let amends = turn.effects.iter().any(|effect| matches!(effect, Effect::Amend { .. }));
                if let (Move::DeskUnsends(who, nth), true) = (step, amends) {
                    let id = format!("d{nth}");
                    let wrote = before.desk.relayed.iter().any(|it| it.id == id && it.by.as_deref() == Some(who));
                    prop_assert!(wrote, "{:?} takes back what somebody else wrote", step);
                }
            }
        }
    }

    #[test]
    fn nobody_waits_without_somebody_being_reminded(moves in moves()) {
        let mut play = Play::new(&ENGINE);
        for step in &moves {
            play_one(&mut play, step);
            let timers = play.timer_names();
            match play.conversation().holder {
                Holder::Bot => {}
                Holder::Waiting { .. } => prop_assert!(timers.contains(&"desk.wait"), "{:?} {:?}", step, timers),
                Holder::Practitioner { .. } => {
                    prop_assert!(timers.contains(&"desk.hold"), "{:?} {:?}", step, timers);
                }
            }
        }
    }

    #[test]
    fn a_flag_of_c_or_above_ends_by_a_practitioners_reason_alone(moves in moves()) {
        let mut play = Play::new(&ENGINE);
        for step in &moves {
            let before = play.conversation();
            let turns = play_one(&mut play, step);
            let after = play.conversation();
            if before.route() >= Route::C && after.route() < before.route() {
                let reason = matches!(step, Move::Desk("bob" | "carol", text) if text.starts_with("/safe") && *text != "/safe");
                prop_assert!(reason, "{:?}", step);
                let audited = turns.iter().flat_map(|turn| &turn.effects).any(|effect| {
                    matches!(effect, Effect::Audit { what: AuditKind::FlagClosed, by: Some(_), .. })
                });
                prop_assert!(audited);
            }
        }
    }

    #[test]
    fn the_epoch_rises_with_every_change_of_hands_and_with_nothing_else(moves in moves()) {
        let mut play = Play::new(&ENGINE);
        for step in &moves {
            let mut before = play.conversation();
            for turn in play_one(&mut play, step) {
                let after = &turn.conversation;
                // Who is forgotten begins anew.
                if !turn.effects.iter().any(|effect| matches!(effect, Effect::Erase { .. })) {
                    let holder = |holder: &Holder| match holder {
                        Holder::Practitioner { id, .. } => Some(id.clone()),
                        Holder::Bot | Holder::Waiting { .. } => None,
                    };
                    let changed = holder(&before.holder) != holder(&after.holder);
                    prop_assert_eq!(after.epoch > before.epoch, changed, "{:?}", step);
                }
                before = turn.conversation;
            }
        }
    }
}

#[test]
fn lines_stand_for_a_while_and_are_shown_again_when_it_gets_worse() {
    let mut play = Play::new(&ENGINE);
    play.says("I'd like to talk to somebody");
    play.desk("bob", "/take");
    assert!(told(&play.says("I want to kill myself")).contains("116 123"));
    let again = play.says("I just want to die");
    assert_eq!(told(&again), "", "not over and over");
    let alert = |turn: &Turn| {
        turn.effects.iter().any(|effect| matches!(effect, Effect::Desk(post) if post.kind == DeskKind::Alert))
    };
    assert!(alert(&again), "the practitioner hears of each");
    assert!(told(&play.says("I've taken all the pills")).contains("Call 999 now"));
    play.desk("bob", "I'm here");
    play.after(SignedDuration::from_mins(31));
    assert!(told(&play.says("I want to die")).contains("116 123"), "after a while they are shown again");
}

#[test]
fn a_no_to_are_you_safe_counts_while_a_practitioner_holds() {
    for pressed in [false, true] {
        let mut play = Play::new(&ENGINE);
        play.says("I want to kill myself");
        play.desk("bob", "/take");
        let turn = if pressed { play.presses("no") } else { play.says("no") };
        assert_eq!(play.conversation().route(), Route::D);
        assert!(told(&turn).contains("999"), "{}", told(&turn));
        // The next is an answer to the practitioner.
        play.desk("bob", "Are you at home?");
        play.says("no");
        assert_eq!(play.conversation().route(), Route::D);
    }
}

#[test]
fn gaps_and_dead_numbers_come_to_the_room_as_a_digest_each() {
    let gap = |words: &str, needs: &[&str]| serde_json::json!({"gap": words, "needs": needs});
    let gaps = [gap("a choir", &["loneliness"]), gap("nights\ntoo", &["sleep", "loneliness"]), gap("", &[])];
    let effects = ENGINE.gap_digest(&gaps);
    let [Effect::Desk(post)] = effects.as_slice() else { panic!("one post, not {effects:?}") };
    assert_eq!((post.case.as_ref(), post.kind), (None, DeskKind::Notice));
    let rows: Vec<&str> = post.text.lines().collect();
    assert!(rows[0].ends_with(": 3."), "{rows:?}");
    assert!(rows[1].ends_with(": 2") && rows[2].ends_with(": 1"), "the most wanted first: {rows:?}");
    assert!(rows.contains(&"“nights too”"));
    let number = serde_json::json!({"needs": ["sleep"], "which_number": "the sleep line"});
    let both = serde_json::json!({"gap": "a choir", "needs": [], "which_number": "the sleep line"});
    let effects = ENGINE.gap_digest(&[number, both]);
    let [Effect::Desk(gaps), Effect::Desk(numbers)] = effects.as_slice() else {
        panic!("not two: {effects:?}")
    };
    assert!(gaps.text.contains("in the last week: 1.") && gaps.text.ends_with("“a choir”"), "{}", gaps.text);
    assert!(numbers.text.ends_with("last week: 1.\nIn their words:\n“the sleep line”"), "{}", numbers.text);
    assert!(ENGINE.gap_digest(&[]).is_empty());
}
