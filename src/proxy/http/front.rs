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

use super::answer::{self, Instead};
use super::hops::TrustedHops;
use super::origins::{self, Origins};
use super::outward::Came;
use super::relay::Relay;
use super::room::{Entrance, Guest, NoRoom, Occupied};
use super::upstream::ServerBody;
use crate::capture::mcp::correlate::Pace;
use crate::capture::mcp::{Detours, McpService, PeerAddr, TapBody};
use crate::config::Notices;

/// One connection's way in.
#[derive(Debug, Clone)]
pub(super) struct Front {
    gate: Arc<Gate>,
    peer: SocketAddr,
    /// The address at which the client came.
    own: Option<IpAddr>,
    pace: Arc<Pace>,
    guest: Guest,
}

/// What all connections of a listener share.
#[derive(Debug)]
pub(super) struct Gate {
    way: Way,
    hops: TrustedHops,
    notices: Notices,
}

#[derive(Debug)]
enum Way {
    Reverse(McpService<Relay>, Detours),
    Forward { origins: Origins, own: SocketAddr },
}

pub(super) type Answered = Response<Occupied<Either<TapBody<Either<ServerBody, Full<Bytes>>>, Full<Bytes>>>>;

impl Gate {
    pub(super) fn reverse(relay: Relay, hops: TrustedHops) -> Self {
        let notices = relay.trail().core().notices().clone();
        Self { way: Way::Reverse(origins::layer(&relay).layer(relay), Detours::default()), hops, notices }
    }

    pub(super) fn forward(relay: Relay, hops: TrustedHops, own: SocketAddr) -> Self {
        let notices = relay.trail().core().notices().clone();
        Self { way: Way::Forward { origins: Origins::new(relay), own }, hops, notices }
    }

    pub(super) fn tell_full(&self, most: usize) {
        self.notices.warn(format!("{most} connections are open, so an idle one was closed for a new one; {MORE_ROOM}"));
    }

    pub(super) fn front(self: &Arc<Self>, peer: SocketAddr, own: Option<SocketAddr>, guest: Guest) -> Front {
        let own = own.map(|own| own.ip().to_canonical());
        Front { gate: self.clone(), peer, own, pace: Arc::default(), guest }
    }

    fn way(&self, request: &Request<Incoming>) -> Result<McpService<Relay>, Instead> {
        if request.method() == Method::CONNECT {
            return Err(answer::plain(StatusCode::NOT_IMPLEMENTED, NO_TUNNELS).into());
        }
        match &self.way {
            Way::Reverse(service, _) => Ok(service.clone()),
            Way::Forward { origins, own } => Ok(origins.service(&origin(request.uri(), *own)?)),
        }
    }
}

impl hyper::service::Service<Request<Incoming>> for Front {
    type Response = Answered;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answered, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let occupying = match self.guest.begin() {
            Entrance::Open(occupying) => occupying,
            Entrance::Full(occupying) => {
                request.extensions_mut().insert(NoRoom);
                occupying
            }
            Entrance::Closing => return Box::pin(std::future::pending()),
        };
        let mut service = match self.gate.way(&request) {
            Ok(service) => service,
            Err(answer) => {
                let answer = answer.map(|body| Occupied::new(Either::Right(body), Some(occupying)));
                return Box::pin(std::future::ready(Ok(answer)));
            }
        };
        let client = self.gate.hops.client(self.peer, request.headers());
        let trusted = self.gate.hops.trusted(self.peer);
        request.extensions_mut().insert(PeerAddr(client));
        if let Way::Reverse(_, detours) = &self.gate.way
            && request.method() == Method::GET
        {
            request.extensions_mut().insert(detours.clone());
        }
        request.extensions_mut().insert(self.pace.clone());
        request.extensions_mut().insert(Came { peer: self.peer.ip(), own: self.own });
        trusted.map(|hop| request.extensions_mut().insert(hop));
        let relayed = service.call(request);
        Box::pin(async move {
            let answered = relayed.await;
            answered.map(|response| response.map(|body| Occupied::new(Either::Left(body), Some(occupying))))
        })
    }
}

/// The server that a request to a forward proxy names.
fn origin(target: &Uri, own: SocketAddr) -> Result<String, Instead> {
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

/// What the operator can do about it.
pub(super) const MORE_ROOM: &str =
    "if all of them are wanted, raise `ulimit -n`, or `connections` of [http] where that is less";
const NO_TUNNELS: &str = "this proxy records what it relays, so it does not tunnel (CONNECT, https://); \
                          put a reverse proxy in front of that server, or leave it out by NO_PROXY";
const NOT_ABSOLUTE: &str = "this is a forward proxy: ask it for http://HOST:PORT/PATH, as clients do that HTTP_PROXY is set \
                            for; in front of one server use --upstream";
const ITSELF: &str = "the request is for this proxy itself; leave its address out by NO_PROXY";
