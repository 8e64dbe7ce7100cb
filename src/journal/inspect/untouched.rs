//! A disk for inspections: it reads, and changes nothing.

use std::fs::{self, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::OFlags;

use crate::journal::disk::{Disk, File, Fs, Identity};

/// Reads, and changes nothing. It pretends to remove what recovery removes (prepared and superseded files) and to sync what
/// recovery syncs. Every other change is an error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Untouched;

impl Fs for Untouched {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Err(refused())
    }

    fn create_segment(&self, _: &Path, _: u64) -> io::Result<Arc<dyn File>> {
        Err(refused())
    }

    fn open_or_create(&self, _: &Path) -> io::Result<Arc<dyn File>> {
        Err(refused())
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        // Opening must not wait for a named pipe.
        let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        Ok(Arc::new(UntouchedFile(file)))
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(refused())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove_dir(&self, _: &Path) -> io::Result<()> {
        Err(refused())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        Disk::default().list(path)
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        Disk::default().identity(path)
    }
}

#[derive(Debug)]
struct UntouchedFile(fs::File);

impl File for UntouchedFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut read = 0;
        while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, offset + read as u64) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(refused())
    }

    fn publish(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(refused())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_length(&self, _: u64) -> io::Result<()> {
        Err(refused())
    }

    fn identity(&self) -> io::Result<Identity> {
        let metadata = self.0.metadata()?;
        Ok(Identity { device: metadata.dev(), inode: metadata.ino(), length: metadata.len() })
    }

    fn prepare(&self, _: u64, _: u64) {}

    /// Shared, so that inspections do not block one another.
    fn try_lock(&self) -> io::Result<bool> {
        match self.0.try_lock_shared() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn refused() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, "an inspection changes nothing")
}
