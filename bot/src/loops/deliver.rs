//! Sends what stands in the outbox: lease, check, send, write down how it ended.
//!
//! Order holds within a lane, and no lane waits for another. Nothing that must arrive is ever
//! given up, unless the platform refuses it for good.

mod amend;
mod desk;
mod files;
#[cfg(test)]
mod refusals;

pub use desk::filled;

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use chatbox_core::{
    channel::{Attempt, Channel, Delivery, Incoming, Post, Refusal},
    effect::SayKind,
    ids::{ChannelKind, Lane, OutboxId},
    input::{Input, InputKind},
};
use chatbox_store::{Destination, SendBody, SendEnd, SendJob, SendLimits, Sends, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use tokio::{task::JoinSet, time::Instant};

use super::{sleep, until};
use crate::{
    budget::{Budget, Rates, Window},
    channels::AnyChannel,
    clock,
    kill::kill_point,
    seed,
};

/// A send gives up after this long, and its outcome is unknown.
const SEND_WITHIN: Duration = Duration::from_secs(10);

/// Rows of one lane leased at once, and lanes at once; as many again may be leased along with what
/// is decided meanwhile.
const PER_LANE: usize = 3;
const LANES: usize = 256;

/// Longer than all sends of one lane may take.
const LEASE: Duration = Duration::from_secs(45);

/// Safety wording that has not left by then is reported to the desk as undelivered.
const SAFETY_LATE: SignedDuration = SignedDuration::from_secs(60);

/// Waits between tries grow to this.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(60);

/// Keyboards that may still be taken off, and calls for it at once. Best effort.
const MAX_KEYBOARDS: usize = 10_000;
const MAX_RETIRING: usize = 32;
/// And a second: they count against the platform's limits as texts do.
const RETIRED_PER_SECOND: f64 = 10.0;

/// Where texts for the desk go.
#[derive(Debug, Default)]
pub struct Desk {
    /// The room that holds a thread for each case. None: nowhere, and the deployer said so.
    pub room: Mutex<Option<Lane>>,
    /// Who is written to by a second route.
    pub lead: Option<String>,
}

impl Desk {
    fn room(&self) -> Option<Lane> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn place(kind: ChannelKind) -> usize {
    match kind {
        ChannelKind::Telegram => 0,
        ChannelKind::Matrix => 1,
        ChannelKind::Terminal => 2,
    }
}

/// Everything that sending needs to remember.
pub struct Outlet<C = AnyChannel> {
    /// A place for each kind; empty until that channel is connected.
    channels: [OnceLock<C>; 3],
    desk: Desk,
    /// When the desk's room last took something.
    room_worked: Mutex<Timestamp>,
    budget: Mutex<Budget>,
    /// What came of sends and is not written down: forgotten, they would be sent again when their
    /// lease is over, and hold up their lane until then.
    over: Mutex<Over>,
    /// Failures in a row, by chat.
    failures: Mutex<HashMap<String, u32>>,
    /// The last message with buttons in each chat.
    keyboards: Mutex<HashMap<Lane, String>>,
    retiring: Arc<tokio::sync::Semaphore>,
    retired: Mutex<Window>,
}

impl<C: Channel> Outlet<C> {
    pub fn new(channels: Vec<C>, desk: Desk, rates: Rates) -> Arc<Self> {
        let outlet = Arc::new(Self {
            channels: Default::default(),
            desk,
            room_worked: Mutex::new(Timestamp::UNIX_EPOCH),
            budget: Mutex::new(Budget::new(rates)),
            over: Mutex::default(),
            failures: Mutex::default(),
            keyboards: Mutex::default(),
            retiring: Arc::new(tokio::sync::Semaphore::new(MAX_RETIRING)),
            retired: Mutex::new(Window::new(RETIRED_PER_SECOND, SignedDuration::from_secs(1))),
        });
        for channel in channels {
            outlet.connected(channel);
        }
        outlet
    }

    /// A channel can be sent by from now on. The first of its kind stays.
    pub fn connected(&self, channel: C) {
        // One that is there already does the same.
        let _ = self.channels[place(channel.kind())].set(channel);
    }

    /// The desk's room, once it is known by its id.
    pub fn set_room(&self, room: Lane) {
        *self.desk.room.lock().unwrap_or_else(PoisonError::into_inner) = Some(room);
    }

    pub fn channel(&self, kind: ChannelKind) -> Option<&C> {
        self.channels[place(kind)].get()
    }

    /// How long to wait after one more failure in a chat. The first wait is short: most failures
    /// are a connection that was closed meanwhile.
    fn backoff(&self, chat: &str) -> SignedDuration {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(chat.to_owned()).or_default();
        *count = count.saturating_add(1);
        SignedDuration::from_millis(250_i64 << (*count - 1).min(8)).min(LONGEST_WAIT)
    }

    fn recovered(&self, chat: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(chat);
    }

    fn room_works(&self, now: Timestamp) {
        *self.room_worked.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    fn worked_since(&self, then: Timestamp) -> bool {
        *self.room_worked.lock().unwrap_or_else(PoisonError::into_inner) > then
    }

    fn over(&self) -> MutexGuard<'_, Over> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends what can be sent at `now`, and returns how many rows that were. Call again while it is
/// not 0.
pub async fn step<C: Channel + Clone + 'static>(
    store: &Store,
    outlet: &Arc<Outlet<C>>,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut sending = JoinSet::new();
    // They are leased: whatever else fails, they are sent.
    let handed = store.handed();
    let mut count = handed.len();
    let mut send = |jobs| {
        for jobs in by_lane(jobs) {
            sending.spawn(lane(store.clone(), Arc::clone(outlet), jobs, now));
        }
    };
    send(handed);
    let exchanged = exchange(store, outlet, now, LANES, LANES).await.map(|sends| {
        count += sends.jobs.len();
        send(sends.jobs);
    });
    while let Some(done) = sending.join_next().await {
        outlet.over().take(done);
    }
    exchanged?;
    exchange(store, outlet, now, 0, LANES).await?;
    Ok(count)
}

/// Sends until `stop` is ready; then finishes what is under way.
pub async fn run<C: Channel + Clone + 'static>(
    store: &Store,
    outlet: &Arc<Outlet<C>>,
    stop: impl Future<Output = ()>,
) {
    let mut changes = store.outbox_changes();
    let mut handed = store.handed_changes();
    let mut sending: JoinSet<Over> = JoinSet::new();
    // One at a time. What is leased along with its turn asks nothing of the store, and does not wait for it.
    let mut exchanging: Option<Exchanging<'_>> = None;
    // Something may be there to write down or to lease.
    let mut look = false;
    // When to look next, whatever happens.
    let mut next = Some(Instant::now());
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            () = handed.changed() => {}
            () = changes.changed() => look = true,
            Some(done) = sending.join_next(), if !sending.is_empty() => {
                outlet.over().take(done);
                look = true;
            }
            Some(exchanged) = maybe(&mut exchanging) => {
                exchanging = None;
                let wait = match exchanged {
                    Ok(Sends { jobs, next }) => {
                        start(&mut sending, store, outlet, jobs);
                        next.map(|at| until(at, clock::now()))
                    }
                    Err(fault) => Some(note(&fault)),
                };
                next = wait.map(|wait| Instant::now() + wait);
            }
            () = sleep(next.map(|at| at.saturating_duration_since(Instant::now()))) => {
                next = None;
                look = true;
            }
        }
        start(&mut sending, store, outlet, store.handed());
        while let Some(done) = sending.try_join_next() {
            outlet.over().take(done);
        }
        let unwritten = outlet.over().lanes;
        let free = LANES.saturating_sub(sending.len() + unwritten);
        if look && exchanging.is_none() && (unwritten > 0 || free > 0) {
            look = false;
            exchanging = Some(Box::pin(exchange(store, outlet, clock::now(), free, free)));
        }
    }
    if let Some(Ok(Sends { jobs, next: _ })) = maybe(&mut exchanging).await {
        start(&mut sending, store, outlet, jobs);
    }
    while let Some(done) = sending.join_next().await {
        outlet.over().take(done);
    }
    if let Err(fault) = exchange(store, outlet, clock::now(), 0, 0).await {
        note(&fault);
    }
}

