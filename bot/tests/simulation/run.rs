//! Plays one seed.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use chatbox::{
    budget::Rates,
    config::{self, Config},
    loops::{
        decide,
        deliver::{self, Desk, Outlet},
        receive, timers,
    },
    setup::Setup,
};
use chatbox_core::{
    channel::Incoming,
    engine::{DeskView, Engine, Member},
    ids::{ChannelKind, Lane},
    input::{DeskMessage, Input, InputKind, Message},
};
use chatbox_store::{Store, StoreConfig};
use jiff::{SignedDuration, Timestamp};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sqlx::{Connection as _, SqliteConnection};

use crate::{
    model::{self, Said, Totals},
    platform::Platform,
};

const START: &str = "2026-01-05T10:00:00Z";

/// Things that happen before everything is let come to rest.
const EVENTS: usize = 120;

/// Rounds in which everything must have come to rest.
const MOST_ROUNDS: usize = 500;

const PEOPLE: [&str; 3] = ["11", "12", "13"];
const ROOM: &str = "-100";
const BOB: &str = "1";

const RATES: Rates = Rates { per_second: 30.0, chat_per_second: 1.0, group_per_minute: 20.0 };

/// What people say. Nothing that deletes: then there would be nothing to compare.
const WORDS: [&str; 16] = [
    "I want to give feedback",
    "The tea in room four is cold",
    "A closed fortnightly group for 8 nurses, four sessions",
    "make it 9, not 8",
    "on Teams",
    "Tuesday afternoons",
    "skip",
    "stop",
    "yes",
    "no",
    "I would like to talk to a person",
    "I can't sleep and money is tight",
    "I want to kill myself",
    "menu",
    "help",
    "qwertz",
];

const AT_THE_DESK: [&str; 6] = [
    "/take",
    "Hello, this is Bob.",
    "How are you now?",
    "/safe we have spoken",
    "/release",
    "/close spoke to them",
];

/// What can be made to fail, and by which statement.
const FAILING: [(&str, &str); 5] = [
    ("inbox", "BEFORE INSERT ON inbox"),
    ("tries", "BEFORE UPDATE OF tries ON inbox"),
    ("outbox", "BEFORE INSERT ON outbox"),
    ("state", "BEFORE UPDATE OF state ON conversation"),
    ("ends", "BEFORE UPDATE OF native ON outbox"),
];

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let loaded = config::Loaded { config: Config::default(), path: None };
    Setup::with(loaded, START.parse().unwrap()).unwrap().engine
});

/// A fresh database that every seed starts from, and its key file.
pub(crate) struct Template(tempfile::TempDir);

pub(crate) fn template() -> Template {
    let dir = memory();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let file = dir.path().join("t.db");
        let store =
            Store::open(StoreConfig::new(format!("sqlite:{}", file.display())).migrate()).await.unwrap();
        store.close().await;
        let mut db = connect(&file).await;
        sqlx::query("CREATE TABLE chaos (what TEXT)").execute(&mut db).await.unwrap();
        for (name, when) in FAILING {
            // Some failures leave the transaction open, others, as a full disk does, end it.
            for (how, kind) in [("ABORT", "stays"), ("ROLLBACK", "ends")] {
                let sql = format!(
                    "CREATE TRIGGER {name}_{kind} {when}
                     WHEN EXISTS (SELECT 1 FROM chaos WHERE what = '{name}_{kind}')
                     BEGIN SELECT RAISE({how}, 'chaos'); END"
                );
                sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut db).await.unwrap();
            }
        }
        db.close().await.unwrap();
    });
    Template(dir)
}

/// A folder that is not on a disk, where the machine has one.
fn memory() -> tempfile::TempDir {
    let shm = Path::new("/dev/shm");
    if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap()
}

async fn connect(file: &Path) -> SqliteConnection {
    SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap()
}

pub(crate) fn play(template: &Template, seed: u64, loud: bool) -> Totals {
    let dir = memory();
    let file = dir.path().join("t.db");
    fs::copy(template.0.path().join("t.db"), &file).unwrap();
    fs::copy(template.0.path().join("t.db.key"), dir.path().join("t.db.key")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut play = Play::begin(file, seed, loud).await;
        for _ in 0..EVENTS {
            play.event().await;
        }
        play.rest().await;
        let totals = play.judge().await;
        play.platform.world().forget();
        play.service.store.close().await;
        totals
    })
}

/// What dies with the process.
#[derive(Clone)]
struct Service {
    store: Store,
    outlet: Arc<Outlet<Platform>>,
    committed: Arc<Mutex<Option<String>>>,
}

struct Play {
    file: PathBuf,
    chaos: SqliteConnection,
    service: Service,
    platform: Platform,
    dice: ChaCha8Rng,
    /// Shared with what happens in the middle of a send.
    now: Arc<Mutex<Timestamp>>,
    said: Arc<Mutex<Said>>,
    desk: DeskView,
    loud: bool,
    deaths: usize,
}

