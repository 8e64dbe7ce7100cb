//! The tap for HTTP around a real server on loopback: not a byte is different, and nothing is missing or doubled.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    reason = "a test stops at what it did not expect; the helpers are shared"
)]

#[path = "suite/server.rs"]
mod server;
#[path = "suite/support.rs"]
mod support;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use auditrail::capture::mcp::{McpLayer, PeerAddr};
use auditrail::record::{EventName, Record, names};
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn};
use rmcp::model::ClientConfig;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, ServiceExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tower_layer::Layer as _;
use tracing_subscriber::prelude::*;

use self::server::{Client, Everything, call};
use self::support::{Bench, ending};

type Service<H> = StreamableHttpService<H, LocalSessionManager>;

fn service<H: ServerHandler>(
    server: impl Fn() -> H + Send + Sync + 'static,
    config: StreamableHttpServerConfig,
) -> Service<H> {
    StreamableHttpService::new(move || Ok(server()), Default::default(), config)
}

/// A server that ends with its token.
struct Served {
    address: SocketAddr,
    ending: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Served {
    async fn new(router: impl FnOnce(StreamableHttpServerConfig) -> Router) -> Self {
        let ending = CancellationToken::new();
        let config = StreamableHttpServerConfig::default().with_cancellation_token(ending.child_token());
        let router = router(config).into_make_service_with_connect_info::<SocketAddr>();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = ending.clone().cancelled_owned();
        let task =
            tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stop).await.unwrap() });
        Self { address, ending, task }
    }

    fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    async fn end(self) {
        self.ending.cancel();
        self.task.await.unwrap();
    }

    /// The answer to these bytes, sent as they are and in pieces of that size.
    async fn answer(&self, request: &str, piece: usize) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        for bytes in request.as_bytes().chunks(piece) {
            stream.write_all(bytes).await.unwrap();
        }
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(120), stream.read_to_end(&mut answer));
        read.await.unwrap().unwrap();
        String::from_utf8(answer).unwrap()
    }
}

