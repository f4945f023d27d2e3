//! Times of day: exact ones, and parts of the day.

use super::{
    Mark, Said,
    numbers::{self, Number},
};
use crate::understanding::{
    meaning::{PartOfDay, Time},
    text::Sep,
};

/// A time that was named, with its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    pub time: Time,
    pub first: usize,
    pub last: usize,
}

/// All times of the clock in a text, in order; a range gives its start.
pub(crate) fn times(said: &Said<'_>) -> Vec<Clock> {
    let numbers = numbers::numbers(said.tokens);
    let mut out: Vec<Clock> = Vec::new();
    let mut at = 0;
    while at < said.tokens.len() {
        let number = numbers.iter().find(|number| number.first == at);
        match spoken(said, at).or_else(|| number.and_then(|number| of_number(said, number))) {
            Some(raw) => {
                let last = end_of_range(said, raw.last);
                out.push(Clock { time: raw.time(said), first: raw.first, last });
                at = last + 1;
            }
            None => at += 1,
        }
    }
    out
}

/// The one time that is meant: an exact one before a part of the day.
pub(crate) fn choose(said: &Said<'_>, times: &[Clock]) -> Option<Time> {
    let exact: Vec<(usize, Time)> = times
        .iter()
        .filter(|clock| said.counts(clock.first) && !of_the_shift(said, clock.first, clock.last))
        .map(|clock| (clock.first, clock.time))
        .collect();
    let parts: Vec<(usize, Time)> = said
        .marked(|mark| if let Mark::Part(part) = mark { Some(Time::Part(part)) } else { None })
        .into_iter()
        .filter(|(at, _)| !times.iter().any(|clock| (clock.first..=clock.last).contains(at)))
        .filter(|(at, _)| !of_something_else(said, *at))
        .collect();
    let all = said.not_taken_back(exact.iter().chain(&parts).copied().collect());
    let exact: Vec<_> = all.iter().copied().filter(|(at, _)| exact.iter().any(|(e, _)| e == at)).collect();
    if exact.is_empty() { said.one_of(all) } else { said.one_of(exact) }
}

/// "we finish at 5": when they work, not when to meet. "Not before 10" names no time either.
fn of_the_shift(said: &Said<'_>, at: usize, last: usize) -> bool {
    let shift = said.is(at.wrapping_sub(1), &["at", "by", "around"])
        && said.before(at - 1).is_some_and(|before| said.is(before, &said.words.shift_ends));
    let never = said.before(at).is_some_and(|before| said.is(before, &["before", "after"]))
        && said.is(at.wrapping_sub(2), &["never", "not"]);
    // "8.45 handover finishes", "quarter past seven for handover"
    let handover = (said.is(last + 1, &said.words.shifts) && said.is(last + 2, &said.words.shift_ends))
        || (said.is(last + 1, &["for", "is"]) && said.is(last + 2, &["handover"]));
    shift || never || handover
}

/// "this morning" tells a story, "night porters" names people, "they work mornings" a shift.
fn of_something_else(said: &Said<'_>, at: usize) -> bool {
    const BEFORE: &[&str] =
        &["this", "last", "yesterday", "tomorrow", "good", "work", "works", "working", "worked"];
    let staff = said
        .after(said.mark_end(at))
        .is_some_and(|after| matches!(said.mark(after), Some(Mark::Role(_) | Mark::People)));
    let of_staff = staff && said.is(at, &["night", "evening", "morning", "afternoon", "nights"]);
    of_staff || (at > 0 && said.is(at - 1, BEFORE))
}

/// A time before its half of the day is settled.
struct Raw {
    hour: u32,
    minute: u32,
    half: Option<Half>,
    first: usize,
    last: usize,
    after: bool,
    before: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Am,
    Pm,
}

