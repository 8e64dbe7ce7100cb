//! What carries a message does not hide it: charsets, codings that are only named, other methods and other paths.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Request};
use tower_layer::Layer as _;

use super::rig::{Rig, Script, int};
use super::service::{CALL, OK, answering, exchange, response};
use crate::record::{Record, Value, names};

const JSON: &str = "application/json";
const PAIR: [&str; 2] = [
    "request mcp.tools.call tools/call weather: unknown - -",
    "response mcp.tools.call tools/call weather: success ok -",
];
const UNREAD: [&str; 2] = ["request http.request - -: unknown - -", "response http.request - -: unknown - unreadable"];
/// A ping, and to readers of UTF-7 the deletion of everything (`+ACI-` is a quotation mark): Express runs it.
const TWO_FACED: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"+ACI-},+ACI-method+ACI-:+ACI-tools/call+ACI-,+ACI-params+ACI-:{+ACI-name+ACI-:+ACI-delete_all+ACI-,+ACI-b+ACI-:+ACI-"}}"#;

/// One request.
struct Asked<'a> {
    method: &'a str,
    path: &'a str,
    types: &'a [&'a [u8]],
    codings: &'a [&'a str],
    body: &'a [u8],
}

/// What it is if nothing else is said.
const PLAIN: Asked<'_> = Asked { method: "POST", path: "/mcp", types: &[JSON.as_bytes()], codings: &[], body: CALL };

impl Asked<'_> {
    /// What is recorded of it where it is answered well.
    fn recorded(&self) -> (Vec<Record>, Rig) {
        self.answered("text/event-stream", OK)
    }

    fn answered(&self, kind: &str, answer: &[u8]) -> (Vec<Record>, Rig) {
        let rig = Rig::new();
        let mut service = rig.trail.mcp_layer().layer(answering(|| response(200, kind, answer)));
        let body = Script::new(&[self.body]).with_length();
        let mut request = Request::builder().method(self.method).uri(self.path).body(body).unwrap();
        for value in self.types {
            request.headers_mut().append(CONTENT_TYPE, HeaderValue::from_bytes(value).unwrap());
        }
        for value in self.codings {
            request.headers_mut().append(CONTENT_ENCODING, HeaderValue::from_str(value).unwrap());
        }
        exchange(&mut service, request);
        drop(service);
        (rig.records(), rig)
    }

    fn told(&self) -> Vec<String> {
        self.recorded().0.iter().map(told).collect()
    }

    fn read_by(&self) -> Vec<String> {
        let (records, _) = self.recorded();
        assert_eq!(records.iter().map(told).collect::<Vec<_>>(), PAIR, "{:?}", self.codings);
        let [request, response] = [0, 1].map(|at| records[at].text(names::AUDITRAIL_MESSAGE_AMBIGUOUS));
        assert_eq!(request, response);
        request.into_iter().map(str::to_owned).collect()
    }
}

fn told(record: &Record) -> String {
    let text = |name| record.text(name).unwrap_or("-");
    let event = record.event_name.trim_start_matches("auditrail.");
    let [phase, method, tool] = [names::AUDITRAIL_PHASE, names::MCP_METHOD_NAME, names::GEN_AI_TOOL_NAME].map(text);
    let ending = [names::AUDIT_OUTCOME, names::AUDITRAIL_OUTCOME_DETAIL, names::ERROR_TYPE].map(text);
    format!("{phase} {event} {method} {tool}: {}", ending.join(" "))
}

