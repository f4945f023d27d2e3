//! The service: channels, store and loops, from the start to the last message sent.

use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::Router;
use chatbox_core::ids::{ChannelKind, Lane};
use chatbox_store::Store;
use chatbox_telegram::{Config as TelegramConfig, ConnectError, NOT_FOR_EMERGENCIES, Telegram};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
    time,
};

use crate::{
    budget::Rates,
    channels::AnyChannel,
    clock,
    config::{
        Config,
        desk::{DeskChannel, NOBODY},
        telegram::{self, Mode},
    },
    health::{self, Health},
    loops::{
        decide,
        deliver::{self, Desk, Outlet},
        receive::{self, Waiting},
        timers,
    },
    seed,
    setup::{Setup, store_config},
    stop::Stop,
};

/// How long Telegram may hold a poll open.
const POLL_SECONDS: u16 = 25;

/// Waits between tries to reach a platform at the start grow to this.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// After the signal to stop: time to decide and send what is under way (P13: under 10 s).
const DRAIN: Duration = Duration::from_secs(8);

/// Runs until SIGTERM or SIGINT, and then sends what is under way.
pub async fn run(setup: Setup) -> Result<(), Stop> {
    let config = &setup.config;
    if config.desk.channel.is_none() && !config.desk.none {
        return Err(Stop::Usage(format!(
            "{NOBODY}: set desk.channel and desk.room, or desk.none = true if that is what you want."
        )));
    }
    for warning in config.warnings() {
        tracing::warn!(config.warning = warning, "the configuration deserves a look");
    }
    for finding in &setup.engine.content().warnings {
        tracing::warn!(content.warning = setup.origin.show(finding), "the content deserves a look");
    }
    let metrics = health::recorder()?;
    let store = Store::open_service(store_config(config, None).migrate()).await?;
    let stopping = Stopping::listen()?;

    let mut servers = Vec::new();
    if let Some(address) = config.http.listen {
        let warnings = setup.engine.content().warnings.len();
        let health = Health { store: store.clone(), warnings, metrics };
        servers.push((health::listen(address, "http.listen").await?, health::router(Arc::new(health))));
    }
    let Some(telegram) = connect(config, &stopping).await? else {
        store.close().await;
        return Ok(());
    };
    if let (Mode::Webhook, Some(address)) = (config.telegram.mode, config.telegram.webhook_listen) {
        let listener = health::listen(address, "telegram.webhook_listen").await?;
        servers.push((listener, webhook(&telegram, &config.telegram, &store)));
    }
    tracing::info!(content.hash = setup.engine.content().hash, "the service runs");
    let channel = AnyChannel::Telegram(telegram);
    let result = Box::pin(work(&setup, &store, channel, servers, &stopping)).await;
    store.close().await;
    tracing::info!("the service has stopped");
    result
}

/// Runs the loops until it is time to stop.
async fn work(
    setup: &Setup,
    store: &Store,
    channel: AnyChannel,
    servers: Vec<(TcpListener, Router)>,
    stopping: &Stopping,
) -> Result<(), Stop> {
    let Setup { config, engine, .. } = setup;
    let outlet = Outlet::new(vec![channel.clone()], desk(config), rates(&config.telegram));
    let waiting = Waiting::default();
    let channels = [channel.clone()];

    let mut serving = JoinSet::new();
    for (listener, router) in servers {
        let stop = stopping.clone();
        serving.spawn(async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(stop.at_once());
            if let Err(fault) = served.await {
                tracing::error!(error = %fault.kind(), "a server broke off");
            }
        });
    }
    // Each loop outlives the one that feeds it, so that the last message is answered too.
    let received = watch::Sender::new(false);
    let decided = watch::Sender::new(false);
    let receive = async {
        let result = receive::run(store, &channel, &waiting, stopping.clone().at_once()).await;
        if result.is_err() {
            stopping.ask();
        }
        received.send_replace(true);
        result
    };
    let decide = async {
        decide::run(store, engine, &config.desk, &waiting, raised(received.subscribe())).await;
        decided.send_replace(true);
    };
    let deliver = async {
        deliver::run(store, &outlet, raised(decided.subscribe())).await;
        // What the last turns said.
        while deliver::step(store, &outlet, clock::now()).await.is_ok_and(|sent| sent > 0) {}
    };
    let timers = timers::run(store, &config.retention, stopping.clone().at_once());
    let typing = async {
        tokio::select! {
            () = waiting.watch(&channels) => {}
            () = stopping.clone().at_once() => {}
        }
    };
    let all = async { tokio::join!(receive, decide, deliver, timers, typing).0 };
    let result = tokio::select! {
        result = all => result,
        () = async { stopping.clone().at_once().await; time::sleep(DRAIN).await } => {
            tracing::warn!("not everything was sent in time; the rest goes out after the next start");
            Ok(())
        }
    };
    result.map_err(|sentence| Stop::Failed(anyhow::Error::msg(sentence)))
}

