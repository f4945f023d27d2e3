//! Which files are content.

use std::path::Path;

/// Whether a file of that name is, by its ending.
pub(crate) fn is_content(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("yaml" | "yml" | "weights" | "txt"))
}

/// Whatever is hidden is none, nor what lies in it.
pub(crate) fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}
