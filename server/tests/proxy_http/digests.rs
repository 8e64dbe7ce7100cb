//! The proxy and the server behind it agree on what a call was given and what it gave, in both eras and from every view of the
//! server.

use std::net::SocketAddr;
use std::sync::Arc;

use auditrail::record::{Record, Value, names};
use axum::Router;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolRequestParams, CallToolResult, ClientConfig, ContentBlock, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, serve_client_with_lifecycle};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, tool, tool_handler, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, json};
use tokio::net::TcpListener;

use crate::rig::{Proxy, reverse, within};
use crate::support::Bench;

#[derive(Debug, Clone, Copy, PartialEq)]
enum View {
    Tap,
    Wrapper,
    Both,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_proxy_and_the_server_say_the_same_of_a_call() {
    for view in [View::Tap, View::Wrapper, View::Both] {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let server = Arc::new(Bench::on(directory.clone(), |builder| builder.record_digests(true)));
        let proxy = Arc::new(Bench::on(directory, |builder| builder.record_digests(true)));
        let proxy = Proxy::with(proxy, reverse(serve(view, &server).await)).await;
        let discover = ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] };
        for lifecycle in [ClientLifecycleMode::Initialize, discover] {
            let url = format!("http://{}/mcp", proxy.address);
            let transport =
                StreamableHttpClientTransport::from_config(StreamableHttpClientTransportConfig::with_uri(url));
            let client = serve_client_with_lifecycle(ClientConfig::default(), transport, lifecycle).await.unwrap();
            for text in ["\u{1f600} \u{fb33} \u{7} \"", &"long ".repeat(20_000)] {
                let given =
                    json!({ "text": text, "number": 0.1 + 0.7, "z": 1, "a": [1e21, -0.0, 333_333_333.333_333_3] });
                let given: Map<_, _> = given.as_object().unwrap().clone();
                within(client.call_tool(CallToolRequestParams::new("echo").with_arguments(given))).await.unwrap();
            }
            within(client.cancel()).await.unwrap();
        }
        let (seen, told) = (proxy.records().await, server.records());
        let [seen, told] = [&seen, &told].map(|records| said(records));
        assert_eq!(seen.len(), 8, "{view:?}: four calls");
        for (seen, told) in seen.iter().zip(&told) {
            let is_long = |said: &[Option<Value>; 7]| said[1] == Some("raw".into());
            match view {
                // The wrapper has no bytes of the wire.
                View::Wrapper if is_long(seen) => assert_eq!(told[1], Some("jcs".into())),
                _ => assert_eq!(seen, told, "{view:?}"),
            }
        }
        assert_eq!(seen.iter().filter(|said| said[1] == Some("raw".into())).count(), 4, "{view:?}");
        assert_eq!(seen.len(), told.len());
    }
}

/// What the records of calls of tools say of content, in the order of the calls.
fn said(records: &[Record]) -> Vec<[Option<Value>; 7]> {
    let mut calls: Vec<_> = records.iter().filter(|record| record.event_name == "auditrail.mcp.tools.call").collect();
    calls.sort_by_key(|record| record.time_unix_nano);
    let names = [
        names::AUDITRAIL_ARGUMENTS_DIGEST,
        names::AUDITRAIL_ARGUMENTS_DIGEST_FORM,
        names::AUDITRAIL_ARGUMENTS_SIZE,
        names::AUDITRAIL_RESULT_DIGEST,
        names::AUDITRAIL_RESULT_DIGEST_FORM,
        names::AUDITRAIL_RESULT_SIZE,
        names::AUDITRAIL_RESULT_COUNT,
    ];
    calls.iter().map(|record| names.map(|name| record.get(name).cloned())).collect()
}

#[derive(Debug, Clone)]
struct Tools;

#[derive(Debug, Deserialize, JsonSchema)]
struct Given {
    text: String,
    number: f64,
}

#[tool_router]
impl Tools {
    #[tool(description = "Says it again")]
    async fn echo(&self, Parameters(Given { text, number }): Parameters<Given>) -> CallToolResult {
        let mut result = CallToolResult::structured(json!({ "number": number / 3.0, "text": text }));
        result.content.push(ContentBlock::text("\u{2028}"));
        result
    }
}

#[tool_handler]
impl ServerHandler for Tools {}

async fn serve(view: View, bench: &Bench) -> SocketAddr {
    let trail = bench.trail.clone();
    let router = match view {
        View::Tap => service(|| Tools).layer(trail.mcp_layer()),
        View::Wrapper => service(move || trail.audited(Tools)),
        View::Both => {
            let layer = trail.mcp_layer();
            service(move || trail.audited(Tools)).layer(layer)
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn service<H: ServerHandler>(handler: impl Fn() -> H + Clone + Send + Sync + 'static) -> Router {
    let service: StreamableHttpService<H, LocalSessionManager> =
        StreamableHttpService::new(move || Ok(handler()), Default::default(), StreamableHttpServerConfig::default());
    Router::new().nest_service("/mcp", service)
}
