//! What each simulated user does, over and over.

use std::path::Path;

use anyhow::Context as _;

/// Steps in order; after the last the user begins again.
#[derive(Debug, Clone)]
pub(crate) struct Script(Vec<Step>);

#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) action: Action,
    /// In lower case. The reply that answers the step holds it; any other reply is a wrong answer.
    pub(crate) answer: String,
}

#[derive(Debug, Clone)]
pub(crate) enum Action {
    Say(String),
    /// Presses the button whose label, in lower case, holds this.
    Press(String),
}

impl Script {
    /// The whole form of a group request, through chatbox's own content.
    pub(crate) fn chatbox() -> anyhow::Result<Self> {
        Self::parse(include_str!("chatbox.json"))
    }

    /// The small form that a peer offers unless `--peer-script` names another.
    pub(crate) fn peer() -> anyhow::Result<Self> {
        Self::parse(include_str!("peer.json"))
    }

    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&text).with_context(|| {
            format!("{} must be a JSON list of [action, words of the answer]", path.display())
        })
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let steps: Vec<(String, String)> = serde_json::from_str(text)?;
        anyhow::ensure!(!steps.is_empty(), "a script needs at least one step");
        let step = |(action, answer): (String, String)| Step {
            action: match action.strip_prefix("press:") {
                Some(label) => Action::Press(label.to_lowercase()),
                None => Action::Say(action),
            },
            answer: answer.to_lowercase(),
        };
        Ok(Self(steps.into_iter().map(step).collect()))
    }

    pub(crate) fn step(&self, at: usize) -> &Step {
        &self.0[at % self.0.len()]
    }
}
