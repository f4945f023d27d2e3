//! What stands in a message, and which of it is meant: not asked, not denied, not taken back.

use super::{Mark, Words};
use crate::understanding::{
    meaning::Setting,
    question,
    text::{Sep, Token},
};

/// A message with its marks.
pub(crate) struct Said<'a> {
    pub words: &'a Words,
    pub tokens: &'a [Token],
    pub step: Option<&'a str>,
    /// For each token the mark that begins there, with its last token.
    marks: Vec<Option<(Mark, usize)>>,
    /// For each token whether a mark covers it.
    covered: Vec<bool>,
    asked: Vec<bool>,
    /// Tokens after which what was said before no longer counts.
    turns: Vec<usize>,
}

impl<'a> Said<'a> {
    pub(crate) fn new(words: &'a Words, tokens: &'a [Token], step: Option<&'a str>) -> Self {
        let mut marks = vec![None; tokens.len()];
        let mut covered = vec![false; tokens.len()];
        for (mark, first, last) in words.marks(tokens) {
            // Of two that begin together, an outline and the staff it names, the longer comes first.
            marks[first] = marks[first].or(Some((mark, last)));
            covered[first..=last].fill(true);
        }
        for at in (0..tokens.len()).filter(|&at| names_teams(tokens, at)) {
            if !covered[at] {
                marks[at] = Some((Mark::Setting(Setting::Virtual), at));
                covered[at] = true;
            }
        }
        for at in 1..tokens.len() {
            let of_clock =
                tokens[at - 1].is_digits() && matches!(tokens[at - 1].before, Sep::Colon | Sep::Dot);
            let when = of_clock
                || tokens[at - 1].is(&["am", "pm"])
                || (at > 2 && tokens[at - 2].is(&["past"]))
                || marks[..at].iter().flatten().any(|(mark, last)| last + 1 == at && is_when(*mark));
            if when
                && let Some(last) =
                    on_the_ward(tokens, at).filter(|last| !covered[at..=*last].contains(&true))
            {
                marks[at] = Some((Mark::Setting(Setting::OnSite), last));
                covered[at..=last].fill(true);
            }
        }
        let mut asked = vec![false; tokens.len()];
        for sentence in question::sentences(tokens) {
            if let Some(from) = question::asked_from(&tokens[sentence.clone()]) {
                asked[sentence.start + from..sentence.end].fill(true);
            }
        }
        let turns = (1..tokens.len()).filter(|&at| turns_at(tokens, at)).collect();
        Self { words, tokens, step, marks, covered, asked, turns }
    }

    pub(crate) fn mark(&self, at: usize) -> Option<Mark> {
        self.marks.get(at).copied().flatten().map(|(mark, _)| mark)
    }

    /// The last token of the mark that begins at a token.
    pub(crate) fn mark_end(&self, at: usize) -> usize {
        self.marks.get(at).copied().flatten().map_or(at, |(_, last)| last)
    }

    pub(crate) fn is_covered(&self, at: usize) -> bool {
        self.covered.get(at).copied().unwrap_or_default()
    }

