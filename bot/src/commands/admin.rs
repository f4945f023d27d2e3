//! Commands for whoever runs it: `migrate`, `replay`, `backup`, `doctor`.

use std::path::Path;

use chatbox_store::{Store, StoreError};

use super::print_line;
use crate::{
    cli::{Backup, Replay},
    clock,
    config::{self, Config},
    setup::{Setup, store_config},
    stop::Stop,
};

/// Opening with migration does it.
pub async fn migrate(config: Option<&Path>) -> Result<(), Stop> {
    let config = config::load(config, std::env::vars_os())?.config;
    let store = Store::open(store_config(&config, None).migrate()).await?;
    let version = store.schema_version().await?;
    store.close().await;
    print_line(&format!("The database has schema {version}, the newest that this program knows."))
}

pub async fn replay(config: Option<&Path>, args: &Replay) -> Result<(), Stop> {
    let store = open(&config::load(config, std::env::vars_os())?.config).await?;
    let result = match args.number {
        None => list_parked(&store).await,
        Some(number) => match store.replay(number).await {
            Ok(()) => print_line(&format!("Message {number} is in its conversation again.")),
            Err(StoreError::Missing) => {
                Err(Stop::Usage(format!("no message {number} is set aside; see `chatbox replay`.")))
            }
            Err(fault) => Err(fault.into()),
        },
    };
    store.close().await;
    result
}

async fn list_parked(store: &Store) -> Result<(), Stop> {
    let parked = store.parked().await?;
    for one in &parked {
        let received = one.received.strftime("%F %H:%M UTC");
        print_line(&format!("{}  received {received}, tried {} times", one.seq, one.tries))?;
    }
    if parked.is_empty() {
        print_line("Nothing is set aside.")?;
    }
    Ok(())
}

pub async fn backup(config: Option<&Path>, args: &Backup) -> Result<(), Stop> {
    if args.file.exists() {
        return Err(Stop::Usage(format!("{} exists already: name a new file.", args.file.display())));
    }
    let store = open(&config::load(config, std::env::vars_os())?.config).await?;
    store.backup(&args.file).await?;
    store.close().await;
    print_line(&format!("{} is written. The key file is not in it.", args.file.display()))
}

pub async fn doctor(config: Option<&Path>) -> Result<(), Stop> {
    let now = clock::now();
    let setup = Setup::read(config, now)?;
    let shown =
        setup.path.as_ref().map_or_else(|| "built-in defaults".into(), |path| path.display().to_string());
    print_line(&format!("configuration: {shown}"))?;
    for warning in setup.config.warnings() {
        print_line(&format!("  warning: {warning}"))?;
    }
    let content = setup.engine.content();
    print_line(&format!(
        "content: {}, {} warnings, content {}",
        setup.origin,
        content.warnings.len(),
        content.hash
    ))?;
    let store = open(&setup.config).await?;
    let stats = store.stats(now).await?;
    print_line(&format!("database: schema {}", store.schema_version().await?))?;
    print_line(&format!(
        "queues: {} messages to decide, {} to send, {} set aside, {} people waiting for a practitioner",
        stats.inbox_waiting, stats.outbox_waiting, stats.parked, stats.waiting
    ))?;
    store.close().await;
    Ok(())
}

/// What is known of the account on Matrix; with `recovery` its recovery key alone.
#[cfg(feature = "matrix")]
pub async fn doctor_matrix(config: Option<&Path>, recovery: bool) -> Result<(), Stop> {
    use secrecy::ExposeSecret as _;

    let config = config::load(config, std::env::vars_os())?.config;
    let store = open(&config).await?;
    let key = crate::link::recovery_key(&store).await?;
    let place = store.cursor(chatbox_core::ids::ChannelKind::Matrix.as_str()).await?;
    store.close().await;
    match (recovery, key) {
        (true, Some(key)) => print_line(key.expose_secret()),
        (true, None) => Err(Stop::Failed(anyhow::Error::msg(
            "there is no recovery key yet: the service makes one when it first connects to Matrix.",
        ))),
        (false, key) => {
            let account = match (&config.matrix.user, &config.matrix.homeserver) {
                (Some(user), Some(homeserver)) => format!("{user} on {homeserver}"),
                (_, None) | (None, _) => "none, matrix.homeserver is not set".to_owned(),
            };
            print_line(&format!("account: {account}"))?;
            print_line(&format!("state folder: {}", config.matrix.state_dir().display()))?;
            let known = if key.is_some() { "kept in the database" } else { "not made yet" };
            print_line(&format!("recovery key: {known}"))?;
            let received = if place.is_some() { "yes" } else { "not yet" };
            print_line(&format!("connected before: {received}"))
        }
    }
}

#[cfg(not(feature = "matrix"))]
#[expect(clippy::unused_async, reason = "the build with Matrix waits here")]
pub async fn doctor_matrix(_: Option<&Path>, _: bool) -> Result<(), Stop> {
    Err(Stop::Usage("this build has no Matrix.".into()))
}

async fn open(config: &Config) -> Result<Store, Stop> {
    Ok(Store::open(store_config(config, None)).await?)
}
