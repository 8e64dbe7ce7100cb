//! The seam to the disk: what the journal needs from a file system, so that a simulation can replace it.

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A file system. Directories are created with mode 0700 and files with mode 0600, whatever the umask is. The last part of
/// a path is never followed if it is a symbolic link.
pub trait Fs: Debug + Send + Sync + 'static {
    /// Creates a directory and its parents. An existing directory is made private. It is an error if it belongs to another
    /// user, or if the path contains a symbolic link that belongs neither to root nor to this user; nothing is created
    /// behind such a link.
    ///
    /// # Errors
    /// The error of the system.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Creates a segment of that many zero bytes, for which space is allocated. Fails if the file exists.
    ///
    /// # Errors
    /// The error of the system. A full disk is detected here.
    fn create_segment(&self, path: &Path, length: u64) -> io::Result<Arc<dyn File>>;

    /// Opens a file for reading and writing, and creates it if it does not exist.
    ///
    /// # Errors
    /// The error of the system.
    fn open_or_create(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// The error of the system.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Renames a file, and replaces the file that has the new name.
    ///
    /// # Errors
    /// The error of the system.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The error of the system.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// The error of the system.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes the entries of a directory durable. The path may be a symbolic link to a directory.
    ///
    /// # Errors
    /// The error of the system.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory, sorted.
    ///
    /// # Errors
    /// The error of the system.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;

    /// Identifies the file at a path, without following a link.
    ///
    /// # Errors
    /// The error of the system; `NotFound` if there is no file.
    fn identity(&self, path: &Path) -> io::Result<Identity>;
}

/// An open file.
pub trait File: Debug + Send + Sync {
    /// Reads from an offset. Returns fewer bytes than requested only at the end of the file.
    ///
    /// # Errors
    /// The error of the system.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all bytes at an offset.
    ///
    /// # Errors
    /// The error of the system.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Writes a frame so that its first four bytes appear last: a reader that sees them sees the whole frame, also after
    /// the process was killed. The offset is a multiple of four. Only one thread may write at a time; others may get an
    /// error.
    ///
    /// # Errors
    /// The error of the system.
    fn publish(&self, offset: u64, frame: &[u8]) -> io::Result<()>;

    /// Like [`publish`](Self::publish), but asks whether the frame is still wanted once everything except its first four
    /// bytes is written. If it is not, nothing of the frame remains. Returns whether it was wanted. An implementation that
    /// cannot undo the write asks before it starts.
    ///
    /// # Errors
    /// The error of the system.
    fn publish_if(&self, offset: u64, frame: &[u8], is_wanted: &dyn Fn() -> bool) -> io::Result<bool> {
        if !is_wanted() {
            return Ok(false);
        }
        self.publish(offset, frame).map(|()| true)
    }

    /// Makes what was written durable (`fdatasync`).
    ///
    /// # Errors
    /// The error of the system. In that case the same bytes must not be synced through this file again.
    fn sync(&self) -> io::Result<()>;

    /// Makes what was written to a range durable. Pages after it may stay ready to be written to.
    ///
    /// # Errors
    /// Like [`sync`](Self::sync).
    fn sync_range(&self, from: u64, to: u64) -> io::Result<()> {
        let _all = (from, to);
        self.sync()
    }

    /// Truncates or extends the file. A mapped file may refuse.
    ///
    /// # Errors
    /// The error of the system.
    fn set_length(&self, length: u64) -> io::Result<()>;

    /// Identifies the file.
    ///
    /// # Errors
    /// The error of the system.
    fn identity(&self) -> io::Result<Identity>;

    /// Prepares the pages of a range for writing. This is a hint.
    fn prepare(&self, offset: u64, length: u64);

    /// Takes the lock of the file, which ends with its last handle or with the process. Returns whether it was free.
    ///
    /// # Errors
    /// The error of the system.
    fn try_lock(&self) -> io::Result<bool>;

    /// Takes the lock of the file, and waits up to `patience` for its holder to release it. Returns whether it did.
    ///
    /// # Errors
    /// The error of the system.
    fn lock_within(&self, patience: Duration) -> io::Result<bool> {
        let (begun, mut pause) = (Instant::now(), SHORTEST_PAUSE);
        loop {
            match self.try_lock() {
                Ok(false) => {}
                taken => return taken,
            }
            let left = patience.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            // The system could wait instead, but not with a time limit.
            std::thread::sleep(pause.min(left));
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }
}

/// Identifies a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The device.
    pub device: u64,
    /// The number of the file on the device.
    pub inode: u64,
    /// The length in bytes.
    pub length: u64,
}

const SHORTEST_PAUSE: Duration = Duration::from_micros(200);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
