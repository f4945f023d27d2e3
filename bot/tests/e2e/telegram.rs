//! The service on Telegram, over the stand-in.

use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use chatbox_telegram_standin::{Event, Fault, Standin};
use tempfile::TempDir;

use crate::support::{Service, chatbox, folder, holds, run};

pub(crate) const TOKEN: &str = "12345:token-SECRET";

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// One Telegram, one folder, and the service as often as a test starts it.
pub(crate) struct Hub {
    pub(crate) telegram: Standin,
    pub(crate) dir: TempDir,
}

impl Hub {
    async fn open() -> Self {
        Self::with("[desk]\nnone = true\n").await
    }

    pub(crate) async fn with(more: &str) -> Self {
        let telegram = Standin::start(TOKEN).await.unwrap();
        let dir = folder();
        let text = format!(
            "[store]\nurl = \"sqlite:hub.db\"\n[telegram]\ntoken = \"{TOKEN}\"\napi_url = \"{}\"\n\
             chat_per_second = 0\n{more}",
            telegram.url()
        );
        fs::write(dir.path().join("chatbox.toml"), text).unwrap();
        Self { telegram, dir }
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir.path().join("chatbox.toml")
    }

    pub(crate) fn start(&self) -> Service {
        Service::start(self.dir.path(), &self.config())
    }

