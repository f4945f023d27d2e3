//! One offer of the directory. Field names follow Open Referral UK where it has one.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{calendar::Calendar, hours::Hours};

/// Something a person can turn to, as the hub's content describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// Unique in the directory; `a-z0-9-`.
    pub id: String,
    pub name: String,
    pub organization: String,
    pub status: Status,
    /// Ids of the taxonomy.
    pub offer_types: Vec<String>,
    /// One line: what it is.
    pub description: String,
    /// Ids of the taxonomy; the first is what the offer is chiefly for.
    pub needs: Vec<String>,
    /// A match only when all of its needs were mentioned: for what would hurt beside one of them.
    pub together: bool,
    pub contacts: Vec<Contact>,
    /// Opening hours in words, for a person.
    pub hours: String,
    /// Opening hours for the clock.
    pub schedule: Hours,
    /// Who may use it, in words.
    pub eligibility: String,
    /// What it costs, in words; "free" for nothing.
    pub cost: String,
    /// The first is where the offer keeps its bank holidays.
    pub nations: Vec<Nation>,
    /// Roles of the taxonomy; empty for everyone.
    pub audience: Vec<String>,
    /// Areas it is for, home or work; empty for everywhere.
    pub areas: Vec<String>,
    /// Sectors of the taxonomy; empty for all.
    pub sectors: Vec<String>,
    pub minimum_age: Option<u8>,
    pub maximum_age: Option<u8>,
    /// Meant for people in danger or distress; never handed out for anything else.
    pub crisis: bool,
    /// Listens to anyone about anything: what "open now, whatever it is about" chooses from.
    pub listens: bool,
    /// Whether a person can turn to it without being sent by someone.
    pub self_referral: bool,
    /// Whether the employer is not told. None when nobody has checked.
    pub confidential_from_employer: Option<bool>,
    /// After this day the entry must be checked again.
    pub review_by: Date,
    pub assurance: Assurance,
    /// Where it stands in the content.
    pub file: String,
    pub line: u64,
}

/// The country of the United Kingdom that a person is in or an offer serves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nation {
    #[default]
    England,
    Scotland,
    Wales,
    NorthernIreland,
}

impl Nation {
    pub const ALL: [Self; 4] = [Self::England, Self::Scotland, Self::Wales, Self::NorthernIreland];
}

/// Open Referral's `status`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    #[default]
    Active,
    Inactive,
    Defunct,
    #[serde(rename = "temporarily closed")]
    TemporarilyClosed,
}

/// One way to reach an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub kind: ContactKind,
    /// The number, address or words.
    pub value: String,
    /// What to know before using it ("text SHOUT").
    pub detail: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactKind {
    Phone,
    Text,
    Email,
    Web,
    App,
    /// Relay UK and the like.
    Relay,
    /// British Sign Language.
    Bsl,
    InPerson,
    /// Where to look at one's own employer.
    Local,
}

/// Who checked the entry, when, and against what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assurance {
    pub state: AssuranceState,
    #[serde(default)]
    pub assured_date: Option<Date>,
    #[serde(default)]
    pub assurer_email: Option<String>,
    #[serde(default)]
    pub basis: Option<Basis>,
    /// Link to the page the entry was seen on.
    #[serde(default)]
    pub source: Option<String>,
    /// What the next person to check it should look at.
    #[serde(default)]
    pub check: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssuranceState {
    Verified,
    ToBeVerified,
    /// A slot of the local structure that nobody has filled. Never shown.
    Missing,
    /// Known to be out of date. Shown last, with a warning.
    Expired,
    /// Taken out. Never shown.
    Withdrawn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Seen on the page that `source` links.
    Source,
    GeneralKnowledge,
}

impl Offer {
    /// May be shown at all.
    pub fn is_live(&self) -> bool {
        self.status == Status::Active
            && !matches!(self.assurance.state, AssuranceState::Missing | AssuranceState::Withdrawn)
    }

    /// Its details are no longer to be relied on.
    pub fn is_stale(&self, today: Date) -> bool {
        self.review_by < today || self.assurance.state == AssuranceState::Expired
    }

    pub fn is_local(&self) -> bool {
        !self.areas.is_empty()
    }

    /// The calendar its weekly hours are read against: its own nation's and the person's.
    pub(super) fn calendar(&self, calendars: &super::Calendars, person: Nation) -> Calendar {
        let own = self.nations.first().copied().unwrap_or_default();
        if own == person {
            calendars.of(own).clone()
        } else {
            calendars.of(own).clone().and(calendars.of(person))
        }
    }
}
