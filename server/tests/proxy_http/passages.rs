//! Requests whose server answers before it has them, or that never reach one: one pair each, and the call has a name.

use std::sync::Arc;

use auditrail::capture::mcp::HttpRecording;
use auditrail::record::{Record, Value, names};
use auditrail::trail::{Class, TrailBuilder};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::message::Messages;
use crate::rig::{Client, Proxy, Server, call, here, ok, result, reverse, until, within};
use crate::streams::{accepted, listening};
use crate::support::{Bench, ending};

const HEAD: &str = "POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Type: application/json";
const TOKEN: &str = r#"{"error":"invalid_token"}"#;

fn refusal(status: &str, connection: &str) -> String {
    let fields = format!("WWW-Authenticate: Bearer\r\nContent-Type: application/json\r\nConnection: {connection}");
    format!("HTTP/1.1 {status}\r\n{fields}\r\nContent-Length: {}\r\n\r\n{TOKEN}", TOKEN.len())
}

/// As the official TypeScript client writes it: the id is last.
fn large(bytes: usize) -> String {
    let arguments = "x".repeat(bytes);
    format!(
        r#"{{"method":"tools/call","params":{{"name":"delete_user","arguments":{{"a":"{arguments}"}}}},"jsonrpc":"2.0","id":7}}"#
    )
}

/// A record's phase, event, tool, id, detail and status.
type Told<'a> = (&'a str, &'a str, Option<&'a str>, Option<&'a str>, &'a str, Option<i64>);

fn told(records: &[Record]) -> Vec<Told<'_>> {
    let told = records.iter().map(|record| {
        let status = match record.get(names::HTTP_RESPONSE_STATUS_CODE) {
            Some(Value::Int(status)) => Some(*status),
            _ => None,
        };
        let (phase, _, detail) = ending(record);
        let [tool, id] = [names::GEN_AI_TOOL_NAME, names::JSONRPC_REQUEST_ID].map(|name| record.text(name));
        (phase, &*record.event_name, tool, id, detail, status)
    });
    told.collect()
}

fn pair(id: Option<&str>, status: i64) -> Vec<Told<'_>> {
    let (event, tool) = ("auditrail.mcp.tools.call", Some("delete_user"));
    let ending = |event, phase, detail| (phase, event, tool, id, detail, Some(status));
    let request = ("request", event, tool, id, "", None);
    match status {
        401 => vec![request, ending("auditrail.authn", "", "denied"), ending(event, "response", "denied")],
        403 => vec![request, ending("auditrail.authz", "", "denied"), ending(event, "response", "denied")],
        _ => vec![request, ending(event, "response", "http_error")],
    }
}

/// A body with its framing, in so many pieces.
fn pieces(body: &str, is_chunked: bool) -> (String, Vec<String>) {
    let third = body.len() / 3;
    let parts = [&body[..third], &body[third..2 * third], &body[2 * third..]];
    if is_chunked {
        let mut chunks: Vec<_> = parts.iter().map(|part| format!("{:x}\r\n{part}\r\n", part.len())).collect();
        chunks.push("0\r\n\r\n".into());
        return (format!("{HEAD}\r\nTransfer-Encoding: chunked\r\n\r\n"), chunks);
    }
    let head = format!("{HEAD}\r\nContent-Length: {}\r\n\r\n", body.len());
    (head, parts.iter().map(|part| (*part).to_owned()).collect())
}

