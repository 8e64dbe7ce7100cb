//! The real disk, which a test can make stand still: syncs, the creation of segments, or stores to them.

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use auditrail::journal::{Disk, File, Fs, Identity};

/// What stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    Syncs,
    Making,
    Stores,
}

#[derive(Debug, Clone, Default)]
pub struct HeldFs {
    disk: Disk,
    gate: Arc<Gate>,
}

#[derive(Debug, Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    held: Vec<Held>,
    /// The names of the threads that stand still now.
    standing: Vec<(Held, String)>,
}

/// Whatever ends the test: the disk goes on, and with it the threads that wait for it.
#[derive(Debug)]
pub struct Holding(HeldFs);

impl Drop for Holding {
    fn drop(&mut self) {
        self.0.gate.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).held.clear();
        self.0.gate.changed.notify_all();
    }
}

impl HeldFs {
    /// From now on, until the result is dropped.
    pub fn hold(&self, what: Held) -> Holding {
        self.gate.state.lock().unwrap().held.push(what);
        Holding(self.clone())
    }

    /// The first thread that stands still for that.
    pub fn stands(&self, what: Held) -> String {
        let mut state = self.gate.state.lock().unwrap();
        loop {
            if let Some((_, thread)) = state.standing.iter().find(|(held, _)| *held == what) {
                return thread.clone();
            }
            state = self.gate.changed.wait(state).unwrap();
        }
    }
}

impl Gate {
    fn pass(&self, what: Held) {
        let mut state = self.state.lock().unwrap();
        if !state.held.contains(&what) {
            return;
        }
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        state.standing.push((what, name.clone()));
        self.changed.notify_all();
        while state.held.contains(&what) {
            state = self.changed.wait(state).unwrap();
        }
        let at = state.standing.iter().position(|standing| *standing == (what, name.clone())).unwrap();
        state.standing.remove(at);
    }
}

impl Fs for HeldFs {
    fn create_segment(&self, path: &Path, length: u64) -> io::Result<Arc<dyn File>> {
        self.gate.pass(Held::Making);
        let file = self.disk.create_segment(path, length)?;
        Ok(Arc::new(Segment { file, gate: self.gate.clone() }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir(path)
    }

    fn open_or_create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.disk.open_or_create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.disk.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.gate.pass(Held::Making);
        self.disk.remove(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.gate.pass(Held::Syncs);
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
    gate: Arc<Gate>,
}

impl File for Segment {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.gate.pass(Held::Stores);
        self.file.write_at(offset, bytes)
    }

    fn publish(&self, offset: u64, frame: &[u8]) -> io::Result<()> {
        self.gate.pass(Held::Stores);
        self.file.publish(offset, frame)
    }

    fn publish_if(&self, offset: u64, frame: &[u8], is_wanted: &dyn Fn() -> bool) -> io::Result<bool> {
        self.gate.pass(Held::Stores);
        self.file.publish_if(offset, frame, is_wanted)
    }

    fn sync(&self) -> io::Result<()> {
        self.gate.pass(Held::Syncs);
        self.file.sync()
    }

    fn sync_range(&self, from: u64, to: u64) -> io::Result<()> {
        self.gate.pass(Held::Syncs);
        self.file.sync_range(from, to)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.file.set_length(length)
    }

    fn identity(&self) -> io::Result<Identity> {
        self.file.identity()
    }

    fn prepare(&self, offset: u64, length: u64) {
        // It would stand still, too; only threads of the journal do it.
        self.file.prepare(offset, length);
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.file.try_lock()
    }
}
