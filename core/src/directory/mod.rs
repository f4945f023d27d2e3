//! The directory: what a person can turn to, when it is open, and which of it fits.
//!
//! [`Directory::load`] reads the files of `config/content/directory`; [`Directory::search`] gives
//! at most [`MAX_MATCHES`] offers with a reason each, and apart from them one line that is open
//! now whatever it is about. Nothing here reads a clock: `now` is an argument.
//!
//! Files, told apart by name: `taxonomy.yaml` (needs, offer types, roles, sectors),
//! `retired.yaml` (what must never be shown), `holidays.yaml`, `local/*.yaml` (one area or
//! employer each), and every other file a list of offers.

mod calendar;
mod card;
mod checker;
mod entry;
mod hours;
mod lines;
mod load;
mod offer;
mod reference;
mod search;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};
use serde::Deserialize;

pub use calendar::{Calendar, DayKind, london, london_day};
pub(crate) use card::capital;
pub use hours::{BadHours, Clock, Hours, LOOK_AHEAD_DAYS, OpenState, Span};
pub use lines::{Line, LineKind, crisis_lines};
pub use load::EXPIRED_CRISIS;
pub use offer::{Assurance, AssuranceState, Basis, Contact, ContactKind, Nation, Offer, Status};
pub use search::{Field, MAX_MATCHES, Match, Query, Shortlist};
pub use words::{clock, until, when};

use crate::content::{Finding, plain};

/// Everything the hub's content says about support outside this chat.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// In the order of the files and of the entries in them.
    offers: Vec<Offer>,
    taxonomy: Taxonomy,
    retired: Vec<Retired>,
    calendars: Calendars,
}

/// The words the entries are sorted by.
#[derive(Debug, Clone, Default)]
pub struct Taxonomy {
    pub needs: BTreeMap<String, Need>,
    /// Id and plain label.
    pub offer_types: BTreeMap<String, String>,
    /// In the order of the file, which is the order to offer them in.
    pub roles: Vec<Role>,
    /// Id and plain label.
    pub sectors: BTreeMap<String, String>,
}

/// A need of the taxonomy: what somebody looks for help with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// How it is said back to the person: "money worries".
    pub words: String,
    /// Crisis offers may be a match for it.
    pub crisis: bool,
}

/// What somebody works as, by which some offers are theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub id: String,
    /// "Doctor".
    pub label: String,
    /// "a doctor", for "If you are a doctor".
    pub phrase: String,
    /// The sector that people in this role work in, where it is always the same.
    pub sector: Option<String>,
}

/// A number or name that must not be shown any more.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retired {
    pub value: String,
    /// Only together with this number: a keyword that a text line no longer takes.
    #[serde(default)]
    pub with: Option<String>,
    pub was: String,
    /// What to show instead.
    pub instead: String,
}

/// The bank holidays of each nation.
#[derive(Debug, Clone, Default)]
pub struct Calendars(BTreeMap<Nation, Calendar>);

/// What `/readyz` and the desk are told about; never a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    pub offers: usize,
    /// Ids, in directory order.
    pub unverified: Vec<String>,
    pub expired: Vec<String>,
    pub expired_crisis: Vec<String>,
    /// Required slots that nobody has filled.
    pub missing: Vec<String>,
}

impl Calendars {
    /// The bank holidays of one nation; add the hub's closed days with [`Calendar::for_hub`].
    pub fn of(&self, nation: Nation) -> &Calendar {
        static EMPTY: std::sync::LazyLock<Calendar> = std::sync::LazyLock::new(Calendar::default);
        self.0.get(&nation).unwrap_or(&EMPTY)
    }
}

impl Directory {
    /// Reads the files `(path, text)` of the directory. Whatever is wrong with them goes into
    /// `findings`; what is left of an entry that cannot be used is left out.
    pub fn load(files: &[(&str, &str)], today: Date, findings: &mut Vec<Finding>) -> Self {
        load::load(files, today, findings)
    }

    /// At most three offers that fit, with the reason for each; a line open now; or a gap.
    /// The same query gives the same answer.
    pub fn search(&self, query: &Query<'_>) -> Shortlist<'_> {
        search::search(self, query)
    }

    /// Whether knowing the area or the role could change the offers shown. False when it is
    /// known already.
    pub fn changes_answer(&self, query: &Query<'_>, field: Field) -> bool {
        search::changes_answer(self, query, field)
    }

    /// The offer of that id, shown or not.
    pub fn offer(&self, id: &str) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.id == id)
    }

    /// How many offers have a word, in lower case, in their names.
    pub fn offers_named(&self, word: &str) -> usize {
        let word = format!(" {word} ");
        self.offers.iter().filter(|offer| plain(&offer.name).contains(&word)).count()
    }

    /// Every offer, also those never shown, in directory order.
    pub fn offers(&self) -> impl Iterator<Item = &Offer> {
        self.offers.iter()
    }

    /// Areas that at least one shown offer names, as written there, in alphabetical order.
    pub fn areas(&self) -> BTreeSet<&str> {
        let live = self.offers.iter().filter(|offer| offer.is_live());
        live.flat_map(|offer| offer.areas.iter().map(String::as_str)).collect()
    }

    pub fn taxonomy(&self) -> &Taxonomy {
        &self.taxonomy
    }

    pub fn calendars(&self) -> &Calendars {
        &self.calendars
    }

    /// The lines for the safety wording: the built-in ones first, then those of the nation that
    /// the content marks as crisis lines for everyone, verified, in date, and open at `now`.
    /// Never fewer than [`crisis_lines`].
    pub fn lines(&self, nation: Nation, now: Timestamp) -> Vec<Line> {
        search::lines(self, nation, now)
    }

    /// What a retired value is found in `text`, if any: for wording and dialogues too.
    pub fn retired_in(&self, text: &str) -> Option<&Retired> {
        self.retired.iter().find(|retired| retired.is_in(text))
    }

    /// What someone at the hub should look at.
    pub fn health(&self, today: Date) -> Health {
        let ids = |wanted: &dyn Fn(&Offer) -> bool| -> Vec<String> {
            self.offers.iter().filter(|offer| wanted(offer)).map(|offer| offer.id.clone()).collect()
        };
        Health {
            offers: self.offers.iter().filter(|offer| offer.is_live()).count(),
            unverified: ids(&|o| o.is_live() && o.assurance.state == AssuranceState::ToBeVerified),
            expired: ids(&|o| o.is_live() && o.is_stale(today)),
            expired_crisis: ids(&|o| o.is_live() && o.crisis && o.is_stale(today)),
            missing: ids(&|o| o.assurance.state == AssuranceState::Missing),
        }
    }
}
