//! What a text says as a whole, as numbers: texts that say alike have numbers alike, in whatever words.
//!
//! A small network read a great many sentences once (the Universal Sentence Encoder, Lite, of Google, under
//! the Apache License 2.0; `README.md` beside this file tells what was changed, `convert.py` how). Its weights
//! are part of the program, seven megabytes of which only the pages in use are in memory. It is asked for
//! needs alone, never for safety, and only where the words of the content leave them unsure.
//!
//! [`Sentences`] holds what the sentences of the content say, so that a message can be held against them.

mod network;
mod pieces;
mod sentences;

use std::sync::LazyLock;

use network::{Layer, Matrix, Norm, attend, mean_row, tanh, to_unit};
use pieces::Pieces;
pub use sentences::PATH;
pub(super) use sentences::{FILE, Sentences, Shares, learn};

/// So many numbers tell what a text says.
const NUMBERS: usize = 128;
/// Pieces of a text that are read: some seventy words. A longer one has said by then what it is about, and each
/// piece more makes all of them dearer.
const LONGEST: usize = 96;
/// Places that there are numbers for.
const PLACES: usize = 128;
/// The width of words, and of all that follows.
const WORD: usize = 256;
const WIDTH: usize = 512;
/// The width at which it thinks over what it heard.
const WIDEST: usize = 1536;
const HEADS: usize = 4;
/// What its numbers are known by, as those of another encoder mean something else: the start of the SHA-256 of
/// the weights.
const NAME: &str = "bff351e65d2544e9";
/// What the file of the weights begins with.
const MARK: &[u8] = b"chatbox encoder 1\n";

static WEIGHTS: &[u8] = include_bytes!("weights.bin");
static ENCODER: LazyLock<Option<Encoder>> = LazyLock::new(|| Encoder::read(WEIGHTS));

/// The network with its weights.
#[derive(Debug)]
struct Encoder {
    pieces: Pieces,
    words: Matrix,
    /// What is added for the place of a piece in the text.
    places: Vec<f32>,
    first: Block,
    /// Brings what the first block began with to its width.
    wider: Layer,
    second: Block,
    whole: Layer,
    /// From what it says in full to what sentences mostly vary in.
    shorter: Matrix,
}

/// One round of hearing the other pieces, and of thinking it over.
#[derive(Debug)]
struct Block {
    norm: Norm,
    norm_again: Norm,
    attend: Layer,
    attended: Layer,
    widen: Layer,
    narrow: Layer,
}

/// What a text says: a vector of length 1. `None` for a text without words.
pub(super) fn encode(text: &str) -> Option<[f32; NUMBERS]> {
    let encoder = ENCODER.as_ref()?;
    let pieces = encoder.pieces.of(text.trim(), LONGEST);
    if text.trim().is_empty() {
        return None;
    }
    let mut rows = Vec::with_capacity(pieces.len() * WORD);
    for (piece, places) in pieces.iter().zip(encoder.places.chunks_exact(WORD)) {
        let word = encoder.words.row(usize::try_from(*piece).ok()?);
        rows.extend(word.zip(places).map(|(word, place)| 2.0 * word + place));
    }
    let wide = encoder.wider.through(&rows);
    let rows = encoder.first.through(&rows, wide);
    let rows = encoder.second.through(&rows, rows.clone());
    let mut whole = encoder.whole.through(&mean_row(&rows, WIDTH));
    for value in &mut whole {
        *value = tanh(*value);
    }
    to_unit(&mut whole);
    let mut said = [0.0; NUMBERS];
    for (row, value) in whole.iter().enumerate() {
        said.iter_mut().zip(encoder.shorter.row(row)).for_each(|(said, weight)| *said += value * weight);
    }
    to_unit(&mut said);
    Some(said)
}

impl Block {
    /// `kept` is what the result is added to.
    fn through(&self, rows: &[f32], mut kept: Vec<f32>) -> Vec<f32> {
        let asked = self.attend.through(&self.norm.of(rows));
        let told = attend(&asked, self.norm.scale.len(), HEADS);
        add(&mut kept, &self.attended.through(&told));
        let mut thought = self.widen.through(&self.norm_again.of(&kept));
        for value in &mut thought {
            *value = value.max(0.0);
        }
        add(&mut kept, &self.narrow.through(&thought));
        kept
    }
}

fn add(to: &mut [f32], what: &[f32]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += what);
}

