//! Words that the content knows, written out as people would say them, and names of places.

use std::collections::BTreeSet;

use serde_json::Value;

/// What is said of a form, and is no false alarm where it is heard as danger.
const NOT_CALM: [&str; 3] = ["bleeding", "this is fucking hopeless", "i dont want to carry on with this"];

/// Words of the understanding content.
#[derive(Default)]
pub(crate) struct Words {
    pub(crate) roles: Vec<String>,
    pub(crate) places: Vec<String>,
    /// What can be said anywhere: a yes, a thank you, "hang on".
    pub(crate) everywhere: Vec<String>,
}

impl Words {
    pub(crate) fn of(files: &[(String, String)]) -> Self {
        let read = |name: &str| -> Value {
            let (_, text) = files.iter().find(|(path, _)| path == name).expect("the file is there");
            serde_saphyr::from_str(text).expect("YAML")
        };
        let (slots, intents) = (read("understanding/slots.yaml"), read("understanding/intents.yaml"));
        let list = |value: &Value| -> Vec<String> {
            let each = value.as_array().into_iter().flatten().filter_map(Value::as_str);
            each.flat_map(written_out).collect()
        };
        let of_all = |value: &Value| -> Vec<String> {
            value.as_object().into_iter().flatten().flat_map(|(_, phrases)| list(phrases)).collect()
        };
        let mut words = Self::default();
        let roles = slots["roles"].as_array().into_iter().flatten();
        words.roles = roles.flat_map(|role| list(&role["words"])).collect();
        let places = [
            "Ward {n}",
            "Cedar ward",
            "St Mary's, ward {n}",
            "the staff room",
            "Block {n}",
            "Theatre {n}",
            "Bay {n}",
            "Room {n}, second floor",
            "A&E",
            "ICU",
            "the hospice",
            "Oak Lodge care home",
            "Riverside surgery",
            "Bridge House",
            "Cliff View",
            "the Rope Works",
            "Camden ambulance station",
            "Railway Street practice",
            "Major trauma",
            "Poisons unit",
            "Burns unit",
            "Stroke unit",
            "Resus",
            "Crisis team",
            "Liaison psychiatry",
            "Self-harm team",
            "Drug and alcohol team",
            "Safeguarding hub",
            "Mortuary",
            "End of life care",
            "Cancer ward",
            "Renal dialysis",
            "Pain clinic",
            "Lift and hearing loop",
            "step-free please",
            "nothing special",
            "no stairs",
            "two wheelchair users",
            "a BSL interpreter",
            "gluten free biscuits",
        ];
        words.places = places
            .iter()
            .flat_map(|place| {
                if place.contains("{n}") {
                    (1..9).map(|n| place.replace("{n}", &n.to_string())).collect()
                } else {
                    vec![(*place).to_owned(), format!("it's {place}"), format!("{place}, St Mary's")]
                }
            })
            .collect();
        words.places.extend(words.roles.iter().map(|role| format!("{role} team, St Mary's")));
        words.places.extend(of_all(&slots["setting"]));
        words.everywhere = ["access", "frequency", "parts", "staff", "outline"]
            .iter()
            .flat_map(|slot| of_all(&slots[*slot]))
            .collect();
        words.everywhere.extend(
            intents["intents"].as_array().into_iter().flatten().flat_map(|intent| list(&intent["whole"])),
        );
        words.everywhere.extend(list(&intents["fillers"]));
        words.everywhere.retain(|text| !NOT_CALM.contains(&text.as_str()));
        words
    }
}

/// A phrase of the content in a few of its ways: what may be absent is once there and once not, and of several
/// words each stands once. None where it leaves words open.
fn written_out(phrase: &str) -> Vec<String> {
    /// Ways of one phrase.
    const MOST: usize = 4;
    if phrase.contains("...") || phrase.contains('*') || phrase.matches('(').count() > 6 {
        return Vec::new();
    }
    let mut out: BTreeSet<String> = BTreeSet::new();
    for way in 0..MOST {
        let (mut text, mut rest) = (String::new(), phrase);
        while let Some(open) = rest.find('(') {
            let Some(close) = rest[open..].find(')').map(|at| open + at) else { return Vec::new() };
            let inner = &rest[open + 1..close];
            if inner.contains('(') {
                return Vec::new();
            }
            text.push_str(&rest[..open]);
            let optional = rest[close + 1..].starts_with('?');
            let options: Vec<&str> = inner.split('|').collect();
            if !optional || way % 2 == 0 {
                text.push_str(options[(way * 3 + open) % options.len()]);
            }
            rest = &rest[close + 1 + usize::from(optional)..];
        }
        text.push_str(rest);
        out.insert(text.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    out.into_iter().filter(|text| !text.is_empty()).collect()
}
