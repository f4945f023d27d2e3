//! The engine: one input in, one turn out.

mod give_up;

use std::{collections::BTreeMap, fmt};

use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::{
    channel::{ChannelFacts, Confidentiality},
    content::{Content, Word, plain, template},
    conversation::{Conversation, Holder, Pace},
    dialogue::{CHECK_IN, SILENCE, Talk, model::Expect},
    directory::{Hours, Nation},
    effect::{DeskKind, Effect, SayKind},
    ids::Reference,
    input::{Attachment, DeskMessage, Input, InputKind, Message},
    safety::{Heard, Route},
    understanding::{Intent, Meaning, Memory, Part},
};

/// Characters of a text that are read for needs and answers. Danger is looked for in all of it.
pub const MESSAGE_LENGTH: usize = 4_000;

/// Decides what happens next in a conversation. Immutable and pure: the same arguments give the
/// same turn, byte for byte, on every machine.
pub struct Engine {
    content: Content,
    hub: Hub,
}

/// What a turn decided. The store commits all of it in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    pub conversation: Conversation,
    /// In the order in which they should happen.
    pub effects: Vec<Effect>,
}

/// What the engine must know besides the conversation.
#[derive(Debug, Clone)]
pub struct Context {
    /// When the input was received, so that deciding again gives the same.
    pub now: Timestamp,
    /// Stands in the inbox row; drawn once when the input was received.
    pub seed: u64,
    pub channel: ChannelFacts,
    pub desk: DeskView,
}

/// The desk as the engine sees it.
#[derive(Debug, Clone, Default)]
pub struct DeskView {
    /// There is a desk at all: somebody receives cases and alerts.
    pub exists: bool,
    /// Enrolled practitioners by who the channel proves them to be (a Matrix id, a numeric
    /// Telegram id, a name given to `converse --desk`).
    pub members: BTreeMap<String, Member>,
    /// How private the desk's own room is.
    pub confidentiality: Option<Confidentiality>,
    /// There is a duty lead who can be written to by a second route.
    pub lead: bool,
    /// Every open case, as of a moment ago: of conversations, and of requests that were saved
    /// and not closed yet.
    pub queue: Vec<Queued>,
}

/// A case as the queue shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    pub case: Reference,
    /// [`Conversation::urgency`].
    pub urgency: i16,
    /// Waiting for a practitioner since; of a request, when it came.
    pub waiting: Option<Timestamp>,
    /// Held by a practitioner since.
    pub held: Option<Timestamp>,
    pub changed: Timestamp,
    /// A request that was saved: nobody waits in a chat for it.
    pub request: bool,
}

/// An enrolled practitioner.
#[derive(Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub organisation: Option<String>,
    pub duty_lead: bool,
}

/// Without the name.
impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("duty_lead", &self.duty_lead).finish_non_exhaustive()
    }
}

/// The deployer's own facts, from the section `hub` of the configuration.
#[derive(Debug, Clone)]
pub struct Hub {
    pub name: String,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub web: Option<String>,
    /// Boroughs or places it serves. Empty: not asked.
    pub areas: Vec<String>,
    pub nation: Nation,
    /// When somebody is at the desk.
    pub hours: Hours,
    /// Days on which it is closed whatever the hours say.
    pub closed_days: Vec<Date>,
    /// Who can see the chat, in the deployer's own words.
    pub confidentiality: String,
    /// Days for which a chat without a practitioner is kept.
    pub chat_days: u32,
    /// Messages a minute that one person may send before the bot only listens for danger.
    /// 0: no limit.
    pub person_per_minute: u32,
    pub targets: Targets,
}

/// Within how many minutes a person should answer on each route, while the hub is open. 0: at
/// once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Targets {
    /// Also for somebody who asked for a person without any danger.
    pub b: u32,
    pub c: u32,
    pub d: u32,
    pub e: u32,
}

impl Default for Targets {
    fn default() -> Self {
        Self { b: 480, c: 15, d: 0, e: 0 }
    }
}

