//! The content of a body, from its headers: where its messages are, and how it is coded.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};

/// How a body contains messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// JSON (`application/json`, or a type that ends in `+json`).
    Json,
    /// Another declared type, read as JSON as long as it looks like a message: some servers ignore the type.
    Guessed,
    /// An event stream (`text/event-stream`), one message per event.
    Events,
    /// Content without messages, such as the plain text of an error.
    Other,
}

/// The codings of a body on the wire (`Content-Encoding`, RFC 9110, section 8.4), in the order in which they were
/// applied, without `identity`. `None` if one of them is unknown, or if there are more than [`MOST_CODINGS`].
pub(crate) type Codings = Option<Vec<Coding>>;

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    /// The zlib format; some senders mean bare deflate.
    Deflate,
    Brotli,
    Zstd,
}

impl Content {
    /// The content of a request, whatever its method. A request without a type is JSON, because servers accept it. Of
    /// a list of types, and of several fields, some readers use the first, some the last, and some any.
    pub(crate) fn of_request(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(CONTENT_TYPE).iter().peekable();
        if values.peek().is_none() || values.flat_map(types).any(is_json_type) { Self::Json } else { Self::Guessed }
    }

    /// The content of a response.
    pub(crate) fn of_response(headers: &HeaderMap) -> Self {
        match headers.get(CONTENT_TYPE) {
            Some(value) if is_json(value) => Self::Json,
            Some(value)
                if essence(value.as_bytes()).is_some_and(|essence| essence.eq_ignore_ascii_case(EVENT_STREAM)) =>
            {
                Self::Events
            }
            _ => Self::Other,
        }
    }
}

impl Coding {
    pub(crate) fn of(headers: &HeaderMap) -> Codings {
        let mut found = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            for name in value.to_str().ok()?.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                if !name.eq_ignore_ascii_case("identity") {
                    found.push(Self::named(name)?);
                }
            }
        }
        (found.len() <= MOST_CODINGS).then_some(found)
    }

    fn named(name: &str) -> Option<Self> {
        let codings = [
            ("gzip", Self::Gzip),
            ("x-gzip", Self::Gzip),
            ("deflate", Self::Deflate),
            ("br", Self::Brotli),
            ("zstd", Self::Zstd),
        ];
        codings.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, coding)| *coding)
    }
}

/// The media type as it is recorded: the type and its charset.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(crate::record::cut(value, MAX_MEDIA_TYPE).to_owned())
}

fn is_json(value: &HeaderValue) -> bool {
    essence(value.as_bytes()).is_some_and(is_json_type)
}

fn is_json_type(essence: &str) -> bool {
    let suffix = essence.len().checked_sub(JSON_SUFFIX.len()).and_then(|at| essence.get(at..));
    essence.eq_ignore_ascii_case(JSON) || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(JSON_SUFFIX))
}

/// All types of a list, without their parameters.
fn types(value: &HeaderValue) -> impl Iterator<Item = &str> {
    value.as_bytes().split(|byte| *byte == b',').filter_map(essence)
}

/// The media type without its parameters, which may contain any bytes.
fn essence(value: &[u8]) -> Option<&str> {
    str::from_utf8(value.split(|byte| *byte == b';').next()?).ok().map(str::trim)
}

const JSON: &str = "application/json";
const JSON_SUFFIX: &str = "+json";
const EVENT_STREAM: &str = "text/event-stream";
/// Legitimate senders apply one.
const MOST_CODINGS: usize = 3;
const MAX_MEDIA_TYPE: usize = 128;

#[cfg(test)]
mod tests {
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
    fn a_request_is_json_if_it_is_to_some_reader() {
        let of = |values: &[&'static str]| Content::of_request(&headers(CONTENT_TYPE, values));
        assert_eq!(of(&[]), Content::Json, "nothing said");
        for json in [
            &["application/json"][..],
            &["application/json-seq, application/json"],
            &["text/plain, application/json; charset=utf-8"],
            &["text/plain; a=b, application/json"],
            &["text/plain", "application/json"],
            &["application/json", "text/plain"],
        ] {
            assert_eq!(of(json), Content::Json, "{json:?}");
        }
        for other in
            [&["application/x-www-form-urlencoded"][..], &["application/json-seq"], &["a/b; c=application/json"]]
        {
            assert_eq!(of(other), Content::Guessed, "{other:?}");
        }
        let odd = HeaderValue::from_bytes(b"application/json; a=\xff").unwrap();
        assert_eq!(Content::of_request(&HeaderMap::from_iter([(CONTENT_TYPE, odd)])), Content::Json);
    }

    #[test]
    fn codings_are_known_or_not() {
        let of = |values: &[&'static str]| Coding::of(&headers(CONTENT_ENCODING, values));
        assert_eq!(of(&[]), Some(vec![]));
        assert_eq!(of(&["GZIP"]), Some(vec![Coding::Gzip]));
        assert_eq!(of(&["identity, x-gzip"]), Some(vec![Coding::Gzip]));
        assert_eq!(of(&["deflate"]), Some(vec![Coding::Deflate]));
        assert_eq!(of(&["zstd"]), Some(vec![Coding::Zstd]));
        assert_eq!(of(&["gzip, gzip"]), Some(vec![Coding::Gzip, Coding::Gzip]), "several");
        assert_eq!(of(&["gzip", "br"]), Some(vec![Coding::Gzip, Coding::Brotli]), "in several headers");
        assert_eq!(of(&["compress"]), None);
        assert_eq!(of(&["br", "compress"]), None);
        assert_eq!(of(&["br,br,br,br"]), None, "too many");
    }
}
