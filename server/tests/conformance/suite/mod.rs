//! The official suite as a program: where it is installed, how it runs, and its results.

mod scores;
pub(crate) mod tests;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

pub(crate) use self::scores::{Check, Scores, Status, checks_below, count};

use crate::peers::{Peer, Peers};

/// The suite, and the Node.js for it.
pub(crate) struct Suite {
    package: PathBuf,
    node: PathBuf,
}

/// Some checks watch how long an answer takes, so one run at a time.
pub(crate) async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    ALONE.lock().await
}

impl Suite {
    pub(crate) fn of(peers: &Peers) -> Self {
        Self { package: peers.path(Peer::Conformance), node: peers.node_for_the_suite() }
    }

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
