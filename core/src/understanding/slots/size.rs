//! How many people, and how many sessions.

use super::{
    Mark, Said,
    counting::{Counted, Role, is_too_many},
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
            .filter(|counted| is_meant(said, &counted.number) && !is_too_many(said, &counted.number))
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
    if let Some(size) = bounds(said, numbers).or_else(|| growing(said, numbers)) {
        return Some(size);
    }
    if let Some(size) = at_a_time(said, numbers) {
        return Some(size);
    }
    // The most that there may be says nothing of how few.
    let said_people: Vec<_> =
        kept.iter().filter(|(at, _)| people.iter().any(|(other, _)| other == at)).collect();
    let kept_alone = if said_people.is_empty() { kept.iter().collect() } else { said_people };
    if let [&(at, size)] = kept_alone[..]
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

/// "No more than 12" denies nothing.
fn is_meant(said: &Said<'_>, number: &Number) -> bool {
    said.counts(number.first)
        || (!said.is_asked(number.first) && (is_at_most(said, number) || is_at_least(said, number)))
}

/// "One of our nurses" counts nobody, and "two of your facilitators" nobody who would come.
fn is_one_of(said: &Said<'_>, number: &Number) -> bool {
    let whose = |words: &[&str]| said.is(number.last + 1, &["of"]) && said.is(number.last + 2, words);
    whose(&["your", "yours", "you"])
        || (number.low == 1 && whose(&["our", "my", "the", "us", "them", "these", "those", "this"]))
}

/// "at most 10, at least 4": both ends, each said by itself.
fn bounds(said: &Said<'_>, numbers: &[Counted]) -> Option<Size> {
    let bound = |is_bound: fn(&Said<'_>, &Number) -> bool| {
        let mut found = numbers.iter().filter(|counted| {
            matches!(counted.role, Role::People | Role::SomePeople | Role::Bare)
                && !counted.number.range
                && is_meant(said, &counted.number)
                && is_bound(said, &counted.number)
        });
        let only = found.next()?;
        found.next().is_none().then_some(only.number.low)
    };
    let min = bound(is_at_least)?;
    let max = bound(is_at_most)?;
    (min <= max).then_some(Size { min, max })
}

/// "25 of them, about 8 per group": those who meet together.
fn at_a_time(said: &Said<'_>, numbers: &[Counted]) -> Option<Size> {
    let together = |number: &Number| {
        let next = number.last + 1;
        let group = |at: usize| said.is(at, &["group", "session", "meeting"]);
        (said.is(next, &["per"]) && group(next + 1))
            || (said.is(next, &["in", "to"]) && said.is(next + 1, &["a", "each", "every"]) && group(next + 2))
            || (said.is(next, &["at"]) && said.is(next + 1, &["a"]) && said.is(next + 2, &["time"]))
    };
    let mut found = numbers.iter().filter(|counted| {
        matches!(counted.role, Role::People | Role::Bare | Role::Other)
            && said.counts(counted.number.first)
            && together(&counted.number)
    });
    let number = found.next()?.number;
    let min = if is_at_most(said, &number) { 1 } else { number.low };
    found.next().is_none().then_some(Size { min, max: number.high })
}

/// "eight of us, could be twelve", "five to begin with, maybe seven later": from the one to the other.
fn growing(said: &Said<'_>, numbers: &[Counted]) -> Option<Size> {
    const PERHAPS: &[&str] = &[
        "could",
        "might",
        "may",
        "maybe",
        "perhaps",
        "possibly",
        "can",
        "or",
        "rising",
        "going",
        "growing",
        "increasing",
    ];
    const UP: &[&str] = &[
        "be", "go", "get", "grow", "rise", "reach", "up", "to", "as", "many", "well", "even", "it", "there",
        "we", "have", "stretch", "about", "around", "become", "end", "high", "at", "most",
    ];
    if said.step.is_some_and(|step| step == "sessions" || is_time_step(step)) {
        return None;
    }
    numbers.windows(2).find_map(|pair| {
        let [Counted { number: few, role }, Counted { number: many, role: other }] = pair else {
            return None;
        };
        let people = matches!(role, Role::People | Role::SomePeople | Role::Bare);
        let also = matches!(other, Role::People | Role::SomePeople | Role::Bare | Role::Other);
        let near = many.first - few.last < 14
            && said.tokens[few.last + 1..=many.first].iter().all(|token| token.before != Sep::Sentence);
        if !(people && also && near && said.counts(few.first)) {
            return None;
        }
        if few.low >= many.high {
            let down = said.is(many.first.wrapping_sub(1), &["as", "to"])
                && said.is(many.first.wrapping_sub(2), &["few", "little", "down"]);
            return (down && few.low > many.high).then_some(Size { min: many.low, max: few.high });
        }
        let mut at = many.first;
        while at > few.last && said.is(at - 1, UP) {
            at -= 1;
        }
        let perhaps = at > few.last + 1 && said.is(at - 1, PERHAPS) && !counted_noun(said, many);
        let later = said.is(many.last + 1, &["if", "later", "eventually"])
            || said.words_at(many.last + 1, &["at", "a", "push"])
            || said.words_at(many.last + 1, &["on", "a", "good"]);
        let later = later
            && *other != Role::Other
            && !said.tokens[few.last + 1..many.first].iter().any(|token| token.is(&["not", "no", "only"]));
        (perhaps || later).then_some(Size { min: few.low, max: many.high })
    })
}

/// What follows a number is something of its own: "could be 6 weeks", "could be 8 o'clock".
fn counted_noun(said: &Said<'_>, number: &Number) -> bool {
    said.after(number.last).is_some_and(|after| {
        !matches!(said.mark(after), Some(Mark::People | Mark::Role(_)))
            && !said.is(
                after,
                &[
                    "of",
                    "if",
                    "at",
                    "on",
                    "in",
                    "and",
                    "or",
                    "but",
                    "once",
                    "when",
                    "later",
                    "by",
                    "depending",
                ],
            )
    })
}

/// "at least 4", "min of 4", "4 minimum", "no fewer than 4", "4 or more".
fn is_at_least(said: &Said<'_>, number: &Number) -> bool {
    const NOT: &[&str] = &["no", "not", "never"];
    let last = number.last;
    is_bound(said, number, &["min", "minimum", "least"])
        || preceded(said, number, &[NOT, &["less", "fewer", "under", "below"], &["than"]])
        || preceded(said, number, &[NOT, &["under", "below"]])
        || preceded(said, number, &[&["upwards", "upward"], &["of"]])
        || (said.is(last + 1, &["or", "and"]) && said.is(last + 2, &["more", "over", "above", "upwards"]))
}

/// Whether some words stand right before a number, "about" and the like left out.
fn preceded(said: &Said<'_>, number: &Number, words: &[&[&str]]) -> bool {
    let mut end = number.first;
    while end > 0 && said.is(end - 1, &["about", "around", "say", "maybe", "roughly", "perhaps"]) {
        end -= 1;
    }
    end >= words.len() && words.iter().enumerate().all(|(at, word)| said.is(end - words.len() + at, word))
}

/// "up to 12", "no more than 12", "max 12", "12 tops".
fn is_at_most(said: &Said<'_>, number: &Number) -> bool {
    const NOT: &[&str] = &["no", "not", "never"];
    let back = |words: &[&[&str]]| preceded(said, number, words);
    let last = number.last;
    is_bound(said, number, &["max", "maximum", "most", "tops"])
        || people_at_most(said, number)
        || back(&[&["up", "down"], &["to"]])
        || back(&[&["cap", "capped", "limit", "limited", "ceiling"], &["at", "of", "to"]])
        || back(&[NOT, &["more", "over", "above"], &["than"]])
        || back(&[NOT, &["over", "above"]])
        || (back(&[&["less", "fewer"], &["than"]]) && !back(&[NOT, &["less", "fewer"], &["than"]]))
        || (said.is(last + 1, &["or", "and"]) && said.is(last + 2, &["fewer", "less", "under", "below"]))
}

/// "9 people at most", "9 nurses max", "9 at the very most".
fn people_at_most(said: &Said<'_>, number: &Number) -> bool {
    let mut at = number.last;
    for _ in 0..4 {
        let Some(next) = said.after(at) else { return false };
        if said.is(next, &["max", "maximum", "tops"]) {
            return true;
        }
        if said.is(next, &["at"]) {
            let most = (next + 1..next + 4).find(|&at| !said.is(at, &["the", "very", "absolute"]));
            return most.is_some_and(|most| said.is(most, &["most"]));
        }
        if said.is(next, &["for", "in", "with", "on", "and", "or", "but", "over"])
            || numbers::single(said.tokens, next).is_some()
            || said.mark(next) == Some(Mark::Session)
        {
            return false;
        }
        at = said.mark_end(next);
    }
    false
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

/// A word for one person: "receptionist", not "receptionists", "nursing" or "reception".
fn is_one_person(word: &str) -> bool {
    const ENDINGS: [&str; 11] =
        ["ist", "er", "or", "ian", "nurse", "clerk", "secretary", "wife", "matron", "physio", "assistant"];
    ENDINGS.iter().any(|ending| word.ends_with(ending))
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
        .filter(|counted| said.counts(counted.number.first) && !is_too_many(said, &counted.number))
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
        let last = if said.is(at, &["oneoff"]) { at } else { at + 1 };
        if once && said.counts(at) && !said.is_refused_after(last) {
            found.retain(|(other, _)| *other != at);
            found.push((at, Some(1)));
        }
    }
    found.sort_by_key(|(at, _)| *at);
    said.one_of(found).flatten()
}

/// "weekly for six weeks" is six sessions; "one week and the other" is none.
pub(crate) fn weeks(said: &Said<'_>, numbers: &[Counted]) -> Option<u32> {
    let found = numbers
        .iter()
        .filter(|counted| counted.role == Role::Weeks && said.counts(counted.number.first))
        .filter(|counted| counted.number.low == counted.number.high && counted.number.low > 1)
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
    // "myself, my deputy and six carers"
    let one = |at: usize| {
        said.is(at, &["deputy", "colleague", "assistant", "manager"])
            && said.is(at - 1, &["my", "our", "a", "the"])
    };
    let others = usize::from(first >= 3 && and(first - 1) && one(first - 2));
    let first = first - others * 3;
    let before = (first >= 2 && and(first - 1) && me(first - 2))
        || (first >= 3 && and(first - 2) && me(first - 3))
        || (others > 0 && first >= 1 && me(first - 1));
    let after = (number.last + 1..number.last + 5).any(|at| and(at) && me(at + 1));
    let extra = u32::from(before || after) + u32::from(before && others > 0);
    Size { min: number.low + extra, max: number.high + extra }
}

/// "5 nurses and a receptionist", "two dietitians and the receptionist": one more.
fn singles(said: &Said<'_>, kept: &[(usize, Size)]) -> u32 {
    let Some((first, _)) = kept.first() else { return 0 };
    let mut count = 0;
    for at in *first..said.tokens.len() {
        let certain = said.is(at, &["the", "our", "my"]);
        if (certain || said.is(at, &["a", "an"]))
            && at > 0
            && (said.is(at - 1, &["and", "plus"]) || said.tokens[at].before == Sep::Comma)
        {
            if numbers::single(said.tokens, at).is_some() {
                continue;
            }
            let noun = (at + 1..at + 4).find(|next| matches!(said.mark(*next), Some(Mark::Role(_))));
            let one = noun.is_some_and(|noun| !certain || is_one_person(said.word(said.mark_end(noun))));
            count += u32::from(one);
        }
    }
    count
}
