//! The bot's account: its client, which can be opened anew, and what all parts need to know.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use matrix_sdk::{
    Client, Room,
    ruma::{OwnedEventId, OwnedRoomId, OwnedServerName, OwnedUserId, RoomId, UserId},
    store::{StateStoreDataKey, StateStoreDataValue},
};
use tokio::{
    sync::{RwLock, RwLockReadGuard},
    task::JoinSet,
    time::timeout,
};

use crate::{
    Clock, Config, ConnectError,
    connect::{Server, open, restore},
    folder::{Folder, Session},
};

/// Waits grow from one second to this.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// Rooms in which a receipt is due, at most.
const MAX_UNSEEN: usize = 10_000;
/// Things done at once that nobody waits for. More are left undone: none of them must be done.
const MAX_BACKGROUND: usize = 1_000;
/// After so many failures in a row to take in a sync it is taken in without what an event relates
/// to: one event must not keep everybody's messages back.
const STUCK: u32 = 3;
/// How long the work may take that a client began when it was opened.
const LAST_SETUP: Duration = Duration::from_secs(5);
/// How long the last keys may take into the backup when the bot stops.
const LAST_BACKUP: Duration = Duration::from_secs(2);

pub(crate) struct Account {
    server: Server,
    folder: Folder,
    session: Session,
    pub(crate) me: OwnedUserId,
    pub(crate) allowed: Vec<OwnedServerName>,
    pub(crate) desk: Option<OwnedRoomId>,
    pub(crate) topic: String,
    pub(crate) clock: Clock,
    /// None while it is opened anew.
    client: RwLock<Option<Client>>,
    /// The rooms are known: a sync has ended well in this process.
    synced: AtomicBool,
    failures: AtomicU32,
    /// Syncs in a row that were answered and could not be taken in.
    stuck: AtomicU32,
    /// The newest event of each room for which no receipt was sent.
    unseen: Mutex<BTreeMap<OwnedRoomId, OwnedEventId>>,
    /// [`crate::cursor::Cursor::returns`], as far as this process has read.
    returns: Mutex<BTreeMap<OwnedRoomId, OwnedRoomId>>,
    background: Mutex<JoinSet<()>>,
}

impl Account {
    #[expect(clippy::too_many_arguments, reason = "the one place where the parts come together")]
    pub(crate) fn new(
        config: Config,
        clock: Clock,
        server: Server,
        folder: Folder,
        session: Session,
        mut allowed: Vec<OwnedServerName>,
        desk: Option<OwnedRoomId>,
        client: Client,
    ) -> Self {
        let me = session.matrix.meta.user_id.clone();
        if allowed.is_empty() {
            allowed.push(me.server_name().to_owned());
        }
        Self {
            server,
            folder,
            session,
            me,
            allowed,
            desk,
            topic: config.room_topic,
            clock,
            client: RwLock::new(Some(client)),
            synced: AtomicBool::new(false),
            failures: AtomicU32::new(0),
            stuck: AtomicU32::new(0),
            unseen: Mutex::default(),
            returns: Mutex::default(),
            background: Mutex::default(),
        }
    }

