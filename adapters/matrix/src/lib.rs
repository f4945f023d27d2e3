//! Matrix as a channel: end-to-end encrypted private rooms, and the desk's room.
//!
//! A person's lane is a room (`matrix:!room:server`), a case's is a thread of the desk's room
//! (`matrix:!desk:server/$first-message`). A room that was upgraded keeps the lane of the first one.
//! Events are deduplicated by event id. The cursor is a JSON object: the sync token, and the events that
//! wait for their key.
//!
//! Where to look: [`Matrix::connect`] logs in (`connect`, `folder`); `receive` runs the syncs and
//! keeps the place, `take` goes through what one brings, `event` parses it and `read` says what it
//! means; `rooms` decides where the bot talks; `send` and `courtesy` carry things out.
//!
//! No error, `Debug` output or log line of ours holds a token, a key or a text. The SDK's own log quotes
//! events that it cannot read, and what a homeserver says of a request: nobody may write down its words.

mod account;
mod call;
mod connect;
mod content;
mod courtesy;
mod cursor;
mod event;
mod folder;
mod gap;
mod media;
mod read;
mod receive;
mod rooms;
mod send;
mod take;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use chatbox_core::{
    channel::{Attempt, Batch, Channel, Delivery, FetchError, Mark, Post, ReceiveError, ThreadError},
    ids::{ChannelKind, Lane, OutboxId},
    input::FileRef,
};
use jiff::Timestamp;
use secrecy::SecretString;

pub use crate::connect::ConnectError;
use crate::{account::Account, receive::Receiver, rooms::Company};

/// The time now: what waits for its key is dated by it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// All that the bot needs to be on Matrix.
#[derive(Clone)]
pub struct Config {
    /// The address of the homeserver: `https://matrix.example.org`.
    pub homeserver: String,
    /// The bot's account: `@bot:example.org`, or the part before the colon.
    pub user: String,
    pub password: SecretString,
    /// Holds the session and the keys. Belongs to one process and one account.
    pub state_dir: PathBuf,
    /// Seals what stands in `state_dir`.
    pub store_key: [u8; 32],
    /// Servers whose people may invite the bot. Empty: its own server only.
    pub allowed_servers: Vec<String>,
    /// The desk's room, by id (`!…`) or alias (`#…`).
    pub desk_room: Option<String>,
    /// The key that opens the key backup, if one was made earlier: see [`Connected::recovery_key`].
    pub recovery_key: Option<SecretString>,
    /// The topic of rooms that the bot opens, and of private rooms that let it set one. Should say
    /// that this is not for emergencies.
    pub room_topic: String,
    /// The bot's name as people see it.
    pub display_name: String,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("homeserver", &self.homeserver)
            .field("user", &self.user)
            .field("state_dir", &self.state_dir)
            .finish_non_exhaustive()
    }
}

/// The bot's account, ready to receive and send.
///
/// Dropping it ends the work in the background soon after; [`Matrix::close`] waits for that.
pub struct Matrix {
    account: Arc<Account>,
    receiver: Receiver,
}

/// What [`Matrix::connect`] gives.
#[derive(Debug)]
pub struct Connected {
    pub matrix: Matrix,
    /// A new key. Seal it in the database before anything else is done: without it nothing that
    /// was said can be read again once `state_dir` is lost.
    pub recovery_key: Option<SecretString>,
}

impl Matrix {
    fn new(account: Arc<Account>) -> Self {
        Self { receiver: Receiver::new(Arc::clone(&account)), account }
    }

    /// The bot's own id.
    pub fn user(&self) -> &str {
        self.account.me.as_str()
    }

    /// The room that [`Config::desk_room`] names.
    pub fn desk_room(&self) -> Option<Lane> {
        self.account.desk.as_deref().map(read::lane)
    }

    /// Who is at the other end of a private room, as the homeserver vouches for it: the id to enrol.
    pub async fn partner(&self, of: &Lane) -> Option<String> {
        let client = self.account.client().await?;
        let room = rooms::newest(&self.account, &client, account::room_of(&client, &of.chat)?);
        match rooms::company(&room).await {
            Ok(Company::One(user)) => Some(user.to_string()),
            Ok(Company::Nobody | Company::More) | Err(_) => None,
        }
    }

    /// Ends what is under way and gives `state_dir` free. What was received and not committed is
    /// received again the next time.
    pub async fn close(self) {
        self.receiver.close().await;
    }
}

impl fmt::Debug for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matrix").field("user", &self.account.me).finish_non_exhaustive()
    }
}

/// Native ids: the event id; of a text that was sent in parts, the ids joined by commas. An edit
/// has the id of what it corrects.
impl Channel for Matrix {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Matrix
    }

    /// Brings what came since `committed`. The same batch is handed out until the call that says
    /// it is committed; a process that read further than what is on disk goes back to there.
    /// Returns also when nothing came but the place has moved, though not for each quiet sync.
    async fn receive(&self, committed: Option<&str>) -> Result<Batch, ReceiveError> {
        self.receiver.receive(committed).await
    }

    /// A long text goes out in parts. Each leaves under a transaction id made of the row and the
    /// time at which it was made, so a repeat within a day gives the same event; a later one, or one
    /// from another login, is first looked for in the room.
    ///
    /// `Moved`: the desk's room was upgraded. `Gone`: the bot or the person is not there. `Bad` 409: a
    /// third person is there. `Bad` 426: the room is not encrypted and does not let the bot change that.
    async fn send(
        &self,
        to: &Lane,
        post: &Post,
        file: Option<&[u8]>,
        attempt: Attempt,
        within: Duration,
    ) -> Delivery {
        send::send(&self.account, to, post, file, attempt, within).await
    }

    async fn typing(&self, to: &Lane) {
        courtesy::typing(&self.account, to).await;
    }

    /// Edits the message so that its list of choices is gone.
    async fn retire(&self, to: &Lane, native: &str) {
        courtesy::retire(&self.account, to, native).await;
    }

    /// Redacts the bot's own messages, and the person's where the room gives the bot that right.
    async fn clear(&self, to: &Lane, natives: &[String]) -> usize {
        courtesy::clear(&self.account, to, natives).await
    }

    async fn amend(
        &self,
        to: &Lane,
        native: &str,
        text: Option<&str>,
        id: OutboxId,
        within: Duration,
    ) -> Delivery {
        send::amend(&self.account, to, native, text, id, within).await
    }

    async fn fetch(&self, file: &FileRef, limit: u64, within: Duration) -> Result<Vec<u8>, FetchError> {
        media::fetch(&self.account, file, limit, within).await
    }

    /// A reaction, ✓ or ✗.
    async fn mark(&self, at: &Lane, native: &str, mark: Mark) {
        courtesy::mark(&self.account, at, native, mark).await;
    }

    /// Posts `title` in the room; the thread hangs on it.
    async fn open_thread(
        &self,
        room: &Lane,
        title: &str,
        id: OutboxId,
        within: Duration,
    ) -> Result<Lane, ThreadError> {
        send::open_thread(&self.account, room, title, id, within).await
    }

    /// The encrypted room that holds the bot and `who` (a Matrix id) and nobody else. A new one
    /// can be written to before they have joined it.
    async fn direct(&self, who: &str, within: Duration) -> Result<Lane, ThreadError> {
        send::direct(&self.account, who, within).await
    }
}
