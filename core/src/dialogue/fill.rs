//! One sentence fills many fields.

use super::{
    Answer, When,
    model::{Ask, Expect},
    parse::{Read, Slot, slot_values},
    talk::Talk,
};
use crate::{content::Word, understanding::Reading};

impl Talk<'_> {
    /// Fills every field that a sentence speaks of, besides the open question's. Says back what
    /// it took where that is more than one thing, or changed something. Returns the fields.
    pub(crate) fn fill_from_slots(&mut self, ask: &Ask, read: &Read, reading: &Reading<'_>) -> Vec<String> {
        let Some((dialogue, place)) = self.running() else { return Vec::new() };
        if !dialogue.group_slots {
            return Vec::new();
        }
        let open = ask.id.value.as_str();
        let own = *read != Read::Nothing;
        // A plain answer to the open question speaks of nothing else.
        let mut found: Vec<(String, Answer)> = Vec::new();
        let mut notes = Vec::new();
        for (field, slot) in slot_values(&reading.group) {
            if field == open && own {
                continue;
            }
            let Some(ask) = dialogue.ask(field) else { continue };
            match slot {
                Slot::Choice(id) => found.push((field.to_owned(), Answer::Choice(id))),
                Slot::Sessions(number) => match &ask.answer {
                    Expect::Number(limits) if (limits.min..=limits.max).contains(&number) => {
                        found.push((field.to_owned(), Answer::Number(number)));
                    }
                    Expect::Number(limits) => notes.push(self.render(&limits.refused)),
                    Expect::Choice(_)
                    | Expect::Size(_)
                    | Expect::When
                    | Expect::Talk
                    | Expect::Text(_)
                    | Expect::YesNo
                    | Expect::Contact
                    | Expect::Needs(_)
                    | Expect::Area
                    | Expect::Role
                    | Expect::Confirm => {}
                },
                Slot::Size(size) => {
                    if let Read::Answer(answer, note) = self.sized(ask, size) {
                        found.push((field.to_owned(), answer));
                        notes.extend(note);
                    }
                }
            }
        }
        let slots = &reading.group;
        if (!slots.days.is_empty() || slots.time.is_some())
            && !matches!(ask.answer, Expect::When | Expect::Talk)
        {
            let before = match place.answers.get("when") {
                Some(Answer::When(when)) => when.clone(),
                _ => When::default(),
            };
            let when = When {
                days: if slots.days.is_empty() { before.days } else { slots.days.clone() },
                time: slots.time.or(before.time),
                by: None,
                text: None,
            };
            found.push(("when".to_owned(), Answer::When(when)));
        }
        found.retain(|(field, answer)| place.answers.get(field) != Some(answer));
        let changed: Vec<String> = found
            .iter()
            .map(|(field, _)| field.clone())
            .filter(|field| {
                place.answers.get(field).is_some_and(|answer| *answer != Answer::Skipped)
                    || place.answers.contains_key(&format!("{field}_text"))
            })
            .collect();
        let fields: Vec<String> = found.iter().map(|(field, _)| field.clone()).collect();
        let heard = dialogue.heard.clone();
        for (field, answer) in found {
            if let Some(place) = self.conversation.place.as_mut() {
                place.answers.remove(&format!("{field}_text"));
            }
            self.fill(&field, answer);
        }
        if !changed.is_empty() {
            let rows = self.rows(&changed);
            self.word(Word::Changed);
            self.say(rows);
        }
        let fresh: Vec<String> = fields.iter().filter(|field| !changed.contains(field)).cloned().collect();
        if (fresh.len() > 1 || fresh.len() == 1 && !own)
            && let Some(heard) = heard
        {
            let rows = self.rows(&fresh);
            self.say(format!("{heard}\n{rows}"));
        }
        for note in notes {
            self.say(note);
        }
        fields
    }
}
