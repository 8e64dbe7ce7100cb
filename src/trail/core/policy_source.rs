//! A policy that comes from files: it is read again when one of them changes.
//!
//! Invariants:
//! 1. A file that is still being written is not read: its state has to be the same for two looks.
//! 2. What cannot be used changes nothing. It is an alarm once, until a policy can be used again.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::policy::Policy;

type Read = Box<dyn Fn() -> Result<Policy, String> + Send + Sync>;

/// Where the policy of a trail is read from.
pub(in crate::trail) struct PolicySource {
    paths: Vec<PathBuf>,
    read: Read,
    /// As the policy in force, or the last attempt, has them.
    taken: Vec<FileState>,
    /// As of the last look.
    seen: Vec<FileState>,
}

/// What tells that a file is another one, or has other content. `None`: it is not there, or cannot be looked at.
type FileState = Option<[i128; 5]>;

impl PolicySource {
    pub(in crate::trail) fn new(
        paths: Vec<PathBuf>,
        read: impl Fn() -> Result<Policy, String> + Send + Sync + 'static,
    ) -> Self {
        Self { paths, read: Box::new(read), taken: Vec::new(), seen: Vec::new() }
    }

    /// Reads it for the first time.
    pub(in crate::trail) fn begin(&mut self) -> Result<Policy, String> {
        // Looked at before they are read: what is written meanwhile is found by the next look.
        self.taken = self.look();
        self.seen.clone_from(&self.taken);
        (self.read)()
    }

    /// Reads it again if a file has changed, and is not changing any more.
    pub(in crate::trail) fn again(&mut self) -> Option<Result<Policy, String>> {
        let now = self.look();
        let is_quiet = std::mem::replace(&mut self.seen, now.clone()) == now;
        if !is_quiet || now == self.taken {
            return None;
        }
        self.taken = now;
        Some((self.read)())
    }

    /// The files, for people.
    pub(in crate::trail) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.paths.iter().map(PathBuf::as_path)
    }

    fn look(&self) -> Vec<FileState> {
        self.paths.iter().map(|path| std::fs::metadata(path).ok().map(|found| state(&found))).collect()
    }
}

impl fmt::Debug for PolicySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicySource").field("paths", &self.paths).finish_non_exhaustive()
    }
}

fn state(found: &Metadata) -> [i128; 5] {
    let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    [
        i128::from(found.dev()),
        i128::from(found.ino()),
        i128::from(found.len()),
        nanos(found.mtime(), found.mtime_nsec()),
        nanos(found.ctime(), found.ctime_nsec()),
    ]
}
