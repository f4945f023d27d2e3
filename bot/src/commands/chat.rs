//! `chatbox chat`: a person at this terminal, on the real store and with the loops' own steps.

use std::{
    io::{self, BufRead as _, Read as _},
    path::Path,
    sync::Arc,
    thread,
};

use chatbox_core::{
    channel::{Incoming, Post},
    effect::Say,
    engine::DeskView,
    input::{Input, InputKind, Message},
};
use chatbox_store::{Spoken, Store, StoreError};
use chatbox_terminal::Screen;
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::{
    budget::Rates,
    channels::AnyChannel,
    clock,
    loops::{
        decide,
        deliver::{self, Desk, Outlet},
        timers,
    },
    seed,
    setup::{Setup, store_config},
    stop::Stop,
};

/// At most this much is read as one line.
const MAX_LINE_BYTES: u64 = 1024 * 1024;

/// Lines of the last time that are looked at to go on from there.
const LOOK_BACK: usize = 40;

/// How often somebody looks for timers.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

const EXAMPLE: &str = "EXAMPLE DATA: nobody has checked these names, numbers and opening times yet, and nobody \
                       reads what is written here. In an emergency call 999.";
const HINT: &str = "Type a message and press Enter. The number in front of a choice picks it. Ctrl-D ends.";

pub async fn run(config: Option<&Path>) -> Result<(), Stop> {
    Box::pin(with(Setup::read(config, clock::now())?)).await
}

/// Chats until the input ends.
pub async fn with(setup: Setup) -> Result<(), Stop> {
    let store = Store::open_service(store_config(&setup.config, None).migrate()).await?;
    let result = Chat::new(setup, store.clone()).talk().await;
    store.close().await;
    result
}

struct Chat {
    setup: Setup,
    store: Store,
    screen: Arc<Screen>,
    outlet: Arc<Outlet>,
    /// Nobody is at a desk here, and the bot must not promise otherwise.
    desk: DeskView,
    run: Timestamp,
    count: u64,
}

impl Chat {
    fn new(setup: Setup, store: Store) -> Self {
        let screen = Arc::new(Screen::new());
        let channels = vec![AnyChannel::Terminal(Arc::clone(&screen))];
        let off = Rates { per_second: 0.0, chat_per_second: 0.0, group_per_minute: 0.0 };
        let outlet = Outlet::new(channels, Desk::default(), off);
        Self { setup, store, screen, outlet, desk: DeskView::default(), run: clock::now(), count: 0 }
    }

    async fn talk(mut self) -> Result<(), Stop> {
        if self.setup.config.hub.is_example() || !self.setup.engine.content().warnings.is_empty() {
            self.screen.note(EXAMPLE)?;
        }
        self.screen.note(HINT)?;
        let mut lines = keyboard();
        if !self.go_on().await? {
            self.hear(InputKind::Message(Message { text: "/start".into(), ..Message::default() })).await?;
        }
        loop {
            self.settle().await?;
            self.screen.invite()?;
            let line = loop {
                tokio::select! {
                    line = lines.recv() => break line,
                    () = tokio::time::sleep(LOOK_EVERY) => self.settle().await?,
                }
            };
            let Some(line) = line else { break };
            let what = self.screen.read(&line);
            self.hear(what).await?;
        }
        self.screen.note("")?;
        Ok(())
    }

    /// Shows again what was said last, if there is a conversation to go on with.
    async fn go_on(&self) -> Result<bool, Stop> {
        let mut last: Vec<Say> = Vec::new();
        let lines = self.store.transcript(&Screen::lane(), LOOK_BACK).await?;
        for line in &lines {
            match &line.what {
                Spoken::Heard { .. } => last.clear(),
                Spoken::Said { post: Post::Say(say), .. } => last.push(say.clone()),
                Spoken::Said { post: Post::Desk(_), .. } => {}
            }
        }
        if !lines.is_empty() {
            self.screen.note("\nHere is where we were:")?;
        }
        for say in &last {
            self.screen.show(say)?;
        }
        Ok(!lines.is_empty())
    }

    async fn hear(&mut self, what: InputKind) -> Result<(), StoreError> {
        let now = clock::now();
        self.count += 1;
        let incoming = Incoming {
            lane: Screen::lane(),
            key: format!("{}/{}", self.run, self.count),
            order: 0,
            native: None,
            input: Input::new(now, what),
        };
        self.store.receive(&[incoming], None, now, seed::fresh()).await.map(drop)
    }

    /// Decides and shows until nothing waits.
    async fn settle(&self) -> Result<(), Stop> {
        loop {
            let now = clock::now();
            let due = timers::step(&self.store, now, seed::fresh()).await?;
            let decided = decide::step(&self.store, &self.setup.engine, &self.desk, now).await?;
            let sent = deliver::step(&self.store, &self.outlet, now).await?;
            if due == 0 && sent == 0 && decided.is_none() {
                return Ok(());
            }
        }
    }
}

/// Lines of standard input. A thread of its own: reading cannot be broken off.
fn keyboard() -> mpsc::Receiver<String> {
    let (lines, typed) = mpsc::channel(1);
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        loop {
            line.clear();
            match input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            // Whatever is no text arrives as signs that stand for it, and gets a kind reply.
            if lines.blocking_send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    typed
}
