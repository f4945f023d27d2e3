//! The service: channels, store and loops, from the start to the last message sent.

use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::Router;
use chatbox_core::ids::{ChannelKind, Lane};
use chatbox_store::{Reach, Store};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::{JoinError, JoinSet},
    time,
};

use crate::{
    budget::Rates,
    clock,
    config::{
        Config, Loaded,
        desk::{DeskChannel, NOBODY},
        telegram,
    },
    health::{self, Health, Platforms, Standing},
    link::{self, GivenUp, Link},
    loops::{
        decide,
        deliver::{self, Desk, Outlet},
        receive::{self, Waiting},
        timers,
    },
    server,
    setup::{Setup, store_config},
    stop::Stop,
};

/// After the signal to stop: time to decide and send what is under way, and then to close the
/// database, however slow that is (P13: under 10 s).
const DRAIN: Duration = Duration::from_secs(8);
const CLOSE: Duration = Duration::from_secs(1);

/// Runs until SIGTERM or SIGINT, and then sends what is under way. To be told to stop is no failure,
/// at whatever moment that comes.
pub async fn run(loaded: Loaded) -> Result<(), Stop> {
    // Before anything that takes time: a signal that nobody listens for ends the process as a crash
    // does.
    let stopping = Stopping::listen()?;
    let started = tokio::select! {
        started = Box::pin(start(loaded, &stopping)) => started?,
        () = stopping.clone().at_once() => {
            tracing::info!("the service has stopped before it had started");
            return Ok(());
        }
    };
    let store = started.store.clone();
    let result = Box::pin(work(started, &stopping)).await;
    if time::timeout(CLOSE, store.close()).await.is_err() {
        tracing::warn!("the database did not close in time; what was committed is on its disk");
    }
    tracing::info!("the service has stopped");
    result
}

/// A service that has all it needs to work.
struct Started {
    setup: Setup,
    store: Store,
    links: Vec<Link>,
    servers: Servers,
    platforms: Platforms,
}

async fn start(loaded: Loaded, stopping: &Stopping) -> Result<Started, Stop> {
    let setup = Setup::with(loaded, clock::now())?;
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
    let (mut servers, platforms) = (Servers::new(stopping), Platforms::default());
    if let Some(address) = config.http.listen {
        let warnings = setup.engine.content().warnings.len();
        let health = Health { store: store.clone(), warnings, metrics, platforms: platforms.clone() };
        servers.serve(health::listen(address, "http.listen").await?, health::router(Arc::new(health)));
    }
    let links = link::all(config, &store).await?;
    tracing::info!(content.hash = setup.engine.content().hash, "the service runs");
    Ok(Started { setup, store, links, servers, platforms })
}

/// Runs the loops until it is time to stop.
async fn work(started: Started, stopping: &Stopping) -> Result<(), Stop> {
    let Started { setup: Setup { config, engine, .. }, store, links, servers, platforms } = started;
    let (config, engine, store) = (&config, &engine, &store);
    let outlet = Outlet::new(Vec::new(), desk(config), rates(&config.telegram));
    let waiting = Arc::new(Waiting::default());
    store.set_reach(reach(config, &outlet));

    // Each loop outlives the one that feeds it, so that the last message is answered too.
    let received = watch::Sender::new(false);
    let decided = watch::Sender::new(false);
    let receive = async {
        let carriers = Carriers {
            config: config.clone(),
            store: store.clone(),
            outlet: Arc::clone(&outlet),
            waiting: Arc::clone(&waiting),
            platforms,
            stopping: stopping.clone(),
        };
        let result = carriers.carry(links, servers).await;
        stopping.ask();
        received.send_replace(true);
        result
    };
    let decide = async {
        let one = || decide::run(store, engine, &config.desk, &waiting, raised(received.subscribe()));
        // One thinks while what the other decided is written down.
        tokio::join!(one(), one());
        decided.send_replace(true);
    };
    // On a thread of its own if there is one: thinking holds up whatever shares its.
    let mut delivering = JoinSet::new();
    delivering.spawn({
        let (store, outlet, decided) = (store.clone(), Arc::clone(&outlet), decided.subscribe());
        async move {
            deliver::run(&store, &outlet, raised(decided)).await;
            // What the last turns said.
            while deliver::step(&store, &outlet, clock::now()).await.is_ok_and(|sent| sent > 0) {}
        }
    });
    let deliver = async {
        if let Some(Err(fault)) = delivering.join_next().await
            && let Ok(panic) = fault.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
    };
    let timers = timers::run(store, &config.retention, &config.desk, stopping.clone().at_once());
    let typing = async {
        tokio::select! {
            () = waiting.watch(&outlet) => {}
            () = stopping.clone().at_once() => {}
        }
    };
    let all = async { tokio::join!(receive, decide, deliver, timers, typing).0 };
    tokio::select! {
        result = all => result,
        () = async { stopping.clone().at_once().await; time::sleep(DRAIN).await } => {
            tracing::warn!("not everything was sent in time; the rest goes out after the next start");
            Ok(())
        }
    }
}

/// What it takes to connect a platform and to bring in what it has.
#[derive(Clone)]
struct Carriers {
    config: Config,
    store: Store,
    outlet: Arc<Outlet>,
    waiting: Arc<Waiting>,
    platforms: Platforms,
    stopping: Stopping,
}

/// Why a platform carries nothing any more.
enum Ended {
    Stopped,
    /// The configuration is wrong, as it turned out at the very start.
    Misconfigured(String),
    /// It wants no more of us. The others go on.
    Lost(String),
}

