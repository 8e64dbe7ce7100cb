//! What can go wrong with the journal.

use std::io;
use std::path::{Path, PathBuf};

/// Why the journal did not do what it was asked for. What it had taken before is not touched by any of these.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// No room for the record: the bound is reached, or the disk is full.
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
    pub(super) fn io(what: &'static str, path: &Path, fix: &'static str) -> impl FnOnce(io::Error) -> Self {
        // Owned only if there is an error: every append has this at hand.
        move |cause| Self::Io { what, path: path.to_owned(), fix, cause }
    }
}

/// What helps against most errors of the disk.
pub(super) const FIX: &str =
    "check the disk, its free space and the rights of the directory, or set AUDITRAIL_DIR to another";