#[tokio::test]
async fn one_request_is_one_pair_whenever_its_server_answers() {
    for is_chunked in [false, true] {
        for connection in ["keep-alive", "close"] {
            for before in 0..=3 {
                let (listener, proxy) = listening().await;
                let mut client = proxy.client().await;
                let (head, body) = pieces(&call(7, "delete_user"), is_chunked);
                client.send(head).await;
                let (read, mut write) = accepted(&listener).await.into_split();
                let mut server = Messages::new(read);
                within(server.head()).await.unwrap();
                for piece in &body[..before] {
                    client.send(piece).await;
                    within(server.more()).await;
                }
                write.write_all(refusal("401 Unauthorized", connection).as_bytes()).await.unwrap();
                if connection == "close" {
                    drop((server, write));
                }
                let answer = client.response("POST").await;
                assert_eq!((answer.status(), answer.text().as_str()), (401, TOKEN), "it does not wait for the body");
                for piece in &body[before..] {
                    client.send(piece).await;
                }
                let way = format!("chunked: {is_chunked}, {connection}, {before} pieces before the answer");
                until("the pair", || proxy.bench.records().len() >= 2).await;
                assert_eq!(told(&proxy.records().await), pair(Some("7"), 401), "{way}");
            }
        }
    }
}

#[tokio::test]
async fn one_request_of_http_2_is_one_pair_whenever_its_server_answers() {
    for connection in ["keep-alive", "close"] {
        let (listener, proxy) = listening().await;
        let stream = TcpStream::connect(proxy.address).await.unwrap();
        let (mut sender, driven) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(driven);
        let (frames, body) = mpsc::channel(8);
        let body = StreamBody::new(ReceiverStream::new(body));
        let request = Request::post("http://a/mcp").header("content-type", "application/json").body(body).unwrap();
        let answer = tokio::spawn(sender.send_request(request));
        let (read, mut write) = accepted(&listener).await.into_split();
        let mut server = Messages::new(read);
        within(server.head()).await.unwrap();
        write.write_all(refusal("401 Unauthorized", connection).as_bytes()).await.unwrap();
        if connection == "close" {
            drop((server, write));
        }
        let answer = within(answer).await.unwrap().unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(within(answer.into_body().collect()).await.unwrap().to_bytes(), TOKEN);
        let body = call(7, "delete_user").into_bytes();
        for piece in body.chunks(30) {
            let frame = Ok::<_, std::convert::Infallible>(Frame::data(Bytes::copy_from_slice(piece)));
            frames.send(frame).await.unwrap();
        }
        drop(frames);
        until("the pair", || proxy.bench.records().len() >= 2).await;
        assert_eq!(told(&proxy.records().await), pair(Some("7"), 401), "{connection}");
    }
}

/// A server that refuses and closes while a large body is still on its way.
#[tokio::test]
async fn a_call_that_was_refused_while_it_came_is_named_by_what_came() {
    let body = large(200_000);
    // All of the rest comes; or some of it, and the client goes.
    for (end, id) in [(body.len(), Some("7")), (body.len() - 1, None), (5_000, None)] {
        let (listener, proxy) = listening().await;
        let mut client = proxy.client().await;
        client.send(format!("{HEAD}\r\nContent-Length: {}\r\n\r\n", body.len())).await;
        client.send(&body[..40]).await;
        let mut server = accepted(&listener).await;
        within(Messages::new(&mut server).head()).await.unwrap();
        server.write_all(refusal("403 Forbidden", "close").as_bytes()).await.unwrap();
        drop(server);
        let answer = client.response("POST").await;
        assert_eq!((answer.status(), answer.text().as_str()), (403, TOKEN));
        client.send(&body[40..end]).await;
        if end < body.len() {
            drop(client);
        }
        until("the pair", || proxy.bench.records().len() >= 3).await;
        assert_eq!(told(&proxy.records().await), pair(id, 403), "{end} of {}", body.len());
    }
}

#[tokio::test]
async fn a_call_whose_server_is_not_there_is_named() {
    let gone = TcpListener::bind(here()).await.unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let body = large(200_000);
    let proxy = Proxy::before(address).await;
    for calls in 1..=2 {
        let mut client = proxy.client().await;
        client.send(format!("{HEAD}\r\nContent-Length: {}\r\n\r\n", body.len())).await;
        client.send(&body).await;
        assert_eq!(client.response("POST").await.status(), 502);
        until("the pair", || proxy.bench.records().len() >= 2 * calls).await;
    }
    assert_eq!(told(&proxy.records().await), [pair(Some("7"), 502), pair(Some("7"), 502)].concat());
}