impl Raw {
    fn time(&self, said: &Said<'_>) -> Time {
        let hour = self.hour_of_day(said);
        if self.after {
            let part = match hour {
                0..=11 if self.half.is_none() && self.hour < 9 => PartOfDay::Evening,
                0..=11 => PartOfDay::Morning,
                12..=16 => PartOfDay::Afternoon,
                _ => PartOfDay::Evening,
            };
            return Time::Part(part);
        }
        if self.before && hour <= 12 {
            return Time::Part(PartOfDay::Morning);
        }
        // Both are below 24 and 60 by construction.
        Time::At {
            hour: u8::try_from(hour).unwrap_or_default(),
            minute: u8::try_from(self.minute).unwrap_or_default(),
        }
    }

    fn hour_of_day(&self, said: &Said<'_>) -> u32 {
        if self.hour > 12 || self.hour == 0 {
            return self.hour;
        }
        let half = self.half.or_else(|| self.half_by_part(said)).unwrap_or(match self.hour {
            7..=11 => Half::Am,
            _ => Half::Pm,
        });
        match half {
            Half::Am => self.hour % 12,
            Half::Pm => self.hour % 12 + 12,
        }
    }

    /// "Tuesday evening at 7", "9 in the morning".
    fn half_by_part(&self, said: &Said<'_>) -> Option<Half> {
        let from = self.first.saturating_sub(4);
        let to = (self.last + 5).min(said.tokens.len());
        (from..to)
            .find_map(|at| match said.mark(at) {
                Some(Mark::Part(PartOfDay::Morning)) if self.hour >= 5 => Some(Half::Am),
                Some(Mark::Part(PartOfDay::Afternoon)) if self.hour <= 6 || self.hour == 12 => Some(Half::Pm),
                Some(Mark::Part(PartOfDay::Evening)) => Some(Half::Pm),
                Some(Mark::Part(PartOfDay::Night)) if self.hour >= 6 => Some(Half::Pm),
                _ => None,
            })
            .or_else(|| self.half_by_evening(said))
    }

    /// "One evening a month, on Teams, 7 till 8.30": the only part of the day that is spoken of.
    fn half_by_evening(&self, said: &Said<'_>) -> Option<Half> {
        let parts = said.marked(|mark| if let Mark::Part(part) = mark { Some(part) } else { None });
        let evening = !parts.is_empty() && parts.iter().all(|(_, part)| *part == PartOfDay::Evening);
        (evening && self.hour < 10).then_some(Half::Pm)
    }
}

/// "half two", "quarter to one", "ten past two", "midday".
fn spoken(said: &Said<'_>, at: usize) -> Option<Raw> {
    let first = at;
    let make = |hour: u32, minute: u32, last: usize| {
        let (half, last) = half_after(said, last);
        Raw {
            hour,
            minute,
            half,
            first,
            last,
            after: said_after(said, first),
            before: said_before(said, first),
        }
    };
    if said.is(at, &["midday", "noon"]) {
        return Some(Raw { half: Some(Half::Pm), ..make(12, 0, at) });
    }
    if said.is(at, &["half"]) {
        let past = usize::from(said.is(at + 1, &["past"]));
        if said.is(at + 1 + past, &["a", "dozen", "an"]) {
            return None;
        }
        let (hour, last) = hour_at(said, at + 1 + past)?;
        // "half eight nurses" is nothing; "half an hour" is no time.
        return Some(make(hour, 30, last));
    }
    let (minutes, end) = if said.is(at, &["quarter"]) {
        (15, at)
    } else {
        let (minutes, end) = numbers::single(said.tokens, at)?;
        if ![5, 10, 15, 20, 25].contains(&minutes) {
            return None;
        }
        let end = if said.is(end + 1, &["minutes", "mins"]) { end + 1 } else { end };
        if !said.is(end + 1, &["past", "to"]) {
            return None;
        }
        if said.is(end + 1, &["to"]) && (minutes == 10 || minutes == 5 || minutes == 15) {
            // "5 to 8 people", "10 to 12": a range, unless it says that it is a time.
            let (_, last) = hour_at(said, end + 2)?;
            let high = numbers::single(said.tokens, end + 2)?.0;
            let backwards = high < minutes && said.step != Some("size");
            if !(said.is(at.wrapping_sub(1), &["at"]) || half_after(said, last).0.is_some() || backwards) {
                return None;
            }
            if half_after(said, last).0.is_some() && high > minutes {
                return None;
            }
        }
        (minutes, end)
    };
    let (hour, last) = hour_at(said, end + 2)?;
    if said.is(end + 1, &["past"]) {
        Some(make(hour, minutes, last))
    } else if said.is(end + 1, &["to"]) {
        let hour = if hour == 1 { 12 } else { hour.checked_sub(1)? };
        Some(make(hour, 60 - minutes, last))
    } else {
        None
    }
}

