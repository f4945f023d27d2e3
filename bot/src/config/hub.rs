//! Section `hub`.

use chatbox_core::{
    directory::{Hours, Nation},
    engine,
};
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{de, limits::Limits, retention::Retention, targets::Targets};

/// The deployer's own facts. The defaults name no real hub.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hub {
    #[serde(deserialize_with = "de::word")]
    pub name: String,
    #[serde(deserialize_with = "de::text")]
    pub phone: Option<String>,
    #[serde(deserialize_with = "de::text")]
    pub email: Option<String>,
    #[serde(deserialize_with = "de::text")]
    pub web: Option<String>,
    #[serde(deserialize_with = "de::list")]
    pub areas: Vec<String>,
    #[serde(deserialize_with = "nation")]
    pub nation: Nation,
    /// In UK time.
    #[serde(deserialize_with = "hours")]
    pub hours: Hours,
    #[serde(deserialize_with = "de::dates")]
    pub closed_days: Vec<Date>,
    #[serde(deserialize_with = "de::word")]
    pub confidentiality: String,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            name: EXAMPLE_NAME.into(),
            phone: None,
            email: None,
            web: None,
            areas: Vec::new(),
            nation: Nation::England,
            hours: office_hours(),
            closed_days: Vec::new(),
            confidentiality: "Your employer and manager cannot see this chat. Our practitioners can. We only \
                              tell someone else if we think you or another person may be seriously harmed, or \
                              the law says we must. We will try to talk to you first."
                .into(),
        }
    }
}

/// The name that stands there until a deployer sets one.
pub const EXAMPLE_NAME: &str = "the staff wellbeing hub";

impl Hub {
    /// As the engine takes it.
    pub fn for_engine(&self, retention: &Retention, limits: &Limits, targets: &Targets) -> engine::Hub {
        engine::Hub {
            name: self.name.clone(),
            phone: self.phone.clone(),
            email: self.email.clone(),
            web: self.web.clone(),
            areas: self.areas.clone(),
            nation: self.nation,
            hours: self.hours.clone(),
            closed_days: self.closed_days.clone(),
            confidentiality: self.confidentiality.clone(),
            chat_days: retention.chat_days,
            person_per_minute: limits.person_per_minute,
            targets: engine::Targets { b: targets.b, c: targets.c, d: targets.d, e: targets.e },
        }
    }

    /// Nobody has set up a hub: what is shown is an example.
    pub fn is_example(&self) -> bool {
        self.name == EXAMPLE_NAME
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        if self.is_example() {
            vec!["hub.name is not set: people see the name of an example.".into()]
        } else {
            Vec::new()
        }
    }
}

/// Monday to Friday, 9 to 5.
fn office_hours() -> Hours {
    OFFICE_HOURS.parse().unwrap_or(Hours::Unknown)
}

const OFFICE_HOURS: &str = "Mon-Fri 09:00-17:00";

fn hours<'de, D: Deserializer<'de>>(from: D) -> Result<Hours, D::Error> {
    de::word(from)?.parse().map_err(|_| {
        D::Error::custom(format!("must be opening hours such as \"{OFFICE_HOURS}\" or \"always\""))
    })
}

fn nation<'de, D: Deserializer<'de>>(from: D) -> Result<Nation, D::Error> {
    match de::word(from)?.as_str() {
        "england" => Ok(Nation::England),
        "wales" => Ok(Nation::Wales),
        "scotland" => Ok(Nation::Scotland),
        "northern_ireland" => Ok(Nation::NorthernIreland),
        _ => Err(D::Error::custom("must be one of england, wales, scotland, northern_ireland")),
    }
}
