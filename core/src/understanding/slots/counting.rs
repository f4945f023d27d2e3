//! What each number of a message counts: people, sessions, weeks, or nothing of ours.

use super::{
    Mark, Said,
    around::{introduced, stands_alone},
    numbers::{self, Number},
    time::Clock,
};
use crate::understanding::{meaning::Frequency, text::Sep};

/// A number and what it counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    pub number: Number,
    pub role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// People in all.
    People,
    /// People of one role: "6 nurses and 2 porters" is eight.
    SomePeople,
    Sessions,
    /// "for six weeks".
    Weeks,
    /// "every 4 weeks", "2 weekly"; no frequency of ours for "every 3 weeks".
    Every(Option<Frequency>),
    /// Stands alone: what it counts depends on the question.
    Bare,
    Other,
}

const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "jan",
    "feb",
    "mar",
    "apr",
    "jun",
    "jul",
    "aug",
    "sept",
    "sep",
    "oct",
    "nov",
    "dec",
];

/// All numbers that are no times, with what they count.
pub(crate) fn roles_of_numbers(said: &Said<'_>, times: &[Clock]) -> Vec<Counted> {
    let mut counted: Vec<Counted> = numbers::numbers(said.tokens)
        .into_iter()
        .filter(|number| !times.iter().any(|clock| (clock.first..=clock.last).contains(&number.first)))
        .map(|number| Counted { number, role: role(said, &number) })
        .collect();
    // "12 sessions sounds too many, let's say 6"
    let refused = counted.iter().position(|one| one.role == Role::Sessions && is_too_many(said, &one.number));
    if let Some(refused) = refused {
        for later in counted[refused + 1..].iter_mut().filter(|later| later.role == Role::Bare) {
            later.role = Role::Sessions;
        }
    }
    counted
}

/// "12 sessions sounds too many", "20 people is too much"
pub(crate) fn is_too_many(said: &Said<'_>, number: &Number) -> bool {
    let is_noun = |at: &usize| matches!(said.mark(*at), Some(Mark::Session | Mark::People | Mark::Role(_)));
    let noun = said.after(number.last).filter(is_noun);
    said.is_refused_after(noun.map_or(number.last, |at| said.mark_end(at)))
}

/// Whether a number counts people, sessions, weeks or the like, whatever stands before it.
pub(crate) fn counts_something(said: &Said<'_>, number: &Number) -> bool {
    noun(said, number).is_some()
        || said.is(number.last + 1, &said.words.units)
        || every(said, number).is_some()
}

fn role(said: &Said<'_>, number: &Number) -> Role {
    if let Some(role) = every(said, number) {
        return role;
    }
    if matches!(said.mark(number.first), Some(Mark::Frequency(_))) {
        return Role::Other;
    }
    let before = number.first.checked_sub(1).filter(|_| said.tokens[number.first].before < Sep::Comma);
    let next = number.last + 1;
    let lasts = said.is(next, &["hour", "hours", "hr", "hrs", "hourly", "minute", "minutes", "min", "mins"]);
    if let Some(x) = before.filter(|before| said.is(*before, &["x"]) && !lasts) {
        // "nurses x 6"
        let who = x.checked_sub(1).and_then(|last| said.ends_at(last));
        return match who.and_then(|at| said.mark(at)) {
            Some(Mark::Role(_)) => Role::SomePeople,
            Some(Mark::People) => Role::People,
            _ => Role::Sessions,
        };
    }
    if let Some(frequency) = rate(said, number) {
        return Role::Every(frequency);
    }
    if said.is(next, &["times"]) {
        return if said.is(next + 1, &["a", "per", "each"]) { Role::Other } else { Role::Sessions };
    }
    if number.low > 500 || (number.digits && said.word(number.first).starts_with('0')) {
        return Role::Other;
    }
    if before.is_some_and(|before| {
        let of_people =
            said.is(before, &["number"]) && before > 0 && said.is(before - 1, &["we", "they", "you"]);
        let corrects = said.is(before, &["no"]) && said.tokens[before].before >= Sep::Comma;
        let counts = said.is(before, &["in", "on", "no"]) && noun(said, number).is_some();
        said.is(before, &said.words.labels) && !(corrects || of_people || counts)
    }) {
        return Role::Other;
    }
    if number.first > 0
        && said.tokens[number.first - 1].is_digits()
        && matches!(said.tokens[number.first].before, Sep::Slash | Sep::Dot | Sep::Colon | Sep::Hyphen)
    {
        return Role::Other;
    }
    // "a group 4 our porters", "grp 4 porters"
    let for_whom = said.is(next, &["our", "my", "the", "us", "them", "all", "a"])
        || before.is_some_and(|before| said.is(before, &["grp", "group", "space", "something"]));
    if said.is(number.first, &["4"]) && !number.range && for_whom {
        return Role::Other;
    }
    if let Some(role) = noun(said, number) {
        return role;
    }
    if said.is(next, MONTHS) || before.is_some_and(|before| said.is(before, MONTHS)) {
        return Role::Other;
    }
    if said.is(next, &["week", "weeks"]) && said.tokens[next].before < Sep::Comma {
        return Role::Weeks;
    }
    if said.is(next, &said.words.units) && said.tokens[next].before < Sep::Comma {
        return Role::Other;
    }
    if let Some(role) = introduced(said, number) {
        return role;
    }
    // "6 each" answers what is asked.
    if said.step.is_some() && said.is(next, &["each"]) && next + 1 == said.tokens.len() {
        return Role::Bare;
    }
    // "the first one", "one of my nurses": "one" seldom counts.
    let one = said.step.is_none() && said.is(number.first, &["one"]);
    if one || !stands_alone(said, number) {
        Role::Other
    } else if said.step.is_none() && of_those_before(said, number) {
        Role::SomePeople
    } else {
        Role::Bare
    }
}

