//! Lists, reads, writes and discards files of the quarantine.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::Quarantined;
use crate::journal::disk::Fs;
use crate::journal::error::{self, JournalError};
use crate::journal::format::JournalPaths;

/// The quarantine of a journal's directory.
#[derive(Debug, Clone)]
pub struct Quarantine {
    pub(super) fs: Arc<dyn Fs>,
    pub(super) paths: JournalPaths,
}

impl Quarantine {
    /// Opens the quarantine of a journal's directory.
    #[must_use]
    pub fn of(fs: Arc<dyn Fs>, directory: &Path) -> Self {
        Self { fs, paths: JournalPaths::new(directory) }
    }

    /// The names of all files, sorted; none if the directory does not exist.
    ///
    /// # Errors
    /// The error of the disk.
    pub fn names(&self) -> Result<Vec<String>, JournalError> {
        match self.fs.list(&self.paths.quarantine()) {
            Ok(names) => {
                let strip = |name: String| Some(name.strip_suffix(".rec")?.to_owned());
                let mut names: Vec<_> = names.into_iter().filter_map(strip).collect();
                names.sort_unstable();
                Ok(names)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(cause) => Err(JournalError::io("list", &self.paths.quarantine(), error::FIX)(cause)),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// The error of the disk, or that the file is damaged.
    pub fn read(&self, name: &str) -> Result<Quarantined, JournalError> {
        let path = self.path(name)?;
        let failed = |what| JournalError::io(what, &path, "see `auditrail journal quarantine list` for the names");
        let file = self.fs.open(&path).map_err(failed("open"))?;
        let length = file.identity().map_err(failed("read"))?.length;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        let read = file.read_at(0, &mut bytes).map_err(failed("read"))?;
        bytes.truncate(read);
        Quarantined::decode(bytes).ok_or_else(|| failed("understand")(io::ErrorKind::InvalidData.into()))
    }

    /// Removes a file.
    ///
    /// # Errors
    /// The error of the disk.
    pub fn discard(&self, name: &str) -> Result<(), JournalError> {
        let path = self.path(name)?;
        self.fs.remove(&path).and_then(|()| self.fs.sync_dir(&self.paths.quarantine())).map_err(JournalError::io(
            "remove",
            &path,
            error::FIX,
        ))
    }

    fn path(&self, name: &str) -> Result<PathBuf, JournalError> {
        let path = self.paths.quarantine().join(format!("{name}.rec"));
        if name.contains(['/', '\\', '.']) {
            let fix = "name one of `auditrail journal quarantine list`";
            return Err(JournalError::io("find", &path, fix)(io::ErrorKind::InvalidInput.into()));
        }
        Ok(path)
    }

    pub(super) fn write(&self, name: &str, content: &[u8]) -> Result<(), JournalError> {
        let path = self.paths.quarantine().join(format!("{name}.rec"));
        let new = path.with_extension("new");
        let write = || {
            drop(self.fs.remove(&new));
            let file = self.fs.open_or_create(&new)?;
            file.write_at(0, content)?;
            file.sync()?;
            self.fs.rename(&new, &path)?;
            self.fs.sync_dir(&self.paths.quarantine())
        };
        write().map_err(|cause| {
            drop(self.fs.remove(&new));
            JournalError::io("set aside records in", &path, error::FIX)(cause)
        })
    }
}
