//! The desk as a forum on Telegram: people in private chats, practitioners in topics.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use chatbox_telegram_standin::{Entry, Event, Fault, Group, User};

use crate::{
    support::{Service, chatbox, holds, run},
    telegram::{Hub, off_thread},
};

const ROOM: i64 = -1007;

/// A hub that is always open, and its desk.
struct Desk {
    hub: Hub,
    group: Group,
    service: Option<Service>,
    /// What was heard before is not heard again.
    seen: AtomicU64,
}

impl Desk {
    async fn open() -> Self {
        let more = format!(
            "group_per_minute = 0\n[desk]\nchannel = \"telegram\"\nroom = {ROOM}\n\
             [hub]\nhours = \"always\"\n"
        );
        let hub = Hub::with(&more).await;
        let group = hub.telegram.forum(ROOM, "Desk");
        group.adds_bot(&hub.telegram.user(1, "Owner"), true);
        let service = Some(hub.start());
        let desk = Self { hub, group, service, seen: AtomicU64::default() };
        desk.hub.telegram.wait_for_calls("getUpdates", 1).await;
        desk
    }

    fn practitioner(&self, args: &[&str]) -> String {
        self.command("practitioner", args)
    }

    fn requests(&self, args: &[&str]) -> String {
        self.command("requests", args)
    }

    fn command(&self, command: &str, args: &[&str]) -> String {
        let args = ["--config", "chatbox.toml", command].into_iter().chain(args.iter().copied());
        let ran = run(chatbox(self.hub.dir.path(), args), b"");
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        ran.out
    }

    /// Adds somebody and has them use their code.
    async fn enrols(&self, id: i64, name: &str, more: &[&str]) -> User {
        let out = self.practitioner(&[&["add", name], more].concat());
        let user = self.hub.telegram.user(id, name);
        user.says(out.lines().next().unwrap());
        self.hears(id, None, "enrolled at the desk").await;
        user.in_group(&self.group)
    }

    /// Waits for the next thing that the bot says there with this in it.
    async fn hears(&self, chat: i64, thread: Option<i64>, part: &str) -> Entry {
        self.next(chat, thread, Event::Sent, part).await
    }

    async fn next(&self, chat: i64, thread: Option<i64>, event: Event, part: &str) -> Entry {
        let found = self.hub.telegram.wait_for(|entries| {
            entries
                .iter()
                .find(|entry| {
                    entry.seq > self.seen.load(Ordering::SeqCst)
                        && (entry.chat, entry.event, entry.bot) == (chat, event, true)
                        && (thread.is_none() || entry.thread == thread)
                        && entry.text.contains(part)
                })
                .cloned()
        });
        found.await
    }

    /// From now on only what comes after this is heard.
    fn after(&self, entry: &Entry) {
        self.seen.fetch_max(entry.seq, Ordering::SeqCst);
    }

    /// The same as [`Self::hears`], and what came before it is done with.
    async fn then(&self, chat: i64, thread: Option<i64>, part: &str) -> Entry {
        let entry = self.hears(chat, thread, part).await;
        self.after(&entry);
        entry
    }

    /// Somebody asks for a person in the middle of a form; returns the topic of their case.
    async fn alice_asks_for_a_person(&self, alice: &User) -> i64 {
        alice.says("a closed group for 8 nurses, every two weeks");
        self.then(alice.id(), None, "What is the group for?").await;
        alice.says("can I talk to a person please");
        self.hears(alice.id(), None, "practitioner").await;
        let head = self.then(ROOM, None, "Asks to talk to a person").await;
        assert!(head.text.contains('8') && head.labels().contains(&"Take it"), "{head:?}");
        head.thread.expect("a case has a topic")
    }

    /// What was said to a person since an entry.
    fn said_since(&self, chat: i64, seq: u64) -> Vec<String> {
        let all = self.hub.telegram.transcript(chat);
        all.into_iter()
            .filter(|entry| entry.bot && entry.event == Event::Sent && entry.seq > seq)
            .map(|entry| entry.text)
            .collect()
    }

