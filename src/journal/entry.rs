//! A record with its sequence number.

use bytes::Bytes;

use super::numbers::Sequence;

/// A record with its sequence number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `audit.sequence.number`.
    pub sequence: Sequence,
    /// The encoded record.
    pub record: Bytes,
}
