//! The problems that a journal can have, what they mean, and what to do.

use std::path::PathBuf;

use crate::journal::numbers::Sequence;
use crate::record::StreamId;

/// A problem.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The kind.
    pub kind: ProblemKind,
    /// The file or directory.
    pub path: PathBuf,
    /// The offset in the file, if the problem has one.
    pub offset: Option<u64>,
    /// The stream, if the problem concerns one.
    pub stream: Option<StreamId>,
    /// The first of the affected records, if it is known.
    pub first: Option<Sequence>,
    /// The last of the affected records, if it is known.
    pub last: Option<Sequence>,
    /// A description of what was found.
    pub found: String,
}

impl Problem {
    /// A problem with a file or directory as a whole.
    pub(super) fn of(kind: ProblemKind, path: PathBuf, found: impl Into<String>) -> Self {
        Self { kind, path, offset: None, stream: None, first: None, last: None, found: found.into() }
    }
}

/// The kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// It cannot be read, because of the disk or its rights.
    Unreadable,
    /// The file `stream` is damaged or missing.
    OwnerDamaged,
    /// The header of a segment is damaged.
    HeaderDamaged,
    /// No header of the stream is valid.
    Nameless,
    /// A segment or a ledger has an unknown version of the format.
    UnknownVersion,
    /// Bytes that are not a frame, where one was or could have been.
    FrameDamaged,
    /// The payload of a frame is damaged, and its header is not.
    PayloadDamaged,
    /// Records are missing.
    Missing,
    /// A record has a number that was used before.
    Repeated,
    /// The cursor is damaged or missing.
    CursorDamaged,
    /// The cursor names a position that the next record is not at.
    CursorAstray,
    /// An entry of the ledger, or its header, is damaged.
    LedgerDamaged,
    /// A file of the quarantine is damaged.
    QuarantineDamaged,
    /// A file or directory that does not belong to a journal.
    Stranger,
}

impl ProblemKind {
    /// The name, for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.text().0
    }

    /// What it means.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.text().1
    }

    /// What to do.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        self.text().2
    }

    const fn text(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Unreadable => (
                "unreadable",
                "its content is unknown",
                "run this as the user of the service; if the disk fails, copy the directory to another one first",
            ),
            Self::OwnerDamaged => (
                "owner_damaged",
                "the stream can still be read: each segment says whose it is",
                "nothing; it goes with the stream once that is drained",
            ),
            Self::HeaderDamaged => (
                "header_damaged",
                "its frames can still be read; if it is the last segment, it is unknown which calls were open",
                "nothing; check the disk if there are more problems like this",
            ),
            Self::Nameless => (
                "nameless",
                "it is unknown whose records they are, so they are not shipped",
                "keep the directory of the stream, move it out of `streams`, and check the disk",
            ),
            Self::UnknownVersion => (
                "unknown_version",
                "a later version of auditrail wrote it; the stream is left as it is, and with a ledger all streams are",
                "drain the directory with the version that wrote it",
            ),
            Self::FrameDamaged => (
                "frame_damaged",
                "the records at that place are lost; at the end of a stream it may be one that was never acknowledged",
                "check the disk; the process that ships the stream puts the bytes into the quarantine and writes a gap record",
            ),
            Self::PayloadDamaged => (
                "payload_damaged",
                "this one record is lost",
                "check the disk; the process that ships the stream puts the bytes into the quarantine and writes a gap record",
            ),
            Self::Missing => (
                "missing",
                "these records are neither settled nor present: a file was removed or truncated",
                "find out what removed it; the process that ships the stream writes a gap record about them",
            ),
            Self::Repeated => (
                "repeated",
                "the record is there twice, and is shipped once",
                "nothing; keep a copy of the directory and report it, because this should not happen",
            ),
            Self::CursorDamaged => (
                "cursor_damaged",
                "it is unknown how far the stream is settled: what is on the disk is shipped again",
                "nothing; duplicates have the same audit.record.id",
            ),
            Self::CursorAstray => (
                "cursor_astray",
                "it is unknown how far the stream is settled: what is on the disk is shipped again",
                "nothing; duplicates have the same audit.record.id",
            ),
            Self::LedgerDamaged => (
                "ledger_damaged",
                "the last number of a stream that was shipped and removed is unknown",
                "check the disk; the entries after it can still be read",
            ),
            Self::QuarantineDamaged => (
                "quarantine_damaged",
                "the records in it can be neither shown nor replayed",
                "check the disk; `auditrail journal quarantine discard` removes it",
            ),
            Self::Stranger => ("stranger", "it does not belong to the journal and is left alone", "move it elsewhere"),
        }
    }
}
