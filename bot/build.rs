//! Rebuilds when a content file is added: the binary carries a copy.

fn main() {
    println!("cargo::rerun-if-changed=../config");
    println!("cargo::rerun-if-changed=build.rs");
}