    /// The service, which dies when it first comes to this point.
    pub(crate) fn start_to_die(&self, point: &str) -> Service {
        Service::start_with(self.dir.path(), &self.config(), &[("FAILPOINTS", &format!("{point}=return"))])
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    /// Waits until the bot has said something with this in it.
    pub(crate) async fn heard(&self, chat: i64, part: &str) {
        let found = |entries: &[chatbox_telegram_standin::Entry]| {
            entries
                .iter()
                .any(|e| e.chat == chat && e.bot && e.event == Event::Sent && e.text.contains(part))
                .then_some(())
        };
        self.telegram.wait_for(found).await;
    }
}

pub(crate) async fn off_thread<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn form_survives_sigkill_and_goes_on_at_the_same_question() {
    let hub = Hub::open().await;
    let amina = hub.telegram.user(7, "Amina");
    let service = hub.start();
    amina.says("I want a closed group for 8 nurses, every two weeks");
    hub.heard(7, "What is the group for?").await;
    amina.presses("Support for frontline team experience");
    hub.heard(7, "Online or on site?").await;
    off_thread(move || service.kill()).await;

    // Written while nobody listens.
    amina.says("on Teams");
    let service = hub.start();
    hub.heard(7, "How many sessions").await;
    amina.says("that's all");
    hub.heard(7, "Shall I send it?").await;
    amina.presses("Yes, send it");
    hub.heard(7, "KWG-").await;
    assert!(off_thread(move || service.stop()).await.success());

    let requests = run(chatbox(hub.dir.path(), ["--config", "chatbox.toml", "requests", "--json"]), b"");
    let request: serde_json::Value = serde_json::from_str(requests.out.trim()).unwrap();
    let data = &request["data"];
    assert_eq!(data["access"], "closed");
    assert_eq!(data["frequency"], "fortnightly");
    assert_eq!(data["size"]["min"], 8);
    assert_eq!(data["setting"], "virtual");
    assert_eq!(data["outline"], "frontline");
}

#[tokio::test(flavor = "multi_thread")]
async fn message_delivered_again_is_decided_once() {
    let hub = Hub::open().await;
    let amina = hub.telegram.user(7, "Amina");
    // Killed before Telegram hears that we have it: the same update comes again.
    let service = hub.start();
    amina.says("I want to set up a group for my team");
    hub.heard(7, "What is the group for?").await;
    off_thread(move || service.kill()).await;
    hub.telegram.restart_update_ids();
    let service = hub.start();
    amina.says("we know we need something");
    hub.heard(7, "open (a drop-in)").await;
    assert!(off_thread(move || service.stop()).await.success());
    // A reply of unknown outcome may be repeated as it was; a second decision would read otherwise.
    let said: BTreeSet<_> = hub.telegram.said(7).into_iter().collect();
    assert_eq!(said.len(), 2, "{said:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pauses_and_failures_of_telegram_lose_nothing_and_hurry_nobody() {
    let hub = Hub::open().await;
    let (amina, ben) = (hub.telegram.user(7, "Amina"), hub.telegram.user(8, "Ben"));
    hub.telegram.fault(Fault::retry_after(2).on("sendMessage").for_chat(7));
    hub.telegram.fault(Fault::gateway(502).on("getUpdates").times(1));
    let service = hub.start();
    amina.says("help");
    ben.says("help");
    let said = tokio::time::timeout(PATIENCE, amina.next_message()).await.unwrap();
    assert!(!said.text.is_empty());
    tokio::time::timeout(PATIENCE, ben.next_message()).await.unwrap();
    let sends = hub.telegram.calls("sendMessage");
    let to = |chat: i64| sends.iter().filter(|call| call.chat == Some(chat)).collect::<Vec<_>>();
    let (refused, again) = (to(7)[0], to(7)[1]);
    assert_eq!(refused.status, 429);
    assert!(again.at >= refused.at + Duration::from_secs(2), "sent before the pause was over");
    assert!(to(8)[0].at < again.at, "one chat's pause held up another");
    assert_eq!(hub.telegram.violations(), 0);
    assert!(off_thread(move || service.stop()).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn second_poller_is_waited_out() {
    let hub = Hub::open().await;
    let amina = hub.telegram.user(7, "Amina");
    hub.telegram
        .fault(Fault::refuse(409, "Conflict: terminated by other getUpdates request").on("getUpdates"));
    let service = hub.start();
    amina.says("help");
    tokio::time::timeout(PATIENCE, amina.next_message()).await.unwrap();
    assert!(off_thread(move || service.stop()).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_drains_in_under_ten_seconds() {
    let hub = Hub::open().await;
    let amina = hub.telegram.user(7, "Amina");
    let service = hub.start();
    amina.says("help");
    tokio::time::timeout(PATIENCE, amina.next_message()).await.unwrap();
    let began = Instant::now();
    assert!(off_thread(move || service.stop()).await.success());
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_case_has_a_topic_at_the_desk() {
    let hub = Hub::with("[desk]\nchannel = \"telegram\"\nroom = -1007\n").await;
    let desk = hub.telegram.forum(-1007, "Desk");
    let lead = hub.telegram.user(1, "Lead");
    desk.adds_bot(&lead, true);
    let amina = hub.telegram.user(7, "Amina");
    let service = hub.start();
    amina.says("I'm planning on killing myself");
    hub.heard(7, "999").await;
    let topic = tokio::time::timeout(
        PATIENCE,
        hub.telegram.wait_for(|entries| {
            entries
                .iter()
                .find(|e| e.chat == -1007 && e.bot && e.event == Event::Sent && !e.text.is_empty())
                .cloned()
        }),
    )
    .await
    .unwrap();
    assert!(topic.thread.is_some(), "{topic:?}");
    assert!(off_thread(move || service.stop()).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_said_is_in_the_log_or_the_database() {
    const CANARY: &str = "zebra-marmalade-6191";
    let hub = Hub::open().await;
    let amina = hub.telegram.user(7, "Quetzalcoatlina");
    let service = hub.start();
    amina.says(&format!("I can't sleep {CANARY}"));
    tokio::time::timeout(PATIENCE, amina.next_message()).await.unwrap();
    amina.says(&format!("help {CANARY}"));
    tokio::time::timeout(PATIENCE, amina.next_message()).await.unwrap();
    assert!(off_thread(move || service.stop()).await.success());
    assert!(hub.log().contains("chatbox"), "there is a log to look at");
    fs::remove_file(hub.config()).unwrap();
    for secret in [CANARY, "Quetzalcoatlina", "token-SECRET"] {
        assert_eq!(holds(hub.dir.path(), secret), Vec::<PathBuf>::new(), "{secret}");
    }
}