/// What a client sends, header by header. `SESSION` stands for the id of the session.
fn request(method: &str, headers: &[&str], body: &str) -> String {
    let mut request = format!("{method} /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
    for header in headers {
        request.push_str(&format!("{header}\r\n"));
    }
    if !body.is_empty() {
        request.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    request + "\r\n" + body
}

const JSON: &str = "content-type: application/json";
const BOTH: &str = "accept: application/json, text/event-stream";
const STREAM: &str = "accept: text/event-stream";
const SESSION: &str = "mcp-session-id: SESSION";
const MODERN: &str = "mcp-protocol-version: 2026-07-28";

fn exchanges() -> Vec<String> {
    let initialize = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;
    let tool = |name: &str| format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{name}"}}}}"#);
    let modern =
        |name: &str| format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{name}",{meta}}}}}"#);
    let chunked = |body: &str| {
        let head = request("POST", &[JSON, BOTH, SESSION, "transfer-encoding: chunked"], "");
        let (first, second) = body.split_at(9);
        format!("{head}{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n", first.len(), second.len())
    };
    let in_session = [JSON, BOTH, SESSION];
    vec![
        request("POST", &[JSON, BOTH], initialize),
        request("POST", &in_session, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#),
        request("POST", &in_session, &tool("ok")),
        request("POST", &in_session, &tool("fails")),
        request("POST", &in_session, &tool("breaks")),
        request("POST", &in_session, r#"{"jsonrpc":"2.0","id":"é\u0000\n","method":"weather/rain"}"#),
        request("POST", &in_session, " \n{\"id\" : 8, \"method\":\"ping\",\r\n\"jsonrpc\":\"2.0\" } \n"),
        chunked(&tool("ok")),
        request("POST", &in_session, "{ nonsense"),
        request("POST", &in_session, r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#),
        request("POST", &in_session, r#"{"jsonrpc":"2.0","id":99,"result":{}}"#),
        request("POST", &[JSON, BOTH, "mcp-session-id: made-up"], &tool("ok")),
        request("POST", &[JSON, BOTH], &tool("ok")),
        request("POST", &[JSON], &tool("ok")),
        request("POST", &[BOTH, "content-type: text/plain"], &tool("ok")),
        request("POST", &[BOTH], &tool("ok")),
        request("POST", &[JSON, BOTH, "origin: http://evil.example"], &tool("ok")),
        request("POST", &[JSON, BOTH, MODERN, "mcp-method: tools/call", "mcp-name: ok"], &modern("ok")),
        request("POST", &[JSON, BOTH, MODERN, "mcp-method: tools/call", "mcp-name: other"], &modern("ok")),
        request("POST", &[JSON, BOTH, MODERN, "mcp-method: tools/call", "mcp-name: breaks"], &modern("breaks")),
        request("GET", &[STREAM, "mcp-session-id: made-up"], ""),
        request("GET", &[STREAM, SESSION, "last-event-id: 99/0"], ""),
        request("GET", &[], ""),
        request("PUT", &[JSON], "{}"),
        request("OPTIONS", &[], ""),
        request("HEAD", &[SESSION], ""),
        request("DELETE", &[SESSION], ""),
        request("DELETE", &[], ""),
        request("POST", &in_session, &tool("ok")),
    ]
}

/// The answers to those of them, without what is different each time.
async fn answers(served: &Served, piece: usize, exchanges: &[String]) -> Vec<String> {
    let (mut session, mut answers) = (String::new(), Vec::new());
    for request in exchanges {
        let answer = served.answer(&request.replace("SESSION", &session), piece).await;
        if let Some(issued) = answer.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")) {
            session = issued.to_owned();
        }
        let stable = answer.lines().filter(|line| !line.starts_with("date: ")).collect::<Vec<_>>().join("\n");
        answers.push(if session.is_empty() { stable } else { stable.replace(&session, "SESSION") });
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_byte_passes_as_it_is() {
    let bench = Bench::new();
    for json in [false, true] {
        let with = |config: StreamableHttpServerConfig, audited: bool| {
            let mut config = config.with_allowed_origins(["http://localhost:*"]);
            config.json_response = json;
            let trail = bench.trail.clone();
            let service = service(move || trail.audited(Everything::default()), config);
            let bare = service.clone();
            match audited {
                true => Router::new().nest_service("/mcp", bench.trail.mcp_layer().layer(service)),
                false => Router::new().nest_service("/mcp", bare),
            }
        };
        let (bare, tapped) =
            (Served::new(|config| with(config, false)).await, Served::new(|config| with(config, true)).await);
        let exchanges = exchanges();
        let expected = answers(&bare, usize::MAX, &exchanges).await;
        let seen = answers(&tapped, usize::MAX, &exchanges).await;
        for (at, (seen, expected)) in seen.iter().zip(&expected).enumerate() {
            assert_eq!(seen, expected, "exchange {at}");
        }
        // Of what is refused before it is read, the answer is lost if more follows.
        let is_read = |(_, answer): &(&String, &String)| answer.starts_with("HTTP/1.1 20");
        let (read, expected): (Vec<_>, Vec<_>) = exchanges
            .iter()
            .zip(&expected)
            .filter(is_read)
            .map(|(request, answer)| (request.clone(), answer.clone()))
            .unzip();
        assert!(read.len() > 10);
        assert_eq!(answers(&tapped, 7, &read).await, expected, "in pieces");
        bare.end().await;
        tapped.end().await;
    }
}

/// What the tap does not read, the handler decides on: rmcp runs it, as it does not go by the `charset`.
#[tokio::test]
async fn a_call_in_another_charset_is_told_and_decided_by_the_wrapper() {
    let deny = |call: &auditrail::trail::Call| match call.name() {
        Some("ok") => auditrail::policy::Decision::deny("not by anybody"),
        _ => auditrail::policy::Decision::Allow,
    };
    let bench = Bench::with(|builder| builder.authorize(deny));
    let (trail, layer) = (bench.trail.clone(), bench.trail.mcp_layer());
    let served = Served::new(move |config| {
        let service = service(move || trail.audited(Everything::default()), config);
        Router::new().nest_service("/mcp", service).layer(layer)
    })
    .await;
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;
    let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"ok",{meta}}}}}"#);
    let headers =
        ["content-type: application/json; charset=utf-7", BOTH, MODERN, "mcp-method: tools/call", "mcp-name: ok"];
    let answer = served.answer(&request("POST", &headers, &body), usize::MAX).await;
    assert!(answer.contains("-32043"), "{answer}");
    // rmcp reads no body of a PUT, so nobody runs what is in it.
    let refused = served.answer(&request("PUT", &[JSON, BOTH], &body), usize::MAX).await;
    assert!(refused.starts_with("HTTP/1.1 405"), "{refused}");
    served.end().await;
    let records = bench.records();
    let told = |record: &Record| {
        format!("{} {} {}", record.event_name, ending(record).2, record.text(names::ERROR_TYPE).unwrap_or("-"))
    };
    let mut told: Vec<_> = records.iter().map(told).collect();
    told.sort();
    let expected = [
        "auditrail.authz denied denied",
        "auditrail.http.request  -",
        "auditrail.http.request jsonrpc_error -32043",
        "auditrail.mcp.tools.call  -",
        "auditrail.mcp.tools.call denied -32043",
    ];
    assert_eq!(told, expected);
}

/// A client that does not wait for the answer does not get round the decision: its call is over before the handler begins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_over_before_its_handler_begins_does_not_run_undecided() {
    for is_decided in [false, true] {
        let deny = |_: &auditrail::trail::Call| auditrail::policy::Decision::deny("not by anybody");
        let bench = Bench::with(|builder| if is_decided { builder.authorize(deny) } else { builder });
        let (trail, layer) = (bench.trail.clone(), bench.trail.mcp_layer());
        let (ran, over) = (Arc::<AtomicUsize>::default(), Arc::<Notify>::default());
        let (done, mut is_done) = mpsc::unbounded_channel();
        let (counted, awaited) = (ran.clone(), over.clone());
        // As in servers that run a call in a task of its own, which no client ends.
        let late = move |request: Request, next: Next| {
            let (awaited, done) = (awaited.clone(), done.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                let run = async move {
                    awaited.notified().await;
                    let response = next.run(Request::from_parts(parts, body.into())).await;
                    done.send(response.status().as_u16()).unwrap();
                    response
                };
                tokio::spawn(run).await.unwrap()
            }
        };
        let served = Served::new(move |config| {
            let service = service(move || trail.audited(Counted(counted.clone())), config);
            Router::new().nest_service("/mcp", service).layer(from_fn(late)).layer(layer)
        })
        .await;
        let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;
        let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"ok",{meta}}}}}"#);
        let headers = [JSON, BOTH, MODERN, "mcp-method: tools/call", "mcp-name: ok"];
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(request("POST", &headers, &body).as_bytes()).await.unwrap();
        let is_told = |phase: &str| {
            let of = |record: &Record| record.text(names::AUDITRAIL_PHASE) == Some(phase);
            bench.records().iter().any(of)
        };
        until(|| is_told("request")).await;
        drop(stream);
        until(|| is_told("response")).await;
        over.notify_one();
        assert_eq!(tokio::time::timeout(PATIENCE, is_done.recv()).await.unwrap(), Some(200));
        served.end().await;
        assert_eq!(ran.load(Ordering::SeqCst), usize::from(!is_decided), "authorize = {is_decided}");
        let records = bench.records();
        let ends: Vec<_> = records.iter().map(ending).collect();
        let decision = is_decided.then_some(("", "failure", "denied"));
        let pair = [("request", "unknown", ""), ("response", "unknown", "cancelled")];
        let expected: Vec<_> = pair[..1].iter().copied().chain(decision).chain([pair[1]]).collect();
        assert_eq!(ends, expected);
    }
}

