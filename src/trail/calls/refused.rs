//! Why a call must not run.

use std::borrow::Cow;

use crate::record::RecordId;

/// The call must not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("call {call_id} was refused: {reason}")]
#[non_exhaustive]
pub struct Refused {
    /// The reason, in the operator's words.
    pub reason: Cow<'static, str>,
    /// `auditrail.call.id` of its records.
    pub call_id: RecordId,
    /// What refused it.
    pub kind: RefusalKind,
}

/// What refused a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The `authorize` hook. Both records are written.
    Denied,
    /// Its class requires a verified actor, and its actor is not. Both records are written.
    Unverified,
    /// Its records cannot be kept as its class requires. A gap record reports those that are missing.
    Unrecorded,
}

impl Refused {
    /// The JSON-RPC error code of the answer to a denied call. JSON-RPC 2.0 reserves its range for servers, and no revision of
    /// MCP uses it.
    pub const DENIED_CODE: i64 = -32043;
    /// The JSON-RPC error code if the call cannot be recorded; the client may retry later.
    pub const UNRECORDED_CODE: i64 = -32044;

    /// The JSON-RPC error code if the actor is not verified and the class of the call requires it.
    pub const UNVERIFIED_CODE: i64 = -32046;

    /// The code of this refusal.
    #[must_use]
    pub const fn code(&self) -> i64 {
        match self.kind {
            RefusalKind::Denied => Self::DENIED_CODE,
            RefusalKind::Unrecorded => Self::UNRECORDED_CODE,
            RefusalKind::Unverified => Self::UNVERIFIED_CODE,
        }
    }

    pub(in crate::trail) fn unrecorded(call_id: RecordId) -> Self {
        let reason = "it cannot be audited now, and calls of its class do not run unaudited; try again later";
        Self { reason: reason.into(), call_id, kind: RefusalKind::Unrecorded }
    }
}
