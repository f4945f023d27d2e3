//! Sealing of what people wrote, and the key file.
//!
//! A sealed value is XChaCha20-Poly1305 with a random nonce: key id (4 bytes, big endian), nonce
//! (24 bytes), ciphertext with its tag. Table, column and row key are bound in as associated data,
//! so a value copied to another place does not open there. The newest key (highest id) seals; all
//! keys in the file open.
//!
//! The key file is text. Each line is `ID: KEY`, the id a number from 1 and the key 64 hex digits;
//! `#` begins a comment. To rotate, add a line with a higher id; keep the older ones for as long as
//! old values are kept, backups included.

use std::{
    fmt::Write as _,
    fs,
    io::{ErrorKind, Write as _},
    path::Path,
};

use chacha20::{Key, cipher::consts::U10, cipher::generic_array::GenericArray, hchacha};
use hmac::{Hmac, Mac};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::{OpenError, StoreError};

const NONCE: usize = 24;
const TAG: usize = 16;
/// Most values are shorter.
const ROOM: usize = 2048;
/// Key id and nonce: what every sealed value begins with, and no two share.
pub(crate) const HEAD: usize = 4 + NONCE;

/// Where a sealed value stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
}

pub(crate) const INBOX: Cell = Cell { table: "inbox", column: "body" };
pub(crate) const STATE: Cell = Cell { table: "conversation", column: "state" };
pub(crate) const OUTBOX: Cell = Cell { table: "outbox", column: "body" };
pub(crate) const RECORD: Cell = Cell { table: "record", column: "body" };
pub(crate) const NAME: Cell = Cell { table: "practitioner", column: "name" };
pub(crate) const ORGANISATION: Cell = Cell { table: "practitioner", column: "organisation" };
pub(crate) const META: Cell = Cell { table: "meta", column: "value" };

/// What rows of `meta` that hold another part's secret begin with.
const SECRET: &str = "secret/";

/// The row of `meta` for a secret of that name.
pub(crate) fn secret_row(name: &str) -> String {
    format!("{SECRET}{name}")
}

/// Row of `meta` that holds the key of the keyed hashes.
pub(crate) const HASH_KEY: &str = "hash_key";

/// The keys of one key file.
pub(crate) struct Keyring {
    /// By rising id, never empty.
    keys: Vec<(u32, Zeroizing<[u8; 32]>)>,
}

impl Keyring {
    /// A key that lives as long as the process.
    pub(crate) fn ephemeral() -> Self {
        Self { keys: vec![(1, random())] }
    }

