//! The safety rules as they ship: floor, examples, corpus, and what must hold for any text.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly")]
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use chatbox_core::content::{Finding, Severity};
use chatbox_core::safety::{
    Heard, Kind, Lesson, Route, Safety, Shares, SignOff, WEIGHTS, digest, learn, normalise, plain,
};
use chatbox_core::understanding::{Memory, Signal};
use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, test_runner::RngSeed};

fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/content/safety");
    let mut files: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml" || ending == "weights"))
        .map(|path| {
            let name = format!("safety/{}", path.file_name().unwrap().to_str().unwrap());
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// The files of examples, by the names that their digest is made of.
fn examples() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/content/safety/examples");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = format!("safety/examples/{}", path.file_name().unwrap().to_str().unwrap());
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn load(findings: &mut Vec<Finding>) -> Safety {
    let files = files();
    let borrowed: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Safety::load(&borrowed, findings)
}

fn hear(safety: &Safety, text: &str) -> Heard {
    safety.hear(text, &Memory::default(), Timestamp::UNIX_EPOCH)
}

fn listed(findings: &[Finding]) -> String {
    findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn built_in_rules_alone_hold_the_floor() {
    let mut findings = vec![];
    let safety = Safety::load(&[], &mut findings);
    findings.extend(safety.check_examples());
    assert!(findings.is_empty(), "{}", listed(&findings));
}

#[test]
fn names_of_teams_are_no_danger_and_danger_in_few_words_is() {
    let safety = load(&mut vec![]);
    for name in [
        "Cannula team",
        "Clifton practice",
        "Railway practice",
        "Asthma clinic",
        "Insulin team",
        "operations manager",
        "I'm an operating department practitioner",
        "Self-harm team, St Mary's",
    ] {
        assert_eq!(hear(&safety, name).route, Route::A, "{name}");
    }
    for danger in
        ["wanna b dead", "decided to die sunday", "blade in hand cutting now", "my son's just overdosed"]
    {
        assert!(hear(&safety, danger).route >= Route::C, "{danger}");
    }
}

#[test]
fn every_rule_finds_its_own_examples() {
    let mut findings = vec![];
    let safety = load(&mut findings);
    findings.extend(safety.check_examples());
    assert!(findings.is_empty(), "{}", listed(&findings));
    assert_eq!(hear(&safety, "").reasons, vec![]);
}

/// A line of a corpus: one text or several in turn, and what must be heard in the last.
#[derive(serde::Deserialize)]
struct Line {
    text: Option<String>,
    #[serde(default)]
    texts: Vec<String>,
    group: String,
    min: Route,
    #[serde(default = "highest")]
    max: Route,
    #[serde(default)]
    kinds: Vec<Kind>,
    #[serde(default)]
    soft: bool,
}

fn highest() -> Route {
    Route::E
}

fn wrong_lines(safety: &Safety, corpus: &str) -> Vec<String> {
    let mut wrong = vec![];
    for line in corpus.lines().filter(|line| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line).unwrap();
        let texts = line.text.map_or(line.texts, |text| vec![text]);
        let heard = hear_in_turn(safety, &texts);
        let route = (line.min..=line.max).contains(&heard.route);
        let soft = heard.soft == line.soft || line.group == "soft_denial";
        let kinds = line.kinds.iter().all(|kind| heard.kinds.contains(kind));
        if !route || !soft || !kinds {
            let rules: Vec<_> =
                heard.reasons.iter().map(|reason| format!("{}: {}", reason.rule, reason.words)).collect();
            wrong.push(format!(
                "{} {:?} {texts:?} {:?} ({})\n",
                line.group,
                heard.route,
                heard.kinds,
                rules.join("; ")
            ));
        }
    }
    wrong
}

fn hear_in_turn(safety: &Safety, texts: &[String]) -> Heard {
    let mut memory = Memory::default();
    let mut heard = Heard::default();
    for text in texts {
        heard = safety.hear(text, &memory, Timestamp::UNIX_EPOCH);
        let signals = heard.signals.iter().map(|id| Signal { id: id.clone(), at: Timestamp::UNIX_EPOCH });
        memory.0.extend(signals);
    }
    heard
}

#[test]
fn examples_are_heard_as_they_say_but_for_those_listed_as_missed() {
    let safety = load(&mut vec![]);
    let missed: BTreeSet<String> = include_str!("safety/missed.jsonl").lines().map(str::to_owned).collect();
    let mut wrong = BTreeSet::new();
    let mut news = vec![];
    for line in examples().iter().flat_map(|(_, text)| text.lines()) {
        let faults = wrong_lines(&safety, line);
        if !faults.is_empty() {
            wrong.insert(line.to_owned());
            news.extend(faults.into_iter().filter(|_| !missed.contains(line)));
        }
    }
    assert!(news.is_empty(), "{} are not in missed.jsonl:\n{}", news.len(), news.concat());
    let heard: Vec<&String> = missed.difference(&wrong).collect();
    assert!(heard.is_empty(), "these are heard by now, take them out of missed.jsonl: {heard:#?}");
}

/// Texts that neither rules nor weights were made with. What they must reach is what was promised.
#[test]
fn held_back_texts_are_heard_as_often_as_promised() {
    let safety = load(&mut vec![]);
    let mut groups: BTreeMap<String, [u32; 4]> = BTreeMap::new();
    for line in include_str!("safety/held_back.jsonl").lines() {
        let line: Line = serde_json::from_str(line).unwrap();
        let heard = hear(&safety, &line.text.unwrap());
        let group = match line.group.as_str() {
            "self_harm" => "explicit_thoughts",
            "happening_now" | "means_or_plan" | "explicit_thoughts" => &line.group,
            _ if line.max == Route::A => "harmless",
            "soft_denial" => continue,
            _ => "others",
        };
        let [all, right, below_c, above_c] = groups.entry(group.to_owned()).or_default();
        *all += 1;
        *right += u32::from(match group {
            "harmless" => heard.route == Route::A,
            "others" => heard.route >= Route::B,
            _ => heard.route >= line.min,
        });
        *below_c += u32::from(heard.route < Route::C);
        *above_c += u32::from(heard.route > Route::C);
    }
    let share = |group: &str, of: usize| groups[group][of] * 100 / groups[group][0];
    for (group, least) in [
        ("happening_now", 97),
        ("means_or_plan", 97),
        ("explicit_thoughts", 97),
        ("others", 90),
        ("harmless", 95),
    ] {
        assert!(share(group, 1) >= least, "{group}: {:?}", groups[group]);
    }
    assert_eq!((groups["happening_now"][2], groups["means_or_plan"][2]), (0, 0), "none of them below C");
    assert!(share("others", 3) <= 10, "others: {:?}", groups["others"]);
}

/// Never learned from: what people answer to a form, and tell the bot to do.
#[test]
fn answers_and_commands_are_not_taken_for_danger() {
    let safety = load(&mut vec![]);
    let (mut all, mut taken) = (0u32, Vec::new());
    for line in include_str!("safety/answers.jsonl").lines() {
        let text = serde_json::from_str::<Line>(line).unwrap().text.unwrap();
        all += 1;
        if hear(&safety, &text).route > Route::A {
            taken.push(text);
        }
    }
    assert!(all > 200 && taken.len() * 100 <= all as usize * 2, "{taken:?} of {all}");
}

#[test]
fn the_weights_are_what_the_examples_teach() {
    let files = examples();
    let lessons: Vec<Lesson> = files
        .iter()
        .flat_map(|(_, text)| text.lines())
        .filter_map(|line| Lesson::parse(line).unwrap())
        .collect();
    let named: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let learnt = learn(&lessons, &digest(&named), &Shares::default());
    let weights = self::files().into_iter().find(|(path, _)| path == WEIGHTS).unwrap().1;
    assert!(learnt.weights == weights, "run `chatbox learn`, and commit the weights with the examples");
}

/// Parts that are put together in every way, and what must be heard in each text.
#[derive(serde::Deserialize)]
struct Combinations {
    group: String,
    min: Route,
    #[serde(default = "highest")]
    max: Route,
    #[serde(default)]
    kinds: Vec<Kind>,
    parts: Vec<Vec<String>>,
}

#[test]
fn every_combination_of_its_parts_is_heard() {
    let safety = load(&mut vec![]);
    let mut wrong = vec![];
    for line in include_str!("safety/combinations.jsonl").lines() {
        let line: Combinations = serde_json::from_str(line).unwrap();
        let texts = line.parts.iter().fold(vec![String::new()], |texts, part| {
            let join = |text: &String| part.iter().map(|more| format!("{text} {more}")).collect::<Vec<_>>();
            texts.iter().flat_map(join).collect()
        });
        for text in texts {
            let heard = hear(&safety, &text);
            let kinds = line.kinds.iter().all(|kind| heard.kinds.contains(kind));
            if !(line.min..=line.max).contains(&heard.route) || !kinds {
                wrong.push(format!("{} {:?}{text:?} {:?}\n", line.group, heard.route, heard.kinds));
            }
        }
    }
    assert!(wrong.is_empty(), "{} texts:\n{}", wrong.len(), wrong.concat());
}

#[test]
fn denial_after_disclosure_lowers_nothing_within_a_message() {
    let safety = load(&mut vec![]);
    assert_eq!(hear(&safety, "I want to kill myself. Forget I said that, I'm not suicidal.").route, Route::C);
}

#[test]
fn signals_older_than_a_day_do_not_add_up() {
    let safety = load(&mut vec![]);
    let signal = |id: &str| Signal { id: id.into(), at: Timestamp::UNIX_EPOCH };
    let memory = Memory(vec![signal("exhausted"), signal("pointless")]);
    let day = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(23);
    let later = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(25);
    assert_eq!(safety.hear("sorted my will", &memory, day).route, Route::D);
    assert_eq!(safety.hear("sorted my will", &memory, later).route, Route::A);
}

#[test]
fn content_cannot_hide_a_floor_example() {
    let greedy = r#"
scopes:
  - name: greedy
    explain: Hides far too much.
    scope: idiom
    patterns: ["kill myself"]
    examples: ["kill myself"]
"#;
    let mut findings = vec![];
    let safety = Safety::load(&[("safety/greedy.yaml", greedy)], &mut findings);
    assert_eq!(hear(&safety, "I want to kill myself").route, Route::C);
    assert!(
        listed(&findings).contains("safety/greedy.yaml:7:16: error: Scope “greedy” hides a built-in example")
    );
}

#[test]
fn a_rule_that_needs_a_murmur_counts_unless_the_net_hears_nothing_where_it_can() {
    let kettles = r"
needs_murmur: true
rules:
  - name: kettle
    explain: Kettles scald.
    route: C
    kinds: [medical]
    patterns: [kettle]
    examples: [kettle]
  - name: urn
    explain: Urns scald whatever the net hears.
    route: C
    kinds: [medical]
    needs_murmur: false
    patterns: [urn]
    examples: [urn]
";
    let files = files();
    let weights = files.iter().find(|(path, _)| path == WEIGHTS).unwrap();
    let rules = ("safety/kettles.yaml", kettles);
    let with_net = Safety::load(&[rules, (&weights.0, &weights.1)], &mut vec![]);
    let alone = Safety::load(&[rules], &mut vec![]);
    let tea = "we put the kettle on after lunch";
    assert_eq!((hear(&with_net, tea).route, hear(&with_net, tea).kinds.len()), (Route::A, 0));
    assert_eq!(hear(&alone, tea).route, Route::C);
    assert_eq!(
        hear(&with_net, "we put the urn on after lunch").route,
        Route::C,
        "it says that it needs none"
    );
    let long = format!("{tea} and then we sat in the sun {}", "with biscuits and tea ".repeat(6));
    for heard in ["I can't cope, he threw the kettle at me", "The. Kettle. Boiled.", &long] {
        assert!(hear(&with_net, heard).route >= Route::C, "{heard}");
    }
}

/// A label, a correction or patience is no danger by itself, and takes nothing from what is said beside it.
#[test]
fn what_is_said_to_a_bot_is_no_danger_and_hides_none() {
    for reply in [
        "ok I'll wait",
        "I'm not asking for me",
        "I'm not sure if this is for me dear",
        "racially abused by a patient",
        "make it this helps instead of I can't find what I need",
    ] {
        assert_eq!(hear(&SAFETY, reply).route, Route::A, "{reply}");
    }
    let held_back = include_str!("safety/held_back.jsonl").lines();
    let lines = held_back.map(|line| serde_json::from_str::<Line>(line).unwrap());
    for text in lines.filter(|line| line.min >= Route::C).filter_map(|line| line.text) {
        let alone = hear(&SAFETY, &text).route;
        for reply in ["ok I'll wait", "I'm an operations manager"] {
            let beside = hear(&SAFETY, &format!("{reply}. {text}")).route;
            assert!(beside >= alone, "{text}: {alone:?} alone, {beside:?} beside “{reply}”");
        }
    }
    // In one breath with them, too.
    for danger in [
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
    ] {
        assert!(hear(&SAFETY, danger).route >= Route::C, "{danger}");
    }
    assert!(hear(&SAFETY, "I'm going now, god bless you all").route >= Route::C, "a farewell");
}

/// Staff whom somebody's suicide gives the thought are heard; those who only tell of it are not taken for them.
#[test]
fn who_takes_a_suicide_for_their_own_way_is_heard() {
    for own in [
        "my patient killed herself last week. not long for me either",
        "my patient killed himself. now it's my turn",
        "after what he did I see it as an option now",
        "I keep thinking about Karen who took her own life. Starting to understand why.",
    ] {
        assert!(hear(&SAFETY, own).route >= Route::C, "{own}");
    }
    for told in [
        "my patient killed himself. it's my turn to go to the inquest",
        "it's my turn to present the case of the lad who hanged himself",
        "a patient took her own life, the report helped us to understand why",
    ] {
        assert_eq!(hear(&SAFETY, told).route, Route::A, "{told}");
    }
}

/// "Just" and "can't stop" say how tired somebody is as often as that something happens now: it is what they
/// cannot stop that tells.
#[test]
fn what_a_tired_person_can_not_stop_is_no_danger_and_what_harms_them_is() {
    for tired in [
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
    ] {
        assert_eq!(hear(&SAFETY, tired).route, Route::A, "{tired}");
    }
    for happening in [
        "just took them all, can't stop",
        "just came off nights and took them all, cant stop crying",
        "just took the tablets and i cant stop crying",
        "ive just cut myself and i cant stop",
        "i just cut and i cant stop bleeding",
        "just put the rope up and i cant stop crying",
        "just finished my shift and im stood on the bridge, cant stop shaking",
    ] {
        assert_eq!(hear(&SAFETY, happening).route, Route::E, "{happening}");
    }
    let held_back = include_str!("safety/held_back.jsonl").lines();
    let lines = held_back.map(|line| serde_json::from_str::<Line>(line).unwrap());
    for text in lines.filter(|line| line.min >= Route::C).filter_map(|line| line.text) {
        let alone = hear(&SAFETY, &text).route;
        let beside = hear(&SAFETY, &format!("just came off nights and i cant stop crying. {text}")).route;
        assert!(beside >= alone, "{text}: {alone:?} alone, {beside:?} after a shift");
    }
    let crying = hear(&SAFETY, "I sliced my arm open on a tin. I can't stop crying");
    let of = |heard: &Heard, rule: &str| heard.reasons.iter().chain(&heard.pieces).any(|at| at.rule == rule);
    assert!(!of(&crying, "piece-blood"), "tears are no blood");
    let bleeding = hear(&SAFETY, "I sliced my arm open on a tin. I can't stop it bleeding");
    assert!(of(&bleeding, "piece-blood"));
}

#[test]
fn faults_name_file_line_and_column() {
    let broken = "rules:\n  - name: x\n    explain: y\n    route: C\n    patterns: [\"{wnat} to\"]\n    examples: [z]\n";
    let mut findings = vec![];
    let _ = Safety::load(&[("safety/broken.yaml", broken)], &mut findings);
    let text = listed(&findings);
    assert!(
        text.contains("safety/broken.yaml:5:16: error: There is no word list “wnat”. Did you mean"),
        "{text}"
    );
}

#[test]
fn sign_off_is_void_when_a_rule_changes() {
    let rules = [("safety/a.yaml", "rules: []\n"), ("safety/b.yaml", "words: {}\n")];
    let signed = format!(
        "approver: A. Lead\nrole: Consultant psychologist\ndate: 2026-03-01\nhash: {}\n",
        digest(&rules)
    );
    let mut findings = vec![];
    let with =
        |text: &'static str| [("safety/a.yaml", text), rules[1], ("safety/sign-off.yaml", signed.as_str())];
    assert!(matches!(Safety::sign_off(&with("rules: []\n"), &mut findings), SignOff::Signed { .. }));
    assert!(findings.is_empty());
    assert_eq!(Safety::sign_off(&with("rules: [] # changed\n"), &mut findings), SignOff::Stale);
    assert_eq!(Safety::sign_off(&rules, &mut findings), SignOff::Unsigned);
    assert!(findings.iter().all(|finding| finding.severity == Severity::Warning));
}

#[test]
fn shipped_rules_are_not_signed_yet() {
    let files = files();
    let borrowed: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    assert_eq!(Safety::sign_off(&borrowed, &mut vec![]), SignOff::Unsigned);
}

#[test]
fn long_and_strange_texts_are_read_to_the_end() {
    let safety = load(&mut vec![]);
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
        assert!(hear(&safety, &text).route >= Route::C, "lost after {filler:?}");
    }
}

/// The learned net with the built-in rules alone.
fn net() -> Safety {
    let files = files();
    let weights = files.iter().find(|(path, _)| path == WEIGHTS).unwrap();
    Safety::load(&[(&weights.0, &weights.1)], &mut vec![])
}

#[test]
fn the_net_hears_a_sentence_without_end_to_its_end() {
    let net = net();
    let filler = "we had toast and then a walk to the shop ".repeat(60).trim_end().to_owned() + ", ";
    let mut heard = 0;
    for line in include_str!("safety/held_back.jsonl").lines() {
        let text = serde_json::from_str::<Line>(line).unwrap().text.unwrap();
        let alone = hear(&net, &text).route;
        if normalise(&text).len() == 1 {
            let after = hear(&net, &(filler.clone() + &text)).route;
            assert!(after >= alone, "{after:?} for {alone:?} after a long beginning: {text}");
            heard += u32::from(alone > Route::C);
        }
    }
    assert!(heard > 10, "{heard} texts to try it with");
}

#[test]
fn denial_in_a_sentence_of_its_own_does_not_silence_the_net() {
    let safety = load(&mut vec![]);
    let mut heard = 0;
    for line in include_str!("safety/held_back.jsonl").lines() {
        let text = serde_json::from_str::<Line>(line).unwrap().text.unwrap();
        let alone = hear(&safety, &text);
        for denied in [format!("{text}.\nI'm not suicidal."), format!("I'm not suicidal.\n{text}")] {
            let with = hear(&safety, &denied);
            assert!(with.route >= alone.route, "{:?} for {:?}: {denied}", with.route, alone.route);
        }
        let by_the_net = alone.reasons.first().is_some_and(|reason| reason.rule.starts_with("sounds-like"));
        heard += u32::from(by_the_net && alone.route <= Route::C);
    }
    assert!(heard > 10, "{heard} texts to try it with");
}

#[test]
fn what_follows_a_denial_and_a_but_is_heard_as_if_it_stood_alone() {
    let safety = load(&mut vec![]);
    let mut heard = 0;
    for line in include_str!("safety/held_back.jsonl").lines() {
        let line = serde_json::from_str::<Line>(line).unwrap();
        if line.min == Route::A {
            continue;
        }
        let text = line.text.unwrap();
        let alone = hear(&safety, &text);
        let with = hear(&safety, &format!("I'm not suicidal but {text}"));
        assert!(
            with.route >= alone.route,
            "{text}: {:?} alone, {:?} after a denial",
            alone.route,
            with.route
        );
        heard += usize::from(alone.reasons.iter().any(|reason| reason.rule.starts_with("sounds-like")));
    }
    assert!(heard > 40, "the net hears only {heard} of the texts");
    assert_eq!(
        hear(&safety, "I'd never do it because of my girl, but I do think about it, a lot").route,
        Route::C
    );
    assert!(hear(&safety, "I'm not suicidal but I can't switch off").soft);
}

#[test]
fn what_was_long_ago_is_no_emergency_unless_it_is_so_again() {
    let safety = load(&mut vec![]);
    let route = |text: &str| hear(&safety, text).route;
    for past in
        ["Took an overdose at uni, 20 years back. Never told a soul.", "In 2016 I took a lot of tablets"]
    {
        assert!((Route::B..=Route::C).contains(&route(past)), "{past}: {:?}", route(past));
        assert_eq!(route(&format!("{past}\nI've taken 30 paracetamol")), Route::E);
    }
    assert_eq!(route("took an overdose at uni and have taken one again tonight"), Route::E);
}

#[test]
fn disguises_are_seen_through() {
    for (typed, plain_words) in [
        ("I’m gonna k1ll my self", "i am going to kill myself"),
        ("s u i c i d e", "suicide"),
        ("s.u.i.c.i.d.a.l", "suicidal"),
        ("su*cide", "suicide"),
        ("sewer slide", "suicide"),
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

/// Whatever else is said in the same breath is heard as if the figure of speech were not there.
#[test]
fn an_unmistakable_figure_of_speech_is_no_danger_and_hides_none() {
    for harmless in [
        "this shift is killing me right now",
        "my feet are absolutely killing me right now",
        "this pollen is trying to kill me",
        "I nearly passed out when I saw the gas bill",
    ] {
        assert_eq!(hear(&SAFETY, harmless).route, Route::A, "{harmless}");
    }
    let held_back = include_str!("safety/held_back.jsonl").lines();
    let lines = held_back.map(|line| serde_json::from_str::<Line>(line).unwrap());
    for text in lines.filter(|line| line.min >= Route::C).filter_map(|line| line.text) {
        let (alone, beside) =
            (hear(&SAFETY, &text).route, hear(&SAFETY, &format!("this shift is killing me, {text}")).route);
        assert!(beside >= alone, "{text}: {alone:?} alone, {beside:?} beside a figure of speech");
    }
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
        let heard = |text: &str| hear(&SAFETY, text).route;
        let (alone, before) = (heard(danger), heard(&format!("{text}{mark}")));
        let together = heard(&format!("{text}{mark}{danger}"));
        prop_assert!(together >= before.max(alone));
        let (alone, before) = (heard(&format!("{danger}{mark}")), heard(&text));
        let together = heard(&format!("{danger}{mark}{text}"));
        prop_assert!(together >= before.max(alone));
    }

    #[test]
    fn the_same_text_is_heard_the_same(text in "[a-z ',.!?]{0,200}") {
        prop_assert_eq!(hear(&SAFETY, &text), hear(&SAFETY, &text));
    }
}

static SAFETY: LazyLock<Safety> = LazyLock::new(|| load(&mut vec![]));

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
