//! What becomes of texts on a platform that says no.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chatbox_core::{
    channel::{
        Attempt, Batch, Channel, Delivery, FetchError, Mark, Post, ReceiveError, Refusal, ThreadError,
    },
    conversation::Conversation,
    effect::{DeskKind, DeskPost, Effect, Say, SayKind},
    ids::{ChannelKind, Lane, OutboxId, Reference},
    input::{FileRef, Input, InputKind, Message},
};
use chatbox_store::{Decided, StoreConfig};
use jiff::SignedDuration;

use super::*;
use crate::budget::Rates;

/// Takes texts, but those with this word; changes nothing that was sent, and has no time to open a
/// chat with the lead.
#[derive(Clone)]
struct Stubborn {
    kind: ChannelKind,
    faulty: Arc<Mutex<&'static str>>,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Stubborn {
    fn new(kind: ChannelKind) -> Self {
        Self { kind, faulty: Arc::new(Mutex::new("faulty")), sent: Arc::default() }
    }

    fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap().clone()
    }
}

impl Channel for Stubborn {
    fn kind(&self) -> ChannelKind {
        self.kind
    }

    async fn receive(&self, _: Option<&str>) -> Result<Batch, ReceiveError> {
        std::future::pending().await
    }

    async fn send(&self, _: &Lane, post: &Post, _: Option<&[u8]>, _: Attempt, _: Duration) -> Delivery {
        let text = match post {
            Post::Say(say) => say.text.clone(),
            Post::Desk(post) => post.text.clone(),
        };
        if text.contains(*self.faulty.lock().unwrap()) {
            return Delivery::Refused(Refusal::Bad { code: 400 });
        }
        let mut sent = self.sent.lock().unwrap();
        sent.push(text);
        Delivery::Sent { native: sent.len().to_string() }
    }

    async fn typing(&self, _: &Lane) {}

    async fn retire(&self, _: &Lane, _: &str) {}

    async fn clear(&self, _: &Lane, natives: &[String]) -> usize {
        natives.len()
    }

    async fn amend(&self, _: &Lane, _: &str, _: Option<&str>, _: OutboxId, _: Duration) -> Delivery {
        Delivery::Refused(Refusal::Bad { code: 400 })
    }

    async fn fetch(&self, _: &FileRef, _: u64, _: Duration) -> Result<Vec<u8>, FetchError> {
        Err(FetchError::Gone { code: 404 })
    }

    async fn mark(&self, _: &Lane, _: &str, _: Mark) {}

    async fn open_thread(
        &self,
        room: &Lane,
        title: &str,
        _: OutboxId,
        _: Duration,
    ) -> Result<Lane, ThreadError> {
        Ok(room.clone().in_thread(title))
    }

    async fn direct(&self, _: &str, _: Duration) -> Result<Lane, ThreadError> {
        Err(ThreadError::RetryAfter(Duration::from_mins(10)))
    }
}

fn now() -> Timestamp {
    "2026-01-05T10:00:00Z".parse().unwrap()
}

fn person() -> Lane {
    Lane::new(ChannelKind::Telegram, "7")
}

fn outlet(channels: Vec<Stubborn>, lead: Option<&str>) -> Arc<Outlet<Stubborn>> {
    let room = Mutex::new(Some(Lane::new(ChannelKind::Matrix, "!desk:hub")));
    let rates = Rates { per_second: 30.0, chat_per_second: 1.0, group_per_minute: 20.0 };
    Outlet::new(channels, Desk { room, lead: lead.map(str::to_owned) }, rates)
}

fn case() -> Reference {
    Reference("CSE-1A2B3".to_owned())
}

async fn store() -> Store {
    Store::open(StoreConfig::new("sqlite::memory:").migrate()).await.unwrap()
}

/// One input of the person, and what its turn says.
async fn turn(store: &Store, key: &str, what: InputKind, effects: Vec<Effect>) {
    let native = if let InputKind::Message(message) = &what { message.id.clone() } else { None };
    let input = Input::new(now(), what);
    let incoming = Incoming { lane: person(), key: key.to_owned(), order: 0, native, input };
    store.receive(&[incoming], None, now(), || 1).await.unwrap();
    let claim = store.claim(8).await.unwrap().expect("one waits");
    let seq = claim.works()[0].inputs[0].seq;
    let conversation = Conversation { case: Some(case()), welcomed: true, ..Conversation::default() };
    store.commit(claim, vec![Decided { seq, conversation, effects }], Vec::new(), now()).await.unwrap();
}

fn message(text: &str) -> InputKind {
    InputKind::Message(Message { text: text.to_owned(), id: Some("m1".to_owned()), ..Message::default() })
}

fn at_desk(kind: DeskKind, text: &str) -> Effect {
    Effect::Desk(DeskPost::new(Some(case()), kind, text))
}

async fn deliver(store: &Store, outlet: &Arc<Outlet<Stubborn>>) {
    while step(store, outlet, now()).await.unwrap() > 0 {}
}

