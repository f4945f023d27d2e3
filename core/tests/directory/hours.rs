use chatbox_core::directory::{Calendar, DayKind, Hours, OpenState, london_day, when};
use jiff::civil::date;

use super::at;

fn calendar() -> Calendar {
    Calendar::new([date(2026, 12, 25), date(2026, 12, 28)], (date(2026, 1, 1), date(2028, 12, 31)))
}

fn state(hours: &str, london: &str) -> OpenState {
    hours.parse::<Hours>().unwrap().state(at(london), &calendar())
}

fn open_until(london: &str) -> OpenState {
    OpenState::Open { until: Some(at(london)) }
}

fn closed_until(london: &str) -> OpenState {
    OpenState::Closed { opens: Some(at(london)) }
}

#[test]
fn a_short_text_says_when_the_hub_is_open() {
    let hours = "Mon-Fri 09:00-17:00";
    assert_eq!(state(hours, "2026-11-23T09:00"), open_until("2026-11-23T17:00"));
    assert_eq!(state(hours, "2026-11-23T17:00"), closed_until("2026-11-24T09:00"));
    assert_eq!(state(hours, "2026-11-27T20:00"), closed_until("2026-11-30T09:00"));
    let same = [
        "Monday to Friday 9am to 5pm",
        "weekdays 9am-5pm",
        "mon, tue, wed, thu and fri 09:00 \u{2013} 17:00",
    ];
    for text in same {
        assert_eq!(text.parse::<Hours>().unwrap(), hours.parse::<Hours>().unwrap(), "{text}");
    }
    let split = "Mon-Thu 09:00-12:00, 13:00-17:00; Fri 9am-12:30pm";
    assert_eq!(state(split, "2026-11-23T12:30"), closed_until("2026-11-23T13:00"));
    assert_eq!(state(split, "2026-11-27T12:00"), open_until("2026-11-27T12:30"));
}

#[test]
fn hours_that_cannot_be_read_say_how_to_write_them() {
    for bad in
        ["Mon-Fri", "09:00-17:00", "Mon 17:00-09:00", "Mon 25:00-26:00", "Mon 9-5", "Mon 09:00-49:00", "soon"]
    {
        let fault = bad.parse::<Hours>().unwrap_err().to_string();
        assert!(fault.contains(':') && fault.len() > 30, "{bad}: {fault}");
    }
}

#[test]
fn a_stretch_goes_on_past_midnight() {
    let hours = "Mon-Thu 18:00-26:00";
    assert_eq!(state(hours, "2026-11-24T01:59"), open_until("2026-11-24T02:00"));
    assert_eq!(state(hours, "2026-11-24T02:00"), closed_until("2026-11-24T18:00"));
    assert_eq!(state(hours, "2026-11-27T01:00"), open_until("2026-11-27T02:00"), "Thursday's evening");
    assert_eq!(state(hours, "2026-11-23T01:00"), closed_until("2026-11-23T18:00"), "no Sunday evening");
}

#[test]
fn stretches_that_touch_are_one() {
    let weekend = "Fri 18:00-24:00, Sat-Sun 00:00-24:00, Mon 00:00-06:00";
    assert_eq!(state(weekend, "2026-11-21T12:00"), open_until("2026-11-23T06:00"));
    assert_eq!(state("daily 00:00-24:00", "2026-06-10T12:00"), OpenState::Open { until: None });
}

/// Clocks go from 01:00 to 02:00 on 29 March 2026, and from 02:00 back to 01:00 on 25 October.
#[test]
fn clocks_going_forward_skip_half_past_one() {
    let skipped =
        |hours: &str, utc: &str| hours.parse::<Hours>().unwrap().state(utc.parse().unwrap(), &calendar());
    // Opening at a time that does not exist is opening when the clock passes it.
    assert_eq!(skipped("Sun 01:30-06:00", "2026-03-29T00:59:00Z"), closed_until("2026-03-29T02:00"));
    assert_eq!(skipped("Sun 01:30-06:00", "2026-03-29T01:00:00Z"), open_until("2026-03-29T06:00"));
    // Closing then is closing as the clock jumps.
    assert!(skipped("Sat 20:00-25:30", "2026-03-29T00:59:00Z").is_open());
    assert!(!skipped("Sat 20:00-25:30", "2026-03-29T01:00:00Z").is_open());
    // Nine in the morning stays nine in the morning.
    assert!(!skipped("Mon-Fri 09:00-17:00", "2026-03-30T07:59:00Z").is_open());
    assert!(skipped("Mon-Fri 09:00-17:00", "2026-03-30T08:00:00Z").is_open());
    assert!(!skipped("Mon-Fri 09:00-17:00", "2026-03-30T16:00:00Z").is_open());
}

