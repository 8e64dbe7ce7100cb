//! The examples of both packages as programs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// An example, built from the sources as they are: `cargo test --test NAME` builds none, and leaves there
/// what is as old as it may be.
pub(crate) fn example(name: &'static str) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<&str, PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built.get_or_insert_default().entry(name).or_insert_with(|| build(name)).clone()
}

/// As cargo builds it for `cargo test` at the top: after that there is nothing to do.
#[allow(clippy::disallowed_methods, reason = "what cargo says to a test")]
fn build(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = match test.ancestors().nth(2).and_then(Path::file_name).and_then(|profile| profile.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let lock = |folder: &&Path| folder.join("Cargo.lock").exists();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find(lock).unwrap();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(workspace)
        .args(["build", "--locked", "--message-format", "json-render-diagnostics", "--example", name])
        .args(["--profile", profile, "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
        .stdin(Stdio::null());
    // What cargo says to a test, build scripts would take for a change of theirs.
    for (variable, _) in std::env::vars_os() {
        if variable.to_str().is_some_and(|it| it.starts_with("CARGO_PKG_") || it.starts_with("CARGO_MANIFEST_")) {
            cargo.env_remove(variable);
        }
    }
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{cargo:?}: {}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let mut messages = said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let executable = messages.find_map(|message| match message["target"]["name"] == name {
        true => message["executable"].as_str().map(PathBuf::from),
        false => None,
    });
    executable.unwrap_or_else(|| panic!("no {name} in {said}"))
}
