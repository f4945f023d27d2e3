//! Days that are named by where they lie from the one on which they are written: "tomorrow", "Thursday week",
//! "in two days".

use jiff::{
    ToSpan,
    civil::{Date, Weekday},
};
use strsim::osa_distance;

use crate::content::plain;

/// A text with more days than this names no day.
const MOST_DAYS: usize = 3;

/// So many days ahead are counted, and no more.
const FURTHEST: i64 = 31;

/// The days that a text names so, in order; several where it leaves a choice, or says two things to two
/// people ("next Thursday"). `None`: it names no day so. Empty: it does, and which one only the day on which it
/// was written can tell.
///
/// `sure`: it is known which day the writer calls today. In the small hours it is not.
pub fn days_named(text: &str, today: Date, sure: bool) -> Option<Vec<Date>> {
    let text = plain(text);
    let words: Vec<Word<'_>> = text.split_whitespace().map(Word::read).collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < words.len() {
        match phrase(&words[at..], today, sure) {
            Some(phrase) => {
                found.push((at, is_refused(&words, at, phrase.len, &found), phrase));
                at += found.last().map_or(1, |(.., phrase)| phrase.len);
            }
            None => at += 1,
        }
    }
    // "Thursdays" and "Thursday" alone are days of any week.
    if found.iter().all(|(.., phrase)| phrase.bare) {
        return None;
    }
    let is_range = found.windows(2).any(|two| {
        let ((first, _, one), (second, _, other)) = (&two[0], &two[1]);
        let between = &words[first + one.len..*second];
        one.bare
            && other.bare
            && matches!(between, [] | [Word::Other("to" | "till" | "til" | "until" | "through")])
    });
    let meant = || found.iter().filter(|(_, refused, _)| !refused);
    let mut days: Vec<Date> = meant().flat_map(|(.., phrase)| phrase.days.iter().copied()).collect();
    days.sort_unstable();
    days.dedup();
    let is_vague = is_range || days.len() > MOST_DAYS || meant().any(|(.., phrase)| phrase.days.is_empty());
    Some(if is_vague { Vec::new() } else { days })
}

/// A word as far as it can name a day.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Word<'a> {
    Today,
    Tomorrow,
    Day(Weekday),
    Other(&'a str),
}

impl<'a> Word<'a> {
    fn read(word: &'a str) -> Self {
        const TOMORROW: [&str; 9] =
            ["tmrw", "tmr", "tmw", "tmoz", "tomoz", "2moro", "2morrow", "2morro", "tmro"];
        let slip = word.starts_with("to") && word.len() >= 6 && osa_distance(word, "tomorrow") <= 2;
        if matches!(word, "today" | "tonight" | "tonite" | "2day" | "2nite") {
            Self::Today
        } else if slip || TOMORROW.contains(&word) {
            Self::Tomorrow
        } else {
            weekday(word).map_or(Self::Other(word), Self::Day)
        }
    }
}

/// The one day of the week that a word names, however it is spelled. "Thursdays" are many.
fn weekday(word: &str) -> Option<Weekday> {
    const WEEK: [(Weekday, &str, &[&str]); 7] = [
        (Weekday::Monday, "monday", &["mon"]),
        (Weekday::Tuesday, "tuesday", &["tue", "tues"]),
        (Weekday::Wednesday, "wednesday", &["wed", "weds"]),
        (Weekday::Thursday, "thursday", &["thu", "thur", "thurs"]),
        (Weekday::Friday, "friday", &["fri"]),
        (Weekday::Saturday, "saturday", &["sat"]),
        (Weekday::Sunday, "sunday", &["sun"]),
    ];
    if let Some((day, ..)) = WEEK.iter().find(|(_, full, short)| *full == word || short.contains(&word)) {
        return Some(*day);
    }
    let slips = if word.len() >= 7 { 2 } else { 1 };
    let near = WEEK.iter().filter(|(_, full, _)| {
        word.ends_with('y') && word.len() >= 5 && full.as_bytes().first() == word.as_bytes().first()
    });
    near.map(|(day, full, _)| (osa_distance(full, word), *day))
        .filter(|(far, _)| *far <= slips)
        .min_by_key(|(far, _)| *far)
        .map(|(_, day)| day)
}

/// Words that name a day.
struct Phrase {
    len: usize,
    /// Empty where it cannot be told.
    days: Vec<Date>,
    /// A day of the week by itself.
    bare: bool,
}

