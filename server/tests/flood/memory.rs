//! The proxy's memory during a flood, and that everything in the flood is still recorded.

use std::collections::BTreeMap;
use std::time::Duration;

use auditrail::record::{Record, names};

use crate::batch;
use crate::child::Running;
use crate::rig::{Client, Server, ok};

/// Counts of the records of a method, by their phase.
#[derive(Debug, Default, PartialEq, Eq)]
struct Pairs {
    requests: u64,
    responses: u64,
}

impl Pairs {
    fn note(&mut self, record: &Record, method: &str) {
        if record.text(names::MCP_METHOD_NAME) == Some(method) {
            match record.text(names::AUDITRAIL_PHASE) {
                Some("request") => self.requests += 1,
                Some("response") => self.responses += 1,
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A request of which each element repeats what its head says.
fn post_with(header: &str, body: &str) -> Vec<u8> {
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nMCP-Protocol-Version: 2025-06-18\r\n{header}"
    );
    format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn a_batch_of_tiny_calls_with_a_long_header_takes_little_memory_and_has_all_records() {
    let server = Server::answering(|_| ok("application/json", "[]")).await;
    let proxy = Running::before(server.address, "").await;
    let body = batch(190_000, |_| r#"{"id":1,"method":"a"}"#.to_owned());
    assert!(body.len() > 4_100_000);
    let mut client = Client::to(proxy.address).await;
    client.send(post_with(&format!("User-Agent: {}", "u".repeat(60_000)), &body)).await;
    // Minutes, in a debug build on a machine that has other things to do.
    let answer = tokio::time::timeout(Duration::from_secs(1200), client.messages.response("POST")).await;
    let answer = answer.expect("it does not hang").expect("a response");
    assert_eq!(answer.status(), 200);
    let most = proxy.most_memory();
    println!("{} MB at most", most >> 20);
    let (mut pairs, mut lengths) = (Pairs::default(), BTreeMap::<usize, u64>::new());
    let said = proxy.said.clone();
    proxy
        .ended(|record| {
            pairs.note(&record, "a");
            let length = record.text(names::USER_AGENT_ORIGINAL).map_or(0, str::len);
            *lengths.entry(length).or_insert(0) += 1;
        })
        .await;
    assert_eq!(pairs, Pairs { requests: 190_000, responses: 190_000 }, "{:?}", said.lock().unwrap());
    lengths.remove(&0);
    assert_eq!(lengths.keys().copied().collect::<Vec<_>>(), [64, 512], "cut, and cut more where there are so many");
    assert!(lengths[&64] > 2 * lengths[&512], "{lengths:?}");
    assert!(most < 150 << 20, "{} MB", most >> 20);
}

/// Each is answered with the name of a session, and leaves its connection.
#[tokio::test]
async fn thousands_of_sessions_take_little_memory_each() {
    let next = std::sync::atomic::AtomicU64::new(0);
    let server = Server::answering(move |_| {
        let id = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let body = r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{}}}"#;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: session-{id}");
        format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    })
    .await;
    let proxy = Running::before(server.address, "").await;
    let mut client = Client::to(proxy.address).await;
    let name = "n".repeat(15_000);
    let info = format!(r#""protocolVersion":"2025-06-18","clientInfo":{{"name":"{name}","version":"{name}"}}"#);
    let initialize = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{{info}}}}}"#);
    let header = format!("User-Agent: {}", "u".repeat(60_000));
    client.ask(post_with(&header, &initialize)).await;
    let before = proxy.most_memory();
    for _ in 0..2000 {
        client.ask(post_with(&header, &initialize)).await;
    }
    let most = proxy.most_memory();
    println!("{} kB a session", (most - before) / 2000 / 1024);
    // The pages of the journal's segments among it.
    assert!(most - before < 48 << 20, "from {before} to {most}");
}
