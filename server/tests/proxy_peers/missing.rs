//! What happens to such a test if its peers are missing.

use std::process::{Command, Output};

use libtest_mimic::Trial;

use crate::peers::own;

pub(crate) fn trials() -> Vec<Trial> {
    vec![own("a_test_without_its_peers_is_ignored_and_fails_on_ci", a_test_without_its_peers)]
}

fn a_test_without_its_peers() {
    for ci in [None, Some(""), Some("0"), Some("false")] {
        let (run, said) = without_peers(ci);
        assert!(said.contains("... ignored (needs: tests/peers/install fastmcp python)"), "CI={ci:?}: {said}");
        assert!(run.status.success() && said.contains("0 passed; 0 failed; 1 ignored;"), "CI={ci:?}: {said}");
    }
    for ci in ["1", "true", "yes"] {
        let (run, said) = without_peers(Some(ci));
        assert!(said.contains("needs: tests/peers/install fastmcp python"), "CI={ci}: {said}");
        assert!(!run.status.success() && said.contains("0 passed; 1 failed; 0 ignored;"), "CI={ci}: {said}");
    }
}

fn without_peers(ci: Option<&str>) -> (Output, String) {
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "python_and_fastmcp"]).env("PEERS_CACHE", nowhere.path()).env_remove("CI");
    command.envs(ci.map(|ci| ("CI", ci)));
    let run = command.output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    (run, said)
}
