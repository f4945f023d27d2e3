//! The command line.

use std::{
    io::{self, Write as _},
    num::NonZero,
    path::PathBuf,
    process::ExitCode,
    thread,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::{Timestamp, civil::Date};
use tokio::runtime::{Builder, Runtime};

use crate::{commands, config, kill, logging, stop::Stop};

/// Staff wellbeing chat: finds support that fits, takes group requests, and fetches a person.
///
/// Without a command it runs the service with the configuration; with no channel configured it
/// opens a chat in this terminal, on an embedded database.
#[derive(Debug, Parser)]
#[command(name = "chatbox", version, after_help = AFTER)]
pub struct Cli {
    /// The configuration file. Without it: config/chatbox.toml if there is one, else built-in
    /// defaults.
    #[arg(long, short, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    #[command(subcommand)]
    pub command: Option<Command>,
}

const AFTER: &str =
    "Exit code 0: done. 1: failed. 2: bad usage, configuration or content; nothing was changed.
Any key of the configuration can be set in the environment as CHATBOX_SECTION__KEY.
RUST_LOG sets the level of the log (default: info), CHATBOX_LOG its form (json or compact).";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the service on the channels that are configured.
    Run,
    /// Opens a chat in this terminal, on the configured database.
    Chat,
    /// Plays conversations over JSON lines, for tests of content.
    Converse(Converse),
    /// Says what texts mean, over JSON lines.
    Understand(Understand),
    /// Checks configuration and content.
    Check(Check),
    /// Makes the weights of the second safety net from its examples, and of needs from their sentences.
    ///
    /// Learns from safety/examples/*.jsonl in the content folder and writes safety/learned.weights
    /// there, after those examples were changed; and understanding/sentences.weights after
    /// sentences.yaml or told.txt were. The same examples give the same bytes. Prints how
    /// often they are heard rightly by weights made without them.
    Learn,
    /// Brings the schema of the database up to date.
    Migrate,
    /// Who may act at the desk.
    #[command(subcommand)]
    Practitioner(Practitioner),
    /// Lists the open group requests, and how far the desk is with each.
    Requests(Requests),
    /// Lists messages that were set aside, or puts one into its conversation again.
    Replay(Replay),
    /// Writes a copy of the database while the service runs.
    Backup(Backup),
    /// Says how the installation is: configuration, content, database, queues.
    Doctor(Doctor),
}

/// Plays conversations over JSON lines, with the engine and the store of the service.
///
/// One line in, for instance:
///   {"from": "alice", "text": "I can't sleep"}
///   {"from": "alice", "press": "CHOICE_ID"}
///   {"desk": "bob", "case": "KWG-7Q2MX", "text": "/take"}
///   {"after": "PT15M"}
///
/// For each line in, any number of lines out ("to", "desk", "saved"), then one "turn" line; or one
/// "error" line. The same input gives the same bytes.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Converse {
    /// When the conversation begins [default: 2026-01-05T10:00:00Z, a Monday in hours]. The clock
    /// moves by {"after": …} alone. With a database that was used before it goes on from there,
    /// and this can only move it forward.
    #[arg(long, value_name = "INSTANT")]
    pub now: Option<Timestamp>,
    /// Decides references and whatever else is drawn.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// A database to keep it in, sqlite:FILE for instance; numbering and clock go on from there.
    /// Without it everything is forgotten at the end. Not for the database of a running service.
    #[arg(long, value_name = "URL")]
    pub db: Option<String>,
    /// Somebody who is enrolled at the desk. May be given several times.
    #[arg(long, value_name = "NAME")]
    pub desk: Vec<String>,
}

/// A part of what texts mean.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Only {
    /// Route, kinds and reasons: what is heard of danger.
    Route,
    /// What support is needed.
    Needs,
    /// Intent, and the slots of a group request.
    Slots,
}

/// Says what texts mean. Reads lines such as {"text": "I can't sleep", "step": "needs"} ("step",
/// the question being answered, may be left out) and writes one line for each.
#[derive(Debug, Args)]
#[command(after_help = SCORE)]
pub struct Understand {
    /// The question that every text answers, unless its line says otherwise.
    #[arg(long, value_name = "NAME")]
    pub step: Option<String>,
    /// Reads one part alone; what is slow is then left out where it is not asked for.
    #[arg(long, value_name = "PART")]
    pub only: Option<Only>,
    /// Measures: a file of texts with what should be read out of each.
    #[arg(long, value_name = "FILE")]
    pub score: Option<PathBuf>,
    /// The figures as one line of JSON.
    #[arg(long, requires = "score")]
    pub json: bool,
}

const SCORE: &str = r#"With --score FILE it measures instead. Each line of the file is a text and what should be read
out of it; whatever a line leaves out is not measured:
  {"text": "can't sleep and skint", "needs": ["sleep", "finance"], "label": "my own"}
  {"text": "I want to end it", "min": "C", "kinds": ["suicide"]}
  {"text": "8 of us, fortnightly", "group": {"size": {"min": 8, "max": 8}, "frequency": "fortnightly"}}

  text, or texts   the message; or several in turn, of which the last is measured
  step             the question that it answers
  route            the right route, "C", or all that are right, ["B", "C"]
  min, max         the gentlest and the highest route that is right
  soft             whether it is a mere denial (left out: it is not, where B or above is right)
  risk             true: B or above; false: A, or a mere denial
  kinds            every kind of danger in it; [] for none
  needs            every need that would be right; [] for none
  intent           what the person wants the bot to do
  group            every slot of a group request in it; {} for none
  label            figures are also given by label (a "group" that is a name, "kind" and
                   "source" are read as label too)
  id, note         for whoever keeps the file

