//! Matrix as a channel: end-to-end encrypted private rooms, and the desk's room.

mod connect;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use chatbox_core::{
    channel::{Attempt, Batch, Channel, Delivery, FetchError, Mark, Post, ReceiveError, ThreadError},
    ids::{ChannelKind, Lane, OutboxId},
    input::FileRef,
};
use jiff::Timestamp;
use matrix_sdk::ruma::OwnedRoomId;
use secrecy::SecretString;

pub use crate::connect::ConnectError;

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
pub struct Matrix {
    desk: Option<OwnedRoomId>,
}

/// What [`Matrix::connect`] gives.
pub struct Connected {
    pub matrix: Matrix,
    /// A new key. Seal it in the database before anything else is done: without it nothing that
    /// was said can be read again once `state_dir` is lost.
    pub recovery_key: Option<SecretString>,
}

impl Matrix {
    /// The room that [`Config::desk_room`] names, once it is known by id.
    pub fn desk_room(&self) -> Option<Lane> {
        self.desk.as_ref().map(|room| Lane::new(ChannelKind::Matrix, room.as_str()))
    }
}

impl Channel for Matrix {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Matrix
    }

    async fn receive(&self, _committed: Option<&str>) -> Result<Batch, ReceiveError> {
        std::future::pending().await
    }

    async fn send(
        &self,
        _to: &Lane,
        _post: &Post,
        _file: Option<&[u8]>,
        _attempt: Attempt,
        _within: Duration,
    ) -> Delivery {
        Delivery::Unsent
    }

    async fn typing(&self, _to: &Lane) {}

    async fn retire(&self, _to: &Lane, _native: &str) {}

    async fn clear(&self, _to: &Lane, natives: &[String]) -> usize {
        natives.len()
    }

    async fn amend(
        &self,
        _to: &Lane,
        _native: &str,
        _text: Option<&str>,
        _id: OutboxId,
        _within: Duration,
    ) -> Delivery {
        Delivery::Unsent
    }

    async fn fetch(&self, _file: &FileRef, _limit: u64, _within: Duration) -> Result<Vec<u8>, FetchError> {
        Err(FetchError::Later)
    }

    async fn mark(&self, _at: &Lane, _native: &str, _mark: Mark) {}

    async fn open_thread(
        &self,
        _room: &Lane,
        _title: &str,
        _id: OutboxId,
        _within: Duration,
    ) -> Result<Lane, ThreadError> {
        Err(ThreadError::Unsent)
    }

    async fn direct(&self, _who: &str, _within: Duration) -> Result<Lane, ThreadError> {
        Err(ThreadError::Unsent)
    }
}
