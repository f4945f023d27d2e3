//! Who would rather not meet: the person names a team or organisation, and its practitioners do
//! not take the conversation.

use crate::{content::plain, engine::Member};

/// Words of a name that tell no organisation from another.
const COMMON: &[&str] = &[
    "the",
    "and",
    "of",
    "at",
    "in",
    "on",
    "for",
    "my",
    "our",
    "own",
    "i",
    "a",
    "an",
    "any",
    "anyone",
    "anybody",
    "from",
    "with",
    "not",
    "no",
    "please",
    "work",
    "team",
    "teams",
    "ward",
    "unit",
    "service",
    "services",
    "department",
    "trust",
    "nhs",
    "foundation",
    "hospital",
    "hospitals",
    "health",
    "healthcare",
    "care",
    "social",
    "council",
    "borough",
    "group",
    "hub",
    "wellbeing",
    "university",
    "london",
    "ltd",
    "limited",
    "board",
    "icb",
    "people",
    "staff",
    "colleagues",
    "who",
    "where",
    "they",
    "is",
    "it",
    "would",
    "rather",
    "talk",
    "to",
    "me",
    "know",
];

/// Whether a practitioner is of the team or organisation that the person would rather not talk to.
/// In doubt they are: somebody else can take the conversation.
pub(super) fn conflicts(avoid: &str, member: &Member) -> bool {
    let Some(organisation) = &member.organisation else { return false };
    let (avoid, organisation) = (plain(avoid), plain(organisation));
    let avoided: Vec<&str> = telling(&avoid);
    let own: Vec<&str> = telling(&organisation);
    let initials: String = organisation.split_whitespace().filter_map(|word| word.chars().next()).collect();
    let short = initials.chars().count() >= 3 && avoided.contains(&initials.as_str());
    let names = |of: &[&str], within: &[&str]| !of.is_empty() && of.iter().all(|word| within.contains(word));
    short || organisation == avoid || names(&own, &avoided) || names(&avoided, &own)
}

fn telling(name: &str) -> Vec<&str> {
    name.split_whitespace().filter(|word| !COMMON.contains(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(organisation: &str) -> Member {
        Member { name: "Bob".into(), organisation: Some(organisation.into()), duty_lead: false }
    }

    #[test]
    fn a_name_is_known_in_the_words_that_people_use() {
        for (avoid, organisation) in [
            ("Barnet hospital please", "Barnet Hospital"),
            ("anyone from barnet", "Barnet, Enfield and Haringey Trust"),
            ("UCLH, I work there", "University College London Hospitals"),
            ("the ambulance service", "Ambulance Service"),
        ] {
            assert!(conflicts(avoid, &of(organisation)), "{avoid} / {organisation}");
        }
        for (avoid, organisation) in [
            ("no, anyone is fine", "Barnet Hospital"),
            ("my own team", "Camden Council"),
            ("the trust", "Camden NHS Trust"),
            ("Barnet", "Camden Council"),
        ] {
            assert!(!conflicts(avoid, &of(organisation)), "{avoid} / {organisation}");
        }
    }
}
