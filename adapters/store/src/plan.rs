//! From turns to rows, the same for every database. Everything is sealed here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chatbox_core::{
    conversation::{Conversation, Holder},
    effect::{AuditKind, DeskKind, DeskPost, Effect, Kept, Say, SayKind},
    ids::{Lane, OutboxId, Reference},
    input::InputKind,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Fail, StoreError},
    seal::{self, Sealer},
    work::{Decided, Work},
};

/// `outbox.kind`.
pub(crate) const SAFETY: i64 = 0;
pub(crate) const RELAY: i64 = 1;
pub(crate) const BOT: i64 = 3;
pub(crate) const DESK: i64 = 5;

/// What a lane of the desk begins with. No channel is called so.
pub(crate) const DESK_LANE: &str = "desk/";
/// The duty lead's own chat.
pub(crate) const LEAD_LANE: &str = "lead/";

pub(crate) fn row_id(id: OutboxId) -> i64 {
    (id.input << 16) | i64::from(id.nth)
}

pub(crate) fn outbox_id(row: i64) -> OutboxId {
    OutboxId { input: row >> 16, nth: u16::try_from(row & 0xFFFF).unwrap_or(u16::MAX) }
}

/// What an outbox row holds, sealed.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Body {
    Say(Say),
    Desk(DeskPost),
    Clear { within: SignedDuration, also: Vec<String> },
    Amend { of: String, text: Option<String> },
}

/// One decided or parked input and all that follows from it, nothing sealed yet.
pub(crate) struct Turn {
    pub(crate) seq: i64,
    pub(crate) lane: Lane,
    pub(crate) seed: i64,
    pub(crate) parked: bool,
    pub(crate) now: i64,
    /// Taken back by this input: its text goes.
    pub(crate) redacts: Option<String>,
    /// The input came from the desk.
    pub(crate) at_desk: bool,
    /// The stored state could not be read: it must not be overwritten.
    pub(crate) damaged: bool,
    pub(crate) outcome: Option<Outcome>,
}

pub(crate) struct Outcome {
    conversation: Conversation,
    effects: Vec<Effect>,
    /// The turn opened a case.
    new_case: Option<Reference>,
    /// A practitioner took or let go in this turn.
    epoch_rose: bool,
}

impl Turn {
    /// What `Erase` asks for, if the turn does.
    pub(crate) fn keep(&self) -> Option<&[Kept]> {
        self.outcome.iter().flat_map(|o| &o.effects).find_map(|effect| match effect {
            Effect::Erase { keep } => Some(keep.as_slice()),
            Effect::Say(_)
            | Effect::Desk(_)
            | Effect::Save(_)
            | Effect::SetTimer { .. }
            | Effect::CancelTimer { .. }
            | Effect::ClearChat { .. }
            | Effect::Amend { .. }
            | Effect::Audit { .. } => None,
        })
    }

    /// From which moment a `ClearChat` needs native ids that this same turn erases.
    pub(crate) fn clears_erased(&self) -> Option<i64> {
        self.keep()?;
        self.outcome.iter().flat_map(|o| &o.effects).find_map(|effect| match effect {
            Effect::ClearChat { within } => Some(since(self.now, *within)),
            Effect::Say(_)
            | Effect::Desk(_)
            | Effect::Save(_)
            | Effect::SetTimer { .. }
            | Effect::CancelTimer { .. }
            | Effect::Amend { .. }
            | Effect::Erase { .. }
            | Effect::Audit { .. } => None,
        })
    }
}

impl Turn {
    /// The state of its conversation after it.
    pub(crate) fn left(self) -> Option<(String, Conversation)> {
        let outcome = self.outcome.filter(|_| !self.damaged)?;
        Some((self.lane.to_string(), outcome.conversation))
    }
}

pub(crate) fn since(now: i64, within: SignedDuration) -> i64 {
    now.saturating_sub(i64::try_from(within.as_micros()).unwrap_or(i64::MAX))
}

