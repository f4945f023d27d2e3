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

mod short_replies {
    pub(crate) mod answers;
    pub(crate) mod words;
}

use std::collections::{BTreeMap, BTreeSet};

use chatbox_core::{
    conversation::Conversation,
    dialogue::{
        CHECK_IN, Place,
        model::{Expect, Step},
    },
    engine::Engine,
    safety::Route,
};
use serde_json::{Value, json};
use short_replies::{answers, words::Words};
use support::Play;

/// The net may learn from what is said in the other dialogues, and never from what is said in these: they
/// measure it. Figures of speech of the content were written with a look at what alarmed in all of them.
const HELD_OUT: [&str; 2] = ["group_request", "privacy"];

/// So many alarm, in the dialogues that are held out and in the others. Lower them when it gets better; it
/// must not get worse.
const MOST_HELD_OUT: usize = 10;
const MOST: usize = 29;

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

/// What can be said, by the question that it answers; no text at two of them.
fn replies(engine: &Engine) -> BTreeMap<Question, BTreeSet<String>> {
    let words = Words::of(&support::content_files());
    let mut replies: BTreeMap<Question, BTreeSet<String>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut is_new = |text: &String| seen.insert(text.to_lowercase());
    let mut for_a_text = Vec::new();
    for dialogue in engine.content().dialogues.iter() {
        for step in &dialogue.steps {
            let Some(said) = answers::at(engine, &words, step) else { continue };
            let question =
                Question { dialogue: dialogue.dialogue.value.clone(), step: step.id().value.clone() };
            if let Step::Ask(ask) = step
                && matches!(ask.answer, Expect::Text(_))
            {
                for_a_text.push(question.clone());
            }
            replies.insert(question, said.into_iter().filter(&mut is_new).collect());
        }
    }
    // Names of places, and every other role, are what questions for a text get.
    let mut named = words.places;
    named.extend(words.roles.iter().skip(1).step_by(2).flat_map(|role| answers::of_role(role)));
    let everywhere = replies.keys().cloned().collect();
    for (questions, said) in [(for_a_text, named), (everywhere, words.everywhere)] {
        for (question, text) in questions.iter().cycle().zip(said.into_iter().filter(&mut is_new)) {
            replies.entry(question.clone()).or_default().insert(text);
        }
    }
    replies
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
