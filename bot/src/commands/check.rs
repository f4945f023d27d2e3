//! `chatbox check`: configuration and content, before anybody talks to them.

use std::path::Path;

use chatbox_core::{content::Severity, engine::Engine};

use super::print_line;
use crate::{cli::Check, clock, config, content::Origin, stop::Stop};

/// Prints what was found. Any fault is exit code 2.
pub fn run(config: Option<&Path>, args: &Check) -> Result<(), Stop> {
    let today = args.today.unwrap_or_else(|| clock::uk_day(clock::now()));
    let loaded = config::load(config, std::env::vars_os())?;
    let shown =
        loaded.path.as_ref().map_or_else(|| "built-in defaults".into(), |path| path.display().to_string());
    for warning in loaded.config.warnings() {
        print_line(&format!("{shown}: warning: {warning}"))?;
    }
    let origin = Origin::of(&loaded);
    let content = origin.load(today)?;

    let mut findings = content.warnings.clone();
    findings.extend(content.check_examples());
    if args.release {
        findings.extend(content.check_release());
    }
    findings.sort();
    findings.dedup();
    let mut faults = 0;
    for finding in &findings {
        print_line(&origin.show(finding))?;
        faults += usize::from(finding.severity == Severity::Error);
    }
    let hub = loaded.config.hub.for_engine(&loaded.config.retention, &loaded.config.limits);
    let engine = Engine::new(content, hub);
    match faults {
        0 => print_line(&format!("{shown} and {origin}: all is well (content {}).", engine.content().hash)),
        1 => Err(Stop::Usage(format!("{origin}: 1 fault."))),
        faults => Err(Stop::Usage(format!("{origin}: {faults} faults."))),
    }
}
