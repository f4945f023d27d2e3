//! One Telegram, one folder, and the service as often as a test starts it.

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use chatbox_telegram_standin::Standin;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time,
};

use crate::support;

pub(crate) const TOKEN: &str = "12345:token-SECRET";

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// How often a test looks at what nobody tells it of.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How much of each log is shown when a test fails.
const LAST_LINES: usize = 40;

/// No limits: a test writes as fast as it can.
pub(crate) const UNLIMITED: &str = "per_second = 0\nchat_per_second = 0\ngroup_per_minute = 0\n\
                                    [limits]\nperson_per_minute = 0\n[desk]\nnone = true\n";

/// A test that fails shows the last lines of every log in its folder.
pub(crate) struct Hub {
    pub(crate) telegram: Standin,
    pub(crate) dir: TempDir,
}

impl Hub {
    /// On SQLite. `more` goes on with section `telegram`.
    pub(crate) async fn open(more: &str) -> Self {
        Self::with("url = \"sqlite:hub.db\"", more).await
    }

    /// `store` is what section `store` holds.
    pub(crate) async fn with(store: &str, more: &str) -> Self {
        let hub = Self { telegram: Standin::start(TOKEN).await.unwrap(), dir: support::folder() };
        hub.configure("chatbox.toml", store, more);
        hub
    }

    /// Writes a configuration file.
    pub(crate) fn configure(&self, name: &str, store: &str, more: &str) {
        let text = format!(
            "[store]\n{store}\n[telegram]\ntoken = \"{TOKEN}\"\napi_url = \"{}\"\n{more}",
            self.telegram.url()
        );
        fs::write(self.dir.path().join(name), text).unwrap();
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.dir.path().join("hub.db")
    }

    pub(crate) fn start(&self) -> Service {
        Service::start(self, "chatbox.toml", &[])
    }

    /// Starts with kill points armed, as in `decide.claimed=2*off->return`.
    pub(crate) fn start_to_die(&self, points: &str) -> Service {
        Service::start(self, "chatbox.toml", &[("FAILPOINTS", points)])
    }

    /// What the services on the configuration `chatbox.toml` have logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join(log_of("chatbox.toml"))).unwrap()
    }

    /// Runs a short command of the program on the same configuration, to its end.
    pub(crate) async fn command(&self, args: &[&str]) -> support::Ran {
        let command = support::chatbox(self.dir.path(), ["--config", "chatbox.toml"].iter().chain(args));
        tokio::task::spawn_blocking(move || support::run(command, b"")).await.unwrap()
    }
}

impl Drop for Hub {
    #[expect(clippy::print_stdout, reason = "shown if the test fails")]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let files = fs::read_dir(self.dir.path()).into_iter().flatten().filter_map(Result::ok);
        let mut logs: Vec<PathBuf> = files.map(|file| file.path()).collect();
        logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
        logs.sort();
        for path in logs {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
            println!("{} of {} lines of {}:", last.len(), lines.len(), path.display());
            println!("  {}", last.join("\n  "));
        }
    }
}

/// Where services on a configuration log.
fn log_of(config: &str) -> String {
    config.replace(".toml", ".log")
}

/// The service as a process. Killed when dropped.
pub(crate) struct Service {
    child: Child,
    config: String,
}

impl Service {
    pub(crate) fn start(hub: &Hub, config: &str, environment: &[(&str, &str)]) -> Self {
        let dir = hub.dir.path();
        let run = support::chatbox(dir, [OsStr::new("--config"), OsStr::new(config), OsStr::new("run")]);
        Self::spawn(hub, config, run, environment)
    }

    /// Starts so that a file that may not grow is an error, as on a full disk, and not the end.
    pub(crate) fn start_on_a_small_disk(hub: &Hub) -> Self {
        let mut shell = std::process::Command::new("/bin/sh");
        let script = "trap '' XFSZ; exec \"$0\" --config chatbox.toml run";
        shell.args(["-c", script, env!("CARGO_BIN_EXE_chatbox")]).current_dir(hub.dir.path());
        Self::spawn(hub, "chatbox.toml", shell, &[])
    }

    fn spawn(
        hub: &Hub,
        config: &str,
        mut command: std::process::Command,
        environment: &[(&str, &str)],
    ) -> Self {
        let log = hub.dir.path().join(log_of(config));
        let log = File::options().append(true).create(true).open(log).unwrap();
        command.envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = Command::from(command).kill_on_drop(true).spawn().unwrap();
        Self { child, config: config.to_owned() }
    }

    /// Sends a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().expect("it still runs");
        let sent = std::process::Command::new("kill").arg(format!("-{name}")).arg(id.to_string()).status();
        assert!(sent.unwrap().success());
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it still runs")
    }

    /// SIGKILL, and the end.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM, and the end, which has to be a good one.
    pub(crate) async fn stop(self) {
        self.signal("TERM");
        self.ends_well().await;
    }

    /// Waits for it to end by itself, and well.
    pub(crate) async fn ends_well(self) {
        let config = self.config.clone();
        let status = self.ended().await;
        assert!(status.success(), "the service on {config} ended with {status}");
    }

    /// Waits for it to end by itself.
    pub(crate) async fn ended(mut self) -> ExitStatus {
        let Ok(ended) = time::timeout(PATIENCE, self.child.wait()).await else {
            panic!("the service on {} should have ended", self.config);
        };
        ended.unwrap()
    }

    /// Waits for it to end by itself, and kills it if that takes longer than `patience`. Whether it
    /// ended by itself.
    pub(crate) async fn ended_or_killed(mut self, patience: Duration) -> bool {
        let ended = time::timeout(patience, self.child.wait()).await.is_ok();
        if !ended {
            self.child.kill().await.unwrap();
        }
        ended
    }
}

/// What a variable of the environment says, for the long forms of tests.
pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}
