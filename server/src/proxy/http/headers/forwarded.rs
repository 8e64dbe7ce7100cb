//! Fields that tell servers the path of a request: `Forwarded` (RFC 7239), and `X-Forwarded-For`, `-Proto` and
//! `-Host`, which most servers read.
//!
//! Invariants:
//! 1. What the client itself sends in these fields, or in related ones, never reaches the server: it could be
//!    anything, and the server trusts its proxy.
//! 2. What a trusted hop sends is kept, and the hop is appended. Of the two lists of addresses, the one counts that
//!    the operator has named ([`AddressField`]), and the other is rebuilt from it: a hop that appends to one passes
//!    on the other as its client wrote it.

use std::net::IpAddr;

use auditrail::identity::{AddressField, TrustedHops};
use auditrail::internals::hops::{Node, nodes};
use http::HeaderMap;
use http::header::{self, HeaderName, HeaderValue};

use super::edit;

/// Writes the fields about clients.
#[derive(Debug)]
pub(crate) struct ForwardedWriter {
    pub(crate) hops: TrustedHops,
    /// The listener uses TLS.
    pub(crate) is_secure: bool,
}

/// The address, host and scheme that the client, or the client's hop, used.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct OriginalRequest {
    host: Option<String>,
    proto: Option<String>,
}

impl ForwardedWriter {
    /// The fields of a request of that peer, with its own `Host`.
    pub(crate) fn tell(&self, fields: HeaderMap, peer: IpAddr) -> HeaderMap {
        let is_trusted = self.hops.has(peer);
        let own = OriginalRequest {
            host: first(&fields, &header::HOST).and_then(|host| plain(host).map(str::to_owned)),
            proto: Some(if self.is_secure { "https" } else { "http" }.to_owned()),
        };
        let (mut nodes, said) = if is_trusted { self.said(&fields) } else { (Vec::new(), OriginalRequest::default()) };
        let client = OriginalRequest { host: said.host.or(own.host.clone()), proto: said.proto.or(own.proto.clone()) };
        let before = is_trusted.then(|| joined(&fields, &header::FORWARDED)).flatten();
        let before = before.filter(|_| self.hops.address == AddressField::Forwarded);
        nodes.push(Node::Address(peer.to_canonical()));
        let forwarded = match before {
            Some(before) => format!("{before}, {}", element(nodes.last(), &own)),
            None => self.elements(&nodes, &client, &own),
        };
        let addresses: Vec<_> = nodes.iter().map(Node::to_string).collect();
        let mut told = edit::without(fields, |name| REPLACED.contains(name) || (!is_trusted && is_of_their_kind(name)));
        for (name, value) in [
            (header::FORWARDED, Some(forwarded)),
            (X_FORWARDED_FOR, Some(addresses.join(", "))),
            (X_FORWARDED_HOST, client.host),
            (X_FORWARDED_PROTO, client.proto),
        ] {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                told.insert(name, value);
            }
        }
        told
    }

    /// The addresses that a trusted hop names, and the client's host and scheme as far as the hop names them.
    fn said(&self, fields: &HeaderMap) -> (Vec<Node>, OriginalRequest) {
        let nodes = nodes(&self.hops, fields);
        let asked = match self.hops.address {
            AddressField::XForwardedFor => OriginalRequest {
                host: first(fields, &X_FORWARDED_HOST).and_then(said_first),
                proto: first(fields, &X_FORWARDED_PROTO).and_then(said_first),
            },
            AddressField::Forwarded => {
                let list = joined(fields, &header::FORWARDED).unwrap_or_default();
                let mut elements = list.split(',').map(str::trim).filter(|element| !element.is_empty());
                let client = elements.nth(self.client(&nodes)).unwrap_or_default();
                OriginalRequest { host: parameter(client, "host"), proto: parameter(client, "proto") }
            }
        };
        (nodes, asked)
    }

    /// The index of the client: the last address that is not a trusted hop.
    fn client(&self, nodes: &[Node]) -> usize {
        let is_client = |node: &Node| !matches!(node, Node::Address(address) if self.hops.has(*address));
        nodes.iter().rposition(is_client).unwrap_or(0)
    }

    /// The whole list: the client with its own host and scheme, and the last hop with those that it used here.
    fn elements(&self, nodes: &[Node], client: &OriginalRequest, own: &OriginalRequest) -> String {
        let (at, last, nothing) = (self.client(nodes), nodes.len() - 1, OriginalRequest::default());
        let elements = nodes.iter().enumerate().map(|(index, node)| match index {
            index if index == at => element(Some(node), client),
            index if index == last => element(Some(node), own),
            _ => element(Some(node), &nothing),
        });
        elements.collect::<Vec<_>>().join(", ")
    }
}

fn element(node: Option<&Node>, asked: &OriginalRequest) -> String {
    let node = match node {
        Some(Node::Address(IpAddr::V6(address))) => format!("\"[{address}]\""),
        Some(node) => node.to_string(),
        None => Node::Unknown.to_string(),
    };
    let host = asked.host.as_deref().map(|host| format!(";host={}", quoted(host))).unwrap_or_default();
    let proto = asked.proto.as_deref().map(|proto| format!(";proto={proto}")).unwrap_or_default();
    format!("for={node}{host}{proto}")
}

/// A token, or a quoted string (RFC 9110, section 5.6).
fn quoted(text: &str) -> String {
    let is_token = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    if is_token { text.to_owned() } else { format!("\"{text}\"") }
}

