//! Lines of texts with what should be read out of them: the input of `understand --score`.

use chatbox_core::{engine::Engine, safety::Heard};
use chatbox_core::{
    safety::{Kind, Route},
    understanding::{GroupSlots, Intent, Meaning, Memory, Part, Signal},
};
use jiff::Timestamp;
use serde::Deserialize;

/// One text and what is expected of it. Whatever is left out is not measured.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    text: Option<String>,
    /// Several messages of one person in turn; what is expected is expected of the last.
    #[serde(default)]
    texts: Vec<String>,
    /// The question that the text answers.
    step: Option<String>,
    route: Option<Routes>,
    min: Option<Route>,
    max: Option<Route>,
    soft: Option<bool>,
    risk: Option<bool>,
    kinds: Option<Vec<Kind>>,
    needs: Option<Vec<String>>,
    intent: Option<Intent>,
    group: Option<Group>,
    label: Option<String>,
    kind: Option<String>,
    source: Option<String>,
    /// For whoever keeps the file; not read.
    #[expect(dead_code, reason = "allowed in a line, and of no use here")]
    id: Option<serde_json::Value>,
    #[expect(dead_code, reason = "allowed in a line, and of no use here")]
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Routes {
    One(Route),
    OneOf(Vec<Route>),
}

/// Slots of a group request, or the name of a group of lines.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Group {
    Label(String),
    Slots(GroupSlots),
}

/// A line that was read: the texts, and what is expected.
pub(super) struct Expected {
    texts: Vec<String>,
    step: Option<String>,
    pub(super) route: Option<Allowed>,
    pub(super) kinds: Option<Vec<Kind>>,
    pub(super) needs: Option<Vec<String>>,
    pub(super) intent: Option<Intent>,
    pub(super) group: Option<GroupSlots>,
    pub(super) label: Option<String>,
}

/// The routes that are right.
#[derive(Debug)]
pub(super) struct Allowed {
    routes: Vec<Route>,
    /// Whether it must be soft, or must not; `None`: as may be.
    soft: Option<bool>,
    /// A soft B is no false alarm either.
    soft_is_none: bool,
}

const ROUTES: [Route; 5] = [Route::A, Route::B, Route::C, Route::D, Route::E];

impl Expected {
    /// Reads a line of JSON. The error is a sentence that begins after "line N: ".
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let line: Line = serde_json::from_str(line).map_err(|fault| {
            // Numbers of lines within this line say nothing, and a value may be a person's words.
            let sentence = fault.to_string();
            let sentence = sentence.split(" at line ").next().unwrap_or_default();
            let sentence = if fault.is_syntax() || fault.is_eof() { "it is not JSON" } else { sentence };
            format!("{sentence}. `chatbox understand --help` shows the form")
        })?;
        let mut texts = line.texts;
        texts.extend(line.text);
        if texts.is_empty() {
            return Err("it has neither \"text\" nor \"texts\"".into());
        }
        let (group, group_label) = match line.group {
            Some(Group::Slots(slots)) => (Some(slots), None),
            Some(Group::Label(label)) => (None, Some(label)),
            None => (None, None),
        };
        let this = Self {
            texts,
            step: line.step,
            route: Allowed::of(line.route, line.min, line.max, line.soft, line.risk)?,
            kinds: line.kinds,
            needs: line.needs,
            intent: line.intent,
            group,
            label: line.label.or(group_label).or(line.kind).or(line.source),
        };
        let expects = this.route.is_some()
            || this.kinds.is_some()
            || this.needs.is_some()
            || this.intent.is_some()
            || this.group.is_some();
        if !expects {
            return Err("it says nothing of what is expected".into());
        }
        Ok(this)
    }

    /// The same, of some parts alone.
    pub(super) fn of(self, parts: &[Part]) -> Self {
        let asked = |part: Part| parts.contains(&part);
        Self {
            route: self.route.filter(|_| asked(Part::Route)),
            kinds: self.kinds.filter(|_| asked(Part::Route)),
            needs: self.needs.filter(|_| asked(Part::Needs)),
            intent: self.intent.filter(|_| asked(Part::Slots)),
            group: self.group.filter(|_| asked(Part::Slots)),
            ..self
        }
    }

    /// What is read out of the last text, after the others.
    pub(super) fn read(&self, engine: &Engine, step: Option<&str>, parts: &[Part]) -> Meaning {
        let content = engine.content();
        let rest: Vec<Part> = parts.iter().copied().filter(|part| *part != Part::Route).collect();
        let mut meaning = engine.understand_only(self.text(), self.step.as_deref().or(step), &rest);
        if !parts.contains(&Part::Route) {
            return meaning;
        }
        let mut memory = Memory::default();
        let mut heard = Heard::default();
        for text in &self.texts {
            heard = content.safety.hear(text, &memory, Timestamp::UNIX_EPOCH);
            let signals = heard.signals.iter();
            memory.0.extend(signals.map(|id| Signal { id: id.clone(), at: Timestamp::UNIX_EPOCH }));
        }
        meaning.route = heard.route;
        meaning.soft = heard.soft;
        meaning.kinds = heard.kinds;
        meaning.reasons = heard.reasons;
        meaning
    }

    /// The text that is measured.
    pub(super) fn text(&self) -> &str {
        self.texts.last().map_or("", String::as_str)
    }
}

