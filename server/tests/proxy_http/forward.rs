//! The forward proxy.

use std::sync::Arc;

use auditrail::record::names;
use auditrail_server::proxy::http::HttpSettings;

use crate::rig::{Proxy, Server, call, here, ok, post, result};
use crate::support::Bench;

pub(crate) async fn forward() -> Proxy {
    let mut settings = HttpSettings::forward(here());
    settings.drain = std::time::Duration::from_millis(300);
    Proxy::with(Arc::new(Bench::new()), settings).await
}

#[tokio::test]
async fn requests_go_to_the_server_that_they_name() {
    let one = Server::answering(|_| ok("application/json", &result(1))).await;
    let two = Server::answering(|_| {
        ok("application/json", r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"x"}}"#)
    })
    .await;
    let proxy = forward().await;
    let mut client = proxy.client().await;
    for server in [&one, &two] {
        let request = String::from_utf8(post(&call(1, "echo"))).unwrap();
        let request = request.replace("POST /mcp ", &format!("POST http://{}/a//b%2F?c ", server.address));
        let answer = client.ask(request.replace("mcp.example", &server.address.to_string())).await;
        assert_eq!(answer.status(), 200);
        let seen = server.last();
        assert_eq!(seen.first_line(), "POST /a//b%2F?c HTTP/1.1");
        assert_eq!(seen.field("host"), Some(server.address.to_string().as_str()));
    }
    let records = proxy.records().await;
    let ends = records.iter().filter(|record| record.text(names::AUDITRAIL_PHASE) == Some("response"));
    let ends: Vec<_> = ends.map(|record| record.text(names::AUDITRAIL_OUTCOME_DETAIL).unwrap()).collect();
    assert_eq!((records.len(), ends), (4, vec!["ok", "jsonrpc_error"]));
}

/// Both servers give the same session id, and the same ids are open in both.
#[tokio::test]
async fn each_server_has_sessions_of_its_own() {
    let initialize = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"NAME","version":"1"}}}"#;
    let answer = |_: &_| {
        let body = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: same";
        format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    };
    let servers = [Server::answering(answer).await, Server::answering(answer).await];
    let proxy = forward().await;
    let mut client = proxy.client().await;
    for (server, name) in servers.iter().zip(["one", "two"]) {
        let body = initialize.replace("NAME", name);
        let request = String::from_utf8(post(&body)).unwrap();
        client.ask(request.replace("POST /mcp ", &format!("POST http://{}/mcp ", server.address))).await;
    }
    for server in &servers {
        let request = String::from_utf8(post(&call(0, "echo"))).unwrap();
        let request = request.replace("Host:", "Mcp-Session-Id: same\r\nHost:");
        client.ask(request.replace("POST /mcp ", &format!("POST http://{}/mcp ", server.address))).await;
    }
    let records = proxy.records().await;
    let calls = records.iter().filter(|record| {
        record.text(names::MCP_METHOD_NAME) == Some("tools/call")
            && record.text(names::AUDITRAIL_PHASE) == Some("request")
    });
    let clients: Vec<_> = calls.map(|record| record.text(names::AUDITRAIL_CLIENT_NAME).unwrap()).collect();
    assert_eq!(clients, ["one", "two"], "whose session it is depends on the server");
}

#[tokio::test]
async fn what_is_no_request_for_a_forward_proxy_is_told_so() {
    let proxy = forward().await;
    for (request, status, said) in [
        ("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n".to_owned(), 501, "does not tunnel"),
        ("GET /mcp HTTP/1.1\r\nHost: example.com\r\n\r\n".to_owned(), 400, "ask it for http://HOST:PORT/PATH"),
        ("GET https://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n".to_owned(), 501, "does not tunnel"),
        (format!("GET http://{0}/ HTTP/1.1\r\nHost: {0}\r\n\r\n", proxy.address), 508, "for this proxy itself"),
        ("GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n".to_owned(), 502, "cannot be reached"),
    ] {
        let answer = proxy.client().await.ask(&request).await;
        assert_eq!(answer.status(), status, "{request}");
        assert!(answer.text().contains(said), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_reverse_proxy_does_not_tunnel_either() {
    let server = Server::answering(|_| ok("text/plain", "x")).await;
    let proxy = Proxy::before(server.address).await;
    let answer = proxy.client().await.ask("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n").await;
    assert_eq!((answer.status(), server.seen().len()), (501, 0));
}
