//! The table: medians over the rounds, and how chatbox compares.

use std::{collections::BTreeMap, fmt};

use crate::scenarios::{Figures, Scenario};

pub(crate) struct Report {
    scenario: Scenario,
    /// In the order in which they first ran.
    names: Vec<String>,
    runs: BTreeMap<String, Vec<Figures>>,
}

impl Report {
    pub(crate) fn new(scenario: Scenario) -> Self {
        Self { scenario, names: Vec::new(), runs: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, name: String, figures: Figures) {
        if !self.names.contains(&name) {
            self.names.push(name.clone());
        }
        self.runs.entry(name).or_default().push(figures);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| {:?} | runs | answered/s (least to most) | chatbox is | p50 ms | p99 ms | CPU s / 1,000 | MB | start ms | wrong | repeats | unanswered |",
            self.scenario
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|---|---|---|---|")?;
        let first = self.names.first().map(|name| rate(&self.runs[name]));
        for name in &self.names {
            let runs = &self.runs[name];
            let rates = collect(runs, |run| run.answered_per_second);
            let times = match (first.flatten(), rate(runs)) {
                (Some(chatbox), Some(other)) => format!("{:.2}x", chatbox / other),
                (None, _) | (_, None) => "-".to_owned(),
            };
            let spread = match (rates.first(), rates.last()) {
                (Some(least), Some(most)) => {
                    format!("{} ({least:.0} to {most:.0})", show(rate(runs), 0))
                }
                (None, _) | (_, None) => "-".to_owned(),
            };
            let total = |of: fn(&Figures) -> usize| runs.iter().map(of).sum::<usize>();
            writeln!(
                f,
                "| {name} | {} | {spread} | {times} | {} | {} | {} | {} | {} | {} | {} | {} |",
                runs.len(),
                show(median(&collect(runs, |run| run.p50_ms)), 1),
                show(median(&collect(runs, |run| run.p99_ms)), 1),
                show(median(&collect(runs, |run| run.cpu)), 3),
                show(median(&collect(runs, |run| run.memory)), 0),
                show(median(&collect(runs, |run| run.start_ms)), 0),
                total(|run| run.wrong),
                total(|run| run.repeats),
                total(|run| run.unanswered),
            )?;
        }
        Ok(())
    }
}

fn rate(runs: &[Figures]) -> Option<f64> {
    median(&collect(runs, |run| run.answered_per_second))
}

/// Sorted.
fn collect(runs: &[Figures], of: impl Fn(&Figures) -> Option<f64>) -> Vec<f64> {
    let mut figures: Vec<f64> = runs.iter().filter_map(of).collect();
    figures.sort_by(f64::total_cmp);
    figures
}

fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 { Some(upper) } else { Some(f64::midpoint(sorted[sorted.len() / 2 - 1], upper)) }
}

fn show(figure: Option<f64>, digits: usize) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.digits$}"))
}
