//! The safety rules as they ship: floor, examples, corpus, and what must hold for any text.

use std::fs;
use std::path::Path;

use chatbox_core::content::Finding;
use chatbox_core::safety::{Heard, Safety};
use chatbox_core::understanding::Memory;
use jiff::Timestamp;

fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/content/safety");
    let mut files: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .map(|path| {
            let name = format!("safety/{}", path.file_name().unwrap().to_str().unwrap());
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn load(findings: &mut Vec<Finding>) -> Safety {
    let files = files();
    let borrowed: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Safety::load(&borrowed, findings)
}

fn hear(safety: &Safety, text: &str) -> Heard {
    safety.hear(text, &Memory::default(), Timestamp::UNIX_EPOCH)
}

fn listed(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
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
    let safety = load(&mut findings);
    findings.extend(safety.check_examples());
    assert!(findings.is_empty(), "{}", listed(&findings));
    assert_eq!(hear(&safety, "").reasons, vec![]);
}
