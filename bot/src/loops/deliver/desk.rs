//! What goes to the desk: the threads of cases, the room, the duty lead's own chat.

use std::borrow::Cow;

use chatbox_core::{
    channel::{Channel, Delivery, Mark, Post, Refusal, ThreadError},
    effect::{DeskKind, DeskPost, SayKind},
    ids::{ChannelKind, Lane, Reference},
    input::InputKind,
};
use chatbox_store::{Destination, Line, SendBody, SendEnd, SendJob, SendState, Spoken, Store, StoreError};
use jiff::{SignedDuration, Timestamp};

use super::{
    outlet::Outlet,
    send::{LONGEST_WAIT, SEND_WITHIN, Sending, moved, not_yet, refusal_name},
};

/// Letters of lines that go out as one message, at most: with room to spare below Telegram's limit.
const MAX_JOINED: usize = 3_500;

/// Rows of a conversation in which the last lines that were said are looked for.
const MAX_ROWS: usize = 2_000;

/// Letters of one line of a transcript that are shown at the desk.
const MAX_LINE: usize = 600;

/// A line that the room found fault with so often is left out, so that the others get through: if
/// the room has taken others meanwhile. Else the fault is the room's, and everything waits for it.
const MAX_FAULTS: u32 = 3;
/// Between those tries.
const AFTER_A_FAULT: SignedDuration = SignedDuration::from_secs(2);

/// Somebody must look now: the last of the room's budget is kept for these.
pub(super) fn is_urgent(job: &SendJob) -> bool {
    matches!(&job.body, SendBody::Post(Post::Desk(DeskPost { kind: DeskKind::Alert | DeskKind::Page, .. })))
}

/// Cuts the rows of one lane into those that go out one by one and those that go out as one
/// message: what waits for one case at the desk shares the room's budget. Not on a platform that
/// knows messages by their id: there a repeat must be the same message.
pub(super) fn runs<'a, C: Channel>(
    outlet: &Outlet<C>,
    jobs: &'a [SendJob],
) -> impl Iterator<Item = &'a [SendJob]> + use<'a, C> {
    let joins = outlet.desk.room().is_some_and(|room| room.channel == ChannelKind::Telegram);
    let mut length = 0;
    jobs.chunk_by(move |before, after| {
        let (Some(first), Some(second)) = (plain(before), plain(after)) else {
            length = 0;
            return false;
        };
        length = length.max(first.chars().count()) + 1 + second.chars().count();
        let fits = joins && length <= MAX_JOINED;
        if !fits {
            length = 0;
        }
        fits
    })
}

/// The words of a row that says nothing but what the person wrote, if it was never tried before.
fn plain(job: &SendJob) -> Option<&str> {
    let SendBody::Post(Post::Desk(post)) = &job.body else { return None };
    let DeskPost {
        case: Some(_),
        kind: DeskKind::Message,
        text,
        choices,
        media: None,
        history: 0,
        identify: false,
    } = post
    else {
        return None;
    };
    (job.attempts == 1 && !job.unknown_before && choices.is_empty()).then_some(text)
}

/// The post of the first of these, with the words of all.
pub(super) fn joined<'a>(post: &'a DeskPost, together: &[SendJob]) -> Cow<'a, DeskPost> {
    if together.len() < 2 {
        return Cow::Borrowed(post);
    }
    let text = together.iter().filter_map(plain).collect::<Vec<_>>().join("\n");
    Cow::Owned(DeskPost { text, ..post.clone() })
}

