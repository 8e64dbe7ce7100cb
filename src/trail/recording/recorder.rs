//! Appends records to the journal, and accounts for those that it does not accept: each is counted, and each episode is reported
//! once. In a child forked from the trail's process, no record is written.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::gaps::{Cause, Gaps};
use super::host_log::HostLog;
use super::patience::NotTaken;
use super::self_reporter::SelfReporter;
use super::shedding::Priority;
use super::suppressed::Suppressed;
use crate::config::Notices;
use crate::journal::{
    Append, CallNumber, Journal, JournalError, Kind, Pressure, Receipt, Room, WITHDRAWN, encode_frame, encode_intent,
    planted,
};
use crate::policy::Truncator;
use crate::record::{Clock, Entropy, RecordId};
use crate::trail::identity::{Client, Clients};
use crate::trail::records::{Lifecycle, RecordCounts};

/// The only writer of a trail's records.
pub(in crate::trail) struct Recorder {
    pub(in crate::trail) journal: Journal,
    pub(in crate::trail) reporter: Arc<SelfReporter>,
    pub(in crate::trail) gaps: Gaps,
    /// What the policy leaves out.
    pub(in crate::trail) suppressed: Arc<Suppressed>,
    #[cfg_attr(not(feature = "tower"), expect(dead_code, reason = "only HTTP has several clients"))]
    pub(in crate::trail) clients: Arc<Clients>,
    pub(in crate::trail) clock: Arc<dyn Clock>,
    pub(in crate::trail) entropy: Arc<dyn Entropy>,
    pub(in crate::trail) truncator: Truncator,
    /// How long a record waits for a disk that stands still, where no class says it.
    pub(in crate::trail) patience: Duration,
    pub(in crate::trail) notices: Notices,
    /// Copies for the host's own logger, if it gets any.
    pub(in crate::trail) copies: Option<Arc<HostLog>>,
    /// Auditing is switched off: nothing is written, and nothing counts as missing.
    pub(in crate::trail) is_off: bool,
    /// Somebody was told that this process has no trail.
    pub(in crate::trail) warned_inherited: AtomicBool,
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.reporter.release();
    }
}

