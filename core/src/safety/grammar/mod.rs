//! Finds where templates match in the words of a sentence.
//!
//! A word list is matched once at each place and remembered, so that hundreds of templates share
//! the work; a list or a template is tried only where a word stands that it may begin with, and a
//! template only if enough words follow, and the words it cannot do without are somewhere in the
//! sentence ([`prefilter`]). Reach is bounded ([`REACH`] words a match, [`WINDOW`] words at a time),
//! so time is linear in the length of the text.

mod prefilter;

use std::collections::BTreeSet;

use prefilter::{Prefilter, Present};

use super::normalise::Sentence;
use super::template::{Node, Vocabulary, can_be_empty, is_number};

/// Words that one match may span.
const REACH: usize = 60;

/// Longer sentences are read in windows of so many words, each overlapping the next by [`REACH`].
const WINDOW: usize = 240;

/// Templates and word lists, ready to match. Words are numbers: those of the vocabulary, then one for
/// every number in figures that is no word of it, then one for all other words.
#[derive(Debug, Default)]
pub(super) struct Grammar {
    /// Entries of lists that are longer than a word.
    longer: Vec<Node>,
    templates: Vec<Node>,
    prefilter: Prefilter,
    /// By word: the lists that may begin with it, in order.
    lists_of_word: Vec<Vec<Begin>>,
    /// By word: the templates that may begin with it.
    templates_of_word: Vec<Vec<Opening>>,
    figure: u32,
    unknown: u32,
    conjunctions: BTreeSet<u32>,
    openers: BTreeSet<u32>,
    others: BTreeSet<u32>,
    /// The word "i".
    writer: Option<u32>,
}

/// How a list may begin with a certain word.
#[derive(Debug)]
struct Begin {
    list: u32,
    /// The word alone is an entry.
    single: bool,
    /// Longer entries that may begin with it.
    longer: Vec<u32>,
}

/// A template that may begin with a certain word.
#[derive(Debug, Clone, Copy)]
struct Opening {
    template: u32,
    /// It matches no fewer words than this.
    least: u32,
}

/// Where a template matched: from the word of the window at `start` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) template: u32,
    pub(super) start: usize,
    /// End of the shortest and of the longest match that starts here.
    pub(super) shortest: usize,
    pub(super) longest: usize,
}

impl Grammar {
    /// `lists` in an order in which each refers only to earlier ones.
    pub(super) fn new(words: &Vocabulary, lists: Vec<Vec<Node>>, templates: Vec<Node>) -> Self {
        let figure = number(words.len());
        let unknown = figure + 1;
        let known = unknown as usize + 1;
        let mut grammar = Self {
            lists_of_word: (0..known).map(|_| vec![]).collect(),
            templates_of_word: vec![vec![]; known],
            figure,
            unknown,
            conjunctions: CONJUNCTIONS.iter().filter_map(|word| words.get(word)).collect(),
            openers: OPENERS.iter().filter_map(|word| words.get(word)).collect(),
            others: OTHERS.iter().filter_map(|word| words.get(word)).collect(),
            writer: words.get("i"),
            ..Self::default()
        };
        let mut firsts = Firsts { figures: words.figures().chain([figure]).collect(), lists: vec![] };
        let mut shortest = vec![];
        for (list, entries) in (0u32..).zip(lists) {
            shortest.push(entries.iter().map(|entry| least(entry, &shortest)).min().unwrap_or_default());
            let mut all = BTreeSet::new();
            for entry in entries {
                let begins = firsts.of(&entry);
                all.extend(&begins);
                let longer = match entry {
                    Node::Word(_) | Node::Number => None,
                    longer @ (Node::List(_)
                    | Node::Sequence(_)
                    | Node::Either(..)
                    | Node::Optional(_)
                    | Node::Gap(_)
                    | Node::ClauseStart
                    | Node::ClauseEnd) => {
                        grammar.longer.push(longer);
                        Some(number(grammar.longer.len() - 1))
                    }
                };
                for word in begins {
                    let lists = &mut grammar.lists_of_word[word as usize];
                    if lists.last().is_none_or(|last| last.list != list) {
                        lists.push(Begin { list, single: false, longer: vec![] });
                    }
                    if let Some(begin) = lists.last_mut() {
                        begin.single |= longer.is_none();
                        begin.longer.extend(longer);
                    }
                }
            }
            firsts.lists.push(all);
        }
        for (id, node) in (0u32..).zip(templates) {
            let opening = Opening { template: id, least: least(&node, &shortest) };
            for word in firsts.of(&node) {
                grammar.templates_of_word[word as usize].push(opening);
            }
            grammar.templates.push(node);
        }
        // A word counts as the more often said the more lists and templates begin with it.
        let said = grammar.lists_of_word.iter().zip(&grammar.templates_of_word);
        let said = said.map(|(lists, templates)| lists.len() + templates.len()).collect();
        grammar.prefilter = Prefilter::new(&grammar.templates, &firsts, said);
        grammar
    }

