//! What a text means to us. Serialised as the answer of `chatbox understand`.

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    hidden::Letters,
    safety::{Kind, Route},
};

/// What of a [`Meaning`] is asked for: to look for needs takes far longer than to hear danger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Route, kinds and the reasons for them.
    Route,
    Needs,
    /// The slots of a group request, and the intent, by which they count or not.
    Slots,
}

impl Part {
    pub const ALL: &'static [Self] = &[Self::Route, Self::Needs, Self::Slots];
}

/// Everything read out of one text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Meaning {
    pub route: Route,
    /// Route B for a clear denial with no other signal: believe it, show the lines once, no alert.
    pub soft: bool,
    pub kinds: BTreeSet<Kind>,
    /// The safety rules that spoke, and the words that made them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// Professional talk about harm, of a patient for instance: no route, a gentle sentence.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub gentle: bool,
    /// Best first.
    pub needs: Vec<NeedFound>,
    pub intent: Intent,
    pub group: GroupSlots,
    /// What later messages may add up with. Kept by the conversation as [`Memory`].
    #[serde(skip)]
    pub signals: BTreeSet<String>,
}

/// A need that scores less is a guess: the person is asked before it is acted on. (FIGURES.md of the
/// content says how often a need is right at each score; here and below it was read off there.)
pub(super) const SURE: f64 = 0.6;
/// A further need must score this to be looked after beside the first.
pub(super) const BESIDE: f64 = 0.8;
/// So many needs are looked after at once.
pub(super) const AT_ONCE: usize = 3;

/// Why a route was raised: for the desk and for whoever tends the rules.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Name of the rule in the safety content.
    pub rule: String,
    /// The words of the message that made it speak.
    pub words: String,
}

/// Without the words.
impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, words } = self;
        f.debug_struct("Reason").field("rule", rule).field("words", &Letters(words)).finish()
    }
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct NeedFound {
    /// Id in the need taxonomy.
    pub id: String,
    /// 0 to 1, rounded to two places.
    pub score: f64,
    /// The words that led to it; none if only what the message says as a whole did.
    pub because: Vec<String>,
}

/// Without the words.
impl fmt::Debug for NeedFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, score, because } = self;
        let because: Vec<Letters<'_>> = because.iter().map(|words| Letters(words)).collect();
        f.debug_struct("NeedFound").field("id", id).field("score", score).field("because", &because).finish()
    }
}

/// Signals of earlier messages of the same conversation, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Memory(pub Vec<Signal>);

/// One signal that was heard, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    pub id: String,
    pub at: Timestamp,
}

/// What the person wants the bot to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Nothing of the sort: perhaps an answer, perhaps not understood.
    #[default]
    None,
    /// Looks for support, or names a need.
    Signpost,
    /// Wants a KeepingWell Group.
    Group,
    /// Wants to talk to a person.
    Person,
    Feedback,
    /// Asks who sees what, or what is kept.
    Privacy,
    /// Wants what is kept about them deleted.
    DeleteData,
    /// Wants the chat hidden from the screen.
    ClearChat,
    Help,
    Menu,
    /// Wants out of what is going on ("cancel", "stop").
    Stop,
    StartAgain,
    Back,
    /// Will not or cannot answer ("not sure yet", "skip", "rather not say").
    Skip,
    /// Wants the question again.
    Repeat,
    /// Wants to go on with what was set aside ("carry on with the form").
    Resume,
    /// Wants to leave it for now.
    Leave,
    /// Has said enough: go to the end of the form ("that's all", "just send it").
    Finish,
    Yes,
    No,
    /// "don't know", "maybe", "not sure" as an answer to yes or no.
    Unsure,
    /// Says that all is well with them ("I'm fine", "ignore me").
    Fine,
    /// Is cross with the bot itself.
    Annoyed,
    /// Is written in another language than English.
    OtherLanguage,
    /// Asks something instead of answering ("what does closed mean?", "why do you ask?").
    Question,
    /// Says that an answer was wrong, and what is right ("make it 8, not 6").
    Correct,
    /// Will be back in a moment ("brb", "hang on").
    Pause,
    Thanks,
    Greeting,
    Bye,
}