/// Counts how often its tool ran.
#[derive(Clone)]
struct Counted(Arc<AtomicUsize>);

impl ServerHandler for Counted {
    async fn call_tool(
        &self,
        _: rmcp::model::CallToolRequestParams,
        _: rmcp::service::RequestContext<rmcp::RoleServer>,
    ) -> Result<rmcp::model::CallToolResponse, rmcp::ErrorData> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(rmcp::model::CallToolResult::success(Vec::new()).into())
    }
}

async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it comes to pass");
}

async fn client(url: String) -> Client {
    let transport = StreamableHttpClientTransport::from_uri(url);
    ClientConfig::default().serve(transport).await.unwrap()
}

/// With and without the wrapper behind the tap, 2 000 calls from 8 clients give 4 000 records: none missing, none doubled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_is_one_pair() {
    for is_wrapped in [false, true] {
        let bench = Bench::new();
        let (trail, layer) = (bench.trail.clone(), bench.trail.mcp_layer());
        let served = Served::new(move |config| {
            let router = match is_wrapped {
                true => {
                    Router::new().nest_service("/mcp", service(move || trail.audited(Everything::default()), config))
                }
                false => Router::new().nest_service("/mcp", service(Everything::default, config)),
            };
            router.layer(layer)
        })
        .await;
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let url = served.url();
                tokio::spawn(async move {
                    let client = client(url).await;
                    for _ in 0..CALLS / CLIENTS {
                        call(&client, "ok").await.unwrap();
                    }
                    client.cancel().await.unwrap();
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        served.end().await;

        let records = bench.records();
        let calls: Vec<_> =
            records.iter().filter(|record| record.event_name == EventName::McpToolsCall.as_str()).collect();
        assert_eq!(calls.len(), 2 * CALLS);
        let ids: HashSet<_> = calls.iter().map(|record| record.text(names::AUDIT_RECORD_ID).unwrap()).collect();
        assert_eq!(ids.len(), 2 * CALLS, "none doubled");
        let mut halves: HashMap<&str, Vec<_>> = HashMap::new();
        for record in &calls {
            halves.entry(record.text(names::AUDITRAIL_CALL_ID).unwrap()).or_default().push(ending(record));
        }
        let whole = [("request", "unknown", ""), ("response", "success", "ok")];
        assert!(halves.values().all(|halves| *halves == whole), "each has both, in order");

        let sessions: HashSet<_> =
            calls.iter().map(|record| record.text(names::MCP_SESSION_ID).expect("a session")).collect();
        assert_eq!(sessions.len(), CLIENTS);
        for session in sessions {
            let of = |record: &&Record| record.text(names::MCP_SESSION_ID) == Some(session);
            let states: Vec<_> = records
                .iter()
                .filter(of)
                .filter_map(|record| record.text(names::AUDITRAIL_MCP_SESSION_STATE))
                .collect();
            assert_eq!(states, ["start", "end"]);
        }
        assert!(!String::from_utf8_lossy(&bench.sunk.bytes()).contains("canary"));
    }
}

/// Wherever the layer is put: around the service, on the router, above or below other layers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_layer_fits_everywhere() {
    let around =
        |layer: McpLayer, service: Service<Everything>| Router::new().nest_service("/mcp", layer.layer(service));
    let on_router =
        |layer: McpLayer, service: Service<Everything>| Router::new().nest_service("/mcp", service).layer(layer);
    let on_route =
        |layer: McpLayer, service: Service<Everything>| Router::new().route_service("/mcp", service).route_layer(layer);
    let twice = |layer: McpLayer, service: Service<Everything>| {
        Router::new().nest_service("/mcp", layer.layer(service)).layer(layer)
    };
    let places: [fn(McpLayer, Service<Everything>) -> Router; 4] = [around, on_router, on_route, twice];
    for place in places {
        let bench = Bench::new();
        let layer = bench.trail.mcp_layer();
        let served = Served::new(move |config| {
            let known = axum::middleware::map_request(
                async |ConnectInfo(peer): ConnectInfo<SocketAddr>, mut request: Request| {
                    request.extensions_mut().insert(PeerAddr(peer));
                    request
                },
            );
            place(layer, service(Everything::default, config)).layer(known)
        })
        .await;
        let client = client(served.url()).await;
        call(&client, "ok").await.unwrap();
        client.cancel().await.unwrap();
        served.end().await;
        let records = bench.records();
        let calls: Vec<_> =
            records.iter().filter(|record| record.event_name == EventName::McpToolsCall.as_str()).collect();
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[0].text(names::CLIENT_ADDRESS), Some("127.0.0.1"));
        assert_eq!(calls[0].text(names::NETWORK_PROTOCOL_VERSION), Some("1.1"));
        assert_eq!(calls[0].text(names::AUDITRAIL_CLIENT_NAME), Some("rmcp"));
    }
}