/// An [`exchange`] under way.
type Exchanging<'a> = Pin<Box<dyn Future<Output = Result<Sends, StoreError>> + Send + 'a>>;

/// Waits for it, if it is there.
async fn maybe<T>(future: &mut Option<impl Future<Output = T> + Unpin>) -> Option<T> {
    match future {
        Some(future) => Some(future.await),
        None => None,
    }
}

fn start<C: Channel + Clone + 'static>(
    sending: &mut JoinSet<Over>,
    store: &Store,
    outlet: &Arc<Outlet<C>>,
    jobs: Vec<SendJob>,
) {
    for jobs in by_lane(jobs) {
        sending.spawn(lane(store.clone(), Arc::clone(outlet), jobs, clock::now()));
    }
}

fn note(fault: &StoreError) -> Duration {
    tracing::error!(error = %fault, "the outbox cannot be worked on");
    Duration::from_secs(1)
}

/// What came of lanes that were sent to, until it is written down.
#[derive(Default)]
struct Over {
    lanes: usize,
    ends: Vec<(OutboxId, i64, SendEnd)>,
    /// What the engine is to be told of.
    news: Vec<Incoming>,
}

impl Over {
    fn take(&mut self, done: Result<Self, tokio::task::JoinError>) {
        match done {
            Ok(done) => self.add(done),
            // Its lease runs out, and the rows are handed out again.
            Err(fault) => tracing::error!(deliver.panic = fault.is_panic(), "sending to a lane broke off"),
        }
    }