impl<C: Channel + Clone + 'static> Sending<'_, C> {
    pub(super) async fn to_desk(
        &self,
        post: &DeskPost,
        now: &(impl Fn() -> Timestamp + Sync),
    ) -> Result<SendEnd, StoreError> {
        let (job, outlet) = (self.job, self.outlet);
        let Some(whole) = outlet.desk.room() else { return Ok(SendEnd::Dropped) };
        let Some(channel) = outlet.channel(whole.channel) else {
            return Ok(SendEnd::Retry { at: now() + LONGEST_WAIT });
        };
        let mut thread = match self.thread(channel, post.case.as_ref(), &whole, now).await? {
            Ok(thread) => thread,
            Err(end) => return Ok(end),
        };
        let post = Post::Desk(filled(self.store, self.job, post).await?);
        let content = match self.content(&post, whole.channel, now).await {
            Ok(content) => content,
            Err(end) => return Ok(end),
        };
        let post = content.post.as_ref().unwrap_or(&post);
        let file = content.file.as_deref();
        let mut delivery = self.attempt(channel, &thread, post, file, now).await;
        // Somebody deleted the thread: the case gets another.
        if let (Ok(Delivery::Refused(Refusal::NoThread)), Destination::Desk(case)) = (&delivery, &job.to) {
            thread = match self.new_thread(channel, case, &whole, now).await? {
                Ok(thread) => thread,
                Err(end) => return Ok(end),
            };
            delivery = self.attempt(channel, &thread, post, file, now).await;
        }
        if let Ok(Delivery::Refused(Refusal::Bad { .. } | Refusal::NoThread)) = delivery
            && thread != whole
        {
            delivery = self.attempt(channel, &whole, post, file, now).await;
        }
        Ok(match delivery {
            Err(end) => end,
            Ok(Delivery::Sent { native }) => {
                outlet.room_works(now());
                SendEnd::Sent { native }
            }
            Ok(Delivery::Refused(Refusal::Moved(to))) => moved(outlet, to, now()),
            Ok(Delivery::Refused(Refusal::Bad { .. })) if job.attempts < MAX_FAULTS => {
                SendEnd::Retry { at: now() + AFTER_A_FAULT }
            }
            Ok(Delivery::Refused(Refusal::Bad { code })) if outlet.worked_since(job.made) => {
                tracing::error!(outbox.id = %job.id, outbox.code = code, "a line for the desk is left out");
                SendEnd::Refused
            }
            Ok(Delivery::Refused(refusal)) => {
                // Somebody has to let the bot in again; until then it waits.
                tracing::error!(outbox.id = %job.id, outbox.refusal = refusal_name(&refusal), "the desk's room refuses the bot");
                SendEnd::Retry { at: now() + LONGEST_WAIT }
            }
            Ok(delivery @ (Delivery::RetryAfter(_) | Delivery::Unsent | Delivery::Unknown)) => {
                not_yet(outlet, job, &thread, &delivery, now)
            }
        })
    }

    /// Writes to the duty lead in private, and if that cannot be, in the room.
    pub(super) async fn to_lead(
        &self,
        post: &DeskPost,
        now: &(impl Fn() -> Timestamp + Sync),
    ) -> Result<SendEnd, StoreError> {
        let (job, outlet) = (self.job, self.outlet);
        let in_room = DeskPost { kind: DeskKind::Alert, ..post.clone() };
        let Some((kind, who)) = self.lead().await? else { return self.to_desk(&in_room, now).await };
        let Some(channel) = outlet.channel(kind) else {
            return self.to_desk(&in_room, now).await;
        };
        let lane = match channel.direct(&who, SEND_WITHIN).await {
            Ok(lane) => lane,
            Err(ThreadError::Refused { code }) => {
                tracing::error!(desk.code = code, "the duty lead has no private chat with the bot");
                return self.to_desk(&in_room, now).await;
            }
            Err(ThreadError::Moved(lane)) => lane,
            // Only the lead waits: a pause for them is none for the person.
            Err(ThreadError::RetryAfter(wait)) => {
                let wait = SignedDuration::try_from(wait).unwrap_or(LONGEST_WAIT);
                return Ok(SendEnd::Retry { at: now() + wait });
            }
            Err(ThreadError::Unsent | ThreadError::Unknown) => {
                return Ok(SendEnd::Retry { at: now() + outlet.backoff(&who) });
            }
        };
        outlet.recovered(&who);
        Ok(match self.attempt(channel, &lane, &Post::Desk(post.clone()), None, now).await {
            Err(end) => end,
            Ok(Delivery::Sent { native }) => SendEnd::Sent { native },
            Ok(Delivery::Refused(refusal)) => {
                tracing::error!(
                    outbox.refusal = refusal_name(&refusal),
                    "the duty lead cannot be written to: they have to write to the bot in private once"
                );
                return self.to_desk(&in_room, now).await;
            }
            Ok(delivery @ (Delivery::RetryAfter(_) | Delivery::Unsent | Delivery::Unknown)) => {
                not_yet(outlet, job, &lane, &delivery, now)
            }
        })
    }

