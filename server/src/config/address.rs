//! Addresses to listen on, as people write them.

use std::net::{Ipv4Addr, SocketAddr};

/// Parses an address and its port. Without an address, and for `localhost`, it is 127.0.0.1, so accepting connections
/// from other machines has to be explicit. Names are not resolved, because they can have several addresses, which can
/// change.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let wrong = |problem: &str| Err(format!("{problem}; {FORM}"));
    if text.contains("://") {
        return wrong("it is a URL");
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return match text.parse::<u16>() {
            Ok(port) => Err(format!("it is a port alone; write :{port} for this machine, or ADDRESS:{port}")),
            Err(_) => wrong("it has no port"),
        };
    };
    // `u16` would take a sign.
    let Some(port) = port.parse::<u16>().ok().filter(|_| port.bytes().all(|byte| byte.is_ascii_digit())) else {
        return wrong("its port is not a number from 0 to 65535");
    };
    match host {
        "" => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        host if host.eq_ignore_ascii_case("localhost") => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        host if host.contains(':') && !host.starts_with('[') => wrong("an IPv6 address needs brackets"),
        _ => wrong("the part before the port is not an IP address"),
    }
}

const FORM: &str = "write 127.0.0.1:8080, localhost:8080, [::1]:8080, or :8080 for this machine, and 0.0.0.0:8080 or \
                    [::]:8080 for others, too";

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn this_machine_is_meant_where_nothing_else_is_written() {
        for (text, expected) in [
            (":8080", "127.0.0.1:8080"),
            ("localhost:8080", "127.0.0.1:8080"),
            ("LocalHost:0", "127.0.0.1:0"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[::1]:8080", "[::1]:8080"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::]:65535", "[::]:65535"),
        ] {
            assert_eq!(address(text).map(|address| address.to_string()), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn every_refusal_shows_what_would_be_right() {
        for (text, problem) in [
            ("127.0.0.1:99999", "its port is not a number from 0 to 65535; write 127.0.0.1:8080, localhost:8080"),
            (":99999", "its port is not a number from 0 to 65535; write"),
            (":+80", "its port is not a number from 0 to 65535; write"),
            ("localhost:", "its port is not a number from 0 to 65535; write"),
            ("8080", "it is a port alone; write :8080 for this machine, or ADDRESS:8080"),
            ("99999", "it has no port; write"),
            ("localhost", "it has no port; write"),
            ("127.0.0.1", "it has no port; write"),
            ("", "it has no port; write"),
            ("::1:8080", "an IPv6 address needs brackets; write"),
            ("::1", "an IPv6 address needs brackets; write"),
            ("mcp.example:8080", "the part before the port is not an IP address; write"),
            ("*:8080", "the part before the port is not an IP address; write"),
            ("http://127.0.0.1:8080", "it is a URL; write"),
        ] {
            let said = address(text).unwrap_err();
            assert!(said.starts_with(problem) && said.contains(":8080"), "{text}: {said}");
        }
    }
}
