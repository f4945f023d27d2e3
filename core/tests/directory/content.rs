use std::{fs, path::Path};

use chatbox_core::{
    content::{Finding, Severity},
    directory::{Directory, EXPIRED_CRISIS, Nation, Query},
};
use jiff::civil::{Date, date};

use super::{TODAY, at, load, offer};

fn shipped() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/content");
    let mut files = Vec::new();
    for folder in ["directory", "directory/local"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap());
                files.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    files
}

fn shipped_on(today: Date) -> (Directory, Vec<Finding>) {
    let files = shipped();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut findings = Vec::new();
    let directory = Directory::load(&files, today, &mut findings);
    (directory, findings)
}

/// The one error of an offer whose lines are changed so, as `line:column message`.
fn error(changed: &str) -> String {
    let (directory, findings) = load(&[offer("sound", ""), offer("faulty", changed)]);
    let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    assert_eq!(errors.len(), 1, "{findings:?}");
    assert_eq!(errors[0].file, "directory/offers.yaml");
    assert!(directory.offer("faulty").is_none() || errors[0].message.contains(EXPIRED_CRISIS));
    format!("{}:{} {}", errors[0].line, errors[0].column, errors[0].message)
}

#[test]
fn a_retired_number_is_refused_where_it_stands() {
    let found = error("contacts: [{type: phone, value: '03001317000'}]");
    assert_eq!(found, "19:37 \"0300 131 7000\" is retired (an old line): take it out");
    let found = error("description: Or call 0300 131 70 00.");
    assert!(found.starts_with("19:18 \"0300 131 7000\" is retired"), "{found}");
    let found = error("contacts: [{type: text, value: '85258', detail: text FRONTLINE}]");
    assert!(found.contains("FRONTLINE"), "{found}");
    let (directory, _) = load(&[]);
    assert!(directory.retired_in("call 0300 1317000 now").is_some());
    assert!(directory.retired_in("for the FRONTLINE").is_none(), "a common word without the number");
}

#[test]
fn a_crisis_offer_past_its_date_is_an_error() {
    let found = error("crisis: true\nreview_by: 2026-11-21");
    assert_eq!(
        found,
        "20:16 a crisis offer is past its date: faulty was to be reviewed by 21 November 2026. Check it and set a new date"
    );
    let (directory, findings) =
        load(&[offer("today", "crisis: true\nreview_by: 2026-11-22"), offer("old", "review_by: 2026-11-21")]);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].severity, Severity::Warning, "one that is no crisis offer is a warning");
    assert!(directory.health(TODAY).expired_crisis.is_empty());
    assert_eq!(directory.health(date(2026, 11, 23)).expired_crisis, ["today"]);
}

#[test]
fn faults_are_named_where_they_stand() {
    for (changed, wanted) in [
        ("needs: [finanse]", "19:13 taxonomy.yaml knows no need \"finanse\"; did you mean finance?"),
        ("audience: [wizard]", "knows no role \"wizard\""),
        ("offer_types: [helpline, magic]", "knows no offer type \"magic\""),
        ("sectors: [army]", "knows no sector \"army\""),
        ("needs: []", "name at least one need"),
        ("contacts: []", "needs a way to reach it"),
        ("contacts: [{type: phone, value: '0800 138 11'}]", "not a British phone number"),
        ("contacts: [{type: text, value: 'SHOUT'}]", "not a number to text"),
        ("contacts: [{type: web, value: 'http://example.org'}]", "begin with https://"),
        ("contacts: [{type: email, value: 'nobody'}]", "not an email address"),
        ("assurance: {state: verified}", "verified by nobody"),
    ] {
        let found = error(changed);
        assert!(found.contains(wanted), "{changed}: {found}");
    }
    let (_, findings) = load(&[offer("twice", ""), offer("twice", "")]);
    assert_eq!(findings[0].message, "the id \"twice\" is taken at directory/offers.yaml:2: choose another");
}

