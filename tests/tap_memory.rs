//! The taps stay small: a great many messages with random cancellations, answers that never come, garbage and disconnects leave
//! no call open and no memory behind. A process of its own, because it is its memory that is looked at.
//!
//! 200 000, or as many as `AUDITRAIL_TAP_MESSAGES` says; `.ci/run` sends a million.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test stops at what it did not expect, and has a knob"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auditrail::Trail;
use auditrail::capture::mcp::{TapRead, TapWrite};
use auditrail::config::{Environment, OtlpSettings};
use auditrail::ship::{Accepted, Connector, ExportFuture, Sink};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

#[tokio::test]
async fn memory_is_flat_however_much_is_said() {
    let messages: u64 = std::env::var("AUDITRAIL_TAP_MESSAGES").map_or(200_000, |text| text.parse().unwrap());
    let (directory, counted) = (tempfile::tempdir().unwrap(), Counted::default());
    let trail = Trail::builder("memory")
        .environment(Environment::default())
        .directory(directory.path())
        .connector(counted.clone())
        .start()
        .unwrap();
    let mut talk = Talk { random: StdRng::seed_from_u64(7), next: 0, open: Vec::new(), requests: 0, said: 0 };
    let (mut wire, mut early, mut late) = (Wire::new(&trail), 0, 0);
    while talk.said < messages {
        for _ in 0..500 {
            talk.something(&mut wire).await;
        }
        if talk.random.random_ratio(1, 20) {
            // Somebody hangs up, and another comes.
            wire = Wire::new(&trail);
            talk.open.clear();
        }
        while trail.counts().pending > 20_000 {
            tokio::task::yield_now().await;
        }
        // The most of the first and of the last three tenths: how much there is at one moment depends on how long the
        // connection of that moment has lasted, as a cancelled call may still be answered.
        if talk.said <= messages / 10 * 3 {
            early = early.max(anonymous_memory());
        } else if talk.said > messages / 10 * 7 {
            late = late.max(anonymous_memory());
        }
    }
    drop(wire);
    trail.flush(Duration::from_secs(120)).await.unwrap();
    println!(
        "{messages} messages: at most {} KiB in the first three tenths, {} KiB in the last",
        early >> 10,
        late >> 10
    );
    assert!(late < early + (8 << 20), "grew from {early} to {late} bytes over {messages} messages");
    let [begun, ended] = [&counted.requests, &counted.responses].map(|counter| counter.load(Ordering::Relaxed));
    assert_eq!(begun, talk.requests, "every request has its record");
    assert_eq!(ended, begun, "and its end: none is left open");
}

/// What is said on one connection after the other.
struct Talk {
    random: StdRng,
    next: u64,
    open: Vec<u64>,
    requests: u64,
    said: u64,
}

impl Talk {
    async fn something(&mut self, wire: &mut Wire) {
        self.said += 1;
        let chance = self.random.random_range(0..100);
        let open = (!self.open.is_empty()).then(|| self.random.random_range(0..self.open.len()));
        match (chance, open) {
            (0..45, _) | (_, None) => {
                self.next += 1;
                self.requests += 1;
                self.open.push(self.next);
                let id = self.next;
                let name = format!("tool-{}", self.random.random_range(0..100_000));
                wire.client(&format!(
                    r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{name}"}}}}"#
                ))
                .await;
            }
            (45..80, Some(open)) => {
                let id = self.open.swap_remove(open);
                let state = self.random.random_range(0..1_000_000);
                let result = match self.random.random_range(0..4) {
                    0 => format!(r#"{{"resultType":"input_required","requestState":"state-{state}"}}"#),
                    1 => format!(r#"{{"resultType":"task","taskId":"task-{state}"}}"#),
                    2 => format!(r#"{{"tools":[{{"name":"tool-{state}"}}]}}"#),
                    _ => r#"{"content":[]}"#.to_owned(),
                };
                wire.server(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)).await;
            }
            (80..90, Some(open)) => {
                let id = self.open.swap_remove(open);
                wire.client(&format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
                ))
                .await;
            }
            // Never answered: these pile up until the connection goes.
            (90..93, Some(open)) => drop(self.open.swap_remove(open)),
            // A server might run it, so it is asked something.
            (93..96, _) => {
                self.requests += 1;
                wire.client("{ garbage").await;
            }
            _ => wire.server(r#"{"jsonrpc":"2.0","id":"nobody","result":{}}"#).await,
        }
    }
}

struct Wire {
    client_says: DuplexStream,
    server_hears: TapRead<DuplexStream>,
    server_says: TapWrite<DuplexStream>,
    client_hears: DuplexStream,
}

impl Wire {
    fn new(trail: &Trail) -> Self {
        let ((client_says, read), (write, client_hears)) = (duplex(1 << 12), duplex(1 << 12));
        let (server_hears, server_says) = trail.tap(read, write).into_streams();
        Self { client_says, server_hears, server_says, client_hears }
    }

    async fn client(&mut self, line: &str) {
        let mut heard = vec![0; line.len() + 1];
        self.client_says.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        self.server_hears.read_exact(&mut heard).await.unwrap();
    }

    async fn server(&mut self, line: &str) {
        let mut heard = vec![0; line.len() + 1];
        self.server_says.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        self.client_hears.read_exact(&mut heard).await.unwrap();
    }
}

/// Counts the halves of calls, and keeps nothing.
#[derive(Debug, Clone, Default)]
struct Counted {
    requests: Arc<AtomicU64>,
    responses: Arc<AtomicU64>,
}

impl Connector for Counted {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(self.clone()))
    }
}

impl Sink for Counted {
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        let request = ExportLogsServiceRequest::decode(request).unwrap();
        let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
        for attribute in scopes.flat_map(|scope| &scope.log_records).flat_map(|record| &record.attributes) {
            if attribute.key == "auditrail.phase" {
                let is_request = format!("{:?}", attribute.value).contains("request");
                let counter = if is_request { &self.requests } else { &self.responses };
                counter.fetch_add(1, Ordering::Relaxed);
            }
            // Garbage beyond so much a second: a record stands for many.
            if attribute.key == "auditrail.mcp.flawed.count"
                && let Some(Value::IntValue(count)) = attribute.value.as_ref().and_then(|any| any.value.as_ref())
            {
                let count = u64::try_from(*count).unwrap();
                self.requests.fetch_add(count, Ordering::Relaxed);
                self.responses.fetch_add(count, Ordering::Relaxed);
            }
        }
        Box::pin(async { Ok(Accepted::default()) })
    }
}

/// `RssAnon` of this process, in bytes.
fn anonymous_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() << 10
}
