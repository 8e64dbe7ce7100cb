//! A disk on a file system that lacks a feature the journal needs, if the operator has accepted that.
//!
//! Segments are passed through, so records cost nothing more.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::fs::{File, Fs, Identity};
use super::lack::Lack;
use crate::locks::Mutex;

/// Features that the journal may do without.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Without {
    /// Directories that can be synced. Without it, the files of synced records may be missing after a power loss.
    pub directory_sync: bool,
    /// Locks. Without them, two processes must not use the directory at the same time, and nothing detects it.
    pub lock: bool,
}

/// Another disk, without the features that it lacks.
#[derive(Debug, Clone)]
pub struct Tolerant {
    inner: Arc<dyn Fs>,
    without: Without,
    missed: Arc<Missed>,
}

/// The features that turned out to be missing.
#[derive(Debug, Default)]
struct Missed {
    directory_sync: AtomicBool,
    lock: AtomicBool,
}

impl Tolerant {
    /// Wraps a disk that may lack these features.
    #[must_use]
    pub fn new(inner: Arc<dyn Fs>, without: Without) -> Self {
        Self { inner, without, missed: Arc::default() }
    }

    /// The features that turned out to be missing so far.
    #[must_use]
    pub fn missed(&self) -> Without {
        Without {
            directory_sync: self.missed.directory_sync.load(Ordering::Relaxed),
            lock: self.missed.lock.load(Ordering::Relaxed),
        }
    }

    fn file(&self, file: Arc<dyn File>) -> Arc<dyn File> {
        match self.without.lock {
            true => Arc::new(Lockless { inner: file, missed: self.missed.clone(), held: OnceLock::new() }),
            false => file,
        }
    }
}

impl Fs for Tolerant {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir(path)
    }

    fn create_segment(&self, path: &Path, length: u64) -> io::Result<Arc<dyn File>> {
        self.inner.create_segment(path, length)
    }

    fn open_or_create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.inner.open_or_create(path).map(|file| self.file(file))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.inner.open(path).map(|file| self.file(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        match self.inner.sync_dir(path) {
            Err(error) if self.without.directory_sync && Lack::DirectorySync.is(&error) => {
                self.missed.directory_sync.store(true, Ordering::Relaxed);
                Ok(())
            }
            synced => synced,
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.inner.list(path)
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        self.inner.identity(path)
    }
}

/// A file whose lock only this process knows, if the file system has none.
#[derive(Debug)]
struct Lockless {
    inner: Arc<dyn File>,
    missed: Arc<Missed>,
    held: OnceLock<HeldLock>,
}

impl File for Lockless {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_at(offset, bytes)
    }

    fn publish(&self, offset: u64, frame: &[u8]) -> io::Result<()> {
        self.inner.publish(offset, frame)
    }

    fn publish_if(&self, offset: u64, frame: &[u8], is_wanted: &dyn Fn() -> bool) -> io::Result<bool> {
        self.inner.publish_if(offset, frame, is_wanted)
    }

    fn sync(&self) -> io::Result<()> {
        self.inner.sync()
    }

    fn sync_range(&self, from: u64, to: u64) -> io::Result<()> {
        self.inner.sync_range(from, to)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.inner.set_length(length)
    }

    fn identity(&self) -> io::Result<Identity> {
        self.inner.identity()
    }

    fn prepare(&self, offset: u64, length: u64) {
        self.inner.prepare(offset, length);
    }

    fn try_lock(&self) -> io::Result<bool> {
        match self.inner.try_lock() {
            Err(error) if Lack::Lock.is(&error) => {}
            locked => return locked,
        }
        self.missed.lock.store(true, Ordering::Relaxed);
        if self.held.get().is_some() {
            return Ok(true);
        }
        let Some(held) = HeldLock::take(self.inner.identity()?) else { return Ok(false) };
        Ok(self.held.set(held).is_ok())
    }
}

/// A file that this process has locked, until this is dropped.
#[derive(Debug)]
struct HeldLock((u64, u64));

impl HeldLock {
    fn take(file: Identity) -> Option<Self> {
        let file = (file.device, file.inode);
        HELD_LOCKS.lock().insert(file).then(|| Self(file))
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        HELD_LOCKS.lock().remove(&self.0);
    }
}

static HELD_LOCKS: Mutex<BTreeSet<(u64, u64)>> = Mutex::new(BTreeSet::new());
