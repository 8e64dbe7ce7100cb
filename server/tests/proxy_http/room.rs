//! More connections than the limit: calls that run are recorded, and calls that do not run are answered.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use auditrail::record::{Record, names};
use auditrail_server::proxy::http::{Connections, HttpProxy, HttpSettings, Upstream};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::command::{LISTENS, Running};
use crate::message::Messages;
use crate::rig::{Client, Proxy, Server, call, here, ok, post, result, reverse, until, within};
use crate::support::{Bench, ending};

const IDLE: usize = 1100;
const CALLS: u64 = 2400;
const NEWCOMERS: u64 = 20;

/// As many descriptors as this process may have, for the other end of all these connections.
fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

fn id(body: &str) -> u64 {
    serde_json::from_str::<Value>(body).unwrap()["id"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_that_ran_is_recorded_while_idle_connections_are_held() {
    raise_limit();
    let server = Server::answering(|request| ok("application/json", &result(id(&request.text())))).await;
    let upstream = format!("http://{}", server.address);
    // Small segments: the journal has to open files all the time.
    let configuration = "[journal]\nmax_bytes = 6291456\n";
    let mut running =
        Running::limited(1024, &["--listen", "127.0.0.1:0", "--upstream", &upstream], configuration).await;
    let address = running.told(LISTENS).await;
    let mut client = Client::to(address).await;
    assert_eq!(client.post(&call(1, "echo")).await.text(), result(1));
    let mut idle = Vec::new();
    for _ in 0..IDLE {
        idle.push(within(TcpStream::connect(address)).await.unwrap());
    }
    // Those who came before, and then newcomers.
    let mut not_run = 0;
    for number in 2..=CALLS {
        if number > CALLS - NEWCOMERS {
            client = Client::to(address).await;
        }
        let answer = client.post(&call(number, "echo")).await.text();
        not_run += usize::from(answer != result(number));
    }
    let ran: BTreeSet<_> = server.seen().iter().map(|request| id(&request.text())).collect();
    let receiver = running.stopped().await;
    let records = receiver.records();
    let records: Vec<_> = records.iter().map(|got| Record::decode(&got.bytes).unwrap()).collect();
    for phase in ["request", "response"] {
        let told = records.iter().filter(|record| record.text(names::AUDITRAIL_PHASE) == Some(phase));
        let told: BTreeSet<_> =
            told.filter_map(|record| record.text(names::JSONRPC_REQUEST_ID)?.parse::<u64>().ok()).collect();
        let missing: Vec<_> = ran.difference(&told).collect();
        assert!(missing.is_empty(), "{} of {CALLS} calls have no {phase}: {missing:?}", missing.len());
    }
    assert_eq!((ran.len() as u64, not_run), (CALLS, 0), "there was room for all of them");
    drop(idle);
}

/// A server that answers when it is told to.
struct Slow(TcpListener);

impl Slow {
    async fn new() -> Self {
        Self(TcpListener::bind(here()).await.unwrap())
    }

    async fn proxy(&self, most: usize) -> Proxy {
        let mut settings = reverse(self.0.local_addr().unwrap());
        settings.connections = Connections::new(most);
        Proxy::with(Arc::new(Bench::new()), settings).await
    }

    /// The next request has come.
    async fn asked(&self) -> TcpStream {
        let mut stream = within(self.0.accept()).await.unwrap().0;
        within(Messages::new(&mut stream).request()).await.unwrap();
        stream
    }
}

/// An answer after which its connection is not used again.
fn last(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn endings(records: &[Record], id: &str) -> Vec<(String, String)> {
    let of_call = |record: &&Record| record.text(names::JSONRPC_REQUEST_ID) == Some(id);
    let endings = records.iter().filter(of_call).map(ending);
    endings.map(|(phase, _, detail)| (phase.to_owned(), detail.to_owned())).collect()
}

#[tokio::test]
async fn beyond_the_bound_a_call_is_answered_with_503_and_recorded() {
    let slow = Slow::new().await;
    let proxy = slow.proxy(2).await;
    let (mut first, mut second) = (proxy.client().await, proxy.client().await);
    first.send(post(&call(1, "slow"))).await;
    let mut one = slow.asked().await;
    second.send(post(&call(2, "slow"))).await;
    let _two = slow.asked().await;

    let mut third = proxy.client().await;
    let answer = third.post(&call(3, "never")).await;
    assert_eq!((answer.status(), answer.field("retry-after")), (503, Some("5")));
    assert_eq!(answer.field("connection"), Some("close"));
    let body: Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!((&body["id"], &body["error"]["code"]), (&3.into(), &(-32045).into()));
    assert!(body["error"]["message"].as_str().unwrap().contains("the call did not run"), "{body}");
    assert!(body["error"]["data"]["auditrail.call.id"].is_string());
    within(async { while third.messages.more().await {} }).await;
    // What is no call is told in words.
    let answer = proxy.client().await.ask("GET /a HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!((answer.status(), answer.field("retry-after")), (503, Some("5")));
    assert_eq!(proxy.bench.trail.wire_counts().turned_away, 2);

    one.write_all(&last(&result(1))).await.unwrap();
    assert_eq!(first.response("POST").await.text(), result(1), "what was begun goes on");
    // It is idle now, and makes room.
    let mut fourth = proxy.client().await;
    fourth.send(post(&call(4, "slow"))).await;
    slow.asked().await.write_all(&last(&result(4))).await.unwrap();
    assert_eq!(fourth.response("POST").await.text(), result(4));
    assert!(proxy.bench.said().iter().any(|said| said.contains("answered with 503")), "{:?}", proxy.bench.said());
    let records = proxy.records().await;
    let of = |phase: &str, detail: &str| (phase.to_owned(), detail.to_owned());
    assert_eq!(endings(&records, "3"), [of("request", ""), of("response", "http_error")]);
    assert_eq!(endings(&records, "4"), [of("request", ""), of("response", "ok")]);
}

#[tokio::test]
async fn idle_connections_are_closed_first_and_an_open_stream_is_not_idle() {
    let slow = Slow::new().await;
    let proxy = slow.proxy(3).await;
    let mut listening = proxy.client().await;
    listening.send("GET /mcp HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n").await;
    let mut stream = slow.asked().await;
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    within(listening.messages.head()).await.unwrap();
    let mut used = proxy.client().await;
    used.send(post(&call(1, "a"))).await;
    slow.asked().await.write_all(&last(&result(1))).await.unwrap();
    used.response("POST").await;

    // Each of them displaces the one before, which has never asked for anything.
    let mut silent = proxy.client().await;
    for _ in 0..20 {
        let next = proxy.client().await;
        within(async { while silent.messages.more().await {} }).await;
        silent = next;
    }
    used.send(post(&call(2, "a"))).await;
    slow.asked().await.write_all(&last(&result(2))).await.unwrap();
    assert_eq!(used.response("POST").await.text(), result(2), "it was not closed");
    stream.write_all(b"8\r\ndata: a\n\r\n").await.unwrap();
    assert_eq!(within(listening.messages.chunk()).await.unwrap(), b"data: a\n", "nor was this");
    let closed = proxy.bench.said().iter().filter(|said| said.contains("an idle one was closed")).count();
    assert!(closed >= 10, "{closed}");
}

/// Of the socket between these ports, the bytes that are still to go out, and those that have come and that nobody has read.
#[cfg(target_os = "linux")]
fn queues(local: SocketAddr, remote: SocketAddr) -> (usize, usize) {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let port = |address: &str| u16::from_str_radix(address.rsplit(':').next().unwrap(), 16).unwrap();
    let is_it = |fields: &Vec<&str>| (port(fields[1]), port(fields[2])) == (local.port(), remote.port());
    let mut sockets = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let (out, came) = sockets.find(is_it).expect("it is open")[4].split_once(':').unwrap();
    (usize::from_str_radix(out, 16).unwrap(), usize::from_str_radix(came, 16).unwrap())
}

/// All of the answer has come from the server, its last bytes are in the proxy's buffer, and the system takes no more of them
/// as long as the client does not read.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_slowly_gets_the_end_of_the_answer_before_the_connection_is_closed() {
    // Of the 64 kB that the proxy holds.
    const PIECE: usize = 16 * 1024;
    let slow = Slow::new().await;
    let proxy = slow.proxy(1).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    let own = client.local_addr().unwrap();
    let before = proxy.bench.trail.counts().emitted;
    client.write_all(&post(&call(1, "large"))).await.unwrap();
    let mut server = slow.asked().await;
    let (proxys, servers) = (server.peer_addr().unwrap(), server.local_addr().unwrap());
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    server.write_all(head.as_bytes()).await.unwrap();
    let piece = format!("{PIECE:x}\r\n{}\r\n", "x".repeat(PIECE));
    let (mut sent, mut held) = (0, 0);
    // The proxy has it for a moment with each piece, and keeps it when the system takes no more.
    while held < 20 {
        if held == 0 {
            server.write_all(piece.as_bytes()).await.unwrap();
            sent += PIECE;
            until("the proxy takes it", || queues(proxys, servers).1 == 0).await;
        } else {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let gone = queues(proxy.address, own).0 + queues(own, proxy.address).1;
        held = if gone + PIECE <= sent { held + 1 } else { 0 };
    }
    server.write_all(b"0\r\n\r\n").await.unwrap();
    drop(server);
    until("the exchange is over", || proxy.bench.trail.counts().emitted == before + 2).await;
    // The first is idle, and makes room.
    let mut newcomer = proxy.client().await;
    newcomer.send(post(&call(2, "next"))).await;
    slow.asked().await.write_all(&last(&result(2))).await.unwrap();
    assert_eq!(newcomer.response("POST").await.text(), result(2));
    assert!(proxy.bench.said().iter().any(|said| said.contains("an idle one was closed")));
    let answer = within(Messages::new(client).response("POST")).await.expect("an answer");
    assert_eq!((answer.is_complete, answer.body.len()), (true, sent));
}

/// Streams of HTTP/2 share the connection of their client, but each needs one to the server.
#[tokio::test]
async fn connections_to_servers_are_bounded_too() {
    let slow = Slow::new().await;
    let proxy = slow.proxy(3).await;
    let stream = TokioIo::new(TcpStream::connect(proxy.address).await.unwrap());
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let uri = format!("http://{}/mcp", proxy.address);
    let mut ask = |number: u64| {
        let body = Full::new(Bytes::from(call(number, "slow")));
        let request = Request::post(&uri).header("content-type", "application/json");
        sender.send_request(request.body(body).unwrap())
    };
    let begun = (1..=2).map(&mut ask).map(tokio::spawn).collect::<Vec<_>>();
    let _streams = (slow.asked().await, slow.asked().await);
    let third_answer = tokio::spawn(ask(3));
    let mut third = slow.asked().await;
    assert_eq!(within(ask(4)).await.unwrap().status(), 503);
    third.write_all(&last(&result(3))).await.unwrap();
    assert_eq!(within(third_answer).await.unwrap().unwrap().status(), 200);
    drop(begun);
    drop(third);
    until("a place is free again", || proxy.bench.trail.wire_counts().turned_away == 1).await;
}

/// Nor do they take descriptors without end: sixteen stay, and up to 32 are on their way out.
#[tokio::test]
async fn probes_are_answered_however_many_are_held() {
    let server = Server::answering(|_| ok("application/json", &result(1))).await;
    let mut settings = reverse(server.address);
    settings.health = Some(here());
    let proxy = Proxy::with(Arc::new(Bench::new()), settings).await;
    let mut held = Vec::new();
    for _ in 0..200 {
        held.push(TcpStream::connect(proxy.health.unwrap()).await.unwrap());
    }
    let answer = Client::to(proxy.health.unwrap()).await.ask("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(answer.status(), 200);
    let is_open = |stream: TcpStream| {
        let read = std::io::Read::read(&mut stream.into_std().unwrap(), &mut [0]);
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    };
    let open = held.into_iter().filter_map(|stream| is_open(stream).then_some(())).count();
    assert!(open <= 48, "{open} of 200 are open");
}

#[tokio::test]
async fn a_bound_that_leaves_no_room_for_the_journal_stops_the_start() {
    let bench = Bench::new();
    for (most, expected) in [(0, "no client could connect"), (1_000_000, "the limit of descriptors leaves room for")] {
        let mut settings = HttpSettings::reverse(here(), Upstream::new("http://a").unwrap());
        settings.connections = Connections::new(most);
        let error = HttpProxy::bind(settings, &bench.trail).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let listener = "[[listener]]\nlisten = \":0\"\nupstream = \"http://a\"\n[http]\nconnections = 433\n";
    let mut running = Running::limited(1024, &[], listener).await;
    assert!(running.all_said().await.contains("leaves room for 432"));
}
