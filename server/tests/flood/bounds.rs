//! The client with the most open calls or sessions loses its oldest and is named; all others are served.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use auditrail::policy::Bounds;
use auditrail::record::{Record, names};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::batch;
use crate::message::Messages;
use crate::rig::{Client, Proxy, Server, call, here, ok, result, within};
use crate::shares::{post_from, proxy_to, request_from};
use crate::support::Bench;

const FLOODER: &str = "192.0.2.1";
const OTHER: &str = "192.0.2.2";

/// A server that answers when it is told to.
struct Slow(TcpListener);

impl Slow {
    async fn new() -> Self {
        Self(TcpListener::bind(here()).await.unwrap())
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// The next request has come, whole.
    async fn asked(&self) -> TcpStream {
        let mut stream = within(self.0.accept()).await.unwrap().0;
        within(Messages::new(&mut stream).request()).await.unwrap();
        stream
    }
}

async fn bounded(server: SocketAddr, bound: impl FnOnce(&mut Bounds)) -> Proxy {
    let mut bounds = Bounds::default();
    bound(&mut bounds);
    proxy_to(server, Bench::with(|builder| builder.bounds(bounds))).await
}

/// Of each call the phases, outcomes and types of error of its records, by its id.
fn by_id<'a>(records: &'a [Record], tool: &str) -> BTreeMap<u64, Vec<(&'a str, &'a str, &'a str)>> {
    let mut by_id = BTreeMap::<u64, Vec<_>>::new();
    for record in records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some(tool)) {
        let id = record.text(names::JSONRPC_REQUEST_ID).unwrap().parse().unwrap();
        let text = |name| record.text(name).unwrap_or("");
        let told = (text(names::AUDITRAIL_PHASE), text(names::AUDIT_OUTCOME), text(names::ERROR_TYPE));
        by_id.entry(id).or_default().push(told);
    }
    by_id
}

const ASKED: (&str, &str, &str) = ("request", "unknown", "");
const ANSWERED: (&str, &str, &str) = ("response", "success", "");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_most_calls_open_loses_its_oldest_and_another_is_served() {
    let slow = Slow::new().await;
    let proxy = bounded(slow.address(), |bounds| bounds.open_calls = 100).await;
    let (mut flooder, mut other) = (proxy.client().await, proxy.client().await);
    // The last of them has the id of the first, of which no answer is expected any more.
    let id = |number| if number == 79 { 0 } else { number };
    let flood = batch(80, |number| call(id(number), if number == 79 { "again" } else { "flood" }));
    flooder.send(post_from(FLOODER, flood.len(), &flood)).await;
    let mut of_flooder = slow.asked().await;
    let beside = call(1, "beside");
    other.send(post_from(OTHER, beside.len(), &beside)).await;
    slow.asked().await.write_all(&ok("application/json", &result(1))).await.unwrap();
    assert_eq!(other.response("POST").await.text(), result(1));
    // The server answers all of them.
    let answers = batch(80, |number| result(id(number)));
    of_flooder.write_all(&ok("application/json", &answers)).await.unwrap();
    assert_eq!(flooder.response("POST").await.text(), answers, "nothing is kept from the client");

    assert_eq!(proxy.bench.trail.wire_counts().evicted, 30);
    let told = "192.0.2.1 has more open calls than its share of 100";
    let said = proxy.bench.said();
    assert!(said.iter().any(|said| said.starts_with(told)), "{said:?}");
    assert!(said.iter().all(|said| !said.contains(OTHER)), "{said:?}");
    let records = proxy.records().await;
    assert_eq!(by_id(&records, "beside"), BTreeMap::from([(1, vec![ASKED, ANSWERED])]));
    // Half of the bound is its share while nobody else has any.
    let expected = |id| match id {
        0..30 => vec![ASKED, ("response", "unknown", "evicted")],
        _ => vec![ASKED, ANSWERED],
    };
    assert_eq!(by_id(&records, "flood"), (0..79).map(|id| (id, expected(id))).collect::<BTreeMap<_, _>>());
    let ambiguous = ("response", "unknown", "ambiguous_id");
    assert_eq!(by_id(&records, "again"), BTreeMap::from([(0, vec![ASKED, ambiguous])]), "whose answer was it");
}

