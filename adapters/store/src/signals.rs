//! How loops of this process tell each other that there is something to do.

use std::time::Duration;

use tokio::sync::watch;

/// Wakes a loop that found nothing to do.
pub struct Changes {
    seen: watch::Receiver<()>,
    poll: Option<Duration>,
}

impl Changes {
    /// Returns once something changed since the last return, or, on a database that other
    /// processes share, after a short while. A change between two calls is not missed. May be
    /// dropped at any point.
    pub async fn changed(&mut self) {
        match self.poll {
            // The sender lives as long as the store; afterwards there is nothing to wake for.
            None => {
                if self.seen.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
            Some(poll) => {
                let _ = tokio::time::timeout(poll, self.seen.changed()).await;
            }
        }
    }
}

/// What turns have said.
#[derive(Default, Clone, Copy)]
pub(crate) struct Outgoing {
    /// Something can be sent that is not leased.
    pub(crate) waiting: bool,
    /// Something was leased.
    pub(crate) leased: bool,
}

/// What happened in this process.
#[derive(Default)]
pub(crate) struct Signals {
    pub(crate) inbox: Signal,
    pub(crate) outbox: Signal,
    /// Texts were leased with their turn.
    pub(crate) handed: Signal,
}

pub(crate) struct Signal(watch::Sender<()>);

impl Default for Signal {
    fn default() -> Self {
        Self(watch::Sender::new(()))
    }
}

impl Signal {
    pub(crate) fn fire(&self) {
        self.0.send_replace(());
    }

    /// From now on. `poll`: how long another process may have had something to tell.
    pub(crate) fn changes(&self, poll: Option<Duration>) -> Changes {
        Changes { seen: self.0.subscribe(), poll }
    }
}
