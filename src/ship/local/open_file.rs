//! The file, open for one batch.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use super::json::LINE_BEGINS;
use crate::journal::{Disk, Fs as _, Locked, check_length};

/// An open file.
#[derive(Debug)]
pub(super) struct OpenFile {
    path: PathBuf,
    file: File,
}

/// What became of an attempt to lock it.
#[derive(Debug)]
pub(super) enum Locking {
    /// This process writes now.
    Locked(LockedFile),
    /// The path leads to another file by now.
    Moved,
    /// Another process did not release it in time.
    Taken,
}

/// A file that nobody else writes to. Dropping it unlocks it.
#[derive(Debug)]
pub(super) struct LockedFile {
    open: OpenFile,
    /// A child that is forked meanwhile does not keep the lock.
    noted: Option<Locked>,
}

impl OpenFile {
    /// Opens or creates the file, and the directory if there is none.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = match open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Disk::default().create_dir(directory(path))?;
                open(path)?
            }
            Err(error) if error.raw_os_error() == Some(libc::ELOOP) => return Err(wrong("it is a symbolic link")),
            opened => opened?,
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(wrong("it is not a regular file"));
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(wrong("it belongs to another user"));
        }
        // A group may read it if its owner has said so.
        let (mode, allowed) = (metadata.mode() & 0o7777, metadata.mode() & 0o040 | 0o600);
        if mode != allowed {
            file.set_permissions(Permissions::from_mode(allowed))?;
        }
        Ok(Self { path: path.to_owned(), file })
    }

    /// Refuses a file that holds something else, such as one that a mistyped path leads to.
    pub(super) fn check_content(&self) -> io::Result<()> {
        let mut beginning = [0; LINE_BEGINS.len()];
        let read = read_at(&self.file, &mut beginning, 0)?;
        let found = beginning.get(..read).unwrap_or_default();
        if LINE_BEGINS.starts_with(found) { Ok(()) } else { Err(wrong("it holds something else than OTLP JSON lines")) }
    }

    /// Waits for the lock, for a moment.
    pub(super) fn lock(self) -> io::Result<Locking> {
        let begun = Instant::now();
        // Noted before it is locked.
        let noted = Some(Locked::note(self.file.as_fd()));
        let locked = LockedFile { open: self, noted };
        loop {
            match locked.open.file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if begun.elapsed() >= PATIENCE => return Ok(Locking::Taken),
                Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(if locked.is_at_its_path()? { Locking::Locked(locked) } else { Locking::Moved })
    }
}

impl LockedFile {
    /// Cuts what is left of a line whose writer was killed: nothing of it was settled. Whatever else stands there without the end
    /// of a line, such as a line of another program, is not ours to cut, and gets one. Returns the length.
    pub(super) fn mend(&self) -> io::Result<u64> {
        self.open.check_content()?;
        let file = &self.open.file;
        let length = file.metadata()?.len();
        let mut end = length;
        let mut chunk = [0; 8192];
        while end > 0 {
            let begin = end.saturating_sub(chunk.len() as u64);
            let read = read_at(file, &mut chunk, begin)?;
            let wanted = usize::try_from(end - begin).unwrap_or(read).min(read);
            if let Some(last) = chunk.get(..wanted).and_then(|text| text.iter().rposition(|byte| *byte == b'\n')) {
                end = begin + last as u64 + 1;
                break;
            }
            end = begin;
        }
        match self.unended(end)? {
            Unended::Nothing => Ok(length),
            Unended::Whole => {
                (&*file).write_all(b"\n")?;
                Ok(length + 1)
            }
            Unended::Torn => file.set_len(end).map(|()| end),
        }
    }

