//! Writes the trail's own records, lifecycle and gap records, and the notices that go with them.
//!
//! The journal and the shipper report here. A record that the journal cannot accept yet is kept, and written as soon as there
//! is room; it may use the room that is reserved for alarms.
//!
//! Invariants:
//! 1. The first record of a stream says that it has started.
//! 2. What happened is written in the order in which it did, with the time at which it did.
//! 3. No callback runs with the lock held: a notice sink may itself record something.
//! 4. A collector that refuses everything refuses gap records, too: a record that tells of those alone waits for the next
//!    record of the trail, for a flush or the end, or else each would bring about another one for ever.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::host_log::HostLog;
use super::losses::{LossReport, Losses, NotAccepted};
use super::patience::{RETRY_INTERVAL, SHUTDOWN_PATIENCE};
use super::refused_gaps::RefusedGaps;
use crate::config::Notices;
use crate::journal::{
    Append, Event, Journal, JournalError, Kind, Receipt, Room, Sequence, Usage, Watcher, encode_frame, planted,
};
use crate::locks::{Mutex, MutexGuard, RwLock};
use crate::record::{Clock, Entropy, RecordId, StreamId};
use crate::ship::{RefusedRange, Reports};
use crate::trail::records::{Gap, Lifecycle};

/// Reports about the trail itself, by records and notices.
pub(crate) struct SelfReporter {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    notices: Notices,
    /// Until the trail is gone: the journal has the reporter as its watcher, and would keep itself alive.
    journal: RwLock<Option<Journal>>,
    waiting: Mutex<VecDeque<Waiting>>,
    /// Held by whoever writes what waits.
    telling: Mutex<()>,
    has_waiting: AtomicBool,
    /// Something could not be told, as the trail had ended: whoever adopts the stream tells it.
    is_untold: AtomicBool,
    losses: Mutex<Losses>,
    refused_gaps: Mutex<RefusedGaps>,
    copies: Option<Arc<HostLog>>,
    others_lost: AtomicU64,
}

impl fmt::Debug for SelfReporter {
    /// Journal and reporter hold each other, so neither is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfReporter").finish_non_exhaustive()
    }
}

/// What happened, and when.
#[derive(Debug)]
struct Waiting {
    record: Lifecycle,
    unix_nano: u64,
}

impl SelfReporter {
    pub(in crate::trail) fn new(
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        notices: Notices,
        copies: Option<Arc<HostLog>>,
    ) -> Self {
        Self {
            clock,
            entropy,
            notices,
            journal: RwLock::default(),
            waiting: Mutex::default(),
            telling: Mutex::default(),
            has_waiting: AtomicBool::new(false),
            is_untold: AtomicBool::new(false),
            losses: Mutex::default(),
            refused_gaps: Mutex::default(),
            copies,
            others_lost: AtomicU64::new(0),
        }
    }

    /// The journal is there. What happened before waits for it, and comes behind that record.
    pub(in crate::trail) fn begin(&self, journal: Journal, started: Lifecycle) {
        let unix_nano = self.clock.unix_nano();
        // Nobody else writes to it yet, and nothing may come before.
        let first = Append { patience: SHUTDOWN_PATIENCE, ..OWN_RECORD };
        if self.write(&journal, &started, first, unix_nano).is_err() {
            self.waiting().push_front(Waiting { record: started, unix_nano });
            self.has_waiting.store(true, Ordering::Relaxed);
        }
        *self.journal.write() = Some(journal);
        self.report_waiting();
    }

    /// The trail is gone.
    pub(in crate::trail) fn release(&self) {
        drop(self.journal.write().take());
    }

    fn journal(&self) -> Option<Journal> {
        self.journal.read().clone()
    }

    /// What the journal says now, with the records of this stream up to its `settled` that are in quarantine, and those that
    /// were lost on the disk. The lock makes it one moment for whoever else asks.
    pub(in crate::trail) fn usage_and_losses(&self, journal: &Journal) -> (Usage, u64, u64) {
        let mut losses = self.losses();
        let usage = journal.usage();
        let (quarantined, lost) = losses.up_to(usage.settled);
        (usage, quarantined, lost)
    }

