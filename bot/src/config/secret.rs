//! Secrets that stand in files of their own.

use std::{fs, path::Path};

use secrecy::SecretString;

use super::Fault;

/// Fills `secret` from `file`, if one is named. `key` is the secret's own key.
pub(super) fn from_file(
    base: &Path,
    key: &str,
    secret: &mut Option<SecretString>,
    file: Option<&Path>,
) -> Result<(), Fault> {
    let Some(file) = file else { return Ok(()) };
    if secret.is_some() {
        return Err(Fault(format!("{key} and {key}_file are both set: take one out.")));
    }
    let path = base.join(file);
    let text = fs::read_to_string(&path).map_err(|fault| {
        Fault(format!("{key}_file: {} cannot be read ({}).", path.display(), fault.kind()))
    })?;
    let text = text.trim();
    if text.is_empty() {
        return Err(Fault(format!("{key}_file: {} is empty.", path.display())));
    }
    *secret = Some(text.into());
    Ok(())
}
