//! Annotated spans become records.
//!
//! - A span with the field `mcp.method.name` or `auditrail.event`, or one that the builder's `audited_when` names, is
//!   audited: begun and finished here if no call is open around it.
//! - A span inside an open call enriches it with the fields whose exact names stand in the contract.
//! - An event with `auditrail.event` is a record of its own.
//!
//! Invariants:
//! 1. The ids of a span are resolved at its first entering, never before: resolving starts the OTel span, and a later
//!    `set_parent` would fail. Those of a moment, which nobody needs before its close, are resolved then, where it is known
//!    that they can be had still. They are resolved with no lock on the span's extensions held.
//! 2. Ids are empty rather than wrong: never those of a parent.
//! 3. The end of a record is mirrored as an event of its span where the OTel layer lets go of the span after us, or where
//!    `err` or `ret` says the end. Until a span has shown that the layer does, and for good if it does not, the record's id is
//!    at least an attribute of the span.
//! 4. No other field than the allowed ones is even formatted, but for error texts if a `denied_when` hook wants them.

mod audit_layer;
mod audited_span;
mod call_sites;
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
pub(super) use self::plan::{ProbeSeen, is_rmcp, is_wanted, probe_seen};
pub(super) use self::watch::WatchLayer;
pub(super) use crate::trail::PROBE;
