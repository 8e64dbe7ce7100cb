//! What the journal says of itself.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::cursor::Cursor;
use super::mark::Mark;
use super::place::{Place, StreamPlace, segment_number};
use super::planted::planted;
use super::pressure::Pressure;
use super::state::State;
use super::{Journal, Sequence, Shared};
use crate::record::StreamId;

/// Counts and bytes of a stream at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Records that were taken.
    pub appended: u64,
    /// The sequence number up to which all are settled: every sink has them, or quarantine, or they are reported as lost.
    pub settled: Sequence,
    /// Bytes of frames that are not settled.
    pub pending_bytes: u64,
    /// Bytes that the segments of this stream take on the disk.
    pub allocated_bytes: u64,
    /// Bytes that wait in other streams of the directory, as they were counted last.
    pub others_bytes: u64,
    /// Bytes that may wait in all segments.
    pub max_bytes: u64,
    /// When the oldest record was made that was read and is not settled, nanoseconds since 1970.
    pub oldest_unix_nano: Option<u64>,
    /// Calls that are open.
    pub open_calls: usize,
}

impl Usage {
    const NOTHING: Self = Self {
        appended: 0,
        settled: 0,
        pending_bytes: 0,
        allocated_bytes: 0,
        others_bytes: 0,
        max_bytes: 0,
        oldest_unix_nano: None,
        open_calls: 0,
    };

    /// Records that are not settled.
    #[must_use]
    pub const fn pending(&self) -> u64 {
        self.appended.saturating_sub(self.settled)
    }
}

impl Journal {
    /// Counts and bytes now. All of them are zero in a forked child: nothing of the stream is its.
    #[must_use]
    pub fn usage(&self) -> Usage {
        // Before the lock, which another thread of the parent may have held when it forked.
        if self.is_inherited() && !planted("count-in-a-child") {
            return Usage { max_bytes: self.0.options.max_bytes, ..Usage::NOTHING };
        }
        let state = self.0.state();
        Usage {
            appended: state.sequence - 1,
            settled: state.settled(),
            pending_bytes: state.pending_bytes,
            allocated_bytes: state.allocated(),
            others_bytes: self.0.others_bytes(),
            max_bytes: self.0.options.max_bytes,
            oldest_unix_nano: state.oldest_unix_nano(),
            open_calls: state.calls.iter().count(),
        }
    }
}

impl Shared {
    /// What waits for the collector, of all streams: that, and not the space of files that are ready, is held against the
    /// bound.
    pub(super) fn waiting(&self, state: &State) -> u64 {
        state.pending_bytes.saturating_add(self.others_bytes())
    }

    /// Counts what waits in the streams of other processes, and of those that died.
    pub(super) fn count_others(&self) {
        if !self.state().wants_next() && self.pressure() < Pressure::Filling {
            return;
        }
        {
            let mut counted = self.others_counted.lock().unwrap_or_else(PoisonError::into_inner);
            if self.options.background && counted.is_some_and(|counted| counted.elapsed() < COUNT_INTERVAL) {
                return;
            }
            *counted = Some(Instant::now());
        }
        let Some(streams) = self.place.root().parent() else { return };
        let others = self.options.fs.list(streams).unwrap_or_default();
        let others = others.iter().filter_map(|name| StreamId::parse(name)).filter(|stream| *stream != self.stream);
        let place = Place::new(&self.options.directory);
        let sum = others.map(|stream| self.waiting_in(&place.stream(stream), stream)).sum();
        self.others_bytes.store(sum, Ordering::Relaxed);
    }

    /// What stands between the cursors and the mark of a stream; without a mark, behind the cursors.
    fn waiting_in(&self, place: &StreamPlace, stream: StreamId) -> u64 {
        let fs = &self.options.fs;
        let cursor = |sink| fs.open(&place.cursor(sink)).ok().and_then(|file| Cursor::read(&*file, stream));
        let cursors = self.options.sinks.iter().map(|sink| cursor(sink).map_or((0, 0), |at| (at.segment, at.offset)));
        let settled = cursors.min().unwrap_or_default();
        let end = match fs.open(&place.mark()) {
            Ok(file) => Mark::read(&*file, stream).map_or((0, 0), |mark| (mark.segment, mark.offset)),
            Err(_) => (u64::MAX, 0),
        };
        let names = fs.list(place.root()).unwrap_or_default();
        let waits = names.iter().filter_map(|name| {
            let number = segment_number(name).filter(|number| (settled.0..=end.0).contains(number))?;
            let length = fs.identity(&place.segment(number)).ok()?.length;
            let from = if number == settled.0 { settled.1 } else { 0 };
            let to = if number == end.0 { end.1.min(length) } else { length };
            Some(to.saturating_sub(from))
        });
        waits.sum()
    }

    /// There may be room for another segment: whoever waits for it tries again.
    pub(super) fn wake_for_room(&self) {
        let mut state = self.state();
        state.full_because = None;
        self.note_fullness(&state);
        state.commit_wanted = true;
        drop(state);
        self.commit_wanted.notify_one();
        self.room.notify_waiters();
    }

    pub(super) fn others_bytes(&self) -> u64 {
        self.others_bytes.load(Ordering::Relaxed)
    }
}

/// Streams of others are looked at no more often, as there may be a thousand.
const COUNT_INTERVAL: Duration = Duration::from_millis(900);
