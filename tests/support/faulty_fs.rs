//! The real disk, whose segments sync when, and if, a test lets them, and of which parts cannot be read.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

use auditrail::journal::{Disk, File, Fs, Identity};

#[derive(Debug, Clone, Default)]
pub struct FaultyFs {
    disk: Disk,
    syncs: Arc<Syncs>,
}

/// What happens to `fdatasync` of segments.
#[derive(Debug, Default)]
struct Syncs {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    held: bool,
    failing: u64,
    /// Below it they do not.
    spared: Option<PathBuf>,
    /// Bytes of segments that the disk cannot read.
    unreadable: Vec<(PathBuf, Range<u64>)>,
    begun: u64,
    done: u64,
}

impl FaultyFs {
    /// Syncs wait from now on.
    pub fn hold(&self) {
        self.change(|state| state.held = true);
    }

    pub fn release(&self) {
        self.change(|state| state.held = false);
    }

    /// So many syncs fail from now on.
    pub fn fail(&self, syncs: u64) {
        self.change(|state| state.failing = syncs);
    }

    /// All syncs fail from now on, but of segments below that path.
    pub fn fail_but_below(&self, path: &Path) {
        self.change(|state| (state.failing, state.spared) = (u64::MAX, Some(path.to_owned())));
    }

    /// Reading any of these bytes of a segment gives EIO, once it is opened to be read.
    pub fn cannot_read(&self, segment: &Path, bytes: Range<u64>) {
        self.change(|state| state.unreadable.push((segment.to_owned(), bytes)));
    }

    /// Syncs that succeeded.
    pub fn synced(&self) -> u64 {
        self.syncs.state.lock().unwrap().done
    }

    /// Syncs that began.
    pub fn begun(&self) -> u64 {
        self.syncs.state.lock().unwrap().begun
    }

    /// Waits until more have begun. Blocks.
    pub fn begun_beyond(&self, begun: u64) {
        let mut state = self.syncs.state.lock().unwrap();
        while state.begun <= begun {
            state = self.syncs.changed.wait(state).unwrap();
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.syncs.state.lock().unwrap());
        self.syncs.changed.notify_all();
    }
}

impl Syncs {
    fn sync(&self, file: &dyn File, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.begun += 1;
        self.changed.notify_all();
        while state.held {
            state = self.changed.wait(state).unwrap();
        }
        if state.failing > 0 && !state.spared.as_ref().is_some_and(|spared| path.starts_with(spared)) {
            state.failing -= 1;
            return Err(io::Error::other("the disk has failed"));
        }
        drop(state);
        file.sync()?;
        self.state.lock().unwrap().done += 1;
        Ok(())
    }
}

impl Fs for FaultyFs {
    fn create_segment(&self, path: &Path, length: u64) -> io::Result<Arc<dyn File>> {
        let file = self.disk.create_segment(path, length)?;
        Ok(Arc::new(Segment { file, path: path.to_owned(), syncs: self.syncs.clone() }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir(path)
    }

    fn open_or_create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.disk.open_or_create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let file = self.disk.open(path)?;
        Ok(if path.extension().is_some_and(|extension| extension == "seg") {
            Arc::new(Segment { file, path: path.to_owned(), syncs: self.syncs.clone() })
        } else {
            file
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.disk.list(path)
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        self.disk.identity(path)
    }
}

#[derive(Debug)]
struct Segment {
    file: Arc<dyn File>,
    path: PathBuf,
    syncs: Arc<Syncs>,
}

impl File for Segment {
    fn sync(&self) -> io::Result<()> {
        self.syncs.sync(&*self.file, &self.path)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let end = offset + buffer.len() as u64;
        let is_bad =
            |(path, bytes): &(PathBuf, Range<u64>)| *path == self.path && bytes.start < end && offset < bytes.end;
        if self.syncs.state.lock().unwrap().unreadable.iter().any(is_bad) {
            return Err(io::Error::from_raw_os_error(5));
        }
        self.file.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)
    }

    fn publish(&self, offset: u64, frame: &[u8]) -> io::Result<()> {
        self.file.publish(offset, frame)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.file.set_length(length)
    }

    fn identity(&self) -> io::Result<Identity> {
        self.file.identity()
    }

    fn prepare(&self, offset: u64, length: u64) {
        self.file.prepare(offset, length);
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.file.try_lock()
    }
}
