//! What the shipper tells the trail, which makes records of it.

use std::fmt::Debug;

use crate::journal::{Entry, Sequence, SinkName};
use crate::record::StreamId;

/// Hears of what did not go as it should. Called on the shipper's thread; it must not block.
pub trait Reports: Debug + Send + Sync + 'static {
    /// Records are in quarantine and will not be delivered. Called before they are settled; after a crash or a stop
    /// between the two it is called again.
    fn refused(&self, gap: RefusedRange);

    /// Something is wrong that lasts: `sink_unavailable`, `sink_authentication`,
    /// `sink_unreadable` or `quarantine`. Once an episode.
    fn degraded(&self, error_type: &'static str);

    /// What was wrong is right again.
    fn recovered(&self);
}

/// Records that the sink refused for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedRange {
    /// Their stream.
    pub stream: StreamId,
    /// The sink that refused them. Others may have them.
    pub sink: SinkName,
    /// How many were refused.
    pub count: u64,
    /// Among how many: after a partial success nobody knows which ones.
    pub of: u64,
    /// The number of the first of these.
    pub first: Sequence,
    /// The number of the last of these.
    pub last: Sequence,
}

impl RefusedRange {
    /// What is told of entries of which that many were refused: of each run of numbers alone, if it is all of them. Between them
    /// may be some that were lost, of which others tell.
    pub(super) fn of(whose: (StreamId, SinkName), entries: &[Entry], refused: u64) -> Vec<Self> {
        let runs = entries.chunk_by(|one, next| one.sequence + 1 == next.sequence);
        let whole = |run: &[Entry]| Self::among(whose, run, run.len() as u64);
        match refused < entries.len() as u64 {
            true => Self::among(whose, entries, refused).into_iter().collect(),
            false => runs.filter_map(whole).collect(),
        }
    }

    fn among((stream, sink): (StreamId, SinkName), entries: &[Entry], count: u64) -> Option<Self> {
        let (first, last) = (entries.first()?.sequence, entries.last()?.sequence);
        Some(Self { stream, sink, count, of: entries.len() as u64, first, last })
    }

    /// Whether all of its numbers are of records that were refused.
    pub(crate) const fn is_whole(&self) -> bool {
        self.count > self.last - self.first
    }
}

/// The collector does not answer, or has no time, for longer than a hiccup.
pub(super) const SINK_UNAVAILABLE: &str = crate::record::error_type::SINK_UNAVAILABLE;
/// The collector refuses our credentials.
pub(super) const SINK_AUTHENTICATION: &str = crate::record::error_type::SINK_AUTHENTICATION;
/// The collector's answers are none of OTLP.
pub(super) const SINK_UNREADABLE: &str = crate::record::error_type::SINK_UNREADABLE;
/// Refused records cannot be kept, so they are not settled.
pub(super) const QUARANTINE: &str = crate::record::error_type::QUARANTINE;
