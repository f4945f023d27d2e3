//! `chatbox understand --score`: figures for texts whose meaning is known.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::Path,
};

use chatbox_core::{
    engine::Engine,
    safety::Route,
    understanding::{GroupSlots, Meaning},
};
use serde::Serialize;
use serde_json::Value;

use super::{
    expect::Expected,
    figures::{Found, Share},
};
use crate::{cli::Understand, stop::Stop};

/// Reads the whole file, then writes what was measured. A line that cannot be read ends it with
/// nothing measured.
pub(super) fn run(engine: &Engine, file: &Path, args: &Understand) -> Result<(), Stop> {
    let name = file.display();
    let text = fs::read_to_string(file)
        .map_err(|fault| Stop::Usage(format!("The file {name} cannot be read: {fault}.")))?;
    let mut score = Score::default();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let expected = Expected::parse(line)
            .map_err(|sentence| Stop::Usage(format!("{name}, line {}: {sentence}.", index + 1)))?;
        let parts = super::parts(args.only);
        let expected = expected.of(parts);
        score.count(&expected, &expected.read(engine, args.step.as_deref(), parts));
    }
    let mut output = io::BufWriter::new(io::stdout().lock());
    let written = if args.json {
        serde_json::to_writer(&mut output, &score)
            .map_err(io::Error::from)
            .and_then(|()| output.write_all(b"\n"))
    } else {
        score.write(&mut output)
    };
    match written.and_then(|()| output.flush()) {
        Err(fault) if fault.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Everything that was measured. A part of which no line says anything is absent.
#[derive(Default, Serialize)]
struct Score {
    lines: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<RouteScore>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kinds: Option<Part<Found>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<NeedScore>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<Part<Share>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slots: Option<Part<Found>>,
}

/// A figure, the same by each value and by each label, and the lines that were wrong.
#[derive(Default, Serialize)]
struct Part<F> {
    all: F,
    by_value: BTreeMap<String, F>,
    by_label: BTreeMap<String, F>,
    misses: Vec<Miss>,
}

#[derive(Serialize)]
struct Miss {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    found: String,
    wanted: String,
}

#[derive(Default, Serialize)]
struct RouteScore {
    all: RouteFigures,
    /// B or above, and not soft: what was found and what was wanted.
    danger: Found,
    by_label: BTreeMap<String, RouteFigures>,
    misses: Vec<Miss>,
}

#[derive(Debug, Default, Serialize)]
struct RouteFigures {
    right: Share,
    too_low: u32,
    too_high: u32,
    /// How often each route was heard, A to E; soft ones are in B.
    heard: [u32; 5],
}

#[derive(Default, Serialize)]
struct NeedScore {
    all: NeedFigures,
    /// By the need where a line wants one alone: how often it came first, and how often what came
    /// first was right.
    by_need: BTreeMap<String, Found>,
    by_label: BTreeMap<String, NeedFigures>,
    misses: Vec<Miss>,
}

#[derive(Debug, Default, Serialize)]
struct NeedFigures {
    /// A right one first, of the texts in which one was found, and of all.
    first: Found,
    /// A right one among the first three, of the same.
    first_three: Found,
    /// Of the texts that speak of no need: those in which none was found.
    none: Share,
}

impl Score {
    fn count(&mut self, expected: &Expected, meaning: &Meaning) {
        self.lines += 1;
        if expected.route.is_some() {
            self.route.get_or_insert_default().count(expected, meaning);
        }
        if let Some(wanted) = &expected.kinds {
            let name = |kind| plain_name(&kind);
            let found: Vec<String> = meaning.kinds.iter().map(name).collect();
            let wanted: Vec<String> = wanted.iter().map(name).collect();
            self.kinds.get_or_insert_default().compare(expected, &found, &wanted, String::clone);
        }
        if let Some(wanted) = &expected.needs {
            self.needs.get_or_insert_default().count(expected, wanted, meaning);
        }
        if let Some(wanted) = expected.intent {
            let part = self.intent.get_or_insert_default();
            let right = wanted == meaning.intent;
            part.all.count(right);
            part.by_value.entry(plain_name(&wanted)).or_default().count(right);
            if let Some(label) = &expected.label {
                part.by_label.entry(label.clone()).or_default().count(right);
            }
            if !right {
                part.misses.push(miss(expected, plain_name(&meaning.intent), plain_name(&wanted)));
            }
        }
        if let Some(wanted) = &expected.group {
            let slot = |pair: &String| pair.split(' ').next().unwrap_or_default().to_owned();
            let (found, wanted) = (pairs(&meaning.group), pairs(wanted));
            self.slots.get_or_insert_default().compare(expected, &found, &wanted, slot);
        }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{} lines. In brackets the 95 % interval (Wilson).", self.lines)?;
        if let Some(route) = &self.route {
            route.write(out)?;
        }
        if let Some(kinds) = &self.kinds {
            kinds.write(out, "kinds")?;
        }
        if let Some(needs) = &self.needs {
            needs.write(out)?;
        }
        if let Some(intent) = &self.intent {
            writeln!(out, "\nintent\n  right      {}", intent.all.in_words())?;
            for (name, share) in intent.by_value.iter().chain(&intent.by_label) {
                writeln!(out, "  {name:20} {}", share.in_words())?;
            }
            write_misses(out, "intent", &intent.misses)?;
        }
        if let Some(slots) = &self.slots {
            slots.write(out, "slots")?;
        }
        Ok(())
    }
}

impl Part<Found> {
    /// Counts each thing that was found or wanted, under the value that `name` gives it.
    fn compare(
        &mut self,
        expected: &Expected,
        found: &[String],
        wanted: &[String],
        name: impl Fn(&String) -> String,
    ) {
        for one in found.iter().chain(wanted.iter().filter(|one| !found.contains(one))) {
            let (is_found, is_wanted) = (found.contains(one), wanted.contains(one));
            self.all.count(is_found, is_wanted);
            self.by_value.entry(name(one)).or_default().count(is_found, is_wanted);
            if let Some(label) = &expected.label {
                self.by_label.entry(label.clone()).or_default().count(is_found, is_wanted);
            }
        }
        let same = found.len() == wanted.len() && wanted.iter().all(|one| found.contains(one));
        if !same {
            self.misses.push(miss(expected, found.join(", "), wanted.join(", ")));
        }
    }

    fn write(&self, out: &mut impl Write, title: &str) -> io::Result<()> {
        writeln!(out, "\n{title}")?;
        write_found(out, "all", &self.all)?;
        for (name, figures) in self.by_value.iter().chain(&self.by_label) {
            write_found(out, name, figures)?;
        }
        write_misses(out, title, &self.misses)
    }
}

impl RouteScore {
    fn count(&mut self, expected: &Expected, meaning: &Meaning) {
        let Some(allowed) = &expected.route else { return };
        let right = allowed.holds(meaning);
        let heard_danger = meaning.route > Route::A && !meaning.soft;
        if allowed.is_danger() || allowed.is_calm() {
            self.danger.count(heard_danger, allowed.is_danger());
        }
        let label = expected.label.as_ref().map(|label| self.by_label.entry(label.clone()).or_default());
        for figures in [&mut self.all].into_iter().chain(label) {
            figures.right.count(right);
            let too_low = !right && (meaning.route < allowed.lowest() || (meaning.soft && !heard_danger));
            figures.too_low += u32::from(too_low);
            figures.too_high += u32::from(!right && !too_low);
            figures.heard[meaning.route as usize] += 1;
        }
        if !right {
            let rules: Vec<String> =
                meaning.reasons.iter().map(|reason| format!("{}: {}", reason.rule, reason.words)).collect();
            let soft = if meaning.soft { " soft" } else { "" };
            let found = format!("{:?}{soft} ({})", meaning.route, rules.join("; "));
            self.misses.push(miss(expected, found, allowed.in_words()));
        }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "\nroute")?;
        write_found(out, "B or above", &self.danger)?;
        let all = ("all".to_owned(), &self.all);
        for (name, figures) in
            [all].into_iter().chain(self.by_label.iter().map(|(label, figures)| (label.clone(), figures)))
        {
            let heard: Vec<String> = ['A', 'B', 'C', 'D', 'E']
                .iter()
                .zip(figures.heard)
                .map(|(route, count)| format!("{route} {count}"))
                .collect();
            let (right, heard) = (figures.right.in_words(), heard.join(" "));
            let (low, high) = (figures.too_low, figures.too_high);
            writeln!(out, "  {name:24} right {right}; too low {low}, too high {high}; heard {heard}")?;
        }
        write_misses(out, "route", &self.misses)
    }
}