impl Recorder {
    /// Encodes into a buffer of the thread and appends. A record that the journal does not accept is counted, reported to the
    /// operator once, and reported by a gap record; only what a stalled disk did not take is left to the caller to count
    /// ([`counted`](Self::counted)). An intent is not a record: where there is no room for it, its call is counted when it ends.
    pub(in crate::trail) fn write(
        &self,
        what: Append,
        priority: Priority,
        client: impl FnOnce() -> Option<Arc<Client>>,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Receipt, NotTaken> {
        thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
        if self.is_off {
            return Err(NotTaken::Counted);
        }
        let is_record = what.kind.is_record();
        if self.is_inherited() {
            self.left_out(Cause::Refused, None);
            return Err(NotTaken::Counted);
        }
        self.reporter.report_waiting();
        let what = if what.patience == Duration::MAX { what.within(self.patience) } else { what };
        let pressure = self.journal.pressure();
        if priority.is_shed(pressure) {
            if is_record {
                self.left_out(Cause::Shed, None);
            }
            return Err(NotTaken::Counted);
        }
        let client = if pressure > Pressure::Low { client() } else { None };
        let append = |buffer: &mut Vec<u8>| {
            match what {
                Append { kind: Kind::Intent, call: None, .. } => encode_intent(buffer, encode),
                _ => encode_frame(buffer, encode),
            }
            let is_greedy = self.is_greedy(client.as_ref(), buffer.len());
            if priority.goes_first(pressure, is_greedy) {
                return None;
            }
            let copy = if is_record { HostLog::copy(&self.copies, buffer) } else { None };
            let taken = self.journal.append(what, buffer);
            taken.as_ref().ok().zip(copy).into_iter().for_each(|(receipt, copy)| copy.give(receipt.sequence));
            Some(taken)
        };
        // A notice sink that itself emits an audited event comes back in here; and when a thread ends, its buffer is gone
        // before its last spans have closed.
        let mut buffer = BUFFER.try_with(RefCell::take).unwrap_or_default();
        let taken = append(&mut buffer);
        drop(BUFFER.try_with(|kept| kept.replace(buffer)));
        match taken {
            Some(Ok(receipt)) => {
                let missing = self.gaps.taken(&self.notices, || !self.is_short_of_room());
                missing.into_iter().for_each(|gap| self.reporter.tell(Lifecycle::Gap(gap)));
                Ok(receipt)
            }
            None if !is_record => Err(NotTaken::Counted),
            None => {
                let client = client.as_ref().map(|client| client.key());
                self.gaps.shed_of(&self.notices, client, self.clock.unix_nano());
                Err(NotTaken::Counted)
            }
            Some(Err(error @ JournalError::Stalled { .. })) => Err(NotTaken::Stalled(error)),
            Some(Err(error)) => {
                if is_record {
                    self.left_out(Cause::Refused, Some(&error));
                }
                Err(NotTaken::Counted)
            }
        }
    }

    /// The intent of a call is not needed any more. If that cannot be written, a crash would have the call for an open one, which
    /// is not true, but keeps more rather than less.
    pub(in crate::trail) fn withdraw(&self, intent: CallNumber, room: Room, patience: Duration) {
        let what = Append { room, patience, ..Append::withdrawal(intent) };
        let priority = Priority::of(&what, false);
        if self.write(what, priority, || None, |buffer| buffer.extend_from_slice(WITHDRAWN)).is_err() {
            self.journal.forget(intent);
        }
    }

    /// Counts what a disk that stands still has not taken.
    pub(in crate::trail) fn counted(&self, taken: Result<Receipt, NotTaken>) -> Option<Receipt> {
        taken
            .inspect_err(|not_taken| {
                if let NotTaken::Stalled(error) = not_taken {
                    self.left_out(Cause::Refused, Some(error));
                }
            })
            .ok()
    }

    pub(in crate::trail) fn new_id_at(&self, unix_nano: u64) -> RecordId {
        let mut random = [0; 10];
        self.entropy.fill(&mut random);
        RecordId::new(unix_nano, &random)
    }

    /// The record counters of this stream.
    pub(in crate::trail) fn counts(&self) -> RecordCounts {
        // A forked child has none, and takes no lock that a thread of its parent may have held.
        if self.is_inherited() && !planted("count-in-a-child") {
            return RecordCounts::default();
        }
        let (usage, quarantined, lost) = self.reporter.usage_and_losses(&self.journal);
        let (refused, suppressed) = (self.gaps.refused(), self.suppressed.count());
        RecordCounts {
            emitted: usage.appended + refused + suppressed,
            acknowledged: usage.appended,
            refused,
            suppressed,
            delivered: usage.settled.saturating_sub(quarantined + lost),
            quarantined,
            lost,
            pending: usage.pending(),
        }
    }

    /// Tells what was left out, and what waits to be told.
    pub(in crate::trail) fn report_gaps(&self) {
        let untold = self.gaps.untold().into_iter().chain(self.suppressed.untold());
        untold.for_each(|gap| self.reporter.tell(Lifecycle::Gap(gap)));
        self.reporter.report_held_back();
        self.reporter.report_waiting();
    }

    /// Whether this process is a child of the one that has started the trail. It has none of its threads.
    pub(in crate::trail) fn is_inherited(&self) -> bool {
        self.journal.is_inherited()
    }

    /// Counts a record that is left out.
    pub(in crate::trail) fn left_out(&self, cause: Cause, error: Option<&JournalError>) {
        if self.is_off {
            return;
        }
        if self.is_inherited() {
            // No lock is taken on the way: another thread of the parent may have held it when it forked.
            if !self.warned_inherited.swap(true, Ordering::Relaxed) {
                self.notices.warn_alone(INHERITED);
            }
            return;
        }
        self.gaps.refuse(&self.notices, cause, error, self.clock.unix_nano());
    }

    /// Whether a client has more to write than its share, with that record. Without pressure nobody counts.
    fn is_greedy(&self, client: Option<&Arc<Client>>, bytes: usize) -> bool {
        client.is_some_and(|client| client.writes(bytes as u64, self.clock.monotonic_nano()))
    }

    /// Whether it would be too soon to tell what was left out: while room is short, what is left out of some clients would be
    /// told with every record of another.
    fn is_short_of_room(&self) -> bool {
        match self.journal.pressure() {
            Pressure::Low => false,
            Pressure::Near | Pressure::Filling => self.gaps.has_of_clients(),
            Pressure::NearlyFull => true,
        }
    }
}

const INHERITED: &str = "nothing is audited in this process: it was forked from the one that has started the trail, which alone \
                         writes to its stream; start a trail in the child, after the fork, or start the trail after the process \
                         has put itself into the background";
