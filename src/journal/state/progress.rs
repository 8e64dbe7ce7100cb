//! How far each sink has the stream.

use crate::journal::format::{Cursor, Position, SinkName};
use crate::journal::numbers::Sequence;
use crate::journal::planted::planted;

/// Where a sink starts to read a stream.
#[derive(Debug, Clone, Copy)]
pub(in crate::journal) struct Start {
    pub(in crate::journal) at: Position,
    /// The sequence number that comes next there.
    pub(in crate::journal) expected: Sequence,
}

impl Start {
    /// The cursor of a sink that starts there.
    pub(in crate::journal) fn cursor(self) -> Cursor {
        let Position { segment, offset } = self.at;
        Cursor { segment, offset, sequence: self.expected.saturating_sub(1) }
    }
}

impl Default for Start {
    /// The start of a new stream.
    fn default() -> Self {
        Self { at: Position::default(), expected: 1 }
    }
}

/// How far all sinks are, and which losses were reported.
#[derive(Debug)]
pub(in crate::journal) struct Progress {
    /// One entry per sink, in the order of the options.
    pub(in crate::journal) sinks: Vec<SinkProgress>,
    /// Lost numbers that were reported, until all sinks have passed them.
    pub(in crate::journal) reported_lost: Vec<(Sequence, Sequence)>,
    /// Whether a reader waits for a commit.
    pub(in crate::journal) reader_sleeps: bool,
}

/// How far one sink is.
#[derive(Debug)]
pub(in crate::journal) struct SinkProgress {
    pub(in crate::journal) sink: SinkName,
    /// The sequence number of the last settled record.
    pub(in crate::journal) settled: Sequence,
    /// The position up to which frames are settled.
    pub(in crate::journal) at: Position,
    /// The time of the oldest record that was read and is not settled.
    pub(in crate::journal) oldest_unix_nano: Option<u64>,
}

impl SinkProgress {
    pub(in crate::journal) fn from(sink: SinkName, start: Start) -> Self {
        Self { sink, settled: start.expected.saturating_sub(1), at: start.at, oldest_unix_nano: None }
    }
}

impl Progress {
    pub(in crate::journal) fn of(sinks: Vec<SinkProgress>) -> Self {
        Self { sinks, reported_lost: Vec::new(), reader_sleeps: false }
    }

    /// The sequence number up to which every sink has settled everything.
    pub(in crate::journal) fn settled(&self) -> Sequence {
        let settled = self.sinks.iter().map(|progress| progress.settled);
        if planted("settle-by-the-fastest") {
            return settled.max().unwrap_or(0);
        }
        settled.min().unwrap_or(0)
    }

    /// The sequence number up to which one sink has settled everything; 0 for an unknown sink.
    pub(in crate::journal) fn settled_by(&self, sink: SinkName) -> Sequence {
        self.sinks.iter().find(|progress| progress.sink == sink).map_or(0, |progress| progress.settled)
    }

    /// The position up to which every sink has settled everything.
    pub(in crate::journal) fn settled_at(&self) -> Position {
        self.sinks.iter().map(|progress| progress.at).min().unwrap_or_default()
    }

    /// The time of the oldest record that was read and that some sink has not settled.
    pub(in crate::journal) fn oldest_unix_nano(&self) -> Option<u64> {
        self.sinks.iter().filter_map(|progress| progress.oldest_unix_nano).min()
    }

    /// The parts of a range of lost numbers that were not reported before. Each sink finds the same loss.
    pub(in crate::journal) fn unreported(&mut self, first: Sequence, last: Sequence) -> Vec<(Sequence, Sequence)> {
        let settled = self.settled();
        self.reported_lost.retain(|(_, last)| *last > settled);
        let (mut unreported, mut from) = (Vec::new(), first);
        self.reported_lost.sort_unstable();
        for (known_first, known_last) in &self.reported_lost {
            if *known_first > last {
                break;
            }
            if *known_first > from {
                unreported.push((from, known_first - 1));
            }
            from = from.max(known_last.saturating_add(1));
        }
        if from <= last {
            unreported.push((from, last));
        }
        self.reported_lost.extend(&unreported);
        unreported
    }
}
