//! "Tomorrow" is read on another day than it is written: the date is put beside it.

use jiff::{Timestamp, ToSpan, civil::Date};

use super::Answer;
use crate::{content::plain, directory};

/// Words that name a day by its distance in days from the one on which they are written.
const DISTANCES: [(&str, i64); 12] = [
    ("day after tomorrow", 2),
    ("tomorrow", 1),
    ("tomorow", 1),
    ("tommorow", 1),
    ("tomoz", 1),
    ("tmrw", 1),
    ("2moro", 1),
    ("today", 0),
    ("tonight", 0),
    ("tonite", 0),
    ("this evening", 0),
    ("this afternoon", 0),
];

/// Words that name a day by the one on which they are written, in more ways than one.
const UNSURE: [&str; 9] = [
    "next week",
    "this week",
    "next mon",
    "next tue",
    "next wed",
    "next thu",
    "next fri",
    "next sat",
    "next sun",
];

/// Before this hour "tomorrow" may be today.
const MORNING: i8 = 5;

/// An answer to "when?" with the date of "tomorrow" in it, or, where that is not sure, of the day on which it
/// was written. Anything else stays as it is.
pub(super) fn with_date(answer: Answer, written: Timestamp) -> Answer {
    let Answer::When(mut when) = answer else { return answer };
    when.text = when.text.map(|text| match date_of(&text, written) {
        Some(date) if !text.ends_with(')') => format!("{text} ({date})"),
        Some(_) | None => text,
    });
    Answer::When(when)
}

fn date_of(text: &str, written: Timestamp) -> Option<String> {
    let plain = plain(text);
    let local = written.to_zoned(directory::london().clone());
    let mut rest = plain.clone();
    let mut days: Vec<i64> = Vec::new();
    for (words, distance) in DISTANCES {
        let words = format!(" {words} ");
        if rest.contains(&words) {
            rest = rest.replace(&words, " ");
            days.push(distance);
        }
    }
    let date = |date: Date| date.strftime("%A %-d %B").to_string();
    match days.as_slice() {
        [] if !UNSURE.iter().any(|words| plain.contains(&format!(" {words}"))) => None,
        [days] if local.hour() >= MORNING => Some(date(local.date().saturating_add(days.days()))),
        _ => Some(format!("written on {}, {}", date(local.date()), directory::clock(local.time()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_named_by_distance_has_its_date_beside_it() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        for (text, written, date) in [
            ("tomorrow after 3", "2026-03-27T10:00:00Z", Some("Saturday 28 March")),
            ("tonight at 8", "2026-12-31T18:00:00Z", Some("Thursday 31 December")),
            ("day after tomorrow", "2026-02-27T10:00:00Z", Some("Sunday 1 March")),
            // 11.30 at night by the clock of London in summer is the day after by no other.
            ("tomorrow", "2026-06-30T22:30:00Z", Some("Wednesday 1 July")),
            ("tomorrow", "2026-01-06T01:10:00Z", Some("written on Tuesday 6 January, 1:10am")),
            ("today or tomorrow", "2026-01-06T10:00:00Z", Some("written on Tuesday 6 January, 10am")),
            ("next thurs, half two", "2026-01-06T10:00:00Z", Some("written on Tuesday 6 January, 10am")),
            ("Thursdays after 3", "2026-01-06T10:00:00Z", None),
        ] {
            assert_eq!(date_of(text, at(written)).as_deref(), date, "{text}");
        }
    }
}
