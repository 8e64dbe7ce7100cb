//! What the handles and the threads of a stream share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::Notify;

use super::copies::Copies;
use super::locked::State;
use super::progress::{SinkProgress, Start};
use crate::journal::disk::{File, HomeProcess};
use crate::journal::format::{CursorFile, Mark, StreamPaths, header};
use crate::journal::numbers::Sequence;
use crate::journal::options::{Event, JournalOptions};
use crate::journal::planted;
use crate::locks::{Condvar, Mutex, MutexGuard};
use crate::record::StreamId;

#[derive(Debug)]
pub(in crate::journal) struct Shared {
    pub(in crate::journal) options: JournalOptions,
    pub(in crate::journal) stream: StreamId,
    /// In which process.
    pub(in crate::journal) home: HomeProcess,
    pub(in crate::journal) paths: StreamPaths,
    pub(in crate::journal) segment_bytes: u64,
    /// Bytes of the longest record that is taken.
    pub(in crate::journal) longest_record: usize,
    /// The lock on the stream, as long as this is held.
    pub(in crate::journal) owner: Arc<dyn File>,
    /// Of each sink. Held by whoever settles.
    pub(in crate::journal) cursors: Mutex<Vec<CursorFile>>,
    pub(in crate::journal) mark: Mark,
    pub(in crate::journal) state: Mutex<State>,
    /// Bytes that could be taken.
    pub(in crate::journal) left: AtomicU64,
    /// Held by whoever commits.
    pub(in crate::journal) committing: Mutex<Copies>,
    /// What is degraded now, by its `error.type`.
    pub(in crate::journal) troubles: Mutex<Vec<&'static str>>,
    /// Bytes that wait in other streams, and when they were counted.
    pub(in crate::journal) others_bytes: AtomicU64,
    pub(in crate::journal) others_counted: Mutex<Option<Instant>>,
    /// Something was told that must be kept before anything is settled or removed.
    pub(in crate::journal) reported: AtomicBool,
    /// For the thread that commits (`upkeep/keeper.rs`).
    pub(in crate::journal) commit_wanted: Condvar,
    /// For whoever waits for the turn to write.
    pub(in crate::journal) turned: Condvar,
    /// The disk does not stand still any more.
    pub(in crate::journal) moved: Notify,
    pub(in crate::journal) stands: AtomicBool,
    /// For the thread that writes.
    pub(in crate::journal) job_wanted: Condvar,
    pub(in crate::journal) job_done: Condvar,
    /// A thread of the journal has ended.
    pub(in crate::journal) ended: Condvar,
    pub(in crate::journal) synced: Notify,
    pub(in crate::journal) synced_blocking: Condvar,
    pub(in crate::journal) readable: Notify,
    pub(in crate::journal) settled: Notify,
    pub(in crate::journal) settled_blocking: Condvar,
    /// There may be room again.
    pub(in crate::journal) room: Notify,
}

/// The files of a stream that are open as long as it is in hand.
pub(in crate::journal) struct Files {
    pub(in crate::journal) owner: Arc<dyn File>,
    /// Of each sink.
    pub(in crate::journal) cursors: Vec<SinkCursor>,
    pub(in crate::journal) mark: Option<Arc<dyn File>>,
}

/// The cursor of a sink, and where the sink begins.
pub(in crate::journal) struct SinkCursor {
    pub(in crate::journal) file: Arc<dyn File>,
    pub(in crate::journal) start: Start,
}

impl Shared {
    pub(in crate::journal) fn new(
        options: JournalOptions,
        stream: StreamId,
        paths: StreamPaths,
        Files { owner, cursors, mark }: Files,
    ) -> Self {
        let segment_bytes = options.segment_bytes();
        let sinks = options.sinks.iter().zip(&cursors);
        let progress = sinks.map(|(sink, cursor)| SinkProgress::from(sink, cursor.start)).collect();
        let cursors = cursors.into_iter().map(|cursor| CursorFile::at(cursor.file, cursor.start.at)).collect();
        Self {
            stream,
            home: HomeProcess::current(),
            paths,
            segment_bytes,
            longest_record: options.longest_record(),
            state: Mutex::new(State::empty(owner.clone(), stream, progress)),
            owner,
            cursors: Mutex::new(cursors),
            mark: Mark::new(mark, stream),
            options,
            left: AtomicU64::new(u64::MAX),
            committing: Mutex::default(),
            troubles: Mutex::default(),
            others_bytes: AtomicU64::new(0),
            reported: AtomicBool::new(false),
            others_counted: Mutex::default(),
            commit_wanted: Condvar::new(),
            turned: Condvar::new(),
            moved: Notify::new(),
            stands: AtomicBool::new(false),
            job_wanted: Condvar::new(),
            job_done: Condvar::new(),
            ended: Condvar::new(),
            synced: Notify::new(),
            synced_blocking: Condvar::new(),
            readable: Notify::new(),
            settled: Notify::new(),
            settled_blocking: Condvar::new(),
            room: Notify::new(),
        }
    }

    /// No code under the lock can panic, so a poisoned lock still holds a whole state.
    pub(in crate::journal) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Where the first frame of a segment begins.
    pub(in crate::journal) fn header_length(&self) -> u64 {
        header::length(&self.options.resource, &self.options.scope) as u64
    }

    /// Tells that records are not there any more, once for all sinks.
    pub(in crate::journal) fn lost(&self, first: Sequence, last: Sequence) {
        self.reported.store(true, Ordering::Relaxed);
        let unreported = self.state().progress.unreported(first, last);
        for (first, last) in unreported {
            let count = (last + 1).saturating_sub(first);
            self.options.watcher.happened(Event::Lost { stream: self.stream, count, first, last });
        }
    }

    /// Whether everything that was told is durable where it was told: before that, nothing is settled or removed.
    pub(in crate::journal) fn reports_are_durable(&self) -> bool {
        if !self.reported.load(Ordering::Relaxed) || planted("settle-before-told") {
            return true;
        }
        let kept = self.options.watcher.is_kept();
        self.reported.store(!kept, Ordering::Relaxed);
        kept
    }

    /// Tells the watcher that something does not work, once until it does.
    pub(in crate::journal) fn degraded(&self, error_type: &'static str, text: &dyn std::fmt::Display) {
        let mut troubles = self.troubles.lock();
        if !troubles.contains(&error_type) {
            troubles.push(error_type);
            drop(troubles);
            self.options.watcher.happened(Event::Degraded { error_type, text: text.to_string() });
        }
    }

    /// Tells the watcher that it works again, if it did not.
    pub(in crate::journal) fn recovered(&self, error_type: &'static str, text: &str) {
        let mut troubles = self.troubles.lock();
        let before = troubles.len();
        troubles.retain(|trouble| *trouble != error_type);
        let was_there = troubles.len() < before;
        drop(troubles);
        if was_there {
            self.options.watcher.happened(Event::Recovered { error_type, text: text.to_owned() });
        }
    }
}
