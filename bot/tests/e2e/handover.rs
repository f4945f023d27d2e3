//! A person, two practitioners and somebody who is neither, over JSON lines: asked for, taken,
//! danger while held, handed back, and the request finished by the bot.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{converse, folder};

const DESK: &[&str] = &["--desk", "bob", "--desk", "carol"];

/// The reference of the case that the last line opens.
fn opened(dir: &Path, lines: &[Value]) -> String {
    let out = converse(dir, DESK, &input(lines));
    let opened = out.iter().rev().find(|line| line["desk"]["kind"] == "opened").unwrap();
    opened["desk"]["case"].as_str().unwrap().to_owned()
}

fn input(lines: &[Value]) -> String {
    lines.iter().flat_map(|line| [line.to_string(), "\n".to_owned()]).collect()
}

/// What each line in led to, the turn line last.
fn by_turn(lines: Vec<Value>) -> Vec<Vec<Value>> {
    let mut turns = vec![Vec::new()];
    for line in lines {
        let ends = line.get("turn").is_some();
        turns.last_mut().unwrap().push(line);
        if ends {
            turns.push(Vec::new());
        }
    }
    turns.pop();
    turns
}

/// What alice is told in a turn.
fn told(turn: &[Value]) -> String {
    let texts = turn.iter().filter(|line| line["to"] == "alice").filter_map(|line| line["text"].as_str());
    texts.collect::<Vec<_>>().join("\n")
}

/// What stands in a thread, of one kind.
fn at_desk<'a>(turn: &'a [Value], case: &str, kind: &str) -> Vec<&'a str> {
    let posts = turn.iter().map(|line| &line["desk"]).filter(|post| post["case"] == case);
    posts.filter(|post| post["kind"] == kind).filter_map(|post| post["text"].as_str()).collect()
}

fn state(turn: &[Value]) -> &Value {
    &turn.last().unwrap()["conversation"]
}

#[test]
fn a_person_is_asked_for_taken_over_handed_back_and_the_request_is_finished() {
    let dir = folder();
    let alice = |text: &str| json!({"from": "alice", "text": text});
    let mut lines = vec![
        alice("I'd like to set up a group for my team"),
        alice("closed group for 6 nurses"),
        alice("can I talk to a real person please"),
    ];
    let case = opened(dir.path(), &lines);
    let desk = |by: &str, text: &str| json!({"desk": by, "case": case, "text": text});
    lines.extend([
        desk("mallory", "/take"),
        desk("bob", "/take"),
        desk("carol", "/take"),
        desk("mallory", "She is with us, never mind"),
        desk("carol", "I know this team"),
        desk("bob", "Hello, I'm Bob. What is going on?"),
        alice("everything is too much"),
        alice("I want to kill myself"),
        desk("bob", "/release"),
        desk("bob", "/safe talked it through, her sister is with her"),
        desk("bob", "/history"),
        desk("bob", "/release"),
        alice("carry on"),
        alice("frontline"),
        alice("that's all"),
        alice("yes"),
    ]);
    let out = converse(dir.path(), DESK, &input(&lines));
    let turns = by_turn(out);
    assert_eq!(turns.len(), lines.len());
    let mut turns = turns.iter();
    let mut next = || turns.next().unwrap();

    next();
    let asked = state(next()).clone();
    assert_eq!(asked["dialogue"], "group_request");
    let wanted = next();
    assert!(at_desk(wanted, &case, "opened")[0].contains("Asks to talk to a person"), "{wanted:#?}");
    assert_eq!(state(wanted)["holder"], "waiting");

    let mallory = next();
    assert_eq!(told(mallory), "");
    assert_eq!(at_desk(mallory, &case, "notice").len(), 1);
    assert_eq!(state(mallory), state(wanted), "who is not enrolled changes nothing");

    let taken = next();
    assert_eq!(state(taken)["holder"], "practitioner");
    assert!(told(taken).contains("joined this chat"));
    assert!(at_desk(taken, &case, "notice")[0].starts_with("bob has it"));

    let refused = next();
    assert_eq!(at_desk(refused, &case, "notice"), ["bob has it already."]);
    assert_eq!(state(refused)["holder"], "practitioner");

    assert_eq!(told(next()), "", "mallory reaches nobody");
    let aside = next();
    assert_eq!((told(aside).as_str(), aside.len()), ("", 1), "who does not hold it stays among colleagues");
    assert_eq!(told(next()), "Hello, I'm Bob. What is going on?");
    let answer = next();
    assert_eq!(told(answer), "", "the bot is silent");
    assert_eq!(at_desk(answer, &case, "message"), ["everything is too much"]);

    let danger = next();
    assert!(told(danger).contains("116 123") && told(danger).contains("999"), "{danger:#?}");
    assert_eq!(at_desk(danger, &case, "message"), ["I want to kill myself"]);
    assert!(at_desk(danger, &case, "alert")[0].starts_with("Route C"));

    let kept = next();
    assert!(at_desk(kept, &case, "notice")[0].contains("safe REASON"));
    assert_eq!((told(kept).as_str(), &state(kept)["holder"]), ("", &json!("practitioner")));
    assert!(at_desk(next(), &case, "notice")[0].starts_with("The flag is closed"));

    let history = next();
    assert!(at_desk(history, &case, "notice")[0].contains("They: I want to kill myself"), "{history:#?}");
    let released = next();
    assert_eq!(state(released)["holder"], "bot");
    assert!(told(released).contains("carry on with your group request, or leave it for now?"));
    let choices = released.iter().find(|line| line["to"] == "alice").unwrap()["choices"].as_array().unwrap();
    let ids: Vec<&str> = choices.iter().filter_map(|choice| choice["id"].as_str()).collect();
    assert_eq!(ids, ["resume", "leave"]);

    let resumed = next();
    assert_eq!(state(resumed)["step"], asked["step"], "the same question");
    assert!(told(resumed).contains("What is the group for?"));
    next();
    assert_eq!(state(next())["step"], "confirm");
    let done = next();
    let saved = done.iter().find(|line| line.get("saved").is_some()).unwrap();
    let reference = saved["saved"]["reference"].as_str().unwrap();
    assert_eq!(saved["saved"]["data"]["outline"], "frontline");
    assert_eq!(saved["saved"]["data"]["size"], json!({"min": 6, "max": 6}));
    assert_ne!(reference, case);
    assert!(at_desk(done, reference, "opened")[0].contains("KeepingWell Group"), "{done:#?}");
}

