//! The binary: see the library part for everything.

use std::process::ExitCode;

fn main() -> ExitCode {
    chatbox::cli::main()
}