impl Allowed {
    fn of(
        route: Option<Routes>,
        min: Option<Route>,
        max: Option<Route>,
        soft: Option<bool>,
        risk: Option<bool>,
    ) -> Result<Option<Self>, String> {
        if let (None, None, None, Some(risk)) = (&route, min, max, risk) {
            let routes = if risk { ROUTES[1..].to_vec() } else { ROUTES[..1].to_vec() };
            let soft = if risk { soft.or(Some(false)) } else { soft };
            return Ok(Some(Self { routes, soft, soft_is_none: !risk }));
        }
        let named = match route {
            None if min.is_none() && max.is_none() && soft.is_none() => return Ok(None),
            None => ROUTES.to_vec(),
            Some(Routes::One(route)) => vec![route],
            Some(Routes::OneOf(routes)) => routes,
        };
        let (min, max) = (min.unwrap_or_default(), max.unwrap_or(Route::E));
        let routes: Vec<Route> = named.into_iter().filter(|route| (min..=max).contains(route)).collect();
        if routes.is_empty() {
            return Err("no route is left between \"route\", \"min\" and \"max\"".into());
        }
        // A check-in that is due is no mere denial, unless the line says so.
        let soft = soft.or_else(|| (!routes.contains(&Route::A)).then_some(false));
        Ok(Some(Self { routes, soft, soft_is_none: false }))
    }

    pub(super) fn holds(&self, meaning: &Meaning) -> bool {
        let soft_ok = self.soft.is_none_or(|soft| soft == meaning.soft);
        (soft_ok && self.routes.contains(&meaning.route)) || (self.soft_is_none && meaning.soft)
    }

    /// The gentlest route that is right.
    pub(super) fn lowest(&self) -> Route {
        self.routes.iter().copied().min().unwrap_or_default()
    }

    /// The highest route that is right.
    pub(super) fn highest(&self) -> Route {
        self.routes.iter().copied().max().unwrap_or_default()
    }

    /// Whether somebody should be checked on: B or above, and no mere denial.
    pub(super) fn is_danger(&self) -> bool {
        self.lowest() > Route::A && self.soft != Some(true)
    }

    /// Whether nothing at all, or a mere denial, is right.
    pub(super) fn is_calm(&self) -> bool {
        self.highest() == Route::A || self.soft == Some(true)
    }

    pub(super) fn in_words(&self) -> String {
        let routes: Vec<String> = self.routes.iter().map(|route| format!("{route:?}")).collect();
        let soft = match self.soft {
            Some(true) => " soft",
            Some(false) => " not soft",
            None => "",
        };
        format!("{}{soft}", routes.join("/"))
    }
}