    /// Every place where a template matches, window after window.
    pub(super) fn spans(
        &self,
        words: &Vocabulary,
        sentence: &Sentence,
        mut window: impl FnMut(usize, &[Span]),
    ) {
        let tokens: Vec<Token> = sentence
            .words
            .iter()
            .map(|word| {
                let number = is_number(&word.text);
                let unknown = if number { self.figure } else { self.unknown };
                let id = words.get(&word.text).unwrap_or(unknown);
                Token { word: id, number, after_mark: word.after_mark }
            })
            .collect();
        let mut from = 0;
        loop {
            let to = tokens.len().min(from + WINDOW);
            window(from, &self.spans_of(&tokens[from..to]));
            if to == tokens.len() {
                break;
            }
            from = to - REACH;
        }
    }

    fn spans_of(&self, tokens: &[Token]) -> Vec<Span> {
        let mut present = Present::nothing(&self.prefilter);
        let mut places = Vec::with_capacity(tokens.len());
        let mut known = 0;
        for token in tokens {
            let lists = &self.lists_of_word[token.word as usize];
            present.put(token.word, lists.iter().map(|begin| begin.list));
            places.push(Place { lists, known });
            known += lists.len();
        }
        let mut scan = Scan { grammar: self, tokens, places, known: vec![UNTRIED; known] };
        let mut spans = vec![];
        for (start, token) in tokens.iter().enumerate() {
            let left = number(tokens.len() - start);
            for opening in &self.templates_of_word[token.word as usize] {
                if opening.least > left {
                    continue;
                }
                let id = opening.template;
                let template = &self.templates[id as usize];
                if !present.allows(id, template) {
                    continue;
                }
                let lengths = scan.lengths(template, start) & !1;
                if lengths != 0 {
                    let longest = start + (63 - lengths.leading_zeros() as usize);
                    let shortest = start + lengths.trailing_zeros() as usize;
                    spans.push(Span { template: id, start, shortest, longest });
                }
            }
        }
        spans
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A clause may begin after these words, and ends before them.
const CONJUNCTIONS: &[&str] = &[
    "and", "but", "because", "so", "or", "if", "though", "although", "when", "while", "then", "plus",
    "since", "except", "lol", "please", "sorry", "yet", "until", "unless",
];

/// A clause may begin after these words too, though none ends before them.
const OPENERS: &[&str] = &[
    "that",
    "honestly",
    "well",
    "maybe",
    "hi",
    "hello",
    "hey",
    "help",
    "ok",
    "yes",
    "yeah",
    "no",
    "oh",
    "god",
    "fuck",
    "basically",
    "sometimes",
    "lately",
];

/// Whoever was named last goes on after "and": "my patient went home and took an overdose".
pub(super) const OTHERS: &[&str] = &[
    "he",
    "she",
    "they",
    "who",
    "patient",
    "patients",
    "resident",
    "residents",
    "client",
    "clients",
    "user",
    "users",
    "colleague",
    "colleagues",
    "friend",
    "friends",
    "mum",
    "mam",
    "dad",
    "brother",
    "sister",
    "son",
    "daughter",
    "husband",
    "wife",
    "partner",
    "boyfriend",
    "girlfriend",
    "ex",
    "neighbour",
    "manager",
    "boss",
    "nan",
    "cousin",
    "lad",
    "girl",
    "boy",
    "man",
    "woman",
    "lady",
    "someone",
    "nurse",
    "doctor",
    "uncle",
    "aunt",
    "student",
    "teenager",
    "mate",
    "mates",
    "porter",
    "porters",
    "carer",
    "hca",
    "lass",
    "bloke",
    "guy",
    "flatmate",
    "housemate",
    "nurses",
    "paramedic",
    "midwife",
    "niece",
    "nephew",
    "gran",
    "grandad",
];

const UNTRIED: u64 = u64::MAX;

#[derive(Debug, Clone, Copy)]
struct Token {
    word: u32,
    number: bool,
    after_mark: bool,
}

/// One pass over a window. Sets of match lengths are bits: bit `n` is "matches `n` words".
struct Scan<'a> {
    grammar: &'a Grammar,
    tokens: &'a [Token],
    /// For each token.
    places: Vec<Place<'a>>,
    known: Vec<u64>,
}

/// The lists that may match at a token, and where in `known` their lengths begin.
struct Place<'a> {
    lists: &'a [Begin],
    known: usize,
}

