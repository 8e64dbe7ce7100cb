//! Typed events that your own code records, by [`Trail::record`](crate::Trail::record), or by
//! [`Trail::record_durably`](crate::Trail::record_durably) where the record has to be as safe as that of a call.
//!
//! ```no_run
//! use auditrail::capture::direct::ContextChange;
//! use auditrail::trail::{DataUse, LegalBasis};
//!
//! # fn handler(trail: &auditrail::Trail, before: &[u8], after: &[u8]) {
//! trail.record(
//!     ContextChange::update("preferences")
//!         .before(trail.digest(before))
//!         .after(trail.digest(after))
//!         .data_use(DataUse::new().purpose("personalization").legal_basis(LegalBasis::Consent)),
//! );
//! # }
//! ```
//!
//! An event has the ids of the span in which it is recorded, and the id, the actor and the tenant of the call, unless it says
//! something else. [`ResourceAccess`] and [`PromptInvocation`] may also begin a call ([`Trail::begin`](crate::Trail::begin)), if
//! they take time. What stands on each record: `docs/events.md`.
//!
//! The events of MCP and HTTP come from the taps, and those of the trail itself (`auditrail.gap`, most of `auditrail.lifecycle`)
//! from the trail. This version does not write `auditrail.checkpoint`.

mod access;
mod approval;
mod authn;
mod authz;
mod builder;
mod compliance;
mod context;
mod erasure;
mod lifecycle;
mod lineage;
#[cfg(feature = "logs")]
mod log_processor;
mod policy_change;
mod prompt;
mod rate_limit;
mod retention;
mod rfc3339;
#[cfg(test)]
mod tests;
mod threat;
mod token;
mod violation;

pub use self::access::{ResourceAccess, ResourceAction};
pub use self::approval::Approval;
pub use self::authn::Authn;
pub use self::authz::Authz;
pub use self::compliance::{ComplianceEvent, RiskLevel};
pub use self::context::ContextChange;
pub use self::erasure::Erasure;
pub use self::lifecycle::ServerLifecycle;
pub use self::lineage::{DataSet, Lineage};
#[cfg(feature = "logs")]
pub use self::log_processor::AuditLogProcessor;
pub use self::policy_change::PolicyChange;
pub use self::prompt::PromptInvocation;
pub use self::rate_limit::RateLimit;
pub use self::retention::{Retention, RetentionStep};
pub use self::threat::{Threat, ThreatLevel, ThreatType};
pub use self::token::{TokenExchange, TokenType, TokenUse};
pub use self::violation::PolicyViolation;
