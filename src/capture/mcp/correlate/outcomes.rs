//! The outcomes of calls without an answer that gives one.

use crate::record::{Detail, Outcome, Status, error_type};

/// The outcome of a call whose HTTP exchange ended with that status, without an answer.
pub(crate) fn http_error(status: u16) -> Outcome {
    match status {
        408 | 504 => Outcome::with_type(Detail::Timeout, error_type::TIMEOUT),
        401 | 403 => Outcome::with_type(Detail::Denied, error_type::HTTP_ERROR),
        _ => Outcome::of(Detail::HttpError),
    }
}

/// The outcome of a cancelled call. Clients cancel calls that take too long, and some say so.
pub(super) fn cancelled(reason: Option<&str>) -> Outcome {
    let says = |text: &str| reason.is_some_and(|reason| reason.to_ascii_lowercase().contains(text));
    if TIMEOUTS.iter().any(|text| says(text)) {
        Outcome::with_type(Detail::Timeout, error_type::TIMEOUT)
    } else {
        Outcome::of(Detail::Cancelled)
    }
}

/// The outcome of a call without an answer before its transport was closed.
pub(crate) fn disconnected() -> Outcome {
    Outcome::with_type(Detail::NoResponse, error_type::DISCONNECTED)
}

/// The outcome of a call whose answer was not seen because it could not be read.
pub(crate) fn unread() -> Outcome {
    Outcome::with_type(Detail::NoResponse, error_type::UNREADABLE)
}

/// The outcome of a call that may have got the answer of another one, or vice versa.
pub(super) fn ambiguous() -> Outcome {
    Outcome { error_type: Some(error_type::AMBIGUOUS_ID.into()), ..Outcome::status(Status::Unknown) }
}

/// The outcome of a call that was refused instead of answered by the server.
#[cfg(feature = "internals")]
pub(super) fn refused(code: i64) -> Outcome {
    Outcome { detail: Some(Detail::Denied), ..Outcome::jsonrpc_error(code) }
}

/// The outcome of a call that expects no answer.
pub(super) fn one_way() -> Outcome {
    Outcome::with_type(Detail::NoResponse, error_type::NO_ID)
}

/// The outcome of an unreadable request that the server answered with success: it is unknown what ran.
pub(crate) fn unread_request() -> Outcome {
    Outcome { error_type: Some(error_type::UNREADABLE.into()), ..Outcome::status(Status::Unknown) }
}

/// The reasons of rmcp ("request timeout") and the TypeScript SDK ("Request timed out").
const TIMEOUTS: [&str; 2] = ["timed out", "timeout"];
