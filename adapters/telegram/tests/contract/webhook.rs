use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chatbox_core::{
    channel::{Batch, Channel as _, ReceiveError},
    input::InputKind,
};
use chatbox_telegram::{Mode, Telegram};
use chatbox_telegram_standin::{Event, Standin};
use tokio::{
    net::TcpListener,
    sync::{Barrier, Notify},
};

use crate::{TOKEN, WITHIN, ask, attempt, config, lane, message, noon, soon};

type Stored = Arc<Mutex<Vec<Batch>>>;

/// A bot behind a webhook whose first `failures` commits fail.
async fn hooked(failures: usize) -> (Standin, Arc<Telegram>, Stored, Arc<Notify>, String) {
    let stored: Stored = Arc::default();
    let committed = Arc::new(Notify::new());
    let left = Arc::new(AtomicUsize::new(failures));
    let commit = {
        let (stored, committed) = (stored.clone(), committed.clone());
        move |batch: Batch| {
            let (stored, committed, left) = (stored.clone(), committed.clone(), left.clone());
            async move {
                if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
                    return false;
                }
                stored.lock().unwrap().push(batch);
                committed.notify_one();
                true
            }
        }
    };
    let (standin, telegram, url) = serve(commit).await;
    (standin, telegram, stored, committed, url)
}

/// A bot behind a webhook.
async fn serve<F, Fut>(commit: F) -> (Standin, Arc<Telegram>, String)
where
    F: Fn(Batch) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = bool> + Send,
{
    let standin = Standin::start(TOKEN).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/telegram/hook", listener.local_addr().unwrap());
    let mut config = config(&standin);
    config.mode = Mode::Webhook {
        url: url.clone(),
        secret: "new-secret".to_owned().into(),
        watch: Duration::from_millis(20),
    };
    let telegram = Arc::new(Telegram::connect(config, Arc::new(noon)).await.unwrap());
    let secrets = vec!["old-secret".to_owned().into(), "new-secret".to_owned().into()];
    let router = telegram.webhook_router("/telegram/hook", secrets, commit);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (standin, telegram, url)
}

#[tokio::test]
async fn token_that_was_revoked_is_noticed_though_nobody_polls() {
    let (standin, telegram, _) = serve(|_| async { true }).await;
    standin.revoke_token("12345:other");
    let error = soon(telegram.receive(None)).await.unwrap_err();
    assert!(
        matches!(&error, ReceiveError::Fatal(sentence) if sentence.contains("telegram.token")),
        "{error}"
    );
}

#[tokio::test]
async fn a_hundred_chats_are_taken_in_at_once() {
    const CHATS: usize = 100;
    // Each commit waits for all others.
    let (together, committed) = (Arc::new(Barrier::new(CHATS)), Arc::new(AtomicUsize::new(0)));
    let all = Arc::new(Notify::new());
    let commit = {
        let all = all.clone();
        move |_| {
            let (together, committed, all) = (together.clone(), committed.clone(), all.clone());
            async move {
                together.wait().await;
                if committed.fetch_add(1, Ordering::SeqCst) + 1 == CHATS {
                    all.notify_one();
                }
                true
            }
        }
    };
    let (standin, _telegram, _) = serve(commit).await;
    for chat in (1..).take(CHATS) {
        standin.user(chat, "Sam").says("hello");
    }
    soon(all.notified()).await;
}

#[tokio::test]
async fn an_update_is_taken_only_after_the_commit() {
    let (standin, _telegram, stored, committed, _) = hooked(2).await;
    standin.user(7, "Sam").says("hello");
    soon(committed.notified()).await;
    standin.wait_for_confirmation().await;
    let stored = stored.lock().unwrap();
    assert_eq!(stored.len(), 1, "refused twice, taken once");
    assert_eq!(message(&stored[0].incoming[0]).text, "hello");
    assert_eq!(stored[0].cursor, None);
}

#[tokio::test]
async fn a_press_is_answered_after_the_commit() {
    use chatbox_core::channel::Channel;
    let (standin, telegram, stored, committed, _) = hooked(0).await;
    let sam = standin.user(7, "Sam");
    sam.says("hello");
    soon(committed.notified()).await;
    telegram.send(&lane(7), &ask(2, "Well?", &[("yes", "Yes")]), None, attempt(1), WITHIN).await;
    sam.presses("Yes");
    soon(committed.notified()).await;
    sam.next(Event::Answered).await;
    let last = stored.lock().unwrap().pop().unwrap();
    let press = InputKind::Press { choice: "yes".to_owned(), prompt: Some(2) };
    assert_eq!(last.incoming[0].input.what, press);
}

#[tokio::test]
async fn only_who_knows_a_secret_is_heard() {
    let (_standin, _telegram, stored, _, url) = hooked(0).await;
    let client = reqwest::Client::new();
    let update = r#"{"update_id":1,"message":{"message_id":1,"date":1790000000,"text":"let me in",
        "chat":{"id":7,"type":"private","first_name":"S"},"from":{"id":7,"is_bot":false,"first_name":"S"}}}"#;
    let post = |secret: Option<&str>, body: &str| {
        let mut request = client.post(&url).body(body.to_owned());
        if let Some(secret) = secret {
            request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
        }
        async move { request.send().await.unwrap().status().as_u16() }
    };
    for secret in [None, Some(""), Some("new-secre"), Some("new-secret2"), Some("wrong")] {
        assert_eq!(post(secret, update).await, 401, "{secret:?}");
    }
    assert!(stored.lock().unwrap().is_empty());
    assert_eq!(post(Some("old-secret"), update).await, 200);
    assert_eq!(post(Some("new-secret"), update).await, 200);
    assert_eq!(stored.lock().unwrap().len(), 2);
    assert_eq!(post(Some("new-secret"), "{").await, 400);
    assert_eq!(post(Some("new-secret"), r#"{"update_id":2,"brain_wave":{}}"#).await, 200);
    assert_eq!(post(Some("new-secret"), &" ".repeat(2 << 20)).await, 413);
    assert_eq!(stored.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn nothing_is_read_of_who_knows_no_secret() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (_standin, _telegram, _, _, url) = hooked(0).await;
    let address = url.trim_start_matches("http://").split('/').next().unwrap();
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    // The body that it speaks of never comes.
    let head = "POST /telegram/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n";
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    soon(connection.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
}
