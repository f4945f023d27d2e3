//! Opening hours: of an offer, and of the hub itself (`hub.hours`).
//!
//! Every time is London time. Where a timetable leaves a doubt (a bank holiday, the hour that a
//! clock change repeats) the answer is never "open".

use std::{collections::BTreeSet, fmt, str::FromStr};

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, Time},
    tz::AmbiguousOffset,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{
    calendar::{Calendar, DayKind, london, london_day, weekday},
    words,
};
use crate::understanding::Day;

/// When something can be reached.
///
/// In YAML and TOML: `"always"`; null or `"unknown"`; a list of
/// `{days: [mon, tue], from: "09:00", to: "17:00"}`; or a short text such as
/// `"Mon-Fri 09:00-17:00"` or `"Mon to Thu 9am to 5pm; Fri 9am to 4:30pm"`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Hours {
    /// Day and night, bank holidays included.
    Always,
    /// On these days, except bank holidays.
    Weekly(Vec<Span>),
    /// Nobody has said: never called open.
    #[default]
    Unknown,
}

/// One stretch of a weekly timetable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawSpan")]
pub struct Span {
    /// The days on which the stretch begins.
    pub days: BTreeSet<Day>,
    pub from: Clock,
    /// Past 24:00 for a stretch that ends after midnight: `"26:00"` is 2am the next day.
    pub to: Clock,
}

/// Minutes since the midnight that began the day, up to 48:00; written `"HH:MM"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clock(u16);

/// Whether something can be reached at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenState {
    /// `until` is none when no closing is in sight.
    Open { until: Option<Timestamp> },
    /// `opens` is none when no opening is sure within [`LOOK_AHEAD_DAYS`].
    Closed { opens: Option<Timestamp> },
    /// The hours are not known, or do not hold today: say "please check the hours".
    Unknown,
}

/// How far ahead an opening is looked for.
pub const LOOK_AHEAD_DAYS: i32 = 100;

impl Hours {
    /// Whether this is open at `now`, on the days that `calendar` trusts.
    ///
    /// On a bank holiday weekly hours give [`OpenState::Unknown`] for an offer, and
    /// [`OpenState::Closed`] with the next sure opening for a calendar made by
    /// [`Calendar::for_hub`]. A day of `hub.closed_days` closes even [`Hours::Always`],
    /// which a bank holiday does not.
    pub fn state(&self, now: Timestamp, calendar: &Calendar) -> OpenState {
        let today = london_day(now);
        match (self, calendar.day(today)) {
            (Self::Unknown, _) | (Self::Weekly(_), DayKind::Doubtful) => return OpenState::Unknown,
            (Self::Always, _) if calendar.never_closes() => return OpenState::Open { until: None },
            (Self::Always | Self::Weekly(_), _) => {}
        }
        // Nearly every answer lies within a few days: look at the far ones only when it does not.
        [4, LOOK_AHEAD_DAYS]
            .into_iter()
            .find_map(|days| self.state_within(now, today, days, calendar))
            .unwrap_or_else(|| {
                if self.open_at(now, today, calendar) {
                    OpenState::Open { until: None }
                } else {
                    OpenState::Closed { opens: None }
                }
            })
    }

    /// The answer, if the next `days` days hold all of it.
    fn state_within(&self, now: Timestamp, today: Date, days: i32, calendar: &Calendar) -> Option<OpenState> {
        let end = today.checked_add(days.days()).ok()?;
        let horizon = midnight(end)?;
        let stretches = self.stretches(today, end, calendar);
        if let Some(&(_, until)) = stretches.iter().find(|(from, to)| (*from..*to).contains(&now)) {
            return (until < horizon).then_some(OpenState::Open { until: Some(until) });
        }
        let opens = stretches.iter().map(|(from, _)| *from).find(|from| *from > now)?;
        Some(OpenState::Closed { opens: Some(opens) })
    }

    fn open_at(&self, now: Timestamp, today: Date, calendar: &Calendar) -> bool {
        let end = today.checked_add(1.day()).unwrap_or(today);
        self.stretches(today, end, calendar).iter().any(|(from, to)| (*from..*to).contains(&now))
    }

