//! Tells at one look that a template cannot match in a window, because what it cannot do without is not there.
//!
//! Nothing is decided here that matching would not find out: most templates are passed over sooner, and that is
//! all. What a template cannot do without is looked for in two steps. First the one part of it that is said
//! least ([`Rare`]), as that is most likely not there; then all of it, wherever it stands.

use std::collections::BTreeSet;

use super::{Firsts, Node, number};

/// What each template cannot do without, ready to be looked for.
#[derive(Debug, Default)]
pub(super) struct Prefilter {
    /// By template: of what it cannot do without, what is said least.
    rarest: Vec<Rare>,
    /// By word: the choices in `rarest` that it is one of.
    choices_of_word: Vec<Vec<u32>>,
    choices: usize,
    lists: usize,
}

impl Prefilter {
    /// `words` says of each word how often it is said.
    pub(super) fn new(templates: &[Node], firsts: &Firsts, words: Vec<usize>) -> Self {
        let of_list = |list: &BTreeSet<u32>| list.iter().map(|word| words[*word as usize]).sum();
        let often = Often { lists: firsts.lists.iter().map(of_list).collect(), words };
        let mut choices_of_word = vec![vec![]; often.words.len()];
        let mut choices = 0;
        let mut rarest = Vec::with_capacity(templates.len());
        for template in templates {
            rarest.push(match often.rarest(template) {
                Some((_, Node::Word(word))) => Rare::Word(*word),
                Some((_, Node::List(list))) => Rare::List(*list),
                Some((_, either)) => {
                    let choice = number(choices);
                    choices += 1;
                    for word in firsts.of(either) {
                        choices_of_word[word as usize].push(choice);
                    }
                    Rare::Choice(choice)
                }
                None => Rare::Anything,
            });
        }
        Self { rarest, choices_of_word, choices, lists: often.lists.len() }
    }
}

/// What is in a window: its words, the lists that may begin with one of them, and the choices that hold one.
pub(super) struct Present<'a> {
    prefilter: &'a Prefilter,
    words: Bits,
    lists: Bits,
    choices: Bits,
    /// By template.
    fits: Vec<Fit>,
}

#[derive(Clone, Copy)]
enum Fit {
    Untried,
    Possible,
    Impossible,
}

impl<'a> Present<'a> {
    pub(super) fn nothing(prefilter: &'a Prefilter) -> Self {
        Self {
            prefilter,
            words: Bits::new(prefilter.choices_of_word.len()),
            lists: Bits::new(prefilter.lists),
            choices: Bits::new(prefilter.choices),
            fits: vec![Fit::Untried; prefilter.rarest.len()],
        }
    }

    /// Puts in a word, and the lists that may begin with it. All words are put in before a template is asked for.
    pub(super) fn put(&mut self, word: u32, lists: impl Iterator<Item = u32>) {
        if self.words.put(word) {
            return;
        }
        for list in lists {
            self.lists.put(list);
        }
        for choice in &self.prefilter.choices_of_word[word as usize] {
            self.choices.put(*choice);
        }
    }

    /// Whether the template `node` of this number may match: false if something that it cannot do without is
    /// not there.
    #[inline]
    pub(super) fn allows(&mut self, template: u32, node: &Node) -> bool {
        match self.fits[template as usize] {
            Fit::Untried => {
                let possible =
                    self.has_rare(self.prefilter.rarest[template as usize]) && self.has_all_of(node);
                self.fits[template as usize] = if possible { Fit::Possible } else { Fit::Impossible };
                possible
            }
            Fit::Possible => true,
            Fit::Impossible => false,
        }
    }

    fn has_rare(&self, rare: Rare) -> bool {
        match rare {
            Rare::Word(word) => self.words.has(word),
            Rare::List(list) => self.lists.has(list),
            Rare::Choice(choice) => self.choices.has(choice),
            Rare::Anything => true,
        }
    }

    fn has_all_of(&self, node: &Node) -> bool {
        match node {
            Node::Word(word) => self.words.has(*word),
            Node::List(list) => self.lists.has(*list),
            Node::Sequence(items) => items.iter().all(|item| self.has_all_of(item)),
            Node::Either(words, longer) => {
                words.iter().any(|word| self.words.has(*word))
                    || longer.iter().any(|item| self.has_all_of(item))
            }
            Node::Number | Node::Optional(_) | Node::Gap(_) | Node::ClauseStart | Node::ClauseEnd => true,
        }
    }
}

