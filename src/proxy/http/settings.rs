//! What an operator says of one HTTP proxy.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use http::uri::{Authority, Scheme};

use super::{HttpProxyError, TrustedHops};
use crate::capture::mcp::HttpRecording;

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
    /// Which HTTP requests are recorded beside MCP.
    pub record: HttpRecording,
    /// The span of each call is written into its request, as `params._meta.traceparent` and as the header `traceparent`, so
    /// that the server's spans are its children. Spans have ids where a tracer is installed, such as by
    /// `Trail::install_tracing`. Bodies are held for that up to [`max_held`](Self::max_held), and larger ones pass as they
    /// are.
    pub inject_trace: bool,
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
            health: None,
            drain: DRAIN,
            head_timeout: HEAD,
            connect_timeout: CONNECT,
            max_held: MAX_HELD,
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
                "remove them, or use https://",
            ));
        }
        if upstream.authority.as_str().parse() == Ok(self.listen) {
            let (problem, fix) = ("it is the address of the proxy itself", "name the server's");
            return Err(HttpProxyError::setting("upstream", upstream.to_string(), problem, fix));
        }
        Ok(())
    }
}

impl Upstream {
    /// A server by its origin, such as `http://127.0.0.1:8000`.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn new(origin: &str) -> Result<Self, HttpProxyError> {
        let wrong = |problem: &str| {
            HttpProxyError::setting("upstream", origin, problem, "write it as http://HOST:PORT or https://HOST:PORT")
        };
        let uri: Uri = origin.parse().map_err(|_| wrong("it is no URL"))?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(wrong("it does not begin with http:// or https://"));
        };
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(wrong("its scheme is neither http nor https"));
        }
        if authority.as_str().contains('@') {
            return Err(HttpProxyError::setting(
                "upstream",
                "(not shown)",
                "it holds a password, which would not be used",
                "write it as http://HOST:PORT or https://HOST:PORT",
            ));
        }
        if parts.path_and_query.is_some_and(|path| path != "/") {
            return Err(wrong("it has a path, but every path passes as it comes"));
        }
        Ok(Self { scheme, authority, ca: None, identity: None })
    }
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

const NO_TLS: &str = "auditrail was built without TLS";
/// A third of what Kubernetes gives by default, so that the trail is flushed in time, too.
const DRAIN: Duration = Duration::from_secs(10);
/// Long enough for every client that means it, and shorter than what fills the process with those that do not.
const HEAD: Duration = Duration::from_secs(60);
/// A server that is there answers within a round trip; clients give up after about a minute.
const CONNECT: Duration = Duration::from_secs(10);
/// What the TypeScript SDK's server takes at most.
const MAX_HELD: u64 = 4 << 20;
