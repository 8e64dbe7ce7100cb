//! What an operator says of one HTTP proxy.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use auditrail::capture::mcp::HttpRecording;
use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use super::capacity::{Connections, max_connections};
use super::error::HttpProxyError;
use super::headers::{TrustedHops, is_host};

/// One listener and where it leads. Made by [`reverse`](Self::reverse) or [`forward`](Self::forward); checked when it starts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpSettings {
    /// Where clients come.
    pub listen: SocketAddr,
    /// Where their requests go.
    pub mode: Mode,
    /// The listener's own certificate; without it, it speaks plain HTTP.
    pub tls: Option<PemFiles>,
    /// The proxies in front of this one whose word counts.
    pub hops: TrustedHops,
    /// What servers get as `Host`.
    pub host: HostField,
    /// The names by which clients may ask for this proxy where it looks ([`HostField::Upstream`]), beside its own addresses
    /// and `localhost`; the pages of these hosts may ask it, too (`Origin`).
    pub hosts: Vec<String>,
    /// Servers are told who has asked and how: `Forwarded` (RFC 7239) and `X-Forwarded-For`, `-Proto` and `-Host`. What
    /// clients say under these names is replaced; what a trusted hop says goes on, and the hop is appended.
    pub forwarded: bool,
    /// Where `/livez` and `/readyz` are answered.
    pub health: Option<SocketAddr>,
    /// How long requests and streams may go on after the end was asked for.
    pub drain: Duration,
    /// How long a client may take for the first bytes of a connection, for its TLS handshake and for the head of a request;
    /// also how long an idle connection is kept for another one.
    pub head_timeout: Duration,
    /// How long it may take to connect to a server, TLS included.
    pub connect_timeout: Duration,
    /// Where a call may have to wait or be refused, by its class or the `authorize` hook, bodies of POST requests are held
    /// until their calls may run; larger ones than this, in bytes, are refused then. On other trails nothing is held.
    pub max_held: u64,
    /// How many connections of clients there may be, and as many to servers. Idle ones are closed first; beyond that, requests
    /// are answered with 503. By default all proxies of a process share what its limit of descriptors leaves room for.
    pub connections: Connections,
    /// Which HTTP requests are recorded beside MCP.
    pub record: HttpRecording,
    /// The span of each call is written into its request, as `params._meta.traceparent` and as the header `traceparent`, so
    /// that the server's spans are its children. Spans have ids where a tracer is installed, such as by
    /// `Trail::install_tracing`. Bodies are held for that up to [`max_held`](Self::max_held), and larger ones pass as they
    /// are.
    pub inject_trace: bool,
}

/// The `Host` of requests as servers get them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostField {
    /// As the client wrote it.
    #[default]
    Client,
    /// The server's own, as its URL has it: for servers that go by their names. They cannot tell any more whether a page of
    /// another site has asked (DNS rebinding), so the proxy looks: what is neither for it nor from a page of its own is
    /// answered with 403.
    Upstream,
}

/// Where requests go.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Mode {
    /// All to one server.
    Reverse(Upstream),
    /// Each to the `http://` server that it names, as clients with `http_proxy` ask for.
    Forward,
}

/// A server.
#[derive(Debug, Clone)]
pub struct Upstream {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    /// What stands before the path of each request, without a slash at its end.
    base: String,
    /// The certificates that the server's must be signed by, PEM; the system's if none.
    pub ca: Option<PathBuf>,
    /// The certificate that is shown to the server.
    pub identity: Option<PemFiles>,
}

