//! From what people type to plain words: one spelling for what may be written in many.
//!
//! [`normalise`] is a pure function of the text and takes time linear in its length. It never
//! fails: what it cannot read becomes words that no rule knows.
//!
//! In order: compatibility forms, accents and look-alike letters; invisible and control
//! characters; apostrophes; then word by word letters drawn out ("dieee"), figures and signs for
//! letters ("k1ll", "su*cide"), letters set apart ("k m s"), words run together ("killmyself"),
//! common misspellings, contractions written out ("can't" becomes "can not").

use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};
use unicode_normalization::UnicodeNormalization;

use super::keys::{KEYS, NEAR, NEAR_BUT_NOT, SEGMENTS};
use super::learned::is_english;
use super::mend::mend;
use super::spelling::{CONTRACTIONS, ENDINGS_IN, JOINED, LOOKALIKES};

/// Longer words are left as they are: nobody writes them, and repairs must stay cheap.
const LONGEST_WORD: usize = 40;

/// More dots than these in a row are an ellipsis and a full stop.
const MOST_DOTS: usize = 3;

/// Characters of the text that are read; far more than any channel delivers in one message.
const LONGEST_TEXT: usize = 400_000;

/// One word in its plain spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Lower case, without accents or apostrophes.
    pub text: String,
    /// Something other than a space stands before it, or the sentence begins with it.
    pub after_mark: bool,
}

/// Words up to a full stop, question mark, exclamation mark or line break.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sentence {
    pub words: Vec<Word>,
    /// A question mark ends it.
    pub question: bool,
}

/// The sentences of a text in plain words; empty ones left out.
pub fn normalise(text: &str) -> Vec<Sentence> {
    let letters = fold(text);
    let mut sentences = split(&letters);
    for sentence in &mut sentences {
        sentence.words = repair(std::mem::take(&mut sentence.words));
    }
    sentences.retain(|sentence| !sentence.words.is_empty());
    sentences
}

/// The words of `text` in plain spelling, sentence after sentence, with one space between.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in normalise(text).iter().flat_map(|sentence| &sentence.words) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&word.text);
    }
    out
}

/// The words of a phrase as rules write it: spelt plainly, without looking at what opens a sentence.
pub(super) fn phrase(text: &str) -> Vec<String> {
    let raw = if text.is_ascii() {
        let plain = |word: &str| Word { text: word.to_lowercase(), after_mark: false };
        text.split_whitespace().map(plain).collect()
    } else {
        split(&fold(text)).into_iter().flat_map(|sentence| sentence.words).collect()
    };
    repair(raw).into_iter().map(|word| word.text).collect()
}

static CONTRACTED: LazyLock<FxHashMap<&str, &str>> = LazyLock::new(|| CONTRACTIONS.iter().copied().collect());
static JOINABLE: LazyLock<FxHashMap<&str, &str>> = LazyLock::new(|| JOINED.iter().copied().collect());
static JOIN_FIRST: LazyLock<FxHashSet<&str>> =
    LazyLock::new(|| JOINED.iter().filter_map(|(pair, _)| pair.split(' ').next()).collect());
static KEY: LazyLock<FxHashSet<&str>> = LazyLock::new(|| KEYS.iter().copied().collect());
static SEGMENT: LazyLock<FxHashSet<&str>> =
    LazyLock::new(|| KEYS.iter().chain(SEGMENTS).chain(NEAR).copied().collect());

