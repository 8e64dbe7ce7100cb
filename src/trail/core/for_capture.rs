//! The methods of `Core` for capture.

#[cfg(feature = "mcp")]
use std::sync::Arc;

use super::trail_core::Core;
use crate::config::{Notices, Settings};
use crate::identity::Chain;
#[cfg(any(feature = "layer", feature = "logs"))]
use crate::policy::AllowList;
#[cfg(feature = "mcp")]
use crate::policy::Bounds;
use crate::policy::Truncator;
use crate::record::Clock;
#[cfg(any(feature = "layer", feature = "tower"))]
use crate::record::Entropy;
#[cfg(feature = "mcp")]
use crate::trail::calls::ContentKeys;
#[cfg(feature = "mcp")]
use crate::trail::digest_key::DigestKey;
use crate::trail::hooks::Hooks;
#[cfg(feature = "tower")]
use crate::trail::identity::Clients;
#[cfg(feature = "layer")]
use crate::trail::otel::UnauditedSpans;
use crate::trail::otel::{MissingIdsWarnings, Reach};
#[cfg(feature = "mcp")]
use crate::trail::wire_counts::WireCounters;

impl Core {
    /// The settings of the trail.
    pub fn settings(&self) -> &Settings {
        &self.context.settings
    }

    #[cfg(any(feature = "layer", feature = "logs"))]
    pub(crate) fn allow(&self) -> &AllowList {
        &self.context.allow
    }

    /// Who finds out who acts.
    pub(crate) fn chain(&self) -> &Chain {
        &self.context.chain
    }

    #[cfg(feature = "tower")]
    pub(crate) fn clients(&self) -> &Arc<Clients> {
        &self.recorder.clients
    }

    /// What others may cost.
    #[cfg(feature = "mcp")]
    pub fn bounds(&self) -> &Bounds {
        &self.context.bounds
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.context.hooks
    }

    /// Where the trail tells of itself.
    pub fn notices(&self) -> &Notices {
        &self.context.notices
    }

    #[cfg(any(feature = "layer", feature = "tower"))]
    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.recorder.entropy
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.recorder.clock
    }

    /// Cuts what is too long, and names it.
    pub(crate) fn truncator(&self) -> &Truncator {
        &self.recorder.truncator
    }

    /// The key of keyed digests.
    #[cfg(feature = "mcp")]
    pub(crate) fn digest_key(&self) -> &DigestKey {
        &self.context.digest_key
    }

    /// Whether the record of a tool's new definition has the definition itself.
    #[cfg(feature = "mcp")]
    pub(crate) fn records_tool_definitions(&self) -> bool {
        self.context.records_tool_definitions
    }

    /// Whether arguments and results are wanted, and the keys of their digests.
    #[cfg(feature = "mcp")]
    pub(crate) fn content_keys(&self) -> &Arc<ContentKeys> {
        &self.context.content_keys
    }

    /// What the taps count.
    #[cfg(feature = "mcp")]
    pub fn wire_counters(&self) -> &WireCounters {
        &self.context.wire_counters
    }

    /// Whether a policy has rules that are asked about calls.
    #[cfg(feature = "rmcp")]
    pub(crate) fn has_rules(&self) -> bool {
        self.policies.has_rules()
    }

    /// How calls of the trail find their OTel spans.
    pub(crate) fn reach(&self) -> &Reach {
        &self.context.reach
    }

    /// The warnings about records without ids.
    pub(crate) fn missing_ids(&self) -> &MissingIdsWarnings {
        &self.context.missing_ids
    }

    /// Nobody is to be told that records have no ids: there are no traces on purpose.
    #[cfg(any(feature = "internals", feature = "layer"))]
    pub fn expect_no_ids(&self) {
        self.context.missing_ids.expect_none();
    }

    /// Whether a span of that name is audited because a hook said so.
    #[cfg(feature = "layer")]
    pub(crate) fn is_audited_name(&self, name: &str) -> bool {
        self.context.hooks.may_audit_any_span() && self.context.audited_names.read().contains(name)
    }

    #[cfg(feature = "layer")]
    pub(crate) fn add_audited_name(&self, name: &'static str) {
        self.context.audited_names.write().insert(name);
    }

    #[cfg(feature = "layer")]
    pub(crate) fn keeps_unsampled_callers(&self) -> bool {
        self.context.keeps_unsampled_callers
    }

    /// A log bridge may emit the events that the layer records, too.
    #[cfg(all(feature = "layer", feature = "logs"))]
    pub(crate) fn expect_bridge(&self) {
        self.context.expects_bridge.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    #[cfg(all(feature = "layer", feature = "logs"))]
    pub(crate) fn expects_bridge(&self) -> bool {
        self.context.expects_bridge.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Counts spans that close, for the warning that none was audited.
    #[cfg(feature = "layer")]
    pub(crate) fn unaudited_spans(&self) -> &UnauditedSpans {
        &self.context.unaudited_spans
    }
}
