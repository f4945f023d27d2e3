//! Measures chatbox beside other bots, in alternating rounds, because absolute figures drift on a
//! shared machine.
//!
//! `cargo bench -p chatbox --bench load -- [SCENARIO…] [--peer NAME=COMMAND]… [--rounds 5]`
//!
//! A peer is started with `BOT_API` (address of the Bot API), `BOT_DB` (a file) and `MODE=poll` in
//! its environment and has to hold the conversation of `peer.json`, or of `--peer-script`. Chatbox
//! runs with its limits on sending off and everything else as it comes: the database syncs each
//! commit, all text is sealed, every message is checked for danger.

#![expect(clippy::print_stdout, reason = "printing is its job")]

mod cluster;
mod platform;
mod program;
mod report;
mod scenarios;
mod script;
#[expect(clippy::unwrap_used, dead_code, reason = "shared with the tests of the store")]
#[path = "../../../adapters/store/tests/conformance/server.rs"]
mod server;
mod stored;

use std::path::PathBuf;

use clap::Parser;

use crate::{
    program::{Peer, Program},
    report::Report,
    scenarios::{Scenario, Stock},
    script::Script,
};

#[derive(Debug, Parser)]
struct Cli {
    /// What to measure; without it load, slow, paced, flood and crash.
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    /// A bot to run beside chatbox: `NAME=[KEY=VALUE …] PROGRAM [ARGUMENT …]`.
    #[arg(long = "peer", value_name = "NAME=COMMAND")]
    peers: Vec<Peer>,
    /// What a peer's users do: a JSON list of [action, words of the answer].
    #[arg(long, value_name = "FILE")]
    peer_script: Option<PathBuf>,
    /// The chatbox to measure; without it the one that was built along.
    #[arg(long, value_name = "FILE")]
    chatbox: Option<PathBuf>,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds that count in each run.
    #[arg(long, default_value_t = 5.0)]
    secs: f64,
    #[arg(long, default_value_t = 200)]
    users: usize,
    /// Stored conversations of the scenarios `stored` (the first) and `growth` (both others).
    #[arg(long, num_args = 3, default_values_t = [100_000, 1_000, 1_000_000])]
    stored: Vec<usize>,
    /// Keeps the databases of `stored` and `growth` here and goes on in those that are here already:
    /// to fill one with a million conversations takes a quarter of an hour, and 5 GB.
    #[arg(long, value_name = "FOLDER")]
    stocks: Option<PathBuf>,
    /// Where databases are made: on the kind of disk that is meant.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Processes of the scenario `postgres`.
const PROCESSES: [usize; 2] = [1, 4];

/// What runs in turn.
enum Run<'a> {
    Fresh(&'a Program),
    /// chatbox, with these conversations.
    Stocked(&'a Stock),
    /// So many of chatbox.
    Processes(usize),
}

/// What all runs share.
pub(crate) struct Options {
    pub(crate) users: usize,
    pub(crate) secs: f64,
    pub(crate) folder: PathBuf,
    pub(crate) stocks: Option<PathBuf>,
    pub(crate) peer_script: Script,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let options = Options {
        users: cli.users,
        secs: cli.secs,
        folder: cli.folder.canonicalize()?,
        stocks: cli.stocks,
        peer_script: cli.peer_script.as_deref().map_or_else(Script::peer, Script::read)?,
    };
    let binary = cli.chatbox.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_chatbox")));
    let chatbox = Program::Chatbox(binary.canonicalize()?);
    let everybody: Vec<Program> =
        std::iter::once(chatbox.clone()).chain(cli.peers.into_iter().map(Program::Peer)).collect();
    let scenarios = if cli.scenarios.is_empty() {
        vec![Scenario::Load, Scenario::Slow, Scenario::Paced, Scenario::Flood, Scenario::Crash]
    } else {
        cli.scenarios
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for scenario in scenarios {
        let mut report = Report::new(scenario);
        let mut stocks = Vec::new();
        let sizes: &[usize] = match scenario {
            Scenario::Stored => &cli.stored[..1],
            Scenario::Growth => &cli.stored[1..],
            Scenario::Load
            | Scenario::Slow
            | Scenario::Paced
            | Scenario::Flood
            | Scenario::Crash
            | Scenario::Backlog
            | Scenario::Postgres => &[],
        };
        for size in sizes {
            stocks.push(runtime.block_on(Stock::fill(&options, *size))?);
        }
        let mut runs: Vec<Run<'_>> = match scenario {
            Scenario::Backlog => vec![Run::Fresh(&chatbox)],
            Scenario::Stored | Scenario::Growth => stocks.iter().map(Run::Stocked).collect(),
            Scenario::Postgres => PROCESSES.map(Run::Processes).into(),
            Scenario::Load | Scenario::Slow | Scenario::Paced | Scenario::Flood | Scenario::Crash => {
                everybody.iter().map(Run::Fresh).collect()
            }
        };
        for round in 1..=cli.rounds {
            for run in &runs {
                let (name, figures) = match run {
                    Run::Fresh(program) => {
                        (program.name().to_owned(), scenarios::run(scenario, program, &options, None))
                    }
                    Run::Stocked(stock) => (
                        format!("{}, {} stored", chatbox.name(), stock.conversations),
                        scenarios::run(scenario, &chatbox, &options, Some(stock)),
                    ),
                    Run::Processes(count) => (
                        format!("{}, processes: {count}", chatbox.name()),
                        cluster::run(&chatbox, *count, &options, &runtime),
                    ),
                };
                match figures {
                    Ok(figures) => {
                        println!("{scenario:?} {round} {name}: {figures}");
                        report.add(name, figures);
                    }
                    Err(fault) => println!("{scenario:?} {round} {name}: failed: {fault:#}"),
                }
            }
            runs.reverse();
        }
        println!("\n{report}");
    }
    Ok(())
}
