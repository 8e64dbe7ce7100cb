//! What the runs scored, as the tables of `docs/conformance.md`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::suite::{Status, Suite, count};
use crate::variant::{Run, Variant};

/// A table for each revision, a line for each scenario, a column for each variant.
pub(crate) fn of(runs: &[Run]) -> String {
    runs.chunks(Variant::ALL.len()).map(table).collect::<Vec<_>>().join("\n")
}

/// The runs at one revision.
fn table(runs: &[Run]) -> String {
    let plain = &runs[0];
    let mut text = format!("### {}\n\n", plain.revision);
    let mut line = |first: &str, cells: Vec<String>| writeln!(text, "| {first} | {} |", cells.join(" | ")).unwrap();
    line("scenario", runs.iter().map(|run| run.variant.name().to_owned()).collect());
    line("---", vec!["--:".to_owned(); runs.len()]);
    for scenario in plain.scores.scenarios.keys() {
        let checks = |run: &Run| run.scores.scenarios.get(scenario).cloned().unwrap_or_default();
        line(scenario, runs.iter().map(checks).map(|checks| marks(|status| count(&checks, status))).collect());
    }
    line("**all**", runs.iter().map(|run| format!("**{}**", marks(|status| run.scores.count(status)))).collect());
    line("requests with a pair of records", runs.iter().map(audited).collect());
    text
}

/// Passed and failed, as the suite counts them; the rest only where there is some.
fn marks(count: impl Fn(Status) -> usize) -> String {
    let mut text = format!("{} / {}", count(Status::Success), count(Status::Failure));
    for (status, name) in [(Status::Warning, "warned"), (Status::Skipped, "skipped")] {
        if count(status) > 0 {
            write!(text, ", {} {name}", count(status)).unwrap();
        }
    }
    text
}

fn audited(run: &Run) -> String {
    let (requests, audited) = run.audit.audited();
    format!("{audited} of {requests}")
}

/// The page has these tables. With `REGENERATE` set it gets them instead, and the day and the versions.
pub(crate) fn documented(tables: &str, suite: &Suite, day: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has the mark where the tables begin");
    let (measured, after) = rest.split_once(END).expect("the page has the mark where the tables end");
    if std::env::var_os("REGENERATE").is_some() {
        let versions = format!("@modelcontextprotocol/conformance {}, rmcp {}", suite.version(), rmcp_version());
        let measured = format!("\n\n{tables}\n- Measured: {day}\n- Versions: {versions}\n- Command: `{COMMAND}`\n\n");
        fs::write(&path, [before, BEGIN, &measured, END, after].concat()).unwrap();
    } else {
        assert!(measured.contains(tables), "docs/conformance.md tells something else; write it anew by {COMMAND}");
    }
}

/// As it was built.
fn rmcp_version() -> &'static str {
    let lock = include_str!("../../../Cargo.lock");
    let (_, rest) = lock.split_once("name = \"rmcp\"\nversion = \"").unwrap();
    rest.split_once('"').unwrap().0
}

const BEGIN: &str = "<!-- scores: written by server/tests/conformance -->";
const END: &str = "<!-- /scores -->";
const COMMAND: &str = "REGENERATE=1 cargo test --test conformance";