    pub(crate) fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.word.as_str())
    }

    pub(crate) fn is(&self, at: usize, words: &[&str]) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(words))
    }

    /// The token before, within the same part of a sentence.
    pub(crate) fn before(&self, at: usize) -> Option<usize> {
        let token = self.tokens.get(at)?;
        (at > 0 && token.before < Sep::Comma).then(|| at - 1)
    }

    /// The token after, within the same part of a sentence.
    pub(crate) fn after(&self, at: usize) -> Option<usize> {
        self.tokens.get(at + 1).filter(|token| token.before < Sep::Comma).map(|_| at + 1)
    }

    /// Neither asked nor denied.
    pub(crate) fn counts(&self, at: usize) -> bool {
        !self.asked.get(at).copied().unwrap_or_default() && !self.is_denied(at)
    }

    /// Denied or refused, and not asked about.
    pub(crate) fn is_ruled_out(&self, at: usize) -> bool {
        !self.asked.get(at).copied().unwrap_or_default() && (self.is_denied(at) || self.is_refused(at))
    }

    /// What some marks stand for, where it counts, in order.
    pub(crate) fn marked<T>(&self, pick: impl Fn(Mark) -> Option<T>) -> Vec<(usize, T)> {
        (0..self.tokens.len())
            .filter_map(|at| Some((at, pick(self.mark(at)?)?)))
            .filter(|(at, _)| self.counts(*at) && !self.is_refused(*at))
            .collect()
    }

    /// The one value that some marks agree on.
    pub(crate) fn only<T: PartialEq + Copy>(&self, pick: impl Fn(Mark) -> Option<T>) -> Option<T> {
        self.one_of(self.marked(pick))
    }

    pub(crate) fn one_of<T: PartialEq + Copy>(&self, found: Vec<(usize, T)>) -> Option<T> {
        let kept = self.not_taken_back(found);
        let (_, first) = kept.first()?;
        kept.iter().all(|(_, other)| other == first).then_some(*first)
    }

    /// Leaves out what a later "no wait, ..." or "actually ..." replaced.
    pub(crate) fn not_taken_back<T>(&self, mut found: Vec<(usize, T)>) -> Vec<(usize, T)> {
        for &turn in self.turns.iter().rev() {
            if found.iter().any(|(at, _)| *at >= turn) {
                found.retain(|(at, _)| *at >= turn);
                break;
            }
        }
        found
    }

    /// The person speaks of their own role: "I'm a nurse", "as a matron".
    pub(crate) fn of_oneself(&self, at: usize) -> bool {
        let mut here = at;
        for _ in 0..6 {
            let Some(before) = self.tokens.get(here).filter(|token| token.before <= Sep::Comma && here > 0)
            else {
                return false;
            };
            let comma = before.before == Sep::Comma;
            here -= 1;
            if self.is(here, &["am", "as", "name"]) && !comma {
                return self.is(here, &["name"])
                    || self.is(here + 1, &["a", "an", "the", "one", "one"])
                    || (self.word(here) == "am" && self.tokens[here + 1].capital)
                    || (self.word(here) == "am" && here + 1 == at);
            }
            if self.is(here, &["for", "with", "of", "my", "our", "and", "group"]) {
                return false;
            }
        }
        false
    }

    /// "not weekly", "instead of Tuesday", "we can't do Mondays", "any day but Friday".
    pub(crate) fn is_denied(&self, at: usize) -> bool {
        const DENY: &[&str] = &[
            "not",
            "isnt",
            "arent",
            "wasnt",
            "werent",
            "cant",
            "dont",
            "wont",
            "never",
            "without",
            "avoid",
            "except",
            "excluding",
            "no",
            "doesnt",
            "nor",
            "neither",
            "didnt",
            "cannot",
            "besides",
            "couldnt",
        ];
        const BETWEEN: &[&str] = &[
            "on", "a", "an", "the", "do", "want", "have", "it", "to", "be", "make", "any", "work", "at",
            "in", "by", "via", "need", "for", "us", "doing", "of", "as", "just", "really", "too", "about",
            "from", "with", "run", "meet", "manage", "using", "use", "like", "over", "being", "group",
            "over", "going", "say", "mean", "meant", "fancy", "early",
        ];
        if self.is_scrapped(at) {
            return true;
        }
        let mut here = at;
        for _ in 0..6 {
            let Some(before) = self.before(here) else { return false };
            here = before;
            if self.is(here, DENY) {
                return !self.is(here + 1, &["only", "just", "sure", "mind", "bothered", "wait"]);
            }
            // "we're off on Mondays"
            if self.is(here, &["off", "away"]) && self.mark(at).is_some_and(is_day) {
                return true;
            }
            let other = self.before(here);
            if self.is(here, &["of"]) && other.is_some_and(|b| self.is(b, &["instead"])) {
                return true;
            }
            if self.is(here, &["than"]) && other.is_some_and(|b| self.is(b, &["rather"])) {
                return true;
            }
            if self.is(here, &["from"]) && other.is_some_and(|b| self.is(b, &["apart", "aside"])) {
                return true;
            }
            if self.is(here, &["longer"]) && other.is_some_and(|b| self.is(b, &["no"])) {
                return true;
            }
            let alternative = self.is(here, &["or", "and", "nor"]) || self.mark(here).is_some_and(is_day);
            if !(self.is(here, BETWEEN) || (alternative && self.mark(at).is_some_and(is_day))) {
                return false;
            }
            // "not Monday and Tuesday is fine" is rare; "not Monday or Tuesday" is not.
        }
        false
    }

    /// "scrap the Tuesday", "forget Zoom".
    fn is_scrapped(&self, at: usize) -> bool {
        let before = self.before(at);
        let before = before.filter(|b| !self.is(*b, &["the", "that", "on"])).or_else(|| self.before(before?));
        before.is_some_and(|before| self.is(before, &["scrap", "forget", "ditch", "bin", "cancel"]))
    }

    /// "Mondays don't work", "Fridays are out".
    fn is_refused(&self, at: usize) -> bool {
        let mut next = self.mark_end(at);
        for _ in 0..2 {
            let Some(after) = self.after(next) else { return false };
            next = after;
            if self.is(next, &["dont", "doesnt", "wont", "isnt", "arent", "cant"]) {
                return self.is(
                    next + 1,
                    &["work", "suit", "good", "possible", "great", "be", "do", "ideal", "happen", "any"],
                );
            }
            if self.is(next, &["no", "not"]) {
                return self.is(next + 1, &["good", "possible", "great", "ideal"]);
            }
            if self
                .is(next, &["out", "off", "impossible", "difficult", "hard", "tricky", "awkward", "hopeless"])
            {
                return true;
            }
            if !self.is(next, &["are", "is", "would", "be", "s", "really", "just"]) {
                return false;
            }
        }
        false
    }
}

