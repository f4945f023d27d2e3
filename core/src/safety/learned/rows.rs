//! The rows of weights, by the hash of their feature, in little memory.

use super::Row;

/// The first bits of a hash, which tell its drawer.
const DRAWER_BITS: u32 = 16;

/// A map that is made once: half the memory of a hash map, and as fast.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// In order.
    hashes: Vec<u64>,
    /// Those of the hashes, in the same order.
    rows: Vec<Row>,
    /// Where the hashes of each drawer begin, and at last where they all end.
    drawers: Vec<u32>,
}

impl Rows {
    pub(super) fn get(&self, hash: u64) -> Option<&Row> {
        let drawer = drawer(hash);
        let begin = *self.drawers.get(drawer)? as usize;
        let end = *self.drawers.get(drawer + 1)? as usize;
        let at = self.hashes[begin..end].iter().position(|known| *known == hash)?;
        self.rows.get(begin + at)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

impl FromIterator<(u64, Row)> for Rows {
    /// The last of several rows of one hash stays.
    fn from_iter<I: IntoIterator<Item = (u64, Row)>>(rows: I) -> Self {
        let mut rows: Vec<(u64, Row)> = rows.into_iter().collect();
        rows.reverse();
        rows.sort_by_key(|(hash, _)| *hash);
        rows.dedup_by_key(|(hash, _)| *hash);
        let mut drawers = Vec::with_capacity((1 << DRAWER_BITS) + 1);
        for (at, (hash, _)) in (0_u32..).zip(&rows) {
            while drawers.len() <= drawer(*hash) {
                drawers.push(at);
            }
        }
        let end = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        drawers.resize((1 << DRAWER_BITS) + 1, end);
        let (hashes, rows) = rows.into_iter().unzip();
        Self { hashes, rows, drawers }
    }
}

fn drawer(hash: u64) -> usize {
    usize::try_from(hash >> (u64::BITS - DRAWER_BITS)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safety::learned::{EARS, features};

    #[test]
    fn every_row_is_found_by_its_hash_and_no_other() {
        let hash = |number: i32| features::hash(&[&number.to_string()]);
        let row = |number: i32| Row([i8::try_from(number % 40).unwrap(); EARS.len()]);
        let ends = [(0, row(1)), (u64::MAX, row(2))];
        let rows: Rows = (0..200_000).map(|number| (hash(number), row(number))).chain(ends).collect();
        for number in 0..200_000 {
            assert_eq!(rows.get(hash(number)).map(|row| row.0), Some(row(number).0), "{number}");
        }
        assert_eq!(rows.get(0).map(|row| row.0), Some(row(1).0));
        assert_eq!(rows.get(u64::MAX).map(|row| row.0), Some(row(2).0));
        assert!((200_000..300_000).all(|number| rows.get(hash(number)).is_none()));
        assert!(Rows::default().get(7).is_none() && Rows::from_iter([]).get(7).is_none());
    }
}
