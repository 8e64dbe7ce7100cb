//! How calls end of which no answer tells it.

use crate::record::{Detail, Outcome, Status, error_type};

/// The outcome of a call whose HTTP exchange ended with that status, and without an answer.
pub(crate) fn http_error(status: u16) -> Outcome {
    match status {
        408 | 504 => Outcome::with_type(Detail::Timeout, error_type::TIMEOUT),
        _ => Outcome::of(Detail::HttpError),
    }
}

/// The outcome of a cancelled call. Clients cancel what takes them too long, and some say so.
pub(super) fn cancelled(reason: Option<&str>) -> Outcome {
    let says = |text: &str| reason.is_some_and(|reason| reason.to_ascii_lowercase().contains(text));
    if TIMEOUTS.iter().any(|text| says(text)) {
        Outcome::with_type(Detail::Timeout, error_type::TIMEOUT)
    } else {
        Outcome::of(Detail::Cancelled)
    }
}

/// The outcome of a call that got no answer before what it came over was closed.
pub(crate) fn disconnected() -> Outcome {
    Outcome::with_type(Detail::NoResponse, error_type::DISCONNECTED)
}

/// The outcome of a call of which no answer was seen, because it could not be read.
pub(crate) fn unread() -> Outcome {
    Outcome::with_type(Detail::NoResponse, error_type::UNREADABLE)
}

/// The outcome of a call that may have got the answer of another, or the other its.
pub(super) fn ambiguous() -> Outcome {
    Outcome { error_type: Some(error_type::AMBIGUOUS_ID.into()), ..Outcome::status(Status::Unknown) }
}

/// The outcome of a call that was answered with a refusal, and by nobody else.
#[cfg(feature = "internals")]
pub(super) fn refused(code: i64) -> Outcome {
    Outcome { detail: Some(Detail::Denied), ..Outcome::jsonrpc_error(code) }
}

/// The outcome of a call that wants no answer.
pub(super) fn one_way() -> Outcome {
    Outcome::with_type(Detail::NoResponse, error_type::NO_ID)
}

/// The outcome of what the server has answered well, although it could not be read here: nobody can say what ran.
pub(crate) fn unread_request() -> Outcome {
    Outcome { error_type: Some(error_type::UNREADABLE.into()), ..Outcome::status(Status::Unknown) }
}

/// What rmcp ("request timeout") and the TypeScript SDK ("Request timed out") give as the reason.
const TIMEOUTS: [&str; 2] = ["timed out", "timeout"];
