//! Starts the binary, and stops it in every way.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// What a run of a command left.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A folder of its own, with nothing in it.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The binary, in a folder, without any configuration from outside.
pub(crate) fn chatbox<S: AsRef<OsStr>>(dir: &Path, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatbox"));
    command.current_dir(dir).args(args).env_remove("RUST_LOG").env_remove("FAILPOINTS");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CHATBOX_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs to the end with `input` on standard input.
pub(crate) fn run(mut command: Command, input: &[u8]) -> Ran {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // The program may end before it has read everything.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// `chatbox converse` on these lines; every line out, parsed. Fails if it did not end well.
pub(crate) fn converse(dir: &Path, args: &[&str], input: &str) -> Vec<Value> {
    let ran = run(chatbox(dir, ["converse"].iter().chain(args)), input.as_bytes());
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The service as a process of its own. Killed when dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) log: PathBuf,
}

impl Service {
    /// Starts `chatbox run` with a configuration; its log is added to `log` in the folder.
    pub(crate) fn start(dir: &Path, config: &Path) -> Self {
        Self::start_with(dir, config, &[])
    }

    /// The same with something in its environment.
    pub(crate) fn start_with(dir: &Path, config: &Path, more: &[(&str, &str)]) -> Self {
        let log = dir.join("log");
        let to = File::options().append(true).create(true).open(&log).unwrap();
        let mut command = chatbox(dir, [OsStr::new("--config"), config.as_os_str(), OsStr::new("run")]);
        let child = command
            .env("RUST_LOG", "trace")
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(to)
            .spawn()
            .unwrap();
        Self { child, log }
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and the end.
    pub(crate) fn stop(mut self) -> ExitStatus {
        let done = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(done.success());
        self.child.wait().unwrap()
    }

    /// Waits for the process to end by itself.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether bytes stand anywhere in the files of a folder.
pub(crate) fn holds(dir: &Path, needle: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holds(&path, needle));
        } else if fs::read(&path).unwrap().windows(needle.len()).any(|window| window == needle.as_bytes()) {
            found.push(path);
        }
    }
    found
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}
