//! P13: a service that is told to stop ends well and in under ten seconds, whatever it is doing
//! and whatever it waits for.

use std::time::{Duration, Instant};

use chatbox_telegram_standin::Fault;
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use tokio::time;

use crate::{
    hub::{Hub, LOOK_EVERY, PATIENCE, Service, UNLIMITED},
    ledger::Books,
    many, server,
};

/// P13.
const DRAIN: Duration = Duration::from_secs(10);

/// A database of which tables are locked as long as this is there, so that whoever needs them
/// waits.
struct Locked(PgConnection);

impl Locked {
    async fn tables(url: &str, tables: &'static str) -> Self {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::query("BEGIN").execute(&mut connection).await.unwrap();
        sqlx::query(tables).execute(&mut connection).await.unwrap();
        Self(connection)
    }

    /// Waits until somebody waits.
    async fn is_waited_for(&mut self) {
        let began = Instant::now();
        let waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock')";
        // What is seen of others within a transaction is what it saw first.
        let see = "SELECT pg_stat_clear_snapshot()";
        loop {
            sqlx::query(see).execute(&mut self.0).await.unwrap();
            if sqlx::query_scalar(waiting).fetch_one(&mut self.0).await.unwrap() {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "nobody needs what is locked");
            time::sleep(LOOK_EVERY).await;
        }
    }
}

async fn stops_in_time(service: Service) {
    let began = Instant::now();
    service.stop().await;
    assert!(began.elapsed() < DRAIN, "it took {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn service_that_is_told_to_stop_while_it_starts_ends_well() {
    let (url, key) = server::database().await;
    let hub = Hub::with(&many::store(&url, &key), UNLIMITED).await;
    let mut locked = Locked::tables(&url, "LOCK TABLE meta").await;
    let service = hub.start();
    locked.is_waited_for().await;
    stops_in_time(service).await;
    assert!(hub.log().contains("the service has stopped before it had started"), "{}", hub.log());
    assert!(hub.telegram.calls("getMe").is_empty(), "nothing was begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn service_that_is_told_to_stop_while_the_database_hangs_ends_well_and_loses_nothing() {
    let (url, key) = server::database().await;
    let hub = Hub::with(&many::store(&url, &key), UNLIMITED).await;
    let amina = hub.telegram.user(7, "Amina");
    let service = hub.start();
    amina.says("help");
    // What was sent and is not written down holds its chat up until its lease is over.
    Books::postgres(&url, &key).settled(1).await;
    let mut locked = Locked::tables(&url, "LOCK TABLE inbox, outbox").await;
    amina.says("help");
    locked.is_waited_for().await;
    stops_in_time(service).await;
    drop(locked);
    let service = hub.start();
    hub.telegram.wait_for_confirmation().await;
    Books::postgres(&url, &key).settled(2).await;
    service.stop().await;
    assert_eq!(hub.telegram.said(7).len(), 2, "each message was answered once");
}

#[tokio::test(flavor = "multi_thread")]
async fn service_that_is_told_to_stop_while_another_process_writes_ends_well_and_loses_nothing() {
    let hub = Hub::open(UNLIMITED).await;
    let amina = hub.telegram.user(7, "Amina");
    let service = hub.start();
    amina.says("help");
    hub.telegram.wait_for_confirmation().await;
    let books = Books::sqlite(&hub.database());
    books.settled(1).await;
    let url = format!("sqlite:{}", hub.database().display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    amina.says("help");
    stops_in_time(service).await;
    other.close().await.unwrap();
    let service = hub.start();
    hub.telegram.wait_for_confirmation().await;
    books.settled(2).await;
    service.stop().await;
    assert_eq!(hub.telegram.said(7).len(), 2, "each message was answered once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_before_the_end_is_told_and_goes_out_after_the_next_start() {
    let hub = Hub::open(UNLIMITED).await;
    let amina = hub.telegram.user(7, "Amina");
    hub.telegram.fault(Fault::hang().on("sendMessage").always());
    let service = hub.start();
    amina.says("help");
    hub.telegram.wait_for_calls("sendMessage", 1).await;
    let began = Instant::now();
    // Told twice, it ends no worse.
    service.signal("TERM");
    service.stop().await;
    assert!(began.elapsed() < DRAIN, "it took {:?}", began.elapsed());
    assert!(hub.log().contains("not everything was sent in time"), "{}", hub.log());
    hub.telegram.clear_faults();
    let service = hub.start();
    amina.next_message().await;
    service.stop().await;
}
