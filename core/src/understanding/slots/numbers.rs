//! Numbers and ranges of numbers, in digits and in words.

use crate::understanding::text::{Sep, Token};

/// A number or a range, with its tokens from `first` to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    pub low: u32,
    pub high: u32,
    pub first: usize,
    pub last: usize,
    /// Written as a range ("8-10", "six to eight").
    pub range: bool,
    /// A range whose end is the smaller ("12-1"): hours, hardly people.
    pub falls: bool,
    /// Written in digits at least at its start.
    pub digits: bool,
}

/// All numbers of a text, ranges joined, in order.
pub(crate) fn numbers(tokens: &[Token]) -> Vec<Number> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let Some((low, end)) = single(tokens, at) else {
            at += 1;
            continue;
        };
        let digits = tokens[at].is_digits();
        let mut number = Number { low, high: low, first: at, last: end, range: false, falls: false, digits };
        if let Some(second) = second_of_range(tokens, end + 1)
            && let Some((high, end)) = single(tokens, second)
            && fits_range(tokens, at, low, high, second, end)
        {
            let (falls, range) = (high < low, true);
            number = Number {
                low: low.min(high),
                high: high.max(low),
                first: at,
                last: end,
                range,
                falls,
                digits,
            };
        }
        at = number.last + 1;
        out.push(number);
    }
    out
}

/// One number at a token, and its last token.
pub(crate) fn single(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    let token = tokens.get(at)?;
    if token.is_digits() {
        return (token.word.len() <= 6).then(|| token.word.parse().ok().map(|n| (n, at))).flatten();
    }
    let next = tokens.get(at + 1).filter(|next| next.before < Sep::Comma);
    match token.word.as_str() {
        "a" | "one" if next.is_some_and(|next| next.is(&["dozen"])) => return Some((12, at + 1)),
        "a" | "couple" if let Some(end) = dozens_in_a_couple(tokens, at) => return Some((24, end)),
        "half" if next.is_some_and(|next| next.is(&["a"])) => {
            let third = tokens.get(at + 2)?;
            return third.is(&["dozen"]).then_some((6, at + 2));
        }
        "half" if next.is_some_and(|next| next.is(&["dozen"])) => return Some((6, at + 1)),
        "two" | "three" if next.is_some_and(|next| next.is(&["dozen"])) => {
            return word_value(&token.word).map(|many| (many * 12, at + 1));
        }
        "dozen" => return Some((12, at)),
        "a" if next.is_some_and(|next| next.is(&["couple"])) => {
            let of = tokens.get(at + 2).is_some_and(|third| third.is(&["of"]));
            return Some((2, at + 1 + usize::from(of)));
        }
        "couple" => return Some((2, at)),
        "pair" if tokens.get(at + 1).is_some_and(|next| next.is(&["of"])) => return Some((2, at + 1)),
        _ => {}
    }
    let value = word_value(&token.word)?;
    if (20..100).contains(&value)
        && let Some(next) = next
        && let Some(unit) = word_value(&next.word)
        && (1..10).contains(&unit)
    {
        return Some((value + unit, at + 1));
    }
    Some((value, at))
}

/// The end of "a couple of dozen".
fn dozens_in_a_couple(tokens: &[Token], at: usize) -> Option<usize> {
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|t| t.before < Sep::Comma && t.is(&[word]));
    let couple = at + usize::from(tokens[at].is(&["a"]));
    let dozen = couple + 1 + usize::from(is(couple + 1, "of"));
    ((couple == at || is(couple, "couple")) && is(dozen, "dozen")).then_some(dozen)
}

/// Where the second number of a range would begin.
fn second_of_range(tokens: &[Token], at: usize) -> Option<usize> {
    const PERHAPS: &[&str] = &["maybe", "possibly", "perhaps", "sometimes"];
    let token = tokens.get(at)?;
    if matches!(token.before, Sep::Hyphen | Sep::Dash | Sep::Slash) && single(tokens, at).is_some() {
        return Some(at);
    }
    let next_is = |words: &[&str]| tokens.get(at + 1).is_some_and(|next| next.is(words));
    if token.before < Sep::Comma && token.is(&["to", "or", "till", "til", "until", "and"]) {
        return Some(at + 1 + usize::from(next_is(PERHAPS) || next_is(&["even"])));
    }
    // "five, possibly six", "five, or maybe six"
    if token.before <= Sep::Comma && (token.is(PERHAPS) || (token.is(&["or"]) && next_is(PERHAPS))) {
        return Some(at + 1 + usize::from(token.is(&["or"])));
    }
    if token.before < Sep::Comma && token.is(&["up", "rising", "growing"]) && next_is(&["to"]) {
        return Some(at + 2);
    }
    // "am" or "pm" may stand inside a range of times, not inside a range of numbers.
    None
}

fn fits_range(tokens: &[Token], first: usize, low: u32, high: u32, second: usize, end: usize) -> bool {
    let between = &tokens[second - 1];
    let joined_by_and = between.is(&["and"]);
    let after_between = (1..=2).any(|back| {
        first >= back && tokens[first - back].is(&["between"]) && tokens[first].before < Sep::Comma
    });
    if joined_by_and && !after_between {
        return false;
    }
    // A date: "12/03/2026".
    let slash = tokens[second].before == Sep::Slash;
    if slash && (high != low + 1 && high != low + 2) {
        return false;
    }
    let third = tokens.get(end + 1).is_some_and(|token| {
        matches!(token.before, Sep::Hyphen | Sep::Slash | Sep::Joined) && token.is_digits()
    });
    !third && low < 1000 && high < 1000
}

fn word_value(word: &str) -> Option<u32> {
    Some(match word {
        "one" => 1,
        "two" => 2,
        "three" => 3,
        "four" => 4,
        "five" => 5,
        "six" => 6,
        "seven" => 7,
        "eight" => 8,
        "nine" => 9,
        "ten" => 10,
        "eleven" => 11,
        "twelve" => 12,
        "thirteen" => 13,
        "fourteen" => 14,
        "fifteen" => 15,
        "sixteen" => 16,
        "seventeen" => 17,
        "eighteen" => 18,
        "nineteen" => 19,
        "twenty" => 20,
        "thirty" => 30,
        "forty" | "fourty" => 40,
        "fifty" => 50,
        "sixty" => 60,
        "hundred" => 100,
        _ => return None,
    })
}
