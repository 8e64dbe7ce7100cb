//! What a body is, by its headers: which of its bytes are messages, and how they are written.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};

/// How messages stand in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// JSON (`application/json`, or a type that ends in `+json`).
    Json,
    /// An event stream (`text/event-stream`), one message an event.
    Events,
    /// Something without messages, such as the plain text of an error.
    Other,
}

/// How the bytes of a body are coded on the wire (`Content-Encoding`, RFC 9110, section 8.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    /// The zlib format; some senders mean bare deflate.
    Deflate,
    Brotli,
    Zstd,
    /// One that is not known, or several, one upon the other.
    Unknown,
}

impl Content {
    /// What a request carries. A client that does not say what it sends, sends JSON: servers take it, too.
    pub(super) fn of_request(method: &http::Method, headers: &HeaderMap) -> Self {
        if method != http::Method::POST {
            return Self::Other;
        }
        match headers.get(CONTENT_TYPE) {
            None => Self::Json,
            Some(value) if is_json(value) => Self::Json,
            Some(_) => Self::Other,
        }
    }

    /// What a response carries.
    pub(super) fn of_response(headers: &HeaderMap) -> Self {
        match headers.get(CONTENT_TYPE) {
            Some(value) if is_json(value) => Self::Json,
            Some(value) if essence(value).is_some_and(|essence| essence.eq_ignore_ascii_case(EVENT_STREAM)) => {
                Self::Events
            }
            _ => Self::Other,
        }
    }
}

impl Coding {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut found = Self::Identity;
        for value in headers.get_all(CONTENT_ENCODING) {
            let Ok(list) = value.to_str() else { return Self::Unknown };
            for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                found = match (found, Self::named(name)) {
                    (found, Self::Identity) => found,
                    (Self::Identity, coding) => coding,
                    _ => Self::Unknown,
                };
            }
        }
        found
    }

    fn named(name: &str) -> Self {
        let codings = [
            ("identity", Self::Identity),
            ("gzip", Self::Gzip),
            ("x-gzip", Self::Gzip),
            ("deflate", Self::Deflate),
            ("br", Self::Brotli),
            ("zstd", Self::Zstd),
        ];
        codings.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map_or(Self::Unknown, |(_, coding)| *coding)
    }
}

fn is_json(value: &HeaderValue) -> bool {
    let is_json = |essence: &str| {
        let suffix = essence.len().checked_sub(JSON_SUFFIX.len()).and_then(|at| essence.get(at..));
        essence.eq_ignore_ascii_case(JSON) || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(JSON_SUFFIX))
    };
    essence(value).is_some_and(is_json)
}

/// The media type without its parameters.
fn essence(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()?.split(';').next().map(str::trim)
}

const JSON: &str = "application/json";
const JSON_SUFFIX: &str = "+json";
const EVENT_STREAM: &str = "text/event-stream";

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn headers(name: http::HeaderName, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn content_is_told_by_the_media_type_alone() {
        let of = |value| Content::of_response(&headers(CONTENT_TYPE, &[value]));
        assert_eq!(of("application/json"), Content::Json);
        assert_eq!(of("Application/JSON ; charset=utf-8"), Content::Json);
        assert_eq!(of("application/problem+json"), Content::Json);
        assert_eq!(of("text/event-stream;charset=utf-8"), Content::Events);
        for other in ["text/plain", "application/jsonl", "+jsonx", "json", "", "text/event-streams", "\u{7f}"] {
            assert_eq!(HeaderValue::from_str(other).map_or(Content::Other, |_| of(other)), Content::Other, "{other}");
        }
        assert_eq!(Content::of_response(&HeaderMap::new()), Content::Other);
    }

    #[test]
    fn only_a_post_carries_messages() {
        let json = headers(CONTENT_TYPE, &["application/json"]);
        assert_eq!(Content::of_request(&Method::POST, &json), Content::Json);
        assert_eq!(Content::of_request(&Method::POST, &HeaderMap::new()), Content::Json, "nothing said");
        assert_eq!(Content::of_request(&Method::PUT, &json), Content::Other);
        assert_eq!(Content::of_request(&Method::GET, &json), Content::Other);
        let form = headers(CONTENT_TYPE, &["application/x-www-form-urlencoded"]);
        assert_eq!(Content::of_request(&Method::POST, &form), Content::Other);
    }

    #[test]
    fn codings_are_known_or_not() {
        let of = |values: &[&'static str]| Coding::of(&headers(CONTENT_ENCODING, values));
        assert_eq!(of(&[]), Coding::Identity);
        assert_eq!(of(&["GZIP"]), Coding::Gzip);
        assert_eq!(of(&["identity, x-gzip"]), Coding::Gzip);
        assert_eq!(of(&["deflate"]), Coding::Deflate);
        assert_eq!(of(&["br"]), Coding::Brotli);
        assert_eq!(of(&["zstd"]), Coding::Zstd);
        assert_eq!(of(&["compress"]), Coding::Unknown);
        assert_eq!(of(&["gzip, gzip"]), Coding::Unknown, "several");
        assert_eq!(of(&["gzip", "br"]), Coding::Unknown, "in several headers");
    }
}
