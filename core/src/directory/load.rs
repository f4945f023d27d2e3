//! Reading the files of the directory; `entry` says what stands in them, `checker` what is wrong there.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::de::DeserializeOwned;

use super::{
    Directory,
    checker::Checker,
    entry::RawFile,
    reference::{RawHolidays, RawRetired, RawTaxonomy},
};
use crate::content::{Finding, Severity, Source};

/// Stands in the finding for an expired crisis offer: `check` fails on it, while a running
/// service goes on (the built-in lines are always there) and tells the desk.
pub const EXPIRED_CRISIS: &str = "a crisis offer is past its date";

/// Files that hold no offers.
const SPECIAL: [&str; 3] = ["taxonomy.yaml", "retired.yaml", "holidays.yaml"];

pub(super) fn load(files: &[(&str, &str)], today: Date, findings: &mut Vec<Finding>) -> Directory {
    let mut files: Vec<Source<'_>> = files
        .iter()
        .filter(|(file, _)| name(file).rsplit_once('.').is_some_and(|(_, kind)| kind == "yaml"))
        .map(|(file, text)| Source { file, text })
        .collect();
    files.sort_by_key(|source| source.file);
    let mut directory = Directory::default();
    for source in &files {
        match name(source.file) {
            "taxonomy.yaml" => {
                directory.taxonomy = read(source, findings).map(RawTaxonomy::finish).unwrap_or_default();
            }
            "retired.yaml" => {
                directory.retired =
                    read::<RawRetired>(source, findings).map(|file| file.retired).unwrap_or_default();
            }
            "holidays.yaml" => {
                if let Some(file) = read::<RawHolidays>(source, findings) {
                    directory.calendars = file.finish(source, today, findings);
                }
            }
            _ => {}
        }
    }
    if directory.taxonomy.needs.is_empty() {
        findings.push(missing_file("taxonomy.yaml", "there are no needs: list them under `needs:`"));
    }
    if directory.calendars.0.is_empty() {
        findings.push(missing_file(
            "holidays.yaml",
            "there are no bank holidays: list them under `bank_holidays:`",
        ));
    }
    let mut places = BTreeMap::new();
    for source in files.iter().filter(|source| !SPECIAL.contains(&name(source.file))) {
        unquoted_times(source, findings);
        if let Some(file) = read::<RawFile>(source, findings) {
            let offers = Checker { source, directory: &directory, today }.file(file, &mut places, findings);
            directory.offers.extend(offers);
        }
    }
    directory
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn read<T: DeserializeOwned>(source: &Source<'_>, findings: &mut Vec<Finding>) -> Option<T> {
    source.parse().map_err(|fault| findings.push(fault)).ok()
}

fn missing_file(file: &str, message: &str) -> Finding {
    Finding {
        severity: Severity::Error,
        file: format!("directory/{file}"),
        line: 0,
        column: 0,
        message: message.into(),
    }
}

/// Our reader takes `17:00` for a time; others take it for the number 1020.
fn unquoted_times(source: &Source<'_>, findings: &mut Vec<Finding>) {
    for (number, line) in (1..).zip(source.text.lines()) {
        let code = line.split(" #").next().unwrap_or(line);
        for key in ["from:", "to:"] {
            let Some(at) = code.find(key) else { continue };
            let value = code[at + key.len()..].trim_start();
            let bare = value.split([',', '}', ' ']).next().unwrap_or(value);
            if bare.contains(':') && bare.starts_with(|c: char| c.is_ascii_digit()) {
                let column = line.chars().count() - code[at + key.len()..].chars().count() + 2;
                findings.push(Finding {
                    severity: Severity::Warning,
                    file: source.file.into(),
                    line: number,
                    column: u64::try_from(column).unwrap_or(0),
                    message: format!(
                        "put the time in quotes (\"{bare}\"): other programs read it as a number"
                    ),
                });
            }
        }
    }
}
