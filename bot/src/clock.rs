//! The one place that asks what time it is.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// The instant at which this is called.
#[expect(clippy::disallowed_methods, reason = "this is where bot wires the clock in")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The day in the United Kingdom at an instant.
pub fn uk_day(now: Timestamp) -> Date {
    let zone = TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC);
    now.to_zoned(zone).date()
}
