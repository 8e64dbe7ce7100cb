//! Nobody hides a call by sending it in a way that only the server can read: requests in other encodings and codings, and
//! those that stay unread.

use std::future::ready;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, Request, Response};
use tower_layer::Layer as _;

use super::rig::{Rig, Script, int, read};
use super::service::{Asked, CALL, Inner, OK, answering, exchange, now, post, response};
use crate::record::{Record, Value, names};

fn of_type(content_type: &'static str, body: &[u8]) -> Request<Script> {
    let request = Request::post("/mcp").header("content-type", content_type);
    request.body(Script::new(&[body]).with_length()).unwrap()
}

fn with(mut request: Request<Script>, name: &'static str, value: &'static str) -> Request<Script> {
    request.headers_mut().insert(name, HeaderValue::from_static(value));
    request
}

fn text() -> &'static str {
    str::from_utf8(CALL).unwrap()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn strings(record: &Record, name: &str) -> Vec<String> {
    match record.get(name) {
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        None => Vec::new(),
        other => panic!("{name} is {other:?}"),
    }
}

/// `phase event method tool: outcome detail error.type`
fn told(record: &Record) -> String {
    let text = |name| record.text(name).unwrap_or("-");
    let event = record.event_name.trim_start_matches("auditrail.");
    let [phase, method, tool] = [names::AUDITRAIL_PHASE, names::MCP_METHOD_NAME, names::GEN_AI_TOOL_NAME].map(text);
    let ending = [names::AUDIT_OUTCOME, names::AUDITRAIL_OUTCOME_DETAIL, names::ERROR_TYPE].map(text);
    format!("{phase} {event} {method} {tool}: {}", ending.join(" "))
}

/// What is recorded of a request that is answered with those.
fn records_of(requests: Vec<Request<Script>>, respond: impl Fn() -> Response<Script>) -> (Vec<Record>, Rig) {
    let rig = Rig::new();
    let mut service = rig.trail.mcp_layer().layer(answering(respond));
    for request in requests {
        exchange(&mut service, request);
    }
    drop(service);
    (rig.records(), rig)
}

const PAIR: [&str; 2] = [
    "request mcp.tools.call tools/call weather: unknown - -",
    "response mcp.tools.call tools/call weather: success ok -",
];

#[test]
fn a_call_is_read_in_any_encoding_and_coding() {
    let marked = |mark: &[u8], text: &[u8]| [mark, text].concat();
    let json = "application/json";
    let utf32: Vec<u8> = text().chars().flat_map(|unit| u32::from(unit).to_be_bytes()).collect();
    let zstd = zstd::stream::encode_all(CALL, 3).unwrap();
    let requests = vec![
        of_type(json, &marked(b"\xef\xbb\xbf", CALL)),
        of_type(json, &utf16(text())),
        of_type("application/json; charset=utf-16", &marked(b"\xff\xfe", &utf16(text()))),
        of_type(json, &utf32),
        with(of_type(json, &zstd), "content-encoding", "zstd"),
        with(of_type(json, &gzip(&zstd)), "content-encoding", "zstd, gzip"),
        with(of_type(json, &gzip(&marked(b"\xff\xfe", &utf16(text())))), "content-encoding", "gzip"),
        // Most servers look for no coding of requests, and not all at the type.
        with(post(CALL), "content-encoding", "gzip"),
        with(post(CALL), "content-encoding", "zstd"),
        with(post(CALL), "content-encoding", "br"),
        with(post(CALL), "content-encoding", "compress"),
        with(post(CALL), "content-type", "text/plain, application/json"),
        with(post(CALL), "content-type", "text/plain"),
        of_type("text/plain", &marked(b"\xef\xbb\xbf \n", CALL)),
    ];
    let count = requests.len();
    let (records, rig) = records_of(requests, || response(200, "text/event-stream", OK));
    assert_eq!(records.iter().map(told).collect::<Vec<_>>(), PAIR.repeat(count));
    assert!(records.iter().all(|record| record.text(names::JSONRPC_REQUEST_ID) == Some("1")));
    assert!(records.iter().all(|record| strings(record, names::AUDITRAIL_MESSAGE_FLAW).is_empty()));
    assert_eq!(rig.trail.wire_counts().unread, 0);
}

