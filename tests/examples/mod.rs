//! The examples of this package as programs.

use std::path::PathBuf;

/// An example of this package, which `cargo test` has built.
pub(crate) fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().unwrap().parent().unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is not built; run cargo test, or cargo build --examples", path.display());
    path
}
