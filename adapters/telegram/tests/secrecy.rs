//! Neither the token nor what people write is found in any error, debug output or log line, with
//! every crate logging all it has. A binary of its own, as it listens to all logs of the process.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use chatbox_core::{
    channel::{Attempt, Channel, Post},
    effect::{Say, SayKind},
    ids::{ChannelKind, Lane, OutboxId},
};
use chatbox_telegram::{Config, Mode, Telegram};
use chatbox_telegram_standin::{Fault, Standin};
use jiff::Timestamp;

const SECRET: &str = "CANARY-token-4711";
const TOKEN: &str = "12345:CANARY-token-4711";
const WORDS: &str = "CANARY words of Sam";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn token_and_words_are_in_no_error_debug_or_log() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let standin = Standin::start(TOKEN).await.unwrap();
    let mut seen = Vec::new();
    let config = |url: &str| Config {
        token: TOKEN.to_owned().into(),
        api_url: url.to_owned(),
        mode: Mode::Poll { seconds: 1 },
        desk_chat: None,
        description: "Hello".to_owned(),
        short_description: "Hello".to_owned(),
    };
    let clock = || Arc::new(|| Timestamp::UNIX_EPOCH);
    seen.push(format!("{:?}", config(standin.url())));

    for url in ["http://127.0.0.1:9", "https://127.0.0.1:9", "http://[::", "nonsense"] {
        let error = Telegram::connect(config(url), clock()).await.unwrap_err();
        seen.push(format!("{error} {error:?} {error:#?}"));
    }
    for fault in [Fault::drop(), Fault::gateway(502), Fault::refuse(400, TOKEN), Fault::garbage()] {
        standin.fault(fault.on("getMe"));
        let error = Telegram::connect(config(standin.url()), clock()).await.unwrap_err();
        seen.push(format!("{error} {error:?}"));
    }
    standin.fault(Fault::retry_after(60).on("setMyDescription"));
    let telegram = Telegram::connect(config(standin.url()), clock()).await.unwrap();

    let sam = standin.user(7, "Sam");
    sam.says(WORDS);
    let batch = telegram.receive(None).await.unwrap();
    let post = Post::Say(Say::new(SayKind::Bot, WORDS));
    let lane = Lane::new(ChannelKind::Telegram, "7");
    for (n, fault) in
        [Fault::drop(), Fault::gateway(502), Fault::refuse(400, WORDS), Fault::garbage(), Fault::hang()]
            .into_iter()
            .enumerate()
    {
        standin.fault(fault.clone().on("sendMessage"));
        standin.fault(fault.clone().on("getUpdates"));
        standin.fault(fault.on("sendChatAction"));
        let id = OutboxId { input: i64::try_from(n).unwrap(), nth: 0 };
        let attempt = Attempt { id, made: Timestamp::UNIX_EPOCH, repeat: n > 0 };
        let delivery = telegram.send(&lane, &post, None, attempt, Duration::from_millis(300)).await;
        seen.push(format!("{delivery:?}"));
        if n < 4 {
            telegram.typing(&lane).await;
            let error = telegram.receive(batch.cursor.as_deref()).await.unwrap_err();
            seen.push(format!("{error} {error:?}"));
        }
        standin.clear_faults();
    }
    seen.push(format!("{telegram:?}"));
    standin.revoke_token("12345:other");
    let error = telegram.receive(None).await.unwrap_err();
    seen.push(format!("{error} {error:?}"));
    standin.goes_offline();
    let error = telegram.receive(None).await.unwrap_err();
    seen.push(format!("{error} {error:?}"));

    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("the bot's profile could not be set"), "the log was listened to");
    assert!(log.contains("hyper"), "other crates were listened to");
    for (what, text) in [("errors and debug output", &seen.join("\n")), ("the log", &log)] {
        let lines = |secret: &str| {
            text.lines().filter(|line| line.contains(secret)).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(lines(SECRET), Vec::<String>::new(), "the token is in {what}");
        assert_eq!(lines("CANARY words"), Vec::<String>::new(), "words are in {what}");
    }
}
