//! The log: on standard error, one line an event, never a message, a name or a token (P10).

use std::{env, io, io::IsTerminal as _, panic};

use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt as _, filter_fn},
    layer::SubscriberExt as _,
    registry,
    util::SubscriberInitExt as _,
};

/// The SDK for Matrix writes down there the words with which a server refuses a request.
const QUOTES_SERVERS: &str = "matrix_sdk::http_client";

/// Starts the log. `level` counts until `RUST_LOG` says otherwise. Lines are JSON, except on a
/// terminal; `CHATBOX_LOG=json` or `compact` decides otherwise.
pub fn start(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let filter = filter.and(filter_fn(is_ours_or_important));
    let json = match env::var("CHATBOX_LOG").as_deref() {
        Ok("json") => true,
        Ok("compact") => false,
        Ok(_) | Err(_) => !io::stderr().is_terminal(),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    // A second start (tests) keeps the first.
    let _ = if json {
        registry().with(lines.json().flatten_event(true).with_filter(filter)).try_init()
    } else {
        registry().with(lines.compact().with_filter(filter)).try_init()
    };
}

/// Makes a panic say where it was and nothing else: its message may quote what somebody wrote.
pub fn silence_panics() {
    panic::set_hook(Box::new(|info| {
        let (file, line) = info.location().map_or(("?", 0), |at| (at.file(), at.line()));
        tracing::error!(panic.file = file, panic.line = line, "a defect was hit");
    }));
}

/// Other crates log what passes through them: nothing of theirs below a warning, whatever
/// `RUST_LOG` says, and nothing at all where they quote what a server said.
fn is_ours_or_important(metadata: &Metadata<'_>) -> bool {
    if metadata.target().starts_with(QUOTES_SERVERS) {
        return false;
    }
    metadata.target().split("::").next().is_some_and(|name| name.starts_with("chatbox"))
        || *metadata.level() <= Level::WARN
}
