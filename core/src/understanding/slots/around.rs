//! What a number counts where no noun after it says so: by the words that stand around it.

use super::{Mark, Said, counting::Role, numbers::Number};
use crate::understanding::text::Sep;

/// "a team of 12", "there are 9", "for 8", "up to 10".
pub(super) fn introduced(said: &Said<'_>, number: &Number) -> Option<Role> {
    let next = number.last + 1;
    if said.is(next, &["in"]) && said.is(next + 1, &["my", "our", "the", "a", "total", "all", "each"]) {
        let sessions = (0..number.first).rev().take(6).any(|at| said.mark(at) == Some(Mark::Session));
        return Some(if sessions { Role::Sessions } else { Role::People });
    }
    if said.is(next, &["others"]) {
        return Some(Role::People);
    }
    if said.is(next, &["would", "will", "might", "could", "can", "may", "usually"])
        && said.is(next + 1, &["come", "attend", "join", "turn", "want", "take", "be"])
    {
        return Some(Role::People);
    }
    let mut at = said.before(number.first)?;
    while said.is(
        at,
        &[
            "about",
            "around",
            "roughly",
            "approximately",
            "approx",
            "maybe",
            "say",
            "probably",
            "up",
            "to",
            "at",
            "least",
            "most",
            "max",
            "maximum",
            "nearly",
            "almost",
            "over",
            "under",
            "circa",
            "between",
            "only",
            "just",
            "possibly",
            "like",
            "perhaps",
        ],
    ) {
        at = said.before(at)?;
    }
    let outer = at.checked_sub(1).filter(|_| said.tokens[at].before < Sep::Comma);
    let outer_is = |words: &[&str]| outer.is_some_and(|outer| said.is(outer, words));
    if said.is(at, &["of"]) {
        if outer_is(&[
            "team", "group", "size", "party", "total", "number", "maximum", "max", "crew", "minimum",
            "bunch", "unit", "capacity",
        ]) {
            return Some(Role::People);
        }
        if outer_is(&["block", "series", "run", "course", "set"]) {
            return Some(Role::Sessions);
        }
        return None;
    }
    let short_clause = said.after(number.last).is_none_or(|next| {
        said.is(
            next,
            &[
                "on", "in", "at", "from", "of", "and", "every", "or", "max", "please", "who", "people",
                "tops", "as", "but", "if", "ish", "not",
            ],
        ) || said.mark(next).is_some_and(|mark| !matches!(mark, Mark::People | Mark::Session | Mark::Role(_)))
    });
    if !short_clause {
        return None;
    }
    let verb = said.is(
        at,
        &[
            "are",
            "is",
            "for",
            "have",
            "we",
            "size",
            "team",
            "group",
            "numbers",
            "with",
            "be",
            "expect",
            "expecting",
            "of",
            "got",
            "number",
            "attendees",
            "people",
            "headcount",
        ],
    );
    let subject = said.is(
        at,
        &[
            "for",
            "size",
            "team",
            "group",
            "numbers",
            "with",
            "number",
            "attendees",
            "headcount",
            "expect",
            "expecting",
        ],
    ) || outer_is(&[
        "there", "we", "team", "numbers", "group", "us", "size", "would", "will", "have", "weve", "number",
        "that",
    ]);
    (verb && subject).then_some(Role::People)
}

/// Nothing around a number but commas, fillers and the words of a correction.
pub(super) fn stands_alone(said: &Said<'_>, number: &Number) -> bool {
    const LEFT: &[&str] = &[
        "about",
        "around",
        "maybe",
        "it",
        "not",
        "probably",
        "sorry",
        "no",
        "actually",
        "to",
        "from",
        "than",
        "of",
        "roughly",
        "say",
        "make",
        "its",
        "approx",
        "approximately",
        "be",
        "is",
        "that",
        "think",
        "just",
        "wait",
        "rather",
        "mean",
        "meant",
        "now",
        "up",
        "least",
        "most",
        "only",
        "guess",
        "perhaps",
        "said",
        "need",
        "want",
        "do",
        "well",
        "between",
        "possibly",
        "for",
        "like",
        "thinking",
        "circa",
        "max",
        "maximum",
        "ok",
        "okay",
        "have",
        "and",
        "instead",
        "all",
        "yes",
        "with",
        "or",
        "then",
        "put",
        "plus",
    ];
    const RIGHT: &[&str] = &[
        "not",
        "please",
        "instead",
        "on",
        "from",
        "rather",
        "max",
        "maximum",
        "tops",
        "ish",
        "or",
        "now",
        "thanks",
        "actually",
        "sorry",
        "i",
        "ideally",
        "if",
        "but",
        "and",
        "probably",
        "maybe",
        "in",
        "would",
        "should",
        "at",
        "is",
        "no",
        "odd",
        "to",
        "so",
        "anyway",
        "altogether",
        "though",
        "really",
        "usually",
        "unless",
        "including",
        "with",
    ];
    let left = said.before(number.first).is_none_or(|before| said.is(before, LEFT));
    let right = said.after(number.last).is_none_or(|after| said.is(after, RIGHT) || said.is_covered(after));
    left && right
}
