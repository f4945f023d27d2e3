//! Small helpers for statements on many rows.
//!
//! On SQLite a statement costs some 20 to 50 µs, nearly all of it the way to its thread and back.
//! So statements that follow each other without a question in between are sent as one text;
//! numbered parameters are the same in all of them. Lists come and go as one value of JSON. And a
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

/// A limit as the databases take it.
pub(crate) fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
