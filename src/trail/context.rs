//! What the ways of capture ask the trail for.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use super::core::Core;
use super::digest_key::DigestKey;
use super::hooks::Hooks;
use super::idless::{Idless, IdlessWatch};
use super::reach::Reach;
use super::watch::SpanWatch;
use super::wire_counts::WireCounters;
use crate::config::{Notices, Settings};
use crate::policy::{AllowList, Bounds, Cuts, Scissors};
use crate::record::{Attributes, Clock};

/// What capture is told by, and what it notes for others.
pub(super) struct CaptureContext {
    pub(super) settings: Settings,
    /// The key of keyed digests.
    pub(super) digest_key: DigestKey,
    pub(super) allow: AllowList,
    pub(super) bounds: Bounds,
    pub(super) hooks: Hooks,
    pub(super) notices: Notices,
    pub(super) watch: SpanWatch,
    pub(super) reach: Reach,
    pub(super) idless: IdlessWatch,
    pub(super) seen: WireCounters,
    pub(super) keeps_unsampled_callers: bool,
    pub(super) audited_names: RwLock<BTreeSet<&'static str>>,
}

impl Core {
    pub(crate) fn settings(&self) -> &Settings {
        &self.context.settings
    }

    pub(crate) fn allow(&self) -> &AllowList {
        &self.context.allow
    }

    /// Who acts by an HTTP request, whatever it asks.
    #[cfg(feature = "tower")]
    pub(crate) fn actor_of(&self, headers: &http::HeaderMap, extensions: &http::Extensions) -> Option<super::Actor> {
        let facts = super::RequestFacts { method: "", headers: Some(headers), extensions: Some(extensions) };
        self.context.hooks.actor(&self.context.notices, &facts)
    }

    #[cfg(feature = "tower")]
    pub(crate) fn clients(&self) -> &std::sync::Arc<super::clients::Clients> {
        &self.recorder.clients
    }

    #[cfg(feature = "mcp")]
    pub(crate) fn bounds(&self) -> &Bounds {
        &self.context.bounds
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.context.hooks
    }

    pub(crate) fn notices(&self) -> &Notices {
        &self.context.notices
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.recorder.clock
    }

    /// Cuts what is too long, and names it.
    pub(crate) fn limit(&self, attributes: &mut Attributes) -> Cuts {
        super::shared::limit(&self.recorder.scissors, attributes)
    }

    pub(crate) fn scissors(&self) -> &Scissors {
        &self.recorder.scissors
    }

    /// The key of keyed digests.
    #[cfg(feature = "mcp")]
    pub(crate) fn digest_key(&self) -> &DigestKey {
        &self.context.digest_key
    }

    #[cfg(feature = "mcp")]
    pub(crate) fn seen(&self) -> &WireCounters {
        &self.context.seen
    }

    /// How calls of the trail find their OTel spans.
    pub(crate) fn reach(&self) -> &Reach {
        &self.context.reach
    }

    /// A record has no ids: says why, if nobody has.
    pub(crate) fn tell_idless(&self, why: Idless, span: &str) {
        self.context.idless.tell(&self.context.notices, why, span);
    }

    /// Nobody is to be told that records have no ids: there are no traces on purpose.
    pub(crate) fn expect_no_ids(&self) {
        self.context.idless.expect_none();
    }

    /// Whether a span of that name is audited because a hook said so.
    pub(crate) fn is_audited_name(&self, name: &str) -> bool {
        self.context.hooks.may_audit_any_span()
            && self.context.audited_names.read().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    pub(crate) fn add_audited_name(&self, name: &'static str) {
        self.context.audited_names.write().unwrap_or_else(PoisonError::into_inner).insert(name);
    }

    pub(crate) fn keeps_unsampled_callers(&self) -> bool {
        self.context.keeps_unsampled_callers
    }

    /// Counts a span that closed, for the warning that none was audited.
    pub(crate) fn span_closed(&self, audited: bool) {
        self.context.watch.closed(&self.context.notices, audited);
    }
}
