//! Edits of header fields.
//!
//! Invariant: the remaining fields keep their order. `HeaderMap::remove` would move the last field to the place of
//! the removed one, so fields are copied.

use auditrail::internals::splice::InjectedTrace;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Version};

/// HTTP/2 has no `Host`, and a request in absolute form names its server (RFC 9112, section 3.2.2).
pub(crate) fn with_host(fields: HeaderMap, host: &str) -> HeaderMap {
    let is_so = fields.get(header::HOST).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(host.as_bytes()));
    let Ok(value) = HeaderValue::from_str(host) else { return fields };
    if is_so && fields.get_all(header::HOST).iter().count() == 1 {
        return fields;
    }
    let mut with = HeaderMap::with_capacity(fields.len() + 1);
    with.append(header::HOST, value);
    append(&mut with, fields, |name| *name != header::HOST);
    with
}

/// HTTP/2 forbids the fields of connections; its bodies of unknown length become chunked.
pub(crate) fn frame(fields: &mut HeaderMap, version: Version, has_unknown_length: bool) {
    let is_http_1 = version <= Version::HTTP_11;
    if !is_http_1 && has_unknown_length && !fields.contains_key(header::CONTENT_LENGTH) {
        fields.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// Names that span as the parent of the server's work. A `tracestate` of another trace is removed with its
/// `traceparent` (W3C Trace Context, processing model).
pub(crate) fn with_trace(mut fields: HeaderMap, joined: &InjectedTrace) -> HeaderMap {
    let Ok(parent) = HeaderValue::from_str(joined.traceparent()) else { return fields };
    let goes_on =
        fields.get(TRACEPARENT).and_then(|named| named.to_str().ok()).is_some_and(|named| joined.is_of(named));
    fields.insert(TRACEPARENT, parent);
    if goes_on {
        return fields;
    }
    match joined.tracestate().and_then(|state| HeaderValue::from_str(state).ok()) {
        Some(state) => drop(fields.insert(TRACESTATE, state)),
        None => fields = without(fields, |name| *name == TRACESTATE),
    }
    fields
}

/// The fields without those for which `goes` is true.
pub(crate) fn without(fields: HeaderMap, goes: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    if !fields.keys().any(&goes) {
        return fields;
    }
    let mut left = HeaderMap::with_capacity(fields.len());
    append(&mut left, fields, |name| !goes(name));
    left
}

/// Whether the length of the body is unambiguous, or it is chunked.
pub(crate) fn has_one_length(fields: &HeaderMap) -> bool {
    let mut lengths = fields.get_all(header::CONTENT_LENGTH).iter();
    match (lengths.next(), lengths.next()) {
        (Some(length), None) => length.as_bytes().iter().all(u8::is_ascii_digit),
        (first, _) => first.is_none(),
    }
}

fn append(to: &mut HeaderMap, fields: HeaderMap, stays: impl Fn(&HeaderName) -> bool) {
    let mut last = None;
    for (name, value) in fields {
        // Only the first of several values comes with its name.
        last = name.or(last);
        if let Some(name) = last.as_ref().filter(|name| stays(name)) {
            to.append(name, value);
        }
    }
}

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

#[cfg(test)]
mod tests {
    use super::super::as_lines::{fields, shown};
    use super::*;

    #[test]
    fn host_is_the_servers_where_the_target_names_it() {
        let named = with_host(fields(&[("a", "1"), ("host", "other"), ("b", "2")]), "example.com:81");
        assert_eq!(shown(&named), [("host", "example.com:81"), ("a", "1"), ("b", "2")]);
        let same = with_host(fields(&[("a", "1"), ("host", "EXAMPLE.com:81")]), "example.com:81");
        assert_eq!(shown(&same), [("a", "1"), ("host", "EXAMPLE.com:81")], "as it came");
    }
}
