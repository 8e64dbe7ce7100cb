//! What the handles and threads of a stream share.

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
    /// The process that opened the stream.
    pub(in crate::journal) home: HomeProcess,
    pub(in crate::journal) paths: StreamPaths,
    pub(in crate::journal) segment_bytes: u64,
    /// The length of the longest record that is accepted.
    pub(in crate::journal) longest_record: usize,
    /// The lock on the stream, for as long as this exists.
    pub(in crate::journal) owner: Arc<dyn File>,
    /// One per sink. The thread that settles holds the lock.
    pub(in crate::journal) cursors: Mutex<Vec<CursorFile>>,
    pub(in crate::journal) mark: Mark,
    pub(in crate::journal) state: Mutex<State>,
    /// How many bytes can still be accepted.
    pub(in crate::journal) left: AtomicU64,
    /// The thread that commits holds the lock.
    pub(in crate::journal) committing: Mutex<Copies>,
    /// The `error.type` of everything that is degraded now.
    pub(in crate::journal) troubles: Mutex<Vec<&'static str>>,
    /// How many bytes wait in other streams, and when they were counted.
    pub(in crate::journal) others_bytes: AtomicU64,
    pub(in crate::journal) others_counted: Mutex<Option<Instant>>,
    /// Whether something was reported that must be durable before anything is settled or removed.
    pub(in crate::journal) reported: AtomicBool,
    /// For the thread that commits (`upkeep/keeper.rs`).
    pub(in crate::journal) commit_wanted: Condvar,
    /// Wakes threads that wait for the turn.
    pub(in crate::journal) turned: Condvar,
    /// Wakes tasks when the disk is no longer stalled.
    pub(in crate::journal) unstalled: Notify,
    pub(in crate::journal) stalled: AtomicBool,
    /// Wakes the writer thread.
    pub(in crate::journal) job_wanted: Condvar,
    pub(in crate::journal) job_done: Condvar,
    /// A thread of the journal has ended.
    pub(in crate::journal) ended: Condvar,
    pub(in crate::journal) synced: Notify,
    pub(in crate::journal) synced_blocking: Condvar,
    pub(in crate::journal) readable: Notify,
    pub(in crate::journal) settled: Notify,
    pub(in crate::journal) settled_blocking: Condvar,
    /// Wakes tasks when there may be room again.
    pub(in crate::journal) room: Notify,
}

/// The files of a stream that stay open.
pub(in crate::journal) struct Files {
    pub(in crate::journal) owner: Arc<dyn File>,
    /// One per sink.
    pub(in crate::journal) cursors: Vec<SinkCursor>,
    pub(in crate::journal) mark: Option<Arc<dyn File>>,
}

/// The cursor of a sink, and where the sink starts.
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
        let cursors = cursors.into_iter().map(|cursor| CursorFile::at(cursor.file, cursor.start.cursor())).collect();
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
            unstalled: Notify::new(),
            stalled: AtomicBool::new(false),
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

    /// No code under the lock can panic, so a poisoned lock still guards a consistent state.
    pub(in crate::journal) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The offset of the first frame in a segment.
    pub(in crate::journal) fn header_length(&self) -> u64 {
        header::length(&self.options.resource, &self.options.scope) as u64
    }

    /// Reports that records are lost, once for all sinks.
    pub(in crate::journal) fn lost(&self, first: Sequence, last: Sequence) {
        self.reported.store(true, Ordering::Relaxed);
        let unreported = self.state().progress.unreported(first, last);
        for (first, last) in unreported {
            let count = (last + 1).saturating_sub(first);
            self.options.watcher.happened(Event::Lost { stream: self.stream, count, first, last });
        }
    }

    /// Whether everything that was reported is durable at its receiver. Before that, nothing is settled or removed.
    pub(in crate::journal) fn reports_are_durable(&self) -> bool {
        if !self.reported.load(Ordering::Relaxed) || planted("settle-before-told") {
            return true;
        }
        let kept = self.options.watcher.is_kept();
        self.reported.store(!kept, Ordering::Relaxed);
        kept
    }

    /// Reports that something does not work, once until it works again.
    pub(in crate::journal) fn degraded(&self, error_type: &'static str, text: &dyn std::fmt::Display) {
        let mut troubles = self.troubles.lock();
        if !troubles.contains(&error_type) {
            troubles.push(error_type);
            drop(troubles);
            self.options.watcher.happened(Event::Degraded { error_type, text: text.to_string() });
        }
    }

    /// Reports that something works again, if it did not.
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
