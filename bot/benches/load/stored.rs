//! A database with many conversations in it, as a hub has after some years.

use std::{path::Path, time::Duration};

use chatbox::setup::Setup;
use chatbox_core::{
    channel::{ChannelFacts, Incoming},
    engine::{Context, DeskView},
    ids::{ChannelKind, Lane},
    input::{Input, InputKind, Message},
};
use chatbox_store::{Decided, SendEnd, SendLimits, Store, StoreConfig};
use jiff::Timestamp;

use crate::program::database;

/// What each of them has said so far.
const SAID: [&str; 3] = ["I want a group for my team", "frontline", "closed, on Teams"];

/// Conversations written in one go.
const BATCH: usize = 500;

/// Ids well away from those of the simulated users.
const FIRST: usize = 10_000_000;

/// Fills the database of a folder through the engine and the store, as the service would have.
pub(crate) async fn fill(folder: &Path, conversations: usize) -> anyhow::Result<()> {
    let now = chatbox::clock::now();
    let setup = Setup::read(None, now).map_err(|stop| anyhow::anyhow!("{stop}"))?;
    let url = format!("sqlite:{}", database(folder).display());
    let store = Store::open_service(StoreConfig::new(url).migrate()).await?;
    let mut seed = 0;
    let mut seeds = move || {
        seed += 1;
        seed
    };
    for first in (0..conversations).step_by(BATCH) {
        let chats = first..conversations.min(first + BATCH);
        for (nth, said) in SAID.iter().enumerate() {
            let incoming: Vec<Incoming> = chats.clone().map(|chat| message(chat, nth, said, now)).collect();
            store.receive(&incoming, None, now, &mut seeds).await?;
            decide(&store, &setup, now).await?;
            send(&store, now).await?;
        }
    }
    store.close().await;
    Ok(())
}

fn message(chat: usize, nth: usize, text: &str, now: Timestamp) -> Incoming {
    let said = Message { text: text.to_owned(), ..Message::default() };
    Incoming {
        lane: Lane::new(ChannelKind::Telegram, (FIRST + chat).to_string()),
        key: format!("{chat}/{nth}"),
        order: now.as_microsecond(),
        native: Some(nth.to_string()),
        input: Input::new(now, InputKind::Message(said)),
    }
}

async fn decide(store: &Store, setup: &Setup, now: Timestamp) -> anyhow::Result<()> {
    while let Some(claim) = store.claim(BATCH).await? {
        let mut decided = Vec::new();
        for work in claim.works() {
            let mut conversation = work.conversation.clone().unwrap_or_default();
            for input in &work.inputs {
                let context = Context {
                    now: input.received,
                    seed: input.seed,
                    channel: ChannelFacts::of(ChannelKind::Telegram),
                    desk: DeskView::default(),
                };
                let turn = setup.engine.turn(&conversation, &input.input, &context);
                conversation = turn.conversation.clone();
                decided.push(Decided {
                    seq: input.seq,
                    conversation: turn.conversation,
                    effects: turn.effects,
                });
            }
        }
        store.commit(claim, decided, Vec::new(), now).await?;
    }
    Ok(())
}

async fn send(store: &Store, now: Timestamp) -> anyhow::Result<()> {
    let limits = SendLimits {
        lanes: BATCH,
        per_lane: 10,
        lease: Duration::from_mins(1),
        first_lease: Duration::from_mins(1),
        ahead: 0,
    };
    loop {
        let jobs = store.claim_sends(now, limits).await?;
        if jobs.is_empty() {
            return Ok(());
        }
        let sent = |native: i64| SendEnd::Sent { native: native.to_string() };
        let ends = jobs.iter().map(|job| (job.id, job.fence, sent(job.id.input))).collect();
        store.finish_sends(ends, now).await?;
    }
}
