//! What remains to be done for a dead process.

use bytes::Bytes;

use crate::journal::numbers::CallNumber;

/// The calls that a dead process left open, in an adopted stream.
#[derive(Debug)]
pub(in crate::journal) struct Adoption {
    /// The open calls, until a segment for their answers is started with the first record that is appended.
    pub(in crate::journal) left_open: Option<Vec<(CallNumber, Bytes)>>,
    /// The oldest segment that tells which calls are open: it stays until they are copied.
    pub(in crate::journal) calls_from: u64,
}

impl Default for Adoption {
    /// The state of a stream that this process has started.
    fn default() -> Self {
        Self { left_open: None, calls_from: u64::MAX }
    }
}
