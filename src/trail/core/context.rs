//! The state that capture reads and writes.

use std::collections::BTreeSet;
#[cfg(feature = "mcp")]
use std::sync::Arc;

use crate::config::{Notices, Settings};
use crate::identity::Chain;
use crate::locks::RwLock;
use crate::policy::{AllowList, Bounds, TargetMap};
#[cfg(feature = "mcp")]
use crate::trail::calls::ContentKeys;
use crate::trail::digest_key::DigestKey;
use crate::trail::hooks::Hooks;
use crate::trail::identity::ActorCounts;
use crate::trail::otel::{MissingIdsWarnings, Reach, UnauditedSpans};
use crate::trail::wire_counts::WireCounters;

/// Settings, hooks and counters of capture.
#[cfg_attr(
    not(all(feature = "layer", feature = "mcp")),
    expect(dead_code, reason = "each way of capture asks for some of it")
)]
pub(in crate::trail) struct CaptureContext {
    pub(in crate::trail) settings: Settings,
    /// The key of keyed digests.
    pub(in crate::trail) digest_key: DigestKey,
    pub(in crate::trail) allow: AllowList,
    pub(in crate::trail) bounds: Bounds,
    /// Who finds out who acts.
    pub(in crate::trail) chain: Chain,
    pub(in crate::trail) actors: ActorCounts,
    pub(in crate::trail) hooks: Hooks,
    pub(in crate::trail) targets: TargetMap,
    pub(in crate::trail) notices: Notices,
    pub(in crate::trail) unaudited_spans: UnauditedSpans,
    pub(in crate::trail) reach: Reach,
    pub(in crate::trail) missing_ids: MissingIdsWarnings,
    pub(in crate::trail) wire_counters: WireCounters,
    pub(in crate::trail) keeps_unsampled_callers: bool,
    #[cfg(all(feature = "layer", feature = "logs"))]
    pub(in crate::trail) expects_bridge: std::sync::atomic::AtomicBool,
    pub(in crate::trail) records_tool_definitions: bool,
    /// Records have digests of arguments and results, whatever the policy says.
    pub(in crate::trail) records_digests: bool,
    #[cfg(feature = "mcp")]
    pub(in crate::trail) content_keys: Arc<ContentKeys>,
    pub(in crate::trail) audited_names: RwLock<BTreeSet<&'static str>>,
}
