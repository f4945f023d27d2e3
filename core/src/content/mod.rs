//! Content: dialogues, directory, needs, safety and wording, as the hub edits it.
//!
//! Files, by folder: `dialogues/*.yaml`, `directory/**`, `safety/*.yaml`, `understanding/*.yaml`,
//! and beside them `wording.yaml`, `faq.yaml` and, where the desk has prepared answers,
//! `replies.yaml`.

mod faq;
mod finding;
mod replies;
pub(crate) mod template;
mod wording;

use std::{fmt::Write as _, panic::resume_unwind, thread};

use jiff::civil::Date;
use sha2::{Digest, Sha256};

pub(crate) use faq::plain;
pub use faq::{FOR_ANOTHER, Faq, SENT, WAITING};
pub use finding::{Finding, Severity, Source};
pub use replies::{Replies, Reply};
pub use wording::{Word, Wording};

use crate::{
    dialogue::{CHECK_IN, Dialogues, KINDS, response_for},
    directory::{Directory, EXPIRED_CRISIS},
    safety::{Kind, Route, Safety},
    understanding::Understanding,
};

/// All content, checked and ready to talk with.
pub struct Content {
    /// Of all files: a conversation remembers the content that it is in.
    pub hash: String,
    pub dialogues: Dialogues,
    pub wording: Wording,
    pub faq: Faq,
    pub replies: Replies,
    pub safety: Safety,
    pub understanding: Understanding,
    pub directory: Directory,
    /// What is worth a warning, such as unverified entries; and as errors, crisis entries past
    /// their date, which fail a check and never keep the service from starting.
    pub warnings: Vec<Finding>,
}

const WORDING: &str = "wording.yaml";
const FAQ: &str = "faq.yaml";
const REPLIES: &str = "replies.yaml";

impl Content {
    /// Reads content from `(path, text)` pairs, paths relative to the content folder and written
    /// with `/`. Any error makes the whole unusable; warnings come with the content. Findings
    /// stand in the order of files and lines.
    pub fn load(files: &[(&str, &str)], today: Date) -> Result<Self, Vec<Finding>> {
        let mut files = files.to_vec();
        files.sort_unstable();
        let mut findings = Vec::new();
        let within = |folder: &str| -> Vec<(&str, &str)> {
            files.iter().filter(|(path, _)| path.starts_with(folder)).copied().collect()
        };
        let mut single = |name: &str| -> String {
            match files.iter().find(|(path, _)| *path == name) {
                Some((_, text)) => (*text).to_owned(),
                None => {
                    findings.push(missing(name));
                    String::new()
                }
            }
        };
        let (wording_text, faq_text) = (single(WORDING), single(FAQ));
        for (path, _) in &files {
            let known = ["dialogues/", "directory/", "safety/", "understanding/"];
            if ![WORDING, FAQ, REPLIES].contains(path) && !known.iter().any(|folder| path.starts_with(folder))
            {
                findings.push(Finding {
                    severity: Severity::Warning,
                    file: (*path).to_owned(),
                    line: 0,
                    column: 0,
                    message: "this file is not used: it lies in no folder that content is read from"
                        .to_owned(),
                });
            }
        }
        let wording = Wording::load(WORDING, &wording_text, &mut findings);
        let faq = Faq::load(FAQ, &faq_text, &mut findings);
        let replies = files.iter().find(|(path, _)| *path == REPLIES);
        let replies =
            replies.map_or_else(Replies::default, |(path, text)| Replies::load(path, text, &mut findings));
        let safety_files = within("safety/");
        // The two that take longest, at the same time: a service that starts again is waited for.
        let (safety, understanding) = thread::scope(|scope| {
            let understanding = scope.spawn(|| {
                let mut findings = Vec::new();
                (Understanding::load(&within("understanding/"), &mut findings), findings)
            });
            let safety = Safety::load(&safety_files, &mut findings);
            let (understanding, found) = understanding.join().unwrap_or_else(|panic| resume_unwind(panic));
            findings.extend(found);
            (safety, understanding)
        });
        let content = Self {
            hash: hash(&files),
            dialogues: Dialogues::load(&within("dialogues/"), &mut findings),
            wording,
            faq,
            replies,
            safety,
            understanding,
            directory: Directory::load(&within("directory/"), today, &mut findings),
            warnings: Vec::new(),
        };
        Safety::sign_off(&safety_files, &mut findings);
        content.check_responses(&mut findings);
        content.faq.check_places(FAQ, &faq_text, &content.dialogues, &mut findings);
        content.check_retired(&files, &mut findings);
        content.check_needs(&mut findings);
        findings.sort();
        findings.dedup();
        if findings.iter().any(|finding| finding.severity == Severity::Error && !is_expiry(finding)) {
            return Err(findings);
        }
        Ok(Self { warnings: findings, ..content })
    }

