//! One sentence fills many fields.

use std::collections::BTreeSet;

use super::{
    Answer, When,
    model::{Ask, Expect},
    parse::{Read, Slot, slot_values, speaks_of_talk},
    place::Place,
    talk::Talk,
};
use crate::{
    content::Word,
    understanding::{Intent, Reading, Saying},
};

/// Choices that are read from anywhere in a sentence; others are by their own words.
const SLOTS: [&str; 5] = ["outline", "access", "setting", "frequency", "staff"];

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
            let Some(asked) = dialogue.ask(field) else { continue };
            // "By phone or Teams" is how to talk, where that is asked, and not where the group meets.
            if field == "setting" && matches!(ask.answer, Expect::Talk | Expect::Contact) {
                continue;
            }
            match slot {
                Slot::Choice(id) => found.push((field.to_owned(), Answer::Choice(id))),
                Slot::Sessions(number) => match &asked.answer {
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
                    if let Read::Answer(answer, note) = self.sized(asked, size) {
                        found.push((field.to_owned(), answer));
                        notes.extend(note);
                    }
                }
            }
        }
        for other in dialogue
            .asks()
            .filter(|other| other.id.value != open && !SLOTS.contains(&other.id.value.as_str()))
        {
            if let Expect::Choice(options) = &other.answer
                && let Some(nth) = reading.names_among(options, |option| &option.ways)
            {
                found.push((other.id.value.clone(), Answer::Choice(options[nth].id.value.clone())));
            }
        }
        if !matches!(ask.answer, Expect::When | Expect::Talk) {
            let talk = dialogue.asks().find(|ask| matches!(ask.answer, Expect::Talk));
            // A day in answer to "how can the Hub reach you?" is one to be reached on.
            let of_talk = matches!(ask.answer, Expect::Contact) && !reading.group.days.is_empty();
            match talk.filter(|_| of_talk || speaks_of_talk(reading)) {
                Some(talk) => {
                    let (of_talk, of_group) = self.talk_and_group(reading);
                    let of_talk = self.content.understanding.read(&of_talk, None);
                    let slots = if of_group.is_empty() { &reading.group } else { &of_talk.group };
                    let when = When {
                        days: slots.days.clone(),
                        time: slots.time,
                        by: of_talk.way_to_talk().map(str::to_owned),
                        text: Some(of_talk.text.to_owned()),
                        ..When::default()
                    };
                    found.push((talk.id.value.clone(), Answer::When(when)));
                    let of_group = self.content.understanding.read(&of_group, None);
                    found.extend(new_when(place, &of_group).map(|when| ("when".to_owned(), when)));
                }
                // "Don't email after Friday" is no day of the group's.
                None if reading.says(Saying::HowToReach) => {}
                None => found.extend(new_when(place, reading).map(|when| ("when".to_owned(), when))),
            }
        }
        // "Dr Shah, GP partner" is one of both, and changes nothing.
        let one_of_both = |field: &str| {
            field == "staff"
                && reading.intent != Intent::Correct
                && place.answers.get(field) == Some(&Answer::Choice("both".to_owned()))
        };
        found.retain(|(field, _)| !one_of_both(field));
        // What was said before is understood, and nothing new.
        let known: Vec<String> = found
            .iter()
            .filter(|(field, answer)| place.answers.get(field) == Some(answer))
            .map(|(field, _)| field.clone())
            .collect();
        found.retain(|(field, _)| !known.contains(field));
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
        let mut fields = if fields.is_empty() { known } else { fields };
        // What was refused was understood all the same.
        if fields.is_empty() && !notes.is_empty() {
            fields.push("sessions".to_owned());
        }
        for note in notes {
            self.say(note);
        }
        fields
    }
}

impl Talk<'_> {
    /// What of a text is about talking it through, and what about the group: "Wednesdays at 2, call me Thursday
    /// after 3". Where one part does not say both how and when to talk, all of it is about that.
    fn talk_and_group(&self, reading: &Reading<'_>) -> (String, String) {
        let of_talk = |part: &&str| speaks_of_talk(&self.content.understanding.read(part, None));
        let (talk, group): (Vec<&str>, Vec<&str>) = reading.parts().into_iter().partition(of_talk);
        if talk.is_empty() {
            return (reading.text.trim().to_owned(), String::new());
        }
        let talk = talk.join(", ");
        (talk.strip_prefix("and ").map_or(talk.clone(), str::to_owned), group.join(", "))
    }
}

/// When the group should meet, after what a text says of it: days and a time that replace those before,
/// and days that are left out of them.
fn new_when(place: &Place, reading: &Reading<'_>) -> Option<Answer> {
    let slots = &reading.group;
    let out = reading.days_ruled_out();
    if slots.days.is_empty() && slots.time.is_none() && out.is_empty() {
        return None;
    }
    let before = match place.answers.get("when") {
        Some(Answer::When(when)) => when.clone(),
        _ => When::default(),
    };
    let days = if slots.days.is_empty() { &before.days - &out } else { slots.days.clone() };
    let except = if days.is_empty() { &before.except | &out } else { BTreeSet::new() };
    Some(Answer::When(When { days, except, time: slots.time.or(before.time), by: None, text: None }))
}
