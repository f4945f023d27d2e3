//! What is learned from: one example.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::safety::{Kind, Route};

/// A text, and what should be heard in it: a line of `safety/examples/*.jsonl`, in a form that
/// `chatbox understand --score` reads too.
#[derive(Debug, Clone)]
pub struct Lesson {
    pub text: String,
    /// What figures are given by.
    pub group: String,
    /// The gentlest route that is right.
    pub min: Route,
    /// The highest route that is right; E if left out.
    pub max: Route,
    /// Every kind of danger in it, where that can be said.
    pub kinds: Option<BTreeSet<Kind>>,
}

const ROUTE: &str = "one of \"A\", \"B\", \"C\", \"D\" and \"E\"";

impl Lesson {
    /// Reads a line; `None` for a blank one, and for one of several messages in turn (`texts`), which
    /// the rules alone add up. The error is a sentence without the person's words.
    pub fn parse(line: &str) -> Result<Option<Self>, String> {
        if line.trim().is_empty() {
            return Ok(None);
        }
        let mut fields: Map<String, Value> =
            serde_json::from_str(line).map_err(|_| "it is not JSON, or not {…}".to_owned())?;
        let text: Option<String> = take(&mut fields, "text", "the text")?;
        let texts: Option<Vec<String>> = take(&mut fields, "texts", "several texts in turn")?;
        let group: Option<String> = take(&mut fields, "group", "a name")?;
        let min: Option<Route> = take(&mut fields, "min", ROUTE)?;
        let max = take(&mut fields, "max", ROUTE)?.unwrap_or(Route::E);
        let kinds = take(&mut fields, "kinds", "a list of kinds of danger, as \"self_harm\"")?;
        // How a B is heard, and what its author says of it, are not learned.
        let _: Option<bool> = take(&mut fields, "soft", "true or false")?;
        let _: Option<String> = take(&mut fields, "note", "words")?;
        if let Some(name) = fields.keys().next() {
            return Err(format!(
                "\"{name}\" is nothing that an example says: text or texts, group, min, max, kinds, soft, note"
            ));
        }
        let (Some(group), Some(min)) = (group, min) else {
            return Err("it needs a \"group\" and a \"min\"".to_owned());
        };
        if min > max {
            return Err("\"min\" is above \"max\"".to_owned());
        }
        match (text, texts) {
            (Some(text), None) => Ok(Some(Self { text, group, min, max, kinds })),
            (None, Some(_)) => Ok(None),
            (None, None) | (Some(_), Some(_)) => Err("it needs a \"text\", or else \"texts\"".to_owned()),
        }
    }
}

/// The field of this name, if it is there; `form` says what it must be.
fn take<T: DeserializeOwned>(
    fields: &mut Map<String, Value>,
    name: &str,
    form: &str,
) -> Result<Option<T>, String> {
    let value = fields.remove(name).map(serde_json::from_value);
    value.transpose().map_err(|_| format!("\"{name}\" must be {form}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        r#"{"text": "he said it", "group": "abuse", "min": "B", "max": "C", "kinds": ["abuse"]}"#;

    #[test]
    fn a_blank_line_teaches_nothing_and_stops_nothing() {
        for blank in ["", "  ", "\t\r"] {
            assert!(Lesson::parse(blank).unwrap().is_none(), "{blank:?}");
        }
        assert_eq!(Lesson::parse(LINE).unwrap().unwrap().max, Route::C);
        assert_eq!(Lesson::parse(&LINE.replace(r#""max": "C", "#, "")).unwrap().unwrap().max, Route::E);
    }

    #[test]
    fn what_is_mistyped_is_named_and_never_taken_for_something_else() {
        for (typed, instead, named) in [
            (r#""max""#, r#""mx""#, "\"mx\""),
            (r#""C""#, r#""c""#, "\"max\" must be"),
            (r#""C""#, "null", "\"max\" must be"),
            (r#""B""#, r#""F""#, "\"min\" must be"),
            (r#""min""#, r#""Min""#, "\"Min\""),
            (r#"["abuse"]"#, r#"["abuze"]"#, "\"kinds\" must be"),
            (r#""kinds""#, r#""kind""#, "\"kind\""),
            (r#""text""#, r#""texts""#, "\"texts\" must be"),
            (r#""text": "he said it", "#, "", "needs a \"text\""),
            (r#""group": "abuse", "#, "", "needs a \"group\""),
            (r#""B""#, r#""D""#, "above \"max\""),
            ("{", "[", "not JSON"),
        ] {
            assert!(LINE.contains(typed), "{typed}");
            let fault = Lesson::parse(&LINE.replacen(typed, instead, 1)).unwrap_err();
            assert!(fault.contains(named) && !fault.contains("he said"), "{instead}: {fault}");
        }
    }
}
