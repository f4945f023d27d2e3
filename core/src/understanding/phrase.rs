//! The small language of phrases in the understanding content, and finding them in a message.
//!
//! A phrase is words with spaces between. `word*` is any word with that beginning, `(a|b c)` one of
//! several, `(a)?` may be absent, `...` is up to three other words. Capital letters, accents and
//! apostrophes do not matter. A phrase never runs over the end of a sentence.

use rustc_hash::FxHashMap;

use super::{
    text::{self, Sep, Token},
    typos::Typos,
};

/// Stands for no atom.
const NO_ATOM: u32 = u32::MAX;

/// Words that `...` may skip.
const GAP: usize = 3;

/// Phrases, each with a number that says what it stands for.
#[derive(Debug, Default)]
pub(super) struct Phrases {
    words: FxHashMap<String, u32>,
    prefixes: FxHashMap<String, u32>,
    atoms: u32,
    by_first: Vec<Vec<u32>>,
    plain: Vec<Plain>,
    typos: Typos,
}

#[derive(Debug)]
struct Plain {
    parts: Vec<Part>,
    means: u32,
    /// The atom that it cannot do without, of several the one with which fewest phrases begin.
    rarest: u32,
}

#[derive(Debug)]
enum Part {
    /// One of several runs of words; an empty run may be left out.
    OneOf(Vec<Vec<u32>>),
    Gap,
}

/// A phrase found: the tokens from `first` to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub means: u32,
    pub first: usize,
    pub last: usize,
}

impl Hit {
    pub(super) fn len(&self) -> usize {
        self.last - self.first + 1
    }
}

impl Phrases {
    /// Adds a written phrase. The error is a sentence for whoever wrote it.
    pub(super) fn add(&mut self, written: &str, means: u32) -> Result<(), String> {
        let mut parts = Vec::new();
        for piece in pieces(written)? {
            match piece {
                Piece::Gap => parts.push(Part::Gap),
                Piece::OneOf { runs, optional } => {
                    let mut list = Vec::new();
                    for run in runs {
                        list.push(self.run(&run)?);
                    }
                    if optional {
                        list.push(Vec::new());
                    }
                    parts.push(Part::OneOf(list));
                }
            }
        }
        let mut firsts = Vec::new();
        for part in &parts {
            let Part::OneOf(runs) = part else {
                return Err(format!("The phrase \"{written}\" must begin with a word."));
            };
            firsts.extend(runs.iter().filter_map(|run| run.first().copied()));
            if !runs.iter().any(Vec::is_empty) {
                break;
            }
        }
        if firsts.is_empty() {
            return Err(format!("The phrase \"{written}\" holds no word."));
        }
        let may_be_absent = |part: &&Part| match part {
            Part::Gap => true,
            Part::OneOf(runs) => runs.iter().any(Vec::is_empty),
        };
        if parts.iter().rev().take_while(may_be_absent).any(|part| matches!(part, Part::Gap)) {
            return Err(format!("A word that must be there has to follow the gap in \"{written}\"."));
        }
        firsts.sort_unstable();
        firsts.dedup();
        let id = u32::try_from(self.plain.len()).map_err(|_| "There are too many phrases.".to_owned())?;
        // Known when all phrases are.
        let rarest = NO_ATOM;
        self.plain.push(Plain { parts, means, rarest });
        for first in firsts {
            self.by_first[first as usize].push(id);
        }
        Ok(())
    }

    /// To be called once, after the last `add`. `plain_words` are never taken for typing errors.
    pub(super) fn finish(&mut self, plain_words: &Typos) {
        let mut words: Vec<(&str, u32)> = self.words.iter().map(|(w, id)| (w.as_str(), *id)).collect();
        words.sort_unstable();
        self.typos = Typos::new(&words, plain_words);
        for plain in &mut self.plain {
            let certain = plain.parts.iter().filter_map(|part| match part {
                Part::OneOf(runs) if runs.len() == 1 => Some(&runs[0]),
                Part::OneOf(_) | Part::Gap => None,
            });
            let rarest = certain.flatten().min_by_key(|atom| self.by_first[**atom as usize].len());
            plain.rarest = rarest.copied().unwrap_or(NO_ATOM);
        }
    }

