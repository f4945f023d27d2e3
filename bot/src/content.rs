//! Reads the content files and has them checked.

mod name;

use std::{
    fmt, fs,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use chatbox_core::content::{Content, Finding, Severity};
use flate2::bufread::DeflateDecoder;
use jiff::civil::Date;

use self::name::is_content;
use crate::{config::Loaded, stop::Stop};

/// The copy in the binary, as `build.rs` packs it.
static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/content.deflate"));

/// At most this much is read as one content file.
pub const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Folders below the content folder are followed this deep.
const MAX_DEPTH: usize = 8;

/// Where content comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Folder(PathBuf),
    /// The copy in the binary.
    Embedded,
}

impl Origin {
    /// `content.dir`; else the folder `content` beside the configuration file; else the copy in
    /// the binary.
    pub fn of(loaded: &Loaded) -> Self {
        if let Some(dir) = &loaded.config.content.dir {
            return Self::Folder(dir.clone());
        }
        let beside = loaded.path.as_deref().and_then(Path::parent).map(|base| base.join("content"));
        match beside {
            Some(dir) if dir.is_dir() => Self::Folder(dir),
            Some(_) | None => Self::Embedded,
        }
    }

    /// One finding as `file:line:column: error: …`, with a path that can be opened from here.
    pub fn show(&self, finding: &Finding) -> String {
        match self {
            Self::Embedded => finding.to_string(),
            Self::Folder(dir) => dir.join(finding.to_string()).display().to_string(),
        }
    }

    /// All `*.yaml` files as (path, text), by path.
    pub fn read(&self) -> Result<Vec<(String, String)>, Stop> {
        let mut files = Vec::new();
        match self {
            Self::Folder(dir) => read_folder(dir, dir, 0, &mut files)?,
            Self::Embedded => read_embedded(&mut files)?,
        }
        if files.is_empty() {
            return Err(Stop::Usage(format!("there is no content: no *.yaml file in {self}.")));
        }
        files.sort();
        Ok(files)
    }

    /// Reads and checks everything. The inner error is what is wrong with the content.
    pub fn examine(&self, today: Date) -> Result<Result<Content, Vec<Finding>>, Stop> {
        let files = self.read()?;
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        Ok(Content::load(&files, today))
    }

    /// Reads and checks everything. The faults of broken content are the lines of the error.
    pub fn load(&self, today: Date) -> Result<Content, Stop> {
        self.examine(today)?.map_err(|findings| {
            let faults = findings.iter().filter(|finding| finding.severity == Severity::Error);
            Stop::Usage(faults.map(|finding| self.show(finding)).collect::<Vec<_>>().join("\n"))
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(dir) => write!(f, "{}", dir.display()),
            Self::Embedded => f.write_str("the copy in the program"),
        }
    }
}

fn read_folder(root: &Path, dir: &Path, depth: usize, files: &mut Vec<(String, String)>) -> Result<(), Stop> {
    let unreadable = |path: &Path, fault: &std::io::Error| {
        Stop::Usage(format!("content: {} cannot be read ({}).", path.display(), fault.kind()))
    };
    if depth > MAX_DEPTH {
        return Err(Stop::Usage(format!("content: {} lies too deep.", dir.display())));
    }
    for entry in fs::read_dir(dir).map_err(|fault| unreadable(dir, &fault))? {
        let path = entry.map_err(|fault| unreadable(dir, &fault))?.path();
        if name::is_hidden(&path) {
            continue;
        }
        if path.is_dir() {
            read_folder(root, &path, depth + 1, files)?;
        } else if is_content(&path) {
            let size = fs::metadata(&path).map_err(|fault| unreadable(&path, &fault))?.len();
            if size > MAX_FILE_BYTES {
                return Err(Stop::Usage(format!("content: {} is larger than 4 MiB.", path.display())));
            }
            let text = fs::read_to_string(&path).map_err(|fault| unreadable(&path, &fault))?;
            let name = path.strip_prefix(root).unwrap_or(&path);
            files.push((name.to_string_lossy().replace('\\', "/"), text));
        }
    }
    Ok(())
}

fn read_embedded(files: &mut Vec<(String, String)>) -> io::Result<()> {
    let mut packed = BufReader::new(DeflateDecoder::new(EMBEDDED));
    let mut head = String::new();
    while packed.read_line(&mut head)? > 0 {
        let (length, name) = head.trim_end().split_once(' ').ok_or(io::ErrorKind::InvalidData)?;
        let mut text = vec![0; length.parse().map_err(io::Error::other)?];
        packed.read_exact(&mut text)?;
        files.push((name.to_owned(), String::from_utf8(text).map_err(io::Error::other)?));
        head.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_in_the_program_is_the_folder() {
        let folder = Origin::Folder(Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/content"));
        assert!(Origin::Embedded.read().unwrap() == folder.read().unwrap());
    }
}
