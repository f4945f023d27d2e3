//! Logging in, and the state folder.

use std::path::PathBuf;

use thiserror::Error;

use crate::{Clock, Config, Connected, Matrix};

/// Why the bot cannot start.
#[derive(Debug, Error)]
pub enum ConnectError {
    #[error("matrix.homeserver must be an http or https address, such as https://matrix.example.org")]
    Homeserver,
    #[error("matrix.user must be the name of the bot's account, such as @bot:example.org")]
    User,
    #[error(
        "the homeserver does not accept matrix.user with matrix.password: check both, or set a new password"
    )]
    WrongPassword,
    #[error("the homeserver cannot be reached at {0}")]
    Unreachable(String),
    #[error("the homeserver asks to wait before the next login")]
    Busy,
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
        "matrix.state_dir {0} cannot be opened with this store's key file: put the right key file back, or move the folder away to log in anew"
    )]
    Damaged(PathBuf),
    #[error("matrix.state_dir {0} cannot be used: {1}")]
    Folder(PathBuf, std::io::Error),
}

impl ConnectError {
    /// Whether the same call may succeed later. Otherwise the configuration has to change.
    pub fn can_help_to_retry(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Busy => true,
            Self::Homeserver
            | Self::User
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

impl Matrix {
    /// Logs in, or goes on with the session in `state_dir`.
    #[expect(clippy::unused_async, reason = "the login follows")]
    pub async fn connect(config: Config, _clock: Clock) -> Result<Connected, ConnectError> {
        Err(ConnectError::Unreachable(config.homeserver))
    }
}
