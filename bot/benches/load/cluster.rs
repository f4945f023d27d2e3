//! Several processes of chatbox on one PostgreSQL, fed by pushes in turn.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::runtime::Runtime;

use crate::{
    Options,
    platform::{Pace, Platform, SECRET},
    program::{Program, Running, Settings},
    scenarios::{Figures, START, WARM, per, settle},
    script::Script,
    server,
};

/// One run: so many processes on a fresh database.
pub(crate) fn run(
    program: &Program,
    processes: usize,
    options: &Options,
    runtime: &Runtime,
) -> anyhow::Result<Figures> {
    let folder = tempfile::tempdir_in(&options.folder)?;
    let (url, key) = runtime.block_on(server::database());
    let platform = Platform::start(Script::chatbox()?, Duration::ZERO)?;
    let mut members = Vec::new();
    for _ in 0..processes {
        members.push(Member::start(program, folder.path(), &platform, &url, &key)?);
    }
    let until = Instant::now() + START;
    for member in &mut members {
        while !member.listens() {
            member.running.check()?;
            anyhow::ensure!(Instant::now() < until, "a process does not listen within {START:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    platform.push_to(&members.iter().map(|member| member.hook).collect::<Vec<_>>());
    platform.begin(options.users, Pace::AtOnce);
    std::thread::sleep(WARM);
    let cpu = |members: &[Member]| members.iter().map(|member| member.running.cpu()).sum::<f64>();
    let before = members.iter().map(Member::work).collect::<anyhow::Result<Vec<_>>>()?;
    platform.measure();
    let (began, used) = (Instant::now(), cpu(&members));
    std::thread::sleep(Duration::from_secs_f64(options.secs));
    let (took, used, answered) = (began.elapsed(), cpu(&members) - used, per(platform.answered()));
    let after = members.iter().map(Member::work).collect::<anyhow::Result<Vec<_>>>()?;
    let tally = settle(&platform);
    let memory = members.iter().map(|member| member.running.memory().1).fold(0.0, f64::max);
    for member in &mut members {
        member.running.check()?;
    }
    for member in members {
        member.running.stop()?;
    }
    let work: Vec<Work> = before.iter().zip(&after).map(|(before, after)| after.since(before)).collect();
    Ok(Figures {
        answered_per_second: Some(answered / took.as_secs_f64()),
        p50_ms: Some(tally.wait(0.5)),
        p99_ms: Some(tally.wait(0.99)),
        cpu: Some(used * 1_000.0 / answered),
        memory: Some(memory),
        decided: shares(work.iter().map(|work| work.decided)),
        sent: shares(work.iter().map(|work| work.sent)),
        ..Figures::of(tally)
    })
}

/// One of the processes.
struct Member {
    running: Running,
    /// Where it takes pushes, and where it tells how it is.
    hook: SocketAddr,
    health: SocketAddr,
}

/// What a process has done since it started.
struct Work {
    decided: f64,
    sent: f64,
}

impl Work {
    fn since(&self, before: &Self) -> Self {
        Self { decided: self.decided - before.decided, sent: self.sent - before.sent }
    }
}

impl Member {
    fn start(
        program: &Program,
        folder: &Path,
        platform: &Platform,
        url: &str,
        key: &Path,
    ) -> anyhow::Result<Self> {
        let (hook, health) = (free_address()?, free_address()?);
        let environment = [
            ("STORE__URL", url.to_owned()),
            ("STORE__KEY_FILE", key.display().to_string()),
            ("TELEGRAM__MODE", "webhook".to_owned()),
            ("TELEGRAM__WEBHOOK_URL", format!("http://{}/hook", platform.address)),
            ("TELEGRAM__WEBHOOK_LISTEN", hook.to_string()),
            ("TELEGRAM__WEBHOOK_SECRET", SECRET.to_owned()),
            ("HTTP__LISTEN", health.to_string()),
        ]
        .map(|(key, value)| (format!("CHATBOX_{key}"), value.into()));
        let settings = Settings { environment: environment.into() };
        Ok(Self { running: program.start(folder, platform.address, &settings)?, hook, health })
    }

    /// Whether it takes pushes by now.
    fn listens(&self) -> bool {
        ask(self.hook, "/").is_ok()
    }

    fn work(&self) -> anyhow::Result<Work> {
        let metrics = ask(self.health, "/metrics")?;
        let sum = |start: &str| {
            let lines = metrics.lines().filter(|line| line.starts_with(start));
            lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum::<f64>()
        };
        let sent = "chatbox_deliveries_total{channel=\"telegram\",outcome=\"sent\"}";
        Ok(Work { decided: sum("chatbox_decided_total "), sent: sum(sent) })
    }
}

/// Each one's part in all of it, in percent.
fn shares(counts: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let all: f64 = counts.clone().sum();
    counts.map(|count| count * 100.0 / all).collect()
}

/// The answer to one request, head and body.
fn ask(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(START))?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("an answer cannot be read")?;
    Ok(answer)
}

/// An address of this machine where nobody listens yet.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
