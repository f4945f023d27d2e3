//! What every command needs: configuration, engine, database.

use std::path::{Path, PathBuf};

use chatbox_core::engine::Engine;
use chatbox_store::StoreConfig;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    clock,
    config::{self, Config, Loaded},
    content::Origin,
    stop::Stop,
};

/// Configuration and content, read and checked.
pub struct Setup {
    pub config: Config,
    /// The configuration file, if there is one.
    pub path: Option<PathBuf>,
    pub origin: Origin,
    pub engine: Engine,
}

impl Setup {
    /// Reads everything from disk and environment. `today` decides which entries are past their
    /// date.
    pub fn read(config: Option<&Path>, now: Timestamp) -> Result<Self, Stop> {
        Self::with(config::load(config, std::env::vars_os())?, now)
    }

    /// The same from a configuration that was read already.
    pub fn with(loaded: Loaded, now: Timestamp) -> Result<Self, Stop> {
        let origin = Origin::of(&loaded);
        let content = origin.load(clock::uk_day(now))?;
        let Loaded { config, path } = loaded;
        let engine =
            Engine::new(content, config.hub.for_engine(&config.retention, &config.limits, &config.targets));
        Ok(Self { config, path, origin, engine })
    }
}

/// The database that the configuration names, or another one with the same key file. Its schema
/// is not touched: add `migrate()` to have it brought up to date.
pub fn store_config(config: &Config, url: Option<&str>) -> StoreConfig {
    let url = url.map_or_else(|| config.store.url(), SecretString::from);
    let store = StoreConfig::new(url.expose_secret());
    match &config.store.key_file {
        Some(file) => store.key_file(file),
        None => store,
    }
}
