//! What the lock of a journal guards, in parts: each is changed by one room, and read by others.

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
    /// Who writes now (`write/turn.rs`).
    pub(in crate::journal) turn: Turn,
    /// What is given to the thread that writes for others (`write/writer.rs`).
    pub(in crate::journal) jobs: Jobs,
    /// The segments that are written to (`write/roll.rs`, `write/prepare.rs`).
    pub(in crate::journal) segments: Segments,
    /// What was appended (`write/store.rs`).
    pub(in crate::journal) appended: Appended,
    /// The calls that are open (`write/store.rs`).
    pub(in crate::journal) calls: OpenCalls,
    /// Bytes that are kept for the responses of calls that were admitted (`write/admission.rs`).
    pub(in crate::journal) reserved: u64,
    /// What is durable (`sync/`).
    pub(in crate::journal) commits: Commits,
    /// How far the sinks have it (`read/`).
    pub(in crate::journal) progress: Progress,
    /// What the thread that keeps the journal knows (`upkeep/`).
    pub(in crate::journal) upkeep: Upkeep,
    /// What a dead process left (`recover/`).
    pub(in crate::journal) adoption: Adoption,
}

impl State {
    /// Of a stream that has no segment yet.
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

    /// Counts what is pending, where more has changed than a frame.
    pub(in crate::journal) fn recount_pending(&mut self) {
        let Position { segment: at, offset } = self.progress.settled_at();
        let pending = self.segments.unsettled.iter().filter(|segment| segment.number >= at).map(|segment| {
            let from = if segment.number == at { offset.max(segment.begin) } else { segment.begin };
            segment.end.saturating_sub(from)
        });
        self.appended.pending_bytes = pending.sum();
    }

    /// Whether it is time to make the next segment: an idle process needs none.
    pub(in crate::journal) fn wants_next(&self) -> bool {
        !self.upkeep.rests && self.segments.wants_next()
    }

    /// Whether everything that was appended is durable.
    pub(in crate::journal) fn is_clean(&self) -> bool {
        self.commits.synced.frames == self.appended.frames && !self.commits.poisoned
    }
}
