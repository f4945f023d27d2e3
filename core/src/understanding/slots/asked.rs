//! Which part of a sentence only asks. "Would one of you be free to run a group for our porters on
//! Mondays?" is a question by its form and says all that a request says.

use crate::understanding::{
    question,
    text::{Sep, Token},
};

/// From which token to its end a sentence asks for information.
pub(super) fn asked_from(sentence: &[Token]) -> Option<usize> {
    let from = question::asked_from(sentence)?;
    if is_label(sentence) {
        return None;
    }
    let clause = |at: &usize| *at == 0 || sentence[*at].before >= Sep::Comma;
    let request = (0..=from).filter(clause).find(|&at| is_request(skip(&sentence[at..], BEFORE_A_REQUEST)));
    let Some(request) = request else { return Some(from) };
    // "…, or is it all online these days?" asks after all.
    (request + 1..sentence.len())
        .filter(clause)
        .find(|&at| asks(skip(&sentence[at..], &["and", "or", "but"])))
}

/// "Where: on Zoom", "How often: monthly"
fn is_label(sentence: &[Token]) -> bool {
    let apart = sentence.iter().skip(1).take(2).any(|token| token.before >= Sep::Comma);
    apart && !sentence[0].asked && sentence[0].is(&["where", "when", "how", "who", "what"])
}

const BEFORE_A_REQUEST: &[&str] = &[
    "and", "but", "so", "ok", "okay", "sorry", "hi", "hello", "hiya", "hey", "just", "um", "er", "well",
    "oh", "also", "please", "then", "there", "if",
];
const US: &[&str] = &["us", "we", "our", "ours", "my", "mine", "me", "i"];
/// What asks for a rule, or for more of what is there already.
const RULES: &[&str] = &["more", "many", "still", "allowed", "bring", "later", "usually", "normally"];
/// What a hub does for a team, and a team with it.
const DO: &[&str] = &[
    "run",
    "runs",
    "lead",
    "facilitate",
    "set",
    "setup",
    "arrange",
    "organise",
    "organize",
    "book",
    "start",
    "put",
    "sort",
    "host",
    "hold",
    "come",
    "send",
    "visit",
    "fit",
    "slot",
    "squeeze",
    "offer",
    "provide",
    "deliver",
    "help",
    "consider",
    "have",
    "get",
    "do",
    "meet",
    "make",
    "request",
    "give",
    "sit",
    "spare",
    "support",
    "be",
    "see",
    "find",
    "begin",
    "go",
    "lay",
    "getting",
    "having",
    "running",
    "setting",
    "starting",
    "booking",
    "arranging",
    "organising",
    "coming",
];
const GROUP: &[&str] = &["group", "groups", "grp", "one", "session", "sessions", "space", "something", "it"];

/// The words of a clause ask for a group of their own, not for what there is.
fn is_request(words: &[Token]) -> bool {
    let has = |from: usize, list: &[&str]| words.iter().skip(from).any(|token| token.is(list));
    let is = |at: usize, list: &[&str]| words.get(at).is_some_and(|token| token.is(list));
    let ours = || has(1, US) || has(1, &["for", "4"]) && has(1, GROUP);
    let Some(first) = words.first() else { return false };
    match first.word.as_str() {
        // "is there any chance of", "is it possible to", "is there a way you could"
        "is" => {
            let way = is(1, &["there"])
                && words[2..].iter().take(3).any(|t| {
                    t.is(&[
                        "chance",
                        "way",
                        "possibility",
                        "hope",
                        "scope",
                        "anyone",
                        "anybody",
                        "someone",
                        "somebody",
                    ])
                });
            (way || is(1, &["it"]) && is(2, POSSIBLE)) && ours()
        }
        // "What we would like is a weekly group": no question at all.
        "what" => !first.asked && is(1, &["we", "i", "they", "my", "our", "id", "you"]),
        "any" => is(1, &["chance", "way", "possibility", "hope", "scope"]) && ours(),
        "are" => is(1, &["you"]) && is(2, WILLING) && ours(),
        "do" => {
            is(1, &["you"])
                && (is(2, &["think", "reckon", "suppose"])
                    && words[3..].iter().take(4).any(|t| t.is(&["could", "can", "might"]))
                    && !has(3, RULES))
                && ours()
        }
        // "have you anyone free to", "do you have somebody who could"
        "have" => {
            is(1, &["you"])
                && words[2..].iter().take(2).any(|t| t.is(&["anyone", "anybody", "someone", "somebody"]))
                && ours()
        }
        "how" => {
            is(1, &["do", "would", "can", "could"])
                && is(2, &["i", "we"])
                && words[3..].iter().take(4).any(|token| token.is(DO))
                && has(4, GROUP)
                && words[3..].iter().any(|token| token.is(&["for", "our", "my"]))
        }
        "i" | "we" | "wondering" | "wondered" => wonders(words),
        "can" | "could" | "would" | "will" | "may" | "might" | "shall" => modal(words) && !has(2, RULES),
        _ => false,
    }
}

