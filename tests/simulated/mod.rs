//! A file system in memory that loses what was not synced, and fails on demand.
//!
//! Every file has what the processes see (the page cache) and what the disk has. After a power loss:
//! - of the sectors that were written and not synced, any subset is there, whatever their order;
//! - of the names that were made, changed or removed since their directory was synced, any subset is;
//! - a length that was not synced may be the old one.
//!
//! After `kill -9` everything is there but what the process was doing: a write is cut anywhere, and a frame that was being
//! published has its first word still zero. A `sync` that fails leaves pages that count as written and are not, as in Linux:
//! every process reads what was written to them, no later sync writes them, whoever asks for it, and a power loss takes them.
//! Only who writes to them again makes them dirty. With [`Faults::evicts`] they are read from the disk again, so that what was
//! written to them is gone.
//!
//! Several processes may use the disk: each has its own view, which it dies with, and its own locks. Two may do something at the
//! same time (`turns`), and the threads of one go on while another one syncs (`meanwhile`). Faults may stay (`lasting`).
//!
//! All chance comes from a seed.

mod file;
mod lasting;
mod meanwhile;
mod node;
mod turns;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use auditrail::journal::{File, Fs, Identity};

pub use self::file::SimulatedFile;
pub use self::lasting::{Lasting, Operation};
use self::meanwhile::Meanwhile;
use self::node::{Change, Disk};
use self::turns::Turns;

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
    /// What a sync that fails has dropped is gone from memory, too.
    pub evicts: bool,
}

/// The disk, as one of the processes sees it.
#[derive(Debug, Clone)]
pub struct SimulatedFs {
    state: Arc<Mutex<State>>,
    process: usize,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) chance: Chance,
    pub(crate) disk: Disk,
    pub(crate) faults: Faults,
    /// Files, and where a block cannot be read.
    pub(crate) broken: Vec<(usize, u64)>,
    processes: [Process; PROCESSES],
    handles: u64,
    /// What fails until it is lifted.
    lasting: Vec<Lasting>,
    /// Operations that were made to fail.
    failures: u64,
    meanwhile: Vec<Meanwhile>,
    /// Two processes do something at the same time.
    turns: Option<Arc<Turns>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Process {
    /// Counts the runs; handles of earlier ones are dead.
    run: u64,
    dead: bool,
    /// Operations until the process dies.
    countdown: Option<u64>,
}

impl SimulatedFs {
    pub fn new(seed: u64, sector: usize) -> Self {
        let state = State {
            chance: Chance::new(seed),
            disk: Disk::new(sector),
            faults: Faults::default(),
            broken: Vec::new(),
            processes: [Process::default(); PROCESSES],
            handles: 0,
            lasting: Vec::new(),
            failures: 0,
            meanwhile: Vec::new(),
            turns: None,
        };
        Self { state: Arc::new(Mutex::new(state)), process: 0 }
    }

