//! Content that may be recorded.

use std::fmt;

/// Content that may be recorded, and what was done to it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redacted {
    /// What may be recorded.
    pub text: String,
    /// The paths that were touched (`auditrail.redacted`), each once: `$.a[*].b`. `$` is the whole content.
    pub paths: Vec<String>,
    /// How many bytes the content had.
    pub original_bytes: usize,
    /// Whether something is missing because a limit was reached. Then there is a digest.
    pub truncated: bool,
    /// The keyed hash (class: the field) of the SHA-256 of the original bytes, if something is missing or unread.
    pub digest: Option<String>,
    /// Why the content was masked whole, if it was.
    pub unread: Option<Unread>,
}

/// Why content was masked whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unread {
    /// It has more bytes than are looked through.
    TooLong,
    /// It is nested deeper than is looked into.
    TooDeep,
    /// It has more values than are looked at.
    TooManyValues,
    /// It takes more work than is allowed.
    TooMuchWork,
    /// It begins like JSON and is none.
    Malformed,
    /// A rule panicked.
    Panicked,
}

impl Redacted {
    pub(super) fn unread(why: Unread, bytes: usize, digest: impl FnOnce() -> Option<String>) -> Self {
        Self {
            text: MASK.to_owned(),
            paths: vec!["$".to_owned()],
            original_bytes: bytes,
            truncated: matches!(why, Unread::TooLong | Unread::TooDeep | Unread::TooManyValues | Unread::TooMuchWork),
            digest: digest(),
            unread: Some(why),
        }
    }
}

impl Unread {
    /// The name on a record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::TooDeep => "too_deep",
            Self::TooManyValues => "too_many_values",
            Self::TooMuchWork => "too_much_work",
            Self::Malformed => "malformed",
            Self::Panicked => "panicked",
        }
    }
}

/// Tells no content: what was redacted wrongly would be in a log otherwise.
impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redacted")
            .field("bytes", &self.text.len())
            .field("paths", &self.paths)
            .field("original_bytes", &self.original_bytes)
            .field("truncated", &self.truncated)
            .field("unread", &self.unread)
            .finish_non_exhaustive()
    }
}

/// A string, so that what is JSON otherwise is JSON now.
const MASK: &str = "\"[redacted]\"";
