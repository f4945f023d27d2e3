//! `chatbox understand --score`: what it counts as right, and what it refuses.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};

use crate::support::{Ran, chatbox, copy, folder, run};

fn score(lines: &str, args: &[&str]) -> Ran {
    let dir = folder();
    fs::write(dir.path().join("texts.jsonl"), lines).unwrap();
    run(chatbox(dir.path(), ["understand", "--score", "texts.jsonl"].iter().chain(args)), b"")
}

fn figures(lines: &str) -> Value {
    let ran = score(lines, &["--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn right_and_wrong_lines_are_counted_with_their_intervals() {
    let figures = figures(concat!(
        "{\"text\": \"I want to kill myself\", \"min\": \"C\", \"kinds\": [\"suicide\"], \"group\": \"thoughts\"}\n",
        "{\"text\": \"lovely weather\", \"route\": [\"D\", \"E\"], \"kind\": \"missed\"}\n",
        "{\"text\": \"lovely weather\", \"risk\": false}\n",
        "{\"text\": \"I'm not suicidal\", \"route\": \"B\", \"soft\": true}\n",
        "\n",
        "{\"text\": \"I'm skint\", \"needs\": [\"finance\"]}\n",
        "{\"text\": \"I'm skint\", \"needs\": [\"housing\"], \"source\": \"wrong\"}\n",
        "{\"text\": \"lovely weather\", \"needs\": []}\n",
        "{\"text\": \"8 of us\", \"group\": {\"size\": {\"min\": 8, \"max\": 8}, \"access\": \"closed\"}}\n",
        "{\"text\": \"delete my data\", \"intent\": \"delete_data\"}\n",
    ));
    assert_eq!(figures["lines"], 9);
    assert_eq!(figures["route"]["all"]["right"]["part"], 3);
    assert_eq!(figures["route"]["all"]["right"]["interval"], json!([30.1, 95.4]));
    assert_eq!(figures["route"]["danger"]["recall"]["percent"], 50.0);
    assert_eq!(figures["route"]["by_label"]["missed"]["too_low"], 1);
    assert_eq!(figures["route"]["misses"][0]["text"], "lovely weather");
    assert_eq!(figures["kinds"]["all"]["precision"]["percent"], 100.0);
    assert_eq!(figures["needs"]["all"]["first"]["recall"]["percent"], 50.0);
    assert_eq!(figures["needs"]["all"]["none"]["percent"], 100.0);
    assert_eq!(figures["needs"]["by_label"]["wrong"]["first_three"]["recall"]["percent"], 0.0);
    assert_eq!(figures["slots"]["all"]["precision"]["percent"], 100.0);
    assert_eq!(figures["slots"]["all"]["recall"]["percent"], 50.0);
    assert_eq!(figures["intent"]["all"]["percent"], 100.0);
}

#[test]
fn only_what_is_asked_for_is_read_and_counted() {
    let dir = folder();
    let texts = b"{\"text\": \"I'm skint and want to die\"}\n{\"text\": \"weekly for 8 nurses\"}\n";
    let fields = |only: &str| -> Vec<String> {
        let ran = run(chatbox(dir.path(), ["understand", "--only", only]), texts);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let line: Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
        line.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(fields("route"), ["kinds", "reasons", "route", "soft", "text"]);
    assert_eq!(fields("needs"), ["needs", "text"]);
    assert_eq!(fields("slots"), ["group", "intent", "text"]);

    let lines =
        "{\"text\": \"I'm skint\", \"needs\": [\"finance\"], \"risk\": false, \"intent\": \"signpost\"}\n";
    let measured = |only: &str| -> Vec<String> {
        let ran = score(lines, &["--json", "--only", only]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let figures: Value = serde_json::from_str(&ran.out).unwrap();
        figures.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(measured("route"), ["lines", "route"]);
    assert_eq!(measured("needs"), ["lines", "needs"]);
    assert_eq!(measured("slots"), ["intent", "lines"]);
}

#[test]
fn figures_for_people_name_each_line_that_was_wrong() {
    let ran = score("{\"text\": \"I'm skint\", \"needs\": [\"housing\"]}\n", &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(
        ran.out.contains("\"I'm skint\" → finance") && ran.out.contains("wanted: housing"),
        "{}",
        ran.out
    );
}

#[test]
fn line_that_cannot_be_measured_is_named_and_ends_it() {
    for (line, says) in [
        ("{\"text\": \"hello\"}", "line 2: it says nothing of what is expected"),
        ("{\"text\": \"hello\", \"need\": [\"sleep\"]}", "line 2: unknown field `need`"),
        ("{\"text\": \"hello\", \"min\": \"C\", \"max\": \"B\"}", "line 2: no route is left"),
        ("{\"min\": \"C\"}", "line 2: it has neither"),
        ("secret words", "line 2: it is not JSON"),
    ] {
        let ran = score(&format!("{{\"text\": \"hello\", \"risk\": false}}\n{line}\n"), &[]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
        assert!(ran.err.contains(says) && !ran.err.contains("secret"), "{}", ran.err);
    }
}

#[test]
fn texts_of_the_project_are_read_as_they_stand() {
    let dir = folder();
    let project = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    for file in [
        "config/content/safety/examples/danger.jsonl",
        "core/tests/safety/held_back.jsonl",
        "core/tests/safety/missed.jsonl",
        "core/tests/understanding/needs.jsonl",
        "core/tests/understanding/slots.jsonl",
    ] {
        let ran = run(chatbox(dir.path(), ["understand", "--score", &format!("{project}/{file}")]), b"");
        assert_eq!(ran.code, Some(0), "{file}: {}", ran.err);
    }
}

/// A folder with the content of the project, but for the examples of safety: few are learned from at once.
fn folder_without_examples() -> tempfile::TempDir {
    let dir = folder();
    let content = dir.path().join("config/content");
    copy(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../config/content")), &content);
    fs::write(dir.path().join("config/chatbox.toml"), "").unwrap();
    for file in fs::read_dir(content.join("safety/examples")).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    dir
}

#[test]
fn weights_that_are_not_those_of_the_examples_are_refused_until_they_are_learned() {
    let dir = folder_without_examples();
    let examples = dir.path().join("config/content/safety/examples");
    let lines = [
        r#"{"text": "I will do it with the rope tonight", "group": "means_or_plan", "min": "D", "kinds": ["suicide"]}"#,
        r#"{"text": "I have the rope for tonight, to do it", "group": "means_or_plan", "min": "D", "kinds": ["suicide"]}"#,
        r#"{"text": "we skip with a rope at the gym", "group": "everyday", "min": "A", "max": "A"}"#,
        r#"{"text": "who has a rope for the tombola", "group": "everyday", "min": "A", "max": "A"}"#,
    ];
    fs::write(examples.join("few.jsonl"), lines.join("\n\n")).unwrap();
    let check = || run(chatbox(dir.path(), ["check"]), b"");
    let stale = check();
    assert_eq!(stale.code, Some(2), "{}", stale.out);
    assert!(
        stale.out.contains("learned.weights") && stale.out.contains("run `chatbox learn`"),
        "{}",
        stale.out
    );
    let learned = run(chatbox(dir.path(), ["learn"]), b"");
    assert_eq!(learned.code, Some(0), "{}", learned.err);
    assert!(learned.out.contains("what 4 examples teach"), "{}", learned.out);
    let fresh = check();
    assert!(!fresh.out.contains("run `chatbox learn`"), "{}", fresh.out);
    assert!(fresh.out.contains("built-in/floor.yaml"), "four examples teach too little: {}", fresh.out);

    fs::write(examples.join("few.jsonl"), "{\"text\": \"secret words\"}").unwrap();
    let broken = run(chatbox(dir.path(), ["learn"]), b"");
    assert_eq!(broken.code, Some(2));
    assert!(broken.err.contains("few.jsonl:1: error") && !broken.err.contains("secret"), "{}", broken.err);
    let mistyped = lines.join("\n").replace("\"D\"", "\"Z\"");
    fs::write(examples.join("few.jsonl"), format!("\n{mistyped}")).unwrap();
    let broken = run(chatbox(dir.path(), ["learn"]), b"");
    assert_eq!(broken.code, Some(2));
    assert!(broken.err.contains("few.jsonl:2: error: \"min\" must be"), "{}", broken.err);
}

#[test]
fn a_learn_that_is_killed_as_it_writes_leaves_the_old_weights_whole() {
    let dir = folder();
    let content = dir.path().join("config/content");
    fs::create_dir_all(content.join("safety/examples")).unwrap();
    fs::write(dir.path().join("config/chatbox.toml"), "").unwrap();
    let line = r#"{"text": "I have the rope for tonight", "group": "means_or_plan", "min": "D"}"#;
    fs::write(content.join("safety/examples/few.jsonl"), format!("{line}\n{line}\n")).unwrap();
    let weights = content.join("safety/learned.weights");
    fs::write(&weights, "old").unwrap();
    // The system kills who writes more to a file than this.
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -c 0 && ulimit -f 1 && exec \"$0\" learn", env!("CARGO_BIN_EXE_chatbox")]);
    let killed = limited.current_dir(dir.path()).output().unwrap();
    assert_eq!(killed.status.code(), None, "{killed:?}");
    assert_eq!(fs::read_to_string(&weights).unwrap(), "old");
    let learned = run(chatbox(dir.path(), ["learn"]), b"");
    assert_eq!(learned.code, Some(0), "{}", learned.err);
    assert!(fs::read_to_string(&weights).unwrap().contains("\nrows "));
}

#[test]
fn sentences_that_are_new_are_encoded_by_learning_and_until_then_named_by_check() {
    let dir = folder_without_examples();
    let content = dir.path().join("config/content");
    let examples = content.join("safety/examples");
    let line = r#"{"text": "I have the rope for tonight", "group": "means_or_plan", "min": "D"}"#;
    fs::write(examples.join("few.jsonl"), format!("{line}\n{line}\n")).unwrap();
    let told = content.join("understanding/told.txt");
    let sentence = "the boiler man never came and the little ones sleep in their coats";
    fs::write(&told, format!("{}housing: {sentence}\n", fs::read_to_string(&told).unwrap())).unwrap();
    let check = || run(chatbox(dir.path(), ["check"]), b"");
    let stale = check();
    assert!(
        stale.out.contains("sentences.weights") && stale.out.contains("not in it yet: 1;"),
        "{}",
        stale.out
    );
    let learned = run(chatbox(dir.path(), ["learn"]), b"");
    assert_eq!(learned.code, Some(0), "{}", learned.err);
    assert!(learned.out.contains("holds what the sentences of needs say"), "{}", learned.out);
    assert!(!check().out.contains("sentences.weights"));
}
