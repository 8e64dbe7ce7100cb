//! Writes the mark, and makes it durable before records are shipped.

use std::io;

use crate::journal::format::Cursor;
use crate::journal::numbers::Sequence;
use crate::journal::state::Shared;
use crate::journal::{error, planted};

impl Shared {
    /// Writes to the mark how far the stream is durable now.
    pub(in crate::journal) fn note_mark(&self) -> io::Result<()> {
        let synced = self.state().commits.synced;
        let sequence = synced.sequence.saturating_sub(1);
        self.mark.write(Cursor { segment: synced.segment, offset: synced.offset, sequence }, self.stream)
    }

    /// Makes sure that a number which is about to be shipped is never used again, whatever the disk loses. If the disk does
    /// not accept the mark, the records are shipped nevertheless: nothing better can happen to them.
    pub(in crate::journal) fn mark_durably(&self, through: Sequence) {
        if self.mark.is_durable(through) || planted("skip-mark") {
            return;
        }
        let saved = {
            let _alone = self.mark.saving();
            if self.mark.is_durable(through) {
                return;
            }
            self.note_mark().and_then(|()| self.mark.sync())
        };
        match saved {
            Ok(()) => self.recovered(MARK, "the journal saves its numbers again"),
            Err(cause) => {
                self.degraded(
                    MARK,
                    &format!("the journal cannot save which numbers it ships: {cause}; {}", error::FIX),
                );
            }
        }
    }
}

const MARK: &str = crate::record::error_type::JOURNAL_MARK_FAILED;
