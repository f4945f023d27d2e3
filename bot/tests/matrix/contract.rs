//! What a [`Channel`] promises: the same cases on Telegram, Matrix and the terminal, each with
//! somebody on the other side who is no part of it.

use std::{
    collections::VecDeque,
    io::Write,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use chatbox_core::{
    channel::{Attempt, Channel, Delivery, Incoming, Mark, Post},
    effect::{Choice, Say, SayKind},
    ids::{ChannelKind, Lane, OutboxId},
    input::{Input, InputKind},
};
use chatbox_matrix::Matrix;
use chatbox_matrix_synapse::{Room, Synapse};
use chatbox_telegram::{Mode, NOT_FOR_EMERGENCIES, Telegram};
use chatbox_telegram_standin::{Standin, User};
use chatbox_terminal::Screen;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::time;

const PATIENCE: Duration = Duration::from_secs(60);
const WITHIN: Duration = Duration::from_secs(10);

/// A channel, and somebody on the other side of it.
trait Outside: Sized {
    type Channel: Channel;
    async fn set() -> Self;
    fn channel(&self) -> &Self::Channel;
    /// Where they are.
    fn lane(&self) -> Lane;
    async fn says(&mut self, text: &str);
    /// Takes the choice of that place and label, of the text that came last.
    async fn picks(&mut self, nth: usize, label: &str);
    /// The next text that reaches them.
    async fn hears(&mut self) -> String;
    /// What the channel hands over next. Everything before it is committed.
    async fn brings(&mut self) -> Incoming;
}

/// Runs each case on each channel.
macro_rules! contract {
    ($($case:ident on $($channel:ident)+;)*) => {
        $(mod $case {
            $(#[tokio::test]
            async fn $channel() {
                super::$case(<super::$channel as super::Outside>::set().await).await;
            })+
        })*
    };
}

#[expect(non_camel_case_types, reason = "they name the tests")]
type telegram = OnTelegram;
#[expect(non_camel_case_types, reason = "they name the tests")]
type matrix = OnMatrix;
#[expect(non_camel_case_types, reason = "they name the tests")]
type terminal = AtTerminal;

contract! {
    words_arrive_whole_in_order_and_under_keys_of_their_own on telegram matrix terminal;
    text_is_heard_as_it_was_meant on telegram matrix terminal;
    many_texts_at_once_all_arrive_once on telegram matrix;
    choice_comes_back_by_its_id_and_prompt on telegram matrix terminal;
    courtesies_never_fail on telegram matrix terminal;
    send_gives_up_in_time on telegram matrix terminal;
    batch_that_was_not_committed_comes_again on telegram matrix;
    files_and_threads_that_do_not_exist_are_errors on telegram matrix terminal;
}

async fn words_arrive_whole_in_order_and_under_keys_of_their_own<O: Outside>(mut outside: O) {
    let words = ["one", "two\nlines", "three <b>&amp; ünïcode 👋"];
    let mut keys = Vec::new();
    for text in words {
        outside.says(text).await;
        let incoming = outside.brings().await;
        assert_eq!(incoming.lane, outside.lane());
        assert_eq!(incoming.lane.channel, outside.channel().kind());
        let InputKind::Message(message) = incoming.input.what else { panic!("{incoming:?}") };
        assert_eq!(message.text, text);
        assert!(!keys.contains(&incoming.key), "{keys:?} {}", incoming.key);
        keys.push(incoming.key);
    }
}

async fn text_is_heard_as_it_was_meant<O: Outside>(mut outside: O) {
    for text in ["Hello, <Sam> & *all*", "Call 999.\nOr 116 123. 👋", "_not_ [a](link)"] {
        let delivery =
            outside.channel().send(&outside.lane(), &say(text, &[]), None, attempt(), WITHIN).await;
        assert!(matches!(&delivery, Delivery::Sent { native } if !native.is_empty()), "{delivery:?}");
        assert_eq!(outside.hears().await, text);
    }
}

/// More than one key of an encrypted room may encrypt.
async fn many_texts_at_once_all_arrive_once<O: Outside>(mut outside: O) {
    const EACH: usize = 30;
    let stream = |name: char| {
        let (channel, lane) = (outside.channel(), outside.lane());
        async move {
            for nth in 0..EACH {
                let delivery =
                    channel.send(&lane, &say(&format!("{name}{nth}"), &[]), None, attempt(), WITHIN).await;
                assert!(matches!(delivery, Delivery::Sent { .. }), "{name}{nth}: {delivery:?}");
            }
        }
    };
    tokio::join!(stream('a'), stream('b'), stream('c'), stream('d'));
    let mut heard = Vec::new();
    for _ in 0..4 * EACH {
        heard.push(outside.hears().await);
    }
    for name in ['a', 'b', 'c', 'd'] {
        let own: Vec<&String> = heard.iter().filter(|text| text.starts_with(name)).collect();
        assert_eq!(
            own,
            (0..EACH).map(|nth| format!("{name}{nth}")).collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
    }
}

async fn choice_comes_back_by_its_id_and_prompt<O: Outside>(mut outside: O) {
    let post = say("Shall we?", &[("yes", "Yes please"), ("no", "No thanks")]);
    outside.channel().send(&outside.lane(), &post, None, attempt(), WITHIN).await;
    assert!(outside.hears().await.starts_with("Shall we?"));
    outside.picks(1, "No thanks").await;
    let incoming = outside.brings().await;
    assert_eq!(incoming.input.what, InputKind::Press { choice: "no".to_owned(), prompt: Some(7) });
}

async fn courtesies_never_fail<O: Outside>(mut outside: O) {
    let (channel, lane) = (outside.channel(), outside.lane());
    channel.typing(&lane).await;
    channel.retire(&lane, "no such message").await;
    channel.mark(&lane, "no such message", Mark::Delivered).await;
    let nothing: [String; 0] = [];
    assert_eq!(channel.clear(&lane, &nothing).await, 0);
    assert!(channel.clear(&lane, &["no such message".to_owned()]).await <= 1);
    // It still works.
    channel.send(&lane, &say("hello", &[]), None, attempt(), WITHIN).await;
    assert_eq!(outside.hears().await, "hello");
}

async fn send_gives_up_in_time<O: Outside>(outside: O) {
    let began = Instant::now();
    let delivery =
        outside.channel().send(&outside.lane(), &say("late", &[]), None, attempt(), Duration::ZERO).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(!matches!(delivery, Delivery::Refused(_)), "{delivery:?}");
}

async fn batch_that_was_not_committed_comes_again<O: Outside>(mut outside: O) {
    outside.says("first").await;
    // Committed: what the first call brought, and no more.
    let first = outside.brings().await;
    outside.says("second").await;
    let channel = outside.channel();
    let mut committed = None;
    let second = loop {
        let batch = soon(channel.receive(committed.as_deref())).await.unwrap();
        if let Some(second) = batch.incoming.iter().find(|incoming| incoming.key != first.key) {
            break second.clone();
        }
        committed = batch.cursor;
    };
    let again = soon(async {
        loop {
            // A channel that has to go back may ask for a moment.
            let Ok(batch) = channel.receive(committed.as_deref()).await else { continue };
            if batch.incoming.iter().any(|incoming| incoming.key == second.key) {
                break batch;
            }
        }
    })
    .await;
    outside.says("third").await;
    let channel = outside.channel();
    let mut committed = again.cursor;
    let third = soon(async {
        loop {
            let batch = channel.receive(committed.as_deref()).await.unwrap();
            if !batch.incoming.is_empty() {
                break batch;
            }
            committed = batch.cursor;
        }
    })
    .await;
    assert!(third.incoming.iter().all(|incoming| incoming.key != second.key), "it was committed");
}

async fn files_and_threads_that_do_not_exist_are_errors<O: Outside>(outside: O) {
    let channel = outside.channel();
    let file = chatbox_core::input::FileRef {
        channel: channel.kind(),
        handle: "no such file".to_owned(),
        name: None,
        mime: None,
        size: None,
    };
    assert!(channel.fetch(&file, 1_000, WITHIN).await.is_err());
    let nowhere = Lane::new(channel.kind(), "nowhere");
    assert!(channel.open_thread(&nowhere, "a case", attempt().id, WITHIN).await.is_err());
}

fn say(text: &str, choices: &[(&str, &str)]) -> Post {
    let choices: Vec<_> = choices.iter().map(|(id, label)| Choice::new(*id, *label)).collect();
    let prompt = if choices.is_empty() { 0 } else { 7 };
    Post::Say(Say { choices, prompt, ..Say::new(SayKind::Bot, text) })
}

/// A row of its own each time.
fn attempt() -> Attempt {
    static NEXT: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(1);
    let input = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Attempt { id: OutboxId { input, nth: 0 }, made: now(), repeat: false }
}

fn now() -> Timestamp {
    chatbox::clock::now()
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    time::timeout(PATIENCE, what).await.expect("it comes within a minute")
}

/// Receives as the loop of the service does: what was taken is committed with the next call.
#[derive(Default)]
struct Intake {
    committed: Option<String>,
    waiting: VecDeque<Incoming>,
}

impl Intake {
    async fn next(&mut self, channel: &impl Channel) -> Incoming {
        soon(async {
            loop {
                if let Some(incoming) = self.waiting.pop_front() {
                    return incoming;
                }
                let batch = channel.receive(self.committed.as_deref()).await.unwrap();
                self.committed = batch.cursor;
                self.waiting.extend(batch.incoming);
            }
        })
        .await
    }
}

struct OnTelegram {
    telegram: Telegram,
    user: User,
    intake: Intake,
    _standin: Standin,
}

impl Outside for OnTelegram {
    type Channel = Telegram;

    async fn set() -> Self {
        let standin = Standin::start("12345:contract").await.unwrap();
        let config = chatbox_telegram::Config {
            token: "12345:contract".to_owned().into(),
            api_url: standin.url().to_owned(),
            mode: Mode::Poll { seconds: 5 },
            desk_chat: None,
            description: NOT_FOR_EMERGENCIES.to_owned(),
            short_description: NOT_FOR_EMERGENCIES.to_owned(),
        };
        let telegram = Telegram::connect(config, Arc::new(now)).await.unwrap();
        let user = standin.user(7, "Sam");
        let mut outside = Self { telegram, user, intake: Intake::default(), _standin: standin };
        // A bot may not write to somebody who has not written to it.
        outside.says("/start").await;
        outside.brings().await;
        outside
    }

    fn channel(&self) -> &Telegram {
        &self.telegram
    }

    fn lane(&self) -> Lane {
        Lane::new(ChannelKind::Telegram, "7")
    }

    async fn says(&mut self, text: &str) {
        self.user.says(text);
    }

    async fn picks(&mut self, _nth: usize, label: &str) {
        self.user.presses(label);
    }

    async fn hears(&mut self) -> String {
        self.user.next_message().await.text
    }

    async fn brings(&mut self) -> Incoming {
        self.intake.next(&self.telegram).await
    }
}

struct OnMatrix {
    matrix: Matrix,
    room: Room,
    bot: String,
    intake: Intake,
    last: String,
    _state: TempDir,
}

impl Outside for OnMatrix {
    type Channel = Matrix;

    async fn set() -> Self {
        let synapse = Synapse::shared().await;
        let account = synapse.account("bot").await;
        let state = tempfile::tempdir().unwrap();
        let config = chatbox_matrix::Config {
            homeserver: synapse.url().to_owned(),
            user: account.id.clone(),
            password: account.password.clone().into(),
            state_dir: state.path().join("state"),
            store_key: [7; 32],
            allowed_servers: Vec::new(),
            desk_room: None,
            recovery_key: None,
            room_topic: NOT_FOR_EMERGENCIES.to_owned(),
            display_name: "A bot".to_owned(),
        };
        let matrix = Matrix::connect(config, Arc::new(now)).await.unwrap().matrix;
        let sam = synapse.person("sam").await;
        let room = sam.opens(&[&account.id], true).await;
        let mut outside = Self {
            matrix,
            room,
            bot: account.id,
            intake: Intake::default(),
            last: String::new(),
            _state: state,
        };
        // The bot takes the invitation up while it receives; a word from its guest shows that it has.
        let joined = async {
            outside.room.ready(&outside.bot).await;
            outside.room.says("here").await;
        };
        let ((), here) = tokio::join!(joined, outside.intake.next(&outside.matrix));
        assert!(
            matches!(&here.input.what, InputKind::Message(message) if message.text == "here"),
            "{here:?}"
        );
        outside
    }

    fn channel(&self) -> &Matrix {
        &self.matrix
    }

    fn lane(&self) -> Lane {
        Lane::new(ChannelKind::Matrix, &self.room.id)
    }

    async fn says(&mut self, text: &str) {
        self.room.says(text).await;
    }

    async fn picks(&mut self, nth: usize, _label: &str) {
        self.room.reacts(&self.last, &format!("{}\u{fe0f}\u{20e3}", nth + 1)).await;
    }

    async fn hears(&mut self) -> String {
        let event = self.room.next(&self.bot).await;
        self.last.clone_from(&event.id);
        event.text().to_owned()
    }

    async fn brings(&mut self) -> Incoming {
        self.intake.next(&self.matrix).await
    }
}

/// Somebody who reads the screen and types.
struct AtTerminal {
    screen: Screen,
    shown: Shown,
    typed: VecDeque<String>,
    count: u32,
}

#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Outside for AtTerminal {
    type Channel = Screen;

    async fn set() -> Self {
        let shown = Shown::default();
        let screen = Screen::on(Box::new(shown.clone()), false);
        Self { screen, shown, typed: VecDeque::new(), count: 0 }
    }

    fn channel(&self) -> &Screen {
        &self.screen
    }

    fn lane(&self) -> Lane {
        Screen::lane()
    }

    async fn says(&mut self, text: &str) {
        self.typed.push_back(text.to_owned());
    }

    async fn picks(&mut self, nth: usize, _label: &str) {
        self.typed.push_back((nth + 1).to_string());
    }

    async fn hears(&mut self) -> String {
        let shown = std::mem::take(&mut *self.shown.0.lock().unwrap());
        String::from_utf8(shown).unwrap().trim().to_owned()
    }

    /// Whoever reads the keyboard hands each line to the screen, and names the delivery.
    async fn brings(&mut self) -> Incoming {
        let line = self.typed.pop_front().expect("something was typed");
        self.count += 1;
        let input = Input::new(now(), self.screen.read(&line));
        Incoming { lane: Screen::lane(), key: format!("line/{}", self.count), order: 0, native: None, input }
    }
}
