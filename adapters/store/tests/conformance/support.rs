//! Homes for databases, and short words for the suite.

use std::time::Duration;

use chatbox_core::{
    channel::{Incoming, Post},
    conversation::Conversation,
    effect::{DeskKind, DeskPost, Effect, Record, Say, SayKind},
    ids::{ChannelKind, Lane, Reference},
    input::{Input, InputKind, Message},
};
use chatbox_store::{
    Claim, Claimed, CommitReport, Decided, SendBody, SendEnd, SendJob, SendLimits, Store, StoreConfig,
};
use jiff::Timestamp;

/// Where one test's database lives.
pub(crate) struct Home {
    pub(crate) config: StoreConfig,
    pub(crate) folder: tempfile::TempDir,
    /// Another handle on the same database can be opened.
    pub(crate) shared: bool,
    /// Only one process serves the database: what it had leased is void when it starts again.
    pub(crate) alone: bool,
}

impl Home {
    pub(crate) fn memory() -> Self {
        Self {
            config: StoreConfig::new("sqlite::memory:").migrate(),
            folder: tempfile::tempdir().unwrap(),
            shared: false,
            alone: true,
        }
    }

    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("chatbox.db").display());
        Self { config: StoreConfig::new(url).migrate(), folder, shared: true, alone: true }
    }

    pub(crate) async fn postgres() -> Self {
        let (url, key) = crate::server::database().await;
        Self {
            config: StoreConfig::new(url).key_file(key),
            folder: tempfile::tempdir().unwrap(),
            shared: true,
            alone: false,
        }
    }

    /// In memory everything takes less time.
    pub(crate) fn config_is_quick(&self) -> bool {
        !self.shared
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open_service(self.config.clone()).await.unwrap()
    }
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

pub(crate) fn lane(name: &str) -> Lane {
    Lane::new(ChannelKind::Telegram, name)
}

pub(crate) fn text(who: &str, key: &str, words: &str) -> Incoming {
    Incoming {
        lane: lane(who),
        key: key.to_owned(),
        order: 7,
        native: Some(format!("n-{key}")),
        input: Input::new(
            at(0),
            InputKind::Message(Message { text: words.to_owned(), ..Message::default() }),
        ),
    }
}

pub(crate) fn words(input: &Input) -> &str {
    let InputKind::Message(message) = &input.what else { panic!("not a message: {:?}", input.what) };
    &message.text
}

pub(crate) fn say(kind: SayKind, text: &str) -> Effect {
    Effect::Say(Say::new(kind, text))
}

pub(crate) fn bot(text: &str) -> Effect {
    say(SayKind::Bot, text)
}

pub(crate) fn to_desk(case: &str, kind: DeskKind, text: &str) -> Effect {
    Effect::Desk(DeskPost::new(Some(reference(case)), kind, text))
}

pub(crate) fn save(case: &str) -> Effect {
    Effect::Save(Record {
        kind: "group_request".to_owned(),
        reference: reference(case),
        data: serde_json::json!({"size": 8, "site": null}),
    })
}

pub(crate) fn reference(text: &str) -> Reference {
    Reference(text.to_owned())
}

pub(crate) fn decided(input: &Claimed, effects: Vec<Effect>) -> Decided {
    Decided { seq: input.seq, conversation: Conversation::default(), effects }
}

pub(crate) async fn receive(store: &Store, messages: &[Incoming]) -> usize {
    let mut seed = 0;
    let seeds = || {
        seed += 1;
        seed
    };
    store.receive(messages, None, at(0), seeds).await.unwrap()
}

pub(crate) async fn claim(store: &Store) -> Claim {
    let mut changes = store.inbox_changes();
    loop {
        if let Some(claim) = store.claim(100).await.unwrap() {
            return claim;
        }
        // What was given back may take a moment to be free.
        changes.changed().await;
    }
}

/// Decides everything that waits, each input by `turn`.
pub(crate) async fn decide(store: &Store, mut turn: impl FnMut(&Lane, &Claimed) -> Decided) -> CommitReport {
    let claim = claim(store).await;
    let turns = claim
        .works()
        .iter()
        .flat_map(|work| work.inputs.iter().map(|input| (&work.lane, input)))
        .map(|(lane, input)| turn(lane, input))
        .collect();
    store.commit(claim, turns, Vec::new(), at(0)).await.unwrap()
}

/// One message in, these effects out.
pub(crate) async fn one_turn(store: &Store, who: &str, key: &str, effects: Vec<Effect>) {
    assert_eq!(receive(store, &[text(who, key, "hello")]).await, 1);
    let report = decide(store, |_, input| decided(input, effects.clone())).await;
    assert_eq!(report.committed.len(), 1, "{report:?}");
}

const LEASE: Duration = Duration::from_secs(30);

pub(crate) const ONE: SendLimits =
    SendLimits { lanes: 100, per_lane: 1, lease: LEASE, first_lease: LEASE, ahead: 0 };

pub(crate) fn said(job: &SendJob) -> String {
    match &job.body {
        SendBody::Post(Post::Say(say)) => say.text.clone(),
        SendBody::Post(Post::Desk(post)) => post.text.clone(),
        SendBody::Clear { .. } => "CLEAR".to_owned(),
        SendBody::Amend { .. } => "AMEND".to_owned(),
    }
}

pub(crate) fn all_said(jobs: &[SendJob]) -> Vec<String> {
    jobs.iter().map(said).collect()
}

pub(crate) async fn finish(store: &Store, job: &SendJob, end: SendEnd) {
    let late = store.finish_sends(vec![(job.id, job.fence, end)], at(2)).await.unwrap();
    assert_eq!(late, Vec::new());
}

pub(crate) async fn sent(store: &Store, job: &SendJob) {
    finish(store, job, SendEnd::Sent { native: format!("sent-{}", job.id) }).await;
}

/// Sends everything that can be sent now, and returns it in the order of sending.
pub(crate) async fn send_all(store: &Store) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let jobs = store.claim_sends(at(2), ONE).await.unwrap();
        if jobs.is_empty() {
            return all;
        }
        for job in jobs {
            all.push(said(&job));
            sent(store, &job).await;
        }
    }
}
