//! Servers on other machines: host names, base paths, and the forwarding headers.

use std::sync::Arc;

use auditrail::record::{Record, Value, names};
use auditrail_server::proxy::http::{HostField, HttpProxy, HttpSettings, PemFiles, TrustedHops, Upstream};
use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::rig::{Proxy, Server, call, here, ok, post, result, reverse, within};
use crate::support::{Bench, ending};
use crate::versions::{file, tls};

/// A server of many names, as those of providers are: it answers to its own only.
async fn named() -> Server {
    Server::answering(|request| {
        let is_own = request.field("host").is_some_and(|host| host.starts_with("127.0.0.1:"));
        if is_own { ok("application/json", &result(1)) } else { MISDIRECTED.to_vec() }
    })
    .await
}

const MISDIRECTED: &[u8] = b"HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n";

fn as_upstream(server: &Server, hosts: &[&str]) -> HttpSettings {
    let mut settings = reverse(server.address);
    settings.host = HostField::Upstream;
    settings.hosts = hosts.iter().map(|name| (*name).to_owned()).collect();
    settings
}

fn asking(host: &str, origin: Option<&str>) -> String {
    let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
    let request = String::from_utf8(post(&call(1, "echo"))).unwrap();
    request.replace("Host: mcp.example\r\n", &format!("Host: {host}\r\n{origin}"))
}

fn endings(records: &[Record]) -> Vec<(&str, &str, &str)> {
    let told = |record| (ending(record).0, ending(record).2, Record::text(record, names::GEN_AI_TOOL_NAME));
    records.iter().map(told).map(|(phase, detail, tool)| (phase, detail, tool.unwrap_or("-"))).collect()
}

#[tokio::test]
async fn a_server_that_goes_by_its_name_is_asked_by_it_where_the_operator_says_so() {
    let server = named().await;
    let proxy = Proxy::before(server.address).await;
    let mut client = proxy.client().await;
    assert_eq!(client.ask(asking("localhost:8080", None)).await.status(), 421, "as the client wrote it");
    drop(proxy.records().await);

    let proxy = Proxy::with(Arc::new(Bench::new()), as_upstream(&server, &["mcp.example.org"])).await;
    let mut client = proxy.client().await;
    let own = format!("{}", server.address);
    for host in ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]", "MCP.example.org:443"] {
        assert_eq!(client.ask(asking(host, None)).await.text(), result(1), "{host}");
        let head = server.last().end_to_end();
        let expected = asking(host, None).replace(host, &own);
        assert_eq!(head.join("\r\n"), expected.split("\r\n\r\n").next().unwrap(), "nothing else is different");
    }
    let origin = "https://mcp.example.org";
    assert_eq!(client.ask(asking("localhost", Some(origin))).await.status(), 200);
    assert_eq!(server.last().field("origin"), Some(origin), "it goes on as it is");
    assert_eq!(proxy.records().await.len(), 12);
}

/// What the server cannot notice any more, the proxy does: the page of another site whose name leads here.
#[tokio::test]
async fn who_asks_for_another_host_or_from_its_page_is_refused_and_recorded() {
    let server = named().await;
    for (host, origin, said) in [
        ("evil.example:8080", None, "the Host of this request"),
        ("localhost@evil.example", None, "the Host of this request"),
        ("localhost", Some("http://evil.example:8080"), "the page of another site"),
        ("localhost", Some("null"), "the page of another site"),
    ] {
        let proxy = Proxy::with(Arc::new(Bench::new()), as_upstream(&server, &[])).await;
        let answer = proxy.client().await.ask(asking(host, origin)).await;
        assert_eq!((answer.status(), answer.field("content-type")), (403, Some("text/plain; charset=utf-8")), "{host}");
        assert!(answer.text().contains(said), "{}", answer.text());
        proxy.client().await.ask(asking(host, origin)).await;
        let told = proxy.bench.said();
        let told: Vec<_> = told.iter().filter(|text| text.contains("a request was refused (403)")).collect();
        assert!(told.len() == 1 && told[0].contains("--hosts"), "{told:?}");
        let records = proxy.records().await;
        let told = [("request", "", "echo"), ("", "denied", "echo"), ("response", "denied", "echo")];
        assert_eq!(endings(&records), [told, told].concat());
        let rule = if origin.is_some() { "proxy_origin" } else { "proxy_host" };
        for record in &records[1..3] {
            assert_eq!(record.get(names::HTTP_RESPONSE_STATUS_CODE), Some(&Value::Int(403)));
            assert_eq!(record.text(names::SECURITY_RULE_NAME), Some(rule));
        }
    }
    assert!(server.seen().is_empty(), "none of them came through");
}

