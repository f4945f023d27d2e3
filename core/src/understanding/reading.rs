//! One message as it was read.

use std::{cell::OnceCell, collections::BTreeSet};

use super::{
    ENOUGH, Understanding, clip, filled,
    intents::{self, Alone, Intents, Said},
    meaning::{AT_ONCE, BESIDE, Day, GroupSlots, Intent, NeedFound, SURE, Saying},
    question, slots, strong,
    text::{self, Sep, Token},
};

/// What a message says: intent and slots at once, anything else when it is asked for. Most messages
/// answer a question, and of those nobody asks what is needed. No `Debug`: it is what somebody wrote.
pub struct Reading<'a> {
    pub intent: Intent,
    pub group: GroupSlots,
    /// The message, as far as it is read.
    pub text: &'a str,
    pub(super) understanding: &'a Understanding,
    pub(super) tokens: Vec<Token>,
    /// What of it can be all of a message.
    alone: Alone,
    /// The intent of a message that says nothing else.
    pub(super) whole: Option<Intent>,
    needs: OnceCell<Vec<NeedFound>>,
    sayings: OnceCell<Vec<Said>>,
    own_role: OnceCell<Option<usize>>,
}

impl<'a> Reading<'a> {
    /// See [`Understanding::read`].
    pub(super) fn new(understanding: &'a Understanding, text: &'a str, step: Option<&str>) -> Self {
        let text = clip(text);
        let tokens = text::tokens(text);
        let alone = understanding.intents.alone(&tokens);
        let mut this = Self {
            intent: Intent::None,
            group: slots::read(&understanding.words, &tokens, step),
            text,
            understanding,
            whole: understanding.intents.whole_of(&alone),
            alone,
            tokens,
            needs: OnceCell::new(),
            sayings: OnceCell::new(),
            own_role: OnceCell::new(),
        };
        this.intent = intents::command(text).unwrap_or_else(|| this.weigh(step));
        // Days and numbers in a story about oneself are no wishes for a group.
        if step.is_none()
            && this.intent == Intent::Signpost
            && strong(&this.group) <= usize::from(this.group.staff.is_some())
        {
            this.group = GroupSlots::default();
        }
        this
    }

    /// The needs that it speaks of, best first.
    pub fn needs(&self) -> &[NeedFound] {
        self.needs.get_or_init(|| {
            let telling = || Intents::words_beside(&self.tokens, &self.alone);
            let mut needs = self.understanding.needs.find(self.text, &self.tokens, telling);
            // "I'm a physio" says what somebody is, and not what is wrong.
            if self.own_role().is_some() {
                let is_role = |words: &String| self.understanding.role(words).is_some();
                needs.retain(|need| !need.because.iter().all(is_role));
            }
            needs
        })
    }

    /// Whether needs were found, and none that is sure.
    pub fn is_guess(&self) -> bool {
        self.needs().first().is_some_and(|best| best.score < SURE)
    }

    /// The needs to look after: the first, and further ones that are sure.
    pub fn main_needs(&self) -> impl Iterator<Item = &NeedFound> {
        let further = self.needs().iter().skip(1).filter(|need| need.score >= BESIDE);
        self.needs().first().into_iter().chain(further).take(AT_ONCE)
    }

    /// A yes, an "ok" or a "hmm" that answers nothing but a question of yes or no.
    pub fn says_nothing(&self) -> bool {
        matches!(self.whole, Some(Intent::Yes | Intent::Fine))
            || (self.whole.is_none() && self.alone.says_nothing())
    }

    /// "Ok", "right", a thumb: heard, and no clear yes.
    pub fn is_mere_ok(&self) -> bool {
        self.alone.says_nothing()
    }

    /// "I'll call them": what is not done yet.
    pub fn is_promise(&self) -> bool {
        self.tokens.iter().any(|token| token.is(&["ill", "will", "gonna", "going", "shall", "later", "soon"]))
    }

    /// Whether the writer speaks of themselves, and not of what their work is.
    pub fn is_of_oneself(&self) -> bool {
        const SELF: [&str; 7] = ["i", "im", "ive", "id", "me", "my", "myself"];
        self.tokens.iter().any(|token| token.is(&SELF)) && self.own_role().is_none()
    }

    /// Whether the writer speaks of others they work with.
    pub fn is_of_others(&self) -> bool {
        self.says(Saying::OfOthers)
    }

    /// Whether an intent is all that it says.
    pub fn is_whole(&self, intent: Intent) -> bool {
        self.whole == Some(intent)
    }

    /// The kind of staff that somebody says they are: "I'm a midwife".
    pub fn own_role(&self) -> Option<&str> {
        let words = &self.understanding.words;
        let own = || slots::own_role(&slots::Said::new(words, &self.tokens, None));
        words.roles.get((*self.own_role.get_or_init(own))?).map(|role| role.id.as_str())
    }

    /// "I'm a student midwife": who somebody is, and nothing of what is wrong.
    pub fn tells_a_role_alone(&self) -> bool {
        /// It has no more words than this.
        const WORDS: usize = 6;
        self.tokens.len() <= WORDS && self.own_role().is_some() && self.needs().is_empty()
    }

