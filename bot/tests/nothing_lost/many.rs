//! Several identical processes on one PostgreSQL, fed by pushes: one is killed and one is frozen in
//! the middle of its work.
//!
//! `CHATBOX_FREEZE` is for how many seconds the frozen one stands still. Over 60 all that it holds
//! is lost to it.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use chatbox_telegram_standin::Fault;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time};

use crate::{
    hub::{Hub, Service, UNLIMITED, number},
    ledger::Books,
    promises::{free_address, get, heard},
    server, traffic,
};

/// What stands in front of the processes gives up on one of them after this long, and Telegram
/// pushes again, to the next.
const PUSH_WITHIN: Duration = Duration::from_secs(2);

/// After this long another process has sent what a dead one was about to: the lease of what was never
/// tried, and the start of that process.
const TAKEN_OVER: Duration = Duration::from_secs(18);

const PEOPLE: i64 = 12;
const EACH: usize = 24;

/// Hands pushes to the processes in turn, as what stands in front of them in earnest does.
pub(crate) struct Front {
    backends: Vec<SocketAddr>,
    next: AtomicUsize,
    client: reqwest::Client,
}

impl Front {
    pub(crate) async fn open(backends: Vec<SocketAddr>) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = reqwest::Client::builder().timeout(PUSH_WITHIN).build().unwrap();
        let front = Arc::new(Self { backends, next: AtomicUsize::new(0), client });
        let router = Router::new().route("/hook", post(pass_on)).with_state(front);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (address, serving)
    }
}

async fn pass_on(State(front): State<Arc<Front>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let nth = front.next.fetch_add(1, Ordering::Relaxed) % front.backends.len();
    let mut request = front.client.post(format!("http://{}/hook", front.backends[nth])).body(body);
    if let Some(secret) = headers.get("x-telegram-bot-api-secret-token") {
        request = request.header("x-telegram-bot-api-secret-token", secret.as_bytes());
    }
    match request.send().await {
        Ok(answer) => StatusCode::from_u16(answer.status().as_u16()).unwrap(),
        Err(_) => StatusCode::BAD_GATEWAY,
    }
}

/// A database, a Telegram that pushes, and the configuration of `processes` processes.
struct Cluster {
    hub: Hub,
    books: Books,
    processes: usize,
    front: JoinHandle<()>,
}

impl Cluster {
    async fn open(processes: usize) -> Self {
        let (url, key) = server::database().await;
        let store = store(&url, &key);
        let listen: Vec<SocketAddr> = (0..processes).map(|_| free_address()).collect();
        let (front, serving) = Front::open(listen.clone()).await;
        let hub = Hub::with(&store, UNLIMITED).await;
        for (nth, listen) in listen.iter().enumerate() {
            let webhook = format!(
                "mode = \"webhook\"\nwebhook_url = \"http://{front}/hook\"\nwebhook_listen = \"{listen}\"\n\
                 webhook_secret = \"a-secret-of-today\"\n{UNLIMITED}"
            );
            hub.configure(&format!("{nth}.toml"), &store, &webhook);
        }
        Self { hub, books: Books::postgres(&url, &key), processes, front: serving }
    }

    fn start(&self, nth: usize) -> Service {
        Service::start(&self.hub, &format!("{nth}.toml"), &[])
    }

    fn start_all(&self) -> Vec<Service> {
        (0..self.processes).map(|nth| self.start(nth)).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.front.abort();
    }
}

/// What the server calls the database of a URL.
pub(crate) fn name(url: &str) -> String {
    let (address, _) = url.split_once('?').unwrap();
    address.rsplit('/').next().unwrap().to_owned()
}

