//! What the journal could not take: counted, said once an episode, and told by gap records.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::told::Gap;
use crate::config::Notices;
use crate::journal::JournalError;

/// Counters of what is missing, and of how much of it gap records have told.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    refused: Missing,
    shed: Missing,
    episode: AtomicBool,
}

/// `auditrail.gap.cause` of records that got no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The journal could not take them.
    Refused,
    /// They were left out so that others have room.
    Shed,
}

#[derive(Debug, Default)]
struct Missing {
    count: AtomicU64,
    untold: Mutex<Untold>,
}

#[derive(Debug, Default)]
struct Untold {
    count: u64,
    since: u64,
    until: u64,
}

impl Gaps {
    /// All that were refused, those that were shed among them.
    pub(super) fn refused(&self) -> u64 {
        self.refused.count.load(Ordering::Relaxed) + self.shed.count.load(Ordering::Relaxed)
    }

    /// Counts one record that is not in the journal.
    pub(super) fn refuse(&self, notices: &Notices, cause: Cause, error: Option<&JournalError>, now: u64) {
        let missing = self.of(cause);
        missing.count.fetch_add(1, Ordering::Relaxed);
        {
            let mut untold = missing.untold.lock().unwrap_or_else(PoisonError::into_inner);
            if untold.count == 0 {
                untold.since = now;
            }
            untold.count += 1;
            untold.until = now;
        }
        if !self.episode.swap(true, Ordering::Relaxed) {
            let why = error.map_or_else(|| NEARLY_FULL.to_owned(), ToString::to_string);
            notices.warn(format!("audit records are being left out: {why}; a gap record will tell how many"));
        }
    }

    /// The journal took one, and has room for more: what is missing can be told now. Cheap when nothing is.
    pub(super) fn taken(&self, notices: &Notices, has_room: impl FnOnce() -> bool) -> Vec<Gap> {
        if !self.episode.load(Ordering::Relaxed) || !has_room() || !self.episode.swap(false, Ordering::Relaxed) {
            return Vec::new();
        }
        notices.recovered("audit records are taken again");
        self.untold()
    }

    /// What no record has told yet.
    pub(super) fn untold(&self) -> Vec<Gap> {
        let take = |cause: Cause, text| {
            let mut untold = self.of(cause).untold.lock().unwrap_or_else(PoisonError::into_inner);
            let untold = std::mem::take(&mut *untold);
            (untold.count > 0).then(|| Gap::without_numbers(text, untold.count, (untold.since, untold.until)))
        };
        [take(Cause::Refused, "refused"), take(Cause::Shed, "shed")].into_iter().flatten().collect()
    }

    const fn of(&self, cause: Cause) -> &Missing {
        match cause {
            Cause::Refused => &self.refused,
            Cause::Shed => &self.shed,
        }
    }
}

const NEARLY_FULL: &str = "the journal is nearly full, and its last room is kept for calls that must not run unrecorded; see why \
                           the collector does not take records, or raise AUDITRAIL_JOURNAL_MAX_BYTES";
