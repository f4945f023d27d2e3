//! `chatbox understand`: what texts mean, line by line; with `--score` how often that is right.

mod expect;
mod figures;
mod score;

use std::{
    io::{self, BufRead as _, Write as _},
    path::Path,
};

use chatbox_core::{engine::Engine, understanding::Meaning};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{cli::Understand, clock, setup::Setup, stop::Stop};

/// At most this much is read as one line.
const MAX_LINE_BYTES: u64 = 4 * 1024 * 1024;

/// Reads standard input to its end; one line out for each line in, as soon as it is there. With
/// `--score` reads that file, and writes figures.
pub fn run(config: Option<&Path>, args: &Understand) -> Result<(), Stop> {
    let setup = Setup::read(config, clock::now())?;
    if let Some(file) = &args.score {
        return score::run(&setup.engine, file, args.step.as_deref(), args.json);
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
        let answer = answer(&setup.engine, &line, args.step.as_deref());
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
    Error(Value),
}

fn answer(engine: &Engine, line: &[u8], step: Option<&str>) -> Answer {
    match parse(line) {
        Err(sentence) => Answer::Error(json!({"error": sentence})),
        Ok((text, own)) => {
            let meaning = engine.understand(&text, own.as_deref().or(step));
            Answer::Meaning { text, meaning: Box::new(meaning) }
        }
    }
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