/// What section `store` holds.
pub(crate) fn store(url: &str, key: &Path) -> String {
    format!("url = \"{url}\"\nkey_file = \"{}\"", key.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_on_one_database_keep_the_order_and_decide_each_message_once() {
    for processes in [1, 2, 4] {
        let cluster = Cluster::open(processes).await;
        let services = cluster.start_all();
        let allowed = watch::Sender::new(EACH);
        let people = traffic::run(&cluster.hub.telegram, PEOPLE, allowed.subscribe());
        let work = async {
            cluster.books.settled(EACH * usize::try_from(PEOPLE).unwrap()).await;
            drop(allowed);
        };
        let (sent, ()) = tokio::join!(people, work);
        for service in services {
            service.stop().await;
        }
        let found = cluster.books.audit(&cluster.hub.telegram, &sent).await;
        println!("{processes} processes: {found:?}");
        assert_eq!((found.repeats, found.unknown), (0, 0), "nobody died, so nothing is unknown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn process_killed_and_process_frozen_in_mid_work_lose_nothing_and_do_nothing_twice() {
    let freeze = Duration::from_secs(number("CHATBOX_FREEZE", 5));
    let cluster = Cluster::open(4).await;
    let telegram = &cluster.hub.telegram;
    // Whoever is killed or frozen is in the middle of sends.
    telegram.fault(Fault::delay(30).on("sendMessage").always());
    let mut services: Vec<Service> = (0..3).map(|nth| cluster.start(nth)).collect();
    let points = [("FAILPOINTS", "deliver.after_send=4*off->return")];
    let killed = Service::start(&cluster.hub, "3.toml", &points);
    let allowed = watch::Sender::new(EACH / 4);
    let people = traffic::run(telegram, PEOPLE, allowed.subscribe());
    let work = async {
        let sends =
            |more: usize| telegram.wait_for_calls("sendMessage", telegram.calls("sendMessage").len() + more);
        sends(8).await;
        allowed.send_replace(EACH / 2);
        sends(3).await;
        let frozen = services.pop().unwrap();
        frozen.signal("STOP");
        allowed.send_replace(EACH * 3 / 4);
        assert!(!killed.ended().await.success());
        allowed.send_replace(EACH);
        time::sleep(freeze).await;
        frozen.signal("CONT");
        services.push(frozen);
        let connected = telegram.calls("getMe").len();
        services.push(cluster.start(3));
        // By now everything may be done: it is not to be stopped before it has its part in it.
        telegram.wait_for_calls("getMe", connected + 1).await;
        cluster.books.settled(EACH * usize::try_from(PEOPLE).unwrap()).await;
        drop(allowed);
    };
    let (sent, ()) = tokio::join!(people, work);
    for service in services {
        service.stop().await;
    }
    let found = cluster.books.audit(telegram, &sent).await;
    println!("one of 4 killed, one frozen for {} s: {found:?}", freeze.as_secs());
}

#[tokio::test(flavor = "multi_thread")]
async fn crisis_lines_in_the_hands_of_a_process_that_dies_are_sent_by_another_within_seconds() {
    let cluster = Cluster::open(2).await;
    let telegram = &cluster.hub.telegram;
    // The lines are committed, and nothing is sent.
    let dying = Service::start(&cluster.hub, "0.toml", &[("FAILPOINTS", "deliver.before_send=return")]);
    telegram.user(7, "Amina").says("I want to kill myself");
    assert!(!dying.ended().await.success());
    assert!(telegram.said(7).is_empty());
    let other = cluster.start(1);
    time::timeout(TAKEN_OVER, heard(&cluster.hub, 7, "116 123")).await.expect("the lines of a dead process");
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_database_loses_nothing_and_the_service_goes_on_when_it_is_back() {
    let (url, key) = server::database().await;
    let name = name(&url);
    let listen = free_address();
    let hub = Hub::with(&store(&url, &key), &format!("{UNLIMITED}[http]\nlisten = \"{listen}\"\n")).await;
    let amina = hub.telegram.user(7, "Amina");
    let service = hub.start();
    amina.says("I want to give feedback");
    heard(&hub, 7, traffic::QUESTION).await;
    get(&format!("http://{listen}/readyz"), 200).await;
    server::run(&format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")).await;
    server::run(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"))
        .await;
    amina.says("All is well");
    get(&format!("http://{listen}/readyz"), 503).await;
    assert_eq!(get(&format!("http://{listen}/healthz"), 200).await, "ok\n", "it lives, and will go on");
    assert_eq!(hub.telegram.pending(), 1, "Telegram keeps what we could not");
    server::run(&format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")).await;
    heard(&hub, 7, traffic::THANKS).await;
    get(&format!("http://{listen}/readyz"), 200).await;
    service.stop().await;
    assert_eq!(hub.telegram.said(7).len(), 2, "each message was answered once");
}

#[tokio::test(flavor = "multi_thread")]
async fn database_that_does_not_sync_is_refused_at_start() {
    let (url, key) = server::database().await;
    let name = name(&url);
    let hub = Hub::with(&store(&url, &key), UNLIMITED).await;
    server::run(&format!("ALTER DATABASE {name} SET synchronous_commit = off")).await;
    let ran = hub.command(&["run"]).await;
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("synchronous_commit is off, and must be on"), "{}", ran.err);
    assert!(hub.telegram.calls("getMe").is_empty(), "nothing is begun on such a database");
}
