//! Where records are read from.

use std::path::{Path, PathBuf};

use auditrail::config::{Environment, state_directory};
use auditrail::journal::Inspection;

use super::file::FileReader;
use super::found::Found;
use super::journal::JournalReader;
use crate::cli::args::TailArguments;
use crate::cli::outcome::Failure;
use crate::cli::words::Words;

/// An open source.
#[derive(Debug)]
pub(super) enum Source {
    File(FileReader),
    Journal(JournalReader),
}

impl Source {
    /// Finds out what the arguments name.
    pub(super) fn find(arguments: &TailArguments) -> Result<Self, Failure> {
        let path = match &arguments.source {
            Some(path) => path.clone(),
            None => default(arguments.service.as_deref())?,
        };
        if !path.is_dir() {
            return Ok(Self::File(FileReader::open(path)?));
        }
        let file = path.join(DEFAULT_NAME);
        if file.is_file() {
            return Ok(Self::File(FileReader::open(file)?));
        }
        let is_journal = |path: &Path| path.join("streams").is_dir();
        let journal = [path.join("journal"), path.clone()].into_iter().find(|path| is_journal(path));
        let Some(journal) = journal else {
            let path = path.display();
            return Err(Failure::failed(format!(
                "there is neither a file {DEFAULT_NAME} nor a journal in {path}; name a file of OTLP JSON lines, or the state \
                 directory of a service"
            )));
        };
        Ok(Self::Journal(JournalReader::new(Inspection::of(&journal).map_err(Failure::failed)?)))
    }

    /// Reads what has come since.
    pub(super) fn read(&mut self, each: &mut dyn FnMut(Found)) -> Result<(), Failure> {
        match self {
            Self::File(file) => file.read(each),
            Self::Journal(journal) => journal.read(each),
        }
    }

    /// How many lines could not be read.
    pub(super) fn skipped(&self) -> u64 {
        match self {
            Self::File(file) => file.skipped(),
            Self::Journal(_) => 0,
        }
    }
}

fn default(service: Option<&str>) -> Result<PathBuf, Failure> {
    let told = |error| Failure::usage(Words::of_journals().config(&error));
    let found = state_directory(service, &Environment::of_process()).map_err(told)?;
    found.ok_or_else(|| Failure::usage(NOWHERE))
}

/// As the sink calls it where nothing else is set.
const DEFAULT_NAME: &str = "trail.jsonl";
const NOWHERE: &str = "no source is named; give a file or a directory, or --service NAME, or set AUDITRAIL_DIR";
