//! Phrase templates: how a rule writes down what people say.
//!
//! | Written | Means |
//! |---|---|
//! | `kill myself` | these words, in plain spelling |
//! | `{want}` | any entry of the word list `want` |
//! | `(a \| b c)` | one of these |
//! | `really?` `{now}?` `(a b)?` | may be left out |
//! | `..` | up to three words of any kind |
//! | `...` | up to eight words |
//! | `^` | here a clause begins |
//! | `$` | here a clause ends |
//! | `<number>` | a number in figures |

use rustc_hash::FxHashMap;

use super::normalise;

/// A template, read. Words and lists are numbers in the tables of the grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Word(u32),
    Number,
    List(u32),
    Sequence(Vec<Node>),
    /// One of these words, or of what is longer.
    Either(Vec<u32>, Vec<Node>),
    Optional(Box<Node>),
    /// Up to so many words.
    Gap(u32),
    ClauseStart,
    ClauseEnd,
}

/// The words that templates know, each with its number.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    ids: FxHashMap<String, u32>,
}

impl Vocabulary {
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn get(&self, word: &str) -> Option<u32> {
        self.ids.get(word).copied()
    }

    /// The words that are numbers in figures.
    pub(super) fn figures(&self) -> impl Iterator<Item = u32> {
        self.ids.iter().filter(|(word, _)| is_number(word)).map(|(_, id)| *id)
    }

    fn add(&mut self, word: String) -> u32 {
        let next = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        *self.ids.entry(word).or_insert(next)
    }
}

/// Reads `text`; word lists are looked up in `lists`.
///
/// # Errors
/// A sentence that says what is wrong with the template.
pub(super) fn read(
    text: &str,
    words: &mut Vocabulary,
    lists: &FxHashMap<String, u32>,
) -> Result<Node, String> {
    let mut reader = Reader { rest: text, words, lists };
    let node = reader.sequence()?;
    if !reader.rest.is_empty() {
        return Err(format!("There is a “)” or “|” too many before “{}”.", reader.rest));
    }
    let nothing = matches!(&node, Node::Sequence(items) if items.is_empty());
    if nothing || can_be_empty(&node) {
        return Err("Every part of the template may be left out, so it would match everything.".into());
    }
    Ok(node)
}

/// Whether the node matches no words at all.
pub(super) fn can_be_empty(node: &Node) -> bool {
    match node {
        Node::Word(_) | Node::Number | Node::List(_) => false,
        Node::Sequence(items) => items.iter().all(can_be_empty),
        Node::Either(_, longer) => longer.iter().any(can_be_empty),
        Node::Optional(_) | Node::Gap(_) | Node::ClauseStart | Node::ClauseEnd => true,
    }
}

/// Whether a word is a number in figures.
pub(super) fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

struct Reader<'a> {
    rest: &'a str,
    words: &'a mut Vocabulary,
    lists: &'a FxHashMap<String, u32>,
}

impl Reader<'_> {
    fn sequence(&mut self) -> Result<Node, String> {
        let mut items = vec![];
        loop {
            self.rest = self.rest.trim_start();
            let item = match self.rest.chars().next() {
                None | Some(')' | '|') => break,
                Some('(') => self.group()?,
                Some('{') => self.list()?,
                Some('^') => self.mark("^", Node::ClauseStart),
                Some('$') => self.mark("$", Node::ClauseEnd),
                Some('.') if self.rest.starts_with("...") => self.mark("...", Node::Gap(8)),
                Some('.') if self.rest.starts_with("..") => self.mark("..", Node::Gap(3)),
                Some('<') if self.rest.starts_with("<number>") => self.mark("<number>", Node::Number),
                Some('}' | '<' | '>' | '?' | '.' | '[' | ']') => {
                    return Err(format!("“{}” cannot stand at “{}”.", &self.rest[..1], self.rest));
                }
                Some(_) => {
                    self.literals(&mut items);
                    continue;
                }
            };
            items.push(self.optional(item));
        }
        Ok(if items.len() == 1 { items.remove(0) } else { Node::Sequence(items) })
    }

    fn mark(&mut self, sign: &str, node: Node) -> Node {
        self.rest = &self.rest[sign.len()..];
        node
    }

    fn optional(&mut self, item: Node) -> Node {
        match self.rest.strip_prefix('?') {
            Some(rest) => {
                self.rest = rest;
                Node::Optional(Box::new(item))
            }
            None => item,
        }
    }

    fn group(&mut self) -> Result<Node, String> {
        let (mut words, mut longer) = (vec![], vec![]);
        loop {
            self.rest = &self.rest[1..];
            let item = self.sequence()?;
            if let Node::Word(word) = item {
                words.push(word);
            } else {
                longer.push(item);
            }
            match self.rest.chars().next() {
                Some('|') => {}
                Some(')') => break,
                _ => return Err("A “(” has no “)”.".into()),
            }
        }
        self.rest = &self.rest[1..];
        Ok(Node::Either(words, longer))
    }

    fn list(&mut self) -> Result<Node, String> {
        let (name, rest) = self.rest[1..].split_once('}').ok_or("A “{” has no “}”.")?;
        self.rest = rest;
        match self.lists.get(name) {
            Some(id) => Ok(Node::List(*id)),
            None => Err(match nearest(name, self.lists.keys()) {
                Some(near) => format!("There is no word list “{name}”. Did you mean “{near}”?"),
                None => format!("There is no word list “{name}”."),
            }),
        }
    }

    /// A run of plain words, spelt together, so that "my self" and "can't" read as in a message.
    fn literals(&mut self, items: &mut Vec<Node>) {
        let special = |c: char| "(){}|^$<>?[]".contains(c);
        let mut run = String::new();
        loop {
            self.rest = self.rest.trim_start();
            let end = self.rest.find(|c: char| c.is_whitespace() || special(c)).unwrap_or(self.rest.len());
            let (word, rest) = self.rest.split_at(end);
            if word.is_empty() || word.starts_with("..") {
                break;
            }
            self.rest = rest;
            if let Some(rest) = rest.strip_prefix('?') {
                self.rest = rest;
                self.spell(&run, items);
                run.clear();
                let mut one = vec![];
                self.spell(word, &mut one);
                let one = if one.len() == 1 { one.remove(0) } else { Node::Sequence(one) };
                items.push(Node::Optional(Box::new(one)));
                continue;
            }
            if !run.is_empty() {
                run.push(' ');
            }
            run.push_str(word);
        }
        self.spell(&run, items);
    }

    fn spell(&mut self, run: &str, items: &mut Vec<Node>) {
        for word in normalise::phrase(run) {
            items.push(Node::Word(self.words.add(word)));
        }
    }
}

fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    names
        .map(|known| (strsim::osa_distance(name, known), known))
        .min()
        .filter(|(slips, _)| *slips <= 3)
        .map(|(_, known)| known)
}
