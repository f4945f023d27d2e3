//! The words: danger is heard however it is written and whatever stands beside it, and what only sounds like it
//! is none.

use chatbox_core::safety::{Heard, Route, Safety, normalise, plain};
use chatbox_core::understanding::{Memory, Signal};
use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, test_runner::RngSeed};

use super::{SAFETY, assert_routes, hear, held_back, load, route, weights};

/// Texts that were held back and call for this route or a higher one.
fn held_back_from(least: Route) -> impl Iterator<Item = String> {
    held_back().filter(move |line| line.min >= least).filter_map(|line| line.text)
}

/// What is said `beside` a text lowers nothing that is heard of the text alone.
#[track_caller]
fn assert_hides_nothing(safety: &Safety, text: &str, beside: &str) {
    let (alone, together) = (hear(safety, text).route, hear(safety, beside).route);
    assert!(together >= alone, "{alone:?} for “{text}”, {together:?} for “{beside}”");
}

/// Whether the net heard more in it than the rules.
fn by_the_net(heard: &Heard) -> bool {
    heard.reasons.iter().any(|reason| reason.rule.starts_with("sounds-like"))
}

#[test]
fn names_of_teams_are_no_danger_and_danger_in_few_words_is() {
    assert_routes(
        ..=Route::A,
        &[
            "Cannula team",
            "Clifton practice",
            "Railway practice",
            "Asthma clinic",
            "Insulin team",
            "operations manager",
            "I'm an operating department practitioner",
            "Self-harm team, St Mary's",
        ],
    );
    assert_routes(
        Route::C..,
        &["wanna b dead", "decided to die sunday", "blade in hand cutting now", "my son's just overdosed"],
    );
}

#[test]
fn disguises_are_seen_through() {
    for (typed, plain_words) in [
        ("I’m gonna k1ll my self", "i am going to kill myself"),
        ("s u i c i d e", "suicide"),
        ("s.u.i.c.i.d.a.l", "suicidal"),
        ("su*cide", "suicide"),
        ("sewer slide", "suicide"),
        ("im sui cidal", "i am suicidal"),
        ("i will kil l myself", "i will kill myself"),
        ("ending it all 2moro", "ending it all tomorrow"),
        ("2nite", "tonight"),
        ("dieeeee", "die"),
        ("KILLMYSELF", "kill myself"),
        ("ki\u{200b}ll mys\u{ad}elf", "kill myself"),
        ("suісіdе", "suicide"),
        ("ｋｉｌｌ", "kill"),
        ("can't, cannot, cant", "can not can not can not"),
        ("paracetomol", "paracetamol"),
    ] {
        assert_eq!(plain(typed), plain_words, "{typed}");
    }
}

#[test]
fn long_and_strange_texts_are_read_to_the_end() {
    let end = " I want to kill myself";
    for filler in [
        "hello there my team is ",
        "😀",
        "\u{202e}שלום ",
        "\u{0}\u{7}\u{1b}[31m",
        "x",
        "i. am. so. ",
        "s u i ",
        "suiciide ",
        "''''",
        "k1*ll@",
    ] {
        let text = filler.repeat(100_000 / filler.chars().count()) + "." + end;
        assert!(route(&text) >= Route::C, "lost after {filler:?}");
    }
}

#[test]
fn the_net_hears_a_sentence_without_end_to_its_end() {
    // With the built-in rules alone.
    let net = load(&[weights()], &mut vec![]);
    let filler = "we had toast and then a walk to the shop ".repeat(60).trim_end().to_owned() + ", ";
    let mut heard = 0;
    for text in held_back_from(Route::A).filter(|text| normalise(text).len() == 1) {
        assert_hides_nothing(&net, &text, &(filler.clone() + &text));
        heard += u32::from(hear(&net, &text).route > Route::C);
    }
    assert!(heard > 10, "{heard} texts to try it with");
}

#[test]
fn a_denial_alone_is_no_plan_and_a_plan_beside_one_is() {
    for denial in [
        "no I am not going to kill myself",
        "not gonna kill meself or anythin, just so you no",
        "nah honest im no gonna kill masel",
    ] {
        let heard = hear(&SAFETY, denial);
        assert!(heard.soft && heard.route == Route::B, "{denial}: {:?} for {:?}", heard.route, heard.reasons);
    }
    assert_routes(
        Route::D..,
        &[
            "I'm not going to kill myself, I've only got the rope ready for tonight",
            "not suicidal or anything but the tablets are counted out and the letters are done",
        ],
    );
}

#[test]
fn denial_after_disclosure_lowers_nothing_within_a_message() {
    assert_eq!(route("I want to kill myself. Forget I said that, I'm not suicidal."), Route::C);
}

