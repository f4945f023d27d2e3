//! Matrix: an account, and a folder of keys whose own key the database has.

use std::{str, sync::Arc, time::Duration};

use chatbox_core::channel::NOT_FOR_EMERGENCIES;
use chatbox_matrix::{Config as MatrixConfig, Matrix};
use chatbox_store::{Store, StoreError};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time;

use super::{Connected, NotConnected};
use crate::{
    channels::AnyChannel,
    clock,
    config::{Config, desk::DeskChannel},
};

/// What the recovery key is called in the database.
const RECOVERY_KEY: &str = "matrix recovery key";

/// What the key of the state folder is derived for.
const STATE_KEY: &str = "matrix state folder";

/// Between tries to seal a new recovery key.
const AFTER_FAULT: Duration = Duration::from_secs(1);

pub(super) struct Link {
    config: MatrixConfig,
    store: Store,
}

/// The key that opens the bot's key backup on its homeserver, if one was made.
pub async fn recovery_key(store: &Store) -> Result<Option<SecretString>, StoreError> {
    let sealed = store.secret(RECOVERY_KEY).await?;
    Ok(sealed.and_then(|key| str::from_utf8(&key).ok().map(SecretString::from)))
}

impl Link {
    /// `None`: Matrix is not configured.
    pub(super) fn of(config: &Config, store: &Store) -> Option<Self> {
        let section = &config.matrix;
        let desk_room = match config.desk.channel {
            Some(DeskChannel::Matrix) => config.desk.room.clone(),
            Some(DeskChannel::Telegram) | None => None,
        };
        let config = MatrixConfig {
            homeserver: section.homeserver.clone()?,
            user: section.user.clone()?,
            password: section.password.clone()?,
            state_dir: section.state_dir().to_owned(),
            store_key: *store.derived_key(STATE_KEY),
            allowed_servers: section.allowed_servers.clone(),
            desk_room,
            recovery_key: None,
            room_topic: NOT_FOR_EMERGENCIES.to_owned(),
            display_name: name(&config.hub.name),
        };
        Some(Self { config, store: store.clone() })
    }

    pub(super) async fn connect(&self) -> Result<Connected, NotConnected> {
        let later = |fault: StoreError| NotConnected::Later(fault.to_string());
        let known = recovery_key(&self.store).await.map_err(later)?;
        let config = MatrixConfig { recovery_key: known, ..self.config.clone() };
        let connected = match Matrix::connect(config, Arc::new(clock::now)).await {
            Ok(connected) => connected,
            Err(fault) if fault.can_help_to_retry() => return Err(NotConnected::Later(fault.to_string())),
            Err(fault) => return Err(NotConnected::Never(fault.to_string())),
        };
        if let Some(key) = &connected.recovery_key {
            // Nobody else has it: without it old rooms could not be read after a loss.
            while let Err(fault) = self.store.keep_secret(RECOVERY_KEY, key.expose_secret().as_bytes()).await
            {
                tracing::error!(error = %fault, "the new recovery key could not be sealed; trying again");
                time::sleep(AFTER_FAULT).await;
            }
        }
        let room = connected.matrix.desk_room();
        Ok(Connected { channel: AnyChannel::Matrix(Arc::new(connected.matrix)), room, server: None })
    }
}

/// The hub's name with a capital, as the name of an account.
fn name(hub: &str) -> String {
    let mut letters = hub.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