impl Encoder {
    fn read(file: &'static [u8]) -> Option<Self> {
        let mut file = Reader(file.strip_prefix(MARK)?);
        let mut pieces = Pieces::default();
        let count = u32::from_le_bytes(*file.take(4)?.first_chunk()?);
        for number in 0..count {
            let likely = *file.numbers(1)?.first()?;
            let length = usize::from(*file.take(1)?.first()?);
            let piece = std::str::from_utf8(file.take(length)?).ok()?;
            if !piece.is_empty() {
                pieces.add(piece, number, likely);
            }
        }
        Some(Self {
            pieces,
            words: file.matrix(usize::try_from(count).ok()?, WORD)?,
            places: file.numbers(PLACES * WORD)?,
            first: file.block(WORD)?,
            wider: file.layer(WORD, WIDTH)?,
            second: file.block(WIDTH)?,
            whole: file.layer(WIDTH, WIDTH)?,
            shorter: file.matrix(WIDTH, NUMBERS)?,
        })
    }
}

/// What is left of the file.
struct Reader(&'static [u8]);

impl Reader {
    fn take(&mut self, bytes: usize) -> Option<&'static [u8]> {
        let (taken, left) = self.0.split_at_checked(bytes)?;
        self.0 = left;
        Some(taken)
    }

    fn numbers(&mut self, count: usize) -> Option<Vec<f32>> {
        let bytes = self.take(count * 4)?.as_chunks::<4>().0;
        Some(bytes.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    fn matrix(&mut self, rows: usize, columns: usize) -> Option<Matrix> {
        Some(Matrix { factors: self.numbers(rows)?, values: self.take(rows * columns)?, columns })
    }

    fn layer(&mut self, rows: usize, columns: usize) -> Option<Layer> {
        Some(Layer { matrix: self.matrix(rows, columns)?, bias: self.numbers(columns)? })
    }

    fn norm(&mut self, width: usize) -> Option<Norm> {
        Some(Norm { scale: self.numbers(width)?, bias: self.numbers(width)? })
    }

    fn block(&mut self, width: usize) -> Option<Block> {
        Some(Block {
            norm: self.norm(width)?,
            norm_again: self.norm(WIDTH)?,
            attend: self.layer(width, 3 * width)?,
            attended: self.layer(width, WIDTH)?,
            widen: self.layer(WIDTH, WIDEST)?,
            narrow: self.layer(WIDEST, WIDTH)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{network::dot, *};

    #[test]
    fn the_weights_are_whole_and_nothing_is_left_over() {
        let encoder = ENCODER.as_ref().unwrap();
        let held = encoder.shorter.values.as_ptr_range().end;
        assert_eq!(held, WEIGHTS.as_ptr_range().end);
    }

    #[test]
    fn numbers_bear_the_name_of_the_weights_that_gave_them() {
        assert_eq!(&sentences::start_of_digest(WEIGHTS), NAME, "run `chatbox learn` once it is changed here");
    }

    /// What the network says in 32 bits, as first published, in the same directions.
    #[test]
    fn a_text_has_the_numbers_that_the_network_gives_it_in_full() {
        for (text, full) in [
            (
                "I can't sleep after nights, and my mum is dying.",
                [0.721, 0.078, 0.211, -0.149, -0.236, -0.185],
            ),
            ("skint 🦀 again… ﬁve bills, naïve me", [0.406, 0.227, -0.168, -0.080, 0.130, -0.137]),
        ] {
            for (said, full) in encode(text).unwrap().into_iter().zip(full) {
                assert!((said - full).abs() < 0.02, "{said} for {full}");
            }
        }
    }

    #[test]
    fn texts_that_say_alike_are_alike_in_whatever_words() {
        let like = |a, b| dot(&encode(a).unwrap(), &encode(b).unwrap());
        let said = "my rent has gone up and I can't pay it";
        let alike = like(said, "short of money for the flat this month");
        assert!(alike > like(said, "the new matron shouts at everybody") + 0.2, "{alike}");
        assert!((like(said, said) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn any_text_is_read_and_none_without_words() {
        assert_eq!(encode("  \n "), None);
        for text in ["?", "\u{2581}", "日本語で書く", "a".repeat(5000).as_str(), "e\u{301}\u{0}🦀"] {
            let said = encode(text).unwrap();
            assert!(said.iter().all(|value| value.is_finite()), "{text:.20}");
        }
    }
}