impl Engine {
    /// The same content and the same hub make the same engine.
    pub fn new(content: Content, hub: Hub) -> Self {
        Self { content, hub }
    }

    pub fn content(&self) -> &Content {
        &self.content
    }

    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Decides one input. Never fails: what cannot be understood is answered as such.
    pub fn turn(&self, conversation: &Conversation, input: &Input, context: &Context) -> Turn {
        let mut talk = Talk::new(self, conversation, input.at, context);
        talk.let_go_of_nobody();
        let less_private = input.has_words() && talk.came_by(input.via);
        if less_private && conversation.welcomed {
            talk.less_private();
        }
        match &input.what {
            InputKind::Message(message) => talk.message(message),
            InputKind::Press { choice, prompt } => talk.pressed(choice, *prompt),
            InputKind::Timer { name, step } if name == SILENCE => talk.silence(step),
            InputKind::Timer { name, step } => talk.desk_timer(name, step),
            InputKind::Desk(message) => talk.desk_message(message),
            InputKind::Redacted { of } => talk.taken_back(of),
            InputKind::Enrolled { name } => talk.enrolled(name),
            InputKind::NotEnrolled => talk.not_enrolled(),
            InputKind::Reachable(reachable) => talk.reachable(*reachable),
            InputKind::Undelivered { safety, change } => talk.undelivered(*safety, *change),
            InputKind::Unreadable => talk.unreadable(),
            // Not a conversation's.
            InputKind::Gaps(_) => {}
        }
        talk.finish()
    }

    /// Answers what was written in the desk's room outside every case: `queue` and `help`. Colleagues'
    /// own talk is left alone, and a command for one case belongs to that case's conversation
    /// ([`crate::desk::addressed`]). Nothing of this touches a conversation.
    pub fn desk_room(&self, message: &DeskMessage, now: Timestamp, desk: &DeskView) -> Vec<Effect> {
        crate::desk::in_room(message, now, desk)
    }

    /// Tells the desk's room what people could not find, and which numbers did not work.
    pub fn gap_digest(&self, gaps: &[serde_json::Value]) -> Vec<Effect> {
        crate::desk::digest(&self.content, gaps)
    }

    /// What a text means on its own. `step`: the question it answers.
    pub fn understand(&self, text: &str, step: Option<&str>) -> Meaning {
        self.understand_only(text, step, Part::ALL)
    }

    /// Some parts of that; the others are as in an empty text.
    pub fn understand_only(&self, text: &str, step: Option<&str>, parts: &[Part]) -> Meaning {
        let mut meaning = Meaning::default();
        if parts.contains(&Part::Route) {
            let heard = self.content.safety.hear(text, &Memory::default(), Timestamp::UNIX_EPOCH);
            meaning.route = heard.route;
            meaning.soft = heard.soft;
            meaning.kinds = heard.kinds;
            meaning.reasons = heard.reasons;
            meaning.gentle = heard.gentle;
            meaning.signals = heard.signals;
        }
        if parts.iter().any(|part| *part != Part::Route) {
            let reading = self.content.understanding.read(text, step);
            if parts.contains(&Part::Needs) {
                meaning.needs = reading.needs().to_vec();
            }
            if parts.contains(&Part::Slots) {
                meaning.intent = reading.intent;
                meaning.group = reading.group;
            }
        }
        meaning
    }
}

