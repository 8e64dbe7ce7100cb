//! What is recorded of requests that are no MCP. (The numbers are those of the invariants of `http_exchange.rs`.)

use std::future::{Future as _, Ready, pending, ready};
use std::sync::Mutex;
use std::task::{Context, Waker};

use http::{Request, Response};
use tower_layer::Layer as _;
use tower_service::Service as _;

use super::rig::{Rig, Script, int, read};
use super::service::{Asked, Inner, now};
use crate::capture::mcp::{HttpRecording, McpLayer};
use crate::record::{Record, Severity, names};

/// One exchange: what is asked with which type and body, and how it is answered.
type Exchange<'a> = (&'a str, &'a str, (&'a str, &'a str), (u16, &'a str, &'a str));

/// Plays them against one server, and gives what was recorded of the last: the lines, and its last record.
fn last_of(recording: HttpRecording, exchanges: &[Exchange<'_>]) -> (Vec<String>, Option<Record>) {
    let rig = Rig::new();
    let layer = rig.trail.mcp_layer().record_http(recording);
    let (last, before) = exchanges.split_last().unwrap();
    before.iter().for_each(|exchange| play(&layer, exchange));
    let known = rig.records().len();
    play(&layer, last);
    (rig.told().split_off(known), rig.records().into_iter().skip(known).last())
}

fn play(layer: &McpLayer, (method, path, (kind, body), (status, answer_kind, answer)): &Exchange<'_>) {
    let mut request = Request::builder().method(*method).uri(*path);
    if !kind.is_empty() {
        request = request.header("content-type", *kind);
    }
    let response = Response::builder().status(*status).header("content-type", *answer_kind);
    let response = Mutex::new(Some(response.body(Script::new(&[answer.as_bytes()]).with_length()).unwrap()));
    let inner = Inner(move |mut request: Asked| -> Ready<Result<_, &'static str>> {
        read(request.body_mut());
        ready(Ok(response.lock().unwrap().take().unwrap()))
    });
    let request = request.body(Script::new(&[body.as_bytes()]).with_length()).unwrap();
    read(now(layer.layer(inner).call(request)).unwrap().body_mut());
}

