//! Appends records to the journal, and accounts for those that it does not take.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::clients::{Client, Clients};
use super::counts::Counts;
use super::gap::{Cause, Gaps};
use super::scribe::Scribe;
use super::shedding::Worth;
use super::standing::NotTaken;
use super::told::Told;
use crate::config::Notices;
use crate::journal::{Append, HEADER, Journal, JournalError, Pressure, Receipt, planted};
use crate::policy::Scissors;
use crate::record::{Clock, Entropy, RecordId};

/// The only writer of a trail's records.
pub(super) struct Recorder {
    pub(super) journal: Journal,
    pub(super) scribe: Arc<Scribe>,
    pub(super) gaps: Gaps,
    pub(super) clients: Arc<Clients>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) scissors: Scissors,
    /// How long a record waits for a disk that stands still, where no class says it.
    pub(super) patience: Duration,
    pub(super) notices: Notices,
    /// Somebody was told that this process has no trail.
    pub(super) inherited_told: AtomicBool,
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.scribe.release();
    }
}

impl Recorder {
    /// Encodes into a buffer of the thread and appends. What the journal did not take is counted, told to the operator
    /// once, and told by a record.
    pub(super) fn write(
        &self,
        what: Append,
        worth: Worth,
        client: impl FnOnce() -> Option<Arc<Client>>,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Option<Receipt> {
        self.counted(self.try_write(what, worth, client, encode))
    }

    /// As [`write`](Self::write), but leaves it to the caller to count what a disk that stands still has not taken.
    pub(super) fn try_write(
        &self,
        what: Append,
        worth: Worth,
        client: impl FnOnce() -> Option<Arc<Client>>,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Receipt, NotTaken> {
        thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
        if self.is_inherited() {
            self.left_out(Cause::Refused, None);
            return Err(NotTaken::Counted);
        }
        self.scribe.tell_waiting();
        let what = if what.patience == Duration::MAX { what.within(self.patience) } else { what };
        let pressure = self.journal.pressure();
        if worth.is_shed(pressure) {
            self.left_out(Cause::Shed, None);
            return Err(NotTaken::Counted);
        }
        let client = if pressure > Pressure::Low { client() } else { None };
        let append = |buffer: &mut Vec<u8>| {
            buffer.clear();
            buffer.resize(HEADER, 0);
            encode(buffer);
            let is_greedy = self.is_greedy(client.as_ref(), buffer.len());
            (!worth.goes_first(pressure, is_greedy)).then(|| self.journal.append(what, buffer))
        };
        // A notice sink that itself emits an audited event comes back in here; and when a thread ends, its buffer is gone
        // before its last spans have closed.
        let mut buffer = BUFFER.try_with(RefCell::take).unwrap_or_default();
        let taken = append(&mut buffer);
        drop(BUFFER.try_with(|kept| kept.replace(buffer)));
        match taken {
            Some(Ok(receipt)) => {
                let missing = self.gaps.taken(&self.notices, || !self.is_short_of_room());
                missing.into_iter().for_each(|gap| self.scribe.tell(Told::Gap(gap)));
                Ok(receipt)
            }
            None => {
                let client = client.as_ref().map(|client| client.key());
                self.gaps.shed_of(&self.notices, client, self.clock.unix_nano());
                Err(NotTaken::Counted)
            }
            Some(Err(error @ JournalError::Stands { .. })) => Err(NotTaken::Stands(error)),
            Some(Err(error)) => {
                self.left_out(Cause::Refused, Some(&error));
                Err(NotTaken::Counted)
            }
        }
    }

    pub(super) fn new_id_at(&self, unix_nano: u64) -> RecordId {
        let mut random = [0; 10];
        self.entropy.fill(&mut random);
        RecordId::new(unix_nano, &random)
    }

    /// The honest numbers. A forked child has none: it looks at no lock that a thread of its parent may have held.
    pub(super) fn counts(&self) -> Counts {
        if self.is_inherited() && !planted("count-in-a-child") {
            return Counts::default();
        }
        let (usage, quarantined, lost) = self.scribe.usage_and_gone(&self.journal);
        let refused = self.gaps.refused();
        Counts {
            emitted: usage.appended + refused,
            acknowledged: usage.appended,
            refused,
            delivered: usage.settled.saturating_sub(quarantined + lost),
            quarantined,
            lost,
            pending: usage.pending(),
        }
    }

    /// Tells what was left out, and what waits to be told.
    pub(super) fn tell_gaps(&self) {
        self.gaps.untold().into_iter().for_each(|gap| self.scribe.tell(Told::Gap(gap)));
        self.scribe.tell_held_back();
        self.scribe.tell_waiting();
    }
}