/// Checks what is to be committed against the claim, and puts it in the order of the claim.
pub(crate) fn turns(
    works: &[Work],
    decided: Vec<Decided>,
    parked: &[i64],
    now: Timestamp,
) -> Result<Vec<Turn>, StoreError> {
    let mut outcomes: HashMap<i64, Decided> = HashMap::with_capacity(decided.len());
    for one in decided {
        if outcomes.insert(one.seq, one).is_some() {
            return Err(StoreError::NotClaimed);
        }
    }
    let mut parks: BTreeSet<i64> = parked.iter().copied().collect();
    let mut turns = Vec::with_capacity(outcomes.len() + parks.len());
    for work in works {
        let mut epoch = work.conversation.as_ref().map_or(0, |c| c.epoch);
        let mut case = work.conversation.as_ref().and_then(|c| c.case.clone());
        for input in &work.inputs {
            let parked = parks.remove(&input.seq);
            let outcome = outcomes.remove(&input.seq);
            if outcome.is_none() && !parked {
                // What follows in this conversation must not be named: checked below.
                break;
            }
            let outcome = outcome.map(|one| {
                let epoch_rose = one.conversation.epoch > epoch;
                let new_case = one.conversation.case.clone().filter(|c| case.as_ref() != Some(c));
                epoch = one.conversation.epoch;
                case.clone_from(&one.conversation.case);
                Outcome { conversation: one.conversation, effects: one.effects, new_case, epoch_rose }
            });
            let redacts = match &input.input.what {
                InputKind::Redacted { of } => Some(of.clone()),
                InputKind::Message(_)
                | InputKind::Press { .. }
                | InputKind::Timer { .. }
                | InputKind::Desk(_)
                | InputKind::Enrolled { .. }
                | InputKind::NotEnrolled
                | InputKind::Reachable(_)
                | InputKind::Undelivered { .. }
                | InputKind::Gaps(_)
                | InputKind::Unreadable => None,
            };
            turns.push(Turn {
                seq: input.seq,
                lane: work.lane.clone(),
                seed: input.seed.cast_signed(),
                parked,
                now: now.as_microsecond(),
                redacts,
                at_desk: matches!(input.input.what, InputKind::Desk(_)),
                damaged: work.damaged,
                outcome,
            });
        }
    }
    if outcomes.is_empty() && parks.is_empty() { Ok(turns) } else { Err(StoreError::NotClaimed) }
}

pub(crate) struct StateRow {
    pub(crate) lane: String,
    pub(crate) epoch: i64,
    pub(crate) holder: i64,
    pub(crate) since: Option<i64>,
    pub(crate) case: Option<String>,
    pub(crate) urgency: i64,
    pub(crate) changed: i64,
    pub(crate) state: Vec<u8>,
}

impl StateRow {
    pub(crate) fn handled(&self) -> i64 {
        i64::from(self.holder == 2)
    }
}

pub(crate) struct OutRow {
    pub(crate) id: i64,
    pub(crate) lane: String,
    pub(crate) person: String,
    pub(crate) kind: i64,
    pub(crate) rank: i64,
    pub(crate) epoch: i64,
    pub(crate) gate: bool,
    pub(crate) erase: bool,
    pub(crate) made: i64,
    pub(crate) body: Vec<u8>,
    /// The body before it was sealed.
    pub(crate) plain: Option<Body>,
    /// To be leased at once, if nothing of its lane is under way.
    pub(crate) ahead: bool,
}

impl OutRow {
    /// Safety goes before everything else in its lane.
    pub(crate) fn place(&self) -> i64 {
        i64::from(self.kind != SAFETY)
    }

    fn outlives_erasure(&self) -> bool {
        self.kind == SAFETY || self.kind == DESK
    }
}

pub(crate) struct RecordRow {
    pub(crate) reference: String,
    pub(crate) kind: String,
    pub(crate) lane: String,
    pub(crate) created: i64,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct AuditRow {
    pub(crate) at: i64,
    pub(crate) what: String,
    pub(crate) by: Option<String>,
    pub(crate) case: Option<String>,
}

pub(crate) struct Erasure {
    pub(crate) lane: String,
    /// The erasing input; later ones are left.
    pub(crate) seq: i64,
    pub(crate) keep_records: bool,
    pub(crate) keep_timers: bool,
    /// Nothing is left to remember: the row of the conversation goes too.
    pub(crate) forget: bool,
}

impl Erasure {
    /// What is run with the lane as its only parameter, before the inbox rows go: what was said is found by
    /// them.
    pub(crate) fn statements(&self) -> impl Iterator<Item = &'static str> {
        let groups: [(bool, &[&str]); 4] = [
            (false, &ERASE_OUTBOX),
            (self.keep_timers, &["DELETE FROM timer WHERE lane = $1"]),
            (self.keep_records, &ERASE_RECORDS),
            (!self.forget, &["DELETE FROM conversation WHERE lane = $1"]),
        ];
        groups.into_iter().filter(|(keep, _)| !keep).flat_map(|(_, sql)| sql.iter().copied())
    }
}

