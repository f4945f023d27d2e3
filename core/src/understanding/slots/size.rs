//! How many people, and how many sessions.

use super::{
    Mark, Said,
    counting::{Counted, Role},
    numbers::{self, Number},
    time::is_time_step,
};
use crate::understanding::{meaning::Size, text::Sep};

/// How many people.
pub(crate) fn size(said: &Said<'_>, numbers: &[Counted]) -> Option<Size> {
    let counted = |role: Role| -> Vec<(usize, Size)> {
        numbers
            .iter()
            .filter(|counted| counted.role == role && !is_one_of(said, &counted.number))
            .filter(|counted| said.counts(counted.number.first) || is_at_most(said, &counted.number))
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
    if let Some(size) = bounds(said, numbers) {
        return Some(size);
    }
    // The most that there may be says nothing of how few.
    if let [(at, size)] = kept[..]
        && numbers.iter().any(|counted| counted.number.first == at && is_at_most(said, &counted.number))
    {
        return Some(Size { min: 1, max: size.max });
    }
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

/// "One of our nurses" counts nobody.
fn is_one_of(said: &Said<'_>, number: &Number) -> bool {
    said.is(number.last + 1, &["of"])
        && said.is(number.last + 2, &["our", "my", "the", "us", "them"])
        && number.low == 1
}

/// "at most 10, at least 4": both ends, each said by itself.
fn bounds(said: &Said<'_>, numbers: &[Counted]) -> Option<Size> {
    let bound = |is_bound: fn(&Said<'_>, &Number) -> bool| {
        let mut found = numbers.iter().filter(|counted| {
            matches!(counted.role, Role::People | Role::SomePeople | Role::Bare)
                && !counted.number.range
                && (said.counts(counted.number.first) || is_at_most(said, &counted.number))
                && is_bound(said, &counted.number)
        });
        let only = found.next()?;
        found.next().is_none().then_some(only.number.low)
    };
    let min = bound(is_at_least)?;
    let max = bound(is_at_most)?;
    (min <= max).then_some(Size { min, max })
}

/// "at least 4", "min of 4", "4 minimum".
fn is_at_least(said: &Said<'_>, number: &Number) -> bool {
    is_bound(said, number, &["min", "minimum", "least"])
}

/// "up to 12", "no more than 12", "max 12", "12 tops".
fn is_at_most(said: &Said<'_>, number: &Number) -> bool {
    const NOT: &[&str] = &["no", "not", "never"];
    let back = |words: &[&[&str]]| {
        number.first >= words.len()
            && words.iter().enumerate().all(|(at, word)| said.is(number.first - words.len() + at, word))
    };
    is_bound(said, number, &["max", "maximum", "most", "tops"])
        || people_at_most(said, number)
        || back(&[&["up"], &["to"]])
        || back(&[NOT, &["more", "over", "above"], &["than"]])
        || back(&[NOT, &["over", "above"]])
        || back(&[&["less", "fewer"], &["than"]])
}

/// "9 people at most", "9 max of us".
fn people_at_most(said: &Said<'_>, number: &Number) -> bool {
    (number.last + 1..number.last + 4).any(|at| {
        let joined = said.tokens.get(at).is_some_and(|token| token.before < Sep::Comma);
        joined && said.is(at, &["at"]) && said.is(at + 1, &["most"])
    })
}

fn is_bound(said: &Said<'_>, number: &Number, words: &[&str]) -> bool {
    let before = (1..=2).any(|back| number.first >= back && said.is(number.first - back, words));
    let after = said.after(number.last).is_some_and(|after| said.is(after, words));
    // "4 min 10 max": the word after a number is its own, not that of the next.
    let of_another = number.first >= 2
        && said.is(number.first - 1, words)
        && numbers::single(said.tokens, number.first - 2).is_some()
        && said.after(number.last).is_some_and(|after| said.is(after, &["min", "minimum", "max", "maximum"]));
    after || (before && !of_another)
}

/// How many sessions, as said.
pub(crate) fn sessions(said: &Said<'_>, numbers: &[Counted]) -> Option<u32> {
    let mut found: Vec<(usize, Option<u32>)> = numbers
        .iter()
        .filter(|counted| match counted.role {
            Role::Sessions => true,
            Role::Bare | Role::Weeks => said.step == Some("sessions"),
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
            || (said.is(at, &["just", "only"])
                && (said.is(at + 1, &["once"]) || (said.is(at + 1, &["the"]) && said.is(at + 2, &["once"]))))
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

/// The message changes an answer: "make it 8, not 6".
fn corrects(said: &Said<'_>) -> bool {
    said.tokens.iter().enumerate().any(|(at, token)| match token.word.as_str() {
        "actually" | "sorry" | "instead" | "change" | "correction" | "oops" | "meant" | "wait" => true,
        "make" => said.is(at + 1, &["it", "that"]),
        "not" => at > 0 && numbers::single(said.tokens, at + 1).is_some(),
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
