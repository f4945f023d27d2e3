//! The binary: see the library part for everything.

use std::process::ExitCode;

/// A sixth of the processor time went into the system's.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    chatbox::cli::main()
}