/// Safety and desk rows that wait are sent first.
const ERASE_OUTBOX: [&str; 3] = [
    "UPDATE outbox SET erase = 1 WHERE status = 0 AND kind IN (0, 5)
     AND id IN (SELECT id FROM said WHERE person = $1)",
    "DELETE FROM outbox WHERE erase = 0 AND id IN (SELECT id FROM said WHERE person = $1)",
    "DELETE FROM sending WHERE lane = $1
     AND NOT EXISTS (SELECT 1 FROM outbox WHERE lane = $1 AND status = 0)",
];

/// A reference stays taken, and the desk's thread its own.
const ERASE_RECORDS: [&str; 2] =
    ["DELETE FROM record WHERE lane = $1", "UPDATE reference SET lane = NULL WHERE lane = $1"];

/// The rows of some turns together. To be written in the order of the fields.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) erasures: Vec<Erasure>,
    pub(crate) decided: Vec<i64>,
    pub(crate) parked: Vec<i64>,
    pub(crate) states: BTreeMap<String, StateRow>,
    /// Whose each reference is to be.
    pub(crate) references: BTreeMap<String, String>,
    pub(crate) records: Vec<RecordRow>,
    /// `None` takes a timer away.
    pub(crate) timers: BTreeMap<(String, String), Option<(String, i64)>>,
    pub(crate) audits: Vec<AuditRow>,
    pub(crate) out: Vec<OutRow>,
    /// When the leases of rows that are marked `ahead` end.
    pub(crate) until: i64,
    /// Lane and native id of what was taken back.
    pub(crate) redactions: Vec<(String, String)>,
}

impl Batch {
    /// `natives` are those that a turn with [`Turn::clears_erased`] needs, by seq.
    pub(crate) fn of(
        turns: &[Turn],
        natives: &HashMap<i64, Vec<String>>,
        sealer: &Sealer,
    ) -> Result<Self, Fail> {
        let mut batch = Self::default();
        let mut last: BTreeMap<String, (&Conversation, i64)> = BTreeMap::new();
        for turn in turns {
            batch.add(turn, natives, sealer)?;
            if let Some(outcome) = turn.outcome.as_ref().filter(|_| !turn.damaged) {
                last.insert(turn.lane.to_string(), (&outcome.conversation, turn.now));
            }
        }
        // Only the last state of each conversation is written.
        for (lane, (conversation, now)) in last {
            let forget = *conversation == Conversation::default();
            match batch.erasures.iter_mut().rev().find(|erasure| erasure.lane == lane) {
                Some(erasure) if forget => erasure.forget = true,
                Some(_) | None => {
                    let row = state_row(&lane, conversation, now, sealer)?;
                    batch.states.insert(lane, row);
                }
            }
        }
        Ok(batch)
    }

