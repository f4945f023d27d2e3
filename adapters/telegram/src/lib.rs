//! Telegram as a channel: the Bot API by long polling or webhook.
//!
//! The types of requests and updates are teloxide's; the calls are made here, so that what is
//! known of each outcome reaches the outbox, and nothing sleeps or retries in between.
//!
//! Updates are deduplicated by `chat/message/edit date` or `cb/query id`, never by update id, and
//! the cursor is void in any other process than the one that received it: update ids start anew
//! after a week without updates.
//!
//! Where to look: `receive` polls, and `webhook` is pushed to; `read` says what an update means, `desk`
//! what one of the desk's group does. `send` carries texts out (`split`, `file`, `press`: long ones, files
//! and buttons), `amend` changes what is there. `call` is one call, told apart by how it ended.
//!
//! No error, `Debug` output or log line holds the token or a text.

mod amend;
mod call;
mod desk;
mod file;
mod press;
mod profile;
mod read;
mod receive;
mod send;
mod split;
mod webhook;

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chatbox_core::{
    channel::{Attempt, Batch, Channel, Delivery, FetchError, Mark, Post, ReceiveError, ThreadError},
    ids::{ChannelKind, Lane, OutboxId},
    input::FileRef,
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use teloxide_core::{
    payloads::{DeleteWebhook, GetMe, SetWebhook},
    types::True,
};
use thiserror::Error;

pub use crate::profile::NOT_FOR_EMERGENCIES;
use crate::{
    call::{Api, NotSent, Outcome},
    receive::Polling,
    send::Partial,
};

/// How long each call at the start may take.
const START_CALL: Duration = Duration::from_secs(20);

/// The time now: what Telegram gives no time for is dated by it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// All that the bot needs to be on Telegram.
#[derive(Debug, Clone)]
pub struct Config {
    pub token: SecretString,
    /// `https://api.telegram.org`, or one's own Bot API server.
    pub api_url: String,
    pub mode: Mode,
    /// The desk's group: what is written there is the desk's.
    pub desk_chat: Option<i64>,
    /// What a person reads before they start: at most 512 letters, and should begin with
    /// [`NOT_FOR_EMERGENCIES`].
    pub description: String,
    /// The same for the bot's page: at most 120 letters.
    pub short_description: String,
}

/// How updates come in.
#[derive(Debug, Clone)]
pub enum Mode {
    /// `seconds` is how long Telegram may hold a poll open: 1 to 50.
    Poll { seconds: u16 },
    /// Telegram pushes to `url`; the `secret` is 1 to 256 of `A-Za-z0-9_-`. So often the token is looked at.
    Webhook { url: String, secret: SecretString, watch: Duration },
}

/// The bot's account, ready to receive and send.
pub struct Telegram {
    api: Api,
    username: String,
    wait: Wait,
    /// The desk's group; it has another id once it has become a supergroup.
    desk_chat: Mutex<Option<i64>>,
    clock: Clock,
    /// Names this process in cursors.
    run: String,
    polling: Mutex<Polling>,
    partial: Mutex<Partial>,
}

/// How updates come: by polls that may be held open so long, or by pushes while the token is looked at so often.
#[derive(Debug, Clone, Copy)]
enum Wait {
    Poll(Duration),
    Pushed(Duration),
}

/// Why the bot cannot start.
#[derive(Debug, Error)]
pub enum ConnectError {
    #[error("telegram.token is not a bot token: it must look like 123456789:ABC-def, as @BotFather gives it")]
    Malformed,
    #[error(
        "Telegram does not know the bot token: ask @BotFather for the current one and set telegram.token"
    )]
    WrongToken,
    #[error("telegram.api_url must be an http or https address, such as https://api.telegram.org")]
    ApiUrl,
    #[error("telegram.webhook_url must be an https address")]
    WebhookUrl,
    #[error("this machine cannot make secure connections: {0}")]
    Tls(reqwest::Error),
    #[error("Telegram cannot be reached at {0}")]
    Unreachable(String),
    #[error("Telegram refuses {method} (code {code})")]
    Refused { method: &'static str, code: u16 },
}

impl Telegram {
    /// Checks the token, chooses between polling and webhook, and sets the bot's commands and
    /// descriptions where they differ (a failure there is logged and no more).
    ///
    /// [`ConnectError::Unreachable`] may pass; the other errors need a change of configuration.
    pub async fn connect(config: Config, clock: Clock) -> Result<Self, ConnectError> {
        let api_url = config.api_url.trim_end_matches('/');
        let parsed = reqwest::Url::parse(api_url).map_err(|_| ConnectError::ApiUrl)?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.query().is_some() {
            return Err(ConnectError::ApiUrl);
        }
        let shown = parsed.origin().ascii_serialization();
        if !well_formed(config.token.expose_secret()) {
            return Err(ConnectError::Malformed);
        }
        let api = Api::new(api_url, &config.token)?;
        let me: serde_json::Value = expect("getMe", &shown, api.call(&GetMe::new(), START_CALL).await)?;
        let username = me["username"].as_str().unwrap_or_default().to_owned();
        let wait = match &config.mode {
            Mode::Poll { seconds } => {
                let outcome = api.call::<_, True>(&DeleteWebhook::new(), START_CALL).await;
                expect("deleteWebhook", &shown, outcome)?;
                Wait::Poll(Duration::from_secs(u64::from((*seconds).clamp(1, 50))))
            }
            Mode::Webhook { url, secret, watch } => {
                let url = reqwest::Url::parse(url).map_err(|_| ConnectError::WebhookUrl)?;
                let payload = SetWebhook {
                    allowed_updates: Some(receive::ALLOWED.to_vec()),
                    secret_token: Some(secret.expose_secret().to_owned()),
                    max_connections: Some(webhook::CONNECTIONS),
                    ..SetWebhook::new(url)
                };
                expect("setWebhook", &shown, api.call::<_, True>(&payload, START_CALL).await)?;
                Wait::Pushed(*watch)
            }
        };
        profile::introduce(&api, &config).await;
        Ok(Self {
            api,
            username,
            wait,
            desk_chat: Mutex::new(config.desk_chat),
            clock,
            run: format!("{:08x}", RandomState::new().hash_one(api_url) >> 32),
            polling: Mutex::default(),
            partial: Mutex::default(),
        })
    }

