//! The answer to a client whose server gave none.
//!
//! A call gets a JSON-RPC error with its id, so that the client can show what is wrong. The status is 502; 504 if connecting to
//! the server took too long; 503 with `Retry-After` if there are too many connections. The records have the status, not the
//! JSON-RPC error, because the error is the proxy's.

use std::sync::Arc;
use std::time::Duration;

use auditrail::internals::correlate::Exchange;
use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use http_body::Body;
use http_body_util::BodyExt as _;

use crate::proxy::http::answer::{self, BoxedAnswer};
use crate::proxy::http::upstream::{UpstreamError, is_late};

/// Reads a body that was not relayed, for a short time: the tap on it names the calls.
pub(crate) async fn spend<B: Body<Data = Bytes> + Unpin>(mut body: B, bound: u64) {
    let reading = async {
        let mut left = bound;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, |data| data.len() as u64) + FRAME);
            if left == 0 {
                break;
            }
        }
    };
    drop(tokio::time::timeout(PATIENCE, reading).await);
}

/// The answer instead of the server's.
pub(crate) fn instead(error: &UpstreamError, exchange: Option<&Arc<Exchange>>) -> BoxedAnswer {
    if matches!(error, UpstreamError::NoRoom) {
        let mut answer = told(StatusCode::SERVICE_UNAVAILABLE, NO_ROOM, exchange);
        answer.headers_mut().insert(RETRY_AFTER, SOON);
        return answer;
    }
    let (status, what) = match (is_late(error), error.is_connect()) {
        (true, true) => (StatusCode::GATEWAY_TIMEOUT, "could not be connected to in time"),
        (_, true) => (StatusCode::BAD_GATEWAY, "cannot be reached"),
        _ => (StatusCode::BAD_GATEWAY, "closed the connection before it answered"),
    };
    // Not the cause, which may reveal the inside of a network.
    let text = format!("the MCP server behind this proxy {what}; check that it runs, and try again");
    told(status, &text, exchange)
}

fn told(status: StatusCode, text: &str, exchange: Option<&Arc<Exchange>>) -> BoxedAnswer {
    let asked = exchange.map(|exchange| exchange.unanswered()).unwrap_or_default();
    match asked.as_slice() {
        [] => answer::plain(status, text).into(),
        asked => answer::unanswered(status, text, asked).into(),
    }
}

const NO_ROOM: &str =
    "this proxy has reached its limit of connections, and the call did not run; try again in some seconds";
/// In seconds. Short exchanges are over by then.
const SOON: HeaderValue = HeaderValue::from_static("5");

/// What a frame costs in addition to its bytes.
const FRAME: u64 = 64;
/// A fast client has sent some megabytes by then.
const PATIENCE: Duration = Duration::from_secs(5);
