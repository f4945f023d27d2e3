//! A platform that does what the seed says, and keeps a ledger.

use std::{
    collections::{BTreeMap, VecDeque},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use chatbox_core::{
    channel::{
        Attempt, Batch, Channel, Delivery, FetchError, Incoming, Mark, Post, ReceiveError, Refusal,
        ThreadError,
    },
    effect::{Choice, SayKind},
    ids::{ChannelKind, Lane, OutboxId},
    input::FileRef,
};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::sync::Notify;

/// One try at sending, as the platform saw it.
#[derive(Debug, Clone)]
pub(crate) struct Try {
    pub(crate) id: OutboxId,
    pub(crate) to: Lane,
    pub(crate) text: String,
    /// Of a text to a person.
    pub(crate) kind: Option<SayKind>,
    pub(crate) arrived: bool,
    pub(crate) refused: bool,
}

/// What happens while a send is on its way.
type Meanwhile = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

pub(crate) struct World {
    seed: u64,
    /// Sends go well, and nothing comes twice.
    pub(crate) calm: bool,
    updates: VecDeque<(u64, Incoming)>,
    next: u64,
    /// What Telegram forgot that it delivered.
    old: Vec<Incoming>,
    dice: ChaCha8Rng,
    pub(crate) ledger: Vec<Try>,
    pub(crate) choices: BTreeMap<Lane, Vec<Choice>>,
    tries: BTreeMap<OutboxId, u64>,
    /// Runs in the middle of some sends.
    pub(crate) meanwhile: Option<Arc<Meanwhile>>,
    busy: bool,
    pub(crate) faults: usize,
    /// Counts the batches of seeds that were drawn.
    drawn: u64,
}

#[derive(Clone)]
pub(crate) struct Platform(Arc<Mutex<World>>, Arc<Notify>);

impl Platform {
    pub(crate) fn new(seed: u64) -> Self {
        let world = World {
            seed,
            calm: false,
            updates: VecDeque::new(),
            next: 1,
            old: Vec::new(),
            dice: ChaCha8Rng::seed_from_u64(seed ^ 0x5eed),
            ledger: Vec::new(),
            choices: BTreeMap::new(),
            tries: BTreeMap::new(),
            meanwhile: None,
            busy: false,
            faults: 0,
            drawn: 0,
        };
        Self(Arc::new(Mutex::new(world)), Arc::new(Notify::new()))
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// Ready when the process is to die in the middle of a send.
    pub(crate) async fn death(&self) {
        self.1.notified().await;
    }
}

impl World {
    pub(crate) fn post(&mut self, incoming: Incoming) {
        self.updates.push_back((self.next, incoming));
        self.next += 1;
    }

    /// Seeds for what is received, the same each time that a run is played.
    pub(crate) fn seeds(&mut self) -> impl FnMut() -> u64 + Send + 'static {
        self.drawn += 1;
        chatbox::seed::fixed(self.seed, self.drawn)
    }

    /// The process that was in the middle of something is gone.
    pub(crate) fn forget(&mut self) {
        self.meanwhile = None;
        self.busy = false;
    }

    pub(crate) fn pending(&self) -> usize {
        self.updates.len()
    }

    /// What a poll brings: order holds within a chat, and nothing else is sure.
    fn deliver(&mut self, committed: Option<&str>) -> Result<Batch, ReceiveError> {
        if let Some(upto) = committed.and_then(|cursor| cursor.parse::<u64>().ok()) {
            while self.updates.front().is_some_and(|(id, _)| *id < upto) {
                let told = self.updates.pop_front();
                self.old.extend(told.map(|(_, incoming)| incoming));
            }
        }
        if !self.calm && self.dice.next_u64().is_multiple_of(6) {
            self.faults += 1;
            return Err(ReceiveError::Later { what: "no answer", wait: Duration::from_secs(1) });
        }
        let most = if self.calm { 100 } else { 1 + self.dice.next_u64() % 6 };
        let count = self.updates.len().min(usize::try_from(most).unwrap());
        let mut incoming: Vec<Incoming> =
            self.updates.iter().take(count).map(|(_, incoming)| incoming.clone()).collect();
        let cursor = self.updates.iter().take(count).next_back().map(|(id, _)| (id + 1).to_string());
        if !self.calm && !self.old.is_empty() && self.dice.next_u64().is_multiple_of(4) {
            let nth = self.dice.next_u64() % self.old.len() as u64;
            incoming.push(self.old[usize::try_from(nth).unwrap()].clone());
        }
        let cursor = cursor.or_else(|| committed.map(str::to_owned));
        Ok(Batch { incoming, cursor, ..Batch::default() })
    }

    /// The same for the same try of the same row, whatever happened in between.
    fn fate(&mut self, id: OutboxId) -> u64 {
        let tries = self.tries.entry(id).or_default();
        *tries += 1;
        let mut dice = ChaCha8Rng::seed_from_u64(
            self.seed ^ id.input.cast_unsigned().rotate_left(20) ^ (u64::from(id.nth) << 50) ^ (*tries << 32),
        );
        dice.next_u64() % 100
    }
}

impl World {
    /// How a try ends, and whether the process dies of it.
    fn end(&mut self, to: &Lane, post: &Post, fate: u64, place: usize, id: OutboxId) -> (Delivery, bool) {
        let delivery = match fate {
            _ if self.ledger[place].refused => Delivery::Refused(Refusal::Bad { code: 400 }),
            1..=4 => Delivery::Unsent,
            5..=7 => Delivery::RetryAfter(Duration::from_secs(1 + fate)),
            8..=11 | 15 => Delivery::Unknown,
            _ => Delivery::Sent { native: format!("{id}/{place}") },
        };
        // An unknown outcome is one that may well have arrived.
        let unknown = delivery == Delivery::Unknown && matches!(fate, 8..=9 | 15);
        let arrived = unknown || matches!(delivery, Delivery::Sent { .. });
        self.ledger[place].arrived = arrived;
        self.faults += usize::from(fate < 16);
        if let (Post::Say(say), true) = (post, arrived) {
            self.choices.insert(to.clone(), say.choices.clone());
        }
        (delivery, matches!(fate, 14 | 15))
    }
}

impl Channel for Platform {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Telegram
    }

    async fn receive(&self, committed: Option<&str>) -> Result<Batch, ReceiveError> {
        self.world().deliver(committed)
    }

    async fn send(
        &self,
        to: &Lane,
        post: &Post,
        _file: Option<&[u8]>,
        attempt: Attempt,
        _within: Duration,
    ) -> Delivery {
        let (fate, place, meanwhile) = {
            let mut world = self.world();
            let fate = if world.calm { 99 } else { world.fate(attempt.id) };
            let (text, kind) = match post {
                Post::Say(say) => (say.text.clone(), Some(say.kind)),
                Post::Desk(post) => (post.text.clone(), None),
            };
            // What the platform refuses once it refuses for good.
            let before = world.ledger.iter().any(|one| one.id == attempt.id && one.refused);
            let refused = before || (fate == 0 && kind == Some(SayKind::Bot));
            world.ledger.push(Try { id: attempt.id, to: to.clone(), text, kind, arrived: false, refused });
            let free = !world.calm && !world.busy && fate % 5 == 2;
            let meanwhile = world.meanwhile.clone().filter(|_| free);
            world.busy |= meanwhile.is_some();
            (fate, world.ledger.len() - 1, meanwhile)
        };
        if let Some(meanwhile) = meanwhile {
            meanwhile().await;
            self.world().busy = false;
        }
        let (delivery, dies) = self.world().end(to, post, fate, place, attempt.id);
        if dies {
            self.1.notify_one();
            std::future::pending::<()>().await;
        }
        delivery
    }

    async fn typing(&self, _to: &Lane) {}

    async fn retire(&self, _to: &Lane, _native: &str) {}

    async fn clear(&self, _to: &Lane, _natives: &[String]) -> usize {
        0
    }

    async fn amend(
        &self,
        _to: &Lane,
        _native: &str,
        _text: Option<&str>,
        _id: OutboxId,
        _within: Duration,
    ) -> Delivery {
        Delivery::Sent { native: String::new() }
    }

    async fn fetch(&self, _file: &FileRef, _limit: u64, _within: Duration) -> Result<Vec<u8>, FetchError> {
        Err(FetchError::Gone { code: 404 })
    }

    async fn mark(&self, _at: &Lane, _native: &str, _mark: Mark) {}

    async fn open_thread(
        &self,
        room: &Lane,
        title: &str,
        _id: OutboxId,
        _within: Duration,
    ) -> Result<Lane, ThreadError> {
        Ok(room.clone().in_thread(title))
    }

    async fn direct(&self, who: &str, _within: Duration) -> Result<Lane, ThreadError> {
        Ok(Lane::new(ChannelKind::Telegram, who))
    }
}
