//! Relays a request to its server, and the response back.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use auditrail::Trail;
use auditrail::capture::mcp::{HttpRecording, TapBody};
use auditrail::internals::TrailInside as _;
use auditrail::internals::correlate::Exchange;
use auditrail::internals::mcp::HoldReasons;
use auditrail::internals::trail::WireCounter;
use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, Version};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use tower_service::Service;

use super::hold::BodyHold;
use super::rewrite::RequestRewrite;
use super::unanswered::spend;
use super::{rewrite, unanswered};
use crate::proxy::http::answer::BoxedAnswer;
use crate::proxy::http::body::{DrainToken, OutgoingBody, RequestBody};
use crate::proxy::http::capacity::{MORE_ROOM, OverCapacity};
use crate::proxy::http::headers::hop_by_hop;
use crate::proxy::http::upstream::{FailedRequest, Pool, ServerBody, UpstreamError, cause};

/// The service behind the tap.
#[derive(Debug, Clone)]
pub(crate) struct Relay(Arc<RelayState>);

#[derive(Debug)]
struct RelayState {
    pool: Pool,
    outward: RequestRewrite,
    hold: Option<BodyHold>,
    recording: HttpRecording,
    token: DrainToken,
    /// How many bytes of a request that is not relayed are read.
    most_spent: u64,
    trail: Trail,
    /// A notice that the server cannot be reached was given.
    is_away: AtomicBool,
}

pub(crate) type RelayedResponse = Response<Either<ServerBody, Full<Bytes>>>;

/// What is recorded, and what is held for that.
#[derive(Debug)]
pub(crate) struct AuditSettings {
    pub(crate) trail: Trail,
    pub(crate) hold: Option<BodyHold>,
    pub(crate) recording: HttpRecording,
}

impl Relay {
    /// At most `most_spent` bytes of a request that no server answers are read before the client gets an answer.
    pub(crate) fn new(
        pool: Pool,
        outward: RequestRewrite,
        audit: AuditSettings,
        most_spent: u64,
        token: DrainToken,
    ) -> Self {
        let AuditSettings { trail, hold, recording } = audit;
        let is_away = AtomicBool::new(false);
        Self(Arc::new(RelayState { pool, outward, hold, recording, token, most_spent, trail, is_away }))
    }

    pub(crate) fn trail(&self) -> &Trail {
        &self.0.trail
    }

    /// The HTTP requests that are recorded although they are not MCP.
    pub(crate) fn recording(&self) -> &HttpRecording {
        &self.0.recording
    }

    /// Why bodies are held; `None` if they are not.
    pub(crate) fn holding(&self) -> Option<HoldReasons> {
        self.0.hold.as_ref().map(|hold| hold.why)
    }
}

impl Service<Request<TapBody<Incoming>>> for Relay {
    type Response = RelayedResponse;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<RelayedResponse, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<TapBody<Incoming>>) -> Self::Future {
        let shared = self.0.clone();
        Box::pin(async move { Ok(shared.relay(request).await.unwrap_or_else(|answer| answer.map(Either::Right))) })
    }
}

impl RelayState {
    async fn relay(&self, request: Request<TapBody<Incoming>>) -> Result<RelayedResponse, BoxedAnswer> {
        let (parts, body) = request.into_parts();
        let body = RequestBody::new(body, &parts.headers, &self.token);
        let request = Request::from_parts(parts, body);
        self.outward.admits(&request, self.notices())?;
        if let Err(refusal) = rewrite::goes_on_whole(request.headers()) {
            let body = request.into_body();
            if body.is_sent() {
                spend(body, self.most_spent).await;
            }
            return Err(refusal);
        }
        let exchange = request.extensions().get::<Arc<Exchange>>().cloned();
        if request.extensions().get::<OverCapacity>().is_some() {
            return Err(self.turned_away(request, exchange.as_ref()).await);
        }
        let request = self.outward.prepared(request)?;
        let request = match &self.hold {
            Some(hold) => hold.pass(request).await?,
            None => request.map(Either::Left),
        };
        match self.pool.request(request).await {
            Ok(response) => {
                if self.is_away.swap(false, Ordering::Relaxed) {
                    self.notices().recovered(format!("{} can be reached again", self.server_name()));
                }
                Ok(returned(response))
            }
            Err(failed) => {
                let FailedRequest { error, unsent } = *failed;
                match &error {
                    UpstreamError::NoRoom => self.tell_turned_away(),
                    error => self.tell(error),
                }
                // Reading the body of a client that waits for `100 Continue` would tell it to send one.
                if let Some(body) = unsent.filter(is_sent) {
                    spend(body, self.most_spent).await;
                }
                Err(unanswered::instead(&error, exchange.as_ref()))
            }
        }
    }

    /// The answer to a request on a connection over the limit.
    async fn turned_away(&self, request: Request<RequestBody>, exchange: Option<&Arc<Exchange>>) -> BoxedAnswer {
        self.tell_turned_away();
        let (version, body) = (request.version(), request.into_body());
        if body.is_sent() {
            spend(body, self.most_spent).await;
        }
        let mut answer = unanswered::instead(&UpstreamError::NoRoom, exchange);
        if version < Version::HTTP_2 {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }

    fn tell_turned_away(&self) {
        self.trail.core().wire_counters().add(WireCounter::TurnedAway);
        self.notices()
            .warn(format!("requests are answered with 503, as too many connections are occupied; {MORE_ROOM}"));
    }

    /// Gives one notice that the server cannot be reached, with the reason.
    fn tell(&self, error: &UpstreamError) {
        if self.outward.server().is_some() && error.is_connectivity() && !self.is_away.swap(true, Ordering::Relaxed) {
            let (name, cause, remedy) = (self.server_name(), cause(error), error.remedy());
            self.notices().warn(format!("{name} cannot be reached: {cause}; {remedy}"));
        }
    }

    fn server_name(&self) -> String {
        self.outward.server().map_or_else(|| "a server".to_owned(), |server| format!("the server {server}"))
    }

    fn notices(&self) -> &auditrail::config::Notices {
        self.trail.core().notices()
    }
}

/// Whether the client sends the body without being asked.
fn is_sent(body: &OutgoingBody) -> bool {
    match body {
        Either::Left(arriving) => arriving.is_sent(),
        Either::Right(_) => true,
    }
}

/// The response for the client.
fn returned(response: Response<ServerBody>) -> RelayedResponse {
    let (mut parts, body) = response.into_parts();
    parts.version = Version::HTTP_11;
    parts.headers = hop_by_hop::of_response(parts.headers);
    Response::from_parts(parts, Either::Left(body))
}