    fn add(&mut self, other: Self) {
        self.lanes += other.lanes;
        self.ends.extend(other.ends);
        self.news.extend(other.news);
    }
}

/// Writes down what is over and leases what comes next, up to so many lanes, in one transaction;
/// as many as `ahead` may be leased along with what is decided from then on. What cannot be written
/// is kept for the next call.
async fn exchange<C: Channel>(
    store: &Store,
    outlet: &Outlet<C>,
    now: Timestamp,
    lanes: usize,
    ahead: usize,
) -> Result<Sends, StoreError> {
    let over = std::mem::take(&mut *outlet.over());
    let limits = SendLimits { lanes, per_lane: PER_LANE, lease: LEASE, ahead };
    let exchanged = write(store, &over, now, limits).await;
    if exchanged.is_err() {
        outlet.over().add(over);
    }
    exchanged
}

async fn write(
    store: &Store,
    Over { ends, news, .. }: &Over,
    now: Timestamp,
    limits: SendLimits,
) -> Result<Sends, StoreError> {
    if !ends.is_empty() {
        kill_point("deliver.before_finish");
    }
    // First the news: they have keys of their own, and are lost if the rows are written down and
    // they are not.
    store.receive(news, None, now, seed::fresh()).await?;
    if ends.is_empty() && limits.lanes == 0 {
        return Ok(Sends::default());
    }
    let (late, sends) = store.exchange_sends(ends.clone(), now, limits).await?;
    if !ends.is_empty() {
        kill_point("deliver.finished");
    }
    if !sends.jobs.is_empty() {
        kill_point("deliver.leased");
    }
    for id in late {
        tracing::warn!(outbox.id = %id, "a send ended after its lease; it may go out twice");
    }
    Ok(sends)
}

/// One list a lane.
fn by_lane(jobs: Vec<SendJob>) -> Vec<Vec<SendJob>> {
    let mut by_lane: BTreeMap<Destination, usize> = BTreeMap::new();
    let mut found: Vec<Vec<SendJob>> = Vec::new();
    for job in jobs {
        let at = *by_lane.entry(job.to.clone()).or_insert_with(|| {
            found.push(Vec::new());
            found.len() - 1
        });
        found[at].push(job);
    }
    found
}

