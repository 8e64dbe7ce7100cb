//! What all handles, layers and wrappers share.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::gap::Gaps;
use super::hooks::Hooks;
use super::watch::SpanWatch;
use super::{CallState, FlushError, Moment, halves, mirror};
use crate::config::{Notices, Settings};
use crate::journal::{Journal, Position};
use crate::policy::{AllowList, Limits};
use crate::record::{Attributes, Clock, Entropy, Key, Outcome, RecordId, Value, names};
use crate::ship::{Shipper, StatsSnapshot};

/// The stages of one trail.
#[derive(Debug)]
pub(crate) struct Core {
    pub(super) settings: Settings,
    pub(super) journal: Journal,
    pub(super) shipper: Shipper,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) allow: AllowList,
    pub(super) limits: Limits,
    pub(super) hooks: Hooks,
    pub(super) notices: Notices,
    pub(super) gaps: Gaps,
    pub(super) watch: SpanWatch,
    pub(super) keeps_unsampled_callers: bool,
    pub(super) audited_names: RwLock<BTreeSet<&'static str>>,
    pub(super) closing: Mutex<Closing>,
}

/// How far the end of the process has come.
#[derive(Debug, Default)]
pub(super) struct Closing {
    spent: Duration,
    /// The operator was told of what was not delivered up to here.
    told: Position,
}