    /// Further words that are right as they stand.
    pub(super) fn never_typos(&mut self, words: impl Iterator<Item = String>) {
        self.typos.add_plain(words);
    }

    /// Everything found, in order of the first word; of one meaning and start only the longest.
    pub(super) fn find(&self, tokens: &[Token]) -> Vec<Hit> {
        let atoms = self.atoms(tokens);
        let mut there = vec![false; self.by_first.len()];
        for atom in &atoms.all {
            there[*atom as usize] = true;
        }
        let mut hits: Vec<Hit> = Vec::new();
        for first in 0..tokens.len() {
            let from = hits.len();
            for &atom in atoms.of(first) {
                for &id in &self.by_first[atom as usize] {
                    let plain = &self.plain[id as usize];
                    if (plain.rarest == NO_ATOM || there[plain.rarest as usize])
                        && let Some(next) = end_of(&plain.parts, &atoms, tokens, first, true)
                        && let Some(last) = next.checked_sub(1).filter(|last| *last >= first)
                    {
                        let hit = Hit { means: plain.means, first, last };
                        match hits[from..].iter_mut().find(|other| other.means == hit.means) {
                            Some(other) => other.last = other.last.max(hit.last),
                            None => hits.push(hit),
                        }
                    }
                }
            }
        }
        hits
    }

    /// Plain words are folded together, as in a message: "do not" is one word there.
    fn run(&mut self, written: &str) -> Result<Vec<u32>, String> {
        let mut out = Vec::new();
        let mut plain = String::new();
        for piece in written.split_whitespace() {
            if let Some(stem) = piece.strip_suffix('*') {
                self.words(&mut plain, &mut out);
                let tokens = text::tokens(stem);
                let [token] = tokens.as_slice() else {
                    return Err(format!("\"{piece}\" must be one word before its star."));
                };
                out.push(Self::atom(&mut self.prefixes, &mut self.atoms, &mut self.by_first, &token.word));
            } else {
                plain.push_str(piece);
                plain.push(' ');
            }
        }
        self.words(&mut plain, &mut out);
        Ok(out)
    }

    fn words(&mut self, plain: &mut String, out: &mut Vec<u32>) {
        for token in text::tokens(plain) {
            out.push(Self::atom(&mut self.words, &mut self.atoms, &mut self.by_first, &token.word));
        }
        plain.clear();
    }

    fn atom(
        known: &mut FxHashMap<String, u32>,
        atoms: &mut u32,
        by_first: &mut Vec<Vec<u32>>,
        word: &str,
    ) -> u32 {
        *known.entry(word.to_owned()).or_insert_with(|| {
            let id = *atoms;
            *atoms += 1;
            by_first.push(Vec::new());
            id
        })
    }

    /// The atoms that each word of a message stands for; a typing error stands for what was meant.
    fn atoms(&self, tokens: &[Token]) -> Atoms {
        let mut atoms =
            Atoms { all: Vec::with_capacity(tokens.len()), ends: Vec::with_capacity(tokens.len()) };
        for token in tokens {
            let before = atoms.all.len();
            self.known(&token.word, &mut atoms.all);
            if atoms.all.len() == before {
                atoms.all.extend(self.typos.meant(&token.word));
            }
            if let Some(bare) = &token.bare {
                self.known(bare, &mut atoms.all);
            }
            atoms.ends.push(atoms.all.len());
        }
        atoms
    }

    fn known(&self, word: &str, out: &mut Vec<u32>) {
        if let Some(&id) = self.words.get(word) {
            out.push(id);
        }
        for (at, _) in word.char_indices().skip(2) {
            if let Some(&id) = self.prefixes.get(&word[..at]) {
                out.push(id);
            }
        }
        if let Some(&id) = self.prefixes.get(word) {
            out.push(id);
        }
    }
}

