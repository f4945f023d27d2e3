//! The files: what rules and examples say of themselves, what is heard of the texts kept here, and what a fault, a
//! greedy rule and a signature come to.

use std::collections::{BTreeMap, BTreeSet};

use chatbox_core::{
    content::{Finding, Severity},
    safety::{Heard, Lesson, Route, Safety, Shares, SignOff, digest, learn},
    understanding::{Memory, Signal},
};
use jiff::Timestamp;

use super::{Line, SAFETY, borrowed, hear, held_back, lines, load, route, shipped, weights};
use crate::support;

/// The files of examples, by the names that their digest is made of.
fn examples() -> Vec<(String, String)> {
    support::files_ending_in(&["jsonl"])
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
fn every_rule_finds_its_own_examples() {
    let mut findings = vec![];
    let safety = load(&shipped(), &mut findings);
    findings.extend(safety.check_examples());
    assert!(findings.is_empty(), "{}", listed(&findings));
    assert_eq!(hear(&safety, "").reasons, vec![]);
}

#[test]
fn examples_are_heard_as_they_say_but_for_those_listed_as_missed() {
    let missed: BTreeSet<&str> = include_str!("missed.jsonl").lines().collect();
    let examples = examples();
    let mut wrong = BTreeSet::new();
    let mut news = vec![];
    for written in examples.iter().flat_map(|(_, text)| text.lines()) {
        for line in lines(written) {
            let texts = line.text.as_ref().map_or(&line.texts[..], std::slice::from_ref);
            if let Some(fault) = line.fault(texts) {
                wrong.insert(written);
                news.extend((!missed.contains(written)).then_some(fault));
            }
        }
    }
    assert!(news.is_empty(), "{} are not in missed.jsonl:\n{}", news.len(), news.join("\n"));
    let heard: Vec<&&str> = missed.difference(&wrong).collect();
    assert!(heard.is_empty(), "these are heard by now, take them out of missed.jsonl: {heard:#?}");
}

#[test]
fn every_combination_of_its_parts_is_heard() {
    let mut wrong = vec![];
    for line in lines(include_str!("combinations.jsonl")) {
        let texts = line.parts.iter().fold(vec![String::new()], |texts, part| {
            let join = |text: &String| part.iter().map(|more| format!("{text} {more}")).collect::<Vec<_>>();
            texts.iter().flat_map(join).collect()
        });
        wrong.extend(texts.into_iter().filter_map(|text| line.fault(&[text])));
    }
    assert!(wrong.is_empty(), "{} texts:\n{}", wrong.len(), wrong.join("\n"));
}

impl Line {
    /// What is heard of `texts` in turn, unless it is what must be heard.
    fn fault(&self, texts: &[String]) -> Option<String> {
        let heard = hear_in_turn(texts);
        let as_due = (self.min..=self.max).contains(&heard.route)
            && (heard.soft == self.soft || self.group == "soft_denial")
            && self.kinds.iter().all(|kind| heard.kinds.contains(kind));
        (!as_due).then(|| format!("{}: {texts:?} is heard as {heard:?}", self.group))
    }
}

fn hear_in_turn(texts: &[String]) -> Heard {
    let mut memory = Memory::default();
    let mut heard = Heard::default();
    for text in texts {
        heard = SAFETY.hear(text, &memory, Timestamp::UNIX_EPOCH);
        let signals = heard.signals.iter().map(|id| Signal { id: id.clone(), at: Timestamp::UNIX_EPOCH });
        memory.0.extend(signals);
    }
    heard
}

#[test]
fn held_back_texts_are_heard_as_often_as_promised() {
    let mut groups: BTreeMap<String, [u32; 4]> = BTreeMap::new();
    for line in held_back() {
        let route = route(&line.text.unwrap());
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
            "harmless" => route == Route::A,
            "others" => route >= Route::B,
            _ => route >= line.min,
        });
        *below_c += u32::from(route < Route::C);
        *above_c += u32::from(route > Route::C);
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
    let texts: Vec<String> = lines(include_str!("answers.jsonl")).filter_map(|line| line.text).collect();
    let taken: Vec<&String> = texts.iter().filter(|text| route(text) > Route::A).collect();
    let all = texts.len();
    assert!(all > 200 && taken.len() * 100 <= all * 2, "{taken:?} of {all}");
}

#[test]
fn the_weights_are_what_the_examples_teach() {
    let files = examples();
    let lessons: Vec<Lesson> = files
        .iter()
        .flat_map(|(_, text)| text.lines())
        .filter_map(|line| Lesson::parse(line).unwrap())
        .collect();
    let learnt = learn(&lessons, &digest(&borrowed(&files)), &Shares::default());
    assert!(learnt.weights == weights().1, "run `chatbox learn`, and commit the weights with the examples");
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
    let rules = ("safety/kettles.yaml".to_owned(), kettles.to_owned());
    let with_net = load(&[rules.clone(), weights()], &mut vec![]);
    let alone = load(&[rules], &mut vec![]);
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
    assert_eq!(Safety::sign_off(&borrowed(&shipped()), &mut vec![]), SignOff::Unsigned);
}
