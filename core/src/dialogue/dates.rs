//! "Tomorrow" is read on another day than it is written: the date is put beside it.

use jiff::{Timestamp, civil::Date};

use super::Answer;
use crate::{directory, understanding::days_named};

/// Before this hour "tomorrow" may be today.
const MORNING: i8 = 5;

/// An answer to "when?" with the date of "tomorrow" in it, or, where that is not sure, of the day on which it
/// was written. Anything else stays as it is.
pub(super) fn with_date(answer: Answer, written: Timestamp) -> Answer {
    let Answer::When(mut when) = answer else { return answer };
    when.text = when.text.map(|text| match date_of(&text, written) {
        Some(date) if !text.ends_with(&date) => format!("{text} {date}"),
        Some(_) | None => text,
    });
    Answer::When(when)
}

/// The date in brackets.
fn date_of(text: &str, written: Timestamp) -> Option<String> {
    let local = written.to_zoned(directory::london().clone());
    let date = |date: Date| date.strftime("%A %-d %B").to_string();
    let days = days_named(text, local.date(), local.hour() >= MORNING)?;
    let words: Vec<String> = days.into_iter().map(date).collect();
    Some(if words.is_empty() {
        format!("(written on {}, {})", date(local.date()), directory::clock(local.time()))
    } else {
        format!("({})", words.join(" or "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialogue::When;

    #[test]
    fn day_named_by_distance_has_its_date_beside_it() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        for (text, written, date) in [
            ("tomorrow after 3", "2026-03-27T10:00:00Z", Some("(Saturday 28 March)")),
            ("tonight at 8", "2026-12-31T18:00:00Z", Some("(Thursday 31 December)")),
            ("day after tomorrow", "2026-02-27T10:00:00Z", Some("(Sunday 1 March)")),
            // 11.30 at night by the clock of London in summer is the day after by no other.
            ("tomorrow", "2026-06-30T22:30:00Z", Some("(Wednesday 1 July)")),
            ("tomorrow", "2026-01-06T01:10:00Z", Some("(written on Tuesday 6 January, 1:10am)")),
            ("today or tomorrow", "2026-01-06T10:00:00Z", Some("(Tuesday 6 January or Wednesday 7 January)")),
            ("next week", "2026-01-06T10:00:00Z", Some("(written on Tuesday 6 January, 10am)")),
            ("Thursdays after 3", "2026-01-06T10:00:00Z", None),
        ] {
            assert_eq!(date_of(text, at(written)).as_deref(), date, "{text}");
        }
    }

    #[test]
    fn brackets_of_their_own_keep_no_date_away_and_nothing_is_dated_twice() {
        let written = "2026-01-06T10:00:00Z".parse::<Timestamp>().expect("an instant");
        let when = |text: &str| Answer::When(When { text: Some(text.to_owned()), ..When::default() });
        let once = with_date(when("tomorrow (after 3pm)"), written);
        assert_eq!(once, when("tomorrow (after 3pm) (Wednesday 7 January)"));
        assert_eq!(with_date(once.clone(), written), once);
    }
}
