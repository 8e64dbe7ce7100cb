//! What a request is met by: where it goes, and who it comes from.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::uri::Scheme;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use tower_layer::Layer as _;
use tower_service::Service as _;

use crate::capture::mcp::correlate::Pace;
use crate::capture::mcp::{Bypasses, McpService, PeerAddr, TapBody};
use crate::config::Notices;
use crate::proxy::http::answer::{self, BoxedAnswer};
use crate::proxy::http::capacity::{ClientHandle, ExchangeStart, GuardedBody, MORE_ROOM, OverCapacity};
use crate::proxy::http::headers::TrustedHops;
use crate::proxy::http::relay::{ConnectionAddresses, OriginTaps, Relay, layer};
use crate::proxy::http::upstream::ServerBody;

/// One connection's way in.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionService {
    gate: Arc<Router>,
    peer: SocketAddr,
    /// The address at which the client came.
    own: Option<IpAddr>,
    pace: Arc<Pace>,
    client: ClientHandle,
}

/// What all connections of a listener share.
#[derive(Debug)]
pub(crate) struct Router {
    way: Target,
    hops: TrustedHops,
    notices: Notices,
}

#[derive(Debug)]
enum Target {
    Reverse(McpService<Relay>, Bypasses),
    Forward { origins: OriginTaps, own: SocketAddr },
}

pub(crate) type Answered = Response<GuardedBody<Either<TapBody<Either<ServerBody, Full<Bytes>>>, Full<Bytes>>>>;

impl Router {
    pub(crate) fn reverse(relay: Relay, hops: TrustedHops) -> Self {
        let notices = relay.trail().core().notices().clone();
        Self { way: Target::Reverse(layer(&relay).layer(relay), Bypasses::default()), hops, notices }
    }

    pub(crate) fn forward(relay: Relay, hops: TrustedHops, own: SocketAddr) -> Self {
        let notices = relay.trail().core().notices().clone();
        Self { way: Target::Forward { origins: OriginTaps::new(relay), own }, hops, notices }
    }

    pub(crate) fn tell_full(&self, most: usize) {
        self.notices.warn(format!("{most} connections are open, so an idle one was closed for a new one; {MORE_ROOM}"));
    }

    pub(crate) fn front(
        self: &Arc<Self>,
        peer: SocketAddr,
        own: Option<SocketAddr>,
        client: ClientHandle,
    ) -> ConnectionService {
        let own = own.map(|own| own.ip().to_canonical());
        ConnectionService { gate: self.clone(), peer, own, pace: Arc::default(), client }
    }

    fn way(&self, request: &Request<Incoming>) -> Result<McpService<Relay>, BoxedAnswer> {
        if request.method() == Method::CONNECT {
            return Err(answer::plain(StatusCode::NOT_IMPLEMENTED, NO_TUNNELS).into());
        }
        match &self.way {
            Target::Reverse(service, _) => Ok(service.clone()),
            Target::Forward { origins, own } => Ok(origins.service(&origin(request.uri(), *own)?)),
        }
    }
}

impl hyper::service::Service<Request<Incoming>> for ConnectionService {
    type Response = Answered;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answered, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let guard = match self.client.begin() {
            ExchangeStart::Open(guard) => guard,
            ExchangeStart::Full(guard) => {
                request.extensions_mut().insert(OverCapacity);
                guard
            }
            ExchangeStart::Closing => return Box::pin(std::future::pending()),
        };
        let mut service = match self.gate.way(&request) {
            Ok(service) => service,
            Err(answer) => {
                let answer = answer.map(|body| GuardedBody::new(Either::Right(body), Some(guard)));
                return Box::pin(std::future::ready(Ok(answer)));
            }
        };
        let client = self.gate.hops.client(self.peer, request.headers());
        let trusted = self.gate.hops.trusted(self.peer);
        request.extensions_mut().insert(PeerAddr(client));
        if let Target::Reverse(_, detours) = &self.gate.way
            && request.method() == Method::GET
        {
            request.extensions_mut().insert(detours.clone());
        }
        request.extensions_mut().insert(self.pace.clone());
        request.extensions_mut().insert(ConnectionAddresses { peer: self.peer.ip(), own: self.own });
        trusted.map(|hop| request.extensions_mut().insert(hop));
        let relayed = service.call(request);
        Box::pin(async move {
            let answered = relayed.await;
            answered.map(|response| response.map(|body| GuardedBody::new(Either::Left(body), Some(guard))))
        })
    }
}

/// The server that a request to a forward proxy names.
fn origin(target: &Uri, own: SocketAddr) -> Result<String, BoxedAnswer> {
    let (Some(scheme), Some(authority)) = (target.scheme(), target.authority()) else {
        return Err(answer::plain(StatusCode::BAD_REQUEST, NOT_ABSOLUTE).into());
    };
    if *scheme != Scheme::HTTP {
        return Err(answer::plain(StatusCode::NOT_IMPLEMENTED, NO_TUNNELS).into());
    }
    let port = authority.port_u16().unwrap_or(80);
    let host = authority.host();
    let is_here =
        host.parse().is_ok_and(|ip: std::net::IpAddr| ip == own.ip() || ip.is_loopback() || ip.is_unspecified());
    if port == own.port() && (is_here || host.eq_ignore_ascii_case("localhost")) {
        return Err(answer::plain(StatusCode::LOOP_DETECTED, ITSELF).into());
    }
    Ok(format!("{}:{port}", host.to_ascii_lowercase()))
}

const NO_TUNNELS: &str = "this proxy records what it relays, so it does not tunnel (CONNECT, https://); \
                          put a reverse proxy in front of that server, or leave it out by NO_PROXY";
const NOT_ABSOLUTE: &str = "this is a forward proxy: ask it for http://HOST:PORT/PATH, as clients do that HTTP_PROXY is set \
                            for; in front of one server use --upstream";
const ITSELF: &str = "the request is for this proxy itself; leave its address out by NO_PROXY";
