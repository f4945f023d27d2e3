//! What people answer to each sort of question: in its own words, by number, beside it, and corrected.

use chatbox_core::{
    dialogue::model::{Expect, Opt, Step},
    engine::Engine,
};

use super::words::Words;

/// What is said at a step; none if it asks nothing.
pub(crate) fn at(engine: &Engine, words: &Words, step: &Step) -> Option<Vec<String>> {
    match step {
        Step::Ask(ask) => Some(answers(engine, words, &ask.answer)),
        Step::Offer(offer) => Some(picks(&offer.choices)),
        Step::Say(_) | Step::Branch(_) | Step::Save(_) | Step::HandOver(_) | Step::Act(_) => None,
    }
}

fn answers(engine: &Engine, words: &Words, answer: &Expect) -> Vec<String> {
    match answer {
        Expect::Choice(options) | Expect::Needs(options) => picks(options),
        Expect::Number(number) => numbers(number.max + 3),
        Expect::Size(size) => numbers(size.max * 2).into_iter().chain(sizes(words)).collect(),
        Expect::When | Expect::Talk => whens(matches!(answer, Expect::Talk)),
        Expect::YesNo | Expect::Text(_) => Vec::new(),
        Expect::Contact => contacts(),
        Expect::Area => engine.hub().areas.iter().flat_map(|area| around(area)).collect(),
        Expect::Role => words.roles.iter().step_by(2).flat_map(|role| of_role(role)).collect(),
        Expect::Confirm => changes(),
    }
}

/// Choices by label, by number, and one instead of another.
fn picks(options: &[Opt]) -> Vec<String> {
    const NTH: [&str; 9] =
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"];
    let mut out = Vec::new();
    let labels: Vec<String> = options.iter().map(|option| option.label.to_lowercase()).collect();
    for (at, (option, label)) in options.iter().zip(&labels).enumerate() {
        let (number, nth) = ((at + 1).to_string(), NTH.get(at).copied().unwrap_or("last"));
        let id = option.id.value.replace('_', " ");
        out.extend(filled(
            &[
                "{label}",
                "{id}",
                "{label} please",
                "{label} I think",
                "probably {id}",
                "{number}",
                "{number}.",
                "number {number}",
                "option {number} please",
                "the {nth}",
                "the {nth} one",
                "no, the {nth}",
                "no wait, {nth} one",
                "sorry, meant the {nth}",
                "I meant {label}",
                "actually {label}",
                "no, {id}",
                "not {id}",
            ],
            &[("{label}", label), ("{id}", &id), ("{number}", &number), ("{nth}", nth)],
        ));
        for other in labels.iter().filter(|other| *other != label) {
            out.extend(filled(
                &["not {label}, {other}", "{label} or {other}", "make it {label} instead of {other}"],
                &[("{label}", label), ("{other}", other)],
            ));
        }
    }
    out.extend(owned(&[
        "the last one",
        "none of these",
        "all of them",
        "any",
        "either",
        "both",
        "a bit of each",
    ]));
    out
}

fn numbers(most: u32) -> Vec<String> {
    const IN_WORDS: [&str; 12] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    let mut out = Vec::new();
    for number in 1..=most {
        let mut forms = vec![number.to_string()];
        forms.extend(IN_WORDS.get(number as usize - 1).map(|word| (*word).to_owned()));
        for n in forms {
            out.extend(filled(
                &[
                    "{n}",
                    "about {n}",
                    "{n} ish",
                    "max {n}",
                    "{n} max",
                    "at least {n}",
                    "no more than {n}",
                    "just the {n}",
                    "make it {n}",
                    "no, {n}",
                    "sorry {n}",
                    "{n} I think",
                    "{n} or so",
                    "up to {n}",
                    "say {n}",
                    "{n} to start with",
                    "let's say {n}",
                    "{n} then",
                ],
                &[("{n}", &n)],
            ));
        }
        let [n, one_more, two_more] = [0, 1, 2].map(|more| (number + more).to_string());
        out.extend(filled(
            &["{n} not {n+2}", "{n}-{n+2}", "{n} to {n+2}", "{n} or {n+1}"],
            &[("{n}", &n), ("{n+1}", &one_more), ("{n+2}", &two_more)],
        ));
    }
    out
}

fn sizes(words: &Words) -> Vec<String> {
    let mut out = owned(&[
        "a dozen",
        "half a dozen",
        "me and five others",
        "just the three of us",
        "the whole team",
        "all of us",
        "it varies",
        "depends on the rota",
        "a handful",
        "eight of us, could be twelve",
    ]);
    for (nth, role) in words.roles.iter().enumerate() {
        let number = nth % 9 + 3;
        out.extend([format!("{number} {role}"), format!("{number} {role} and the manager")]);
    }
    out
}