/// "the theatre porters, three": a number by itself after those whom it counts.
fn of_those_before(said: &Said<'_>, number: &Number) -> bool {
    let Some(before) = number.first.checked_sub(1) else { return false };
    let apart = said.tokens[number.first].before == Sep::Comma && said.after(number.last).is_none();
    let who = said.ends_at(before).and_then(|at| said.mark(at));
    apart && matches!(who, Some(Mark::Role(_)))
}

/// "every 4 weeks", "2 weekly", "every two weeks".
fn every(said: &Said<'_>, number: &Number) -> Option<Role> {
    let next = number.last + 1;
    let joined = said.tokens.get(next).is_some_and(|token| token.before < Sep::Comma);
    if !joined || number.range {
        return None;
    }
    let frequency = match number.low {
        1 => Some(Frequency::Weekly),
        2 => Some(Frequency::Fortnightly),
        4 => Some(Frequency::Monthly),
        _ => None,
    };
    let each = number.first > 0 && said.is(number.first - 1, &["every", "each"]);
    let apart = said.is(next + 1, &["apart"]);
    if (each || apart) && said.is(next, &["week", "weeks"]) {
        return Some(Role::Every(frequency));
    }
    if each && said.is(next, &["months", "month", "days", "hours", "or"]) {
        return Some(Role::Every(None));
    }
    let sessions_follow = (next..next + 4).any(|at| said.mark(at) == Some(Mark::Session));
    (said.is(next, &["weekly"]) && !sessions_follow).then_some(Role::Every(frequency))
}

