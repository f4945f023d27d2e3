//! Answers said back: one field, a summary, a record.

use serde_json::{Map, Value};

use super::{
    Answer, Place, When,
    model::{Ask, Dialogue, Expect},
    talk::Talk,
};
use crate::{
    content::Word,
    effect::Choice,
    understanding::{Day, Time},
};

impl Talk<'_> {
    /// What was answered so far, one field on each row; skipped ones left out.
    pub(crate) fn summary(&self) -> String {
        self.conversation.place.as_ref().map_or_else(String::new, |place| self.summary_of(place))
    }

    /// The same of any place.
    pub(crate) fn summary_of(&self, place: &Place) -> String {
        let Some(dialogue) = self.content.dialogues.get(&place.dialogue) else { return String::new() };
        let rows: Vec<String> = dialogue
            .asks()
            .filter_map(|ask| {
                let words = self.field_words(ask, place)?;
                Some(format!("- {}: {words}", ask.label.as_ref()?))
            })
            .collect();
        if rows.is_empty() { format!("- {}", self.text(Word::NothingYet)) } else { rows.join("\n") }
    }

    /// Rows for some fields, as in the summary.
    pub(crate) fn rows(&self, fields: &[String]) -> String {
        let Some((dialogue, place)) = self.running() else { return String::new() };
        dialogue
            .asks()
            .filter(|ask| fields.contains(&ask.id.value))
            .filter_map(|ask| {
                let words = self.field_words(ask, place).unwrap_or_else(|| self.text(Word::NotSureYet));
                Some(format!("- {}: {words}", ask.label.as_ref()?))
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The answer to a field in words, for `{answer.FIELD}`.
    pub(crate) fn answer_words(&self, field: &str) -> Option<String> {
        let (dialogue, place) = self.running()?;
        Some(self.field_words(dialogue.ask(field)?, place).unwrap_or_default())
    }

    /// The needs that a search is for, in words.
    pub(crate) fn need_words(&self) -> String {
        let words: Vec<&str> = self
            .running()
            .and_then(|(_, place)| place.answers.get("needs"))
            .and_then(|answer| match answer {
                Answer::Needs(needs) => Some(needs),
                Answer::Skipped
                | Answer::Choice(_)
                | Answer::Number(_)
                | Answer::Size(_)
                | Answer::When(_)
                | Answer::Text(_) => None,
            })
            .into_iter()
            .flatten()
            .filter_map(|(id, _)| self.content.need_words(id))
            .collect();
        match words.as_slice() {
            [] => "this".to_owned(),
            [one] => (*one).to_owned(),
            [first, second, ..] => format!("{first} and {second}"),
        }
    }

    fn field_words(&self, ask: &Ask, place: &Place) -> Option<String> {
        let field = &ask.id.value;
        if let Some(Answer::Text(text)) = place.answers.get(&format!("{field}_text")) {
            return Some(text.clone());
        }
        Some(match place.answers.get(field)? {
            Answer::Skipped => return None,
            Answer::Choice(id) => match &ask.answer {
                Expect::Choice(options) | Expect::Needs(options) => {
                    options.iter().find(|option| option.id.value == *id)?.label.clone()
                }
                Expect::Role => self.content.role_label(id).unwrap_or(id).to_owned(),
                Expect::Number(_)
                | Expect::Size(_)
                | Expect::When
                | Expect::Talk
                | Expect::Text(_)
                | Expect::YesNo
                | Expect::Contact
                | Expect::Area
                | Expect::Confirm => id.clone(),
            },
            Answer::Number(number) => number.to_string(),
            Answer::Size(size) if size.min == size.max => size.min.to_string(),
            Answer::Size(size) if size.min == 1 => format!("up to {}", size.max),
            Answer::Size(size) => format!("{} to {}", size.min, size.max),
            Answer::When(when) => when_words(when),
            Answer::Text(text) => text.clone(),
            Answer::Needs(needs) => {
                needs.iter().filter_map(|(id, _)| self.content.need_words(id)).collect::<Vec<_>>().join(", ")
            }
        })
    }

    /// Questions whose answers can be changed at the end, also those that were left out.
    pub(crate) fn may_change<'d>(&self, dialogue: &'d Dialogue, place: &Place) -> Vec<&'d Ask> {
        dialogue
            .asks()
            .filter(|ask| !matches!(ask.answer, Expect::Confirm))
            .filter(|ask| place.answers.contains_key(&ask.id.value) || self.is_asked(ask))
            .collect()
    }

    /// Buttons for "change something".
    pub(crate) fn change_choices(&self, dialogue: &Dialogue, place: &Place) -> Vec<Choice> {
        let choice =
            |ask: &Ask| Some(Choice { id: format!("change.{}", ask.id.value), label: ask.label.clone()? });
        self.may_change(dialogue, place).into_iter().filter_map(choice).collect()
    }

    /// The record of a dialogue's answers: every field it could ask, what was skipped as null.
    pub(crate) fn record_data(&self, dialogue: &Dialogue, kind: &str) -> Value {
        let Some(place) = self.conversation.place.as_ref() else { return Value::Null };
        let mut data = Map::new();
        for ask in dialogue.asks().filter(|ask| !matches!(ask.answer, Expect::Confirm)) {
            let field = &ask.id.value;
            if kind != "group_request" && !place.answers.contains_key(field) {
                continue;
            }
            let talk = matches!(ask.answer, Expect::Talk);
            let value = place.answers.get(field).map_or(Value::Null, |answer| answer.to_json(talk));
            let text_field = format!("{field}_text");
            let text = match place.answers.get(&text_field) {
                Some(Answer::Text(text)) => Some(text.clone()),
                _ => None,
            };
            match (&ask.answer, text) {
                // Where only one field is kept, the words stand in it.
                (Expect::Choice(_), Some(text)) if field != "outline" => {
                    data.insert(field.clone(), Value::String(text));
                }
                (Expect::Choice(options), text) if options.iter().any(|o| o.other) && field == "outline" => {
                    data.insert(field.clone(), value);
                    data.insert(text_field, text.map_or(Value::Null, Value::String));
                }
                _ => {
                    data.insert(field.clone(), value);
                }
            }
        }
        Value::Object(data)
    }
}

/// "Tuesdays, in the afternoon", or their own words where those say more.
fn when_words(when: &When) -> String {
    if let Some(text) = &when.text {
        return text.clone();
    }
    let days: Vec<&str> = when.days.iter().map(|day| day_name(*day)).collect();
    let mut parts = Vec::new();
    if !days.is_empty() {
        parts.push(days.join(", "));
    }
    if let Some(time) = when.time {
        parts.push(match time {
            Time::Part(part) => part.as_str().to_owned(),
            Time::At { hour, minute } => format!("{hour:02}:{minute:02}"),
        });
    }
    parts.extend(except_words(when));
    if let Some(by) = &when.by {
        parts.push(format!("by {}", by.replace("in_person", "meeting in person")));
    }
    parts.join(", ")
}

/// "not Monday or Tuesday".
pub(super) fn except_words(when: &When) -> Option<String> {
    let days: Vec<&str> = when.except.iter().map(|day| day_name(*day)).collect();
    (!days.is_empty()).then(|| format!("not {}", days.join(" or ")))
}

fn day_name(day: Day) -> &'static str {
    match day {
        Day::Mon => "Monday",
        Day::Tue => "Tuesday",
        Day::Wed => "Wednesday",
        Day::Thu => "Thursday",
        Day::Fri => "Friday",
        Day::Sat => "Saturday",
        Day::Sun => "Sunday",
    }
}