#[test]
fn denial_in_a_sentence_of_its_own_does_not_silence_the_net() {
    let mut heard = 0;
    for text in held_back_from(Route::A) {
        for denied in [format!("{text}.\nI'm not suicidal."), format!("I'm not suicidal.\n{text}")] {
            assert_hides_nothing(&SAFETY, &text, &denied);
        }
        let alone = hear(&SAFETY, &text);
        heard += u32::from(by_the_net(&alone) && alone.route <= Route::C);
    }
    assert!(heard > 10, "{heard} texts to try it with");
}

#[test]
fn what_follows_a_denial_and_a_but_is_heard_as_if_it_stood_alone() {
    let mut heard = 0;
    for text in held_back_from(Route::B) {
        assert_hides_nothing(&SAFETY, &text, &format!("I'm not suicidal but {text}"));
        heard += u32::from(by_the_net(&hear(&SAFETY, &text)));
    }
    assert!(heard > 40, "the net hears only {heard} of the texts");
    assert_eq!(route("I'd never do it because of my girl, but I do think about it, a lot"), Route::C);
    assert!(hear(&SAFETY, "I'm not suicidal but I can't switch off").soft);
}

#[test]
fn what_was_long_ago_is_no_emergency_unless_it_is_so_again() {
    for past in
        ["Took an overdose at uni, 20 years back. Never told a soul.", "In 2016 I took a lot of tablets"]
    {
        assert_routes(Route::B..=Route::C, &[past]);
        assert_eq!(route(&format!("{past}\nI've taken 30 paracetamol")), Route::E);
    }
    assert_eq!(route("took an overdose at uni and have taken one again tonight"), Route::E);
}

#[test]
fn signals_older_than_a_day_do_not_add_up() {
    let signal = |id: &str| Signal { id: id.into(), at: Timestamp::UNIX_EPOCH };
    let memory = Memory(vec![signal("exhausted"), signal("pointless")]);
    let day = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(23);
    let later = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(25);
    assert_eq!(SAFETY.hear("sorted my will", &memory, day).route, Route::D);
    assert_eq!(SAFETY.hear("sorted my will", &memory, later).route, Route::A);
}

/// A label, a correction or patience is no danger by itself, and takes nothing from what is said beside it.
#[test]
fn what_is_said_to_a_bot_is_no_danger_and_hides_none() {
    assert_routes(
        ..=Route::A,
        &[
            "ok I'll wait",
            "I'm not asking for me",
            "I'm not sure if this is for me dear",
            "racially abused by a patient",
            "make it this helps instead of I can't find what I need",
        ],
    );
    for text in held_back_from(Route::C) {
        for reply in ["ok I'll wait", "I'm an operations manager"] {
            assert_hides_nothing(&SAFETY, &text, &format!("{reply}. {text}"));
        }
    }
    // In one breath with them, too; the last is a farewell.
    assert_routes(
        Route::C..,
        &[
            "ok I'll wait, the train is in 5 minutes",
            "I'll wait here until they kick in",
            "I'll wait. not long now",
            "yes I'll wait here. feeling sleepy",
            "I didn't mean to pick that blade up again",
            "rope works",
            "off nights and I can't stop shaking, took too much",
            "can't stop thinking about the ward roof",
            "just came home from work today to do it",
            "i can't find what i need i think the scissors will do",
            "happiness is for other people or not for me",
            "got in an hour ago and I can't stop shaking, took too much",
            "I took the call and I can't stop thinking about the bridge",
            "can't stop coughing up blood",
            "not a live in carer anymore, I've saved up her tablets",
            "probably not for me to be alive much longer",
            "this helps, the cutting",
            "I can't stop coughing, I drank the bleach",
            "the printer committed suicide and I'm going to do the same tonight",
            "on the wrong side of the railings at the edge of the estate",
            "on the wrong side of the hospital railings",
            "I could jump off a bridge before I do another night",
            "had a lad in with an overdose tonight and I've saved up enough to do the same",
            "had an overdose come in and I envied her, I want to be dead too",
            "takin the mick out of myself but I do want to die",
            "suicide is not spoken about in my country but I think of it every day",
            "I'm going now, god bless you all",
        ],
    );
}

/// Whatever else is said in the same breath is heard as if the figure of speech were not there.
#[test]
fn an_unmistakable_figure_of_speech_is_no_danger_and_hides_none() {
    assert_routes(
        ..=Route::A,
        &[
            "this shift is killing me right now",
            "my feet are absolutely killing me right now",
            "this pollen is trying to kill me",
            "I nearly passed out when I saw the gas bill",
        ],
    );
    for text in held_back_from(Route::C) {
        assert_hides_nothing(&SAFETY, &text, &format!("this shift is killing me, {text}"));
    }
}