impl Play {
    async fn begin(file: PathBuf, seed: u64, loud: bool) -> Self {
        let platform = Platform::new(seed);
        let bob = Member { name: "Bob".to_owned(), organisation: None, duty_lead: true };
        let service = Service::start(&file, &platform).await;
        let play = Self {
            chaos: connect(&file).await,
            service,
            file,
            platform,
            dice: ChaCha8Rng::seed_from_u64(seed),
            now: Arc::new(Mutex::new(START.parse().unwrap())),
            said: Arc::default(),
            desk: DeskView { exists: true, members: [(BOB.to_owned(), bob)].into(), ..DeskView::default() },
            loud,
            deaths: 0,
        };
        play.set_meanwhile();
        play
    }

    fn draw(&mut self, below: usize) -> usize {
        usize::try_from(self.dice.next_u64() % below as u64).unwrap()
    }

    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    fn note(&self, what: &str) {
        if self.loud {
            eprintln!("{} {what}", self.now());
        }
    }

    async fn event(&mut self) {
        match self.draw(100) {
            0..=21 => self.somebody_writes(),
            22..=25 => self.somebody_presses(),
            26..=33 => self.somebody_at_the_desk_acts().await,
            34..=52 => self.receive().await,
            53..=70 => self.decide().await,
            71..=86 => self.deliver().await,
            87..=88 => self.timers().await,
            89..=93 => {
                let seconds = 1 + self.draw(4);
                self.pass(seconds as u64);
            }
            94 => {
                let minutes = 1 + self.draw(90);
                self.pass(minutes as u64 * 60);
            }
            95..=96 => self.something_fails().await,
            97 => self.nothing_fails().await,
            98 => self.claim_is_dropped().await,
            _ => self.dies().await,
        }
    }

    fn somebody_writes(&mut self) {
        let (who, what) = (PEOPLE[self.draw(PEOPLE.len())], WORDS[self.draw(WORDS.len())]);
        self.note(&format!("{who} says: {what}"));
        let message = Message { text: what.to_owned(), ..Message::default() };
        self.post(&person(who), InputKind::Message(message));
    }

    fn somebody_presses(&mut self) {
        let lane = person(PEOPLE[self.draw(PEOPLE.len())]);
        let mut choices = self.platform.world().choices.get(&lane).cloned().unwrap_or_default();
        // It leads to deleting everything, and then there is nothing to compare.
        choices.retain(|choice| !choice.id.contains("privacy") && !choice.id.contains("delete"));
        if choices.is_empty() {
            return;
        }
        let choice = choices[self.draw(choices.len())].id.clone();
        self.note(&format!("{lane} presses {choice}"));
        self.post(&lane, InputKind::Press { choice, prompt: None });
    }

    async fn somebody_at_the_desk_acts(&mut self) {
        let lane = person(PEOPLE[self.draw(PEOPLE.len())]);
        let text = AT_THE_DESK[self.draw(AT_THE_DESK.len())];
        at_the_desk(&self.service.store, &self.platform, &self.said, &lane, text, self.now()).await;
        self.note(&format!("at the desk, about {lane}: {text}"));
    }

    fn post(&mut self, lane: &Lane, what: InputKind) {
        post(&self.platform, &self.said, lane, what, self.now());
    }

    async fn receive(&mut self) {
        receive_once(&self.service, &self.platform, self.now()).await;
    }

    async fn decide(&mut self) {
        let step = decide::step(&self.service.store, &ENGINE, &self.desk, self.now()).await;
        self.note(&format!("decide: {:?}", step.map(|done| done.map(|done| done.report))));
    }

    async fn deliver(&mut self) {
        let platform = self.platform.clone();
        let died = tokio::select! {
            done = deliver::step(&self.service.store, &self.service.outlet, self.now()) => {
                self.note(&format!("deliver: {done:?}"));
                false
            }
            () = platform.death() => true,
        };
        if died {
            self.dies().await;
        }
    }

    async fn timers(&mut self) {
        let seeds = self.platform.world().seeds();
        let fired = timers::step(&self.service.store, self.now(), seeds).await;
        self.note(&format!("timers: {fired:?}"));
    }

    fn pass(&mut self, seconds: u64) {
        // Never exactly at the end of something.
        let span = Duration::from_secs(seconds) + Duration::from_millis(500);
        *self.now.lock().unwrap() += SignedDuration::try_from(span).unwrap();
        self.note("time has passed");
    }

    async fn something_fails(&mut self) {
        let (name, _) = FAILING[self.draw(FAILING.len())];
        let kind = ["stays", "ends"][self.draw(2)];
        self.note(&format!("{name} fails, the transaction {kind}"));
        self.platform.world().faults += 1;
        sqlx::query("INSERT INTO chaos (what) VALUES ($1)")
            .bind(format!("{name}_{kind}"))
            .execute(&mut self.chaos)
            .await
            .unwrap();
    }

