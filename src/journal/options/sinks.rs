//! The sinks that must have a record before it leaves the journal.
//!
//! Invariants:
//! 1. A record is settled when every sink of the options has accepted it or has it in quarantine. Only then its segment is
//!    removed.
//! 2. Each sink has its own cursor in its own file, and reads at its own pace.
//! 3. A sink without a cursor in a stream receives everything that is there: it was not configured when the stream was
//!    written.

use crate::journal::format::SinkName;

/// The sinks that must have a record before it leaves the journal: at least one, and none twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sinks {
    pub(in crate::journal) first: SinkName,
    pub(in crate::journal) more: Vec<SinkName>,
}

impl Sinks {
    /// A single sink.
    #[must_use]
    pub const fn only(sink: SinkName) -> Self {
        Self { first: sink, more: Vec::new() }
    }

    /// Adds a sink.
    #[must_use]
    pub fn and(mut self, sink: SinkName) -> Self {
        if !self.iter().any(|known| known == sink) {
            self.more.push(sink);
        }
        self
    }

    /// All sinks, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = SinkName> {
        std::iter::once(self.first).chain(self.more.iter().copied())
    }
}

impl Default for Sinks {
    /// The collector.
    fn default() -> Self {
        Self::only(SinkName::OTLP)
    }
}