    /// The configured duty lead, else the first enrolled one: the channel, and who they are there.
    async fn lead(&self) -> Result<Option<(ChannelKind, String)>, StoreError> {
        if let Some(lead) = &self.outlet.desk.lead {
            let kind = if lead.starts_with('@') { ChannelKind::Matrix } else { ChannelKind::Telegram };
            return Ok(Some((kind, lead.clone())));
        }
        let all = self.store.practitioners().await?;
        let lead = all.into_iter().filter(|practitioner| practitioner.lead).find_map(|lead| lead.who);
        Ok(lead.and_then(|lead| {
            let (channel, who) = lead.split_once(':')?;
            let known = [ChannelKind::Telegram, ChannelKind::Matrix];
            Some((known.into_iter().find(|kind| kind.as_str() == channel)?, who.to_owned()))
        }))
    }

    /// The thread of a case, opened if there is none yet; the room itself if there can be none.
    async fn thread(
        &self,
        channel: &C,
        case: Option<&Reference>,
        whole: &Lane,
        now: &(impl Fn() -> Timestamp + Sync),
    ) -> Result<Result<Lane, SendEnd>, StoreError> {
        let Some(case) = case else { return Ok(Ok(whole.clone())) };
        match self.store.case_thread(case).await? {
            Some(thread) if thread.channel == whole.channel && thread.chat == whole.chat => Ok(Ok(thread)),
            Some(_) | None => self.new_thread(channel, case, whole, now).await,
        }
    }

    async fn new_thread(
        &self,
        channel: &C,
        case: &Reference,
        whole: &Lane,
        now: &(impl Fn() -> Timestamp + Sync),
    ) -> Result<Result<Lane, SendEnd>, StoreError> {
        let (job, outlet) = (self.job, self.outlet);
        if let Err(end) = self.spend(channel, whole, now()) {
            return Ok(Err(end));
        }
        let opened = channel.open_thread(whole, &case.0, job.id, SEND_WITHIN).await;
        Ok(match opened {
            Ok(thread) => {
                self.store.set_case_thread(case, &thread).await?;
                Ok(thread)
            }
            Err(ThreadError::Refused { code }) => {
                tracing::error!(
                    desk.code = code,
                    "the desk's room opens no threads: on Telegram it must be a forum, and the bot an administrator \
                     who may manage topics"
                );
                // An alert in the wrong place is better than none: it names its case there.
                Ok(whole.clone())
            }
            Err(ThreadError::Moved(to)) => Err(moved(outlet, to, now())),
            Err(ThreadError::RetryAfter(wait)) => {
                Err(not_yet(outlet, job, whole, &Delivery::RetryAfter(wait), now))
            }
            Err(ThreadError::Unsent | ThreadError::Unknown) => {
                Err(not_yet(outlet, job, whole, &Delivery::Unsent, now))
            }
        })
    }
}

/// Adds what a post asks for and the engine cannot know: the last lines, and who it is.
pub async fn filled(store: &Store, job: &SendJob, post: &DeskPost) -> Result<DeskPost, StoreError> {
    let mut post = post.clone();
    if post.identify {
        post.text = format!("{}\nOn the platform they are: {}", post.text, job.person);
    }
    if post.history > 0 {
        let lines = last_lines(store, job, usize::from(post.history)).await?;
        if !lines.is_empty() {
            post.text = format!("{}\n\nBefore this:\n{}", post.text, lines.join("\n"));
        }
    }
    Ok(post)
}

