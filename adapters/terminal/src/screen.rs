//! A person at this terminal. Choices are numbered; the number, the words or any text answer.

use std::{
    io::{self, IsTerminal as _, Write},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chatbox_core::{
    channel::{
        Attempt, Batch, Channel, Delivery, FetchError, Mark, Post, ReceiveError, Refusal, ThreadError,
    },
    effect::{Choice, Say},
    ids::{ChannelKind, Lane, OutboxId},
    input::FileRef,
    input::{InputKind, Message},
};

use crate::wrap::wrap;

/// Columns of a line of text.
const WIDTH: usize = 80;

/// What is shown, and which choices are open.
pub struct Screen {
    open: Mutex<Open>,
    out: Mutex<Box<dyn Write + Send>>,
    /// Somebody types here, so that a prompt is of use.
    interactive: bool,
}

#[derive(Default)]
struct Open {
    prompt: u32,
    choices: Vec<Choice>,
}

impl Screen {
    /// On standard output.
    pub fn new() -> Self {
        Self::on(Box::new(io::stdout()), io::stdin().is_terminal() && io::stdout().is_terminal())
    }

    /// On anything that can be written to. `interactive` shows where to type.
    pub fn on(out: Box<dyn Write + Send>, interactive: bool) -> Self {
        Self { open: Mutex::default(), out: Mutex::new(out), interactive }
    }

    /// The name of the one conversation that a terminal has.
    pub fn lane() -> Lane {
        Lane::new(ChannelKind::Terminal, "you")
    }

    /// Shows a text of the bot and remembers its choices.
    pub fn show(&self, say: &Say) -> io::Result<()> {
        let mut lines = wrap(&say.text, WIDTH);
        if !say.choices.is_empty() {
            lines.push(String::new());
            lines.extend(choices(&say.choices));
            *self.open() = Open { prompt: say.prompt, choices: say.choices.clone() };
        }
        lines.insert(0, String::new());
        self.write(&(lines.join("\n") + "\n"))
    }

    /// Shows a line that is not the bot's: about the program itself.
    pub fn note(&self, text: &str) -> io::Result<()> {
        self.write(&(wrap(text, WIDTH).join("\n") + "\n"))
    }

    /// Shows where to type.
    pub fn invite(&self) -> io::Result<()> {
        if self.interactive { self.write("\n> ") } else { Ok(()) }
    }

    /// What a typed line is: a choice, if it is the number or the label of an open one, or else a
    /// message.
    pub fn read(&self, line: &str) -> InputKind {
        let line = line.trim_end_matches(['\r', '\n']);
        let open = self.open();
        match pick(&open.choices, line.trim()) {
            Some(choice) => InputKind::Press { choice: choice.id.clone(), prompt: Some(open.prompt) },
            None => InputKind::Message(Message { text: line.to_owned(), ..Message::default() }),
        }
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether choices are numbered. Where all of them lead aside, a typed number answers the question
/// above them ("How many?").
fn numbered(choices: &[Choice]) -> bool {
    choices.len() > 1 && choices.iter().any(|choice| !choice.is_aside())
}

fn choices(choices: &[Choice]) -> Vec<String> {
    if numbered(choices) {
        return (1..)
            .zip(choices)
            .flat_map(|(number, choice): (usize, _)| wrap(&format!("{number}. {}", choice.label), WIDTH))
            .collect();
    }
    let labels: Vec<_> = choices.iter().map(|choice| format!("“{}”", choice.label)).collect();
    wrap(&format!("(or type {})", labels.join(" or ")), WIDTH)
}

fn pick<'a>(choices: &'a [Choice], typed: &str) -> Option<&'a Choice> {
    let same = |choice: &&Choice| choice.label.to_lowercase() == typed.to_lowercase();
    let nth = |number: usize| if numbered(choices) { choices.get(number.checked_sub(1)?) } else { None };
    let number = typed.strip_suffix(['.', ')']).unwrap_or(typed);
    choices.iter().find(same).or_else(|| number.parse().ok().and_then(nth))
}

impl Channel for Screen {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Terminal
    }

    /// Never brings anything: whoever reads the keyboard hands each line to [`Screen::read`].
    async fn receive(&self, _committed: Option<&str>) -> Result<Batch, ReceiveError> {
        std::future::pending().await
    }

    async fn send(
        &self,
        _to: &Lane,
        post: &Post,
        _file: Option<&[u8]>,
        attempt: Attempt,
        _within: Duration,
    ) -> Delivery {
        let shown = match post {
            Post::Say(say) => self.show(say),
            // Nothing of the desk is for the person's eyes.
            Post::Desk(_) => Ok(()),
        };
        match shown {
            Ok(()) => Delivery::Sent { native: attempt.id.to_string() },
            Err(_) => Delivery::Unknown,
        }
    }

    async fn typing(&self, _to: &Lane) {}

    async fn retire(&self, _to: &Lane, _native: &str) {}

    async fn clear(&self, _to: &Lane, natives: &[String]) -> usize {
        natives.len()
    }

    /// What stands on paper stays.
    async fn amend(
        &self,
        _to: &Lane,
        _native: &str,
        _text: Option<&str>,
        _id: OutboxId,
        _within: Duration,
    ) -> Delivery {
        Delivery::Refused(Refusal::Bad { code: 0 })
    }

    async fn fetch(&self, _file: &FileRef, _limit: u64, _within: Duration) -> Result<Vec<u8>, FetchError> {
        Err(FetchError::Gone { code: 0 })
    }

    async fn mark(&self, _at: &Lane, _native: &str, _mark: Mark) {}

    async fn open_thread(
        &self,
        _room: &Lane,
        _title: &str,
        _id: OutboxId,
        _within: Duration,
    ) -> Result<Lane, ThreadError> {
        Err(ThreadError::Refused { code: 0 })
    }

    async fn direct(&self, _who: &str, _within: Duration) -> Result<Lane, ThreadError> {
        Err(ThreadError::Refused { code: 0 })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chatbox_core::effect::SayKind;

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn say(labels: &[&str]) -> Say {
        let choices =
            labels.iter().map(|l| Choice { id: l.to_lowercase(), label: (*l).to_owned() }).collect();
        Say { kind: SayKind::Bot, text: "How many?".into(), choices, prompt: 7, media: None }
    }

    fn shown(labels: &[&str]) -> (Screen, String) {
        let paper = Paper::default();
        let screen = Screen::on(Box::new(paper.clone()), false);
        screen.show(&say(labels)).unwrap();
        let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        (screen, text)
    }

    fn press(choice: &str) -> InputKind {
        InputKind::Press { choice: choice.into(), prompt: Some(7) }
    }

    fn message(text: &str) -> InputKind {
        InputKind::Message(Message { text: text.into(), ..Message::default() })
    }

    #[test]
    fn choices_are_picked_by_number_or_label() {
        let (screen, text) = shown(&["Weekly", "Monthly"]);
        assert_eq!(text, "\nHow many?\n\n1. Weekly\n2. Monthly\n");
        assert_eq!(screen.read("2\n"), press("monthly"));
        assert_eq!(screen.read("1."), press("weekly"));
        assert_eq!(screen.read(" weekly "), press("weekly"));
        assert_eq!(screen.read("3"), message("3"));
        assert_eq!(screen.read("every week\r\n"), message("every week"));
    }

    #[test]
    fn a_number_answers_the_question_where_choices_only_lead_aside() {
        let (screen, text) = shown(&["Skip", "Finish"]);
        assert_eq!(text, "\nHow many?\n\n(or type “Skip” or “Finish”)\n");
        assert_eq!(screen.read("1"), message("1"));
        assert_eq!(screen.read("skip"), press("skip"));
    }

    #[test]
    fn a_label_that_is_a_number_goes_before_the_place_in_the_list() {
        let (screen, _) = shown(&["2", "1"]);
        assert_eq!(screen.read("1"), press("1"));
    }
}