/// The phrase that some words begin with.
fn phrase(words: &[Word<'_>], today: Date, sure: bool) -> Option<Phrase> {
    use Word::{Day, Other, Today, Tomorrow};
    let named = |len: usize, days: Vec<Date>| Some(Phrase { len, days, bare: false });
    // Counted from today, where that is known.
    let ahead = |len: usize, days: i64| {
        let day = today.saturating_add(days.days());
        named(len, if sure && days <= FURTHEST { vec![day] } else { Vec::new() })
    };
    let coming = |day: Weekday| today.saturating_add(until(today, day).days());
    let later = |day: Weekday, weeks: i64| vec![coming(day).saturating_add((weeks * 7).days())];
    // A week begins on Monday.
    let next_week = |day: Weekday| {
        let monday = today.saturating_add((7 - i64::from(today.weekday().to_monday_zero_offset())).days());
        vec![monday.saturating_add(i64::from(day.to_monday_zero_offset()).days())]
    };
    match words {
        [Other("day"), Other("after"), Tomorrow, ..] => ahead(3, 2),
        [Other("in"), Other("a"), Other("week" | "fortnight"), Other("or"), ..] => named(4, Vec::new()),
        [Other("in"), Other("a"), Other("fortnight"), ..] => ahead(3, 14),
        [Other("in"), Other(many), Other("day" | "days"), ..] if number(many).is_some() => {
            ahead(3, number(many)?)
        }
        [Other("in"), Other(many), Other("week" | "weeks"), ..] if number(many).is_some() => {
            ahead(3, number(many)? * 7)
        }
        [Other("in"), Other("a"), Other("few" | "couple"), ..] => named(3, Vec::new()),
        [Other("week"), Today, ..] | [Today, Other("week"), ..] => ahead(2, 7),
        [Other("week"), Tomorrow, ..] | [Tomorrow, Other("week"), ..] => ahead(2, 8),
        [Other("fortnight"), Today, ..] => ahead(2, 14),
        [Other("fortnight"), Tomorrow, ..] => ahead(2, 15),
        [Other("week"), Other("on"), Day(day), ..] => named(3, later(*day, 1)),
        [Other("week"), Day(day), ..] | [Day(day), Other("week"), ..] => named(2, later(*day, 1)),
        [Other("fortnight" | "weeks"), Other("on"), Day(day), ..] => named(3, later(*day, 2)),
        [Day(day), Other("fortnight"), ..] => named(2, later(*day, 2)),
        [Day(day), Other("after"), Other("next"), ..] => named(3, later(*day, 1)),
        [Day(day), Other("next"), Other("week"), ..] => named(3, next_week(*day)),
        [Other("next"), Other("week"), Other("on"), Day(day), ..] => named(4, next_week(*day)),
        [Other("next"), Other("week"), Day(day), ..] => named(3, next_week(*day)),
        [Day(day), Other("this"), Other("week"), ..]
        | [Other("this"), Other("week" | "coming"), Day(day), ..] => named(3, vec![coming(*day)]),
        [Other("this" | "coming"), Day(day), ..] | [Day(day), Other("next"), ..] => {
            named(2, vec![coming(*day)])
        }
        // On a Monday some call the Thursday of that week next Thursday, and some the one after.
        [Other("next"), Day(day), ..] => {
            let mut days = vec![coming(*day)];
            days.extend(next_week(*day));
            named(2, days.into_iter().filter(|day| *day != today).collect())
        }
        [Other("this"), Other("morning" | "afternoon" | "evening" | "lunchtime"), ..] => ahead(2, 0),
        [Other("next" | "this"), Other("week" | "weekend" | "month"), ..] => named(2, Vec::new()),
        [Today, ..] => ahead(1, 0),
        [Tomorrow, ..] => ahead(1, 1),
        // "Thursday the 8th" has its date.
        [Day(_), Other("the"), Other(date), ..] | [Day(_), Other(date), ..] if is_date(date) => None,
        [Day(day), ..] => Some(Phrase { len: 1, days: vec![coming(*day)], bare: true }),
        _ => None,
    }
}

/// Days from one until the next such day of the week; none on that day.
fn until(today: Date, day: Weekday) -> i64 {
    i64::from((day.to_monday_zero_offset() - today.weekday().to_monday_zero_offset()).rem_euclid(7))
}

fn number(word: &str) -> Option<i64> {
    const WORDS: [(&str, i64); 8] =
        [("a", 1), ("one", 1), ("two", 2), ("three", 3), ("four", 4), ("five", 5), ("six", 6), ("ten", 10)];
    let said = WORDS.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
    said.or_else(|| word.parse().ok()).filter(|number| (1..=FURTHEST).contains(number))
}

/// "8th", "21st".
fn is_date(word: &str) -> bool {
    let number = word.trim_end_matches(|c: char| c.is_ascii_lowercase());
    ["st", "nd", "rd", "th"].contains(&&word[number.len()..])
        && number.parse::<u8>().is_ok_and(|day| (1..=31).contains(&day))
}

/// "Not tomorrow", "I can't do Thursday or Friday", "tomorrow is no good". `before`: what was found so far.
fn is_refused(words: &[Word<'_>], at: usize, len: usize, before: &[(usize, bool, Phrase)]) -> bool {
    const NOT: [&str; 9] = ["not", "cant", "cannot", "dont", "except", "wont", "never", "couldnt", "isnt"];
    const BETWEEN: [&str; 16] = [
        "on",
        "do",
        "make",
        "free",
        "available",
        "able",
        "to",
        "the",
        "a",
        "call",
        "ring",
        "me",
        "talk",
        "for",
        "around",
        "come",
    ];
    let refused_after = matches!(
        words[at + len..],
        [Word::Other("is" | "are" | "would" | "be"), Word::Other("no" | "not" | "out" | "bad"), ..]
            | [Word::Other("isnt" | "doesnt" | "wont" | "wouldnt"), ..]
            | [Word::Other("no" | "not"), Word::Other("good" | "possible"), ..]
            | [Word::Other("is" | "are"), Word::Other("too" | "really"), ..]
    );
    if refused_after {
        return true;
    }
    let mut here = at;
    while let Some(word) = here.checked_sub(1).map(|before| words[before]) {
        here -= 1;
        match word {
            Word::Other(word) if NOT.contains(&word) => return true,
            Word::Other(word) if BETWEEN.contains(&word) => {}
            Word::Other("or" | "and") => {
                let last = before.last().filter(|(first, _, phrase)| first + phrase.len == here);
                return last.is_some_and(|(_, refused, _)| *refused);
            }
            Word::Today | Word::Tomorrow | Word::Day(_) | Word::Other(_) => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_named_by_distance_is_found_however_it_is_said() {
        // A Tuesday.
        let today = "2026-01-06".parse::<Date>().expect("a date");
        for (text, days) in [
            ("tomorrow after 3", "7"),
            ("tomorrow (after 3pm)", "7"),
            ("tommorow pls", "7"),
            ("can sum1 ring tmrw", "7"),
            ("tonight at 8", "6"),
            ("this afternoon", "6"),
            ("the day after tomorrow", "8"),
            ("day after tomorrow", "8"),
            ("in two days", "8"),
            ("in 2 days' time", "8"),
            ("in a week", "13"),
            ("today week", "13"),
            ("a week tomorrow", "14"),
            ("in a fortnight", "20"),
            ("Thursday week", "15"),
            ("a week on Thursday", "15"),
            ("a week Thursday", "15"),
            ("the Thursday after next", "15"),
            ("a fortnight on Friday", "23"),
            ("two weeks on Friday", "23"),
            ("Monday next", "12"),
            ("this Friday", "9"),
            ("this coming Friday, by phone", "9"),
            ("Friday this week", "9"),
            ("this wensday", "7"),
            ("Monday next week", "12"),
            ("next week, on Thursday", "15"),
            ("next Monday", "12"),
            ("next Thursday", "8 15"),
            ("next thurs, half two", "8 15"),
            ("next Tuesday", "13"),
            ("today or tomorrow", "6 7"),
            ("not tomorrow, Thursday", "8"),
            ("not tomorrow. thursday or friday", "8 9"),
            ("I can't do today or tomorrow but Friday is fine", "9"),
            ("tomorrow is no good, Thursday after 3", "8"),
            ("not before Thursday, tomorrow I'm on a long day", "7 8"),
            // Told by the day on which they were written, and by nothing else.
            ("next week", ""),
            ("not tomorrow", ""),
            ("not tomorrow, Thursday to Saturday", ""),
            ("in a week or two", ""),
            ("in a couple of days", ""),
        ] {
            let found = days_named(text, today, true).unwrap_or_else(|| panic!("{text}: no day"));
            let found: Vec<String> = found.iter().map(|date| date.day().to_string()).collect();
            assert_eq!(found.join(" "), days, "{text}");
        }
    }

    #[test]
    fn days_of_any_week_and_dates_are_no_days_named_by_distance() {
        let today = "2026-01-06".parse::<Date>().expect("a date");
        for text in
            ["Thursdays after 3", "Thursday, by phone", "Mon-Fri", "every day", "Thursday 8th", "someday", ""]
        {
            assert_eq!(days_named(text, today, true), None, "{text}");
        }
    }

    #[test]
    fn in_the_small_hours_nobody_knows_which_day_is_called_tomorrow() {
        let today = "2026-01-06".parse::<Date>().expect("a date");
        assert_eq!(days_named("tomorrow", today, false), Some(Vec::new()));
        let friday = days_named("this Friday", today, false);
        assert_eq!(friday, Some(vec!["2026-01-09".parse::<Date>().expect("a date")]));
    }
}
