//! Reads a text as the answer to the open question.

use super::{
    Answer, When,
    model::{Ask, Expect, Number, Opt},
    talk::Talk,
};
use crate::{
    ids::ChannelKind,
    understanding::{
        GroupSlots, Reading, Saying,
        answer::{self, Ways, YesNo},
    },
};

/// What an answer turned out to be.
#[derive(Clone, PartialEq)]
pub(crate) enum Read {
    /// An answer, and what to say to it.
    Answer(Answer, Option<String>),
    /// An answer in free text where an option stood for "something else": the option and the words.
    Other(String, String),
    /// Understood and not possible: the reason. The question stays.
    Refused(String),
    /// No answer to this question.
    Nothing,
}

impl Talk<'_> {
    /// The answer that a text surely gives to the question: by number, label or form. Free text is
    /// left for [`Talk::read_freely`], after commands had their chance.
    pub(crate) fn read_surely(&self, ask: &Ask, text: &str, reading: &Reading<'_>) -> Read {
        match &ask.answer {
            Expect::Choice(options) => match pick(reading, options) {
                Some(option) => Read::Answer(Answer::Choice(option.id.value.clone()), None),
                None => slot_choice(ask, options, &reading.group),
            },
            // The choices that hang under it may be the bot's guesses instead of the question's own.
            Expect::Needs(options) => match self.picked_need(reading) {
                Some(need) => Read::Answer(Answer::Needs(vec![(need, 1.0)]), None),
                None => match pick(reading, options) {
                    Some(option) if option.other => Read::Nothing,
                    Some(option) => Read::Answer(Answer::Needs(vec![(option.id.value.clone(), 1.0)]), None),
                    None => needs(reading),
                },
            },
            Expect::Confirm => match self.picked(reading) {
                Some(picked) => Read::Answer(Answer::Choice(picked), None),
                None => self.read_yes_no(reading),
            },
            Expect::YesNo => self.read_yes_no(reading),
            Expect::Number(number) => match reading.sessions().or_else(|| most_of(reading, number)) {
                Some(said) if (number.min..=number.max).contains(&said) => {
                    Read::Answer(Answer::Number(said), None)
                }
                Some(_) => Read::Refused(self.render(&number.refused)),
                None => match reading.size() {
                    Some(range) if (number.min..=number.max).contains(&range.max) => {
                        let note = number.larger.as_ref().map(|larger| self.render(larger));
                        Read::Answer(Answer::Number(range.max), note)
                    }
                    Some(_) | None => Read::Nothing,
                },
            },
            Expect::Size(_) => match reading.size() {
                Some(size) => self.sized(ask, size),
                None => Read::Nothing,
            },
            Expect::When | Expect::Talk => {
                let when = reading.when();
                let by = matches!(ask.answer, Expect::Talk).then(|| reading.way_to_talk()).flatten();
                if when.days.is_empty() && when.time.is_none() && by.is_none() {
                    return Read::Nothing;
                }
                Read::Answer(
                    Answer::When(When {
                        days: when.days,
                        time: when.time,
                        by: by.map(str::to_owned),
                        text: Some(when.text),
                        ..When::default()
                    }),
                    None,
                )
            }
            Expect::Contact => match answer::contact(text) {
                Some(answer::Contact::Email(email)) if self.is_contact_alone(text) => {
                    Read::Answer(Answer::Text(email), None)
                }
                // "Don't call me, email x@y": all of it is for whoever gets in touch.
                Some(answer::Contact::Email(_) | answer::Contact::Phone(_) | answer::Contact::Several(_)) => {
                    Read::Answer(Answer::Text(text.trim().to_owned()), None)
                }
                Some(answer::Contact::Other(_)) | None => Read::Nothing,
            },
            Expect::Area => match answer::name_among(text, &self.hub.areas) {
                Some(nth) => Read::Answer(Answer::Choice(self.hub.areas[nth].clone()), None),
                None => Read::Nothing,
            },
            Expect::Role => {
                let roles = &self.content.directory.taxonomy().roles;
                match reading.choose(roles, |role| Ways::new(&role.id, &role.label, &[])) {
                    Some(nth) => Read::Answer(Answer::Choice(roles[nth].id.clone()), None),
                    None => match self.content.understanding.role(text) {
                        Some(role) => Read::Answer(Answer::Choice(role.to_owned()), None),
                        None => Read::Nothing,
                    },
                }
            }
            Expect::Text(_) => Read::Nothing,
        }
    }

    /// `yes`, `no` or `unsure`, said in words; or, on Matrix, where choices are a numbered list, as the
    /// number of that choice.
    pub(crate) fn said_yes_no(&self, reading: &Reading<'_>) -> Option<&'static str> {
        reading.yes_no().map(yes_no_id).or_else(|| {
            let number = reading.text.trim().trim_end_matches(['.', ')']);
            let shown = self.context.channel.kind == ChannelKind::Matrix;
            let is_number = (1..=2).contains(&number.len()) && number.chars().all(|c| c.is_ascii_digit());
            let picked = if shown && is_number { self.picked(reading) } else { None }?;
            ["yes", "no", "unsure"].into_iter().find(|answer| *answer == picked)
        })
    }

    fn read_yes_no(&self, reading: &Reading<'_>) -> Read {
        match self.said_yes_no(reading) {
            Some(answer) => Read::Answer(Answer::Choice(answer.to_owned()), None),
            None => Read::Nothing,
        }
    }

    /// The open question's choice that a text names by its number or its words.
    pub(crate) fn picked(&self, reading: &Reading<'_>) -> Option<String> {
        let open = &self.conversation.prompt.choices;
        let nth = reading.choose(open, |choice| Ways::new(&choice.id, &choice.label, &[]))?;
        Some(open[nth].id.clone())
    }

    /// The need among the open choices that a text picks.
    fn picked_need(&self, reading: &Reading<'_>) -> Option<String> {
        self.picked(reading).filter(|picked| self.content.need_words(picked).is_some())
    }

    /// A number of people, with advice where it is outside what works best.
    pub(crate) fn sized(&self, ask: &Ask, size: crate::understanding::Size) -> Read {
        let Expect::Size(advice) = &ask.answer else { return Read::Nothing };
        // "up to 12" begins at 1, which nobody said.
        let outside =
            (size.min < advice.min && (size.min > 1 || size.min == size.max)) || size.max > advice.max;
        Read::Answer(Answer::Size(size), outside.then(|| self.render(&advice.advice)))
    }
}

