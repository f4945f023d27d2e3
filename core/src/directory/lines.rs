//! The crisis lines that are always there, whatever the content says.
//!
//! They live in code so that a lost or broken content file can never take them away.

use std::borrow::Cow;

use super::offer::Nation;

/// One line for the safety wording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `999`, `111`, `samaritans`, `shout`, else the id of the offer it comes from.
    pub id: Cow<'static, str>,
    pub name: Cow<'static, str>,
    /// The number to call or text.
    pub number: Cow<'static, str>,
    /// The whole line in words, fit to stand on its own.
    pub text: Cow<'static, str>,
    pub kind: LineKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineKind {
    /// Life is in danger.
    Emergency,
    /// The NHS, today.
    Urgent,
    /// A person who listens, by phone.
    Listening,
    /// The same by text.
    Text,
}

/// The built-in four of a nation, most urgent first: 999, NHS 111 (in Northern Ireland, which has
/// no such service, Lifeline), Samaritans, Shout.
pub fn crisis_lines(nation: Nation) -> [Line; 4] {
    let urgent = match nation {
        Nation::England => line(
            "111",
            "NHS 111, mental health option",
            "111",
            "To talk to the NHS now: call 111 and choose the mental health option",
            LineKind::Urgent,
        ),
        Nation::Wales => line(
            "111",
            "NHS 111 Wales, option 2",
            "111",
            "To talk to the NHS now: call 111 and press 2 for mental health",
            LineKind::Urgent,
        ),
        Nation::Scotland => line(
            "111",
            "NHS 24, mental health",
            "111",
            "To talk to the NHS now: call NHS 24 on 111 and choose mental health",
            LineKind::Urgent,
        ),
        Nation::NorthernIreland => line(
            "lifeline",
            "Lifeline",
            "0808 808 8000",
            "To talk to a crisis counsellor now: call Lifeline on 0808 808 8000",
            LineKind::Urgent,
        ),
    };
    [
        line(
            "999",
            "Emergency services",
            "999",
            "If a life is in danger: call 999 or go to A&E",
            LineKind::Emergency,
        ),
        urgent,
        line(
            "samaritans",
            "Samaritans",
            "116 123",
            "To talk to someone who listens: call Samaritans on 116 123, day or night",
            LineKind::Listening,
        ),
        line("shout", "Shout", "85258", "To text instead: text SHOUT to 85258, day or night", LineKind::Text),
    ]
}

fn line(
    id: &'static str,
    name: &'static str,
    number: &'static str,
    text: &'static str,
    kind: LineKind,
) -> Line {
    Line { id: id.into(), name: name.into(), number: number.into(), text: text.into(), kind }
}