impl NeedScore {
    fn count(&mut self, expected: &Expected, wanted: &[String], meaning: &Meaning) {
        let found: Vec<&str> = meaning.needs.iter().map(|need| need.id.as_str()).collect();
        let right = |id: &&str| wanted.iter().any(|wanted| wanted == id);
        let first = found.first().is_some_and(right);
        let three = found.iter().take(3).any(right);
        let label = expected.label.as_ref().map(|label| self.by_label.entry(label.clone()).or_default());
        for figures in [&mut self.all].into_iter().chain(label) {
            if wanted.is_empty() {
                figures.none.count(found.is_empty());
                continue;
            }
            for (figure, hit) in [(&mut figures.first, first), (&mut figures.first_three, three)] {
                figure.recall.count(hit);
                if !found.is_empty() {
                    figure.precision.count(hit);
                }
            }
        }
        if let Some(best) = found.first() {
            self.by_need.entry((*best).to_owned()).or_default().precision.count(first);
        }
        if let [only] = wanted {
            self.by_need.entry(only.clone()).or_default().recall.count(first);
        }
        if if wanted.is_empty() { !found.is_empty() } else { !first } {
            let place = if three { "among the first three: " } else { "" };
            let because = |need: &chatbox_core::understanding::NeedFound| {
                format!("{} {:.2} ({})", need.id, need.score, need.because.join("; "))
            };
            let found: Vec<String> = meaning.needs.iter().take(3).map(because).collect();
            self.misses.push(miss(expected, format!("{place}{}", found.join(", ")), wanted.join(", ")));
        }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "\nneeds")?;
        let all = ("all".to_owned(), &self.all);
        for (name, figures) in
            [all].into_iter().chain(self.by_label.iter().map(|(label, figures)| (label.clone(), figures)))
        {
            write_found(out, &format!("{name}, first"), &figures.first)?;
            write_found(out, &format!("{name}, of three"), &figures.first_three)?;
            if figures.none.all > 0 {
                writeln!(out, "  {:24} {}", format!("{name}, rightly none"), figures.none.in_words())?;
            }
        }
        writeln!(out, "  by need, first (recall where it alone is right)")?;
        for (name, figures) in &self.by_need {
            write_found(out, name, figures)?;
        }
        write_misses(out, "needs", &self.misses)
    }
}

