//! A tool that calls an internal REST service in another process: one trace in Jaeger, and in the collector the records of both
//! with that trace and one request id. What the client sends as baggage is nowhere.

use std::path::Path;
use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::examples::example;
use crate::peers::Peers;
use crate::servers::{Collector, Http, Jaeger, terminate};

pub(crate) async fn one_trace_and_request_id(peers: Peers) {
    let http = Http::new();
    let jaeger = Jaeger::start(&peers, &http).await;
    let collector = Collector::start(&peers, &jaeger, &http).await;
    let files = tempfile::tempdir().unwrap();
    let start = async |arguments: &[&str]| serve(&collector, files.path(), arguments).await;
    let (rest, stations) = start(&["rest"]).await;
    let (mcp, weather) = start(&["mcp", &stations]).await;
    // The one call names itself, and is part of a trace of its client; the other is and does neither.
    let trace = "0af7651916cd43dd8448eb211c80319c";
    call(&weather, "Oslo", Some(("order-17", trace))).await;
    call(&weather, "Lisbon", None).await;
    terminate(mcp).await;
    terminate(rest).await;

    let records = collector.records();
    let calls: Vec<_> = records.iter().filter(|record| record.text("gen_ai.tool.name") == "current_weather").collect();
    assert_eq!(calls.len(), 4, "{records:#?}");
    for (call, city) in calls.chunks(2).zip(["Oslo", "Lisbon"]) {
        let (id, trace_id) = (call[0].text("auditrail.request.id"), &call[0].trace_id);
        assert_eq!((id == "order-17", trace_id == trace), (city == "Oslo", city == "Oslo"), "{call:#?}");
        assert!(!id.is_empty() && !trace_id.is_empty());
        let path = format!("/stations/{city}/temperature");
        let requests: Vec<_> = records.iter().filter(|record| record.text("url.path") == path).collect();
        let phases: Vec<_> = requests.iter().map(|record| record.text("auditrail.phase")).collect();
        assert_eq!(phases, ["request", "response"], "{requests:#?}");
        for record in call.iter().chain(&requests) {
            assert_eq!((record.text("auditrail.request.id"), &record.trace_id), (id, trace_id), "{record:#?}");
        }
        let spans = jaeger.trace_of(trace_id, 2, &http).await;
        let (outer, inner) = (&spans[&call[0].span_id], &spans[&requests[0].span_id]);
        assert_eq!(outer["operationName"], "tools/call current_weather");
        assert_eq!(inner["operationName"], "GET /stations/{city}/temperature");
        assert_eq!(inner["references"][0]["spanID"], call[0].span_id.as_str(), "{inner:#}");
        assert_ne!(inner["processID"], outer["processID"], "each is of its own service");
        assert!(!json!(spans).to_string().contains("canary"), "{spans:#?}");
    }
    assert!(!format!("{records:?}").contains("canary"), "{records:#?}");
}

/// A call of 2026-07-28, with baggage wherever a client may put it.
async fn call(server: &str, city: &str, known: Option<(&str, &str)>) {
    let mut meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
        "baggage": "card=canary",
    });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.post(format!("{server}/mcp")).header("baggage", "user=canary,card=canary");
    if let Some((id, trace)) = known {
        let parent = format!("00-{trace}-b7ad6b7169203331-01");
        meta["traceparent"] = parent.clone().into();
        request = request.header("x-request-id", id).header("traceparent", parent);
    }
    let params = json!({ "name": "current_weather", "arguments": { "city": city }, "_meta": meta });
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params });
    let request = request.header("mcp-protocol-version", "2026-07-28").header("mcp-method", "tools/call");
    let request = request.header("mcp-name", "current_weather").header("content-type", "application/json");
    let request = request.header("accept", "application/json, text/event-stream").body(body.to_string());
    let answer = request.send().await.unwrap().text().await.unwrap();
    assert!(answer.contains(&format!("21 degrees in {city}")), "{answer}");
}

/// A process with a state directory of its own, and where it is.
async fn serve(collector: &Collector, files: &Path, arguments: &[&str]) -> (Child, String) {
    let mut command = Command::new(example("internal_call"));
    collector.tell(&mut command);
    command.env("AUDITRAIL_DIR", files.join(arguments[0])).env("AUDITRAIL_FLUSH_TIMEOUT", "60000");
    let mut process = command.args(arguments).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().expect("it says where it is");
    let url = line.rsplit_once(" on ").unwrap_or_else(|| panic!("{line}")).1.to_owned();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            eprintln!("internal_call: {line}");
        }
    });
    (process, url)
}
