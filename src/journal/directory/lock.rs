//! Creates and locks the directory of a journal.

use std::path::Path;
use std::sync::Arc;

use crate::journal::disk::{File, Fs};
use crate::journal::error::{self, JournalError};
use crate::journal::format::JournalPaths;
use crate::journal::options::JournalOptions;

/// Locks the directory, for as long as the returned file exists.
pub(in crate::journal) fn lock(options: &JournalOptions, paths: &JournalPaths) -> Result<Arc<dyn File>, JournalError> {
    let failed = |what| JournalError::io(what, paths.root(), error::FIX);
    let (patience, path) = (options.lock_patience, paths.lock());
    let file = options.fs.open_or_create(&path).map_err(failed("create the lock of"))?;
    match file.lock_within(patience).map_err(failed("lock"))? {
        true => Ok(file),
        false => Err(JournalError::Locked { path, patience }),
    }
}

pub(in crate::journal) fn make_directories(fs: &dyn Fs, paths: &JournalPaths) -> Result<(), JournalError> {
    let is_new = |directory: &&Path| fs.identity(directory).is_err();
    let new: Vec<&Path> = paths.root().ancestors().take_while(is_new).collect();
    for directory in [paths.root(), &paths.streams(), &paths.quarantine()] {
        fs.create_dir(directory).map_err(JournalError::io("make the directory", directory, error::FIX))?;
    }
    // The entries of parent directories as well, because a process that was killed at this point may have created them.
    // Existing parents may be closed to this user, and then they are not this process's concern.
    for directory in paths.root().ancestors() {
        let Some(parent) = directory.parent().filter(|parent| *parent != Path::new("")) else { break };
        let synced = fs.sync_dir(parent);
        if new.contains(&directory) {
            synced.map_err(JournalError::io("sync", parent, error::FIX))?;
        }
    }
    fs.sync_dir(paths.root()).map_err(JournalError::io("sync", paths.root(), error::FIX))
}