fn failures(exchanges: &[Exchange<'_>]) -> Vec<String> {
    last_of(HttpRecording::failures(), exchanges).0
}

const JSON: &str = "application/json";
const NOTHING: (&str, &str) = ("", "");
const CALL: (&str, &str) = (JSON, r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a"}}"#);
const OK: (u16, &str, &str) = (200, JSON, r#"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#);
/// The server speaks MCP there.
const SPOKEN: Exchange<'_> = ("POST", "/mcp", CALL, OK);
const FAILED: [&str; 2] = ["http.request request -: -", "http.request response -: http_error"];
const DENIED: [&str; 3] = ["http.request request -: -", "authn - -: denied", "http.request response -: denied"];
const UNREAD: [&str; 2] = ["http.request request -: -", "http.request response -: unreadable"];

#[test]
fn what_succeeds_beside_mcp_leaves_nothing() {
    let metadata =
        r#"{"client_name":"test","redirect_uris":["http://localhost/"],"token_endpoint_auth_method":"none"}"#;
    let exchanges: [Exchange<'_>; 7] = [
        ("GET", "/health", NOTHING, (200, JSON, r#"{"status":"ok"}"#)),
        ("GET", "/.well-known/oauth-authorization-server", NOTHING, (200, JSON, r#"{"issuer":"http://a"}"#)),
        ("POST", "/register", (JSON, metadata), (201, JSON, r#"{"client_id":"1"}"#)),
        (
            "POST",
            "/token",
            ("application/x-www-form-urlencoded", "code=canary"),
            (200, JSON, r#"{"access_token":"canary"}"#),
        ),
        ("POST", "/items", (JSON, "[1,2]"), (200, JSON, r#"{"result":[],"error":null}"#)),
        ("GET", "/authorize?state=canary", NOTHING, (302, "text/html", "")),
        ("POST", "/numbers", (JSON, "17"), (200, JSON, "18")),
    ];
    for exchange in exchanges {
        assert_eq!(failures(&[SPOKEN, exchange]), [""; 0], "{exchange:?}");
        assert_eq!(failures(&[exchange]), [""; 0], "{exchange:?}");
        let (told, last) = last_of(HttpRecording::all(), &[exchange]);
        assert_eq!(told, ["http.request request -: -", "http.request response -: ok"], "{exchange:?}");
        let last = last.unwrap();
        assert_eq!(last.text(names::HTTP_REQUEST_METHOD), Some(exchange.0));
        assert_eq!(last.text(names::URL_PATH), exchange.1.split('?').next());
        assert_eq!(int(&last, names::HTTP_RESPONSE_STATUS_CODE), Some(i64::from(exchange.3.0)));
        assert!(!format!("{last:?}").contains("canary"), "no body, and no query");
    }
}

/// A `method` alone makes no message, unless MCP has it, or MCP is spoken there.
#[test]
fn documents_of_others_have_methods_too() {
    let log = (JSON, r#"{"level":"info","method":"GET","id":3}"#);
    assert_eq!(failures(&[SPOKEN, ("POST", "/logs", log, (200, JSON, "{}"))]), [""; 0]);
    assert_eq!(failures(&[SPOKEN, ("POST", "/logs", log, (400, JSON, "{}"))]), FAILED);
    let call = (JSON, r#"{"id":7,"method":"tools/call","params":{"name":"a"}}"#);
    let pair = ["mcp.tools.call request tools/call: -", "mcp.tools.call response tools/call: ok"];
    assert_eq!(failures(&[("POST", "/anywhere", call, OK)]), pair, "a server that is not strict runs it");
    let custom = ("POST", "/mcp", (JSON, r#"{"id":7,"method":"custom"}"#), OK);
    assert_eq!(failures(&[custom]), UNREAD, "it was answered as a call");
    let pair = ["mcp.request request custom: -", "mcp.request response custom: ok"];
    assert_eq!(failures(&[SPOKEN, custom]), pair);
}

#[test]
fn what_the_protocols_provide_for_is_no_failure() {
    let exchanges: [Exchange<'_>; 5] = [
        (
            "GET",
            "/mcp",
            NOTHING,
            (405, JSON, r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"Method not allowed."},"id":null}"#),
        ),
        ("GET", "/mcp", NOTHING, (405, "text/plain", "")),
        ("DELETE", "/mcp", NOTHING, (405, "text/plain", "")),
        ("GET", "/.well-known/oauth-protected-resource/mcp", NOTHING, (404, "text/html", "<p>")),
        ("GET", "/mcp/.well-known/openid-configuration", NOTHING, (404, JSON, r#"{"error":"not_found"}"#)),
    ];
    for exchange in exchanges {
        assert_eq!(failures(&[SPOKEN, exchange]), [""; 0], "{exchange:?}");
        let (told, last) = last_of(HttpRecording::all(), &[SPOKEN, exchange]);
        assert_eq!(told, ["http.request request -: -", "http.request response -: ok"], "{exchange:?}");
        assert_eq!(last.unwrap().severity, Severity::INFO);
    }
}

#[test]
fn failures_are_told_with_their_path() {
    let html = "<!DOCTYPE html><pre>Cannot GET /nowhere</pre>";
    let exchanges: [Exchange<'_>; 7] = [
        ("GET", "/nowhere", NOTHING, (404, "text/html", html)),
        ("POST", "/register", (JSON, r#"{"client_name":"x"}"#), (400, JSON, r#"{"error":"invalid_client_metadata"}"#)),
        ("POST", "/token", ("application/x-www-form-urlencoded", "a=b"), (401, JSON, r#"{"error":"invalid_client"}"#)),
        ("GET", "/mcp", NOTHING, (401, JSON, r#"{"error":"invalid_token"}"#)),
        ("POST", "/.well-known/x", (JSON, "{}"), (404, "text/plain", "")),
        ("PUT", "/mcp", NOTHING, (500, JSON, r#"{"error":null}"#)),
        ("GET", "/elsewhere", NOTHING, (405, "text/plain", "")),
    ];
    for exchange in exchanges {
        let (told, last) = last_of(HttpRecording::failures(), &[SPOKEN, exchange]);
        let expected = if exchange.3.0 == 401 { &DENIED[..] } else { &FAILED[..] };
        assert_eq!(told, expected, "{exchange:?}");
        let last = last.unwrap();
        assert_eq!(last.text(names::URL_PATH), Some(exchange.1));
        assert_eq!(last.text(names::ERROR_TYPE), Some("http_error"));
        assert_eq!(int(&last, names::HTTP_RESPONSE_STATUS_CODE), Some(i64::from(exchange.3.0)));
        assert_eq!(failures(&[exchange]), expected, "{exchange:?}");
    }
}

/// 4: an error of HTTP is one, whatever its body looks like.
#[test]
fn a_call_that_got_an_http_error_never_got_a_jsonrpc_error() {
    for (status, kind, body) in [
        (401, JSON, r#"{"error":"invalid_token"}"#),
        (401, JSON, r#"{"error":"invalid_token","error_description":"expired"}"#),
        (500, JSON, r#"{"error":null}"#),
        (500, JSON, r#"{"error":{"message":"no code"}}"#),
        (403, JSON, r#"{"jsonrpc":"2.0","result":{}}"#),
        (400, JSON, "{ nonsense"),
        (404, "text/html", "<!DOCTYPE html>"),
        (429, JSON, "[]"),
        (502, "text/plain", "Bad Gateway"),
    ] {
        let told = failures(&[("POST", "/mcp", CALL, (status, kind, body))]);
        let (decision, detail) = match status {
            401 => (Some("authn - tools/call: denied"), "denied"),
            403 => (Some("authz - tools/call: denied"), "denied"),
            _ => (None, "http_error"),
        };
        let response = format!("mcp.tools.call response tools/call: {detail}");
        let expected: Vec<_> =
            [Some("mcp.tools.call request tools/call: -"), decision, Some(&response)].into_iter().flatten().collect();
        assert_eq!(told, expected, "{status} {body}");
    }
}

/// What is MCP is recorded whatever is said of the rest.
#[test]
fn what_goes_where_mcp_is_spoken_is_always_audited() {
    let none = || HttpRecording::none().exclude("/mcp");
    let refused: [Exchange<'_>; 4] = [
        ("GET", "/mcp", NOTHING, (401, JSON, r#"{"error":"invalid_token"}"#)),
        ("POST", "/mcp", (JSON, "{ nonsense"), (400, "text/plain", "")),
        ("POST", "/mcp", (JSON, r#"{"client_name":"x"}"#), (400, "text/plain", "")),
        ("POST", "/mcp", (JSON, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#), (401, "text/plain", "")),
    ];
    for exchange in refused {
        let (mut told, _) = last_of(none(), &[SPOKEN, exchange]);
        told.retain(|line| !line.starts_with("mcp.notification"));
        assert_eq!(told, if exchange.3.0 == 401 { &DENIED[..] } else { &FAILED[..] }, "{exchange:?}");
    }
    let elsewhere: Exchange<'_> = ("GET", "/nowhere", NOTHING, (404, "text/html", ""));
    assert_eq!(last_of(none(), &[SPOKEN, elsewhere]).0, [""; 0]);
    assert_eq!(last_of(HttpRecording::all().exclude("/no*"), &[SPOKEN, elsewhere]).0, [""; 0]);
    // A server that refuses everybody is spoken to, and does not speak.
    let refusing: Exchange<'_> = ("POST", "/mcp", CALL, (401, "text/plain", ""));
    let get: Exchange<'_> = ("GET", "/mcp", NOTHING, (401, "text/plain", ""));
    assert_eq!(last_of(none(), &[refusing, get]).0, [""; 0]);
}

/// The server took it, and may have run what was not understood.
#[test]
fn what_was_taken_without_being_understood_is_a_pair_whatever_is_recorded() {
    let doubtful: [&[Exchange<'_>]; 3] = [
        &[("POST", "/upload", (JSON, "{ nonsense"), (200, "text/plain", ""))],
        &[SPOKEN, ("POST", "/mcp", (JSON, "{ nonsense"), (202, "text/plain", ""))],
        &[("POST", "/mcp", (JSON, "[[[["), (200, JSON, "{}"))],
    ];
    for exchanges in doubtful {
        let (told, last) = last_of(HttpRecording::none().exclude("/*"), exchanges);
        assert_eq!(told, UNREAD, "{exchanges:?}");
        assert_eq!(last.unwrap().severity, Severity::WARN);
    }
}

/// Servers in Go run it, so it is a call.
#[test]
fn a_call_in_other_letters_is_a_pair_whatever_is_recorded() {
    let exchange = ("POST", "/mcp", (JSON, r#"{"Method":"tools/call","id":1}"#), (200, JSON, "{}"));
    let (told, last) = last_of(HttpRecording::none().exclude("/*"), &[SPOKEN, exchange]);
    assert_eq!(told, ["mcp.tools.call request tools/call: -", "mcp.tools.call response tools/call: no_response"]);
    assert_eq!(last.unwrap().text(names::AUDITRAIL_MESSAGE_AMBIGUOUS), Some("go-json"));
}

/// The server says itself what it thinks of it.
#[test]
fn a_jsonrpc_error_that_answers_no_message_is_its_outcome() {
    let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"canary"}}"#;
    for status in [200, 400] {
        let exchange = ("POST", "/mcp", (JSON, "{ nonsense"), (status, JSON, error));
        let (told, last) = last_of(HttpRecording::none(), &[exchange]);
        assert_eq!(told[1], "http.request response -: jsonrpc_error", "{status}");
        assert_eq!(last.unwrap().text(names::ERROR_TYPE), Some("-32700"));
    }
}

/// A document of which nothing more is known than that it is one is not what a call was answered with.
#[test]
fn an_answer_that_is_no_message_leaves_a_call_without_one() {
    for (kind, body, error) in [
        (JSON, r#"{"status":"ok"}"#, None),
        (JSON, "{ nonsense", Some("unreadable")),
        ("text/event-stream", "data: {\"type\":\"heartbeat\",\"error\":null}\n\n", None),
    ] {
        let (told, last) = last_of(HttpRecording::none(), &[("POST", "/mcp", CALL, (200, kind, body))]);
        assert_eq!(told.len(), 2, "{body}: {told:?}");
        assert_eq!(told[1], "mcp.tools.call response tools/call: no_response", "{body}");
        assert_eq!(last.unwrap().text(names::ERROR_TYPE), error, "{body}");
    }
}

#[test]
fn all_includes_what_got_no_response() {
    for (recording, count) in [(HttpRecording::all(), 2), (HttpRecording::failures(), 0)] {
        let rig = Rig::new();
        let inner = Inner(|_: Asked| pending());
        let mut service = rig.trail.mcp_layer().record_http(recording).layer(inner);
        let mut future = Box::pin(service.call(Request::get("/slow").body(Script::new(&[])).unwrap()));
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(future);
        let told = rig.told();
        assert_eq!(told.len(), count);
        assert!(told.last().is_none_or(|last| last.ends_with(": no_response")), "{told:?}");
    }
}