#[tokio::test]
async fn pause_for_the_duty_lead_is_none_for_the_person() {
    let store = store().await;
    let (telegram, matrix) = (Stubborn::new(ChannelKind::Telegram), Stubborn::new(ChannelKind::Matrix));
    let outlet = outlet(vec![telegram.clone(), matrix], Some("@lead:hub"));
    turn(&store, "1", message("help"), vec![at_desk(DeskKind::Page, "please look now")]).await;
    step(&store, &outlet, now()).await.unwrap();
    let lines = Say::new(SayKind::Safety, "Call 999.");
    turn(&store, "2", message("help"), vec![Effect::Say(lines)]).await;
    step(&store, &outlet, now()).await.unwrap();
    assert_eq!(telegram.sent(), ["Call 999."]);
}

#[tokio::test]
async fn copy_that_cannot_be_changed_is_followed_by_the_new_text_and_forgotten_when_taken_back() {
    let store = store().await;
    let matrix = Stubborn::new(ChannelKind::Matrix);
    let outlet = outlet(vec![matrix.clone()], None);
    turn(&store, "1", message("eigth"), vec![at_desk(DeskKind::Message, "eigth")]).await;
    deliver(&store, &outlet).await;
    let edit = |text: Option<&str>| Effect::Amend { of: "m1".to_owned(), text: text.map(str::to_owned) };
    turn(&store, "2", message("eight"), vec![edit(Some("(edited) eight"))]).await;
    deliver(&store, &outlet).await;
    assert_eq!(matrix.sent(), ["eigth", "(edited) eight"]);
    let kept = async || store.copies(&person(), "m1", true).await.unwrap();
    assert_eq!(kept().await[0].text, "(edited) eight");
    turn(&store, "3", InputKind::Redacted { of: "m1".to_owned() }, vec![edit(None)]).await;
    deliver(&store, &outlet).await;
    assert!(kept().await.iter().all(|copy| !copy.text.contains("eight")), "its words are gone");
}

#[tokio::test]
async fn line_at_fault_is_left_out_and_none_is_while_the_whole_room_is() {
    let store = store().await;
    let matrix = Stubborn::new(ChannelKind::Matrix);
    let outlet = outlet(vec![matrix.clone()], None);
    let at = |seconds| now() + SignedDuration::from_secs(seconds);
    // A room that lets the bot say nothing at all, for as long as it likes.
    *matrix.faulty.lock().unwrap() = "";
    turn(&store, "1", message("help"), vec![at_desk(DeskKind::Alert, "look now")]).await;
    for minute in 0..30 {
        step(&store, &outlet, at(minute * 60)).await.unwrap();
    }
    *matrix.faulty.lock().unwrap() = "faulty";
    step(&store, &outlet, at(30 * 60)).await.unwrap();
    assert_eq!(matrix.sent(), ["look now"]);

    // One line that it does not take, between two that it does.
    let lines = ["before", "faulty", "after"].map(|text| at_desk(DeskKind::Message, text));
    turn(&store, "2", message("more"), lines.to_vec()).await;
    for second in 0..10 {
        step(&store, &outlet, at(31 * 60 + second)).await.unwrap();
    }
    assert_eq!(matrix.sent(), ["look now", "before", "after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_at_once_is_written_down_though_nothing_else_happens() {
    const CHATS: usize = 8;
    const ROUNDS: usize = 200;
    let store = store().await;
    let telegram = Stubborn::new(ChannelKind::Telegram);
    let rates = Rates { per_second: 0.0, chat_per_second: 0.0, group_per_minute: 0.0 };
    let outlet = Outlet::new(vec![telegram.clone()], Desk::default(), rates);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = {
        let (store, outlet) = (store.clone(), Arc::clone(&outlet));
        tokio::spawn(async move { run(&store, &outlet, async { drop(stopped.await) }).await })
    };
    for round in 0..ROUNDS {
        let mut said = JoinSet::new();
        for chat in 0..CHATS {
            let store = store.clone();
            said.spawn(async move {
                let lane = Lane::new(ChannelKind::Telegram, chat.to_string());
                let input = Input::new(now(), message("hello"));
                let incoming =
                    Incoming { lane, key: format!("{round}/{chat}"), order: 0, native: None, input };
                store.receive(&[incoming], None, now(), || 1).await.unwrap();
                let claim = store.claim_next(1).await.unwrap();
                let seq = claim.works()[0].inputs[0].seq;
                let effects = vec![Effect::Say(Say::new(SayKind::Bot, "good morning"))];
                let decided = vec![Decided { seq, conversation: Conversation::default(), effects }];
                store.commit(claim, decided, Vec::new(), now()).await.unwrap();
            });
        }
        said.join_all().await;
        let written = async {
            while store.stats(now()).await.unwrap().outbox_waiting > 0 {
                tokio::task::yield_now().await;
            }
        };
        let within = tokio::time::timeout(LEASE / 2, written).await;
        assert!(within.is_ok(), "an end was not written down in round {round}");
    }
    assert_eq!(telegram.sent().len(), ROUNDS * CHATS);
    stop.send(()).unwrap();
    running.await.unwrap();
}
