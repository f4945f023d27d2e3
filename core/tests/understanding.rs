//! What the shipped understanding content reads out of texts in the words of UK staff, measured.
//!
//! The texts stand in `understanding/*.jsonl`; each figure that is asserted is a promise.

use std::{collections::BTreeSet, fs, path::PathBuf};

use chatbox_core::{
    content::Finding,
    understanding::{
        Day, GroupSlots, Intent, Reading, Time, Understanding,
        answer::{self, Contact, Ways, YesNo},
    },
};
use proptest::prelude::*;
use serde::Deserialize;

const FILES: [&str; 5] = ["needs.yaml", "sentences.yaml", "told.txt", "intents.yaml", "slots.yaml"];

#[derive(Deserialize)]
struct Line {
    text: String,
    step: Option<String>,
    #[serde(default)]
    needs: Vec<String>,
    intent: Option<Intent>,
    group: Option<GroupSlots>,
}

#[test]
fn shipped_content_holds_and_keeps_its_examples() {
    let (understanding, findings) = shipped();
    let failed = understanding.check_examples();
    let all: Vec<String> = findings.iter().chain(&failed).map(ToString::to_string).collect();
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn every_need_of_the_taxonomy_has_a_label() {
    let (understanding, _) = shipped();
    let ids: Vec<&str> = understanding.need_ids().collect();
    assert!(ids.len() >= 53, "only {} needs", ids.len());
    for id in ids {
        assert!(understanding.need_label(id).is_some_and(|label| !label.is_empty()), "{id} has no label");
    }
}

#[test]
fn the_right_need_comes_first_or_among_the_first_three() {
    let (understanding, _) = shipped();
    let lines = lines("needs");
    assert!(lines.len() >= 200);
    let (mut first, mut three, mut misses) = (0usize, 0usize, Vec::new());
    for line in &lines {
        let meaning = understanding.read(&line.text, line.step.as_deref());
        let found: Vec<&str> = meaning.needs().iter().map(|need| need.id.as_str()).collect();
        let right = |id: &&str| line.needs.iter().any(|need| need == id);
        if found.first().is_some_and(right) {
            first += 1;
        } else {
            misses.push(format!("{} → {found:?}, not {:?}", line.text, line.needs));
        }
        three += usize::from(found.iter().take(3).any(right));
    }
    let report = format!("first {first}, of three {three}, of {}\n{}", lines.len(), misses.join("\n"));
    assert!(share(first, lines.len()) >= 0.90 && share(three, lines.len()) >= 0.95, "{report}");
}

#[test]
fn both_needs_of_two_thoughts_are_looked_after() {
    let (understanding, _) = shipped();
    let main = |text: &str| -> BTreeSet<String> {
        let reading = understanding.read(text, None);
        reading.main_needs().map(|need| need.id.clone()).collect()
    };
    let needs = |ids: &[&str]| ids.iter().copied().map(str::to_owned).collect::<BTreeSet<String>>();
    for (text, ids) in [
        ("cant switch off when i get home and im skint till friday", ["stress", "finance"].as_slice()),
        ("can't sleep. Also I'm skint", &["sleep", "finance"]),
        ("can't sleep, and it's not about money", &["sleep"]),
    ] {
        assert_eq!(main(text), needs(ids), "{text}");
    }
    // Short texts of one need, each joined to one from the other half.
    let short: Vec<Line> = lines("needs")
        .into_iter()
        .filter(|line| line.needs.len() == 1 && line.text.split(' ').count() <= 10)
        .filter(|line| !line.text.contains('?'))
        .collect();
    assert!(short.len() >= 800);
    let (half, other) = short.split_at(short.len() / 2);
    let joined: Vec<(String, &Line, &Line)> = half
        .iter()
        .zip(other)
        .filter(|(one, two)| one.needs != two.needs)
        .map(|(one, two)| (format!("{} and {}", one.text.trim_end_matches(['.', '!']), two.text), one, two))
        .collect();
    let both = |(text, one, two): &&(String, &Line, &Line)| {
        main(text).is_superset(&[one, two].iter().map(|line| line.needs[0].clone()).collect())
    };
    let right = joined.iter().filter(both).count();
    assert!(share(right, joined.len()) >= 0.88, "both of {right} of {}", joined.len());
}

#[test]
fn the_intent_is_right() {
    let (understanding, _) = shipped();
    let lines = lines("intents");
    assert!(lines.len() >= 150);
    let misses: Vec<String> = lines
        .iter()
        .filter_map(|line| {
            let found = understanding.read(&line.text, line.step.as_deref()).intent;
            let wanted = line.intent.unwrap();
            (found != wanted).then(|| format!("{} → {found:?}, not {wanted:?}", line.text))
        })
        .collect();
    assert!(share(misses.len(), lines.len()) <= 0.05, "{}", misses.join("\n"));
}

#[test]
fn group_slots_are_precise_and_complete() {
    let (understanding, _) = shipped();
    let lines = lines("slots");
    assert!(lines.len() >= 120);
    let (mut right, mut found, mut wanted, mut misses) = (0usize, 0usize, 0usize, Vec::new());
    for line in &lines {
        let read = understanding.read(&line.text, line.step.as_deref()).group;
        let gold = line.group.clone().unwrap();
        let (read_set, gold_set) = (pairs(&read), pairs(&gold));
        right += read_set.intersection(&gold_set).count();
        found += read_set.len();
        wanted += gold_set.len();
        if read_set != gold_set {
            misses.push(format!("{} → {read_set:?}, not {gold_set:?}", line.text));
        }
    }
    let report = format!("{right} right of {found} found and {wanted} wanted\n{}", misses.join("\n"));
    assert!(share(right, found) >= 0.98 && share(right, wanted) >= 0.97, "{report}");
}

#[test]
fn a_request_says_its_slots_in_the_form_of_a_question_too() {
    let (understanding, _) = shipped();
    for (text, slots) in [
        (
            "Would one of your people be free to run a group at our health centre, quarter to five on Mondays?",
            3,
        ),
        ("Can my ward clerks have a group?", 1),
        ("Could our group be monthly?", 1),
        ("Is there any chance of a weekly group for six of our porters?", 3),
        ("Do you think we could meet on a Tuesday, on Zoom?", 2),
        ("I was wondering if you could run something for our midwives on Fridays?", 2),
        ("What we would like is a closed group, fortnightly.", 2),
        ("Where: Zoom. How often: monthly.", 2),
    ] {
        let found = pairs(&understanding.read(text, None).group);
        assert_eq!(found.len(), slots, "{text} gives {found:?}");
    }
}

#[test]
fn a_room_says_where_to_meet_only_beside_something_else_or_where_it_was_asked() {
    let (understanding, _) = shipped();
    let setting = |text: &str, step| understanding.read(text, step).group.setting;
    assert!(setting("Tuesdays at 2, staff room", None).is_some());
    assert!(setting("staff room", Some("setting")).is_some());
    assert!(setting("staff room", None).is_none());
}

#[test]
fn a_question_about_what_is_possible_says_no_slot() {
    let (understanding, _) = shipped();
    for text in [
        "do you do weekends?",
        "Are your groups ever on a Saturday?",
        "Can a group be both open and online?",
        "Would someone come to us or is it all online these days?",
        "Could we have more than six sessions?",
        "Which is better, weekly or monthly?",
        "Can nurses drop in whenever they like?",
        "My team could do with one of your support groups. Is there a waiting list?",
    ] {
        let found = pairs(&understanding.read(text, None).group);
        assert!(found.is_empty(), "{text} gives {found:?}");
    }
}

#[test]
fn what_is_denied_is_no_need() {
    let (understanding, _) = shipped();
    for text in
        ["it's not about money", "not money or housing", "I'm not anxious", "nothing to do with alcohol"]
    {
        let meaning = understanding.read(text, None);
        assert!(meaning.needs().is_empty(), "{text} gives {:?}", meaning.needs());
    }
}

#[test]
fn words_that_anybody_uses_speak_of_no_need() {
    let (understanding, _) = shipped();
    for text in [
        "what time are you open",
        "do you know a good restaurant",
        "lovely weather today",
        "who is it for",
        "my name is Sam and I work in Barnet",
        "the link doesn't work",
        "I don't understand the question",
        "is it a confidential service",
    ] {
        let meaning = understanding.read(text, None);
        assert!(meaning.needs().is_empty(), "{text} gives {:?}", meaning.needs());
    }
}

#[test]
fn talk_of_nothing_is_seldom_taken_for_a_sure_need() {
    let (understanding, _) = shipped();
    let lines = lines("nothing");
    assert!(lines.len() >= 300);
    let taken: Vec<String> = lines
        .iter()
        .filter_map(|line| {
            let meaning = understanding.read(&line.text, None);
            let sure = !meaning.needs().is_empty() && !meaning.is_guess();
            sure.then(|| format!("{} → {:?}", line.text, meaning.needs()))
        })
        .collect();
    assert!(share(taken.len(), lines.len()) <= 0.15, "{}", taken.join("\n"));
}

#[test]
fn what_is_said_like_talk_of_nothing_is_less_of_a_need() {
    let told = "sleep: the owls keep me company until dawn\nsleep: owls hoot at dawn\n";
    let score = |told: &str| {
        let files = [("needs.yaml", NO_PHRASES), ("told.txt", told)];
        let understanding = Understanding::load(&files, &mut Vec::new());
        understanding.read("owls at dawn", None).needs().first().map(|need| need.score)
    };
    let before = score(told).expect("sleep is heard");
    let nothing = "none: owls on the telly\nnone: the owls play at home on Saturday\n";
    let beside = score(&format!("{told}{nothing}"));
    assert!(beside.is_none_or(|score| score < before), "{beside:?}, before {before}");
    let like_it = format!("{told}{}", "none: owls at dawn\n".repeat(40));
    assert_eq!(score(&like_it), None, "before {before}");
}

#[test]
fn a_need_that_no_phrase_names_is_found_by_its_sentences() {
    let files = [
        ("needs.yaml", NO_PHRASES),
        (
            "sentences.yaml",
            "- need: sleep\n  sentences: [the owls keep me company until dawn, owls hoot at dawn, I hear owls till dawn]\n",
        ),
    ];
    let mut findings = Vec::new();
    let understanding = Understanding::load(&files, &mut findings);
    let meaning = understanding.read("owls and dawn again", None);
    assert_eq!(meaning.needs().first().map(|need| need.id.as_str()), Some("sleep"), "{:?}", meaning.needs());
    assert!(meaning.needs()[0].because.contains(&"owls".to_owned()), "{:?}", meaning.needs());
    assert!(understanding.read("the me at it again", None).needs().is_empty());
}

#[test]
fn a_sentence_for_an_unknown_need_is_a_finding_with_its_place() {
    let files = [("needs.yaml", NO_PHRASES), ("sentences.yaml", "- need: slep\n  sentences: [wide awake]\n")];
    let mut findings = Vec::new();
    Understanding::load(&files, &mut findings);
    let found = |finding: &Finding| finding.file == "sentences.yaml" && finding.line == 1;
    assert!(
        findings.iter().any(|finding| found(finding) && finding.message.contains("slep")),
        "{findings:?}"
    );
}

#[test]
fn a_story_speaks_of_the_need_that_it_is_told_for_first() {
    let told = "# a remark\nsleep, money: the meter ran out at dawn and I lay there counting coins\n";
    let files = [("needs.yaml", NO_PHRASES), ("sentences.yaml", "[]"), ("told.txt", told)];
    let understanding = Understanding::load(&files, &mut Vec::new());
    let meaning = understanding.read("counting coins, the meter ran out", None);
    assert_eq!(meaning.needs().first().map(|need| need.id.as_str()), Some("sleep"), "{:?}", meaning.needs());
}

#[test]
fn a_story_for_an_unknown_need_or_for_none_is_a_finding_with_its_place() {
    let told = "sleep: wide awake\nsleep, slep: wide awake again\nstill awake\n";
    let mut findings = Vec::new();
    Understanding::load(&[("needs.yaml", NO_PHRASES), ("told.txt", told)], &mut findings);
    let lines: Vec<u64> =
        findings.iter().filter(|finding| finding.file == "told.txt").map(|finding| finding.line).collect();
    assert_eq!(lines, [2, 3], "{findings:?}");
}

const NO_PHRASES: &str = "
denials: []
between: []
idioms: []
plain_words: []
needs: [{ id: sleep, label: sleep, examples: [sleep] }, { id: money, label: money, examples: [money] }]
";

#[test]
fn the_words_that_led_to_a_need_are_those_of_the_message() {
    let (understanding, _) = shipped();
    let text = "I’m SKINT and Mum’s dementia is getting worse";
    for need in understanding.read(text, None).needs() {
        assert!(need.because.iter().all(|words| text.contains(words.as_str())), "{need:?}");
    }
}

#[test]
fn a_broken_file_is_a_finding_with_its_place() {
    let mut findings = Vec::new();
    Understanding::load(&[("understanding/needs.yaml", "needs:\n  - id: [\n")], &mut findings);
    assert!(findings.iter().any(|finding| finding.file.ends_with("needs.yaml") && finding.line > 0));
    assert!(
        findings
            .iter()
            .any(|finding| finding.file.ends_with("slots.yaml") && finding.message.contains("missing"))
    );
}

#[test]
fn an_answer_picks_a_choice_or_none() {
    let (understanding, _) = shipped();
    let choices = [
        Ways::new("open", "Open: anyone can drop in", &["drop-in".to_owned(), "anyone can come".to_owned()]),
        Ways::new("closed", "Closed: one team", &["just us".to_owned()]),
        Ways::new("not_sure", "Not sure yet", &[]),
    ];
    for (text, place) in [
        ("2", Some(1)),
        ("the second one", Some(1)),
        ("option 1 please", Some(0)),
        ("closed", Some(1)),
        ("Closed please", Some(1)),
        ("just us", Some(1)),
        ("clsoed", Some(1)),
        ("drop in", Some(0)),
        ("the last one", Some(2)),
        ("7", None),
        ("purple", None),
        ("open or closed", None),
        ("what does closed mean?", None),
        ("not closed", None),
        ("no, closed", Some(1)),
        ("dont want it closed", None),
        ("not really sure, maybe", Some(2)),
        ("closed the ward last week, and three of us have been sent home since", None),
        ("", None),
    ] {
        assert_eq!(understanding.read(text, None).choose(&choices, |ways| ways), place, "{text}");
    }
}

#[test]
fn yes_no_and_unsure_are_told_apart() {
    let (understanding, _) = shipped();
    for text in ["yeah", "Yes please", "yep", "I think so", "👍", "go ahead"] {
        assert_eq!(understanding.read(text, None).yes_no(), Some(YesNo::Yes), "{text}");
    }
    for text in ["nope", "not really", "No thanks", "nah", "I don't think so"] {
        assert_eq!(understanding.read(text, None).yes_no(), Some(YesNo::No), "{text}");
    }
    for text in ["dunno", "kind of", "not sure", "maybe", "I don't know", "rather not say"] {
        assert_eq!(understanding.read(text, None).yes_no(), Some(YesNo::Unsure), "{text}");
    }
    for text in ["Tuesday", "", "my manager is bullying me"] {
        assert_eq!(understanding.read(text, None).yes_no(), None, "{text}");
    }
}

#[test]
fn a_single_answer_is_read_in_its_step() {
    let (understanding, _) = shipped();
    assert_eq!(understanding.read("nine please", None).sessions(), Some(9));
    let size = understanding.read("8 or 9", None).size();
    assert_eq!(size.map(|size| (size.min, size.max)), Some((8, 9)));
    let when = understanding.read("  Tuesdays, after work if we can ", None).when();
    assert_eq!(when.days, BTreeSet::from([Day::Tue]));
    assert_eq!(when.time.map(String::from), Some("evening".to_owned()));
    assert_eq!(when.text, "Tuesdays, after work if we can");
    for (text, skips) in [("not sure yet", true), ("pass", true), ("8", false)] {
        assert_eq!(understanding.read(text, None).skips(), skips, "{text}");
    }
}

#[test]
fn a_contact_is_an_email_a_phone_number_or_kept_as_written() {
    assert_eq!(
        answer::contact("it's Sam.Okafor@nhs.net."),
        Some(Contact::Email("sam.okafor@nhs.net".into()))
    );
    assert_eq!(answer::contact("07700 900123 after 6"), Some(Contact::Phone("07700900123".into())));
    assert_eq!(answer::contact("+44 7700 900123"), Some(Contact::Phone("+447700900123".into())));
    assert_eq!(answer::contact("ask at the desk"), Some(Contact::Other("ask at the desk".into())));
    assert_eq!(answer::contact("  "), None);
}

#[test]
fn where_somebody_works_and_as_what_is_read() {
    let (understanding, _) = shipped();
    let areas = ["Barnet", "Camden", "Enfield", "Haringey", "Islington"];
    assert_eq!(answer::name_among("we're in haringay", &areas), Some(3));
    assert_eq!(answer::name_among("Camden or Islington", &areas), None);
    for (text, role) in [
        ("staff nurse in A&E", Some("nurse")),
        ("I'm a paramedic", Some("ambulance")),
        ("care worker", Some("social_care")),
        ("physio", Some("ahp")),
        ("medical student", Some("medical_student")),
        ("porter", Some("estates")),
        ("astronaut", None),
    ] {
        assert_eq!(understanding.role(text), role, "{text}");
    }
}

#[test]
fn odd_texts_are_read_without_harm() {
    let (understanding, _) = shipped();
    let odd = [
        "",
        " ",
        "\u{0}\u{1}\u{7f}",
        "😀🏽👩‍⚕️",
        "مرحبا أنا ممرضة",
        "\u{202e}txet desrever",
        "8-",
        "-8",
        "8:99",
        "half",
        "quarter to",
        "not",
        "0",
        "99999999999999999999",
    ];
    for text in odd {
        let reading = understanding.read(text, None);
        let _ = (reading.needs(), reading.when());
    }
    for unit in ["a", "not ", "8 or ", "Monday to ", "I can't ", "😀", "my team ", "\n"] {
        let long = unit.repeat(100_000 / unit.len());
        let _ = understanding.read(&long, None).needs();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_is_read_alike_twice(text in "\\PC{0,200}", step in prop::option::of("(size|when|sessions|needs|access)")) {
        let understanding = once();
        let first = understanding.read(&text, step.as_deref());
        let second = understanding.read(&text, step.as_deref());
        prop_assert_eq!((first.intent, &first.group), (second.intent, &second.group));
        prop_assert_eq!(first.needs(), second.needs());
        prop_assert!(first.needs().iter().all(|need| (0.0..=1.0).contains(&need.score)));
        let _ = answer::contact(&text);
    }

    #[test]
    fn words_of_the_field_in_any_order_are_read(words in prop::collection::vec(
        prop::sample::select(vec!["not", "8", "to", "half", "past", "Monday", "-", "any", "day", "but", "Friday", "at",
            "nurses", "and", "a", "?", ",", ".", "Teams", "every", "weekly", "sessions", "I'm", "instead", "of", "2pm",
            "team", "couple", "dozen", "between", "quarter", "after", "no", "money", "can't", "sleep", "my", "mum's"]), 0..20)) {
        let text = words.join(" ");
        let Reading { group, .. } = once().read(&text, None);
        if let Some(Time::At { hour, minute }) = group.time {
            prop_assert!(hour < 24 && minute < 60);
        }
        prop_assert!(group.size.is_none_or(|size| size.min <= size.max));
    }
}

fn once() -> &'static Understanding {
    static ONCE: std::sync::OnceLock<Understanding> = std::sync::OnceLock::new();
    ONCE.get_or_init(|| shipped().0)
}

fn shipped() -> (Understanding, Vec<Finding>) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../config/content/understanding");
    let texts: Vec<String> =
        FILES.iter().map(|name| fs::read_to_string(folder.join(name)).expect("the content ships")).collect();
    let files: Vec<(&str, &str)> = FILES.iter().copied().zip(texts.iter().map(String::as_str)).collect();
    let mut findings = Vec::new();
    let understanding = Understanding::load(&files, &mut findings);
    (understanding, findings)
}

fn lines(name: &str) -> Vec<Line> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/understanding/{name}.jsonl"));
    let text = fs::read_to_string(path).expect("the texts are there");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn pairs(slots: &GroupSlots) -> BTreeSet<String> {
    let serde_json::Value::Object(map) = serde_json::to_value(slots).expect("slots are JSON") else {
        return BTreeSet::new();
    };
    map.into_iter().map(|(slot, value)| format!("{slot}={value}")).collect()
}

fn share(part: usize, all: usize) -> f64 {
    let (part, all) = (u32::try_from(part).expect("few texts"), u32::try_from(all).expect("few texts"));
    f64::from(part) / f64::from(all.max(1))
}
