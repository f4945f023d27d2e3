//! Edits and deletions, carried over to the copies on the other side.

use std::collections::BTreeMap;

use chatbox_core::{
    channel::{Channel, Delivery, Incoming, Post},
    effect::{DeskKind, DeskPost},
    ids::{Lane, OutboxId},
    input::InputKind,
};
use chatbox_store::{Copy, Destination, SendEnd, StoreError};
use jiff::Timestamp;

use super::send::{LONGEST_WAIT, SEND_WITHIN, Sending, incoming, not_yet};

impl<C: Channel + Clone + 'static> Sending<'_, C> {
    /// Gives every copy of a message its new text; none takes them back. A copy that the platform
    /// does not let us change at the desk is followed by the new text; to the person it stays, and
    /// the desk is told.
    pub(super) async fn amend(
        &self,
        of: &str,
        text: Option<&str>,
        now: &(impl Fn() -> Timestamp + Sync),
        news: &mut Vec<Incoming>,
    ) -> Result<SendEnd, StoreError> {
        let (job, outlet) = (self.job, self.outlet);
        let desk = matches!(job.to, Destination::Desk(_));
        let mut messages: BTreeMap<String, Vec<Copy>> = BTreeMap::new();
        for copy in self.store.copies(&job.person, of, desk).await? {
            messages.entry(copy.native.clone()).or_default().push(copy);
        }
        let mut end = SendEnd::Dropped;
        for (native, copies) in messages {
            let Some(lane) = self.lane_of(&copies[0].to).await? else { continue };
            let Some(channel) = outlet.channel(lane.channel) else {
                return Ok(SendEnd::Retry { at: now() + LONGEST_WAIT });
            };
            if let Err(end) = self.spend(channel, &lane, now()) {
                return Ok(end);
            }
            let whole = whole(&copies, text);
            match channel.amend(&lane, &native, whole.as_deref(), job.id, SEND_WITHIN).await {
                Delivery::Sent { .. } => end = SendEnd::Sent { native },
                Delivery::Refused(_) if desk => {
                    // What was taken back goes from what is kept here, though the room still shows it.
                    let Some(text) = text else {
                        self.keep(&copies, None).await?;
                        continue;
                    };
                    match self.follow(channel, &lane, &copies[0].to, text, now).await {
                        Ok(sent) => end = sent,
                        Err(end) => return Ok(end),
                    }
                }
                Delivery::Refused(_) => {
                    let what = InputKind::Undelivered { safety: false, change: true };
                    news.push(incoming(&job.person, job.id, "undelivered", now(), what));
                    continue;
                }
                failed @ (Delivery::RetryAfter(_) | Delivery::Unsent | Delivery::Unknown) => {
                    return Ok(not_yet(outlet, job, &lane, &failed, now));
                }
            }
            self.keep(&copies, text).await?;
        }
        Ok(end)
    }

    /// What is kept here of the copies says what they say now.
    async fn keep(&self, copies: &[Copy], text: Option<&str>) -> Result<(), StoreError> {
        let ids: Vec<OutboxId> = copies.iter().filter(|copy| copy.of_it).map(|copy| copy.id).collect();
        self.store.rewrite(&ids, text).await
    }

    /// The new text as a message of its own, below the one that cannot be changed.
    async fn follow(
        &self,
        channel: &C,
        lane: &Lane,
        to: &Destination,
        text: &str,
        now: &(impl Fn() -> Timestamp + Sync),
    ) -> Result<SendEnd, SendEnd> {
        let case = match to {
            Destination::Desk(case) => Some(case.clone()),
            Destination::Person(_) | Destination::Room | Destination::Lead => None,
        };
        let post = Post::Desk(DeskPost::new(case, DeskKind::Message, text));
        match self.attempt(channel, lane, &post, None, now).await? {
            Delivery::Sent { native } => Ok(SendEnd::Sent { native }),
            Delivery::Refused(_) => Ok(SendEnd::Dropped),
            failed @ (Delivery::RetryAfter(_) | Delivery::Unsent | Delivery::Unknown) => {
                Err(not_yet(self.outlet, self.job, lane, &failed, now))
            }
        }
    }

    async fn lane_of(&self, to: &Destination) -> Result<Option<Lane>, StoreError> {
        Ok(match to {
            Destination::Person(lane) => Some(lane.clone()),
            Destination::Desk(case) => match self.store.case_thread(case).await? {
                Some(thread) => Some(thread),
                None => self.outlet.desk.room(),
            },
            Destination::Room | Destination::Lead => self.outlet.desk.room(),
        })
    }
}

/// The words of a message by now; `None` when nothing is left of it.
fn whole(copies: &[Copy], text: Option<&str>) -> Option<String> {
    let parts: Vec<&str> = copies
        .iter()
        .map(|copy| if copy.of_it { text.unwrap_or_default() } else { copy.text.as_str() })
        .filter(|part| !part.is_empty())
        .collect();
    (!parts.is_empty()).then(|| parts.join("\n"))
}