fn strings(record: &Record, name: &str) -> Vec<String> {
    let Some(Value::Array(texts)) = record.get(name) else { return Vec::new() };
    texts.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Express runs what UTF-7 says, and others what UTF-8 says. Neither is told as what was called.
#[test]
fn another_charset_is_unread_and_told() {
    for (types, body, readings) in [
        (&[&b"application/json; charset=utf-7"[..]][..], TWO_FACED, &["ping"][..]),
        (&[b"application/json; charset=utf-7-imap"], TWO_FACED, &["ping"]),
        (&[b"application/json; charset=utf-8; charset=\"UTF\\-7\""], TWO_FACED, &["ping"]),
        (&[b"application/json; a=\xff; charset = utf-7"], TWO_FACED, &["ping"]),
        (&[b"application/json", b"application/json;charset=utf-7"], TWO_FACED, &["ping"]),
        (&[b"application/json; charset=utf-7"], b"+AHsAIg-method+ACI-:+ACI-ping+ACIAfQ-", &[]),
        (&[b"text/plain; charset=utf-7"], b"+AHsAIg-method+ACI-:+ACI-ping+ACIAfQ-", &[]),
        (&[b"application/json; charset=ebcdic"], b"\xc0\x7f\x94", &[]),
        (&[b"application/json; charset=latin1"], CALL, &["tools/call weather"]),
        (&[b"text/plain; charset=cp437"], CALL, &["tools/call weather"]),
        (&[b"text/plain; charset=iso-8859-1"], CALL, &["tools/call weather"]),
    ] {
        let (records, rig) = Asked { types, body, ..PLAIN }.recorded();
        let name = String::from_utf8_lossy(types[0]);
        assert_eq!(records.iter().map(told).collect::<Vec<_>>(), UNREAD, "{name}");
        assert_eq!(strings(&records[1], names::AUDITRAIL_MESSAGE_FLAW), ["charset"], "{name}");
        assert_eq!(strings(&records[1], names::AUDITRAIL_MESSAGE_READINGS), readings, "{name}");
        assert_eq!(int(&records[1], names::HTTP_REQUEST_BODY_SIZE), Some(i64::try_from(body.len()).unwrap()));
        let said = rig.said().iter().filter(|said| said.contains("a charset other than UTF-8")).count();
        assert_eq!((rig.trail.wire_counts().unread, said), (1, 1), "{name}");
    }
}

#[test]
fn unicode_in_any_words_is_read_and_what_is_no_message_is_left_alone() {
    for types in [b"application/json; charset=UTF-8", &b"application/json;charset=us-ascii"[..], b"a/b;charset=utf8"] {
        assert_eq!(Asked { types: &[types], ..PLAIN }.told(), PAIR);
    }
    let types: &[&[u8]] = &[b"application/x-www-form-urlencoded; charset=iso-8859-1"];
    let form = Asked { types, body: b"grant_type=canary", ..PLAIN };
    assert!(form.answered(JSON, b"{}").0.is_empty());
    let empty = Asked { types: &[b"application/json; charset=latin1"], body: b"", ..PLAIN };
    assert!(empty.answered("text/plain", b"").0.is_empty());
}

/// Most servers know no codings of requests. Express does, and refuses these.
#[test]
fn what_only_says_that_it_is_coded_is_read_as_it_stands() {
    let spaced = [b" \n", CALL].concat();
    let batch = [b"[", CALL, b"]"].concat();
    for body in [CALL, &spaced, &batch] {
        for codings in [
            &["gzip"][..],
            &["x-gzip"],
            &["zstd"],
            &["br"],
            &["deflate"],
            &["x"],
            &["compress"],
            &["identity, x"],
            &["gzip, br"],
            &["gzip", "identity"],
            &["identity", "br"],
            &["br,br,br,br"],
        ] {
            assert_eq!(Asked { codings, body, ..PLAIN }.read_by(), ["starlette"], "{codings:?} {body:?}");
        }
        for codings in [&[][..], &["identity"], &["Identity, identity"], &[""]] {
            assert_eq!(Asked { codings, body, ..PLAIN }.read_by(), [""; 0], "{codings:?}");
        }
    }
    assert_eq!(Asked { codings: &["gzip"], body: &gzip(CALL), ..PLAIN }.read_by(), [""; 0]);
}

/// What is neither is told as before.
#[test]
fn what_is_neither_coded_nor_a_message_is_unreadable() {
    for (coding, body, flaw) in [
        ("gzip", &b"\x1f\x8b\x08\0 no gzip"[..], "damaged_coding"),
        ("x", b"\x1f", "unknown_coding"),
        ("x", b"{ nonsense", "not_json"),
        ("br", b"[ nonsense", "damaged_coding"),
    ] {
        let (records, _) = Asked { codings: &[coding], body, ..PLAIN }.recorded();
        assert_eq!(records.iter().map(told).collect::<Vec<_>>(), UNREAD, "{coding}");
        assert_eq!(strings(&records[1], names::AUDITRAIL_MESSAGE_FLAW), [flaw], "{coding}");
    }
}

/// The decoders of Node.js do not look at it: Express runs these.
#[test]
fn what_stands_behind_a_coded_message_does_not_hide_it() {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(CALL).unwrap();
    let zlib = zlib.finish().unwrap();
    for (coding, coded, more) in [
        ("gzip", gzip(CALL), &[0; 40][..]),
        ("gzip", gzip(CALL), &b"garbage".repeat(9)),
        ("deflate", zlib.clone(), b"garbage"),
        ("deflate", zlib, &gzip(CALL)),
    ] {
        let body = [&coded[..], more].concat();
        let asked = Asked { codings: &[coding], body: &body, ..PLAIN };
        assert_eq!(asked.read_by(), ["node-zlib"], "{coding} {more:?}");
        assert_eq!(asked.recorded().1.trail.wire_counts().unread, 1);
    }
}

#[test]
fn a_list_of_types_is_json_if_it_is_to_some_reader() {
    for types in [
        &[&b"application/json-seq, application/json"[..]][..],
        &[b"text/plain; a=b, application/json; charset=utf-8"],
        &[b"application/json-seq", b"application/json"],
        &[b"application/json", b"text/plain"],
        &[b"application/vnd.api+json; a=\xff"],
        &[],
    ] {
        assert_eq!(Asked { types, ..PLAIN }.told(), PAIR);
        assert_eq!(Asked { types, body: b"{ nonsense", ..PLAIN }.told(), UNREAD, "and is read as such");
    }
}

/// A server that routes by the path alone runs it.
#[test]
fn a_call_is_a_call_whatever_its_method_and_its_path() {
    for method in ["POST", "PUT", "PATCH", "DELETE", "GET", "post", "OPTIONS", "PROPFIND", "TRACE", "X"] {
        for path in ["/mcp", "/assets/logo.png"] {
            assert_eq!(Asked { method, path, ..PLAIN }.told(), PAIR, "{method}");
            assert_eq!(Asked { method, path, types: &[b"text/plain"], ..PLAIN }.told(), PAIR, "{method}");
            assert_eq!(Asked { method, path, types: &[], ..PLAIN }.told(), PAIR, "{method}");
        }
        assert_eq!(Asked { method, body: b"{\"jsonrpc\":\"2.0\",", ..PLAIN }.told(), UNREAD, "{method}");
        let types: &[&[u8]] = &[b"application/json; charset=utf-7"];
        assert_eq!(Asked { method, types, body: TWO_FACED, ..PLAIN }.told(), UNREAD, "{method}");
    }
}

/// What is no message leaves nothing, and an answer to another request makes none of it.
#[test]
fn documents_of_others_are_left_alone_whatever_their_method() {
    for method in ["PUT", "PATCH", "DELETE", "GET"] {
        for (types, body) in
            [(JSON, &br#"{"a":[1,2]}"#[..]), (JSON, b"[1]"), ("text/plain", b"{canary"), ("a/b", b"\0\x01")]
        {
            let asked = Asked { method, path: "/items", types: &[types.as_bytes()], body, ..PLAIN };
            let (records, _) = asked.answered(JSON, b"{}");
            assert!(records.is_empty(), "{method} {types}: {records:?}");
        }
        assert_eq!(Asked { method, body: b"", ..PLAIN }.told(), [""; 0], "{method}");
    }
}
