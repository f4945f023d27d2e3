//! What people write, the password, the token and the keys are in no error, debug output or log.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use chatbox_core::channel::Channel;
use chatbox_matrix_synapse::{Gate, Synapse};
use secrecy::ExposeSecret as _;
use serde_json::json;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _};

use crate::bot::{Bot, WITHIN, ask};

const WORDS: &str = "CANARY words of Sam";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn nothing_secret_is_in_errors_debug_output_or_log() {
    let log = Log::default();
    let writer = log.clone();
    // Everything of ours. Of the SDK's words the service writes down none.
    let filter = EnvFilter::new("off,chatbox_matrix=trace");
    let lines = fmt::layer().with_writer(move || writer.clone()).with_ansi(false);
    let _here = tracing::subscriber::set_default(tracing_subscriber::registry().with(filter).with(lines));

    let synapse = Synapse::shared().await;
    let gate = Gate::to(synapse.url()).await;
    let mut bot = Bot::start_with(synapse, |config| config.homeserver = gate.url().to_owned()).await;
    let sam = synapse.person("sam").await;
    let id = bot.id().to_owned();
    let room = bot.during(sam.meets(&id)).await;
    room.says(WORDS).await;
    let lane = bot.hears(WORDS).await.lane;
    // Events of which the SDK complains.
    for (nth, wrong) in ["m.relates_to", "m.mentions", "msgtype", "format", "body"].into_iter().enumerate() {
        let mut content = json!({ "msgtype": "m.text", "body": "hello" });
        content[wrong] = json!([WORDS]);
        let path = format!("/_matrix/client/v3/rooms/{}/send/m.room.message/bad{nth}", room.id);
        sam.calls("PUT", &path, content.clone()).await;
        content[wrong] = json!(WORDS);
        let path = format!("/_matrix/client/v3/rooms/{}/send/m.room.message/worse{nth}", room.id);
        sam.calls("PUT", &path, content).await;
    }
    room.says("and then").await;
    bot.hears("and then").await;
    let post = ask(WORDS, 1, &[("yes", WORDS)]);
    bot.says(&lane, &post).await;
    let mut seen = vec![format!("{:?} {:?}", bot.matrix, bot.config)];
    let quoting = format!(r#"{{"errcode":"M_FORBIDDEN","error":"{WORDS}"}}"#);
    for (status, body) in [(403, quoting.as_str()), (500, WORDS), (400, WORDS), (200, WORDS)] {
        gate.answer_times(1, "/send/", status, body);
        seen.push(format!("{:?}", bot.send(&lane, &post).await));
        gate.answer_times(1, "/typing/", status, body);
        bot.matrix.typing(&lane).await;
        gate.answer_times(1, "/redact/", status, body);
        bot.matrix.clear(&lane, &[room.id.clone(), "$none".to_owned()]).await;
        gate.answer_times(1, "createRoom", status, body);
        seen.push(format!("{:?}", bot.matrix.direct("@nobody:chatbox.test", WITHIN).await));
        gate.answer_times(1, "/sync", status, body);
        room.says(WORDS).await;
        for _ in 0..2 {
            match bot.matrix.receive(bot.committed.as_deref()).await {
                Ok(batch) => bot.commit(batch),
                Err(error) => {
                    seen.push(format!("{error} {error:?}"));
                    break;
                }
            }
        }
        gate.open();
    }
    let key = bot.recovery_key.clone().unwrap().expose_secret().to_owned();
    let password = bot.account.password.clone();
    // What is in the folder is sealed.
    for entry in std::fs::read_dir(&bot.config.state_dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            seen.push(String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned());
        }
    }
    for entry in std::fs::read_dir(bot.config.state_dir.join("store")).unwrap() {
        seen.push(String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap()).into_owned());
    }
    bot.matrix.close().await;

    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("call failed"), "the log was listened to");
    for (what, text) in [("errors, debug output or files", &seen.join("\n")), ("the log", &log)] {
        for secret in ["CANARY", "syt_", key.as_str(), password.as_str(), "access_token"] {
            let lines: Vec<_> = text.lines().filter(|line| line.contains(secret)).collect();
            assert_eq!(lines, Vec::<&str>::new(), "a secret is in {what}");
        }
    }
}
