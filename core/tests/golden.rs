//! Golden conversations: `scenarios/*.txt` hold what is typed and what comes of it.
//!
//! Lines that are played begin with one of these; all others are written by the program:
//!
//! - `> TEXT`: the person writes. Their messages are called m1, m2 and so on.
//! - `press CHOICE`, `edit m1: TEXT`, `unsend m1`, `photo: CAPTION`
//! - `desk NAME: TEXT`, in the open case; `desk NAME in REF: TEXT`, in another thread. Messages of
//!   the desk are called d1, d2 and so on.
//! - `desk NAME edits d1: TEXT`, `desk NAME unsends d1`, `desk NAME sends photo: CAPTION`
//! - `room NAME: TEXT`: in the desk's room outside every case.
//! - `after N minutes`
//! - `set NAME of ORGANISATION`, `set NAME leads`, `set NAME gone`, `set lead`: who is at the desk.
//! - `set channel NAME`, `set via LEVEL`, `set room LEVEL`: where the person writes, how private their
//!   messages come, and how private the desk's room is.
//! - `set queue REF URGENCY MINUTES`: somebody else who waits; with a `KWG-` reference, a request.
//! - `set desk gone`: there is none any more.
//! - `failed safety`, `failed`, `failed change`: a text, or a change of one, was refused for good.
//!
//! `GOLDEN=write cargo test` writes them anew: read the difference aloud before you commit it.

#[expect(dead_code, reason = "shared by several test programs, each of which uses a part")]
mod support;

use std::{fmt::Write as _, fs, path::Path};

use chatbox_core::{
    channel::Confidentiality,
    effect::{Effect, Media},
    engine::{DeskView, Queued, Turn},
    ids::{ChannelKind, Reference},
    input::{Attachment, DeskMessage, FileRef, InputKind, Message},
};
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
        let Some(turns) = play_line(&mut play, line) else { continue };
        writeln!(out, "\n{line}").expect("a string");
        for turn in &turns {
            write_turn(&mut out, turn);
        }
        // A setting of the stage.
        if turns.is_empty() && line.starts_with("set ") {
            continue;
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

/// Plays one line of a script. None: it is not one.
fn play_line(play: &mut Play<'_>, line: &str) -> Option<Vec<Vec<Effect>>> {
    let (verb, rest) = line.split_once([' ', ':']).unwrap_or((line, ""));
    let rest = rest.trim_start();
    let turn = match verb {
        ">" => play.says(rest),
        "press" => play.presses(rest),
        "edit" => {
            let (id, text) = rest.split_once(": ")?;
            play.edits(id, text)
        }
        "unsend" => play.input(InputKind::Redacted { of: rest.to_owned() }),
        "photo" => play.writes(photo(rest)),
        "failed" => play.input(InputKind::Undelivered { safety: rest == "safety", change: rest == "change" }),
        "desk" => play_desk(play, rest)?,
        "room" => {
            let (by, text) = rest.split_once(": ")?;
            let said = Message { text: text.to_owned(), ..Message::default() };
            let message = DeskMessage { by: by.to_owned(), case: None, said, redacted: false };
            return Some(vec![play.engine.desk_room(&message, play.now, &play.desk)]);
        }
        "after" => {
            let minutes = rest.trim_end_matches(" minutes").parse().ok()?;
            let turns = play.after(SignedDuration::from_mins(minutes));
            return Some(turns.into_iter().map(|turn| turn.effects).collect());
        }
        "set" => {
            set(play, rest);
            return Some(Vec::new());
        }
        _ => return None,
    };
    Some(vec![turn.effects])
}

fn play_desk(play: &mut Play<'_>, line: &str) -> Option<Turn> {
    let (who, text) = line.split_once(':').unwrap_or((line, ""));
    let words: Vec<&str> = who.split(' ').collect();
    let said = Message { text: text.trim_start().to_owned(), ..Message::default() };
    let case = || play.conversation().case.expect("a case is open");
    Some(match words.as_slice() {
        [by] => play.desk_in(&case(), by, said),
        [by, "in", case] => play.desk_in(&Reference::read(case)?, by, said),
        [by, "sends", "photo"] => play.desk_in(&case(), by, photo(&said.text)),
        [by, "edits", id] => {
            let said = Message { id: Some((*id).to_owned()), edited: true, ..said };
            play.at_desk(&case(), by, said, false)
        }
        [by, "unsends", id] => {
            let said = Message { id: Some((*id).to_owned()), ..said };
            play.at_desk(&case(), by, said, true)
        }
        _ => return None,
    })
}

fn photo(caption: &str) -> Message {
    let file = FileRef {
        channel: ChannelKind::Telegram,
        handle: "file-1".into(),
        name: None,
        mime: None,
        size: Some(1_000),
    };
    let (attachment, file) = (Some(Attachment::Photo), Some(file));
    Message { text: caption.to_owned(), attachment, file, ..Message::default() }
}

fn set(play: &mut Play<'_>, what: &str) {
    let words: Vec<&str> = what.split(' ').collect();
    match words.as_slice() {
        ["lead"] => play.desk.lead = true,
        ["channel", name] => {
            let kinds = [ChannelKind::Telegram, ChannelKind::Matrix, ChannelKind::Terminal];
            play.kind = kinds.into_iter().find(|kind| kind.as_str() == *name).expect("a channel");
        }
        ["via", level] => play.via = Some(Confidentiality::named(level).expect("a level")),
        ["room", level] => {
            play.desk.confidentiality = Some(Confidentiality::named(level).expect("a level"));
        }
        [who, "leads"] => play.desk.members.get_mut(*who).expect("a member").duty_lead = true,
        ["desk", "gone"] => play.desk = DeskView::default(),
        [who, "gone"] => drop(play.desk.members.remove(*who)),
        [who, "of", organisation @ ..] => {
            let organisation = Some(organisation.join(" "));
            play.desk.members.get_mut(*who).expect("a member").organisation = organisation;
        }
        ["queue", case, urgency, minutes] => {
            let since = play.now - SignedDuration::from_mins(minutes.parse().expect("minutes"));
            play.desk.queue.push(Queued {
                case: Reference::read(case).expect("a reference"),
                urgency: urgency.parse().expect("a number"),
                waiting: Some(since),
                held: None,
                changed: since,
                request: case.starts_with("KWG"),
            });
        }
        _ => panic!("a scenario cannot set {what:?}"),
    }
}

fn write_turn(out: &mut String, effects: &[Effect]) {
    for effect in effects {
        match effect {
            Effect::Say(say) => {
                block(out, &format!("{:?}", say.kind).to_lowercase(), &say.text);
                write_media(out, say.media.as_ref());
                for choice in &say.choices {
                    writeln!(out, "      [{}] {}", choice.id, choice.label).expect("a string");
                }
            }
            Effect::Desk(post) => {
                let place = post.case.as_ref().map_or("room", |case| case.0.as_str());
                block(out, &format!("desk {:?} {place}", post.kind).to_lowercase(), &post.text);
                write_media(out, post.media.as_ref());
                if post.history > 0 {
                    writeln!(out, "      (the last {} lines)", post.history).expect("a string");
                }
                if post.identify {
                    writeln!(out, "      (who the platform says they are)").expect("a string");
                }
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

fn write_media(out: &mut String, media: Option<&Media>) {
    if let Some(media) = media {
        writeln!(out, "      (with {:?})", media.kind).expect("a string");
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
