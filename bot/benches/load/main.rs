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

mod platform;
mod program;
mod report;
mod scenarios;
mod script;
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
    /// Where databases are made: on the kind of disk that is meant.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What all runs share.
pub(crate) struct Options {
    pub(crate) users: usize,
    pub(crate) secs: f64,
    pub(crate) folder: PathBuf,
    pub(crate) peer_script: Script,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let options = Options {
        users: cli.users,
        secs: cli.secs,
        folder: cli.folder.canonicalize()?,
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
        // What runs in turn: a program, and the conversations it starts with.
        let mut stocks = Vec::new();
        let sizes: &[usize] = match scenario {
            Scenario::Stored => &cli.stored[..1],
            Scenario::Growth => &cli.stored[1..],
            Scenario::Load
            | Scenario::Slow
            | Scenario::Paced
            | Scenario::Flood
            | Scenario::Crash
            | Scenario::Backlog => &[],
        };
        for size in sizes {
            stocks.push(runtime.block_on(Stock::fill(&options, *size))?);
        }
        let alone = matches!(scenario, Scenario::Backlog);
        let mut runs: Vec<(&Program, Option<&Stock>)> = if alone {
            vec![(&chatbox, None)]
        } else if stocks.is_empty() {
            everybody.iter().map(|program| (program, None)).collect()
        } else {
            stocks.iter().map(|stock| (&chatbox, Some(stock))).collect()
        };
        for round in 1..=cli.rounds {
            for (program, stock) in &runs {
                let name = match stock {
                    Some(stock) => format!("{}, {} stored", program.name(), stock.conversations),
                    None => program.name().to_owned(),
                };
                match scenarios::run(scenario, program, &options, *stock) {
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
