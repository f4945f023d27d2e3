//! What a message wants the bot to do, by phrases alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{
    clauses,
    meaning::{Intent, Saying},
    mend::Mend,
    phrase::{Hit, Phrases},
    text::{Sep, Token, words_of},
    typos::Typos,
};
use crate::content::{Finding, Severity, Source};

/// Words of greeting or thanks longer than this are about something else.
const SHORT: usize = 6;

/// The patterns of intents, in the order of the content: what comes first wins.
#[derive(Debug, Default)]
pub(super) struct Intents {
    whole: Phrases,
    within: Phrases,
    rules: Vec<Rule>,
    /// Each means the place of its [`Saying`] in [`Saying::ALL`].
    sayings: Phrases,
    pub(super) mend: Mend,
    pub(super) examples: Vec<Example>,
    /// The same of what is no intent.
    pub(super) sayings_examples: Vec<(Spanned<String>, Saying, bool)>,
    pub(super) file: String,
}

#[derive(Debug, Clone, Copy)]
struct Rule {
    intent: Intent,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// All of the message but fillers.
    Whole,
    /// A filler: says nothing.
    Filler,
    /// At the start of a sentence.
    Begins,
    Within,
}

/// A way of speaking, and the first and last word of where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    pub saying: Saying,
    pub at: usize,
    pub last: usize,
}

/// The phrases in a message that can be all of one, and for each of its words whether it is a filler.
#[derive(Debug)]
pub(super) struct Alone {
    hits: Vec<Hit>,
    filler: Vec<bool>,
}

impl Alone {
    /// Whether the message is fillers and nothing else: "ok", "hmm", "lol".
    pub(super) fn says_nothing(&self) -> bool {
        self.filler.iter().all(|filler| *filler)
    }

    /// The words of the message as written, but for fillers that are one word.
    pub(super) fn without_fillers(&self, text: &str, tokens: &[Token]) -> String {
        let alone = |at: usize| self.hits.iter().any(|hit| (hit.first, hit.last) == (at, at));
        let words = (0..tokens.len()).filter(|at| !(self.filler[*at] && alone(*at)));
        words.map(|at| words_of(text, tokens, at, at)).collect::<Vec<_>>().join(" ")
    }
}

/// A text of the content, and what it must or must not be taken for.
#[derive(Debug)]
pub(super) struct Example {
    pub text: Spanned<String>,
    pub intent: Intent,
    pub must: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    fillers: Vec<Spanned<String>>,
    plain_words: Vec<String>,
    intents: Vec<Entry>,
    sayings: BTreeMap<Saying, WrittenSaying>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSaying {
    say: Vec<Spanned<String>>,
    #[serde(default)]
    examples: Vec<Spanned<String>>,
    #[serde(default)]
    not: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Intent,
    #[serde(default)]
    whole: Vec<Spanned<String>>,
    #[serde(default)]
    begins: Vec<Spanned<String>>,
    #[serde(default)]
    within: Vec<Spanned<String>>,
    examples: Vec<Spanned<String>>,
    #[serde(default)]
    not: Vec<Spanned<String>>,
}

impl Intents {
    pub(super) fn load(source: &Source<'_>, findings: &mut Vec<Finding>) -> Self {
        let file: File = match source.parse() {
            Ok(file) => file,
            Err(finding) => {
                findings.push(finding);
                return Self::default();
            }
        };
        let mut this = Self { file: source.file.to_owned(), ..Self::default() };
        this.add(&file.fillers, Rule { intent: Intent::None, place: Place::Filler }, source, findings);
        let english = file.intents.iter().filter(|entry| entry.id != Intent::OtherLanguage);
        let phrases = english.flat_map(|entry| entry.whole.iter().chain(&entry.begins).chain(&entry.within));
        this.mend = Mend::new(phrases.chain(&file.fillers).map(|phrase| phrase.value.as_str()));
        let fault = |message| Finding {
            severity: Severity::Error,
            file: source.file.to_owned(),
            line: 0,
            column: 0,
            message,
        };
        let mut seen = BTreeSet::new();
        for entry in file.intents {
            let intent = entry.id;
            if !seen.insert(intent) {
                findings.push(fault(format!(
                    "The intent {intent:?} stands there twice: put its phrases together."
                )));
            }
            this.add(&entry.whole, Rule { intent, place: Place::Whole }, source, findings);
            this.add(&entry.begins, Rule { intent, place: Place::Begins }, source, findings);
            this.add(&entry.within, Rule { intent, place: Place::Within }, source, findings);
            for (texts, must) in [(entry.examples, true), (entry.not, false)] {
                this.examples.extend(texts.into_iter().map(|text| Example { text, intent, must }));
            }
        }
        for (number, saying) in (0..).zip(Saying::ALL) {
            match file.sayings.get(saying) {
                Some(written) => {
                    for phrase in &written.say {
                        if let Err(message) = this.sayings.add(&phrase.value, number) {
                            findings.push(source.error(phrase, message));
                        }
                    }
                    let must = written.examples.iter().map(|text| (text.clone(), *saying, true));
                    let not = written.not.iter().map(|text| (text.clone(), *saying, false));
                    this.sayings_examples.extend(must.chain(not));
                }
                None => findings.push(fault(format!("Under `sayings` there are no words for {saying:?}."))),
            }
        }
        let plain = Typos::plain(file.plain_words);
        this.whole.finish(&plain);
        this.within.finish(&plain);
        this.sayings.finish(&plain);
        this
    }

