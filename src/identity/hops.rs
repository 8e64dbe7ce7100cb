//! The proxies in front of a server or of this proxy, and which of their headers are trusted.
//!
//! Invariant: a header about the client counts only if the peer of the connection is a hop that the operator trusts. What other
//! peers say in such a header is never the address or the identity of anybody.

#[cfg(feature = "internals")]
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::FORWARDED;
use ipnet::IpNet;

/// The trusted proxies in front of a server, and the header in which they name the client.
///
/// ```
/// # use auditrail::identity::TrustedHops;
/// let hops = TrustedHops { networks: vec!["10.0.0.0/8".parse().unwrap()], ..TrustedHops::default() };
/// assert!(hops.has("::ffff:10.1.2.3".parse().unwrap()));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedHops {
    /// Their addresses. If there are none, no header is trusted.
    pub networks: Vec<IpNet>,
    /// The header to which they append the address of their peer.
    pub address: AddressField,
}

/// A header with the addresses of clients. The operator selects exactly one: a hop that appends to one would pass on
/// the other as the client wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressField {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// An extension of requests that came from a trusted hop. Made by [`TrustedHops::trusted`].
#[derive(Debug, Clone, Copy)]
pub struct TrustedHop(());

/// A peer on the path of a request, without a port.
#[cfg(feature = "internals")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// Its address.
    Address(IpAddr),
    /// Something that is no address.
    Unknown,
}

/// The peer of the connection that carried a request: an extension of the request that the code which accepts connections must
/// insert, for `client.address` and `client.port`. Of a [trusted hop](TrustedHops), they are those of the client that it names.
/// With axum:
///
/// ```no_run
/// # use std::net::SocketAddr;
/// # use auditrail::capture::mcp::PeerAddr;
/// # use axum::extract::{ConnectInfo, Request};
/// # async fn serve(trail: auditrail::Trail, router: axum::Router, listener: tokio::net::TcpListener) -> std::io::Result<()> {
/// let known = async |ConnectInfo(peer): ConnectInfo<SocketAddr>, mut request: Request| {
///     request.extensions_mut().insert(PeerAddr(peer));
///     request
/// };
/// let router = router.layer(trail.mcp_layer()).layer(axum::middleware::map_request(known));
/// axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await
/// # }
/// ```
///
/// Behind a proxy that the trail is not told to trust, the address is that of the proxy. Port 0 counts as unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

impl TrustedHops {
    /// The mark for a request of that peer, if it is a trusted hop.
    #[must_use]
    pub fn trusted(&self, peer: SocketAddr) -> Option<TrustedHop> {
        self.has(peer.ip()).then_some(TrustedHop(()))
    }

    /// The client's address: the last address that is not a trusted hop. The port is 0 if it is not known.
    #[must_use]
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.has(peer.ip()) {
            return peer;
        }
        let values: Vec<_> = headers.get_all(self.name()).iter().collect();
        let mut client = peer;
        for value in values.into_iter().rev() {
            // A value that is not text comes from no trusted hop.
            let Ok(value) = value.to_str() else { return client };
            for element in value.rsplit(',') {
                let Some(address) = self.parsed(element.trim()) else { return client };
                client = address;
                if !self.has(address.ip()) {
                    return client;
                }
            }
        }
        client
    }

    /// Whether that is the address of a trusted hop.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    fn name(&self) -> &str {
        match self.address {
            AddressField::XForwardedFor => X_FORWARDED_FOR,
            AddressField::Forwarded => FORWARDED.as_str(),
        }
    }

    fn parsed(&self, element: &str) -> Option<SocketAddr> {
        let node = match self.address {
            AddressField::XForwardedFor => element,
            AddressField::Forwarded => element.split(';').find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
            })?,
        };
        address(node)
    }
}

/// All addresses on the path, the client first. Anything that is not an address is unknown.
#[cfg(feature = "internals")]
pub fn nodes(hops: &TrustedHops, headers: &HeaderMap) -> Vec<Node> {
    let values = headers.get_all(hops.name()).iter();
    let elements = values.flat_map(|value| value.to_str().unwrap_or_default().split(','));
    let elements = elements.map(str::trim).filter(|element| !element.is_empty());
    elements.map(|element| hops.parsed(element).map_or(Node::Unknown, |at| Node::Address(at.ip()))).collect()
}

#[cfg(feature = "internals")]
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// With or without a port.
fn address(text: &str) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = text.parse().ok().or_else(|| bare.parse().ok().map(|ip: IpAddr| SocketAddr::new(ip, 0)))?;
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}

const X_FORWARDED_FOR: &str = "x-forwarded-for";

#[cfg(test)]
mod tests {
    use super::*;

    fn client(hops: &TrustedHops, peer: &str, name: &'static str, values: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, value.parse().unwrap());
        }
        hops.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_last_address_that_is_no_hops_is_the_clients() {
        let networks = vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let hops = TrustedHops { networks, ..TrustedHops::default() };
        let of = |peer: &str, values: &[&'static str]| client(&hops, peer, "x-forwarded-for", values);
        assert_eq!(of("192.0.2.1:9", &["198.51.100.7"]), "192.0.2.1:9", "nobody trusts that peer");
        assert_eq!(of("10.0.0.1:9", &["6.6.6.6, 198.51.100.7"]), "198.51.100.7:0", "what is left of it is made up");
        assert_eq!(of("10.0.0.1:9", &["6.6.6.6", "198.51.100.7, 10.1.1.1"]), "198.51.100.7:0", "through two hops");
        assert_eq!(of("[::ffff:10.0.0.1]:9", &["198.51.100.7:81"]), "198.51.100.7:81");
        assert_eq!(of("[::1]:9", &["[2001:db8::7]:81"]), "[2001:db8::7]:81");
        assert_eq!(of("[::1]:9", &["2001:db8::7"]), "[2001:db8::7]:0");
        assert_eq!(of("10.0.0.1:9", &[]), "10.0.0.1:9");
        assert_eq!(of("10.0.0.1:9", &["unknown"]), "10.0.0.1:9");
        assert_eq!(of("10.0.0.1:9", &["198.51.100.7, nonsense, 10.2.2.2"]), "10.2.2.2:0", "no further than is sure");
    }

    #[test]
    fn forwarded_counts_where_the_operator_says_so() {
        let networks = vec!["10.0.0.0/8".parse().unwrap()];
        let hops = TrustedHops { networks, address: AddressField::Forwarded };
        let of = |values: &[&'static str]| client(&hops, "10.0.0.1:9", "forwarded", values);
        assert_eq!(of(&["for=6.6.6.6, For=\"[2001:db8::7]:81\";proto=https"]), "[2001:db8::7]:81");
        assert_eq!(of(&["proto=https"]), "10.0.0.1:9");
        assert_eq!(client(&hops, "10.0.0.1:9", "x-forwarded-for", &["6.6.6.6"]), "10.0.0.1:9");
    }
}
