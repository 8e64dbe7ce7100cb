//! The call that an HTTP request is.
//!
//! Invariants:
//! 1. It ends once: with the last byte of the response, its end, its error, or when it is dropped; or with a panic.
//! 2. Only names that are listed in `docs/record.md` are taken from the request: no query, no body, no header but `User-Agent` and
//!    `X-Request-Id`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};
use tracing::Span;

use super::settings::HttpSettings;
use crate::capture::mcp::correlate::{disconnected, http_error};
use crate::capture::mcp::http::exchange::{HttpRecording, is_provided_for, origin};
use crate::capture::mcp::http::reading::{BodyEnd, BodyObserver, BodyTap, UnreadReason};
use crate::capture::mcp::message::Message;
use crate::locks::Mutex;
use crate::record::{Detail, Outcome, names};
use crate::trail::{Call, Core, MessageFacts, OpenCall, Opener};

pub(super) struct HttpCall {
    core: Arc<Core>,
    recording: Arc<HttpRecording>,
    span: Span,
    method: Method,
    path: String,
    /// The status of the response; 0 for none.
    status: AtomicU16,
    recorded: Mutex<Option<Recorded>>,
}

enum Recorded {
    /// Its request record is written.
    Open(Box<OpenCall>),
    /// It is recorded if it fails.
    IfFailed(Box<Call>),
}

impl HttpCall {
    pub(super) fn begin(settings: &HttpSettings, parts: &Parts) -> Arc<Self> {
        let core = settings.trail.core();
        let begun = core.clock().now();
        let route = settings.route.as_ref().and_then(|route| route(&parts.extensions));
        let call = Call::http(facts(core, parts, route)).begun(begun);
        let path = parts.uri.path().to_owned();
        let (recorded, span) = if settings.recording.wants_all_to(&path) {
            let call = OpenCall::open(core, call, Opener::Observer);
            let span = call.span().clone();
            (Recorded::Open(Box::new(call)), span)
        } else {
            (Recorded::IfFailed(Box::new(call)), Span::none())
        };
        Arc::new(Self {
            core: core.clone(),
            recording: settings.recording.clone(),
            span,
            method: parts.method.clone(),
            path,
            status: AtomicU16::new(0),
            recorded: Mutex::new(Some(recorded)),
        })
    }

    /// The span in which the inner service runs.
    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// The head of the response is there. Returns what sees the end of its body.
    pub(super) fn respond(self: &Arc<Self>, response: &http::response::Parts, length: Option<u64>) -> BodyTap {
        self.status.store(response.status.as_u16(), Ordering::Release);
        let has_no_body =
            self.method == Method::HEAD || matches!(response.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let length = if has_no_body { Some(0) } else { said_length(&response.headers).or(length) };
        BodyTap::new(None, Box::new(EndObserver(self.clone())), length)
    }

    /// Nothing more will come of the response, if there was one.
    pub(super) fn end(&self, how: BodyEnd) {
        let status = self.status.load(Ordering::Acquire);
        let failed = status >= 400 && !is_provided_for(&self.method, &self.path, status);
        self.finish(
            failed,
            &match how {
                _ if status == 0 => disconnected(),
                _ if failed => http_error(status),
                BodyEnd::Complete => Outcome::ok(),
                BodyEnd::Broken | BodyEnd::Dropped => disconnected(),
            },
        );
    }

    /// The inner service has panicked.
    pub(super) fn panicked(&self) {
        self.finish(true, &Outcome::of(Detail::Panic));
    }

    fn finish(&self, failed: bool, outcome: &Outcome) {
        let recorded = self.recorded.lock().take();
        let call = match recorded {
            Some(Recorded::Open(call)) => *call,
            Some(Recorded::IfFailed(call)) if self.recording.wants(&self.path, failed) => {
                OpenCall::open(&self.core, *call, Opener::Observer)
            }
            _ => return,
        };
        let status = self.status.load(Ordering::Acquire);
        if status != 0 {
            call.note(&names::HTTP_RESPONSE_STATUS_CODE.into(), i64::from(status).into());
            call.span().record(names::HTTP_RESPONSE_STATUS_CODE, i64::from(status));
        }
        call.finish_now(outcome);
    }
}

fn facts(core: &Arc<Core>, parts: &Parts, route: Option<String>) -> MessageFacts {
    let mut origin = origin(core, parts, false);
    // It is of no transport of MCP.
    origin.transport = None;
    let facts = MessageFacts::default()
        .attribute(names::HTTP_REQUEST_METHOD, parts.method.as_str().to_owned())
        .attribute(names::URL_PATH, parts.uri.path().to_owned())
        .attribute(names::NETWORK_TRANSPORT, "tcp")
        .some(names::HTTP_ROUTE, route);
    origin.describe_http(core, facts)
}

/// `Content-Length`: hyper polls a body no further than that.
fn said_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Sees how the body of the response ends.
struct EndObserver(Arc<HttpCall>);

impl BodyObserver for EndObserver {
    fn message(&self, _: Message) {}

    fn unread(&self, _: UnreadReason) {}

    fn over(&self, how: BodyEnd) {
        self.0.end(how);
    }
}
