//! The error that a client gets for a call that must not run.

use crate::trail::{RefusalKind, Refused};

/// The message of the JSON-RPC error.
pub fn message_of(refused: &Refused) -> String {
    let what = match refused.kind {
        RefusalKind::Denied => "call denied",
        RefusalKind::Escalated => "call needs the approval of a person",
        _ => "call refused",
    };
    format!("{what}: {}", refused.reason)
}