    /// The open stretches that begin between the day before `today` and `end`, in order, those
    /// that touch made one.
    fn stretches(&self, today: Date, end: Date, calendar: &Calendar) -> Vec<(Timestamp, Timestamp)> {
        let always = [Span { days: ALL_DAYS.into(), from: Clock(0), to: Clock(DAY) }];
        let (spans, trusted): (&[Span], &dyn Fn(Date) -> bool) = match self {
            Self::Always => (&always, &|date| !calendar.is_closed(date)),
            Self::Weekly(spans) => (spans, &|date| calendar.day(date) == DayKind::Ordinary),
            Self::Unknown => return Vec::new(),
        };
        let first = today.checked_sub(1.day()).unwrap_or(today);
        let mut found = Vec::new();
        for date in first.series(1.day()).take_while(|date| *date <= end) {
            if !trusted(date) {
                continue;
            }
            let spans_on = spans.iter().filter(|span| span.days.contains(&weekday(date)));
            for span in spans_on {
                let past_midnight = span.to.0 > DAY && date.tomorrow().is_ok_and(trusted);
                let to = if past_midnight { span.to } else { Clock(span.to.0.min(DAY)) };
                let stretch = (instant(date, span.from, Edge::Opens), instant(date, to, Edge::Closes));
                if let (Some(from), Some(to)) = stretch
                    && from < to
                {
                    found.push((from, to));
                }
            }
        }
        found.sort_unstable();
        let mut merged: Vec<(Timestamp, Timestamp)> = Vec::with_capacity(found.len());
        for (from, to) in found {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        merged
    }
}

impl OpenState {
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    /// In words for a person: "open now until 5pm", "closed now, opens Monday at 9am",
    /// "open now, day and night", "please check the hours first".
    pub fn words(&self, now: Timestamp) -> String {
        match self {
            Self::Open { until: None } => "open now, day and night".into(),
            Self::Open { until: Some(until) } => format!("open now {}", words::until(*until, now)),
            Self::Closed { opens: Some(opens) } => format!("closed now, opens {}", words::when(*opens, now)),
            Self::Closed { opens: None } => "closed now".into(),
            Self::Unknown => "please check the hours first".into(),
        }
    }
}

const DAY: u16 = 24 * 60;
const ALL_DAYS: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];

#[derive(Clone, Copy)]
enum Edge {
    Opens,
    Closes,
}

/// The instant of a wall-clock time. A time that the clock change skips is the change itself;
/// of one that comes twice, an opening takes the second and a closing the first.
fn instant(date: Date, clock: Clock, edge: Edge) -> Option<Timestamp> {
    let date = date.checked_add(i32::from(clock.0 / DAY).days()).ok()?;
    let minutes = clock.0 % DAY;
    let time = Time::midnight() + SignedDuration::from_mins(i64::from(minutes));
    let ambiguous = london().to_ambiguous_timestamp(date.to_datetime(time));
    match (ambiguous.offset(), edge) {
        (AmbiguousOffset::Gap { .. }, _) => {
            let before = ambiguous.earlier().ok()?;
            london().following(before).next().map(|change| change.timestamp())
        }
        (AmbiguousOffset::Unambiguous { .. }, _) | (AmbiguousOffset::Fold { .. }, Edge::Opens) => {
            ambiguous.later().ok()
        }
        (AmbiguousOffset::Fold { .. }, Edge::Closes) => ambiguous.earlier().ok(),
    }
}

fn midnight(date: Date) -> Option<Timestamp> {
    instant(date, Clock(0), Edge::Opens)
}

/// Hours that cannot be read: says what was found and how to write them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadHours(String);

impl FromStr for Clock {
    type Err = BadHours;

    /// `"17:00"`, `"26:00"`, `"9am"`, `"5:30pm"`, `"midday"`, `"midnight"` (the end of the day).
    fn from_str(text: &str) -> Result<Self, BadHours> {
        let bad = || BadHours(format!("\"{text}\" is not a time: write it in quotes, as in \"17:00\""));
        let lower = text.trim().to_ascii_lowercase();
        match lower.as_str() {
            "midday" | "noon" => return Ok(Self(DAY / 2)),
            "midnight" => return Ok(Self(DAY)),
            _ => {}
        }
        let (digits, half) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
            (Some(digits), _) => (digits, Some(0)),
            (_, Some(digits)) => (digits, Some(12)),
            (None, None) => (lower.as_str(), None),
        };
        let (hour, minute) = match digits.trim().split_once(':') {
            Some((hour, minute)) if minute.len() == 2 => (hour, minute),
            None if half.is_some() => (digits.trim(), "0"),
            _ => return Err(bad()),
        };
        let number = |part: &str| {
            if part.bytes().all(|b| b.is_ascii_digit()) {
                part.parse::<u16>().map_err(|_| bad())
            } else {
                Err(bad())
            }
        };
        let (hour, minute) = (number(hour)?, number(minute)?);
        let hour = match half {
            Some(_) if !(1..=12).contains(&hour) => return Err(bad()),
            Some(half) => hour % 12 + half,
            None => hour,
        };
        let clock = hour.saturating_mul(60).saturating_add(minute);
        if minute > 59 || clock > 2 * DAY { Err(bad()) } else { Ok(Self(clock)) }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Span {
    /// Fails when no day is named or the stretch does not end after it begins, within a day.
    pub fn new(days: impl IntoIterator<Item = Day>, from: Clock, to: Clock) -> Result<Self, BadHours> {
        let days: BTreeSet<Day> = days.into_iter().collect();
        if days.is_empty() {
            return Err(BadHours(format!("{from} to {to} names no day: add days, as in [mon, tue]")));
        }
        if from.0 >= DAY || to.0 > from.0 + DAY {
            return Err(BadHours(format!("{from} to {to}: begin before 24:00 and last 24 hours at most")));
        }
        if to <= from {
            let next_day = Clock(to.0 + DAY);
            return Err(BadHours(format!(
                "{from} to {to} ends before it begins: if it ends the next day, write \"{next_day}\""
            )));
        }
        Ok(Self { days, from, to })
    }
}

impl FromStr for Hours {
    type Err = BadHours;

