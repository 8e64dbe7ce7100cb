//! The settings of one HTTP proxy.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use auditrail::capture::mcp::HttpRecording;
use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use super::capacity::{Connections, max_connections};
use super::client_certificate::ClientCertificates;
use super::error::HttpProxyError;
use super::headers::{TrustedHops, is_host};

/// One listener and its destination. Made by [`reverse`](Self::reverse) or [`forward`](Self::forward); checked at the
/// start.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpSettings {
    /// The address that clients connect to.
    pub listen: SocketAddr,
    /// The destination of their requests.
    pub mode: ProxyMode,
    /// The listener's own certificate; without it, it speaks plain HTTP.
    pub tls: Option<PemFiles>,
    /// Asks clients for a certificate, which says who acts (default: they are not asked). It needs [`tls`](Self::tls), and
    /// [`CertificateExtractor`](super::CertificateExtractor) on the trail.
    pub client_certificates: Option<ClientCertificates>,
    /// The trusted proxies in front of this one (default: none).
    pub hops: TrustedHops,
    /// The `Host` that servers get (default: the client's).
    pub host: HostField,
    /// The host names that clients may use with [`HostField::Upstream`], in addition to the proxy's own addresses and
    /// `localhost`. Pages of these hosts may also send requests (`Origin`).
    pub hosts: Vec<String>,
    /// Tells servers the client's address, host and scheme: `Forwarded` (RFC 7239) and `X-Forwarded-For`, `-Proto`
    /// and `-Host` (default: off). Values from clients are replaced; values from a trusted hop are kept, and the hop
    /// is appended.
    pub forwarded: bool,
    /// The address for `/livez` and `/readyz` (default: none).
    pub health: Option<SocketAddr>,
    /// How long requests and streams may continue after a shutdown request (default: 10 s).
    pub drain: Duration,
    /// The timeout for the first bytes of a connection, for its TLS handshake and for the head of a request; also how
    /// long an idle connection is kept (default: 60 s).
    pub head_timeout: Duration,
    /// The timeout for connecting to a server, TLS included (default: 10 s).
    pub connect_timeout: Duration,
    /// If a call may have to wait or be refused, by its class or the `authorize` hook, the proxy holds bodies of
    /// requests until their calls may run, and refuses bodies that are larger than this number of bytes (default: 4
    /// MiB). On other trails nothing is held.
    pub max_held: u64,
    /// The limit of connections of clients, and of connections to servers. Idle ones are closed first; beyond that,
    /// requests are answered with 503. By default all proxies of a process share what its descriptor limit has room
    /// for.
    pub connections: Connections,
    /// Which HTTP requests are recorded although they are not MCP (default: failures).
    pub record: HttpRecording,
    /// Writes the span of each call into its request, as `params._meta.traceparent` and as the header `traceparent`,
    /// so that the server's spans are its children (default: off). Spans have ids if a tracer is installed, for
    /// example by `Trail::install_tracing`. Bodies are held for that up to [`max_held`](Self::max_held), and larger
    /// ones pass unchanged.
    pub inject_trace: bool,
}

/// The `Host` of requests as servers get them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostField {
    /// As the client sent it.
    #[default]
    Client,
    /// The server's own, from its URL: for servers that check their host name. They can no longer detect requests
    /// from a page of another site (DNS rebinding), so the proxy checks, and answers a request that is neither for it
    /// nor from its own page with 403.
    Upstream,
}

/// Where requests go.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ProxyMode {
    /// All requests go to one server.
    Reverse(Upstream),
    /// Each request goes to the `http://` server that it names, as from clients with `http_proxy`.
    Forward,
}

/// A server.
#[derive(Debug, Clone)]
pub struct Upstream {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    /// The prefix of the path of each request, without a slash at its end.
    base: String,
    /// The authorities that must have signed the server's certificate, PEM; `None` for those of the system.
    pub ca: Option<PathBuf>,
    /// The certificate that is shown to the server.
    pub identity: Option<PemFiles>,
}

