//! Why the program ends, and with which exit code.

use chatbox_store::{OpenError, StoreError};
use thiserror::Error;

use crate::config::Fault;

/// The end of the program before its work was done. Shown as one line on standard error.
#[derive(Debug, Error)]
pub enum Stop {
    /// What was asked for cannot be done as asked: arguments, configuration, content, keys. Exit
    /// code 2; nothing was changed.
    #[error("{0}")]
    Usage(String),
    /// It was well asked for, and failed. Exit code 1.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

impl Stop {
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) => 1,
        }
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Usage(fault.0)
    }
}

impl From<OpenError> for Stop {
    fn from(fault: OpenError) -> Self {
        let sentence = format!("{}.", fault.to_string().trim_end_matches('.'));
        match fault {
            OpenError::Unreachable { .. } | OpenError::Migrate { .. } => {
                Self::Failed(anyhow::Error::msg(sentence))
            }
            OpenError::Url
            | OpenError::Unwritable { .. }
            | OpenError::WrongKey { .. }
            | OpenError::KeyMissing { .. }
            | OpenError::KeyFileNotSet
            | OpenError::KeyFile { .. }
            | OpenError::SchemaNewer { .. }
            | OpenError::SchemaOlder { .. }
            | OpenError::InUse { .. }
            | OpenError::NotDurable { .. } => Self::Usage(sentence),
        }
    }
}

impl From<StoreError> for Stop {
    fn from(fault: StoreError) -> Self {
        Self::Failed(fault.into())
    }
}

impl From<std::io::Error> for Stop {
    fn from(fault: std::io::Error) -> Self {
        Self::Failed(fault.into())
    }
}
