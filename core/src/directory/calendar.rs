//! Which London days a weekly timetable may be trusted on.

use std::{collections::BTreeSet, sync::LazyLock};

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Weekday},
    tz::TimeZone,
};

use crate::understanding::Day;

/// The time zone of every opening hour and of every day named to a person.
pub fn london() -> &'static TimeZone {
    static LONDON: LazyLock<TimeZone> = LazyLock::new(|| {
        TimeZone::get("Europe/London").expect("the time zone database is built into the binary")
    });
    &LONDON
}

/// The London day of an instant.
pub fn london_day(at: Timestamp) -> Date {
    at.to_zoned(london().clone()).date()
}

/// Holidays and closed days, as one offer or the hub sees them.
///
/// A calendar is only sure of the years that the content lists. Outside them every day that
/// could be a bank holiday by its place in the year counts as [`DayKind::Doubtful`]; the default
/// calendar lists none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    pub(super) holidays: BTreeSet<Date>,
    /// First and last day for which `holidays` is complete.
    pub(super) known: Option<(Date, Date)>,
    closed: BTreeSet<Date>,
    doubt_closes: bool,
}

/// What a calendar knows of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKind {
    /// The weekly timetable holds.
    Ordinary,
    /// A bank holiday, or possibly one: the weekly timetable says nothing.
    Doubtful,
    /// Shut, whatever any timetable says.
    Closed,
}

impl Calendar {
    /// A calendar that is complete from the first to the last day given.
    pub fn new(holidays: impl IntoIterator<Item = Date>, known: (Date, Date)) -> Self {
        Self { holidays: holidays.into_iter().collect(), known: Some(known), ..Self::default() }
    }

    /// The calendar of the hub itself: `hub.closed_days`, and every bank holiday or day that
    /// could be one, is closed, so that nobody is told the hub is open when it may not be.
    #[must_use]
    pub fn for_hub(mut self, closed_days: impl IntoIterator<Item = Date>) -> Self {
        self.closed.extend(closed_days);
        self.doubt_closes = true;
        self
    }

    /// A calendar that doubts whatever either of the two doubts.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.holidays.extend(&other.holidays);
        self.closed.extend(&other.closed);
        self.doubt_closes |= other.doubt_closes;
        self.known = match (self.known, other.known) {
            (Some(a), Some(b)) => Some((a.0.max(b.0), a.1.min(b.1))),
            _ => None,
        };
        self
    }

    /// The last day for which bank holidays are known.
    pub fn known_until(&self) -> Option<Date> {
        self.known.map(|(_, until)| until)
    }

    /// No day closes what is open day and night.
    pub(super) fn never_closes(&self) -> bool {
        self.closed.is_empty()
    }

    /// A day that closes even what is open day and night; a bank holiday does not.
    pub(super) fn is_closed(&self, date: Date) -> bool {
        self.closed.contains(&date)
    }

    /// Whether weekly hours hold on a day. Beyond the days that the bank holidays are known for, one that
    /// could be one is not trusted.
    pub fn day(&self, date: Date) -> DayKind {
        let known = self.known.is_some_and(|(from, until)| (from..=until).contains(&date));
        if self.closed.contains(&date) {
            DayKind::Closed
        } else if self.holidays.contains(&date) || (!known && could_be_holiday(date)) {
            if self.doubt_closes { DayKind::Closed } else { DayKind::Doubtful }
        } else {
            DayKind::Ordinary
        }
    }
}

/// Days that are a bank holiday in one of the four nations in some years, substitute days
/// included. One-off holidays by proclamation cannot be foreseen.
fn could_be_holiday(date: Date) -> bool {
    let monday = date.weekday() == Weekday::Monday;
    match (date.month(), date.day()) {
        (1, 1..=4) | (3, 17..=19) | (7, 12..=14) | (11, 30) | (12, 1 | 2 | 25..=28) => true,
        (5 | 8, _) => monday,
        (3 | 4, _) => {
            let easter = easter_sunday(date.year());
            let from_easter = (date - easter).get_days();
            from_easter == -2 || from_easter == 1
        }
        _ => false,
    }
}

/// Easter Sunday of the Gregorian calendar (the anonymous algorithm of 1876).
fn easter_sunday(year: i16) -> Date {
    let year_number = i32::from(year);
    let (golden, century, rest) = (year_number % 19, year_number / 100, year_number % 100);
    let moon_shift = (century - (century + 8) / 25 + 1) / 3;
    let full_moon = (19 * golden + century - century / 4 - moon_shift + 15) % 30;
    let to_sunday = (32 + 2 * (century % 4) + 2 * (rest / 4) - full_moon - rest % 4) % 7;
    let late = (golden + 11 * full_moon + 22 * to_sunday) / 451;
    let days = full_moon + to_sunday - 7 * late;
    Date::constant(0, 3, 22)
        .with()
        .year(year)
        .build()
        .ok()
        .and_then(|first| first.checked_add(days.days()).ok())
        .unwrap_or(Date::MAX)
}

/// The day of the week in the words of the engine.
pub(super) fn weekday(date: Date) -> Day {
    match date.weekday() {
        Weekday::Monday => Day::Mon,
        Weekday::Tuesday => Day::Tue,
        Weekday::Wednesday => Day::Wed,
        Weekday::Thursday => Day::Thu,
        Weekday::Friday => Day::Fri,
        Weekday::Saturday => Day::Sat,
        Weekday::Sunday => Day::Sun,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn easter_is_found() {
        for (year, month, day) in [(2024, 3, 31), (2026, 4, 5), (2027, 3, 28), (2028, 4, 16), (2029, 4, 1)] {
            assert_eq!(easter_sunday(year), date(year, month, day));
        }
    }

    #[test]
    fn days_past_the_calendar_that_could_be_holidays_are_doubtful() {
        let calendar = Calendar::new([], (date(2026, 1, 1), date(2028, 12, 31)));
        assert_eq!(calendar.day(date(2028, 12, 25)), DayKind::Ordinary);
        assert_eq!(calendar.day(date(2029, 12, 25)), DayKind::Doubtful);
        assert_eq!(calendar.day(date(2029, 3, 30)), DayKind::Doubtful, "Good Friday");
        assert_eq!(calendar.day(date(2029, 6, 6)), DayKind::Ordinary);
        assert_eq!(calendar.for_hub([date(2026, 6, 1)]).day(date(2026, 6, 1)), DayKind::Closed);
    }
}
