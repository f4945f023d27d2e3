//! The channels of this process. A new one is an arm here and in [`crate::link`], and a folder in
//! `adapters`.

use std::{sync::Arc, time::Duration};

use chatbox_core::{
    channel::{Attempt, Batch, Channel, Delivery, FetchError, Mark, Post, ReceiveError, ThreadError},
    ids::{ChannelKind, Lane, OutboxId},
    input::FileRef,
};
#[cfg(feature = "matrix")]
use chatbox_matrix::Matrix;
#[cfg(feature = "telegram")]
use chatbox_telegram::Telegram;
use chatbox_terminal::Screen;

/// One way in and out.
#[derive(Clone)]
pub enum AnyChannel {
    #[cfg(feature = "telegram")]
    Telegram(Arc<Telegram>),
    #[cfg(feature = "matrix")]
    Matrix(Arc<Matrix>),
    Terminal(Arc<Screen>),
}

/// Asks whichever channel it is.
macro_rules! on {
    ($any:expr, $channel:ident => $call:expr) => {
        match $any {
            #[cfg(feature = "telegram")]
            AnyChannel::Telegram($channel) => $call,
            #[cfg(feature = "matrix")]
            AnyChannel::Matrix($channel) => $call,
            AnyChannel::Terminal($channel) => $call,
        }
    };
}

impl Channel for AnyChannel {
    fn kind(&self) -> ChannelKind {
        on!(self, channel => channel.kind())
    }

    async fn receive(&self, committed: Option<&str>) -> Result<Batch, ReceiveError> {
        on!(self, channel => channel.receive(committed).await)
    }

    async fn send(
        &self,
        to: &Lane,
        post: &Post,
        file: Option<&[u8]>,
        attempt: Attempt,
        within: Duration,
    ) -> Delivery {
        on!(self, channel => channel.send(to, post, file, attempt, within).await)
    }

    async fn typing(&self, to: &Lane) {
        on!(self, channel => channel.typing(to).await);
    }

    async fn retire(&self, to: &Lane, native: &str) {
        on!(self, channel => channel.retire(to, native).await);
    }

    async fn clear(&self, to: &Lane, natives: &[String]) -> usize {
        on!(self, channel => channel.clear(to, natives).await)
    }

    async fn amend(
        &self,
        to: &Lane,
        native: &str,
        text: Option<&str>,
        id: OutboxId,
        within: Duration,
    ) -> Delivery {
        on!(self, channel => channel.amend(to, native, text, id, within).await)
    }

    async fn fetch(&self, file: &FileRef, limit: u64, within: Duration) -> Result<Vec<u8>, FetchError> {
        on!(self, channel => channel.fetch(file, limit, within).await)
    }

    async fn mark(&self, at: &Lane, native: &str, mark: Mark) {
        on!(self, channel => channel.mark(at, native, mark).await);
    }

    async fn open_thread(
        &self,
        room: &Lane,
        title: &str,
        id: OutboxId,
        within: Duration,
    ) -> Result<Lane, ThreadError> {
        on!(self, channel => channel.open_thread(room, title, id, within).await)
    }

    async fn direct(&self, who: &str, within: Duration) -> Result<Lane, ThreadError> {
        on!(self, channel => channel.direct(who, within).await)
    }
}
