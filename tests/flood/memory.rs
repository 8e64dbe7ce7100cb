//! What a flood costs the proxy of memory, and that everything in it is recorded all the same.

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
    let head = format!("POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nMCP-Protocol-Version: 2025-06-18\r\n{header}");
    format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn a_batch_of_tiny_calls_with_a_long_header_takes_little_memory_and_has_all_records() {
    let server = Server::answering(|_| ok("application/json", "[]")).await;
    let proxy = Running::before(server.address, "").await;
    let body = batch(190_000, |_| r#"{"id":1,"method":"a"}"#.to_owned());
    assert!(body.len() > 4_100_000);
    let mut client = Client::to(proxy.address).await;
    let answer = client.ask(post_with(&format!("User-Agent: {}", "u".repeat(60_000)), &body)).await;
    assert_eq!(answer.status(), 200);
    let most = proxy.most_memory();
    println!("{} MB at most", most >> 20);
    let (mut pairs, mut cut) = (Pairs::default(), 0);
    let said = proxy.said.clone();
    proxy
        .ended(|record| {
            pairs.note(&record, "a");
            cut += u64::from(record.text(names::USER_AGENT_ORIGINAL) == Some(&"u".repeat(512)));
        })
        .await;
    assert_eq!(pairs, Pairs { requests: 190_000, responses: 190_000 }, "{:?}", said.lock().unwrap());
    assert_eq!(cut, 380_000);
    assert!(most < 150 << 20, "{} MB", most >> 20);
}
