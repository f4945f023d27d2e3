//! Compares what Telegram saw with what the database holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use chatbox_store::{Store, StoreConfig};
use chatbox_telegram_standin::{Entry, Event, Standin};
use sqlx::{Connection as _, PgConnection, Row as _, SqliteConnection};
use tokio::time::{self, Instant};

use crate::{
    hub::{LOOK_EVERY, PATIENCE},
    traffic::{QUESTION, Sent, THANKS, notes},
};

/// A database, as it is opened to look into it.
pub(crate) struct Books {
    url: String,
    store: StoreConfig,
}

/// What the comparison found. Whatever must not be has failed the test by then.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    pub(crate) messages: usize,
    pub(crate) replies: usize,
    /// Replies that Telegram got again.
    pub(crate) repeats: usize,
    /// Unknown outcomes that the database counts.
    pub(crate) unknown: i64,
}

struct Out {
    input: i64,
    status: i64,
    unknown: i64,
    /// The id of the message.
    native: Option<i64>,
}

impl Books {
    pub(crate) fn sqlite(file: &Path) -> Self {
        let url = format!("sqlite:{}", file.display());
        Self { store: StoreConfig::new(url.clone()), url }
    }

    pub(crate) fn postgres(url: &str, key: &Path) -> Self {
        Self { url: url.to_owned(), store: StoreConfig::new(url).key_file(key) }
    }

    async fn open(&self) -> Db {
        if self.url.starts_with("sqlite:") {
            Db::Sqlite(SqliteConnection::connect(&self.url).await.unwrap())
        } else {
            Db::Postgres(PgConnection::connect(&self.url).await.unwrap())
        }
    }

    /// Waits until this many messages are decided and everything is sent.
    pub(crate) async fn settled(&self, messages: usize) {
        let mut db = self.open().await;
        let began = Instant::now();
        loop {
            let counts = db
                .rows(
                    "SELECT CAST((SELECT count(*) FROM inbox WHERE origin = 0 AND status = 1) AS TEXT),
                            CAST((SELECT count(*) FROM inbox WHERE status = 0) AS TEXT),
                            CAST((SELECT count(*) FROM outbox WHERE status = 0) AS TEXT),
                            CAST((SELECT count(*) FROM inbox WHERE status = 2) AS TEXT), $1",
                    "",
                )
                .await;
            let [decided, waiting, unsent, aside] = [0, 1, 2, 3].map(|at| number(counts[0][at].as_ref()));
            if decided >= i64::try_from(messages).unwrap() && waiting == 0 && unsent == 0 {
                return;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "of {messages} messages {decided} are decided, {waiting} wait, {aside} are set aside; {unsent} replies wait"
            );
            time::sleep(LOOK_EVERY).await;
        }
    }

    /// How often the message was tried that was tried most of those that wait, on SQLite. 0 while there is no database.
    pub(crate) async fn most_tries(&self) -> i64 {
        let file = Path::new(self.url.strip_prefix("sqlite:").expect("asked of SQLite only"));
        if !file.exists() {
            return 0;
        }
        let mut db = self.open().await;
        let inbox = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = $1";
        let made = !db.rows(inbox, "inbox").await.is_empty();
        let most = "SELECT CAST(coalesce(max(tries), 0) AS TEXT), $1 FROM inbox WHERE status = 0";
        let tries = if made { number(db.rows(most, "").await[0][0].as_ref()) } else { 0 };
        db.close().await;
        tries
    }

    /// Waits until no message that waits has been tried as often as this.
    pub(crate) async fn tries_are_below(&self, most: i64) {
        let began = Instant::now();
        while self.most_tries().await >= most {
            assert!(began.elapsed() < PATIENCE, "a message that was tried {most} times is not decided");
            time::sleep(LOOK_EVERY).await;
        }
    }

    /// Every message is there once and in order, is decided once, and its reply arrived; a reply
    /// arrived again only where the database counts an unknown outcome.
    pub(crate) async fn audit(&self, telegram: &Standin, sent: &Sent) -> Audit {
        let mut db = self.open().await;
        let mut found = Audit::default();
        for (chat, messages) in sent {
            let lane = format!("telegram:{chat}");
            let inbox = db
                .rows(
                    "SELECT CAST(seq AS TEXT), CAST(status AS TEXT), native FROM heard
                     WHERE lane = $1 AND origin = 0 ORDER BY heard.seq",
                    &lane,
                )
                .await;
            let natives: Vec<&str> = inbox.iter().filter_map(|row| row[2].as_deref()).collect();
            let expected: Vec<String> = messages.iter().map(ToString::to_string).collect();
            assert_eq!(natives, expected, "chat {chat}: lost, doubled or out of order");
            assert!(
                inbox.iter().all(|row| number(row[1].as_ref()) == 1),
                "chat {chat}: something was set aside"
            );
            let outbox: Vec<Out> = db
                .rows(
                    "SELECT CAST(id / 65536 AS TEXT), CAST(status AS TEXT), CAST(unknown AS TEXT), native
                     FROM outbox WHERE lane = $1 ORDER BY outbox.id",
                    &lane,
                )
                .await
                .into_iter()
                .map(|row| Out {
                    input: number(row[0].as_ref()),
                    status: number(row[1].as_ref()),
                    unknown: number(row[2].as_ref()),
                    native: row[3].as_deref().and_then(|id| id.parse().ok()),
                })
                .collect();
            let inputs: Vec<i64> = inbox.iter().map(|row| number(row[0].as_ref())).collect();
            found.messages += inbox.len();
            found.replies += outbox.len();
            found.repeats += compare(*chat, &inputs, &outbox, &telegram.transcript(*chat));
            found.unknown += outbox.iter().map(|row| row.unknown).sum::<i64>();
        }
        db.close().await;
        self.records(sent).await;
        found
    }

