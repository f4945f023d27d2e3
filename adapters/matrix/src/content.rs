//! What our messages look like: words, a list of choices, and a field of our own that says which
//! text it is. All of it is encrypted.

use chatbox_core::effect::Choice;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The field of our own in what we send.
const FIELD: &str = "chatbox.post";
/// The longest text of one message, in bytes. An event may have 65,536, and the words are in it
/// twice, as HTML and encrypted.
pub(crate) const MAX_TEXT: usize = 12_000;

/// What a message of ours says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    /// Names the text for good: its transaction id.
    pub(crate) id: String,
    /// [`chatbox_core::effect::Say::prompt`].
    #[serde(default)]
    pub(crate) prompt: u32,
    #[serde(default)]
    pub(crate) choices: Vec<Choice>,
    /// The choices are commands of the desk.
    #[serde(default)]
    pub(crate) desk: bool,
}

impl About {
    /// What the content of a message of ours says.
    pub(crate) fn read(content: &Value) -> Option<Self> {
        Self::deserialize(content.get(FIELD)?).ok()
    }

    /// The choice that somebody means who answers with `said`: its number, its words or its id; a thumb where
    /// it is asked yes or no.
    pub(crate) fn pick(&self, said: &str) -> Option<&Choice> {
        let said = said.trim();
        if let Some(yes) = thumb(said)
            && !self.is_grave()
        {
            return self.choice(if yes { "yes" } else { "no" });
        }
        if numbered(self)
            && let Some(number) = number(said)
        {
            return self.choices.get(number.checked_sub(1)?);
        }
        let said = said.trim_start_matches(['/', '!']).to_lowercase();
        self.choices.iter().find(|choice| choice.label.to_lowercase() == said || choice.id == said)
    }

    /// Whether `said` is a thumb at a question that has no room for a mere thumb: "Are you safe right now?" It is
    /// what somebody says, and no answer to it.
    pub(crate) fn is_thumb_at_grave(&self, said: &str) -> bool {
        self.is_grave() && thumb(said.trim()).is_some()
    }

    /// "Not sure" is a choice: so the check-in asks, and nothing else.
    fn is_grave(&self) -> bool {
        !self.desk && self.choice("unsure").is_some()
    }

    fn choice(&self, id: &str) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.id == id)
    }
}

/// Whether an emoji, of whatever colour, says yes or no.
fn thumb(said: &str) -> Option<bool> {
    let mut letters = said.chars();
    let yes = match letters.next()? {
        '👍' | '✅' | '✔' | '👌' => true,
        '👎' | '❌' | '✖' => false,
        _ => return None,
    };
    letters.all(|letter| matches!(letter, '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')).then_some(yes)
}

/// A message of ours: `text`, and under it the choices.
pub(crate) fn message(text: &str, about: &About) -> Value {
    let (mut body, mut html) = (text.to_owned(), escaped(text));
    if !about.choices.is_empty() {
        let numbered = numbered(about);
        let bullet = |nth: usize| if numbered { format!("{}.", nth + 1) } else { "•".to_owned() };
        body.push_str(if text.is_empty() { "" } else { "\n" });
        html.push_str(if numbered { "<ol>" } else { "<ul>" });
        for (nth, choice) in about.choices.iter().enumerate() {
            body.extend(["\n", &bullet(nth), " ", label(choice)]);
            html.extend(["<li>", &escaped(label(choice)), "</li>"]);
        }
        html.push_str(if numbered { "</ol>" } else { "</ul>" });
    }
    json!({
        "msgtype": "m.text",
        "body": body,
        "format": "org.matrix.custom.html",
        "formatted_body": html,
        "m.mentions": {},
        FIELD: about,
    })
}

/// The same message without its choices, or with other words, in place of the one of that id.
pub(crate) fn replacement(of: &str, text: &str, about: &About) -> Value {
    let new = message(text, &About { choices: Vec::new(), ..about.clone() });
    json!({
        "msgtype": "m.text",
        "body": format!("* {text}"),
        "m.mentions": {},
        "m.new_content": new,
        "m.relates_to": { "rel_type": "m.replace", "event_id": of },
    })
}

/// The words of a message of ours, without the list under them.
pub(crate) fn words(content: &Value, about: &About) -> String {
    let body = content["body"].as_str().unwrap_or_default();
    let list = message("", about);
    let list = list["body"].as_str().unwrap_or_default();
    body.strip_suffix(list).unwrap_or(body).trim_end().to_owned()
}

/// The number that a text or an emoji is: `1`, `1.`, `1️⃣`, `🔟`.
pub(crate) fn number(said: &str) -> Option<usize> {
    let plain: String = said.chars().filter(|c| !matches!(c, '\u{fe0f}' | '\u{20e3}')).collect();
    match plain.trim().trim_end_matches(['.', ')']) {
        "🔟" => Some(10),
        digits if digits.len() <= 2 && digits.chars().all(|c| c.is_ascii_digit()) => digits.parse().ok(),
        _ => None,
    }
}

/// Whether choices are numbered. Not where a typed number would be an answer of its own: where they
/// begin with a figure ("8 sessions"), and where all of them lead aside from the question above
/// them ("How many?"). At the desk no number is ever typed as an answer.
fn numbered(about: &About) -> bool {
    let choices = &about.choices;
    let figures = choices.iter().any(|choice| choice.label.starts_with(|c: char| c.is_ascii_digit()));
    let answers = choices.iter().any(|choice| !choice.is_aside());
    !figures && (about.desk || (choices.len() > 1 && answers))
}

