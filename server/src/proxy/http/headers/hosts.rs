//! The host names that clients may use for this proxy.
//!
//! A page of any web site can make its own name resolve to 127.0.0.1 and then send requests to a server there from
//! its user's browser (DNS rebinding). Servers detect that by the `Host` of the request, which is still the site's.
//! If the proxy replaces it with the server's own name
//! ([`HostField::Upstream`](crate::proxy::http::settings::HostField::Upstream)), the proxy has to check.
//!
//! Invariant: a request passes only if its `Host` and, if there is one, its `Origin` are an address or a name that
//! belongs to this listener. Ports do not count: they may be mapped, and are not secret.

use std::net::IpAddr;

use http::header::{self, HeaderValue};
use http::uri::Authority;
use http::{HeaderMap, Uri};

/// Names that count in addition to the listener's own addresses and `localhost`, in lower case.
#[derive(Debug)]
pub(crate) struct Hosts(Vec<String>);

/// A request for another host, or from a page of another site.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ForeignRequest {
    Host(String),
    Origin(String),
}

impl Hosts {
    pub(crate) fn new(names: &[String]) -> Self {
        Self(names.iter().filter_map(|name| host(name)).collect())
    }

    /// `own` is the address that the client connected to.
    pub(crate) fn check(&self, target: &Uri, fields: &HeaderMap, own: Option<IpAddr>) -> Result<(), ForeignRequest> {
        match target.authority() {
            // For the server it replaces `Host` (RFC 9112, section 3.2.2; RFC 9113, section 8.3.1).
            Some(named) => self.check_host(named.as_str(), own)?,
            None => {
                let mut named = fields.get_all(header::HOST).iter().peekable();
                if named.peek().is_none() {
                    return Err(ForeignRequest::Host(String::new()));
                }
                named.try_for_each(|named| self.check_host(text(named), own))?;
            }
        }
        fields.get_all(header::ORIGIN).iter().map(text).try_for_each(|origin| {
            let host = origin.split_once("://").and_then(|(_, rest)| host(rest));
            let is_ours = host.is_some_and(|host| self.has(&host, own));
            if is_ours { Ok(()) } else { Err(ForeignRequest::Origin(origin.to_owned())) }
        })
    }

    fn check_host(&self, named: &str, own: Option<IpAddr>) -> Result<(), ForeignRequest> {
        let is_ours = host(named).is_some_and(|host| self.has(&host, own));
        if is_ours { Ok(()) } else { Err(ForeignRequest::Host(named.to_owned())) }
    }

    fn has(&self, host: &str, own: Option<IpAddr>) -> bool {
        let address: Option<IpAddr> = host.parse().ok();
        let address = address.map(|address| address.to_canonical());
        let is_own = address.is_some_and(|address| address.is_loopback() || own == Some(address));
        is_own || host == "localhost" || self.0.iter().any(|name| name == host)
    }
}

/// Whether the name is that of a host.
pub(crate) fn is_host(name: &str) -> bool {
    host(name).is_some()
}

/// The host of `HOST` or `HOST:PORT`, in lower case, without the brackets of an IPv6 address or the dot of the root.
fn host(named: &str) -> Option<String> {
    // Readers of `a@b` disagree on the host.
    let authority: Authority = named.parse().ok().filter(|_| !named.contains('@'))?;
    let host = authority.host();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    (!bare.is_empty()).then(|| bare.to_ascii_lowercase())
}

/// A value that is not text is not a name.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(target: &str, fields: &[(&'static str, &'static str)]) -> Result<(), ForeignRequest> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let hosts = Hosts::new(&["MCP.example.org".to_owned()]);
        hosts.check(&target.parse().unwrap(), &headers, Some("192.0.2.7".parse().unwrap()))
    }

    #[test]
    fn own_addresses_and_names_pass_with_any_port() {
        for host in [
            "localhost",
            "LOCALHOST:9",
            "localhost.",
            "127.0.0.1:8080",
            "127.9.9.9",
            "[::1]:8080",
            "[::ffff:127.0.0.1]",
            "192.0.2.7:8080",
            "mcp.example.org",
            "mcp.example.ORG:443",
        ] {
            assert_eq!(checked("/mcp", &[("host", host)]), Ok(()), "{host}");
            let origin: &'static str = format!("http://{host}").leak();
            assert_eq!(checked("/mcp", &[("host", "localhost"), ("origin", origin)]), Ok(()), "{origin}");
        }
    }

    #[test]
    fn all_others_are_foreign() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "localhost@evil.example",
            "evil.example@localhost",
            "192.0.2.8",
            "0.0.0.0",
            "",
            "a b",
        ] {
            assert_eq!(checked("/mcp", &[("host", host)]), Err(ForeignRequest::Host(host.into())), "{host}");
        }
        for origin in
            ["null", "http://evil.example", "https://evil.example:8080", "localhost", "file://", "http://[::2]"]
        {
            let fields = [("host", "localhost"), ("origin", origin)];
            assert_eq!(checked("/mcp", &fields), Err(ForeignRequest::Origin(origin.into())), "{origin}");
        }
        assert_eq!(checked("/mcp", &[]), Err(ForeignRequest::Host(String::new())), "there is none");
        let two = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(checked("/mcp", &two), Err(ForeignRequest::Host("evil.example".into())), "two of them");
        let absolute = checked("http://evil.example/mcp", &[("host", "localhost")]);
        assert_eq!(absolute, Err(ForeignRequest::Host("evil.example".into())), "the target counts");
        assert_eq!(checked("http://localhost/mcp", &[("host", "evil.example")]), Ok(()), "likewise");
    }
}