/// What has to be in a window for a template to match there.
#[derive(Debug, Clone, Copy)]
enum Rare {
    Word(u32),
    List(u32),
    /// One of several words, by the number of the choice.
    Choice(u32),
    /// Nothing certain.
    Anything,
}

/// How often words, and those that lists begin with, are said.
struct Often {
    words: Vec<usize>,
    lists: Vec<usize>,
}

impl Often {
    /// What is said least of what a node cannot do without, and how often.
    fn rarest<'n>(&self, node: &'n Node) -> Option<(usize, &'n Node)> {
        match node {
            Node::Sequence(items) => {
                items.iter().filter_map(|item| self.rarest(item)).min_by_key(|(often, _)| *often)
            }
            Node::Word(_) | Node::List(_) | Node::Either(..) => Some((self.of(node)?, node)),
            Node::Number | Node::Optional(_) | Node::Gap(_) | Node::ClauseStart | Node::ClauseEnd => None,
        }
    }

    /// How often something is said that a node begins with; none if it may match without a word.
    fn of(&self, node: &Node) -> Option<usize> {
        match node {
            Node::Word(word) => Some(self.words[*word as usize]),
            Node::List(list) => Some(self.lists[*list as usize]),
            Node::Sequence(items) => items.first().and_then(|first| self.of(first)),
            Node::Either(words, longer) => {
                let words: usize = words.iter().map(|word| self.words[*word as usize]).sum();
                longer.iter().map(|item| self.of(item)).sum::<Option<usize>>().map(|longer| words + longer)
            }
            Node::Number | Node::Optional(_) | Node::Gap(_) | Node::ClauseStart | Node::ClauseEnd => None,
        }
    }
}

struct Bits(Vec<u64>);

impl Bits {
    fn new(size: usize) -> Self {
        Self(vec![0; size / 64 + 1])
    }

    /// Puts `bit` in; true when it was there already.
    fn put(&mut self, bit: u32) -> bool {
        let (slot, mask) = (bit as usize / 64, 1 << (bit % 64));
        let was = self.0[slot] & mask != 0;
        self.0[slot] |= mask;
        was
    }

    fn has(&self, bit: u32) -> bool {
        self.0[bit as usize / 64] & (1 << (bit % 64)) != 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};
    use rustc_hash::FxHashMap;

    use super::{Node, Rare};
    use crate::safety::grammar::{Grammar, Span};
    use crate::safety::template::{self, Vocabulary};
    use crate::safety::{Sentence, Word};

    const PARTS: &[&str] = &[
        "a",
        "b",
        "c",
        "and",
        "7",
        "<number>",
        "{few}",
        "..",
        "^",
        "$",
        "a?",
        "{few}?",
        "(a|b)",
        "(b c|{few}|and)",
        "(a|<number>)",
        "(c|a .. b)",
        "(a b)?",
        "(b|c)?",
        "(a? c|b)",
        "(^|a)",
    ];
    const SAID: &[&str] = &["a", "b", "c", "d", "e", "and", "7", "12", "word"];

    proptest! {
        #[test]
        fn what_is_passed_over_for_its_rarest_word_would_not_have_matched(
            templates in vec(vec(select(PARTS), 1..6), 1..8),
            said in vec((select(SAID), prop::bool::ANY), 0..14),
        ) {
            let mut words = Vocabulary::default();
            let mut read = |written: &str, lists: &FxHashMap<String, u32>| {
                template::read(written, &mut words, lists).ok()
            };
            let few: Vec<Node> =
                ["b", "d e", "7"].iter().filter_map(|entry| read(entry, &FxHashMap::default())).collect();
            let lists = FxHashMap::from_iter([("few".to_owned(), 0)]);
            let templates: Vec<Node> =
                templates.iter().filter_map(|parts| read(&parts.join(" "), &lists)).collect();
            let mut grammar = Grammar::new(&words, vec![few], templates);
            let said = said.into_iter().map(|(text, after_mark)| Word { text: text.into(), after_mark });
            let sentence = Sentence { words: said.collect(), question: false };
            let spans = |grammar: &Grammar| {
                let mut all: Vec<Span> = vec![];
                grammar.spans(&words, &sentence, |_, spans| all.extend(spans));
                all
            };
            let found = spans(&grammar);
            grammar.prefilter.rarest.fill(Rare::Anything);
            prop_assert_eq!(found, spans(&grammar));
        }
    }
}
