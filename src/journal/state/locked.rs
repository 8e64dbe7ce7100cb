//! The state behind the lock of a journal. Each part is changed by one room, and others only read it.

use std::sync::Arc;

use super::adoption::Adoption;
use super::appended::Appended;
use super::calls::OpenCalls;
use super::commits::Commits;
use super::jobs::Jobs;
use super::progress::{Progress, SinkProgress};
use super::segments::Segments;
use super::turn::Turn;
use super::upkeep::Upkeep;
use crate::journal::disk::File;
use crate::journal::format::Position;
use crate::record::StreamId;

#[derive(Debug)]
pub(in crate::journal) struct State {
    /// Which thread writes (`write/turn.rs`).
    pub(in crate::journal) turn: Turn,
    /// The work of the writer thread (`write/writer.rs`).
    pub(in crate::journal) jobs: Jobs,
    /// The segments (`write/roll.rs`, `write/prepare.rs`).
    pub(in crate::journal) segments: Segments,
    /// What was appended (`write/store.rs`).
    pub(in crate::journal) appended: Appended,
    /// The open calls (`write/store.rs`).
    pub(in crate::journal) calls: OpenCalls,
    /// Bytes that are reserved for the responses of admitted calls (`write/admission.rs`).
    pub(in crate::journal) reserved: u64,
    /// What is durable (`sync/`).
    pub(in crate::journal) commits: Commits,
    /// How far the sinks are (`read/`).
    pub(in crate::journal) progress: Progress,
    /// The state of the thread that keeps the journal (`upkeep/`).
    pub(in crate::journal) upkeep: Upkeep,
    /// What a dead process left (`recover/`).
    pub(in crate::journal) adoption: Adoption,
}

impl State {
    /// The state of a stream without segments.
    pub(in crate::journal) fn empty(file: Arc<dyn File>, stream: StreamId, sinks: Vec<SinkProgress>) -> Self {
        Self {
            turn: Turn::default(),
            jobs: Jobs::default(),
            segments: Segments::none(file, stream),
            appended: Appended::default(),
            calls: OpenCalls::default(),
            reserved: 0,
            commits: Commits::default(),
            progress: Progress::of(sinks),
            upkeep: Upkeep::default(),
            adoption: Adoption::default(),
        }
    }

    /// Counts the pending bytes again, after more than one frame has changed.
    pub(in crate::journal) fn recount_pending(&mut self) {
        let Position { segment: at, offset } = self.progress.settled_at();
        let pending = self.segments.unsettled.iter().filter(|segment| segment.number >= at).map(|segment| {
            let from = if segment.number == at { offset.max(segment.begin) } else { segment.begin };
            segment.end.saturating_sub(from)
        });
        self.appended.pending_bytes = pending.sum();
    }

    /// Whether it is time to prepare the next segment. An idle process needs none.
    pub(in crate::journal) fn wants_next(&self) -> bool {
        !self.upkeep.rests && self.segments.wants_next()
    }

    /// Whether everything that was appended is durable.
    pub(in crate::journal) fn is_clean(&self) -> bool {
        self.commits.synced.frames == self.appended.frames && !self.commits.poisoned
    }
}