#[test]
fn clocks_going_back_never_call_a_doubtful_half_hour_open() {
    let twice =
        |hours: &str, utc: &str| hours.parse::<Hours>().unwrap().state(utc.parse().unwrap(), &calendar());
    // 01:30 comes at 00:30 and at 01:30 UTC: closing takes the first, opening the second.
    assert!(twice("Sat 20:00-25:30", "2026-10-25T00:29:00Z").is_open());
    assert!(!twice("Sat 20:00-25:30", "2026-10-25T00:30:00Z").is_open());
    assert!(!twice("Sat 20:00-25:30", "2026-10-25T01:15:00Z").is_open());
    assert!(!twice("Sun 01:30-06:00", "2026-10-25T00:30:00Z").is_open());
    assert!(twice("Sun 01:30-06:00", "2026-10-25T01:30:00Z").is_open());
    // Across the whole doubled hour it simply stays open, an hour longer.
    assert!(twice("Sat 20:00-26:00", "2026-10-25T01:59:00Z").is_open());
    assert!(!twice("Sat 20:00-26:00", "2026-10-25T02:00:00Z").is_open());
    assert!(twice("Mon-Fri 09:00-17:00", "2026-10-26T09:00:00Z").is_open());
    assert!(!twice("Mon-Fri 09:00-17:00", "2026-10-26T08:59:00Z").is_open());
}

#[test]
fn a_bank_holiday_is_never_open() {
    let hours: Hours = "daily 09:00-26:00".parse().unwrap();
    for minute in 0..24 * 60 {
        let now = at("2026-12-25T00:00") + jiff::SignedDuration::from_mins(minute);
        assert_eq!(hours.state(now, &calendar()), OpenState::Unknown, "an offer says: check");
        assert!(!hours.state(now, &calendar().for_hub([])).is_open(), "the hub is closed");
    }
    let eve = hours.state(at("2026-12-24T20:00"), &calendar());
    assert_eq!(eve, open_until("2026-12-25T00:00"), "not past midnight into the holiday");
    let after = hours.state(at("2026-12-26T01:00"), &calendar());
    assert_eq!(after, closed_until("2026-12-26T09:00"), "nor does the holiday's evening reach past it");
    assert!(Hours::Always.state(at("2026-12-25T12:00"), &calendar()).is_open(), "day and night stays so");
}

#[test]
fn the_hub_names_the_day_it_reopens() {
    let hub = calendar().for_hub([date(2026, 12, 29)]);
    let hours: Hours = "Mon-Fri 09:00-17:00".parse().unwrap();
    assert_eq!(hours.state(at("2026-12-24T18:00"), &hub), closed_until("2026-12-30T09:00"));
    assert_eq!(Hours::Always.state(at("2026-12-29T12:00"), &hub), closed_until("2026-12-30T00:00"));
    assert_eq!(Hours::Always.state(at("2026-12-27T12:00"), &hub), open_until("2026-12-29T00:00"));
}

#[test]
fn a_desk_that_is_there_day_and_night_names_no_bank_holiday() {
    let hub = calendar().for_hub([]);
    for when in ["2026-11-26T12:00", "2026-12-24T23:59", "2026-12-25T12:00", "2029-12-25T12:00"] {
        assert_eq!(Hours::Always.state(at(when), &hub), OpenState::Open { until: None }, "{when}");
    }
}

#[test]
fn past_the_calendar_nothing_that_could_be_a_holiday_is_open() {
    let hours: Hours = "Mon-Fri 09:00-17:00".parse().unwrap();
    assert_eq!(hours.state(at("2029-12-25T10:00"), &calendar()), OpenState::Unknown);
    assert_eq!(hours.state(at("2029-04-02T10:00"), &calendar()), OpenState::Unknown, "Easter Monday");
    assert_eq!(hours.state(at("2029-06-05T10:00"), &calendar()), open_until("2029-06-05T17:00"));
    assert!(!hours.state(at("2029-12-25T10:00"), &calendar().for_hub([])).is_open());
}

