//! Texts that are leased along with the turns that say them, so that nobody has to look for them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use crate::{
    plan::{self, Batch, OutRow},
    sends::{self, Reach, SendJob, SendLimits},
    views,
};

/// What turns may lease, and what they have leased.
#[derive(Default)]
pub(crate) struct Ahead(Mutex<State>);

#[derive(Default)]
struct State {
    /// None before anybody has asked for sends. Of `limits.ahead`, what is left.
    allowed: Option<(SendLimits, Reach)>,
    jobs: Vec<SendJob>,
}

/// What a batch leases, by lane.
pub(crate) type Planned = BTreeMap<String, Vec<SendJob>>;

impl Ahead {
    /// From now on turns may lease so much, and nothing of what was allowed before.
    pub(crate) fn allow(&self, limits: SendLimits, reach: Reach) {
        self.lock().allowed = Some((limits, reach));
    }

    /// Marks in a batch what it leases of what it says, most urgent lanes first. Not what waits for
    /// talk to be over, nor what is said to somebody who takes something back in the same batch: it
    /// may be about that. Nor what is said to somebody whose state it does not write: whether such
    /// talk is stale is not known here. Nor what may take longer than [`SendLimits::first_lease`].
    pub(crate) fn plan(&self, batch: &mut Batch, now: i64) -> Planned {
        let mut planned = Planned::new();
        let mut state = self.lock();
        let Some((limits, reach)) = &mut state.allowed else { return planned };
        let Ok(now) = Timestamp::from_microsecond(now) else { return planned };
        let (until, _) = limits.ends(now);
        batch.until = until.as_microsecond();
        let mut lanes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, row) in batch.out.iter().enumerate() {
            lanes.entry(&row.lane).or_default().push(at);
        }
        let mut lanes: Vec<Vec<usize>> = lanes.into_values().collect();
        lanes.sort_by_key(|rows| rows.iter().map(|at| batch.out[*at].rank).min());
        for mut rows in lanes {
            let lane = batch.out[rows[0]].lane.clone();
            if limits.ahead == 0 {
                break;
            }
            let held_back =
                |row: &OutRow| row.gate || batch.redactions.iter().any(|(person, _)| *person == row.person);
            if !reach.includes(&lane) || rows.iter().any(|at| held_back(&batch.out[*at])) {
                continue;
            }
            rows.sort_by_key(|at| (batch.out[*at].place(), batch.out[*at].id));
            rows.truncate(limits.per_lane.max(1));
            let jobs = rows.iter().map(|at| {
                let current = batch.states.get(&batch.out[*at].person)?.epoch;
                job(&mut batch.out[*at], current, until)
            });
            let Some(jobs) = jobs.collect::<Option<Vec<SendJob>>>() else { continue };
            if !jobs.iter().all(|job| job.body.is_plain()) {
                continue;
            }
            limits.ahead -= 1;
            for at in rows {
                batch.out[at].ahead = true;
            }
            planned.insert(lane, jobs);
        }
        planned
    }

    pub(crate) fn put(&self, jobs: Vec<SendJob>) {
        self.lock().jobs.extend(jobs);
    }

    pub(crate) fn take(&self) -> Vec<SendJob> {
        std::mem::take(&mut self.lock().jobs)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The row as it is when it is leased for the first time.
fn job(row: &mut OutRow, current: i64, until: Timestamp) -> Option<SendJob> {
    Some(SendJob {
        id: plan::outbox_id(row.id),
        to: sends::destination(&row.lane).ok()?,
        person: row.person.parse().ok()?,
        body: row.plain.take()?.into(),
        made: views::time(row.made, "outbox", "made").ok()?,
        attempts: 1,
        epoch: u32::try_from(row.epoch).ok()?,
        stale: row.kind == plan::BOT && row.epoch < current,
        unknown_before: false,
        fence: 1,
        until,
    })
}