    fn from_str(text: &str) -> Result<Self, BadHours> {
        let lower = text.trim().to_lowercase();
        match lower.as_str() {
            "always" | "24/7" => return Ok(Self::Always),
            "" | "unknown" => return Ok(Self::Unknown),
            _ => {}
        }
        let tidy = lower.replace([',', ';'], " ").replace(['\u{2013}', '\u{2014}'], "-").replace(" to ", "-");
        let tidy = tidy.replace("every day", "daily").replace(" and ", " ");
        let tidy = tidy.replace(" - ", "-").replace("- ", "-").replace(" -", "-");
        let (mut spans, mut days, mut used) = (Vec::new(), BTreeSet::new(), false);
        for token in tidy.split_whitespace() {
            if let Some(named) = days_named(token) {
                if used {
                    days.clear();
                    used = false;
                }
                days.extend(named);
            } else if let Some((from, to)) = token.split_once('-') {
                spans.push(Span::new(days.iter().copied(), from.parse()?, to.parse()?)?);
                used = true;
            } else {
                return Err(BadHours(format!(
                    "\"{token}\" in \"{text}\" is neither days nor times: write hours as in \"Mon-Fri 09:00-17:00\""
                )));
            }
        }
        if used {
            Ok(Self::Weekly(spans))
        } else {
            Err(BadHours(format!("\"{text}\" has no times for its last days: write \"Mon-Fri 09:00-17:00\"")))
        }
    }
}

/// "mon", "monday", "mon-fri", "daily", "weekdays", "weekends".
fn days_named(token: &str) -> Option<Vec<Day>> {
    let one = |name: &str| {
        let at = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
            .iter()
            .position(|full| name.len() >= 3 && full.starts_with(name.trim_end_matches('.')))?;
        Some(at)
    };
    match token {
        "daily" => return Some(ALL_DAYS.into()),
        "weekdays" => return Some(ALL_DAYS[..5].into()),
        "weekends" => return Some(ALL_DAYS[5..].into()),
        _ => {}
    }
    match token.split_once('-') {
        None => one(token).map(|day| vec![ALL_DAYS[day]]),
        Some((from, to)) => {
            let (from, to) = (one(from)?, one(to)?);
            let length = (to + 7 - from) % 7;
            Some((from..=from + length).map(|day| ALL_DAYS[day % 7]).collect())
        }
    }
}

impl Serialize for Clock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Clock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Clock;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time in quotes, as in \"17:00\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Clock, E> {
                if text.contains(':') { text.parse().map_err(E::custom) } else { Err(number(text)) }
            }
            fn visit_u64<E: de::Error>(self, found: u64) -> Result<Clock, E> {
                Err(number(found))
            }
            fn visit_i64<E: de::Error>(self, found: i64) -> Result<Clock, E> {
                Err(number(found))
            }
            fn visit_f64<E: de::Error>(self, found: f64) -> Result<Clock, E> {
                Err(number(found))
            }
        }
        fn number<E: de::Error>(found: impl fmt::Display) -> E {
            E::custom(format!("{found} is not a time: write it in quotes, as in \"17:00\""))
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSpan {
    days: Vec<Day>,
    from: Clock,
    to: Clock,
}

impl TryFrom<RawSpan> for Span {
    type Error = BadHours;
    fn try_from(raw: RawSpan) -> Result<Self, BadHours> {
        Self::new(raw.days, raw.from, raw.to)
    }
}

impl Serialize for Hours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Always => serializer.serialize_str("always"),
            Self::Weekly(spans) => spans.serialize(serializer),
            Self::Unknown => serializer.serialize_str("unknown"),
        }
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Hours;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "\"always\", a list of {days, from, to}, a text such as \"Mon-Fri 09:00-17:00\", or null",
                )
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Hours, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_unit<E: de::Error>(self) -> Result<Hours, E> {
                Ok(Hours::Unknown)
            }
            fn visit_none<E: de::Error>(self) -> Result<Hours, E> {
                Ok(Hours::Unknown)
            }
            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Hours, D::Error> {
                deserializer.deserialize_any(self)
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Hours, A::Error> {
                let mut spans = Vec::new();
                while let Some(span) = seq.next_element()? {
                    spans.push(span);
                }
                if spans.is_empty() {
                    return Err(de::Error::custom(
                        "an empty list of hours: write null if they are not known",
                    ));
                }
                Ok(Hours::Weekly(spans))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
