//! The errors of the journal.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::journal::disk::{Lack, is_shortage};

/// Why the journal could not do something. Records that it had accepted before are not affected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// There is no room for the record: the limit is reached, or the disk does not sync.
    #[error(
        "the journal is full: {pending} bytes wait for the collector, {max} are allowed{because}; find out why the collector \
         does not accept them, or raise AUDITRAIL_JOURNAL_MAX_BYTES"
    )]
    Full {
        /// The size of the records that are not settled.
        pending: u64,
        /// The limit for all segments together.
        max: u64,
        /// The error of the disk, if there was one.
        because: String,
    },
    /// There is no room for another segment, because of the disk, a quota or a limit of the process.
    #[error("the journal cannot create another segment: {cause}; {pending} bytes wait in it for the collector; {fix}")]
    NoSegment {
        /// The file, and the error of the system.
        cause: String,
        /// The size of the records that are not settled.
        pending: u64,
        /// What to do.
        fix: &'static str,
    },
    /// The record is too long for a segment.
    #[error(
        "a record of {length} bytes does not fit into a segment of the journal, which takes {max}; lower the limits of the policy"
    )]
    TooLong {
        /// The length of the record.
        length: usize,
        /// The longest record that would fit.
        max: usize,
    },
    /// An operation of the disk failed.
    #[error("the journal cannot {what} {}: {cause}; {fix}", path.display())]
    Io {
        /// The operation, as in "cannot *create*".
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What to do.
        fix: &'static str,
        /// The error of the system.
        #[source]
        cause: io::Error,
    },
    /// Another process holds the lock of the directory.
    #[error(
        "the journal cannot lock {}: another process has held the lock for more than {patience:?}, although creating a file is \
         all that needs it; find the process with `fuser {}`, and why it hangs",
        path.display(),
        path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
        /// How long this process waited.
        patience: Duration,
    },
    /// The disk is stalled.
    #[error(
        "the journal could not write to {} in time: its disk stands still; check whether its file system is frozen, for example for \
         a snapshot (`fsfreeze`), or does not answer",
        path.display()
    )]
    Stalled {
        /// The directory of the stream.
        path: PathBuf,
    },
    /// This process is a forked child of the one that opened the journal.
    #[error(
        "this process was forked from the one that opened the journal, and only that one writes to its stream; start a trail \
         in the child, after the fork"
    )]
    Forked,
    /// The quarantine is full, and must not remove files.
    #[error(
        "the quarantine is full: its files take {bytes} bytes, {max} are allowed; see `auditrail journal quarantine list`, then \
         replay or discard some, or raise AUDITRAIL_QUARANTINE_MAX_BYTES"
    )]
    QuarantineFull {
        /// The size of its files.
        bytes: u64,
        /// The limit.
        max: u64,
    },
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
}

impl JournalError {
    pub(crate) fn io(what: &'static str, path: &Path, fix: &'static str) -> impl FnOnce(io::Error) -> Self {
        // The path is copied only if there is an error, because every append calls this.
        move |cause| Self::Io { what, path: path.to_owned(), fix: better_fix(what, &cause).unwrap_or(fix), cause }
    }

    /// Whether too few descriptors or too little memory were the cause. That says nothing about the file, and may be
    /// different later.
    pub(crate) fn is_shortage(&self) -> bool {
        matches!(self, Self::Io { cause, .. } if is_shortage(cause))
    }
}

/// The advice for an error that tells more than that the operation failed.
fn better_fix(what: &str, cause: &io::Error) -> Option<&'static str> {
    match cause.raw_os_error() {
        Some(_) if what.starts_with("sync") && Lack::DirectorySync.is(cause) => Some(NO_DIRECTORY_SYNC),
        Some(_) if what.starts_with("lock") && Lack::Lock.is(cause) => Some(NO_LOCK),
        _ => fix_of(cause.kind()),
    }
}

/// The advice for an error of missing space.
pub(super) fn fix_of(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::StorageFull => Some("free some space there, or set AUDITRAIL_DIR to another file system"),
        io::ErrorKind::QuotaExceeded => {
            Some("the user's quota is used up: raise it, or set AUDITRAIL_DIR to another file system")
        }
        io::ErrorKind::FileTooLarge => Some(
            "raise the limit on the size of files (`ulimit -f`, systemd's LimitFSIZE), because a segment needs 128 KiB",
        ),
        _ => None,
    }
}

const NO_DIRECTORY_SYNC: &str = "its file system cannot sync directories, so records that count as synced may be gone after \
                                 a power loss, with their files; set AUDITRAIL_DIR to another, or accept this with \
                                 AUDITRAIL_JOURNAL_WITHOUT=directory_sync";
const NO_LOCK: &str = "its file system has no locks, which show other processes that a stream is in use; set AUDITRAIL_DIR to a \
                       local disk, or, if two processes never use that directory at the same time, say so with \
                       AUDITRAIL_JOURNAL_WITHOUT=lock";
/// The advice for most errors of the disk.
pub(crate) const FIX: &str =
    "check the disk, its free space and the rights of the directory, or set AUDITRAIL_DIR to another one";
