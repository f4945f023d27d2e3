//! The server, and accounts on it.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::sync::OnceCell;

use crate::{
    PATIENCE, install,
    people::{People, Person},
};

/// Keeps the server as long as its input is open, which is as long as this process lives.
const KEEPER: &str = "\"$1\" -m synapse.app.homeserver -c \"$2/homeserver.yaml\" \
                      >\"$2/output\" 2>&1 </dev/null & server=$!
                      read -r _
                      kill $server; wait $server; rm -rf \"$2\"";

/// A homeserver of this process.
pub struct Synapse {
    url: String,
    people: People,
    accounts: AtomicUsize,
    _keeper: Child,
}

/// An account that nobody is logged in with.
#[derive(Debug, Clone)]
pub struct Account {
    /// `@bot-1:chatbox.test`
    pub id: String,
    pub password: String,
}

static SHARED: OnceCell<Synapse> = OnceCell::const_new();

impl Synapse {
    /// The one server of this test binary, started by the first who asks.
    pub async fn shared() -> &'static Self {
        SHARED
            .get_or_init(|| async {
                tokio::task::spawn_blocking(Self::start).await.expect("the server starts: see above")
            })
            .await
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A new account whose name begins with `name`.
    pub async fn account(&self, name: &str) -> Account {
        let nth = self.accounts.fetch_add(1, Ordering::Relaxed);
        let account = Account {
            id: format!("@{name}-{nth}:chatbox.test"),
            password: format!("password of {name} {nth}"),
        };
        let body = json!({
            "username": format!("{name}-{nth}"),
            "password": account.password,
            "auth": { "type": "m.login.dummy" },
            "inhibit_login": true,
        });
        let register = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client can be made")
            .post(format!("{}/_matrix/client/v3/register", self.url))
            .json(&body);
        let answer = register.send().await.expect("the server answers");
        assert!(answer.status().is_success(), "registering {name}: {}", answer.status());
        account
    }

    /// A new account, and somebody who uses it.
    pub async fn person(&self, name: &str) -> Person {
        let account = self.account(name).await;
        self.login(&account).await
    }

    /// Somebody who uses an account, on a device of their own.
    pub async fn login(&self, account: &Account) -> Person {
        self.people.login(&self.url, account).await
    }

    fn start() -> Self {
        let python = install::python();
        let folder =
            tempfile::Builder::new().prefix("chatbox-synapse").tempdir().expect("a temporary folder");
        // The keeper removes it.
        let folder = folder.keep();
        let place = |text: &str| text.replace("@DIR@", &folder.display().to_string());
        for (name, text) in
            [("homeserver.yaml", include_str!("homeserver.yaml")), ("log.yaml", include_str!("log.yaml"))]
        {
            fs::write(folder.join(name), place(text)).expect("the configuration can be written");
        }
        make_keys(&python, &folder);
        let keeper = Command::new("/bin/sh")
            .args(["-c", KEEPER, "keeper"])
            .args([&python, &folder])
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell can be started");
        Self {
            url: format!("http://127.0.0.1:{}", port(&folder.join("output"))),
            people: People::start(&python, &folder),
            accounts: AtomicUsize::default(),
            _keeper: keeper,
        }
    }
}

fn make_keys(python: &Path, folder: &Path) {
    let made = Command::new(python)
        .args(["-m", "synapse.app.homeserver", "--generate-missing-configs", "-c"])
        .arg(folder.join("homeserver.yaml"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("Python can be started");
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "the keys of Synapse were not made: {said}");
}

/// Waits until the server says where it listens.
fn port(output: &PathBuf) -> u16 {
    let end = Instant::now() + PATIENCE;
    loop {
        let said = fs::read_to_string(output).unwrap_or_default();
        let port = said
            .lines()
            .filter_map(|line| line.split_once("Synapse now listening on TCP port "))
            .find_map(|(_, port)| port.trim().parse().ok());
        if let Some(port) = port {
            return port;
        }
        assert!(Instant::now() < end && !said.contains("Error"), "Synapse does not start; it said:\n{said}");
        thread::sleep(Duration::from_millis(20));
    }
}
