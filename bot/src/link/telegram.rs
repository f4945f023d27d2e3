//! Telegram: a token, and for a webhook an address to listen on.

use std::{sync::Arc, time::Duration};

use axum::Router;
use chatbox_core::ids::ChannelKind;
use chatbox_store::Store;
use chatbox_telegram::{Config as TelegramConfig, ConnectError, NOT_FOR_EMERGENCIES, Telegram};
use secrecy::SecretString;
use tokio::net::TcpListener;

use super::{Connected, NotConnected};
use crate::{
    channels::AnyChannel,
    clock,
    config::{Config, desk::DeskChannel, telegram::Mode},
    health,
    loops::receive,
    seed,
    stop::Stop,
};

/// How long Telegram may hold a poll open.
const POLL_SECONDS: u16 = 25;
/// Behind a webhook the token is looked at this often: a revoked one is told by nobody.
const WATCH: Duration = Duration::from_secs(60);

pub(super) struct Link {
    config: TelegramConfig,
    webhook: Option<Webhook>,
    store: Store,
}

/// Where pushes come in.
struct Webhook {
    path: String,
    secrets: Vec<SecretString>,
    /// Taken when the bot is connected.
    listener: Option<TcpListener>,
}

impl Link {
    /// `None`: Telegram is not configured.
    pub(super) async fn of(config: &Config, store: &Store) -> Result<Option<Self>, Stop> {
        let section = &config.telegram;
        let Some(token) = section.token.clone() else { return Ok(None) };
        let mut webhook = None;
        let mode = match section.mode {
            Mode::Poll => chatbox_telegram::Mode::Poll { seconds: POLL_SECONDS },
            Mode::Webhook => match (&section.webhook_url, &section.webhook_secret, section.webhook_listen) {
                (Some(url), Some(secret), Some(address)) => {
                    let listener = health::listen(address, "telegram.webhook_listen").await?;
                    let old = section.webhook_secret_old.iter();
                    webhook = Some(Webhook {
                        path: path(url).to_owned(),
                        secrets: [secret].into_iter().chain(old).cloned().collect(),
                        listener: Some(listener),
                    });
                    chatbox_telegram::Mode::Webhook { url: url.clone(), secret: secret.clone(), watch: WATCH }
                }
                (None, _, _) | (_, None, _) | (_, _, None) => {
                    return Err(Stop::Usage(
                        "telegram.webhook_url, telegram.webhook_secret and telegram.webhook_listen must be set."
                            .into(),
                    ));
                }
            },
        };
        let config = TelegramConfig {
            token,
            api_url: section.api_url.clone(),
            mode,
            desk_chat: desk_room(config),
            description: format!(
                "{NOT_FOR_EMERGENCIES}\n\nFind support that fits, ask for a group for your team, or talk to a \
                 person. You need not say who you are."
            ),
            short_description: NOT_FOR_EMERGENCIES.to_owned(),
        };
        Ok(Some(Self { config, webhook, store: store.clone() }))
    }

    pub(super) async fn connect(&mut self) -> Result<Connected, NotConnected> {
        let telegram = match Telegram::connect(self.config.clone(), Arc::new(clock::now)).await {
            Ok(telegram) => Arc::new(telegram),
            Err(fault @ ConnectError::Unreachable(_)) => return Err(NotConnected::Later(fault.to_string())),
            Err(fault @ ConnectError::Refused { code: 429 | 500.., .. }) => {
                return Err(NotConnected::Later(fault.to_string()));
            }
            Err(fault) => return Err(NotConnected::Never(fault.to_string())),
        };
        let server = self.webhook.as_mut().and_then(|webhook| {
            let listener = webhook.listener.take()?;
            Some((listener, router(&telegram, &webhook.path, webhook.secrets.clone(), self.store.clone())))
        });
        Ok(Connected { channel: AnyChannel::Telegram(telegram), room: None, server })
    }
}

fn router(telegram: &Arc<Telegram>, path: &str, secrets: Vec<SecretString>, store: Store) -> Router {
    telegram.webhook_router(path, secrets, move |batch| {
        let store = store.clone();
        async move {
            match receive::take(&store, ChannelKind::Telegram, &batch, clock::now(), seed::fresh()).await {
                Ok(_) => true,
                Err(fault) => {
                    tracing::error!(error = %fault, "a pushed message could not be committed");
                    false
                }
            }
        }
    })
}

/// The path of `telegram.webhook_url`: what is in front of us is expected to leave it as it is.
fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |at| rest[at..].split(['?', '#']).next().unwrap_or("/"))
}

/// The desk's group, if it is on Telegram.
fn desk_room(config: &Config) -> Option<i64> {
    match config.desk.channel {
        Some(DeskChannel::Telegram) => config.desk.room.as_deref()?.parse().ok(),
        Some(DeskChannel::Matrix) | None => None,
    }
}