const ALL_LENGTHS: u64 = (1 << (REACH + 1)) - 1;

impl Scan<'_> {
    #[inline]
    fn lengths(&mut self, node: &Node, at: usize) -> u64 {
        match node {
            Node::Word(word) => self.word(std::slice::from_ref(word), at),
            Node::Number => self.tokens.get(at).map_or(0, |token| u64::from(token.number) << 1),
            Node::List(list) => self.list(*list, at),
            Node::Optional(item) => 1 | self.longer(std::slice::from_ref(item), at),
            Node::Either(words, longer) => self.word(words, at) | self.longer(longer, at),
            Node::Gap(most) => {
                let most = (*most as usize).min(self.tokens.len().saturating_sub(at));
                (1 << (most + 1)) - 1
            }
            Node::ClauseStart => u64::from(self.clause_starts(at)),
            Node::ClauseEnd => u64::from(self.clause_ends(at)),
            Node::Sequence(items) => self.sequence(items, at),
        }
    }

    fn word(&self, words: &[u32], at: usize) -> u64 {
        self.tokens.get(at).map_or(0, |token| u64::from(words.contains(&token.word)) << 1)
    }

    // What is long is called, so that the words, of which there are most, need not be.
    #[inline(never)]
    fn longer(&mut self, items: &[Node], at: usize) -> u64 {
        items.iter().fold(0, |all, item| all | self.lengths(item, at))
    }

    #[inline(never)]
    fn sequence(&mut self, items: &[Node], at: usize) -> u64 {
        let mut reached = 1u64;
        for item in items {
            let mut next = 0;
            let mut left = reached;
            while left != 0 {
                let so_far = left.trailing_zeros();
                left &= left - 1;
                next |= self.lengths(item, at + so_far as usize) << so_far & ALL_LENGTHS;
            }
            if next == 0 {
                return 0;
            }
            reached = next;
        }
        reached
    }

    fn list(&mut self, list: u32, at: usize) -> u64 {
        let Some(&Place { lists, known }) = self.places.get(at) else { return 0 };
        let Ok(nth) = lists.binary_search_by_key(&list, |begin| begin.list) else { return 0 };
        let slot = known + nth;
        if self.known[slot] == UNTRIED {
            let grammar = self.grammar;
            let mut lengths = u64::from(lists[nth].single) << 1;
            for longer in &lists[nth].longer {
                lengths |= self.lengths(&grammar.longer[*longer as usize], at);
            }
            self.known[slot] = lengths;
        }
        self.known[slot]
    }

    fn clause_starts(&self, at: usize) -> bool {
        if at == 0 || self.tokens.get(at).is_some_and(|token| token.after_mark) {
            return true;
        }
        let Some(before) = self.tokens.get(at - 1) else { return false };
        let opens =
            self.grammar.conjunctions.contains(&before.word) || self.grammar.openers.contains(&before.word);
        opens && !self.about_another(at - 1)
    }

    /// Whether the last person named before `at`, in reach, is somebody other than the writer.
    fn about_another(&self, at: usize) -> bool {
        let named = self.tokens[at.saturating_sub(REACH)..at].iter().rev().find_map(|token| {
            let another = self.grammar.others.contains(&token.word);
            (another || self.grammar.writer == Some(token.word)).then_some(another)
        });
        named.unwrap_or(false)
    }

    fn clause_ends(&self, at: usize) -> bool {
        self.tokens
            .get(at)
            .is_none_or(|token| token.after_mark || self.grammar.conjunctions.contains(&token.word))
    }
}

