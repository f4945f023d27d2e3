//! Words that were typed badly, as they were meant: "i ned a groop", "speek to sumone".
//!
//! Only what is no English word is mended, and only into a word of the intents. A name is none: whoever asks
//! for one does not ask here.
//!
//! `safety` mends by ear too, and shares the ear (`by_ear`) but not the shape: it takes one word at a time, before
//! any rule is heard, and would rather mend too much; here all of a text is mended at once, only where nothing was
//! understood, a word that is one already is mended only into what sounds the same, and vowels may be missing.

use rustc_hash::FxHashSet;

use super::text;
use crate::safety::{by_ear, is_english, is_inflected};

/// Words as long as this are mended; shorter than the second only into what sounds the same.
const SHORTEST: usize = 3;
const ONE_SLIP: usize = 4;
/// As long as this in sound two slips are forgiven.
const TWO_SLIPS: usize = 9;

const VOWELS: [char; 6] = ['a', 'e', 'i', 'o', 'u', 'y'];

/// The words that may be meant, each as it sounds.
#[derive(Debug, Default)]
pub(super) struct Mend {
    words: FxHashSet<String>,
    by_sound: Vec<(String, String)>,
}

impl Mend {
    pub(super) fn new<'w>(phrases: impl Iterator<Item = &'w str>) -> Self {
        let mut words = FxHashSet::default();
        for phrase in phrases {
            let plain = phrase.split(|c: char| !c.is_ascii_lowercase() && !matches!(c, '*' | '\''));
            words.extend(plain.filter(|word| !word.contains(['*', '\''])).map(str::to_owned));
        }
        let long = |word: &&String| word.len() >= ONE_SLIP;
        let mut by_sound: Vec<_> =
            words.iter().filter(long).map(|word| (by_ear(word), word.clone())).collect();
        by_sound.sort_unstable();
        Self { words, by_sound }
    }

    /// The text with what was meant in it; `None` where nothing was to be mended.
    pub(super) fn mend(&self, text: &str) -> Option<String> {
        let mut mended = false;
        let words: Vec<String> = text
            .split_whitespace()
            .enumerate()
            .map(|(nth, word)| {
                // A telephone begins a message with a capital letter by itself.
                let lower = if nth == 0 { word.to_lowercase() } else { word.to_owned() };
                let bare = lower.trim_matches(|c: char| c.is_ascii_punctuation());
                match self.meant(bare) {
                    Some(meant) => {
                        mended = true;
                        lower.replacen(bare, meant, 1)
                    }
                    None => word.to_owned(),
                }
            })
            .collect();
        mended.then(|| words.join(" "))
    }

    fn meant(&self, word: &str) -> Option<&str> {
        let may_be_slip = word.len() >= SHORTEST
            && word.bytes().all(|byte| byte.is_ascii_lowercase())
            && !self.words.contains(word)
            && !is_short_form(word);
        if !may_be_slip {
            return None;
        }
        // What sounds as a word of a wish is one, even where it is a word by itself: "ned".
        let is_word = is_english(word) || is_inflected(word);
        let heard = by_ear(word);
        let slips_of = |(sound, meant): &'_ (String, String)| {
            // "tlk", "hlp": the vowels are left to the reader.
            if !word.contains(VOWELS) && sound.replace(VOWELS, "") == heard {
                return Some((0, strsim::osa_distance(meant, word), false));
            }
            let most = match (word.len(), sound.len().min(heard.len())) {
                _ if is_word => 0,
                (_, length) if length >= TWO_SLIPS => 2,
                (letters, length) if letters >= ONE_SLIP && length >= ONE_SLIP => 1,
                _ => 0,
            };
            let near = sound.as_bytes().first() == heard.as_bytes().first()
                && sound.len().abs_diff(heard.len()) <= most;
            let slips = if near { strsim::osa_distance(sound, &heard) } else { usize::MAX };
            // Of several that sound alike it is the one that is spelled most like it.
            (slips <= most)
                .then(|| (slips, strsim::osa_distance(meant, word), letters(meant) != letters(word)))
        };
        let near = self.by_sound.iter().filter_map(|word| Some((slips_of(word)?, word)));
        near.min_by_key(|(far, _)| *far).map(|(_, (_, meant))| meant.as_str())
    }
}

/// The letters of a word, in the order of the alphabet: of "hepl" and "help" they are the same.
fn letters(word: &str) -> Vec<char> {
    let mut letters: Vec<char> = word.chars().collect();
    letters.sort_unstable();
    letters
}

/// "sumone", which is written out when it is read.
fn is_short_form(word: &str) -> bool {
    !matches!(text::tokens(word).as_slice(), [token] if token.word == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_word_is_read_as_the_word_that_it_sounds_like() {
        let phrases = [
            "(i)? need a group",
            "(talk|speak) to someone",
            "space",
            "hell",
            "help",
            "cancel",
            "menu",
            "counsel*",
            "can you ring",
        ];
        let mend = Mend::new(phrases.into_iter());
        for (typed, meant) in [
            ("i ned a groop", Some("i need a group")),
            ("Speek to sumone", Some("speak to sumone")),
            ("canel!", Some("cancel!")),
            ("hepl", Some("help")),
            ("tlk to someone", Some("talk to someone")),
            ("tolk to someone", Some("talk to someone")),
            // Names, places and words that stand as they are.
            ("ask Mena", None),
            ("barnet", None),
            ("the grove", None),
            ("a needle", None),
            ("ring", None),
        ] {
            assert_eq!(mend.mend(typed).as_deref(), meant, "{typed}");
        }
    }
}
