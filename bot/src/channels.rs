//! The channels of this process. A new one is an arm here and a folder in `adapters`.

use std::{sync::Arc, time::Duration};

use chatbox_core::{
    channel::{Batch, Channel, Delivery, Post, ReceiveError},
    ids::{ChannelKind, Lane, OutboxId},
};
use chatbox_telegram::{Telegram, TopicError};
use chatbox_terminal::Screen;

/// One way in and out.
#[derive(Clone)]
pub enum AnyChannel {
    Telegram(Arc<Telegram>),
    Terminal(Arc<Screen>),
}

impl AnyChannel {
    /// Opens a thread at the desk for a case.
    pub async fn open_thread(&self, room: i64, title: &str, within: Duration) -> Result<Lane, TopicError> {
        match self {
            Self::Telegram(telegram) => telegram.create_topic(room, title, within).await,
            Self::Terminal(_) => Err(TopicError::Refused { code: 0 }),
        }
    }
}

impl Channel for AnyChannel {
    fn kind(&self) -> ChannelKind {
        match self {
            Self::Telegram(telegram) => telegram.kind(),
            Self::Terminal(screen) => screen.kind(),
        }
    }

    async fn receive(&self, committed: Option<&str>) -> Result<Batch, ReceiveError> {
        match self {
            Self::Telegram(telegram) => telegram.receive(committed).await,
            Self::Terminal(screen) => screen.receive(committed).await,
        }
    }

    async fn send(&self, to: &Lane, post: &Post, id: OutboxId, within: Duration) -> Delivery {
        match self {
            Self::Telegram(telegram) => telegram.send(to, post, id, within).await,
            Self::Terminal(screen) => screen.send(to, post, id, within).await,
        }
    }

    async fn typing(&self, to: &Lane) {
        match self {
            Self::Telegram(telegram) => telegram.typing(to).await,
            Self::Terminal(screen) => screen.typing(to).await,
        }
    }

    async fn retire(&self, to: &Lane, native: &str) {
        match self {
            Self::Telegram(telegram) => telegram.retire(to, native).await,
            Self::Terminal(screen) => screen.retire(to, native).await,
        }
    }

    async fn clear(&self, to: &Lane, natives: &[String]) -> usize {
        match self {
            Self::Telegram(telegram) => telegram.clear(to, natives).await,
            Self::Terminal(screen) => screen.clear(to, natives).await,
        }
    }
}
