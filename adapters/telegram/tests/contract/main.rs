//! What the channel promises, over real HTTP against the stand-in.
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without may end it, also in helpers")]

mod connect;
mod desk;
mod receive;
mod send;
mod webhook;

use std::{future::Future, sync::Arc, time::Duration};

use chatbox_core::{
    channel::{Attempt, Batch, Channel, Incoming, Post},
    effect::{Choice, Say, SayKind},
    ids::{ChannelKind, Lane, OutboxId},
    input::{InputKind, Message},
};
use chatbox_telegram::{Config, Mode, NOT_FOR_EMERGENCIES, Telegram};
use chatbox_telegram_standin::Standin;
use jiff::Timestamp;

const TOKEN: &str = "12345:contract-token";
const WITHIN: Duration = Duration::from_secs(10);

fn config(standin: &Standin) -> Config {
    Config {
        token: TOKEN.to_owned().into(),
        api_url: standin.url().to_owned(),
        mode: Mode::Poll { seconds: 5 },
        desk_chat: Some(-100_200),
        description: format!("{NOT_FOR_EMERGENCIES} Write to begin."),
        short_description: NOT_FOR_EMERGENCIES.to_owned(),
    }
}

fn noon() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

async fn connect(standin: &Standin) -> Telegram {
    Telegram::connect(config(standin), Arc::new(noon)).await.unwrap()
}

async fn pair() -> (Standin, Telegram) {
    let standin = Standin::start(TOKEN).await.unwrap();
    let telegram = connect(&standin).await;
    (standin, telegram)
}

/// Polls until something comes, with everything before it committed.
async fn next(telegram: &Telegram, committed: &mut Option<String>) -> Batch {
    let polling = async {
        loop {
            let batch = telegram.receive(committed.as_deref()).await.unwrap();
            committed.clone_from(&batch.cursor);
            if !batch.incoming.is_empty() {
                return batch;
            }
        }
    };
    soon(polling).await
}

/// Fails when something does not come about.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it comes within 20 s")
}

async fn only(telegram: &Telegram, committed: &mut Option<String>) -> Incoming {
    let mut batch = next(telegram, committed).await;
    assert_eq!(batch.incoming.len(), 1, "{batch:?}");
    batch.incoming.remove(0)
}

fn message(incoming: &Incoming) -> &Message {
    let InputKind::Message(message) = &incoming.input.what else { panic!("not a message: {incoming:?}") };
    message
}

fn lane(chat: i64) -> Lane {
    Lane::new(ChannelKind::Telegram, chat.to_string())
}

fn say(text: &str) -> Post {
    Post::Say(Say::new(SayKind::Bot, text))
}

fn ask(prompt: u32, text: &str, choices: &[(&str, &str)]) -> Post {
    let choices = choices.iter().map(|(id, label)| Choice::new(*id, *label)).collect();
    Post::Say(Say { choices, prompt, ..Say::new(SayKind::Bot, text) })
}

fn attempt(input: i64) -> Attempt {
    Attempt { id: OutboxId { input, nth: 0 }, made: Timestamp::UNIX_EPOCH, repeat: false }
}
