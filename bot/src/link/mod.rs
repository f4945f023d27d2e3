//! The ways to the platforms: what each needs to be connected, and how that is done. Each is tried
//! by itself, so that one platform's outage never stops the other.

#[cfg(feature = "matrix")]
mod matrix;
#[cfg(feature = "telegram")]
mod telegram;

use std::{future::Future, time::Duration};

use axum::Router;
use chatbox_core::ids::{ChannelKind, Lane};
use chatbox_store::Store;
use tokio::{net::TcpListener, time};

#[cfg(feature = "matrix")]
pub use self::matrix::recovery_key;
use crate::{channels::AnyChannel, config::Config, stop::Stop};

/// Waits between tries to reach a platform grow from the first to the last.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A platform that is configured, and not connected yet.
pub struct Link {
    pub kind: ChannelKind,
    how: How,
}

enum How {
    #[cfg(feature = "telegram")]
    Telegram(Box<telegram::Link>),
    #[cfg(feature = "matrix")]
    Matrix(Box<matrix::Link>),
}

/// A platform that is connected.
pub struct Connected {
    pub channel: AnyChannel,
    /// The desk's room, where this platform has it.
    pub room: Option<Lane>,
    /// What is to be served for the platform to reach us.
    pub server: Option<(TcpListener, Router)>,
}

/// Why a platform was not connected, in one sentence.
pub enum NotConnected {
    /// It may answer later.
    Later(String),
    /// The configuration has to change.
    Never(String),
}

/// How [`Link::until_connected`] ended without a connection.
pub enum GivenUp {
    /// It was time to stop.
    Stopped,
    Never {
        /// The platform had not been tried before: nothing has worked yet with this configuration.
        at_first: bool,
        sentence: String,
    },
}

/// Every platform that is configured. Addresses to listen on are taken already.
#[cfg_attr(
    not(any(feature = "telegram", feature = "matrix")),
    expect(
        unused_mut,
        unused_variables,
        reason = "a build without platforms, for the terminal, has none to list"
    )
)]
pub async fn all(config: &Config, store: &Store) -> Result<Vec<Link>, Stop> {
    let mut links = Vec::new();
    #[cfg(feature = "telegram")]
    if let Some(link) = telegram::Link::of(config, store).await? {
        links.push(Link { kind: ChannelKind::Telegram, how: How::Telegram(Box::new(link)) });
    }
    #[cfg(feature = "matrix")]
    if let Some(link) = matrix::Link::of(config, store) {
        links.push(Link { kind: ChannelKind::Matrix, how: How::Matrix(Box::new(link)) });
    }
    if links.is_empty() {
        return Err(Stop::Usage(
            "no channel is configured: set telegram.token or matrix.homeserver, or use `chatbox chat`."
                .into(),
        ));
    }
    Ok(links)
}

impl Link {
    /// Connects, however long that takes.
    pub async fn until_connected(mut self, stop: impl Future<Output = ()>) -> Result<Connected, GivenUp> {
        let mut wait = FIRST_WAIT;
        let mut at_first = true;
        tokio::pin!(stop);
        loop {
            let connected = tokio::select! {
                () = &mut stop => return Err(GivenUp::Stopped),
                connected = self.connect() => connected,
            };
            match connected {
                Ok(connected) => return Ok(connected),
                Err(NotConnected::Never(sentence)) => return Err(GivenUp::Never { at_first, sentence }),
                Err(NotConnected::Later(sentence)) => {
                    tracing::warn!(
                        channel = self.kind.as_str(),
                        connect.wait_s = wait.as_secs(),
                        "{sentence}; trying again"
                    );
                }
            }
            at_first = false;
            tokio::select! {
                () = &mut stop => return Err(GivenUp::Stopped),
                () = time::sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
            }
        }
    }

    async fn connect(&mut self) -> Result<Connected, NotConnected> {
        match self.how {
            #[cfg(feature = "telegram")]
            How::Telegram(ref mut link) => link.connect().await,
            #[cfg(feature = "matrix")]
            How::Matrix(ref link) => link.connect().await,
        }
    }
}
