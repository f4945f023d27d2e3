//! The state folder: a lock, the sealed session, and the SDK's stores.
//!
//! ```text
//! state_dir/          700
//!   lock              held for as long as the process uses the account
//!   session           who we are logged in as, sealed
//!   store/            keys and room state, sealed by the SDK with the same key
//! ```

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use jiff::Timestamp;
use matrix_sdk::authentication::matrix::MatrixSession;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::ConnectError;

/// What the seal of the session is for; a change of its format changes this.
const SEALED_FOR: &[u8] = b"chatbox matrix session 1";
const NONCE: usize = 24;

/// A login that goes on.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    #[serde(flatten)]
    pub(crate) matrix: MatrixSession,
    /// The homeserver forgets the transaction ids of other logins.
    pub(crate) since: Timestamp,
}

/// The folder, locked.
pub(crate) struct Folder {
    dir: PathBuf,
    key: Zeroizing<[u8; 32]>,
    _lock: File,
}

impl Folder {
    /// Makes the folder if need be and takes its lock, which ends with this value.
    pub(crate) fn open(dir: &Path, key: [u8; 32]) -> Result<Self, ConnectError> {
        let key = Zeroizing::new(key);
        let fault = |fault| ConnectError::Folder(dir.to_owned(), fault);
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(fault)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(dir.join("lock"))
            .map_err(fault)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { dir: dir.to_owned(), key, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(ConnectError::Locked(dir.to_owned())),
            Err(TryLockError::Error(error)) => Err(fault(error)),
        }
    }

    pub(crate) fn key(&self) -> &[u8; 32] {
        &self.key
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the SDK keeps its databases.
    pub(crate) fn store(&self) -> PathBuf {
        self.dir.join("store")
    }

    /// The session that was saved, if its keys are there too: one without the other is worth
    /// nothing, because a device cannot change its keys.
    pub(crate) fn session(&self) -> Result<Option<Session>, ConnectError> {
        let sealed = match fs::read(self.dir.join("session")) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ConnectError::Folder(self.dir.clone(), error)),
        };
        if !self.store().join("matrix-sdk-crypto.sqlite3").exists() {
            return Ok(None);
        }
        let damaged = || ConnectError::Damaged(self.dir.clone());
        let (nonce, text) = sealed.split_at_checked(NONCE).ok_or_else(damaged)?;
        let opened = self
            .cipher()
            .decrypt(XNonce::from_slice(nonce), Payload { msg: text, aad: SEALED_FOR })
            .map_err(|_| damaged())?;
        serde_json::from_slice(&Zeroizing::new(opened)).map(Some).map_err(|_| damaged())
    }

    /// Saves a login, on disk when this returns.
    pub(crate) fn keep(&self, session: &Session) -> Result<(), ConnectError> {
        let text = Zeroizing::new(serde_json::to_vec(session).unwrap_or_default());
        let mut nonce = [0; NONCE];
        let fault = |fault| ConnectError::Folder(self.dir.clone(), fault);
        getrandom::fill(&mut nonce).map_err(|error| fault(io::Error::other(error)))?;
        let sealed = self
            .cipher()
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: &text, aad: SEALED_FOR })
            .map_err(|_| fault(io::Error::other("the session cannot be sealed")))?;
        let write = || {
            let new = self.dir.join("session.new");
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            file.write_all(&nonce)?;
            file.write_all(&sealed)?;
            file.sync_all()?;
            fs::rename(&new, self.dir.join("session"))?;
            File::open(&self.dir)?.sync_all()
        };
        write().map_err(fault)
    }

    /// Removes what a login left behind that cannot go on.
    pub(crate) fn empty(&self) -> Result<(), ConnectError> {
        let gone = |result: io::Result<()>| match result {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ConnectError::Folder(self.dir.clone(), error))
            }
            Ok(()) | Err(_) => Ok(()),
        };
        gone(fs::remove_file(self.dir.join("session")))?;
        gone(fs::remove_dir_all(self.store()))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.key).into())
    }
}
