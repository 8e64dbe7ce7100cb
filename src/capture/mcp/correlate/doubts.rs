//! What is unusual about a message of the client.

use super::super::message::{Flaw, Message};

/// Whether it is not JSON that is read here, rather than JSON that is not a message.
pub(super) fn is_unreadable(message: &Message) -> bool {
    match message.flaw {
        Some(Flaw::NotJson) => true,
        Some(Flaw::TooDeep) => message.method.is_none(),
        Some(Flaw::NotAMessage) | None => false,
    }
}

/// Whether some server may refuse it unread, and so answer without an id.
pub(super) fn is_doubtful(message: &Message) -> bool {
    message.flaw.is_some() || message.is_transcoded || !message.is_jsonrpc || message.doubts.names().next().is_some()
}

/// Whether some reader sees several lines in it, each of which may be answered.
pub(super) fn is_piece(message: &Message) -> bool {
    message.doubts.carriage_return || message.doubts.line_separator
}
