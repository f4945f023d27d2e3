//! Turns due timers into inputs, removes what was kept long enough, and once a week tells the desk
//! what people could not find.

use std::{future::Future, time::Duration};

use chatbox_core::{
    channel::Incoming,
    ids::Lane,
    input::{Input, InputKind},
};
use chatbox_store::{Periods, Purged, Store, StoreError};
use jiff::{SignedDuration, Timestamp, civil::Weekday, tz::TimeZone};

use tokio::time::Instant;

use super::{pause, until};
use crate::{
    clock,
    config::{desk::Desk, retention::Retention},
    kill::kill_point,
    seed,
};

/// Timers fired in one transaction at most.
const BATCH: usize = 256;

/// How often somebody looks for timers that were set meanwhile: none is set for less than minutes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The hour of Monday, London time, from which a week's gaps are told.
const GAPS_HOUR: i8 = 9;

const PURGE_EVERY: Duration = Duration::from_hours(1);

/// The first one. Right after the start people who have waited come first.
const PURGE_AFTER: Duration = Duration::from_mins(1);

/// A clock that has gone further than this, ahead or back, while no such time passed was wrong before or is
/// wrong now: nothing is purged by it before it has stood for [`PURGE_EVERY`].
const JUMP: SignedDuration = SignedDuration::from_hours(12);

/// Deduplication keys are kept this long: platforms repeat a message for a day at most.
const SEEN_DAYS: u32 = 14;

/// Fires what is due. Returns how many; call again while it is not 0.
pub async fn step(
    store: &Store,
    now: Timestamp,
    seeds: impl FnMut() -> u64 + Send,
) -> Result<usize, StoreError> {
    let fired = store.due_timers(now, BATCH, seeds).await?;
    if fired > 0 {
        kill_point("timers.fired");
    }
    Ok(fired)
}

/// Fires and purges until `stop` is ready.
pub async fn run(store: &Store, retention: &Retention, desk: &Desk, stop: impl Future<Output = ()>) {
    let mut seeds = seed::fresh();
    let mut purge_at = Instant::now() + PURGE_AFTER;
    let mut last = (clock::now(), Instant::now());
    tokio::pin!(stop);
    loop {
        let (now, passed) = (clock::now(), Instant::now());
        if jumped(last.0, now, passed - last.1) {
            tracing::warn!("the clock of this machine has jumped; nothing is purged for an hour");
            purge_at = passed + PURGE_EVERY;
        }
        last = (now, passed);
        if passed >= purge_at {
            purge_at = passed + PURGE_EVERY;
            match purge(store, retention, now).await {
                Ok(gone) => tracing::debug!(
                    purge.conversations = gone.conversations,
                    purge.records = gone.records,
                    "what was kept long enough is removed"
                ),
                Err(fault) => {
                    tracing::error!(error = %fault, "the purge failed; it is tried again in an hour");
                }
            }
            if let Err(fault) = gaps(store, desk, now, &mut seeds).await {
                tracing::error!(error = %fault, "the week's gaps could not be told; tried again in an hour");
            }
        }
        let wait = match step(store, now, &mut seeds).await {
            Ok(0) => match store.next_timer().await {
                Ok(next) => next.map_or(LOOK_EVERY, |at| until(at, now)).min(LOOK_EVERY),
                Err(_) => LOOK_EVERY,
            },
            Ok(_) => continue,
            Err(fault) => {
                tracing::error!(error = %fault, "timers cannot be worked on");
                LOOK_EVERY
            }
        };
        if !pause(wait, &mut stop).await {
            return;
        }
    }
}

/// Whether the clock went from `last` to `now` otherwise than the time that `passed` tells.
fn jumped(last: Timestamp, now: Timestamp, passed: Duration) -> bool {
    let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
    now.duration_since(last).saturating_sub(passed).abs() > JUMP
}

/// Hands the gaps of the last full week, and the numbers that did not work, to the desk's room, once however often it is called: the
/// week is the key. Nothing without a desk. Returns how many gaps the week had.
pub async fn gaps(
    store: &Store,
    desk: &Desk,
    now: Timestamp,
    seeds: impl FnMut() -> u64 + Send,
) -> Result<usize, StoreError> {
    let (Some(channel), Some(room)) = (desk.channel, &desk.room) else { return Ok(0) };
    let Some((from, to)) = week_before(now) else { return Ok(0) };
    let mut gaps = store.records(Some("gap")).await?;
    gaps.extend(store.records(Some("dead_number")).await?);
    gaps.retain(|gap| (from..to).contains(&gap.created));
    if gaps.is_empty() {
        return Ok(0);
    }
    let count = gaps.len();
    let data = gaps.into_iter().map(|gap| gap.record.data).collect();
    let incoming = Incoming {
        lane: Lane::new(channel.kind(), room.clone()),
        key: format!("gaps {to}"),
        order: 0,
        native: None,
        input: Input::new(now, InputKind::Gaps(data)),
    };
    store.receive(&[incoming], None, now, seeds).await?;
    Ok(count)
}

