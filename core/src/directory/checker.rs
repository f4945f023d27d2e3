//! What is wrong with an entry of the directory, and what to do about it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_saphyr::Spanned;

use super::{
    Directory,
    entry::{RawContact, RawFile, RawOffer},
    load::EXPIRED_CRISIS,
    offer::{AssuranceState, ContactKind, Offer, Status},
    search::{EVERYONE, digits},
};
use crate::content::{Finding, Severity, Source};

/// Longest text of one field, so that a card stays short.
const LONGEST_TEXT: usize = 160;

/// Checks the entries of one file.
pub(super) struct Checker<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) directory: &'a Directory,
    pub(super) today: Date,
}

impl Checker<'_> {
    /// The usable offers of the file; `places` maps ids to where they stand.
    pub(super) fn file(
        &self,
        file: RawFile,
        places: &mut BTreeMap<String, String>,
        findings: &mut Vec<Finding>,
    ) -> Vec<Offer> {
        let mut offers = Vec::new();
        let (mut unverified, mut missing) = (Vec::new(), Vec::new());
        for raw in file.offers {
            match raw.assurance.value.state {
                AssuranceState::ToBeVerified => unverified.push(raw.id.clone()),
                AssuranceState::Missing if raw.required => missing.push(raw.id.clone()),
                AssuranceState::Missing
                | AssuranceState::Verified
                | AssuranceState::Expired
                | AssuranceState::Withdrawn => {}
            }
            let mut found = self.offer(&raw, places);
            let broken = found.iter().any(|finding| {
                finding.severity == Severity::Error && !finding.message.contains(EXPIRED_CRISIS)
            });
            findings.append(&mut found);
            if !broken {
                offers.push(raw.finish(self.source.file, file.area.as_deref()));
            }
        }
        if let Some(first) = unverified.first() {
            let message = format!(
                "to be verified: {}. Check each against its own page, then set assurance.state to verified, \
                 with assured_date and assurer_email",
                listed(&unverified)
            );
            findings.push(self.source.warning(first, message));
        }
        if let Some(first) = missing.first() {
            let message = format!(
                "required and not filled in yet: {}. Add contacts, hours and eligibility, then set \
                 assurance.state to to_be_verified",
                listed(&missing)
            );
            findings.push(self.source.warning(first, message));
        }
        offers
    }

    fn offer(&self, raw: &RawOffer, places: &mut BTreeMap<String, String>) -> Vec<Finding> {
        let mut found = Vec::new();
        self.identity(raw, places, &mut found);
        self.terms(raw, &mut found);
        self.texts(raw, &mut found);
        for contact in &raw.contacts.value {
            self.contact(contact, &mut found);
        }
        let state = raw.assurance.value.state;
        if raw.contacts.value.is_empty() && state != AssuranceState::Missing {
            found.push(self.source.error(
                &raw.contacts,
                "an offer needs a way to reach it: add contacts, or set assurance.state to missing",
            ));
        }
        self.dates(raw, &mut found);
        found
    }

    fn identity(&self, raw: &RawOffer, places: &mut BTreeMap<String, String>, found: &mut Vec<Finding>) {
        let id = &raw.id.value;
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            found.push(
                self.source
                    .error(&raw.id, format!("\"{id}\" is not an id: use small letters, digits and hyphens")),
            );
        }
        let here = format!("{}:{}", self.source.file, raw.id.referenced.line());
        if let Some(place) = places.get(id) {
            found.push(
                self.source.error(&raw.id, format!("the id \"{id}\" is taken at {place}: choose another")),
            );
        } else {
            places.insert(id.clone(), here);
        }
    }

    /// Needs, offer types, roles, sectors and nations.
    fn terms(&self, raw: &RawOffer, found: &mut Vec<Finding>) {
        let words = &self.directory.taxonomy;
        if raw.needs.value.is_empty() {
            found.push(self.source.error(&raw.needs, "name at least one need, the chief one first"));
        }
        let mut known = |what: &str, named: &[Spanned<String>], ids: &[&str]| {
            for id in named.iter().filter(|id| !ids.contains(&id.value.as_str())) {
                let nearest =
                    nearest(&id.value, ids).map_or(String::new(), |id| format!("; did you mean {id}?"));
                found.push(
                    self.source.error(id, format!("taxonomy.yaml knows no {what} \"{}\"{nearest}", id.value)),
                );
            }
        };
        let needs: Vec<&str> = words.needs.keys().map(String::as_str).collect();
        known("need", &raw.needs.value, &needs);
        let types: Vec<&str> = words.offer_types.keys().map(String::as_str).collect();
        known("offer type", &raw.offer_types, &types);
        let roles = words.roles.iter().map(|role| role.id.as_str()).chain([EVERYONE]).collect::<Vec<_>>();
        known("role", &raw.audience, &roles);
        let sectors: Vec<&str> = words.sectors.keys().map(String::as_str).collect();
        known("sector", &raw.sectors, &sectors);
        if raw.nations.is_empty() {
            found.push(
                self.source
                    .error(&raw.id, "name at least one nation: england, scotland, wales, northern_ireland"),
            );
        }
    }

    /// No retired value in any text, and no text too long for a card.
    fn texts(&self, raw: &RawOffer, found: &mut Vec<Finding>) {
        let shown = [&raw.name, &raw.organization, &raw.description];
        let optional = [&raw.hours, &raw.eligibility, &raw.cost];
        for text in shown.into_iter().chain(optional.into_iter().flatten()) {
            self.retired(text, &text.value, found);
            if text.value.chars().count() > LONGEST_TEXT {
                found.push(
                    self.source.warning(text, format!("longer than {LONGEST_TEXT} characters: shorten it")),
                );
            }
        }
    }

    fn contact(&self, contact: &RawContact, found: &mut Vec<Finding>) {
        let detail = contact.detail.as_ref().map_or("", |detail| detail.value.as_str());
        self.retired(&contact.value, &format!("{} {detail}", contact.value.value), found);
        let value = contact.value.value.trim();
        let fault = match contact.kind {
            ContactKind::Phone | ContactKind::Relay if !plausible_phone(value) => {
                Some("is not a British phone number: check the digits")
            }
            ContactKind::Text if !plausible_phone(value) && !short_code(value) => Some(
                "is not a number to text: write five digits or a phone number, and the keyword in `detail`",
            ),
            ContactKind::Email if !plausible_email(value) => Some("is not an email address"),
            ContactKind::Web if !value.starts_with("https://") || value.contains(' ') => {
                Some("is not a web address: begin with https://")
            }
            _ if value.is_empty() => Some("is empty: say how to reach it"),
            ContactKind::Phone
            | ContactKind::Relay
            | ContactKind::Text
            | ContactKind::Email
            | ContactKind::Web
            | ContactKind::App
            | ContactKind::Bsl
            | ContactKind::InPerson
            | ContactKind::Local => None,
        };
        if let Some(fault) = fault {
            found.push(self.source.error(&contact.value, format!("\"{value}\" {fault}")));
        }
        let digits = digits(value);
        if contact.kind == ContactKind::Phone
            && ["084", "087", "09"].iter().any(|dear| digits.starts_with(dear))
        {
            found.push(
                self.source.warning(&contact.value, format!("calls to {value} cost extra: say so in `cost`")),
            );
        }
    }

    fn retired<T>(&self, at: &Spanned<T>, text: &str, found: &mut Vec<Finding>) {
        if let Some(retired) = self.directory.retired_in(text) {
            let message = format!("\"{}\" is retired ({}): {}", retired.value, retired.was, retired.instead);
            found.push(self.source.error(at, message));
        }
    }

    fn dates(&self, raw: &RawOffer, found: &mut Vec<Finding>) {
        let (assurance, id) = (&raw.assurance.value, &raw.id.value);
        let shown = !matches!(assurance.state, AssuranceState::Missing | AssuranceState::Withdrawn)
            && raw.status == Status::Active;
        match &raw.review_by {
            None if assurance.state != AssuranceState::Missing => found.push(self.source.error(
                &raw.id,
                format!("{id} has no review_by: add the day by which someone checks it again"),
            )),
            Some(by) if shown && by.value < self.today => {
                let by_words = by.value.strftime("%-d %B %Y");
                found.push(if raw.crisis {
                    self.source.error(
                        by,
                        format!("{EXPIRED_CRISIS}: {id} was to be reviewed by {by_words}. Check it and set a new date"),
                    )
                } else {
                    self.source.warning(
                        by,
                        format!("{id} was to be reviewed by {by_words}: check it and set a new date"),
                    )
                });
            }
            None | Some(_) => {}
        }
        if assurance.state == AssuranceState::Expired && shown {
            found.push(if raw.crisis {
                self.source
                    .error(&raw.assurance, format!("{EXPIRED_CRISIS}: {id} is marked expired. Check it"))
            } else {
                self.source
                    .warning(&raw.assurance, format!("{id} is marked expired: check it or withdraw it"))
            });
        }
        if assurance.state == AssuranceState::Verified
            && (assurance.assured_date.is_none() || assurance.assurer_email.is_none())
        {
            found.push(self.source.error(
                &raw.assurance,
                format!("{id} is verified by nobody: add assured_date and assurer_email"),
            ));
        }
        if assurance.assured_date.is_some_and(|date| date > self.today) {
            found.push(
                self.source.warning(&raw.assurance, format!("the assured_date of {id} lies in the future")),
            );
        }
    }
}

