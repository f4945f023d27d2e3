//! What is measured, one run of one program at a time.

use std::{
    fmt,
    fs::File,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::ValueEnum;
use tempfile::TempDir;

use crate::{
    Options,
    platform::{Pace, Platform, Tally},
    program::{Program, Running, Settings, database},
    script::Script,
};

/// How long a bot may take to come up.
pub(crate) const START: Duration = Duration::from_secs(30);
/// Load before anything is counted.
pub(crate) const WARM: Duration = Duration::from_secs(2);
/// After the load: how long an answer may take to come in.
const SETTLE: Duration = Duration::from_secs(8);
/// Messages of the one who floods.
const FLOOD: usize = 300;
/// Messages that wait.
const BACKLOG: usize = 100_000;
/// How long all of them may take.
const BACKLOG_WITHIN: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Users who write again as soon as they are answered.
    Load,
    /// The same, with a platform that takes 50 ms over each call.
    Slow,
    /// 200 updates a second, on the clock.
    Paced,
    /// One chat sends 300 messages at once, another one; the platform takes 100 ms over each call.
    Flood,
    /// The load, with a SIGKILL and a new start in the middle.
    Crash,
    /// 100,000 messages of as many users as `--users` says wait already. chatbox alone.
    Backlog,
    /// Start to first poll, and memory, with many stored conversations. chatbox alone.
    Stored,
    /// The load, with few and with very many stored conversations. chatbox alone.
    Growth,
    /// The load on PostgreSQL and by pushes: one process, and four that share it. chatbox alone.
    Postgres,
}

/// One program in one run. Absent: not measured here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    pub(crate) answered_per_second: Option<f64>,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    /// Processor seconds per 1,000 answered updates.
    pub(crate) cpu: Option<f64>,
    /// Resident megabytes: at the most.
    pub(crate) memory: Option<f64>,
    pub(crate) start_ms: Option<f64>,
    /// Of several processes: each one's part in what was decided and in what was sent, in percent.
    pub(crate) decided: Vec<f64>,
    pub(crate) sent: Vec<f64>,
    pub(crate) wrong: usize,
    pub(crate) repeats: usize,
    pub(crate) unanswered: usize,
    pub(crate) last_wrong: Option<String>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut show = |name: &str, figure: Option<f64>, digits: usize| match figure {
            Some(figure) => write!(f, "{name} {figure:.digits$}, "),
            None => Ok(()),
        };
        show("answered/s", self.answered_per_second, 0)?;
        show("p50 ms", self.p50_ms, 2)?;
        show("p99 ms", self.p99_ms, 2)?;
        show("CPU s/1000", self.cpu, 3)?;
        show("MB", self.memory, 0)?;
        show("start ms", self.start_ms, 0)?;
        for (name, shares) in [("decided", &self.decided), ("sent", &self.sent)] {
            if !shares.is_empty() {
                let shares: Vec<String> = shares.iter().map(|share| format!("{share:.0}")).collect();
                write!(f, "{name} {} %, ", shares.join("/"))?;
            }
        }
        write!(f, "wrong {}, repeats {}, unanswered {}", self.wrong, self.repeats, self.unanswered)?;
        if let Some(wrong) = &self.last_wrong {
            write!(f, " ({wrong})")?;
        }
        Ok(())
    }
}

/// Stored conversations to start from: a folder whose database is copied for each run, unless it is
/// kept. Then each run goes on in it: a copy of a very large one would push it out of memory.
pub(crate) struct Stock {
    folder: PathBuf,
    /// Removed with it.
    temporary: Option<TempDir>,
    pub(crate) conversations: usize,
}

impl Stock {
    pub(crate) async fn fill(options: &Options, conversations: usize) -> anyhow::Result<Self> {
        let kept = options.stocks.as_ref().map(|stocks| stocks.join(conversations.to_string()));
        if let Some(folder) = kept.clone().filter(|folder| folder.exists()) {
            return Ok(Self { folder, temporary: None, conversations });
        }
        let made = tempfile::tempdir_in(options.stocks.as_ref().unwrap_or(&options.folder))?;
        crate::stored::fill(made.path(), conversations).await?;
        let Some(folder) = kept else {
            return Ok(Self { folder: made.path().to_owned(), temporary: Some(made), conversations });
        };
        // Under its name it is whole.
        std::fs::rename(made.keep(), &folder)?;
        Ok(Self { folder, temporary: None, conversations })
    }

    fn copy_to(&self, folder: &Path) -> anyhow::Result<()> {
        for ending in ["", ".key"] {
            let name = |folder: &Path| PathBuf::from(format!("{}{ending}", database(folder).display()));
            std::fs::copy(name(&self.folder), name(folder)).context("a database cannot be copied")?;
            // What is still to be written would hold up the syncs that are measured.
            File::open(name(folder))?.sync_all()?;
        }
        Ok(())
    }
}

