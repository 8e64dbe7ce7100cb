//! The main job on real parts: the official Python and TypeScript clients, our example servers over stdio and HTTP, a real
//! OpenTelemetry Collector and a real Jaeger with the configurations that we ship.
//!
//! For every call: the record that the collector wrote carries the trace id and span id of the span that Jaeger returns,
//! and both tell the same.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test stops at what it did not expect"
)]

#[path = "../../tests/peers/behind_the_proxy.rs"]
mod behind_the_proxy;
#[path = "../../tests/examples/mod.rs"]
mod examples;
#[path = "../../tests/peers/internal_call.rs"]
mod internal_call;
#[path = "../../tests/peers/mod.rs"]
mod peers;
#[path = "../../tests/peers/picture.rs"]
mod picture;
#[path = "../../tests/peers/servers.rs"]
mod servers;

use std::collections::HashMap;
use std::process::ExitCode;

use serde_json::Value;

use self::peers::{Peer, Peers, trial};
use self::servers::{Client, Clients, Collector, Http, Jaeger, Server};

/// What the clients call, in order, and how each call must end.
const CALLS: [(&str, &str, &str); 4] = [
    ("current_weather", "success", "ok"),
    ("forecast", "failure", "tool_error"),
    ("delete_station", "failure", "denied"),
    ("no_such_tool", "failure", "jsonrpc_error"),
];

fn main() -> ExitCode {
    const NEEDS: &[Peer] = &[Peer::Collector, Peer::Jaeger, Peer::Python, Peer::TypeScript];
    const PROXIED: &[Peer] = &[Peer::Collector, Peer::Jaeger, Peer::Python];
    peers::run(vec![
        trial("every_call_is_a_record_in_the_collector_and_its_span_in_jaeger", NEEDS, every_call),
        trial(
            "a_python_server_behind_the_proxy_works_inside_the_calls_spans",
            PROXIED,
            behind_the_proxy::python_server,
        ),
        trial(
            "a_call_and_the_internal_request_of_its_tool_are_one_trace",
            &[Peer::Collector, Peer::Jaeger],
            internal_call::one_trace_and_request_id,
        ),
    ])
}

async fn every_call(peers: Peers) {
    let http = Http::new();
    let jaeger = Jaeger::start(&peers, &http).await;
    let collector = Collector::start(&peers, &jaeger, &http).await;
    let clients = Clients { peers: &peers, collector: &collector };

    let mut calls = Vec::new();
    for client in [Client::Python, Client::TypeScript] {
        for server in [Server::Stdio, Server::Http] {
            let lines = clients.run(client, server).await;
            assert_eq!(tools(&lines), CALLS.map(|(tool, ..)| tool), "{client:?} over {server:?}");
            calls.push((client, server, lines));
        }
    }

    let records = collector.records();
    let mut shown = false;
    for (client, server, lines) in &calls {
        let mine = of_run(&records, *client, *server);
        assert_eq!(mine.len(), 2 * CALLS.len(), "{client:?} over {server:?}: {mine:#?}");
        for ((tool, outcome, detail), line) in CALLS.iter().zip(lines) {
            let mut pair: Vec<&Record> =
                mine.iter().filter(|record| record.text("gen_ai.tool.name") == *tool).copied().collect();
            // Several requests are on their way to the collector at a time.
            pair.sort_by_key(|record| record.text("auditrail.phase") != "request");
            let [request, response] = pair[..] else { panic!("{tool}: {pair:#?}") };
            assert_eq!((request.text("auditrail.phase"), response.text("auditrail.phase")), ("request", "response"));
            assert_eq!(
                (response.text("audit.outcome"), response.text("auditrail.outcome.detail")),
                (*outcome, *detail)
            );

            let trace = jaeger.trace_with(&response.trace_id, &response.span_id, &http).await;
            let span = &trace[&response.span_id];
            agree(span, request, response);
            inside(&trace, span);
            parent(*client, span, line);
            if (*client, *server, *tool) == (Client::TypeScript, Server::Stdio, "current_weather") {
                let trace = jaeger.trace_of(&response.trace_id, 3, &http).await;
                picture::check(request, response, &trace);
            }
            if !std::mem::replace(&mut shown, true) {
                eprintln!("one call, as the collector has its record and Jaeger its span:\n{response:#?}\n{span:#}");
            }
        }
    }
    // The annotated handler is a child of the call in the same trace.
    let is_weather = |record: &&Record| {
        record.text("auditrail.event") == "auditrail.mcp.tools.call"
            && record.text("gen_ai.tool.name") == "current_weather"
    };
    let weather = records.iter().find(is_weather).unwrap();
    let trace = jaeger.trace_with(&weather.trace_id, &weather.span_id, &http).await;
    let handler =
        trace.values().find(|span| span["operationName"] == "current_weather").expect("the handler's own span");
    assert_eq!(handler["references"][0]["spanID"], weather.span_id.as_str());
    assert!(!inside(&trace, &trace[&weather.span_id]).is_empty());
}

