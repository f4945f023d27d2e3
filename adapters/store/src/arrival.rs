//! From what comes in to rows of the inbox, the same for every database.

use std::collections::BTreeSet;

use chatbox_core::{
    channel::{Incoming, Proof},
    input::{Input, InputKind},
};
use jiff::Timestamp;

use crate::{
    error::{Fail, StoreError},
    seal::Sealer,
};

/// `inbox.origin`.
const PERSON: i64 = 0;
const TIMER: i64 = 2;

/// A message on its way into the inbox. The body is sealed when its seq is known.
#[derive(Clone)]
pub(crate) struct Arrival {
    pub(crate) key: [u8; 16],
    /// [`Incoming::order`].
    pub(crate) order: i64,
    pub(crate) lane: String,
    pub(crate) native: Option<String>,
    pub(crate) origin: i64,
    pub(crate) seed: i64,
    pub(crate) received: i64,
    pub(crate) body: zeroize::Zeroizing<Vec<u8>>,
    /// A one-time code: the body says what came of it.
    pub(crate) proof: Option<Proving>,
}

/// A keyed hash of a code, and who wrote it.
#[derive(Clone)]
pub(crate) struct Proving {
    pub(crate) code: Vec<u8>,
    pub(crate) who: String,
}

pub(crate) fn arrivals(
    sealer: &Sealer,
    incoming: &[Incoming],
    proofs: &[Proof],
    now: Timestamp,
    mut seeds: impl FnMut() -> u64,
) -> Result<Vec<Arrival>, StoreError> {
    let mut known = BTreeSet::new();
    let mut arrivals = Vec::with_capacity(incoming.len() + proofs.len());
    for message in incoming {
        let key = sealer.hash("seen", &[message.lane.channel.as_str(), &message.key]);
        // The same message twice in one batch; the database tells the others.
        if !known.insert(key) {
            continue;
        }
        arrivals.push(Arrival {
            key,
            order: message.order,
            lane: message.lane.to_string(),
            native: message.native.clone(),
            origin: origin(&message.input),
            seed: seeds().cast_signed(),
            received: now.as_microsecond(),
            body: body(&message.input)?,
            proof: None,
        });
    }
    for proof in proofs {
        let channel = proof.lane.channel.as_str();
        let key = sealer.hash("seen", &[channel, &proof.key]);
        if !known.insert(key) {
            continue;
        }
        let input = Input::new(proof.at, InputKind::NotEnrolled);
        arrivals.push(Arrival {
            key,
            order: proof.order,
            lane: proof.lane.to_string(),
            native: None,
            origin: origin(&input),
            seed: seeds().cast_signed(),
            received: now.as_microsecond(),
            body: body(&input)?,
            proof: Some(Proving {
                code: sealer.hash("code", &[&proof.code]).to_vec(),
                who: format!("{channel}:{}", proof.by),
            }),
        });
    }
    Ok(arrivals)
}

pub(crate) fn body(input: &Input) -> Result<zeroize::Zeroizing<Vec<u8>>, StoreError> {
    serde_json::to_vec(input)
        .map(zeroize::Zeroizing::new)
        .map_err(|_| StoreError::Unreadable { table: "inbox", column: "body" })
}

/// A timer that came due, as an input.
pub(crate) fn timer(
    lane: String,
    name: String,
    step: String,
    at: i64,
    seed: i64,
    now: i64,
) -> Result<Arrival, Fail> {
    let at = Timestamp::from_microsecond(at).map_err(|_| Fail::Rows)?;
    let input = Input::new(at, InputKind::Timer { name, step });
    let body = body(&input)?;
    Ok(Arrival {
        key: [0; 16],
        order: 0,
        lane,
        native: None,
        origin: TIMER,
        seed,
        received: now,
        body,
        proof: None,
    })
}

fn origin(input: &Input) -> i64 {
    match input.what {
        InputKind::Message(_) | InputKind::Press { .. } | InputKind::Unreadable => PERSON,
        InputKind::Desk(_) => 1,
        InputKind::Timer { .. } => TIMER,
        InputKind::Redacted { .. }
        | InputKind::Enrolled { .. }
        | InputKind::NotEnrolled
        | InputKind::Reachable(_)
        | InputKind::Gaps(_)
        | InputKind::Undelivered { .. } => 3,
    }
}

pub(crate) fn seeds(count: usize, mut seeds: impl FnMut() -> u64) -> Vec<i64> {
    (0..count).map(|_| seeds().cast_signed()).collect()
}

/// Another seed from one that led to a clash, the same on every machine (splitmix64).
pub(crate) fn fresh_seed(seed: i64) -> i64 {
    let mut z = seed.cast_unsigned().wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)).cast_signed()
}
