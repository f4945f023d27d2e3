//! What each person must have seen: the engine, run over the inbox once and in order, says what
//! should be in the database; the platform's ledger says what came of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::AddAssign,
};

use chatbox_core::{
    channel::{ChannelFacts, Post},
    conversation::{Conversation, Holder},
    effect::{Effect, Say, SayKind},
    engine::{Context, DeskView, Engine},
    ids::{Lane, OutboxId},
    input::Input,
};
use chatbox_store::{SendState, Spoken, Store};
use jiff::Timestamp;
use sqlx::SqliteConnection;

use crate::platform::Try;

/// The keys of what was said in each conversation, on both sides, in order.
pub(crate) type Said = BTreeMap<Lane, Vec<String>>;

/// What a run consisted of.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Totals {
    pub(crate) messages: usize,
    pub(crate) replies: usize,
    /// Replies that the platform got again.
    pub(crate) repeats: usize,
    pub(crate) takes: usize,
    /// Talk of the bot that a take made void.
    pub(crate) dropped: usize,
    pub(crate) parked: usize,
    pub(crate) deaths: usize,
    pub(crate) faults: usize,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.replies += other.replies;
        self.repeats += other.repeats;
        self.takes += other.takes;
        self.dropped += other.dropped;
        self.parked += other.parked;
        self.deaths += other.deaths;
        self.faults += other.faults;
    }
}

/// A row of the inbox, and what stands sealed in it.
struct Heard {
    seq: i64,
    native: Option<String>,
    seed: u64,
    received: Timestamp,
    parked: bool,
    input: Input,
}

/// What the engine says of a conversation.
#[derive(Default)]
struct Expected {
    conversation: Conversation,
    says: BTreeMap<OutboxId, Say>,
    /// The epoch after each turn.
    epochs: BTreeMap<i64, u32>,
    /// The rows that tell a practitioner "you have it", and the epoch from then on.
    takes: Vec<(BTreeSet<OutboxId>, u32)>,
}

/// Fails the test unless all is as it must be.
pub(crate) async fn judge(
    store: &Store,
    db: &mut SqliteConnection,
    engine: &Engine,
    desk: &DeskView,
    lanes: &[Lane],
    said: &Said,
    ledger: &[Try],
) -> Totals {
    let mut totals = Totals::default();
    for lane in lanes {
        let (inbox, outbox) = read(store, db, lane).await;
        let keys: Vec<&String> = inbox.iter().filter_map(|heard| heard.native.as_ref()).collect();
        let written: Vec<&String> = said.get(lane).into_iter().flatten().collect();
        assert_eq!(keys, written, "{lane}: a message was lost, received twice or put out of order");

        let expected = expect(engine, desk, lane, &inbox);
        let stored = store.conversation(lane).await.unwrap().unwrap_or_default();
        assert!(
            stored == expected.conversation,
            "{lane}: the state is not what deciding each input once gives"
        );
        let rows: BTreeMap<OutboxId, &Say> = outbox.iter().map(|(id, say, _)| (*id, say)).collect();
        let wanted: BTreeMap<OutboxId, &Say> = expected.says.iter().map(|(id, say)| (*id, say)).collect();
        assert!(rows == wanted, "{lane}: the outbox is not what deciding each input once gives");

        totals.messages += inbox.len();
        totals.replies += outbox.len();
        totals.takes += expected.takes.len();
        totals.parked += inbox.iter().filter(|heard| heard.parked).count();
        totals.dropped += outbox.iter().filter(|(_, _, state)| *state == SendState::Dropped).count();
        totals.repeats += arrivals(db, lane, &expected, &outbox, ledger).await;
        nothing_after_a_take(lane, &expected, ledger);
    }
    totals
}

async fn read(
    store: &Store,
    db: &mut SqliteConnection,
    lane: &Lane,
) -> (Vec<Heard>, Vec<(OutboxId, Say, SendState)>) {
    let rows: Vec<(i64, Option<String>, i64, i64, i64)> =
        sqlx::query_as("SELECT seq, native, seed, received, status FROM heard WHERE lane = $1 ORDER BY seq")
            .bind(lane.to_string())
            .fetch_all(db)
            .await
            .unwrap();
    let mut inputs = BTreeMap::new();
    let mut outbox = Vec::new();
    for line in store.transcript(lane, 100_000).await.unwrap() {
        match line.what {
            Spoken::Heard { seq, input } => drop(inputs.insert(seq, input.expect("nothing was taken back"))),
            Spoken::Said { id, post: Post::Say(say), state } => outbox.push((id, say, state)),
            Spoken::Said { post: Post::Desk(_), .. } => panic!("{lane}: a line for the desk"),
        }
    }
    let inbox = rows
        .into_iter()
        .map(|(seq, native, seed, received, status)| {
            assert_ne!(status, 0, "{lane}: message {seq} is not decided");
            Heard {
                seq,
                native,
                seed: seed.cast_unsigned(),
                received: Timestamp::from_microsecond(received).unwrap(),
                parked: status == 2,
                input: inputs.remove(&seq).expect("the input of a row"),
            }
        })
        .collect();
    outbox.sort_by_key(|(id, _, _)| *id);
    (inbox, outbox)
}

