//! `chatbox check`: configuration and content, before anybody talks to them.

use std::{fs, path::Path};

use chatbox_core::{
    content::{Finding, Severity},
    safety::{WEIGHTS, taught_by},
};

use super::{learn, print_line};
use crate::{cli::Check, clock, config, content::Origin, stop::Stop};

/// Prints what was found, on standard output. Any fault is exit code 2.
pub fn run(config: Option<&Path>, args: &Check) -> Result<(), Stop> {
    let today = args.today.unwrap_or_else(|| clock::uk_day(clock::now()));
    let loaded = config::load(config, std::env::vars_os())?;
    let path = loaded.path.as_ref();
    let shown = path.map_or_else(|| "built-in defaults".into(), |path| path.display().to_string());
    for warning in loaded.config.warnings() {
        print_line(&format!("{shown}: warning: {warning}"))?;
    }
    let origin = Origin::of(&loaded);
    let (mut findings, hash) = match origin.examine(today)? {
        Err(findings) => (findings, None),
        Ok(content) => {
            let mut findings = content.warnings.clone();
            findings.extend(content.check_examples());
            findings.extend(stale_weights(&origin)?);
            if args.release {
                findings.extend(content.check_release());
            }
            (findings, Some(content.hash))
        }
    };
    // A warning that counts as a fault for a release is said once.
    let place = |f: &Finding| (f.file.clone(), f.line, f.column, f.message.clone(), f.severity);
    findings.sort_by_key(place);
    findings.dedup_by(|next, kept| {
        (&next.file, next.line, next.column, &next.message)
            == (&kept.file, kept.line, kept.column, &kept.message)
    });
    for finding in &findings {
        print_line(&origin.show(finding))?;
    }
    let faults = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    match (faults, hash) {
        (0, Some(hash)) => {
            let warnings = findings.len();
            print_line(&format!("{shown} and {origin} can be used: {warnings} warnings, content {hash}."))
        }
        (0, None) => Err(Stop::Usage(format!("{origin} cannot be used."))),
        (1, _) => Err(Stop::Usage(format!("{origin}: 1 fault."))),
        (faults, _) => Err(Stop::Usage(format!("{origin}: {faults} faults."))),
    }
}

/// Whether the weights of the second safety net were learned from other examples than lie beside them.
fn stale_weights(origin: &Origin) -> Result<Option<Finding>, Stop> {
    let Origin::Folder(content) = origin else { return Ok(None) };
    let examples = learn::examples(content)?;
    let weights = fs::read_to_string(content.join(WEIGHTS)).ok();
    let taught_by = weights.as_deref().and_then(taught_by);
    let message = match (taught_by, examples.is_empty()) {
        (Some(digest), false) if digest == learn::digest_of(&examples) => return Ok(None),
        (_, true) => return Ok(None),
        (Some(_), false) => "the examples have changed since it was made: run `chatbox learn`",
        (None, false) => "there are examples and no weights: run `chatbox learn`",
    };
    Ok(Some(Finding {
        severity: Severity::Error,
        file: WEIGHTS.to_owned(),
        line: 0,
        column: 0,
        message: message.to_owned(),
    }))
}
