//! The weights as a file that people can read: `safety/learned.weights`.
//!
//! ```text
//! # … what it is and how it is made …
//! examples <SHA-256 of the examples>
//! ear B <unit> <bias> <threshold> <named>
//! …
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
    for (feature, row) in rows {
        out.push_str(feature);
        out.push('\t');
        out.extend(row.0.iter().map(|root| char::from(NOTHING.wrapping_add_signed(*root))));
        out.push('\n');
    }
    out
}

/// Reads a file that [`write`] made. The error is the number of the line and a sentence.
pub(super) fn read(text: &str) -> Result<(Learned, String), (u64, String)> {
    let fault = |line: usize, what: &str| {
        (line as u64 + 1, format!("{what}: make the file anew with `chatbox learn`"))
    };
    let mut learned = Learned::default();
    let mut digest = None;
    let mut gauges = EARS.into_iter().zip(&mut learned.gauges);
    for (line, entry) in text.lines().enumerate() {
        if let Some((feature, codes)) = entry.split_once('\t') {
            let row = row(codes).ok_or_else(|| fault(line, "these are no weights"))?;
            learned.rows.insert(features::hash(&[feature]), row);
        } else if let Some(hash) = entry.strip_prefix("examples ") {
            digest = Some(hash.to_owned());
        } else if let Some(entry) = entry.strip_prefix("ear ") {
            let written = gauges.next().and_then(|(ear, slot)| {
                *slot = gauge(entry.strip_prefix(name(ear).as_str())?)?;
                Some(())
            });
            written.ok_or_else(|| fault(line, "this is not the ear that should stand here"))?;
        } else if !entry.starts_with('#') {
            return Err(fault(line, "this line says nothing"));
        }
    }
    let whole = gauges.next().is_none();
    match digest {
        Some(digest) if whole => Ok((learned, digest)),
        Some(_) | None => Err(fault(0, "the head is not whole")),
    }
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