/// Sends the rows of one lane in order, up to the first that has to wait.
async fn lane<C: Channel + Clone + 'static>(
    store: Store,
    outlet: Arc<Outlet<C>>,
    jobs: Vec<SendJob>,
    began: Timestamp,
) -> Over {
    let clock = Instant::now();
    let now = || began + SignedDuration::try_from(clock.elapsed()).unwrap_or(SignedDuration::ZERO);
    let Over { mut ends, mut news, .. } = Over::default();
    let mut wait = None;
    let urgent = jobs.iter().any(desk::is_urgent);
    for together in desk::runs(&outlet, &jobs) {
        let [job, ..] = together else { continue };
        let sending = Sending { store: &store, outlet: &*outlet, job, urgent };
        let end = match wait {
            Some(at) => SendEnd::Retry { at },
            // What was sent before it is written down all the same.
            None => sending.one(together, &now, &mut news).await.unwrap_or_else(|fault| {
                note(&fault);
                SendEnd::Retry { at: now() + outlet.backoff(&job.person.chat) }
            }),
        };
        if let SendEnd::Retry { at } | SendEnd::Unknown { at } = &end {
            wait.get_or_insert(*at);
        } else {
            count(job, &end);
        }
        ends.extend(together.iter().map(|job| (job.id, job.fence, end.clone())));
    }
    news.extend(jobs.iter().zip(&ends).filter_map(|(job, (_, _, end))| late_safety(job, end, now())));
    for (job, (_, _, end)) in jobs.iter().zip(&ends) {
        if let Err(fault) = desk::mark(&store, &outlet, job, end).await {
            note(&fault);
        }
    }
    Over { lanes: 1, ends, news }
}

/// One row on its way out.
struct Sending<'a, C: Channel> {
    store: &'a Store,
    outlet: &'a Outlet<C>,
    job: &'a SendJob,
    /// Somebody at the desk must look now.
    urgent: bool,
}

impl<C: Channel + Clone + 'static> Sending<'_, C> {
    /// Sends a row; those in `together` that follow it go out in the same message.
    async fn one(
        &self,
        together: &[SendJob],
        now: &(impl Fn() -> Timestamp + Sync),
        news: &mut Vec<Incoming>,
    ) -> Result<SendEnd, StoreError> {
        let job = self.job;
        if job.stale {
            return Ok(SendEnd::Dropped);
        }
        match (&job.to, &job.body) {
            (Destination::Person(lane), SendBody::Post(post)) => {
                Ok(self.to_person(lane, post, now, news).await)
            }
            (Destination::Person(lane), SendBody::Clear { within, also }) => {
                clear(self.store, self.outlet, lane, *within, also, now).await
            }
            (Destination::Desk(_) | Destination::Room, SendBody::Post(Post::Desk(post))) => {
                self.to_desk(&desk::joined(post, together), now).await
            }
            (Destination::Lead, SendBody::Post(Post::Desk(post))) => self.to_lead(post, now).await,
            (Destination::Person(_) | Destination::Desk(_), SendBody::Amend { of, text }) => {
                self.amend(of, text.as_deref(), now, news).await
            }
            (Destination::Room | Destination::Lead, SendBody::Amend { .. })
            | (
                Destination::Desk(_) | Destination::Room | Destination::Lead,
                SendBody::Post(Post::Say(_)) | SendBody::Clear { .. },
            ) => Ok(SendEnd::Refused),
        }
    }

    async fn to_person(
        &self,
        lane: &Lane,
        post: &Post,
        now: &(impl Fn() -> Timestamp + Sync),
        news: &mut Vec<Incoming>,
    ) -> SendEnd {
        let (job, outlet) = (self.job, self.outlet);
        let Some(channel) = outlet.channel(lane.channel) else {
            return SendEnd::Retry { at: now() + LONGEST_WAIT };
        };
        let content = match self.content(post, lane.channel, now).await {
            Ok(content) => content,
            Err(end) => return end,
        };
        let post = content.post.as_ref().unwrap_or(post);
        let delivery = match self.attempt(channel, lane, post, content.file.as_deref(), now).await {
            Ok(delivery) => delivery,
            Err(end) => return end,
        };
        let safety = matches!(post, Post::Say(say) if say.kind == SayKind::Safety);
        match delivery {
            Delivery::Sent { native } => {
                if let Post::Say(say) = post
                    && !say.choices.is_empty()
                {
                    retire_older(outlet, channel, lane, &native, now());
                }
                if content.lost {
                    // The words arrived, and the file did not.
                    let what = InputKind::Undelivered { safety: false, change: false };
                    news.push(incoming(lane, job.id, "undelivered", now(), what));
                }
                SendEnd::Sent { native }
            }
            Delivery::Refused(refusal) => {
                tracing::warn!(outbox.id = %job.id, outbox.refusal = refusal_name(&refusal), "a text was refused for good");
                if refusal == Refusal::Gone {
                    news.push(incoming(lane, job.id, "gone", now(), InputKind::Reachable(false)));
                }
                if !matches!(post, Post::Say(say) if say.kind == SayKind::Bot) {
                    let what = InputKind::Undelivered { safety, change: false };
                    news.push(incoming(lane, job.id, "undelivered", now(), what));
                }
                SendEnd::Refused
            }
            Delivery::RetryAfter(_) | Delivery::Unsent | Delivery::Unknown => {
                not_yet(outlet, job, lane, &delivery, now)
            }
        }
    }

