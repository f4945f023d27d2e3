//! What of a piece of text is weighed: words, neighbours, and parts of words.

use std::{hash::Hasher, ops::Range};

use crate::safety::normalise::Word;

/// Lengths of the parts of words, with a space for the word's edge.
const PARTS: std::ops::RangeInclusive<usize> = 4..=5;

/// Stand for the beginning and the end of a piece.
const EDGES: [&str; 2] = ["^", "$"];

/// Stands for any figure.
const FIGURE: &str = "#";

/// Calls `found` with each feature of `words`, in parts that make its name when put together, and
/// the places of the words it stands in; a feature comes as often as it stands there.
pub(super) fn each(words: &[Word], mut found: impl FnMut(Range<usize>, &[&str])) {
    let words: Vec<&str> = words.iter().map(|word| plain(&word.text)).collect();
    let count = words.len();
    // With an edge before and after: place 0 is the beginning, place 1 the first word.
    let at = |place: usize| match place {
        0 => EDGES[0],
        place => words.get(place - 1).copied().unwrap_or(EDGES[1]),
    };
    // The words at these places; the edges stand in none.
    let range = |from: usize, to: usize| from.saturating_sub(1)..to.saturating_sub(1).min(count);
    let end = count + 2;
    for place in 0..end {
        found(range(place, place + 1), &[at(place)]);
        if place + 1 < end {
            found(range(place, place + 2), &[at(place), " ", at(place + 1)]);
        }
        if place + 2 < end {
            found(range(place, place + 3), &[at(place), " ", at(place + 1), " ", at(place + 2)]);
            found(range(place, place + 3), &[at(place), " _ ", at(place + 2)]);
        }
    }
    let mut padded = String::new();
    let mut starts = vec![];
    for (place, word) in words.iter().enumerate() {
        padded.clear();
        padded.extend([" ", word, " "]);
        starts.clear();
        starts.extend(padded.char_indices().map(|(at, _)| at).chain([padded.len()]));
        for length in PARTS {
            for ends in starts.windows(length + 1) {
                found(place..place + 1, &["~", &padded[ends[0]..ends[length]]]);
            }
        }
    }
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
