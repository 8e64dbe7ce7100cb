//! Watches the files of the stream, and creates them again if they were removed or replaced.

use std::io;
use std::ops::Range;
use std::path::Path;

use crate::journal::directory::make_owner;
use crate::journal::disk::{File, Identity};
use crate::journal::error::{self, JournalError};
use crate::journal::state::Shared;

impl Shared {
    /// Writes a removed or replaced file again: this process alone still has its content.
    pub(in crate::journal) fn watch(&self) {
        let (path, identity) = {
            let state = self.state();
            (state.segments.active.path.clone(), state.segments.active.identity)
        };
        if self.is_there(&path, identity) && self.owner_is_there() {
            self.recovered(REPLACED, "the files of the journal are complete again");
            return;
        }
        if self.state().upkeep.stop {
            // The stream is done and was removed.
            return;
        }
        let again = self.claim_again().and_then(|()| self.write_segment_again(&path));
        let error = again.err().map_or(String::new(), |error| format!(", which failed: {error}"));
        self.degraded(REPLACED, &format!("{} was removed or replaced, and is written again{error}", path.display()));
    }

    fn is_there(&self, path: &Path, identity: Identity) -> bool {
        let there = self.options.fs.identity(path);
        there.is_ok_and(|there| (there.device, there.inode) == (identity.device, identity.inode))
    }

    fn owner_is_there(&self) -> bool {
        let owner = self.state().upkeep.owner_again.clone().unwrap_or_else(|| self.owner.clone());
        owner.identity().is_ok_and(|identity| self.is_there(&self.paths.owner(), identity))
    }

    /// Creates the file again that says whose stream this is. Without it, other processes take the stream for an orphan.
    fn claim_again(&self) -> Result<(), JournalError> {
        if self.owner_is_there() {
            return Ok(());
        }
        let fs = &self.options.fs;
        fs.create_dir(self.paths.root()).map_err(JournalError::io("create", self.paths.root(), error::FIX))?;
        let new = self.paths.owner().with_extension("new");
        drop(fs.remove(&new));
        let owner = make_owner(&self.options, self.stream, &new)?;
        let path = self.paths.owner();
        fs.rename(&new, &path).map_err(JournalError::io("create", &path, error::FIX))?;
        self.state().upkeep.owner_again = Some(owner);
        Ok(())
    }

    /// Copies the active segment from the open file to a new file of that name, if it is still the active one.
    fn write_segment_again(&self, path: &Path) -> Result<(), JournalError> {
        let fs = &self.options.fs;
        let failed = |what| JournalError::io(what, path, error::FIX);
        let new = path.with_extension("new");
        drop(fs.remove(&new));
        let before = self.state().segments.active.clone();
        if before.path != path {
            return Ok(());
        }
        let file = fs.create_segment(&new, before.length).map_err(failed("create"))?;
        let copied = copy(&*before.file, &*file, 0..before.offset).and_then(|()| file.sync());
        copied.map_err(failed("write"))?;
        // The rest. From here on no thread writes to the old file.
        let now = self.turn().segments.active.clone();
        let identity = if now.number == before.number {
            let copied = copy(&*now.file, &*file, before.offset..now.offset)
                .and_then(|()| file.sync())
                .and_then(|()| fs.rename(&new, path))
                .and_then(|()| fs.sync_dir(self.paths.root()))
                .and_then(|()| self.paths.root().parent().map_or(Ok(()), |streams| fs.sync_dir(streams)))
                .and_then(|()| file.identity());
            copied.map(Some)
        } else {
            Ok(None)
        };
        let mut state = self.state();
        if let Ok(Some(identity)) = identity {
            state.segments.active.identity = identity;
            state.segments.active.file = file;
            state.segments.active.at_hand = None;
            state.segments.active.prepared = 0;
            if let Some(segment) = state.segments.unsettled.back_mut() {
                // The reader has the old file open.
                segment.remade += 1;
            }
        }
        self.end_turn(&mut state);
        drop(state);
        identity.map(drop).map_err(failed("write"))
    }
}

fn copy(from: &dyn File, to: &dyn File, range: Range<u64>) -> io::Result<()> {
    let mut content = vec![0; usize::try_from(range.end.saturating_sub(range.start)).unwrap_or_default()];
    from.read_at(range.start, &mut content)?;
    to.write_at(range.start, &content)
}

const REPLACED: &str = crate::record::error_type::JOURNAL_FILE_REPLACED;
