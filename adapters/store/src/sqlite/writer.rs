//! The thread that owns the writing connection. Whatever waits for it shares one transaction, and
//! so one sync of the disk (group commit).
//!
//! A claim that finds nothing may wait here until it does: then it shares the transaction of what is
//! received, and nobody has to be told to ask again.
//!
//! A thread of its own, because SQLite keeps whoever calls it waiting; and nobody who stops waiting for an
//! answer can leave a transaction half way.

use std::{
    collections::BTreeSet,
    fs::File,
    panic::{self, AssertUnwindSafe},
    process,
    sync::Arc,
    thread,
    time::Duration,
};

use rusqlite::Connection;
use tokio::{
    sync::{mpsc, oneshot},
    time,
};

use super::{Held, Result};
use crate::{
    error::{Fail, StoreError},
    seal::Sealer,
};

/// Requests that may wait for the writer.
const QUEUE: usize = 1024;
/// Requests that share one transaction.
const GROUP: usize = 128;
/// So long a group in which nobody is in a hurry waits for company: each sync of the disk costs as much
/// whether it is for one or for many.
const LINGER: Duration = Duration::from_millis(2);
/// So often a claim that waits for work looks, whatever happens: a command beside the service may have
/// put something back into the inbox.
const LOOK: Duration = Duration::from_secs(1);

/// What a task did within a transaction; a failure undoes the transaction.
pub(super) type Done<T = ()> = std::result::Result<T, Fail>;

/// One write that somebody waits for.
pub(super) trait Task: Send {
    /// Within a group lower ones run first, so that a claim finds what was just received.
    fn order(&self) -> u8;

    /// Writes. May run twice: after a group fails each of its tasks runs in a transaction of its
    /// own, with [`Group::alone`].
    fn run(&mut self, db: &Connection, group: &mut Group) -> Done;

    /// Nobody is kept waiting if it runs [`LINGER`] later.
    fn can_linger(&self) -> bool {
        false
    }

    /// Ran and found nothing to do, and whoever asked waits until there is something: it runs again with
    /// the groups to come, and is not answered yet.
    fn still_waits(&self) -> bool {
        false
    }

    /// Nobody waits for the answer of a task that [`Task::still_waits`] any more.
    fn is_forgotten(&self) -> bool {
        false
    }

    /// After the commit, or after the failure that undid it.
    fn answer(self: Box<Self>, outcome: Result<()>);
}

/// What the tasks of one transaction share.
pub(super) struct Group {
    pub(super) sealer: Arc<Sealer>,
    pub(super) held: Arc<Held>,
    /// Lanes that an earlier task of this group claims.
    pub(super) taken: BTreeSet<String>,
    /// Lanes that an earlier task of this group commits, and so gives back.
    pub(super) freed: BTreeSet<String>,
    pub(super) alone: bool,
    /// Something was erased: old pages must leave the write-ahead log.
    pub(super) erased: bool,
}

#[derive(Clone)]
pub(super) struct Handle(mpsc::Sender<Message>);

enum Message {
    Task(Box<dyn Task>),
    /// Into one transaction, whatever else waits.
    Both([Box<dyn Task>; 2]),
    Close(oneshot::Sender<()>),
}

impl Handle {
    pub(super) async fn ask<T, K: Task + 'static>(
        &self,
        task: impl FnOnce(oneshot::Sender<Result<T>>) -> K,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Message::Task(Box::new(task(reply)))).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Asks for two things at once: they share a transaction. Where that fails each is tried on
    /// its own.
    pub(super) async fn ask_both<T, U, K: Task + 'static, L: Task + 'static>(
        &self,
        one: impl FnOnce(oneshot::Sender<Result<T>>) -> K,
        other: impl FnOnce(oneshot::Sender<Result<U>>) -> L,
    ) -> Result<(Result<T>, Result<U>)> {
        let (reply, answer) = oneshot::channel();
        let (other_reply, other_answer) = oneshot::channel();
        let both: [Box<dyn Task>; 2] = [Box::new(one(reply)), Box::new(other(other_reply))];
        self.0.send(Message::Both(both)).await.map_err(|_| StoreError::Closed)?;
        let first = answer.await.map_err(|_| StoreError::Closed)?;
        Ok((first, other_answer.await.map_err(|_| StoreError::Closed)?))
    }

    pub(super) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.0.send(Message::Close(reply)).await.is_ok() {
            let _ = closed.await;
        }
    }
}

/// What was asked for and is not done yet.
#[derive(Default)]
struct Requested {
    tasks: Vec<Box<dyn Task>>,
    closing: Option<oneshot::Sender<()>>,
}

