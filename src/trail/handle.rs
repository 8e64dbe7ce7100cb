//! The handle of a trail.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hmac::Mac as _;

use super::calls::{Call, Digest, Moment, Pseudonym, Refused};
use super::core::Core;
use super::digest_key::CONTENT_LABEL;
use super::door::{NotRecorded, OpenCall};
use super::lifecycle::{FlushError, Flushed};
use super::records::RecordCounts;
use super::wire_counts::WireCounts;
use crate::config::{ConfigError, Settings};
use crate::hex::hex;
use crate::policy::Policy;
use crate::record::RecordId;
use crate::ship::StatsSnapshot;

/// The handle of a trail. Clones share one trail. When the last clone is dropped, the trail writes the last record of its stream
/// and ships what is left, within the flush timeout. Records that are not delivered in time stay on disk.
///
/// A trail belongs to the process that started it. A child forked from that process without `exec` writes nothing: one notice
/// says so, calls whose class is `Refuse` or `Wait` do not run, and other calls run without records. To audit a child, start
/// another trail in it, with the same directory; it gets its own stream.
#[derive(Clone)]
pub struct Trail {
    core: Arc<Core>,
    _flush_on_last_drop: Arc<LastHandle>,
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trail").field("core", &self.core).finish()
    }
}

impl Trail {
    /// Opens a call: decides whether it may run, opens its span, and writes the request record.
    ///
    /// Waits as the class of the call requires, on any executor; with `written`, the default, it completes without yielding.
    ///
    /// # Errors
    /// [`Refused`] if the call must not run: the `authorize` hook denied it, or its records cannot be kept as its class
    /// requires. By default a full journal refuses no call: the gap is counted and reported.
    pub async fn begin(&self, call: impl Into<Call>) -> Result<OpenCall, Refused> {
        OpenCall::begin(&self.core, call.into()).await
    }

    /// Writes the one record of an event that is no call: one of [`capture::direct`](crate::capture::direct), or any
    /// [`Moment`].
    ///
    /// An event that is recorded inside a call has the id of that call, and its actor and tenant, unless it has its own; and the
    /// ids of the current span. It does not wait; see [`record_durably`](Self::record_durably).
    pub fn record(&self, event: impl Into<Moment>) -> RecordId {
        self.core.write_moment(self.core.placed(event.into()))
    }

    /// Writes the one record of an event as [`record`](Self::record) does, and waits until it is as durable as its class wants
    /// ([`Moment::class`]; by default, the default class of the trail). With `written`, it completes without yielding.
    ///
    /// # Errors
    /// [`NotRecorded`], if the journal did not take it, or if it is not as durable as its class wants within the deadline. Where
    /// auditing is switched off, only an event fails that must not go unrecorded, as a call of its class would.
    pub async fn record_durably(&self, event: impl Into<Moment>) -> Result<RecordId, NotRecorded> {
        let moment = self.core.placed(event.into());
        self.core.record_durably(moment).await
    }

    /// The digest of bytes that are not recorded: HMAC-SHA256 with a key that is derived from `digest.key` for this use alone, as
    /// the id of the key, a colon and 64 hexadecimal digits. The bytes are read and not kept. Processes that share the key give
    /// equal digests to equal bytes. That of a token's id (`jti`) is the one that is recorded of a caller's token.
    #[must_use]
    pub fn digest(&self, bytes: impl AsRef<[u8]>) -> Digest {
        Digest::own(self.keyed(CONTENT_LABEL, bytes.as_ref()))
    }

    /// The pseudonym of a person, made like a [`digest`](Self::digest) of whatever identifies the person, and never equal to one.
    #[must_use]
    pub fn pseudonym(&self, person: impl AsRef<[u8]>) -> Pseudonym {
        Pseudonym::own(self.keyed(PERSON_LABEL, person.as_ref()))
    }

    fn keyed(&self, label: &str, bytes: &[u8]) -> String {
        let key = &self.core.context.digest_key;
        let mac = key.key_for(label).chain_update(bytes).finalize();
        format!("{}:{}", key.id(), hex(&mac.into_bytes()))
    }

    /// Ships everything that is in the journal now, including what earlier processes left there. Any executor may await it.
    /// Returns how many streams could not be read.
    ///
    /// # Errors
    /// If it takes longer than the deadline: how much is pending, and the last answer of the collector.
    pub async fn flush(&self, deadline: Duration) -> Result<Flushed, FlushError> {
        self.core.flush(deadline).await
    }

    /// How many records were emitted, and what happened to them. All zero in a forked child, where nothing is audited.
    #[must_use]
    pub fn counts(&self) -> RecordCounts {
        self.core.counts()
    }

    /// The shipper's own counters, over all streams that it drains, including those of earlier processes.
    #[must_use]
    pub fn delivery_stats(&self) -> StatsSnapshot {
        self.core.delivery.shipper.stats().snapshot()
    }

    /// What the taps of this trail have seen on the wire.
    #[must_use]
    pub fn wire_counts(&self) -> WireCounts {
        self.core.context.wire_counters.read()
    }

    /// The policy that decides the calls that begin now.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.core.policies.current().policy.clone()
    }

    /// Puts another policy into force. Each call is decided by the policy that was in force when it began, which its records
    /// name, and keeps it until its end. A record `auditrail.policy` has the digests of both.
    ///
    /// # Errors
    /// [`ConfigError`], if a class of the policy cannot be kept. The policy stays as it was.
    pub fn reload_policy(&self, policy: Policy) -> Result<(), ConfigError> {
        self.core.policies.change(policy)
    }

    /// Writes [`counts`](Self::counts) into the stream now, as a lifecycle record `running`.
    pub fn report_counts(&self) {
        self.core.report();
    }

    /// The effective settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        self.core.settings()
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    pub(super) fn new(core: Arc<Core>) -> Self {
        let last = LastHandle(core.clone());
        Self { core, _flush_on_last_drop: Arc::new(last) }
    }
}

/// Keys for one use each: no digest of one kind can stand for one of another.
const PERSON_LABEL: &str = "auditrail data subject 1";

/// Ships what is left when the last handle is dropped. Layers hold only the core, because a global subscriber is never dropped.
#[derive(Debug)]
struct LastHandle(Arc<Core>);

impl Drop for LastHandle {
    fn drop(&mut self) {
        if self.0.is_inherited() {
            // Its threads are the parent's, and nobody here could wait for their end.
            std::mem::forget(self.0.clone());
        }
        self.0.end();
    }
}
