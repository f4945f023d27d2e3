//! Short replies never alarm: what a form gets in a day of work, made from the content.
//!
//! A choice, a number, a day, the name of a team: whoever answers so and is told to call 999 does not come
//! back. Every dialogue is walked, and at each of its questions is played what can be said there. What can be
//! said anywhere (a yes, a thank you, "hang on") is shared out among the questions, so that each text belongs
//! to one dialogue.
//!
//! `SHORT_REPLIES=FOLDER cargo test --test short_replies` writes all texts, and what alarms, to that folder.

#[expect(dead_code, reason = "shared by several test programs, each of which uses a part")]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use chatbox_core::{
    conversation::Conversation,
    dialogue::{
        CHECK_IN, Place,
        model::{Expect, Opt, Step},
    },
    engine::Engine,
    safety::Route,
};
use serde_json::{Value, json};
use support::Play;

/// The net may learn from what is said in the other dialogues, and never from what is said in these: they
/// measure it. Figures of speech of the content were written with a look at what alarmed in all of them.
const HELD_OUT: [&str; 2] = ["group_request", "privacy"];

/// So many alarm, in the dialogues that are held out and in the others. Lower them when it gets better; it
/// must not get worse.
const MOST_HELD_OUT: usize = 23;
const MOST: usize = 35;

/// Fewer replies than this are no walk through the content.
const FEWEST: usize = 4_000;

#[test]
fn short_replies_at_their_question_raise_no_danger() {
    let engine = support::engine();
    let replies = replies(&engine);
    let mut alarms = Vec::new();
    for (question, texts) in &replies {
        let at = question.open(&engine);
        for text in texts.iter().filter(|text| question.alarms(&engine, &at, text)) {
            alarms.push(question.told(&engine, text));
        }
    }
    let count: usize = replies.values().map(BTreeSet::len).sum();
    if let Some(folder) = std::env::var_os("SHORT_REPLIES") {
        write(folder.as_ref(), &replies, &alarms);
    }
    assert!(count >= FEWEST, "only {count} replies were made");
    let (held_out, others): (Vec<&Value>, Vec<&Value>) =
        alarms.iter().partition(|alarm| HELD_OUT.iter().any(|dialogue| alarm["dialogue"] == *dialogue));
    for (alarms, most) in [(held_out, MOST_HELD_OUT), (others, MOST)] {
        let list: Vec<String> = alarms.iter().map(ToString::to_string).collect();
        assert!(list.len() <= most, "of {count} replies {} alarm:\n{}", list.len(), list.join("\n"));
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Question {
    dialogue: String,
    step: String,
}

impl Question {
    /// The state of a conversation in which it has just been asked.
    fn open(&self, engine: &Engine) -> String {
        let mut play = Play::new(engine);
        let place = Place { dialogue: self.dialogue.clone(), step: self.step.clone(), ..Place::default() };
        let conversation = Conversation {
            welcomed: true,
            content: engine.content().hash.clone(),
            place: Some(place),
            ..Conversation::default()
        };
        play.state = serde_json::to_string(&conversation).expect("state is JSON");
        play.says("say that again");
        play.state
    }

    fn told(&self, engine: &Engine, text: &str) -> Value {
        let because: Vec<String> =
            engine.understand(text, None).reasons.into_iter().map(|reason| reason.rule).collect();
        json!({ "dialogue": self.dialogue, "step": self.step, "text": text, "because": because })
    }

    /// Whether a text is taken for danger here. At the questions of the check-in, where a "no" goes up as it
    /// should, what is heard in its words counts.
    fn alarms(&self, engine: &Engine, at: &str, text: &str) -> bool {
        if self.dialogue == CHECK_IN {
            let heard = engine.understand(text, Some(&self.step));
            return heard.route > Route::A && !heard.soft;
        }
        let mut play = Play::new(engine);
        at.clone_into(&mut play.state);
        play.says(text);
        play.conversation().route() > Route::A
    }
}

/// What can be said, by the question that it answers.
fn replies(engine: &Engine) -> BTreeMap<Question, BTreeSet<String>> {
    let mut replies: BTreeMap<Question, BTreeSet<String>> = BTreeMap::new();
    let files = support::content_files();
    let words = Words::of(&files);
    // Names of places, and every other role, are what questions for a text get.
    let mut named = words.places.clone();
    named.extend(words.roles.iter().skip(1).step_by(2).flat_map(|role| of_role(role)));
    let mut seen = BTreeSet::new();
    let mut texts = Vec::new();
    for dialogue in engine.content().dialogues.iter() {
        for step in &dialogue.steps {
            let question =
                Question { dialogue: dialogue.dialogue.value.clone(), step: step.id().value.clone() };
            let said: Vec<String> = match step {
                Step::Ask(ask) => {
                    texts.extend(matches!(ask.answer, Expect::Text(_)).then(|| question.clone()));
                    answers(engine, &words, &ask.answer)
                }
                Step::Offer(offer) => picks(&offer.choices),
                Step::Say(_) | Step::Branch(_) | Step::Save(_) | Step::HandOver(_) | Step::Act(_) => continue,
            };
            let new = said.into_iter().filter(|text| seen.insert(text.to_lowercase())).collect();
            replies.insert(question, new);
        }
    }
    let everywhere = replies.keys().cloned().collect::<Vec<_>>();
    for (questions, said) in [(texts, named), (everywhere, words.everywhere)] {
        let new = said.into_iter().filter(|text| seen.insert(text.to_lowercase()));
        for (question, text) in questions.iter().cycle().zip(new) {
            replies.entry(question.clone()).or_default().insert(text);
        }
    }
    replies
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
        let (number, nth) = (at + 1, NTH.get(at).copied().unwrap_or("last"));
        let id = option.id.value.replace('_', " ");
        out.extend([
            label.clone(),
            id.clone(),
            format!("{label} please"),
            format!("{label} I think"),
            format!("probably {id}"),
            format!("{number}"),
            format!("{number}."),
            format!("number {number}"),
            format!("option {number} please"),
            format!("the {nth}"),
            format!("the {nth} one"),
            format!("no, the {nth}"),
            format!("no wait, {nth} one"),
            format!("sorry, meant the {nth}"),
            format!("I meant {label}"),
            format!("actually {label}"),
            format!("no, {id}"),
            format!("not {id}"),
        ]);
        for other in labels.iter().filter(|other| *other != label) {
            out.extend([
                format!("not {label}, {other}"),
                format!("{label} or {other}"),
                format!("make it {label} instead of {other}"),
            ]);
        }
    }
    out.extend(
        ["the last one", "none of these", "all of them", "any", "either", "both", "a bit of each"]
            .map(str::to_owned),
    );
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
            out.extend(
                [
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
                ]
                .map(|form| form.replace("{n}", &n)),
            );
        }
        out.extend([
            format!("{number} not {}", number + 2),
            format!("{number}-{}", number + 2),
            format!("{number} to {}", number + 2),
            format!("{number} or {}", number + 1),
        ]);
    }
    out
}

