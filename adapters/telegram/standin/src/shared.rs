//! The world behind a lock, and a way to wait for it to change.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use crate::world::World;

/// Cloned freely; every clone is the same world.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Inner>);

struct Inner {
    world: Mutex<World>,
    changed: watch::Sender<()>,
}

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Self(Arc::new(Inner { world: Mutex::new(world), changed: watch::Sender::new(()) }))
    }

    /// Changes the world and wakes everyone who waits for a change.
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        let result = change(&mut self.lock());
        self.0.changed.send_replace(());
        result
    }

    /// Looks at the world without waking anyone.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        look(&self.lock())
    }

    /// Waits until `find` finds something; `None` after `patience`.
    pub(crate) fn wait<R>(
        &self,
        patience: Duration,
        mut find: impl FnMut(&mut World) -> Option<R>,
    ) -> impl Future<Output = Option<R>> {
        let mut changes = self.0.changed.subscribe();
        async move {
            let deadline = tokio::time::Instant::now() + patience;
            loop {
                changes.mark_unchanged();
                let found = find(&mut self.lock());
                if found.is_some() {
                    return found;
                }
                match tokio::time::timeout_at(deadline, changes.changed()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) | Err(_) => return None,
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
