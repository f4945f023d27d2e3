//! Times as one says them to a person, in London time.

use jiff::{Timestamp, civil::Time};

use super::calendar::london;

/// "today at 5pm", "tomorrow at 9am", "Monday at 9am" within the week, else
/// "Monday 30 November at 9am". A midnight is the start of its day.
pub fn when(at: Timestamp, now: Timestamp) -> String {
    let (at, now) = (at.to_zoned(london().clone()), now.to_zoned(london().clone()));
    let days = (at.date() - now.date()).get_days();
    let day = match days {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        2..=6 => at.strftime("%A").to_string(),
        _ if at.year() == now.year() => at.strftime("%A %-d %B").to_string(),
        _ => at.strftime("%A %-d %B %Y").to_string(),
    };
    match (at.time() == Time::midnight(), days) {
        (true, 1) => "at midnight tonight".into(),
        (true, _) => format!("at the start of {day}"),
        (false, _) => format!("{day} at {}", clock(at.time())),
    }
}

/// "until 5pm", "until midnight", "until 2am", "until tomorrow at 9am", "until Monday at 6am".
pub fn until(end: Timestamp, now: Timestamp) -> String {
    let (local, today) = (end.to_zoned(london().clone()), now.to_zoned(london().clone()));
    let days = (local.date() - today.date()).get_days();
    if days == 1 && local.time() == Time::midnight() {
        "until midnight".into()
    } else if days == 0 || (days == 1 && local.hour() < 6) {
        format!("until {}", clock(local.time()))
    } else if local.time() == Time::midnight() {
        let last =
            local.date().yesterday().map_or_else(|_| String::new(), |day| day.strftime("%A").to_string());
        if days <= 7 {
            format!("until the end of {last}")
        } else {
            format!("until {}", local.strftime("%-d %B"))
        }
    } else {
        format!("until {}", when(end, now))
    }
}

/// "9am", "5:30pm", "midday", "midnight".
pub fn clock(time: Time) -> String {
    let (hour, minute) = (time.hour(), time.minute());
    let half = if hour < 12 { "am" } else { "pm" };
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    match (hour, minute) {
        (0, 0) => "midnight".into(),
        (12, 0) => "midday".into(),
        (_, 0) => format!("{twelve}{half}"),
        _ => format!("{twelve}:{minute:02}{half}"),
    }
}
