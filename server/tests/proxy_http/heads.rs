//! Heads: targets, fields, statuses.

use std::sync::Arc;

use crate::message::Message;
use crate::rig::{Proxy, Server, ok, reverse};
use crate::support::Bench;

/// A request and the answer to it, as the other side saw each.
async fn exchanged(request: &str, answer: &str) -> (Message, Message) {
    let answer = answer.replace('\n', "\r\n").into_bytes();
    let server = Server::answering(move |_| answer.clone()).await;
    let proxy = Proxy::before(server.address).await;
    let answer = proxy.client().await.ask(request.replace('\n', "\r\n")).await;
    (server.last(), answer)
}

#[tokio::test]
async fn invariant_1_targets_pass_as_they_are() {
    let targets = [
        "/",
        "/mcp",
        "//mcp//",
        "/mcp/../x/./y",
        "/%2Fmcp%2f?%20=+&&a=/?b",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/openid-configuration",
        "/a;b=c,d:e@f!$&'()*~",
        "/mcp?",
        "/?x={a:1}|[2]^`",
        "/sse?sessionId=1#",
        "/mcp?url=http://other.example/x",
    ];
    let server = Server::answering(|_| ok("text/plain", "x")).await;
    let proxy = Proxy::before(server.address).await;
    let mut client = proxy.client().await;
    for target in targets {
        let answer = client.ask(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert_eq!(answer.status(), 200, "{target}");
        // A fragment is no part of a request (RFC 9112, section 3.2), so it is not passed on.
        assert_eq!(server.last().first_line(), format!("GET {} HTTP/1.1", target.trim_end_matches('#')));
    }
    for method in ["DELETE", "OPTIONS", "PUT", "PATCH", "PROPFIND", "x-custom"] {
        client.ask(format!("{method} /mcp HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert_eq!(server.last().first_line(), format!("{method} /mcp HTTP/1.1"));
    }
    client.ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(server.last().first_line(), "OPTIONS * HTTP/1.1");
}

#[tokio::test]
async fn invariants_1_and_2_fields_pass_as_they_are_and_none_is_added() {
    let request = "GET /mcp HTTP/1.1\nhOST: Mcp.Example:81\nx-B: 2\nX-a: 1\nX-b: \u{fc}ml\nMcp-Session-Id: s1\n\
                   Last-Event-ID: 7\nAuthorization: Bearer t\nCookie: a=b\nEmpty:\nForwarded: for=1.2.3.4\nVia: 1.1 x\n\n";
    let answer = "HTTP/1.1 200 Quite OK\nSet-Cookie: a=1\nset-cookie: b=2\nWWW-Authenticate: Bearer x\n\
                  Access-Control-Allow-Origin: *\nserver: mine\nMCP-SESSION-ID: s1\nContent-length: 0\n\n";
    let (seen, got) = exchanged(request, answer).await;
    let lines = |text: &str| text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    // Values of one name stand together.
    let expected = request.replace("X-a: 1\nX-b: \u{fc}ml", "X-b: \u{fc}ml\nX-a: 1");
    let expected: Vec<String> = lines(&expected).iter().map(|line| latin(line)).collect();
    assert_eq!(seen.end_to_end(), expected);
    assert_eq!(seen.head.len(), lines(request).len(), "no field of the connection was made up");
    assert_eq!(got.end_to_end(), lines(answer));
    assert_eq!(got.head.len(), lines(answer).len(), "no Date, no Connection");
}

/// Each byte as a character.
fn latin(line: &str) -> String {
    line.bytes().map(char::from).collect()
}

#[tokio::test]
async fn invariant_1_fields_of_the_connection_end_here() {
    let request = "POST /mcp HTTP/1.1\nHost: a\nConnection: keep-alive, X-Mine, Upgrade\nKeep-Alive: timeout=9\nX-Mine: 1\n\
                   Upgrade: websocket\nTE: gzip\nProxy-Authorization: Basic eA==\nProxy-Connection: keep-alive\n\
                   X-Stays: 1\nContent-Length: 2\n\nhi";
    let answer = "HTTP/1.1 200 OK\nConnection: keep-alive, X-Theirs\nX-Theirs: 1\nKeep-Alive: timeout=5\n\
                  Proxy-Authenticate: Basic\nX-Stays: 1\nContent-Length: 2\n\nho";
    let (seen, got) = exchanged(request, answer).await;
    let shown = |message: &Message| message.head[1..].iter().map(|l| String::from_utf8_lossy(l).into_owned()).collect();
    let (seen_fields, got_fields): (Vec<String>, Vec<String>) = (shown(&seen), shown(&got));
    assert_eq!(seen_fields, ["Host: a", "X-Stays: 1", "Content-Length: 2"]);
    assert_eq!(got_fields, ["X-Stays: 1", "Content-Length: 2"]);
    assert_eq!((seen.text().as_str(), got.text().as_str()), ("hi", "ho"));
}

#[tokio::test]
async fn invariant_2_redirects_and_other_statuses_are_the_clients_affair() {
    let answers = [
        ("GET", "HTTP/1.1 307 Temporary Redirect\nLocation: http://127.0.0.1:1/else\nContent-Length: 0\n\n"),
        (
            "GET",
            "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Bearer resource_metadata=\"x\"\nContent-Length: 3\n\nno!",
        ),
        ("GET", "HTTP/1.1 204 No Content\nX-a: 1\n\n"),
        ("GET", "HTTP/1.1 304 Not Modified\nETag: \"x\"\n\n"),
        ("HEAD", "HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 1234\n\n"),
        ("GET", "HTTP/1.1 418 I'm a teapot\nContent-Length: 0\n\n"),
        ("GET", "HTTP/1.1 599 Whatever\nContent-Length: 0\n\n"),
    ];
    let bench = Arc::new(Bench::new());
    for (method, answer) in answers {
        let bytes = answer.replace('\n', "\r\n").into_bytes();
        let server = Server::answering(move |_| bytes.clone()).await;
        let proxy = Proxy::with(bench.clone(), reverse(server.address)).await;
        let mut client = proxy.client().await;
        // Twice over one connection: what has no body must not be waited for.
        for _ in 0..2 {
            let got = client.ask(format!("{method} /mcp HTTP/1.1\r\nHost: a\r\n\r\n")).await;
            let expected: Vec<_> = answer.lines().take_while(|line| !line.is_empty()).map(str::to_owned).collect();
            assert_eq!(got.end_to_end(), expected);
            assert!(got.is_complete && answer.ends_with(&got.text()));
        }
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn invariant_1_a_client_that_waits_for_100_continue_gets_it() {
    let server = Server::answering(|_| ok("text/plain", "done")).await;
    let proxy = Proxy::before(server.address).await;
    let mut client = proxy.client().await;
    client.send("POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n").await;
    let go_on = crate::rig::within(client.messages.head()).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&go_on[0]), "HTTP/1.1 100 Continue");
    client.send("abc").await;
    assert_eq!(client.response("POST").await.text(), "done");
    assert_eq!(server.last().text(), "abc");
    assert_eq!(server.last().field("expect"), Some("100-continue"));
}

#[tokio::test]
async fn invariant_1_large_heads_pass() {
    let answer = format!("HTTP/1.1 200 OK\r\nX-Large: {}\r\nContent-Length: 0\r\n\r\n", "b".repeat(30_000));
    let server = Server::answering(move |_| answer.clone().into_bytes()).await;
    let proxy = Proxy::before(server.address).await;
    let many: String = (0..300).map(|number| format!("X-{number}: {number}\r\n")).collect();
    let large = "a".repeat(30_000);
    let path = "p".repeat(8_000);
    let request = format!("GET /{path} HTTP/1.1\r\nHost: a\r\nCookie: {large}\r\n{many}\r\n");
    let got = proxy.client().await.ask(request).await;
    assert_eq!((got.status(), got.field("x-large").map(str::len)), (200, Some(30_000)));
    let seen = server.last();
    assert_eq!((seen.field("cookie"), seen.field("x-299")), (Some(large.as_str()), Some("299")));
    // What is larger than a buffer is refused, and not cut.
    let huge = format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: {}\r\n\r\n", "a".repeat(200_000));
    assert_eq!(proxy.client().await.ask(huge).await.status(), 431);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn invariant_1_a_target_in_absolute_form_says_which_host_is_meant() {
    let server = Server::answering(|_| ok("text/plain", "x")).await;
    let proxy = Proxy::before(server.address).await;
    proxy.client().await.ask("GET http://one.example/a?b HTTP/1.1\r\nHost: two.example\r\n\r\n").await;
    let seen = server.last();
    assert_eq!((seen.first_line(), seen.field("host")), ("GET /a?b HTTP/1.1", Some("one.example")));
}

#[tokio::test]
async fn invariant_1_a_body_that_is_framed_in_two_ways_has_one_reader() {
    let server = Server::answering(|_| ok("text/plain", "x")).await;
    let proxy = Proxy::before(server.address).await;
    let fields = "Host: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked";
    let request = format!("POST / HTTP/1.1\r\n{fields}\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut client = proxy.client().await;
    client.send(request).await;
    let _first = crate::rig::within(client.messages.response("POST")).await;
    let _second = crate::rig::within(client.messages.response("GET")).await;
    for seen in server.seen() {
        assert!(seen.field("content-length").is_none() || seen.field("transfer-encoding").is_none());
        assert!(seen.body.is_empty() && seen.is_complete, "{seen:?}");
    }
}
