//! `chatbox converse` keeps its contract.

use serde_json::{Value, json};

use crate::support::{chatbox, converse, folder, run};

const SENTENCE: &str = r#"{"from":"m","text":"I would like a closed fortnightly group for 8 nurses on the stroke unit, Tuesday afternoons on Teams, four sessions"}"#;

/// Leads through a whole group request: whatever is still asked is skipped.
const REQUEST: &str = r#"{"from":"m","text":"I would like a closed fortnightly group for 8 nurses on the stroke unit, Tuesday afternoons on Teams, four sessions"}
{"from":"m","press":"frontline"}
{"from":"m","press":"finish"}
{"from":"m","press":"yes"}
"#;

fn turns(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line.get("turn").is_some()).collect()
}

#[test]
fn same_input_gives_same_bytes() {
    let dir = folder();
    let play = |seed: &str| run(chatbox(dir.path(), ["converse", "--seed", seed]), REQUEST.as_bytes()).out;
    let first = play("1");
    assert!(first.contains("\"turn\":4"), "{first}");
    assert_eq!(first, play("1"));
    assert_eq!(first, run(chatbox(dir.path(), ["converse"]), REQUEST.as_bytes()).out);
}

#[test]
fn one_sentence_fills_the_form_and_a_request_is_saved() {
    let dir = folder();
    let lines = converse(dir.path(), &[], REQUEST);
    let saved: Vec<_> = lines.iter().filter_map(|line| line.get("saved")).collect();
    let [saved] = saved[..] else { panic!("{lines:#?}") };
    assert_eq!(saved["kind"], "group_request");
    let reference = saved["reference"].as_str().unwrap();
    assert!(reference.starts_with("KWG-") && reference.len() == 9, "{reference}");
    let data = &saved["data"];
    for (field, value) in [
        ("access", json!("closed")),
        ("frequency", json!("fortnightly")),
        ("size", json!({"min": 8, "max": 8})),
        ("staff", json!("clinical")),
        ("setting", json!("virtual")),
        ("sessions", json!(4)),
        ("outline", json!("frontline")),
        ("site", Value::Null),
        ("contact", Value::Null),
    ] {
        assert_eq!(data[field], value, "{field}");
    }
    assert_eq!(data["when"]["days"], json!(["tue"]));
    assert_eq!(data["when"]["time"], json!("afternoon"));
    let told = lines.iter().any(|line| line["text"].as_str().is_some_and(|text| text.contains(reference)));
    assert!(told, "the person is not told {reference}");
}

