//! What can go wrong with the journal.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::journal::disk::{Lack, is_shortage};

/// Why the journal did not do what it was asked for. What it had taken before is not touched by any of these.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// No room for the record: the bound is reached, or the disk does not sync.
    #[error(
        "the journal is full: {pending} bytes wait for the collector, {max} are allowed{because}; see why the collector \
         does not take them, or raise AUDITRAIL_JOURNAL_MAX_BYTES"
    )]
    Full {
        /// Bytes of records that are not settled.
        pending: u64,
        /// Bytes that all segments together may take.
        max: u64,
        /// What the disk said, if it was the disk.
        because: String,
    },
    /// The disk, a quota or a limit of the process has no room for another segment.
    #[error("the journal cannot get another segment: {cause}; {pending} bytes wait in it for the collector; {fix}")]
    NoSegment {
        /// The file, and what the system said.
        cause: String,
        /// Bytes of records that are not settled.
        pending: u64,
        /// What to do.
        fix: &'static str,
    },
    /// The record is longer than a segment can hold.
    #[error(
        "a record of {length} bytes fits in no segment of the journal ({max} bytes); lower the limits of the policy"
    )]
    TooLong {
        /// Bytes of the record.
        length: usize,
        /// The most that would fit.
        max: usize,
    },
    /// The disk did not do what was asked for.
    #[error("the journal cannot {what} {}: {cause}; {fix}", path.display())]
    Io {
        /// What was tried, as in "cannot *create*".
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What to do.
        fix: &'static str,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Somebody else's file or directory.
    #[error(
        "{} belongs to user {owner}, and this process runs as {user}; the journal holds what only its writer may read: set \
         AUDITRAIL_DIR to a directory of that user",
        path.display()
    )]
    Owner {
        /// The file or directory.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// This process's.
        user: u32,
    },
    /// Another process holds the lock of the directory.
    #[error(
        "the journal cannot lock {}: another process has held the lock for more than {patience:?}, and none needs it longer than \
         it takes to make a file; see which one does by `fuser {}`, and why it stands still",
        path.display(),
        path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
        /// How long it was waited for.
        patience: Duration,
    },
    /// The disk stands still.
    #[error(
        "the journal could not write to {} in time: its disk stands still; see whether its file system is frozen, as for a \
         snapshot (`fsfreeze`), or does not answer",
        path.display()
    )]
    Stands {
        /// The directory of the stream.
        path: PathBuf,
    },
    /// This process is a child of the one that opened the journal.
    #[error(
        "this process was forked from the one that opened the journal, which alone writes to its stream; start a trail in the \
         child, after the fork"
    )]
    Forked,
    /// The quarantine has no room, and may not shed what it holds.
    #[error(
        "the quarantine is full: its files take {bytes} bytes, {max} are allowed; see `auditrail journal quarantine list`, then \
         replay or discard some, or raise AUDITRAIL_QUARANTINE_MAX_BYTES"
    )]
    QuarantineFull {
        /// Bytes that its files take.
        bytes: u64,
        /// Bytes that they may take.
        max: u64,
    },
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
}

impl JournalError {
    pub(crate) fn io(what: &'static str, path: &Path, fix: &'static str) -> impl FnOnce(io::Error) -> Self {
        // Owned only if there is an error: every append has this at hand.
        move |cause| Self::Io { what, path: path.to_owned(), fix: better_fix(what, &cause).unwrap_or(fix), cause }
    }

    /// Whether it was want of descriptors or memory, which says nothing of the file: another time it may be there.
    pub(crate) fn is_shortage(&self) -> bool {
        matches!(self, Self::Io { cause, .. } if is_shortage(cause))
    }
}

/// What helps, where the system says more than that it cannot.
fn better_fix(what: &str, cause: &io::Error) -> Option<&'static str> {
    match cause.raw_os_error() {
        Some(_) if what.starts_with("sync") && Lack::DirectorySync.is(cause) => Some(NO_DIRECTORY_SYNC),
        Some(_) if what.starts_with("lock") && Lack::Lock.is(cause) => Some(NO_LOCK),
        _ => fix_of(cause.kind()),
    }
}

/// What helps against want of space.
pub(super) fn fix_of(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::StorageFull => Some("free some space there, or set AUDITRAIL_DIR to another file system"),
        io::ErrorKind::QuotaExceeded => {
            Some("the user's quota is used up: raise it, or set AUDITRAIL_DIR to another file system")
        }
        io::ErrorKind::FileTooLarge => Some(
            "raise the limit on the size of files (`ulimit -f`, systemd's LimitFSIZE), of which segments need 128 KiB",
        ),
        _ => None,
    }
}

const NO_DIRECTORY_SYNC: &str = "its file system cannot sync directories, so that records which count as synced may be gone after \
                                 a power loss, with their files; set AUDITRAIL_DIR to another, or accept that by \
                                 AUDITRAIL_JOURNAL_WITHOUT=directory_sync";
const NO_LOCK: &str = "its file system has no locks, by which processes see that a stream is still written; set AUDITRAIL_DIR to a \
                       local disk, or, if no two processes ever use that directory at once, say so by \
                       AUDITRAIL_JOURNAL_WITHOUT=lock";
/// What helps against most errors of the disk.
pub(crate) const FIX: &str =
    "check the disk, its free space and the rights of the directory, or set AUDITRAIL_DIR to another";
