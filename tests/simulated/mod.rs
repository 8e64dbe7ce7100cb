//! A file system in memory that forgets what was not synced, and fails when it is told to.
//!
//! Every file has what the processes see (the page cache) and what the disk has. After a power loss:
//! - of the sectors that were written and not synced, any subset is there, whatever their order;
//! - of the names that were made, changed or removed since their directory was synced, any subset is;
//! - a length that was not synced may be the old one.
//!
//! After `kill -9` everything is there but what the process was doing: a write is cut anywhere, and a frame that was being
//! published has its first word still zero. A `sync` that fails leaves pages that count as written and are not, as in Linux;
//! whoever opens the file after a kill finds them dirty again, which Linux does not promise, as nothing can be built on less.
//!
//! All chance comes from a seed.

mod file;
mod node;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use auditrail::journal::{File, Fs, Identity};

pub use self::file::SimulatedFile;
use self::node::{Change, Disk};

/// Pseudo-random numbers (splitmix64).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// What ends a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    Kill,
    PowerLoss,
}

/// What fails next.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// So many syncs of files fail.
    pub sync: u32,
    /// So many syncs of directories fail.
    pub sync_dir: u32,
    /// So many publications are cut short.
    pub publish: u32,
    /// So many reads fail.
    pub read: u32,
    /// No space for anything new.
    pub full: bool,
}

#[derive(Debug, Clone)]
pub struct SimulatedFs(Arc<Mutex<State>>);

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) chance: Chance,
    pub(crate) disk: Disk,
    pub(crate) faults: Faults,
    /// Files, and where a block cannot be read.
    pub(crate) broken: Vec<(usize, u64)>,
    /// Counts the runs; handles of earlier ones are dead.
    pub(crate) run: u64,
    pub(crate) dead: bool,
    /// Operations until the process dies.
    countdown: Option<u64>,
    handles: u64,
}

impl SimulatedFs {
    pub fn new(seed: u64, sector: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            chance: Chance::new(seed),
            disk: Disk::new(sector),
            faults: Faults::default(),
            broken: Vec::new(),
            run: 0,
            dead: false,
            countdown: None,
            handles: 0,
        })))
    }

    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.state().faults);
    }

    /// The process dies in the middle of one of the next operations.
    pub fn die_after(&self, operations: u64) {
        self.state().countdown = Some(operations);
    }

    pub fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// Another process is started, after that end of the one before.
    pub fn restart(&self, death: Death) {
        let state = &mut *self.state();
        state.run += 1;
        state.dead = false;
        state.countdown = None;
        match death {
            Death::Kill => state.disk.kill(),
            Death::PowerLoss => state.disk.lose_power(&mut state.chance),
        }
    }

    /// The content of a file as processes see it.
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        let inode = state.disk.file(path)?;
        Some(state.disk.inodes[inode].content.clone())
    }

    /// Changes the content of a file, also on the disk.
    pub fn overwrite(&self, path: &Path, content: &[u8]) {
        let state = &mut *self.state();
        if let Some(inode) = state.disk.file(path) {
            state.disk.inodes[inode].overwrite(content);
        }
    }

    /// A block of 4 KiB of a file can never be read again.
    pub fn break_block(&self, path: &Path, at: u64) {
        let state = &mut *self.state();
        if let Some(inode) = state.disk.file(path) {
            state.broken.push((inode, at));
        }
    }

    /// Puts a file there, also on the disk, with the directory that it needs.
    pub fn put(&self, path: &Path, content: &[u8]) {
        if let Some(directory) = path.parent() {
            self.create_dir(directory).unwrap();
        }
        let state = &mut *self.state();
        let inode = state.disk.file(path).unwrap_or_else(|| state.disk.create(path).unwrap());
        state.disk.inodes[inode].overwrite(content);
    }

    pub fn paths(&self) -> Vec<PathBuf> {
        self.state().disk.paths()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn file(&self, state: &mut State, inode: usize) -> Arc<dyn File> {
        state.handles += 1;
        Arc::new(SimulatedFile { fs: self.clone(), inode, run: state.run, handle: state.handles })
    }
}

impl State {
    /// Begins an operation. `true` if the process dies in it.
    pub(crate) fn begin(&mut self) -> io::Result<bool> {
        if self.dead {
            return Err(killed());
        }
        if let Some(left) = &mut self.countdown {
            if *left == 0 {
                self.dead = true;
                return Ok(true);
            }
            *left -= 1;
        }
        Ok(false)
    }

    /// An operation that happens as a whole or not at all.
    fn whole(&mut self, act: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        if self.begin()? {
            if self.chance.one_in(2) {
                act(self).ok();
            }
            return Err(killed());
        }
        act(self)
    }
}

impl Fs for SimulatedFs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.state().whole(|state| {
            let missing: Vec<&Path> = path.ancestors().take_while(|path| !state.disk.is_dir(path)).collect();
            missing.iter().rev().try_for_each(|path| state.disk.change(Change::Directory(path.to_path_buf())))
        })
    }

    fn create_segment(&self, path: &Path, length: u64) -> io::Result<Arc<dyn File>> {
        let state = &mut *self.state();
        let dies = state.begin()?;
        if state.disk.exists(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if dies && state.chance.one_in(3) {
            return Err(killed());
        }
        if state.faults.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let inode = state.disk.create(path)?;
        let length = if dies { state.chance.below(length + 1) } else { length };
        state.disk.inodes[inode].set_length(length);
        if dies { Err(killed()) } else { Ok(self.file(state, inode)) }
    }

    fn open_or_create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let state = &mut *self.state();
        let dies = state.begin()?;
        let inode = match state.disk.file(path) {
            Some(inode) => inode,
            None if state.faults.full => return Err(io::ErrorKind::StorageFull.into()),
            None if dies && state.chance.one_in(2) => return Err(killed()),
            None => state.disk.create(path)?,
        };
        if dies { Err(killed()) } else { Ok(self.file(state, inode)) }
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let state = &mut *self.state();
        if state.begin()? {
            return Err(killed());
        }
        let inode = state.disk.file(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.file(state, inode))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state().whole(|state| {
            if state.faults.full {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let inode = state.disk.file(from).ok_or(io::ErrorKind::NotFound)?;
            state.disk.change(Change::Rename(from.to_owned(), to.to_owned(), inode))
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state().whole(|state| match state.disk.file(path) {
            Some(_) => state.disk.change(Change::Remove(path.to_owned())),
            None => Err(io::ErrorKind::NotFound.into()),
        })
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.state().whole(|state| match state.disk.names(path) {
            Some(names) if names.is_empty() => state.disk.change(Change::Remove(path.to_owned())),
            Some(_) => Err(io::ErrorKind::DirectoryNotEmpty.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        })
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.state().whole(|state| {
            if state.faults.sync_dir > 0 {
                state.faults.sync_dir -= 1;
                return Err(io::Error::other("injected: sync of a directory"));
            }
            state.disk.sync_dir(path)
        })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let state = &mut *self.state();
        if state.begin()? {
            return Err(killed());
        }
        state.disk.names(path).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        let state = &mut *self.state();
        if state.begin()? {
            return Err(killed());
        }
        if state.disk.is_dir(path) {
            return Ok(Identity { device: 1, inode: 0, length: 0 });
        }
        state.disk.file(path).map(|inode| state.disk.identity(inode)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

pub(crate) fn killed() -> io::Error {
    io::Error::other("the process is dead")
}
