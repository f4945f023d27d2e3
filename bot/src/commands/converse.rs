//! `chatbox converse`: conversations over JSON lines, with the service's own decide step and
//! store.

use std::{
    io::{self, BufRead as _, Read as _},
    path::Path,
    time::Duration,
};

use chatbox_core::{
    channel::{Incoming, Post},
    effect::{DeskKind, DeskPost, Record, Say},
    engine::{DeskView, Engine, Member},
    ids::{ChannelKind, Lane, OutboxId, Reference},
    input::{DeskMessage, Input, InputKind, Message},
};
use chatbox_store::{Destination, SendBody, SendEnd, SendJob, SendLimits, Store, StoreConfig, StoreError};
use chatbox_terminal::lines::{BadLine, Line, Out};
use jiff::{SignedDuration, Timestamp};

use super::print_line;
use crate::{
    cli::Converse,
    config::{self, Config},
    loops::{decide, deliver::filled, timers},
    seed,
    setup::{Setup, store_config},
    stop::Stop,
};

/// When a conversation begins unless `--now` says otherwise: a Monday, in hours.
pub const DEFAULT_NOW: &str = "2026-01-05T10:00:00Z";

/// At most this much is read as one line.
const MAX_LINE_BYTES: u64 = 4 * 1024 * 1024;

/// Rounds of due timers while the clock moves once. A timer that sets itself again for the same
/// moment would otherwise never let it arrive.
const MAX_TIMER_ROUNDS: usize = 10_000;

/// Rounds of deciding and sending that one line may lead to.
const MAX_ROUNDS: usize = 1_000;

/// Where the store keeps number and clock of this command.
const CURSOR: &str = "converse";

const LIMITS: SendLimits = SendLimits {
    lanes: 64,
    per_lane: 64,
    lease: Duration::from_mins(1),
    first_lease: Duration::from_mins(1),
    ahead: 0,
};

/// Reads standard input to its end.
pub async fn run(config: Option<&Path>, args: Converse) -> Result<(), Stop> {
    let start = args.now.map_or_else(|| DEFAULT_NOW.parse(), Ok).map_err(anyhow::Error::from)?;
    let mut loaded = config::load(config, std::env::vars_os())?;
    // The clock stands still between lines, so a limit a minute would count them all.
    loaded.config.limits.person_per_minute = 0;
    let setup = Setup::with(loaded, start)?;
    let store = match &args.db {
        None => Store::open(StoreConfig::new("sqlite::memory:").migrate()).await?,
        Some(url) => Store::open_service(store_config(&setup.config, Some(url)).migrate()).await?,
    };
    let mut talk = Talk::begin(setup, store, &args, start).await?;
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    while input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)? > 0 {
        // Whatever one line leads to is written at once, and flushed.
        let out = if line.len() as u64 == MAX_LINE_BYTES && !line.ends_with(b"\n") {
            input.skip_until(b'\n')?;
            vec![error("the line is longer than 4 MiB")]
        } else {
            talk.line(&line).await?
        };
        print_line(&out.join("\n"))?;
        line.clear();
    }
    talk.store.close().await;
    Ok(())
}

/// A run of conversations.
pub struct Talk {
    config: Config,
    engine: Engine,
    store: Store,
    desk: DeskView,
    seed: u64,
    turn: u64,
    now: Timestamp,
}

impl Talk {
    /// Goes on where the store stopped; with an instant given, the clock begins there.
    pub async fn begin(setup: Setup, store: Store, args: &Converse, start: Timestamp) -> Result<Self, Stop> {
        let (turn, stopped) = match store.cursor(CURSOR).await? {
            None => (0, None),
            Some(cursor) => read_cursor(&cursor)
                .ok_or_else(|| Stop::Usage("--db: this database was not written by converse.".into()))?,
        };
        let now = match (args.now, stopped) {
            (Some(now), Some(stopped)) => now.max(stopped),
            (None, Some(stopped)) => stopped,
            (Some(_) | None, None) => start,
        };
        let desk = desk_view(&setup.config, &args.desk);
        let Setup { config, engine, .. } = setup;
        Ok(Self { config, engine, store, desk, seed: args.seed, turn, now })
    }