fn write_found(out: &mut impl Write, name: &str, figures: &Found) -> io::Result<()> {
    let (precision, recall) = (figures.precision.in_words(), figures.recall.in_words());
    writeln!(out, "  {name:24} precision {precision}; recall {recall}")
}

fn write_misses(out: &mut impl Write, title: &str, misses: &[Miss]) -> io::Result<()> {
    if misses.is_empty() {
        return Ok(());
    }
    writeln!(out, "  {} missed ({title}):", misses.len())?;
    for miss in misses {
        let label = miss.label.as_ref().map_or(String::new(), |label| format!("[{label}] "));
        let or_none = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
        let (found, wanted) = (or_none(&miss.found), or_none(&miss.wanted));
        writeln!(out, "    {label}{:?} → {found}; wanted: {wanted}", miss.text)?;
    }
    Ok(())
}

fn miss(expected: &Expected, found: String, wanted: String) -> Miss {
    Miss { text: expected.text().to_owned(), label: expected.label.clone(), found, wanted }
}

/// A value as it is written in JSON, without its quotes.
fn plain_name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        other => format!("{other:?}"),
    }
}

/// Each slot with its value: "access closed".
fn pairs(slots: &GroupSlots) -> Vec<String> {
    let Ok(Value::Object(map)) = serde_json::to_value(slots) else { return Vec::new() };
    map.into_iter()
        .map(|(slot, value)| match value.as_str() {
            Some(word) => format!("{slot} {word}"),
            None => format!("{slot} {value}"),
        })
        .collect()
}
