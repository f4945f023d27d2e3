//! Golden conversations: `scenarios/*.txt` hold what is typed and what comes of it.
//!
//! A line that begins with `> ` is typed, `press `, `after ` and `desk NAME: ` are what they say;
//! all other lines are written by the program. `GOLDEN=write cargo test` writes them anew: read
//! the difference aloud before you commit it.

#[expect(dead_code, reason = "shared by several test programs, each of which uses a part")]
mod support;

use std::{fmt::Write as _, fs, path::Path};

use chatbox_core::{effect::Effect, engine::Turn};
use jiff::SignedDuration;
use support::Play;

#[test]
fn golden_conversations_read_as_written() {
    let engine = support::engine();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the scenarios folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "txt"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "there are scenarios");
    let mut wrong = Vec::new();
    for path in files {
        let script = fs::read_to_string(&path).expect("a scenario");
        let played = play(&engine, &script);
        if played != script {
            if std::env::var_os("GOLDEN").is_some_and(|v| v == "write") {
                fs::write(&path, played).expect("written");
            } else {
                wrong.push(format!("{}\n{}", path.display(), first_difference(&script, &played)));
            }
        }
    }
    assert!(wrong.is_empty(), "these conversations went another way:\n{}", wrong.join("\n\n"));
}

fn play(engine: &chatbox_core::engine::Engine, script: &str) -> String {
    let mut play = Play::new(engine);
    let mut out = String::new();
    for line in script.lines().take_while(|line| line.starts_with('#')) {
        writeln!(out, "{line}").expect("a string");
    }
    for line in script.lines() {
        let turns = if let Some(text) = line.strip_prefix("> ") {
            vec![play.says(text)]
        } else if let Some(choice) = line.strip_prefix("press ") {
            vec![play.presses(choice)]
        } else if let Some(minutes) = line.strip_prefix("after ") {
            let minutes = minutes.trim_end_matches(" minutes").parse().expect("minutes");
            play.after(SignedDuration::from_mins(minutes))
        } else if let Some((by, text)) = line.strip_prefix("desk ").and_then(|rest| rest.split_once(": ")) {
            vec![play.desk(by, text)]
        } else {
            continue;
        };
        writeln!(out, "\n{line}").expect("a string");
        for turn in turns {
            write_turn(&mut out, &turn);
        }
        let conversation = play.conversation();
        let place = match (conversation.dialogue(), conversation.step()) {
            (Some(dialogue), Some(step)) => format!("{dialogue}/{step}"),
            _ => "-".to_owned(),
        };
        let flag = conversation.flag.map_or_else(String::new, |flag| format!(", flag {:?}", flag.route));
        writeln!(out, "  = {} {place}{flag}", conversation.holder.as_str()).expect("a string");
    }
    out
}

fn write_turn(out: &mut String, turn: &Turn) {
    for effect in &turn.effects {
        match effect {
            Effect::Say(say) => {
                block(out, &format!("{:?}", say.kind).to_lowercase(), &say.text);
                for choice in &say.choices {
                    writeln!(out, "      [{}] {}", choice.id, choice.label).expect("a string");
                }
            }
            Effect::Desk(post) => {
                let place = post.case.as_ref().map_or("room", |case| case.0.as_str());
                block(out, &format!("desk {:?} {place}", post.kind).to_lowercase(), &post.text);
                for choice in &post.choices {
                    writeln!(out, "      [{}] {}", choice.id, choice.label).expect("a string");
                }
            }
            Effect::Save(record) => {
                block(out, &format!("saved {} {}", record.kind, record.reference), &record.data.to_string());
            }
            Effect::SetTimer { name, step, .. } => {
                writeln!(out, "  (timer {name} for {step})").expect("a string");
            }
            Effect::CancelTimer { name } => writeln!(out, "  (no timer {name})").expect("a string"),
            Effect::Amend { of, text } => writeln!(out, "  (amend {of} {text:?})").expect("a string"),
            Effect::ClearChat { .. } => writeln!(out, "  (chat cleared)").expect("a string"),
            Effect::Erase { keep } => writeln!(out, "  (erased, kept {keep:?})").expect("a string"),
            Effect::Audit { what, .. } => writeln!(out, "  (audit {what:?})").expect("a string"),
        }
    }
}

fn block(out: &mut String, who: &str, text: &str) {
    for (nth, line) in text.lines().enumerate() {
        let head = if nth == 0 { format!("{who}:") } else { String::new() };
        writeln!(out, "{}", format!("  {head:<9} {line}").trim_end()).expect("a string");
    }
}

fn first_difference(wanted: &str, got: &str) -> String {
    let mut lines = wanted.lines().zip(got.lines()).enumerate();
    match lines.find(|(_, (wanted, got))| wanted != got) {
        Some((nth, (wanted, got))) => format!("line {}\n  wanted: {wanted}\n  got:    {got}", nth + 1),
        None => "one is longer than the other".to_owned(),
    }
}
