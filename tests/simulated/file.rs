//! An open file of the simulated disk.

use std::io;
use std::sync::MutexGuard;

use auditrail::journal::{File, Identity};

use super::{SimulatedFs, State, killed};

#[derive(Debug)]
pub struct SimulatedFile {
    pub(super) fs: SimulatedFs,
    pub(super) inode: usize,
    pub(super) run: u64,
    pub(super) handle: u64,
}

impl SimulatedFile {
    fn begin(&self) -> io::Result<(MutexGuard<'_, State>, bool)> {
        let mut state = self.fs.state();
        if state.run != self.run {
            return Err(killed());
        }
        let dies = state.begin()?;
        Ok((state, dies))
    }

    /// Writes all, or a part if the process dies.
    fn write(&self, offset: u64, bytes: &[u8], dies: bool, state: &mut State) -> io::Result<()> {
        let length = if dies { state.chance.below(bytes.len() as u64 + 1) } else { bytes.len() as u64 };
        let bytes = &bytes[..usize::try_from(length).unwrap()];
        state.disk.inodes[self.inode].write(usize::try_from(offset).unwrap(), bytes, &mut state.chance);
        if dies { Err(killed()) } else { Ok(()) }
    }
}

impl File for SimulatedFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let (mut state, dies) = self.begin()?;
        if dies {
            return Err(killed());
        }
        if state.faults.read > 0 {
            state.faults.read -= 1;
            return Err(io::Error::other("injected: read"));
        }
        let is_in = |at: u64| offset < at + 4096 && at < offset + buffer.len() as u64;
        if state.broken.iter().any(|(inode, at)| *inode == self.inode && is_in(*at)) {
            return Err(io::Error::other("injected: a block that cannot be read"));
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
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.write(offset, bytes, dies, &mut state)
    }

    fn publish(&self, offset: u64, frame: &[u8]) -> io::Result<()> {
        let (mut state, dies) = self.begin()?;
        if state.faults.publish > 0 {
            state.faults.publish -= 1;
            let short = state.chance.below(frame.len() as u64 - 4);
            self.write(offset + 4, &frame[4..4 + usize::try_from(short).unwrap()], false, &mut state)?;
            return Err(io::Error::other("injected: short write"));
        }
        self.write(offset + 4, &frame[4..], dies, &mut state)?;
        self.write(offset, &frame[..4], false, &mut state)
    }

    fn sync(&self) -> io::Result<()> {
        let (mut state, dies) = self.begin()?;
        let state = &mut *state;
        let inode = &mut state.disk.inodes[self.inode];
        if state.faults.sync > 0 {
            state.faults.sync -= 1;
            inode.fail_sync(&mut state.chance);
            return Err(io::Error::other("injected: sync"));
        }
        if dies {
            return Err(killed());
        }
        inode.sync();
        Ok(())
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
        let free = lock.is_none_or(|handle| handle == self.handle);
        if free {
            *lock = Some(self.handle);
        }
        Ok(free)
    }
}

impl Drop for SimulatedFile {
    fn drop(&mut self) {
        let Ok(mut state) = self.fs.0.lock() else { return };
        if state.run == self.run {
            let lock = &mut state.disk.inodes[self.inode].lock;
            lock.take_if(|handle| *handle == self.handle);
        }
    }
}
