//! The outbox as the delivery loop sees it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chatbox_core::{
    channel::Post,
    ids::{Lane, OutboxId, Reference},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    error::StoreError,
    plan::{self, Body},
    seal::{self, Sealer},
    views,
};

/// Where a row goes. Each destination is a lane of its own: order holds within it, and it waits
/// for no other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    Person(Lane),
    /// The thread of a case; see [`crate::Store::case_thread`].
    Desk(Reference),
    /// The desk's room, outside any case.
    Room,
    /// The duty lead's own chat.
    Lead,
}

/// What leaves. No `Debug`: it holds what is said to people.
#[derive(Clone, PartialEq)]
pub enum SendBody {
    Post(Post),
    /// Delete both sides' messages of the chat, as far back as `within`: those of
    /// [`crate::Store::natives`] and those in `also`, whose rows are erased already.
    Clear {
        within: SignedDuration,
        also: Vec<String>,
    },
    /// Change the copies of a message, [`crate::Store::copies`]; no text deletes them.
    Amend {
        of: String,
        text: Option<String>,
    },
}

impl SendBody {
    /// A text without a file.
    pub(crate) fn is_plain(&self) -> bool {
        match self {
            Self::Post(Post::Say(say)) => say.media.is_none(),
            Self::Post(Post::Desk(post)) => post.media.is_none(),
            Self::Clear { .. } | Self::Amend { .. } => false,
        }
    }
}

impl From<Body> for SendBody {
    fn from(body: Body) -> Self {
        match body {
            Body::Say(say) => Self::Post(Post::Say(say)),
            Body::Desk(post) => Self::Post(Post::Desk(post)),
            Body::Clear { within, also } => Self::Clear { within, also },
            Body::Amend { of, text } => Self::Amend { of, text },
        }
    }
}

/// How much to lease at once.
#[derive(Debug, Clone, Copy)]
pub struct SendLimits {
    /// Destinations at most.
    pub lanes: usize,
    /// Rows of one destination at most, in the order in which they must be sent. All of them have
    /// to be reported before the destination is handed out again.
    pub per_lane: usize,
    /// After this long the rows may be handed out again. Longer than any send may take.
    pub lease: Duration,
    /// The same for a destination all of whose rows are texts without a file that were never tried: they
    /// leave at once, and if the process dies that had them another is not to wait for long.
    pub first_lease: Duration,
    /// From this call to the next, turns lease what they say along with themselves, for so many
    /// destinations at most that nothing else is under way to: [`crate::Store::handed`].
    pub ahead: usize,
}

/// What this process can send: by which channels, and to which desk. Rows for the rest are left
/// for a process that can, or until it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    pub telegram: bool,
    pub matrix: bool,
    pub terminal: bool,
    /// The desk's room.
    pub desk: bool,
    /// The duty lead's own chat.
    pub lead: bool,
}

impl Reach {
    /// As it is until a service says what it can do.
    pub const ALL: Self = Self { telegram: true, matrix: true, terminal: true, desk: true, lead: true };
    pub const NONE: Self = Self { telegram: false, matrix: false, terminal: false, desk: false, lead: false };

    /// The same as [`Self::and`], of one lane.
    pub(crate) fn includes(self, lane: &str) -> bool {
        let Self { telegram, matrix, terminal, desk, lead } = self;
        match lane.split_once([':', '/']) {
            Some(("telegram", _)) => telegram,
            Some(("matrix", _)) => matrix,
            Some(("terminal", _)) => terminal,
            Some(("desk", _)) => desk,
            Some(("lead", _)) => lead,
            Some(_) | None => false,
        }
    }

    /// The condition on `lane`, as both databases understand it.
    pub(crate) fn and(self) -> String {
        let Self { telegram, matrix, terminal, desk, lead } = self;
        [
            (telegram, " AND lane NOT LIKE 'telegram:%'"),
            (matrix, " AND lane NOT LIKE 'matrix:%'"),
            (terminal, " AND lane NOT LIKE 'terminal:%'"),
            (desk, " AND lane NOT LIKE 'desk/%'"),
            (lead, " AND lane <> 'lead/'"),
        ]
        .into_iter()
        .filter(|(can, _)| !can)
        .map(|(_, condition)| condition)
        .collect()
    }
}

