//! The record counters of a trail.

/// The record counters of a trail's stream, including the trail's own records:
/// `emitted = acknowledged + refused + suppressed`, and `acknowledged = delivered + quarantined + lost + pending`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RecordCounts {
    /// Records that were created.
    pub emitted: u64,
    /// Records that the journal accepted.
    pub acknowledged: u64,
    /// Records that are not in the journal: it could not accept them, or they were shed.
    pub refused: u64,
    /// Records that the policy leaves out: both halves of calls at level `none` or left out by sampling, the request halves of
    /// calls of which only the response is kept, and notifications at level `none`.
    pub suppressed: u64,
    /// Records that every sink accepted.
    pub delivered: u64,
    /// Records that a sink refused for good; they are in quarantine.
    pub quarantined: u64,
    /// Records that were damaged or removed on the disk.
    pub lost: u64,
    /// Records that wait in the journal.
    pub pending: u64,
}
