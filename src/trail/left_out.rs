//! Records that are left out: counted, and told once an episode. All are, in a child that is forked from the trail's process.

use std::sync::atomic::Ordering;

use super::gap::Cause;
use super::recorder::Recorder;
use crate::journal::JournalError;

impl Recorder {
    /// Whether this process is a child of the one that has started the trail. It has none of its threads.
    pub(super) fn is_inherited(&self) -> bool {
        self.journal.is_inherited()
    }

    /// Counts a record that is left out.
    pub(super) fn left_out(&self, cause: Cause, error: Option<&JournalError>) {
        if self.is_inherited() {
            // No lock is taken on the way: another thread of the parent may have held it when it forked.
            if !self.inherited_told.swap(true, Ordering::Relaxed) {
                self.notices.warn_alone(INHERITED);
            }
            return;
        }
        self.gaps.refuse(&self.notices, cause, error, self.clock.unix_nano());
    }
}

const INHERITED: &str = "nothing is audited in this process: it was forked from the one that has started the trail, which alone \
                         writes to its stream; start a trail in the child, after the fork, or start the trail after the process \
                         has put itself into the background";