Figures are precision and recall, each with its 95 % interval, then the lines that were wrong."#;

/// Checks configuration and content. Faults are file:line:column: error: …, and exit code 2.
#[derive(Debug, Args)]
pub struct Check {
    /// What a release needs too: verified crisis entries, signed-off safety content.
    #[arg(long)]
    pub release: bool,
    /// Check as if it were this day, such as 2026-12-31.
    #[arg(long, value_name = "DATE")]
    pub today: Option<Date>,
}

#[derive(Debug, Subcommand)]
pub enum Practitioner {
    /// Adds somebody, and prints a one-time code that proves who they are.
    Add {
        /// What colleagues and the people they talk with see.
        name: String,
        /// Where they work: people can say that they would rather not talk to it.
        #[arg(long, value_name = "NAME")]
        organisation: Option<String>,
        /// May do what the duty lead may.
        #[arg(long)]
        lead: bool,
    },
    /// Removes somebody, by name.
    Remove {
        /// As `practitioner list` shows it.
        name: String,
    },
    /// Lists everybody.
    List,
}

#[derive(Debug, Args)]
pub struct Requests {
    /// One JSON line each.
    #[arg(long)]
    pub json: bool,
    /// Also those that the desk has closed.
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct Replay {
    /// The number of the message. Without it: lists what was set aside.
    pub number: Option<i64>,
}

#[derive(Debug, Args)]
pub struct Backup {
    /// The file to write. It must not exist. The key file is not in it: keep a copy of that too.
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub struct Doctor {
    #[command(subcommand)]
    pub about: Option<DoctorAbout>,
}

#[derive(Debug, Subcommand)]
pub enum DoctorAbout {
    /// The bot's account on Matrix.
    Matrix {
        /// Prints the recovery key, and nothing else: it opens everything that was said to the bot
        /// on Matrix. Keep it as you keep the key file.
        #[arg(long)]
        recovery: bool,
    },
}

/// Runs the program and returns its exit code.
pub fn main() -> ExitCode {
    commands::install_crypto();
    kill::arm();
    let cli = Cli::parse();
    let runtime = match runtime(&cli) {
        Ok(runtime) => runtime,
        Err(fault) => return end(&Stop::from(fault)),
    };
    let result = runtime.block_on(run(cli));
    // A thread that reads standard input cannot be stopped; it must not hold up the end.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => end(&stop),
    }
}

/// What the program runs on: with a database that processes share, a thread of its own and no more. PostgreSQL's
/// processes and the other ones have the rest of the machine, and to wake another thread for each step costs a
/// tenth of the processor time. Beside the embedded database as many threads as there are processors, and
/// at least two, the one that decides among them.
fn runtime(cli: &Cli) -> io::Result<Runtime> {
    let serves = matches!(cli.command, None | Some(Command::Run));
    // What is wrong with the configuration is told by whoever uses it.
    let loaded = || config::load(cli.config.as_deref(), std::env::vars_os());
    let is_shared = serves && loaded().is_ok_and(|loaded| loaded.config.store.is_shared());
    let others = thread::available_parallelism().map_or(1, NonZero::get).saturating_sub(1).max(1);
    let mut builder = if is_shared { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.worker_threads(others).enable_all().build()
}

async fn run(cli: Cli) -> Result<(), Stop> {
    let config = cli.config.as_deref();
    let level = match &cli.command {
        None | Some(Command::Run) => "info",
        Some(_) => "warn",
    };
    logging::start(level);
    logging::silence_panics();
    match cli.command {
        None => Box::pin(commands::run::run(config, true)).await,
        Some(Command::Run) => Box::pin(commands::run::run(config, false)).await,
        Some(Command::Chat) => Box::pin(commands::chat::run(config)).await,
        Some(Command::Converse(args)) => Box::pin(commands::converse::run(config, args)).await,
        Some(Command::Understand(args)) => commands::understand::run(config, &args),
        Some(Command::Check(args)) => commands::check::run(config, &args),
        Some(Command::Learn) => commands::learn::run(config),
        Some(Command::Migrate) => commands::admin::migrate(config).await,
        Some(Command::Practitioner(args)) => commands::practitioner::run(config, args).await,
        Some(Command::Requests(args)) => commands::requests::run(config, &args).await,
        Some(Command::Replay(args)) => commands::admin::replay(config, &args).await,
        Some(Command::Backup(args)) => commands::admin::backup(config, &args).await,
        Some(Command::Doctor(Doctor { about: None })) => commands::admin::doctor(config).await,
        Some(Command::Doctor(Doctor { about: Some(DoctorAbout::Matrix { recovery }) })) => {
            commands::admin::doctor_matrix(config, recovery).await
        }
    }
}

fn end(stop: &Stop) -> ExitCode {
    // Nobody may be listening any more, as in `chatbox converse | head`.
    let _ = writeln!(io::stderr(), "{stop}");
    ExitCode::from(stop.code())
}