    fn add(&mut self, turn: &Turn, natives: &HashMap<i64, Vec<String>>, sealer: &Sealer) -> Result<(), Fail> {
        let lane = turn.lane.to_string();
        let erase = turn.keep().map(|keep| self.erase(&lane, turn, keep)).is_some();
        if let Some(native) = &turn.redacts {
            self.redactions.push((lane.clone(), native.clone()));
        }
        if turn.parked { &mut self.parked } else { &mut self.decided }.push(turn.seq);
        let Some(outcome) = &turn.outcome else { return Ok(()) };
        if let Some(case) = &outcome.new_case {
            self.claim_reference(case, &lane)?;
        }
        for (nth, effect) in outcome.effects.iter().enumerate() {
            let nth = u16::try_from(nth).map_err(|_| Fail::Rows)?;
            let mut send = |to: String, kind: i64, rank: i64, plain: Body| -> Result<(), Fail> {
                let id = row_id(OutboxId { input: turn.seq, nth });
                let body =
                    sealer.seal_json(seal::OUTBOX, &id.to_be_bytes(), &plain).map_err(|_| Fail::Rows)?;
                self.out.push(OutRow {
                    id,
                    gate: outcome.epoch_rose && kind == DESK,
                    lane: to,
                    person: lane.clone(),
                    kind,
                    rank,
                    epoch: i64::from(outcome.conversation.epoch),
                    erase,
                    made: turn.now,
                    body,
                    plain: Some(plain),
                    ahead: false,
                });
                Ok(())
            };
            match effect {
                Effect::Say(say) => {
                    let (kind, rank) = match say.kind {
                        SayKind::Safety => (SAFETY, 0),
                        SayKind::Relay => (RELAY, 1),
                        SayKind::Notice => (2, 2),
                        SayKind::Bot => (BOT, 3),
                    };
                    send(lane.clone(), kind, rank, Body::Say(say.clone()))?;
                }
                Effect::Desk(post) => {
                    let rank = match post.kind {
                        DeskKind::Alert | DeskKind::Page => 0,
                        DeskKind::Opened | DeskKind::Message => 1,
                        DeskKind::Notice => 2,
                    };
                    let to = match (&post.case, post.kind) {
                        (_, DeskKind::Page) => LEAD_LANE.to_owned(),
                        (Some(case), _) => format!("{DESK_LANE}{case}"),
                        (None, _) => DESK_LANE.to_owned(),
                    };
                    send(to, DESK, rank, Body::Desk(post.clone()))?;
                }
                Effect::Amend { of, text } => {
                    let body = Body::Amend { of: of.clone(), text: text.clone() };
                    match (turn.at_desk, &outcome.conversation.case) {
                        (true, _) => send(lane.clone(), RELAY, 1, body)?,
                        (false, Some(case)) => send(format!("{DESK_LANE}{case}"), DESK, 1, body)?,
                        // Nothing was copied where there is no case.
                        (false, None) => {}
                    }
                }
                Effect::ClearChat { within } => {
                    let also = natives.get(&turn.seq).cloned().unwrap_or_default();
                    send(lane.clone(), 4, 2, Body::Clear { within: *within, also })?;
                }
                Effect::Save(record) => {
                    self.claim_reference(&record.reference, &lane)?;
                    let reference = record.reference.to_string();
                    if self.records.iter().any(|other| other.reference == reference) {
                        return Err(Fail::Clash);
                    }
                    let body = sealer
                        .seal_json(seal::RECORD, reference.as_bytes(), &record.data)
                        .map_err(|_| Fail::Rows)?;
                    self.records.push(RecordRow {
                        reference,
                        kind: record.kind.clone(),
                        lane: lane.clone(),
                        created: turn.now,
                        body,
                    });
                }
                Effect::SetTimer { name, step, at } => {
                    self.timers
                        .insert((lane.clone(), name.clone()), Some((step.clone(), at.as_microsecond())));
                }
                Effect::CancelTimer { name } => {
                    self.timers.insert((lane.clone(), name.clone()), None);
                }
                Effect::Erase { .. } => {}
                Effect::Audit { what, by, case } => {
                    self.audits.push(AuditRow {
                        at: turn.now,
                        what: audit_name(*what)?,
                        by: by.clone(),
                        case: case.as_ref().map(Reference::to_string),
                    });
                }
            }
        }
        if erase
            && !outcome.effects.iter().any(|e| matches!(e, Effect::Audit { what: AuditKind::Erased, .. }))
        {
            self.audits.push(AuditRow {
                at: turn.now,
                what: audit_name(AuditKind::Erased)?,
                by: None,
                case: None,
            });
        }
        Ok(())
    }

    /// Takes out what earlier turns of this batch would have written for the lane.
    fn erase(&mut self, lane: &str, turn: &Turn, keep: &[Kept]) {
        let keep_records = !keep.is_empty();
        let keep_timers = keep.contains(&Kept::OpenFlag);
        self.out.retain_mut(|row| {
            if row.person != lane {
                return true;
            }
            row.erase = true;
            row.outlives_erasure()
        });
        if !keep_records {
            self.records.retain(|row| row.lane != lane);
            self.references.retain(|_, of| of != lane);
        }
        if !keep_timers {
            self.timers.retain(|(of, _), _| of != lane);
        }
        self.redactions.retain(|(of, _)| of != lane);
        self.erasures.push(Erasure {
            lane: lane.to_owned(),
            seq: turn.seq,
            keep_records,
            keep_timers,
            forget: false,
        });
    }

    fn claim_reference(&mut self, reference: &Reference, lane: &str) -> Result<(), Fail> {
        match self.references.insert(reference.to_string(), lane.to_owned()) {
            Some(other) if other != lane => Err(Fail::Clash),
            Some(_) | None => Ok(()),
        }
    }
}

fn state_row(lane: &str, conversation: &Conversation, now: i64, sealer: &Sealer) -> Result<StateRow, Fail> {
    let (holder, since) = match &conversation.holder {
        Holder::Bot => (0, None),
        Holder::Waiting { since } => (1, Some(since.as_microsecond())),
        Holder::Practitioner { since, .. } => (2, Some(since.as_microsecond())),
    };
    Ok(StateRow {
        lane: lane.to_owned(),
        epoch: i64::from(conversation.epoch),
        holder,
        since,
        case: conversation.case.as_ref().map(Reference::to_string),
        urgency: i64::from(conversation.urgency()),
        changed: now,
        state: sealer.seal_json(seal::STATE, lane.as_bytes(), conversation).map_err(|_| Fail::Rows)?,
    })
}

fn audit_name(kind: AuditKind) -> Result<String, Fail> {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        Ok(_) | Err(_) => Err(Fail::Rows),
    }
}
