//! What `check` has to say about content: where, what, and what to do.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};
use serde_saphyr::{Location, Spanned};

/// One fault or warning in a content file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    pub severity: Severity,
    /// Path relative to the content folder.
    pub file: String,
    /// 1-based; 0 when the whole file is meant.
    pub line: u64,
    pub column: u64,
    /// A sentence: what is wrong and what to do.
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The content cannot be used.
    Error,
    /// Fine for trying out, refused by `check --release`.
    Warning,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {severity}: {}", self.message)
    }
}

/// A content file while it is read: knows its name, so that findings can say where.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub file: &'a str,
    pub text: &'a str,
}

impl Source<'_> {
    /// Reads the whole file as `T`; a fault becomes one finding with its line and column.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Finding> {
        serde_saphyr::from_str(self.text).map_err(|fault| {
            let (line, column) = fault.location().map_or((0, 0), |at: Location| (at.line(), at.column()));
            let message = fault.without_snippet().to_string();
            Finding { severity: Severity::Error, file: self.file.into(), line, column, message }
        })
    }

    pub fn error<T>(&self, at: &Spanned<T>, message: impl Into<String>) -> Finding {
        self.finding(Severity::Error, at, message)
    }

    pub fn warning<T>(&self, at: &Spanned<T>, message: impl Into<String>) -> Finding {
        self.finding(Severity::Warning, at, message)
    }

    fn finding<T>(&self, severity: Severity, at: &Spanned<T>, message: impl Into<String>) -> Finding {
        Finding {
            severity,
            file: self.file.into(),
            line: at.referenced.line(),
            column: at.referenced.column(),
            message: message.into(),
        }
    }
}
