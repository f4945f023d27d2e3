//! What is done about an input that the engine fails on, whatever it is that fails.

use std::panic::{self, AssertUnwindSafe};

use super::{Context, Engine, Turn, clip};
use crate::{
    content::Word,
    conversation::Conversation,
    dialogue::Talk,
    effect::{DeskKind, DeskPost, Effect, Say, SayKind},
    input::{Input, InputKind},
    safety::{Heard, Route},
};

const UNHEARD: &str = "The bot could not look for danger in what this person wrote. Please read it now.";

const FAILED: &str = "The bot failed on something that happened in this conversation. Please look.";

/// Said when not even the content's own words can be had.
const AT_LEAST: &str = "Something went wrong here with your last message, and I could not answer it.\nIf you are in \
                        danger, call 999. To talk: NHS 111 (mental health option), Samaritans 116 123, or text \
                        SHOUT to 85258.";

impl Engine {
    /// The turn for an input that made [`Engine::turn`] panic too often. The text of a person's
    /// message is still checked for safety, and they are told; a practitioner is told in the
    /// thread. The desk is alerted, and the conversation stays where it is. Where that panics as
    /// well, the crisis lines and an alert are what is left; this never panics.
    pub fn give_up(&self, conversation: &Conversation, input: &Input, context: &Context) -> Turn {
        let hear = |text: &str| self.content.safety.hear(text, &conversation.memory, context.now);
        let heard = match &input.what {
            InputKind::Message(message) => unless_it_panics(|| hear(&message.text)),
            InputKind::Press { .. }
            | InputKind::Timer { .. }
            | InputKind::Desk(_)
            | InputKind::Redacted { .. }
            | InputKind::Enrolled { .. }
            | InputKind::NotEnrolled
            | InputKind::Reachable(_)
            | InputKind::Undelivered { .. }
            | InputKind::Unreadable
            | InputKind::Gaps(_) => None,
        };
        unless_it_panics(|| self.set_aside(conversation, input, heard.as_ref(), context))
            .unwrap_or_else(|| bare(conversation, input, context))
    }

    /// `heard`: what a person's message means, if that could be told.
    fn set_aside(
        &self,
        conversation: &Conversation,
        input: &Input,
        heard: Option<&Heard>,
        context: &Context,
    ) -> Turn {
        let mut talk = Talk::new(self, conversation, input.at, context);
        match &input.what {
            InputKind::Message(message) => {
                talk.words = clip(&message.text);
                match heard {
                    Some(heard) if heard.route > Route::A && !heard.soft => talk.danger_while_held(heard),
                    Some(_) => {}
                    None => talk.tell_desk(DeskKind::Alert, UNHEARD),
                }
                talk.gave_up();
            }
            InputKind::Press { .. } | InputKind::Unreadable => talk.gave_up(),
            InputKind::Desk(message) => talk.answer(
                message,
                "The bot failed on this message, so nothing was done and nothing was sent. Please write it again \
                 in other words.",
            ),
            InputKind::Timer { .. }
            | InputKind::Redacted { .. }
            | InputKind::Enrolled { .. }
            | InputKind::NotEnrolled
            | InputKind::Reachable(_)
            | InputKind::Gaps(_)
            | InputKind::Undelivered { .. } => talk.tell_desk(DeskKind::Alert, FAILED),
        }
        talk.finish()
    }
}

impl Talk<'_> {
    /// The bot failed on what the person wrote.
    fn gave_up(&mut self) {
        let text = self.text(Word::GaveUp);
        self.say_as(SayKind::Safety, text);
        if self.context.desk.exists {
            self.tell_desk(DeskKind::Alert, "The bot failed on a message of this person. Please look.");
            self.ask_for_somebody();
        }
    }
}

fn unless_it_panics<T>(what: impl FnOnce() -> T) -> Option<T> {
    // What it worked on is dropped: the arguments are never changed.
    panic::catch_unwind(AssertUnwindSafe(what)).ok()
}

