//! The log: on standard error, one line an event, never a message, a name or a token (P10).

use std::{
    env, fmt,
    io::{self, IsTerminal as _},
    panic,
};

use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt as _, filter_fn},
    fmt::{
        FmtContext, FormatEvent, FormatFields, MakeWriter,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

/// Starts the log. `level` counts until `RUST_LOG` says otherwise. Lines are JSON, except on a
/// terminal; `CHATBOX_LOG=json` or `compact` decides otherwise.
pub fn start(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let json = match env::var("CHATBOX_LOG").as_deref() {
        Ok("json") => true,
        Ok("compact") => false,
        Ok(_) | Err(_) => !io::stderr().is_terminal(),
    };
    // A second start (tests) keeps the first.
    let _ = tracing_subscriber::registry().with(lines(filter, json, io::stderr)).try_init();
}

/// Makes a panic say where it was and nothing else: its message may quote what somebody wrote.
pub fn silence_panics() {
    panic::set_hook(Box::new(|info| {
        let (file, line) = info.location().map_or(("?", 0), |at| (at.file(), at.line()));
        tracing::error!(panic.file = file, panic.line = line, "a defect was hit");
    }));
}

fn lines<W>(filter: EnvFilter, json: bool, to: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = filter.and(filter_fn(is_heard));
    let lines = tracing_subscriber::fmt::layer().with_writer(to).with_ansi(io::stderr().is_terminal());
    if json {
        let lines = lines.json().flatten_event(true);
        lines.map_event_format(|ours| Discreet { ours, json }).with_filter(filter).boxed()
    } else {
        lines.compact().map_event_format(|ours| Discreet { ours, json }).with_filter(filter).boxed()
    }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().split("::").next().is_some_and(|name| name.starts_with("chatbox"))
}

/// Of other crates nothing below a warning, whatever `RUST_LOG` says; and nothing of a failed call to a
/// homeserver, as the adapter tells of those that matter: of a healthy first start there were thirteen.
fn is_heard(metadata: &Metadata<'_>) -> bool {
    let told_by_us = metadata.target().starts_with("matrix_sdk::http_client");
    is_ours(metadata) || (metadata.is_event() && *metadata.level() <= Level::WARN && !told_by_us)
}

/// Writes down what we say, and of what others say only where they said it: a library that cannot
/// read what passes through it quotes it.
struct Discreet<F> {
    ours: F,
    json: bool,
}

impl<S, N, F> FormatEvent<S, N> for Discreet<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        const WHAT: &str = "a library reports something; its words are left out";
        let of = event.metadata();
        if is_ours(of) {
            return self.ours.format_event(context, to, event);
        }
        let (level, target, line) = (of.level(), of.target(), of.line().unwrap_or(0));
        if self.json {
            to.write_str(r#"{"timestamp":""#)?;
            SystemTime.format_time(&mut to)?;
            writeln!(
                to,
                r#"","level":"{level}","message":"{WHAT}","library.line":{line},"target":"{target}"}}"#
            )
        } else {
            SystemTime.format_time(&mut to)?;
            writeln!(to, " {level:>5} {target}: {WHAT} library.line={line}")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_a_library_quotes_is_not_in_the_log_whatever_rust_log_says() {
        for json in [true, false] {
            let log = Log::default();
            let to = log.clone();
            let lines = lines(EnvFilter::new("trace"), json, move || to.clone());
            tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
                let _span =
                    tracing::error_span!(target: "matrix_sdk", "sync", said = "I feel awful").entered();
                let fault = "invalid type: string \"I feel awful\"";
                tracing::warn!(target: "matrix_sdk_base::timeline", said = "I feel awful", "{fault}");
                tracing::error!(target: "matrix_sdk::http_client", "{fault}");
                tracing::info!(target: "hyper", "GET /bot1:I feel awful");
                tracing::debug!(inbox.seq = 7, "ours");
            });
            let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
            assert!(!log.contains("awful"), "{log}");
            assert_eq!(log.lines().count(), 2, "{log}");
            assert!(log.contains("WARN") && log.contains("matrix_sdk_base::timeline"), "{log}");
            assert!(log.contains("ours") && log.contains("inbox.seq"), "{log}");
            assert!(!json || log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
        }
    }
}
