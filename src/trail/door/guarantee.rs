//! Keeps the promise of a call's class: reserves room for its records before it runs, and waits until they are durable enough.

use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::config::Auditing;
use crate::journal::{Admission, JournalError, Receipt, planted};
#[cfg(feature = "mcp")]
use crate::policy::Level;
use crate::record::RecordId;
use crate::trail::calls::{Acknowledge, Call, Class, Moment, WhenFull};
#[cfg(feature = "mcp")]
use crate::trail::calls::{MAX_CONTENT, Treated};
use crate::trail::core::Core;
use crate::trail::recording::{BLOCKING_PATIENCE, RETRY_INTERVAL};
use crate::trail::timer::{Late, within};

impl Core {
    /// Whether there may be calls that wait before they run, or do not run at all.
    #[cfg(any(feature = "internals", feature = "rmcp"))]
    pub fn may_hold_calls(&self) -> bool {
        let hooks = &self.context.hooks;
        self.class.may_hold() || hooks.class.is_some() || hooks.authorize.is_some() || self.policies.may_hold()
    }

    /// As [`may_hold_calls`](Self::may_hold_calls), for whoever goes by the answer from now on: where it is no, no later policy
    /// may have a class that holds calls.
    #[cfg(feature = "internals")]
    pub fn holds_calls_from_now_on(&self) -> bool {
        let may_hold = self.may_hold_calls();
        if !may_hold {
            self.policies.never_hold();
        }
        may_hold
    }

    /// The class of a call of which no rule says another.
    pub(in crate::trail) fn class(&self, call: &Call) -> Class {
        let is_off = self.context.settings.auditing == Auditing::OffForAll;
        let class = if is_off { self.class } else { self.context.hooks.class(&self.context.notices, call, self.class) };
        self.auditable(class)
    }

    /// That class, but for records that nobody keeps.
    pub(super) fn auditable(&self, class: Class) -> Class {
        match self.context.settings.auditing {
            Auditing::OffForAll => Class { acknowledge: Acknowledge::Written, when_full: WhenFull::Shed, ..class },
            _ => class,
        }
    }

    /// Keeps room for both records of a call, as its class says. `None` for one that goes on without.
    pub(in crate::trail) async fn admit(&self, class: Class, bytes: u64) -> Result<Option<Admission>, JournalError> {
        let begun = Instant::now();
        loop {
            let room = self.recorder.journal.room();
            let error = match self.admit_now(class, bytes) {
                Ok(admission) => return Ok(admission),
                Err(error) => error,
            };
            let left = self.left_to_wait(class, begun);
            let may_wait = class.when_full == WhenFull::Wait && !self.recorder.is_off
                || matches!(error, JournalError::Stalled { .. });
            if !may_wait || left.is_zero() || self.is_inherited() {
                return Err(error);
            }
            // Looked at again from time to time also if nobody says that there is room.
            let _late = within(left.min(RETRY_INTERVAL), room).await;
        }
    }

    /// Admits a call, or not; waits no longer than a moment where room has to be made.
    pub(in crate::trail) fn admit_now(&self, class: Class, bytes: u64) -> Result<Option<Admission>, JournalError> {
        match class.when_full {
            WhenFull::Shed => Ok(None),
            _ if self.recorder.is_off => Err(JournalError::Closed),
            _ => self.recorder.journal.admit_within(bytes, BLOCKING_PATIENCE).map(Some),
        }
    }

    /// Whether the journal has room for a call, for who asks whether this process shall get any.
    #[cfg(feature = "internals")]
    pub fn takes_records(&self) -> Result<(), JournalError> {
        self.recorder.journal.admit_within(ADMITTED_BYTES, BLOCKING_PATIENCE).map(drop)
    }

    /// What both records of a call take, at most; with rules, also its intent.
    pub(in crate::trail) fn bytes_of(&self, call: &Call) -> u64 {
        let mapped = call.mapped.as_ref().map_or(0, |mapped| mapped.bytes());
        let known = (call.message.bytes() + mapped).min(MOST_BYTES) as u64;
        let frames = if self.policies.has_rules() { 3 } else { 2 };
        let (arguments, result) = content_of(call);
        frames * (ADMITTED_BYTES / 2 + known + arguments) + result
    }

    /// What the record of a moment takes, at most.
    pub(in crate::trail) fn bytes_of_moment(moment: &Moment) -> u64 {
        ADMITTED_BYTES / 2 + moment.attributes.bytes().min(MOST_BYTES) as u64
    }

    /// Waits until a record is as safe as its class wants.
    pub(in crate::trail) async fn acknowledged(&self, class: Class, receipt: Receipt) -> Result<(), NotAcknowledged> {
        let wait = async {
            if class.acknowledge >= Acknowledge::Synced {
                self.recorder.journal.synced(receipt).await.map_err(|error| NotAcknowledged(error.to_string()))?;
            }
            if class.acknowledge >= Acknowledge::Remote {
                if !self.context.settings.sinks.otlp {
                    return Err(NotAcknowledged(NO_COLLECTOR.into()));
                }
                self.delivery.shipper.hurry();
                self.recorder.journal.settled_by(Acknowledge::REMOTE_SINK, receipt.sequence).await;
                // Settled is what that sink refused, too.
                let why = self
                    .recorder
                    .reporter
                    .why_not_accepted(receipt.sequence)
                    .filter(|_| !planted("settled-is-accepted"));
                if let Some(why) = why {
                    return Err(NotAcknowledged(why.to_string()));
                }
            }
            Ok(())
        };
        if class.acknowledge <= Acknowledge::Written {
            return Ok(());
        }
        let late = || NotAcknowledged(format!("it took longer than {:?}", class.deadline));
        within(class.deadline, wait).await.unwrap_or_else(|Late| Err(late()))
    }

    /// Says, once until it is different, that response records are not as safe as their classes want.
    pub(in crate::trail) fn finished(&self, call: RecordId, result: Result<(), NotAcknowledged>) {
        match result {
            Ok(()) => self.warned_unsafe.store(false, Ordering::Relaxed),
            Err(error) if !self.warned_unsafe.swap(true, Ordering::Relaxed) => self.context.notices.warn(format!(
                "response records are in the journal, but not as safe as the classes of their calls want, such as that of \
                 call {call}: {error}"
            )),
            Err(_) => {}
        }
    }
}

/// A record is not as safe as its class wants.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(in crate::trail) struct NotAcknowledged(String);

/// What the arguments and the result of a call may take on a record.
#[cfg(feature = "mcp")]
fn content_of(call: &Call) -> (u64, u64) {
    let level = call.treated.as_ref().map(Treated::most).map_or_else(Level::default, |most| most.level);
    let arguments = call.message.arguments.as_ref().map_or(0, |arguments| arguments.bytes().min(MAX_CONTENT as u64));
    match level {
        Level::Full => (arguments, MAX_CONTENT as u64),
        Level::Arguments => (arguments, 0),
        _ => (0, 0),
    }
}

#[cfg(not(feature = "mcp"))]
fn content_of(_: &Call) -> (u64, u64) {
    (0, 0)
}

const NO_COLLECTOR: &str = "no sink is the collector, which alone makes a record remote";
/// Both records of a call, without what is known of it before it begins.
const ADMITTED_BYTES: u64 = 4096;
/// More of what is known is cut by the policy, as a rule.
const MOST_BYTES: usize = 16 * 1024;