fn hour_at(said: &Said<'_>, at: usize) -> Option<(u32, usize)> {
    let (hour, last) = numbers::single(said.tokens, at)?;
    (1..=12).contains(&hour).then_some((hour, last))
}

/// A number that is a time by its form or by what stands around it.
fn of_number(said: &Said<'_>, number: &Number) -> Option<Raw> {
    let at = number.first;
    let (value, end) = numbers::single(said.tokens, at)?;
    let raw = |hour: u32, minute: u32, half: Option<Half>, last: usize| Raw {
        hour,
        minute,
        half,
        first: at,
        last,
        after: said_after(said, at),
        before: said_before(said, at),
    };
    // "14:30", "2.30pm"
    if said.tokens[at].is_digits()
        && value < 24
        && let Some(next) = said.tokens.get(end + 1)
        && matches!(next.before, Sep::Colon | Sep::Dot)
        && next.is_digits()
        && next.word.len() == 2
        && let Ok(minute @ 0..=59) = next.word.parse::<u32>()
    {
        let (half, last) = half_after(said, end + 1);
        // "06.45" is written as a clock shows it.
        let half = half.or((said.word(at).starts_with('0') && value > 0).then_some(Half::Am));
        return Some(raw(value, minute, half, last));
    }
    let word = said.word(at);
    if word.len() == 4 && said.tokens[at].is_digits() {
        let (hour, minute) = (value / 100, value % 100);
        let hours = said.is(end + 1, &["hrs", "hours", "h", "hr"]);
        let placed = at > 0 && (said.is(at - 1, TIME_BEFORE) || is_day(said, at - 1));
        let alone = said.step.is_some_and(is_time_step) || day_near(said, at);
        if hour < 24
            && minute % 5 == 0
            && minute < 60
            && (hours || placed || alone)
            && !(2000..2050).contains(&value)
        {
            return Some(raw(hour, minute, None, end + usize::from(hours)));
        }
        return None;
    }
    if !(1..=23).contains(&value) {
        return None;
    }
    if let (Some(half), last) = half_after(said, number.last) {
        return Some(raw_range(raw(value, 0, Some(half), last), number));
    }
    if let (Some(half), last) = half_after(said, end) {
        return Some(raw(value, 0, Some(half), last));
    }
    if said.is(number.last + 1, &["oclock"]) {
        return Some(raw(value, 0, None, number.last + 1));
    }
    if said.is(number.last + 1, &["o"]) && said.is(number.last + 2, &["clock"]) {
        return Some(raw(value, 0, None, number.last + 2));
    }
    // "10 sharp", "10 on the dot"
    if said.is(number.last + 1, &["sharp", "prompt"])
        || (said.is(number.last + 1, &["on"]) && said.is(number.last + 3, &["dot"]))
    {
        return Some(raw(value, 0, None, number.last + 1));
    }
    let counts_something = super::counting::counts_something(said, number);
    // "10 til 11", "4ish on a Friday"
    let till = said.is(number.first + 1, &["til", "till", "until"])
        // "12-1 on Tuesdays"
        || (number.falls && number.low <= 6 && number.high <= 12 && day_near(said, at));
    // "every other Thursday. 11ish."
    let ish_alone = said.is(number.last + 1, &["ish"])
        && said.after(number.last + 1).is_none()
        && at > 0
        && said.tokens[at].before >= Sep::Comma
        && said.ends_at(at - 1).is_some_and(|day| is_day(said, day) || ends_with_part(said, day));
    let on_day = said.is(number.last + 1, &["ish"])
        && said.is(number.last + 2, &["on"])
        && (number.last + 3..number.last + 5).any(|at| is_day(said, at));
    if (till || on_day || ish_alone || part_follows(said, number)) && !counts_something {
        return Some(raw(value, 0, None, number.last));
    }
    if counts_something {
        return None;
    }
    if said.step.is_some_and(is_time_step) && (at == 0 || said.tokens[at].before >= Sep::Comma) {
        return Some(raw(value, 0, None, number.last));
    }
    // "Tuesday afternoons, ideally three"
    let preferred = at > 1 && said.is(at - 1, &["ideally", "preferably", "say"]) && said.before(at).is_some();
    if preferred
        && said.ends_at(at - 2).is_some_and(|at| ends_with_part(said, at) || is_day(said, at))
        && said.after(number.last).is_none()
    {
        return Some(raw(value, 0, None, number.last));
    }
    let before = at.checked_sub(1)?;
    let tight = said.tokens[at].before < Sep::Comma;
    if !tight && !said.step.is_some_and(is_time_step) {
        return None;
    }
    let timed = said.is(before, &["at", "by", "til", "till", "until"])
        || (said.is(before, &["after", "before", "from"])
            && !said.is(before.wrapping_sub(1), &["apart", "aside"]))
        || is_day(said, before)
        || (said.is(before, &["around", "about", "between", "roughly", "say", "approx"])
            && before > 0
            && (is_day(said, before - 1)
                || said.is(before - 1, &["at", "from"])
                || ends_with_part(said, before - 1)))
        || ends_with_part(said, before)
        || (number.range && said.is(before, &["between"]) && day_near(said, at));
    let timed = timed && !counts_places(said, number);
    (timed && (value <= 12 || said.tokens[at].is_digits())).then(|| raw(value, 0, None, number.last))
}

