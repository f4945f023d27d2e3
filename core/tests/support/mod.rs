//! A conversation played against the shipped content, in memory.

use std::{collections::BTreeMap, fs, path::Path};

use chatbox_core::{
    channel::{ChannelFacts, Confidentiality},
    content::Content,
    conversation::{Conversation, Holder},
    directory::{Hours, Nation},
    effect::{Effect, Say},
    engine::{Context, DeskView, Engine, Hub, Member, Targets, Turn},
    ids::{ChannelKind, Lane, Reference},
    input::{DeskMessage, Input, InputKind, Message},
};
use jiff::{SignedDuration, Timestamp, civil::date};

/// The files of the content folder, as the program reads them: with the weights of the second safety net, so
/// that danger is heard here as it is in the service.
pub(crate) fn content_files() -> Vec<(String, String)> {
    files_ending_in(&["yaml", "txt", "weights"])
}

/// Files of the content folder, in order: the path in it, and the text.
pub(crate) fn files_ending_in(endings: &[&str]) -> Vec<(String, String)> {
    fn walk(root: &Path, folder: &Path, endings: &[&str], files: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).expect("the content folder can be read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(root, &path, endings, files);
            } else if path.extension().is_some_and(|ending| endings.iter().any(|one| ending == *one)) {
                let name = path.strip_prefix(root).expect("inside").to_string_lossy().replace('\\', "/");
                files.push((name, fs::read_to_string(&path).expect("UTF-8")));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/content");
    let mut files = Vec::new();
    walk(&root, &root, endings, &mut files);
    files.sort();
    files
}

/// The shipped content.
pub(crate) fn content() -> Content {
    let files = content_files();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    match Content::load(&files, date(2026, 11, 22)) {
        Ok(content) => content,
        Err(findings) => {
            let list: Vec<String> = findings
                .iter()
                .filter(|f| f.severity == chatbox_core::content::Severity::Error)
                .map(ToString::to_string)
                .collect();
            panic!("the shipped content has faults:\n{}", list.join("\n"));
        }
    }
}

/// A hub with a desk from 9 to 5, Monday to Friday.
pub(crate) fn hub() -> Hub {
    Hub {
        name: "the Example Wellbeing Hub".into(),
        phone: Some("020 7946 0000".into()),
        email: Some("hub@example.org".into()),
        web: None,
        areas: vec!["Camden".into(), "Barnet".into(), "Enfield".into()],
        nation: Nation::England,
        hours: "Mon-Fri 09:00-17:00".parse::<Hours>().expect("hours"),
        closed_days: Vec::new(),
        confidentiality: "Your manager cannot see this chat. The hub's practitioners can.".into(),
        chat_days: 90,
        person_per_minute: 20,
        targets: Targets::default(),
    }
}

pub(crate) fn engine() -> Engine {
    Engine::new(content(), hub())
}

/// One person's conversation, with a clock and timers of its own. The state is written out and
/// read back between any two inputs.
pub(crate) struct Play<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) state: String,
    pub(crate) now: Timestamp,
    pub(crate) seed: u64,
    pub(crate) desk: DeskView,
    pub(crate) kind: ChannelKind,
    /// How private each input comes, where that is known better than by the channel.
    pub(crate) via: Option<Confidentiality>,
    /// Messages of the person, and of the desk: they are called m1, m2, and d1, d2.
    said: (u32, u32),
    timers: BTreeMap<String, (Timestamp, String)>,
}

impl<'a> Play<'a> {
    /// Monday 5 January 2026, 10am, with a desk where bob and carol are enrolled.
    pub(crate) fn new(engine: &'a Engine) -> Self {
        let member = |name: &str| Member { name: name.into(), organisation: None, duty_lead: false };
        Self {
            engine,
            state: serde_json::to_string(&Conversation::default()).expect("state is JSON"),
            now: "2026-01-05T10:00:00Z".parse().expect("an instant"),
            seed: 1,
            desk: DeskView {
                exists: true,
                members: [("bob".into(), member("Bob")), ("carol".into(), member("Carol"))].into(),
                ..DeskView::default()
            },
            kind: ChannelKind::Telegram,
            via: None,
            said: (0, 0),
            timers: BTreeMap::new(),
        }
    }

    /// Names of the timers that are set.
    pub(crate) fn timer_names(&self) -> Vec<&str> {
        self.timers.keys().map(String::as_str).collect()
    }

    pub(crate) fn enrol(&mut self, who: &str) {
        let member = Member { name: who.to_owned(), organisation: None, duty_lead: false };
        self.desk.members.entry(who.to_owned()).or_insert(member);
    }