/// A server that gives each `initialize` a session, and answers everything else.
async fn with_sessions() -> Server {
    let next = AtomicU64::new(0);
    Server::answering(move |request| {
        if !request.text().contains("initialize") {
            return ok("application/json", &result(1));
        }
        let id = next.fetch_add(1, Ordering::Relaxed);
        let body = r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{}}}"#;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: session-{id}");
        format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    })
    .await
}

/// Begins a session, and gives its id.
async fn begin(client: &mut Client, address: &str) -> String {
    let params = r#""protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"a","version":"1"}"#;
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{{params}}}}}"#);
    let answer = client.ask(post_from(address, body.len(), &body)).await;
    answer.field("mcp-session-id").unwrap().to_owned()
}

async fn ask_in(client: &mut Client, address: &str, session: &str, body: &str) {
    let answer = client.ask(request_from(address, &format!("Mcp-Session-Id: {session}\r\n"), body.len(), body)).await;
    assert_eq!(answer.text(), result(1));
}

/// The sessions that began, and those that ended, in the order of the trail.
fn sessions(records: &[Record], state: &str) -> Vec<(String, usize)> {
    let is_it = |record: &&Record| record.text(names::AUDITRAIL_MCP_SESSION_STATE) == Some(state);
    let place = records.iter().enumerate().filter(|(_, record)| is_it(record));
    place.map(|(at, record)| (record.text(names::MCP_SESSION_ID).unwrap().to_owned(), at)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_most_sessions_loses_its_oldest_and_another_keeps_its_own() {
    let server = with_sessions().await;
    let proxy = bounded(server.address, |bounds| bounds.sessions = 20).await;
    let (mut flooder, mut other) = (proxy.client().await, proxy.client().await);
    let own = [begin(&mut other, OTHER).await, begin(&mut other, OTHER).await];
    let mut floods = Vec::new();
    for _ in 0..40 {
        floods.push(begin(&mut flooder, FLOODER).await);
    }
    assert_eq!(
        proxy.bench.trail.wire_counts().evicted_sessions,
        31,
        "it has nine, as twenty are all, and two are another's"
    );
    for session in &own {
        ask_in(&mut other, OTHER, session, &call(1, "beside")).await;
    }
    // In a session that is not known any more, and in one that is.
    ask_in(&mut flooder, FLOODER, &floods[0], &call(1, "closed")).await;
    ask_in(&mut flooder, FLOODER, &floods[39], &call(1, "open")).await;

    let told = "192.0.2.1 has more sessions than its share of 20";
    let said = proxy.bench.said();
    assert!(said.iter().any(|said| said.starts_with(told)), "{said:?}");
    assert!(said.iter().all(|said| !said.contains(OTHER)), "{said:?}");
    let records = proxy.records().await;
    let (begun, ended) = (sessions(&records, "start"), sessions(&records, "end"));
    assert_eq!((begun.len(), ended.len()), (42, 42), "each is told, and its end");
    let last_call = records.iter().rposition(|record| record.text(names::GEN_AI_TOOL_NAME).is_some()).unwrap();
    let early: Vec<_> = ended.iter().filter(|(_, at)| *at < last_call).map(|(id, _)| id.as_str()).collect();
    assert_eq!(early, floods.iter().take(31).map(String::as_str).collect::<Vec<_>>(), "its oldest, and no others");
    for (tool, count) in [("beside", 4), ("closed", 2), ("open", 2)] {
        let of_tool = records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some(tool));
        assert_eq!(of_tool.count(), count, "{tool}");
    }
    assert_eq!(by_id(&records, "closed"), BTreeMap::from([(1, vec![ASKED, ANSWERED])]), "it is recorded all the same");
}
