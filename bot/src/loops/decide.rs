//! Decides what waits in the inbox: claim, one turn an input, commit.

use std::{
    collections::BTreeMap,
    future::Future,
    panic::{self, AssertUnwindSafe},
    thread,
    time::Duration,
};

use chatbox_core::{
    channel::ChannelFacts,
    conversation::{Conversation, Holder},
    effect::{DeskKind, DeskPost, Effect, Record},
    engine::{Context, DeskView, Engine, Member, Queued, Turn},
    ids::{ChannelKind, Lane, OutboxId},
    input::{DeskMessage, InputKind},
};
use chatbox_store::{Claim, Claimed, CommitReport, Decided, OpenCase, Practitioner, Store, StoreError, Work};
use jiff::{SignedDuration, Timestamp};
use tokio::{
    task,
    time::{self, Instant},
};

use super::receive::Waiting;
use crate::{
    clock,
    config::desk::{Desk, DeskChannel},
    kill::kill_point,
};

/// Inputs decided in one transaction at most.
pub const BATCH: usize = 64;

/// So long is thought, until a conversation is done, without giving others on the same thread their turn.
const TURN: Duration = Duration::from_millis(4);

/// After a failure, the wait before the same inputs are tried again.
const AFTER_FAULT: Duration = Duration::from_millis(500);

/// How often the loop looks who is at the desk.
const DESK_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// Said in the desk's room about a message there that was set aside.
const ROOM_FAILED: &str = "The bot failed on a message in this room. Please write it again in other words.";

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

    fn with(mut self, records: Vec<(OutboxId, Record)>) -> Self {
        self.records =
            records.into_iter().filter(|(id, _)| self.report.committed.contains(&id.input)).collect();
        self
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
    let Thought { decided, records, mut outcome } = think(&claim, engine, desk).await;
    outcome.report = store.commit(claim, decided, outcome.parked.clone(), now).await?;
    kill_point("decide.committed");
    Ok(Some(outcome.with(records)))
}

/// What the engine made of a claim.
struct Thought {
    decided: Vec<Decided>,
    records: Vec<(OutboxId, Record)>,
    outcome: Outcome,
}

async fn think(claim: &Claim, engine: &Engine, desk: &DeskView) -> Thought {
    kill_point("decide.claimed");
    let mut outcome = Outcome::default();
    let mut decided = Vec::new();
    // One for all inputs: the desk's queue may be long.
    let mut context = Context {
        now: Timestamp::UNIX_EPOCH,
        seed: 0,
        channel: ChannelFacts::of(ChannelKind::Terminal),
        desk: desk.clone(),
    };
    let mut turn = Instant::now();
    for work in claim.works() {
        // Who writes, sends and receives has little to do at a time, and everybody waits for them. They may be
        // on this very thread.
        if turn.elapsed() > TURN {
            task::yield_now().await;
            turn = Instant::now();
        }
        thread::yield_now();
        outcome.lanes.push(work.lane.clone());
        decide(work, engine, &mut context, &mut decided, &mut outcome);
    }
    kill_point("decide.before_commit");
    Thought { records: records(&decided), decided, outcome }
}

/// Who is at the desk and what waits there, as the engine takes it.
pub async fn desk_view(store: &Store, config: &Desk) -> Result<DeskView, StoreError> {
    let Some(channel) = config.channel.map(DeskChannel::kind) else { return Ok(DeskView::default()) };
    let mut members = BTreeMap::new();
    let mut lead = config.duty_lead.is_some();
    for practitioner in store.practitioners().await? {
        let Practitioner { name, organisation, who, lead: leads, .. } = practitioner;
        lead |= leads && who.is_some();
        // Whoever is known on another channel is nobody here, whatever their id looks like.
        if let Some((channel_of, id)) = who.as_deref().and_then(|who| who.split_once(':'))
            && channel_of == channel.as_str()
        {
            let duty_lead = leads || config.duty_lead.as_deref() == Some(id);
            members.insert(id.to_owned(), Member { name, organisation, duty_lead });
        }
    }
    let queue = queue(store).await?;
    let confidentiality = Some(ChannelFacts::of(channel).confidentiality);
    Ok(DeskView { exists: true, members, confidentiality, lead, queue })
}

/// Conversations with a case, and records whose case is another and is not closed.
pub async fn queue(store: &Store) -> Result<Vec<Queued>, StoreError> {
    let mut queue = Vec::new();
    for open in store.open_cases().await? {
        let OpenCase { reference, urgency, waiting, held, changed, lane: _ } = open;
        queue.extend(reference.map(|case| Queued { case, urgency, waiting, held, changed, request: false }));
    }
    for (case, created) in store.open_records().await? {
        if queue.iter().all(|open| open.case != case) {
            let (waiting, changed) = (Some(created), created);
            queue.push(Queued { case, urgency: 1, waiting, held: None, changed, request: true });
        }
    }
    Ok(queue)
}

/// Whether what was claimed depends on who may act at the desk at this very moment: somebody acts
/// there, or talks with the person. Who was removed must not do so any more.
fn needs_fresh_view(claim: &Claim) -> bool {
    claim.works().iter().any(|work| {
        let held = work
            .conversation
            .as_ref()
            .is_some_and(|conversation| matches!(conversation.holder, Holder::Practitioner { .. }));
        held || work.inputs.iter().any(|input| matches!(input.input.what, InputKind::Desk(_)))
    })
}

