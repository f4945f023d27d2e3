//! What each number of a message counts: people, sessions, weeks, or nothing of ours.

use super::{
    Mark, Said,
    numbers::{self, Number},
    time::{Clock, is_time_step},
};
use crate::understanding::{
    meaning::{Frequency, Size},
    text::Sep,
};

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

const UNITS: &[&str] = &[
    "hour",
    "hours",
    "hr",
    "hrs",
    "hourly",
    "minute",
    "minutes",
    "min",
    "mins",
    "month",
    "months",
    "day",
    "days",
    "year",
    "years",
    "yr",
    "yrs",
    "percent",
    "pounds",
    "quid",
    "k",
    "grand",
    "miles",
    "beds",
    "bedded",
    "bed",
    "patients",
    "deaths",
    "wards",
    "teams",
    "sites",
    "shifts",
    "st",
    "nd",
    "rd",
    "th",
    "weekends",
    "kids",
    "hospitals",
    "children",
    "nights",
    "late",
    "years'",
    "long",
    "am",
    "pm",
    "incidents",
    "resignations",
    "vacancies",
    "homes",
    "groups",
    "clinics",
    "practices",
    "surgeries",
    "services",
    "departments",
    "areas",
    "reasons",
    "things",
    "options",
];
const LABELS: &[&str] = &[
    "band",
    "bands",
    "ward",
    "room",
    "bay",
    "theatre",
    "floor",
    "level",
    "step",
    "site",
    "st",
    "ct",
    "f",
    "fy",
    "grade",
    "tier",
    "covid",
    "pod",
    "zone",
    "number",
    "option",
    "line",
    "question",
    "version",
    "sector",
    "year",
    "gate",
    "building",
    "block",
    "page",
    "item",
    "clinic",
    "no",
    "phase",
    "ext",
    "extension",
    "bleep",
    "ph",
    "tel",
    "phone",
    "mobile",
    "on",
    "box",
    "cohort",
    "stage",
    "wing",
    "unit",
    "icu",
    "itu",
    "station",
    "since",
    "in",
    "covid19",
    "pounds",
    "age",
    "aged",
];
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
    numbers::numbers(said.tokens)
        .into_iter()
        .filter(|number| !times.iter().any(|clock| (clock.first..=clock.last).contains(&number.first)))
        .map(|number| Counted { number, role: role(said, &number) })
        .collect()
}

/// Whether a number counts people, sessions, weeks or the like, whatever stands before it.
pub(crate) fn counts_something(said: &Said<'_>, number: &Number) -> bool {
    noun(said, number).is_some() || said.is(number.last + 1, UNITS) || every(said, number).is_some()
}

/// How many people.
pub(crate) fn size(said: &Said<'_>, numbers: &[Counted]) -> Option<Size> {
    let counted = |role: Role| -> Vec<(usize, Size)> {
        numbers
            .iter()
            .filter(|counted| counted.role == role && said.counts(counted.number.first))
            .map(|counted| (counted.number.first, with_oneself(said, &counted.number)))
            .collect()
    };
    let people = counted(Role::People);
    let some = counted(Role::SomePeople);
    let bare = match said.step {
        Some("sessions") => Vec::new(),
        Some(step) if is_time_step(step) => Vec::new(),
        None | Some("size") => counted(Role::Bare),
        Some(_) if corrects(said) => counted(Role::Bare),
        Some(_) => Vec::new(),
    };
    let all: Vec<(usize, Size)> = [people.clone(), some.clone(), bare].into_iter().flatten().collect();
    let kept = said.not_taken_back({
        let mut all = all;
        all.sort_by_key(|(at, _)| *at);
        all
    });
    let of = |list: &[(usize, Size)]| -> Vec<Size> {
        kept.iter()
            .filter(|(at, _)| list.iter().any(|(other, _)| other == at))
            .map(|(_, size)| *size)
            .collect()
    };
    let (whole, parts) = (of(&people), of(&some));
    if let Some(size) = whole.first() {
        return whole.iter().all(|other| other == size).then_some(*size);
    }
    if !parts.is_empty() {
        let extra = singles(said, &kept);
        let min = parts.iter().map(|size| size.min).sum::<u32>() + extra;
        return Some(Size { min, max: parts.iter().map(|size| size.max).sum::<u32>() + extra });
    }
    let first = kept.first()?.1;
    kept.iter().all(|(_, size)| *size == first).then_some(first)
}