/// Compatibility forms, accents, look-alikes, quotes and invisible characters.
fn fold(text: &str) -> Vec<char> {
    let mut out = Vec::with_capacity(text.len().min(LONGEST_TEXT));
    for c in text.chars().take(LONGEST_TEXT).nfkd() {
        let c = match c {
            // Invisible characters, variation selectors, skin tones, and the combining marks that the
            // decomposition set apart.
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{ad}'
            | '\u{34f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0000}'..='\u{e0fff}'
            | '\u{300}'..='\u{36f}'
            | '\u{64b}'..='\u{65f}'
            | '\u{1f3fb}'..='\u{1f3ff}' => continue,
            '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '`' | '\u{b4}' | '\u{2bc}' => '\'',
            '\n' | '\r' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' => '\n',
            c if c.is_control() || c.is_whitespace() => ' ',
            c => c,
        };
        match LOOKALIKES.iter().find(|(alike, _)| *alike == c) {
            Some((_, plain)) => out.push(*plain),
            None => out.extend(c.to_lowercase()),
        }
    }
    out
}

/// Sentences of raw words: letters and digits, with apostrophes and letter-signs inside.
fn split(letters: &[char]) -> Vec<Sentence> {
    let mut sentences = vec![];
    let mut sentence = Sentence::default();
    let mut after_mark = true;
    let mut at = 0;
    while let Some(&c) = letters.get(at) {
        let next = letters.get(at + 1).copied();
        if c.is_alphanumeric() || (is_sign(c) && c != '!' && next.is_some_and(char::is_alphanumeric)) {
            // The first sign is taken whatever follows it, so that every round goes on.
            let start = at;
            at += 1;
            while letters.get(at).is_some_and(|&c| c.is_alphanumeric() || inside(letters, at, c)) {
                at += 1;
            }
            sentence.words.push(Word { text: letters[start..at].iter().collect(), after_mark });
            after_mark = false;
            continue;
        }
        let alone = |at: usize| {
            letters.get(at).is_some_and(|c| c.is_alphanumeric())
                && !letters.get(at + 1).is_some_and(|c| c.is_alphanumeric())
        };
        let dotted = c == '.'
            && alone(at + 1)
            && sentence.words.last().is_some_and(|word| word.text.chars().nth(1).is_none());
        let dots = letters[..at].iter().rev().take(MOST_DOTS).take_while(|c| **c == '.').count();
        let ellipsis = (c == '.' && (next == Some('.') || (1..MOST_DOTS).contains(&dots))) || c == '…';
        match c {
            ' ' | '-' | '_' | '/' | '\'' | '#' | '*' => {
                // A dash or slash between spaces parts clauses; inside a word it parts words only.
                after_mark |= c == '-' && next == Some(' ') && at > 0 && letters[at - 1] == ' ';
            }
            '.' if dotted => {}
            _ if ellipsis => after_mark = true,
            '.' | '!' | '?' | '\n' | '。' | '؟' => {
                sentence.question |= matches!(c, '?' | '؟');
                if !sentence.words.is_empty() {
                    sentences.push(std::mem::take(&mut sentence));
                }
                sentence.question = false;
                after_mark = true;
            }
            '&' | '+' => sentence.words.push(Word { text: "and".into(), after_mark: false }),
            '😂' | '🤣' | '😅' | '😆' | '😝' | '😜' | '🙃' => {
                sentence.words.push(Word { text: "lol".into(), after_mark: true });
                after_mark = true;
            }
            _ => after_mark = true,
        }
        at += 1;
    }
    sentences.push(sentence);
    sentences
}

fn is_sign(c: char) -> bool {
    matches!(c, '@' | '$' | '!' | '*' | '|')
}

/// Whether the mark at `at` belongs to the word around it.
fn inside(letters: &[char], at: usize, c: char) -> bool {
    let before = at > 0 && (letters[at - 1].is_alphanumeric() || is_sign(letters[at - 1]));
    let after = letters.get(at + 1).copied();
    match c {
        '\'' => before && after.is_some_and(char::is_alphanumeric),
        '.' | ',' | ':' => {
            at > 0 && letters[at - 1].is_ascii_digit() && after.is_some_and(|c| c.is_ascii_digit())
        }
        '&' | '+' => at > 0 && letters[at - 1] == 'a' && after == Some('e'),
        c if is_sign(c) => before && after.is_some_and(|c| c.is_alphanumeric() || (is_sign(c) && c != '!')),
        _ => false,
    }
}

/// Word by word, then neighbours that belong together.
fn repair(raw: Vec<Word>) -> Vec<Word> {
    let raw = gather_spaced(raw);
    let mut words: Vec<Word> = Vec::with_capacity(raw.len() + 4);
    for (i, word) in raw.iter().enumerate() {
        let next = raw.get(i + 1).map(|word| word.text.as_str());
        let previous = words.last().map(|word| word.text.clone());
        let first = words.len();
        spell(&word.text, previous.as_deref(), next, word.after_mark, &mut |text: &str| {
            words.push(Word { text: text.into(), after_mark: false });
        });
        if let Some(word_out) = words.get_mut(first) {
            word_out.after_mark = word.after_mark;
        }
    }
    join(words)
}

/// Letters set apart ("s u i c i d e") become the words they spell, where they spell any.
fn gather_spaced(raw: Vec<Word>) -> Vec<Word> {
    let single = |word: &Word| word.text.chars().nth(1).is_none();
    if raw.windows(3).all(|three| !three.iter().all(single)) {
        return raw;
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let run = raw[at..].iter().take_while(|word| single(word)).count();
        if (3..=LONGEST_WORD).contains(&run) {
            let joined: String = raw[at..at + run].iter().map(|word| word.text.as_str()).collect();
            let spelt = segments(&unleet(&joined));
            if spelt.iter().any(|word| KEY.contains(word.as_str())) {
                let mark = raw[at].after_mark;
                out.extend(
                    spelt.into_iter().enumerate().map(|(i, text)| Word { text, after_mark: mark && i == 0 }),
                );
                at += run;
                continue;
            }
        }
        let keep = run.max(1);
        out.extend_from_slice(&raw[at..at + keep]);
        at += keep;
    }
    out
}

/// Gives `word` in plain spelling, as one word or several.
fn spell(word: &str, before: Option<&str>, next: Option<&str>, opens: bool, out: &mut impl FnMut(&str)) {
    if word.len() > LONGEST_WORD {
        return out(word);
    }
    if word.bytes().any(|b| !b.is_ascii_lowercase() && b != b'\'') {
        let plain = unleet(word);
        let disguised = (plain != word || word.contains('*')) && word.chars().any(char::is_alphabetic);
        if disguised && let Some(key) = known(&plain).or_else(|| starred(word)) {
            return contract(&key, out);
        }
        if word.chars().any(is_sign) {
            return word.split(is_sign).filter(|part| !part.is_empty()).for_each(|part| contract(part, out));
        }
        if CONTRACTED.contains_key(word) {
            return contract(word, out);
        }
        if word.starts_with(|c: char| c.is_ascii_digit()) && !word.ends_with(|c: char| c.is_ascii_digit()) {
            let digits = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
            let (number, unit) = word.split_at(digits);
            out(number);
            if !unit.is_empty() {
                contract(unit, out);
            }
            return;
        }
    }
    let verb_before = before.is_some_and(|before| {
        matches!(before, "want" | "going" | "need" | "have" | "like" | "ready" | "used")
    });
    if word == "2"
        && verb_before
        && next.is_some_and(|next| next.starts_with(|c: char| c.is_ascii_lowercase()))
    {
        return out("to");
    }
    if word == "ill" && next.is_some_and(wants_a_verb) && (opens || before.is_some_and(opens_a_clause)) {
        return "i will".split(' ').for_each(out);
    }
    if word == "am" && opens && next != Some("i") {
        return "i am".split(' ').for_each(out);
    }
    let Some(stem) = word.strip_suffix("'s").or_else(|| word.strip_suffix("s'")) else {
        return contract(word, out);
    };
    if CONTRACTED.contains_key(word) {
        return contract(word, out);
    }
    contract(stem, out);
    if word.ends_with("'s") && next.is_some_and(follows_is) {
        out("is");
    }
}

/// "ill" before these is "I'll".
fn wants_a_verb(next: &str) -> bool {
    matches!(
        next,
        "kill"
            | "end"
            | "do"
            | "jump"
            | "take"
            | "the"
            | "just"
            | "be"
            | "go"
            | "hurt"
            | "cut"
            | "hang"
            | "drive"
            | "never"
            | "probably"
            | "definitely"
            | "finish"
            | "die"
            | "have"
            | "stab"
            | "make"
            | "get"
    )
}

/// A noun with "'s" before these is a noun and "is", not a possessive.
fn follows_is(next: &str) -> bool {
    (next.len() > 4 && next.ends_with("ing"))
        || matches!(
            next,
            "just"
                | "not"
                | "got"
                | "been"
                | "here"
                | "outside"
                | "so"
                | "very"
                | "really"
                | "always"
                | "on"
                | "in"
                | "at"
                | "a"
                | "the"
                | "my"
                | "what"
                | "when"
                | "where"
                | "how"
                | "suicidal"
                | "violent"
                | "drunk"
                | "dead"
                | "collapsed"
                | "still"
                | "back"
                | "now"
                | "taken"
                | "gone"
        )
}

fn opens_a_clause(before: &str) -> bool {
    matches!(
        before,
        "and"
            | "so"
            | "then"
            | "think"
            | "maybe"
            | "or"
            | "but"
            | "tonight"
            | "if"
            | "that"
            | "where"
            | "what"
            | "how"
            | "when"
    )
}

/// Verbs that lean on the word before them ("everybody'd").
const VERB_ENDINGS: [(&str, &str); 4] = [("'d", "would"), ("'ll", "will"), ("'ve", "have"), ("'re", "are")];

/// Contractions, misspellings, drawn-out letters and words run together.
fn contract(word: &str, out: &mut impl FnMut(&str)) {
    let lookup = |word: &str| CONTRACTED.get(word).copied();
    let shrunk;
    let mut word = word;
    if has_run(word) {
        let (one, two) = (shrink(word, 1), shrink(word, 2));
        shrunk = if known_plain(&two) || !known_plain(&one) { two } else { one };
        word = &shrunk;
    }
    if let Some(full) = lookup(word) {
        return full.split(' ').for_each(out);
    }
    let bare: String;
    if word.contains('\'') {
        bare = word.replace('\'', "");
        if let Some(full) = lookup(&bare) {
            return full.split(' ').for_each(out);
        }
        if let Some(stem) = bare.strip_suffix("nt").filter(|stem| stem.len() > 2) {
            out(stem);
            return out("not");
        }
        let verb = |(ending, verb)| Some((word.strip_suffix(ending)?, verb));
        if let Some((stem, verb)) = VERB_ENDINGS.into_iter().find_map(verb) {
            contract(stem, out);
            return out(verb);
        }
        word = &bare;
    }
    if let Some(ing) = ENDINGS_IN.iter().find(|ing| ing.strip_suffix('g') == Some(word)) {
        return out(ing);
    }
    if KEY.contains(word) || SEGMENT.contains(word) {
        return out(word);
    }
    if let Some(near) = near(word) {
        return out(near);
    }
    if word.len() >= 7 && word.is_ascii() && !NEAR_BUT_NOT.contains(&word) {
        let parts = segments(word);
        if parts.len() > 1 && parts.iter().any(|part| KEY.contains(part.as_str())) {
            return parts.iter().for_each(|part| out(part));
        }
    }
    match mend(word) {
        Some(mended) => out(&mended),
        None => out(word),
    }
}

fn known_plain(word: &str) -> bool {
    SEGMENT.contains(word) || CONTRACTED.contains_key(word)
}

fn known(plain: &str) -> Option<String> {
    let shrunk = shrink(plain, 2);
    if KEY.contains(shrunk.as_str()) {
        return Some(shrunk);
    }
    let alt = plain.replace('1', "l");
    near(&shrunk).map(str::to_owned).or_else(|| KEY.contains(alt.as_str()).then_some(alt)).or_else(|| {
        let parts = segments(&shrunk);
        (parts.len() > 1 && parts.iter().any(|part| KEY.contains(part.as_str()))).then(|| parts.concat())
    })
}

/// Figures and signs as the letters they stand for.
fn unleet(word: &str) -> String {
    word.chars()
        .map(|c| match c {
            '0' => 'o',
            '1' | '!' | '|' => 'i',
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            c => c,
        })
        .collect()
}

/// A key word with some letters hidden behind stars: "su*cide", "k**l".
fn starred(word: &str) -> Option<String> {
    let letters: Vec<char> = word.chars().collect();
    let stars = letters.iter().filter(|c| **c == '*').count();
    if stars == 0 || stars * 2 > letters.len() || letters.len() < 3 {
        return None;
    }
    let fits = |key: &&&str| {
        key.len() == letters.len() && key.chars().zip(&letters).all(|(k, c)| *c == '*' || k == *c)
    };
    KEYS.iter().find(fits).map(|key| (*key).to_owned())
}

fn has_run(word: &str) -> bool {
    word.as_bytes().windows(3).any(|three| three[0] == three[1] && three[1] == three[2])
}

/// Runs of three or more of a letter cut to `most`.
fn shrink(word: &str, most: usize) -> String {
    let letters: Vec<char> = word.chars().collect();
    let mut out = String::with_capacity(word.len());
    for run in letters.chunk_by(|a, b| a == b) {
        let keep = if run.len() >= 3 { most } else { run.len() };
        out.extend(&run[..keep]);
    }
    out
}

/// The word of [`NEAR`] that `word` misspells: same first letter, one slip, or two in a long word.
/// Of several the one with the fewest slips, and of these the first.
fn near(word: &str) -> Option<&'static str> {
    let length = word.len();
    if !(5..=16).contains(&length) || !word.is_ascii() || is_english(word) || NEAR_BUT_NOT.contains(&word) {
        return None;
    }
    let slips_of = |key: &'static str| {
        let most = if key.len() >= 7 && (key.starts_with("suic") || key.starts_with("overdose"))
            || key.len() >= 10
        {
            2
        } else {
            1
        };
        if key.as_bytes()[0] != word.as_bytes()[0] || key.len().abs_diff(length) > most {
            return None;
        }
        let slips = strsim::osa_distance(key, word);
        (slips <= most).then_some((slips, key))
    };
    NEAR.iter().filter_map(|key| slips_of(key)).min_by_key(|(slips, _)| *slips).map(|(_, key)| key)
}

/// `word` as known words run together, the longest first; empty when it is not.
fn segments(word: &str) -> Vec<String> {
    if !word.is_ascii() || word.len() > LONGEST_WORD {
        return vec![];
    }
    // best[i]: where the last word begins of a reading of the first i letters, with fewest words.
    let mut best: Vec<Option<(usize, usize)>> = vec![None; word.len() + 1];
    best[0] = Some((0, 0));
    for end in 1..=word.len() {
        for start in end.saturating_sub(13)..end {
            let Some((count, _)) = best[start] else { continue };
            let better = best[end].is_none_or(|(so_far, _)| count + 1 < so_far);
            if better && SEGMENT.contains(&word[start..end]) {
                best[end] = Some((count + 1, start));
            }
        }
    }
    let mut parts = vec![];
    let mut end = word.len();
    while end > 0 {
        let Some((_, start)) = best[end] else { return vec![] };
        parts.push(word[start..end].to_owned());
        end = start;
    }
    parts.reverse();
    parts
}

/// Neighbours that are one word ("my self", "over dose", "any more").
fn join(words: Vec<Word>) -> Vec<Word> {
    if !words.iter().any(|word| JOIN_FIRST.contains(word.text.as_str())) {
        return words;
    }
    let mut out: Vec<Word> = Vec::with_capacity(words.len());
    let mut pair = String::new();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        if let Some(last) = out.last_mut().filter(|last| JOIN_FIRST.contains(last.text.as_str())) {
            pair.clear();
            pair.push_str(&last.text);
            pair.push(' ');
            pair.push_str(&word.text);
            // "my self harm" is "my" and "self-harm".
            let another = word.text == "self" && words.peek().is_some_and(|next| follows_self(&next.text));
            if let Some(whole) = JOINABLE.get(pair.as_str()).filter(|_| !another) {
                (*whole).clone_into(&mut last.text);
                continue;
            }
        }
        out.push(word);
    }
    out
}

fn follows_self(next: &str) -> bool {
    ["harm", "injur", "esteem", "care", "help", "refer", "medicat", "worth"]
        .iter()
        .any(|stem| next.starts_with(stem))
}
