//! Decides what waits in the inbox: claim, one turn an input, commit.

use std::panic::{self, AssertUnwindSafe};

use chatbox_core::{
    channel::ChannelFacts,
    effect::{Effect, Record},
    engine::{Context, DeskView, Engine, Turn},
    ids::OutboxId,
};
use chatbox_store::{Claimed, CommitReport, Decided, Store, StoreError, Work};
use jiff::Timestamp;

use crate::kill::kill_point;

/// Inputs decided in one transaction at most.
pub const BATCH: usize = 64;

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
