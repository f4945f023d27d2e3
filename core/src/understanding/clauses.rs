//! Where one thought of a message ends and the next begins.

use super::text::{Sep, Token};

/// Words that join one thought to another.
const JOINERS: &[&str] = &["and", "plus", "also", "but", "then"];

/// For each token the number of its clause, from 0 on: a new one begins after a mark and at a joining word.
pub(super) fn numbers(tokens: &[Token]) -> Vec<usize> {
    let mut clause = 0;
    let number = |(at, token): (usize, &Token)| {
        let marked = match token.before {
            Sep::Sentence | Sep::Comma | Sep::Dash => true,
            Sep::Joined | Sep::Dot | Sep::Colon | Sep::Slash | Sep::Hyphen | Sep::Space => false,
        };
        if at > 0 && (marked || token.is(JOINERS)) {
            clause += 1;
        }
        clause
    };
    tokens.iter().enumerate().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::understanding::text;

    #[test]
    fn a_mark_or_a_joining_word_begins_a_clause() {
        let clauses = |text: &str| numbers(&text::tokens(text));
        assert_eq!(clauses("can't sleep and skint"), [0, 0, 1, 1]);
        assert_eq!(clauses("skint. Sad, too - off sick plus lonely"), [0, 1, 2, 3, 3, 4, 4]);
        assert_eq!(clauses("and a night-shift"), [0, 0, 0, 0]);
        assert_eq!(clauses(""), [0; 0]);
    }
}
