//! Finds where templates match in the words of a sentence.
//!
//! A word list is matched once at each place and remembered, so that hundreds of templates share
//! the work; a template is tried only where its first word stands and only if the words it cannot
//! do without are somewhere in the sentence. Reach is bounded ([`REACH`] words a match, [`WINDOW`]
//! words at a time), so time is linear in the length of the text.

use std::collections::BTreeSet;

use super::normalise::Sentence;
use super::template::{Node, Vocabulary, can_be_empty};

/// Words that one match may span.
const REACH: usize = 60;

/// Longer sentences are read in windows of so many words, each overlapping the next by [`REACH`].
const WINDOW: usize = 240;

/// A number that is no word of the vocabulary.
const UNKNOWN: u32 = u32::MAX;

/// Templates and word lists, ready to match.
#[derive(Debug, Default)]
pub(super) struct Grammar {
    lists: Vec<List>,
    templates: Vec<Template>,
    /// By word: the lists that may begin with it.
    lists_of_word: Vec<Vec<u32>>,
    /// By word: the templates that may begin with it.
    templates_of_word: Vec<Vec<u32>>,
    /// Templates that may begin with a number in figures.
    templates_of_number: Vec<u32>,
    conjunctions: BTreeSet<u32>,
    openers: BTreeSet<u32>,
    others: BTreeSet<u32>,
    /// The word "i".
    writer: Option<u32>,
}

#[derive(Debug)]
struct List {
    singles: BTreeSet<u32>,
    number: bool,
    longer: Vec<(First, Node)>,
}

#[derive(Debug)]
struct Template {
    node: Node,
    needs_words: Vec<u32>,
    needs_lists: Vec<u32>,
}

/// Where a template matched: words `start..end` of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) template: u32,
    pub(super) start: usize,
    /// End of the shortest and of the longest match that starts here.
    pub(super) shortest: usize,
    pub(super) longest: usize,
}

/// What a node may begin with.
#[derive(Debug, Clone, Default)]
struct First {
    words: BTreeSet<u32>,
    number: bool,
}