/// Reading on must not look as if somebody wanted the body.
#[tokio::test]
async fn a_client_that_asks_first_is_not_told_to_go_on_by_that() {
    let gone = TcpListener::bind(here()).await.unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let proxy = Proxy::before(address).await;
    let mut client = proxy.client().await;
    client.send(format!("{HEAD}\r\nContent-Length: 80\r\nExpect: 100-continue\r\n\r\n")).await;
    let answer = client.response("POST").await;
    assert_eq!(answer.status(), 502, "and no 100 before it");
    let records = proxy.records().await;
    let events: Vec<_> = records.iter().map(|record| (&*record.event_name, ending(record).2)).collect();
    assert_eq!(events, [("auditrail.http.request", ""), ("auditrail.http.request", "http_error")]);
}

/// A body that nobody wants is read on for a while, and not for ever.
#[tokio::test]
async fn a_body_without_an_end_is_not_read_without_one() {
    let (listener, proxy) = listening().await;
    let mut client = proxy.client().await;
    client.send(format!("{HEAD}\r\nTransfer-Encoding: chunked\r\n\r\n")).await;
    let begin = &large(1)[..60];
    client.send(format!("{:x}\r\n{begin}\r\n", begin.len())).await;
    let mut server = accepted(&listener).await;
    within(Messages::new(&mut server).head()).await.unwrap();
    server.write_all(refusal("403 Forbidden", "close").as_bytes()).await.unwrap();
    drop(server);
    assert_eq!(client.response("POST").await.status(), 403);
    let chunk = format!("{:x}\r\n{}\r\n", 100_000, "x".repeat(100_000));
    let sending = async { while client.stream.write_all(chunk.as_bytes()).await.is_ok() {} };
    within(sending).await;
    until("the pair", || proxy.bench.records().len() >= 3).await;
    assert_eq!(told(&proxy.records().await), pair(None, 403));
}