/// The text if a quoted string needs no escapes. No host and no scheme needs more.
fn plain(text: &str) -> Option<&str> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\,;".contains(&byte));
    is_plain.then_some(text)
}

fn parameter(element: &str, name: &str) -> Option<String> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value);
    plain(values.next()?.trim().trim_matches('"')).map(str::to_owned)
}

/// The first value, because each hop appends its own to the client's.
fn said_first(list: &str) -> Option<String> {
    plain(list.split(',').next()?.trim()).map(str::to_owned)
}

fn first<'a>(fields: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    fields.get(name).and_then(|value| value.to_str().ok())
}

/// All values as one list, if all of it can be read.
fn joined(fields: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Result<Vec<_>, _> = fields.get_all(name).iter().map(HeaderValue::to_str).collect();
    values.ok().map(|values| values.join(", ")).filter(|list| !list.is_empty())
}

fn is_of_their_kind(name: &HeaderName) -> bool {
    OF_THEIR_KIND.contains(&name.as_str())
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REPLACED: [HeaderName; 4] = [header::FORWARDED, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO];
/// Servers that trust their proxy use these in their URLs, or as the client's address.
const OF_THEIR_KIND: [&str; 6] = [
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-forwarded-ssl",
    "x-real-ip",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn told(forwards: &ForwardedWriter, peer: &str, fields: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let told = forwards.tell(headers, peer.parse().unwrap());
        told.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn forwards(is_secure: bool, address: AddressField) -> ForwardedWriter {
        let networks = vec!["10.0.0.0/8".parse().unwrap()];
        ForwardedWriter { hops: TrustedHops { networks, address }, is_secure }
    }

    #[test]
    fn what_a_client_says_is_replaced_and_the_rest_keeps_its_order() {
        let forged = [
            ("x-first", "1"),
            ("host", "mcp.example:8443"),
            ("forwarded", "for=6.6.6.6;proto=http"),
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-proto", "gopher"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-prefix", "/evil"),
            ("x-real-ip", "6.6.6.6"),
            ("x-last", "2"),
        ];
        let expected = pairs(&[
            ("x-first", "1"),
            ("host", "mcp.example:8443"),
            ("x-last", "2"),
            ("forwarded", "for=192.0.2.1;host=\"mcp.example:8443\";proto=https"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-host", "mcp.example:8443"),
            ("x-forwarded-proto", "https"),
        ]);
        for address in [AddressField::XForwardedFor, AddressField::Forwarded] {
            assert_eq!(told(&forwards(true, address), "192.0.2.1", &forged), expected);
        }
        let plain = told(&forwards(false, AddressField::default()), "::ffff:192.0.2.1", &[]);
        assert_eq!(
            plain,
            pairs(&[
                ("forwarded", "for=192.0.2.1;proto=http"),
                ("x-forwarded-for", "192.0.2.1"),
                ("x-forwarded-proto", "http"),
            ])
        );
        let six = told(&forwards(false, AddressField::default()), "2001:db8::7", &[]);
        assert_eq!(six[0].1, "for=\"[2001:db8::7]\";proto=http");
        assert_eq!(six[1].1, "2001:db8::7");
    }

    #[test]
    fn what_a_trusted_hop_says_goes_on_and_the_other_list_is_made_of_it() {
        let said = [
            ("host", "inner:8080"),
            ("forwarded", "for=6.6.6.6;proto=gopher"),
            ("x-forwarded-for", "198.51.100.7, 10.1.1.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "mcp.example"),
            ("x-forwarded-port", "443"),
        ];
        let expected = pairs(&[
            ("host", "inner:8080"),
            ("x-forwarded-port", "443"),
            (
                "forwarded",
                "for=198.51.100.7;host=mcp.example;proto=https, for=10.1.1.1, \
                 for=10.0.0.1;host=\"inner:8080\";proto=http",
            ),
            ("x-forwarded-for", "198.51.100.7, 10.1.1.1, 10.0.0.1"),
            ("x-forwarded-host", "mcp.example"),
            ("x-forwarded-proto", "https"),
        ]);
        assert_eq!(told(&forwards(false, AddressField::XForwardedFor), "10.0.0.1", &said), expected);
    }

    #[test]
    fn forwarded_is_appended_to_where_it_counts() {
        let said = [
            ("host", "inner"),
            ("forwarded", "for=6.6.6.6;proto=gopher, For=\"[2001:db8::7]:81\";Proto=https;host=\"mcp.example\""),
            ("forwarded", "for=10.1.1.1"),
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-proto", "gopher"),
        ];
        let expected = pairs(&[
            ("host", "inner"),
            (
                "forwarded",
                "for=6.6.6.6;proto=gopher, For=\"[2001:db8::7]:81\";Proto=https;host=\"mcp.example\", for=10.1.1.1, \
                 for=10.0.0.1;host=inner;proto=http",
            ),
            ("x-forwarded-for", "6.6.6.6, 2001:db8::7, 10.1.1.1, 10.0.0.1"),
            ("x-forwarded-host", "mcp.example"),
            ("x-forwarded-proto", "https"),
        ]);
        assert_eq!(told(&forwards(false, AddressField::Forwarded), "10.0.0.1", &said), expected);
        let hidden = [("forwarded", "for=_hidden, for=unknown")];
        let told = told(&forwards(false, AddressField::Forwarded), "10.0.0.1", &hidden);
        assert_eq!(told[1].1, "unknown, unknown, 10.0.0.1");
    }
}
