//! The start, the end, and the messages about both.

use std::net::SocketAddr;
use std::sync::Arc;

use auditrail_server::proxy::http::{HttpProxy, HttpSettings, PemFiles, Upstream};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::message::Messages;
use crate::rig::{Client, Proxy, Server, call, here, ok, post, result, reverse, until, within};
use crate::support::Bench;

async fn health(address: SocketAddr, path: &str) -> (u16, String) {
    let answer = Client::to(address).await.ask(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    (answer.status(), answer.text())
}

async fn with_health(server: SocketAddr, bench: Bench) -> Proxy {
    let mut settings = reverse(server);
    settings.health = Some(here());
    settings.drain = std::time::Duration::from_secs(30);
    Proxy::with(Arc::new(bench), settings).await
}

#[tokio::test]
async fn the_end_waits_for_what_is_open_and_takes_nothing_new() {
    let listener = TcpListener::bind(here()).await.unwrap();
    let mut proxy = with_health(listener.local_addr().unwrap(), Bench::new()).await;
    let address = proxy.health.unwrap();
    assert_eq!(health(address, "/livez").await.0, 200);
    assert_eq!(health(address, "/readyz").await, (200, "auditrail: it is ready\n".into()));
    assert_eq!(health(address, "/mcp").await.0, 404);

    let (mut client, mut idle) = (proxy.client().await, proxy.client().await);
    client.send(post(&call(1, "slow"))).await;
    let mut stream = within(listener.accept()).await.unwrap().0;
    within(Messages::new(&mut stream).request()).await.unwrap();
    proxy.stop();
    // An idle connection is closed at once, which also tells that the end has begun.
    within(async { while idle.messages.more().await {} }).await;
    assert_eq!(health(address, "/livez").await.0, 200);
    let (status, text) = health(address, "/readyz").await;
    assert!(status == 503 && text.contains("the proxy is shutting down"), "{text}");
    assert!(TcpStream::connect(proxy.address).await.is_err(), "nobody listens");

    stream.write_all(&ok("application/json", &result(1))).await.unwrap();
    assert_eq!(client.response("POST").await.text(), result(1), "what was begun is finished");
    proxy.ended().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn what_is_still_open_at_the_deadline_is_broken_off_and_recorded() {
    let listener = TcpListener::bind(here()).await.unwrap();
    let proxy = Proxy::before(listener.local_addr().unwrap()).await;
    let mut client = proxy.client().await;
    client.send(post(&call(1, "endless"))).await;
    let mut stream = within(listener.accept()).await.unwrap().0;
    within(Messages::new(&mut stream).request()).await.unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: a\n\n").await.unwrap();
    within(client.messages.head()).await.unwrap();
    let records = proxy.records().await;
    assert_eq!(records.len(), 2, "a pair: {records:?}");
}

#[tokio::test]
async fn a_journal_that_takes_no_records_is_told_to_probes_and_to_no_client() {
    let server = Server::answering(|_| ok("application/json", &result(1))).await;
    let bench = Bench::with(|builder| builder.journal_max_bytes(256 * 1024));
    bench.sunk.away.store(true, std::sync::atomic::Ordering::SeqCst);
    let mut proxy = with_health(server.address, bench).await;
    let mut client = proxy.client().await;
    let mut sent = 0;
    while proxy.bench.trail.counts().refused == 0 {
        assert_eq!(client.post(&call(1, "echo")).await.text(), result(1), "the answer is the server's");
        sent += 1;
        assert!(sent < 10_000, "the journal is never full");
    }
    // Shedding begins before the last byte is taken.
    let address = proxy.health.unwrap();
    for _ in 0..2_000 {
        if health(address, "/readyz").await.0 == 503 {
            break;
        }
        client.post(&call(1, "echo")).await;
    }
    let (status, text) = health(address, "/readyz").await;
    println!("{sent} calls, {status}: {text}");
    assert_eq!(client.post(&call(1, "echo")).await.text(), result(1));
    proxy.bench.sunk.away.store(false, std::sync::atomic::Ordering::SeqCst);
    until("the journal has room again", || proxy.bench.trail.counts().pending == 0).await;
    assert_eq!(health(address, "/readyz").await.0, 200);
    proxy.stop();
    proxy.ended().await;
}

#[tokio::test]
async fn mistakes_in_the_settings_stop_the_start_and_say_what_to_do() {
    let told = |origin: &str| Upstream::new(origin).unwrap_err().to_string();
    for (origin, expected) in [
        ("127.0.0.1:8000", "write it as http://HOST:PORT"),
        ("ftp://a", "neither http nor https"),
        ("http://a/mcp?a", "it has a query"),
        ("http://me:secret@a", "(not shown)"),
        ("", "it is not a URL"),
    ] {
        assert!(told(origin).contains(expected), "{}", told(origin));
        assert!(!told(origin).contains("secret"));
    }
    let bench = Bench::new();
    let refused = async |settings| HttpProxy::bind(settings, &bench.trail).await.unwrap_err().to_string();
    let taken = TcpListener::bind(here()).await.unwrap();
    let taken = taken.local_addr().unwrap();
    let upstream = |origin: &str| Upstream::new(origin).unwrap();
    let port = taken.port();
    for (listen, host) in [(taken, "127.0.0.1"), (taken, "LocalHost"), (([0, 0, 0, 0], port).into(), "127.0.0.1")] {
        let itself = HttpSettings::reverse(listen, upstream(&format!("http://{host}:{port}/base")));
        assert!(refused(itself).await.contains("it is the address of the proxy itself"), "{listen} {host}");
    }
    let files = PemFiles { certificate: "/nowhere/cert.pem".into(), key: "/nowhere/key.pem".into() };
    let mut tls = HttpSettings::reverse(here(), upstream("http://a"));
    tls.tls = Some(files.clone());
    assert!(refused(tls).await.contains("/nowhere/cert.pem"));
    let mut plain = upstream("http://a");
    plain.identity = Some(files);
    assert!(refused(HttpSettings::reverse(here(), plain)).await.contains("it is not https://"));
}

#[tokio::test]
async fn an_address_that_is_taken_is_told() {
    let taken = TcpListener::bind(here()).await.unwrap();
    let bench = Bench::new();
    let settings = HttpSettings::forward(taken.local_addr().unwrap());
    let error = HttpProxy::bind(settings, &bench.trail).await.unwrap_err().to_string();
    assert!(error.contains("cannot listen on") && error.contains("name another address"), "{error}");
}
