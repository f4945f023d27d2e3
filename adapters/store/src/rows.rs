//! Small helpers for statements on many rows.

use crate::plan::Fail;

/// Rows of one statement at most. A power of two.
const MOST: usize = 32;

/// Cuts rows into pieces whose lengths are powers of two, so that a handful of statements,
/// prepared once, serve every number of rows.
pub(crate) fn chunks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = match rows.len() {
            0 => return None,
            n if n >= MOST => MOST,
            n => 1 << n.ilog2(),
        };
        let (chunk, rest) = rows.split_at(size);
        rows = rest;
        Some(chunk)
    })
}

pub(crate) fn values(head: &str, row: &str, count: usize, tail: &str) -> String {
    let mut sql = String::with_capacity(head.len() + (row.len() + 1) * count + tail.len());
    sql.push_str(head);
    for nth in 0..count {
        if nth > 0 {
            sql.push(',');
        }
        sql.push_str(row);
    }
    sql.push_str(tail);
    sql
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

#[cfg(test)]
mod tests {
    #[test]
    fn chunks_keep_every_row_in_order() {
        for len in 0..200 {
            let rows: Vec<usize> = (0..len).collect();
            let back: Vec<usize> = super::chunks(&rows).flatten().copied().collect();
            assert_eq!(back, rows);
            assert!(super::chunks(&rows).all(|chunk| chunk.len().is_power_of_two() && chunk.len() <= 32));
        }
    }
}
