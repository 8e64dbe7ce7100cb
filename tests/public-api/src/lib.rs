//! The public API of auditrail, all features enabled, one item per line. Its tests compare it with `docs/public-api.txt`, so
//! that a review shows each change of it, and write that file with `REGENERATE=1 cargo test --package auditrail-public-api`.
//!
//! The compiler is the one of `rust-version`: with another one the paths of the standard library in the list may be different.

use std::error::Error;
use std::path::Path;
use std::process::Command;

#[cfg(test)]
mod tests;

/// The list, sorted. `target` is the folder in which cargo builds.
///
/// # Errors
/// If rustup has no such compiler, or auditrail cannot be documented.
pub fn public_api(target: &Path) -> Result<String, Box<dyn Error>> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let version = concat!(env!("CARGO_PKG_RUST_VERSION"), ".0");
    let documented = Command::new("rustup")
        .args(["run", version, "cargo", "rustdoc", "--package", "auditrail", "--lib", "--all-features", "--target-dir"])
        .arg(target)
        .env("RUSTDOC", root.join("tests/public-api/rustdoc-json"))
        .current_dir(root)
        .status()?;
    if !documented.success() {
        return Err(format!("auditrail cannot be documented with Rust {version}: see above").into());
    }
    let api = public_api::Builder::from_rustdoc_json(target.join("doc/auditrail.json"))
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()?;
    Ok(api.to_string())
}
