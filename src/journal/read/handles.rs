//! The two handles of a sink.

use super::reader::Reader;
use super::settle::Settler;
use crate::journal::format::SinkName;
use crate::journal::handle::Journal;
use crate::journal::state::Start;

/// The two handles of a sink, for one thread or two.
#[derive(Debug)]
#[non_exhaustive]
pub struct SinkHandles {
    /// The sink.
    pub sink: SinkName,
    /// Reads ahead.
    pub reader: Reader,
    /// Settles.
    pub settler: Settler,
}

impl SinkHandles {
    /// The handles of the first sink, and those of the others. Called once per journal.
    pub(in crate::journal) fn of(journal: &Journal, starts: &[Start]) -> (Self, Vec<Self>) {
        let of = |(place, sink)| {
            let Start { at, expected } = starts.get(place).copied().unwrap_or_default();
            let (reader, settler) = Reader::new(journal.clone(), place, at, expected);
            Self { sink, reader, settler }
        };
        let sinks = &journal.0.options.sinks;
        (of((0, sinks.first)), (1..).zip(sinks.more.iter().copied()).map(of).collect())
    }
}
