//! How an offer is shown to a person: a few short lines of plain text.

use jiff::Timestamp;

use super::{
    hours::{Hours, OpenState},
    offer::{Contact, ContactKind, Offer},
    search::Match,
};

impl Match<'_> {
    /// The offer in at most six short lines: name, what it is, how to reach it, hours with
    /// whether it is open, who it is for and what it costs where that matters, and why it is
    /// shown. `now` is the `now` of the search.
    pub fn card(&self, now: Timestamp) -> String {
        let offer = self.offer;
        let mut lines = vec![offer.name.clone(), offer.description.clone(), reach(offer)];
        lines.push(match &self.warning {
            Some(warning) => format!("{}. {warning}", hours(offer, self.open, now)),
            None => format!("{}.", hours(offer, self.open, now)),
        });
        lines.extend(terms(offer));
        lines.push(self.because.clone());
        lines.join("\n")
    }
}

/// "Phone 0800 138 1111 or see www.example.org".
fn reach(offer: &Offer) -> String {
    let ways: Vec<String> = offer.contacts.iter().map(way).collect();
    match ways.as_slice() {
        [] => "Ask us how to reach it.".into(),
        [one] => format!("{one}."),
        [first, middle @ .., last] => {
            let mut most = vec![first.clone()];
            most.extend(middle.iter().map(|way| lower_first(way)));
            format!("{} or {}.", most.join(", "), lower_first(last))
        }
    }
}

/// A whole sentence for the safety wording.
pub(super) fn reach_sentence(offer: &Offer, contact: &Contact) -> String {
    format!("{}: {}", offer.name, lower_first(&way(contact)))
}

fn way(contact: &Contact) -> String {
    let value = contact.value.as_str();
    let link = value.strip_prefix("https://").unwrap_or(value).trim_end_matches('/');
    let detail = contact.detail.as_deref();
    match (contact.kind, detail) {
        (ContactKind::Text, Some(detail)) => format!("{} to {value}", capital(detail)),
        (kind, detail) => {
            let way = match kind {
                ContactKind::Phone => format!("Phone {value}"),
                ContactKind::Text => format!("Text {value}"),
                ContactKind::Email => format!("Email {value}"),
                ContactKind::Web => format!("See {link}"),
                ContactKind::App => format!("App: {value}"),
                ContactKind::Relay => format!("Relay UK {value}"),
                ContactKind::Bsl => format!("Sign language: {value}"),
                ContactKind::InPerson | ContactKind::Local => value.to_owned(),
            };
            detail.map_or(way.clone(), |detail| format!("{way} ({detail})"))
        }
    }
}

fn hours(offer: &Offer, open: OpenState, now: Timestamp) -> String {
    let said = offer.hours.trim_end_matches('.');
    match (&offer.schedule, open) {
        // A page or a form is there whenever one looks: "open now" would promise a person.
        (Hours::Always, OpenState::Open { until: None }) if !answers(offer) => "Online at any time".into(),
        (Hours::Always, OpenState::Open { until: None }) => capital(&open.words(now)),
        (Hours::Weekly(_), OpenState::Unknown) => {
            format!("{said}, but today may be different: please check the hours first")
        }
        (_, OpenState::Unknown) if said.is_empty() => capital(&open.words(now)),
        (Hours::Unknown, _) => format!("{said}: please check the hours first"),
        (_, _) => format!("{said} ({})", open.words(now)),
    }
}

/// Somebody answers, by voice or by text.
pub(super) fn answers(offer: &Offer) -> bool {
    offer.contacts.iter().any(|contact| match contact.kind {
        ContactKind::Phone
        | ContactKind::Text
        | ContactKind::Relay
        | ContactKind::Bsl
        | ContactKind::InPerson => true,
        ContactKind::Email | ContactKind::Web | ContactKind::App | ContactKind::Local => false,
    })
}

/// Cost and eligibility where they are not simply "free" and "anyone".
fn terms(offer: &Offer) -> Option<String> {
    let mut parts = Vec::new();
    if !offer.eligibility.is_empty() && !offer.eligibility.eq_ignore_ascii_case("anyone") {
        parts.push(format!("For: {}", lower_first(offer.eligibility.trim_end_matches('.'))));
    }
    if !offer.cost.is_empty() && !offer.cost.eq_ignore_ascii_case("free") {
        parts.push(format!("Cost: {}", offer.cost.trim_end_matches('.')));
    } else if !parts.is_empty() {
        parts.push("Free".into());
    }
    if offer.confidential_from_employer == Some(true) {
        parts.push("Your employer is not told".into());
    }
    if !offer.self_referral {
        parts.push("Someone has to refer you".into());
    }
    (!parts.is_empty()).then(|| format!("{}.", parts.join(". ")))
}

pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// "Phone 116 123" as "phone 116 123"; "NHS staff" stays.
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return String::new() };
    let word_goes_on_in_capitals = chars.clone().next().is_some_and(char::is_uppercase);
    if word_goes_on_in_capitals { text.to_owned() } else { first.to_lowercase().chain(chars).collect() }
}