    /// Plays one line; returns the lines that it leads to.
    pub async fn line(&mut self, line: &[u8]) -> Result<Vec<String>, Stop> {
        let line = match Line::parse(line) {
            Ok(line) => line,
            Err(fault) => return Ok(vec![error(&fault.to_string())]),
        };
        match line {
            Line::Text { from, text } => {
                let message = Message { text, ..Message::default() };
                self.person(&from, InputKind::Message(message)).await
            }
            Line::Press { from, choice } => {
                self.person(&from, InputKind::Press { choice, prompt: None }).await
            }
            Line::Desk { by, case, text } => self.at_desk(by, Reference(case), text).await,
            Line::After(duration) => self.after(duration).await,
        }
    }

    async fn person(&mut self, from: &str, what: InputKind) -> Result<Vec<String>, Stop> {
        let lane = Lane::new(ChannelKind::Terminal, from);
        self.take_in(&lane, what).await?;
        let mut out = self.settle().await?;
        let conversation = self.store.conversation(&lane).await?.unwrap_or_default();
        out.push(Out::turn(self.turn, Some(&conversation)).to_line());
        Ok(out)
    }

    async fn at_desk(&mut self, by: String, case: Reference, text: String) -> Result<Vec<String>, Stop> {
        let Some(lane) = self.store.case_lane(&case).await? else {
            self.turn += 1;
            self.note_place().await?;
            let text = format!("There is no case {case}.");
            let post = DeskPost::new(Some(case), DeskKind::Notice, text);
            return Ok(vec![Out::desk(&post).to_line(), Out::turn(self.turn, None).to_line()]);
        };
        let said = Message { text, ..Message::default() };
        self.take_in(&lane, InputKind::Desk(DeskMessage { by, case: Some(case), said, redacted: false }))
            .await?;
        let mut out = self.settle().await?;
        let conversation = self.store.conversation(&lane).await?.unwrap_or_default();
        out.push(Out::turn(self.turn, Some(&conversation)).to_line());
        Ok(out)
    }

    /// Moves the clock, from one due timer to the next.
    async fn after(&mut self, duration: SignedDuration) -> Result<Vec<String>, Stop> {
        let Ok(end) = self.now.checked_add(duration) else {
            return Ok(vec![error(&BadLine::Duration.to_string())]);
        };
        self.turn += 1;
        let mut seeds = seed::fixed(self.seed, self.turn);
        let mut out = Vec::new();
        for _ in 0..MAX_TIMER_ROUNDS {
            let Some(due) = self.store.next_timer().await?.filter(|due| *due <= end) else { break };
            self.now = self.now.max(due);
            timers::step(&self.store, self.now, &mut seeds).await?;
            out.extend(self.settle().await?);
        }
        self.now = end;
        timers::purge(&self.store, &self.config.retention, self.now).await?;
        self.note_place().await?;
        out.push(Out::turn(self.turn, None).to_line());
        Ok(out)
    }

    /// Puts one input into the inbox.
    async fn take_in(&mut self, lane: &Lane, what: InputKind) -> Result<(), Stop> {
        self.turn += 1;
        let incoming = Incoming {
            lane: lane.clone(),
            key: format!("{CURSOR}-{}", self.turn),
            order: 0,
            native: None,
            input: Input::new(self.now, what),
        };
        let cursor = self.cursor();
        let seeds = seed::fixed(self.seed, self.turn);
        self.store.receive(&[incoming], Some((CURSOR, &cursor)), self.now, seeds).await?;
        Ok(())
    }

