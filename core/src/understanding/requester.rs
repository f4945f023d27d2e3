//! Who asks: name and role, out of a short introduction.

use super::{
    slots::{Mark, Words},
    text::{Sep, Token, words_of},
};

/// Longer runs of capital words are no name.
const LONGEST_NAME: usize = 4;

/// What an introduction says. Either may be missing; neither is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requester {
    /// As written: "Sam Okafor".
    pub name: Option<String>,
    /// As written: "ward manager".
    pub role: Option<String>,
}

pub(super) fn read(words: &Words, text: &str, tokens: &[Token]) -> Requester {
    let role = words
        .marks(tokens)
        .into_iter()
        .find_map(|(mark, first, last)| matches!(mark, Mark::Role(_)).then_some((first, last)));
    let name = name(tokens, role.map(|(first, _)| first));
    Requester {
        name: name.map(|(first, last)| words_of(text, tokens, first, last).to_owned()),
        role: role.map(|(first, last)| {
            let (first, last) = widen(tokens, first, last, name);
            words_of(text, tokens, first, last).to_owned()
        }),
    }
}

/// The tokens of the name: after "I'm" or "my name is", or what stands first.
fn name(tokens: &[Token], role: Option<usize>) -> Option<(usize, usize)> {
    let after = (0..tokens.len()).find_map(|at| {
        let next = |far: usize, words: &[&str]| tokens.get(at + far).is_some_and(|token| token.is(words));
        match tokens[at].word.as_str() {
            "i" | "name" | "this" if next(1, &["am", "is"]) => Some(at + 2),
            "names" | "its" => Some(at + 1),
            _ => None,
        }
    });
    let introduced = after.is_some();
    let mut start = after.unwrap_or(0);
    while tokens.get(start).is_some_and(|token| token.is(&["hi", "hello", "hey", "yes", "it", "is", "me"])) {
        start += 1;
    }
    let limit = role.unwrap_or(tokens.len()).min(start + LONGEST_NAME);
    let mut end = start;
    while end < limit
        && let Some(token) = tokens.get(end)
        && (end == start || token.before < Sep::Comma)
        && !token.is_digits()
        && !token.is(&["a", "an", "the", "and", "from", "on", "in", "at", "one", "of", "your", "with"])
        && (token.capital || introduced && end == start || !introduced && tokens.len() <= LONGEST_NAME)
    {
        end += 1;
    }
    (end > start && (introduced || tokens[start].capital || tokens.len() <= LONGEST_NAME))
        .then(|| (start, end - 1))
}

/// "senior" and "deputy" belong to the role that follows.
fn widen(tokens: &[Token], first: usize, last: usize, name: Option<(usize, usize)>) -> (usize, usize) {
    const WITH: &[&str] = &[
        "senior",
        "deputy",
        "junior",
        "lead",
        "specialist",
        "community",
        "clinical",
        "charge",
        "student",
        "trainee",
        "assistant",
        "head",
        "acting",
        "interim",
    ];
    let mut first = first;
    while first > 0
        && tokens[first].before < Sep::Comma
        && tokens[first - 1].is(WITH)
        && name.is_none_or(|(_, end)| end < first - 1)
    {
        first -= 1;
    }
    (first, last)
}
