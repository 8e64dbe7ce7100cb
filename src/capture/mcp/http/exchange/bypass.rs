//! Detects servers that direct their clients past the proxy.
//!
//! In the transport of 2024-11-05, a server tells its client where to send messages. If that is another address than the proxy's
//! and the client follows, its messages bypass the proxy. (The official clients insist on the same origin.) The proxy changes no
//! byte; one notice and one alarm record report it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::request::Parts;
use http::{Uri, header};

use crate::trail::Core;

/// An extension of requests to a proxy in front of one server: whether a bypass was already reported.
#[derive(Debug, Clone, Default)]
pub struct Bypasses(Arc<AtomicBool>);

/// What is checked in one exchange.
#[derive(Debug)]
pub(crate) struct Bypass {
    detours: Bypasses,
    /// The proxy's address as the client wrote it.
    here: Option<String>,
}

impl Bypass {
    pub(crate) fn of(parts: &Parts) -> Option<Self> {
        let detours = parts.extensions.get::<Bypasses>()?.clone();
        let host = || parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let here = parts.uri.authority().map(http::uri::Authority::as_str).or_else(host).map(str::to_ascii_lowercase);
        Some(Self { detours, here })
    }

    /// The server has announced that messages are to be sent to `endpoint`.
    pub(crate) fn look(&self, core: &Core, endpoint: &str) {
        // A reference without a scheme has the scheme of the stream (RFC 3986, section 4.2).
        let whole = if endpoint.starts_with("//") { format!("http:{endpoint}") } else { endpoint.to_owned() };
        let Ok(endpoint) = whole.parse::<Uri>() else { return };
        let (Some(scheme), Some(authority)) = (endpoint.scheme_str(), endpoint.authority()) else { return };
        let there = authority.as_str().to_ascii_lowercase();
        let is_here =
            self.here.as_deref().is_some_and(|here| without_port(scheme, here) == without_port(scheme, &there));
        if is_here || self.detours.0.swap(true, Ordering::Relaxed) {
            return;
        }
        let shown: String = there.rsplit('@').next().unwrap_or_default().chars().take(SHOWN).collect();
        core.alarm(
            PROXY_BYPASSED,
            format!(
                "the server tells its clients to send messages to {scheme}://{shown}, which is not the address of this proxy: \
                 messages sent there bypass the proxy and are not recorded; configure the server to announce only a path, or \
                 the address of this proxy (it sees that with host = \"client\" or forwarded = true); this is reported once"
            ),
        );
    }
}

/// The authority without the default port of the scheme.
fn without_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let port = if scheme == "https" { ":443" } else { ":80" };
    authority.strip_suffix(port).unwrap_or(authority)
}

/// `error.type` of the alarm.
const PROXY_BYPASSED: &str = crate::record::error_type::PROXY_BYPASSED;
/// The longest host name, with a port.
const SHOWN: usize = 260;
