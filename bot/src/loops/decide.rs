//! Decides what waits in the inbox: claim, one turn an input, commit.

use std::{
    collections::BTreeMap,
    future::Future,
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use chatbox_core::{
    channel::{ChannelFacts, Confidentiality},
    effect::{Effect, Record},
    engine::{Context, DeskView, Engine, Member, Queued, Turn},
    ids::{ChannelKind, Lane, OutboxId},
};
use chatbox_store::{Claimed, CommitReport, Decided, Store, StoreError, Work};
use jiff::{SignedDuration, Timestamp};
use tokio::time;

use super::receive::Waiting;
use crate::{
    clock,
    config::desk::{Desk, DeskChannel},
    kill::kill_point,
};

/// Inputs decided in one transaction at most.
pub const BATCH: usize = 64;

/// After a failure, the wait before the same inputs are tried again.
const AFTER_FAULT: Duration = Duration::from_millis(500);

/// How often the loop looks who is at the desk.
const DESK_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// What one step did.
#[derive(Debug, Default)]
pub struct Outcome {
    pub report: CommitReport,
    /// The records of committed turns, by the place of their effect.
    pub records: Vec<(OutboxId, Record)>,
    /// How often the engine panicked.
    pub panics: usize,
    /// Inputs that were set aside, whether or not the commit took them.
    pub parked: Vec<i64>,
    /// The conversations that the step worked on.
    pub lanes: Vec<Lane>,
}

impl Outcome {
    /// Everything that was tried is on disk.
    pub fn is_clean(&self) -> bool {
        self.panics == 0 && self.report.clashed.is_empty() && self.report.failed.is_empty()
    }
}

/// Decides up to [`BATCH`] inputs. `None`: nothing waits.
pub async fn step(
    store: &Store,
    engine: &Engine,
    desk: &DeskView,
    now: Timestamp,
) -> Result<Option<Outcome>, StoreError> {
    let Some(claim) = store.claim(BATCH).await? else { return Ok(None) };
    kill_point("decide.claimed");
    let mut outcome = Outcome::default();
    let mut decided = Vec::new();
    for work in claim.works() {
        outcome.lanes.push(work.lane.clone());
        decide(work, engine, desk, &mut decided, &mut outcome);
    }
    kill_point("decide.before_commit");
    let records = records(&decided);
    outcome.report = store.commit(claim, decided, outcome.parked.clone(), now).await?;
    kill_point("decide.committed");
    outcome.records =
        records.into_iter().filter(|(id, _)| outcome.report.committed.contains(&id.input)).collect();
    Ok(Some(outcome))
}

/// Who is at the desk, as the engine takes it.
pub async fn desk_view(store: &Store, config: &Desk) -> Result<DeskView, StoreError> {
    if config.channel.is_none() {
        return Ok(DeskView::default());
    }
    let mut members = BTreeMap::new();
    for practitioner in store.practitioners().await? {
        if let Some(who) = practitioner.who {
            let duty_lead = practitioner.lead || config.duty_lead.as_ref() == Some(&who);
            members.insert(who, Member { name: practitioner.name, organisation: None, duty_lead });
        }
    }
    let confidentiality = config.channel.map(confidentiality);
    let queue = queue(store).await?;
    Ok(DeskView { exists: true, members, confidentiality, queue, ..DeskView::default() })
}

/// How private the desk's own room is.
fn confidentiality(desk: DeskChannel) -> Confidentiality {
    let kind = match desk {
        DeskChannel::Telegram => ChannelKind::Telegram,
        DeskChannel::Matrix => ChannelKind::Matrix,
    };
    ChannelFacts::of(kind).confidentiality
}

/// The open cases, as the engine takes them.
pub async fn queue(store: &Store) -> Result<Vec<Queued>, StoreError> {
    let open = store.open_cases().await?;
    let queued = open.into_iter().filter_map(|open| {
        Some(Queued {
            case: open.reference?,
            urgency: open.urgency,
            waiting: open.waiting,
            held: open.held,
            changed: open.changed,
        })
    });
    Ok(queued.collect())
}

/// Decides until `stop` is ready; then until nothing waits.
pub async fn run(
    store: &Store,
    engine: &Engine,
    config: &Desk,
    waiting: &Waiting,
    stop: impl Future<Output = ()>,
) {
    let mut changes = store.inbox_changes();
    let mut desk = DeskView::default();
    let mut looked = Timestamp::UNIX_EPOCH;
    let mut stopping = false;
    tokio::pin!(stop);
    loop {
        let now = clock::now();
        if now.duration_since(looked) > DESK_EVERY {
            match desk_view(store, config).await {
                Ok(view) => (desk, looked) = (view, now),
                Err(fault) => tracing::error!(error = %fault, "it cannot be read who is at the desk"),
            }
        }
        match step(store, engine, &desk, now).await {
            Ok(Some(outcome)) => {
                outcome.lanes.iter().for_each(|lane| waiting.decided(lane));
                metrics::counter!("chatbox_decided_total").increment(outcome.report.committed.len() as u64);
                metrics::counter!("chatbox_parked_total").increment(outcome.parked.len() as u64);
                if !outcome.report.failed.is_empty() {
                    tracing::error!(
                        decide.failed = outcome.report.failed.len(),
                        "turns could not be committed"
                    );
                    time::sleep(AFTER_FAULT).await;
                }
            }
            Ok(None) if stopping => return,
            Ok(None) => tokio::select! {
                () = &mut stop => stopping = true,
                () = changes.changed() => {}
            },
            Err(fault) => {
                tracing::error!(error = %fault, "the inbox cannot be worked on");
                if stopping {
                    return;
                }
                tokio::select! {
                    () = &mut stop => stopping = true,
                    () = time::sleep(AFTER_FAULT) => {}
                }
            }
        }
    }
}

/// The inputs of one conversation, each on the state that the one before left. Stops at an input
/// that makes the engine panic: it and the later ones are handed out again.
fn decide(work: &Work, engine: &Engine, desk: &DeskView, decided: &mut Vec<Decided>, outcome: &mut Outcome) {
    let mut conversation = work.conversation.clone().unwrap_or_default();
    for claimed in &work.inputs {
        let context = Context {
            now: claimed.received,
            seed: claimed.seed,
            channel: ChannelFacts::of(work.lane.channel),
            desk: desk.clone(),
        };
        let turn = panic::catch_unwind(AssertUnwindSafe(|| {
            if claimed.poisoned {
                engine.give_up(&conversation, &claimed.input, &context)
            } else {
                kill_point("decide.engine");
                engine.turn(&conversation, &claimed.input, &context)
            }
        }));
        if claimed.poisoned {
            tracing::error!(inbox.seq = claimed.seq, inbox.tries = claimed.tries, "an input is set aside");
            outcome.parked.push(claimed.seq);
        }
        if let Ok(Turn { conversation: next, effects }) = turn {
            // A state that cannot be read must not be overwritten.
            if !work.damaged {
                conversation = next;
            }
            decided.push(Decided { seq: claimed.seq, conversation: conversation.clone(), effects });
        } else {
            outcome.panics += 1;
            report_panic(claimed);
            if !claimed.poisoned {
                return;
            }
        }
    }
}

fn report_panic(claimed: &Claimed) {
    tracing::error!(
        inbox.seq = claimed.seq,
        inbox.tries = claimed.tries,
        "the engine failed on an input; it stays undecided"
    );
}

fn records(decided: &[Decided]) -> Vec<(OutboxId, Record)> {
    let mut records = Vec::new();
    for turn in decided {
        for (nth, effect) in (0..).zip(&turn.effects) {
            if let Effect::Save(record) = effect {
                records.push((OutboxId { input: turn.seq, nth }, record.clone()));
            }
        }
    }
    records
}
