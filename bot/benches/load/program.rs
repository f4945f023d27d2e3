//! The bots under test, as processes of their own.

use std::{
    ffi::OsString,
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::Context as _;

/// How long a process may take to end when asked.
const PATIENCE: Duration = Duration::from_secs(12);

/// What is started.
#[derive(Debug, Clone)]
pub(crate) enum Program {
    Chatbox(PathBuf),
    Peer(Peer),
}

/// `NAME=COMMAND`. Words of the form `KEY=VALUE` before the command go into its environment. It
/// also gets `BOT_API`, the address of the Bot API, `BOT_DB`, a file in a fresh folder, and
/// `MODE=poll`.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) name: String,
    environment: Vec<(String, String)>,
    command: Vec<String>,
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, line) = text.split_once('=').ok_or("write it as NAME=COMMAND")?;
        let mut environment = Vec::new();
        let mut command: Vec<String> = Vec::new();
        for word in line.split_whitespace() {
            match word.split_once('=') {
                Some((key, value)) if command.is_empty() => {
                    environment.push((key.to_owned(), value.to_owned()));
                }
                Some(_) | None => command.push(word.to_owned()),
            }
        }
        if name.is_empty() || command.is_empty() {
            return Err("write it as NAME=COMMAND".to_owned());
        }
        Ok(Self { name: name.to_owned(), environment, command })
    }
}

/// What is set besides the defaults.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    pub(crate) environment: Vec<(String, OsString)>,
}

impl Program {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Chatbox(_) => "chatbox",
            Self::Peer(peer) => &peer.name,
        }
    }

    /// Starts it in a folder, which holds its database.
    pub(crate) fn start(
        &self,
        folder: &Path,
        api: SocketAddr,
        settings: &Settings,
    ) -> anyhow::Result<Running> {
        let mut command = match self {
            Self::Chatbox(binary) => {
                let mut command = Command::new(binary);
                for (name, _) in std::env::vars_os() {
                    if name.to_string_lossy().starts_with("CHATBOX_") {
                        command.env_remove(name);
                    }
                }
                command
                    .arg("run")
                    .env("CHATBOX_STORE__URL", format!("sqlite:{}", database(folder).display()))
                    .env("CHATBOX_TELEGRAM__TOKEN", "12345:load")
                    .env("CHATBOX_TELEGRAM__API_URL", format!("http://{api}"))
                    .env("CHATBOX_DESK__NONE", "true")
                    // The limits of the real platform are far below what is measured here.
                    .env("CHATBOX_TELEGRAM__PER_SECOND", "0")
                    .env("CHATBOX_TELEGRAM__CHAT_PER_SECOND", "0")
                    .env("CHATBOX_LIMITS__PERSON_PER_MINUTE", "0");
                command
            }
            Self::Peer(peer) => {
                let mut command = Command::new(&peer.command[0]);
                command
                    .args(&peer.command[1..])
                    .env("BOT_API", format!("http://{api}"))
                    .env("BOT_DB", database(folder))
                    .env("MODE", "poll")
                    .envs(peer.environment.iter().map(|(key, value)| (key, value)));
                command
            }
        };
        let log = File::options().append(true).create(true).open(folder.join("log"))?;
        let started = Instant::now();
        let child = command
            .env("RUST_LOG", "error")
            .envs(settings.environment.iter().map(|(key, value)| (key, value)))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.name()))?;
        Ok(Running { child, started, log: folder.join("log"), name: self.name().to_owned() })
    }
}

pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join("bot.db")
}

/// A bot that runs. Killed when dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) started: Instant,
    log: PathBuf,
    name: String,
}

impl Running {
    /// An error with the last line of its log, if it has ended.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            let last = log.lines().last().unwrap_or_default().to_owned();
            anyhow::bail!("{} ended by itself ({status}): {last}", self.name);
        }
        Ok(())
    }

    /// Seconds of processor time so far.
    pub(crate) fn cpu(&self) -> f64 {
        // Linux counts hundredths of a second.
        const TICK: f64 = 0.01;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields: Vec<&str> =
            stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0);
        (ticks(11) + ticks(12)) * TICK
    }

    /// Resident memory in megabytes: now, and the most so far.
    pub(crate) fn memory(&self) -> (f64, f64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let megabytes = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
            kilobytes.map_or(f64::NAN, |kilobytes| kilobytes / 1_024.0)
        };
        (megabytes("VmRSS:"), megabytes("VmHWM:"))
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM, and SIGKILL if it does not end.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status()?;
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.kill()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
