//! What of a piece of text is weighed: words, neighbours, marks, the classes of words in their place, and
//! parts of words.

use std::{hash::Hasher, ops::Range};

use super::Piece;
use super::classes::{self, Width};

/// Letters in a part of a word, with a space for the word's edge.
const PART: usize = 5;

/// Stands for the beginning of a piece.
const BEGINNING: &str = "^";

/// Stands for its end, and for the end of a question.
const END: &str = "$";
const QUESTION: &str = "?";

/// Stands for a mark between two words.
const MARK: &str = ",";

/// Stands for any figure.
const FIGURE: &str = "#";

/// Calls `found` with each feature of `piece`, in parts that make its name when put together, and
/// the places of the words it stands in; a feature comes as often as it stands there.
pub(super) fn each(piece: Piece<'_>, mut found: impl FnMut(Range<usize>, &[&str])) {
    let tokens = tokens(piece);
    neighbours(&tokens, |_| true, &mut found);
    for width in [Width::Narrow, Width::Wide] {
        let classes: Vec<Option<&str>> = tokens.iter().map(|token| classes::of(token.text, width)).collect();
        let seen: Vec<Token<'_>> = tokens
            .iter()
            .zip(&classes)
            .map(|(token, class)| Token { text: class.unwrap_or(token.text), words: token.words.clone() })
            .collect();
        neighbours(&seen, |at| classes[at].is_some(), &mut found);
    }
    let mut padded = String::new();
    let mut starts = vec![];
    for (place, word) in piece.words.iter().enumerate() {
        padded.clear();
        padded.extend([" ", plain(&word.text), " "]);
        starts.clear();
        starts.extend(padded.char_indices().map(|(at, _)| at).chain([padded.len()]));
        for ends in starts.windows(PART + 1) {
            found(place..place + 1, &["~", &padded[ends[0]..ends[PART]]]);
        }
    }
}

/// Each token, and with the next, and with the one after the next, where one of them is `new`.
fn neighbours(
    tokens: &[Token<'_>],
    new: impl Fn(usize) -> bool,
    found: &mut impl FnMut(Range<usize>, &[&str]),
) {
    for (at, token) in tokens.iter().enumerate() {
        if new(at) {
            found(token.words.clone(), &[token.text]);
        }
        for (further, between) in [(at + 1, " "), (at + 2, " _ ")] {
            if let Some(other) = tokens.get(further)
                && (new(at) || new(further))
            {
                found(token.words.start..other.words.end, &[token.text, between, other.text]);
            }
        }
    }
}

/// A word, a mark or an edge of a piece.
struct Token<'a> {
    text: &'a str,
    /// The place of the word; marks and edges stand in none.
    words: Range<usize>,
}

fn tokens(piece: Piece<'_>) -> Vec<Token<'_>> {
    let Piece { words, question } = piece;
    let mut tokens = Vec::with_capacity(words.len() + 2);
    tokens.push(Token { text: BEGINNING, words: 0..0 });
    for (place, word) in words.iter().enumerate() {
        if word.after_mark && place > 0 {
            tokens.push(Token { text: MARK, words: place..place });
        }
        tokens.push(Token { text: plain(&word.text), words: place..place + 1 });
    }
    let end = if question { QUESTION } else { END };
    tokens.push(Token { text: end, words: words.len()..words.len() });
    tokens
}

fn plain(word: &str) -> &str {
    if word.bytes().all(|byte| byte.is_ascii_digit()) { FIGURE } else { word }
}

/// FNV-1a, 64 bits, of the name that the parts make: the same everywhere.
pub(super) fn hash(parts: &[&str]) -> u64 {
    parts
        .iter()
        .flat_map(|part| part.bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// For maps whose keys are such hashes already.
#[derive(Debug, Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