/// A chain of certificates and its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PemFiles {
    /// The certificate, and those that it is signed by.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl HttpSettings {
    /// In front of one server.
    #[must_use]
    pub fn reverse(listen: SocketAddr, upstream: Upstream) -> Self {
        Self::new(listen, Mode::Reverse(upstream))
    }

    /// Behind the clients of many.
    #[must_use]
    pub fn forward(listen: SocketAddr) -> Self {
        Self::new(listen, Mode::Forward)
    }

    fn new(listen: SocketAddr, mode: Mode) -> Self {
        Self {
            listen,
            mode,
            tls: None,
            hops: TrustedHops::default(),
            host: HostField::default(),
            hosts: Vec::new(),
            forwarded: false,
            health: None,
            drain: DRAIN,
            head_timeout: HEAD,
            connect_timeout: CONNECT,
            max_held: MAX_HELD,
            connections: Connections::default(),
            record: HttpRecording::default(),
            inject_trace: false,
        }
    }

    /// # Errors
    /// The first setting that cannot be used.
    pub(super) fn check(&self) -> Result<(), HttpProxyError> {
        if self.health == Some(self.listen) && self.listen.port() != 0 {
            let (problem, fix) = ("it is the address of the proxy itself", "name another port");
            return Err(HttpProxyError::setting("health", self.listen.to_string(), problem, fix));
        }
        if self.tls.is_some() && !cfg!(feature = "tls") {
            return Err(HttpProxyError::setting("tls", "", NO_TLS, "enable its feature tls, or listen without"));
        }
        self.check_hosts()?;
        self.check_connections()?;
        let Mode::Reverse(upstream) = &self.mode else { return Ok(()) };
        let is_secure = upstream.scheme == Scheme::HTTPS;
        if is_secure && !cfg!(feature = "tls") {
            let fix = "enable its feature tls, or use http:// to a server on this machine";
            return Err(HttpProxyError::setting("upstream", upstream.to_string(), NO_TLS, fix));
        }
        if !is_secure && (upstream.ca.is_some() || upstream.identity.is_some()) {
            let problem = "it is not https://, so certificates would not be used";
            return Err(HttpProxyError::setting(
                "upstream",
                upstream.to_string(),
                problem,
                "remove upstream_ca, upstream_certificate and upstream_key, or use https://",
            ));
        }
        // A request would come back for ever.
        let (ip, port) = (self.listen.ip(), self.listen.port());
        let host = upstream.authority.host();
        let is_local = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(other) => other == ip || (ip.is_unspecified() && other.is_loopback()),
            Err(_) => host.eq_ignore_ascii_case("localhost") && (ip.is_loopback() || ip.is_unspecified()),
        };
        let is_here = is_local && upstream.authority.port_u16() == Some(port);
        if is_here && port != 0 {
            let (problem, fix) = ("it is the address of the proxy itself", "name the server's");
            return Err(HttpProxyError::setting("upstream", upstream.to_string(), problem, fix));
        }
        Ok(())
    }

    fn check_connections(&self) -> Result<(), HttpProxyError> {
        let (most, fitting) = (self.connections.most(), max_connections());
        let wrong = |problem: String, fix| Err(HttpProxyError::setting("connections", most.to_string(), problem, fix));
        if most == 0 {
            return wrong("nobody could connect".into(), "set at least 1, or leave it out");
        }
        if most > fitting && most > Connections::default().most() {
            let problem = format!("the limit of descriptors leaves room for {fitting}");
            return wrong(problem, "set no more, leave it out, or raise the limit (`ulimit -n`)");
        }
        Ok(())
    }

    fn check_hosts(&self) -> Result<(), HttpProxyError> {
        let wrong = |setting, value: &str, problem, fix| Err(HttpProxyError::setting(setting, value, problem, fix));
        let is_forward = matches!(self.mode, Mode::Forward);
        if is_forward && self.host == HostField::Upstream {
            return wrong("host", "upstream", FORWARDS, "leave it out: each request names its server");
        }
        if is_forward && self.forwarded {
            return wrong("forwarded", "true", FORWARDS, "leave it out: those servers know nothing of this proxy");
        }
        match self.hosts.first() {
            Some(_) if self.host == HostField::Client => {
                let problem = "nobody looks at the Host of requests that goes on as it is";
                return wrong("hosts", HIDDEN, problem, "set host = \"upstream\", or leave the names out");
            }
            _ => {}
        }
        match self.hosts.iter().find(|name| !is_host(name)) {
            Some(_) => wrong("hosts", HIDDEN, "it is no name of a host", "write names such as mcp.example.org"),
            None => Ok(()),
        }
    }
}

impl Upstream {
    /// A server by its URL, such as `http://127.0.0.1:8000` or `https://example.org/base`: a path stands before that of each
    /// request.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn new(url: &str) -> Result<Self, HttpProxyError> {
        // What is no URL may be a secret in the wrong place, and what is one may have a secret in it.
        let wrong = |problem: &str| HttpProxyError::setting("upstream", HIDDEN, problem, FORM);
        // It would be dropped in silence.
        if url.contains('#') {
            return Err(wrong("it has a fragment, which is never sent"));
        }
        let uri: Uri = url.parse().map_err(|_| wrong("it is no URL"))?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(wrong("it does not begin with http:// or https://"));
        };
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(wrong("its scheme is neither http nor https"));
        }
        if authority.as_str().contains('@') {
            return Err(wrong("it holds a password, which would not be used"));
        }
        let path = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        if path.query().is_some() {
            return Err(wrong("it has a query, but that of each request goes on as it is"));
        }
        let base = path.path().strip_suffix('/').unwrap_or(path.path()).to_owned();
        Ok(Self { scheme, authority, base, ca: None, identity: None })
    }

    /// The target of a request at the server: its path behind the base, its query as it is.
    pub(super) fn target(&self, asked: PathAndQuery) -> Result<PathAndQuery, http::uri::InvalidUri> {
        // Behind nothing it is as it was; `*` (OPTIONS) is the server itself.
        if self.base.is_empty() || !asked.as_str().starts_with('/') {
            return Ok(asked);
        }
        PathAndQuery::try_from(format!("{}{asked}", self.base))
    }
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.base)
    }
}

const HIDDEN: &str = "(not shown)";
const FORM: &str = "write it as http://HOST:PORT, https://HOST:PORT or https://HOST/PATH";
const FORWARDS: &str = "it belongs to a listener with an upstream";

const NO_TLS: &str = "auditrail was built without TLS";
/// A third of what Kubernetes gives by default, so that the trail is flushed in time, too.
const DRAIN: Duration = Duration::from_secs(10);
/// Long enough for every client that means it, and shorter than what fills the process with those that do not.
const HEAD: Duration = Duration::from_secs(60);
/// A server that is there answers within a round trip; clients give up after about a minute.
const CONNECT: Duration = Duration::from_secs(10);
/// What the TypeScript SDK's server takes at most.
const MAX_HELD: u64 = 4 << 20;