/// A chain of certificates and its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PemFiles {
    /// The certificate, and the chain that signed it.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl HttpSettings {
    /// In front of one server.
    #[must_use]
    pub fn reverse(listen: SocketAddr, upstream: Upstream) -> Self {
        Self::new(listen, ProxyMode::Reverse(upstream))
    }

    /// Behind the clients of many.
    #[must_use]
    pub fn forward(listen: SocketAddr) -> Self {
        Self::new(listen, ProxyMode::Forward)
    }

    fn new(listen: SocketAddr, mode: ProxyMode) -> Self {
        Self {
            listen,
            mode,
            tls: None,
            client_certificates: None,
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
        if let Some(clients) = self.client_certificates.as_ref().filter(|_| self.tls.is_none()) {
            let problem = "clients show certificates only to a listener with TLS";
            let fix = "name the listener's own certificate: tls_certificate and tls_key";
            return Err(HttpProxyError::setting("client_ca", clients.ca.to_string_lossy(), problem, fix));
        }
        self.check_hosts()?;
        self.check_connections()?;
        let ProxyMode::Reverse(upstream) = &self.mode else { return Ok(()) };
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
        // A request would come back forever.
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
            return wrong("no client could connect".into(), "set at least 1, or remove it");
        }
        if most > fitting && most > Connections::default().most() {
            let problem = format!("the limit of descriptors leaves room for {fitting}");
            return wrong(problem, "set at most that, remove it, or raise the limit (`ulimit -n`)");
        }
        Ok(())
    }

    fn check_hosts(&self) -> Result<(), HttpProxyError> {
        let wrong = |setting, value: &str, problem, fix| Err(HttpProxyError::setting(setting, value, problem, fix));
        let is_forward = matches!(self.mode, ProxyMode::Forward);
        if is_forward && self.host == HostField::Upstream {
            return wrong("host", "upstream", FORWARDS, "remove it: each request names its server");
        }
        if is_forward && self.forwarded {
            return wrong("forwarded", "true", FORWARDS, "remove it: those servers do not know this proxy");
        }
        match self.hosts.first() {
            Some(_) if self.host == HostField::Client => {
                let problem = "the Host of requests is forwarded unchanged, so there is nothing to check";
                return wrong("hosts", HIDDEN, problem, "set host = \"upstream\", or remove the names");
            }
            _ => {}
        }
        match self.hosts.iter().find(|name| !is_host(name)) {
            Some(_) => wrong("hosts", HIDDEN, "it is not a host name", "write names such as mcp.example.org"),
            None => Ok(()),
        }
    }
}

impl Upstream {
    /// Creates a server from its URL, such as `http://127.0.0.1:8000` or `https://example.org/base`. A path in it is
    /// put in front of the path of each request.
    ///
    /// # Errors
    /// If it is not such a URL.
    pub fn new(url: &str) -> Result<Self, HttpProxyError> {
        // Something that is not a URL may be a secret in the wrong place, and a URL may contain a secret.
        let wrong = |problem: &str| HttpProxyError::setting("upstream", HIDDEN, problem, FORM);
        // It would be dropped silently.
        if url.contains('#') {
            return Err(wrong("it has a fragment, which is never sent"));
        }
        let uri: Uri = url.parse().map_err(|_| wrong("it is not a URL"))?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(wrong("it does not begin with http:// or https://"));
        };
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(wrong("its scheme is neither http nor https"));
        }
        if authority.as_str().contains('@') {
            return Err(wrong("it contains a user or password, which would not be used"));
        }
        let path = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        if path.query().is_some() {
            return Err(wrong("it has a query, but the query of each request is forwarded unchanged"));
        }
        let base = path.path().strip_suffix('/').unwrap_or(path.path()).to_owned();
        Ok(Self { scheme, authority, base, ca: None, identity: None })
    }

    /// The target of a request at the server: its path after the base, its query unchanged.
    pub(super) fn target(&self, asked: PathAndQuery) -> Result<PathAndQuery, http::uri::InvalidUri> {
        // Without a base it is unchanged; `*` (OPTIONS) is the server itself.
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
/// A third of what Kubernetes gives by default, so that there is also time to flush the trail.
const DRAIN: Duration = Duration::from_secs(10);
/// Long enough for legitimate clients, and short enough that others do not fill the process.
const HEAD: Duration = Duration::from_secs(60);
/// A reachable server answers within a round trip; clients give up after about a minute.
const CONNECT: Duration = Duration::from_secs(10);
/// The most that the TypeScript SDK's server accepts.
const MAX_HELD: u64 = 4 << 20;
