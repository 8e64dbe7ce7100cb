//! Sends a request on and brings its response back.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Request, Response, StatusCode, Version};
use http_body::Body as _;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use tower_service::Service;

use super::answer::{self, Instead};
use super::arriving::{Arriving, Token};
use super::fields;
use super::hold::Hold;
use super::upstream::{Pool, ServerBody, Unanswered, cause, is_late};
use crate::Trail;
use crate::capture::mcp::{Holding, HttpRecording, TapBody};

/// The service behind the tap.
#[derive(Debug, Clone)]
pub(super) struct Relay(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pool: Pool,
    /// The one server; `None` if requests name theirs.
    server: Option<(Scheme, Authority)>,
    hold: Option<Hold>,
    recording: HttpRecording,
    token: Token,
    trail: Trail,
    /// Somebody was told that the server cannot be reached.
    is_away: AtomicBool,
}

pub(super) type Relayed = Response<Either<ServerBody, Full<Bytes>>>;

/// What is recorded, and held for that.
#[derive(Debug)]
pub(super) struct Audit {
    pub(super) trail: Trail,
    pub(super) hold: Option<Hold>,
    pub(super) recording: HttpRecording,
}

impl Relay {
    pub(super) fn new(pool: Pool, server: Option<(Scheme, Authority)>, audit: Audit, token: Token) -> Self {
        let Audit { trail, hold, recording } = audit;
        Self(Arc::new(Shared { pool, server, hold, recording, token, trail, is_away: AtomicBool::new(false) }))
    }

    pub(super) fn trail(&self) -> &Trail {
        &self.0.trail
    }

    /// What is recorded beside MCP.
    pub(super) fn recording(&self) -> &HttpRecording {
        &self.0.recording
    }

    /// What requests have to tell on their way here.
    pub(super) fn holding(&self) -> Option<Holding> {
        self.0.hold.as_ref().map(|hold| hold.why)
    }
}

impl Service<Request<TapBody<Incoming>>> for Relay {
    type Response = Relayed;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Relayed, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<TapBody<Incoming>>) -> Self::Future {
        let shared = self.0.clone();
        Box::pin(async move { Ok(shared.relay(request).await.unwrap_or_else(|answer| answer.map(Either::Right))) })
    }
}

impl Shared {
    async fn relay(&self, request: Request<TapBody<Incoming>>) -> Result<Relayed, Instead> {
        let (parts, body) = request.into_parts();
        let body = Arriving::new(body, &parts.headers, &self.token);
        let request = self.prepared(Request::from_parts(parts, body))?;
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
            Err(error) => Err(self.unanswered(&error)),
        }
    }

    /// As the server shall see it.
    fn prepared(&self, request: Request<Arriving>) -> Result<Request<Arriving>, Instead> {
        let (mut parts, body) = request.into_parts();
        let mut to = parts.uri.into_parts();
        let version = std::mem::replace(&mut parts.version, Version::HTTP_11);
        parts.headers = fields::of_request(parts.headers);
        fields::frame(&mut parts.headers, version, !body.is_end_stream() && body.size_hint().exact().is_none());
        if let Some(named) = &to.authority {
            parts.headers = fields::with_host(parts.headers, named.as_str());
        }
        if let Some((scheme, authority)) = &self.server {
            (to.scheme, to.authority) = (Some(scheme.clone()), Some(authority.clone()));
        }
        to.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
        parts.uri = Uri::from_parts(to)
            .map_err(|error| answer::plain(StatusCode::BAD_REQUEST, &format!("the target cannot be used: {error}")))?;
        Ok(Request::from_parts(parts, body))
    }

    /// The server gave no response: 504 if it could not be connected to in time, 502 otherwise.
    fn unanswered(&self, error: &Unanswered) -> Instead {
        let (name, cause) = (self.server_name(), cause(error));
        if self.server.is_some() && error.is_connect() && !self.is_away.swap(true, Ordering::Relaxed) {
            self.notices().warn(format!("{name} cannot be reached: {cause}; see whether the server runs"));
        }
        let (status, what) = match (is_late(error), error.is_connect()) {
            (true, true) => (StatusCode::GATEWAY_TIMEOUT, "could not be connected to in time"),
            (_, true) => (StatusCode::BAD_GATEWAY, "cannot be reached"),
            _ => (StatusCode::BAD_GATEWAY, "broke off before it answered"),
        };
        // Not the cause: it may tell of the inside of a network.
        let text = format!("the MCP server behind this proxy {what}; see whether it runs, and try again");
        answer::plain(status, &text).into()
    }

    fn server_name(&self) -> String {
        self.server
            .as_ref()
            .map_or_else(|| "a server".to_owned(), |(scheme, authority)| format!("the server {scheme}://{authority}"))
    }

    fn notices(&self) -> &crate::config::Notices {
        self.trail.core().notices()
    }
}

/// As the client shall see it.
fn returned(response: Response<ServerBody>) -> Relayed {
    let (mut parts, body) = response.into_parts();
    parts.version = Version::HTTP_11;
    parts.headers = fields::of_response(parts.headers);
    Response::from_parts(parts, Either::Left(body))
}
