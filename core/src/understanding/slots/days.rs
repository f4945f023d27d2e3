//! Days of the week: lists, ranges and exceptions.

use std::collections::BTreeSet;

use super::{Mark, Said, time::is_time_step};
use crate::understanding::{meaning::Day, text::Sep};

/// In the order of the week.
pub(crate) const WEEK: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];

/// The days that are meant. Any day, or none in particular, is the empty set.
pub(crate) fn days(said: &Said<'_>) -> BTreeSet<Day> {
    let mut found: Vec<(usize, Vec<Day>)> = Vec::new();
    let mut at = 0;
    while at < said.tokens.len() {
        if let Some((day, end)) = range(said, at) {
            if said.counts(at) {
                found.push((at, day));
            }
            at = end + 1;
        } else {
            at += 1;
        }
    }
    let single = said.marked(|mark| {
        if let Mark::Day(day) = mark {
            Some(vec![day])
        } else if mark == Mark::Weekdays {
            Some(WEEK[..5].to_vec())
        } else {
            (mark == Mark::Weekend).then(|| WEEK[5..].to_vec())
        }
    });
    let in_range = |at: usize| found.iter().any(|(start, _)| (*start..=start + 3).contains(&at));
    let single: Vec<_> = single
        .into_iter()
        .filter(|(at, _)| !in_range(*at) && !told(said, *at) && !worked(said, *at) && is_day(said, *at))
        .collect();
    found.extend(single);
    found.sort_by_key(|(at, _)| *at);
    let mut days: BTreeSet<Day> = said.not_taken_back(found).into_iter().flat_map(|(_, days)| days).collect();
    if let Some((base, denied)) = exception(said)
        .or_else(|| any_other(said))
        .or_else(|| days.is_empty().then(|| cannot(said)).flatten())
    {
        days.retain(|day| !denied.contains(day));
        if days.is_empty() {
            days.extend(base.into_iter().filter(|day| !denied.contains(day)));
        }
    }
    if days.len() == WEEK.len() { BTreeSet::new() } else { days }
}

/// Days that do not suit: "not Tuesdays", "Fridays are out".
pub(crate) fn ruled_out(said: &Said<'_>) -> BTreeSet<Day> {
    let days = (0..said.tokens.len()).filter_map(|at| Some((at, day_at(said, at)?)));
    days.filter(|(at, _)| said.is_ruled_out(*at)).map(|(_, day)| day).collect()
}

/// "Mon to Thu", "Monday-Friday", "between Monday and Thursday".
fn range(said: &Said<'_>, at: usize) -> Option<(Vec<Day>, usize)> {
    let from = day_at(said, at)?;
    let next = said.mark_end(at) + 1;
    let token = said.tokens.get(next)?;
    let (end, to) = if matches!(token.before, Sep::Hyphen | Sep::Dash) {
        (next, day_at(said, next)?)
    } else if token.before < Sep::Comma
        && (token.is(&["to", "till", "til", "through", "thru", "until"])
            || (token.is(&["and"]) && at > 0 && said.is(at - 1, &["between"])))
    {
        (next + 1, day_at(said, next + 1)?)
    } else {
        return None;
    };
    // "change Tuesday to Thursday" is no range.
    let changed = said.tokens[at.saturating_sub(5)..at]
        .iter()
        .any(|t| t.is(&["change", "switch", "move", "swap", "changing", "changed", "moving", "switching"]));
    if changed {
        return None;
    }
    let mut days = Vec::new();
    let mut index = from as usize;
    for _ in 0..WEEK.len() {
        days.push(WEEK[index]);
        if WEEK[index] == to {
            break;
        }
        index = (index + 1) % WEEK.len();
    }
    Some((days, end))
}

fn day_at(said: &Said<'_>, at: usize) -> Option<Day> {
    match said.mark(at) {
        Some(Mark::Day(day)) => Some(day),
        _ => None,
    }
}

/// "sat" and "sun" are days beside other days or a time of day, or alone.
fn is_day(said: &Said<'_>, at: usize) -> bool {
    if !said.is(at, &["sat", "sun", "wed", "mon"]) || said.tokens.len() <= 2 {
        return true;
    }
    let near = at.saturating_sub(3)..(at + 4).min(said.tokens.len());
    near.clone().any(|other| {
        other != at && matches!(said.mark(other), Some(Mark::Day(_) | Mark::Part(_) | Mark::Weekdays))
    }) || said.is(at + 1, &["am", "pm"])
        || !said.is(at, &["sat", "sun"])
}

/// "The weekend rota", "weekend cover": when people work.
fn worked(said: &Said<'_>, at: usize) -> bool {
    matches!(said.mark(at), Some(Mark::Weekend))
        && said.is(said.mark_end(at) + 1, &["rota", "rotas", "cover", "shift", "shifts", "work", "working"])
}

