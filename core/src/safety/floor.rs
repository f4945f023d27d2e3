//! The floor: texts whose route is fixed in the program. Content may add to what is found; it can
//! never make one of these come out otherwise.

use super::{Kind, Route};

/// Messages in order, and what must be heard in the last one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    pub(super) messages: &'static [&'static str],
    pub(super) route: Route,
    /// Route B may rise to this, and no further; equal to `route` for most.
    pub(super) at_most: Route,
    pub(super) soft: bool,
    pub(super) gentle: bool,
    pub(super) kinds: &'static [Kind],
}

const fn at(route: Route, kinds: &'static [Kind], message: &'static [&'static str]) -> Expected {
    Expected { messages: message, route, at_most: route, soft: false, gentle: false, kinds }
}

const fn between(
    route: Route,
    at_most: Route,
    kinds: &'static [Kind],
    message: &'static [&'static str],
) -> Expected {
    Expected { messages: message, route, at_most, soft: false, gentle: false, kinds }
}

const fn soft(message: &'static [&'static str]) -> Expected {
    Expected {
        messages: message,
        route: Route::B,
        at_most: Route::B,
        soft: true,
        gentle: false,
        kinds: &[Kind::Suicide],
    }
}

const fn gentle(message: &'static [&'static str]) -> Expected {
    Expected { messages: message, route: Route::A, at_most: Route::A, soft: false, gentle: true, kinds: &[] }
}

const S: &[Kind] = &[Kind::Suicide];
const OTHER: &[Kind] = &[Kind::Suicide, Kind::ThirdParty];

pub(super) const FLOOR: &[Expected] = &[
    // Direct.
    at(Route::C, S, &["I want to kill myself"]),
    at(Route::D, S, &["I'm going to do it tonight"]),
    at(Route::D, S, &["I'm planning on killing myself"]),
    // Passive.
    at(Route::C, S, &["I wish I wouldn't wake up"]),
    at(Route::C, S, &["hoping I crash on the way to work"]),
    // Euphemism and slang.
    at(Route::C, S, &["top myself"]),
    at(Route::C, S, &["I could top myself"]),
    at(Route::C, S, &["do myself in"]),
    at(Route::C, S, &["end it all"]),
    at(Route::C, S, &["I just want to end it all"]),
    at(Route::C, S, &["unalive"]),
    at(Route::C, S, &["want to unalive myself"]),
    at(Route::C, S, &["kms"]),
    at(Route::C, S, &["not be here any more"]),
    at(Route::C, S, &["I don't want to be here any more"]),
    // Burden and trapped.
    between(Route::B, Route::C, S, &["they'd be better off without me"]),
    at(Route::B, S, &["there's no way out"]),
    // Misspelt and disguised.
    at(Route::C, S, &["sucidal"]),
    at(Route::C, S, &["kil my self"]),
    at(Route::C, S, &["k1ll myself"]),
    at(Route::C, S, &["k1ll my self"]),
    at(Route::C, S, &["sewerslide"]),
    at(Route::C, S, &["s u i c i d e"]),
    // Means and preparation.
    at(Route::D, S, &["I've kept insulin from the ward"]),
    at(Route::D, S, &["written letters to the kids"]),
    // Under way.
    at(Route::E, S, &["I've taken 30 paracetamol"]),
    // Seeking a method.
    at(Route::D, S, &["how much propranolol is fatal"]),
    // Denied.
    soft(&["I'm not suicidal, just shattered"]),
    at(Route::C, S, &["not suicidal but can't see a reason to go on"]),
    // Past.
    at(Route::B, S, &["I tried in 2019, fine now"]),
    at(Route::C, &[Kind::SelfHarm], &["I cut last night"]),
    // Somebody else.
    at(Route::B, OTHER, &["my colleague said she wants to die"]),
    at(Route::B, &[Kind::ThirdParty], &["asking for a friend"]),
    // Work talk.
    gentle(&["my patient took an overdose today"]),
    at(Route::A, &[], &["suicide prevention training date?"]),
    // Figures of speech.
    at(Route::A, &[], &["this rota is killing me"]),
    at(Route::A, &[], &["dead on my feet"]),
    at(Route::A, &[], &["could murder a coffee"]),
    at(Route::A, &[], &["my manager will kill me"]),
    at(Route::A, &[], &["dying for a break"]),
    at(Route::A, &[], &["shoot me now lol"]),
    at(Route::A, &[], &["shoot me now"]),
    at(Route::A, &[], &["what's the point"]),
    at(Route::A, &[], &["I'm burnt out"]),
    // A joke with weight.
    at(Route::B, S, &["shoot me now. no really"]),
    at(Route::B, S, &["shoot me now lol", "no really"]),
    // Other harm.
    between(Route::B, Route::C, &[Kind::Abuse], &["he hit me again"]),
    between(Route::B, Route::C, &[Kind::HarmToOthers], &["I could hurt her next time"]),
    between(Route::B, Route::C, &[Kind::Safeguarding], &["my neighbour's kid has bruises"]),
    // Across messages.
    at(Route::D, S, &["so tired", "what's the point", "sorted my will"]),
    at(Route::A, &[], &["so tired"]),
    at(Route::A, &[], &["so tired", "what's the point"]),
];
