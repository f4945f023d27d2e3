//! `chatbox understand`: what texts mean, line by line; with `--score` how often that is right.

mod expect;
mod figures;
mod score;

use std::{
    io::{self, BufRead as _, Write as _},
    path::Path,
};

use chatbox_core::{
    engine::Engine,
    understanding::{Meaning, Part},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    cli::{Only, Understand},
    clock,
    setup::Setup,
    stop::Stop,
};

/// At most this much is read as one line.
const MAX_LINE_BYTES: u64 = 4 * 1024 * 1024;

/// Reads standard input to its end; one line out for each line in, as soon as it is there. With
/// `--score` reads that file, and writes figures.
pub fn run(config: Option<&Path>, args: &Understand) -> Result<(), Stop> {
    let setup = Setup::read(config, clock::now())?;
    if let Some(file) = &args.score {
        return score::run(&setup.engine, file, args);
    }
    let mut input = io::stdin().lock();
    let mut output = io::BufWriter::new(io::stdout().lock());
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = io::Read::take(&mut input, MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        let answer = answer(&setup.engine, &line, args);
        let written = serde_json::to_writer(&mut output, &answer)
            .map_err(io::Error::from)
            .and_then(|()| output.write_all(b"\n"))
            .and_then(|()| output.flush());
        match written {
            Ok(()) => {}
            Err(fault) if fault.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(fault) => return Err(fault.into()),
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Meaning {
        text: String,
        #[serde(flatten)]
        meaning: Box<Meaning>,
    },
    Part {
        text: String,
        #[serde(flatten)]
        fields: Map<String, Value>,
    },
    Error(Value),
}

fn answer(engine: &Engine, line: &[u8], args: &Understand) -> Answer {
    match parse(line) {
        Err(sentence) => Answer::Error(json!({"error": sentence})),
        Ok((text, own)) => {
            let step = own.as_deref().or(args.step.as_deref());
            let Some(only) = args.only else {
                let meaning = engine.understand(&text, step);
                return Answer::Meaning { text, meaning: Box::new(meaning) };
            };
            let fields = fields_of(only, engine.understand_only(&text, step, parts(Some(only))));
            Answer::Part { text, fields }
        }
    }
}

/// What is to be read.
fn parts(only: Option<Only>) -> &'static [Part] {
    match only {
        None => Part::ALL,
        Some(Only::Route) => &[Part::Route],
        Some(Only::Needs) => &[Part::Needs],
        Some(Only::Slots) => &[Part::Slots],
    }
}

/// The fields of one part; those of the others say nothing.
fn fields_of(only: Only, meaning: Meaning) -> Map<String, Value> {
    let names: &[&str] = match only {
        Only::Route => &["route", "soft", "kinds", "reasons", "gentle"],
        Only::Needs => &["needs"],
        Only::Slots => &["intent", "group"],
    };
    let Ok(Value::Object(mut fields)) = serde_json::to_value(meaning) else { return Map::new() };
    fields.retain(|name, _| names.contains(&name.as_str()));
    fields
}

/// The text, and the step that it answers.
fn parse(line: &[u8]) -> Result<(String, Option<String>), &'static str> {
    const FORM: &str = "a line is {\"text\": \"…\"}, with \"step\" if it answers a question";
    let line = std::str::from_utf8(line).map_err(|_| "the line is not UTF-8 text")?;
    let value: Value = serde_json::from_str(line).map_err(|_| FORM)?;
    let Value::Object(mut fields) = value else { return Err(FORM) };
    let Some(Value::String(text)) = fields.remove("text") else { return Err(FORM) };
    match fields.remove("step") {
        None | Some(Value::Null) => Ok((text, None)),
        Some(Value::String(step)) => Ok((text, Some(step))),
        Some(_) => Err(FORM),
    }
}
