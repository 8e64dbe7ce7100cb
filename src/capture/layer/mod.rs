//! The `tracing` layer that turns annotated spans and events into records.
//!
//! - A span with the field `mcp.method.name` or `auditrail.event`, or one that the builder's `audited_when` selects,
//!   is audited: the layer begins and finishes a call for it, if no call is open around it.
//! - A span inside an open call enriches it with the fields whose exact names are in the contract.
//! - An event with `auditrail.event` is a separate record.
//!
//! Invariants:
//! 1. The ids of a span are resolved when it is first entered, never before: resolving starts the OTel span, and a
//!    later `set_parent` would fail. The ids of a moment, which are not needed before its close, are resolved then,
//!    if it is known that they are still available. No lock on the span's extensions is held while they are resolved.
//! 2. Ids are empty rather than wrong: never those of a parent.
//! 3. The end of a record is mirrored as an event of its span if the OTel layer handles the close of the span after
//!    this layer, or if `err` or `ret` reports the end. Until a span has shown that order, and always in the other
//!    order, the record's id is at least an attribute of the span.
//! 4. Only allowed fields are formatted, and error texts if a `denied_when` hook needs them.

mod audit_layer;
mod audited_span;
mod call_sites;
mod calls_of_spans;
#[cfg(feature = "logs")]
mod heard;
mod layer_count;
mod lookup;
mod open_spans;
mod plan;
mod span_activity;
mod span_entry;
mod span_outcome;
mod visit;
mod watch;

pub use self::audit_layer::AuditLayer;
#[cfg(feature = "logs")]
pub(super) use self::heard::is_heard;
pub(super) use self::plan::{ProbeSeen, is_rmcp, is_wanted, probe_seen};
pub(super) use self::watch::WatchLayer;
pub(super) use crate::trail::PROBE;
