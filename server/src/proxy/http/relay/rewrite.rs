//! Rewrites the head of a request for its server.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use auditrail::config::Notices;
use http::uri::{PathAndQuery, Uri};
use http::{HeaderMap, Request, StatusCode, Version};
use http_body::Body;

use crate::proxy::http::answer::{self, BoxedAnswer};
use crate::proxy::http::headers::{ForeignRequest, ForwardedWriter, Hosts, edit, hop_by_hop};
use crate::proxy::http::settings::{HostField, HttpSettings, ProxyMode, Upstream};

/// The target of requests, and the header fields that are set on them.
#[derive(Debug)]
pub(crate) struct RequestRewrite {
    /// The one server; `None` if each request names its server.
    server: Option<Upstream>,
    /// The accepted hosts, if the server gets its own name as `Host`.
    hosts: Option<Hosts>,
    forwards: Option<ForwardedWriter>,
    /// A notice about a refused request was given.
    is_told: AtomicBool,
}

/// An extension of requests: the two addresses of their connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionAddresses {
    /// The peer: a client, or a hop.
    pub(crate) peer: IpAddr,
    /// The local address.
    pub(crate) local: Option<IpAddr>,
}

impl RequestRewrite {
    pub(crate) fn new(settings: &HttpSettings) -> Self {
        let server = match &settings.mode {
            ProxyMode::Reverse(upstream) => Some(upstream.clone()),
            ProxyMode::Forward => None,
        };
        let forwards = ForwardedWriter { hops: settings.hops.clone(), is_secure: settings.tls.is_some() };
        Self {
            server,
            hosts: (settings.host == HostField::Upstream).then(|| Hosts::new(&settings.hosts)),
            forwards: settings.forwarded.then_some(forwards),
            is_told: AtomicBool::new(false),
        }
    }

    pub(crate) fn server(&self) -> Option<&Upstream> {
        self.server.as_ref()
    }

    /// Checks that the request is meant for this proxy, if hosts are checked.
    pub(crate) fn admits<B>(&self, request: &Request<B>, notices: &Notices) -> Result<(), BoxedAnswer> {
        let Some(hosts) = &self.hosts else { return Ok(()) };
        let local = request.extensions().get::<ConnectionAddresses>().and_then(|addresses| addresses.local);
        hosts.check(request.uri(), request.headers(), local).map_err(|foreign| {
            if !self.is_told.swap(true, Ordering::Relaxed) {
                notices.warn(told(&foreign));
            }
            let (rule, text) = match foreign {
                ForeignRequest::Host(_) => ("proxy_host", FOREIGN_HOST),
                ForeignRequest::Origin(_) => ("proxy_origin", FOREIGN_ORIGIN),
            };
            answer::forbidden(rule, text).into()
        })
    }

    /// The request for the server.
    pub(crate) fn prepared<B: Body>(&self, request: Request<B>) -> Result<Request<B>, BoxedAnswer> {
        let (mut parts, body) = request.into_parts();
        let mut to = parts.uri.into_parts();
        let version = std::mem::replace(&mut parts.version, Version::HTTP_11);
        parts.headers = hop_by_hop::of_request(parts.headers);
        edit::frame(&mut parts.headers, version, !body.is_end_stream() && body.size_hint().exact().is_none());
        if let Some(named) = &to.authority {
            parts.headers = edit::with_host(parts.headers, named.as_str());
        }
        if let Some((forwards, came)) = self.forwards.as_ref().zip(parts.extensions.get::<ConnectionAddresses>()) {
            parts.headers = forwards.tell(parts.headers, came.peer);
        }
        let asked = to.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        to.path_and_query = Some(match &self.server {
            Some(server) => {
                (to.scheme, to.authority) = (Some(server.scheme.clone()), Some(server.authority.clone()));
                server.target(asked).map_err(|error| unusable(&error))?
            }
            None => asked,
        });
        if let Some(server) = self.server.as_ref().filter(|_| self.hosts.is_some()) {
            parts.headers = edit::with_host(parts.headers, server.authority.as_str());
        }
        parts.uri = Uri::from_parts(to).map_err(|error| unusable(&error))?;
        Ok(Request::from_parts(parts, body))
    }
}

/// Refuses a request whose `Connection` field would remove a field of the message: the server would read another message.
pub(crate) fn goes_on_whole(fields: &HeaderMap) -> Result<(), BoxedAnswer> {
    let Some(name) = hop_by_hop::taken_away(fields) else { return Ok(()) };
    let text = format!("`Connection` names {name}, which does not belong to the connection: {TAKEN_AWAY}");
    Err(answer::withheld(StatusCode::BAD_REQUEST, &text).into())
}

fn unusable(error: &dyn std::fmt::Display) -> BoxedAnswer {
    answer::plain(StatusCode::BAD_REQUEST, &format!("the target cannot be used: {error}")).into()
}

fn told(foreign: &ForeignRequest) -> String {
    let (field, value) = match foreign {
        ForeignRequest::Host(value) => ("Host", value),
        ForeignRequest::Origin(value) => ("Origin", value),
    };
    let shown: String = value.chars().take(SHOWN).collect();
    format!(
        "a request was refused (403), because its {field} {shown:?} is not an address or name of this listener; this is \
         reported once, and each request has its record; if clients should use that name, add it to `hosts` of the listener (--hosts)"
    )
}

const TAKEN_AWAY: &str = "without it the server would read another message than the one that is recorded; remove it from \
                          `Connection`";
/// Enough for the longest host name with a scheme and a port.
const SHOWN: usize = 272;
const FOREIGN_HOST: &str = "the Host of this request is not an address or name of this proxy, so it may come from the page of \
                            another site (DNS rebinding); use an address, or a name that the proxy's operator has allowed";
const FOREIGN_ORIGIN: &str = "this request comes from the page of another site (Origin), which this proxy does not allow; its \
                              operator can allow that site's name";