#[test]
fn an_answer_is_read_in_any_encoding_and_coding() {
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
    let coded = |coding: &'static str, bytes: Vec<u8>| {
        move || {
            let mut response = response(200, "application/json", &bytes);
            response.headers_mut().insert("content-encoding", HeaderValue::from_static(coding));
            response
        }
    };
    let zstd = zstd::stream::encode_all(answer.as_bytes(), 3).unwrap();
    for (coding, bytes) in [
        ("identity", utf16(answer)),
        ("identity", format!("\u{feff}{answer}").into_bytes()),
        ("zstd", zstd.clone()),
        ("zstd, gzip", gzip(&zstd)),
    ] {
        let (records, _) = records_of(vec![post(CALL)], coded(coding, bytes));
        assert_eq!(records.iter().map(told).collect::<Vec<_>>(), PAIR, "{coding}");
    }
}

/// What a server has answered well and nobody could read here is found by one name.
#[test]
fn what_stays_unreadable_is_a_pair() {
    let broken = of_type("application/json; charset=utf-8", b"{\"jsonrpc\":\"2.0\",\"id\":1,");
    let damaged = with(of_type("application/json", b"\x1f\x8b\x08\0 no gzip"), "content-encoding", "gzip");
    let coded = with(of_type("application/json", b"\x1f\x9d compress"), "content-encoding", "compress");
    let answer = || response(200, "text/event-stream", OK);
    let (records, rig) = records_of(vec![broken, damaged, coded], answer);
    let pair = ["request http.request - -: unknown - -", "response http.request - -: unknown - unreadable"];
    assert_eq!(records.iter().map(told).collect::<Vec<_>>(), pair.repeat(3), "and no moment");
    let flaws: Vec<_> = records.iter().map(|record| strings(record, names::AUDITRAIL_MESSAGE_FLAW).concat()).collect();
    assert_eq!(flaws, ["", "not_json", "", "damaged_coding", "", "unknown_coding"]);
    let last = &records[1];
    assert_eq!(int(last, names::HTTP_RESPONSE_STATUS_CODE), Some(200));
    assert_eq!(last.text(names::URL_PATH), Some("/mcp"));
    assert_eq!(strings(last, names::HTTP_REQUEST_HEADER_CONTENT_TYPE), ["application/json; charset=utf-8"]);
    assert_eq!(strings(last, names::HTTP_RESPONSE_HEADER_CONTENT_TYPE), ["text/event-stream"]);
    assert_eq!(int(last, names::HTTP_REQUEST_BODY_SIZE), Some(24));
    assert_eq!(int(last, names::HTTP_RESPONSE_BODY_SIZE), Some(OK.len() as i64));
    assert_eq!((rig.trail.wire_counts().unread, rig.trail.wire_counts().flawed), (2, 1));
}

#[test]
fn what_was_not_read_and_refused_is_a_failure() {
    let broken = || of_type("application/json", b"{\"jsonrpc\":\"2.0\",\"id\":1,");
    let error = br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"canary"}}"#;
    let (records, _) = records_of(vec![broken()], || response(400, "application/json", error));
    assert_eq!(told(&records[1]), "response http.request - -: failure jsonrpc_error -32700");
    assert_eq!(int(&records[1], names::HTTP_RESPONSE_STATUS_CODE), Some(400));
    let (records, _) = records_of(vec![broken()], || response(415, "text/plain", b"no"));
    assert_eq!(told(&records[1]), "response http.request - -: failure http_error http_error");
    assert_eq!(strings(&records[1], names::HTTP_RESPONSE_HEADER_CONTENT_TYPE), ["text/plain"]);
    assert_eq!(records.len(), 2);
}

/// The server has it, and may do as it says; whoever sent it does not wait for what it says.
#[test]
fn what_was_not_read_and_not_answered_is_a_pair() {
    let rig = Rig::new();
    let inner = Inner(|mut request: Asked| {
        read(request.body_mut());
        ready(Err("the connection is gone"))
    });
    let mut service = rig.trail.mcp_layer().layer(inner);
    let broken = of_type("application/json", b"{\"jsonrpc\":\"2.0\",\"id\":1,");
    assert!(now(tower_service::Service::call(&mut service, broken)).is_err());
    let told: Vec<_> = rig.records().iter().map(told).collect();
    assert_eq!(told[1..], ["response http.request - -: unknown no_response unreadable"]);
}