    /// The desk is there, and whoever holds the conversation is enrolled again, so that nothing is
    /// let go of by itself.
    pub(crate) fn settle_holder(&mut self) {
        self.desk.exists = true;
        if let Holder::Practitioner { id, .. } = self.conversation().holder {
            self.enrol(&id);
        }
    }

    pub(crate) fn conversation(&self) -> Conversation {
        serde_json::from_str(&self.state).expect("the state reads back")
    }

    pub(crate) fn lane() -> Lane {
        Lane::new(ChannelKind::Telegram, "42")
    }

    pub(crate) fn says(&mut self, text: &str) -> Turn {
        self.writes(Message { text: text.into(), ..Message::default() })
    }

    /// A message of the person, under the next number.
    pub(crate) fn writes(&mut self, message: Message) -> Turn {
        self.said.0 += 1;
        let id = Some(format!("m{}", self.said.0));
        self.input(InputKind::Message(Message { id, ..message }))
    }

    pub(crate) fn edits(&mut self, id: &str, text: &str) -> Turn {
        let message = Message { text: text.into(), id: Some(id.into()), edited: true, ..Message::default() };
        self.input(InputKind::Message(message))
    }

    pub(crate) fn presses(&mut self, choice: &str) -> Turn {
        self.input(InputKind::Press { choice: choice.into(), prompt: None })
    }

    pub(crate) fn desk(&mut self, by: &str, text: &str) -> Turn {
        let case = self.conversation().case.expect("a case is open");
        self.desk_in(&case, by, Message { text: text.into(), ..Message::default() })
    }

    /// A message in the thread of a case, under the next number.
    pub(crate) fn desk_in(&mut self, case: &Reference, by: &str, said: Message) -> Turn {
        self.said.1 += 1;
        let id = Some(format!("d{}", self.said.1));
        self.at_desk(case, by, Message { id, ..said }, false)
    }

    pub(crate) fn at_desk(&mut self, case: &Reference, by: &str, said: Message, redacted: bool) -> Turn {
        let case = Some(case.clone());
        self.input(InputKind::Desk(DeskMessage { by: by.into(), case, said, redacted }))
    }

    /// Moves the clock and lets timers come due, in order.
    pub(crate) fn after(&mut self, span: SignedDuration) -> Vec<Turn> {
        let end = self.now.checked_add(span).expect("in range");
        let mut turns = Vec::new();
        while let Some((name, (at, step))) =
            self.timers.iter().min_by_key(|(_, (at, _))| *at).map(|(n, t)| (n.clone(), t.clone()))
            && at <= end
        {
            self.timers.remove(&name);
            self.now = at;
            turns.push(self.input(InputKind::Timer { name, step }));
        }
        self.now = end;
        turns
    }

    pub(crate) fn input(&mut self, what: InputKind) -> Turn {
        self.input_at(self.now, what)
    }

    /// An input that was written at another time than it is read.
    pub(crate) fn input_at(&mut self, at: Timestamp, what: InputKind) -> Turn {
        let before = self.conversation();
        let context = Context {
            now: self.now,
            seed: self.seed,
            channel: ChannelFacts::of(self.kind),
            desk: self.desk.clone(),
        };
        self.seed += 1;
        self.now = self.now.checked_add(SignedDuration::from_secs(4)).expect("in range");
        let turn = self.engine.turn(&before, &Input { at, via: self.via, what }, &context);
        for effect in &turn.effects {
            match effect {
                Effect::SetTimer { name, step, at } => {
                    self.timers.insert(name.clone(), (*at, step.clone()));
                }
                Effect::CancelTimer { name } => {
                    self.timers.remove(name);
                }
                Effect::Erase { .. } => self.timers.clear(),
                Effect::Say(_)
                | Effect::Desk(_)
                | Effect::Save(_)
                | Effect::ClearChat { .. }
                | Effect::Amend { .. }
                | Effect::Audit { .. } => {}
            }
        }
        self.state = serde_json::to_string(&turn.conversation).expect("state is JSON");
        turn
    }
}

/// What the person is told in a turn.
pub(crate) fn told(turn: &Turn) -> String {
    says(turn).map(|say| say.text.as_str()).collect::<Vec<_>>().join("\n")
}

pub(crate) fn says(turn: &Turn) -> impl Iterator<Item = &Say> {
    turn.effects.iter().filter_map(|effect| if let Effect::Say(say) = effect { Some(say) } else { None })
}