    /// What there is behind the last line that ended.
    fn unended(&self, begin: u64) -> io::Result<Unended> {
        let (mut offset, mut line, mut chunk) = (begin, Brackets::default(), [0; 8192]);
        loop {
            let read = read_at(&self.open.file, &mut chunk, offset)?;
            let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            let known = bytes.len().min(LINE_BEGINS.len());
            // A file system may leave zeros after a power loss.
            let is_ours = bytes.get(..known) == LINE_BEGINS.get(..known) || bytes.first() == Some(&0);
            if offset == begin && !is_ours {
                return Ok(Unended::Whole);
            }
            bytes.iter().for_each(|byte| line.read(*byte));
            offset += read as u64;
        }
        Ok(match line.closed {
            _ if offset == begin => Unended::Nothing,
            true => Unended::Whole,
            false => Unended::Torn,
        })
    }

    /// Appends whole lines and makes them durable, or leaves nothing of them. With `named`, also its name is made durable.
    pub(super) fn append(self, length: u64, lines: &[u8], named: bool, disk: &dyn Syncs) -> io::Result<()> {
        check_length(length.saturating_add(lines.len() as u64))?;
        let mut file = &self.open.file;
        let written = file.write_all(lines).and_then(|()| disk.sync_file(file));
        let written = written.and_then(|()| if named { disk.sync_directory(&self.open.path) } else { Ok(()) });
        if written.is_err() && file.metadata().is_ok_and(|metadata| metadata.len() > length) {
            // What is left otherwise is cut by the next writer.
            let _cut = file.set_len(length);
        }
        written
    }

    /// Which file it is: its device and inode.
    pub(super) fn identity(&self) -> io::Result<(u64, u64)> {
        self.open.file.metadata().map(|own| (own.dev(), own.ino()))
    }

    fn is_at_its_path(&self) -> io::Result<bool> {
        let own = self.identity()?;
        match fs::symlink_metadata(&self.open.path) {
            Ok(found) => Ok((found.dev(), found.ino()) == own),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What stands behind the last end of a line.
enum Unended {
    Nothing,
    /// All of a line but its end, or something that was not begun as a line of ours.
    Whole,
    /// The beginning of a line of ours.
    Torn,
}

/// Whether all that was opened in a JSON text is closed.
#[derive(Debug, Default)]
struct Brackets {
    depth: u64,
    in_string: bool,
    is_escaped: bool,
    closed: bool,
}

impl Brackets {
    fn read(&mut self, byte: u8) {
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' if self.in_string => self.is_escaped = true,
            b'"' => self.in_string = !self.in_string,
            b'{' | b'[' if !self.in_string => self.depth += 1,
            b'}' | b']' if !self.in_string => {
                self.depth = self.depth.saturating_sub(1);
                self.closed = self.depth == 0;
                return;
            }
            _ => {}
        }
        self.closed &= byte.is_ascii_whitespace();
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        if let Some(noted) = self.noted.take().filter(|noted| !noted.is_inherited()) {
            // If it cannot be unlocked now, closing it unlocks it.
            let _unlocked = self.open.file.unlock();
            drop(noted);
        }
    }
}

/// Makes things durable: the system, or in tests one that fails.
pub(super) trait Syncs: fmt::Debug + Send + Sync {
    /// What was written to a file.
    fn sync_file(&self, file: &File) -> io::Result<()>;

    /// The names in the directory of a file, where its file system can.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
}

/// The system.
#[derive(Debug)]
pub(super) struct System;

impl Syncs for System {
    fn sync_file(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        match Disk::default().sync_dir(directory(path)) {
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
            synced => synced,
        }
    }
}

/// The error about a file that is not to be written to.
pub(super) fn wrong(problem: &str) -> io::Error {
    io::Error::other(format!("{problem}; name a file of its own (AUDITRAIL_FILE)"))
}

fn open(path: &Path) -> io::Result<File> {
    // Opening must not wait for a named pipe.
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).custom_flags(flags).open(path)
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Fewer bytes only at the end of the file.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut read = 0;
    while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// How long another process may write a batch.
const PATIENCE: Duration = Duration::from_secs(2);
const BETWEEN: Duration = Duration::from_millis(1);
