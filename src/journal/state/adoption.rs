//! What is still to be done for a dead process.

use bytes::Bytes;

use crate::journal::numbers::CallNumber;

/// The calls that a dead process left open, where this stream was adopted.
#[derive(Debug)]
pub(in crate::journal) struct Adoption {
    /// Which they are, as long as no segment for their answers is begun: that is done with the first record that is appended.
    pub(in crate::journal) left_open: Option<Vec<(CallNumber, Bytes)>>,
    /// The oldest of the segments that tell which calls those are: it stays until they are copied.
    pub(in crate::journal) calls_from: u64,
}

impl Default for Adoption {
    /// Of a stream of this process.
    fn default() -> Self {
        Self { left_open: None, calls_from: u64::MAX }
    }
}