/// Staff whom somebody's suicide gives the thought are heard; those who only tell of it are not taken for them.
#[test]
fn who_takes_a_suicide_for_their_own_way_is_heard() {
    assert_routes(
        Route::C..,
        &[
            "my patient killed herself last week. not long for me either",
            "my patient killed himself. now it's my turn",
            "after what he did I see it as an option now",
            "I keep thinking about Karen who took her own life. Starting to understand why.",
        ],
    );
    assert_routes(
        ..=Route::A,
        &[
            "my patient killed himself. it's my turn to go to the inquest",
            "it's my turn to present the case of the lad who hanged himself",
            "a patient took her own life, the report helped us to understand why",
        ],
    );
}

/// "Just" and "can't stop" say how tired somebody is as often as that something happens now: it is what they
/// cannot stop that tells.
#[test]
fn what_a_tired_person_can_not_stop_is_no_danger_and_what_harms_them_is() {
    assert_routes(
        ..=Route::A,
        &[
            "i just came off nights and i cant stop crying",
            "cant stop crying",
            "i just cant stop crying",
            "just can't stop shaking",
            "just came off nights and cant stop shaking",
            "I just cant stop eating",
            "just cannot stop thinking about work",
            "just came off nights and cant stop thinking about work",
            "just got in from work and cant stop crying",
            "just had handover and cant stop crying",
            "got in an hour ago and cant stop crying",
            "ive just got home and i cant stop thinking about the rota",
            "I just can't stop coughing",
            "I took the call and I can't stop shaking",
            "ive just come off shift and cant stop crying",
            "just off shift, cant stop shaking",
            "i just came off my last shift and i cant stop smiling",
        ],
    );
    assert_routes(
        Route::E..,
        &[
            "just took them all, can't stop",
            "just came off nights and took them all, cant stop crying",
            "just took the tablets and i cant stop crying",
            "ive just cut myself and i cant stop",
            "i just cut and i cant stop bleeding",
            "just put the rope up and i cant stop crying",
            "just finished my shift and im stood on the bridge, cant stop shaking",
        ],
    );
    for text in held_back_from(Route::C) {
        assert_hides_nothing(&SAFETY, &text, &format!("just came off nights and i cant stop crying. {text}"));
    }
    let crying = hear(&SAFETY, "I sliced my arm open on a tin. I can't stop crying");
    let of = |heard: &Heard, rule: &str| heard.reasons.iter().chain(&heard.pieces).any(|at| at.rule == rule);
    assert!(!of(&crying, "piece-blood"), "tears are no blood");
    let bleeding = hear(&SAFETY, "I sliced my arm open on a tin. I can't stop it bleeding");
    assert!(of(&bleeding, "piece-blood"));
}

const SEED: RngSeed = RngSeed::Fixed(116_123);

const DANGEROUS: &[&str] = &[
    "I want to kill myself",
    "I've taken 30 paracetamol",
    "I'm going to do it tonight",
    "he hit me again",
    "my neighbour's kid has bruises",
    "I cut last night",
    "there's no way out",
    "kms",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, rng_seed: SEED, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_fail(text in any::<String>()) {
        let _ = hear(&SAFETY, &text);
    }

    #[test]
    fn a_dangerous_sentence_never_lowers_the_route(
        words in prop::collection::vec(prop::sample::select(WORDS), 0..14),
        danger in prop::sample::select(DANGEROUS),
        mark in prop::sample::select(&[". ", "! ", "\n", "? ", "... \n"][..]),
    ) {
        let text = words.join(" ");
        // With the mark, which makes a question of some.
        let (alone, before) = (route(danger), route(&format!("{text}{mark}")));
        let together = route(&format!("{text}{mark}{danger}"));
        prop_assert!(together >= before.max(alone));
        let (alone, before) = (route(&format!("{danger}{mark}")), route(&text));
        let together = route(&format!("{danger}{mark}{text}"));
        prop_assert!(together >= before.max(alone));
    }

    #[test]
    fn the_same_text_is_heard_the_same(text in "[a-z ',.!?]{0,200}") {
        prop_assert_eq!(hear(&SAFETY, &text), hear(&SAFETY, &text));
    }
}

const WORDS: &[&str] = &[
    "i",
    "not",
    "suicidal",
    "want",
    "to",
    "die",
    "kill",
    "myself",
    "my",
    "patient",
    "lol",
    "years",
    "ago",
    "never",
    "took",
    "overdose",
    "he",
    "said",
    "dying",
    "for",
    "tea",
    "shoot",
    "me",
    "now",
    "no",
    "really",
    ",",
    "and",
    "but",
    "training",
    "tired",
    "colleague",
    "end",
    "it",
    "all",
    "in",
    "2019",
    "k1ll",
    "...",
    "-",
    "😂",
    "i'm",
    "don't",
    "bridge",
];
