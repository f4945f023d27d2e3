//! One-time codes, by which somebody proves in a private chat who they are at the desk.

use crate::{dialogue::Talk, effect::SayKind};

/// What every code begins with, so that no ordinary word is taken for one.
const PREFIX: &str = "DESK";

/// Letters and digits of a code, no two of which look alike.
pub const CODE_LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// How many of them there are.
pub const CODE_LENGTH: usize = 8;

/// The code for these letters: `DESK-7Q2M-X9PK`.
pub fn write_code(letters: &[u8; CODE_LENGTH]) -> String {
    let letters = String::from_utf8_lossy(letters);
    format!("{PREFIX}-{}-{}", &letters[..4], &letters[4..])
}

/// Reads a message that is a code and nothing else, however it is spaced and written. Such a
/// message is kept from the conversation ([`crate::channel::Proof`]).
pub fn read_code(text: &str) -> Option<String> {
    let letters: Vec<u8> = text
        .chars()
        .filter(|letter| !letter.is_whitespace() && !matches!(letter, '-' | '\u{2010}'..='\u{2015}'))
        .map(|letter| u8::try_from(letter.to_ascii_uppercase()).ok())
        .take(PREFIX.len() + CODE_LENGTH + 1)
        .collect::<Option<_>>()?;
    let letters: &[u8; CODE_LENGTH] = letters.strip_prefix(PREFIX.as_bytes())?.try_into().ok()?;
    // A mistyped code is one all the same: it belongs to no conversation either. Words are none:
    // they have no digits, and soon a letter that no code has.
    let mistyped = letters.iter().all(u8::is_ascii_alphanumeric) && letters.iter().any(u8::is_ascii_digit);
    let code = letters.iter().all(|letter| CODE_LETTERS.contains(letter));
    (code || mistyped).then(|| write_code(letters))
}

impl Talk<'_> {
    pub(crate) fn not_enrolled(&mut self) {
        self.say_as(
            SayKind::Notice,
            "That code does not work. A code works once and for ten minutes, and after five tries there is a \
             break of an hour. Please ask whoever gave it to you for a new one.",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed_and_nothing_else_is() {
        let code = write_code(b"7Q2MX9PK");
        assert_eq!(code, "DESK-7Q2M-X9PK");
        for text in ["DESK-7Q2M-X9PK", " desk 7q2m x9pk\n", "Desk7Q2MX9PK", "desk\u{2013}7q2m\u{2013}x9pk"] {
            assert_eq!(read_code(text).as_deref(), Some(&*code), "{text}");
        }
        for text in ["", "desk", "7Q2M-X9PK", "desk 7q2m x9pkk", "my desk is broken", "desk-7q2m-x9p\u{e9}"] {
            assert_eq!(read_code(text), None, "{text}");
        }
        assert_eq!(read_code("desk is broken"), None);
    }
}