    /// The bot's name without the `@`, for links such as `https://t.me/NAME?start=group`.
    pub fn username(&self) -> &str {
        &self.username
    }

    fn desk_chat(&self) -> MutexGuard<'_, Option<i64>> {
        self.desk_chat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A group has another id from now on: if it is the desk's, what is written there is still the
    /// desk's.
    fn follow(&self, from: i64, to: i64) {
        let mut desk = self.desk_chat();
        if *desk == Some(from) {
            *desk = Some(to);
        }
    }

    fn polling(&self) -> MutexGuard<'_, Polling> {
        self.polling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn partial(&self) -> MutexGuard<'_, Partial> {
        self.partial.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Telegram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telegram")
            .field("username", &self.username)
            .field("wait", &self.wait)
            .field("polling", &self.polling)
            .field("partial", &self.partial)
            .finish_non_exhaustive()
    }
}

/// Native ids: the message id; of a text that was sent in parts, the ids joined by commas.
impl Channel for Telegram {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Telegram
    }

    /// Polls once. Buttons pressed in the committed batch are answered meanwhile. In webhook mode
    /// it returns only when the token has become void.
    async fn receive(&self, committed: Option<&str>) -> Result<Batch, ReceiveError> {
        match self.wait {
            Wait::Poll(wait) => self.poll(committed, wait).await,
            Wait::Pushed(watch) => Err(self.until_void(watch).await),
        }
    }

    /// A text over 4,096 UTF-16 units goes out in parts. If one of them fails, the outcome is that
    /// part's, and the next try of the same `id` in this process goes on with it.
    ///
    /// A file that came by Telegram is passed on without its content, whatever its size.
    ///
    /// 403 is `Gone`, 429 `RetryAfter`, a failed connection `Unsent`; a timeout, a break after the
    /// connection stood and every 5xx are `Unknown`. A token that has become void is `Unsent`.
    async fn send(
        &self,
        to: &Lane,
        post: &Post,
        file: Option<&[u8]>,
        attempt: Attempt,
        within: Duration,
    ) -> Delivery {
        self.deliver(to, post, file, attempt.id, within).await
    }

    async fn typing(&self, to: &Lane) {
        self.show_typing(to).await;
    }

    async fn retire(&self, to: &Lane, native: &str) {
        self.take_buttons_off(to, native).await;
    }

    /// Telegram deletes what is less than 48 hours old. Counts every part of a text.
    async fn clear(&self, to: &Lane, natives: &[String]) -> usize {
        self.delete(to, natives).await
    }

    /// A text that needs more messages than the old one had is cut short, and says so.
    async fn amend(
        &self,
        to: &Lane,
        native: &str,
        text: Option<&str>,
        _id: OutboxId,
        within: Duration,
    ) -> Delivery {
        match text {
            Some(text) => self.edit(to, native, text, within).await,
            None => self.unsend(to, native, within).await,
        }
    }

    async fn fetch(&self, file: &FileRef, limit: u64, within: Duration) -> Result<Vec<u8>, FetchError> {
        self.download(file, limit, within).await
    }

    /// A reaction: thumb up, or down.
    async fn mark(&self, at: &Lane, native: &str, mark: Mark) {
        self.react(at, native, mark).await;
    }

    async fn open_thread(
        &self,
        room: &Lane,
        title: &str,
        _id: OutboxId,
        within: Duration,
    ) -> Result<Lane, ThreadError> {
        self.create_topic(room, title, within).await
    }

    /// A person's private chat has their own id.
    async fn direct(&self, who: &str, _within: Duration) -> Result<Lane, ThreadError> {
        Ok(Lane::new(ChannelKind::Telegram, who))
    }
}

/// Digits, a colon, and what cannot change the meaning of an address.
fn well_formed(token: &str) -> bool {
    let Some((id, secret)) = token.split_once(':') else { return false };
    let digits = !id.is_empty() && id.chars().all(|c| c.is_ascii_digit());
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    digits && !secret.is_empty() && secret.chars().all(fits)
}

fn expect<T>(method: &'static str, shown: &str, outcome: Outcome<T>) -> Result<T, ConnectError> {
    match outcome {
        Outcome::Done(result) => Ok(result),
        Outcome::Refused(refused) => Err(ConnectError::Refused { method, code: refused.code }),
        Outcome::Unsent(NotSent::Token) => Err(ConnectError::WrongToken),
        Outcome::RetryAfter(_) => Err(ConnectError::Refused { method, code: 429 }),
        Outcome::Unsent(_) | Outcome::Unknown => Err(ConnectError::Unreachable(shown.to_owned())),
    }
}
