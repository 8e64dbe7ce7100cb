//! The seam to the disk: what the journal needs of a file system, so that a simulation can stand in for it.

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A file system. Directories are made with mode 0700 and files with 0600, whatever the umask says; no symbolic link is
/// followed in the last part of a path.
pub trait Fs: Debug + Send + Sync + 'static {
    /// Makes a directory and those above it. An existing one is made private; one of another owner is an error, and so is a
    /// symbolic link on the way that belongs neither to root nor to this user: nothing is made behind it.
    ///
    /// # Errors
    /// What the system says.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes a segment of that many bytes, all zero, for which space is allocated. Fails if there is such a file.
    ///
    /// # Errors
    /// What the system says; a full disk shows here.
    fn create_segment(&self, path: &Path, length: u64) -> io::Result<Arc<dyn File>>;

    /// Opens a file for reading and writing and makes it if it is not there.
    ///
    /// # Errors
    /// What the system says.
    fn open_or_create(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Renames a file, replacing what has the new name.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// What the system says.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes the entries of a directory durable, also of one that a symbolic link leads to.
    ///
    /// # Errors
    /// What the system says.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory, sorted.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;

    /// What stands at a path now, without following a link.
    ///
    /// # Errors
    /// What the system says; `NotFound` if there is nothing.
    fn identity(&self, path: &Path) -> io::Result<Identity>;
}

/// An open file.
pub trait File: Debug + Send + Sync {
    /// Reads from an offset; fewer bytes than asked for only at the end of the file.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all bytes at an offset.
    ///
    /// # Errors
    /// What the system says.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Writes a frame so that its first four bytes appear last: whoever sees them sees all of it, also after the process
    /// was killed. The offset is a multiple of four. One writer at a time: another one may get an error.
    ///
    /// # Errors
    /// What the system says.
    fn publish(&self, offset: u64, frame: &[u8]) -> io::Result<()>;

    /// As [`publish`](Self::publish), if it is still wanted when all but the first four bytes are written, and says whether it
    /// was; if not, nothing of it stays. One that cannot take it back asks before it begins.
    ///
    /// # Errors
    /// What the system says.
    fn publish_if(&self, offset: u64, frame: &[u8], is_wanted: &dyn Fn() -> bool) -> io::Result<bool> {
        if !is_wanted() {
            return Ok(false);
        }
        self.publish(offset, frame).map(|()| true)
    }

    /// Makes what was written durable (`fdatasync`).
    ///
    /// # Errors
    /// What the system says; the same bytes must not be synced through this file again then.
    fn sync(&self) -> io::Result<()>;

    /// Makes what was written to a range durable. What lies ahead of it may stay ready to be written to.
    ///
    /// # Errors
    /// As [`sync`](Self::sync).
    fn sync_range(&self, from: u64, to: u64) -> io::Result<()> {
        let _all = (from, to);
        self.sync()
    }

    /// Cuts or extends the file. One that is mapped may refuse.
    ///
    /// # Errors
    /// What the system says.
    fn set_length(&self, length: u64) -> io::Result<()>;

    /// What the file is, and its length.
    ///
    /// # Errors
    /// What the system says.
    fn identity(&self) -> io::Result<Identity>;

    /// Gets the pages of a range ready to be written to. A hint.
    fn prepare(&self, offset: u64, length: u64);

    /// Takes the lock of the file, which ends with the last handle on it, or with the process. Says whether it was free.
    ///
    /// # Errors
    /// What the system says.
    fn try_lock(&self) -> io::Result<bool>;

    /// Takes the lock of the file, and waits that long for its holder to let go. Says whether it did.
    ///
    /// # Errors
    /// What the system says.
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
            // The system could wait in our place, but not for a time.
            std::thread::sleep(pause.min(left));
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }
}

/// Which file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The device.
    pub device: u64,
    /// The number of the file on it.
    pub inode: u64,
    /// Its length in bytes.
    pub length: u64,
}

const SHORTEST_PAUSE: Duration = Duration::from_micros(200);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