/// Reaches Telegram, however long that takes. `None`: stopped before that.
async fn connect(config: &Config, stopping: &Stopping) -> Result<Option<Arc<Telegram>>, Stop> {
    let Some(telegram) = telegram_config(config)? else {
        return Err(Stop::Usage(
            "no channel is configured: set telegram.token, or use `chatbox chat`.".into(),
        ));
    };
    let mut wait = Duration::from_secs(1);
    loop {
        let connected = tokio::select! {
            () = stopping.clone().at_once() => return Ok(None),
            connected = Telegram::connect(telegram.clone(), Arc::new(clock::now)) => connected,
        };
        match connected {
            Ok(telegram) => return Ok(Some(Arc::new(telegram))),
            Err(fault @ ConnectError::Unreachable(_)) => {
                tracing::warn!(connect.wait_s = wait.as_secs(), "{fault}; trying again");
            }
            Err(ConnectError::Refused { method, code: code @ (429 | 500..) }) => {
                tracing::warn!(
                    connect.method = method,
                    connect.code = code,
                    "Telegram is busy; trying again"
                );
            }
            Err(fault) => return Err(Stop::Usage(format!("{fault}."))),
        }
        tokio::select! {
            () = stopping.clone().at_once() => return Ok(None),
            () = time::sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
        }
    }
}

fn telegram_config(config: &Config) -> Result<Option<TelegramConfig>, Stop> {
    let section = &config.telegram;
    let Some(token) = section.token.clone() else { return Ok(None) };
    let mode = match section.mode {
        Mode::Poll => chatbox_telegram::Mode::Poll { seconds: POLL_SECONDS },
        Mode::Webhook => match (section.webhook_url.clone(), section.webhook_secret.clone()) {
            (Some(url), Some(secret)) => chatbox_telegram::Mode::Webhook { url, secret },
            (None, _) | (_, None) => {
                return Err(Stop::Usage(
                    "telegram.webhook_url and telegram.webhook_secret must be set.".into(),
                ));
            }
        },
    };
    Ok(Some(TelegramConfig {
        token,
        api_url: section.api_url.clone(),
        mode,
        desk_chat: desk_room(config),
        description: format!(
            "{NOT_FOR_EMERGENCIES}\n\nFind support that fits, ask for a group for your team, or talk to a \
             person. You need not say who you are."
        ),
        short_description: NOT_FOR_EMERGENCIES.to_owned(),
    }))
}

fn webhook(telegram: &Arc<Telegram>, section: &telegram::Telegram, store: &Store) -> Router {
    let secrets = section.webhook_secret.iter().chain(&section.webhook_secret_old).cloned().collect();
    let store = store.clone();
    telegram.webhook_router(webhook_path(section), secrets, move |batch| {
        let store = store.clone();
        async move {
            match receive::take(&store, &batch, clock::now(), seed::fresh()).await {
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
fn webhook_path(section: &telegram::Telegram) -> &str {
    let url = section.webhook_url.as_deref().unwrap_or_default();
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |at| rest[at..].split(['?', '#']).next().unwrap_or("/"))
}

fn desk(config: &Config) -> Desk {
    let room = desk_room(config).map(|room| Lane::new(ChannelKind::Telegram, room.to_string()));
    Desk { room: Mutex::new(room), lead: config.desk.duty_lead.clone() }
}

fn desk_room(config: &Config) -> Option<i64> {
    match config.desk.channel {
        Some(DeskChannel::Telegram) => config.desk.room.as_deref()?.parse().ok(),
        Some(DeskChannel::Matrix) | None => None,
    }
}

fn rates(section: &telegram::Telegram) -> Rates {
    Rates {
        per_second: section.per_second,
        chat_per_second: section.chat_per_second,
        group_per_minute: section.group_per_minute,
    }
}

async fn raised(mut flag: watch::Receiver<bool>) {
    // A sender that is gone has nothing more to do either.
    let _ = flag.wait_for(|raised| *raised).await;
}

/// Whether it is time to stop.
#[derive(Clone)]
struct Stopping(Arc<watch::Sender<bool>>);

impl Stopping {
    /// SIGTERM and SIGINT ask for it.
    fn listen() -> Result<Self, Stop> {
        let stopping = Self(Arc::new(watch::Sender::new(false)));
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let asked = stopping.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            tracing::info!("asked to stop; finishing what is under way");
            asked.ask();
        });
        Ok(stopping)
    }

    fn ask(&self) {
        self.0.send_replace(true);
    }

    fn at_once(self) -> impl Future<Output = ()> + Send + 'static {
        raised(self.0.subscribe())
    }
}
