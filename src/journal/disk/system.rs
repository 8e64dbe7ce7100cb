//! The real disk.

use std::fs::{self, TryLockError};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustix::fs::{FallocateFlags, OFlags, fallocate};
use rustix::process::{Resource, getrlimit};

use super::forked::Locked;
use super::fs::{File, Fs, Identity};
use super::make_dir;
use super::mapped::Mapping;

/// Files of the operating system. Segments are mapped into memory where possible, and written with `pwrite` elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk {
    /// Never maps, for file systems on which mappings are not reliable.
    pub without_mapping: bool,
}

impl Fs for Disk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        make_private(&make_dir::made(path)?, 0o700)
    }

    fn create_segment(&self, path: &Path, length: u64) -> io::Result<Arc<dyn File>> {
        check_length(length)?;
        let file = open(path, OFlags::EXCL, true, true)?;
        let allocated = make_private(&file, 0o600).and_then(|()| allocate(&file, length));
        if let Err(error) = allocated {
            // An incomplete file of that name would block the next attempt.
            drop(fs::remove_file(path));
            return Err(error);
        }
        let mapping = if self.without_mapping { None } else { Mapping::of(&file, length).ok() };
        Ok(DiskFile::opened(file, mapping))
    }

    fn open_or_create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let file = open(path, OFlags::empty(), true, true)?;
        make_private(&file, 0o600)?;
        Ok(DiskFile::opened(file, None))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let file = open(path, OFlags::empty(), true, false)?;
        make_private(&file, 0o600)?;
        Ok(DiskFile::opened(file, None))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        // `create_dir` has checked the owners of the links on the way.
        let flags = i32::try_from((OFlags::DIRECTORY | OFlags::CLOEXEC).bits()).unwrap_or_default();
        fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?.sync_all()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        // All names of the journal are ASCII.
        let mut names: Vec<String> = names.filter_map(Result::transpose).collect::<io::Result<_>>()?;
        names.sort_unstable();
        Ok(names)
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        Ok(identity(&fs::symlink_metadata(path)?))
    }
}

#[derive(Debug)]
struct DiskFile {
    file: fs::File,
    mapping: Option<Mapping>,
    /// Set at the first attempt to lock the file.
    locked: OnceLock<Locked>,
}

impl DiskFile {
    fn opened(file: fs::File, mapping: Option<Mapping>) -> Arc<dyn File> {
        Arc::new(Self { file, mapping, locked: OnceLock::new() })
    }
}

impl Drop for DiskFile {
    /// Unlocks before it closes: a child that is forked before the closing would otherwise keep the lock.
    fn drop(&mut self) {
        if let Some(locked) = self.locked.take().filter(|locked| !locked.is_inherited()) {
            // If it cannot be unlocked now, closing it unlocks it.
            let _unlocked = self.file.unlock();
            drop(locked);
        }
    }
}

impl File for DiskFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut read = 0;
        while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + read as u64) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        check_length(offset.saturating_add(bytes.len() as u64))?;
        self.file.write_all_at(bytes, offset)
    }

    fn publish(&self, offset: u64, frame: &[u8]) -> io::Result<()> {
        match &self.mapping {
            Some(mapping) => mapping.publish(offset, frame),
            None => publish_by_writing(self, offset, frame),
        }
    }

    fn publish_if(&self, offset: u64, frame: &[u8], is_wanted: &dyn Fn() -> bool) -> io::Result<bool> {
        match &self.mapping {
            Some(mapping) => mapping.publish_if(offset, frame, is_wanted),
            None => publish_by_writing_if(self, offset, frame, is_wanted),
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_range(&self, from: u64, to: u64) -> io::Result<()> {
        match &self.mapping {
            Some(mapping) => mapping.sync(from, to),
            None => self.sync(),
        }
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        check_length(length)?;
        if self.mapping.is_some() {
            // The next store to the part that was cut would end the process with a signal.
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.file.set_len(length)
    }

    fn identity(&self) -> io::Result<Identity> {
        Ok(identity(&self.file.metadata()?))
    }

    fn prepare(&self, offset: u64, length: u64) {
        if let Some(mapping) = &self.mapping {
            mapping.prepare(offset, length);
        }
    }

    fn try_lock(&self) -> io::Result<bool> {
        // Noted before it is locked, so that no forked child keeps it.
        self.locked.get_or_init(|| Locked::note(self.file.as_fd()));
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// A write beyond the limit on file sizes raises a signal (SIGXFSZ), which ends the process silently, before it returns an
/// error. Signals belong to the host, so the limit is checked first.
pub(crate) fn check_length(length: u64) -> io::Result<()> {
    match getrlimit(Resource::Fsize).current {
        Some(limit) if length > limit => Err(rustix::io::Errno::FBIG.into()),
        _ => Ok(()),
    }
}

/// A `write` that was cut short, by a signal or a full disk, leaves the first four bytes zero.
pub(in crate::journal) fn publish_by_writing(file: &dyn File, offset: u64, frame: &[u8]) -> io::Result<()> {
    publish_by_writing_if(file, offset, frame, &|| true).map(drop)
}

fn publish_by_writing_if(file: &dyn File, offset: u64, frame: &[u8], is_wanted: &dyn Fn() -> bool) -> io::Result<bool> {
    let (word, rest) = frame.split_at_checked(4).ok_or(io::ErrorKind::InvalidInput)?;
    file.write_at(offset + 4, rest)?;
    if !is_wanted() {
        file.write_at(offset + 4, &vec![0; rest.len()])?;
        return Ok(false);
    }
    file.write_at(offset, word).map(|()| true)
}

fn open(path: &Path, flags: OFlags, write: bool, create: bool) -> io::Result<fs::File> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = fs::OpenOptions::new()
        .read(true)
        .write(write)
        .create(create && !flags.contains(OFlags::EXCL))
        .create_new(create && flags.contains(OFlags::EXCL))
        .mode(0o600)
        .custom_flags(i32::try_from((flags - OFlags::EXCL).bits()).unwrap_or_default())
        .open(path)?;
    let metadata = file.metadata()?;
    if write && !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(file)
}

/// Removes the rights of other users. A file of another user is refused, which root would not notice otherwise.
fn make_private(file: &fs::File, mode: u32) -> io::Result<()> {
    let metadata = file.metadata()?;
    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != user {
        let text = format!(
            "it belongs to user {} and this process runs as {user}; give it a directory of its own",
            metadata.uid()
        );
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    if metadata.mode() & 0o777 != mode {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// Allocates real space: in a sparse file, a write to the mapping could fail, with a signal that kills the process.
fn allocate(file: &fs::File, length: u64) -> io::Result<()> {
    loop {
        match fallocate(file, FallocateFlags::empty(), 0, length) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::OPNOTSUPP) => return write_zeros(file, length),
            Err(error) => return Err(error.into()),
        }
    }
}

fn write_zeros(file: &fs::File, length: u64) -> io::Result<()> {
    let zeros = [0; 64 * 1024];
    let mut offset = 0;
    while offset < length {
        let part = usize::try_from(length - offset).unwrap_or(zeros.len()).min(zeros.len());
        file.write_all_at(zeros.get(..part).unwrap_or(&zeros), offset)?;
        offset += part as u64;
    }
    Ok(())
}

fn identity(metadata: &fs::Metadata) -> Identity {
    Identity { device: metadata.dev(), inode: metadata.ino(), length: metadata.len() }
}