    /// Runs every example in the content, for `chatbox check`: each failure is a finding.
    pub fn check_examples(&self) -> Vec<Finding> {
        let mut findings = self.safety.check_examples();
        findings.extend(self.understanding.check_examples());
        findings
    }

    /// The warnings that keep content from being released to people: unverified crisis entries,
    /// missing required ones, rules that nobody has signed.
    pub fn check_release(&self) -> Vec<Finding> {
        self.warnings
            .iter()
            .cloned()
            .map(|finding| Finding { severity: Severity::Error, ..finding })
            .collect()
    }

    /// How a need is said back to the person: "money worries".
    pub(crate) fn need_words(&self, id: &str) -> Option<&str> {
        self.directory.taxonomy().needs.get(id).map(|need| need.words.as_str())
    }

    pub(crate) fn role_label(&self, id: &str) -> Option<&str> {
        self.directory.taxonomy().roles.iter().find(|role| role.id == id).map(|role| role.label.as_str())
    }

    /// Every kind on every route has something to say.
    fn check_responses(&self, findings: &mut Vec<Finding>) {
        let Some(check_in) = self.dialogues.get(CHECK_IN) else {
            findings.push(missing("dialogues/check_in.yaml"));
            return;
        };
        for &kind in KINDS {
            for route in [Route::B, Route::C, Route::D, Route::E] {
                let step = response_for(kind, route, |step| check_in.step(step).is_some());
                let own_end =
                    kind == Kind::SelfHarm || check_in.step(&format!("{}_e", kind.as_str())).is_some();
                if check_in.step(&step).is_none() || !own_end {
                    findings.push(Finding {
                        severity: Severity::Error,
                        file: "dialogues/check_in.yaml".to_owned(),
                        line: 1,
                        column: 1,
                        message: format!(
                            "nothing is said on route {route:?} for {}: add the step {}_{}",
                            kind.as_str(),
                            kind.as_str(),
                            format!("{route:?}").to_lowercase(),
                        ),
                    });
                }
            }
        }
    }

    /// A retired number stands in no text at all.
    fn check_retired(&self, files: &[(&str, &str)], findings: &mut Vec<Finding>) {
        for (path, text) in files {
            if !path.starts_with("dialogues/") && ![WORDING, FAQ, REPLIES].contains(path) {
                continue;
            }
            for (nth, line) in text.lines().enumerate() {
                if let Some(retired) = self.directory.retired_in(line) {
                    findings.push(Finding {
                        severity: Severity::Error,
                        file: (*path).to_owned(),
                        line: nth as u64 + 1,
                        column: 1,
                        message: format!("“{}” is retired: {}", retired.value, retired.instead),
                    });
                }
            }
        }
    }

    /// The needs that words lead to are those that offers are for.
    fn check_needs(&self, findings: &mut Vec<Finding>) {
        let known = &self.directory.taxonomy().needs;
        for id in self.understanding.need_ids().filter(|id| !known.contains_key(*id)) {
            findings.push(Finding {
                severity: Severity::Error,
                file: "understanding/needs.yaml".to_owned(),
                line: 1,
                column: 1,
                message: format!("the need “{id}” is not in directory/taxonomy.yaml"),
            });
        }
    }
}

/// A date that passed by itself must not stop a service that people rely on.
fn is_expiry(finding: &Finding) -> bool {
    finding.message.contains(EXPIRED_CRISIS)
}

fn missing(file: &str) -> Finding {
    Finding {
        severity: Severity::Error,
        file: file.to_owned(),
        line: 0,
        column: 0,
        message: "this file is missing: put it back".to_owned(),
    }
}

/// SHA-256 over paths and texts in path order, the first 16 hexadecimal digits.
fn hash(files: &[(&str, &str)]) -> String {
    let mut hash = Sha256::new();
    for (path, text) in files {
        for part in [path, text] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    hash.finalize().iter().take(8).fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
