//! The directory: opening hours, eligibility, ranking, and what `check` says of it.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod directory {
    mod content;
    mod hours;
    mod search;

    use std::fmt::Write as _;

    use chatbox_core::{
        content::{Finding, Severity},
        directory::Directory,
    };
    use jiff::{Timestamp, civil::Date};

    pub(crate) const TODAY: Date = Date::constant(2026, 11, 22);

    pub(crate) fn at(london: &str) -> Timestamp {
        let zoned: jiff::Zoned = format!("{london}[Europe/London]").parse().unwrap();
        zoned.timestamp()
    }

    const TAXONOMY: &str = "
needs:
  - {id: finance, words: money worries}
  - {id: sleep, words: sleep}
  - {id: parenting, words: children and childcare}
  - {id: suicidal_thoughts, words: thoughts of ending your life, crisis: true}
offer_types: {helpline: Helpline}
roles:
  - {id: doctor, label: Doctor, phrase: a doctor}
  - {id: nurse, label: Nurse, phrase: a nurse}
  - {id: social_care, label: Social care, phrase: working in social care, sector: social_care}
sectors: {nhs: NHS, social_care: Social care}
";
    const HOLIDAYS: &str = "
known_from: 2026-01-01
known_until: 2028-12-31
bank_holidays:
  - {nations: [england, wales, scotland, northern_ireland], days: [2026-12-25]}
";
    const RETIRED: &str = "
retired:
  - {value: '0300 131 7000', was: an old line, instead: take it out}
  - {value: FRONTLINE, with: '85258', was: an old keyword, instead: use SHOUT}
";
    const USUAL: [(&str, &str); 15] = [
        ("name", "The usual"),
        ("organization", "Somebody"),
        ("offer_types", "[helpline]"),
        ("description", "What it is."),
        ("needs", "[finance]"),
        ("contacts", "[{type: phone, value: '0800 138 1111'}]"),
        ("hours", "Day and night"),
        ("schedule", "always"),
        ("eligibility", "Anyone"),
        ("cost", "free"),
        ("nations", "[england]"),
        ("audience", "[all]"),
        ("crisis", "false"),
        ("review_by", "2027-02-20"),
        ("assurance", "{state: verified, assured_date: 2026-11-01, assurer_email: a@b.uk}"),
    ];

    /// An offer of 16 lines: its id, the changed keys, then the usual ones.
    pub(crate) fn offer(id: &str, changed: &str) -> String {
        let mut text = format!("  - id: {id}\n");
        for line in changed.lines() {
            let _ = writeln!(text, "    {}", line.trim());
        }
        for (key, value) in USUAL {
            if !changed.lines().any(|line| line.trim().starts_with(&format!("{key}:"))) {
                let value = if key == "name" { format!("The {id}") } else { value.into() };
                let _ = writeln!(text, "    {key}: {value}");
            }
        }
        text
    }

    pub(crate) fn load(offers: &[String]) -> (Directory, Vec<Finding>) {
        let text =
            if offers.is_empty() { "offers: []\n".into() } else { format!("offers:\n{}", offers.concat()) };
        let files = [
            ("directory/taxonomy.yaml", TAXONOMY),
            ("directory/holidays.yaml", HOLIDAYS),
            ("directory/retired.yaml", RETIRED),
            ("directory/offers.yaml", text.as_str()),
        ];
        let mut findings = Vec::new();
        let directory = Directory::load(&files, TODAY, &mut findings);
        (directory, findings)
    }

    pub(crate) fn sound(offers: &[String]) -> Directory {
        let (directory, findings) = load(offers);
        let errors: Vec<_> = findings.iter().filter(|f| f.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{errors:?}");
        directory
    }
}
