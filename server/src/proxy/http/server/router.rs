//! Routes a request: which server it goes to, and which client it comes from.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use auditrail::capture::mcp::{McpService, PeerAddr, TapBody};
use auditrail::config::Notices;
use auditrail::internals::TrailInside as _;
use auditrail::internals::correlate::GarbageRate;
use auditrail::internals::mcp::Bypasses;
use bytes::Bytes;
use http::uri::Scheme;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use tower_layer::Layer as _;
use tower_service::Service as _;

use crate::proxy::http::answer::{self, BoxedAnswer};
use crate::proxy::http::capacity::{ClientHandle, ExchangeStart, GuardedBody, MORE_ROOM, OverCapacity};
use crate::proxy::http::client_certificate::ClientCertificate;
use crate::proxy::http::headers::TrustedHops;
use crate::proxy::http::relay::{ConnectionAddresses, OriginTaps, Relay, layer};
use crate::proxy::http::upstream::ServerBody;

/// Serves the requests of one connection.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionService {
    router: Arc<Router>,
    peer: SocketAddr,
    /// The local address of the connection.
    local: Option<IpAddr>,
    garbage_rate: Arc<GarbageRate>,
    client: ClientHandle,
    certificate: Option<ClientCertificate>,
}

/// Shared by all connections of a listener.
#[derive(Debug)]
pub(crate) struct Router {
    target: Target,
    hops: TrustedHops,
    notices: Notices,
}

#[derive(Debug)]
enum Target {
    Reverse(McpService<Relay>, Bypasses),
    Forward { origins: OriginTaps, local: SocketAddr },
}

pub(crate) type RoutedResponse = Response<GuardedBody<Either<TapBody<Either<ServerBody, Full<Bytes>>>, Full<Bytes>>>>;

impl Router {
    pub(crate) fn reverse(relay: Relay, hops: TrustedHops) -> Self {
        let notices = relay.trail().core().notices().clone();
        Self { target: Target::Reverse(layer(&relay).layer(relay), Bypasses::default()), hops, notices }
    }

    pub(crate) fn forward(relay: Relay, hops: TrustedHops, local: SocketAddr) -> Self {
        let notices = relay.trail().core().notices().clone();
        Self { target: Target::Forward { origins: OriginTaps::new(relay), local }, hops, notices }
    }

    pub(crate) fn tell_full(&self, most: usize) {
        self.notices.warn(format!("{most} connections are open, so an idle one was closed for a new one; {MORE_ROOM}"));
    }

    pub(crate) fn service(
        self: &Arc<Self>,
        peer: SocketAddr,
        local: Option<SocketAddr>,
        client: ClientHandle,
    ) -> ConnectionService {
        let local = local.map(|local| local.ip().to_canonical());
        ConnectionService { router: self.clone(), peer, local, garbage_rate: Arc::default(), client, certificate: None }
    }

    fn target(&self, request: &Request<Incoming>) -> Result<McpService<Relay>, BoxedAnswer> {
        if request.method() == Method::CONNECT {
            return Err(answer::plain(StatusCode::NOT_IMPLEMENTED, NO_TUNNELS).into());
        }
        match &self.target {
            Target::Reverse(service, _) => Ok(service.clone()),
            Target::Forward { origins, local } => Ok(origins.service(&origin(request.uri(), *local)?)),
        }
    }
}

#[cfg(feature = "tls")]
impl ConnectionService {
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The client has shown that certificate.
    pub(crate) fn shown(self, certificate: Option<ClientCertificate>) -> Self {
        Self { certificate, ..self }
    }
}

impl hyper::service::Service<Request<Incoming>> for ConnectionService {
    type Response = RoutedResponse;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<RoutedResponse, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let guard = match self.client.begin() {
            ExchangeStart::Open(guard) => guard,
            ExchangeStart::Full(guard) => {
                request.extensions_mut().insert(OverCapacity);
                guard
            }
            ExchangeStart::Closing => return Box::pin(std::future::pending()),
        };
        let mut service = match self.router.target(&request) {
            Ok(service) => service,
            Err(answer) => {
                let answer = answer.map(|body| GuardedBody::new(Either::Right(body), Some(guard)));
                return Box::pin(std::future::ready(Ok(answer)));
            }
        };
        let client = self.router.hops.client(self.peer, request.headers());
        let trusted = self.router.hops.trusted(self.peer);
        request.extensions_mut().insert(PeerAddr(client));
        if let Target::Reverse(_, detours) = &self.router.target
            && request.method() == Method::GET
        {
            request.extensions_mut().insert(detours.clone());
        }
        request.extensions_mut().insert(self.garbage_rate.clone());
        request.extensions_mut().insert(ConnectionAddresses { peer: self.peer.ip(), local: self.local });
        trusted.map(|hop| request.extensions_mut().insert(hop));
        self.certificate.clone().map(|certificate| request.extensions_mut().insert(certificate));
        let relayed = service.call(request);
        Box::pin(async move {
            let answered = relayed.await;
            answered.map(|response| response.map(|body| GuardedBody::new(Either::Left(body), Some(guard))))
        })
    }
}

/// The server that a request to a forward proxy names.
fn origin(target: &Uri, local: SocketAddr) -> Result<String, BoxedAnswer> {
    let (Some(scheme), Some(authority)) = (target.scheme(), target.authority()) else {
        return Err(answer::plain(StatusCode::BAD_REQUEST, NOT_ABSOLUTE).into());
    };
    if *scheme != Scheme::HTTP {
        return Err(answer::plain(StatusCode::NOT_IMPLEMENTED, NO_TUNNELS).into());
    }
    let port = authority.port_u16().unwrap_or(80);
    let host = authority.host();
    let is_here =
        host.parse().is_ok_and(|ip: std::net::IpAddr| ip == local.ip() || ip.is_loopback() || ip.is_unspecified());
    if port == local.port() && (is_here || host.eq_ignore_ascii_case("localhost")) {
        return Err(answer::plain(StatusCode::LOOP_DETECTED, ITSELF).into());
    }
    Ok(format!("{}:{port}", host.to_ascii_lowercase()))
}

const NO_TUNNELS: &str = "this proxy records what it relays, so it does not tunnel (CONNECT, https://); \
                          put a reverse proxy in front of that server, or exclude it with NO_PROXY";
const NOT_ABSOLUTE: &str = "this is a forward proxy: ask it for http://HOST:PORT/PATH, as clients do that HTTP_PROXY is set \
                            for; in front of one server use --upstream";
const ITSELF: &str = "the request is for this proxy itself; leave its address out by NO_PROXY";