impl Carriers {
    /// Carries every platform until it is time to stop. One that ends for good leaves the others
    /// alone; when none is left, or one was wrongly configured from the start, all ends.
    async fn carry(self, links: Vec<Link>, mut servers: Servers) -> Result<(), Stop> {
        let (serve, mut to_serve) = tokio::sync::mpsc::channel(links.len());
        let mut carrying = JoinSet::new();
        for link in links {
            let kind = link.kind;
            let (carriers, serve) = (self.clone(), serve.clone());
            carrying.spawn(async move { (kind, carriers.one(link, serve).await) });
        }
        drop(serve);
        loop {
            let (kind, ended) = tokio::select! {
                Some((listener, router)) = to_serve.recv() => {
                    servers.serve(listener, router);
                    continue;
                }
                ended = carrying.join_next() => match ended {
                    None => return Ok(()),
                    Some(Ok(ended)) => ended,
                    Some(Err(fault)) => return Err(broken_off(&fault)),
                },
            };
            match ended {
                Ended::Stopped => {}
                Ended::Misconfigured(sentence) => return Err(Stop::Usage(sentence)),
                Ended::Lost(sentence) if carrying.is_empty() => {
                    return Err(Stop::Failed(anyhow::Error::msg(sentence)));
                }
                Ended::Lost(sentence) => {
                    self.platforms.set(kind, Standing::Lost);
                    tracing::error!(channel = kind.as_str(), "{sentence} The other channel goes on.");
                }
            }
        }
    }

    async fn one(self, link: Link, serve: tokio::sync::mpsc::Sender<(TcpListener, Router)>) -> Ended {
        let kind = link.kind;
        self.platforms.set(kind, Standing::Connecting);
        let made = match link.until_connected(self.stopping.clone().at_once()).await {
            Ok(made) => made,
            Err(GivenUp::Stopped) => return Ended::Stopped,
            Err(GivenUp::Never { at_first: true, sentence }) => {
                return Ended::Misconfigured(format!("{sentence}."));
            }
            Err(GivenUp::Never { at_first: false, sentence }) => return Ended::Lost(format!("{sentence}.")),
        };
        self.platforms.set(kind, Standing::Connected);
        tracing::info!(channel = kind.as_str(), "the channel is connected");
        if let Some(room) = made.room {
            self.outlet.set_room(room);
        }
        self.outlet.connected(made.channel.clone());
        self.store.set_reach(reach(&self.config, &self.outlet));
        if let Some(server) = made.server {
            // Whoever serves is there as long as anything is carried.
            let _ = serve.send(server).await;
        }
        let stop = self.stopping.clone().at_once();
        match receive::run(&self.store, &made.channel, &self.waiting, stop).await {
            Ok(()) => Ended::Stopped,
            Err(sentence) => Ended::Lost(sentence),
        }
    }
}

/// A task that panicked. What its error says quotes the panic, and that may quote what somebody wrote.
fn broken_off(fault: &JoinError) -> Stop {
    let why = if fault.is_panic() { "hit a defect; the log says where" } else { "was broken off" };
    Stop::Failed(anyhow::Error::msg(format!("what carries a platform {why}.")))
}

/// What can be sent by the channels that are connected.
fn reach(config: &Config, outlet: &Outlet) -> Reach {
    let has = |kind| outlet.channel(kind).is_some();
    // What goes nowhere, because the deployer wants it so, waits for nothing.
    let desk = config.desk.channel.is_none_or(|channel| has(kind(channel)));
    let lead = config.desk.duty_lead.as_deref().is_none_or(|lead| {
        has(if lead.starts_with('@') { ChannelKind::Matrix } else { ChannelKind::Telegram })
    });
    Reach {
        telegram: has(ChannelKind::Telegram),
        matrix: has(ChannelKind::Matrix),
        terminal: has(ChannelKind::Terminal),
        desk,
        lead,
    }
}

fn kind(channel: DeskChannel) -> ChannelKind {
    match channel {
        DeskChannel::Telegram => ChannelKind::Telegram,
        DeskChannel::Matrix => ChannelKind::Matrix,
    }
}

/// The desk, as far as it is known before the platforms are connected: an address of a Matrix room
/// has to be looked up.
fn desk(config: &Config) -> Desk {
    let room = match (config.desk.channel, &config.desk.room) {
        (Some(DeskChannel::Telegram), Some(room)) => Some(Lane::new(ChannelKind::Telegram, room)),
        (Some(DeskChannel::Matrix), _) | (_, None) | (None, Some(_)) => None,
    };
    Desk { room: Mutex::new(room), lead: config.desk.duty_lead.clone() }
}

/// HTTP servers of this process. They end when it is time to stop.
struct Servers {
    serving: JoinSet<()>,
    stopping: Stopping,
}

impl Servers {
    fn new(stopping: &Stopping) -> Self {
        Self { serving: JoinSet::new(), stopping: stopping.clone() }
    }

    fn serve(&mut self, listener: TcpListener, router: Router) {
        let stop = self.stopping.clone().at_once();
        self.serving.spawn(server::serve(listener, router, server::LIMITS, stop));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn panic_of_a_platform_ends_the_service_without_a_word_of_what_was_written() {
        let panicked = tokio::spawn(async { panic!("byte index 1 of `I feel awful`") }).await.unwrap_err();
        let stop = broken_off(&panicked);
        for shown in [stop.to_string(), format!("{stop:?}")] {
            assert!(shown.contains("defect") && !shown.contains("awful"), "{shown}");
        }
        assert_eq!(stop.code(), 1);
    }
}