/// One run.
pub(crate) fn run(
    scenario: Scenario,
    program: &Program,
    options: &Options,
    stock: Option<&Stock>,
) -> anyhow::Result<Figures> {
    let made = tempfile::tempdir_in(&options.folder)?;
    let folder = match stock {
        Some(Stock { folder, temporary: None, .. }) => folder,
        Some(stock @ Stock { temporary: Some(_), .. }) => {
            stock.copy_to(made.path())?;
            made.path()
        }
        None => made.path(),
    };
    let script = match program {
        Program::Chatbox(_) => Script::chatbox()?,
        Program::Peer(_) => options.peer_script.clone(),
    };
    let delay = match scenario {
        Scenario::Slow => Duration::from_millis(50),
        Scenario::Flood => Duration::from_millis(100),
        Scenario::Load
        | Scenario::Paced
        | Scenario::Crash
        | Scenario::Backlog
        | Scenario::Stored
        | Scenario::Growth
        | Scenario::Postgres => Duration::ZERO,
    };
    let platform = Platform::start(script, delay)?;
    let bench = Bench { program, folder, platform: &platform, options };
    let (running, start) = bench.start()?;
    let figures = match scenario {
        Scenario::Load | Scenario::Slow | Scenario::Growth | Scenario::Postgres => {
            bench.steady(running, Pace::AtOnce)
        }
        Scenario::Paced => bench.steady(running, Pace::PerSecond(200)),
        Scenario::Flood => bench.flood(running),
        Scenario::Crash => bench.crash(running),
        Scenario::Backlog => bench.backlog(running),
        Scenario::Stored => bench.steady(running, Pace::PerSecond(200)),
    }?;
    Ok(Figures { start_ms: Some(start.as_secs_f64() * 1_000.0), ..figures })
}

struct Bench<'a> {
    program: &'a Program,
    folder: &'a Path,
    platform: &'a Platform,
    options: &'a Options,
}

impl Bench<'_> {
    /// Starts the bot and waits for its first poll.
    fn start(&self) -> anyhow::Result<(Running, Duration)> {
        self.platform.forget_first_poll();
        let mut running = self.program.start(self.folder, self.platform.address, &Settings::default())?;
        let until = running.started + START;
        loop {
            if let Some(polled) = self.platform.first_poll() {
                let took = polled.duration_since(running.started);
                return Ok((running, took));
            }
            running.check()?;
            anyhow::ensure!(Instant::now() < until, "{} did not poll within {START:?}", self.program.name());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn steady(&self, mut running: Running, pace: Pace) -> anyhow::Result<Figures> {
        // What is done once after a start is not what is measured.
        std::thread::sleep(Duration::from_secs(1));
        self.platform.begin(self.options.users, pace);
        std::thread::sleep(WARM);
        self.platform.measure();
        let (began, cpu) = (Instant::now(), running.cpu());
        std::thread::sleep(Duration::from_secs_f64(self.options.secs));
        let (took, cpu) = (began.elapsed(), running.cpu() - cpu);
        let answered = self.platform.answered();
        running.check()?;
        let tally = settle(self.platform);
        let memory = running.memory().1;
        running.stop()?;
        let answered = per(answered);
        Ok(Figures {
            answered_per_second: Some(answered / took.as_secs_f64()),
            p50_ms: Some(tally.wait(0.5)),
            p99_ms: Some(tally.wait(0.99)),
            cpu: Some(cpu * 1_000.0 / answered),
            memory: Some(memory),
            ..Figures::of(tally)
        })
    }

    fn flood(&self, mut running: Running) -> anyhow::Result<Figures> {
        std::thread::sleep(Duration::from_secs(1));
        self.platform.begin(2, Pace::Flood(FLOOD));
        let began = Instant::now();
        while !self.platform.is_answered(1) {
            running.check()?;
            anyhow::ensure!(began.elapsed() < START * 4, "{} never answers the other", self.program.name());
            std::thread::sleep(Duration::from_millis(1));
        }
        let took = began.elapsed();
        running.kill()?;
        // What the one who floods gets for an answer is not looked at.
        Ok(Figures { p50_ms: Some(took.as_secs_f64() * 1_000.0), ..Figures::default() })
    }

    fn backlog(&self, mut running: Running) -> anyhow::Result<Figures> {
        self.platform.begin(self.options.users, Pace::Backlog(BACKLOG));
        let (began, cpu) = (Instant::now(), running.cpu());
        while self.platform.replies() < BACKLOG {
            running.check()?;
            anyhow::ensure!(began.elapsed() < BACKLOG_WITHIN, "not all of the backlog was answered");
            std::thread::sleep(Duration::from_millis(10));
        }
        let (took, cpu) = (began.elapsed(), running.cpu() - cpu);
        let memory = running.memory().1;
        running.stop()?;
        let answered = per(BACKLOG);
        Ok(Figures {
            answered_per_second: Some(answered / took.as_secs_f64()),
            cpu: Some(cpu * 1_000.0 / answered),
            memory: Some(memory),
            ..Figures::default()
        })
    }

    fn crash(&self, running: Running) -> anyhow::Result<Figures> {
        self.platform.begin(self.options.users, Pace::AtOnce);
        self.platform.measure();
        std::thread::sleep(Duration::from_secs_f64(self.options.secs / 2.0));
        running.kill()?;
        let (mut running, _) = self.start()?;
        std::thread::sleep(Duration::from_secs_f64(self.options.secs / 2.0));
        running.check()?;
        let tally = settle(self.platform);
        running.stop()?;
        Ok(Figures::of(tally))
    }
}

/// Users write no more, and everything that was asked may still be answered.
pub(crate) fn settle(platform: &Platform) -> Tally {
    platform.hush();
    let until = Instant::now() + SETTLE;
    while platform.waiting() > 0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    platform.end()
}

impl Figures {
    pub(crate) fn of(tally: Tally) -> Self {
        Self {
            wrong: tally.wrong,
            repeats: tally.repeats,
            unanswered: tally.waiting,
            last_wrong: tally.last_wrong,
            ..Self::default()
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count that fits")]
pub(crate) fn per(count: usize) -> f64 {
    count as f64
}