impl Talk<'_> {
    /// The person wrote something. Danger comes first, in every state; then whoever holds the
    /// conversation; then what they want.
    fn message(&mut self, message: &Message) {
        self.words = clip(&message.text);
        let heard = if self.is_open_choice(&message.text) {
            Heard::default()
        } else {
            self.content.safety.hear(&message.text, &self.conversation.memory, self.now())
        };
        self.remember(&heard);
        let danger = heard.route > Route::A && !heard.soft;
        let over_limit = self.over_limit() && self.conversation.dialogue() != Some(CHECK_IN);

        self.tell_untold();
        if matches!(self.conversation.holder, Holder::Practitioner { .. }) {
            self.heard_while_held(message, &heard);
            return;
        }
        let amended = message.edited && self.amend(message.id.as_deref(), false, &message.text);
        if !amended && !danger {
            self.listen_in(message);
        }
        if danger {
            self.danger(&heard, message.edited);
            if let Some(attachment) = message.attachment {
                self.word(attachment_word(attachment));
            }
            return;
        }
        if over_limit {
            if self
                .conversation
                .pace
                .as_ref()
                .is_some_and(|pace| pace.count == self.hub.person_per_minute + 1)
            {
                self.word(Word::TooMany);
            }
            return;
        }
        let asked_anew = self.follow_content();
        // Nothing stands between "are you safe?" and its answer, nor after "call 999 now".
        let urgent = self.conversation.dialogue() == Some(CHECK_IN) || self.conversation.route() >= Route::D;
        let first = !self.conversation.welcomed && !urgent;
        if first {
            self.conversation.welcomed = true;
            self.word(Word::Welcome);
        } else if self.is_late()
            && ![self.conversation.late_at, self.conversation.late_danger_at].contains(&Some(self.now()))
        {
            self.conversation.late_at = Some(self.now());
            self.word(Word::LateOrdinary);
        }
        self.kindness(&heard);
        if asked_anew && !self.wants_out(&message.text) {
            return;
        }
        if let Some(attachment) = message.attachment {
            self.word(attachment_word(attachment));
            if message.text.trim().is_empty() {
                self.ask_again();
                return;
            }
        }
        if message.text.chars().count() > MESSAGE_LENGTH {
            self.word(Word::TooLong);
            self.ask_again();
            return;
        }
        // What stands at the summary may speak of any field.
        let step = self
            .open_ask()
            .filter(|ask| !matches!(ask.answer, Expect::Confirm))
            .map(|ask| ask.id.value.as_str());
        let reading = self.content.understanding.read(&message.text, step);
        if reading.is_empty() {
            self.nothing_to_read(&message.text, first);
            return;
        }
        if message.edited && self.conversation.dialogue() != Some(CHECK_IN) && self.correct_edited(message) {
            return;
        }
        let open = self.open_before();
        self.hear(&message.text, &reading);
        self.note_told(message, open);
    }

    /// Whether a text is a choice of the open question, word for word: the bot's own words, said back, tell
    /// of no danger, whatever they sound like by themselves ("Not for me").
    fn is_open_choice(&self, text: &str) -> bool {
        let text = plain(text);
        let held = matches!(self.conversation.holder, Holder::Practitioner { .. });
        let mut choices = self.conversation.prompt.choices.iter();
        !held && !text.trim().is_empty() && choices.any(|choice| plain(&choice.label) == text)
    }

    /// A button, unless a practitioner holds.
    fn pressed(&mut self, choice: &str, prompt: Option<u32>) {
        if matches!(self.conversation.holder, Holder::Practitioner { .. }) {
            self.pressed_while_held(choice);
            return;
        }
        if self.follow_content() {
            return;
        }
        self.press(choice, prompt);
    }

    /// Whether a text asks for something that must work even when the questions have changed.
    fn wants_out(&self, text: &str) -> bool {
        matches!(
            self.content.understanding.read(text, None).intent,
            Intent::Stop
                | Intent::Menu
                | Intent::Help
                | Intent::Person
                | Intent::DeleteData
                | Intent::ClearChat
        )
    }

    /// Nobody holds a conversation who is not enrolled any more: the person waits again, and the
    /// next one can take it. Where there is no desk any more nobody is waited for.
    fn let_go_of_nobody(&mut self) {
        if !self.context.desk.exists {
            self.desk_is_gone();
        } else if let Holder::Practitioner { id, .. } = &self.conversation.holder
            && !self.context.desk.members.contains_key(id)
        {
            self.back_to_the_queue("Whoever had it is not enrolled here any more.", Word::HandedBack);
        }
    }

    /// What the person writes can be read by more than they were told. While a practitioner holds
    /// it is theirs to speak: this is news of the chat itself, and they hear of it too.
    fn less_private(&mut self) {
        let text = self.text(Word::PrivacyChanged);
        if matches!(self.conversation.holder, Holder::Practitioner { .. }) {
            self.say_as(SayKind::Notice, text);
            let told =
                "What they write now is less private than they were told before. They have been told so.";
            self.desk_post(DeskKind::Notice, told.to_owned());
        } else {
            self.say(text);
        }
    }

    /// A soft B is believed and shown the lines once; professional talk gets a gentle sentence.
    fn kindness(&mut self, heard: &Heard) {
        if heard.soft && !self.conversation.lines_shown {
            self.conversation.lines_shown = true;
            let text = self.text(Word::Believed);
            self.say_as(SayKind::Safety, text);
        }
        if heard.gentle {
            self.word(Word::Gentle);
        }
    }

    /// No letter and no digit: emoji, dots, nothing at all. A mere "?" asks what is meant.
    fn nothing_to_read(&mut self, text: &str, first: bool) {
        if text.contains('?') && !first {
            return self.say_it_otherwise();
        }
        if !first {
            self.word(Word::Empty);
        }
        self.ask_again();
    }

    /// Where a case is open, its thread hears of it.
    fn reachable(&mut self, reachable: bool) {
        if self.conversation.case.is_none() {
            return;
        }
        if reachable {
            self.desk_post(DeskKind::Notice, "The person is back in this chat.".to_owned());
        } else {
            let urgent = self.conversation.route() >= Route::C;
            let kind = if urgent { DeskKind::Alert } else { DeskKind::Notice };
            self.desk_post(kind, "The person has blocked or left this chat.".to_owned());
        }
    }

    fn enrolled(&mut self, name: &str) {
        let text = template::render(self.content.wording.get(Word::Enrolled), |of| {
            (of == "desk.name").then(|| name.to_owned())
        });
        self.say_as(SayKind::Notice, text);
    }

    fn undelivered(&mut self, safety: bool, change: bool) {
        if change {
            let text = "A change to an earlier message could not be carried over: the person still sees it as it was.";
            self.desk_post(DeskKind::Notice, text.to_owned());
        } else if safety {
            self.tell_desk(
                DeskKind::Alert,
                "A safety message could not be delivered to this person: they have not seen it.",
            );
            self.page("a safety message did not reach the person. Please look now.");
        } else {
            self.desk_post(DeskKind::Notice, "A message could not be delivered to this person.".to_owned());
        }
    }

    fn unreadable(&mut self) {
        if matches!(self.conversation.holder, Holder::Practitioner { .. }) {
            self.await_holder();
        }
        let text = self.text(Word::Unreadable);
        self.say_as(SayKind::Safety, text);
        self.desk_post(DeskKind::Notice, "A message arrived that could not be read.".to_owned());
    }

    /// Counts the message; whether there are more this minute than one person may send.
    fn over_limit(&mut self) -> bool {
        let limit = self.hub.person_per_minute;
        let now = self.now();
        match &mut self.conversation.pace {
            // A minute that lies ahead was counted by a clock that has been set back.
            Some(pace) if now.duration_since(pace.since).abs() < SignedDuration::from_mins(1) => {
                pace.count = pace.count.saturating_add(1);
            }
            pace => *pace = Some(Pace { since: now, count: 1 }),
        }
        limit > 0 && self.conversation.pace.as_ref().is_some_and(|pace| pace.count > limit)
    }
}

fn clip(text: &str) -> String {
    text.trim().chars().take(MESSAGE_LENGTH).collect()
}

fn attachment_word(attachment: Attachment) -> Word {
    match attachment {
        Attachment::Voice => Word::Voice,
        Attachment::Photo | Attachment::Video | Attachment::Sticker => Word::Picture,
        Attachment::File | Attachment::Location | Attachment::Contact | Attachment::Other => Word::File,
    }
}