#[test]
fn a_file_that_cannot_be_read_says_where() {
    for (changed, line, wanted) in [
        ("colour: red", 3, "colour"),
        ("nations: [narnia]", 3, "narnia"),
        ("contacts: [{type: pigeon, value: x}]", 3, "pigeon"),
        ("schedule: [{days: [mon], from: 1020, to: '18:00'}]", 3, "1020 is not a time: write it in quotes"),
        ("schedule: [{days: [mon], from: 9.30, to: '18:00'}]", 3, "is not a time: write it in quotes"),
        ("schedule: [{days: [mon], from: '18:00', to: '02:00'}]", 3, "write \"26:00\""),
        ("schedule: [{days: [funday], from: '18:00', to: '20:00'}]", 3, "funday"),
        ("schedule: sometimes", 3, "neither days nor times"),
        ("review_by: soon", 3, ""),
    ] {
        let (_, findings) = load(&[offer("faulty", changed)]);
        let fault = findings.iter().find(|finding| finding.severity == Severity::Error).expect(changed);
        assert_eq!((fault.file.as_str(), fault.line), ("directory/offers.yaml", line), "{changed}: {fault}");
        assert!(fault.column > 0 && fault.message.contains(wanted), "{changed}: {fault}");
    }
}

#[test]
fn a_time_without_quotes_is_pointed_out() {
    let (_, findings) = load(&[offer("bare", "schedule: [{days: [mon], from: 09:00, to: 17:00}]")]);
    let found: Vec<_> = findings.iter().map(|finding| (finding.line, finding.column)).collect();
    assert_eq!(found, [(3, 36), (3, 47)], "{findings:?}");
}

#[test]
fn what_ships_loads_without_an_error() {
    let (directory, findings) = shipped_on(TODAY);
    let errors: Vec<String> =
        findings.iter().filter(|f| f.severity == Severity::Error).map(ToString::to_string).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    for finding in &findings {
        let expected = ["to be verified:", "required and not filled in yet:"];
        assert!(expected.iter().any(|start| finding.message.starts_with(start)), "{finding}");
    }
    assert_eq!(directory.health(TODAY).unverified.len(), directory.health(TODAY).offers);
    assert!(directory.health(TODAY).offers >= 83);
    assert!(directory.areas().is_empty(), "the local examples are never shown");
}

#[test]
fn what_ships_expires_and_the_calendar_ends_with_notice() {
    let (_, findings) = shipped_on(date(2027, 2, 21));
    assert!(findings.iter().any(|f| f.severity == Severity::Error && f.message.contains(EXPIRED_CRISIS)));
    let (_, findings) = shipped_on(date(2028, 11, 15));
    assert!(findings.iter().any(|f| f.message.starts_with("the bank holidays end on 31 December 2028")));
}

#[test]
fn every_need_gets_a_short_stable_list() {
    let (directory, _) = shipped_on(TODAY);
    let (again, _) = shipped_on(TODAY);
    let needs: Vec<&str> = directory.taxonomy().needs.keys().map(String::as_str).collect();
    assert!(needs.len() >= 50);
    for need in needs {
        for nation in Nation::ALL {
            for now in [at("2026-11-23T11:00"), at("2026-12-25T03:00")] {
                let asked = [(need, 0.8)];
                let query = Query { needs: &asked, nation, now, ..Query::default() };
                let list = directory.search(&query);
                assert!(list.matches.len() <= 3);
                assert_eq!(list, again.search(&query));
                assert_eq!(list.gap, list.matches.is_empty());
                assert!(list.open_now.as_ref().is_some_and(|found| found.open.is_open()));
                for found in list.matches.iter().chain(&list.open_now) {
                    let card = found.card(now);
                    assert!(card.lines().count() <= 6, "{card}");
                    assert!(!card.contains("..") && !card.contains(" ."), "{card}");
                    let crisis = directory.taxonomy().needs[need].crisis;
                    assert!(crisis || !found.offer.crisis || found.why.starts_with("Open now"), "{card}");
                }
            }
        }
    }
}

/// Needs for which nothing national is known: the local files have slots for them.
const NO_NATIONAL_OFFER: [&str; 2] = ["team_conflict", "team_support"];

#[test]
fn every_need_has_an_offer_in_england_but_those_named() {
    let (directory, _) = shipped_on(TODAY);
    let gaps: Vec<&str> = directory
        .taxonomy()
        .needs
        .keys()
        .map(String::as_str)
        .filter(|need| {
            let asked = [(*need, 0.8)];
            directory.search(&Query { needs: &asked, now: at("2026-11-23T11:00"), ..Query::default() }).gap
        })
        .collect();
    assert_eq!(gaps, NO_NATIONAL_OFFER);
}