/// The turn that is left when giving up fails too: nothing in it can fail.
fn bare(conversation: &Conversation, input: &Input, context: &Context) -> Turn {
    let from_person =
        matches!(input.what, InputKind::Message(_) | InputKind::Press { .. } | InputKind::Unreadable);
    let told = from_person.then(|| Effect::Say(Say::new(SayKind::Safety, AT_LEAST)));
    let what = if from_person { UNHEARD } else { FAILED };
    let case = conversation.case.clone();
    let alert = context.desk.exists.then(|| Effect::Desk(DeskPost::new(case, DeskKind::Alert, what)));
    Turn { conversation: conversation.clone(), effects: told.into_iter().chain(alert).collect() }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use jiff::{Timestamp, civil::date};

    use super::*;
    use crate::{
        channel::ChannelFacts,
        content::Content,
        directory::Nation,
        engine::{DeskView, Hub, Targets},
        ids::ChannelKind,
        input::Message,
    };

    fn files(folder: &Path, root: &Path, into: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, root, into);
            } else if path.extension().is_some_and(|ending| ending == "yaml" || ending == "txt") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                into.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }

    fn engine() -> Engine {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/content");
        let mut read = Vec::new();
        files(&root, &root, &mut read);
        let read: Vec<(&str, &str)> = read.iter().map(|(name, text)| (&**name, &**text)).collect();
        let Ok(content) = Content::load(&read, date(2026, 1, 5)) else { panic!("the content is whole") };
        let hub = Hub {
            name: "the hub".into(),
            phone: None,
            email: None,
            web: None,
            areas: Vec::new(),
            nation: Nation::England,
            hours: "Mon-Fri 09:00-17:00".parse().unwrap(),
            closed_days: Vec::new(),
            confidentiality: "Nobody sees it.".into(),
            chat_days: 90,
            person_per_minute: 20,
            targets: Targets::default(),
        };
        Engine::new(content, hub)
    }

    fn context() -> Context {
        let desk = DeskView { exists: true, ..DeskView::default() };
        let now: Timestamp = "2026-01-05T10:00:00Z".parse().unwrap();
        Context { now, seed: 1, channel: ChannelFacts::of(ChannelKind::Telegram), desk }
    }

    fn input() -> Input {
        let message = Message { text: "I want to die".into(), ..Message::default() };
        Input::new(context().now, InputKind::Message(message))
    }

    fn lines(turn: &Turn) -> usize {
        let lines = |say: &Say| {
            say.kind == SayKind::Safety && say.text.contains("999") && say.text.contains("116 123")
        };
        turn.effects.iter().filter(|effect| matches!(effect, Effect::Say(say) if lines(say))).count()
    }

    fn alerts(turn: &Turn) -> Vec<&str> {
        let mut alerts = Vec::new();
        for effect in &turn.effects {
            if let Effect::Desk(DeskPost { kind: DeskKind::Alert, text, .. }) = effect {
                alerts.push(text.as_str());
            }
        }
        alerts
    }

    #[test]
    fn words_in_which_danger_cannot_be_looked_for_are_read_by_somebody() {
        let turn = engine().set_aside(&Conversation::default(), &input(), None, &context());
        assert!(lines(&turn) > 0, "{:?}", turn.effects);
        assert!(alerts(&turn).iter().any(|text| text.contains(UNHEARD)), "{:?}", turn.effects);
        assert!(turn.conversation.case.is_some(), "somebody can take it");
    }

    #[test]
    fn failing_while_giving_up_leaves_the_crisis_lines_and_an_alert() {
        let turn = unless_it_panics(|| -> Turn { panic!("whatever it is") })
            .unwrap_or_else(|| bare(&Conversation::default(), &input(), &context()));
        assert_eq!((lines(&turn), alerts(&turn)), (1, vec![UNHEARD]));
        assert_eq!(turn.conversation, Conversation::default());
        let timer = InputKind::Timer { name: "wait".into(), step: String::new() };
        let turn = bare(&Conversation::default(), &Input::new(context().now, timer), &context());
        assert_eq!((lines(&turn), alerts(&turn)), (0, vec![FAILED]), "nobody wrote anything");
    }
}