/// What nodes may begin with.
struct Firsts {
    /// Every number in figures.
    figures: BTreeSet<u32>,
    /// By list.
    lists: Vec<BTreeSet<u32>>,
}

impl Firsts {
    fn of(&self, node: &Node) -> BTreeSet<u32> {
        match node {
            Node::Word(word) => BTreeSet::from([*word]),
            Node::Number => self.figures.clone(),
            Node::List(list) => self.lists.get(*list as usize).cloned().unwrap_or_default(),
            Node::Optional(item) => self.of(item),
            Node::Either(words, longer) => words.iter().copied().chain(self.of_any(longer)).collect(),
            Node::Gap(_) | Node::ClauseStart | Node::ClauseEnd => BTreeSet::new(),
            Node::Sequence(items) => {
                let optional = items.iter().take_while(|item| can_be_empty(item)).count();
                self.of_any(&items[..items.len().min(optional + 1)])
            }
        }
    }

    fn of_any(&self, nodes: &[Node]) -> BTreeSet<u32> {
        nodes.iter().flat_map(|node| self.of(node)).collect()
    }
}

/// How many words the node matches at least; `lists` says it of each list.
fn least(node: &Node, lists: &[u32]) -> u32 {
    match node {
        Node::Word(_) | Node::Number => 1,
        Node::List(list) => lists.get(*list as usize).copied().unwrap_or_default(),
        Node::Sequence(items) => items.iter().map(|item| least(item, lists)).sum(),
        Node::Either(words, longer) => {
            let word = words.first().map(|_| 1);
            longer.iter().map(|item| least(item, lists)).chain(word).min().unwrap_or_default()
        }
        Node::Optional(_) | Node::Gap(_) | Node::ClauseStart | Node::ClauseEnd => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{Grammar, REACH, Vocabulary, WINDOW};
    use crate::safety::{Sentence, Word};

    /// Where the windows of a sentence of so many words begin.
    fn windows(words: usize) -> Vec<usize> {
        let words = vec![Word { text: "word".into(), after_mark: false }; words];
        let grammar = Grammar::new(&Vocabulary::default(), vec![], vec![]);
        let mut begin = vec![];
        grammar
            .spans(&Vocabulary::default(), &Sentence { words, question: false }, |from, _| begin.push(from));
        begin
    }

    #[test]
    fn time_is_linear_in_the_length() {
        assert_eq!(windows(WINDOW), [0]);
        for words in [WINDOW + 1, 1_000, 100_000] {
            let begin = windows(words);
            assert!(begin.windows(2).all(|two| two[1] - two[0] == WINDOW - REACH), "no match is cut in two");
            assert!(begin.len() <= words / (WINDOW - REACH) + 1, "{words} words, {} windows", begin.len());
        }
    }
}
