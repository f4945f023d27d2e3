//! The queue, and what can be said in the desk's room outside every case. Pure functions of the
//! [`DeskView`]: no conversation is touched.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};

use super::act::{COMMANDS, NOT_ENROLLED};
use crate::{
    effect::{AuditKind, DeskKind, DeskPost, Effect},
    engine::{DeskView, Queued},
    ids::Reference,
    input::DeskMessage,
};

/// Rows of the queue that are shown at once.
const SHOWN: usize = 30;

/// Answers what was written in the room itself.
pub(crate) fn in_room(message: &DeskMessage, now: Timestamp, desk: &DeskView) -> Vec<Effect> {
    if message.redacted || message.said.edited {
        return Vec::new();
    }
    let Some(command) = message.said.text.trim().strip_prefix(['/', '!']) else {
        return Vec::new();
    };
    let post = |text: String| Effect::Desk(DeskPost::new(None, DeskKind::Notice, text));
    if !desk.members.contains_key(&message.by) {
        let refused = Effect::Audit { what: AuditKind::Refused, by: Some(message.by.clone()), case: None };
        return vec![post(NOT_ENROLLED.to_owned()), refused];
    }
    let name = command.split_whitespace().next().unwrap_or_default().to_lowercase();
    vec![post(match name.as_str() {
        "queue" => queue_text(desk, now),
        "help" => format!(
            "Here: !queue. In the thread of a case, or here with its reference behind the command \
             (!take CSE-1A2B3):\n{COMMANDS}"
        ),
        _ => match addressed(&message.said.text) {
            Some((case, _)) => format!("There is no case {case}, so nothing was done."),
            None => format!(
                "“{name}” needs a case: write it in the thread, or here with the case's reference behind it."
            ),
        },
    })]
}

/// A command that names a case by its reference: `/take CSE-1A2B3`, in the room or in the thread
/// of another case. Returns the case, and the command as it would be written in its thread.
pub fn addressed(text: &str) -> Option<(Reference, String)> {
    let text = text.trim();
    let command = text.strip_prefix(['/', '!'])?;
    let (name, rest) = command.split_once(char::is_whitespace)?;
    let rest = rest.trim();
    let (word, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let case = Reference::read(word)?;
    Some((case, format!("/{name} {}", rest.trim()).trim_end().to_owned()))
}

/// Open cases: who waits, the most urgent and longest waiting first, in the order of the places
/// that people are told; then who is talking to somebody, and at the end requests, the oldest first.
pub(crate) fn queue_text(desk: &DeskView, now: Timestamp) -> String {
    if desk.queue.is_empty() {
        return "No case is open.".to_owned();
    }
    let mut queue: Vec<&Queued> = desk.queue.iter().collect();
    queue.sort_by_key(|case| {
        let part = (case.request, case.held.is_some());
        (part, Reverse(case.urgency), case.waiting.is_none(), case.waiting, case.changed)
    });
    let mut rows: Vec<String> = queue.iter().take(SHOWN).map(|case| row(case, now)).collect();
    if queue.len() > SHOWN {
        rows.push(format!("and {} more", queue.len() - SHOWN));
    }
    rows.join("\n")
}

fn row(case: &Queued, now: Timestamp) -> String {
    let route = match case.urgency {
        2 => "route B",
        3 => "route C",
        4 => "route D",
        5 => "route E",
        _ => "no danger heard",
    };
    let state = match (case.held, case.waiting) {
        (_, Some(since)) if case.request => {
            return format!("{}: a request, came {} ago", case.case, span(now.duration_since(since)));
        }
        (Some(since), _) => format!("with a practitioner for {}", span(now.duration_since(since))),
        (None, Some(since)) => format!("waiting {}", span(now.duration_since(since))),
        (None, None) => format!("open, last change {} ago", span(now.duration_since(case.changed))),
    };
    format!("{}: {route}, {state}", case.case)
}

/// A name as it stands in a button: letters and digits alone, in lower case.
pub(crate) fn slug(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric).take(30);
    letters.collect::<String>().to_ascii_lowercase()
}

/// "less than a minute", "12 minutes", "3 hours", "2 days".
pub(crate) fn span(span: SignedDuration) -> String {
    let minutes = span.as_mins().max(0);
    let (count, unit) = match minutes {
        0 => return "less than a minute".to_owned(),
        1..120 => (minutes, "minute"),
        120..2880 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_may_name_its_case() {
        let case = Reference("CSE-1A2B3".to_owned());
        assert_eq!(addressed("!take cse-1a2b3"), Some((case.clone(), "/take".to_owned())));
        assert_eq!(addressed(" /note  CSE-1A2B3  rang her "), Some((case, "/note rang her".to_owned())));
        for text in
            ["/take", "take CSE-1A2B3", "/note rang CSE-1A2B3", "/take CSE-1A2B", "/take CSE-1A2B\u{e9}"]
        {
            assert_eq!(addressed(text), None, "{text}");
        }
    }

    #[test]
    fn the_queue_is_sorted_by_route_then_wait_and_requests_come_last() {
        let now: Timestamp = "2026-01-05T10:00:00Z".parse().expect("an instant");
        let ago = |minutes| now - SignedDuration::from_mins(minutes);
        let case = |name: &str, urgency, waiting, held| Queued {
            case: Reference(name.to_owned()),
            urgency,
            waiting,
            held,
            changed: now,
            request: name.starts_with("KWG"),
        };
        let queue = vec![
            case("CSE-00001", 1, Some(ago(500)), None),
            case("CSE-00002", 4, None, Some(ago(3))),
            case("CSE-00003", 3, Some(ago(1)), None),
            case("CSE-00004", 3, Some(ago(9)), None),
            case("KWG-00005", 1, Some(ago(9_000)), None),
            case("CSE-00006", 1, None, None),
        ];
        let desk = DeskView { queue, ..DeskView::default() };
        assert_eq!(
            queue_text(&desk, now),
            "CSE-00004: route C, waiting 9 minutes\n\
             CSE-00003: route C, waiting 1 minute\n\
             CSE-00001: no danger heard, waiting 8 hours\n\
             CSE-00006: no danger heard, open, last change less than a minute ago\n\
             CSE-00002: route D, with a practitioner for 3 minutes\n\
             KWG-00005: a request, came 6 days ago"
        );
    }
}