/// "Teams" is the program where it is written large within a sentence, or stands by itself.
fn names_teams(tokens: &[Token], at: usize) -> bool {
    let token = &tokens[at];
    if !token.is(&["teams"]) {
        return false;
    }
    let next = tokens.get(at + 1);
    let ends = next.is_none_or(|next| next.before >= Sep::Comma || next.is(&["or", "and", "please", "x"]));
    let after_time = at > 0 && (tokens[at - 1].is(&["am", "pm"]) || tokens[at - 1].is_digits());
    (token.capital && token.before != Sep::Sentence) || (token.before >= Sep::Comma && ends) || after_time
}

/// The last token of "on the ward", which after a day or a time says where to meet.
fn on_the_ward(tokens: &[Token], at: usize) -> Option<usize> {
    let is = |at: usize, words: &[&str]| tokens.get(at).is_some_and(|t| t.before < Sep::Comma && t.is(words));
    let ward = at + 1 + usize::from(is(at + 1, &["the", "our"]));
    (is(at, &["on", "at"]) && is(ward, &["ward", "unit", "department"])).then_some(ward)
}

fn is_when(mark: Mark) -> bool {
    is_day(mark) || matches!(mark, Mark::Part(_) | Mark::Frequency(_))
}

fn is_day(mark: Mark) -> bool {
    matches!(mark, Mark::Day(_) | Mark::Weekdays | Mark::Weekend)
}

/// Whether what stands from here on replaces what stood before.
fn turns_at(tokens: &[Token], at: usize) -> bool {
    let token = &tokens[at];
    let next = |words: &[&str]| tokens.get(at + 1).is_some_and(|next| next.is(words));
    let earlier = |words: &[&str], far: usize| tokens[at.saturating_sub(far)..at].iter().any(|t| t.is(words));
    match token.word.as_str() {
        "actually" | "sorry" | "scrap" | "oops" | "correction" | "whoops" => true,
        // "changed my mind about closed" speaks of what was before.
        "changed" => !tokens.get(at + 3).is_some_and(|about| about.is(&["about", "on"])),
        "wait" => token.before >= Sep::Comma || earlier(&["no", "oh", "hang", "actually"], 2),
        "i" => next(&["mean", "meant"]),
        "make" => next(&["that", "it"]),
        "rather" => earlier(&["or"], 1),
        "no" => {
            token.before >= Sep::Comma
                && !next(&["more", "fewer", "less", "later", "managers", "preference", "one"])
        }
        "now" => token.before >= Sep::Comma || earlier(&["is", "its", "are", "but"], 1),
        "well" => token.before >= Sep::Comma && tokens.get(at + 1).is_some_and(Token::is_digits),
        "to" | "for" | "with" => {
            earlier(&["change", "changed", "switch", "move", "swap", "changing", "switching", "moving"], 6)
        }
        "but" => {
            tokens[at + 1..].iter().take(3).any(Token::is_digits)
                || earlier(&["said", "put", "told", "asked", "wanted", "had"], 8)
                || tokens[at..].iter().take(12).any(|t| t.is(&["instead"]))
        }
        _ => false,
    }
}