/// What `docs/visibility.md` says of annotated handlers behind a tap: the wrapper joins both.
#[tokio::test]
async fn an_annotated_handler_behind_the_tap_is_joined_by_the_wrapper_and_by_nothing_else() {
    // Where a process has one subscriber only, tests without one would say that no call site is of interest.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    for wrapped in [true, false] {
        let bench = Bench::new();
        // All tasks are on this thread.
        let _guard = tracing_subscriber::registry().with(bench.trail.layer()).set_default();
        let trail = bench.trail.clone();
        let served = Served::new(move |config| {
            let router = match wrapped {
                true => {
                    let audited = trail.clone();
                    Router::new().nest_service("/mcp", service(move || audited.audited(Everything::default()), config))
                }
                false => Router::new().nest_service("/mcp", service(Everything::default, config)),
            };
            router.layer(trail.mcp_layer())
        })
        .await;
        let client = client(served.url()).await;
        call(&client, "annotated").await.unwrap();
        client.cancel().await.unwrap();
        served.end().await;
        let records = bench.records();
        let calls = records.iter().filter(|record| record.event_name == EventName::McpToolsCall.as_str());
        let mut ends: Vec<_> = calls
            .filter(|record| ending(record).0 == "response")
            .map(|record| (record.text(names::GEN_AI_TOOL_NAME).unwrap(), record.text("auditrail.tenant.id")))
            .collect();
        ends.sort_unstable();
        match wrapped {
            true => assert_eq!(ends, [("annotated", Some("blue"))]),
            false => assert_eq!(ends, [("annotated", None), ("wrong", Some("blue"))]),
        }
    }
}