/// The span of a call says the same as its records, bit for bit on the duration, and leads to them by their ids.
fn agree(span: &Value, request: &Record, response: &Record) {
    assert_eq!((&request.trace_id, &request.span_id), (&response.trace_id, &response.span_id));
    assert_eq!(span["operationName"], format!("tools/call {}", response.text("gen_ai.tool.name")));
    for key in ["gen_ai.tool.name", "audit.outcome", "auditrail.outcome.detail", "auditrail.call.id"] {
        assert_eq!(tag(span, key), &response.attributes[key]["stringValue"], "{key}");
    }
    let (on_span, on_record) =
        (tag(span, "auditrail.duration"), &response.attributes["auditrail.duration"]["doubleValue"]);
    assert_eq!(on_span.as_f64().unwrap().to_bits(), on_record.as_f64().unwrap().to_bits());
    // Jaeger counts in microseconds.
    assert_eq!(span["startTime"].as_u64(), Some(request.time_unix_nano / 1000));
    assert_eq!(span["duration"].as_u64(), Some((response.time_unix_nano - request.time_unix_nano) / 1000));
    let on_events: Vec<&Value> = span["logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|log| log["fields"].as_array().unwrap())
        // A denied call has the record of the decision, too.
        .filter(|fields| !fields.iter().any(|field| field["value"] == "auditrail.authz"))
        .flatten()
        .filter(|field| field["key"] == "audit.record.id")
        .map(|field| &field["value"])
        .collect();
    assert_eq!(on_events, [request.text("audit.record.id"), response.text("audit.record.id")]);
}

/// What was done below a call was done inside of it.
fn inside<'a>(trace: &'a HashMap<String, Value>, call: &Value) -> Vec<&'a Value> {
    let parent = |span: &Value| span["references"][0]["spanID"].as_str().and_then(|id| trace.get(id));
    let is_below = |span: &&Value| std::iter::successors(parent(span), |span| parent(span)).any(|above| above == call);
    let below: Vec<&Value> = trace.values().filter(is_below).collect();
    let times = |span: &Value| (span["startTime"].as_u64().unwrap(), span["duration"].as_u64().unwrap());
    let (start, length) = times(call);
    for span in &below {
        let (begins, lasts) = times(span);
        // Two numbers were cut to microseconds.
        assert!(begins >= start && begins + lasts <= start + length + 1, "{span:#} is not inside of {call:#}");
    }
    below
}

/// The Python client's own span is the parent; the TypeScript client sends no trace context, so its calls are roots.
fn parent(client: Client, span: &Value, line: &Value) {
    let parents: Vec<&Value> =
        span["references"].as_array().unwrap().iter().filter(|reference| reference["refType"] == "CHILD_OF").collect();
    match client {
        Client::Python => {
            assert_eq!(span["traceID"], line["trace_id"]);
            assert_eq!(parents.len(), 1, "{span:#}");
            assert_eq!(parents[0]["spanID"], line["span_id"]);
        }
        Client::TypeScript => assert!(parents.is_empty(), "{span:#}"),
    }
}

/// A record as the collector's file exporter wrote it.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) time_unix_nano: u64,
    pub(crate) body: String,
    pub(crate) attributes: HashMap<String, Value>,
}

impl Record {
    pub(crate) fn text(&self, key: &str) -> &str {
        self.attributes.get(key).and_then(|value| value["stringValue"].as_str()).unwrap_or("")
    }
}

/// The records of the tool calls of one run: each client over each transport is known by what it says of itself.
fn of_run(records: &[Record], client: Client, server: Server) -> Vec<&Record> {
    let transport = match server {
        Server::Stdio => "stdio",
        Server::Http => "streamable_http",
    };
    let is_mine = |record: &&Record| {
        record.text("auditrail.event") == "auditrail.mcp.tools.call"
            && record.text("auditrail.mcp.transport") == transport
            && record.text("auditrail.client.name") == client.name()
    };
    records.iter().filter(is_mine).collect()
}

fn tools(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["tool"].as_str().unwrap()).collect()
}

fn tag<'a>(span: &'a Value, key: &str) -> &'a Value {
    let tags = span["tags"].as_array().unwrap();
    &tags.iter().find(|tag| tag["key"] == key).unwrap_or_else(|| panic!("no {key} on {span:#}"))["value"]
}