/// "As many as we can have".
fn most_of(reading: &Reading<'_>, number: &Number) -> Option<u32> {
    reading.says(Saying::TheMost).then_some(number.max)
}

/// A slot of a group request as the form has it.
pub(crate) enum Slot {
    Choice(String),
    Sessions(u32),
    Size(crate::understanding::Size),
}

/// The slots found, by the field that each fills; days and time are apart.
pub(crate) fn slot_values(slots: &GroupSlots) -> Vec<(&'static str, Slot)> {
    fn id<T: serde::Serialize>(value: T) -> Slot {
        Slot::Choice(
            serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default(),
        )
    }
    let mut values = Vec::new();
    values.extend(slots.outline.map(|v| ("outline", id(v))));
    values.extend(slots.access.map(|v| ("access", id(v))));
    values.extend(slots.setting.map(|v| ("setting", id(v))));
    values.extend(slots.frequency.map(|v| ("frequency", id(v))));
    values.extend(slots.sessions.map(|v| ("sessions", Slot::Sessions(v))));
    values.extend(slots.size.map(|v| ("size", Slot::Size(v))));
    values.extend(slots.staff.map(|v| ("staff", id(v))));
    values
}

/// The key of a yes-or-no answer in `next` and `rises`.
fn yes_no_id(answer: YesNo) -> &'static str {
    match answer {
        YesNo::Yes => "yes",
        YesNo::No => "no",
        YesNo::Unsure => "unsure",
    }
}

fn needs(reading: &Reading<'_>) -> Read {
    if reading.needs().is_empty() {
        return Read::Nothing;
    }
    Read::Answer(Answer::Needs(reading.main_needs().map(|n| (n.id.clone(), n.score)).collect()), None)
}

fn pick<'o>(reading: &Reading<'_>, options: &'o [Opt]) -> Option<&'o Opt> {
    reading.choose(options, |option| &option.ways).map(|nth| &options[nth])
}

/// Whether a day or a time is one to talk it through: "can you call me tonight at 8?"
pub(crate) fn speaks_of_talk(reading: &Reading<'_>) -> bool {
    let slots = &reading.group;
    (!slots.days.is_empty() || slots.time.is_some()) && reading.says(Saying::TalkToCome)
}

/// An option named by the slot that has the question's name.
fn slot_choice(ask: &Ask, options: &[Opt], slots: &GroupSlots) -> Read {
    let Some(value) = slot_values(slots).into_iter().find(|(field, _)| *field == ask.id.value) else {
        return Read::Nothing;
    };
    match value.1 {
        Slot::Choice(id) if options.iter().any(|option| option.id.value == id) => {
            Read::Answer(Answer::Choice(id), None)
        }
        Slot::Choice(_) | Slot::Sessions(_) | Slot::Size(_) => Read::Nothing,
    }
}

/// What stands after a no: "my wife is here" of "no, my wife is here". Of "no one is here" it is nothing.
pub(super) fn after_a_no(text: &str) -> Option<&str> {
    let (no, rest) = text.trim().split_once(|c: char| !c.is_alphanumeric())?;
    let rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
    let one = rest.split(|c: char| !c.is_alphanumeric()).next()?;
    let says_no = ["no", "nope", "nah"].iter().any(|word| no.eq_ignore_ascii_case(word));
    (says_no && !["one", "body"].iter().any(|word| one.eq_ignore_ascii_case(word))).then_some(rest)
}

/// The answer where anything may be one.
pub(crate) fn read_freely(ask: &Ask, text: &str) -> Read {
    let words = |max: usize| text.trim().chars().take(max).collect::<String>();
    match &ask.answer {
        Expect::Text(limit) => Read::Answer(Answer::Text(words(limit.max)), None),
        Expect::Choice(options) => match options.iter().find(|option| option.other) {
            Some(option) => Read::Other(option.id.value.clone(), words(500)),
            None => Read::Nothing,
        },
        Expect::When | Expect::Talk => {
            Read::Answer(Answer::When(When { text: Some(words(300)), ..When::default() }), None)
        }
        Expect::Contact => Read::Answer(Answer::Text(words(200)), None),
        Expect::Area => Read::Answer(Answer::Choice(words(100)), None),
        Expect::Number(_)
        | Expect::Size(_)
        | Expect::YesNo
        | Expect::Needs(_)
        | Expect::Role
        | Expect::Confirm => Read::Nothing,
    }
}