    /// Sends once, if lease and budget allow it.
    async fn attempt(
        &self,
        channel: &C,
        lane: &Lane,
        post: &Post,
        file: Option<&[u8]>,
        now: &(impl Fn() -> Timestamp + Sync),
    ) -> Result<Delivery, SendEnd> {
        let (job, outlet) = (self.job, self.outlet);
        self.spend(channel, lane, now())?;
        if now() + SignedDuration::try_from(SEND_WITHIN).unwrap_or(LONGEST_WAIT) > job.until {
            return Err(SendEnd::Retry { at: now() });
        }
        if job.unknown_before {
            metrics::counter!("chatbox_resends_total", "channel" => channel.kind().as_str()).increment(1);
        }
        kill_point("deliver.before_send");
        let attempt = Attempt { id: job.id, made: job.made, repeat: job.unknown_before };
        let delivery = channel.send(lane, post, file, attempt, SEND_WITHIN).await;
        kill_point("deliver.after_send");
        metrics::counter!(
            "chatbox_deliveries_total",
            "channel" => channel.kind().as_str(),
            "outcome" => outcome(&delivery),
        )
        .increment(1);
        if matches!(delivery, Delivery::Sent { .. } | Delivery::Refused(_)) {
            outlet.recovered(&lane.chat);
        }
        Ok(delivery)
    }

    /// Spends one message to a chat, where the platform limits them.
    fn spend(&self, channel: &C, lane: &Lane, now: Timestamp) -> Result<(), SendEnd> {
        if channel.kind() != ChannelKind::Telegram {
            return Ok(());
        }
        let mut budget = self.outlet.budget();
        let spent = if self.urgent || !is_group(lane) {
            budget.take(&lane.chat, is_group(lane), now)
        } else {
            budget.take_behind(&lane.chat, now)
        };
        spent.map_err(|at| SendEnd::Retry { at })
    }
}

/// Safety wording that is still not sent is as good as undelivered: the desk must know, once.
fn late_safety(job: &SendJob, end: &SendEnd, now: Timestamp) -> Option<Incoming> {
    let SendBody::Post(Post::Say(say)) = &job.body else { return None };
    let waits = matches!(end, SendEnd::Retry { .. } | SendEnd::Unknown { .. });
    let late = say.kind == SayKind::Safety && waits && now.duration_since(job.made) > SAFETY_LATE;
    late.then(|| {
        incoming(&job.person, job.id, "late", now, InputKind::Undelivered { safety: true, change: false })
    })
}

/// When to try again.
fn not_yet<C: Channel>(
    outlet: &Outlet<C>,
    job: &SendJob,
    lane: &Lane,
    delivery: &Delivery,
    now: &impl Fn() -> Timestamp,
) -> SendEnd {
    let now = now();
    match delivery {
        Delivery::RetryAfter(wait) => {
            let until = now + SignedDuration::try_from(*wait).unwrap_or(LONGEST_WAIT);
            outlet.budget().block(&lane.chat, is_group(lane), until);
            SendEnd::Retry { at: until }
        }
        Delivery::Unknown => {
            tracing::warn!(outbox.id = %job.id, outbox.attempts = job.attempts, "a send ended unknown; sending again");
            SendEnd::Unknown { at: now + outlet.backoff(&lane.chat) }
        }
        Delivery::Unsent | Delivery::Sent { .. } | Delivery::Refused(_) => {
            SendEnd::Retry { at: now + outlet.backoff(&lane.chat) }
        }
    }
}

/// The desk's room has another id by now.
fn moved<C: Channel>(outlet: &Outlet<C>, to: Lane, now: Timestamp) -> SendEnd {
    tracing::error!(desk.room = to.chat, "the desk's room has a new id: set desk.room to it");
    outlet.set_room(to);
    SendEnd::Retry { at: now }
}

