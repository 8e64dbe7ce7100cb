//! The header fields that belong to a connection and not to a message (RFC 9110, section 7.6.1).
//!

use http::HeaderMap;
use http::header::{self, HeaderName, HeaderValue};

use super::edit;

/// Removes the fields of the client's connection. `Transfer-Encoding` stays: it tells the next connection that there
/// is a body, which is framed again.
pub(crate) fn of_request(fields: HeaderMap) -> HeaderMap {
    let wants_trailers = fields.get_all(header::TE).iter().any(says_trailers);
    let mut left = without_hop_by_hop(fields, |name| {
        *name == header::TRANSFER_ENCODING || (wants_trailers && *name == header::TE)
    });
    if let Some(value) = left.get_mut(header::TE) {
        *value = HeaderValue::from_static("trailers");
    }
    left
}

/// A field that `Connection` would remove although it does not belong to a connection: the server would read another
/// message than the one that is recorded, or not know its sender.
pub(crate) fn taken_away(fields: &HeaderMap) -> Option<HeaderName> {
    named_by_connection(fields).find(is_of_the_message)
}

/// Removes the fields of the server's connection.
pub(crate) fn of_response(fields: HeaderMap) -> HeaderMap {
    without_hop_by_hop(fields, |_| false)
}

fn without_hop_by_hop(fields: HeaderMap, stays: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    let named: Vec<HeaderName> = named_by_connection(&fields).filter(|name| !is_of_the_message(name)).collect();
    let goes = |name: &HeaderName| !stays(name) && (named.contains(name) || of_a_connection(name));
    edit::without(fields, goes)
}

/// The fields that `Connection` names. An invalid name names nothing.
fn named_by_connection(fields: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    let values = fields.get_all(header::CONNECTION).iter().map(HeaderValue::as_bytes);
    let names = values.flat_map(|value| value.split(|byte| *byte == b','));
    names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
}

fn is_of_the_message(name: &HeaderName) -> bool {
    let name = name.as_str();
    OF_MESSAGES.contains(&name) || FAMILIES_OF_MESSAGES.iter().any(|beginning| name.starts_with(beginning))
}

fn of_a_connection(name: &HeaderName) -> bool {
    OF_CONNECTIONS.contains(name) || name.as_str() == "keep-alive" || name.as_str() == "proxy-connection"
}

fn says_trailers(value: &HeaderValue) -> bool {
    let Ok(value) = value.to_str() else { return false };
    value.split(',').any(|coding| coding.trim().eq_ignore_ascii_case("trailers"))
}

const OF_CONNECTIONS: [HeaderName; 6] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Fields that decide what a message says, and that belong to no connection:
/// - how its body is framed and read (also `content-*` below), and whether its sender vouches for it,
/// - which method and what answer it asks for, and which stream it resumes,
/// - its recipient, its sender and its origin, as far as servers and rules use them.
///
/// A client that names these would make two readers of one message disagree (request smuggling), or hide its
/// identity.
const OF_MESSAGES: [&str; 21] = [
    "transfer-encoding",
    "expect",
    "digest",
    "repr-digest",
    "signature",
    "signature-input",
    "accept",
    "last-event-id",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "host",
    "origin",
    "referer",
    "authorization",
    "dpop",
    "cookie",
    "x-api-key",
    "forwarded",
    "x-real-ip",
    "via",
];
/// `Content-Type`, `-Encoding`, `-Length`, `-Digest`, …; `Mcp-Session-Id`, `-Protocol-Version`, `-Method`, `-Name`, `-Param-*`;
/// `X-Forwarded-For`, `-Host`, `-Proto`, …
const FAMILIES_OF_MESSAGES: [&str; 3] = ["content-", "mcp-", "x-forwarded-"];

#[cfg(test)]
mod tests {
    use super::super::as_lines::{fields, shown};
    use super::*;

    #[test]
    fn only_fields_of_the_connection_go_and_the_others_keep_their_order() {
        let given = [
            ("host", "a"),
            ("connection", "close, X-Mine"),
            ("keep-alive", "timeout=5"),
            ("x-one", "1"),
            ("x-mine", "m"),
            ("upgrade", "websocket"),
            ("x-two", "2"),
            ("te", "gzip;q=0.5, trailers"),
            ("proxy-authorization", "Basic x"),
            ("x-one", "again"),
            ("transfer-encoding", "chunked"),
            ("cookie", "c"),
        ];
        let left = of_request(fields(&given));
        let expected = [
            ("host", "a"),
            ("x-one", "1"),
            ("x-one", "again"),
            ("x-two", "2"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("cookie", "c"),
        ];
        assert_eq!(shown(&left), expected);
        let kept = ["host", "x-one", "x-one", "x-two", "cookie"];
        assert_eq!(of_response(fields(&given)).iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), kept);
    }

    #[test]
    fn a_connection_field_cannot_take_away_what_frames_or_addresses_a_message() {
        let given = [("host", "a"), ("connection", "host, content-length"), ("content-length", "3")];
        assert_eq!(shown(&of_request(fields(&given))), [("host", "a"), ("content-length", "3")]);
        // Nor from an answer: its client and its record would see another one.
        let given = [("connection", "Content-Encoding, x-mine"), ("content-encoding", "gzip"), ("x-mine", "1")];
        assert_eq!(shown(&of_response(fields(&given))), [("content-encoding", "gzip")]);
    }

    #[test]
    fn what_connection_names_is_of_a_message_or_not() {
        let taken = |value: &str| taken_away(&fields(&[("connection", "close"), ("connection", value)]));
        for name in
            ["content-encoding", "Content-Type", "mcp-session-id", "Mcp-Name", "X-Forwarded-For", "HOST", "cookie"]
        {
            assert_eq!(taken(&format!("x-mine,\t{name} ,")).unwrap().as_str(), name.to_ascii_lowercase());
        }
        for fine in
            ["close", "keep-alive, TE", "Upgrade, HTTP2-Settings", "x-mine", "", ", ,", "content encoding", "trailer"]
        {
            assert_eq!(taken(fine), None, "{fine}");
        }
    }
}
