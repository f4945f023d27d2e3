//! Who answers for the rules: approver, role, date, and the hash of what they approved.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_saphyr::Spanned;
use sha2::{Digest, Sha256};

use super::Safety;
use crate::content::{Finding, Severity, Source};

/// `safety/sign-off.yaml`. Empty as shipped; the deployer's clinical lead fills it in.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    approver: Option<String>,
    role: Option<String>,
    date: Option<jiff::civil::Date>,
    hash: Option<Spanned<String>>,
}

/// Whether a named person has approved these very rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignOff {
    Signed {
        approver: String,
        role: String,
        date: jiff::civil::Date,
    },
    /// A name, role, date or hash is missing.
    Unsigned,
    /// Signed, but the rules have changed since.
    Stale,
}

pub(super) fn is_sign_off(path: &str) -> bool {
    path.ends_with("sign-off.yaml")
}

/// SHA-256 over the rule files in order of their paths (path, line feed, text, line feed), in
/// hexadecimal. The sign-off file itself is left out.
pub fn digest(files: &[(&str, &str)]) -> String {
    let mut sorted: Vec<_> = files.iter().filter(|(path, _)| !is_sign_off(path)).collect();
    sorted.sort_unstable();
    let mut hash = Sha256::new();
    for (path, text) in sorted {
        for part in [path, "\n", text, "\n"] {
            hash.update(part.as_bytes());
        }
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

impl Safety {
    /// Reads the sign-off among `files` and compares it with the rules. Anything but
    /// [`SignOff::Signed`] is a warning, which `check --release` refuses.
    pub fn sign_off(files: &[(&str, &str)], findings: &mut Vec<Finding>) -> SignOff {
        let hash = digest(files);
        let warn = |message: String| Finding {
            severity: Severity::Warning,
            file: "safety/sign-off.yaml".into(),
            line: 0,
            column: 0,
            message,
        };
        let Some(&(path, text)) = files.iter().find(|(path, _)| is_sign_off(path)) else {
            findings.push(warn(format!(
                "No one has signed the safety rules. Add this file with approver, role, date and hash {hash}."
            )));
            return SignOff::Unsigned;
        };
        let source = Source { file: path, text };
        let file: File = match source.parse() {
            Ok(file) => file,
            Err(finding) => {
                findings.push(finding);
                return SignOff::Unsigned;
            }
        };
        let named = |name: Option<String>| name.filter(|name| !name.trim().is_empty());
        let (Some(approver), Some(role), Some(date), Some(signed)) =
            (named(file.approver), named(file.role), file.date, file.hash)
        else {
            findings.push(Finding {
                file: path.into(),
                ..warn(format!(
                    "No one has signed the safety rules. A clinical lead fills in approver, role, date and hash {hash}."
                ))
            });
            return SignOff::Unsigned;
        };
        if signed.value.trim() != hash {
            findings.push(source.warning(
                &signed,
                format!("The safety rules have changed since they were signed. Their hash is now {hash}."),
            ));
            return SignOff::Stale;
        }
        SignOff::Signed { approver, role, date }
    }
}