/// What the noun after a number says: "8 band 5 nurses", "six one hour sessions", "six of us".
fn noun(said: &Said<'_>, number: &Number) -> Option<Role> {
    const STOP: &[&str] = &[
        "on", "at", "in", "per", "every", "with", "from", "to", "who", "that", "is", "are", "a", "the",
        "each", "until", "by", "as", "but", "if", "when", "because", "week", "weeks", "month", "months",
        "not", "no", "then", "would", "will", "per",
    ];
    const OF: &[&str] = &["us", "them", "these", "those", "you", "my", "our", "the"];
    let mut at = number.last;
    let mut steps = 0;
    while steps < 6 {
        at = said.after(at)?;
        if said.is(at, &["of"]) {
            if said.is(number.last, &["dozen"]) && !said.is(at + 1, OF) {
                continue;
            }
            if !said.is(at + 1, OF) {
                return None;
            }
            if said.is(at + 1, &["us", "you"]) {
                return Some(Role::People);
            }
            if said.is(at + 1, &["them", "these", "those"]) {
                return Some(of_them(said, number, at + 2));
            }
            at += 1;
            steps += 1;
            continue;
        }
        match said.mark(at) {
            Some(Mark::Session) => return Some(Role::Sessions),
            Some(Mark::People) => return Some(Role::People),
            Some(Mark::Role(_)) => {
                // "8 nursing staff", "6 admin people"
                let after = said.after(said.mark_end(at));
                if after.is_some_and(|after| said.mark(after) == Some(Mark::Session)) {
                    return Some(Role::Sessions);
                }
                return Some(Role::SomePeople);
            }
            _ => {}
        }
        if said.is(at, &["or"]) && said.is(at + 1, &["so"]) {
            at += 1;
            continue;
        }
        if at == number.last + 1 && said.is(at, &["on", "in", "from"]) {
            let place = at + 1 + usize::from(said.is(at + 1, &["the", "our"]));
            return matches!(said.mark(place), Some(Mark::Role(_))).then_some(Role::SomePeople);
        }
        if said.is(at, STOP) || said.is(at, &["and", "or", "for"]) {
            return None;
        }
        if said.is(at, &said.words.units) && !said.is(at, &["long"]) {
            return None;
        }
        // "8 band 5 nurses", "six 90 minute sessions"
        if numbers::single(said.tokens, at).is_some() && !said.is(at - 1, &["band", "grade", "level"]) {
            if said.is(at + 1, &["hour", "hr", "minute", "min", "hourly", "hours", "minutes"]) {
                at += 1;
            } else {
                return None;
            }
        }
        at = said.mark_end(at).max(at);
        steps += 1;
    }
    None
}

/// "two sessions a month", "one meeting per week": how often, with no frequency of ours for "two a week".
fn rate(said: &Said<'_>, number: &Number) -> Option<Option<Frequency>> {
    if number.range {
        return None;
    }
    let noun = said.after(number.last).filter(|at| said.mark(*at) == Some(Mark::Session));
    let per = said.after(noun.map_or(number.last, |at| said.mark_end(at)))?;
    let per = if said.is(per, &["x"]) { said.after(per)? } else { per };
    let per_one = said.is(per, &["a", "per"]) || (number.high <= 2 && said.is(per, &["each", "every"]));
    if !per_one {
        return None;
    }
    let time = said.after(per).filter(|at| said.is(*at, &["week", "fortnight", "month"]))?;
    if said.is(time + 1, &["apart"]) {
        return None;
    }
    Some(match (said.word(time), number.low) {
        ("week", 1) | ("fortnight", 2) | ("month", 4) => Some(Frequency::Weekly),
        ("fortnight", 1) | ("month", 2) => Some(Frequency::Fortnightly),
        ("month", 1) => Some(Frequency::Monthly),
        _ => None,
    })
}

/// What "four of them" counts: whatever was spoken of last. Of people already counted it is a part, and
/// says how many there are only where it says who comes.
fn of_them(said: &Said<'_>, number: &Number, next: usize) -> Role {
    match said.step {
        Some("sessions") => return Role::Sessions,
        Some("size") => return Role::People,
        Some(_) | None => {}
    }
    let is_people = |at: usize| {
        matches!(said.mark(at), Some(Mark::People | Mark::Role(_))) || said.is(at, &["team", "band", "bands"])
    };
    let is_meeting = |at: usize| matches!(said.mark(at), Some(Mark::Session | Mark::Frequency(_)));
    let clause = said.tokens.iter().skip(next).take_while(|token| token.before < Sep::Comma);
    let come = clause.take(3).any(|token| {
        token.is(&[
            "can",
            "could",
            "will",
            "would",
            "come",
            "coming",
            "attend",
            "want",
            "interested",
            "wish",
            "keen",
        ])
    });
    let last = (0..number.first).rev().find(|&at| is_people(at) || is_meeting(at));
    match last {
        Some(at) if is_people(at) => {
            let counted =
                (0..at).any(|from| numbers::single(said.tokens, from).is_some_and(|(many, _)| many > 1));
            let only = (1..=3)
                .any(|back| number.first >= back && said.is(number.first - back, &["only", "but", "just"]));
            if counted && !come && !only { Role::Other } else { Role::People }
        }
        Some(_) if come => Role::People,
        Some(_) => Role::Sessions,
        None if (next..said.tokens.len()).any(is_meeting) => Role::Sessions,
        None if said.tokens[..number.first].iter().any(|token| token.is(&["week", "weeks"])) => {
            Role::Sessions
        }
        None => Role::People,
    }
}
