//! What of a sentence is weighed: words, neighbours, and parts of words.

use std::ops::Range;

use crate::safety::normalise::Sentence;

/// Lengths of the parts of words, with a space for the word's edge.
const PARTS: std::ops::RangeInclusive<usize> = 4..=5;

/// Stands for the beginning and the end of a sentence.
const EDGES: [&str; 2] = ["^", "$"];

/// Stands for any figure.
const FIGURE: &str = "#";

/// Words of one sentence that are weighed.
const MOST_WORDS: usize = 200;

/// Calls `found` with each feature of `sentence` and the words it stands in; a feature comes as
/// often as it stands there.
pub(super) fn each(sentence: &Sentence, mut found: impl FnMut(Range<usize>, &str)) {
    let words: Vec<&str> = sentence.words.iter().take(MOST_WORDS).map(|word| plain(&word.text)).collect();
    let count = words.len();
    let at = |place: usize| match place {
        0 => EDGES[0],
        place => words.get(place - 1).copied().unwrap_or(EDGES[1]),
    };
    let range = |from: usize, to: usize| from.saturating_sub(1)..to.saturating_sub(1).min(count);
    let mut feature = String::new();
    for place in 0..count + 2 {
        let mut name = |parts: &[&str]| {
            feature.clear();
            for part in parts {
                feature.push_str(part);
            }
            let to = place + parts.len().div_ceil(2);
            found(range(place, to), &feature);
        };
        name(&[at(place)]);
        if place + 1 < count + 2 {
            name(&[at(place), " ", at(place + 1)]);
        }
        if place + 2 < count + 2 {
            name(&[at(place), " ", at(place + 1), " ", at(place + 2)]);
            name(&[at(place), " _ ", "", "", at(place + 2)]);
        }
    }
    for (place, word) in words.iter().enumerate() {
        let letters: Vec<char> = std::iter::once(' ').chain(word.chars()).chain([' ']).collect();
        for length in PARTS {
            for part in letters.windows(length) {
                feature.clear();
                feature.push('~');
                feature.extend(part);
                found(place..place + 1, &feature);
            }
        }
    }
}

fn plain(word: &str) -> &str {
    if word.bytes().all(|byte| byte.is_ascii_digit()) { FIGURE } else { word }
}

/// FNV-1a, 64 bits: the same everywhere.
pub(super) fn hash(feature: &str) -> u64 {
    feature
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
