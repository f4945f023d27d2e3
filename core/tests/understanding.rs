//! What the shipped understanding content reads out of texts, measured.

use std::{fs, path::PathBuf};

use chatbox_core::{content::Finding, understanding::Understanding};

fn shipped() -> (Understanding, Vec<Finding>) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../config/content/understanding");
    let names = ["needs.yaml", "intents.yaml", "slots.yaml"];
    let texts: Vec<String> = names.iter().map(|name| fs::read_to_string(folder.join(name)).unwrap()).collect();
    let files: Vec<(&str, &str)> = names.iter().copied().zip(texts.iter().map(String::as_str)).collect();
    let mut findings = Vec::new();
    let understanding = Understanding::load(&files, &mut findings);
    (understanding, findings)
}

#[test]
fn shipped_content_holds_and_keeps_its_examples() {
    let (understanding, findings) = shipped();
    let failed = understanding.check_examples();
    let all: Vec<String> = findings.iter().chain(&failed).map(ToString::to_string).collect();
    assert!(all.is_empty(), "{}", all.join("\n"));
}
