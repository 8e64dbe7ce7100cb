//! Finds the journal, and prints results.

use std::path::{Path, PathBuf};

use auditrail::config::{Environment, state_directory};
use auditrail::internals::config::earlier_state_directory;
use auditrail::journal::Inspection;

use super::args::{Format, Which};
use super::outcome::Failure;
use super::words::Words;

/// What all commands need.
#[derive(Debug)]
pub(super) struct Place {
    /// The state directory of the service.
    pub(super) state: PathBuf,
    /// Its journal.
    pub(super) journal: PathBuf,
    pub(super) inspection: Inspection,
    pub(super) environment: Environment,
    pub(super) json: bool,
}

impl Place {
    /// Finds the journal from the arguments and the environment. It must exist; none is created.
    pub(super) fn find(which: &Which) -> Result<Self, Failure> {
        let environment = Environment::of_process();
        let state = Self::state_by(which, &environment)?;
        let journal = state.join("journal");
        if !journal.join("streams").is_dir() {
            return Err(nothing_there(&state, &journal));
        }
        let inspection = Inspection::of(&journal).map_err(Failure::failed)?;
        Ok(Self { state, journal, inspection, environment, json: which.format == Format::Json })
    }

    /// The state directory of the service, which may have no journal.
    pub(super) fn state(which: &Which) -> Result<PathBuf, Failure> {
        Self::state_by(which, &Environment::of_process())
    }

    fn state_by(which: &Which, environment: &Environment) -> Result<PathBuf, Failure> {
        if let Some(directory) = &which.dir {
            return Ok(directory.clone());
        }
        let service = which.service.as_deref();
        let told = |error| Failure::usage(Words::of_journals().config(&error));
        let found = state_directory(service, environment).map_err(told)?;
        let earlier = service.map(|name| earlier_state_directory(name, environment)).transpose().map_err(told)?;
        let has_journal = |state: &PathBuf| state.join("journal").join("streams").is_dir();
        // Until a process of the service has started a journal under its present name.
        let earlier = earlier.flatten().filter(|earlier| has_journal(earlier));
        let found = found.filter(|found| has_journal(found) || earlier.is_none()).or(earlier);
        found.ok_or_else(|| Failure::usage(NOWHERE))
    }
}

fn nothing_there(state: &Path, journal: &Path) -> Failure {
    let is_journal = state.join("streams").is_dir();
    let fix = match state.parent() {
        Some(parent) if is_journal => format!("it is the journal itself: name {}", parent.display()),
        _ => "name the directory that the service has as AUDITRAIL_DIR, or the service by --service".into(),
    };
    let why = match std::fs::metadata(journal.join("streams")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => format!(" ({error})"),
        _ => String::new(),
    };
    Failure::failed(format!("there is no journal in {}{why}; {fix}", state.display()))
}

const NOWHERE: &str = "no journal is named; give --dir DIR or --service NAME, or set AUDITRAIL_DIR";