    /// The ways in which a message speaks.
    pub(super) fn sayings(&self, tokens: &[Token]) -> Vec<Said> {
        let said = |hit: Hit| {
            Some(Said { saying: *Saying::ALL.get(hit.means as usize)?, at: hit.first, last: hit.last })
        };
        self.sayings.find(tokens).into_iter().filter_map(said).collect()
    }

    /// The phrases in a message that can be all of one.
    pub(super) fn alone(&self, tokens: &[Token]) -> Alone {
        let hits = self.whole.find(tokens);
        let mut filler = vec![false; tokens.len()];
        for hit in hits.iter().filter(|hit| self.rule(hit).place == Place::Filler) {
            filler[hit.first..=hit.last].fill(true);
        }
        Alone { hits, filler }
    }

    /// The one intent of a message that says nothing else, the earlier in the content if there are two.
    pub(super) fn whole_of(&self, Alone { hits, filler }: &Alone) -> Option<Intent> {
        const LONGEST: usize = 30;
        if filler.is_empty() || filler.len() > LONGEST {
            return None;
        }
        let fits = |hit: &&Hit| {
            let outside = filler[..hit.first].iter().chain(&filler[hit.last + 1..]);
            self.rule(hit).place == Place::Whole && outside.into_iter().all(|filler| *filler)
        };
        let longest = hits.iter().filter(fits).max_by_key(|hit| (hit.len(), std::cmp::Reverse(hit.means)));
        match longest {
            Some(longest) => Some(self.rule(longest).intent),
            None => self.agreed(hits, filler),
        }
    }

    /// The one intent of several phrases that are all of a message: "yes, I'm safe", "no, not really".
    fn agreed(&self, hits: &[Hit], filler: &[bool]) -> Option<Intent> {
        let all_of = |intents: &[Intent]| {
            let mut said = filler.to_vec();
            for hit in hits {
                let Rule { intent, place } = self.rule(hit);
                if place == Place::Whole && intents.contains(&intent) {
                    said[hit.first..=hit.last].fill(true);
                }
            }
            said.into_iter().all(|said| said)
        };
        // Who is fine and wants to go on is fine.
        let ways: [(Intent, &[Intent]); 7] = [
            (Intent::Finish, &[Intent::Finish, Intent::Yes]),
            (Intent::Fine, &[Intent::Fine, Intent::Resume, Intent::Leave]),
            (Intent::Yes, &[Intent::Yes]),
            (Intent::No, &[Intent::No]),
            (Intent::Unsure, &[Intent::Unsure]),
            (Intent::Thanks, &[Intent::Thanks]),
            (Intent::Pause, &[Intent::Pause, Intent::Thanks]),
        ];
        let said = |intent: Intent| {
            hits.iter()
                .map(|hit| self.rule(hit))
                .any(|rule| rule.place == Place::Whole && rule.intent == intent)
        };
        ways.into_iter().find(|(intent, all)| said(*intent) && all_of(all)).map(|(intent, _)| intent)
    }

    /// How many words stand in clauses that say more than an intent: "forget I said that, I'm fine" has none.
    pub(super) fn words_beside(tokens: &[Token], alone: &Alone) -> usize {
        let mut intents = vec![false; tokens.len()];
        for hit in &alone.hits {
            intents[hit.first..=hit.last].fill(true);
        }
        let clauses: Vec<_> = clauses::numbers(tokens).into_iter().zip(intents).collect();
        let clauses = clauses.chunk_by(|one, next| one.0 == next.0);
        clauses.filter(|words| words.iter().any(|(_, of_intent)| !of_intent)).map(<[_]>::len).sum()
    }

    /// Whether a phrase that can stand for an intent by itself stands in a message.
    pub(super) fn names(&self, alone: &Alone, intent: Intent) -> bool {
        alone.hits.iter().any(|hit| {
            let rule = self.rule(hit);
            rule.place == Place::Whole && rule.intent == intent
        })
    }

