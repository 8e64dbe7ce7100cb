//! Mistakes in the file, with where they are.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It cannot be read.
    #[error("{}: {source}; name a configuration file that may be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It says something that cannot be used.
    #[error("{}:{line}: `{key}`: {problem}", path.display())]
    Mistake {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What stands in that line.
        key: String,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
}

/// A file that is being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// What is wrong with those bytes.
    pub(super) fn mistake(&self, place: Option<Range<usize>>, problem: &str) -> FileError {
        let start = place.map_or(0, |place| place.start).min(self.text.len());
        let before = self.text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let key = self.text.lines().nth(line - 1).unwrap_or_default().trim().to_owned();
        FileError::Mistake { path: self.path.to_owned(), line, key, problem: problem.replace('\n', "; ") }
    }
}