async fn clear<C: Channel>(
    store: &Store,
    outlet: &Outlet<C>,
    lane: &Lane,
    within: SignedDuration,
    also: &[String],
    now: &impl Fn() -> Timestamp,
) -> Result<SendEnd, StoreError> {
    let Some(channel) = outlet.channel(lane.channel) else { return Ok(SendEnd::Dropped) };
    let mut natives = store.natives(lane, now() - within).await?;
    natives.extend_from_slice(also);
    let left = channel.clear(lane, &natives).await;
    tracing::info!(clear.left = left, "a chat was cleared");
    Ok(SendEnd::Sent { native: String::new() })
}

/// Takes the buttons off the message before this one, unless there is much else to do: a press on
/// an old button is answered kindly anyway.
fn retire_older<C: Channel + Clone + 'static>(
    outlet: &Outlet<C>,
    channel: &C,
    lane: &Lane,
    native: &str,
    now: Timestamp,
) {
    let older = {
        let mut keyboards = outlet.keyboards.lock().unwrap_or_else(PoisonError::into_inner);
        if keyboards.len() >= MAX_KEYBOARDS {
            keyboards.clear();
        }
        keyboards.insert(lane.clone(), native.to_owned())
    };
    let Some(older) = older else { return };
    {
        let mut retired = outlet.retired.lock().unwrap_or_else(PoisonError::into_inner);
        if retired.next(now) > now {
            return;
        }
        retired.spend(now);
    }
    if let Ok(permit) = Arc::clone(&outlet.retiring).try_acquire_owned() {
        let (channel, lane) = (channel.clone(), lane.clone());
        tokio::spawn(async move {
            channel.retire(&lane, &older).await;
            drop(permit);
        });
    }
}

fn incoming(lane: &Lane, id: OutboxId, what: &str, at: Timestamp, kind: InputKind) -> Incoming {
    Incoming { lane: lane.clone(), key: format!("{what}/{id}"), native: None, input: Input::new(at, kind) }
}

/// Ids of Telegram's groups are negative.
fn is_group(lane: &Lane) -> bool {
    lane.chat.starts_with('-')
}

fn count(job: &SendJob, end: &SendEnd) {
    if *end == SendEnd::Dropped {
        metrics::counter!("chatbox_drops_total").increment(1);
        tracing::debug!(outbox.id = %job.id, outbox.stale = job.stale, "a text was not sent, on purpose");
    }
}

fn outcome(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Sent { .. } => "sent",
        Delivery::Refused(_) => "refused",
        Delivery::RetryAfter(_) => "retry_after",
        Delivery::Unsent => "unsent",
        Delivery::Unknown => "unknown",
    }
}

fn refusal_name(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Gone => "gone".to_owned(),
        Refusal::Moved(_) => "moved".to_owned(),
        Refusal::NoThread => "no thread".to_owned(),
        Refusal::Bad { code } => format!("bad {code}"),
    }
}

#[cfg(test)]
mod tests {
    use chatbox_core::effect::Say;

    use super::*;

    #[test]
    fn safety_wording_that_has_not_left_in_a_minute_is_told_to_the_desk() {
        let made = Timestamp::UNIX_EPOCH;
        let job = |kind| {
            let say = Say::new(kind, "999");
            let person = Lane::new(ChannelKind::Telegram, "7");
            SendJob {
                id: OutboxId { input: 1, nth: 0 },
                to: Destination::Person(person.clone()),
                person,
                body: SendBody::Post(Post::Say(say)),
                made,
                attempts: 9,
                epoch: 0,
                stale: false,
                unknown_before: false,
                fence: 9,
                until: made + LONGEST_WAIT,
            }
        };
        let late = |kind, end: &SendEnd, seconds| {
            let now = made + SignedDuration::from_secs(seconds);
            late_safety(&job(kind), end, now).map(|incoming| incoming.input.what)
        };
        let waits = SendEnd::Retry { at: made };
        let told = Some(InputKind::Undelivered { safety: true, change: false });
        assert_eq!(late(SayKind::Safety, &waits, 61), told);
        assert_eq!(late(SayKind::Safety, &SendEnd::Unknown { at: made }, 61), told);
        assert_eq!(late(SayKind::Safety, &waits, 59), None);
        assert_eq!(late(SayKind::Safety, &SendEnd::Sent { native: "1".to_owned() }, 61), None);
        assert_eq!(late(SayKind::Bot, &waits, 61), None);
    }
}
