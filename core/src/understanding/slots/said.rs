//! What stands in a message, and which of it is meant: not asked, not denied, not taken back.

use super::{Mark, Words, asked, numbers};
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
    /// All marks, each with its first token.
    all: Vec<(usize, Mark)>,
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
        let mut all = Vec::new();
        for (mark, first, last) in words.marks(tokens) {
            all.push((first, mark));
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
        for at in (1..tokens.len()).filter(|&at| names_it_staff(tokens, at)) {
            if !covered[at] {
                marks[at] = words.role("admin").map(|role| (Mark::Role(role), at));
                covered[at] = true;
            }
        }
        // By itself a room only says where if it was asked.
        let where_asked = step == Some("setting");
        for (first, last) in rooms_alone(words, tokens)
            .into_iter()
            .filter(|(first, last)| where_asked || last - first + 1 < tokens.len())
        {
            // "Staff room" is a place where "staff" is people.
            marks[first] = Some((Mark::Setting(Setting::OnSite), last));
            covered[first..=last].fill(true);
        }
        for at in 0..tokens.len() {
            let Some(last) =
                on_the_ward(words, tokens, at).filter(|last| !covered[at..=*last].contains(&true))
            else {
                continue;
            };
            let before = at.checked_sub(1).map(|before| &tokens[before]);
            let after_when = tokens[at].before <= Sep::Comma
                && before.is_some_and(|before| {
                    let of_clock = before.is_digits() && matches!(before.before, Sep::Colon | Sep::Dot);
                    of_clock || before.is(&["am", "pm", "here"]) || (at > 2 && tokens[at - 2].is(&["past"]))
                });
            let mut whens = marks.iter().enumerate().filter_map(|(first, mark)| Some((first, (*mark)?)));
            // "Tuesdays on the ward", "on the ward, Tuesdays"
            let beside_when = whens.any(|(first, (mark, end))| {
                let before = end + 1 == at && tokens[at].before <= Sep::Comma;
                is_when(mark) && (before || (first == last + 1 && tokens[at].before >= Sep::Comma))
            });
            if after_when || beside_when {
                marks[at] = Some((Mark::Setting(Setting::OnSite), last));
                covered[at..=last].fill(true);
            }
        }
        let mut asked = vec![false; tokens.len()];
        for sentence in question::sentences(tokens) {
            if let Some(from) = asked::asked_from(&tokens[sentence.clone()]) {
                asked[sentence.start + from..sentence.end].fill(true);
            }
        }
        let turns = (1..tokens.len()).filter(|&at| turns_at(tokens, at)).collect();
        let own = marks.iter().enumerate().filter_map(|(at, mark)| Some((at, mark.as_ref()?.0)));
        all.extend(own.filter(|mark| !all.contains(mark)).collect::<Vec<_>>());
        all.sort_by_key(|(at, _)| *at);
        Self { words, tokens, step, marks, all, covered, asked, turns }
    }

    pub(crate) fn mark(&self, at: usize) -> Option<Mark> {
        self.marks.get(at).copied().flatten().map(|(mark, _)| mark)
    }

    /// The last token of the mark that begins at a token.
    pub(crate) fn mark_end(&self, at: usize) -> usize {
        self.marks.get(at).copied().flatten().map_or(at, |(_, last)| last)
    }

    /// Where the mark begins that ends at a token.
    pub(crate) fn ends_at(&self, last: usize) -> Option<usize> {
        (last.saturating_sub(6)..=last).rev().find(|&at| self.mark(at).is_some() && self.mark_end(at) == last)
    }

    pub(crate) fn is_covered(&self, at: usize) -> bool {
        self.covered.get(at).copied().unwrap_or_default()
    }

    pub(crate) fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.word.as_str())
    }

    pub(crate) fn is<W: AsRef<str>>(&self, at: usize, words: &[W]) -> bool {
        self.tokens.get(at).is_some_and(|token| words.iter().any(|word| word.as_ref() == token.word))
    }

    /// Whether some words stand one after the other from a token on.
    pub(crate) fn words_at(&self, at: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(offset, word)| self.is(at + offset, &[word]))
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

    pub(crate) fn is_asked(&self, at: usize) -> bool {
        self.asked.get(at).copied().unwrap_or_default()
    }

    /// Denied or refused, and not asked about.
    pub(crate) fn is_ruled_out(&self, at: usize) -> bool {
        !self.asked.get(at).copied().unwrap_or_default() && (self.is_denied(at) || self.is_refused(at))
    }

    /// What some marks stand for, where it counts, in order.
    pub(crate) fn marked<T>(&self, pick: impl Fn(Mark) -> Option<T>) -> Vec<(usize, T)> {
        self.all
            .iter()
            .filter_map(|(at, mark)| Some((*at, pick(*mark)?)))
            .filter(|(at, _)| self.counts(*at) && (self.names_people(*at) || !self.is_refused(*at)))
            .collect()
    }

    /// "My nurses can't do Mondays" refuses no nurses.
    fn names_people(&self, at: usize) -> bool {
        matches!(self.mark(at), Some(Mark::Role(_) | Mark::Staff(_) | Mark::People))
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
                    || (self.word(here) == "am" && here + 1 == at)
                    // "I'm in finance", and not "in finance trouble".
                    || (self.is(here + 1, &["in"]) && here + 2 == at && self.after(self.mark_end(at)).is_none());
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
            "over", "going", "say", "mean", "meant", "fancy", "early", "another", "more", "yet", "ever",
        ];
        if self.is_scrapped(at) {
            return true;
        }
        let mut here = at;
        for _ in 0..6 {
            let Some(before) = self.before(here) else { return false };
            here = before;
            // "six of us, no, seven": a new count.
            let counts = numbers::single(self.tokens, here + 1).is_some();
            if self.is(here, &["no"]) && counts && self.turns.contains(&here) {
                return false;
            }
            // "Actually no, closed": another answer.
            let turned = here > 0 && self.is(here - 1, &["actually", "wait", "sorry", "oh", "hmm", "oops"]);
            if self.is(here, &["no"]) && turned && here + 1 == at && self.mark(at).is_some_and(is_manner) {
                return false;
            }
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
            // "fortnightly suits us better than weekly"
            if self.is(here, &["than"])
                && self.mark(at).is_some_and(|mark| is_when(mark) || is_manner(mark))
                && !other.is_some_and(|b| self.is(b, &["later", "earlier"]))
            {
                return true;
            }
            // "we tried weekly before", "we had a virtual one last year"
            if self.is(here, &["tried", "had"])
                && self.mark(at).is_some_and(is_manner)
                && !other.is_some_and(|b| self.is(b, &["if", "only"]))
            {
                return true;
            }
            if self.is(here, &["from"]) && other.is_some_and(|b| self.is(b, &["apart", "aside"])) {
                return true;
            }
            if self.is(here, &["longer"]) && other.is_some_and(|b| self.is(b, &["no"])) {
                return true;
            }
            // "I've changed my mind about closed"
            if self.is(here, &["mind"]) && here > 1 && self.is(here - 2, &["changed"]) {
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
        self.is_refused_after(self.mark_end(at))
    }

    /// What stands after a token turns down what stands before: "won't do", "would be too much".
    pub(crate) fn is_refused_after(&self, last: usize) -> bool {
        let mut next = last;
        for _ in 0..4 {
            let Some(after) = self.after(next) else { return false };
            next = after;
            if self.is(next, &["dont", "doesnt", "wont", "isnt", "arent", "cant"]) {
                return self.is(
                    next + 1,
                    &[
                        "work", "suit", "good", "possible", "great", "be", "do", "ideal", "happen", "any",
                        "cut",
                    ],
                );
            }
            if self.is(next, &["no", "not"]) {
                return self.is(next + 1, &["good", "possible", "great", "ideal", "use", "go"]);
            }
            if self
                .is(next, &["out", "off", "impossible", "difficult", "hard", "tricky", "awkward", "hopeless"])
            {
                return true;
            }
            // "Saturdays and Sundays are no use"
            let another = self.is(next, &["and", "or"]) || self.mark(next).is_some_and(is_day);
            if another && self.ends_at(last).and_then(|at| self.mark(at)).is_some_and(is_day) {
                continue;
            }
            if self.is(next, &["too"]) {
                return self.is(next + 1, TOO);
            }
            if !self.is(
                next,
                &["are", "is", "would", "be", "s", "really", "just", "sounds", "seems", "feels", "might"],
            ) {
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

/// The last token of "on the ward", which beside a day or a time says where to meet.
fn on_the_ward(words: &Words, tokens: &[Token], at: usize) -> Option<usize> {
    let stands = |at: usize| tokens.get(at).filter(|token| token.before < Sep::Comma);
    let ward = at + 1 + usize::from(stands(at + 1).is_some_and(|token| token.is(&["the", "our"])));
    let is_ward = stands(ward).is_some_and(|token| words.wards.contains(&token.word));
    (tokens[at].is(&["on", "at"]) && is_ward).then_some(ward)
}

/// A room that is a part of a sentence by itself: "Tuesdays at 2, staff room".
fn rooms_alone(words: &Words, tokens: &[Token]) -> Vec<(usize, usize)> {
    let starts = |at: usize| tokens.get(at).is_none_or(|token| token.before >= Sep::Comma);
    let alone = |(at, last): (usize, usize)| {
        let article = at > 0 && !starts(at) && tokens[at - 1].is(&["the", "our"]);
        let first = at - usize::from(article);
        let ends = starts(last + 1) || tokens[last + 1].is(&["please", "ideally", "if"]);
        (starts(first) && ends).then_some((at, last))
    };
    words.rooms(tokens).filter_map(alone).collect()
}

/// "our IT lads", "two from IT": large in the middle of small letters, and said of a place of work.
fn names_it_staff(tokens: &[Token], at: usize) -> bool {
    const BEFORE: &[&str] = &["our", "my", "the", "from", "in", "of", "for", "and", "with"];
    let before = &tokens[at - 1];
    tokens[at].is(&["it"])
        && tokens[at].capital
        && tokens[at].before < Sep::Comma
        && !before.capital
        && (before.is(BEFORE)
            || tokens.get(at + 1).is_some_and(|next| next.is(&["helpdesk", "support", "desk"])))
}

/// How often, where and with whom.
fn is_manner(mark: Mark) -> bool {
    matches!(mark, Mark::Frequency(_) | Mark::Setting(_) | Mark::Access(_))
}

const TOO: &[&str] = &[
    "much",
    "often",
    "many",
    "far",
    "long",
    "early",
    "late",
    "frequent",
    "little",
    "few",
    "soon",
    "rare",
    "seldom",
    "infrequent",
    "short",
    "hard",
    "busy",
];

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
        // "4 sessions no 5".
        "no" if earlier(&["session", "sessions", "people", "nurses", "staff"], 1) => {
            tokens.get(at + 1).is_some_and(Token::is_digits)
        }
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
                || tokens[at + 1..]
                    .iter()
                    .take(2)
                    .any(|t| t.is(&["realistically", "honestly", "probably", "more"]))
        }
        _ => false,
    }
}
