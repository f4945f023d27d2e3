//! The weights as a file that people can read: `safety/learned.weights`.
//!
//! ```text
//! # … what it is and how it is made …
//! examples <SHA-256 of the examples>
//! ear B <unit> <bias> <threshold> <named>
//! …
//! rows <how many follow>
//! <feature><tab><one character an ear>
//! ```
//! The numbers of an ear are those of its [`Gauge`]. A character stands for the root of a weight, in
//! order of the ears: its code less that of `P`. `P` is nothing, `Q` one for, `R` four for and `O` one
//! against.

use std::fmt::Write as _;

use super::{EARS, Ear, Gauge, Learned, Row, features};

/// The character for nothing.
const NOTHING: u8 = b'P';
/// The largest root either way.
pub(super) const MOST: i8 = 46;

const HEAD: &str = "# What words count for and against a route or a kind of danger. Made by `chatbox learn` from\n\
# safety/examples/*.jsonl: change those, never this file.\n";

/// The name of the ear in the file.
fn name(ear: Ear) -> String {
    match ear {
        Ear::Route(route) => format!("{route:?}"),
        Ear::Level(route) => format!("level-{route:?}"),
        Ear::Kind(kind) => kind.as_str().to_owned(),
    }
}

/// The file of these gauges and rows, the rows in order of their features.
pub(super) fn write(digest: &str, gauges: &[Gauge; EARS.len()], rows: &[(String, Row)]) -> String {
    let mut out = HEAD.to_owned();
    let _ = writeln!(out, "examples {digest}");
    for (ear, Gauge { unit, bias, threshold, named }) in EARS.into_iter().zip(gauges) {
        let name = name(ear);
        let _ = writeln!(out, "ear {name} {unit:.9} {bias:.6} {threshold:.6} {named:.6}");
    }
    let _ = writeln!(out, "rows {}", rows.len());
    for (feature, row) in rows {
        out.push_str(feature);
        out.push('\t');
        out.extend(row.0.iter().map(|root| char::from(NOTHING.wrapping_add_signed(*root))));
        out.push('\n');
    }
    out
}

/// Reads a file that [`write`] made, if it is whole. The error is the number of the line and a sentence.
pub(super) fn read(text: &str) -> Result<(Learned, String), (u64, String)> {
    let fault = |line: usize, what: &str| {
        (line as u64 + 1, format!("{what}: make the file anew with `chatbox learn`"))
    };
    let mut learned = Learned::default();
    let mut digest = None;
    let mut promised: Option<usize> = None;
    let mut rows = vec![];
    let mut gauges = EARS.into_iter().zip(&mut learned.gauges);
    for (line, entry) in text.lines().enumerate() {
        if let Some((feature, codes)) = entry.split_once('\t') {
            let row = row(codes).ok_or_else(|| fault(line, "these are no weights"))?;
            rows.push((features::hash(&[feature]), row));
        } else if let Some(hash) = entry.strip_prefix("examples ") {
            digest = Some(hash.to_owned());
        } else if let Some(entry) = entry.strip_prefix("ear ") {
            let written = gauges.next().and_then(|(ear, slot)| {
                *slot = gauge(entry.strip_prefix(name(ear).as_str())?)?;
                Some(())
            });
            written.ok_or_else(|| fault(line, "this is not the ear that should stand here"))?;
        } else if let Some(count) = entry.strip_prefix("rows ") {
            promised = Some(count.parse().map_err(|_| fault(line, "this is no number of rows"))?);
        } else if !entry.starts_with('#') {
            return Err(fault(line, "this line says nothing"));
        }
    }
    let (Some(digest), Some(promised), None) = (digest, promised, gauges.next()) else {
        return Err(fault(0, "the head is not whole"));
    };
    if rows.len() != promised {
        let read = rows.len();
        return Err(fault(0, &format!("the file is not whole, it has {read} rows of {promised}")));
    }
    learned.rows = rows.into_iter().collect();
    Ok((learned, digest))
}

fn row(codes: &str) -> Option<Row> {
    let codes: [u8; EARS.len()] = codes.as_bytes().try_into().ok()?;
    let mut roots = [0; EARS.len()];
    for (root, code) in roots.iter_mut().zip(codes) {
        *root = i8::try_from(i16::from(code) - i16::from(NOTHING)).ok().filter(|root| root.abs() <= MOST)?;
    }
    Some(Row(roots))
}

fn gauge(numbers: &str) -> Option<Gauge> {
    let numbers: Vec<f64> = numbers.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    let [unit, bias, threshold, named] = numbers.try_into().ok()?;
    Some(Gauge { unit, bias, threshold, named })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_are_cut_short_are_refused_by_a_sentence() {
        let rows: Vec<_> = (0..30_i8).map(|at| (format!("word {at}"), Row([at; EARS.len()]))).collect();
        let whole = write("1234", &[Gauge { unit: 0.5, ..Gauge::default() }; EARS.len()], &rows);
        let (learned, digest) = read(&whole).unwrap();
        assert!((0..30).all(|at| learned.rows.get(features::hash(&[&format!("word {at}")])).is_some()));
        assert_eq!(digest, "1234");
        // The end of the last line alone tells nothing.
        for cut in 0..whole.len() - 1 {
            let (_, fault) = read(&whole[..cut]).unwrap_err();
            assert!(fault.ends_with("make the file anew with `chatbox learn`"), "{cut}: {fault}");
        }
        let line = whole.rfind("word 29").unwrap();
        let (_, fault) = read(&whole[..line]).unwrap_err();
        assert!(fault.contains("it has 29 rows of 30"), "{fault}");
    }
}
