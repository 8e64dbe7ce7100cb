//! What was appended so far.

/// What was appended, and the number that comes next. Only the thread that has the turn changes it.
#[derive(Debug)]
pub(in crate::journal) struct Appended {
    /// The sequence number of the next record.
    pub(in crate::journal) sequence: u64,
    /// The number of frames that were appended, of any kind.
    pub(in crate::journal) frames: u64,
    /// Bytes of frames that were appended and are not settled.
    pub(in crate::journal) pending_bytes: u64,
    /// Whether the stream accepts no more records.
    pub(in crate::journal) closed: bool,
    /// Whether the last record was appended.
    pub(in crate::journal) ended: bool,
}

impl Default for Appended {
    fn default() -> Self {
        Self { sequence: 1, frames: 0, pending_bytes: 0, closed: false, ended: false }
    }
}
