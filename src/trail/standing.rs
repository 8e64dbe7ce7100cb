//! A disk that stands still: a frozen file system, a server of files that does not answer.
//!
//! Invariants:
//! 1. Nobody waits for it longer than the class of the call says, and then what the class says happens: the record is left out,
//!    counted and told, or the call is refused.
//! 2. Where the caller awaits, its thread is given back meanwhile.
//! 3. The time counts from when the disk was first seen to stand, but for who wants to wait
//!    ([`WhenFull::Wait`]): that it stands is found out once, not by each call anew.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use super::class::{Class, WhenFull};
use super::core::Core;
use super::gap::Cause;
use super::recorder::Recorder;
use super::timer::within;
use crate::journal::{JournalError, Receipt};

/// Why a record is not in the journal.
#[derive(Debug)]
pub(super) enum NotTaken {
    /// It is counted, and told by a gap record.
    Counted,
    /// The disk stands still. It is not counted.
    Stands(JournalError),
}

impl Core {
    /// Waits while the disk stands still, no longer than such a call may.
    pub(super) async fn moves(&self, class: Class) {
        if self.recorder.journal.stands() {
            // What follows finds out whether it still does.
            let left = self.left_to_wait(class, Instant::now());
            let _late = within(left, self.recorder.journal.moves()).await;
        }
    }

    /// How long a call may still wait that has waited since then.
    pub(super) fn left_to_wait(&self, class: Class, begun: Instant) -> Duration {
        let stood = if class.when_full == WhenFull::Wait { Duration::ZERO } else { self.recorder.journal.stood() };
        class.deadline.saturating_sub(begun.elapsed().max(stood))
    }

    /// If it cannot be removed, the next process does it. On another thread: a disk that stands still must not hold up the host.
    pub(super) fn remove_stream(&self) {
        let (journal, (done, is_done)) = (self.recorder.journal.clone(), channel());
        let remove = move || {
            let _removed = journal.remove_if_done();
            drop(done);
        };
        if thread::Builder::new().name("auditrail-end".into()).spawn(remove).is_ok() {
            // It sends nothing, and hangs up.
            let _ended: Result<(), _> = is_done.recv_timeout(END);
        }
    }
}

impl Recorder {
    /// Counts what a disk that stands still has not taken.
    pub(super) fn counted(&self, taken: Result<Receipt, NotTaken>) -> Option<Receipt> {
        taken
            .inspect_err(|not_taken| {
                if let NotTaken::Stands(error) = not_taken {
                    self.left_out(Cause::Refused, Some(error));
                }
            })
            .ok()
    }
}

pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// As long as a thread of an executor may be held up: whoever waits longer gives it back meanwhile.
pub(super) const MOMENT: Duration = Duration::from_millis(20);
/// How long the end of a trail waits for a disk, at each step: more than one takes that is slow.
pub(super) const END: Duration = Duration::from_secs(5);
