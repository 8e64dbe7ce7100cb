//! Counts what waits in the streams of other processes, alive and dead.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::pressure::Pressure;
use crate::journal::format::{Cursor, JournalPaths, Mark, StreamPaths, segment_number};
use crate::journal::state::{Shared, State};
use crate::record::StreamId;

impl Shared {
    /// How many bytes wait for the collector in all streams. This counts against the limit, and the space of prepared files
    /// does not.
    pub(in crate::journal) fn waiting(&self, state: &State) -> u64 {
        state.appended.pending_bytes.saturating_add(self.others_bytes())
    }

    /// Counts what waits in the streams of other processes, alive and dead.
    pub(in crate::journal) fn count_others(&self) {
        if !self.state().wants_next() && self.pressure() < Pressure::Filling {
            return;
        }
        {
            let mut counted = self.others_counted.lock();
            if self.options.background && counted.is_some_and(|counted| counted.elapsed() < COUNT_INTERVAL) {
                return;
            }
            *counted = Some(Instant::now());
        }
        let Some(streams) = self.paths.root().parent() else { return };
        let others = self.options.fs.list(streams).unwrap_or_default();
        let others = others.iter().filter_map(|name| StreamId::parse(name)).filter(|stream| *stream != self.stream);
        let paths = JournalPaths::new(&self.options.directory);
        let sum = others.map(|stream| self.waiting_in(&paths.stream(stream), stream)).sum();
        self.others_bytes.store(sum, Ordering::Relaxed);
    }

    /// The bytes between the cursors and the mark of a stream; without a mark, all bytes after the cursors.
    fn waiting_in(&self, paths: &StreamPaths, stream: StreamId) -> u64 {
        let fs = &self.options.fs;
        let cursor = |sink| fs.open(&paths.cursor(sink)).ok().and_then(|file| Cursor::read(&*file, stream));
        let cursors = self.options.sinks.iter().map(|sink| cursor(sink).map_or((0, 0), |at| (at.segment, at.offset)));
        let settled = cursors.min().unwrap_or_default();
        let end = match fs.open(&paths.mark()) {
            Ok(file) => Mark::read(&*file, stream).map_or((0, 0), |mark| (mark.segment, mark.offset)),
            Err(_) => (u64::MAX, 0),
        };
        let names = fs.list(paths.root()).unwrap_or_default();
        let waits = names.iter().filter_map(|name| {
            let number = segment_number(name).filter(|number| (settled.0..=end.0).contains(number))?;
            let length = fs.identity(&paths.segment(number)).ok()?.length;
            let from = if number == settled.0 { settled.1 } else { 0 };
            let to = if number == end.0 { end.1.min(length) } else { length };
            Some(to.saturating_sub(from))
        });
        waits.sum()
    }

    pub(in crate::journal) fn others_bytes(&self) -> u64 {
        self.others_bytes.load(Ordering::Relaxed)
    }
}

/// Other streams are counted no more often than this, because there may be a thousand.
const COUNT_INTERVAL: Duration = Duration::from_millis(900);
