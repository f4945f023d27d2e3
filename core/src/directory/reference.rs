//! The files that the entries refer to: taxonomy, retired values, bank holidays.

use std::collections::BTreeMap;

use jiff::{ToSpan, civil::Date};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Calendar, Calendars, Need, Retired, Role, Taxonomy, offer::Nation, search::digits};
use crate::content::{Finding, Source};

/// Days before the end of the bank holidays that `check` begins to warn.
const HOLIDAYS_END_SOON: i32 = 60;
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTaxonomy {
    needs: Vec<RawNeed>,
    offer_types: BTreeMap<String, String>,
    roles: Vec<RawRole>,
    #[serde(default)]
    sectors: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNeed {
    id: String,
    words: String,
    #[serde(default)]
    crisis: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRole {
    id: String,
    label: String,
    phrase: String,
    #[serde(default)]
    sector: Option<String>,
}

impl RawTaxonomy {
    pub(super) fn finish(self) -> Taxonomy {
        let needs =
            self.needs.into_iter().map(|need| (need.id, Need { words: need.words, crisis: need.crisis }));
        let roles = self.roles.into_iter().map(|raw| Role {
            id: raw.id,
            label: raw.label,
            phrase: raw.phrase,
            sector: raw.sector,
        });
        Taxonomy {
            needs: needs.collect(),
            offer_types: self.offer_types,
            roles: roles.collect(),
            sectors: self.sectors,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRetired {
    pub(super) retired: Vec<Retired>,
}

impl Retired {
    /// Numbers are compared by their digits, names as words whatever their case; a keyword with
    /// a number only as it is written, since it may be a common word.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let number = digits(&self.value);
        if let Some(with) = &self.with {
            text.contains(&self.value) && digits(text).contains(&digits(with))
        } else if number.len() >= 6 && !self.value.chars().any(char::is_alphabetic) {
            digits(text).contains(&number)
        } else {
            text.to_lowercase().contains(&self.value.to_lowercase())
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHolidays {
    known_from: Date,
    known_until: Spanned<Date>,
    bank_holidays: Vec<RawBankHolidays>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBankHolidays {
    nations: Vec<Nation>,
    days: Vec<Spanned<Date>>,
}

impl RawHolidays {
    pub(super) fn finish(self, source: &Source<'_>, today: Date, findings: &mut Vec<Finding>) -> Calendars {
        let (from, until) = (self.known_from, self.known_until.value);
        if today.checked_add(HOLIDAYS_END_SOON.days()).is_ok_and(|soon| soon > until) {
            findings.push(source.warning(
                &self.known_until,
                format!(
                    "the bank holidays end on {}: add the next years from gov.uk/bank-holidays, then move known_until",
                    until.strftime("%-d %B %Y")
                ),
            ));
        }
        let mut calendars = BTreeMap::new();
        for nation in Nation::ALL {
            let groups = self.bank_holidays.iter().filter(|group| group.nations.contains(&nation));
            let days: Vec<&Spanned<Date>> = groups.flat_map(|group| &group.days).collect();
            for day in days.iter().filter(|day| !(from..=until).contains(&day.value)) {
                let message = format!("{} is outside known_from to known_until", day.value);
                let finding = source.error(*day, message);
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
            }
            if days.is_empty() {
                let message = format!("no bank holidays for {nation:?}: add them");
                findings.push(source.error(&self.known_until, message));
            }
            calendars.insert(nation, Calendar::new(days.into_iter().map(|day| day.value), (from, until)));
        }
        Calendars(calendars)
    }
}