#[test]
fn an_answer_that_stays_unreadable_ends_its_call_so() {
    let (records, _) = records_of(vec![post(CALL)], || response(200, "application/json", b"{\"jsonrpc\":\"2.0\","));
    let told: Vec<_> = records.iter().map(told).collect();
    assert_eq!(told, [PAIR[0], "response mcp.tools.call tools/call weather: unknown no_response unreadable"]);
    let last = &records[1];
    assert_eq!(strings(last, names::HTTP_RESPONSE_HEADER_CONTENT_TYPE), ["application/json"]);
    assert_eq!(int(last, names::HTTP_RESPONSE_BODY_SIZE), Some(17));
    assert_eq!(strings(last, names::AUDITRAIL_MESSAGE_FLAW), ["not_json"]);
}

/// What readers may disagree on is read as most do, and told.
#[test]
fn what_a_call_may_be_to_others_is_told() {
    let read = |content_type, body: &[u8]| {
        records_of(vec![of_type(content_type, body)], || response(200, "text/event-stream", OK)).0
    };
    let one = |content_type, body: &[u8]| {
        let records = read(content_type, body);
        // Each call that a reader sees has its pair.
        let ambiguous = records.iter().filter(|record| record.text(names::AUDITRAIL_MESSAGE_AMBIGUOUS).is_some());
        assert_eq!(records.len() - ambiguous.count(), 2);
        let told = told(&records[0]);
        (
            told,
            strings(&records[0], names::AUDITRAIL_MESSAGE_FLAW),
            strings(&records[0], names::AUDITRAIL_MESSAGE_READINGS),
        )
    };
    let json = "application/json";
    let twice = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete"},"method":"ping"}"#;
    assert_eq!(
        one(json, twice),
        (
            "request mcp.request ping -: unknown - -".into(),
            vec!["duplicate_key".into()],
            vec!["tools/call delete".into()],
        )
    );
    let in_other_letters = |other: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping",{other}}}"#).into_bytes();
    for (body, reader, ordinary) in [
        (twice.to_vec(), "simdjson", true),
        (in_other_letters(r#""Method":"tools/call","params":{"name":"delete"}"#), "go-json", true),
        (in_other_letters(r#""METHOD":"tools/call","paramſ":{"Name":"delete"}"#), "go-json", true),
        (br#"{"jsonrpc":"2.0","id":1,"Method":"tools/call","params":{"name":"delete"}}"#.to_vec(), "go-json", false),
    ] {
        let records = read(json, &body);
        let pairs: Vec<_> = records
            .iter()
            .map(|record| (record.text(names::AUDITRAIL_MESSAGE_AMBIGUOUS).unwrap_or("-"), told(record)))
            .collect();
        let call = |phase, outcome| (reader, format!("{phase} mcp.tools.call tools/call delete: {outcome}"));
        assert!(pairs.contains(&call("request", "unknown - -")), "{pairs:?}");
        // The answer is that of whichever of them the server has run.
        assert!(pairs.contains(&call("response", "success ok -")), "{pairs:?}");
        let most = ("-", "response mcp.request ping -: success ok -".to_owned());
        assert_eq!((pairs.contains(&most), pairs.len()), (ordinary, if ordinary { 4 } else { 2 }), "{pairs:?}");
    }
    let lossy =
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"weather\",\"a\":\"\xff\"}}";
    assert_eq!(one(json, lossy), (PAIR[0].into(), vec!["invalid_utf8".into()], vec![]));
    let nan = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather","arguments":{"a":NaN}}}"#;
    assert_eq!(one(json, nan), (PAIR[0].into(), vec!["not_a_number".into()], vec![]));
}

/// What looks like no message is not read any further, whatever it is.
#[test]
fn what_is_no_message_by_its_first_bytes_is_left_alone() {
    let forms: [(&str, &[u8]); 4] = [
        ("application/x-www-form-urlencoded", b"grant_type=authorization_code&code=canary"),
        ("application/rtf", b"{\\rtf1 canary}"),
        ("text/plain", b"[canary]"),
        ("application/octet-stream", b"\0\0\0"),
    ];
    for (content_type, body) in forms {
        let (records, rig) = records_of(vec![of_type(content_type, body)], || response(201, "text/plain", b"ok"));
        assert!(records.is_empty(), "{content_type}: {records:?}");
        assert_eq!(rig.trail.wire_counts().flawed, 0);
    }
}