impl Requested {
    fn add(&mut self, messages: impl Iterator<Item = Message>) {
        for message in messages {
            match message {
                Message::Task(task) => self.tasks.push(task),
                Message::Both(both) => self.tasks.extend(both),
                Message::Close(reply) => self.closing = Some(reply),
            }
        }
    }
}

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) sealer: Arc<Sealer>,
    pub(super) held: Arc<Held>,
    /// Proves that this is the only service process, for as long as it is open.
    pub(super) lock: Option<File>,
    /// Whether there is a write-ahead log to clean after an erasure.
    pub(super) wal: bool,
}

impl Writer {
    /// Ends when every handle is gone, or on [`Handle::close`]. It needs the timers of the runtime that it
    /// was started in.
    pub(super) fn start(self) -> Handle {
        let (send, receive) = mpsc::channel(QUEUE);
        let runtime = tokio::runtime::Handle::current();
        thread::spawn(move || {
            let served = panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.serve(receive))));
            if served.is_err() {
                // The lock went with the writer: another service may start, and must not find this one at work.
                process::abort();
            }
        });
        Handle(send)
    }

    async fn serve(self, mut requests: mpsc::Receiver<Message>) {
        let mut requested = Requested::default();
        let mut unanswered: Vec<Box<dyn Task>> = Vec::new();
        let mut erased = false;
        while requested.closing.is_none()
            && self.next(&mut requests, &mut requested, !unanswered.is_empty()).await
        {
            let mut tasks = std::mem::take(&mut requested.tasks);
            tasks.extend(unanswered.drain(..).filter(|task| !task.is_forgotten()));
            if !tasks.is_empty() {
                erased |= self.group(tasks, &mut unanswered);
            }
            if erased && self.wal {
                erased = !self.clean();
            }
        }
        drop(requests);
        // Nothing is lost if this fails: the log is read again at the next start.
        let _ = self.connection.close();
        drop(self.lock);
        if let Some(reply) = requested.closing {
            let _ = reply.send(());
        }
    }

    /// Waits for what is to be done together; with `unanswered` also for what may end that. False once
    /// every handle is gone.
    async fn next(
        &self,
        requests: &mut mpsc::Receiver<Message>,
        requested: &mut Requested,
        unanswered: bool,
    ) -> bool {
        let mut messages = Vec::with_capacity(GROUP);
        let got = tokio::select! {
            biased;
            got = requests.recv_many(&mut messages, GROUP) => got,
            () = self.held.given_back.notified(), if unanswered => return true,
            () = time::sleep(LOOK), if unanswered => return true,
        };
        requested.add(messages.drain(..));
        if requested.closing.is_none() && requested.tasks.iter().all(|task| task.can_linger()) {
            let company = requests.recv_many(&mut messages, GROUP - got);
            // Nobody came: then without.
            let _ = time::timeout(LINGER, company).await;
            requested.add(messages.drain(..));
        }
        got > 0
    }

    /// Returns whether something was erased. Tasks that found nothing and wait for it go to `unanswered`.
    fn group(&self, mut tasks: Vec<Box<dyn Task>>, unanswered: &mut Vec<Box<dyn Task>>) -> bool {
        tasks.sort_by_key(|task| task.order());
        if let Ok(erased) = self.together(&mut tasks, false) {
            for task in tasks {
                answer(task, Ok(()), unanswered);
            }
            return erased;
        }
        let mut erased = false;
        for task in tasks {
            let mut alone = [task];
            let outcome = self.together(&mut alone, true);
            erased |= matches!(outcome, Ok(true));
            let [task] = alone;
            answer(task, outcome.map(|_| ()), unanswered);
        }
        erased
    }

    fn together(&self, tasks: &mut [Box<dyn Task>], alone: bool) -> Result<bool> {
        let mut group = Group {
            sealer: Arc::clone(&self.sealer),
            held: Arc::clone(&self.held),
            taken: BTreeSet::new(),
            freed: BTreeSet::new(),
            alone,
            erased: false,
        };
        let mut run = || {
            self.execute("BEGIN IMMEDIATE")?;
            tasks.iter_mut().try_for_each(|task| task.run(&self.connection, &mut group))?;
            self.execute("COMMIT")
        };
        if let Err(fail) = run() {
            // Fails where nothing had begun, and where SQLite has rolled back already, as it does on a full or
            // failing disk. Both are as good.
            let _ = self.execute("ROLLBACK");
            return Err(fail.into_error());
        }
        Ok(group.erased)
    }

    fn execute(&self, sql: &str) -> Done {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Empties the write-ahead log. False while a reader holds on to it.
    fn clean(&self) -> bool {
        let busy = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        busy == Ok(0)
    }
}

fn answer(task: Box<dyn Task>, outcome: Result<()>, unanswered: &mut Vec<Box<dyn Task>>) {
    if outcome.is_ok() && task.still_waits() {
        unanswered.push(task);
    } else {
        task.answer(outcome);
    }
}