#[test]
fn unknown_hours_are_never_open() {
    for day in 0..400 {
        let now = at("2026-01-01T10:30") + jiff::SignedDuration::from_hours(24 * day + day % 24);
        assert_eq!(Hours::Unknown.state(now, &calendar()), OpenState::Unknown);
        assert!(!Hours::Unknown.state(now, &calendar().for_hub([])).is_open());
    }
}

#[test]
fn times_are_said_as_people_say_them() {
    let now = at("2026-11-22T12:00");
    let said = |london: &str| when(at(london), now);
    assert_eq!(said("2026-11-22T17:00"), "today at 5pm");
    assert_eq!(said("2026-11-23T09:00"), "tomorrow at 9am");
    assert_eq!(said("2026-11-25T17:30"), "Wednesday at 5:30pm");
    assert_eq!(said("2026-11-30T09:00"), "Monday 30 November at 9am");
    assert_eq!(said("2027-01-04T12:00"), "Monday 4 January 2027 at midday");
    assert_eq!(said("2026-11-23T00:00"), "at midnight tonight");
    let words = |state: OpenState| state.words(now);
    assert_eq!(words(open_until("2026-11-22T17:00")), "open now until 5pm");
    assert_eq!(words(open_until("2026-11-23T00:00")), "open now until midnight");
    assert_eq!(words(open_until("2026-11-23T02:00")), "open now until 2am");
    assert_eq!(words(open_until("2026-11-24T06:00")), "open now until Tuesday at 6am");
    assert_eq!(words(closed_until("2026-11-23T09:00")), "closed now, opens tomorrow at 9am");
    assert_eq!(words(OpenState::Unknown), "please check the hours first");
}

#[test]
fn hours_are_read_from_configuration_as_from_content() {
    let hours: Hours = serde_json::from_str(r#"[{"days":["mon"],"from":"09:00","to":"17:00"}]"#).unwrap();
    assert_eq!(hours, "Mon 09:00-17:00".parse().unwrap());
    assert_eq!(serde_json::from_str::<Hours>("null").unwrap(), Hours::Unknown);
    assert_eq!(serde_json::from_str::<Hours>("\"Mon 9am-5pm\"").unwrap(), hours);
    let there_and_back: Hours = serde_json::from_str(&serde_json::to_string(&hours).unwrap()).unwrap();
    assert_eq!(there_and_back, hours);
}

/// Through two clock changes of each kind, and past the end of the calendar.
#[test]
fn what_is_said_of_the_next_change_is_true_when_it_comes() {
    let second = jiff::SignedDuration::from_secs(1);
    for text in
        ["Mon-Fri 09:00-17:00", "daily 18:00-26:00", "Fri 18:00-24:00, Sat-Sun 00:00-24:00, Mon 00:00-06:00"]
    {
        let hours: Hours = text.parse().unwrap();
        for calendar in [calendar(), calendar().for_hub([date(2027, 6, 7)])] {
            let mut now = at("2026-10-01T00:00");
            while now < at("2029-02-01T00:00") {
                match hours.state(now, &calendar) {
                    OpenState::Open { until: Some(until) } => {
                        assert!(hours.state(until - second, &calendar).is_open(), "{text} {now}");
                        assert!(!hours.state(until, &calendar).is_open(), "{text} {now}");
                    }
                    OpenState::Closed { opens: Some(opens) } => {
                        assert!(
                            opens > now && !hours.state(opens - second, &calendar).is_open(),
                            "{text} {now}"
                        );
                        assert!(hours.state(opens, &calendar).is_open(), "{text} {now}");
                    }
                    OpenState::Unknown => {
                        assert_eq!(calendar.day(london_day(now)), DayKind::Doubtful, "{text} {now}");
                    }
                    OpenState::Open { until: None } | OpenState::Closed { opens: None } => {
                        panic!("{text} {now}")
                    }
                }
                now += jiff::SignedDuration::from_mins(1777);
            }
        }
    }
}
