//! One turn while it is being decided: the state so far, and what has been said.

use jiff::Timestamp;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    channel::Confidentiality,
    content::{Content, Word, template},
    conversation::{Conversation, Prompt},
    dialogue::{CHECK_IN, model::Dialogue},
    directory,
    effect::{Choice, Effect, Say, SayKind},
    engine::{Context, Engine, Hub, Turn},
    ids::{ChannelKind, Reference},
};

/// Longest text that goes out as one; more becomes two.
const LONGEST_TEXT: usize = 3_500;

/// A turn under way. What is said is collected, and leaves as few texts as it can: the safety
/// wording by itself and first, then everything else in one.
pub(crate) struct Talk<'a> {
    pub(crate) content: &'a Content,
    pub(crate) hub: &'a Hub,
    pub(crate) context: &'a Context,
    /// When the input was written.
    pub(crate) at: Timestamp,
    pub(crate) conversation: Conversation,
    pub(crate) effects: Vec<Effect>,
    said: Vec<(SayKind, String)>,
    choices: Option<(SayKind, Vec<Choice>)>,
    /// Reference of what was saved in this turn.
    pub(crate) reference: Option<Reference>,
    /// What an erasure had to leave, told by `{kept}`.
    pub(crate) kept: String,
    /// The person's words of this turn, for the desk.
    pub(crate) words: String,
    /// The weakest link that the words pass through, the desk's included.
    pub(crate) confidentiality: Confidentiality,
    rng: ChaCha8Rng,
}