    /// Why the sink that `remote` means does not have a record of this stream that is settled; `None` if it has accepted it.
    pub(in crate::trail) fn why_not_accepted(&self, settled: Sequence) -> Option<NotAccepted> {
        self.losses().why(settled)
    }

    /// Records of streams that were adopted and were lost on the disk.
    pub(in crate::trail) fn others_lost(&self) -> u64 {
        self.others_lost.load(Ordering::Relaxed)
    }

    /// Writes a record, now or as soon as there is room.
    pub(in crate::trail) fn tell(&self, record: Lifecycle) {
        let unix_nano = self.clock.unix_nano();
        let held = self.refused_gaps().take().into_iter().map(|gap| Lifecycle::Gap(Gap::quarantined(gap)));
        {
            let mut waiting = self.waiting();
            waiting.extend(held.chain([record]).map(|record| Waiting { record, unix_nano }));
            self.has_waiting.store(true, Ordering::Relaxed);
        }
        self.report_waiting();
    }

    /// Writes what was held back, which is told with the next record otherwise.
    pub(in crate::trail) fn report_held_back(&self) {
        let held = self.refused_gaps().take();
        held.into_iter().for_each(|gap| self.tell(Lifecycle::Gap(Gap::quarantined(gap))));
    }

    /// Writes a record if there is room now: what is soon out of date is not worth keeping.
    pub(in crate::trail) fn report_now(&self, record: &Lifecycle) {
        self.report_waiting();
        if let Some(journal) = self.journal().filter(|_| !self.has_waiting.load(Ordering::Relaxed)) {
            drop(self.write(&journal, record, Append { room: Room::Free, ..OWN_RECORD }, self.clock.unix_nano()));
        }
    }

    /// Writes what waits. Costs nothing if nothing does.
    pub(in crate::trail) fn report_waiting(&self) {
        if !self.has_waiting.load(Ordering::Relaxed) {
            return;
        }
        let Some(journal) = self.journal() else { return };
        let mut never = Vec::new();
        // What comes to wait while another thread writes is written by that, or by this one behind it.
        while self.has_waiting.load(Ordering::Relaxed)
            && let Some(_alone) = self.telling.try_lock()
        {
            if !self.write_waiting(&journal, &mut never) {
                return;
            }
        }
        if !never.is_empty() {
            self.is_untold.store(true, Ordering::Relaxed);
        }
        for error in never.into_iter().filter(|error| !matches!(error, JournalError::Closed)) {
            self.notices.warn(format!("a record of the trail itself cannot be written: {error}"));
        }
    }

    /// Writes what waits, and says whether nothing does any more. The list is not locked meanwhile: the disk may stand still, and
    /// others have something to say.
    fn write_waiting(&self, journal: &Journal, never: &mut Vec<JournalError>) -> bool {
        loop {
            let next = {
                let mut waiting = self.waiting();
                let next = waiting.pop_front();
                self.has_waiting.store(next.is_some(), Ordering::Relaxed);
                next
            };
            let Some(Waiting { record, unix_nano }) = next else { return true };
            match self.write(journal, &record, OWN_RECORD, unix_nano) {
                Ok(receipt) if record.is_of_quarantine() => self.refused_gaps().wrote(receipt.sequence),
                Ok(_) => {}
                // It must not hold up what comes behind it.
                Err(error @ (JournalError::TooLong { .. } | JournalError::Closed)) => never.push(error),
                Err(_) => {
                    self.waiting().push_front(Waiting { record, unix_nano });
                    return false;
                }
            }
        }
    }

    /// Whether something waits for room.
    pub(in crate::trail) fn has_waiting(&self) -> bool {
        self.has_waiting.load(Ordering::Relaxed)
    }

    /// Writes the last record of a stream, after which it takes no other.
    pub(in crate::trail) fn end(&self, journal: &Journal, record: &Lifecycle) -> Result<Receipt, JournalError> {
        self.write(
            journal,
            record,
            Append { kind: Kind::Last, patience: SHUTDOWN_PATIENCE, ..OWN_RECORD },
            self.clock.unix_nano(),
        )
    }

