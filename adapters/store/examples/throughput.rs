//! How many messages a second go through the whole store on SQLite: received, claimed, committed
//! with a state, a reply and a timer, leased and sent. Run with `--release`.
//!
//! `cargo run --release -p chatbox-store --example throughput -- [MESSAGES] [BATCH] [SQLITE_URL]`

#![expect(clippy::print_stdout, reason = "printing is its job")]

use std::time::{Duration, Instant};

use chatbox_core::{
    channel::Incoming,
    conversation::Conversation,
    effect::{Choice, Effect, Say, SayKind},
    ids::{ChannelKind, Lane},
    input::{Input, InputKind, Message},
};
use chatbox_store::{Decided, SendEnd, SendLimits, Store, StoreConfig};
use jiff::Timestamp;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let messages: usize = args.next().map_or(Ok(50_000), |text| text.parse())?;
    let batch: usize = args.next().map_or(Ok(50), |text| text.parse())?;
    let folder = tempfile::tempdir_in(".")?;
    let url = args.next().unwrap_or_else(|| format!("sqlite:{}/throughput.db", folder.path().display()));
    let config = StoreConfig::new(url).migrate().key_file(folder.path().join("throughput.key"));
    let store = Store::open_service(config).await?;
    let now = Timestamp::UNIX_EPOCH;

    // One after the other, as a single loop would do it.
    let start = Instant::now();
    for first in (0..messages).step_by(batch) {
        receive(&store, first, batch, now).await?;
        decide(&store, batch, now).await?;
        deliver(&store, batch, now).await?;
    }
    report("one loop", messages, start.elapsed());

    // Three loops beside each other, as the service does it: what waits together is committed together.
    let start = Instant::now();
    let (mut inbox, mut outbox) = (store.inbox_changes(), store.outbox_changes());
    let receiving = async {
        for first in (messages..2 * messages).step_by(batch) {
            receive(&store, first, batch, now).await?;
        }
        Ok::<(), chatbox_store::StoreError>(())
    };
    let deciding = async {
        let mut done = 0;
        while done < messages {
            match decide(&store, batch, now).await? {
                0 => inbox.changed().await,
                n => done += n,
            }
        }
        Ok(())
    };
    let delivering = async {
        let mut done = 0;
        while done < messages {
            match deliver(&store, batch, now).await? {
                0 => outbox.changed().await,
                n => done += n,
            }
        }
        Ok(())
    };
    tokio::try_join!(receiving, deciding, delivering)?;
    report("three loops", messages, start.elapsed());
    store.close().await;
    Ok(())
}

fn report(what: &str, messages: usize, took: Duration) {
    #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
    let rate = messages as f64 / took.as_secs_f64();
    println!("{what}: {messages} messages in {:.2} s, {rate:.0} a second", took.as_secs_f64());
}

async fn receive(
    store: &Store,
    first: usize,
    count: usize,
    now: Timestamp,
) -> Result<(), chatbox_store::StoreError> {
    let batch: Vec<Incoming> = (first..first + count)
        .map(|n| Incoming {
            lane: Lane::new(ChannelKind::Telegram, (n % 1000).to_string()),
            key: n.to_string(),
            order: now.as_microsecond(),
            native: Some(n.to_string()),
            input: Input {
                at: now,
                via: None,
                what: InputKind::Message(Message {
                    text: "Tuesday afternoons on Teams, eight nurses, four sessions".to_owned(),
                    ..Message::default()
                }),
            },
        })
        .collect();
    store.receive(&batch, None, now, || 7).await?;
    Ok(())
}

async fn decide(store: &Store, limit: usize, now: Timestamp) -> Result<usize, chatbox_store::StoreError> {
    let Some(claim) = store.claim(limit).await? else { return Ok(0) };
    let choice = |id: &str| Choice { id: id.to_owned(), label: format!("The answer {id}") };
    let turns: Vec<Decided> = claim
        .works()
        .iter()
        .flat_map(|work| &work.inputs)
        .map(|input| Decided {
            seq: input.seq,
            conversation: Conversation::default(),
            effects: vec![
                Effect::Say(Say {
                    kind: SayKind::Bot,
                    text: "How many people would come? Four to ten works best, and a guess is fine."
                        .repeat(3),
                    choices: vec![choice("a"), choice("b"), choice("c")],
                    prompt: 3,
                    media: None,
                }),
                Effect::SetTimer { name: "nudge".to_owned(), step: "size".to_owned(), at: now },
            ],
        })
        .collect();
    let count = turns.len();
    store.commit(claim, turns, Vec::new(), now).await?;
    Ok(count)
}

async fn deliver(store: &Store, limit: usize, now: Timestamp) -> Result<usize, chatbox_store::StoreError> {
    let limits = SendLimits {
        lanes: limit,
        per_lane: 1,
        lease: Duration::from_mins(1),
        first_lease: Duration::from_mins(1),
        ahead: 0,
    };
    let jobs = store.claim_sends(now, limits).await?;
    let ends: Vec<_> =
        jobs.iter().map(|job| (job.id, job.fence, SendEnd::Sent { native: "1".to_owned() })).collect();
    let count = ends.len();
    store.finish_sends(ends, now).await?;
    Ok(count)
}
