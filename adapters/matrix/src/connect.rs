//! Logging in, and seeing to it that nothing is lost when the state folder is.

use std::{path::PathBuf, sync::Arc, time::Duration};

use matrix_sdk::{
    Client, ClientBuildError, SqliteStoreConfig,
    authentication::matrix::MatrixSession,
    config::RequestConfig,
    cross_process_lock::CrossProcessLockConfig,
    encryption::{
        BackupDownloadStrategy, CrossSigningResetAuthType, EncryptionSettings,
        recovery::{RecoveryError, RecoveryState},
        secret_storage::SecretStorageError,
    },
    reqwest::Url,
    ruma::{
        OwnedRoomId, OwnedServerName, RoomAliasId, RoomId, UserId,
        api::{
            client::{keys::get_keys, uiaa},
            error::ErrorKind,
        },
    },
    store::RoomLoadSettings,
};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::{
    Clock, Config, Connected, Matrix,
    account::Account,
    call::{Failure, failure_of, http_failure},
    folder::{Folder, Session},
};

/// How long one request may take; a send has its own limit.
const REQUEST: Duration = Duration::from_secs(30);
/// How long setting up the keys at the start may take.
const SETTING_UP: Duration = Duration::from_mins(2);
/// Connections to each of the SDK's databases.
const POOL: usize = 4;
/// What the bot's device is called in the lists of its account.
const DEVICE: &str = "chatbox";

/// Why the bot cannot start.
#[derive(Debug, Error)]
pub enum ConnectError {
    #[error("matrix.homeserver must be an http or https address, such as https://matrix.example.org")]
    Homeserver,
    #[error("matrix.user must be the name of the bot's account, such as @bot:example.org")]
    User,
    #[error("matrix.allowed_servers must be names of servers, such as example.org")]
    AllowedServers,
    #[error("desk.room must be the id or the alias of a room, such as !abc:example.org or #desk:example.org")]
    DeskRoom,
    #[error(
        "the homeserver does not accept matrix.user with matrix.password: check both, or set a new password"
    )]
    WrongPassword,
    #[error("the homeserver cannot be reached at {0}")]
    Unreachable(String),
    #[error("the homeserver asks to wait before the next login")]
    Busy,
    #[error("{what} could not be made ready just now")]
    Unready { what: &'static str },
    #[error("what answers at {0} is not a Matrix homeserver: check matrix.homeserver")]
    NotMatrix(String),
    #[error(
        "the homeserver does not support end-to-end encryption, without which the bot does not talk: use another one"
    )]
    NoEncryption,
    #[error("the homeserver refuses {what} (code {code})")]
    Refused { what: &'static str, code: u16 },
    #[error(
        "another process uses matrix.state_dir {0}: stop it, or give this one a folder and an account of its own"
    )]
    Locked(PathBuf),
    #[error(
        "matrix.state_dir {dir} belongs to the account {found}, not to matrix.user: use another folder for another account"
    )]
    OtherAccount { dir: PathBuf, found: String },
    #[error(
        "matrix.state_dir {0} cannot be opened: put the key file back with which it was made, or move the folder away to log in anew"
    )]
    Damaged(PathBuf),
    #[error("matrix.state_dir {0} cannot be used: {1}")]
    Folder(PathBuf, std::io::Error),
}

impl ConnectError {
    /// Whether the same call may succeed later. Otherwise the configuration has to change.
    pub fn can_help_to_retry(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Busy | Self::Unready { .. } => true,
            Self::Homeserver
            | Self::User
            | Self::AllowedServers
            | Self::DeskRoom
            | Self::WrongPassword
            | Self::NotMatrix(_)
            | Self::NoEncryption
            | Self::Refused { .. }
            | Self::Locked(_)
            | Self::OtherAccount { .. }
            | Self::Damaged(_)
            | Self::Folder(..) => false,
        }
    }
}