/// A day in a story, or a date by which something is due: "last Tuesday", "since Friday", "by Monday".
fn told(said: &Said<'_>, at: usize) -> bool {
    const HAPPENED: [&str; 12] = [
        "died",
        "happened",
        "was",
        "were",
        "had",
        "lost",
        "killed",
        "attacked",
        "assaulted",
        "collapsed",
        "passed",
        "suddenly",
    ];
    let of_the_month =
        said.is(at.wrapping_sub(1), &["last"]) && said.is(at + 1, &["of", "in", "each", "every"]);
    at > 0
        && !of_the_month
        && (said.is(at - 1, &["last", "since", "past", "previous", "by", "before"])
            || (at > 1 && said.is(at - 1, &["on"]) && said.is(at - 2, &HAPPENED)))
}

/// "not Mondays", "I couldn't do Fridays" in answer to when: the working days, and what is left out.
fn cannot(said: &Said<'_>) -> Option<(Vec<Day>, Vec<Day>)> {
    const NOT: &[&str] =
        &["not", "cant", "couldnt", "wont", "never", "no", "dont", "isnt", "arent", "except"];
    if !said.step.is_some_and(is_time_step) {
        return None;
    }
    let not = (0..said.tokens.len()).find(|&at| said.is(at, NOT))?;
    let denied: Vec<Day> = (not + 1..said.tokens.len())
        .take_while(|&at| said.tokens[at].before != Sep::Sentence && !said.is(at, &["but", "otherwise"]))
        .filter_map(|at| day_at(said, at))
        .collect();
    (!denied.is_empty()).then(|| (WEEK[..5].to_vec(), denied))
}

/// "not Fridays, any other day": the working days, and what is left out before.
fn any_other(said: &Said<'_>) -> Option<(Vec<Day>, Vec<Day>)> {
    const DAY: &[&str] = &["day", "days", "weekday", "weekdays"];
    let at = (0..said.tokens.len()).find(|&at| {
        let any = said.is(at, &["any", "every"]);
        let otherwise = said.is(at.wrapping_sub(1), &["otherwise"]) && said.is(at + 1, DAY);
        any && (otherwise || (said.is(at + 1, &["other"]) && said.is(at + 2, DAY)))
    })?;
    let denied: Vec<Day> =
        (0..at).filter(|&at| said.is_ruled_out(at)).filter_map(|at| day_at(said, at)).collect();
    (!denied.is_empty()).then(|| (WEEK[..5].to_vec(), denied))
}

/// "any day but Friday": the days that remain before the exception, and the exception.
fn exception(said: &Said<'_>) -> Option<(Vec<Day>, Vec<Day>)> {
    const BUT: &[&str] = &["but", "except", "bar", "excluding", "besides", "not", "barring"];
    let at = (0..said.tokens.len()).find(|&at| {
        let any_day = said.is(at, &["any", "every", "anyday", "all", "most", "anything", "anytime"])
            && (said.is(at, &["anyday", "anything", "anytime"])
                || said.is(at + 1, &["day", "days", "weekday", "weekdays", "time"])
                || (said.is(at + 1, &["other"]) && said.is(at + 2, &["day"])));
        (any_day || matches!(said.mark(at), Some(Mark::Weekdays | Mark::Weekend)))
            && said.tokens[at..]
                .iter()
                .take(6)
                .any(|t| t.is(BUT) || t.is(&["apart", "other", "cant", "dont"]))
    })?;
    let mut full = said.word(at) == "every"
        || said.tokens[at..].iter().take(6).any(|token| token.is(&["weekend", "weekends"]));
    let mut denied = Vec::new();
    let but = (at..said.tokens.len())
        .find(|&at| said.is(at, BUT) || said.is(at, &["apart", "other", "cant", "dont"]))?;
    for next in but..said.tokens.len() {
        // "bar Wednesday, that's Mon, Tue or Fri"
        let remain = said.is(next, &["thats", "that", "so", "leaves", "leaving", "which", "meaning", "ie"]);
        if next > but && (said.tokens[next].before == Sep::Sentence || remain) {
            break;
        }
        match said.mark(next) {
            Some(Mark::Day(day)) => denied.push(day),
            Some(Mark::Weekend) => denied.extend(&WEEK[5..]),
            _ => {}
        }
    }
    // Who leaves out Sunday speaks of the whole week.
    full |= denied.iter().any(|day| WEEK[5..].contains(day));
    let base = if full { WEEK.to_vec() } else { WEEK[..5].to_vec() };
    (!denied.is_empty()).then_some((base, denied))
}