/// Looks who is at the desk where that matters, decides what is claimed, and claims what comes
/// next with the same commit.
async fn chain(
    store: &Store,
    engine: &Engine,
    config: &Desk,
    (desk, looked): &mut (DeskView, Timestamp),
    claim: Claim,
    now: Timestamp,
) -> Result<(Outcome, Option<Claim>), StoreError> {
    if needs_fresh_view(&claim) || now.duration_since(*looked) > DESK_EVERY {
        // Without knowing who may act nothing is decided: it is tried again.
        (*desk, *looked) = (desk_view(store, config).await?, now);
    }
    let Thought { decided, records, mut outcome } = think(&claim, engine, desk).await;
    let parked = outcome.parked.clone();
    let (report, next) = store.commit_then_claim(claim, decided, parked, now, BATCH).await?;
    outcome.report = report;
    kill_point("decide.committed");
    Ok((outcome.with(records), next))
}

/// Decides until `stop` is ready; then until nothing waits.
pub async fn run(
    store: &Store,
    engine: &Engine,
    config: &Desk,
    waiting: &Waiting,
    stop: impl Future<Output = ()>,
) {
    let mut desk = (DeskView::default(), Timestamp::UNIX_EPOCH);
    let mut claim = None;
    let mut stopping = false;
    tokio::pin!(stop);
    loop {
        let step = match claim.take() {
            Some(claim) => chain(store, engine, config, &mut desk, claim, clock::now())
                .await
                .map(|(done, next)| (Some(done), next)),
            None if stopping => store.claim(BATCH).await.map(|next| (None, next)),
            None => tokio::select! {
                () = &mut stop => {
                    stopping = true;
                    continue;
                }
                next = store.claim_next(BATCH) => next.map(|next| (None, Some(next))),
            },
        };
        match step {
            Ok((done, next)) => {
                if let Some(outcome) = done {
                    note(&outcome, waiting);
                    if !outcome.report.failed.is_empty() {
                        time::sleep(AFTER_FAULT).await;
                    }
                }
                claim = next;
                if claim.is_none() && stopping {
                    return;
                }
            }
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

fn note(outcome: &Outcome, waiting: &Waiting) {
    outcome.lanes.iter().for_each(|lane| waiting.decided(lane));
    metrics::counter!("chatbox_decided_total").increment(outcome.report.committed.len() as u64);
    metrics::counter!("chatbox_parked_total").increment(outcome.parked.len() as u64);
    if !outcome.report.failed.is_empty() {
        tracing::error!(decide.failed = outcome.report.failed.len(), "turns could not be committed");
    }
}

/// The inputs of one conversation, each on the state that the one before left. Stops at an input
/// that makes the engine panic: it and the later ones are handed out again.
fn decide(
    work: &Work,
    engine: &Engine,
    context: &mut Context,
    decided: &mut Vec<Decided>,
    outcome: &mut Outcome,
) {
    let new = Conversation::default();
    let first = decided.len();
    context.channel = ChannelFacts::of(work.lane.channel);
    for claimed in &work.inputs {
        context.now = claimed.received;
        context.seed = claimed.seed;
        let before = decided[first..].last().map(|turn| &turn.conversation);
        let conversation = before.or(work.conversation.as_ref()).unwrap_or(&new);
        let turn = panic::catch_unwind(AssertUnwindSafe(|| {
            // What was written in the desk's room concerns no conversation.
            if let InputKind::Desk(message @ DeskMessage { case: None, .. }) = &claimed.input.what {
                let effects = if claimed.poisoned {
                    vec![Effect::Desk(DeskPost::new(None, DeskKind::Alert, ROOM_FAILED))]
                } else {
                    engine.desk_room(message, claimed.received, &context.desk)
                };
                return Turn { conversation: conversation.clone(), effects };
            }
            if let InputKind::Gaps(gaps) = &claimed.input.what {
                let effects = if claimed.poisoned { Vec::new() } else { engine.gap_digest(gaps) };
                return Turn { conversation: conversation.clone(), effects };
            }
            if claimed.poisoned {
                engine.give_up(conversation, &claimed.input, context)
            } else {
                kill_point("decide.engine");
                engine.turn(conversation, &claimed.input, context)
            }
        }));
        if claimed.poisoned {
            tracing::error!(inbox.seq = claimed.seq, inbox.tries = claimed.tries, "an input is set aside");
            outcome.parked.push(claimed.seq);
        }
        if let Ok(Turn { conversation: next, effects }) = turn {
            // A state that cannot be read must not be overwritten.
            let conversation = if work.damaged { conversation.clone() } else { next };
            decided.push(Decided { seq: claimed.seq, conversation, effects });
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

#[cfg(test)]
mod tests {
    use chatbox_store::StoreConfig;

    use super::*;

    #[tokio::test]
    async fn only_who_is_known_on_the_desks_own_channel_may_act() {
        let store = Store::open(StoreConfig::new("sqlite::memory:").migrate()).await.unwrap();
        let now = Timestamp::UNIX_EPOCH;
        for (name, who) in [("Ann", "telegram:42"), ("Ben", "matrix:43"), ("Cat", "matrix:@cat:hub")] {
            store.enrol_practitioner(name, Some("Trust A"), name == "Cat", who, now).await.unwrap();
        }
        store.add_practitioner("Dan", None, false, "DESK-1", now).await.unwrap();
        let members = async |channel| {
            let config = Desk { channel: Some(channel), ..Desk::default() };
            let view = desk_view(&store, &config).await.unwrap();
            let members = view.members.iter().map(|(id, m)| (id.clone(), m.duty_lead)).collect::<Vec<_>>();
            (members, view.lead)
        };
        assert_eq!(members(DeskChannel::Telegram).await, (vec![("42".to_owned(), false)], true));
        let on_matrix = vec![("43".to_owned(), false), ("@cat:hub".to_owned(), true)];
        assert_eq!(members(DeskChannel::Matrix).await, (on_matrix, true));
    }
}
