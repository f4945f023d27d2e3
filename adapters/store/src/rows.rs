//! Small helpers for statements on many rows.
//!
//! On SQLite a statement costs some 20 to 50 µs, nearly all of it the way to its thread and back.
//! So statements that follow each other without a question in between are sent as one text;
//! numbered parameters are the same in all of them. Lists come and go as one value of JSON: each row
//! that is fetched, and each statement that ends, wakes whoever waits for them. And a
//! limit is written `LIMIT +$n`: without the plus SQLite looks at its value and plans anew
//! for each.

use crate::plan::Fail;

/// Binary values of many rows as one: SQLite cuts them out again with
/// `substr($blobs, at, len)`. So a list of rows is two parameters of one statement that is
/// prepared once, however long the list.
#[derive(Default)]
pub(crate) struct Blobs(Vec<u8>);

impl Blobs {
    /// Where the value begins, from 1, and its length.
    pub(crate) fn push(&mut self, value: &[u8]) -> (usize, usize) {
        let at = self.0.len() + 1;
        self.0.extend_from_slice(value);
        (at, value.len())
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<String, Fail> {
    serde_json::to_string(value).map_err(|_| Fail::Rows)
}

pub(crate) fn parse<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, Fail> {
    serde_json::from_str(json).map_err(|_| Fail::Rows)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

/// The bytes that SQLite's `hex` wrote; none for an empty text, which is how it writes null.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = text.as_bytes().chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
    bytes.collect::<Option<Vec<u8>>>().filter(|bytes| !bytes.is_empty())
}

/// A limit as the databases take it.
pub(crate) fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