#[test]
fn every_line_in_ends_with_one_turn_line() {
    let dir = folder();
    let input = [
        r#"{"from":"a","text":"hello"}"#,
        r#"{"from":"b","text":"I want to set up a group"}"#,
        r#"{"after":"PT1M"}"#,
        r#"{"desk":"bob","case":"KWG-00000","text":"/take"}"#,
        r#"{"from":"b","press":"no_such_choice"}"#,
    ];
    let lines = converse(dir.path(), &[], &(input.join("\n") + "\n"));
    let turns = turns(&lines);
    assert_eq!(turns.iter().map(|turn| turn["turn"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(turns[0]["conversation"]["holder"], "bot");
    assert_eq!(turns[1]["conversation"]["dialogue"], "group_request");
    assert_eq!(turns[2]["conversation"], Value::Null);
    assert_eq!(turns[3]["conversation"], Value::Null);
    assert_eq!(turns[4]["conversation"]["dialogue"], "group_request");
    assert!(lines.last().unwrap().get("turn").is_some());
    // Each is answered to the one who wrote.
    assert_eq!(lines[0]["to"], "a");
}

#[test]
fn bad_line_gives_one_error_and_changes_nothing() {
    let dir = folder();
    let bad = ["", "hello", "[]", "{}", r#"{"from":"a"}"#, r#"{"from":"a","text":1}"#, r#"{"after":"soon"}"#];
    let lines = converse(dir.path(), &[], &(bad.join("\n") + "\n" + SENTENCE + "\n"));
    for line in &lines[..bad.len()] {
        assert!(line["error"].is_string() && line.as_object().unwrap().len() == 1, "{line}");
    }
    assert_eq!(turns(&lines)[0]["turn"], 1);

    let mut bytes = b"{\"from\":\"a\",\"text\":\"\xff\xfe\"}\n".to_vec();
    bytes.extend_from_slice(SENTENCE.as_bytes());
    let ran = run(chatbox(dir.path(), ["converse"]), &bytes);
    assert_eq!(ran.code, Some(0));
    assert!(ran.out.starts_with("{\"error\":"), "{}", ran.out);
    assert!(ran.out.lines().last().unwrap().starts_with("{\"turn\":1,"), "{}", ran.out);
}

#[test]
fn any_text_gets_a_reply_and_the_conversation_goes_on() {
    let dir = folder();
    let texts = [
        String::new(),
        " \t ".into(),
        "a".repeat(100_000),
        "😀".repeat(300),
        "مرحبا، أحتاج إلى مساعدة".into(),
        "\u{202e}\u{0}\u{1b}[2J\u{7}\u{200b}".into(),
        format!("{} I want to kill myself", "x ".repeat(45_000)),
    ];
    let mut input = String::new();
    for text in &texts {
        input.push_str(&json!({"from": "a", "text": text}).to_string());
        input.push('\n');
    }
    input.push_str("{\"from\":\"a\",\"text\":\"help\"}\n");
    let lines = converse(dir.path(), &[], &input);
    let mut replies = 0;
    let mut turn = 0;
    for line in &lines {
        if line.get("turn").is_some() {
            turn += 1;
            assert!(replies > 0, "no reply in turn {turn}");
            replies = 0;
        } else if line.get("to").is_some() {
            replies += 1;
        }
    }
    assert_eq!(turn, texts.len() + 1);
    assert!(
        lines.iter().any(|line| line["desk"]["kind"] == "alert"),
        "danger at the end of a long text is found"
    );
}

#[test]
fn with_a_database_number_clock_and_conversation_go_on() {
    let dir = folder();
    let db = ["--db", "sqlite:talk.db"];
    let mut first = REQUEST.lines();
    let lines = converse(dir.path(), &db, &format!("{}\n{{\"after\":\"PT1H\"}}\n", first.next().unwrap()));
    assert_eq!(turns(&lines).last().unwrap()["turn"], 2);
    let rest: Vec<_> = first.collect();
    let lines = converse(dir.path(), &db, &(rest.join("\n") + "\n"));
    assert_eq!(turns(&lines)[0]["turn"], 3);
    assert!(lines.iter().any(|line| line["saved"]["data"]["sessions"] == 4), "{lines:#?}");
}

#[test]
fn the_desk_gets_its_lines_and_only_the_enrolled_may_act() {
    let dir = folder();
    let opening = converse(dir.path(), &[], "{\"from\":\"a\",\"text\":\"I'm planning on killing myself\"}\n");
    let case = opening.iter().find_map(|line| line["desk"]["case"].as_str()).unwrap().to_owned();
    assert!(opening.iter().any(|line| line["desk"]["kind"] == "opened"));

    let input = format!(
        "{}\n{}\n{}\n",
        r#"{"from":"a","text":"I'm planning on killing myself"}"#,
        json!({"desk": "mallory", "case": case, "text": "/take"}),
        json!({"desk": "bob", "case": case, "text": "/take"}),
    );
    let lines = converse(dir.path(), &["--desk", "bob"], &input);
    let holders: Vec<_> = turns(&lines).iter().map(|turn| turn["conversation"]["holder"].clone()).collect();
    assert_eq!(holders[2], "practitioner", "{lines:#?}");
    assert_ne!(holders[1], "practitioner", "{lines:#?}");
}