/// The last full week that ended on a Monday at nine in London.
fn week_before(now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let london = TimeZone::get("Europe/London").ok()?;
    let local = now.to_zoned(london.clone());
    let monday = local.date().checked_sub(jiff::Span::new().days(days_since_monday(local.weekday()))).ok()?;
    let ends = |weeks: i64| {
        let day = monday.checked_sub(jiff::Span::new().weeks(weeks)).ok()?;
        day.at(GAPS_HOUR, 0, 0, 0).to_zoned(london.clone()).ok().map(|zoned| zoned.timestamp())
    };
    let this = ends(0)?;
    if this <= now { Some((ends(1)?, this)) } else { Some((ends(2)?, ends(1)?)) }
}

fn days_since_monday(day: Weekday) -> i64 {
    i64::from(day.to_monday_zero_offset())
}

/// Removes what is older than `retention` says.
pub async fn purge(store: &Store, retention: &Retention, now: Timestamp) -> Result<Purged, StoreError> {
    let periods = Periods {
        chat: days(retention.chat_days),
        records: days(retention.request_days),
        handled: days(retention.handled_days),
        audit: days(retention.audit_days),
        seen: days(SEEN_DAYS),
    };
    store.purge(now, &periods).await
}

fn days(days: u32) -> SignedDuration {
    SignedDuration::from_hours(i64::from(days) * 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_week_ends_on_monday_at_nine_in_london() {
        let winter = (at("2025-12-29T09:00:00Z"), at("2026-01-05T09:00:00Z"));
        assert_eq!(week_before(at("2026-01-05T09:00:00Z")), Some(winter));
        assert_eq!(week_before(at("2026-01-12T08:59:59Z")), Some(winter));
        let into_summer = (at("2026-03-23T09:00:00Z"), at("2026-03-30T08:00:00Z"));
        assert_eq!(week_before(at("2026-03-31T23:00:00Z")), Some(into_summer));
    }

    #[test]
    fn a_clock_that_jumps_is_told_from_time_that_passes() {
        let noon = at("2026-01-05T12:00:00Z");
        let jumped = |now, passed| jumped(noon, at(now), Duration::from_secs(passed));
        assert!(!jumped("2026-01-05T12:00:01Z", 1));
        assert!(!jumped("2026-01-08T12:00:00Z", 3 * 86_400), "three days that passed");
        assert!(!jumped("2026-01-05T11:00:00Z", 1), "an hour is set right now and then");
        assert!(jumped("2036-01-05T12:00:00Z", 1));
        assert!(jumped("1970-01-01T00:00:00Z", 1));
    }

    #[tokio::test]
    async fn a_weeks_gaps_are_handed_over_once() {
        use chatbox_core::{
            conversation::Conversation,
            effect::{Effect, Record},
            ids::{ChannelKind, Reference},
        };
        use chatbox_store::{Decided, StoreConfig};

        let store = Store::open(StoreConfig::new("sqlite::memory:").migrate()).await.expect("a store");
        let before = at("2026-01-01T12:00:00Z");
        let message = InputKind::Message(chatbox_core::input::Message::default());
        let incoming = Incoming {
            lane: Lane::new(ChannelKind::Telegram, "42"),
            key: "1".into(),
            order: 0,
            native: None,
            input: Input::new(before, message),
        };
        store.receive(&[incoming], None, before, || 1).await.expect("received");
        let claim = store.claim(8).await.expect("claimed").expect("one waits");
        let data = serde_json::json!({"gap": "a choir", "needs": []});
        let record = Record { kind: "gap".into(), reference: Reference("GAP-00001".into()), data };
        let decided = Decided {
            seq: claim.works()[0].inputs[0].seq,
            conversation: Conversation { welcomed: true, ..Conversation::default() },
            effects: vec![Effect::Save(record)],
        };
        store.commit(claim, vec![decided], Vec::new(), before).await.expect("committed");

        let desk = Desk {
            channel: Some(crate::config::desk::DeskChannel::Telegram),
            room: Some("-100".into()),
            ..Desk::default()
        };
        for now in ["2026-01-05T09:00:00Z", "2026-01-05T10:00:00Z", "2026-01-08T10:00:00Z"] {
            gaps(&store, &desk, at(now), || 1).await.expect("told");
        }
        let claim = store.claim(8).await.expect("claimed").expect("one waits");
        let inputs: Vec<_> = claim.works().iter().flat_map(|work| &work.inputs).collect();
        assert_eq!(inputs.len(), 1, "once a week");
        assert!(matches!(&inputs[0].input.what, InputKind::Gaps(data) if data[0]["gap"] == "a choir"));
        assert_eq!(gaps(&store, &desk, at("2026-01-12T10:00:00Z"), || 1).await.expect("told"), 0);
    }
}