fn sizes(words: &Words) -> Vec<String> {
    let mut out: Vec<String> = [
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
    ]
    .map(str::to_owned)
    .into();
    for (nth, role) in words.roles.iter().enumerate() {
        let number = nth % 9 + 3;
        out.extend([format!("{number} {role}"), format!("{number} {role} and the manager")]);
    }
    out
}

fn whens(talk: bool) -> Vec<String> {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    const PARTS: [&str; 5] = ["morning", "afternoon", "evening", "lunchtime", "night"];
    let mut out: Vec<String> = [
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
    ]
    .map(str::to_owned)
    .into();
    for (at, day) in DAYS.iter().enumerate() {
        let other = DAYS[(at + 1) % DAYS.len()];
        for form in [
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
        ] {
            out.push(form.replace("{d}", day).replace("{o}", other));
        }
        for part in PARTS {
            out.extend([format!("{day} {part}"), format!("{day} {part}s"), format!("not {day} {part}")]);
        }
    }
    for hour in 1..=12 {
        for form in [
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
        ] {
            out.push(form.replace("{h}", &hour.to_string()));
        }
    }
    if talk {
        let ways = ["phone", "video", "chat", "in person", "Teams", "text"];
        out = out
            .into_iter()
            .step_by(3)
            .zip(ways.into_iter().cycle())
            .map(|(when, way)| format!("{when} by {way}"))
            .collect();
        out.extend(
            [
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
            ]
            .map(str::to_owned),
        );
    }
    out
}

fn contacts() -> Vec<String> {
    [
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
    ]
    .map(str::to_owned)
    .into()
}

fn around(place: &str) -> Vec<String> {
    [
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
    ]
    .map(|form| form.replace("{p}", place))
    .into()
}

fn of_role(role: &str) -> Vec<String> {
    let a = if role.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    [
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
    ]
    .map(|form| form.replace("{r}", role).replace("{a}", a))
    .into()
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
        out.extend(
            [
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
            ]
            .map(|form| form.replace("{f}", field)),
        );
    }
    out.extend(
        [
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
        ]
        .map(str::to_owned),
    );
    out
}

/// What is said of a form, and is no false alarm where it is heard as danger.
const NOT_CALM: [&str; 3] = ["bleeding", "this is fucking hopeless", "i dont want to carry on with this"];

/// Words of the understanding content.
#[derive(Default)]
struct Words {
    roles: Vec<String>,
    places: Vec<String>,
    everywhere: Vec<String>,
}

impl Words {
    fn of(files: &[(String, String)]) -> Self {
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

fn write(folder: &std::path::Path, replies: &BTreeMap<Question, BTreeSet<String>>, alarms: &[Value]) {
    let line = |text: &str| json!({ "text": text, "group": "everyday", "min": "A", "kinds": [] }).to_string();
    let mut by_dialogue: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (question, texts) in replies {
        by_dialogue.entry(&question.dialogue).or_default().extend(texts.iter().map(|text| line(text)));
    }
    for (dialogue, lines) in by_dialogue {
        let file = folder.join(format!("short-{dialogue}.jsonl"));
        std::fs::write(file, lines.join("\n") + "\n").expect("written");
    }
    let alarms: Vec<String> = alarms.iter().map(Value::to_string).collect();
    std::fs::write(folder.join("short-alarms.jsonl"), alarms.join("\n") + "\n").expect("written");
}