/// How many sessions, as said.
pub(crate) fn sessions(said: &Said<'_>, numbers: &[Counted]) -> Option<u32> {
    let mut found: Vec<(usize, Option<u32>)> = numbers
        .iter()
        .filter(|counted| match counted.role {
            Role::Sessions => true,
            Role::Bare => said.step == Some("sessions"),
            Role::Weeks => said.step == Some("sessions"),
            Role::People | Role::SomePeople | Role::Every(_) | Role::Other => false,
        })
        .filter(|counted| said.counts(counted.number.first))
        .map(|counted| {
            let Number { low, high, .. } = counted.number;
            (counted.number.first, (low == high).then_some(high))
        })
        .collect();
    for at in 0..said.tokens.len() {
        let once = (said.is(at, &["one", "1"]) && said.is(at + 1, &["off", "offs"]))
            || (said.is(at, &["single"]) && said.mark(at + 1) == Some(Mark::Session))
            || (said.is(at, &["just", "only"]) && said.is(at + 1, &["once"]))
            || said.is(at, &["oneoff"]);
        if once && said.counts(at) {
            found.retain(|(other, _)| *other != at);
            found.push((at, Some(1)));
        }
    }
    found.sort_by_key(|(at, _)| *at);
    said.one_of(found).flatten()
}

/// "weekly for six weeks" is six sessions.
pub(crate) fn weeks(said: &Said<'_>, numbers: &[Counted]) -> Option<u32> {
    let found = numbers
        .iter()
        .filter(|counted| counted.role == Role::Weeks && said.counts(counted.number.first))
        .filter(|counted| counted.number.low == counted.number.high)
        .map(|counted| (counted.number.first, counted.number.low))
        .collect();
    said.one_of(found)
}