    /// What phrases within it say, before anything else in the message is weighed; in the order of the
    /// content.
    pub(super) fn within_of(&self, tokens: &[Token]) -> Vec<Intent> {
        let mut found: Vec<u32> = self
            .within
            .find(tokens)
            .into_iter()
            .filter(|hit| self.counts(hit, tokens))
            .map(|hit| hit.means)
            .collect();
        found.sort_unstable();
        let mut intents: Vec<Intent> = Vec::new();
        for means in found {
            let intent = self.rules[means as usize].intent;
            if !intents.contains(&intent) {
                intents.push(intent);
            }
        }
        intents
    }

    fn counts(&self, hit: &Hit, tokens: &[Token]) -> bool {
        let Rule { intent, place } = self.rule(hit);
        // "I don't want a group"
        let denied = intent == Intent::Group
            && hit.first > 0
            && tokens[hit.first].before < Sep::Comma
            && tokens[hit.first - 1].is(&["dont", "not", "didnt", "never"]);
        if denied {
            return false;
        }
        let short = !matches!(intent, Intent::Thanks | Intent::Greeting | Intent::Bye | Intent::Pause)
            || tokens.len() <= SHORT + hit.len();
        let starts = matches!(tokens[hit.first].before, Sep::Sentence | Sep::Comma | Sep::Dash)
            || tokens[..hit.first].iter().rev().take(3).all(|token| {
                token.is(&[
                    "and", "so", "ok", "okay", "please", "hi", "hello", "sorry", "oh", "yes", "no", "um",
                    "actually", "wait", "but", "hmm",
                ])
            });
        match place {
            Place::Begins => starts && short,
            Place::Within => short,
            Place::Whole | Place::Filler => false,
        }
    }

    fn rule(&self, hit: &Hit) -> Rule {
        self.rules[hit.means as usize]
    }

    fn add(
        &mut self,
        phrases: &[Spanned<String>],
        rule: Rule,
        source: &Source<'_>,
        findings: &mut Vec<Finding>,
    ) {
        let Ok(id) = u32::try_from(self.rules.len()) else { return };
        self.rules.push(rule);
        for phrase in phrases {
            let set = match rule.place {
                Place::Whole | Place::Filler => &mut self.whole,
                Place::Begins | Place::Within => &mut self.within,
            };
            if let Err(message) = set.add(&phrase.value, id) {
                findings.push(source.error(phrase, message));
            }
        }
    }
}

/// `/start group@bot`: a command of the platform.
pub(super) fn command(text: &str) -> Option<Intent> {
    let rest = text.trim().strip_prefix('/')?;
    let mut words = rest.split_whitespace();
    let name = words.next()?.split('@').next()?.to_ascii_lowercase();
    let argument = words.next().map(str::to_ascii_lowercase);
    match name.as_str() {
        "start" => Some(match argument.as_deref() {
            Some("group") => Intent::Group,
            Some("signpost" | "support") => Intent::Signpost,
            Some("person") => Intent::Person,
            Some("privacy") => Intent::Privacy,
            _ => Intent::Greeting,
        }),
        "menu" => Some(Intent::Menu),
        "group" => Some(Intent::Group),
        "person" => Some(Intent::Person),
        "help" => Some(Intent::Help),
        "stop" | "cancel" => Some(Intent::Stop),
        "privacy" => Some(Intent::Privacy),
        "clear" => Some(Intent::ClearChat),
        "back" => Some(Intent::Back),
        "skip" => Some(Intent::Skip),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::understanding::text;

    #[test]
    fn a_clause_that_is_an_intent_and_no_more_tells_of_nothing() {
        let intents = "
fillers: [please, sorry]
plain_words: []
intents:
  - {id: fine, whole: [i am fine, forget i said that], examples: []}
sayings: {}
";
        let intents = Intents::load(&Source { file: "intents.yaml", text: intents }, &mut Vec::new());
        let words = |text: &str| {
            let tokens = text::tokens(text);
            Intents::words_beside(&tokens, &intents.alone(&tokens))
        };
        assert_eq!(words("forget I said that, I'm fine. Sorry, please"), 0);
        assert_eq!(words("I'm fine, but my mum is dying"), 5);
        assert_eq!(words("I'm fine with dying"), 5);
        assert_eq!(words(""), 0);
    }

    #[test]
    fn an_intent_that_stands_there_twice_is_named() {
        let entry = "\n  - {id: fine, whole: [i am fine], examples: []}";
        let text = format!("fillers: []\nplain_words: []\nintents:{entry}{entry}\nsayings: {{}}\n");
        let mut findings = vec![];
        Intents::load(&Source { file: "intents.yaml", text: &text }, &mut findings);
        assert!(
            findings.iter().any(|finding| finding.message.contains("Fine stands there twice")),
            "{findings:?}"
        );
    }
}