/// "On site at two, online for the third": so many places, and not when.
fn counts_places(said: &Said<'_>, number: &Number) -> bool {
    /// So many words after it may tell of the others.
    const REACH: usize = 6;
    const ORDINALS: [&str; 6] = ["second", "third", "fourth", "fifth", "sixth", "seventh"];
    const REST: [&str; 5] = ["other", "others", "rest", "remaining", "last"];
    let at = number.first;
    let place = said.is(at.wrapping_sub(1), &["at"])
        && said
            .before(at - 1)
            .and_then(|before| said.ends_at(before))
            .is_some_and(|of| matches!(said.mark(of), Some(Mark::Setting(_))));
    let next = usize::try_from(number.high).ok().and_then(|high| ORDINALS.get(high.checked_sub(1)?));
    place
        && (number.last + 1..=number.last + REACH).any(|at| {
            said.is(at, &["the"])
                && (said.is(at + 1, &REST) || next.is_some_and(|next| said.is(at + 1, &[next])))
        })
}

/// "9 in the morning", "7 at night", "9 to 10 on a Monday".
fn part_follows(said: &Said<'_>, number: &Number) -> bool {
    let next = number.last + 1;
    let hours = number.low >= 1 && number.high <= 12;
    let part = |at: usize| matches!(said.mark(at), Some(Mark::Part(_)));
    let in_the = said.is(next, &["in", "of"]) && said.is(next + 1, &["the", "a", "an"]) && part(next + 2);
    let at_night =
        (said.is(next, &["at"]) && said.is(next + 1, &["night"])) || (part(next) && said.is(next, &["at"]));
    let hour_long = number.range && number.high == number.low + 1;
    let of_a_day = hour_long
        && said.is(next, &["on"])
        && (is_day(said, next + 1) || (said.is(next + 1, &["a", "the"]) && is_day(said, next + 2)));
    hours && said.after(number.last).is_some() && (in_the || at_night || of_a_day)
}