const POSSIBLE: &[&str] =
    &["possible", "ok", "okay", "alright", "right", "feasible", "doable", "conceivable"];
const WILLING: &[&str] =
    &["able", "willing", "happy", "free", "prepared", "available", "up", "open", "in", "interested"];

/// "can my clerks have a group", "could ours be monthly", "would someone be willing to come to us".
fn modal(words: &[Token]) -> bool {
    let has = |list: &[&str]| words.iter().skip(1).any(|token| token.is(list));
    let is = |at: usize, list: &[&str]| words.get(at).is_some_and(|token| token.is(list));
    let near = |list: &[&str]| words.iter().skip(2).take(7).any(|token| token.is(list));
    let could = is(0, &["could", "may", "might", "shall"]);
    let ours = || has(US) || has(&["for", "4"]) && has(GROUP);
    if is(1, &["it", "that", "there"]) {
        let possible = words.iter().skip(2).take(4).any(|token| token.is(POSSIBLE) || token.is(&["chance"]));
        return if possible { ours() } else { could && is(2, &["be"]) };
    }
    // "could our group be monthly", "can my ward clerks have one too"
    if is(1, &["my", "our", "ours", "mine"])
        || is(1, &["the", "this"]) && is(2, &["group", "sessions", "team"])
    {
        let one = near(&["have", "get", "do"]) && has(GROUP);
        return one || near(&["meet"]) || could && near(&["be", "have", "get", "do", "run", "start"]);
    }
    if is(1, &["we", "i"]) {
        return could || near(&["have", "get", "book", "request", "ask", "do", "arrange"]) && has(GROUP);
    }
    // "one of you", "a facilitator of yours", "anyone on your team"
    let somebody = is(1, &["you", "someone", "somebody", "anyone", "anybody", "they", "your"])
        || is(1, &["one", "any", "some", "a"])
            && words.iter().skip(2).take(4).any(|t| t.is(&["you", "your", "yours", "facilitator"]));
    somebody && near(DO) && ours()
}

/// "I was wondering if you could …", "we wondered whether it would be possible to …"
fn wonders(words: &[Token]) -> bool {
    let Some(whether) = words.iter().take(8).position(|token| token.is(&["if", "whether"])) else {
        return words.iter().skip(1).take(4).any(|token| {
            token.is(&["like", "love", "want", "need", "hoping", "after", "looking", "hope", "wanted"])
        });
    };
    let wonders =
        words[..whether].iter().any(|t| t.is(&["wonder", "wondering", "wondered", "ask", "see", "asking"]));
    let rest = &words[whether + 1..];
    let can = rest.iter().take(6).any(|token| token.is(&["could", "can", "would", "might", "may"]));
    let ours = rest.iter().any(|token| token.is(US) || token.is(GROUP));
    wonders && can && ours && !rest.iter().any(|token| token.is(RULES))
}

/// A question beside the request.
fn asks(words: &[Token]) -> bool {
    let is = |at: usize, list: &[&str]| words.get(at).is_some_and(|token| token.is(list));
    is(0, &["how", "what", "which", "whats", "why"])
        || is(0, &["is", "are", "do", "does", "did", "will", "would", "can", "could", "must", "should"])
            && is(1, &["it", "that", "there", "you", "they", "we", "i", "this", "the", "these", "those"])
}

fn skip<'t>(words: &'t [Token], list: &[&str]) -> &'t [Token] {
    &words[words.iter().take_while(|token| token.is(list)).count()..]
}