fn label(choice: &Choice) -> &str {
    if choice.label.is_empty() { &choice.id } else { &choice.label }
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\n' => html.push_str("<br>"),
            other => html.push(other),
        }
    }
    html
}

/// A text in parts that fit a message: cut at the end of a paragraph, a line or a word where there
/// is one in the second half of a part.
pub(crate) fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > MAX_TEXT {
        let window = &rest[..rest.floor_char_boundary(MAX_TEXT)];
        let cut = ["\n\n", "\n", " "]
            .into_iter()
            .filter_map(|gap| window.rfind(gap))
            .find(|cut| *cut > MAX_TEXT / 2)
            .unwrap_or(window.len());
        parts.push(rest[..cut].trim_end());
        rest = rest[cut..].trim_start();
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(labels: &[&str]) -> About {
        let choices = labels
            .iter()
            .map(|label| Choice { id: label.to_lowercase().replace(' ', "_"), label: (*label).to_owned() })
            .collect();
        About { id: "1-0".to_owned(), prompt: 3, choices, desk: false }
    }

    fn picked(about: &About, said: &str) -> Option<String> {
        about.pick(said).map(|choice| choice.id.clone())
    }

    #[test]
    fn choices_are_taken_by_number_words_and_emoji() {
        let about = about(&["Yes, please", "No"]);
        for said in ["1", "1.", "1️⃣", " 1 ", "yes, please", "YES, PLEASE"] {
            assert_eq!(picked(&about, said), Some("yes,_please".to_owned()), "{said}");
        }
        assert_eq!(picked(&about, "2"), Some("no".to_owned()));
        for said in ["0", "3", "👍", "maybe", "", "12 people"] {
            assert_eq!(picked(&about, said), None, "{said}");
        }
        assert_eq!(number("🔟"), Some(10));
        let confirm =
            About { choices: vec![Choice::new("yes", "Send it"), Choice::new("no", "Stop")], ..about };
        for (said, choice) in [("👍", "yes"), ("👍🏾", "yes"), ("✅", "yes"), ("👎", "no"), ("❌", "no")]
        {
            assert_eq!(picked(&confirm, said), Some(choice.to_owned()), "{said}");
        }
        assert_eq!(picked(&confirm, "👍 but later"), None);
        let mut safe = confirm.clone();
        safe.choices.push(Choice::new("unsure", "Not sure"));
        assert_eq!(picked(&safe, "👍"), None, "a thumb is no answer to “are you safe?”");
        assert!(safe.is_thumb_at_grave("👍") && !confirm.is_thumb_at_grave("👍"));
    }

    #[test]
    fn figures_are_never_taken_for_places_in_the_list() {
        let about = about(&["6 sessions", "2 sessions"]);
        let body = message("How many?", &about)["body"].clone();
        assert_eq!(body, "How many?\n\n• 6 sessions\n• 2 sessions");
        assert_eq!(picked(&about, "2"), None);
        assert_eq!(picked(&about, "2 sessions"), Some("2_sessions".to_owned()));
    }

    #[test]
    fn number_that_answers_the_question_itself_is_never_taken_for_a_choice() {
        let mut about = about(&["Skip", "Finish"]);
        assert_eq!(message("How many?", &about)["body"], "How many?\n\n• Skip\n• Finish");
        assert_eq!(picked(&about, "1"), None);
        assert_eq!(picked(&about, "skip"), Some("skip".to_owned()));
        about.desk = true;
        assert_eq!(picked(&about, "1️⃣"), Some("skip".to_owned()));
    }

    #[test]
    fn words_are_shown_as_written_in_both_bodies() {
        let content = message("A < B & C\nD", &about(&["\"x\"", "y"]));
        assert_eq!(content["body"], "A < B & C\nD\n\n1. \"x\"\n2. y");
        assert_eq!(
            content["formatted_body"],
            "A &lt; B &amp; C<br>D<ol><li>&quot;x&quot;</li><li>y</li></ol>"
        );
        let about = About::read(&content).unwrap();
        assert_eq!(about.prompt, 3);
        assert_eq!(words(&content, &about), "A < B & C\nD");
    }

    #[test]
    fn answered_prompt_keeps_its_words_and_loses_its_list() {
        let about = about(&["Yes", "No"]);
        let edit = replacement("$a", "Shall we?", &about);
        assert_eq!(edit["m.new_content"]["body"], "Shall we?");
        assert_eq!(edit["m.relates_to"], json!({ "rel_type": "m.replace", "event_id": "$a" }));
        assert_eq!(About::read(&edit["m.new_content"]).unwrap().choices, []);
    }

    #[test]
    fn long_texts_lose_nothing_but_white_space() {
        let text = "Ünï wörds and more.\n".repeat(2_000);
        let parts = parts(&text);
        assert!(parts.len() > 2 && parts.iter().all(|part| part.len() <= MAX_TEXT));
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(squeezed(&parts.join("\n")), squeezed(&text));
        assert_eq!(super::parts(""), [""]);
    }
}
