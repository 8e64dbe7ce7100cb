//! The oracle: a file with the id of every record whose emission returned.
//!
//! Invariants:
//! 1. An id is appended after the emitter's call for it returned, by one `write(2)`. So it outlives a `kill -9` of the
//!    emitter, and what is in the file was acknowledged.
//! 2. Every line has the same length, so that the length of the file tells the number of ids.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The writing end, in the emitter's process.
#[derive(Debug)]
pub(crate) struct Oracle(File);

impl Oracle {
    pub(crate) fn append_to(path: &Path) -> Result<Self, Error> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.map(Self).map_err(Error::io(format!("opening the oracle {}", path.display())))
    }

    /// The emission of that record has returned.
    pub(crate) fn returned(&mut self, id: u64) -> Result<(), Error> {
        // `write_all` of a short slice to a file opened for appending is one write(2).
        self.0.write_all(format!("{id:0DIGITS$}\n").as_bytes()).map_err(Error::io("writing to the oracle"))
    }
}

/// The reading end, in the harness.
#[derive(Debug)]
pub(crate) struct Returned(PathBuf);

impl Returned {
    pub(crate) fn of(path: PathBuf) -> Self {
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// How many ids there are by now.
    pub(crate) fn count(&self) -> u64 {
        // There is no file before the first emitter has started.
        fs::metadata(&self.0).map_or(0, |file| file.len() / LINE)
    }

    pub(crate) fn ids(&self) -> Result<HashSet<u64>, Error> {
        let text = fs::read_to_string(&self.0).map_err(Error::io("reading the oracle"))?;
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }
}

const DIGITS: usize = 12;
const LINE: u64 = DIGITS as u64 + 1;
