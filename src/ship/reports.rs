//! What the shipper reports to the trail, which writes records about it.

use std::fmt::Debug;

use crate::journal::{Entry, Sequence, SinkName};
use crate::record::StreamId;

/// Receives reports of failures. Called on the shipper's thread; it must not block.
pub trait Reports: Debug + Send + Sync + 'static {
    /// Records are in quarantine and will not be delivered. Called before they are settled; after a crash or a stop
    /// between the two, it is called again.
    fn refused(&self, gap: RefusedRange);

    /// A lasting failure: `sink_unavailable`, `sink_authentication`, `sink_unreadable`, `sink_file_failed` or
    /// `quarantine`. Called once per episode.
    fn degraded(&self, error_type: &'static str);

    /// The failure is over.
    fn recovered(&self);
}

/// Records that the sink refused for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedRange {
    /// The stream of the records.
    pub stream: StreamId,
    /// The sink that refused them. Other sinks may have them.
    pub sink: SinkName,
    /// The number of refused records.
    pub count: u64,
    /// The number of records among which they are: a partial success does not say which ones are refused.
    pub of: u64,
    /// The sequence number of the first of these.
    pub first: Sequence,
    /// The sequence number of the last of these.
    pub last: Sequence,
}

impl RefusedRange {
    /// The reports for entries of which `refused` were refused: one per run of numbers, if all of them were. Records
    /// in between may be lost, which is reported separately.
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

    /// Whether every number in the range is of a refused record.
    pub(crate) const fn is_whole(&self) -> bool {
        self.count > self.last - self.first
    }
}

/// The collector does not answer, or is overloaded, for longer than a hiccup.
pub(super) const SINK_UNAVAILABLE: &str = crate::record::error_type::SINK_UNAVAILABLE;
/// The collector refuses the credentials.
pub(super) const SINK_AUTHENTICATION: &str = crate::record::error_type::SINK_AUTHENTICATION;
/// The collector's answers are not OTLP.
pub(super) const SINK_UNREADABLE: &str = crate::record::error_type::SINK_UNREADABLE;
/// The file of a sink cannot be written.
pub(super) const SINK_FILE_FAILED: &str = crate::record::error_type::SINK_FILE_FAILED;
/// Refused records cannot be quarantined, so they are not settled.
pub(super) const QUARANTINE: &str = crate::record::error_type::QUARANTINE;
