//! `chatbox learn`: from the examples of danger and of harmless talk to the weights of the second net, and from
//! the sentences of needs to what they say in numbers.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use chatbox_core::{
    safety::{Lesson, Route, Shares, WEIGHTS, digest, learn},
    understanding::{SENTENCES, Understanding},
};

use super::print_line;
use crate::{
    config,
    content::{MAX_FILE_BYTES, Origin},
    stop::Stop,
};

/// The folder of the examples within the content.
pub const EXAMPLES: &str = "safety/examples";

/// Encodes sentences that are new, learns from the examples in the content folder, writes both there, and prints
/// how often examples are heard rightly by weights that were made without them.
pub fn run(config: Option<&Path>) -> Result<(), Stop> {
    let Origin::Folder(content) = Origin::of(&config::load(config, std::env::vars_os())?) else {
        return Err(Stop::Usage(
            "there is no content folder to learn from: name one with content.dir, or run this beside config/."
                .into(),
        ));
    };
    encode(&content)?;
    let files = examples(&content)?;
    let mut lessons = vec![];
    for (name, text) in &files {
        for (at, line) in text.lines().enumerate() {
            let lesson = Lesson::parse(line)
                .map_err(|fault| Stop::Usage(format!("{name}:{}: error: {fault}.", at + 1)))?;
            lessons.extend(lesson);
        }
    }
    if lessons.is_empty() {
        return Err(Stop::Usage(format!("{} holds no example.", content.join(EXAMPLES).display())));
    }
    let learnt = learn(&lessons, &digest_of(&files), &Shares::default());
    let to = content.join(WEIGHTS);
    keep(&to, &learnt.weights)?;
    table(&lessons, &learnt.held_out)?;
    print_line(&format!("{} holds what {} examples teach.", to.display(), lessons.len()))
}

/// Writes what the sentences of needs say, if one of them is new or gone.
fn encode(content: &Path) -> Result<(), Stop> {
    let to = content.join(SENTENCES);
    if !to.with_extension("yaml").is_file() {
        return Ok(());
    }
    let files = Origin::Folder(content.to_owned()).read()?;
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let new = Understanding::learn(&files);
    if files.iter().any(|(path, text)| *path == SENTENCES && *text == new) {
        return Ok(());
    }
    keep(&to, &new)?;
    print_line(&format!("{} holds what the sentences of needs say.", to.display()))
}

/// Replaces the weights as a whole or not at all: they lie on disk before the old ones go. Weights
/// that would not be read as content are not kept.
fn keep(to: &Path, weights: &str) -> Result<(), Stop> {
    if u64::try_from(weights.len()).is_ok_and(|size| size > MAX_FILE_BYTES) {
        return Err(Stop::Failed(anyhow!(
            "{} stays as it is: it would hold {} bytes, and content of more than 4 MiB is not read. \
             Learn from fewer examples.",
            to.display(),
            weights.len()
        )));
    }
    let folder = to.parent().unwrap_or(Path::new("."));
    // Hidden, so nobody reads it as content if it is left behind.
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let new = folder.join(format!(".{name}.new"));
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(weights.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, to)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|fault: io::Error| {
        Stop::Failed(anyhow!("{} cannot be written ({}).", to.display(), fault.kind()))
    })
}

/// The example files of a content folder, by name within it; none if there is no such folder.
pub fn examples(content: &Path) -> Result<Vec<(String, String)>, Stop> {
    let folder = content.join(EXAMPLES);
    let unreadable = |path: &Path, fault: &std::io::Error| {
        Stop::Usage(format!("content: {} cannot be read ({}).", path.display(), fault.kind()))
    };
    if !folder.is_dir() {
        return Ok(vec![]);
    }
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(|fault| unreadable(&folder, &fault))?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    paths.sort();
    let mut files = vec![];
    for path in paths {
        let text = fs::read_to_string(&path).map_err(|fault| unreadable(&path, &fault))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        files.push((format!("{EXAMPLES}/{name}"), text));
    }
    Ok(files)
}

/// The digest that weights learned from `files` bear.
pub fn digest_of(files: &[(String, String)]) -> String {
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    digest(&files)
}

/// One line for each group: how many examples, how many heard rightly, and how the others were.
fn table(lessons: &[Lesson], held_out: &[Route]) -> Result<(), Stop> {
    #[derive(Default)]
    struct Row {
        all: usize,
        low: usize,
        high: usize,
    }
    let mut groups: BTreeMap<&str, Row> = BTreeMap::new();
    for (lesson, heard) in lessons.iter().zip(held_out) {
        let row = groups.entry(&lesson.group).or_default();
        row.all += 1;
        row.low += usize::from(*heard < lesson.min);
        row.high += usize::from(*heard > lesson.max);
    }
    print_line("heard by the learned net alone, each example by weights made without it:")?;
    print_line(&format!(
        "{:20} {:>8} {:>8} {:>8} {:>8}",
        "group", "examples", "right %", "too low", "too high"
    ))?;
    for (group, Row { all, low, high }) in groups {
        let thousandths = (all - low - high) * 1000 / all;
        let (percent, tenth) = (thousandths / 10, thousandths % 10);
        print_line(&format!("{group:20} {all:8} {percent:6}.{tenth} {low:8} {high:8}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_larger_than_content_may_be_are_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("learned.weights");
        fs::write(&to, "old").unwrap();
        let limit = usize::try_from(MAX_FILE_BYTES).unwrap();
        let fault = keep(&to, &"w".repeat(limit + 1)).unwrap_err();
        assert!(fault.to_string().contains("more than 4 MiB"), "{fault}");
        assert_eq!(fs::read_to_string(&to).unwrap(), "old");
        keep(&to, &"w".repeat(limit)).unwrap();
        assert_eq!(fs::metadata(&to).unwrap().len(), MAX_FILE_BYTES);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}