/// The start of "10-12pm" is in the morning, of "2-4pm" in the afternoon.
fn raw_range(mut raw: Raw, number: &Number) -> Raw {
    if number.range && raw.half == Some(Half::Pm) && raw.hour < 12 {
        let end = if raw.hour == number.low { number.high } else { number.low };
        if end == 12 || end < raw.hour {
            raw.half = Some(Half::Am);
        }
    }
    raw
}

const TIME_BEFORE: &[&str] = &["at", "from", "by", "after", "before", "around", "about"];

/// The steps whose answer is a time.
pub(crate) fn is_time_step(step: &str) -> bool {
    matches!(step, "when" | "time" | "conversation")
}

fn is_day(said: &Said<'_>, at: usize) -> bool {
    matches!(said.mark(at), Some(Mark::Day(_) | Mark::Weekdays | Mark::Weekend))
}

/// "Tuesday afternoon 2", "evenings 7".
fn ends_with_part(said: &Said<'_>, at: usize) -> bool {
    matches!(said.mark(at), Some(Mark::Part(_)))
}

fn day_near(said: &Said<'_>, at: usize) -> bool {
    let near = at.saturating_sub(6)..(at + 7).min(said.tokens.len());
    near.into_iter().any(|other| is_day(said, other))
}

fn said_after(said: &Said<'_>, at: usize) -> bool {
    said.before(at).is_some_and(|before| said.is(before, &["after", "past", "gone"]))
        || (said.before(at).is_some_and(|before| said.is(before, &["about", "around"]))
            && at >= 2
            && said.is(at - 2, &["after"]))
}

fn said_before(said: &Said<'_>, at: usize) -> bool {
    said.before(at).is_some_and(|before| said.is(before, &["before"]))
}

/// "am" or "pm" after a token, and the last token then.
fn half_after(said: &Said<'_>, last: usize) -> (Option<Half>, usize) {
    match said.tokens.get(last + 1) {
        Some(token) if token.before < Sep::Comma && token.is(&["am"]) => (Some(Half::Am), last + 1),
        Some(token) if token.before < Sep::Comma && token.is(&["pm"]) => (Some(Half::Pm), last + 1),
        _ => (None, last),
    }
}

/// The end of "2pm to 4pm", "14:00-15:30", "half two till three".
fn end_of_range(said: &Said<'_>, last: usize) -> usize {
    let Some(next) = said.tokens.get(last + 1) else { return last };
    let second = if matches!(next.before, Sep::Hyphen | Sep::Dash | Sep::Slash) {
        last + 1
    } else if next.before < Sep::Comma && next.is(&["to", "till", "til", "until", "and", "through"]) {
        last + 2
    } else {
        return last;
    };
    let joined_by_and = next.is(&["and"]);
    // "ten til half eleven", "between half one and half two", "ten till noon"
    let between = said.tokens[..last].iter().rev().take(5).any(|token| token.is(&["between"]));
    if (!joined_by_and || between)
        && let Some(raw) = spoken(said, second)
    {
        return raw.last;
    }
    let Some((value, end)) = numbers::single(said.tokens, second) else { return last };
    if value > 2400 {
        return last;
    }
    let minutes = said.tokens.get(end + 1).is_some_and(|token| {
        matches!(token.before, Sep::Colon | Sep::Dot) && token.is_digits() && token.word.len() == 2
    });
    let end = end + usize::from(minutes);
    let (half, end_with_half) = half_after(said, end);
    if joined_by_and && half.is_none() && !minutes {
        return last;
    }
    end_with_half
}