    async fn nothing_fails(&mut self) {
        sqlx::query("DELETE FROM chaos").execute(&mut self.chaos).await.unwrap();
    }

    /// As when a process dies between claim and commit.
    async fn claim_is_dropped(&mut self) {
        drop(self.service.store.claim(2).await);
    }

    async fn dies(&mut self) {
        self.note("the process dies and starts again");
        self.deaths += 1;
        self.platform.world().forget();
        self.service.store.clone().close().await;
        self.service = Service::start(&self.file, &self.platform).await;
        self.set_meanwhile();
    }

    /// What may happen while a send is under way: a take is received and decided, and the desk is
    /// written to.
    fn set_meanwhile(&self) {
        let (service, platform, said) = (self.service.clone(), self.platform.clone(), Arc::clone(&self.said));
        let (now, desk) = (Arc::clone(&self.now), self.desk.clone());
        let meanwhile = move || {
            let (service, platform, said, desk) =
                (service.clone(), platform.clone(), Arc::clone(&said), desk.clone());
            let at = *now.lock().unwrap();
            let work: std::pin::Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
                for who in PEOPLE {
                    at_the_desk(&service.store, &platform, &said, &person(who), "/take", at).await;
                }
                receive_once(&service, &platform, at).await;
                let _ = decide::step(&service.store, &ENGINE, &desk, at).await;
                let _ = deliver::step(&service.store, &service.outlet, at).await;
            });
            work
        };
        self.platform.world().meanwhile = Some(Arc::new(Box::new(meanwhile)));
    }

    /// Lets everything come to rest.
    async fn rest(&mut self) {
        self.note("from here on all goes well");
        self.nothing_fails().await;
        self.platform.world().calm = true;
        for _ in 0..MOST_ROUNDS {
            receive_once(&self.service, &self.platform, self.now()).await;
            let decided = decide::step(&self.service.store, &ENGINE, &self.desk, self.now()).await.unwrap();
            let sent = deliver::step(&self.service.store, &self.service.outlet, self.now()).await.unwrap();
            let next = self.service.store.next_send().await.unwrap();
            if decided.is_none() && sent == 0 && self.platform.world().pending() == 0 {
                let Some(next) = next else { return };
                let mut now = self.now.lock().unwrap();
                *now = next.max(*now) + SignedDuration::from_millis(100);
            }
        }
        panic!("nothing comes to rest");
    }

    async fn judge(&mut self) -> Totals {
        let (ledger, faults) = {
            let world = self.platform.world();
            (world.ledger.clone(), world.faults)
        };
        let said = self.said.lock().unwrap().clone();
        let lanes: Vec<Lane> = PEOPLE.iter().map(|who| person(who)).collect();
        let mut totals =
            model::judge(&self.service.store, &mut self.chaos, &ENGINE, &self.desk, &lanes, &said, &ledger)
                .await;
        totals.deaths = self.deaths;
        totals.faults = faults;
        totals
    }
}

impl Service {
    async fn start(file: &Path, platform: &Platform) -> Self {
        let store =
            Store::open_service(StoreConfig::new(format!("sqlite:{}", file.display()))).await.unwrap();
        let room = Lane::new(ChannelKind::Telegram, ROOM);
        let desk = Desk { room: Mutex::new(Some(room)), lead: Some(BOB.to_owned()) };
        let outlet = Outlet::new(vec![platform.clone()], desk, RATES);
        Self { store, outlet, committed: Arc::default() }
    }
}

async fn receive_once(service: &Service, platform: &Platform, now: Timestamp) {
    let mut committed = service.committed.lock().unwrap().clone();
    // A failure brings the same again.
    let seeds = platform.world().seeds();
    let _ = receive::step(&service.store, platform, &mut committed, || now, seeds).await;
    *service.committed.lock().unwrap() = committed;
}

fn person(who: &str) -> Lane {
    Lane::new(ChannelKind::Telegram, who)
}

fn post(platform: &Platform, said: &Mutex<Said>, lane: &Lane, what: InputKind, at: Timestamp) {
    let mut said = said.lock().unwrap();
    let said = said.entry(lane.clone()).or_default();
    let key = format!("{lane}/{}", said.len());
    said.push(key.clone());
    let input = Input::new(at, what);
    let order = input.at.as_second();
    platform.world().post(Incoming { lane: lane.clone(), key: key.clone(), order, native: Some(key), input });
}

/// Writes into the thread of a person's case, if they have one.
async fn at_the_desk(
    store: &Store,
    platform: &Platform,
    said: &Mutex<Said>,
    lane: &Lane,
    text: &str,
    at: Timestamp,
) {
    let conversation = store.conversation(lane).await.unwrap();
    let Some(case) = conversation.and_then(|conversation| conversation.case) else { return };
    let message = Message { text: text.to_owned(), ..Message::default() };
    let what = DeskMessage { by: BOB.to_owned(), case: Some(case), said: message, redacted: false };
    post(platform, said, lane, InputKind::Desk(what), at);
}
