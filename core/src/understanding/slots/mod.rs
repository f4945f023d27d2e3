//! The slots of a group request, out of free text.
//!
//! Phrases of the content mark what is named (a day, a role, an access); numbers get their meaning
//! from what stands around them. What is asked, denied or taken back is left out.

mod around;
mod asked;
mod counting;
pub(crate) mod days;
pub(crate) mod numbers;
pub(crate) mod said;
pub(crate) mod size;
pub(crate) mod time;
mod words;

use std::collections::BTreeSet;

pub(crate) use said::Said;
pub(crate) use words::Words;

use super::{
    meaning::{Access, Day, Frequency, GroupSlots, Outline, Setting, Staff},
    text::Token,
};

/// What the phrases of the content mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Outline(Outline),
    Access(Access),
    Setting(Setting),
    Frequency(Frequency),
    Day(Day),
    Weekdays,
    Weekend,
    Part(super::meaning::PartOfDay),
    /// A word for people of no certain role.
    People,
    /// A role of the content, by number.
    Role(usize),
    Staff(Staff),
    /// A word for the meetings of a group.
    Session,
    /// Looks like one of the others and is none.
    Idiom,
}

/// Reads the slots out of a message. `step` is the question that is being answered.
pub(crate) fn read(words: &Words, tokens: &[Token], step: Option<&str>) -> GroupSlots {
    let said = Said::new(words, tokens, step);
    let times = time::times(&said);
    let numbers = counting::roles_of_numbers(&said, &times);
    let mut slots = GroupSlots {
        outline: None,
        access: said.only(|mark| if let Mark::Access(access) = mark { Some(access) } else { None }),
        setting: said.only(|mark| if let Mark::Setting(setting) = mark { Some(setting) } else { None }),
        frequency: frequency(&said, &numbers),
        sessions: size::sessions(&said, &numbers),
        size: size::size(&said, &numbers),
        staff: staff_of(&said),
        days: days::days(&said),
        time: time::choose(&said, &times),
    };
    if slots.sessions.is_none() && slots.frequency == Some(Frequency::Weekly) {
        slots.sessions = size::weeks(&said, &numbers);
    }
    slots.outline = said.only(|mark| if let Mark::Outline(outline) = mark { Some(outline) } else { None });
    if slots.outline.is_none() && drop_in_for_non_clinical(&said) {
        slots.outline = Some(Outline::NonClinical);
    }
    // The words of this outline name the staff and the access too.
    if slots.outline == Some(Outline::NonClinical) {
        slots.staff = slots.staff.or(Some(Staff::NonClinical));
        let drop_in = tokens.iter().any(|token| token.word.starts_with("drop"));
        slots.access = slots.access.or(drop_in.then_some(Access::Open));
    }
    slots
}

/// The kind of staff that somebody says they are, by its place among the roles of the content.
pub(crate) fn own_role(said: &Said<'_>) -> Option<usize> {
    let roles = said.marked(|mark| if let Mark::Role(role) = mark { Some(role) } else { None });
    roles.into_iter().find(|(at, _)| said.of_oneself(*at)).map(|(_, role)| role)
}

/// "a drop in for our porters": the outline of that name, whatever the staff are called.
fn drop_in_for_non_clinical(said: &Said<'_>) -> bool {
    let staff = |at: usize| match said.mark(at) {
        Some(Mark::Role(role)) => said.words.roles.get(role).and_then(|role| role.staff),
        Some(Mark::Staff(staff)) => Some(staff),
        _ => None,
    };
    // "a drop in group for", "a drop in really, for"
    let named = |at: usize| {
        let names_it = said.is(at, &["drop"]) && said.is(at + 1, &["in", "ins"]) && said.counts(at);
        (at + 2..at + 5).find(|&at| names_it && said.is(at, &["for"]))
    };
    (0..said.tokens.len()).filter_map(named).any(|at| {
        let who = (at + 1..at + 4).find(|&at| said.is_covered(at));
        who.is_some_and(|at| staff(at) == Some(Staff::NonClinical))
            && staff_of(said) == Some(Staff::NonClinical)
    })
}

fn frequency(said: &Said<'_>, numbers: &[counting::Counted]) -> Option<Frequency> {
    let mut found: Vec<(usize, Frequency)> =
        said.marked(|mark| if let Mark::Frequency(frequency) = mark { Some(frequency) } else { None });
    for counted in numbers {
        if let counting::Role::Every(frequency) = counted.role
            && said.counts(counted.number.first)
        {
            found.retain(|(at, _)| !(counted.number.first..=counted.number.last + 3).contains(at));
            found.extend(frequency.map(|frequency| (counted.number.first, frequency)));
        }
    }
    found.sort_by_key(|(at, _)| *at);
    said.one_of(found)
}

fn staff_of(said: &Said<'_>) -> Option<Staff> {
    let found = said.marked(|mark| {
        if let Mark::Role(role) = mark {
            said.words.roles.get(role).and_then(|role| role.staff)
        } else if let Mark::Staff(staff) = mark {
            Some(staff)
        } else {
            None
        }
    });
    let found = found.into_iter().filter(|(at, _)| !said.of_oneself(*at)).collect();
    let kinds: BTreeSet<u8> = said
        .not_taken_back(found)
        .into_iter()
        .map(|(_, staff)| match staff {
            Staff::Clinical => 0,
            Staff::NonClinical => 1,
            Staff::Both => 2,
        })
        .collect();
    let (clinical, other, both) = (kinds.contains(&0), kinds.contains(&1), kinds.contains(&2));
    match (clinical, other, both) {
        (_, _, true) | (true, true, false) => Some(Staff::Both),
        (true, false, false) => Some(Staff::Clinical),
        (false, true, false) => Some(Staff::NonClinical),
        (false, false, false) => None,
    }
}
