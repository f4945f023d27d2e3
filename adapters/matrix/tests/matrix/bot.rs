//! The bot of a test: what `receive` brings is committed in memory, or not.

use std::{
    future::Future,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU16, Ordering},
    },
    time::Duration,
};

use chatbox_core::{
    channel::{Attempt, Batch, Channel, Delivery, FromDesk, Incoming, Post, ReceiveError},
    effect::{Choice, Say, SayKind},
    ids::{Lane, OutboxId},
    input::InputKind,
};
use chatbox_matrix::{Clock, Config, ConnectError, Matrix};
use chatbox_matrix_synapse::{Account, PATIENCE, Synapse};
use jiff::Timestamp;
use secrecy::SecretString;
use tempfile::TempDir;
use tracing_subscriber::EnvFilter;

pub(crate) const KEY: [u8; 32] = [7; 32];
pub(crate) const TOPIC: &str = "Not for emergencies: in danger call 999.";
/// How long one send may take.
pub(crate) const WITHIN: Duration = Duration::from_secs(20);

/// A clock that a test can move.
#[derive(Clone, Default)]
pub(crate) struct Hands(Arc<AtomicI64>);

impl Hands {
    #[expect(clippy::disallowed_methods, reason = "a test is where the clock is wired in")]
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now() + jiff::SignedDuration::from_secs(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn move_on(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }

    fn clock(&self) -> Clock {
        let hands = self.clone();
        Arc::new(move || hands.now())
    }
}

pub(crate) struct Bot {
    pub(crate) matrix: Matrix,
    pub(crate) account: Account,
    pub(crate) hands: Hands,
    pub(crate) recovery_key: Option<SecretString>,
    pub(crate) committed: Option<String>,
    /// All that was committed.
    pub(crate) incoming: Vec<Incoming>,
    pub(crate) desk: Vec<FromDesk>,
    pub(crate) config: Config,
    sent: AtomicU16,
    dir: Arc<TempDir>,
}

pub(crate) fn config(url: &str, account: &Account, dir: &Path) -> Config {
    Config {
        homeserver: url.to_owned(),
        user: account.id.clone(),
        password: account.password.clone().into(),
        state_dir: dir.join("matrix"),
        store_key: KEY,
        allowed_servers: Vec::new(),
        desk_room: None,
        recovery_key: None,
        room_topic: TOPIC.to_owned(),
        display_name: "Wellbeing hub".to_owned(),
    }
}

pub(crate) async fn connect(config: Config) -> Result<Matrix, ConnectError> {
    Matrix::connect(config, Hands::default().clock()).await.map(|connected| connected.matrix)
}

impl Bot {
    pub(crate) async fn start(synapse: &Synapse) -> Self {
        Self::start_with(synapse, |_| {}).await
    }

    pub(crate) async fn start_with(synapse: &Synapse, change: impl FnOnce(&mut Config)) -> Self {
        if std::env::var_os("RUST_LOG").is_some() {
            drop(tracing_subscriber::fmt().with_env_filter(EnvFilter::from_default_env()).try_init());
        }
        let account = synapse.account("bot").await;
        let dir = Arc::new(TempDir::new().expect("a temporary folder"));
        let mut config = config(synapse.url(), &account, dir.path());
        change(&mut config);
        let hands = Hands::default();
        let connected = Matrix::connect(config.clone(), hands.clock()).await.expect("the bot starts");
        let mut bot = Self {
            matrix: connected.matrix,
            account,
            hands,
            recovery_key: connected.recovery_key,
            committed: None,
            incoming: Vec::new(),
            desk: Vec::new(),
            config,
            sent: AtomicU16::new(0),
            dir,
        };
        // The first place, so that the bot is there before anybody comes.
        bot.step().await;
        bot
    }

    pub(crate) fn id(&self) -> &str {
        &self.account.id
    }