    /// The same disk, as another process sees it.
    pub fn of_process(&self, process: usize) -> Self {
        assert!(process < PROCESSES);
        Self { state: self.state.clone(), process }
    }

    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.state().faults);
    }

    /// The process dies in the middle of one of its next operations.
    pub fn die_after(&self, operations: u64) {
        self.state().processes[self.process].countdown = Some(operations);
    }

    /// The process is dead, in the middle of what it does.
    pub fn die(&self) {
        self.state().processes[self.process].dead = true;
    }

    pub fn is_dead(&self) -> bool {
        self.state().processes[self.process].dead
    }

    /// The process may be started again, after that end of the one before; a power loss ends all of them.
    pub fn restart(&self, death: Death) {
        let state = &mut *self.state();
        for (number, process) in state.processes.iter_mut().enumerate() {
            if number == self.process || death == Death::PowerLoss {
                *process = Process { run: process.run + 1, ..Process::default() };
            }
        }
        match death {
            Death::Kill => state.disk.kill(self.process),
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

    /// Whether these bytes would be there after a power loss, in a file of that directory, at a multiple of an alignment.
    pub fn is_durable(&self, directory: &Path, bytes: &[u8], alignment: usize) -> bool {
        self.state().disk.is_durable(directory, bytes, alignment)
    }

    /// Damages these bytes, also on the disk, wherever they stand at a multiple of an alignment in a file of that directory.
    pub fn damage(&self, directory: &Path, bytes: &[u8], alignment: usize) {
        self.state().disk.damage(directory, bytes, alignment);
    }

    pub fn paths(&self) -> Vec<PathBuf> {
        self.state().disk.paths()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The disk, for an operation that begins now.
    fn enter(&self) -> MutexGuard<'_, State> {
        self.change_turns();
        self.state()
    }

    fn file(&self, state: &mut State, inode: usize, path: &Path) -> Arc<dyn File> {
        state.handles += 1;
        let run = state.processes[self.process].run;
        Arc::new(SimulatedFile { fs: self.clone(), inode, path: path.to_owned(), run, handle: state.handles })
    }
}

impl State {
    /// Begins an operation. `true` if the process dies in it.
    pub(crate) fn begin(&mut self, process: usize) -> io::Result<bool> {
        let process = &mut self.processes[process];
        if process.dead {
            return Err(killed());
        }
        if let Some(left) = &mut process.countdown {
            if *left == 0 {
                process.dead = true;
                return Ok(true);
            }
            *left -= 1;
        }
        Ok(false)
    }

    /// An operation that happens as a whole or not at all.
    fn whole(&mut self, process: usize, act: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        if self.begin(process)? {
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
        self.enter().whole(self.process, |state| {
            if !state.disk.is_dir(path) {
                state.lasting(Operation::Create, path)?;
            }
            let missing: Vec<&Path> = path.ancestors().take_while(|path| !state.disk.is_dir(path)).collect();
            missing.iter().rev().try_for_each(|path| state.disk.change(Change::Directory(path.to_path_buf())))
        })
    }

    fn create_segment(&self, path: &Path, length: u64) -> io::Result<Arc<dyn File>> {
        let state = &mut *self.enter();
        let dies = state.begin(self.process)?;
        if state.disk.exists(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if dies && state.chance.one_in(3) {
            return Err(killed());
        }
        if state.faults.full {
            return Err(state.full());
        }
        state.lasting(Operation::Create, path)?;
        let inode = state.disk.create(path)?;
        let length = if dies { state.chance.below(length + 1) } else { length };
        state.disk.inodes[inode].set_length(length);
        if dies { Err(killed()) } else { Ok(self.file(state, inode, path)) }
    }

    fn open_or_create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let state = &mut *self.enter();
        let dies = state.begin(self.process)?;
        let there = state.disk.file(path);
        state.lasting(if there.is_some() { Operation::Open } else { Operation::Create }, path)?;
        let inode = match there {
            Some(inode) => inode,
            None if state.faults.full => return Err(state.full()),
            None if dies && state.chance.one_in(2) => return Err(killed()),
            None => state.disk.create(path)?,
        };
        if dies { Err(killed()) } else { Ok(self.file(state, inode, path)) }
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let state = &mut *self.enter();
        if state.begin(self.process)? {
            return Err(killed());
        }
        let inode = state.disk.file(path).ok_or(io::ErrorKind::NotFound)?;
        state.lasting(Operation::Open, path)?;
        Ok(self.file(state, inode, path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.enter().whole(self.process, |state| {
            if state.faults.full {
                return Err(state.full());
            }
            let inode = state.disk.file(from).ok_or(io::ErrorKind::NotFound)?;
            state.lasting(Operation::Rename, to)?;
            state.disk.change(Change::Rename(from.to_owned(), to.to_owned(), inode))
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.enter().whole(self.process, |state| match state.disk.file(path) {
            Some(_) => {
                state.lasting(Operation::Remove, path)?;
                state.disk.change(Change::Remove(path.to_owned()))
            }
            None => Err(io::ErrorKind::NotFound.into()),
        })
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.enter().whole(self.process, |state| match state.disk.names(path) {
            Some(names) if names.is_empty() => {
                state.lasting(Operation::Remove, path)?;
                state.disk.change(Change::Remove(path.to_owned()))
            }
            Some(_) => Err(io::ErrorKind::DirectoryNotEmpty.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        })
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.enter().whole(self.process, |state| {
            if state.faults.sync_dir > 0 {
                state.faults.sync_dir -= 1;
                return Err(state.injected("sync of a directory"));
            }
            state.lasting(Operation::SyncDirectory, path)?;
            state.disk.sync_dir(path)
        })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let state = &mut *self.enter();
        if state.begin(self.process)? {
            return Err(killed());
        }
        state.lasting(Operation::Open, path)?;
        state.disk.names(path).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        let state = &mut *self.enter();
        if state.begin(self.process)? {
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

/// At most, on one disk.
const PROCESSES: usize = 4;