/// What each word of a message stands for, one after the other.
struct Atoms {
    all: Vec<u32>,
    /// Where those of each word end.
    ends: Vec<usize>,
}

impl Atoms {
    fn of(&self, word: usize) -> &[u32] {
        let from = word.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[from..self.ends[word]]
    }
}

/// The token after the longest way to match some parts from the token `at` on.
fn end_of(parts: &[Part], atoms: &Atoms, tokens: &[Token], at: usize, start: bool) -> Option<usize> {
    let Some((part, rest)) = parts.split_first() else { return Some(at) };
    match part {
        Part::OneOf(runs) => runs
            .iter()
            .filter_map(|run| {
                let end = after_run(run, atoms, tokens, at, start)?;
                end_of(rest, atoms, tokens, end, start && run.is_empty())
            })
            .max(),
        Part::Gap => {
            let mut best = None;
            for skip in 0..=GAP {
                best = best.max(end_of(rest, atoms, tokens, at + skip, false));
                if tokens.get(at + skip).is_none_or(|token| token.before == Sep::Sentence) {
                    break;
                }
            }
            best
        }
    }
}

fn after_run(run: &[u32], atoms: &Atoms, tokens: &[Token], at: usize, start: bool) -> Option<usize> {
    for (offset, atom) in run.iter().enumerate() {
        let token = tokens.get(at + offset)?;
        let breaks = token.before == Sep::Sentence && !(start && offset == 0);
        if breaks || !atoms.of(at + offset).contains(atom) {
            return None;
        }
    }
    Some(at + run.len())
}

enum Piece {
    OneOf { runs: Vec<String>, optional: bool },
    Gap,
}

/// Cuts a written phrase into plain words, choices and gaps.
fn pieces(written: &str) -> Result<Vec<Piece>, String> {
    let mut out = Vec::new();
    let mut rest = written;
    loop {
        let open = rest.find('(').unwrap_or(rest.len());
        let (plain, after) = rest.split_at(open);
        if plain.contains([')', '|', '?']) {
            return Err(format!("A bracket in \"{written}\" stands alone."));
        }
        for (index, run) in plain.split("...").enumerate() {
            if index > 0 {
                out.push(Piece::Gap);
            }
            if !run.trim().is_empty() {
                out.push(Piece::OneOf { runs: vec![run.to_owned()], optional: false });
            }
        }
        if after.is_empty() {
            return Ok(out);
        }
        let close = closing(after).ok_or_else(|| format!("A bracket in \"{written}\" is never closed."))?;
        let inner = &after[1..close];
        if inner.contains("...") {
            return Err(format!("A gap within brackets in \"{written}\": write two phrases."));
        }
        let optional = after[close + 1..].starts_with('?');
        out.push(Piece::OneOf { runs: written_out(inner), optional });
        rest = &after[close + 1 + usize::from(optional)..];
    }
}

/// Where the bracket that opens a text closes.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The runs of plain words that a choice stands for; brackets within it are written out.
fn written_out(choice: &str) -> Vec<String> {
    let mut out = Vec::new();
    let (mut depth, mut start) = (0usize, 0);
    for (at, c) in choice.char_indices().chain([(choice.len(), '|')]) {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => {
                out.extend(variants(&choice[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    out
}

fn variants(run: &str) -> Vec<String> {
    let Some(open) = run.find('(') else { return vec![run.to_owned()] };
    let Some(close) = closing(&run[open..]).map(|at| open + at) else { return vec![run.to_owned()] };
    let optional = run[close + 1..].starts_with('?');
    let mut inner = written_out(&run[open + 1..close]);
    if optional {
        inner.push(String::new());
    }
    let rest = variants(&run[close + 1 + usize::from(optional)..]);
    let before = &run[..open];
    inner.iter().flat_map(|middle| rest.iter().map(move |end| format!("{before}{middle}{end}"))).collect()
}
