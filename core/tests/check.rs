//! What `check` says of broken content: the file, the line, the column, and what to do.

#[expect(dead_code, reason = "shared by several test programs, each of which uses a part")]
mod support;

use chatbox_core::{
    content::{Content, Finding, Severity},
    directory::EXPIRED_CRISIS,
};
use jiff::civil::{Date, date};

const TODAY: Date = date(2026, 11, 22);

/// Loads the shipped content with one file changed.
fn with(file: &str, change: impl Fn(&str) -> String, today: Date) -> Result<Content, Vec<Finding>> {
    let mut files = support::content_files();
    let text = &mut files.iter_mut().find(|(path, _)| path == file).expect("the file exists").1;
    let changed = change(text);
    assert_ne!(*text, changed, "the change changes something");
    *text = changed;
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Content::load(&files, today)
}

fn errors(result: Result<Content, Vec<Finding>>) -> Vec<Finding> {
    let findings = result.err().expect("this content must be refused");
    findings.into_iter().filter(|finding| finding.severity == Severity::Error).collect()
}

/// Line and column at which `needle` stands.
fn place(file: &str, needle: &str) -> (u64, u64) {
    let files = support::content_files();
    let text = &files.iter().find(|(path, _)| path == file).expect("the file exists").1;
    let (nth, line) =
        text.lines().enumerate().find(|(_, line)| line.contains(needle)).expect("it stands there");
    (nth as u64 + 1, line.find(needle).expect("in the line") as u64 + 1)
}

#[test]
fn a_step_that_points_nowhere_is_named_with_its_place() {
    let file = "dialogues/signpost.yaml";
    let found = errors(with(file, |text| text.replace("then: offers", "then: offres"), TODAY));
    let finding = found.first().expect("a finding");
    let (line, column) = place(file, "then: offers");
    assert_eq!((finding.file.as_str(), finding.line, finding.column), (file, line, column + 6), "{finding}");
    assert!(finding.message.contains("offres"), "{finding}");
}

#[test]
fn a_missing_wording_is_named() {
    let found = errors(with("wording.yaml", |text| text.replace("\nsilence: |", "\nsilense: |"), TODAY));
    let said: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(
        said.iter().any(|s| s.starts_with("wording.yaml:") && s.contains("“silence” is missing")),
        "{said:?}"
    );
    assert!(said.iter().any(|s| s.contains("“silense”")), "{said:?}");
}

#[test]
fn an_unknown_name_in_braces_is_named_with_the_nearest() {
    let file = "dialogues/group_request.yaml";
    let found = errors(with(file, |text| text.replace("{reference}", "{referense}"), TODAY));
    assert!(
        found.iter().any(|f| f.file == file && f.line > 0 && f.message.contains("did you mean reference"))
    );
}

#[test]
fn a_broken_file_is_named_with_line_and_column() {
    let file = "dialogues/person.yaml";
    let found = errors(with(file, |text| text.replace("- hand_over:", "- hand_ovr:"), TODAY));
    assert!(found.iter().any(|f| f.file == file && f.line > 1 && f.column > 0), "{found:?}");
}

#[test]
fn a_common_answer_for_a_dialogue_that_is_not_there_is_found() {
    let file = "faq.yaml";
    let found = errors(with(file, |text| text.replace("in: [waiting]", "in: [waitng]"), TODAY));
    assert!(
        found.iter().any(|f| f.file == file && f.line > 1 && f.message.contains("“waitng”")),
        "{found:?}"
    );
}

#[test]
fn a_step_that_nothing_leads_to_is_found() {
    let file = "dialogues/privacy.yaml";
    let found = errors(with(
        file,
        |text| text.replace("hide: hide_chat, neither", "hide: privacy_end, neither"),
        TODAY,
    ));
    assert!(
        found.iter().any(|f| f.file == file && f.message.contains("no step leads to hide_chat")),
        "{found:?}"
    );
}

#[test]
fn a_crisis_offer_past_its_date_fails_the_check_and_never_the_service() {
    let files = support::content_files();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let content =
        Content::load(&files, date(2030, 1, 1)).unwrap_or_else(|_| panic!("the service still starts"));
    let expired: Vec<_> = content.warnings.iter().filter(|f| f.message.contains(EXPIRED_CRISIS)).collect();
    assert!(!expired.is_empty());
    assert!(expired.iter().all(|f| f.severity == Severity::Error && f.line > 0 && f.column > 0));
}

#[test]
fn a_retired_number_stands_in_no_wording() {
    let file = "wording.yaml";
    let found =
        errors(with(file, |text| text.replace("Samaritans 116 123", "NHS staff line 0300 131 7000"), TODAY));
    assert!(found.iter().any(|f| f.file == file && f.line > 0 && f.message.contains("retired")), "{found:?}");
}

#[test]
fn a_kind_with_nothing_to_say_is_refused() {
    let found = errors(with(
        "dialogues/check_in.yaml",
        |text| text.replace("id: stalking_e", "id: stalking_x"),
        TODAY,
    ));
    assert!(found.iter().any(|f| f.message.contains("stalking")), "{found:?}");
}

#[test]
fn every_example_in_the_content_holds() {
    let findings = support::content().check_examples();
    let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(said.is_empty(), "{}", said.join("\n"));
}

#[test]
fn a_dialogue_can_branch_on_who_can_read_it_and_on_nothing_else_of_the_channel() {
    let file = "dialogues/privacy.yaml";
    let branch = |on: &str, level: &str| {
        let step = format!(
            "  - branch:\n      id: by_channel\n      on: {on}\n      to: {{ {level}: privacy_end }}\n      else: \
             privacy_choice\n  - ask:\n      id: privacy_choice\n"
        );
        with(file, move |text| text.replace("  - ask:\n      id: privacy_choice\n", &step), TODAY)
    };
    assert!(branch("channel.confidentiality", "encrypted_verified").is_ok());
    let found = errors(branch("channel.confidentiality", "secret"));
    assert!(found[0].message.contains("“secret” is not a level of confidentiality"), "{}", found[0]);
    let found = errors(branch("channel.kind", "matrix"));
    assert!(found[0].message.contains("not a question of this dialogue"), "{}", found[0]);
}