/// One leased row.
pub struct SendJob {
    pub id: OutboxId,
    pub to: Destination,
    /// The conversation that it belongs to.
    pub person: Lane,
    pub body: SendBody,
    /// When it was committed.
    pub made: Timestamp,
    /// How often it was handed out, this time included.
    pub attempts: u32,
    pub epoch: u32,
    /// The bot's own talk from before a practitioner took over: report [`SendEnd::Dropped`].
    pub stale: bool,
    /// An earlier attempt ended unknown, or was never reported: it may have arrived.
    pub unknown_before: bool,
    /// Proves the lease to [`crate::Store::finish_sends`].
    pub fence: i64,
    /// The lease ends here: do not begin to send after it.
    pub until: Timestamp,
}

/// What may be sent.
#[derive(Default)]
pub struct Sends {
    pub jobs: Vec<SendJob>,
    /// When to ask again, unless [`crate::Store::outbox_changes`] fires before. What was left out
    /// because of the limits is not counted.
    pub next: Option<Timestamp>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendEnd {
    Sent {
        native: String,
    },
    /// The platform will never take it.
    Refused,
    /// Not sent, on purpose.
    Dropped,
    /// Certainly not sent: hand it out again at `at`, and nothing of its destination before.
    Retry {
        at: Timestamp,
    },
    /// May or may not have arrived: hand it out again at `at`, counted.
    Unknown {
        at: Timestamp,
    },
}

/// A queued row that may be leased.
pub(crate) struct Head {
    pub(crate) id: i64,
    pub(crate) lane: String,
    pub(crate) person: String,
    pub(crate) kind: i64,
    pub(crate) epoch: i64,
    pub(crate) gate: bool,
    pub(crate) made: i64,
    /// Before this time.
    pub(crate) fence: i64,
    pub(crate) handed: bool,
    pub(crate) unknown: i64,
    pub(crate) body: Vec<u8>,
    /// The conversation's epoch now; none if it is erased.
    pub(crate) current: Option<i64>,
}

impl SendLimits {
    /// When a lease from `now` on ends: of what takes no time, and of everything else.
    pub(crate) fn ends(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        let after = |lease| {
            let lease = SignedDuration::try_from(lease).unwrap_or(SignedDuration::MAX);
            now.checked_add(lease).unwrap_or(Timestamp::MAX)
        };
        (after(self.first_lease), after(self.lease))
    }
}

/// Decides which rows are leased.
pub(crate) struct Leases {
    first_until: Timestamp,
    until: Timestamp,
    heads: Vec<Head>,
    /// Desk lanes that wait, and until when at most.
    closed: BTreeMap<String, i64>,
}

/// What is leased, and what has to be written for it.
pub(crate) struct Leased {
    pub(crate) jobs: Vec<SendJob>,
    pub(crate) rows: Vec<i64>,
    /// When each lane is next looked at.
    pub(crate) ready: BTreeMap<String, i64>,
    /// Rows that no key opens: they can never be sent.
    pub(crate) broken: Vec<i64>,
}

impl Leases {
    pub(crate) fn new(now: Timestamp, limits: SendLimits) -> Self {
        let (first_until, until) = limits.ends(now);
        Self { first_until, until, heads: Vec::new(), closed: BTreeMap::new() }
    }

    /// In the order in which they are to be sent.
    pub(crate) fn add(&mut self, head: Head) {
        self.heads.push(head);
    }

    /// Whose talk must be over before a gated row may go.
    pub(crate) fn gated(&self) -> Vec<String> {
        self.heads.iter().filter(|head| head.gate).map(|head| head.person.clone()).collect()
    }

    /// `flying`: persons with a leased row of the bot, its oldest epoch, the end of its lease.
    pub(crate) fn close_gates(&mut self, flying: &[(String, i64, i64)]) {
        for head in self.heads.iter().filter(|head| head.gate) {
            let over = flying
                .iter()
                .filter(|(person, epoch, _)| *person == head.person && *epoch < head.epoch)
                .map(|(_, _, until)| *until)
                .max();
            if let Some(over) = over {
                self.closed.insert(head.lane.clone(), over);
            }
        }
    }