    /// Decided twice would be kept twice.
    async fn records(&self, sent: &Sent) {
        let store = Store::open(self.store.clone()).await.unwrap();
        let kept: Vec<String> = store
            .records(Some("feedback"))
            .await
            .unwrap()
            .into_iter()
            .map(|saved| saved.record.data["feedback"].as_str().unwrap_or_default().to_owned())
            .collect();
        store.close().await;
        let expected = notes(sent);
        assert_eq!(kept.len(), expected.len(), "records were lost or kept twice");
        assert_eq!(kept.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

enum Db {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Db {
    /// The rows of a statement with one parameter, all columns as text.
    async fn rows(&mut self, sql: &'static str, with: &str) -> Vec<Vec<Option<String>>> {
        match self {
            Self::Sqlite(db) => sqlx::query(sql)
                .bind(with)
                .fetch_all(db)
                .await
                .unwrap()
                .iter()
                .map(|row| (0..row.len()).map(|column| row.get(column)).collect())
                .collect(),
            Self::Postgres(db) => sqlx::query(sql)
                .bind(with)
                .fetch_all(db)
                .await
                .unwrap()
                .iter()
                .map(|row| (0..row.len()).map(|column| row.get(column)).collect())
                .collect(),
        }
    }

    async fn close(self) {
        match self {
            Self::Sqlite(db) => db.close().await.unwrap(),
            Self::Postgres(db) => db.close().await.unwrap(),
        }
    }
}

fn number(column: Option<&String>) -> i64 {
    column.and_then(|text| text.parse().ok()).expect("a number")
}

/// Compares one chat's outbox with what its person saw; how often a reply came again.
fn compare(chat: i64, inputs: &[i64], outbox: &[Out], transcript: &[Entry]) -> usize {
    let said: Vec<&Entry> =
        transcript.iter().filter(|entry| entry.bot && entry.event == Event::Sent).collect();
    let texts: BTreeMap<i64, &str> = said.iter().map(|entry| (entry.message, entry.text.as_str())).collect();
    let rows: BTreeMap<i64, usize> =
        outbox.iter().enumerate().filter_map(|(at, row)| Some((row.native?, at))).collect();
    let text_of = |row: &Out| row.native.and_then(|id| texts.get(&id).copied());
    assert!(
        outbox.iter().all(|row| row.status == 1 && text_of(row).is_some()),
        "chat {chat}: a reply was lost"
    );

    // Replies that belong to no row are those of tries whose outcome was lost: such a try began at
    // the first row that was not known to be sent, and went on in order.
    let mut done = 0;
    let mut reached = BTreeSet::new();
    let mut again = 0;
    for entry in &said {
        if let Some(row) = rows.get(&entry.message) {
            assert_eq!(*row, done, "chat {chat}: replies are out of order");
            done += 1;
            reached.clear();
        } else {
            again += 1;
            reached.insert(done);
            reached = reached
                .into_iter()
                .filter(|row| outbox.get(*row).and_then(text_of) == Some(entry.text.as_str()))
                .map(|row| row + 1)
                .collect();
            assert!(!reached.is_empty(), "chat {chat}: a reply that nothing asked for");
        }
    }
    let unknown: i64 = outbox.iter().map(|row| row.unknown).sum();
    assert!(
        again <= usize::try_from(unknown).unwrap(),
        "chat {chat}: {again} replies came again, and only {unknown} unknown outcomes are counted"
    );
    for (nth, input) in inputs.iter().enumerate() {
        let wanted = if nth % 2 == 0 { QUESTION } else { THANKS };
        let answered = outbox
            .iter()
            .filter(|row| row.input == *input)
            .any(|row| text_of(row).is_some_and(|text| text.contains(wanted)));
        assert!(answered, "chat {chat}: message {nth} was not answered with {wanted:?}");
    }
    again
}
