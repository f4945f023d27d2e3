//! Message to reply on Matrix, end-to-end encrypted, and the memory of the bot:
//! `cargo bench --bench matrix`.
//!
//! A real homeserver on this machine, the service as it is shipped, and an independent client. What
//! is measured is what a person waits: from the moment at which the client begins to encrypt the
//! message until it shows the reply, so both ways through client and homeserver are in it.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be made may as well stop"
)]

use std::{
    fs::{self, File},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use chatbox_matrix_synapse::Synapse;

/// Messages that are counted, after the first.
const MESSAGES: usize = 50;

/// A person thinks between two messages.
const PAUSE: Duration = Duration::from_millis(200);

/// The service. Killed when dropped.
struct Bot(Child);

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Bot {
    /// The resident memory of the process in MB: now, and at its highest.
    fn memory(&self) -> (f64, f64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0 / 1e6
        };
        (field("VmRSS:"), field("VmHWM:"))
    }
}

#[tokio::main]
async fn main() {
    let synapse = Synapse::shared().await;
    let account = synapse.account("bot").await;
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("chatbox.toml");
    let text = format!(
        "[matrix]\nhomeserver = \"{}\"\nuser = \"{}\"\npassword = \"{}\"\nstate_dir = \"matrix\"\n[desk]\nnone = \
         true\n[limits]\nperson_per_minute = 0\n",
        synapse.url(),
        account.id,
        account.password
    );
    fs::write(&config, text).unwrap();
    let log = File::create(dir.path().join("log")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatbox"));
    command.arg("--config").arg(&config).arg("run").current_dir(dir.path());
    let bot = Bot(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());

    let sam = synapse.person("sam").await;
    let room = sam.meets(&account.id).await;
    room.says("I would like a closed fortnightly group for 8 nurses, Tuesday afternoons on Teams").await;
    room.next(&account.id).await;
    let mut waits = Vec::with_capacity(MESSAGES);
    for nth in 0..MESSAGES {
        tokio::time::sleep(PAUSE).await;
        let began = Instant::now();
        room.says(&format!("make it {} people", 10 + nth)).await;
        let reply = room.next(&account.id).await;
        waits.push(began.elapsed());
        assert!(reply.encrypted && reply.text().contains(&format!("- People: {}", 10 + nth)));
    }
    waits.sort();
    let at = |percent: usize| waits[(waits.len() * percent).div_ceil(100) - 1].as_secs_f64() * 1000.0;
    let (now, highest) = bot.memory();
    println!(
        "Matrix, encrypted, {MESSAGES} messages: p50 {:.0} ms, p95 {:.0} ms, longest {:.0} ms",
        at(50),
        at(95),
        at(100)
    );
    println!("resident memory of the bot: {now:.0} MB, at its highest {highest:.0} MB");
}
