//! Packs the content that is in the program. It is read once, and what was read stays in memory for as long as
//! the program runs: packed it is less than half.

use std::{
    env, fs,
    io::{self, Write},
    path::Path,
};

use flate2::{Compression, write::DeflateEncoder};

#[path = "src/content/name.rs"]
mod name;

const CONTENT: &str = "../config/content";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={CONTENT}");
    let Some(out) = env::var_os("OUT_DIR") else { return Err(io::Error::other("cargo sets OUT_DIR")) };
    let packed = fs::File::create(Path::new(&out).join("content.deflate"))?;
    let mut packed = DeflateEncoder::new(packed, Compression::best());
    pack(Path::new(CONTENT), &mut packed)?;
    packed.finish()?;
    Ok(())
}

/// Each file as a line with its length and its path, and then its text.
fn pack(folder: &Path, packed: &mut impl Write) -> io::Result<()> {
    let mut paths: Vec<_> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.sort();
    for path in paths {
        if name::is_hidden(&path) {
            continue;
        }
        if path.is_dir() {
            pack(&path, packed)?;
        } else if name::is_content(&path) {
            let text = fs::read_to_string(&path)?;
            let name = path.strip_prefix(CONTENT).map_err(io::Error::other)?;
            writeln!(packed, "{} {}", text.len(), name.to_string_lossy().replace('\\', "/"))?;
            packed.write_all(text.as_bytes())?;
        }
    }
    Ok(())
}
