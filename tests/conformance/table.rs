//! What the runs scored, as the tables of `docs/conformance.md`.

use std::fmt::Write as _;

use crate::suite::{Status, Suite, count};
use crate::variant::{Run, Variant};

/// A table for each revision, a line for each scenario, a column for each variant.
pub(crate) fn of(runs: &[Run]) -> String {
    let mut text = String::new();
    for runs in runs.chunks(Variant::ALL.len()) {
        let (plain, _) = runs.split_first().unwrap();
        write!(text, "### {}\n\n| scenario |", plain.revision).unwrap();
        runs.iter().for_each(|run| write!(text, " {} |", run.variant.name()).unwrap());
        write!(text, "\n|---|{}\n", "--:|".repeat(runs.len())).unwrap();
        for scenario in plain.scores.scenarios.keys() {
            write!(text, "| {scenario} |").unwrap();
            for run in runs {
                let checks = run.scores.scenarios.get(scenario).map_or(&[][..], Vec::as_slice);
                write!(text, " {} |", cell(|status| count(checks, status))).unwrap();
            }
            text.push('\n');
        }
        text.push_str("| **all** |");
        runs.iter().for_each(|run| write!(text, " **{}** |", cell(|status| run.scores.count(status))).unwrap());
        text.push_str("\n\n");
    }
    text
}

/// Passed and failed, as the suite counts them; the rest only where there is some.
fn cell(count: impl Fn(Status) -> usize) -> String {
    let mut text = format!("{} / {}", count(Status::Success), count(Status::Failure));
    for (status, name) in [(Status::Warning, "warned"), (Status::Skipped, "skipped")] {
        if count(status) > 0 {
            write!(text, ", {} {name}", count(status)).unwrap();
        }
    }
    text
}

pub(crate) fn committed(_: &str, _: &[Run], _: &Suite) {}