    /// As after a kill: a new process on the same folder and on what is committed.
    pub(crate) async fn again(self, change: impl FnOnce(&mut Config, &Path)) -> Self {
        self.matrix.close().await;
        let mut config = self.config;
        config.recovery_key.clone_from(&self.recovery_key);
        change(&mut config, self.dir.path());
        let connected =
            Matrix::connect(config.clone(), self.hands.clock()).await.expect("the bot starts again");
        let recovery_key = connected.recovery_key.or(self.recovery_key);
        Self { matrix: connected.matrix, config, recovery_key, ..self }
    }

    /// One batch, committed.
    pub(crate) async fn step(&mut self) -> Batch {
        let batch = self.matrix.receive(self.committed.as_deref()).await.expect("a batch");
        self.commit(batch.clone());
        batch
    }

    pub(crate) fn commit(&mut self, batch: Batch) {
        self.committed = batch.cursor;
        // The inbox knows every message by its key.
        for incoming in batch.incoming {
            if self.incoming.iter().all(|known| known.key != incoming.key) {
                self.incoming.push(incoming);
            }
        }
        self.desk.extend(batch.desk);
    }

    /// Receives until something else is done.
    pub(crate) async fn during<T>(&mut self, other: impl Future<Output = T>) -> T {
        tokio::pin!(other);
        loop {
            let batch = tokio::select! {
                done = &mut other => return done,
                batch = self.matrix.receive(self.committed.as_deref()) => batch.expect("a batch"),
            };
            self.commit(batch);
        }
    }

    /// Receives until that is so.
    pub(crate) async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = tokio::time::Instant::now() + PATIENCE;
        while !holds(self) {
            let step = tokio::time::timeout_at(end, self.step()).await;
            assert!(step.is_ok(), "{what} did not come; there were: {:?}", self.incoming);
        }
    }

    /// The texts that people wrote, in order.
    pub(crate) fn heard(&self) -> Vec<&str> {
        let texts = self.incoming.iter().filter_map(|incoming| {
            let InputKind::Message(message) = &incoming.input.what else { return None };
            Some(message.text.as_str())
        });
        texts.collect()
    }

    pub(crate) async fn hears(&mut self, text: &str) -> Incoming {
        self.until(text, |bot| bot.heard().contains(&text)).await;
        let is = |incoming: &&Incoming| matches!(&incoming.input.what, InputKind::Message(message) if message.text == text);
        self.incoming.iter().find(is).expect("it was heard").clone()
    }

    /// As [`Bot::hears`], through failures that pass: the service tries again after them.
    pub(crate) async fn hears_through_trouble(&mut self, text: &str) {
        let end = tokio::time::Instant::now() + PATIENCE;
        while !self.heard().contains(&text) {
            let receiving = self.matrix.receive(self.committed.as_deref());
            match tokio::time::timeout_at(end, receiving).await.expect("it is heard in time") {
                Ok(batch) => self.commit(batch),
                Err(ReceiveError::Later { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// An attempt at a new row.
    pub(crate) fn attempt(&self) -> Attempt {
        let nth = self.sent.fetch_add(1, Ordering::Relaxed);
        Attempt { id: OutboxId { input: 1, nth }, made: self.hands.now(), repeat: false }
    }

    pub(crate) async fn send(&self, to: &Lane, post: &Post) -> Delivery {
        self.matrix.send(to, post, None, self.attempt(), WITHIN).await
    }

    /// Says something, and returns its native id. A send that is surely not done is done again, as
    /// the outbox does.
    pub(crate) async fn says(&mut self, to: &Lane, post: &Post) -> String {
        loop {
            match self.send(to, post).await {
                Delivery::Sent { native } => return native,
                Delivery::Unsent => drop(self.step().await),
                other @ (Delivery::Refused(_) | Delivery::RetryAfter(_) | Delivery::Unknown) => {
                    panic!("{other:?}")
                }
            }
        }
    }
}

pub(crate) fn say(text: &str) -> Post {
    ask(text, 0, &[])
}

pub(crate) fn ask(text: &str, prompt: u32, choices: &[(&str, &str)]) -> Post {
    let choices = choices.iter().map(|(id, label)| Choice::new(*id, *label)).collect();
    Post::Say(Say { choices, prompt, ..Say::new(SayKind::Bot, text) })
}
