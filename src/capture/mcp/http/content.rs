//! What a body is, by its headers: which of its bytes are messages, and how they are written.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};

/// How messages stand in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// JSON (`application/json`, or a type that ends in `+json`).
    Json,
    /// What is called something else, and is read as JSON as long as it looks like a message: not every server minds.
    Guessed,
    /// An event stream (`text/event-stream`), one message an event.
    Events,
    /// Something without messages, such as the plain text of an error.
    Other,
}

/// How the bytes of a body are coded on the wire (`Content-Encoding`, RFC 9110, section 8.4), but for nothing at all: one
/// coding upon the other, the first that was applied first. `None` if one of them is not known, or if there are more than
/// [`MOST_CODINGS`].
pub(super) type Codings = Option<Vec<Coding>>;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    /// The zlib format; some senders mean bare deflate.
    Deflate,
    Brotli,
    Zstd,
}

impl Content {
    /// What a request carries. A client that does not say what it sends, sends JSON: servers take it, too.
    pub(super) fn of_request(method: &http::Method, headers: &HeaderMap) -> Self {
        if method != http::Method::POST {
            return Self::Other;
        }
        match headers.get(CONTENT_TYPE) {
            None => Self::Json,
            // Python's SDK takes a list of types.
            Some(value) if is_json(value) || types(value).any(is_json_type) => Self::Json,
            Some(_) => Self::Guessed,
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
    pub(super) fn of(headers: &HeaderMap) -> Codings {
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

/// Whether a server that goes by the `charset` may read something else than the bytes say by themselves: not if it is a form
/// of Unicode that they tell of, or one in which ASCII is ASCII. (`utf-7` and the like are what such servers know, too.)
pub(super) fn has_other_charset(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let parameters = value.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut charsets = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charsets.any(|(_, charset)| {
        let charset = charset.trim().trim_matches('"').to_ascii_lowercase();
        !CHARSETS.iter().any(|known| charset == *known || known.ends_with('-') && charset.starts_with(known))
    })
}

/// The media type as it may stand in a record: the type, and in what it is written.
pub(super) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.get(..value.floor_char_boundary(MAX_MEDIA_TYPE)).unwrap_or_default().to_owned())
}

fn is_json(value: &HeaderValue) -> bool {
    essence(value).is_some_and(is_json_type)
}

fn is_json_type(essence: &str) -> bool {
    let suffix = essence.len().checked_sub(JSON_SUFFIX.len()).and_then(|at| essence.get(at..));
    essence.eq_ignore_ascii_case(JSON) || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(JSON_SUFFIX))
}

fn types(value: &HeaderValue) -> impl Iterator<Item = &str> {
    essence(value).unwrap_or_default().split(',').map(str::trim)
}

/// The media type without its parameters.
fn essence(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()?.split(';').next().map(str::trim)
}

const JSON: &str = "application/json";
const JSON_SUFFIX: &str = "+json";
const EVENT_STREAM: &str = "text/event-stream";
/// Nobody applies more than one, but for who wants to hide something.
const MOST_CODINGS: usize = 3;
const MAX_MEDIA_TYPE: usize = 128;
/// Each name, or with a hyphen at its end what names begin with. Nothing else of `utf-` is ASCII.
const CHARSETS: [&str; 14] = [
    "",
    "utf-8",
    "utf8",
    "us-ascii",
    "ascii",
    "latin1",
    "iso-8859-",
    "windows-",
    "utf-16",
    "utf-16le",
    "utf-16be",
    "utf-32",
    "utf-32le",
    "utf-32be",
];

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
        assert_eq!(Content::of_request(&Method::POST, &form), Content::Guessed);
        let list = headers(CONTENT_TYPE, &["text/plain, application/json; charset=utf-8"]);
        assert_eq!(Content::of_request(&Method::POST, &list), Content::Json);
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

    #[test]
    fn a_charset_is_what_the_bytes_say_or_another() {
        let other = |value| has_other_charset(&headers(CONTENT_TYPE, &[value]));
        for known in [
            "application/json",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json; charset=utf-16; profile=x",
            "application/json; charset=UTF-32BE",
            "application/json; charset=iso-8859-1",
            "application/json; charset=",
        ] {
            assert!(!other(known), "{known}");
        }
        for unknown in ["application/json; charset=utf-7", "a/b; x=y; Charset = IBM037", "a/b;charset=shift_jis"] {
            assert!(other(unknown), "{unknown}");
        }
    }
}
