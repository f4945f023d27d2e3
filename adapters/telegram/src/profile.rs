//! What people see of the bot before they write: its commands and descriptions.

use serde_json::Value;
use teloxide_core::{
    payloads::{
        GetMyCommands, GetMyDescription, GetMyShortDescription, SetMyCommands, SetMyDescription,
        SetMyDescriptionSetters, SetMyShortDescription, SetMyShortDescriptionSetters,
    },
    types::{BotCommand, BotDescription, BotShortDescription},
};

use crate::{
    Config, START_CALL,
    call::{Api, Outcome},
};

/// How every description of the bot begins.
pub use chatbox_core::channel::NOT_FOR_EMERGENCIES;

const COMMANDS: [(&str, &str); 7] = [
    ("start", "Begin, or begin again"),
    ("menu", "What I can do for you"),
    ("person", "Talk to a person"),
    ("help", "How this works, and numbers to call"),
    ("stop", "Stop what we are doing"),
    ("privacy", "Who sees what, and deleting your data"),
    ("clear", "Hide this chat: delete its messages"),
];

/// Sets what differs: Telegram lets a bot change these only a few times a day.
pub(crate) async fn introduce(api: &Api, config: &Config) {
    tokio::join!(
        commands(api),
        description(api, &config.description),
        short_description(api, &config.short_description)
    );
}

async fn commands(api: &Api) {
    let commands: Vec<BotCommand> =
        COMMANDS.iter().map(|(command, description)| BotCommand::new(*command, *description)).collect();
    let there: Outcome<Vec<BotCommand>> = api.call(&GetMyCommands::new(), START_CALL).await;
    if !matches!(there, Outcome::Done(there) if there == commands) {
        warn("SetMyCommands", &api.call(&SetMyCommands::new(commands), START_CALL).await);
    }
}

async fn description(api: &Api, text: &str) {
    let there: Outcome<BotDescription> = api.call(&GetMyDescription::new(), START_CALL).await;
    if !matches!(there, Outcome::Done(there) if there.description == text) {
        warn("SetMyDescription", &api.call(&SetMyDescription::new().description(text), START_CALL).await);
    }
}

async fn short_description(api: &Api, text: &str) {
    let there: Outcome<BotShortDescription> = api.call(&GetMyShortDescription::new(), START_CALL).await;
    if !matches!(there, Outcome::Done(there) if there.short_description == text) {
        let payload = SetMyShortDescription::new().short_description(text);
        warn("SetMyShortDescription", &api.call(&payload, START_CALL).await);
    }
}

fn warn(method: &'static str, outcome: &Outcome<Value>) {
    let code = match outcome {
        Outcome::Done(_) => return,
        Outcome::Refused(refused) => refused.code,
        Outcome::RetryAfter(_) => 429,
        Outcome::Unsent(_) | Outcome::Unknown => 0,
    };
    tracing::warn!(telegram.method = method, telegram.code = code, "the bot's profile could not be set");
}
