//! The sinks of a stream: what it is shipped to, and how far each of them has it.
//!
//! Invariants:
//! 1. A record is settled when every sink of the options has it, or quarantine for that sink; segments go then.
//! 2. Each sink has a cursor of its own, in a file of its own, and gets records at its own pace.
//! 3. A sink that has no cursor in a stream gets what is there: it was not among the sinks when the stream was written.

use crate::journal::format::SinkName;

/// The sinks that must have a record before it leaves the journal: at least one, none twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sinks {
    pub(in crate::journal) first: SinkName,
    pub(in crate::journal) more: Vec<SinkName>,
}

impl Sinks {
    /// One sink.
    #[must_use]
    pub const fn only(sink: SinkName) -> Self {
        Self { first: sink, more: Vec::new() }
    }

    /// Another one.
    #[must_use]
    pub fn and(mut self, sink: SinkName) -> Self {
        if !self.iter().any(|known| known == sink) {
            self.more.push(sink);
        }
        self
    }

    /// All of them, in the order in which they were named.
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
