//! The orderly end of a process with calls open, wherever they were begun: each is answered `interrupted` before the stream
//! ends, and its span is ended and exported. What its handler says afterwards comes too late and changes nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    reason = "a test stops at what it did not expect; the helpers are shared"
)]

#[path = "support/agreement.rs"]
mod agreement;
#[path = "suite/server.rs"]
mod server;
#[path = "suite/tapped.rs"]
mod tapped;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::Environment;
use auditrail::record::{Outcome, Record, Value, names};
use auditrail::serve::{Receiver, Snapshot};
use auditrail::trail::Call;
use tokio::sync::Notify;

use self::agreement::{Agreed, agree};
use self::server::{Everything, connect, request};
use self::tapped::Wire;

/// Far more than it takes; only there so that a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_open_at_the_end_are_interrupted_and_their_spans_exported() {
    let receiver = Receiver::builder().start().await.unwrap();
    let said = Arc::<Mutex<Vec<String>>>::default();
    let notices = said.clone();
    let directory = tempfile::tempdir().unwrap();
    let trail = Trail::builder("ends")
        .directory(directory.path())
        .environment(Environment::from_iter([("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.grpc_endpoint().unwrap())]))
        .flush_timeout(Duration::from_secs(30))
        .on_notice(move |notice| notices.lock().unwrap().push(notice.text.clone()))
        .start()
        .unwrap();
    let telemetry = trail.install_tracing().unwrap();

    let by_hand = trail.begin(Call::mcp("tools/call").tool("by_hand")).await.unwrap();
    let mut wire = Wire::new(&trail);
    wire.client(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"past_the_tap"}}"#).await;
    let go_on = Arc::new(Notify::new());
    let (begun, handler) = (Arc::new(Notify::new()), go_on.clone());
    let is_begun = begun.clone();
    let annotated = tokio::spawn(async move { annotated(&is_begun, &handler).await });
    begun.notified().await;
    let everything = Everything::default();
    let client = connect(&trail, everything.clone()).await;
    let wrapped = tokio::spawn(async move { client.call_tool(request("slow")).await });
    everything.begun.notified().await;
    let done = trail.begin(Call::mcp("tools/call").tool("done")).await.unwrap();
    done.finish(Outcome::ok()).await;

    // The end of `main`. The server under the wrapper has a handle of the trail, until its runtime ends.
    tokio::task::spawn_blocking(move || drop((telemetry, trail))).await.unwrap();
    go_on.notify_one();
    assert_eq!(annotated.await.unwrap(), 7);
    everything.go_on.notify_one();
    wrapped.await.unwrap().unwrap();
    by_hand.finish(Outcome::ok()).await;
    wire.server(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    drop(wire);
    let is_stopped = |record: &Record| record.text(names::AUDITRAIL_LIFECYCLE_STATE) == Some("stopped");
    let is_over = |seen: &Snapshot| seen.records.iter().any(|got| is_stopped(&Record::decode(&got.bytes).unwrap()));
    receiver.wait_for(is_over, PATIENCE).await.unwrap();

    let mut records: Vec<_> = receiver.records().iter().map(|got| Record::decode(&got.bytes).unwrap()).collect();
    records.sort_by_key(sequence);
    let last = records.last().unwrap();
    assert!(is_stopped(last), "{last:#?}");
    for (tool, ending) in [
        ("by_hand", "interrupted"),
        ("past_the_tap", "interrupted"),
        ("annotated", "interrupted"),
        ("slow", "interrupted"),
        ("done", "ok"),
    ] {
        let halves: Vec<_> =
            records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some(tool)).collect();
        let told: Vec<_> = halves
            .iter()
            .map(|half| (half.text(names::AUDITRAIL_PHASE), half.text(names::AUDITRAIL_OUTCOME_DETAIL)))
            .collect();
        assert_eq!(told, [(Some("request"), None), (Some("response"), Some(ending))], "{tool}");
        assert_eq!(halves[0].text(names::AUDITRAIL_CALL_ID), halves[1].text(names::AUDITRAIL_CALL_ID));
    }
    // Five calls, and `initialize` of the client.
    assert_eq!(agree(&records, &receiver.spans()), Agreed { pairs: 6, moments: 0 });
    assert_eq!(*said.lock().unwrap(), Vec::<String>::new());
}

#[tracing::instrument(skip_all, ret, fields(mcp.method.name = "tools/call", gen_ai.tool.name = "annotated"))]
async fn annotated(begun: &Notify, go_on: &Notify) -> u32 {
    begun.notify_one();
    go_on.notified().await;
    7
}

fn sequence(record: &Record) -> i64 {
    match record.get(names::AUDIT_SEQUENCE_NUMBER) {
        Some(Value::Int(number)) => *number,
        other => panic!("{other:?} in {record:#?}"),
    }
}