    /// Reads a key file; `None` if there is none.
    pub(crate) fn load(path: &Path) -> Result<Option<Self>, OpenError> {
        let bad = |why: String| OpenError::KeyFile { path: path.to_owned(), why };
        let text = match fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                return Err(bad("is not text: each line must be `ID: 64 hex digits`".to_owned()));
            }
            Err(error) => return Err(bad(format!("cannot be read: {}", error.kind()))),
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(path)
                .map_err(|e| bad(format!("cannot be read: {}", e.kind())))?
                .permissions()
                .mode();
            // Readable by its group is how secrets are mounted in containers.
            if mode & 0o027 != 0 {
                return Err(bad(format!(
                    "can be read or changed by others (mode {:03o}): run `chmod 600` on it",
                    mode & 0o777
                )));
            }
        }
        Self::parse(&text).map(Some).map_err(bad)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut keys = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (id, hex) =
                line.split_once(':').ok_or_else(|| format!("is wrong in line {number}: write `ID: KEY`"))?;
            let id: u32 = id
                .trim()
                .parse()
                .ok()
                .filter(|id| *id > 0)
                .ok_or_else(|| format!("is wrong in line {number}: the id must be a number from 1"))?;
            let key = unhex(hex.trim())
                .ok_or_else(|| format!("is wrong in line {number}: a key is 64 hex digits (32 bytes)"))?;
            if keys.iter().any(|(other, _)| *other == id) {
                return Err(format!("is wrong in line {number}: the id {id} stands there twice"));
            }
            keys.push((id, key));
        }
        if keys.is_empty() {
            return Err("holds no key".to_owned());
        }
        keys.sort_by_key(|(id, _)| *id);
        Ok(Self { keys })
    }

    /// Makes a key file with one new key, readable by its owner alone. Never replaces one.
    pub(crate) fn create(path: &Path) -> Result<Self, OpenError> {
        let bad = |e: std::io::Error| OpenError::KeyFile {
            path: path.to_owned(),
            why: format!("cannot be made: {}", e.kind()),
        };
        let key = random::<32>();
        let mut text = Zeroizing::new(String::from(
            "# The key that seals this database. Whoever has both can read it; without this nobody can.\n1: ",
        ));
        for byte in key.iter() {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(bad)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(bad)?;
        // The key must survive a power cut before anything is sealed with it.
        if let Some(folder) = path.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            if let Ok(folder) = fs::File::open(folder) {
                let _ = folder.sync_all();
            }
        }
        Ok(Self { keys: vec![(1, key)] })
    }

    pub(crate) fn seal(&self, cell: Cell, row: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut value = self.head(plain.len());
        value.extend_from_slice(plain);
        self.close(cell, row, value)
    }

    /// The beginning of a value, with room for so much: the plain bytes are added to it, and [`Self::close`]
    /// turns them into what is kept, where they stand.
    fn head(&self, room: usize) -> Vec<u8> {
        let (id, _) = self.newest();
        let mut value = Vec::with_capacity(HEAD + room + TAG);
        value.extend_from_slice(&id.to_be_bytes());
        value.extend_from_slice(&*random::<NONCE>());
        value
    }

    fn close(&self, cell: Cell, row: &[u8], mut value: Vec<u8>) -> Vec<u8> {
        let (_, key) = self.newest();
        let (head, text) = value.split_at_mut(HEAD);
        let (cipher, nonce) = cipher(key, &head[4..]);
        let tag = cipher
            .seal_in_place_separate_tag(nonce, Aad::from(bound(cell, row)), text)
            .expect("sealing fails only beyond 256 GB");
        value.extend_from_slice(tag.as_ref());
        value
    }

    fn newest(&self) -> &(u32, Zeroizing<[u8; 32]>) {
        &self.keys[self.keys.len() - 1]
    }

    pub(crate) fn open(
        &self,
        cell: Cell,
        row: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let error = || StoreError::Sealed { table: cell.table, column: cell.column };
        let (head, text) = sealed.split_at_checked(HEAD).ok_or_else(error)?;
        let (id, nonce) = head.split_at(4);
        let (_, key) = self.keys.iter().find(|(known, _)| known.to_be_bytes() == id).ok_or_else(error)?;
        let (cipher, nonce) = cipher(key, nonce);
        let mut text = Zeroizing::new(text.to_vec());
        let plain =
            cipher.open_in_place(nonce, Aad::from(bound(cell, row)), &mut text).map_err(|_| error())?;
        let length = plain.len();
        text.truncate(length);
        Ok(text)
    }
}

/// Seals, opens and hashes for one database.
pub(crate) struct Sealer {
    ring: Keyring,
    hash: Zeroizing<[u8; 32]>,
}

impl Sealer {
    pub(crate) fn new(ring: Keyring, hash: Zeroizing<[u8; 32]>) -> Self {
        Self { ring, hash }
    }

    pub(crate) fn seal(&self, cell: Cell, row: &[u8], plain: &[u8]) -> Vec<u8> {
        self.ring.seal(cell, row, plain)
    }

    pub(crate) fn seal_json<T: serde::Serialize>(
        &self,
        cell: Cell,
        row: &[u8],
        value: &T,
    ) -> Result<Vec<u8>, StoreError> {
        let mut sealed = self.ring.head(ROOM);
        serde_json::to_writer(&mut sealed, value)
            .map_err(|_| StoreError::Unreadable { table: cell.table, column: cell.column })?;
        Ok(self.ring.close(cell, row, sealed))
    }

    pub(crate) fn open(
        &self,
        cell: Cell,
        row: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.ring.open(cell, row, sealed)
    }

    pub(crate) fn open_json<T: serde::de::DeserializeOwned>(
        &self,
        cell: Cell,
        row: &[u8],
        sealed: &[u8],
    ) -> Result<T, StoreError> {
        let plain = self.open(cell, row, sealed)?;
        serde_json::from_slice(&plain)
            .map_err(|_| StoreError::Unreadable { table: cell.table, column: cell.column })
    }

    /// A keyed hash, so that what it stands for cannot be guessed from the database alone.
    pub(crate) fn hash(&self, domain: &str, parts: &[&str]) -> [u8; 16] {
        let mut mac =
            <Hmac<Sha256> as Mac>::new_from_slice(&*self.hash).expect("HMAC takes keys of any length");
        for part in [domain].iter().chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        let mut short = [0; 16];
        short.copy_from_slice(&full[..16]);
        short
    }

    /// A key for one purpose, the same as long as the database lives.
    pub(crate) fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut mac =
            <Hmac<Sha256> as Mac>::new_from_slice(&*self.hash).expect("HMAC takes keys of any length");
        mac.update(b"derived key\0");
        mac.update(purpose.as_bytes());
        Zeroizing::new(mac.finalize().into_bytes().into())
    }
}

