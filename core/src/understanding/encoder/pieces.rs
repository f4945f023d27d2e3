//! A text in pieces: the longest likely parts of words that the encoder knows.

use rustc_hash::FxHashMap;
use unicode_normalization::UnicodeNormalization as _;

/// What stands for a space, and before the first word.
const SPACE: char = '\u{2581}';
/// What no piece covers.
const UNKNOWN: u32 = 0;

/// The pieces that are known, each with its number and how likely it is (a logarithm).
#[derive(Debug, Default)]
pub(super) struct Pieces {
    known: FxHashMap<&'static str, (u32, f32)>,
    /// Bytes of the longest one.
    longest: usize,
}

impl Pieces {
    pub(super) fn add(&mut self, piece: &'static str, number: u32, likely: f32) {
        self.longest = self.longest.max(piece.len());
        self.known.insert(piece, (number, likely));
    }

    /// The numbers of the likeliest pieces that make up the text, at most `most`.
    pub(super) fn of(&self, text: &str, most: usize) -> Vec<u32> {
        let spaced: String =
            std::iter::once(SPACE).chain(text.nfkc().map(|c| if c == ' ' { SPACE } else { c })).collect();
        let starts: Vec<usize> = spaced.char_indices().map(|(at, _)| at).collect();
        // By byte: how likely the best pieces up to here are, where the last of them starts, and its number.
        let mut best: Vec<Option<(f32, usize, u32)>> = vec![None; spaced.len() + 1];
        best[0] = Some((0.0, 0, UNKNOWN));
        for (nth, &start) in starts.iter().enumerate() {
            let Some((so_far, ..)) = best[start] else { continue };
            for (after, &end) in starts[nth + 1..].iter().chain([&spaced.len()]).enumerate() {
                if end - start > self.longest && after > 0 {
                    break;
                }
                let (number, likely) = match self.known.get(&spaced[start..end]) {
                    Some(&(number, likely)) => (number, likely),
                    None if after == 0 && best[end].is_none() => (UNKNOWN, 0.0),
                    None => continue,
                };
                let better = best[end].is_none_or(|(other, _, known)| {
                    number != UNKNOWN && (known == UNKNOWN || so_far + likely > other)
                });
                if better {
                    best[end] = Some((so_far + likely, start, number));
                }
            }
        }
        let mut numbers = Vec::new();
        let mut end = spaced.len();
        while let Some((_, start, number)) = best[end].filter(|_| end > 0) {
            numbers.push(number);
            end = start;
        }
        numbers.reverse();
        numbers.dedup_by(|a, b| *a == UNKNOWN && *b == UNKNOWN);
        numbers.truncate(most);
        numbers
    }
}