fn role(said: &Said<'_>, number: &Number) -> Role {
    if let Some(role) = every(said, number) {
        return role;
    }
    let before = number.first.checked_sub(1).filter(|_| said.tokens[number.first].before < Sep::Comma);
    let next = number.last + 1;
    if before.is_some_and(|before| said.is(before, &["x"])) {
        return Role::Sessions;
    }
    if said.is(next, &["times"]) {
        return if said.is(next + 1, &["a", "per", "each"]) { Role::Other } else { Role::Sessions };
    }
    if number.low > 500 || (number.digits && said.word(number.first).starts_with('0')) {
        return Role::Other;
    }
    if before.is_some_and(|before| {
        said.is(before, LABELS) && !(said.is(before, &["in", "on", "no"]) && noun(said, number).is_some())
    }) {
        return Role::Other;
    }
    if number.first > 0
        && said.tokens[number.first - 1].is_digits()
        && matches!(said.tokens[number.first].before, Sep::Slash | Sep::Dot | Sep::Colon | Sep::Hyphen)
    {
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
    if said.is(next, UNITS) && said.tokens[next].before < Sep::Comma {
        return Role::Other;
    }
    if let Some(role) = introduced(said, number) {
        return role;
    }
    if stands_alone(said, number) { Role::Bare } else { Role::Other }
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
    if each && said.is(next, &["week", "weeks"]) {
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
            if !said.is(at + 1, OF) {
                return None;
            }
            if said.is(at + 1, &["us", "you"]) {
                return Some(Role::People);
            }
            if said.is(at + 1, &["them", "these", "those"]) {
                let sessions = (0..number.first).any(|at| said.mark(at) == Some(Mark::Session))
                    || said.step == Some("sessions");
                let people = (0..number.first)
                    .any(|at| matches!(said.mark(at), Some(Mark::People)) || said.is(at, &["team"]));
                return Some(if people && !sessions { Role::People } else { Role::Sessions });
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
        if said.is(at, STOP) || said.is(at, &["and", "or", "for"]) {
            return None;
        }
        if said.is(at, UNITS) && !said.is(at, &["long"]) {
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

/// "a team of 12", "there are 9", "for 8", "up to 10".
fn introduced(said: &Said<'_>, number: &Number) -> Option<Role> {
    let next = number.last + 1;
    if said.is(next, &["in"]) && said.is(next + 1, &["my", "our", "the", "a", "total", "all", "each"]) {
        let sessions = (0..number.first).rev().take(6).any(|at| said.mark(at) == Some(Mark::Session));
        return Some(if sessions { Role::Sessions } else { Role::People });
    }
    if said.is(next, &["others", "other", "more"]) && said.is(next.wrapping_add(0), &["others"]) {
        return Some(Role::People);
    }
    let mut at = said.before(number.first)?;
    while said.is(
        at,
        &[
            "about",
            "around",
            "roughly",
            "approximately",
            "approx",
            "maybe",
            "say",
            "probably",
            "up",
            "to",
            "at",
            "least",
            "most",
            "max",
            "maximum",
            "nearly",
            "almost",
            "over",
            "under",
            "circa",
            "between",
            "only",
            "just",
            "possibly",
            "like",
            "perhaps",
        ],
    ) {
        at = said.before(at)?;
    }
    let outer = at.checked_sub(1).filter(|_| said.tokens[at].before < Sep::Comma);
    let outer_is = |words: &[&str]| outer.is_some_and(|outer| said.is(outer, words));
    if said.is(at, &["of"]) {
        if outer_is(&[
            "team", "group", "size", "party", "total", "number", "maximum", "max", "crew", "minimum",
            "bunch", "unit", "capacity",
        ]) {
            return Some(Role::People);
        }
        if outer_is(&["block", "series", "run", "course", "set"]) {
            return Some(Role::Sessions);
        }
        return None;
    }
    let short_clause = said.after(number.last).is_none_or(|next| {
        said.is(
            next,
            &[
                "on", "in", "at", "from", "of", "and", "every", "or", "max", "please", "who", "people",
                "tops", "as", "but", "if", "ish", "not",
            ],
        ) || said.mark(next).is_some_and(|mark| !matches!(mark, Mark::People | Mark::Session | Mark::Role(_)))
    });
    if !short_clause {
        return None;
    }
    let verb = said.is(
        at,
        &[
            "are",
            "is",
            "for",
            "have",
            "we",
            "size",
            "team",
            "group",
            "numbers",
            "with",
            "be",
            "expect",
            "expecting",
            "of",
            "got",
            "number",
            "attendees",
            "people",
            "headcount",
        ],
    );
    let subject = said.is(
        at,
        &[
            "for",
            "size",
            "team",
            "group",
            "numbers",
            "with",
            "number",
            "attendees",
            "headcount",
            "expect",
            "expecting",
        ],
    ) || outer_is(&[
        "there", "we", "team", "numbers", "group", "us", "size", "would", "will", "have", "weve", "number",
        "that",
    ]);
    (verb && subject).then_some(Role::People)
}

/// Nothing around a number but commas, fillers and the words of a correction.
fn stands_alone(said: &Said<'_>, number: &Number) -> bool {
    const LEFT: &[&str] = &[
        "about",
        "around",
        "maybe",
        "it",
        "not",
        "probably",
        "sorry",
        "no",
        "actually",
        "to",
        "from",
        "than",
        "of",
        "roughly",
        "say",
        "make",
        "its",
        "approx",
        "approximately",
        "be",
        "is",
        "that",
        "think",
        "just",
        "wait",
        "rather",
        "mean",
        "meant",
        "now",
        "up",
        "least",
        "most",
        "only",
        "guess",
        "perhaps",
        "said",
        "need",
        "want",
        "do",
        "between",
        "possibly",
        "for",
        "like",
        "thinking",
        "circa",
        "max",
        "maximum",
        "ok",
        "okay",
        "have",
        "and",
        "instead",
        "all",
        "yes",
        "with",
        "or",
        "then",
        "put",
    ];
    const RIGHT: &[&str] = &[
        "not", "please", "instead", "on", "from", "rather", "max", "maximum", "tops", "ish", "or", "now",
        "thanks", "actually", "sorry", "i", "ideally", "if", "but", "and", "probably", "maybe", "in",
        "would", "should", "at", "is", "no",
    ];
    let left = match said.before(number.first) {
        None => true,
        Some(before) => said.is(before, LEFT),
    };
    let right = match said.after(number.last) {
        None => true,
        Some(after) => said.is(after, RIGHT) || said.is_covered(after),
    };
    left && right
}

/// The message changes an answer: "make it 8, not 6".
pub(crate) fn corrects(said: &Said<'_>) -> bool {
    said.tokens.iter().enumerate().any(|(at, token)| match token.word.as_str() {
        "actually" | "sorry" | "instead" | "change" | "correction" | "oops" | "meant" => true,
        "make" => said.is(at + 1, &["it", "that"]),
        "not" => at > 0 && numbers::single(said.tokens, at + 1).is_some(),
        "wait" => true,
        _ => false,
    })
}

/// "me and five others" are six.
fn with_oneself(said: &Said<'_>, number: &Number) -> Size {
    let me = |at: usize| said.is(at, &["me", "myself", "i"]);
    let and = |at: usize| said.is(at, &["and", "plus", "with"]);
    let first = number.first;
    let before =
        (first >= 2 && and(first - 1) && me(first - 2)) || (first >= 3 && and(first - 2) && me(first - 3));
    let after = (number.last + 1..number.last + 5).any(|at| and(at) && me(at + 1));
    let extra = u32::from(before || after);
    Size { min: number.low + extra, max: number.high + extra }
}

/// "5 nurses and a receptionist": one more.
fn singles(said: &Said<'_>, kept: &[(usize, Size)]) -> u32 {
    let Some((first, _)) = kept.first() else { return 0 };
    let mut count = 0;
    for at in *first..said.tokens.len() {
        if said.is(at, &["a", "an"])
            && at > 0
            && (said.is(at - 1, &["and", "plus"]) || said.tokens[at].before == Sep::Comma)
        {
            if numbers::single(said.tokens, at).is_some() {
                continue;
            }
            let noun = (at + 1..at + 4).find(|next| matches!(said.mark(*next), Some(Mark::Role(_))));
            count += u32::from(noun.is_some());
        }
    }
    count
}