#[test]
fn nobody_comes_and_the_timers_survive_a_restart() {
    let dir = folder();
    let with_db = ["--desk", "bob", "--db", "sqlite:talk.db"];
    let first = json!({"from": "alice", "text": "I want to kill myself"});
    let turns = by_turn(converse(dir.path(), &with_db, &input(&[first])));
    let case = turns[0].iter().find_map(|line| line["desk"]["case"].as_str()).unwrap().to_owned();
    let turns = by_turn(converse(dir.path(), &with_db, &input(&[json!({"after": "PT16M"})])));
    assert!(told(&turns[0]).contains("nobody from the Hub has been able to join yet"), "{turns:#?}");
    assert!(told(&turns[0]).contains("116 123"));
    assert!(at_desk(&turns[0], &case, "alert").iter().any(|text| text.contains("Nobody has taken this")));
    // Taken, and then silent: reminded, and back in the queue.
    let lines = [json!({"desk": "bob", "case": case, "text": "/take"}), json!({"after": "PT11M"})];
    let turns = by_turn(converse(dir.path(), &with_db, &input(&lines)));
    let alerts = at_desk(&turns[1], &case, "alert");
    assert!(alerts[0].contains("bob, the person has waited 5 minutes"), "{alerts:#?}");
    assert!(alerts[1].contains("back in the queue"), "{alerts:#?}");
    assert!(told(&turns[1]).contains("has not been able to answer"));
}

#[test]
fn history_shows_as_many_lines_as_were_asked_for_whatever_was_done_at_the_desk_between_them() {
    let dir = folder();
    let alice = |text: &str| json!({"from": "alice", "text": text});
    let mut lines = vec![alice("can I talk to a real person please")];
    let case = opened(dir.path(), &lines);
    let desk = |text: &str| json!({"desk": "bob", "case": case, "text": text});
    lines.extend([desk("/take"), desk("Hello, this is Bob"), alice("a bad shift")]);
    lines.extend((0..20).map(|_| desk("/queue")));
    lines.push(desk("/history 2"));
    let turns = by_turn(converse(dir.path(), DESK, &input(&lines)));
    let shown = at_desk(turns.last().unwrap(), &case, "notice")[0].to_owned();
    let said: Vec<&str> =
        shown.lines().filter_map(|line| line.split_once(": ")).map(|(_, said)| said).collect();
    assert_eq!(said, ["Hello, this is Bob", "a bad shift"], "{shown}");
}
