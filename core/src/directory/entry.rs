//! One file of offers as it is written, and what becomes of an entry.

use jiff::civil::Date;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{
    hours::Hours,
    offer::{Assurance, Contact, ContactKind, Nation, Offer, Status},
};

/// One file of offers: national ones, or one area or employer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    /// In `local/`: the area of every entry that names none itself.
    #[serde(default)]
    pub(super) area: Option<String>,
    pub(super) offers: Vec<RawOffer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOffer {
    pub(super) id: Spanned<String>,
    pub(super) name: Spanned<String>,
    pub(super) organization: Spanned<String>,
    #[serde(default)]
    pub(super) status: Status,
    pub(super) offer_types: Vec<Spanned<String>>,
    pub(super) description: Spanned<String>,
    pub(super) needs: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(super) together: bool,
    pub(super) contacts: Spanned<Vec<RawContact>>,
    #[serde(default)]
    pub(super) hours: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) schedule: Hours,
    #[serde(default)]
    pub(super) eligibility: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) cost: Option<Spanned<String>>,
    pub(super) nations: Vec<Nation>,
    #[serde(default)]
    pub(super) audience: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) areas: Vec<String>,
    #[serde(default)]
    pub(super) sectors: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) minimum_age: Option<u8>,
    #[serde(default)]
    pub(super) maximum_age: Option<u8>,
    pub(super) crisis: bool,
    #[serde(default)]
    pub(super) listens: bool,
    #[serde(default = "yes")]
    pub(super) self_referral: bool,
    #[serde(default)]
    pub(super) confidential_from_employer: Option<bool>,
    /// A slot of the local structure that the hub must fill before release.
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default)]
    pub(super) review_by: Option<Spanned<Date>>,
    pub(super) assurance: Spanned<Assurance>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawContact {
    #[serde(rename = "type")]
    pub(super) kind: ContactKind,
    pub(super) value: Spanned<String>,
    #[serde(default)]
    pub(super) detail: Option<Spanned<String>>,
}

fn yes() -> bool {
    true
}

impl RawOffer {
    /// The offer, of a file whose entries are of `area` where they name none themselves.
    pub(super) fn finish(self, file: &str, area: Option<&str>) -> Offer {
        let plain =
            |items: Vec<Spanned<String>>| items.into_iter().map(|item| item.value).collect::<Vec<_>>();
        let text = |item: Option<Spanned<String>>| item.map_or_else(String::new, |item| item.value);
        let contacts = self.contacts.value.into_iter().map(|contact| Contact {
            kind: contact.kind,
            value: contact.value.value,
            detail: contact.detail.map(|detail| detail.value),
        });
        Offer {
            line: self.id.referenced.line(),
            id: self.id.value,
            name: self.name.value,
            organization: self.organization.value,
            status: self.status,
            offer_types: plain(self.offer_types),
            description: self.description.value,
            needs: plain(self.needs.value),
            together: self.together,
            contacts: contacts.collect(),
            hours: text(self.hours),
            schedule: self.schedule,
            eligibility: text(self.eligibility),
            cost: text(self.cost),
            nations: self.nations,
            audience: plain(self.audience),
            areas: if self.areas.is_empty() {
                area.map(str::to_owned).into_iter().collect()
            } else {
                self.areas
            },
            sectors: plain(self.sectors),
            minimum_age: self.minimum_age,
            maximum_age: self.maximum_age,
            crisis: self.crisis,
            listens: self.listens,
            self_referral: self.self_referral,
            confidential_from_employer: self.confidential_from_employer,
            // Only a slot that is never shown may leave it out.
            review_by: self.review_by.map_or(Date::MIN, |by| by.value),
            assurance: self.assurance.value,
            file: file.to_owned(),
        }
    }
}