/// Where the homeserver is, and what may be shown of that.
#[derive(Clone)]
pub(crate) struct Server {
    url: Url,
    pub(crate) shown: String,
}

impl Server {
    fn parse(text: &str) -> Result<Self, ConnectError> {
        let url = Url::parse(text.trim_end_matches('/')).map_err(|_| ConnectError::Homeserver)?;
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() {
            return Err(ConnectError::Homeserver);
        }
        let shown = url.origin().ascii_serialization();
        Ok(Self { url, shown })
    }

    /// The sentence for a call that failed at the start.
    fn sentence(&self, what: &'static str, failure: &Failure) -> ConnectError {
        tracing::debug!(matrix.call = what, matrix.failure = failure.name(), "the start failed");
        match *failure {
            Failure::Connect | Failure::Unknown => ConnectError::Unreachable(self.shown.clone()),
            Failure::Local => ConnectError::Unready { what },
            Failure::RetryAfter(_) => ConnectError::Busy,
            Failure::Unreadable => ConnectError::NotMatrix(self.shown.clone()),
            Failure::Token => ConnectError::Refused { what, code: 401 },
            Failure::Refused { code, .. } => ConnectError::Refused { what, code },
        }
    }
}

/// Opens the stores without asking the homeserver anything.
pub(crate) async fn open(server: &Server, folder: &Folder) -> Result<Client, ConnectError> {
    let stores = SqliteStoreConfig::new(folder.store()).key(Some(folder.key())).pool_max_size(POOL);
    let encryption = EncryptionSettings {
        auto_enable_cross_signing: true,
        auto_enable_backups: true,
        backup_download_strategy: BackupDownloadStrategy::AfterDecryptionFailure,
    };
    Client::builder()
        .homeserver_url(&server.url)
        .sqlite_store_with_config_and_cache_path(stores, None::<PathBuf>)
        .cross_process_store_config(CrossProcessLockConfig::SingleProcess)
        .request_config(RequestConfig::new().disable_retry().timeout(REQUEST))
        .with_encryption_settings(encryption)
        .build()
        .await
        .map_err(|error| match error {
            ClientBuildError::SqliteStore(_) => ConnectError::Damaged(folder.dir().to_owned()),
            ClientBuildError::Http(error) => server.sentence("the first call", &http_failure(&error)),
            ClientBuildError::MissingHomeserver
            | ClientBuildError::InvalidServerName
            | ClientBuildError::AutoDiscovery(_)
            | ClientBuildError::SlidingSyncVersion(_)
            | ClientBuildError::Url(_) => ConnectError::Homeserver,
        })
}

/// Goes on with a login.
pub(crate) async fn restore(client: &Client, session: MatrixSession) -> matrix_sdk::Result<()> {
    client.matrix_auth().restore_session(session, RoomLoadSettings::default()).await
}

impl Matrix {
    /// Goes on with the login that `state_dir` holds, or logs in; sets up cross-signing and the
    /// backup of keys, and opens the backup with [`Config::recovery_key`] where this login does not
    /// have the keys yet.
    ///
    /// A login that the homeserver has ended, or whose store is gone, is replaced by a new one.
    pub async fn connect(config: Config, clock: Clock) -> Result<Connected, ConnectError> {
        let server = Server::parse(&config.homeserver)?;
        let allowed = config
            .allowed_servers
            .iter()
            .map(|name| OwnedServerName::try_from(name.as_str()).map_err(|_| ConnectError::AllowedServers))
            .collect::<Result<_, _>>()?;
        let folder = Folder::open(&config.state_dir, config.store_key)?;
        let (client, session) = enter(&config, &server, &folder, &clock).await?;
        can_encrypt(&client, &server).await?;
        let recovery_key = tokio::time::timeout(SETTING_UP, secure(&client, &config, &server))
            .await
            .map_err(|_| ConnectError::Unreachable(server.shown.clone()))??;
        let desk = match &config.desk_room {
            Some(name) => Some(room_id(&client, &server, name).await?),
            None => None,
        };
        introduce(&client, &config.display_name).await;
        let account = Account::new(config, clock, server, folder, session, allowed, desk, client);
        Ok(Connected { matrix: Matrix::new(Arc::new(account)), recovery_key })
    }
}

