//! The ladder. A route says what to do next; it is never a risk level.

use serde::{Deserialize, Serialize};

/// The next action a message asks for, gentlest first, so that `max` of two routes is the
/// one to act on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Route {
    /// No signal: go on.
    #[default]
    A,
    /// Check in: ambiguous, hopeless, trapped, an old attempt with no current sign.
    B,
    /// Thoughts: a wish to be dead, thoughts, recent self-harm.
    C,
    /// A plan or means: method, intent, preparation, means to hand.
    D,
    /// Happening now.
    E,
}

impl Route {
    /// One step up, and at least to C: where an answer leads that makes things worse.
    pub(crate) fn up(self) -> Self {
        match self {
            Self::A | Self::B => Self::C,
            Self::C => Self::D,
            Self::D | Self::E => Self::E,
        }
    }
}

/// What the danger is. One message may have several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Suicide,
    SelfHarm,
    HarmToOthers,
    Abuse,
    SexualViolence,
    Stalking,
    Safeguarding,
    #[serde(rename = "under_18")]
    Under18,
    Medical,
    FitnessToPractise,
    PatientSafety,
    /// Somebody else is meant: goes with the kind of their danger.
    ThirdParty,
}

impl Kind {
    /// The name as it stands in content.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suicide => "suicide",
            Self::SelfHarm => "self_harm",
            Self::HarmToOthers => "harm_to_others",
            Self::Abuse => "abuse",
            Self::SexualViolence => "sexual_violence",
            Self::Stalking => "stalking",
            Self::Safeguarding => "safeguarding",
            Self::Under18 => "under_18",
            Self::Medical => "medical",
            Self::FitnessToPractise => "fitness_to_practise",
            Self::PatientSafety => "patient_safety",
            Self::ThirdParty => "third_party",
        }
    }
}