/// A way of speaking that decides nothing by itself, and something where it fits: `sayings` of `intents.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Saying {
    /// How somebody is not to be reached, or only so: "no calls at work", "text only".
    HowToReach,
    /// Needs nobody any more: "don't bother, I'm ok".
    CallsOff,
    /// Has something to add to what was said: "oh, and".
    Adds,
    /// As many as there can be.
    TheMost,
    /// A talk that is to come: "call me", "talk it through".
    TalkToCome,
    ByPhone,
    ByVideo,
    ByChat,
    InPerson,
    /// 999 was called, or help is there: "my mate rang", "they're on their way".
    HasCalled,
    /// It was tried in vain: "they hung up".
    NotThrough,
    /// Is where help is: "I'm at A&E now".
    AtHospital,
    /// Somebody is with them: "my wife is here".
    HasCompany,
    /// Somebody will be with them: "my mate is driving over".
    CompanyComes,
    /// Nobody is with them: "I'm on my own".
    Alone,
    /// Help will be long: "they said four hours".
    LongWait,
    /// Where they are: "in the car park".
    Whereabouts,
    /// Is afraid: "I'm scared".
    Afraid,
    /// Is sorry to be a trouble: "sorry for bothering you".
    Apologises,
    /// Words around a number or an address that is given: "my number is".
    GivesContact,
    /// Takes back what was sent: "can I cancel it?".
    TakesBack,
    /// Wants an answer to be another: "change the size".
    Changes,
    /// Wants to see a question again: "go back to the days".
    GoesBack,
    /// Asks what a word means: "what does closed mean".
    AsksMeaning,
    /// Asks what something is asked for: "why".
    AsksReason,
    /// Speaks of those they work with: "our ward".
    OfOthers,
}

impl Saying {
    pub const ALL: &'static [Self] = &[
        Self::HowToReach,
        Self::CallsOff,
        Self::Adds,
        Self::TheMost,
        Self::TalkToCome,
        Self::ByPhone,
        Self::ByVideo,
        Self::ByChat,
        Self::InPerson,
        Self::HasCalled,
        Self::NotThrough,
        Self::AtHospital,
        Self::HasCompany,
        Self::CompanyComes,
        Self::Alone,
        Self::LongWait,
        Self::Whereabouts,
        Self::Afraid,
        Self::Apologises,
        Self::GivesContact,
        Self::TakesBack,
        Self::Changes,
        Self::GoesBack,
        Self::AsksMeaning,
        Self::AsksReason,
        Self::OfOthers,
    ];
}

/// Slots of a group request found in one text; absent ones left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSlots {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outline: Option<Outline>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<Setting>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<Frequency>,
    /// As said, also out of range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<Staff>,
    /// In week order.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub days: BTreeSet<Day>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outline {
    Frontline,
    JuniorSenior,
    NonClinical,
    Exploring,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    Open,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    Virtual,
    OnSite,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frequency {
    Weekly,
    Fortnightly,
    Monthly,
}

/// How many people: both ends, equal for one number. "Up to 12" begins at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    pub min: u32,
    pub max: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Staff {
    Clinical,
    NonClinical,
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// A part of the day, or a time of the clock; written `"morning"` or `"14:30"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Time {
    Part(PartOfDay),
    At { hour: u8, minute: u8 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartOfDay {
    Morning,
    Lunch,
    Afternoon,
    Evening,
    Night,
}

impl PartOfDay {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Morning => "morning",
            Self::Lunch => "lunch",
            Self::Afternoon => "afternoon",
            Self::Evening => "evening",
            Self::Night => "night",
        }
    }
}

impl From<Time> for String {
    fn from(time: Time) -> Self {
        match time {
            Time::Part(part) => part.as_str().to_owned(),
            Time::At { hour, minute } => format!("{hour:02}:{minute:02}"),
        }
    }
}

impl TryFrom<String> for Time {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        const FORM: &str = "a time is morning, lunch, afternoon, evening, night or HH:MM";
        let part = match text.as_str() {
            "morning" => PartOfDay::Morning,
            "lunch" => PartOfDay::Lunch,
            "afternoon" => PartOfDay::Afternoon,
            "evening" => PartOfDay::Evening,
            "night" => PartOfDay::Night,
            clock => {
                let (hour, minute) = clock.split_once(':').ok_or(FORM)?;
                let (hour, minute) = (hour.parse().map_err(|_| FORM)?, minute.parse().map_err(|_| FORM)?);
                if hour > 23 || minute > 59 {
                    return Err(FORM);
                }
                return Ok(Self::At { hour, minute });
            }
        };
        Ok(Self::Part(part))
    }
}
