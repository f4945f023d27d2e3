//! `chatbox requests`: the group requests that were made, and how far the desk is with each.

use std::{fmt::Write as _, path::Path};

use chatbox_store::{CaseState, Saved, Store};
use serde_json::{Value, json};

use super::print_line;
use crate::{cli::Requests, clock, config, setup::store_config, stop::Stop};

const KIND: &str = "group_request";

/// Prints those that the desk has not closed, oldest first; with `--all` the others too.
pub async fn run(config: Option<&Path>, args: &Requests) -> Result<(), Stop> {
    let loaded = config::load(config, std::env::vars_os())?;
    let store = Store::open(store_config(&loaded.config, None)).await?;
    let mut saved = store.records(Some(KIND)).await?;
    saved.retain(|saved| args.all || saved.state != CaseState::Closed);
    for saved in &saved {
        print_line(&if args.json { as_json(saved) } else { as_text(saved) })?;
    }
    if saved.is_empty() && !args.json {
        print_line(&format!("No open group requests up to {}.", clock::now().strftime("%F %H:%M UTC")))?;
    }
    store.close().await;
    Ok(())
}

fn as_json(saved: &Saved) -> String {
    let Saved { record, created, state, lane: _ } = saved;
    json!({"reference": record.reference, "created": created, "state": state.as_str(), "data": record.data})
        .to_string()
}

fn as_text(saved: &Saved) -> String {
    let Saved { record, created, state, lane: _ } = saved;
    let mut line = format!("{}  {}  {}", record.reference, created.strftime("%F %H:%M UTC"), state.as_str());
    let Value::Object(fields) = &record.data else { return line };
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let _ = write!(line, "\n  {name}: {value}");
    }
    line
}