/// A server with what stands beside MCP on the same origin.
async fn origin() -> Server {
    let answer = |status: &str, kind: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            .into_bytes()
    };
    Server::answering(move |request| match request.first_line() {
        "POST /mcp HTTP/1.1" => ok("application/json", &result(1)),
        "GET /health HTTP/1.1" => answer("200 OK", "application/json", r#"{"status":"ok"}"#),
        "GET /mcp HTTP/1.1" => answer("405 Method Not Allowed", "text/plain", ""),
        "POST /register HTTP/1.1" => answer("201 Created", "application/json", r#"{"client_id":"1"}"#),
        "POST /token HTTP/1.1" => answer("200 OK", "application/json", r#"{"access_token":"canary"}"#),
        _ => answer("404 Not Found", "text/html", "<!DOCTYPE html>"),
    })
    .await
}

fn json(path: &str, body: &str) -> String {
    let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json");
    format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

async fn visit(client: &mut Client) -> Vec<u16> {
    let registration = r#"{"client_name":"canary","redirect_uris":["http://localhost/"],"grant_types":["authorization_code"],"token_endpoint_auth_method":"none"}"#;
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut statuses = vec![client.post(&call(1, "echo")).await.status()];
    for path in ["/health", "/mcp", "/.well-known/oauth-protected-resource/mcp", "/nowhere?secret=canary"] {
        statuses.push(client.ask(get(path)).await.status());
    }
    statuses.push(client.ask(json("/register", registration)).await.status());
    let form = "POST /token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 6\r\n\r\ncanary";
    statuses.push(client.ask(form).await.status());
    statuses
}

fn critical(builder: TrailBuilder) -> TrailBuilder {
    builder.classify(|call| if call.name() == Some("pay") { Class::CRITICAL } else { Class::default() })
}

#[tokio::test]
async fn what_is_no_mcp_is_recorded_as_it_is_asked_for_and_refused_by_no_rule() {
    let server = origin().await;
    for (recording, expected) in [
        (HttpRecording::failures(), &["/nowhere 404 http_error"][..]),
        (HttpRecording::failures().exclude("/no*"), &[]),
        (HttpRecording::none(), &[]),
        (
            HttpRecording::all().exclude("/health"),
            &[
                "/mcp 405 ok",
                "/.well-known/oauth-protected-resource/mcp 404 ok",
                "/nowhere 404 http_error",
                "/register 201 ok",
                "/token 200 ok",
            ],
        ),
    ] {
        for with_rule in [false, true] {
            let bench = if with_rule { Bench::with(critical) } else { Bench::new() };
            let mut settings = reverse(server.address);
            settings.record = recording.clone();
            let proxy = Proxy::with(Arc::new(bench), settings).await;
            let mut client = proxy.client().await;
            assert_eq!(visit(&mut client).await, [200, 200, 405, 404, 404, 201, 200], "with a rule: {with_rule}");
            drop(client);
            let records = proxy.records().await;
            assert!(!format!("{records:?}").contains("canary"));
            let calls = records.iter().filter(|record| record.event_name == "auditrail.mcp.tools.call").count();
            assert_eq!(calls, 2);
            let responses = records.iter().filter(|record| ending(record).0 == "response");
            let beside = responses.filter(|record| record.event_name == "auditrail.http.request").map(|record| {
                let status = record.get(names::HTTP_RESPONSE_STATUS_CODE).map(|status| match status {
                    Value::Int(status) => *status,
                    other => panic!("{other:?}"),
                });
                format!("{} {} {}", record.text(names::URL_PATH).unwrap(), status.unwrap(), ending(record).2)
            });
            assert_eq!(beside.collect::<Vec<_>>(), expected, "{recording:?}, with a rule: {with_rule}");
        }
    }
}

/// Fail-closed classes concern calls, and what could be one.
#[tokio::test]
async fn a_rule_refuses_no_document_in_which_no_server_could_find_a_call() {
    let server = Server::answering(|_| ok("text/plain", "taken")).await;
    let mut settings = reverse(server.address);
    settings.max_held = 10_000;
    let proxy = Proxy::with(Arc::new(Bench::with(critical)), settings).await;
    let typed = |kind: &str, body: &str| {
        let head = format!("POST /a HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}");
        format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let upload = "-".repeat(50_000);
    for (kind, body) in [
        ("application/json", r#"{"client_name":"a","methods":["GET"]}"#),
        ("application/json", r#"{"nested":{"method":"GET"}}"#),
        ("application/json", "[1,{},null]"),
        ("application/json", "17"),
        ("text/plain", r#"{"client_name":"a"}"#),
        ("multipart/form-data", &upload),
    ] {
        assert_eq!(proxy.client().await.ask(typed(kind, body)).await.text(), "taken", "{kind} {body:.40}");
        assert_eq!(server.last().text(), body);
    }
    for (kind, body) in [
        // Go's encoding/json takes a key whatever its letters.
        ("application/json", r#"{"Method":"tools/call","id":1}"#),
        ("application/json", r#"{"\u004dETHOD":"tools/call"}"#),
        ("application/json", r#"[{"a":1},{"mEthod":"x"}]"#),
        ("application/json", "{ nonsense"),
        ("text/plain", r#"{"Method":"tools/call"}"#),
    ] {
        let before = server.seen().len();
        let answer = proxy.client().await.ask(typed(kind, body)).await;
        assert!(matches!(answer.status(), 400 | 415) && answer.text().contains("-32044"), "{body}: {answer:?}");
        assert_eq!(server.seen().len(), before, "{body}");
    }
}