impl<'a> Talk<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        conversation: &Conversation,
        at: Timestamp,
        context: &'a Context,
    ) -> Self {
        Self {
            content: engine.content(),
            hub: engine.hub(),
            context,
            at,
            conversation: conversation.clone(),
            effects: Vec::new(),
            said: Vec::new(),
            choices: None,
            reference: None,
            kept: String::new(),
            words: String::new(),
            confidentiality: conversation.confidentiality.unwrap_or_else(|| weakest(None, context)),
            rng: ChaCha8Rng::seed_from_u64(context.seed),
        }
    }

    /// The person's words came by a channel that is as private as this; none: as its kind. Returns
    /// whether they pass through a platform that can read them, and the person was told otherwise.
    pub(crate) fn came_by(&mut self, via: Option<Confidentiality>) -> bool {
        self.confidentiality = weakest(via, self.context);
        let before = self.conversation.confidentiality.replace(self.confidentiality);
        self.confidentiality == Confidentiality::Platform
            && before.is_some_and(|before| before > Confidentiality::Platform)
    }

    /// Says something as the bot.
    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.say_as(SayKind::Bot, text);
    }

    pub(crate) fn say_as(&mut self, kind: SayKind, text: impl Into<String>) {
        let text = text.into();
        let text = text.trim();
        if !text.is_empty() {
            self.said.push((kind, text.to_owned()));
        }
    }

    /// Says a shared text as the bot.
    pub(crate) fn word(&mut self, word: Word) {
        let text = self.render(self.content.wording.get(word));
        self.say(text);
    }

    /// The shared text, with its names filled in.
    pub(crate) fn text(&self, word: Word) -> String {
        self.render(self.content.wording.get(word))
    }

    /// Hangs choices on what was said last. They replace the open question's.
    pub(crate) fn offer_choices(&mut self, choices: Vec<Choice>) {
        let kind = self.said.last().map_or(SayKind::Bot, |(kind, _)| *kind);
        self.choices = Some((kind, choices));
    }

    /// Adds one choice to those that hang on what was said last.
    pub(crate) fn push_choice(&mut self, choice: Choice) {
        if let Some((_, choices)) = &mut self.choices {
            choices.push(choice);
        }
    }

    /// Says a step's text: as safety wording where the step belongs to the check-in.
    pub(crate) fn say_in(&mut self, dialogue: &Dialogue, text: String) {
        let kind = if dialogue.dialogue.value == CHECK_IN { SayKind::Safety } else { SayKind::Bot };
        self.say_as(kind, text);
    }

    pub(crate) fn choice(&self, id: &str, word: Word) -> Choice {
        Choice::new(id, self.text(word))
    }

    /// A reference that nobody has yet, as far as one draw can tell: `PRE-` and five of `0-9A-Z`.
    pub(crate) fn draw_reference(&mut self, prefix: &str) -> Reference {
        const SIGNS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let mut text = format!("{prefix}-");
        for _ in 0..5 {
            text.push(char::from(SIGNS[self.rng.random_range(0..SIGNS.len())]));
        }
        Reference(text)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.context.now
    }

    /// Fills in the names of a text.
    pub(crate) fn render(&self, text: &str) -> String {
        template::render(text, |name| self.value(name))
    }

    fn value(&self, name: &str) -> Option<String> {
        Some(match name {
            "hub.name" => self.hub.name.clone(),
            "hub.contact" => self.hub_contact(),
            "hub.confidentiality" => self.hub.confidentiality.clone(),
            "hub.hours" => self.desk_hours_words(),
            "hub.chat_days" => self.hub.chat_days.to_string(),
            "channel.privacy" => self.text(self.privacy()),
            "lines" => self.lines(),
            "desk.promise" => {
                self.desk_text(Word::DeskStaffed, Word::DeskClosed, Word::DeskUnknown, Word::DeskNone)
            }
            "desk.request" => self.desk_text(
                Word::RequestStaffed,
                Word::RequestClosed,
                Word::RequestUnknown,
                Word::RequestNone,
            ),
            "desk.alerted" => self.desk_text(
                Word::AlertedStaffed,
                Word::AlertedClosed,
                Word::AlertedUnknown,
                Word::AlertedNone,
            ),
            "desk.can_join" => self.desk_text(Word::JoinCan, Word::JoinCan, Word::JoinCan, Word::JoinCannot),
            "desk.waiting" => self.waiting_words(),
            "desk.hours" => {
                self.desk_text(Word::HoursStaffed, Word::HoursClosed, Word::HoursUnknown, Word::HoursNone)
            }
            "reference" => self.reference.as_ref()?.to_string(),
            "summary" => self.summary(),
            "so_far" => match self.conversation.place.as_ref().or_else(|| self.conversation.parked()) {
                Some(place) => self.summary_of(place),
                None => String::new(),
            },
            "request.sent" => match self.conversation.desk.requests.last() {
                Some(request) => template::render(self.content.wording.get(Word::RequestSent), |of| {
                    (of == "reference").then(|| request.case.to_string())
                }),
                None => self.text(Word::RequestNotSent),
            },
            "form" => self.form_name(),
            "need" => self.need_words(),
            "written" => written_words(self.at, self.now()),
            "kept" => self.kept.clone(),
            _ => self.answer_words(name.strip_prefix("answer.")?)?,
        })
    }

    /// Who else could read this chat.
    fn privacy(&self) -> Word {
        let desk = self.context.desk.confidentiality;
        match (self.confidentiality, self.context.channel.kind) {
            (Confidentiality::Platform, ChannelKind::Telegram) => Word::PrivacyPlatform,
            (Confidentiality::Platform, ChannelKind::Matrix | ChannelKind::Terminal)
                if desk == Some(Confidentiality::Platform) =>
            {
                Word::PrivacyDesk
            }
            (Confidentiality::Platform, ChannelKind::Matrix | ChannelKind::Terminal) => Word::PrivacyServer,
            (Confidentiality::Encrypted, _) => Word::PrivacyEncrypted,
            (Confidentiality::EncryptedVerified, _) => Word::PrivacyVerified,
            (Confidentiality::Local, _) => Word::PrivacyLocal,
        }
    }

    fn hub_contact(&self) -> String {
        let ways: Vec<String> = [
            self.hub.phone.as_ref().map(|phone| format!("Phone: {phone}.")),
            self.hub.email.as_ref().map(|email| format!("Email: {email}.")),
            self.hub.web.as_ref().map(|web| format!("Web: {web}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if ways.is_empty() {
            String::new()
        } else {
            format!("You can also reach the Hub. {}", ways.join(" "))
        }
    }

    /// The crisis lines, one on each row.
    pub(crate) fn lines(&self) -> String {
        self.content
            .directory
            .lines(self.hub.nation, self.now())
            .iter()
            .map(|line| format!("- {}", line.text))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// What the form that waits, or else the dialogue under way, is called.
    fn form_name(&self) -> String {
        self.conversation
            .place
            .as_ref()
            .filter(|place| self.content.dialogues.get(&place.dialogue).is_some_and(|d| d.form))
            .or_else(|| self.conversation.parked())
            .and_then(|place| self.content.dialogues.get(&place.dialogue))
            .map_or_else(|| "what we were doing".to_owned(), |dialogue| dialogue.name.clone())
    }

    /// The turn as it stands.
    pub(crate) fn finish(mut self) -> Turn {
        let mut texts: Vec<(SayKind, String)> = Vec::new();
        for (kind, text) in std::mem::take(&mut self.said) {
            match texts.last_mut() {
                Some((last, so_far)) if *last == kind && so_far.len() + text.len() < LONGEST_TEXT => {
                    so_far.push_str("\n\n");
                    so_far.push_str(&text);
                }
                _ => texts.push((kind, text)),
            }
        }
        texts.sort_by_key(|(kind, _)| *kind != SayKind::Safety);
        let mut says: Vec<Say> = texts.into_iter().map(|(kind, text)| Say::new(kind, text)).collect();
        if let Some((kind, choices)) = self.choices.take()
            && let Some(say) = says.iter_mut().rfind(|say| say.kind == kind)
        {
            let number = self.conversation.prompt.number + 1;
            self.conversation.prompt = Prompt { number, choices: choices.clone() };
            say.prompt = number;
            say.choices = choices;
        }
        let mut says: Vec<Effect> = says.into_iter().map(Effect::Say).collect();
        // What the person is told comes before what the desk is told of it.
        says.append(&mut self.effects);
        Turn { conversation: self.conversation, effects: says }
    }
}

fn weakest(via: Option<Confidentiality>, context: &Context) -> Confidentiality {
    let own = via.unwrap_or(context.channel.confidentiality);
    context.desk.confidentiality.map_or(own, |desk| own.min(desk))
}

/// "at 3:12am", or "on Monday 5 January at 3:12am" for another day.
fn written_words(at: Timestamp, now: Timestamp) -> String {
    let local = at.to_zoned(directory::london().clone());
    let clock = directory::clock(local.time());
    if directory::london_day(at) == directory::london_day(now) {
        format!("at {clock}")
    } else {
        format!("on {} at {clock}", local.strftime("%A %-d %B"))
    }
}