/// 999, 111, 101, 116 xxx, 18001 before any of them, or a British number of ten or eleven digits.
fn plausible_phone(value: &str) -> bool {
    if !value.chars().all(|c| c.is_ascii_digit() || " +()-".contains(c)) {
        return false;
    }
    let all = digits(value);
    let number = all.strip_prefix("18001").filter(|rest| !rest.is_empty()).unwrap_or(&all);
    let number = match number.strip_prefix("44") {
        Some(rest) if value.trim_start().starts_with('+') => format!("0{}", rest.trim_start_matches('0')),
        _ => number.to_owned(),
    };
    match number.len() {
        3 => ["999", "111", "101", "112", "119"].contains(&number.as_str()),
        6 => number.starts_with("116"),
        8 => number == "08001111",
        10 | 11 => {
            number.starts_with('0')
                && !number.starts_with("00")
                && !number.starts_with("04")
                && !number.starts_with("06")
        }
        _ => false,
    }
}

/// Five digits that take texts.
fn short_code(value: &str) -> bool {
    value.len() == 5 && value.bytes().all(|b| b.is_ascii_digit())
}

fn plausible_email(value: &str) -> bool {
    value.split_once('@').is_some_and(|(who, host)| {
        !who.is_empty() && host.contains('.') && !value.contains(' ') && !host.starts_with('.')
    })
}

fn nearest<'a>(found: &str, ids: &[&'a str]) -> Option<&'a str> {
    let best =
        ids.iter().map(|id| (strsim::jaro_winkler(found, id), *id)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.8).then_some(best.1)
}

fn listed(ids: &[Spanned<String>]) -> String {
    ids.iter().map(|id| id.value.as_str()).collect::<Vec<_>>().join(", ")
}
