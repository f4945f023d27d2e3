//! Buttons: how choices lie in a keyboard, and what a press carries back.

use chatbox_core::effect::Choice;
use teloxide_core::types::{InlineKeyboardButton, InlineKeyboardMarkup};

/// More rows than this push the question itself off a small screen.
const MAX_ROWS: usize = 8;

/// The callback data of a choice: `{prompt}:{choice id}`, at most 51 bytes of Telegram's 64.
fn data(prompt: u32, choice: &str) -> String {
    format!("{prompt}:{choice}")
}

/// Choice and prompt of a press. What was not written by [`data`] is a choice of no known prompt.
pub(crate) fn read(data: &str) -> (String, Option<u32>) {
    match data.split_once(':').map(|(prompt, choice)| (prompt.parse(), choice)) {
        Some((Ok(prompt), choice)) => (choice.to_owned(), Some(prompt)),
        Some((Err(_), _)) | None => (data.to_owned(), None),
    }
}

/// The keyboard under a text; `None` without choices. One choice a row, unless all labels are
/// short or there would be more than eight rows.
pub(crate) fn keyboard(prompt: u32, choices: &[Choice]) -> Option<InlineKeyboardMarkup> {
    let longest = choices.iter().map(|choice| choice.label.chars().count()).max()?;
    let fitting = match longest {
        0..=4 => 5,
        5..=9 => 3,
        10..=16 => 2,
        _ => 1,
    };
    let a_row = fitting.max(choices.len().div_ceil(MAX_ROWS));
    let button = |choice: &Choice| {
        let label = if choice.label.is_empty() { &choice.id } else { &choice.label };
        InlineKeyboardButton::callback(label.clone(), data(prompt, &choice.id))
    };
    let rows = choices.chunks(a_row).map(|row| row.iter().map(button).collect::<Vec<_>>());
    Some(InlineKeyboardMarkup::new(rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(labels: &[&str]) -> Vec<Choice> {
        labels.iter().map(|label| Choice { id: label.to_lowercase(), label: (*label).to_owned() }).collect()
    }

    fn rows(labels: &[&str]) -> Vec<usize> {
        keyboard(1, &choices(labels)).unwrap().inline_keyboard.iter().map(Vec::len).collect()
    }

    #[test]
    fn a_press_gives_back_prompt_and_choice() {
        assert_eq!(read(&data(u32::MAX, "day.mon")), ("day.mon".to_owned(), Some(u32::MAX)));
        assert_eq!(read("7:a:b"), ("a:b".to_owned(), Some(7)));
        assert_eq!(read("menu"), ("menu".to_owned(), None));
        assert_eq!(read("x:menu"), ("x:menu".to_owned(), None));
        assert!(data(u32::MAX, &"x".repeat(40)).len() <= 64);
    }

    #[test]
    fn long_labels_have_a_row_each_and_short_ones_share() {
        assert_eq!(rows(&["Yes", "No"]), [2]);
        assert_eq!(rows(&["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]), [5, 2]);
        assert_eq!(rows(&["Every two weeks, please", "No"]), [1, 1]);
        let many = ["A label that needs the whole row"; 20];
        assert!(rows(&many).len() <= MAX_ROWS);
        assert!(keyboard(1, &[]).is_none());
    }
}