#[tokio::test]
async fn the_authority_of_http_2_counts_as_host() {
    let server = named().await;
    let proxy = Proxy::with(Arc::new(Bench::new()), as_upstream(&server, &[])).await;
    for (uri, status) in [("http://localhost:1/mcp", 200), ("http://evil.example/mcp", 403)] {
        let stream = TcpStream::connect(proxy.address).await.unwrap();
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let response = sender.send_request(Request::get(uri).body(Empty::<Bytes>::new()).unwrap());
        assert_eq!(within(response).await.unwrap().status().as_u16(), status, "{uri}");
    }
}

#[tokio::test]
async fn a_base_path_stands_before_every_other() {
    for (url, asked, expected) in [
        ("", "/mcp?a=%2F&b", "/mcp?a=%2F&b"),
        ("/", "/mcp", "/mcp"),
        ("/base", "/mcp?a=%2F&b", "/base/mcp?a=%2F&b"),
        ("/base/", "/mcp", "/base/mcp"),
        ("/a/b%20c", "/", "/a/b%20c/"),
        ("/base", "/?q", "/base/?q"),
        ("/base", "//x/../y", "/base//x/../y"),
        ("/base", "http://mcp.example/mcp", "/base/mcp"),
        ("/base", "http://mcp.example", "/base/"),
    ] {
        let server = Server::answering(|_| ok("text/plain", "x")).await;
        let upstream = Upstream::new(&format!("http://{}{url}", server.address)).unwrap();
        let proxy = Proxy::with(Arc::new(Bench::new()), HttpSettings::reverse(here(), upstream)).await;
        let request = format!("GET {asked} HTTP/1.1\r\nHost: mcp.example\r\n\r\n");
        assert_eq!(proxy.client().await.ask(request).await.status(), 200);
        assert_eq!(server.last().first_line(), format!("GET {expected} HTTP/1.1"), "{url} {asked}");
    }
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_told_with_what_to_do() {
    for (url, said) in [
        ("http://a/base?q", "it has a query"),
        ("http://a/base#f", "it has a fragment"),
        ("a/base", "write it as http://HOST:PORT, https://HOST:PORT or https://HOST/PATH"),
    ] {
        let error = Upstream::new(url).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let server = here();
    let with = |change: fn(&mut HttpSettings)| {
        let mut settings = reverse(([127, 0, 0, 1], 9).into());
        change(&mut settings);
        settings
    };
    let mut forward = HttpSettings::forward(server);
    forward.forwarded = true;
    let mut named = HttpSettings::forward(server);
    named.host = HostField::Upstream;
    for (settings, said) in [
        (with(|settings| settings.hosts = vec!["a".into()]), "set host = \"upstream\""),
        (
            with(|settings| (settings.host, settings.hosts) = (HostField::Upstream, vec!["http://a".into()])),
            "write names such as mcp.example.org",
        ),
        (forward, "it belongs to a listener with an upstream"),
        (named, "it belongs to a listener with an upstream"),
    ] {
        let error = HttpProxy::bind(settings, &Bench::new().trail).await.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

/// As web frameworks do it: an address of their own is made of what the request says.
async fn redirecting() -> Server {
    Server::answering(|request| {
        let scheme = request.field("x-forwarded-proto").unwrap_or("http");
        let host = request.field("x-forwarded-host").or(request.field("host")).unwrap();
        format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {scheme}://{host}/mcp/\r\nContent-Length: 0\r\n\r\n")
            .into_bytes()
    })
    .await
}

#[tokio::test]
async fn a_server_behind_tls_redirects_to_where_its_client_is() {
    for (forwarded, expected) in [(false, "http://localhost:8443/mcp/"), (true, "https://localhost:8443/mcp/")] {
        let mut settings = reverse(redirecting().await.address);
        settings.tls = Some(PemFiles { certificate: file("ours-server.pem"), key: file("ours-server.key") });
        settings.forwarded = forwarded;
        let proxy = Proxy::with(Arc::new(Bench::new()), settings).await;
        let stream = TokioIo::new(tls(proxy.address, None).await);
        let (mut sender, connection) = http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get("/mcp").header("host", "localhost:8443").body(Empty::<Bytes>::new()).unwrap();
        let response = within(sender.send_request(request)).await.unwrap();
        assert_eq!(response.headers()["location"], expected);
    }
}

/// The peer of each test is 127.0.0.1.
#[tokio::test]
async fn the_way_of_a_request_is_told_and_what_others_say_of_it_is_not() {
    let (forged, hop) = ("127.0.0.1", "198.51.100.7, 127.0.0.1");
    for (trusted, addresses, proto) in [("10.0.0.0/8", forged, "http"), ("127.0.0.0/8", hop, "https")] {
        let server = Server::answering(|_| ok("text/plain", "x")).await;
        let mut settings = reverse(server.address);
        settings.forwarded = true;
        settings.hops = TrustedHops { networks: vec![trusted.parse().unwrap()], ..TrustedHops::default() };
        let proxy = Proxy::with(Arc::new(Bench::new()), settings).await;
        let fields = "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\nForwarded: for=6.6.6.6\r\nX-A: 1";
        proxy.client().await.ask(format!("GET / HTTP/1.1\r\nHost: a:8080\r\n{fields}\r\n\r\n")).await;
        let seen = server.last();
        let field = |name| seen.field(name).unwrap();
        assert_eq!((field("x-forwarded-for"), field("x-forwarded-proto")), (addresses, proto));
        assert_eq!((field("x-forwarded-host"), field("host"), field("x-a")), ("a:8080", "a:8080", "1"));
        let told = addresses.replace(", 127.0.0.1", ";host=\"a:8080\";proto=https, for=127.0.0.1");
        assert_eq!(field("forwarded"), format!("for={told};host=\"a:8080\";proto=http"));
    }
}

/// A server of the transport of 2024-11-05 that announces that endpoint.
async fn announcing(endpoint: impl Fn(&str) -> String + Send + Sync + 'static) -> Server {
    Server::answering(move |request| {
        let data = format!("event: endpoint\ndata: {}\n\n", endpoint(request.field("host").unwrap()));
        ok("text/event-stream", &data)
    })
    .await
}

#[tokio::test]
async fn an_endpoint_that_leads_clients_past_the_proxy_is_told_once_by_a_warning_and_an_alarm() {
    let stream = "GET /sse HTTP/1.1\r\nHost: Mcp.example:8080\r\nAccept: text/event-stream\r\n\r\n";
    let past = announcing(|_| "http://10.0.0.7:3000/messages/?session_id=canary".into()).await;
    let proxy = Proxy::before(past.address).await;
    for _ in 0..3 {
        let answer = proxy.client().await.ask(stream).await;
        assert!(answer.text().contains("data: http://10.0.0.7:3000/messages/?session_id=canary"), "no byte is changed");
    }
    let said = proxy.bench.said();
    let said: Vec<_> = said.iter().filter(|text| text.contains("bypass the proxy")).collect();
    assert!(said.len() == 1 && said[0].contains("http://10.0.0.7:3000,") && !said[0].contains("canary"), "{said:?}");
    let records = proxy.bench.all_records();
    let alarms = records.iter().filter(|record| record.text(names::ERROR_TYPE) == Some("proxy_bypassed"));
    let alarms: Vec<_> = alarms.collect();
    assert_eq!(alarms.len(), 1, "{records:?}");
    assert_eq!(alarms[0].event_name, "auditrail.lifecycle");
    assert_eq!(alarms[0].text(names::AUDITRAIL_LIFECYCLE_STATE), Some("degraded"));

    for (endpoint, why) in [
        ("/messages/?session_id=1", "a path"),
        ("http://HOST/messages/?session_id=1", "the address at which the client came"),
        ("//HOST/messages/?session_id=1", "the same"),
        ("ping", "no endpoint"),
    ] {
        let server = announcing(move |host| endpoint.replace("HOST", &host.to_ascii_uppercase())).await;
        let proxy = Proxy::before(server.address).await;
        proxy.client().await.ask(stream).await;
        assert!(!proxy.bench.said().iter().any(|text| text.contains("does not pass")), "{why}");
    }
}
