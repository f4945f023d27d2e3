//! A message as words: folded, with the place of each in the message and what stands before it.

use unicode_normalization::char::decompose_compatible;

/// Longer words are cut here for comparison; no phrase is this long.
const LONGEST_WORD: usize = 40;

/// What separates a word from the one before it. The strongest mark in between counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sep {
    /// Nothing: "8" and "pm" of "8pm".
    Joined,
    /// A point, colon, hyphen or slash without spaces, as in "2.30", "14:00", "8-10", "open/closed".
    Dot,
    Colon,
    Slash,
    Hyphen,
    Space,
    /// A comma, semicolon or bracket.
    Comma,
    /// A dash with spaces around it.
    Dash,
    /// The end of a sentence or line, or the start of the text.
    Sentence,
}

/// One word of a message. No `Debug`: it is somebody's.
#[derive(Clone)]
pub(super) struct Token {
    /// Lower case, without accents and apostrophes, short forms written out.
    pub word: String,
    /// Bytes of the message it came from.
    pub start: usize,
    pub end: usize,
    pub before: Sep,
    /// Stands in a sentence that ends with a question mark.
    pub asked: bool,
    /// The word without its ending 's: "husband" of "husband's".
    pub bare: Option<String>,
    /// Was written with a capital letter.
    pub capital: bool,
}

impl Token {
    pub(super) fn is(&self, words: &[&str]) -> bool {
        words.contains(&self.word.as_str())
    }

    pub(super) fn is_digits(&self) -> bool {
        self.word.as_bytes().first().is_some_and(u8::is_ascii_digit)
    }
}

/// Cuts a message into words.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut cutter = Cutter::default();
    for (at, c) in text.char_indices() {
        cutter.take(at, c);
    }
    cutter.flush(text.len());
    join_not(cutter.out)
}

/// Whether most of its letters are of another alphabet than the Latin one.
pub(super) fn is_in_another_script(text: &str) -> bool {
    let letters = || text.chars().filter(|c| c.is_alphabetic());
    // Letters with accents and the like stand before Greek; compatible forms after everything else.
    let other = letters().filter(|c| matches!(c, '\u{370}'..='\u{1dff}' | '\u{2c00}'..='\u{fdff}')).count();
    other * 2 > letters().count()
}

/// The words of the message from one token to another, as written.
pub(super) fn words_of<'t>(text: &'t str, tokens: &[Token], first: usize, last: usize) -> &'t str {
    match (tokens.get(first), tokens.get(last)) {
        (Some(a), Some(b)) => text.get(a.start..b.end).unwrap_or_default(),
        _ => "",
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Digit,
}

#[derive(Default)]
struct Cutter {
    out: Vec<Token>,
    word: String,
    start: usize,
    class: Option<Class>,
    capital: bool,
    apostrophe: bool,
    /// Marks since the last word.
    marks: Marks,
    sentence_from: usize,
}

#[derive(Default, Clone, Copy)]
struct Marks {
    spaces: bool,
    mark: Option<char>,
    many: bool,
    end: bool,
}

impl Cutter {
    fn take(&mut self, at: usize, c: char) {
        match c {
            'a'..='z' => self.push(at, c, Class::Letter),
            'A'..='Z' => {
                self.capital |= self.class.is_none();
                self.push(at, c.to_ascii_lowercase(), Class::Letter);
            }
            '0'..='9' => self.push(at, c, Class::Digit),
            '\'' | '\u{2019}' | '\u{2018}' | '`' | '\u{b4}' | '\u{2bc}' => {
                if self.class == Some(Class::Letter) {
                    self.apostrophe = true;
                } else {
                    self.flush(at);
                }
            }
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'
            | '\u{feff}'
            | '\u{ad}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{1f3fb}'..='\u{1f3ff}' => {}
            '&' => self.lone(at, c, "and"),
            '£' | '$' | '€' => self.lone(at, c, "pounds"),
            '%' => self.lone(at, c, "percent"),
            '\u{1f44d}' | '\u{2705}' => self.lone(at, c, "thumbsup"),
            '\u{1f44e}' => self.lone(at, c, "thumbsdown"),
            '@' => self.lone(at, c, "at"),
            _ => self.other(at, c),
        }
    }

