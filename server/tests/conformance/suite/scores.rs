//! What the suite found, check by check.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The checks of each scenario.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scores {
    pub(crate) scenarios: BTreeMap<String, Vec<Check>>,
    /// When the suite ran, as it says itself: `2026-07-28`.
    pub(crate) day: String,
}

/// One check and how it ended. The same id may stand several times in a scenario.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Check {
    id: String,
    name: String,
    status: Status,
}

/// `INFO` only tells what was seen, as often as it was seen; it is no check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    Success,
    Failure,
    Warning,
    Skipped,
    Info,
}

impl Scores {
    /// From the lines in which the suite names its scenarios, and the folder that each of them left.
    pub(crate) fn read(said: &str, results: &Path) -> Self {
        let mut scores = Self::default();
        let names = said.lines().filter_map(|line| line.strip_prefix("=== Running scenario: ")?.strip_suffix(" ==="));
        for name in names {
            let folder = Folder::of(name, results);
            if let Some(Folder { day, .. }) = &folder {
                scores.day.clone_from(day);
            }
            scores.scenarios.insert(name.to_owned(), checks(folder));
        }
        scores
    }

    /// Over all scenarios.
    pub(crate) fn count(&self, status: Status) -> usize {
        self.scenarios.values().map(|checks| count(checks, status)).sum()
    }

    /// What is not full marks.
    pub(crate) fn blemishes(&self) -> Vec<String> {
        let all = self.scenarios.iter().flat_map(|(name, checks)| checks.iter().map(move |check| (name, check)));
        all.filter(|(_, check)| check.status != Status::Success)
            .map(|(name, check)| format!("{name}: {} {:?}", check.id, check.status))
            .collect()
    }
}

pub(crate) fn count(checks: &[Check], status: Status) -> usize {
    checks.iter().filter(|check| check.status == status).count()
}

/// Where the suite wrote what it found in a scenario: `server-SCENARIO-2026-07-28T12-03-46-330Z`.
struct Folder {
    path: PathBuf,
    day: String,
}

impl Folder {
    fn of(scenario: &str, results: &Path) -> Option<Self> {
        let prefix = format!("server-{scenario}-");
        fs::read_dir(results).ok()?.find_map(|entry| {
            let path = entry.unwrap().path();
            let time = path.file_name()?.to_str()?.strip_prefix(&prefix)?.to_owned();
            // Longer is another scenario, whose name begins with that of this one.
            let day = time.get(..10).filter(|_| time.len() == "2026-07-28T12-03-46-330Z".len())?.to_owned();
            Some(Self { path, day })
        })
    }
}

/// The checks of all scenarios that left something in that folder or below.
pub(crate) fn checks_below(folder: &Path) -> Vec<Check> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.join("checks.json").exists() {
            found.extend(checks(Some(Folder { path, day: String::new() })));
        } else if path.is_dir() {
            found.extend(checks_below(&path));
        }
    }
    found
}

/// In an order of their own: the suite's depends on what came first. A scenario that threw left nothing, which is a
/// failure like any other.
fn checks(folder: Option<Folder>) -> Vec<Check> {
    let text = folder.and_then(|folder| fs::read_to_string(folder.path.join("checks.json")).ok());
    let Some(text) = text else {
        return vec![Check { id: "ran".into(), name: "it ran to its end".into(), status: Status::Failure }];
    };
    let mut checks: Vec<Check> = serde_json::from_str(&text).unwrap();
    checks.retain(|check| check.status != Status::Info);
    checks.sort();
    checks
}
