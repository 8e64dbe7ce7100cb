//! A record and its number.

use bytes::Bytes;

use super::numbers::Sequence;

/// A record and its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `audit.sequence.number`.
    pub sequence: Sequence,
    /// The encoded record.
    pub record: Bytes,
}