    fn other(&mut self, at: usize, c: char) {
        if c.is_alphanumeric() {
            decompose_compatible(c, |part| {
                for low in part.to_lowercase() {
                    if low.is_ascii_digit() {
                        self.push(at, low, Class::Digit);
                    } else if low.is_alphanumeric() {
                        self.push(at, low, Class::Letter);
                    }
                }
            });
            return;
        }
        self.flush(at);
        match c {
            '\n' | '\r' => self.marks.end = true,
            '.' | '!' | '\u{2026}' => {
                self.marks.many |= self.marks.mark.is_some();
                self.marks.mark = Some('.');
            }
            '?' | '\u{61f}' => {
                for token in &mut self.out[self.sentence_from..] {
                    token.asked = true;
                }
                self.marks.mark = Some('?');
                self.marks.end = true;
            }
            '-' | '\u{2010}'..='\u{2015}' | '~' | '\u{2212}' => {
                self.marks.many |= self.marks.mark.is_some();
                self.marks.mark = Some('-');
            }
            ':' | '/' => self.marks.mark = Some(c),
            c if c.is_whitespace() || c.is_control() => self.marks.spaces = true,
            _ => self.marks.mark = Some(','),
        }
    }

    fn push(&mut self, at: usize, c: char, class: Class) {
        if self.class.is_some_and(|now| now != class) {
            self.flush(at);
        }
        if self.class.is_none() {
            self.start = at;
            self.class = Some(class);
        }
        if self.word.len() < LONGEST_WORD && !ends_in_two(&self.word, c, class) {
            self.word.push(c);
        }
    }

    fn lone(&mut self, at: usize, c: char, word: &str) {
        self.flush(at);
        let before = self.separator(false);
        self.emit(word, at, at + c.len_utf8(), before);
    }

    fn flush(&mut self, end: usize) {
        let Some(class) = self.class.take() else { return };
        let mut word = std::mem::take(&mut self.word);
        let apostrophe = std::mem::take(&mut self.apostrophe);
        let before = self.separator(class == Class::Digit || word.len() == 1);
        let start = self.start;
        let (first, second) = fold(&word, apostrophe);
        self.emit(first, start, end, before);
        if apostrophe
            && second.is_none()
            && first.len() > 3
            && let (Some(bare), Some(last)) = (first.strip_suffix('s'), self.out.last_mut())
        {
            last.bare = Some(bare.to_owned());
        }
        if let Some(second) = second {
            self.emit(second, start, end, Sep::Space);
        }
        word.clear();
        self.word = word;
        self.capital = false;
    }

    fn emit(&mut self, word: &str, start: usize, end: usize, before: Sep) {
        if before == Sep::Sentence {
            self.sentence_from = self.out.len();
        }
        let token = Token {
            word: word.to_owned(),
            start,
            end,
            before,
            asked: false,
            bare: None,
            capital: self.capital,
        };
        self.out.push(token);
        self.marks = Marks::default();
    }

    /// `tight`: a point right before this word may belong to it ("2.30", "a.m.").
    fn separator(&self, tight: bool) -> Sep {
        let Marks { spaces, mark, many, end } = self.marks;
        let Some(last) = self.out.last() else { return Sep::Sentence };
        if end {
            return Sep::Sentence;
        }
        match mark {
            None if spaces => Sep::Space,
            None => Sep::Joined,
            Some('.') if tight && !spaces && !many && (last.is_digits() || last.word.len() == 1) => Sep::Dot,
            Some('.' | '?') => Sep::Sentence,
            Some('-') if spaces || many => Sep::Dash,
            Some(_) if spaces || many => Sep::Comma,
            Some(':') => Sep::Colon,
            Some('/') => Sep::Slash,
            Some('-') => Sep::Hyphen,
            Some(_) => Sep::Comma,
        }
    }
}

/// Three and more of one letter are written as two ("sooooo").
fn ends_in_two(word: &str, c: char, class: Class) -> bool {
    let mut back = word.chars().rev();
    class == Class::Letter && back.next() == Some(c) && back.next() == Some(c)
}

