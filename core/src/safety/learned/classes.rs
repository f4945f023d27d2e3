//! Classes of like words, so that what is learned of one word counts for others like it.
//!
//! `classes.txt` says how they were made. They are part of the program and not of the content, as the
//! weights are worth nothing with other classes.

use std::{collections::HashMap, hash::BuildHasherDefault, sync::LazyLock};

use super::features::Hashed;

/// How wide the classes are: some 27,000 words in 1,000 narrow ones, and these in 250 wide ones.
#[derive(Debug, Clone, Copy)]
pub(super) enum Width {
    Narrow,
    Wide,
}

/// The name of the class of `word`, which no word can have; `None` for a word in none.
pub(super) fn of(word: &str, width: Width) -> Option<&'static str> {
    let (narrow, wide) = *CLASSES.by_word.get(word)?;
    let name = match width {
        Width::Narrow => CLASSES.narrow.get(usize::from(narrow)),
        Width::Wide => CLASSES.wide.get(usize::from(wide)),
    };
    name.map(String::as_str)
}

/// Whether `word` is one of the words in classes; the 120 commonest are not.
pub(crate) fn has(word: &str) -> bool {
    CLASSES.by_word.contains_key(word)
}

struct Classes {
    /// Numbers of the narrow class and the wide one.
    by_word: HashMap<&'static str, (u16, u16), BuildHasherDefault<Hashed>>,
    /// Their names by number.
    narrow: Vec<String>,
    wide: Vec<String>,
}

static CLASSES: LazyLock<Classes> = LazyLock::new(|| read(include_str!("classes.txt")));

fn read(text: &'static str) -> Classes {
    let mut by_word = HashMap::default();
    let (mut narrow, mut wide) = (0, 0);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line.is_empty() {
            wide += 1;
            continue;
        }
        by_word.extend(line.split(' ').map(|word| (word, (narrow, wide))));
        narrow += 1;
    }
    by_word.shrink_to_fit();
    let narrow = (0..narrow).map(|number| format!("={number}")).collect();
    let wide = (0..=wide).map(|number| format!("=={number}")).collect();
    Classes { by_word, narrow, wide }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn like_words_share_a_class_and_others_do_not() {
        for width in [Width::Narrow, Width::Wide] {
            assert_eq!(of("hugged", width), of("hugging", width));
            assert_ne!(of("hugged", width), of("paracetamol", width));
            assert!(of("hugged", width).is_some());
            assert_eq!(of("the", width), None, "a common word stands for itself");
        }
    }

    #[test]
    fn each_word_has_one_class_in_plain_letters() {
        let text = include_str!("classes.txt");
        let words = text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace);
        let mut seen = BTreeSet::new();
        for word in words {
            assert!(word.bytes().all(|byte| byte.is_ascii_lowercase()), "{word}");
            assert!(seen.insert(word), "{word} stands twice");
        }
        assert_eq!(seen.len(), CLASSES.by_word.len());
    }
}