/// The client, logged in.
async fn enter(
    config: &Config,
    server: &Server,
    folder: &Folder,
    clock: &Clock,
) -> Result<(Client, Session), ConnectError> {
    if let Some(session) = folder.session()? {
        if !is_of(&session, &config.user) {
            let found = session.matrix.meta.user_id.to_string();
            return Err(ConnectError::OtherAccount { dir: folder.dir().to_owned(), found });
        }
        let client = open(server, folder).await?;
        restore(&client, session.matrix.clone())
            .await
            .map_err(|_| ConnectError::Damaged(folder.dir().to_owned()))?;
        match client.whoami().await.map_err(|error| http_failure(&error)) {
            Ok(_) => return Ok((client, session)),
            Err(Failure::Token) => {
                tracing::warn!("the homeserver has ended the bot's login; logging in anew");
            }
            Err(failure) => return Err(server.sentence("the session", &failure)),
        }
    }
    folder.empty()?;
    let client = open(server, folder).await?;
    log_in(&client, server, config).await?;
    let matrix =
        client.matrix_auth().session().ok_or(ConnectError::Refused { what: "the login", code: 0 })?;
    let session = Session { matrix, since: clock() };
    folder.keep(&session)?;
    Ok((client, session))
}

fn is_of(session: &Session, user: &str) -> bool {
    let id = &session.matrix.meta.user_id;
    id.as_str() == user || id.localpart() == user.trim_start_matches('@')
}

async fn log_in(client: &Client, server: &Server, config: &Config) -> Result<(), ConnectError> {
    if config.user.starts_with('@') && config.user.contains(':') && UserId::parse(&config.user).is_err() {
        return Err(ConnectError::User);
    }
    let login = client
        .matrix_auth()
        .login_username(&config.user, config.password.expose_secret())
        .initial_device_display_name(DEVICE);
    match login.await {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.client_api_error_kind() {
            Some(ErrorKind::Forbidden | ErrorKind::UserDeactivated) => ConnectError::WrongPassword,
            Some(ErrorKind::InvalidUsername) => ConnectError::User,
            Some(_) | None => server.sentence("the login", &failure_of(&error)),
        }),
    }
}

/// A homeserver that hands out no keys cannot carry encrypted talk.
async fn can_encrypt(client: &Client, server: &Server) -> Result<(), ConnectError> {
    let mut request = get_keys::v3::Request::new();
    if let Some(me) = client.user_id() {
        request.device_keys.insert(me.to_owned(), Vec::new());
    }
    match client.send(request).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let failure = http_failure(&error);
            let none = matches!(failure, Failure::Refused { code: 403..=405 | 501, .. });
            Err(if none { ConnectError::NoEncryption } else { server.sentence("the keys", &failure) })
        }
    }
}

