//! The error that a client gets for a call that must not run.

use crate::trail::{Because, Refused};

/// The message of the JSON-RPC error.
pub(crate) fn message_of(refused: &Refused) -> String {
    let what = match refused.because {
        Because::Denied => "call denied",
        _ => "call refused",
    };
    format!("{what}: {}", refused.reason)
}
