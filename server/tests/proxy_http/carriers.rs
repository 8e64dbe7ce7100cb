//! What carries a call does not hide it: charsets, codings that are only named, fields that `Connection` would take away,
//! other methods. Without rules it goes on as it came and is recorded; with rules it is held, or refused before the server
//! sees it.

use auditrail::policy::Decision;
use auditrail::record::{Record, Value, names};
use auditrail::trail::{Class, TrailBuilder};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::message::Message;
use crate::rig::{Proxy, Server, call, ok, result, within};
use crate::support::ending;

type Rule = fn(TrailBuilder) -> TrailBuilder;

/// The two ways to have a rule.
const RULES: [Rule; 2] = [|builder| builder.classify(|_| Class::CRITICAL), |builder| builder.authorize(decide)];

fn decide(call: &auditrail::trail::Call) -> Decision {
    if call.name() == Some("delete_all") { Decision::deny("not by anybody") } else { Decision::Allow }
}

async fn echo() -> Server {
    Server::answering(|_| ok("application/json", &result(1))).await
}

fn request(method: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("{method} /mcp HTTP/1.1\r\nHost: a\r\n{fields}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// `phase method tool: outcome detail error.type`
fn told(record: &Record) -> String {
    let text = |name| record.text(name).unwrap_or("-");
    let (phase, outcome, detail) = ending(record);
    let [method, tool] = [names::MCP_METHOD_NAME, names::GEN_AI_TOOL_NAME].map(text);
    format!("{phase} {method} {tool}: {outcome} {detail} {}", text(names::ERROR_TYPE))
}

fn strings(record: &Record, name: &str) -> Vec<String> {
    let Some(Value::Array(texts)) = record.get(name) else { return Vec::new() };
    texts.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn code(answer: &Message) -> i64 {
    let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    answer["error"]["code"].as_i64().unwrap()
}

/// A ping, and to readers of UTF-7 the deletion of everything (`+ACI-` is a quotation mark): Express runs it.
const TWO_FACED: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"+ACI-},+ACI-method+ACI-:+ACI-tools/call+ACI-,+ACI-params+ACI-:{+ACI-name+ACI-:+ACI-delete_all+ACI-,+ACI-b+ACI-:+ACI-"}}"#;
const CHARSETS: [&str; 6] = [
    "Content-Type: application/json; charset=utf-7",
    "Content-Type: application/json; charset=utf-8; charset=\"UTF\\-7\"",
    "Content-Type: application/json; charset*=utf-8''utf-7",
    "Content-Type: application/json\r\nContent-Type: application/json; charset = utf-7",
    "Content-Type: application/json; charset=cp437",
    "Content-Type: text/plain; charset=utf-7-imap",
];

#[tokio::test]
async fn another_charset_is_told_and_under_rules_refused() {
    let server = echo().await;
    for fields in CHARSETS {
        let proxy = Proxy::before(server.address).await;
        let answer = proxy.client().await.ask(request("POST", fields, TWO_FACED)).await;
        assert_eq!((answer.status(), server.last().body), (200, TWO_FACED.to_vec()), "{fields}: as it came");
        let records = proxy.records().await;
        let all: Vec<_> = records.iter().map(told).collect();
        assert_eq!(all, ["request - -: unknown  -", "response - -: unknown  unreadable"], "{fields}");
        assert_eq!(strings(&records[1], names::AUDITRAIL_MESSAGE_FLAW), ["charset"]);
        assert_eq!(strings(&records[1], names::AUDITRAIL_MESSAGE_READINGS), ["ping"]);
    }
    let relayed = server.seen().len();
    for (fields, rule) in CHARSETS.into_iter().flat_map(|fields| RULES.map(|rule| (fields, rule))) {
        let proxy = Proxy::built(server.address, rule).await;
        let answer = proxy.client().await.ask(request("PUT", fields, TWO_FACED)).await;
        assert_eq!((answer.status(), code(&answer)), (415, -32044), "{fields}");
        let all: Vec<_> = proxy.records().await.iter().map(told).collect();
        assert_eq!(all, ["request - -: unknown  -", "response - -: failure denied -32044"], "{fields}");
    }
    assert_eq!(server.seen().len(), relayed, "before the server saw it");
}

#[tokio::test]
async fn a_coding_that_is_only_named_is_told_and_under_rules_refused() {
    let server = echo().await;
    let plain = call(1, "delete_all");
    for coding in ["zstd", "x", "gzip", "identity, x", "br", "gzip\r\nContent-Encoding: identity"] {
        // Not all codings can begin with these.
        for body in [plain.clone(), format!(" \n{plain}"), format!("[{plain}]")] {
            let fields = format!("Content-Type: application/json\r\nContent-Encoding: {coding}");
            let request = request("POST", &fields, body.as_bytes());
            let proxy = Proxy::before(server.address).await;
            assert_eq!(proxy.client().await.ask(&request).await.status(), 200, "{coding}");
            assert_eq!(server.last().text(), body);
            let records = proxy.records().await;
            let all: Vec<_> = records.iter().map(told).collect();
            let pair = ["request tools/call delete_all: unknown  -", "response tools/call delete_all: success ok -"];
            assert_eq!(all, pair, "{coding} {body}");
            let readers: Vec<_> =
                records.iter().map(|record| record.text(names::AUDITRAIL_MESSAGE_AMBIGUOUS)).collect();
            assert_eq!(readers, [Some("starlette"); 2]);
            let relayed = server.seen().len();
            let critical = Proxy::built(server.address, RULES[0]).await;
            let answer = critical.client().await.ask(&request).await;
            assert_eq!((answer.status(), code(&answer)), (400, -32044), "{coding} {body}");
            assert_eq!(server.seen().len(), relayed);
            assert_eq!(critical.records().await.len(), 2);
        }
    }
}

/// The proxy would take it away, and the server would read another message than the one that is recorded.
#[tokio::test]
async fn what_connection_would_take_away_is_refused() {
    let server = echo().await;
    let pay = call(1, "delete_all");
    let json = "Content-Type: application/json";
    for field in ["content-encoding", "Content-Type", "Mcp-Session-Id", "authorization", "HOST", "content-length"] {
        let fields = format!("{json}\r\nContent-Encoding: gzip\r\nConnection: keep-alive, {field}");
        let none: Rule = |builder| builder;
        for rule in [none, RULES[0]] {
            let proxy = Proxy::built(server.address, rule).await;
            let answer = proxy.client().await.ask(request("POST", &fields, pay.as_bytes())).await;
            assert_eq!((answer.status(), code(&answer)), (400, -32044), "{field}");
            assert!(answer.text().contains(&field.to_ascii_lowercase()), "{}", answer.text());
            let all: Vec<_> = proxy.records().await.iter().map(told).collect();
            let [asked, refused] = &all[..] else { panic!("{all:?}") };
            assert_eq!(asked, "request tools/call delete_all: unknown  -");
            assert!(refused.starts_with("response tools/call delete_all: failure "), "{refused}");
        }
    }
    assert!(server.seen().is_empty());
    // What is of the connection, and what nobody goes by, ends here as ever.
    let proxy = Proxy::before(server.address).await;
    let fields = format!("{json}\r\nConnection: keep-alive, TE, X-Mine\r\nX-Mine: 1");
    assert_eq!(proxy.client().await.ask(request("POST", &fields, pay.as_bytes())).await.status(), 200);
    assert_eq!(server.last().field("x-mine"), None);
}

#[tokio::test]
async fn a_call_is_recorded_and_held_whatever_its_method() {
    let server = echo().await;
    let json = "Content-Type: application/json-seq, application/json";
    for method in ["PUT", "PATCH", "DELETE", "GET", "post", "OPTIONS", "X"] {
        let (good, bad) = (call(1, "read"), call(7, "delete_all"));
        let proxy = Proxy::built(server.address, RULES[1]).await;
        let open = Proxy::before(server.address).await;
        for (proxy, tool) in [(&open, &bad), (&proxy, &good)] {
            let answer = proxy.client().await.ask(request(method, json, tool.as_bytes())).await;
            assert_eq!((answer.status(), server.last().text()), (200, tool.clone()), "{method}");
            assert_eq!(server.last().first_line(), format!("{method} /mcp HTTP/1.1"), "as it came");
        }
        let relayed = server.seen().len();
        let answer = proxy.client().await.ask(request(method, json, bad.as_bytes())).await;
        assert_eq!((answer.status(), code(&answer)), (200, -32043), "{method}");
        let text = proxy.client().await.ask(request(method, "Content-Type: text/plain", bad.as_bytes())).await;
        assert_eq!((text.status(), code(&text)), (415, -32044), "{method}");
        assert_eq!(server.seen().len(), relayed, "{method}: the server saw neither");
        let all: Vec<_> = proxy.records().await.iter().map(told).collect();
        let expected = [
            "request tools/call read: unknown  -",
            "response tools/call read: success ok -",
            "request tools/call delete_all: unknown  -",
            " tools/call delete_all: failure denied denied",
            "response tools/call delete_all: failure denied -32043",
        ];
        assert_eq!(all[..5], expected, "{method}");
        let all: Vec<_> = open.records().await.iter().map(told).collect();
        assert_eq!(all[0], "request tools/call delete_all: unknown  -", "{method}");
    }
}

#[tokio::test]
async fn over_http_2_it_is_the_same() {
    let server = echo().await;
    let bad = call(1, "delete_all");
    for (method, field, value, body, status) in [
        ("POST", "content-type", "application/json; charset=utf-7", TWO_FACED, 415),
        ("POST", "content-encoding", "x", bad.as_bytes(), 400),
        ("PUT", "content-type", "application/json", bad.as_bytes(), 200),
        ("post", "x-other", "1", bad.as_bytes(), 200),
    ] {
        let (open, ruled) = (Proxy::before(server.address).await, Proxy::built(server.address, RULES[1]).await);
        let before = server.seen().len();
        let mut answers = Vec::new();
        for proxy in [&open, &ruled] {
            let stream = TcpStream::connect(proxy.address).await.unwrap();
            let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            let request = Request::builder().method(method).uri("http://mcp.example/mcp").header(field, value);
            let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
            let response = within(sender.send_request(request)).await.unwrap();
            answers.push(response.status().as_u16());
            drop(within(response.into_body().collect()).await.unwrap());
        }
        assert_eq!(answers, [200, status], "{method} {value}");
        assert_eq!(server.seen().len(), before + 1, "{method} {value}: the server saw only one");
        for proxy in [open, ruled] {
            let mut records = proxy.records().await;
            assert_eq!(records[0].text(names::NETWORK_PROTOCOL_VERSION), Some("2"));
            // One pair; a call that the rule denies has its decision, too.
            records.retain(|record| record.event_name != "auditrail.authz");
            assert_eq!(records.len(), 2, "{method} {value}");
        }
    }
}
