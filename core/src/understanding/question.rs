//! Telling a question from an answer.

use super::text::{Sep, Token};

/// The sentences of a message, each as a range of tokens.
pub(super) fn sentences(tokens: &[Token]) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
    let starts = (0..tokens.len()).filter(|&at| tokens[at].before == Sep::Sentence);
    starts.map(|start| {
        let more = tokens[start + 1..].iter().take_while(|token| token.before != Sep::Sentence).count();
        start..start + 1 + more
    })
}

/// The part of a sentence that asks for information ("does it have to be weekly?"): from some token
/// to its end. A request in the form of a question ("could you make it 8?") asks nothing.
pub(super) fn asked_from(sentence: &[Token]) -> Option<usize> {
    let asked = sentence.first()?.asked;
    let mut requests = false;
    for (at, token) in sentence.iter().enumerate() {
        if at > 0 && token.before < Sep::Comma {
            continue;
        }
        let words = skip_openers(&sentence[at..]);
        if is_suggestion(words) || is_request(words) {
            requests = true;
        } else if opens_question(words) && (at == 0 || asked || !words.first()?.is(&RELATIVE)) {
            return Some(at);
        }
    }
    (asked && !requests).then_some(0)
}

/// Whether any part of a sentence asks for information.
pub(super) fn is_question(sentence: &[Token]) -> bool {
    asked_from(sentence).is_some()
}

/// Words that also tie a clause to the one before: "nurses, who are tired".
const RELATIVE: [&str; 8] = ["who", "which", "where", "when", "what", "how", "why", "whose"];

fn skip_openers(sentence: &[Token]) -> &[Token] {
    const OPENERS: &[&str] = &[
        "and", "but", "so", "ok", "okay", "sorry", "hi", "hello", "just", "um", "er", "well", "oh", "also",
        "please",
    ];
    let skip = sentence.iter().take_while(|token| token.is(OPENERS)).count();
    &sentence[skip..]
}

/// "how about Tuesday", "what about Thursdays": a value is put forward.
fn is_suggestion(words: &[Token]) -> bool {
    matches!(words, [a, b, ..] if a.is(&["how", "what"]) && b.is(&["about"]))
}

/// "can you make it 8", "could we book a group", "can I change it to Tuesday".
fn is_request(words: &[Token]) -> bool {
    const ASK: &[&str] = &["can", "could", "may", "would", "will", "shall", "please", "possible"];
    const WHO: &[&str] = &["i", "we", "you", "u", "it", "that", "someone", "somebody"];
    const DO: &[&str] = &[
        "make", "change", "request", "book", "set", "setup", "arrange", "put", "switch", "move", "swap",
        "organise", "organize", "start", "run", "please", "add", "go", "update", "correct", "sort",
        "register", "ask", "call", "ring", "phone",
    ];
    const GET: &[&str] = &["have", "get", "do", "need", "like", "want"];
    const WHAT: &[&str] = &["group", "groups", "instead", "please", "session", "space", "sessions"];
    let [ask, who, rest @ ..] = words else { return false };
    if !(ask.is(ASK) && who.is(WHO)) {
        return false;
    }
    let limits = ["more", "still", "if", "also", "bring", "only", "later"];
    // "would you be able to come to us?"
    if ask.is(&["would"])
        && who.is(&["you", "someone", "somebody"])
        && rest.first().is_some_and(|t| t.is(&["be"]))
    {
        return rest.get(1).is_some_and(|token| token.is(&["able", "willing", "happy"]));
    }
    if ask.is(&["could"])
        && who.is(&["we", "you", "someone", "somebody"])
        && !rest.iter().any(|token| token.is(&limits))
    {
        return true;
    }
    let near = &rest[..rest.len().min(3)];
    (near.iter().any(|token| token.is(DO)) && !who.is(&["it", "that"]))
        || (!who.is(&["it", "that"])
            && near.iter().any(|token| token.is(GET))
            && rest.iter().any(|token| token.is(WHAT))
            && !rest.iter().any(|token| token.is(&limits)))
        || (rest.iter().any(|token| token.is(&["instead"])) && who.is(&["it", "we", "i", "that"]))
}

fn opens_question(words: &[Token]) -> bool {
    const ASKING: &[&str] = &["what", "why", "who", "which", "whose", "how", "where"];
    const VERB: &[&str] = &[
        "is", "are", "do", "does", "did", "can", "could", "will", "would", "should", "must", "has", "have",
        "was", "were", "shall", "am", "isnt", "doesnt", "cant", "wont",
    ];
    const SUBJECT: &[&str] = &[
        "i",
        "we",
        "you",
        "they",
        "he",
        "she",
        "it",
        "there",
        "this",
        "that",
        "these",
        "the",
        "my",
        "our",
        "your",
        "everyone",
        "people",
        "someone",
        "anyone",
        "managers",
        "staff",
        "it's",
        "a",
        "an",
        "any",
        "all",
        "closed",
        "open",
        "u",
        "weekly",
        "fortnightly",
        "monthly",
        "online",
        "bank",
        "agency",
        "students",
        "volunteers",
        "nurses",
        "carers",
    ];
    let [first, rest @ ..] = words else { return false };
    let second = rest.first();
    match first.word.as_str() {
        "when" => second.is_some_and(|token| token.is(VERB)),
        "what" | "how" if second.is_some_and(|t| t.is(&["ever", "a"])) => false,
        word if ASKING.contains(&word) => second.is_none_or(|token| !token.is(&["ever"])),
        "do" | "have" => second.is_some_and(|token| {
            token.is(&[
                "i", "we", "you", "they", "people", "u", "managers", "bosses", "staff", "nurses", "students",
            ])
        }),
        // "Is a bully": the rest of what was begun in the message before.
        "is" if matches!(rest, [a, thing] if a.is(&["a", "an"]) && !thing.asked) => false,
        word if VERB.contains(&word) => second.is_some_and(|token| token.is(SUBJECT)),
        "whats" | "wheres" | "hows" | "explain" => true,
        "difference" => second.is_some_and(|token| token.is(&["between"])),
        "meaning" => second.is_some_and(|token| token.is(&["of"])),
        _ => false,
    }
}