impl Core {
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn allow(&self) -> &AllowList {
        &self.allow
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    pub(crate) fn notices(&self) -> &Notices {
        &self.notices
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn new_id(&self) -> RecordId {
        let [id] = self.new_ids(self.clock.unix_nano());
        id
    }

    /// Ids of one moment, for the price of little more than one.
    pub(super) fn new_ids<const N: usize>(&self, unix_nano: u64) -> [RecordId; N] {
        let mut random = [[0; 10]; N];
        self.entropy.fill(random.as_flattened_mut());
        random.map(|random| RecordId::new(unix_nano, &random))
    }

    /// The runtime on which the exporter of the traces may live, too.
    pub(crate) fn runtime(&self) -> &tokio::runtime::Handle {
        self.shipper.runtime()
    }

    /// The request half of a call whose span has begun.
    pub(crate) fn write_request(&self, state: &CallState) {
        if self.write(|buffer| halves::request(buffer, state)) {
            let (event, id, time) = (state.event(), state.request_id(), state.begun_unix_nano());
            mirror(state.context(), event, id, &halves::REQUEST_OUTCOME, time);
        }
    }

    /// The response half of a call, before its span ends.
    pub(crate) fn write_response(&self, state: &CallState, outcome: &Outcome) {
        let now = state.ended_unix_nano(self);
        if self.write(|buffer| halves::response(buffer, state, outcome, now)) {
            mirror(state.context(), state.event(), state.response_id(), outcome, now);
        }
    }

    /// The one record of a span that is a moment, before it ends.
    pub(crate) fn write_span_moment(&self, state: &CallState, outcome: &Outcome, inside: Option<RecordId>) {
        let now = state.ended_unix_nano(self);
        if self.write(|buffer| halves::span_moment(buffer, state, outcome, inside, now)) {
            mirror(state.context(), state.event(), state.response_id(), outcome, now);
        }
    }

    /// The one record of a moment.
    pub(crate) fn write_moment(&self, mut moment: Moment) -> RecordId {
        let now = self.clock.unix_nano();
        let [id] = self.new_ids(now);
        let cut = self.limit(&mut moment.attributes);
        if !cut.is_empty() {
            moment.attributes.set(names::AUDITRAIL_TRUNCATED, Value::strings(cut));
        }
        if self.write(|buffer| halves::moment(buffer, &moment, id, now)) {
            mirror(moment.context.as_ref(), moment.event, id, &moment.outcome, now);
        }
        id
    }

    /// Cuts what is too long, and names it.
    pub(crate) fn limit(&self, attributes: &mut Attributes) -> Vec<Key> {
        let mut cut = Vec::new();
        attributes.change_longer(self.limits.value_bytes, |key, value| {
            let was_cut = self.limits.apply(value);
            if was_cut {
                cut.push(key.clone());
            }
            was_cut
        });
        cut
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn journal_usage(&self) -> (u64, u64) {
        let usage = self.journal.usage();
        (usage.appended, usage.settled)
    }

    pub(super) fn ship_stats(&self) -> StatsSnapshot {
        self.shipper.stats().snapshot()
    }

    pub(super) fn refused(&self) -> u64 {
        self.gaps.refused()
    }

    /// Ships what is in the journal now. A gap that could not be told because the journal was full is told, and shipped,
    /// as soon as there is room.
    pub(crate) async fn flush(&self, deadline: Duration) -> Result<(), FlushError> {
        let settle = async {
            for _ in 0..=1 {
                self.journal.settled(self.hurry()).await;
            }
        };
        tokio::time::timeout(deadline, settle).await.map_err(|_| self.unfinished(deadline))
    }

    /// The same for a thread that may block.
    pub(crate) fn flush_blocking(&self, deadline: Duration) -> Result<(), FlushError> {
        let begun = Instant::now();
        for _ in 0..=1 {
            if !self.journal.settled_within(self.hurry(), deadline.saturating_sub(begun.elapsed())) {
                return Err(self.unfinished(deadline));
            }
        }
        Ok(())
    }

    /// Hurries the shipper and gives the position up to which it has to go.
    fn hurry(&self) -> Position {
        self.write_gaps();
        self.shipper.hurry();
        self.journal_usage().0
    }

    /// Whether a span of that name is audited because a hook said so.
    pub(crate) fn is_audited_name(&self, name: &str) -> bool {
        self.hooks.may_audit_any_span()
            && self.audited_names.read().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    pub(crate) fn add_audited_name(&self, name: &'static str) {
        self.audited_names.write().unwrap_or_else(PoisonError::into_inner).insert(name);
    }

    pub(crate) fn keeps_unsampled_callers(&self) -> bool {
        self.keeps_unsampled_callers
    }

    /// Counts a span that closed, for the warning that none was audited.
    pub(crate) fn span_closed(&self, audited: bool) {
        self.watch.closed(&self.notices, audited);
    }

    /// The end of the process is near: ships what it can and says what it could not. However often it is called, it
    /// takes no longer than the flush time-out altogether.
    pub(crate) fn close(&self) {
        self.watch.end(&self.notices);
        let mut closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        let (appended, settled) = self.journal_usage();
        if settled == appended || closing.told == appended {
            // All is shipped, or nothing came since it was said what could not be.
            return;
        }
        let begun = Instant::now();
        let left = self.settings.flush_timeout.saturating_sub(closing.spent);
        if self.flush_blocking(left).is_err() {
            let (appended, settled) = self.journal_usage();
            closing.told = appended;
            let error = FlushError { pending: appended - settled, deadline: self.settings.flush_timeout };
            self.notices.warn(format!("{error}; this journal is in memory, so they end with the process"));
        }
        closing.spent += begun.elapsed();
    }

    /// What closing has left of the flush time-out.
    pub(crate) fn time_left_to_close(&self) -> Duration {
        let spent = self.closing.lock().unwrap_or_else(PoisonError::into_inner).spent;
        self.settings.flush_timeout.saturating_sub(spent)
    }

    fn unfinished(&self, deadline: Duration) -> FlushError {
        let (appended, settled) = self.journal_usage();
        FlushError { pending: appended - settled, deadline }
    }

    /// Encodes into a buffer of the thread and appends; says whether the journal took it. What it did not take is counted,
    /// told to the operator once, and told by a record.
    fn write(&self, encode: impl FnOnce(&mut Vec<u8>)) -> bool {
        thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
        self.write_gaps();
        let append = |buffer: &mut Vec<u8>| {
            buffer.clear();
            encode(buffer);
            let taken = self.journal.append(buffer);
            match &taken {
                Ok(_) => {
                    self.gaps.taken(&self.notices, || self.journal.usage().bytes < self.settings.journal_max_bytes / 2)
                }
                Err(error) => self.gaps.refuse(&self.notices, error),
            }
            taken.is_ok()
        };
        BUFFER.with(|buffer| match buffer.try_borrow_mut() {
            Ok(mut buffer) => append(&mut buffer),
            // A notice sink that itself emits an audited event comes back in here.
            Err(_) => append(&mut Vec::new()),
        })
    }

    /// Tells what was refused or lost since the last time, if there is room again.
    fn write_gaps(&self) {
        self.gaps.tell(self.shipper.stats(), |cause, count| {
            let (id, now) = (self.new_id(), self.clock.unix_nano());
            let mut record = Vec::new();
            halves::gap(&mut record, cause, count, id, now);
            self.journal.append(&record).is_ok()
        });
    }
}
