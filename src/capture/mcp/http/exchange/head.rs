//! Facts from the head of a request.
//!
//! Invariant: only the header values named here are recorded.

use std::sync::Arc;

use http::header::ACCEPT;
use http::request::Parts;
use http::{HeaderMap, Method, Uri, Version};

use crate::capture::mcp::correlate::{GarbageRate, MessageOrigin};
use crate::capture::mcp::request_id::RequestId;
use crate::capture::mcp::trace_context;
use crate::identity::{PeerAddr, Sender};
use crate::record::names;
use crate::trail::{ClientKey, Core, Observer, Transport};

/// All facts of the head. In a proxy, the span that the headers name is the caller's, because the proxy is the next
/// hop; in a server, it is the span of the HTTP request.
pub(crate) fn origin(core: &Core, parts: &Parts, is_proxy: bool) -> MessageOrigin {
    let headers = &parts.headers;
    let mut facts = Vec::with_capacity(5);
    facts.push((names::NETWORK_PROTOCOL_NAME, "http".to_owned()));
    if let Some(version) = version(parts.version) {
        facts.push((names::NETWORK_PROTOCOL_VERSION, version.to_owned()));
    }
    if let Some(id) = parts.extensions.get::<RequestId>() {
        facts.push((names::AUDITRAIL_REQUEST_ID, id.as_str().to_owned()));
    }
    if let Some(agent) = text(headers, "user-agent") {
        facts.push((names::USER_AGENT_ORIGINAL, agent.to_owned()));
    }
    let peer = parts.extensions.get::<PeerAddr>().map(|peer| core.chain().hops.client(peer.0, headers));
    if let Some(peer) = peer {
        facts.push((names::CLIENT_ADDRESS, peer.ip().to_canonical().to_string()));
    }
    let sender = Sender::of_http(core.chain(), headers, &parts.extensions);
    // Only in the proxy: it costs nothing there, and the hops that vouch for identities are in front of it.
    let actor = if is_proxy { sender.actor(core.chain(), "") } else { None };
    let client = ClientKey::of(actor, peer.map(|peer| peer.ip())).map(|key| core.clients().get(key));
    MessageOrigin {
        transport: Some(Transport::StreamableHttp),
        link: trace_context::http_span(headers),
        link_is_parent: is_proxy,
        facts,
        client_port: peer.map(|peer| peer.port()).filter(|port| *port != 0),
        // Only a GET resumes a stream (2025-11-25, section Resumability and Redelivery).
        is_resumed: parts.method == Method::GET && headers.contains_key("last-event-id"),
        protocol_version: text(headers, PROTOCOL_VERSION).filter(|value| is_version(value)).map(str::to_owned),
        client,
        garbage_rate: parts.extensions.get::<Arc<GarbageRate>>().cloned().unwrap_or_default(),
        observer: if is_proxy { Observer::Proxy } else { Observer::Server },
        is_held: false,
        sender: Arc::new(sender),
    }
}

/// The session that the client claims.
pub(crate) fn session(headers: &HeaderMap) -> Option<&str> {
    text(headers, SESSION).filter(|id| id.len() <= MAX_SESSION_ID)
}

/// Whether only an MCP client sends such a head, on any path: it belongs to a session or names a revision, or it asks
/// for an MCP stream.
pub(crate) fn is_of_mcp(parts: &Parts) -> bool {
    let wants_events = || {
        let accepted = parts.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        accepted.flat_map(|value| value.split(',')).any(|range| {
            let essence = range.split(';').next().unwrap_or_default();
            essence.trim().eq_ignore_ascii_case("text/event-stream")
        })
    };
    let headers = &parts.headers;
    headers.contains_key(SESSION)
        || headers.contains_key(PROTOCOL_VERSION)
        || parts.method == Method::GET && wants_events()
}

/// The key of a session of the transport of 2024-11-05, from the URI of its messages. The key is the query, where
/// servers put their ids; the path may differ from the client's.
pub(crate) fn endpoint(uri: &Uri) -> Option<String> {
    let key = uri.query().filter(|query| query.len() <= MAX_SESSION_ID)?;
    Some(format!("?{key}"))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// `network.protocol.version`.
fn version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_09 => Some("0.9"),
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}

/// Revisions are dates, but a client can send any text.
fn is_version(value: &str) -> bool {
    const LONGEST: usize = 32;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (1..=LONGEST).contains(&value.len()) && value.bytes().all(is_plain)
}

const PROTOCOL_VERSION: &str = "mcp-protocol-version";
const SESSION: &str = "mcp-session-id";
/// A longer id is not used as a key.
const MAX_SESSION_ID: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_a_revision_is_one() {
        assert!(is_version("2025-11-25"));
        assert!(is_version("DRAFT-2026.v1"));
        for other in ["", "2025 11", "<script>", "2025-11-25,2025-06-18", &"1".repeat(33)] {
            assert!(!is_version(other), "{other}");
        }
    }

    #[test]
    fn a_session_id_is_visible_and_not_endless() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(SESSION, http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
            session(&headers).map(str::to_owned)
        };
        assert_eq!(with("1868a90c"), Some("1868a90c".to_owned()));
        assert_eq!(with("ü"), None);
        assert_eq!(with(&"x".repeat(MAX_SESSION_ID + 1)), None);
        assert_eq!(session(&HeaderMap::new()), None);
    }
}