    pub(crate) fn done(self, sealer: &Sealer) -> Leased {
        let mut leased =
            Leased { jobs: Vec::new(), rows: Vec::new(), ready: BTreeMap::new(), broken: Vec::new() };
        let mut stopped = BTreeSet::new();
        // The lane of each job, and the lanes that may take long.
        let mut lanes = Vec::with_capacity(self.heads.len());
        let mut slow = BTreeSet::new();
        for head in self.heads {
            if stopped.contains(&head.lane) {
                continue;
            }
            if let Some(over) = self.closed.get(&head.lane).filter(|_| head.gate) {
                // Rows before it in its lane may go.
                leased.ready.entry(head.lane.clone()).or_insert(*over);
                stopped.insert(head.lane);
                continue;
            }
            let (id, lane) = (head.id, head.lane.clone());
            match job(&head, self.until, sealer) {
                Ok(job) => {
                    if job.attempts > 1 || !job.body.is_plain() {
                        slow.insert(lane.clone());
                    }
                    leased.rows.push(id);
                    leased.jobs.push(job);
                    lanes.push(lane);
                }
                Err(error) => {
                    tracing::error!(outbox.id = %plan::outbox_id(id), %error, "a text cannot be sent");
                    leased.broken.push(id);
                }
            }
        }
        for (job, lane) in leased.jobs.iter_mut().zip(lanes) {
            if !slow.contains(&lane) {
                job.until = self.first_until;
            }
            leased.ready.insert(lane, job.until.as_microsecond());
        }
        leased
    }
}

fn job(head: &Head, until: Timestamp, sealer: &Sealer) -> Result<SendJob, StoreError> {
    let person: Lane = head.person.parse().map_err(|_| bad_lane())?;
    let to = destination(&head.lane)?;
    let body: Body = sealer.open_json(seal::OUTBOX, &head.id.to_be_bytes(), &head.body)?;
    Ok(SendJob {
        id: plan::outbox_id(head.id),
        to,
        person,
        body: body.into(),
        made: views::time(head.made, "outbox", "made")?,
        attempts: u32::try_from(head.fence + 1).unwrap_or(u32::MAX),
        epoch: u32::try_from(head.epoch).unwrap_or(u32::MAX),
        stale: head.kind == plan::BOT && head.current.is_some_and(|current| head.epoch < current),
        unknown_before: head.handed || head.unknown > 0,
        fence: head.fence + 1,
        until,
    })
}

fn bad_lane() -> StoreError {
    StoreError::Unreadable { table: "outbox", column: "lane" }
}

/// What `outbox.lane` says.
pub(crate) fn destination(lane: &str) -> Result<Destination, StoreError> {
    Ok(match lane.strip_prefix(plan::DESK_LANE) {
        Some("") => Destination::Room,
        Some(case) => Destination::Desk(Reference(case.to_owned())),
        None if lane == plan::LEAD_LANE => Destination::Lead,
        None => Destination::Person(lane.parse().map_err(|_| bad_lane())?),
    })
}

/// id, fence, status, native, due, unknown: how a send ended, as a row.
#[derive(serde::Serialize)]
pub(crate) struct Ended<'a>(
    pub(crate) i64,
    pub(crate) i64,
    pub(crate) i64,
    pub(crate) Option<&'a str>,
    pub(crate) i64,
    pub(crate) i64,
);

impl Ended<'_> {
    pub(crate) fn of(ends: &[(OutboxId, i64, SendEnd)]) -> Vec<Ended<'_>> {
        ends.iter()
            .map(|(id, fence, end)| {
                let id = plan::row_id(*id);
                match end {
                    SendEnd::Sent { native } => Ended(id, *fence, 1, Some(native), 0, 0),
                    SendEnd::Refused => Ended(id, *fence, 2, None, 0, 0),
                    SendEnd::Dropped => Ended(id, *fence, 3, None, 0, 0),
                    SendEnd::Retry { at } => Ended(id, *fence, 0, None, at.as_microsecond(), 0),
                    SendEnd::Unknown { at } => Ended(id, *fence, 0, None, at.as_microsecond(), 1),
                }
            })
            .collect()
    }
}

/// Those that were not written.
pub(crate) fn late(ends: &[(OutboxId, i64, SendEnd)], written: impl Iterator<Item = i64>) -> Vec<OutboxId> {
    let written: BTreeSet<i64> = written.collect();
    ends.iter().map(|end| end.0).filter(|id| !written.contains(&plan::row_id(*id))).collect()
}
