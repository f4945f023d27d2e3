//! What understanding a message costs: `cargo bench -p chatbox-core --bench understanding`.
//!
//! Reads every text of the tests several times, route and meaning each time, and prints how long one
//! message takes and how much memory the compiled words hold. It asserts nothing.

#![expect(clippy::print_stdout, reason = "a benchmark reports to whoever runs it")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot read its texts may as well stop")]

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use chatbox_core::{
    safety::Safety,
    understanding::{Memory, Understanding},
};
use jiff::Timestamp;

const ROUNDS: usize = 5;

fn main() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let before = resident();
    let start = Instant::now();
    let understanding = with_files(&root.join("../config/content/understanding"), |files| {
        Understanding::load(files, &mut Vec::new())
    });
    let loaded = start.elapsed();
    let after = resident();
    let safety = with_files(&root.join("../config/content/safety"), |files| Safety::load(files, &mut vec![]));
    let texts = texts(&root.join("tests"));
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for text in &texts {
            let start = Instant::now();
            let meaning = understanding.read(text, None);
            std::hint::black_box(meaning.needs());
            let read = start.elapsed();
            let heard = safety.hear(text, &Memory::default(), Timestamp::UNIX_EPOCH);
            times[0].push(read);
            times[1].push(start.elapsed());
            std::hint::black_box((meaning, heard));
        }
    }
    println!("{} texts, {ROUNDS} times", texts.len());
    for (name, times) in ["needs, intent, slots", "with route and kinds"].into_iter().zip(&mut times) {
        times.sort_unstable();
        let at = |percent: usize| in_ms(times[(times.len() - 1) * percent / 100]);
        println!("{name}: p50 {:.3} ms, p99 {:.3} ms, longest {:.3} ms", at(50), at(99), at(100));
    }
    println!(
        "loaded in {:.0} ms; memory of the compiled words: {} kB",
        in_ms(loaded),
        after.saturating_sub(before)
    );
}

/// Calls with the files of a folder as (path, text), the paths as content names them.
fn with_files<T>(folder: &Path, load: impl FnOnce(&[(&str, &str)]) -> T) -> T {
    let mut files: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension().is_some_and(|ending| ending == "yaml" || ending == "weights" || ending == "txt")
        })
        .map(|path| {
            let within = folder.file_name().unwrap().to_str().unwrap();
            let name = path.file_name().unwrap().to_str().unwrap();
            (format!("{within}/{name}"), fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    load(&files)
}

fn texts(tests: &Path) -> Vec<String> {
    let files = [
        "understanding/needs",
        "understanding/slots",
        "understanding/intents",
        "safety/held_back",
        "safety/missed",
    ];
    let mut out = Vec::new();
    for file in files {
        for line in fs::read_to_string(tests.join(format!("{file}.jsonl"))).unwrap().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            out.extend(line["text"].as_str().map(str::to_owned));
        }
    }
    out
}

fn in_ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Memory in use, in kB; 0 where the system does not tell.
fn resident() -> u64 {
    fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let line = status.lines().find(|line| line.starts_with("VmRSS:"))?.to_owned();
            line.split_whitespace().nth(1)?.parse().ok()
        })
        .unwrap_or(0)
}