    fn write(&self, journal: &Journal, record: &Lifecycle, what: Append, now: u64) -> Result<Receipt, JournalError> {
        let mut frame = Vec::new();
        encode_frame(&mut frame, |frame| record.encode(frame, self.new_id(), now));
        let kind = if record.is_alone() { Kind::Last } else { what.kind };
        let copy = HostLog::copy(&self.copies, &frame);
        let receipt = journal.append(Append { kind, ..what }, &mut frame)?;
        copy.into_iter().for_each(|copy| copy.give(receipt.sequence));
        Ok(receipt)
    }

    pub(in crate::trail) fn new_id(&self) -> RecordId {
        let mut random = [0; 10];
        self.entropy.fill(&mut random);
        RecordId::new(self.clock.unix_nano(), &random)
    }

    fn is_own(&self, stream: StreamId) -> bool {
        self.journal().is_some_and(|journal| journal.stream() == stream)
    }

    fn note_losses(&self, losses: LossReport) {
        let settled = self.journal().map_or(0, |journal| journal.usage().settled);
        self.losses().note(losses, settled);
    }

    fn losses(&self) -> MutexGuard<'_, Losses> {
        self.losses.lock()
    }

    fn refused_gaps(&self) -> MutexGuard<'_, RefusedGaps> {
        self.refused_gaps.lock()
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock()
    }
}

impl Watcher for SelfReporter {
    fn happened(&self, event: Event) {
        match event {
            Event::Degraded { error_type, text } => {
                self.notices.warn_of(error_type, text);
                self.tell(Lifecycle::Degraded(error_type));
            }
            Event::Recovered { error_type, text } => {
                self.notices.recovered_of(error_type, text);
                self.tell(Lifecycle::Recovered(error_type));
            }
            Event::Lost { stream, count, first, last } => {
                self.notices.warn(format!(
                    "{count} audit record(s) of stream {stream} were damaged or removed on the disk (numbers {first} to \
                     {last}); what is left of them is in quarantine, and a gap record tells of them"
                ));
                if self.is_own(stream) {
                    self.note_losses(LossReport { first, last, quarantined: 0, lost: count, sink: None });
                } else {
                    self.others_lost.fetch_add(count, Ordering::Relaxed);
                }
                self.tell(Lifecycle::Gap(Gap { stream: Some(stream), ..Gap::lost(count, first, last) }));
            }
            Event::Discarded { stream, count, first, last } => {
                self.notices.warn(format!(
                    "the quarantine is full: {count} record(s) of stream {stream} (numbers {first} to {last}) are removed from \
                     it, and a gap record tells of them; see what the collector refuses, or raise \
                     AUDITRAIL_QUARANTINE_MAX_BYTES"
                ));
                self.tell(Lifecycle::Gap(Gap { stream: Some(stream), ..Gap::discarded(count, first, last) }));
            }
        }
    }

    fn is_kept(&self) -> bool {
        self.report_waiting();
        let is_written = !self.has_waiting() && !self.is_untold.load(Ordering::Relaxed);
        is_written && self.journal().is_some_and(|journal| journal.commit().is_ok())
    }
}

impl Reports for SelfReporter {
    fn refused(&self, gap: RefusedRange) {
        if self.is_own(gap.stream) {
            let quarantined = if planted("count-quarantined-as-delivered") { 0 } else { gap.count };
            let RefusedRange { first, last, sink, .. } = gap;
            self.note_losses(LossReport { first, last, quarantined, lost: 0, sink: Some(sink) });
            if self.refused_gaps().hold_back(gap) {
                return;
            }
        }
        if !planted("drop-the-gap-record") {
            self.tell(Lifecycle::Gap(Gap::quarantined(gap)));
        }
    }

    fn degraded(&self, error_type: &'static str) {
        self.tell(Lifecycle::Degraded(error_type));
    }

    fn recovered(&self) {
        self.tell(Lifecycle::Recovered("sink"));
    }
}

/// How the trail's own records are written: any thread may do it, so none waits long for it or stores it itself.
const OWN_RECORD: Append = Append { patience: RETRY_INTERVAL, handed: true, ..Append::ALARM };
