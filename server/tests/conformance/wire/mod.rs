//! Counts the JSON-RPC requests on the wire, in both directions, with eyes that are not auditrail's.
//!
//! It stands before everything that is tested, reads copies of the bytes that pass, and changes none.

mod audit;
mod body;
mod events;
mod log;
pub(crate) mod tests;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request as HttpRequest;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::HeaderMap;

pub(crate) use self::audit::Audit;
use self::body::Copied;
use self::log::Log;
pub(crate) use self::log::Request;

/// What passes one server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wire(Arc<Mutex<Log>>);

impl Wire {
    /// Watches everything that the router gets and answers.
    pub(crate) fn around(&self, router: Router) -> Router {
        let log = self.0.clone();
        router.layer(from_fn(move |request, next| watched(log.clone(), request, next)))
    }

    /// In the order in which they were seen.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.0.lock().unwrap().requests().to_vec()
    }

    /// The statuses of what was refused that asked nothing.
    pub(crate) fn refused(&self) -> Vec<u16> {
        self.0.lock().unwrap().refused()
    }
}

async fn watched(log: Arc<Mutex<Log>>, request: HttpRequest, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let exchange = log.lock().unwrap().begun(session(&parts.headers), &body);

    let response = next.run(HttpRequest::from_parts(parts, Body::from(body))).await;

    log.lock().unwrap().answered(exchange, response.status(), session(response.headers()));
    let is_events =
        header(response.headers(), "content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
    response
        .map(|body| Body::new(Copied::new(body, is_events, move |message| log.lock().unwrap().sent(exchange, message))))
}

fn session(headers: &HeaderMap) -> Option<String> {
    header(headers, "mcp-session-id").map(ToOwned::to_owned)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