    /// Whether there is no word in it, and no sign that stands for one.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Whether it says an intent in so many words, among others.
    pub fn also(&self, intent: Intent) -> bool {
        self.understanding.intents.names(&self.alone, intent)
    }

    /// Whether it speaks in some way.
    pub fn says(&self, saying: Saying) -> bool {
        self.places_of(saying).next().is_some()
    }

    /// The same at its start.
    pub fn begins_with(&self, saying: Saying) -> bool {
        self.places_of(saying).any(|at| at == 0)
    }

    /// Where it speaks so: the first words of each.
    fn places_of(&self, saying: Saying) -> impl Iterator<Item = usize> {
        let all = self.sayings.get_or_init(|| self.understanding.intents.sayings(&self.tokens));
        all.iter().filter(move |said| said.saying == saying).map(|said| said.at)
    }

    /// How somebody would like to talk, as a record has it: `phone`, `video`, `chat`, `in_person`. What is
    /// not wanted ("no calls") is none.
    pub fn way_to_talk(&self) -> Option<&'static str> {
        const WAYS: [(Saying, &str); 4] = [
            (Saying::ByPhone, "phone"),
            (Saying::ByVideo, "video"),
            (Saying::ByChat, "chat"),
            (Saying::InPerson, "in_person"),
        ];
        let wanted = |saying: Saying| self.places_of(saying).any(|at| !is_denied(&self.tokens, at));
        WAYS.into_iter().find(|(saying, _)| wanted(*saying)).map(|(_, way)| way)
    }

    /// Its parts, from one mark to the next, as written.
    pub fn parts(&self) -> Vec<&'a str> {
        let starts = |token: &&Token| token.before >= Sep::Comma;
        let mut starts: Vec<usize> = self.tokens.iter().filter(starts).map(|token| token.start).collect();
        starts.push(self.text.len());
        let part = |two: &[usize]| {
            let part = self.text.get(two[0]..two[1]).unwrap_or_default();
            part.trim_end_matches(|c: char| !c.is_alphanumeric() && c != ')')
        };
        starts.windows(2).map(part).filter(|part| !part.is_empty()).collect()
    }

    /// Whether it asks for information.
    pub fn is_question(&self) -> bool {
        self.asks()
    }

    /// Days that it says do not suit.
    pub fn days_ruled_out(&self) -> BTreeSet<Day> {
        slots::days::ruled_out(&slots::Said::new(&self.understanding.words, &self.tokens, Some("when")))
    }

    /// What it wants, all in all.
    fn weigh(&self, step: Option<&str>) -> Intent {
        if let Some(whole) = self.whole {
            return whole;
        }
        let filled = filled(&self.group);
        let asks = self.asks();
        let best = || self.needs().first().map_or(0.0, |need| need.score);
        let holds = |intent: Intent| {
            if intent == Intent::Correct {
                filled > 0 || (!asks && best() < ENOUGH)
            } else if intent == Intent::Group {
                step.is_none() || filled == 0
            } else if intent == Intent::Signpost {
                // Talk of needs beside an answer is part of the answer.
                step.is_none() || step == Some("needs") || filled == 0
            } else if intent == Intent::Question {
                asks || step.is_some()
            } else if matches!(intent, Intent::Thanks | Intent::Greeting | Intent::Bye | Intent::Pause) {
                filled == 0 && !asks && self.needs().is_empty()
            } else {
                true
            }
        };
        if text::is_in_another_script(self.text) {
            return Intent::OtherLanguage;
        }
        let within = self.understanding.intents.within_of(&self.tokens);
        if let Some(intent) = within.into_iter().find(|intent| holds(*intent)) {
            return intent;
        }
        let strong = strong(&self.group);
        if step.is_none() && (strong >= 2 || (strong >= 1 && filled >= 3)) {
            return Intent::Group;
        }
        // A question in which a need can only be guessed at is a question.
        let least = if filled > 0 {
            ENOUGH
        } else if asks {
            SURE
        } else {
            0.0
        };
        let need = || best() > 0.0 && best() >= least;
        match step {
            None | Some("needs") if need() => Intent::Signpost,
            _ if asks => Intent::Question,
            _ => Intent::None,
        }
    }

    /// Whether one of its sentences asks for information.
    fn asks(&self) -> bool {
        question::sentences(&self.tokens).any(|range| question::is_question(&self.tokens[range]))
    }
}

/// "No calls", "please don't ring": whether what stands at a token is not wanted.
fn is_denied(tokens: &[Token], at: usize) -> bool {
    const NOT: [&str; 8] = ["no", "not", "dont", "never", "cant", "without", "wont", "nor"];
    /// So many words before may say so.
    const REACH: usize = 3;
    let near = tokens[at.saturating_sub(REACH)..=at].windows(2).rev();
    near.take_while(|two| two[1].before < Sep::Comma).any(|two| two[0].is(&NOT))
}