impl Grammar {
    /// `lists` in an order in which each refers only to earlier ones.
    pub(super) fn new(words: &Vocabulary, lists: Vec<Vec<Node>>, templates: Vec<Node>) -> Self {
        let mut grammar = Self {
            lists_of_word: vec![vec![]; words.len()],
            templates_of_word: vec![vec![]; words.len()],
            conjunctions: CONJUNCTIONS.iter().filter_map(|word| words.get(word)).collect(),
            openers: OPENERS.iter().filter_map(|word| words.get(word)).collect(),
            others: OTHERS.iter().filter_map(|word| words.get(word)).collect(),
            writer: words.get("i"),
            ..Self::default()
        };
        let mut firsts: Vec<First> = vec![];
        for (id, entries) in (0u32..).zip(lists) {
            let mut list = List { singles: BTreeSet::new(), number: false, longer: vec![] };
            let mut all = First::default();
            for entry in entries {
                let first = first(&entry, &firsts);
                all.words.extend(&first.words);
                all.number |= first.number;
                match entry {
                    Node::Word(word) => {
                        list.singles.insert(word);
                    }
                    Node::Number => list.number = true,
                    longer @ (Node::List(_)
                    | Node::Sequence(_)
                    | Node::Either(_)
                    | Node::Optional(_)
                    | Node::Gap(_)
                    | Node::ClauseStart
                    | Node::ClauseEnd) => list.longer.push((first, longer)),
                }
            }
            for word in &all.words {
                grammar.lists_of_word[*word as usize].push(id);
            }
            firsts.push(all);
            grammar.lists.push(list);
        }
        for (id, node) in (0u32..).zip(templates) {
            let begins = first(&node, &firsts);
            for word in &begins.words {
                grammar.templates_of_word[*word as usize].push(id);
            }
            if begins.number {
                grammar.templates_of_number.push(id);
            }
            let (mut needs_words, mut needs_lists) = (vec![], vec![]);
            needs(&node, &mut needs_words, &mut needs_lists);
            needs_lists.retain(|list| !firsts[*list as usize].number);
            grammar.templates.push(Template { node, needs_words, needs_lists });
        }
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
            .map(|word| Token {
                word: words.get(&word.text).unwrap_or(UNKNOWN),
                number: word.text.starts_with(|c: char| c.is_ascii_digit()),
                after_mark: word.after_mark,
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
        let mut has_word = Bits::new(self.lists_of_word.len());
        let mut has_list = Bits::new(self.lists.len());
        for token in tokens.iter().filter(|token| token.word != UNKNOWN) {
            if !has_word.put(token.word) {
                for list in &self.lists_of_word[token.word as usize] {
                    has_list.put(*list);
                }
            }
        }
        let mut scan = Scan { grammar: self, tokens, known: vec![UNTRIED; self.lists.len() * tokens.len()] };
        let mut fit = vec![Fit::Untried; self.templates.len()];
        let mut spans = vec![];
        for (start, token) in tokens.iter().enumerate() {
            let of_word: &[u32] =
                if token.word == UNKNOWN { &[] } else { &self.templates_of_word[token.word as usize] };
            let of_number: &[u32] = if token.number { &self.templates_of_number } else { &[] };
            for &id in of_word.iter().chain(of_number) {
                let template = &self.templates[id as usize];
                let fit = &mut fit[id as usize];
                if *fit == Fit::Untried {
                    let possible = template.needs_words.iter().all(|word| has_word.has(*word))
                        && template.needs_lists.iter().all(|list| has_list.has(*list));
                    *fit = if possible { Fit::Possible } else { Fit::Impossible };
                }
                if *fit == Fit::Impossible {
                    continue;
                }
                let lengths = scan.lengths(&template.node, start) & !1;
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    Untried,
    Possible,
    Impossible,
}

/// One pass over a window. Sets of match lengths are bits: bit `n` is "matches `n` words".
struct Scan<'a> {
    grammar: &'a Grammar,
    tokens: &'a [Token],
    known: Vec<u64>,
}

const ALL_LENGTHS: u64 = (1 << (REACH + 1)) - 1;

impl Scan<'_> {
    fn lengths(&mut self, node: &Node, at: usize) -> u64 {
        match node {
            Node::Word(word) => self.tokens.get(at).map_or(0, |token| u64::from(token.word == *word) << 1),
            Node::Number => self.tokens.get(at).map_or(0, |token| u64::from(token.number) << 1),
            Node::List(list) => self.list(*list, at),
            Node::Optional(item) => 1 | self.lengths(item, at),
            Node::Either(items) => items.iter().fold(0, |all, item| all | self.lengths(item, at)),
            Node::Gap(most) => {
                let most = (*most as usize).min(self.tokens.len().saturating_sub(at));
                (1 << (most + 1)) - 1
            }
            Node::ClauseStart => u64::from(self.clause_starts(at)),
            Node::ClauseEnd => u64::from(self.clause_ends(at)),
            Node::Sequence(items) => {
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
        }
    }

    fn list(&mut self, list: u32, at: usize) -> u64 {
        let Some(token) = self.tokens.get(at).copied() else { return 0 };
        let slot = list as usize * self.tokens.len() + at;
        if self.known[slot] != UNTRIED {
            return self.known[slot];
        }
        let grammar = self.grammar;
        let entries = &grammar.lists[list as usize];
        let single = entries.singles.contains(&token.word) || entries.number && token.number;
        let mut lengths = u64::from(single) << 1;
        for (first, node) in &entries.longer {
            if first.words.contains(&token.word) || first.number && token.number {
                lengths |= self.lengths(node, at);
            }
        }
        self.known[slot] = lengths;
        lengths
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

fn first(node: &Node, lists: &[First]) -> First {
    match node {
        Node::Word(word) => First { words: BTreeSet::from([*word]), number: false },
        Node::Number => First { words: BTreeSet::new(), number: true },
        Node::List(list) => lists.get(*list as usize).cloned().unwrap_or_default(),
        Node::Optional(item) => first(item, lists),
        Node::Either(items) => union(items.iter(), lists),
        Node::Gap(_) | Node::ClauseStart | Node::ClauseEnd => First::default(),
        Node::Sequence(items) => {
            let optional = items.iter().take_while(|item| can_be_empty(item)).count();
            union(items.iter().take(optional + 1), lists)
        }
    }
}

fn union<'a>(items: impl Iterator<Item = &'a Node>, lists: &[First]) -> First {
    items.fold(First::default(), |mut all, item| {
        let one = first(item, lists);
        all.words.extend(one.words);
        all.number |= one.number;
        all
    })
}

/// Words and lists without which the node cannot match.
fn needs(node: &Node, words: &mut Vec<u32>, lists: &mut Vec<u32>) {
    match node {
        Node::Word(word) => words.push(*word),
        Node::List(list) => lists.push(*list),
        Node::Sequence(items) => items.iter().for_each(|item| needs(item, words, lists)),
        Node::Number
        | Node::Either(_)
        | Node::Optional(_)
        | Node::Gap(_)
        | Node::ClauseStart
        | Node::ClauseEnd => {}
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