/// Clients that vanish at any byte of what they send leave a server that works, and no call without an end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_may_vanish_at_any_byte() {
    let bench = Bench::new();
    let layer = bench.trail.mcp_layer();
    let served = Served::new(move |config| {
        Router::new().nest_service("/mcp", service(Everything::default, config)).layer(layer)
    })
    .await;
    let requests = exchanges();
    for length in (1..requests[0].len()).step_by(3) {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(&requests[0].as_bytes()[..length]).await.unwrap();
        drop(stream);
    }
    let answer = served.answer(&requests[0], usize::MAX).await;
    let session = answer.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).unwrap();
    for length in (0..400).step_by(40) {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(requests[2].replace("SESSION", session).as_bytes()).await.unwrap();
        let mut some = vec![0; length];
        drop(tokio::time::timeout(Duration::from_secs(120), stream.read(&mut some)).await.unwrap());
    }
    served.end().await;
    let records = bench.records();
    let of = |phase| records.iter().filter(|record| record.text(names::AUDITRAIL_PHASE) == Some(phase)).count();
    assert_eq!(of("request"), of("response"));
    assert!(records.iter().all(|record| record.text(names::ERROR_TYPE) != Some("-32700")), "nobody sent nonsense");
}

/// Only a broken server takes that long.
const PATIENCE: Duration = Duration::from_secs(120);
const CLIENTS: usize = 8;
const CALLS: usize = 2_000;
