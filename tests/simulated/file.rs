//! An open file of the simulated disk.

use std::io;
use std::path::PathBuf;
use std::sync::MutexGuard;

use auditrail::journal::{File, Identity};

use super::{Operation, SimulatedFs, State, killed};

#[derive(Debug)]
pub struct SimulatedFile {
    pub(super) fs: SimulatedFs,
    pub(super) inode: usize,
    /// Where it was opened.
    pub(super) path: PathBuf,
    pub(super) run: u64,
    pub(super) handle: u64,
}

impl SimulatedFile {
    fn begin(&self) -> io::Result<(MutexGuard<'_, State>, bool)> {
        let mut state = self.fs.enter();
        if self.is_of_another_run(&state) {
            return Err(killed());
        }
        let dies = state.begin(self.fs.process)?;
        Ok((state, dies))
    }

    fn is_of_another_run(&self, state: &State) -> bool {
        state.processes[self.fs.process].run != self.run
    }

    /// Writes all, or a part if the process dies.
    fn write(&self, offset: u64, bytes: &[u8], dies: bool, state: &mut State) -> io::Result<()> {
        let length = if dies { state.chance.below(bytes.len() as u64 + 1) } else { bytes.len() as u64 };
        let bytes = &bytes[..usize::try_from(length).unwrap()];
        state.disk.inodes[self.inode].write(usize::try_from(offset).unwrap(), bytes, &mut state.chance);
        if dies { Err(killed()) } else { Ok(()) }
    }

    /// What it makes durable is what was written before it began; what is written meanwhile may become durable or not.
    fn sync_bytes(&self, from: u64, to: u64) -> io::Result<()> {
        let (mut state, dies) = self.begin()?;
        let covered = state.disk.inodes[self.inode].begin_sync(from, to);
        drop(state);
        self.fs.is_syncing();
        self.fs.change_turns();
        let state = &mut *self.fs.state();
        let lasting = state.lasting(Operation::Sync, &self.path);
        let evicts = state.faults.evicts && state.chance.one_in(2);
        let inode = &mut state.disk.inodes[self.inode];
        if dies || state.processes[self.fs.process].dead {
            inode.leave_sync(covered, &mut state.chance);
            return Err(killed());
        }
        if state.faults.sync > 0 || lasting.is_err() {
            state.faults.sync = state.faults.sync.saturating_sub(1);
            inode.fail_sync(covered, evicts, &mut state.chance);
            lasting?;
            return Err(state.injected("sync"));
        }
        inode.end_sync(covered, &mut state.chance);
        Ok(())
    }

    /// Writes a part, if writing fails until that is lifted.
    fn fail_for_long(&self, offset: u64, bytes: &[u8], state: &mut State) -> io::Result<()> {
        state.lasting(Operation::Write, &self.path).inspect_err(|_| {
            let length = usize::try_from(state.chance.below(bytes.len() as u64 + 1)).unwrap();
            let part = bytes.get(..length).filter(|part| part.len() < bytes.len()).unwrap_or_default();
            state.disk.inodes[self.inode].write(usize::try_from(offset).unwrap(), part, &mut state.chance);
        })
    }
}

impl File for SimulatedFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let (mut state, dies) = self.begin()?;
        if dies {
            return Err(killed());
        }
        state.lasting(Operation::Read, &self.path)?;
        if state.faults.read > 0 {
            state.faults.read -= 1;
            return Err(state.injected("read"));
        }
        let is_in = |at: u64| offset < at + 4096 && at < offset + buffer.len() as u64;
        if state.broken.iter().any(|(inode, at)| *inode == self.inode && is_in(*at)) {
            return Err(state.injected("a block that cannot be read"));
        }
        let content = &state.disk.inodes[self.inode].content;
        let from = usize::try_from(offset).unwrap().min(content.len());
        let read = buffer.len().min(content.len() - from);
        buffer[..read].copy_from_slice(&content[from..from + read]);
        Ok(read)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (mut state, dies) = self.begin()?;
        let there = state.disk.inodes[self.inode].content.len() as u64;
        if state.faults.full && offset + bytes.len() as u64 > there {
            let short = state.chance.below(bytes.len() as u64);
            self.write(offset, &bytes[..usize::try_from(short).unwrap()], false, &mut state)?;
            return Err(state.full());
        }
        self.fail_for_long(offset, bytes, &mut state)?;
        self.write(offset, bytes, dies, &mut state)
    }

    fn publish(&self, offset: u64, frame: &[u8]) -> io::Result<()> {
        let (mut state, dies) = self.begin()?;
        if state.faults.publish > 0 {
            state.faults.publish -= 1;
            let short = state.chance.below(frame.len() as u64 - 4);
            self.write(offset + 4, &frame[4..4 + usize::try_from(short).unwrap()], false, &mut state)?;
            return Err(state.injected("short write"));
        }
        self.fail_for_long(offset + 4, &frame[4..], &mut state)?;
        self.write(offset + 4, &frame[4..], dies, &mut state)?;
        self.write(offset, &frame[..4], false, &mut state)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_bytes(0, u64::MAX)
    }

    /// Of whole pages, and not of others.
    fn sync_range(&self, from: u64, to: u64) -> io::Result<()> {
        self.sync_bytes(from / PAGE * PAGE, to.next_multiple_of(PAGE))
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let (mut state, dies) = self.begin()?;
        if !dies {
            state.disk.inodes[self.inode].set_length(length);
        }
        if dies { Err(killed()) } else { Ok(()) }
    }

    fn identity(&self) -> io::Result<Identity> {
        let (state, dies) = self.begin()?;
        if dies { Err(killed()) } else { Ok(state.disk.identity(self.inode)) }
    }

    fn prepare(&self, _: u64, _: u64) {}

    fn try_lock(&self) -> io::Result<bool> {
        let (mut state, dies) = self.begin()?;
        if dies {
            return Err(killed());
        }
        let lock = &mut state.disk.inodes[self.inode].lock;
        let ours = (self.fs.process, self.handle);
        let free = lock.is_none_or(|holder| holder == ours);
        if free {
            *lock = Some(ours);
        }
        Ok(free)
    }
}

impl Drop for SimulatedFile {
    fn drop(&mut self) {
        let Ok(mut state) = self.fs.state.lock() else { return };
        if !self.is_of_another_run(&state) {
            let lock = &mut state.disk.inodes[self.inode].lock;
            lock.take_if(|holder| *holder == (self.fs.process, self.handle));
        }
    }
}

const PAGE: u64 = 4096;
