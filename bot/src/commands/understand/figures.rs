//! Counting: shares with their intervals, precision and recall.

use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// So many of so many. Shown with the 95 % interval of Wilson, which holds for few lines too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) part: u32,
    pub(super) all: u32,
}

impl Share {
    pub(super) fn count(&mut self, hit: bool) {
        self.part += u32::from(hit);
        self.all += 1;
    }

    /// In percent; `None` of nothing.
    pub(super) fn percent(self) -> Option<f64> {
        (self.all > 0).then(|| 100.0 * f64::from(self.part) / f64::from(self.all))
    }

    /// Lower and upper end in percent.
    pub(super) fn interval(self) -> Option<(f64, f64)> {
        const Z: f64 = 1.959_964;
        if self.all == 0 {
            return None;
        }
        let n = f64::from(self.all);
        let p = f64::from(self.part) / n;
        let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        Some((100.0 * (middle - half).max(0.0), 100.0 * (middle + half).min(1.0)))
    }

    /// "87.5 % (80.1 to 92.4), 105 of 120"; "-" of nothing.
    pub(super) fn in_words(self) -> String {
        match (self.percent(), self.interval()) {
            (Some(percent), Some((low, high))) => {
                format!("{percent:5.1} % ({low:.1} to {high:.1}), {} of {}", self.part, self.all)
            }
            _ => "-".to_owned(),
        }
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tenth = |value: f64| (value * 10.0).round() / 10.0;
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("part", &self.part)?;
        map.serialize_entry("all", &self.all)?;
        map.serialize_entry("percent", &self.percent().map(tenth))?;
        map.serialize_entry("interval", &self.interval().map(|(low, high)| [tenth(low), tenth(high)]))?;
        map.end()
    }
}

/// How much of what was found is right, and how much of what is right was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Found {
    pub(super) precision: Share,
    pub(super) recall: Share,
}

impl Found {
    /// One thing that may be found and may be wanted.
    pub(super) fn count(&mut self, found: bool, wanted: bool) {
        if found {
            self.precision.count(wanted);
        }
        if wanted {
            self.recall.count(found);
        }
    }
}