fn expect(engine: &Engine, desk: &DeskView, lane: &Lane, inbox: &[Heard]) -> Expected {
    let mut expected = Expected::default();
    for heard in inbox {
        let context = Context {
            now: heard.received,
            seed: heard.seed,
            channel: ChannelFacts::of(lane.channel),
            desk: desk.clone(),
        };
        let before = &expected.conversation;
        let turn = if heard.parked {
            engine.give_up(before, &heard.input, &context)
        } else {
            engine.turn(before, &heard.input, &context)
        };
        let taken = turn.conversation.epoch > before.epoch
            && matches!(turn.conversation.holder, Holder::Practitioner { .. });
        let mut told = BTreeSet::new();
        for (nth, effect) in (0..).zip(turn.effects) {
            let id = OutboxId { input: heard.seq, nth };
            match effect {
                Effect::Say(say) => drop(expected.says.insert(id, say)),
                Effect::Desk(_) => drop(told.insert(id)),
                Effect::Save(_)
                | Effect::SetTimer { .. }
                | Effect::CancelTimer { .. }
                | Effect::Amend { .. }
                | Effect::ClearChat { .. }
                | Effect::Erase { .. }
                | Effect::Audit { .. } => {}
            }
        }
        expected.epochs.insert(heard.seq, turn.conversation.epoch);
        if taken {
            expected.takes.push((told, turn.conversation.epoch));
        }
        expected.conversation = turn.conversation;
    }
    expected
}

/// Each reply arrived, in order, and again only as often as unknown outcomes are counted. How often
/// that was.
async fn arrivals(
    db: &mut SqliteConnection,
    lane: &Lane,
    expected: &Expected,
    outbox: &[(OutboxId, Say, SendState)],
    ledger: &[Try],
) -> usize {
    let counted: BTreeMap<i64, i64> =
        sqlx::query_as::<_, (i64, i64)>("SELECT id, unknown FROM outbox WHERE lane = $1")
            .bind(lane.to_string())
            .fetch_all(db)
            .await
            .unwrap()
            .into_iter()
            .collect();
    let mut repeats = 0;
    // Safety wording overtakes; within each of the two the order is that of deciding.
    let mut newest: BTreeMap<bool, OutboxId> = BTreeMap::new();
    let mut arrived: BTreeSet<OutboxId> = BTreeSet::new();
    for one in ledger.iter().filter(|one| one.arrived && one.to == *lane) {
        let say = expected.says.get(&one.id).unwrap_or_else(|| panic!("{lane}: {} is no reply", one.id));
        assert!(say.text == one.text, "{lane}: another text than was decided");
        if !arrived.insert(one.id) {
            repeats += 1;
            continue;
        }
        let before = newest.insert(say.kind == SayKind::Safety, one.id);
        assert!(before.is_none_or(|before| before < one.id), "{lane}: {} came out of order", one.id);
    }
    for (id, say, state) in outbox {
        let tries = ledger.iter().filter(|one| one.id == *id && one.to == *lane);
        let came = tries.clone().filter(|one| one.arrived).count();
        let row = id.input * 65536 + i64::from(id.nth);
        let unknown = usize::try_from(counted[&row]).unwrap();
        assert!(came <= 1 + unknown, "{lane}: {id} came {came} times, with {unknown} unknown outcomes");
        match state {
            SendState::Sent => assert!(came > 0, "{lane}: {id} never came"),
            SendState::Refused => {
                assert!(tries.clone().any(|one| one.refused), "{lane}: {id} was not refused");
            }
            SendState::Dropped => {
                let old = expected.epochs[&id.input] < expected.conversation.epoch;
                assert!(say.kind == SayKind::Bot && old, "{lane}: {id} was dropped");
            }
            SendState::Waiting => panic!("{lane}: {id} still waits"),
        }
    }
    repeats
}

/// Once a practitioner was told that they have it, nothing older of the bot begins to be sent (P5).
fn nothing_after_a_take(lane: &Lane, expected: &Expected, ledger: &[Try]) {
    for (told, epoch) in &expected.takes {
        let Some(since) = ledger.iter().position(|one| one.arrived && told.contains(&one.id)) else {
            continue;
        };
        for one in ledger[since..].iter().filter(|one| one.to == *lane && one.kind == Some(SayKind::Bot)) {
            assert!(
                expected.epochs[&one.id.input] >= *epoch,
                "{lane}: {} began to be sent after a practitioner was told that they have it",
                one.id
            );
        }
    }
}