/// Writes short forms out. Some only with their apostrophe: "ill" and "were" are words too.
fn fold(word: &str, apostrophe: bool) -> (&str, Option<&str>) {
    if apostrophe {
        match word {
            "ill" => return ("i", Some("will")),
            "id" => return ("i", Some("would")),
            "were" => return ("we", Some("are")),
            "well" => return ("we", Some("will")),
            "wed" => return ("we", Some("would")),
            "hed" => return ("he", Some("would")),
            "shed" => return ("she", Some("would")),
            "hell" => return ("he", Some("will")),
            "shell" => return ("she", Some("will")),
            _ => {}
        }
    }
    match word {
        "im" => ("i", Some("am")),
        "ive" => ("i", Some("have")),
        "weve" => ("we", Some("have")),
        "youre" => ("you", Some("are")),
        "theyre" => ("they", Some("are")),
        "theres" => ("there", Some("is")),
        "whats" => ("what", Some("is")),
        "whos" => ("who", Some("is")),
        "hes" => ("he", Some("is")),
        "shes" => ("she", Some("is")),
        "cannot" | "carnt" | "cnt" => ("cant", None),
        "gonna" => ("going", Some("to")),
        "wanna" => ("want", Some("to")),
        "gotta" => ("got", Some("to")),
        "u" => ("you", None),
        "ur" => ("your", None),
        "pls" | "plz" | "pleez" => ("please", None),
        "thx" | "thanx" | "tks" => ("thanks", None),
        "cos" | "cuz" | "bc" | "cause" | "coz" => ("because", None),
        "sumone" | "sumwun" => ("someone", None),
        "grp" => ("group", None),
        "cn" => ("can", None),
        "clsd" => ("closed", None),
        "wkly" => ("weekly", None),
        "mthly" => ("monthly", None),
        "nrs" | "nrses" => ("nurses", None),
        "mgr" => ("manager", None),
        "mgrs" => ("managers", None),
        "ppl" | "peeps" => ("people", None),
        "wk" => ("week", None),
        "wks" => ("weeks", None),
        "mom" | "mam" | "mother" | "mummy" => ("mum", None),
        "moms" | "mams" | "mothers" => ("mums", None),
        "father" | "daddy" => ("dad", None),
        "fathers" => ("dads", None),
        "behavior" => ("behaviour", None),
        "colour" => ("color", None),
        "center" => ("centre", None),
        "dont" | "dnt" => ("dont", None),
        "dosent" | "dosnt" | "doesent" | "dosen" => ("doesnt", None),
        "aint" => ("isnt", None),
        "rly" => ("really", None),
        "tho" => ("though", None),
        "favor" => ("favour", None),
        "w" => ("with", None),
        other => (other, None),
    }
}

/// "do not" is "dont", "can not" is "cant": one way to write what is meant.
fn join_not(tokens: Vec<Token>) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        if token.word == "not"
            && token.before == Sep::Space
            && let Some(last) = out.last_mut()
            && let Some(joined) = with_not(&last.word)
        {
            joined.clone_into(&mut last.word);
            last.end = token.end;
            continue;
        }
        // "sum1", "any1".
        if token.word == "1"
            && token.before == Sep::Joined
            && let Some(last) = out.last_mut()
            && let Some(whole) = with_one(&last.word)
        {
            whole.clone_into(&mut last.word);
            last.end = token.end;
            continue;
        }
        if token.word == "m"
            && token.before == Sep::Dot
            && let Some(last) = out.last_mut()
            && last.is(&["a", "p"])
        {
            last.word.push('m');
            last.end = token.end;
            continue;
        }
        out.push(token);
    }
    out
}

fn with_one(word: &str) -> Option<&'static str> {
    Some(match word {
        "some" | "sum" => "someone",
        "any" => "anyone",
        "every" => "everyone",
        "no" => "noone",
        _ => return None,
    })
}

fn with_not(word: &str) -> Option<&'static str> {
    Some(match word {
        "do" => "dont",
        "does" => "doesnt",
        "did" => "didnt",
        "can" => "cant",
        "could" => "couldnt",
        "is" => "isnt",
        "are" => "arent",
        "was" => "wasnt",
        "will" => "wont",
        "would" => "wouldnt",
        "have" => "havent",
        "has" => "hasnt",
        "should" => "shouldnt",
        _ => return None,
    })
}
