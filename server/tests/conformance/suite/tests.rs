//! Reading what the suite leaves.

use std::fs;
use std::path::Path;

use libtest_mimic::Trial;

use super::scores::{Scores, Status};
use crate::peers::own;

pub(crate) fn trials() -> Vec<Trial> {
    vec![own("suite::scores_are_read_from_what_each_scenario_left", scores_are_read_from_what_each_scenario_left)]
}

fn scores_are_read_from_what_each_scenario_left() {
    let results = tempfile::tempdir().unwrap();
    left(results.path(), "server-ping-2026-07-28T12-03-46-330Z", &[("b", "SUCCESS"), ("a", "WARNING"), ("c", "INFO")]);
    left(results.path(), "server-ping-more-2026-07-28T12-03-46-331Z", &[("a", "SUCCESS")]);
    let said = "Running all suite\n\n=== Running scenario: ping ===\nResults saved\n\n=== Running scenario: ping-more ===\n\n\
                === Running scenario: thrown ===\nFailed to run scenario thrown\n\n=== SUMMARY ===\n";
    let scores = Scores::read(said, results.path());

    assert_eq!(scores.scenarios.keys().collect::<Vec<_>>(), ["ping", "ping-more", "thrown"]);
    assert_eq!(scores.day, "2026-07-28");
    assert_eq!((scores.count(Status::Success), scores.count(Status::Failure)), (2, 1));
    assert_eq!(scores.blemishes(), ["ping: a Warning", "thrown: ran Failure"], "what only informs is no check");
}

fn left(results: &Path, folder: &str, checks: &[(&str, &str)]) {
    let check = |(id, status): &(&str, &str)| serde_json::json!({ "id": id, "name": id, "status": status });
    let checks: Vec<_> = checks.iter().map(check).collect();
    fs::create_dir(results.join(folder)).unwrap();
    fs::write(results.join(folder).join("checks.json"), serde_json::to_vec(&checks).unwrap()).unwrap();
}