    async fn stop(&mut self) {
        let service = self.service.take().unwrap();
        assert!(off_thread(move || service.stop()).await.success());
        assert_eq!(self.hub.telegram.violations(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn practitioner_takes_over_and_hands_back_and_the_request_is_finished() {
    let mut desk = Desk::open().await;
    let alice = desk.hub.telegram.user(7, "Alice");
    let bob = desk.enrols(42, "Bob", &["--organisation", "Trust A"]).await;
    let carol = desk.enrols(43, "Carol", &[]).await;
    let mallory = desk.hub.telegram.user(66, "Bob").in_group(&desk.group);
    let topic = desk.alice_asks_for_a_person(&alice).await;
    let (bob, carol, mallory) = (bob.in_topic(topic), carol.in_topic(topic), mallory.in_topic(topic));
    let thread = Some(topic);

    // The name is copied, the button is there for everybody: neither makes a practitioner.
    mallory.presses("Take it");
    desk.then(ROOM, thread, "not enrolled").await;
    mallory.says("/take");
    let nothing = desk.then(ROOM, thread, "not enrolled").await;
    bob.presses("Take it");
    let taken = desk.hears(ROOM, thread, "Bob has it").await;
    desk.then(7, None, "joined").await;
    carol.says("/take");
    desk.after(&taken);
    desk.then(ROOM, thread, "Bob has it already").await;
    assert!(desk.said_since(7, nothing.seq).len() < 2, "{:?}", desk.said_since(7, nothing.seq));

    // The two talk, and what Carol says stays among colleagues.
    let hello = bob.says("Hello, this is Bob. What happened?");
    carol.says("shall I ring her manager?");
    let heard = desk.then(7, None, "this is Bob").await;
    let mark = desk.next(ROOM, None, Event::Reacted, "👍").await;
    assert_eq!(mark.message, hello);
    let said = alice.says("a bad shift, and my manager shouted");
    let passed_on = desk.then(ROOM, thread, "my manager shouted").await;

    // Edits go across, either way, and so does what is no text.
    bob.edits(hello, "Hello, this is Bob from the Hub. What happened?");
    let edited = desk.next(7, None, Event::Edited, "from the Hub").await;
    assert_eq!(edited.message, heard.message);
    alice.edits(said, "a bad shift, and my lead shouted");
    let edited = desk.next(ROOM, thread, Event::Edited, "my lead shouted").await;
    assert_eq!(edited.message, passed_on.message);
    alice.sends_voice("");
    let voice = desk.hub.telegram.wait_for(|all| {
        all.iter().find(|e| e.chat == ROOM && e.bot && e.media.as_deref() == Some("voice")).cloned()
    });
    assert_eq!(voice.await.thread, thread);
    bob.sends_photo("the rota");
    assert_eq!(desk.then(7, None, "the rota").await.media.as_deref(), Some("photo"));

    // Danger: the lines for Alice, an alert for Bob, and no letting go while the flag is open.
    alice.says("I want to kill myself");
    let lines = desk.hears(7, None, "116 123").await;
    desk.then(ROOM, thread, "Route").await;
    desk.after(&lines);
    bob.says("/release");
    desk.then(ROOM, thread, "A flag is open").await;
    bob.says("/safe we talked it through, she is with her sister");
    desk.then(ROOM, thread, "The flag is closed").await;
    bob.says("/release");
    desk.then(7, None, "carry on").await;
    alice.presses("arry on");
    desk.then(7, None, "What is the group for?").await;

    // The bot finishes the request, and it gets a case of its own.
    alice.presses("Support for frontline team experience");
    alice.says("that's all");
    desk.then(7, None, "Shall I send it?").await;
    alice.presses("Yes, send it");
    desk.hears(7, None, "KWG-").await;
    let request = desk.then(ROOM, None, "A KeepingWell Group is asked for").await;
    assert!(request.thread.is_some() && request.thread != thread, "{request:?}");
    let state =
        |all: &str| run(chatbox(desk.hub.dir.path(), ["-c", "chatbox.toml", "requests", all]), b"").out;
    assert!(state("--json").contains("\"state\":\"received\""), "{}", state("--json"));
    let bob = bob.in_topic(request.thread.unwrap());
    bob.says("/ack by Friday");
    desk.then(7, None, "Bob").await;
    assert!(desk.requests(&["--json"]).contains("\"state\":\"acknowledged\""));
    bob.says("/close arranged by phone");
    desk.then(ROOM, request.thread, "closed the case").await;
    assert!(desk.requests(&[]).contains("No open group requests"));
    assert!(desk.requests(&["--all"]).contains("closed"));

    assert!(!desk.hub.telegram.said(7).iter().any(|text| text.contains("ring her manager")));
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_practitioner_can_do_nothing_from_that_moment_on() {
    let mut desk = Desk::open().await;
    let alice = desk.hub.telegram.user(7, "Alice");
    let bob = desk.enrols(42, "Bob", &[]).await;
    let carol = desk.enrols(43, "Carol", &[]).await;
    let topic = desk.alice_asks_for_a_person(&alice).await;
    let (bob, carol) = (bob.in_topic(topic), carol.in_topic(topic));
    bob.says("/take");
    desk.then(ROOM, Some(topic), "Bob has it").await;
    bob.says("hello from Bob");
    let before = desk.then(7, None, "hello from Bob").await;
    assert!(desk.practitioner(&["remove", "bob"]).contains("goes back to the queue"));
    // Nobody has to write for that.
    // In whichever order: no chat waits for another.
    let told = [
        desk.hears(7, None, "has left this chat").await,
        desk.hears(ROOM, Some(topic), "back in the queue").await,
    ];
    for entry in &told {
        desk.after(entry);
    }
    bob.says("you will never read this");
    desk.then(ROOM, Some(topic), "not enrolled").await;
    carol.says("/take");
    desk.then(ROOM, Some(topic), "Carol has it").await;
    carol.says("hello from Carol");
    desk.then(7, None, "hello from Carol").await;
    assert!(!desk.said_since(7, before.seq).iter().any(|text| text.contains("never read this")));
    assert!(desk.practitioner(&["list"]).starts_with("Carol"));
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_is_not_enrolled_acts_at_the_desk() {
    let mut desk = Desk::open().await;
    let alice = desk.hub.telegram.user(7, "Alice");
    let bob = desk.enrols(42, "Bob", &["--lead"]).await;
    desk.enrols(44, "Gone", &[]).await;
    desk.practitioner(&["remove", "Gone"]);
    let topic = desk.alice_asks_for_a_person(&alice).await;
    let telegram = &desk.hub.telegram;
    let pretenders = [
        telegram.user(66, "Bob").in_group(&desk.group),
        telegram.user(44, "Gone").in_group(&desk.group),
        telegram.user(7, "Alice").in_group(&desk.group),
        bob.anonymously(),
        telegram.other_bot(42_000, "Bob").in_group(&desk.group),
    ];
    let commands = [
        "/take",
        "!take",
        "/take.anyway",
        "/release",
        "/safe talked",
        "/ack today",
        "/note x",
        "/close landed",
        "/transfer Bob",
        "/history 5",
        "/queue",
        "/reply hello",
        "/send boo",
        "/identify x",
        "plain words",
        "/",
    ];
    let before = telegram.everything().len() as u64;
    for pretender in &pretenders {
        let here = pretender.in_topic(topic);
        for command in commands {
            here.says(command);
            pretender.says(command);
        }
        let first = here.says("/note one");
        if pretender.id() != 42_000 {
            here.edits(first, "/take");
        }
        here.sends_photo("/take");
    }
    bob.in_topic(topic).forwards("/take");
    // Bob himself still finds a case that nobody has.
    bob.in_topic(topic).says("/take");
    desk.then(ROOM, Some(topic), "Bob has it.").await;
    bob.in_topic(topic).says("and this arrives");
    desk.hears(7, None, "and this arrives").await;
    let said = desk.said_since(7, before);
    assert_eq!(said.len(), 2, "one that Bob joined, one of Bob's: {said:#?}");
    assert!(!desk.said_since(ROOM, before).iter().any(|text| text.contains("What was said")));
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn code_is_in_no_conversation_no_database_and_no_log() {
    let mut desk = Desk::open().await;
    let code = desk.practitioner(&["add", "Bob"]).lines().next().unwrap().to_owned();
    let (bob, eve) = (desk.hub.telegram.user(42, "Bob"), desk.hub.telegram.user(66, "Eve"));
    for _ in 0..6 {
        eve.says("DESK-2222-3333");
    }
    desk.then(66, None, "does not work").await;
    let sloppy = code.to_lowercase().replace('-', " ");
    bob.says(&sloppy);
    desk.then(42, None, "enrolled at the desk").await;
    eve.says(&code);
    desk.then(66, None, "does not work").await;
    let letters = code.replace("DESK-", "");
    desk.stop().await;
    for secret in [code.as_str(), &letters, &sloppy, "2222-3333"] {
        assert_eq!(holds(desk.hub.dir.path(), secret), Vec::<PathBuf>::new(), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn undeliverable_safety_message_alerts_the_desk() {
    let mut desk = Desk::open().await;
    let alice = desk.hub.telegram.user(7, "Alice");
    alice.says("hello");
    desk.hears(7, None, "wellbeing").await;
    desk.hub.telegram.fault(Fault::refuse(400, "Bad Request: no").on("sendMessage").for_chat(7).times(9));
    alice.says("I want to kill myself");
    desk.then(ROOM, None, "could not be delivered").await;
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_for_one_case_shares_messages_and_an_alert_keeps_its_place() {
    let mut desk = Desk::open().await;
    let alice = desk.hub.telegram.user(7, "Alice");
    let bob = desk.enrols(42, "Bob", &[]).await;
    let topic = desk.alice_asks_for_a_person(&alice).await;
    bob.in_topic(topic).says("/take");
    desk.then(ROOM, Some(topic), "Bob has it").await;
    // The first is held up on its way, so that the others come to wait behind it.
    desk.hub.telegram.fault(Fault::retry_after(1).on("sendMessage").for_chat(ROOM).times(1));
    for nth in 1..=6 {
        alice.says(&format!("line {nth}"));
    }
    let last = desk.hears(ROOM, Some(topic), "line 6").await;
    let lines: Vec<String> = desk
        .said_since(ROOM, 0)
        .into_iter()
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.starts_with("line "))
        .collect();
    assert_eq!(lines, (1..=6).map(|nth| format!("line {nth}")).collect::<Vec<_>>());
    // An edit of one of them leaves the others as they are.
    let shared =
        desk.hub.telegram.transcript(ROOM).into_iter().find(|entry| entry.text.contains("line 5")).unwrap();
    let fifth = desk.hub.telegram.transcript(7).into_iter().find(|entry| entry.text == "line 5").unwrap();
    desk.after(&last);
    alice.edits(fifth.message, "LINE FIVE");
    let edited = desk.next(ROOM, Some(topic), Event::Edited, "LINE FIVE").await;
    assert_eq!(edited.text, shared.text.replace("line 5", "(edited) LINE FIVE"));
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_survives_sigkill_between_any_two_steps() {
    let mut desk = Desk::open().await;
    let alice = desk.hub.telegram.user(7, "Alice");
    let ben = desk.hub.telegram.user(8, "Ben");
    let bob = desk.enrols(42, "Bob", &[]).await;
    let topic = desk.alice_asks_for_a_person(&alice).await;
    let bob = bob.in_topic(topic);
    bob.says("/take");
    desk.then(ROOM, Some(topic), "Bob has it").await;
    ben.says("hello");
    desk.then(8, None, "wellbeing").await;
    for (nth, point) in [
        "receive.before_commit",
        "receive.committed",
        "decide.claimed",
        "decide.before_commit",
        "decide.committed",
        "deliver.leased",
        "deliver.before_send",
        "deliver.after_send",
        "deliver.before_finish",
        "deliver.finished",
    ]
    .into_iter()
    .enumerate()
    {
        let service = desk.service.take().unwrap();
        off_thread(move || service.kill()).await;
        let dying = desk.hub.start_to_die(point);
        bob.says(&format!("from Bob {nth}"));
        alice.says(&format!("from Alice {nth}"));
        off_thread(move || dying.wait()).await;
        desk.service = Some(desk.hub.start());
        desk.hears(7, None, &format!("from Bob {nth}")).await;
        desk.hears(ROOM, Some(topic), &format!("from Alice {nth}")).await;
    }
    let told = desk.hub.telegram.said(8);
    let crossed = |text: &String| text.contains("from Bob") || text.contains("from Alice");
    assert!(!told.iter().any(crossed), "the wrong person was told: {told:?}");
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn duty_lead_is_written_to_in_private() {
    let mut desk = Desk::open().await;
    let lead = desk.enrols(42, "Bob", &["--lead"]).await;
    let alice = desk.hub.telegram.user(7, "Alice");
    alice.says("I have taken 40 paracetamol just now, I want to die");
    desk.hears(7, None, "999").await;
    desk.hears(ROOM, None, "Route").await;
    let page = tokio::time::timeout(Duration::from_secs(60), desk.hears(42, None, "CSE-")).await.unwrap();
    assert_eq!(lead.id(), page.chat);
    desk.stop().await;
}