    /// The client, held open for as long as the guard lives. None while it is opened anew.
    pub(crate) async fn client(&self) -> Option<RwLockReadGuard<'_, Client>> {
        RwLockReadGuard::try_map(self.client.read().await, Option::as_ref).ok()
    }

    /// Opens the stores anew, with `token` as the place from which the next sync goes on: what the
    /// SDK has read after it may not be on disk with us. Waits for sends that are under way.
    ///
    /// Returns whether the store has seen no sync yet. Then the place is not set, because the
    /// first sync of a store must bring all rooms.
    pub(crate) async fn reopen(&self, token: Option<&str>) -> Result<bool, ConnectError> {
        let mut place = self.client.write().await;
        // Two clients on one store would spoil its keys.
        if let Some(old) = place.take() {
            let ended = timeout(LAST_SETUP, old.encryption().wait_for_e2ee_initialization_tasks()).await;
            tracing::trace!(matrix.ended = ended.is_ok(), "the client is opened anew");
        }
        let client = open(&self.server, &self.folder).await?;
        let damaged = || ConnectError::Damaged(self.folder.dir().to_owned());
        let store = client.state_store();
        let known = store.get_kv_data(StateStoreDataKey::SyncToken).await.map_err(|_| damaged())?;
        let fresh = known.is_none();
        match token {
            Some(token) if !fresh => {
                let value = StateStoreDataValue::SyncToken(token.to_owned());
                store.set_kv_data(StateStoreDataKey::SyncToken, value).await
            }
            Some(_) | None => store.remove_kv_data(StateStoreDataKey::SyncToken).await,
        }
        .map_err(|_| damaged())?;
        restore(&client, self.session.matrix.clone()).await.map_err(|_| damaged())?;
        *place = Some(client);
        Ok(fresh)
    }

    /// Whether the homeserver may have forgotten the transaction ids of a text made then: it keeps
    /// them for a day and for one login.
    pub(crate) fn forgotten(&self, made: Timestamp) -> bool {
        const KEPT: jiff::SignedDuration = jiff::SignedDuration::from_hours(20);
        made < self.session.since || (self.clock)() - KEPT > made
    }

    pub(crate) fn may_invite(&self, user: &UserId) -> bool {
        self.allowed.iter().any(|server| server == user.server_name())
    }

    /// A sync has ended well.
    pub(crate) fn arrived(&self) {
        self.synced.store(true, Ordering::Relaxed);
        self.failures.store(0, Ordering::Relaxed);
    }

    pub(crate) fn knows_rooms(&self) -> bool {
        self.synced.load(Ordering::Relaxed)
    }

    /// How long to wait after one more failure in a row.
    pub(crate) fn failed(&self) -> Duration {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed);
        Duration::from_secs(1 << failures.min(6)).min(LONGEST_WAIT)
    }

    /// A sync was answered, and taken in or not.
    pub(crate) fn took(&self, taken: bool) {
        let count = if taken { 0 } else { self.stuck.load(Ordering::Relaxed).saturating_add(1) };
        self.stuck.store(count, Ordering::Relaxed);
    }

    /// The same sync failed so often that what fails has to be done without.
    pub(crate) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed) >= STUCK
    }

    /// The rooms in which somebody came back, with those that they had left.
    pub(crate) fn returns(&self) -> MutexGuard<'_, BTreeMap<OwnedRoomId, OwnedRoomId>> {
        self.returns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn has_read(&self, room: &RoomId, event: OwnedEventId) {
        let mut unseen = self.unseen();
        if unseen.len() < MAX_UNSEEN || unseen.contains_key(room) {
            unseen.insert(room.to_owned(), event);
        }
    }

    /// The event up to which a receipt is due, once.
    pub(crate) fn take_unseen(&self, room: &RoomId) -> Option<OwnedEventId> {
        self.unseen().remove(room)
    }

    /// Does something that nobody waits for.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut background = self.background();
        while background.try_join_next().is_some() {}
        if background.len() < MAX_BACKGROUND {
            background.spawn(task);
        }
    }

    /// Ends what nobody waits for.
    pub(crate) fn abandon(&self) {
        self.background().abort_all();
    }

    /// As [`Account::abandon`], and waits for the end and for the last keys to be backed up.
    pub(crate) async fn close(&self) {
        let mut background = std::mem::take(&mut *self.background());
        background.shutdown().await;
        if let Some(client) = self.client().await {
            let backups = client.encryption().backups();
            if !matches!(timeout(LAST_BACKUP, backups.wait_for_steady_state()).await, Ok(Ok(()))) {
                tracing::debug!("the last keys were not backed up");
            }
        }
    }

    fn background(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.background.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unseen(&self) -> MutexGuard<'_, BTreeMap<OwnedRoomId, OwnedEventId>> {
        self.unseen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The room of a lane, as the local store knows it.
pub(crate) fn room_of(client: &Client, chat: &str) -> Option<Room> {
    client.get_room(&RoomId::parse(chat).ok()?)
}