/// Opens the key of the keyed hashes, which proves that the key file is the right one.
pub(crate) fn open_hash_key(
    ring: &Keyring,
    sealed: &[u8],
    path: &Path,
) -> Result<Zeroizing<[u8; 32]>, OpenError> {
    let wrong = || OpenError::WrongKey { path: path.to_owned() };
    let plain = ring.open(META, HASH_KEY.as_bytes(), sealed).map_err(|_| wrong())?;
    let mut hash = Zeroizing::new([0; 32]);
    if plain.len() != hash.len() {
        return Err(wrong());
    }
    hash.copy_from_slice(&plain);
    Ok(hash)
}

/// Random bytes from the system, never kept for later: a machine that is restored from a picture of its
/// memory would use some twice.
pub(crate) fn random<const N: usize>() -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(&mut *bytes).expect("the system has randomness");
    bytes
}

/// What one value is sealed with: XChaCha20-Poly1305 is ChaCha20-Poly1305 with a key of its own for each nonce
/// of 24 bytes, made of the first 16. The other 8 are the nonce.
fn cipher(key: &[u8; 32], nonce: &[u8]) -> (LessSafeKey, Nonce) {
    let (first, last) = nonce.split_at(16);
    let own = hchacha::<U10>(Key::from_slice(key), GenericArray::from_slice(first));
    let own = Zeroizing::new(<[u8; 32]>::from(own));
    let own = UnboundKey::new(&CHACHA20_POLY1305, &*own).expect("a key has 32 bytes");
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(last);
    (LessSafeKey::new(own), Nonce::assume_unique_for_key(nonce))
}

fn bound(cell: Cell, row: &[u8]) -> Vec<u8> {
    let mut aad = Vec::with_capacity(cell.table.len() + cell.column.len() + row.len() + 2);
    aad.extend_from_slice(cell.table.as_bytes());
    aad.push(0);
    aad.extend_from_slice(cell.column.as_bytes());
    aad.push(0);
    aad.extend_from_slice(row);
    aad
}

fn unhex(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut key = Zeroizing::new([0; 32]);
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_only_where_it_was_sealed() {
        let ring = Keyring::ephemeral();
        let sealed = ring.seal(INBOX, b"1", b"words");
        assert_eq!(&**ring.open(INBOX, b"1", &sealed).unwrap(), b"words");
        assert!(ring.open(INBOX, b"2", &sealed).is_err());
        assert!(ring.open(OUTBOX, b"1", &sealed).is_err());
        assert!(Keyring::ephemeral().open(INBOX, b"1", &sealed).is_err());
        assert!(ring.open(INBOX, b"1", &sealed[..20]).is_err());
    }

    #[test]
    fn any_xchacha20_poly1305_opens_what_is_sealed() {
        use chacha20poly1305::{
            KeyInit, XChaCha20Poly1305, XNonce,
            aead::{Aead, Payload},
        };
        let key = random::<32>();
        let ring = Keyring { keys: vec![(7, key.clone())] };
        let other = XChaCha20Poly1305::new((&*key).into());
        for length in (0..200).chain([1_000, 5_000]) {
            let plain = vec![b'x'; length];
            let sealed = ring.seal(STATE, b"row", &plain);
            let (head, text) = sealed.split_at(HEAD);
            assert_eq!(head[..4], [0, 0, 0, 7]);
            let nonce = XNonce::from_slice(&head[4..]);
            let aad = b"conversation\0state\0row";
            let opened = other.decrypt(nonce, Payload { msg: text, aad });
            assert!(opened.is_ok_and(|opened| opened == plain), "{length}");
            let theirs = other.encrypt(nonce, Payload { msg: &plain, aad }).expect("sealed");
            let theirs = [head, &theirs].concat();
            assert_eq!(**ring.open(STATE, b"row", &theirs).expect("opens"), plain, "{length}");
        }
    }

    #[test]
    fn the_newest_key_seals_and_older_ones_open() {
        let old = Keyring::parse(&format!("1: {}", "ab".repeat(32))).unwrap();
        let sealed = old.seal(STATE, b"x", b"kept");
        let both =
            Keyring::parse(&format!("2: {}\n# old\n1: {}\n", "cd".repeat(32), "ab".repeat(32))).unwrap();
        assert_eq!(&**both.open(STATE, b"x", &sealed).unwrap(), b"kept");
        let newer = both.seal(STATE, b"x", b"kept");
        assert_eq!(newer[..4], [0, 0, 0, 2]);
        assert!(old.open(STATE, b"x", &newer).is_err());
    }

    #[test]
    fn a_bad_key_file_names_its_line() {
        for (text, part) in [
            ("1: abcd", "64 hex digits"),
            ("hello", "line 1"),
            ("# x\n0: 00", "line 2"),
            ("", "holds no key"),
        ] {
            let why = Keyring::parse(text).err().unwrap();
            assert!(why.contains(part), "{why}");
        }
    }
}
