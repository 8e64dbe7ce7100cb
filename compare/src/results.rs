//! The figures that `docs/compare.md` shows, in a file beside this package: so that some of them can be measured again
//! without the others.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::emitters::Emitter;
use crate::error::Error;
use crate::machine::Machine;
use crate::scenarios::Scenario;

/// Everything that was measured on one machine, in the full form.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) rows: Vec<Row>,
}

/// One scenario with one emitter.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) scenario: Scenario,
    pub(crate) emitter: Emitter,
    pub(crate) emitted: u64,
    pub(crate) arrived: u64,
    pub(crate) duplicates: u64,
    pub(crate) unacknowledged: u64,
    pub(crate) said: String,
    pub(crate) date: String,
    /// Of the machine, before it began.
    pub(crate) load: String,
}

impl Results {
    /// What was written before, if it was measured on this machine with these versions.
    pub(crate) fn load(machine: Machine) -> Result<Self, Error> {
        let path = path();
        let rows = match fs::read_to_string(&path) {
            Ok(text) => {
                let before: Self = serde_json::from_str(&text)
                    .map_err(|error| Error::Document { path, problem: error.to_string() })?;
                if before.machine == machine {
                    before.rows
                } else {
                    eprintln!("what was measured with {:?} is left out", before.machine);
                    Vec::new()
                }
            }
            Err(_) => Vec::new(),
        };
        Ok(Self { machine, rows })
    }

    /// Takes a row, in the place of the older one of that scenario and emitter.
    pub(crate) fn put(&mut self, row: Row) {
        self.rows.retain(|old| (old.scenario, old.emitter) != (row.scenario, row.emitter));
        self.rows.push(row);
    }

    pub(crate) fn get(&self, scenario: Scenario, emitter: Emitter) -> Option<&Row> {
        self.rows.iter().find(|row| (row.scenario, row.emitter) == (scenario, emitter))
    }

    pub(crate) fn save(&mut self) -> Result<(), Error> {
        let place = |row: &Row| {
            let scenario = Scenario::ALL.iter().position(|scenario| *scenario == row.scenario);
            (scenario, Emitter::ALL.iter().position(|emitter| *emitter == row.emitter))
        };
        self.rows.sort_by_key(place);
        let path = path();
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::Document { path: path.clone(), problem: error.to_string() })?;
        fs::write(&path, text + "\n").map_err(Error::io(format!("writing {}", path.display())))
    }
}

fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/results.json"))
}