/// The last so many things that were said before a row was made. Commands at the desk, timers and the like
/// stand between them, so more rows are asked for until there are enough.
async fn last_lines(store: &Store, job: &SendJob, wanted: usize) -> Result<Vec<String>, StoreError> {
    let mut rows = 2 * wanted;
    loop {
        let found = store.transcript_before(&job.person, job.id.input, rows).await?;
        let all = found.len() < rows || rows >= MAX_ROWS;
        let said: Vec<String> = found.iter().filter_map(line).collect();
        if all || said.len() >= wanted {
            return Ok(said.into_iter().rev().take(wanted).rev().collect());
        }
        rows = (4 * rows).min(MAX_ROWS);
    }
}

/// A line of a conversation as a practitioner reads it; `None` for what nobody said.
fn line(line: &Line) -> Option<String> {
    let (who, text) = match &line.what {
        Spoken::Heard { input: None, .. } => ("They", "(taken back)".to_owned()),
        Spoken::Heard { input: Some(input), .. } => match &input.what {
            InputKind::Message(message) => ("They", message.text.clone()),
            InputKind::Press { choice, .. } => ("They", format!("pressed “{choice}”")),
            InputKind::Timer { .. }
            | InputKind::Desk(_)
            | InputKind::Redacted { .. }
            | InputKind::Enrolled { .. }
            | InputKind::NotEnrolled
            | InputKind::Gaps(_)
            | InputKind::Reachable(_)
            | InputKind::Undelivered { .. }
            | InputKind::Unreadable => return None,
        },
        Spoken::Said { post: Post::Say(_), state: SendState::Dropped | SendState::Refused, .. }
        | Spoken::Said { post: Post::Desk(_), .. } => return None,
        Spoken::Said { post: Post::Say(say), state: SendState::Waiting | SendState::Sent, .. } => {
            let who = match say.kind {
                SayKind::Relay => "Desk",
                SayKind::Safety | SayKind::Notice | SayKind::Bot => "Bot",
            };
            (who, say.text.clone())
        }
    };
    let mut text = if text.is_empty() { "(something without words)".to_owned() } else { text };
    if let Some((end, _)) = text.char_indices().nth(MAX_LINE) {
        text.truncate(end);
        text.push('…');
    }
    let at = line.at.to_zoned(jiff::tz::TimeZone::get("Europe/London").unwrap_or(jiff::tz::TimeZone::UTC));
    Some(format!("{} {who}: {text}", at.strftime("%H:%M")))
}

/// Shows on a practitioner's message whether it reached the person. Nobody waits for it.
pub(super) async fn mark<C: Channel + Clone + 'static>(
    store: &Store,
    outlet: &Outlet<C>,
    job: &SendJob,
    end: &SendEnd,
) -> Result<(), StoreError> {
    let relay = matches!(&job.body, SendBody::Post(Post::Say(say)) if say.kind == SayKind::Relay);
    let mark = match end {
        SendEnd::Sent { .. } => Mark::Delivered,
        SendEnd::Refused => Mark::Failed,
        SendEnd::Dropped | SendEnd::Retry { .. } | SendEnd::Unknown { .. } => return Ok(()),
    };
    let Some(room) = outlet.desk.room().filter(|_| relay) else { return Ok(()) };
    let Some(channel) = outlet.channel(room.channel).cloned() else { return Ok(()) };
    if let Some(native) = store.desk_native(job.id.input).await?
        && let Ok(permit) = std::sync::Arc::clone(&outlet.retiring).try_acquire_owned()
    {
        tokio::spawn(async move {
            channel.mark(&room, &native, mark).await;
            drop(permit);
        });
    }
    Ok(())
}
