//! The rows of one lane on their way out, and what became of each.

use std::{sync::Arc, time::Duration};

use chatbox_core::{
    channel::{Attempt, Channel, Delivery, Incoming, Post, Refusal},
    effect::SayKind,
    ids::{ChannelKind, Lane, OutboxId},
    input::{Input, InputKind},
};
use chatbox_store::{Destination, SendBody, SendEnd, SendJob, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::{Over, desk, note, outlet::Outlet};
use crate::kill::kill_point;

/// A send gives up after this long, and its outcome is unknown.
pub(super) const SEND_WITHIN: Duration = Duration::from_secs(10);

/// Safety wording that has not left by then is reported to the desk as undelivered.
const SAFETY_LATE: SignedDuration = SignedDuration::from_secs(60);

/// Waits between tries grow to this.
pub(super) const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(60);

/// Sends the rows of one lane in order, up to the first that has to wait.
pub(super) async fn lane<C: Channel + Clone + 'static>(
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
pub(super) struct Sending<'a, C: Channel> {
    pub(super) store: &'a Store,
    pub(super) outlet: &'a Outlet<C>,
    pub(super) job: &'a SendJob,
    /// Somebody at the desk must look now.
    pub(super) urgent: bool,
}

impl<C: Channel + Clone + 'static> Sending<'_, C> {
    /// Sends a row; those in `together` that follow it go out in the same message.
    pub(super) async fn one(
        &self,
        together: &[SendJob],
        now: &(impl Fn() -> Timestamp + Sync),
        news: &mut Vec<Incoming>,
    ) -> Result<SendEnd, StoreError> {
        let job = self.job;
        // What is rare is boxed: a task is moved as often as it is handed on, and as large as the largest of these.
        if job.stale {
            return Ok(SendEnd::Dropped);
        }
        if let Err(end) = self.in_time(now()) {
            return Ok(end);
        }
        match (&job.to, &job.body) {
            (Destination::Person(lane), SendBody::Post(post)) => {
                Ok(self.to_person(lane, post, now, news).await)
            }
            (Destination::Person(lane), SendBody::Clear { within, also }) => {
                Box::pin(clear(self.store, self.outlet, lane, *within, also, now)).await
            }
            (Destination::Desk(_) | Destination::Room, SendBody::Post(Post::Desk(post))) => {
                let post = desk::joined(post, together);
                Box::pin(self.to_desk(&post, now)).await
            }
            (Destination::Lead, SendBody::Post(Post::Desk(post))) => Box::pin(self.to_lead(post, now)).await,
            (Destination::Person(_) | Destination::Desk(_), SendBody::Amend { of, text }) => {
                Box::pin(self.amend(of, text.as_deref(), now, news)).await
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
                    outlet.retire_older(channel, lane, &native, now());
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
    pub(super) async fn attempt(
        &self,
        channel: &C,
        lane: &Lane,
        post: &Post,
        file: Option<&[u8]>,
        now: &(impl Fn() -> Timestamp + Sync),
    ) -> Result<Delivery, SendEnd> {
        let (job, outlet) = (self.job, self.outlet);
        self.spend(channel, lane, now())?;
        self.in_time(now())?;
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

    /// Whether a call that begins now is over before the lease is.
    fn in_time(&self, now: Timestamp) -> Result<(), SendEnd> {
        let over = now + SignedDuration::try_from(SEND_WITHIN).unwrap_or(LONGEST_WAIT);
        if over > self.job.until { Err(SendEnd::Retry { at: now }) } else { Ok(()) }
    }

    /// Spends one message to a chat, where the platform limits them.
    pub(super) fn spend(&self, channel: &C, lane: &Lane, now: Timestamp) -> Result<(), SendEnd> {
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
pub(super) fn not_yet<C: Channel>(
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
pub(super) fn moved<C: Channel>(outlet: &Outlet<C>, to: Lane, now: Timestamp) -> SendEnd {
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

pub(super) fn incoming(lane: &Lane, id: OutboxId, what: &str, at: Timestamp, kind: InputKind) -> Incoming {
    let input = Input::new(at, kind);
    Incoming { lane: lane.clone(), key: format!("{what}/{id}"), order: 0, native: None, input }
}

/// Ids of Telegram's groups are negative.
pub(super) fn is_group(lane: &Lane) -> bool {
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

pub(super) fn refusal_name(refusal: &Refusal) -> String {
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