/// Sees to it that the keys are backed up, and that the backup can be opened with a key that the
/// caller has. Returns that key if it is new.
async fn secure(
    client: &Client,
    config: &Config,
    server: &Server,
) -> Result<Option<SecretString>, ConnectError> {
    client.encryption().wait_for_e2ee_initialization_tasks().await;
    let recovery = client.encryption().recovery();
    let failed = |error: RecoveryError| match error {
        RecoveryError::Sdk(error) | RecoveryError::SecretStorage(SecretStorageError::Sdk(error)) => {
            server.sentence("the key backup", &failure_of(&error))
        }
        RecoveryError::BackupExistsOnServer | RecoveryError::SecretStorage(_) => {
            ConnectError::Refused { what: "the key backup", code: 0 }
        }
    };
    if let Some(key) = &config.recovery_key {
        match recovery.state() {
            RecoveryState::Enabled => return Ok(None),
            RecoveryState::Incomplete => match recovery.recover_and_fix_backup(key.expose_secret()).await {
                Ok(()) => return Ok(None),
                Err(
                    error
                    @ (RecoveryError::Sdk(_) | RecoveryError::SecretStorage(SecretStorageError::Sdk(_))),
                ) => {
                    return Err(failed(error));
                }
                Err(RecoveryError::BackupExistsOnServer | RecoveryError::SecretStorage(_)) => {
                    tracing::error!("the recovery key does not open the key backup; making a new backup");
                }
            },
            RecoveryState::Disabled | RecoveryState::Unknown => {}
        }
    }
    // From here on nobody has a key that opens the backup.
    let made = match recovery.state() {
        RecoveryState::Unknown => return Err(ConnectError::Unready { what: "the key backup" }),
        RecoveryState::Enabled => recovery.reset_key().await,
        RecoveryState::Disabled if signs(client).await => recovery.enable().await,
        RecoveryState::Disabled | RecoveryState::Incomplete => {
            if let Some(handle) = recovery.reset_identity().await.map_err(failed)? {
                let auth = match handle.auth_type() {
                    CrossSigningResetAuthType::Uiaa(info) => {
                        let user = client.user_id().map(ToString::to_string).unwrap_or_default();
                        let mut password = uiaa::Password::new(
                            uiaa::UserIdentifier::Matrix(uiaa::MatrixUserIdentifier::new(user)),
                            config.password.expose_secret().to_owned(),
                        );
                        password.session.clone_from(&info.session);
                        Some(uiaa::AuthData::Password(password))
                    }
                    CrossSigningResetAuthType::OAuth(_) => None,
                };
                handle.reset(auth).await.map_err(failed)?;
            }
            recovery.enable().await
        }
    };
    made.map(|key| Some(key.into())).map_err(failed)
}

/// Whether this login has the keys with which the account vouches for its devices.
async fn signs(client: &Client) -> bool {
    client.encryption().cross_signing_status().await.is_some_and(|status| status.is_complete())
}

async fn room_id(client: &Client, server: &Server, name: &str) -> Result<OwnedRoomId, ConnectError> {
    if let Ok(room) = RoomId::parse(name) {
        return Ok(room);
    }
    let alias = RoomAliasId::parse(name).map_err(|_| ConnectError::DeskRoom)?;
    match client.resolve_room_alias(&alias).await {
        Ok(found) => Ok(found.room_id),
        Err(error) => {
            let failure = http_failure(&error);
            let none = matches!(failure, Failure::Refused { code: 404, .. });
            let what = "the alias of the desk's room";
            Err(if none { ConnectError::DeskRoom } else { server.sentence(what, &failure) })
        }
    }
}

/// Sets the bot's name where it differs. A failure changes nothing that matters.
async fn introduce(client: &Client, name: &str) {
    let account = client.account();
    let current: Result<_, matrix_sdk::Error> = account.get_display_name().await;
    if !matches!(current, Ok(Some(current)) if current == name)
        && let Err(error) = account.set_display_name(Some(name)).await
    {
        tracing::warn!(matrix.failure = failure_of(&error).name(), "the bot's name could not be set");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_by_itself_is_tried_again() {
        let server = Server::parse("https://matrix.example.org/").unwrap();
        let retry = |failure| server.sentence("the login", &failure).can_help_to_retry();
        assert!(retry(Failure::Connect));
        assert!(retry(Failure::Unknown));
        assert!(retry(Failure::RetryAfter(Duration::from_secs(1))));
        assert!(!retry(Failure::Unreadable));
        assert!(!retry(Failure::Refused { code: 403, gone: true }));
    }

    #[test]
    fn addresses_that_cannot_be_are_refused() {
        for bad in ["", "matrix.example.org", "ftp://example.org", "https://example.org/?token=1"] {
            assert!(matches!(Server::parse(bad), Err(ConnectError::Homeserver)), "{bad}");
        }
    }
}