    /// Decides and sends until nothing waits. In the order of the effects.
    async fn settle(&mut self) -> Result<Vec<String>, Stop> {
        let mut out = Vec::new();
        for _ in 0..MAX_ROUNDS {
            let mut lines: Vec<(OutboxId, String)> = Vec::new();
            if self.desk.exists {
                self.desk.queue = decide::queue(&self.store).await?;
            }
            let decided = decide::step(&self.store, &self.engine, &self.desk, self.now).await?;
            let idle = decided.is_none();
            for (id, record) in decided.into_iter().flat_map(|outcome| outcome.records) {
                lines.push((id, saved(&record)));
            }
            let sent = self.send(&mut lines).await?;
            lines.sort_by_key(|(id, _)| *id);
            out.extend(lines.into_iter().map(|(_, line)| line));
            if idle && sent == 0 {
                return Ok(out);
            }
        }
        Err(Stop::Failed(anyhow::anyhow!(
            "one line led to more than {MAX_ROUNDS} rounds of work; see the log"
        )))
    }

    /// Hands out everything that can be sent now.
    async fn send(&self, lines: &mut Vec<(OutboxId, String)>) -> Result<usize, StoreError> {
        let mut sent = 0;
        for _ in 0..MAX_ROUNDS {
            let jobs = self.store.claim_sends(self.now, LIMITS).await?;
            if jobs.is_empty() {
                break;
            }
            sent += jobs.len();
            let mut ends = Vec::with_capacity(jobs.len());
            for job in &jobs {
                ends.push((job.id, job.fence, self.finish(job, lines).await?));
            }
            self.store.finish_sends(ends, self.now).await?;
        }
        Ok(sent)
    }

    async fn finish(
        &self,
        job: &SendJob,
        lines: &mut Vec<(OutboxId, String)>,
    ) -> Result<SendEnd, StoreError> {
        if job.stale {
            return Ok(SendEnd::Dropped);
        }
        let line = match &job.body {
            SendBody::Clear { .. } | SendBody::Amend { .. } => return Ok(SendEnd::Refused),
            SendBody::Post(Post::Say(say)) => to(&job.person, say),
            SendBody::Post(Post::Desk(post)) => desk(filled(&self.store, job, post).await?),
        };
        if let Destination::Person(lane) = &job.to
            && lane.channel != ChannelKind::Terminal
        {
            // Somebody else's platform: it goes there, not to standard output.
            return Ok(SendEnd::Refused);
        }
        lines.push((job.id, line));
        Ok(SendEnd::Sent { native: job.id.to_string() })
    }

    fn cursor(&self) -> String {
        format!("{} {}", self.turn, self.now)
    }

    async fn note_place(&self) -> Result<(), StoreError> {
        let cursor = self.cursor();
        self.store.receive(&[], Some((CURSOR, &cursor)), self.now, || 0).await.map(drop)
    }
}

/// A line at the desk. What goes to the duty lead is an alert here.
fn desk(mut post: DeskPost) -> String {
    if post.kind == DeskKind::Page {
        post.kind = DeskKind::Alert;
        post.text = format!("To the duty lead: {}", post.text);
    }
    Out::desk(&post).to_line()
}

fn to(lane: &Lane, say: &Say) -> String {
    let name = match &lane.thread {
        None => lane.chat.clone(),
        // A name with a slash comes back from a database as chat and thread.
        Some(thread) => format!("{}/{thread}", lane.chat),
    };
    Out::to(&name, say).to_line()
}

fn saved(record: &Record) -> String {
    Out::saved(record).to_line()
}

fn error(sentence: &str) -> String {
    Out::Error { error: sentence.to_owned() }.to_line()
}

fn desk_view(config: &Config, names: &[String]) -> DeskView {
    let members = names.iter().map(|name| {
        let duty_lead = config.desk.duty_lead.as_ref() == Some(name);
        (name.clone(), Member { name: name.clone(), organisation: None, duty_lead })
    });
    let lead = config.desk.duty_lead.is_some();
    DeskView { exists: !config.desk.none, members: members.collect(), lead, ..DeskView::default() }
}

/// The number of the last turn, and where the clock stood.
fn read_cursor(cursor: &str) -> Option<(u64, Option<Timestamp>)> {
    let (turn, now) = cursor.split_once(' ')?;
    Some((turn.parse().ok()?, Some(now.parse().ok()?)))
}