fn whens(talk: bool) -> Vec<String> {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    const PARTS: [&str; 5] = ["morning", "afternoon", "evening", "lunchtime", "night"];
    let mut out = owned(&[
        "tomorrow",
        "tonight",
        "today",
        "weekends",
        "not weekends",
        "any day",
        "any time",
        "whenever",
        "anytime after work",
        "after my shift",
        "before nights",
        "end of the month",
        "next week",
        "in a fortnight",
        "on the hour",
        "after handover",
        "during protected time",
        "when I'm off",
        "days off only",
        "straight after the night shift",
        "the day after tomorrow",
        "first thing",
        "last thing",
        "late",
        "early",
        "mornings",
        "afternoons",
        "evenings",
        "nights",
        "lunch",
        "half term",
        "as soon as you can",
        "asap",
        "it depends on the rota",
        "I'm on lates",
    ]);
    for (at, day) in DAYS.iter().enumerate() {
        let other = DAYS[(at + 1) % DAYS.len()];
        out.extend(filled(
            &[
                "{d}",
                "{d}s",
                "next {d}",
                "this {d}",
                "on {d}",
                "any {d}",
                "every {d}",
                "not {d}",
                "{d} or {o}",
                "{d} and {o}",
                "not {d}, {o}",
                "{d} not {o}",
                "any day but {d}",
                "no {d}s",
                "can't do {d}",
                "{d} is out",
                "after {d}",
                "{d} week",
                "{d} fortnight",
                "make it {d}",
                "no, {d}",
                "actually {d}",
                "sorry, {d}",
                "{d} instead",
                "{d} to {o}",
                "{d} works",
                "{d} before 10",
                "{d} after 3",
                "{d} at 2",
                "half two on a {d}",
                "{d} 14:00",
                "{d} eleven till twelve",
            ],
            &[("{d}", day), ("{o}", other)],
        ));
        for part in PARTS {
            out.extend(filled(
                &["{d} {part}", "{d} {part}s", "not {d} {part}"],
                &[("{d}", day), ("{part}", part)],
            ));
        }
    }
    for hour in 1..=12 {
        out.extend(filled(
            &[
                "{h}",
                "{h}pm",
                "{h}am",
                "{h} o'clock",
                "{h}.30",
                "{h}:15",
                "half {h}",
                "half past {h}",
                "quarter to {h}",
                "after {h}",
                "before {h}",
                "by {h}",
                "at {h} sharp",
                "around {h}ish",
                "from {h}",
                "till {h}",
                "between {h} and 3",
                "{h} or later",
            ],
            &[("{h}", &hour.to_string())],
        ));
    }
    if talk {
        let ways = ["phone", "video", "chat", "in person", "Teams", "text"];
        out = out
            .into_iter()
            .step_by(3)
            .zip(ways.into_iter().cycle())
            .map(|(when, way)| format!("{when} by {way}"))
            .collect();
        out.extend(owned(&[
            "by phone",
            "a video call",
            "no calls",
            "text only",
            "ring me",
            "call me",
            "just chat",
            "not by phone",
            "don't ring at work",
            "on Teams if you can",
            "you choose",
        ]));
    }
    out
}

fn contacts() -> Vec<String> {
    owned(&[
        "07700 900123",
        "020 7946 0000",
        "ext 4521",
        "bleep 2204",
        "amina@example.org",
        "my number is 07700 900123",
        "sam at example dot org",
        "work email",
        "same as before",
        "ask for me at the desk",
        "ask for Grace on nights",
        "leave it with the ward clerk",
        "text only",
        "no voicemail",
        "don't call me at work",
        "on Teams",
        "through my manager",
        "I'm Priya, 07700 900123",
        "J. Obi, ward manager",
        "the number you have",
        "personal mobile please",
        "not my work one",
        "switchboard, then Cedar ward",
    ])
}

fn around(place: &str) -> Vec<String> {
    filled(
        &[
            "{p}",
            "in {p}",
            "{p} please",
            "I work in {p}",
            "I live in {p}",
            "{p} mostly",
            "near {p}",
            "not {p}",
            "outside {p}",
            "{p} and all over",
            "across {p}",
            "no, {p}",
            "{p} hospital",
        ],
        &[("{p}", place)],
    )
}

pub(crate) fn of_role(role: &str) -> Vec<String> {
    let a = if role.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    filled(
        &[
            "{r}",
            "I'm {a} {r}",
            "{r} on nights",
            "bank {r}",
            "{r} in charge",
            "the {r} team",
            "ex {r}",
            "{r} band 5",
            "{r}, cancer ward",
            "training to be {a} {r}",
            "not {a} {r}",
        ],
        &[("{r}", role), ("{a}", a)],
    )
}

fn changes() -> Vec<String> {
    let mut out = Vec::new();
    for field in [
        "size",
        "day",
        "time",
        "place",
        "number",
        "name",
        "contact",
        "frequency",
        "sessions",
        "area",
        "team",
        "outline",
    ] {
        out.extend(filled(
            &[
                "{f}",
                "the {f}",
                "change the {f}",
                "the {f} is wrong",
                "wrong {f}",
                "go back to the {f}",
                "not that {f}",
                "leave the {f} out",
                "scrap the {f}",
                "the {f} please",
            ],
            &[("{f}", field)],
        ));
    }
    out.extend(owned(&[
        "send it",
        "don't send it",
        "not yet",
        "leave it for now",
        "bin it",
        "cancel it",
        "kill it",
        "kill the request",
        "hold fire",
        "shoot it over",
        "fire away",
        "go for it",
        "done",
        "that's me done",
        "that's it",
    ]));
    out
}

/// Each of the forms with its blanks filled.
fn filled(forms: &[&str], blanks: &[(&str, &str)]) -> Vec<String> {
    let fill = |form: &&str| {
        blanks.iter().fold((*form).to_owned(), |text, (blank, filling)| text.replace(blank, filling))
    };
    forms.iter().map(fill).collect()
}

fn owned(texts: &[&str]) -> Vec<String> {
    filled(texts, &[])
}
