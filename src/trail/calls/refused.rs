//! Why a call must not run.

use std::borrow::Cow;

use crate::record::RecordId;

/// The call must not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("call {call_id} was refused: {reason}")]
#[non_exhaustive]
pub struct Refused {
    /// Why, in the operator's words.
    pub reason: Cow<'static, str>,
    /// `auditrail.call.id` of its records.
    pub call_id: RecordId,
    /// Who refused it.
    pub kind: RefusalKind,
}

/// Who refused a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The `authorize` hook. Both records are written.
    Denied,
    /// Its records cannot be kept as its class wants: a gap record will tell of those that are missing.
    Unrecorded,
}

impl Refused {
    /// The JSON-RPC error code of the answer to a denied call: of the range that JSON-RPC 2.0 leaves to servers, and used
    /// by no revision of MCP.
    pub const DENIED_CODE: i64 = -32043;
    /// The code where the call cannot be recorded: it may be tried again later.
    pub const UNRECORDED_CODE: i64 = -32044;

    /// The code of this refusal.
    #[must_use]
    pub const fn code(&self) -> i64 {
        match self.kind {
            RefusalKind::Denied => Self::DENIED_CODE,
            RefusalKind::Unrecorded => Self::UNRECORDED_CODE,
        }
    }

    pub(in crate::trail) fn unrecorded(call_id: RecordId) -> Self {
        let reason = "it cannot be audited now, and calls of its class do not run unaudited; try again later";
        Self { reason: reason.into(), call_id, kind: RefusalKind::Unrecorded }
    }
}
