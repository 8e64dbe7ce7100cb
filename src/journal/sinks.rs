//! The sinks of a stream: what it is shipped to, and how far each of them has it.
//!
//! Invariants:
//! 1. A record is settled when every sink of the options has it, or quarantine for that sink; segments go then.
//! 2. Each sink has a cursor of its own, in a file of its own, and gets records at its own pace.
//! 3. A sink that has no cursor in a stream gets what is there: it was not among the sinks when the stream was written.

use std::fmt;

use super::planted::planted;
use super::reader::Reader;
use super::settle::Settler;
use super::state::{Position, State};
use super::{Journal, Sequence};

/// The name of a sink: lower-case letters, digits and hyphens, a letter first, at most sixteen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SinkName([u8; LONGEST]);

impl SinkName {
    /// The collector, by OTLP.
    pub const OTLP: Self = Self(*b"otlp\0\0\0\0\0\0\0\0\0\0\0\0");

    /// `None` if it cannot be the name of a sink.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(is_plain);
        let mut bytes = [0; LONGEST];
        bytes.get_mut(..name.len()).filter(|_| is_name)?.copy_from_slice(name.as_bytes());
        Some(Self(bytes))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(LONGEST);
        self.0.get(..length).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
    }

    /// Sixteen bytes, with zeros behind the name.
    pub(super) const fn to_bytes(self) -> [u8; LONGEST] {
        self.0
    }

    pub(super) fn from_bytes(bytes: [u8; LONGEST]) -> Option<Self> {
        Self::new(Self(bytes).as_str()).filter(|name| name.0 == bytes)
    }
}

impl fmt::Display for SinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The sinks that must have a record before it leaves the journal: at least one, none twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sinks {
    first: SinkName,
    more: Vec<SinkName>,
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

/// What ships a stream to a sink holds both of these, on one thread or on two.
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
    /// Those of the first sink, and those of the others. Called once for a journal.
    pub(super) fn of(journal: &Journal, starts: &[Start]) -> (Self, Vec<Self>) {
        let of = |(place, sink)| {
            let Start { at, expected } = starts.get(place).copied().unwrap_or_default();
            let (reader, settler) = Reader::new(journal.clone(), place, at, expected);
            Self { sink, reader, settler }
        };
        let sinks = &journal.0.options.sinks;
        (of((0, sinks.first)), (1..).zip(sinks.more.iter().copied()).map(of).collect())
    }
}

/// Where a sink begins to read a stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) at: Position,
    /// The number that comes next there.
    pub(super) expected: Sequence,
}

impl Default for Start {
    /// That of a new stream.
    fn default() -> Self {
        Self { at: Position::default(), expected: 1 }
    }
}

/// How far a sink has the stream.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) sink: SinkName,
    /// The sequence number of the last record that is settled.
    pub(super) settled: Sequence,
    /// How far the frames are settled.
    pub(super) at: Position,
    /// When the oldest record that was read and is not settled was observed.
    pub(super) oldest_unix_nano: Option<u64>,
}

impl Progress {
    pub(super) fn from(sink: SinkName, start: Start) -> Self {
        Self { sink, settled: start.expected.saturating_sub(1), at: start.at, oldest_unix_nano: None }
    }
}

impl State {
    /// The sequence number up to which every sink has all.
    pub(super) fn settled(&self) -> Sequence {
        let settled = self.sinks.iter().map(|progress| progress.settled);
        if planted("settle-by-the-fastest") {
            return settled.max().unwrap_or(0);
        }
        settled.min().unwrap_or(0)
    }

    /// The sequence number up to which that sink has all; nothing for a sink that is none.
    pub(super) fn settled_by(&self, sink: SinkName) -> Sequence {
        self.sinks.iter().find(|progress| progress.sink == sink).map_or(0, |progress| progress.settled)
    }

    /// How far every sink has the frames.
    pub(super) fn settled_at(&self) -> Position {
        self.sinks.iter().map(|progress| progress.at).min().unwrap_or_default()
    }

    /// When the oldest record that was read and that a sink does not have was observed.
    pub(super) fn oldest_unix_nano(&self) -> Option<u64> {
        self.sinks.iter().filter_map(|progress| progress.oldest_unix_nano).min()
    }

    /// The parts of a range of lost numbers that were not told before: each sink comes by them.
    pub(super) fn untold(&mut self, first: Sequence, last: Sequence) -> Vec<(Sequence, Sequence)> {
        let settled = self.settled();
        self.lost_told.retain(|(_, last)| *last > settled);
        let (mut untold, mut from) = (Vec::new(), first);
        self.lost_told.sort_unstable();
        for (known_first, known_last) in &self.lost_told {
            if *known_first > last {
                break;
            }
            if *known_first > from {
                untold.push((from, known_first - 1));
            }
            from = from.max(known_last.saturating_add(1));
        }
        if from <= last {
            untold.push((from, last));
        }
        self.lost_told.extend(&untold);
        untold
    }
}

const LONGEST: usize = 16;
