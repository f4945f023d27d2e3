//! The commands, a file each.

pub mod admin;
pub mod chat;
pub mod check;
pub mod converse;
pub mod learn;
pub mod practitioner;
pub mod requests;
pub mod run;
pub mod understand;

use std::{io, io::Write as _};

use crate::stop::Stop;

/// Two TLS providers may end up in the binary; whoever builds a client needs one to be the default.
pub fn install_crypto() {
    // Fails only when it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Writes one line to standard output and flushes. A reader that is gone is no failure.
pub(crate) fn print_line(line: &str) -> Result<(), Stop> {
    let mut out = io::stdout().lock();
    match out.write_all(line.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
        Err(fault) if fault.kind() != io::ErrorKind::BrokenPipe => Err(fault.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
