//! `[trace] inject` before real servers with a tracer of their own: their spans of the call are below the proxy's.

use std::sync::Arc;

use auditrail::serve::{ReceivedSpan, Receiver};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::examples::example;
use crate::peers::{Peer, Peers, trial};
use crate::rig::{Played, Proxy};

const INJECT: &str = "[trace]\ninject = true\n";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_server_of_rmcp_goes_on_with_the_trace", &[], a_server_of_rmcp_goes_on_with_the_trace),
        trial(
            "a_server_of_the_python_sdk_goes_on_with_the_trace",
            &[Peer::Python],
            a_server_of_the_python_sdk_goes_on_with_the_trace,
        ),
    ]
}

async fn a_server_of_rmcp_goes_on_with_the_trace(_: Peers) {
    let receiver = Receiver::builder().start().await.unwrap();
    let server = example("rmcp_stdio");
    let own = tempfile::tempdir().unwrap();
    let directory = format!("AUDITRAIL_DIR={}", own.path().display());
    let proxy = Proxy::of(&["env", &directory, "OTEL_SERVICE_NAME=weather", server.to_str().unwrap()]);
    let answers = session(proxy, &receiver, "current_weather", json!({ "city": "Oslo" })).await;
    assert!(answers.text().contains("Oslo"), "{}", answers.said);
    goes_on(&receiver, "current_weather", "current_weather");
}

async fn a_server_of_the_python_sdk_goes_on_with_the_trace(peers: Peers) {
    let receiver = Receiver::builder().start().await.unwrap();
    let python = peers.path(Peer::Python);
    let proxy = Proxy::of(&[python.to_str().unwrap(), "tests/peers/python/traced_server.py"]);
    let answers = session(proxy, &receiver, "add", json!({ "a": 20, "b": 22 })).await;
    assert!(answers.text().contains("42"), "{}", answers.said);
    goes_on(&receiver, "add", "adding");
}

/// One call of a tool, as a client without a tracer makes it.
async fn session(proxy: Proxy, receiver: &Receiver, tool: &str, arguments: Value) -> Played {
    let proxy = proxy.configured(INJECT).collector(receiver).argument("--name").argument("proxied");
    let tool = json!({ "name": tool, "arguments": arguments });
    let session = tokio::task::spawn_blocking(move || {
        let mut running = proxy.start();
        let request = |id: u64, method: &str, params: &Value| {
            format!("{}\n", json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
        };
        let client = json!({ "name": "a", "version": "1" });
        let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
        running.send(&request(1, "initialize", &hello));
        running.read_until("\"id\":1");
        running.send("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
        running.send(&request(2, "tools/call", &tool));
        running.read_until("\"id\":2");
        running.end()
    });
    session.await.unwrap()
}

/// The proxy's span is the root, and the handler's is below it, by way of what the server's SDK makes of the call.
fn goes_on(receiver: &Receiver, tool: &str, handler: &str) {
    let spans = receiver.spans();
    let is_root =
        |one: &&Arc<ReceivedSpan>| one.span.name == format!("tools/call {tool}") && one.span.parent_span_id.is_empty();
    let root = spans.iter().find(is_root).unwrap_or_else(|| panic!("{spans:#?}"));
    let mut below = spans.iter().find(|one| one.span.name == handler).unwrap_or_else(|| panic!("{spans:#?}"));
    let mut depth = 0;
    while below.span.span_id != root.span.span_id {
        assert_eq!(below.span.trace_id, root.span.trace_id);
        let parent = spans.iter().find(|one| one.span.span_id == below.span.parent_span_id);
        (below, depth) = (parent.unwrap_or_else(|| panic!("{spans:#?}")), depth + 1);
    }
    assert_eq!(depth, 2);
}
