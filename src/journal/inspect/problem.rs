//! What can be wrong with a journal, what it means, and what to do.

use std::path::PathBuf;

use crate::journal::numbers::Sequence;
use crate::record::StreamId;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// What it is.
    pub kind: ProblemKind,
    /// The file or directory.
    pub path: PathBuf,
    /// Where in the file, if it is about a place in it.
    pub offset: Option<u64>,
    /// The stream, if it is about one.
    pub stream: Option<StreamId>,
    /// The first of the records that it is about, if it is known.
    pub first: Option<Sequence>,
    /// The last of them, if it is known.
    pub last: Option<Sequence>,
    /// What was found.
    pub found: String,
}

/// The kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The disk or its rights do not let it be read.
    Unreadable,
    /// The file `stream` is damaged or not there.
    OwnerDamaged,
    /// The header of a segment is damaged.
    HeaderDamaged,
    /// No header of the stream is sound.
    Nameless,
    /// A segment, or a ledger, of a version of the format that this program does not know.
    UnknownVersion,
    /// Bytes that are no frame, where one was or could have been.
    FrameDamaged,
    /// The content of a frame is damaged; its header is not.
    PayloadDamaged,
    /// Records that are nowhere.
    Missing,
    /// A record whose number was there before.
    Repeated,
    /// The cursor is damaged or not there.
    CursorDamaged,
    /// The cursor names a place where the record that comes next does not stand.
    CursorAstray,
    /// An entry of the ledger, or its header, is damaged.
    LedgerDamaged,
    /// A file of the quarantine is damaged.
    QuarantineDamaged,
    /// Something that is none of the journal's.
    Stranger,
}

impl ProblemKind {
    /// Its name for programs.
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
                "nobody can tell what is in it",
                "run this as the user of the service; if the disk fails, copy the directory to another one first",
            ),
            Self::OwnerDamaged => (
                "owner_damaged",
                "the stream is read all the same: each segment says whose it is",
                "nothing; it goes with the stream once that is drained",
            ),
            Self::HeaderDamaged => (
                "header_damaged",
                "its frames are read all the same; which calls were open in it is not known if it is the last one",
                "nothing; check the disk if there is more of this",
            ),
            Self::Nameless => (
                "nameless",
                "nobody knows whose records they are, so they are not shipped",
                "keep the directory of the stream, move it out of `streams`, and check the disk",
            ),
            Self::UnknownVersion => (
                "unknown_version",
                "a later version of auditrail wrote it; the stream is left as it is, and with a ledger all streams are",
                "drain the directory with the version that wrote it",
            ),
            Self::FrameDamaged => (
                "frame_damaged",
                "records that stood there are lost; at the end of a stream it may be one that was never acknowledged",
                "check the disk; whoever ships the stream sets the bytes aside in quarantine and writes a gap record",
            ),
            Self::PayloadDamaged => (
                "payload_damaged",
                "that one record is lost",
                "check the disk; whoever ships the stream sets the bytes aside in quarantine and writes a gap record",
            ),
            Self::Missing => (
                "missing",
                "these records are neither settled nor there: a file was removed or cut",
                "find out who did; whoever ships the stream writes a gap record that tells of them",
            ),
            Self::Repeated => (
                "repeated",
                "the record stands there twice, and is shipped once",
                "nothing; keep a copy of the directory and report it, as it should not be possible",
            ),
            Self::CursorDamaged => (
                "cursor_damaged",
                "how far the stream was settled is not known: what is on the disk is shipped again",
                "nothing; duplicates have the same audit.record.id",
            ),
            Self::CursorAstray => (
                "cursor_astray",
                "how far the stream was settled is not known: what is on the disk is shipped again",
                "nothing; duplicates have the same audit.record.id",
            ),
            Self::LedgerDamaged => (
                "ledger_damaged",
                "what the last number of a stream was that was shipped and removed is not known",
                "check the disk; the entries behind it are read all the same",
            ),
            Self::QuarantineDamaged => (
                "quarantine_damaged",
                "the records in it can be neither shown nor replayed",
                "check the disk; `auditrail journal quarantine discard` removes it",
            ),
            Self::Stranger => ("stranger", "it is none of the journal's and is left alone", "move it elsewhere"),
        }
    }
}
