//! The service is killed again and again: at random moments, and at every named point before and
//! after each commit, acknowledgement and send.
//!
//! `CHATBOX_KILLS` and `CHATBOX_MESSAGES` make it longer, `CHATBOX_SEED` replays a plan.

use std::{collections::BTreeMap, time::Duration};

use chatbox_store::MAX_TRIES;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::{sync::watch, time};

use crate::{
    hub::{Hub, UNLIMITED, number},
    ledger::Books,
    traffic,
};

/// Where the service dies: see `kill_point` in the loops. Deaths before a decision and after one by turns, as few
/// messages should be in hand at many deaths in a row.
const POINTS: [&str; 10] = [
    "deliver.leased",
    "receive.told",
    "deliver.before_send",
    "receive.before_commit",
    "decide.committed",
    "receive.committed",
    "deliver.after_send",
    "decide.claimed",
    "deliver.before_finish",
    "decide.before_commit",
];

/// People who write at the same time.
const PEOPLE: i64 = 10;

/// A life that does not come to its point ends after this long.
const LONGEST_LIFE: Duration = Duration::from_secs(3);

/// A message that has been tried this often, and never decided, is decided before the service may die again.
const LAST_TRY: i64 = MAX_TRIES as i64 - 1;

/// How one life of the service ends.
#[derive(Debug)]
enum End {
    /// When it comes to this point, after so many times.
    At(&'static str, u64),
    /// So many milliseconds after it was started: it may not even be up.
    Starting(u64),
    /// So many milliseconds after it began to receive.
    Working(u64),
}

impl End {
    fn draw(dice: &mut ChaCha8Rng, nth: usize) -> Self {
        // Every point has its turn, with moments in between.
        match nth % (POINTS.len() + 4) {
            0 => Self::Starting(dice.next_u64() % 1_000),
            1..=3 => Self::Working(dice.next_u64() % 500),
            point => Self::At(POINTS[point - 4], dice.next_u64() % 6),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::At(point, _) => point,
            Self::Starting(_) => "while starting",
            Self::Working(_) => "while working",
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_decided_twice_however_often_the_service_is_killed() {
    let kills = usize::try_from(number("CHATBOX_KILLS", 20)).unwrap();
    let messages = usize::try_from(number("CHATBOX_MESSAGES", kills as u64 * 50)).unwrap();
    let seed = number("CHATBOX_SEED", 6);
    println!("CHATBOX_SEED={seed} CHATBOX_KILLS={kills} CHATBOX_MESSAGES={messages}");
    let mut dice = ChaCha8Rng::seed_from_u64(seed);

    let hub = Hub::open(UNLIMITED).await;
    let each = messages.div_ceil(usize::try_from(PEOPLE).unwrap());
    let allowed = watch::Sender::new(0);
    let traffic = traffic::run(&hub.telegram, PEOPLE, allowed.subscribe());
    let mut deaths: BTreeMap<&str, usize> = BTreeMap::new();
    let mut spared = 0;
    let books = Books::sqlite(&hub.database());
    let lives = async {
        for nth in 0..kills {
            // Everybody has something left to say in each life.
            allowed.send_replace(each * (nth + 1) / kills);
            let end = End::draw(&mut dice, nth);
            let name = live(&hub, &end).await;
            *deaths.entry(name).or_default() += 1;
            // At one death more a message would be set aside (P6), and there is a test of that.
            if books.most_tries().await >= LAST_TRY {
                spared += 1;
                let service = hub.start();
                books.tries_are_below(LAST_TRY).await;
                service.kill().await;
            }
        }
        let polls = hub.telegram.calls("getUpdates").len();
        let last = hub.start();
        // Once the service receives, the database is there, and it listens for the signal to stop.
        hub.telegram.wait_for_calls("getUpdates", polls + 1).await;
        hub.telegram.wait_for_confirmation().await;
        books.settled(each * usize::try_from(PEOPLE).unwrap()).await;
        last.stop().await;
        drop(allowed);
    };
    let (sent, ()) = tokio::join!(traffic, lives);
    let found = books.audit(&hub.telegram, &sent).await;
    println!(
        "{kills} kills, {spared} more after a message had been in hand at {LAST_TRY} in a row: {}",
        deaths.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
    );
    println!(
        "{} messages: 0 lost, 0 decided twice, 0 out of order. {} replies, {} of them came again, {} unknown \
         outcomes counted",
        found.messages, found.replies, found.repeats, found.unknown
    );
}

/// One life of the service, and how it ended.
async fn live(hub: &Hub, end: &End) -> &'static str {
    match end {
        End::At(point, after) => {
            let service = hub.start_to_die(&format!("{point}={after}*off->return"));
            if service.ended_or_killed(LONGEST_LIFE).await { end.name() } else { "at the end of its life" }
        }
        End::Starting(wait) => {
            let service = hub.start();
            time::sleep(Duration::from_millis(*wait)).await;
            service.kill().await;
            end.name()
        }
        End::Working(wait) => {
            let polls = hub.telegram.calls("getUpdates").len();
            let service = hub.start();
            hub.telegram.wait_for_calls("getUpdates", polls + 1).await;
            time::sleep(Duration::from_millis(*wait)).await;
            service.kill().await;
            end.name()
        }
    }
}
