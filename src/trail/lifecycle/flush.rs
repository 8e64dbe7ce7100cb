//! Flushes, and their results.

use std::fmt;
use std::time::{Duration, Instant};

use crate::journal::Sequence;
use crate::trail::core::Core;
use crate::trail::timer::{Late, within};

/// A flush that finished: everything in the journal is settled, except unreadable streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Flushed {
    /// Streams of earlier processes that cannot be opened or read, and stay as they are. A notice has named each of them.
    pub unreadable_streams: u64,
}

/// A flush that did not finish in time. Nothing is dropped: the shipper continues.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlushError {
    /// Records that are pending, including those of earlier processes.
    pub pending: u64,
    /// How many of them belong to earlier processes.
    pub pending_of_earlier: u64,
    /// Streams of earlier processes that were not visited in time, so there may be more pending records; some may have living owners.
    pub unvisited_streams: u64,
    /// Streams of earlier processes that cannot be opened or read. A notice has named each of them.
    pub unreadable_streams: u64,
    /// The deadline of the flush.
    pub deadline: Duration,
    /// The result of the last request, if its sink did not accept it, such as `HTTP 404`.
    pub last_refusal: Option<String>,
    /// This process was forked from the process of the trail, which alone delivers records.
    pub is_forked_child: bool,
}

impl FlushError {
    fn of_a_child(deadline: Duration) -> Self {
        Self {
            pending: 0,
            pending_of_earlier: 0,
            unvisited_streams: 0,
            unreadable_streams: 0,
            deadline,
            last_refusal: None,
            is_forked_child: true,
        }
    }
}

impl std::error::Error for FlushError {}

impl fmt::Display for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_forked_child {
            return f.write_str(
                "this process was forked from the one that has the trail, which alone delivers its records; start a trail in the \
                 child, after the fork",
            );
        }
        write!(f, "{} audit record(s) were not delivered within {:?}", self.pending, self.deadline)?;
        if self.pending_of_earlier > 0 {
            write!(f, ", {} of them of earlier processes", self.pending_of_earlier)?;
        }
        if self.unvisited_streams > 0 {
            write!(f, ", and up to {} stream(s) of earlier processes were not looked at", self.unvisited_streams)?;
        }
        if self.unreadable_streams > 0 {
            write!(
                f,
                "; {} stream(s) of earlier processes cannot be read and were left alone",
                self.unreadable_streams
            )?;
        }
        match &self.last_refusal {
            Some(reason) => write!(f, "; the last request was not taken: {reason}"),
            None => f.write_str(
                "; the collector has taken every request that it answered so far: see whether it is up and fast enough",
            ),
        }
    }
}

impl Core {
    /// Ships what is in the journal now, what earlier processes left there included.
    pub async fn flush(&self, deadline: Duration) -> Result<Flushed, FlushError> {
        if self.is_inherited() {
            return Err(FlushError::of_a_child(deadline));
        }
        let settled = async {
            self.recorder.journal.settled(self.hurry()).await;
            self.delivery.adopted.wait().await;
        };
        within(deadline, settled).await.map(|()| self.flushed()).map_err(|Late| self.unfinished(deadline))
    }

    /// Flushes on a thread that may block.
    pub(crate) fn flush_blocking(&self, deadline: Duration) -> Result<Flushed, FlushError> {
        if self.is_inherited() {
            return Err(FlushError::of_a_child(deadline));
        }
        let begun = Instant::now();
        let settled = self.recorder.journal.settled_within(self.hurry(), deadline)
            && self.delivery.adopted.wait_within(deadline.saturating_sub(begun.elapsed()));
        if settled { Ok(self.flushed()) } else { Err(self.unfinished(deadline)) }
    }

    /// Hurries the shipper and gives the number up to which it has to go.
    fn hurry(&self) -> Sequence {
        self.recorder.report_gaps();
        self.recorder.journal.commit_soon();
        self.delivery.hurry();
        self.recorder.journal.usage().appended
    }

    fn flushed(&self) -> Flushed {
        Flushed { unreadable_streams: self.delivery.adopted.unreadable_streams() }
    }

    fn unfinished(&self, deadline: Duration) -> FlushError {
        let pending_of_earlier = self.delivery.adopted.pending();
        FlushError {
            pending: self.recorder.journal.usage().pending() + pending_of_earlier,
            pending_of_earlier,
            unvisited_streams: self.delivery.adopted.unvisited_streams() as u64,
            unreadable_streams: self.delivery.adopted.unreadable_streams(),
            deadline,
            last_refusal: self.delivery.last_refusal(),
            is_forked_child: false,
        }
    }
}

#[cfg(test)]
mod tests;
