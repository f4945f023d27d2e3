//! Synapse and the client, from the package index into a folder that outlasts the checkout.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What is installed. Another list is another folder.
const PACKAGES: [&str; 6] = [
    "matrix-synapse==1.163.2",
    "matrix-nio==0.25.2",
    "python-olm==3.2.16",
    // What the client's encryption needs besides.
    "cachetools==8.0.2",
    "atomicwrites==1.4.1",
    "peewee==4.5.3",
];

/// The Python that has everything.
pub(crate) fn python() -> PathBuf {
    let cache = cache();
    fs::create_dir_all(&cache).unwrap_or_else(|error| panic!("{} cannot be made: {error}", cache.display()));
    let folder = cache.join("synapse-1.163.2");
    let python = folder.join("bin/python");
    // Test binaries run side by side; the first one installs.
    let lock = File::create(cache.join("synapse.lock")).expect("a file can be made in the cache folder");
    lock.lock().expect("a file can be locked in the cache folder");
    if !folder.join("complete").exists() {
        install(&folder);
        fs::write(folder.join("complete"), "").expect("the cache folder can be written");
    }
    python
}

fn install(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    run(Command::new("python3").args(["-m", "venv"]).arg(folder), "python3 -m venv");
    let mut pip = Command::new(folder.join("bin/pip"));
    run(pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES), "pip install");
}

fn run(command: &mut Command, what: &str) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{what}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {}\n{said}", output.status);
}

fn cache() -> PathBuf {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("CHATBOX_CI_CACHE").unwrap_or_else(|| {
        let home = || set("HOME").map(|home| home.join(".cache"));
        set("XDG_CACHE_HOME").or_else(home).unwrap_or_else(env::temp_dir).join("chatbox-ci")
    })
}
