//! A trail with a policy, and the same calls over each route.

use std::sync::Arc;
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::Environment;
use auditrail::policy::{Policy, TargetMap, TargetRule};
use auditrail::record::{Detail, Outcome, Record, Value, names};
use auditrail::serve::Receiver;
use auditrail::trail::{Call, RecordCounts, ToolHints, TrailBuilder};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientConfig, ContentBlock, ServerCapabilities,
    ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};
use tracing_subscriber::prelude::*;

use crate::tapped::Wire;

/// From where calls are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Begin,
    Wrapper,
    Tap,
    Layer,
}

impl Route {
    pub(super) const ALL: [Self; 4] = [Self::Begin, Self::Wrapper, Self::Tap, Self::Layer];
}

/// A trail whose records a real receiver gets.
pub(super) struct Policed {
    pub(super) trail: Trail,
    pub(super) receiver: Receiver,
    directory: tempfile::TempDir,
}

impl Policed {
    pub(super) async fn by(policy: Policy) -> Self {
        Self::with(|builder| builder.policy(policy)).await
    }

    pub(super) async fn with(build: impl FnOnce(TrailBuilder) -> TrailBuilder) -> Self {
        let receiver = Receiver::builder().start().await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        // What annotated spans call is known by the map alone.
        let targets = TargetMap::new([TargetRule::tool("look*").actions(["shop:READ"])]).unwrap();
        let builder = Trail::builder("policed")
            .environment(Environment::default())
            .directory(directory.path())
            .endpoint(receiver.grpc_endpoint().unwrap())
            .targets(targets)
            .on_notice(|_| ());
        Self { trail: build(builder).start().unwrap(), receiver, directory }
    }

    /// Everything that has arrived, but for what the trail tells of itself.
    pub(super) async fn records(&self) -> Vec<Record> {
        let mut records = self.all_records().await;
        let own = ["auditrail.lifecycle", "auditrail.policy", "auditrail.gap"];
        records.retain(|record| !own.contains(&record.event_name.as_ref()));
        records
    }

    pub(super) async fn all_records(&self) -> Vec<Record> {
        self.trail.flush(PATIENCE).await.unwrap();
        received(&self.receiver)
    }

    pub(super) fn counts(&self) -> RecordCounts {
        let counts = self.trail.counts();
        assert_eq!(counts.emitted, counts.acknowledged + counts.refused + counts.suppressed, "{counts:?}");
        assert_eq!(counts.refused, 0, "{counts:?}");
        counts
    }

    /// Ends the trail, and returns everything that has arrived.
    pub(super) async fn ended(self) -> Vec<Record> {
        let Self { trail, receiver, directory } = self;
        trail.flush(PATIENCE).await.unwrap();
        tokio::task::spawn_blocking(move || drop(trail)).await.unwrap();
        let records = received(&receiver);
        drop(directory);
        records
    }
}

fn received(receiver: &Receiver) -> Vec<Record> {
    let mut records: Vec<_> =
        receiver.records().iter().map(|received| Record::decode(&received.bytes).unwrap()).collect();
    records.sort_by_key(number);
    records
}

pub(super) fn number(record: &Record) -> i64 {
    int(record, names::AUDIT_SEQUENCE_NUMBER)
}

pub(super) fn int(record: &Record, name: &str) -> i64 {
    match record.get(name) {
        Some(Value::Int(number)) => *number,
        other => panic!("{name} is {other:?} in {record:#?}"),
    }
}

/// Tool and phase of the halves, in order.
pub(super) fn halves(records: &[Record]) -> Vec<(&str, &str)> {
    records.iter().filter_map(half).collect()
}

/// Tool and phase, if it is a half of a call of a tool.
pub(super) fn half(record: &Record) -> Option<(&str, &str)> {
    let tool = record.text(names::GEN_AI_TOOL_NAME)?;
    Some((tool, record.text(names::AUDITRAIL_PHASE)?))
}

/// Cause, count, rule and policy of the gap records, in order.
pub(super) fn gaps(records: &[Record]) -> Vec<(&str, i64, &str, &str)> {
    fn text<'a>(record: &'a Record, name: &str) -> &'a str {
        record.text(name).unwrap_or("-")
    }
    let gaps = records.iter().filter(|record| record.event_name == "auditrail.gap");
    gaps.map(|gap| {
        (
            text(gap, names::AUDITRAIL_GAP_CAUSE),
            int(gap, names::AUDITRAIL_GAP_COUNT),
            text(gap, names::SECURITY_RULE_NAME),
            text(gap, names::AUDITRAIL_POLICY_DIGEST),
        )
    })
    .collect()
}

/// Calls the tools one after the other over a route. Tools that begin with `look` are read-only, those that end in `fails` fail.
pub(super) async fn call(route: Route, trail: &Trail, tools: &[&'static str]) {
    match route {
        Route::Begin => by_begin(trail, tools).await,
        Route::Wrapper => by_wrapper(trail, tools).await,
        Route::Tap => by_tap(trail, tools).await,
        Route::Layer => by_layer(trail, tools),
    }
}

async fn by_begin(trail: &Trail, tools: &[&str]) {
    for tool in tools {
        let hints = ToolHints::of_read_only(tool.starts_with("look"));
        let call = trail.begin(Call::mcp("tools/call").tool(*tool).hints(hints)).await.unwrap();
        let outcome = if tool.ends_with("fails") { Outcome::of(Detail::ToolError) } else { Outcome::ok() };
        call.finish(outcome).await;
    }
}

async fn by_wrapper(trail: &Trail, tools: &[&'static str]) {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let audited = trail.audited(Shop);
    tokio::spawn(async move { audited.serve(ours).await.unwrap().waiting().await.unwrap() });
    let client = ClientConfig::default().serve(theirs).await.unwrap();
    for tool in tools {
        let _answer = client.call_tool(CallToolRequestParams::new(*tool)).await.unwrap();
    }
    client.cancel().await.unwrap();
}

async fn by_tap(trail: &Trail, tools: &[&str]) {
    let mut wire = Wire::new(trail);
    let listed: Vec<_> = tools
        .iter()
        .map(|tool| {
            let annotations = serde_json::json!({ "readOnlyHint": tool.starts_with("look") });
            serde_json::json!({ "name": tool, "inputSchema": {}, "annotations": annotations })
        })
        .collect();
    wire.client(r#"{"jsonrpc":"2.0","id":"list","method":"tools/list"}"#).await;
    wire.server(&serde_json::json!({ "jsonrpc": "2.0", "id": "list", "result": { "tools": listed } }).to_string())
        .await;
    for (id, tool) in tools.iter().enumerate() {
        let params = serde_json::json!({ "name": tool });
        let asked = serde_json::json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
        wire.client(&asked.to_string()).await;
        let result = serde_json::json!({ "content": [], "isError": tool.ends_with("fails") });
        wire.server(&serde_json::json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()).await;
    }
}

fn by_layer(trail: &Trail, tools: &[&str]) {
    let subscriber = tracing_subscriber::registry().with(trail.layer());
    // Otherwise `tracing` asks the subscriber of the thread alone whether a call site is of interest, and remembers it for all.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    tracing::subscriber::with_default(subscriber, || {
        for tool in tools {
            let outcome = if tool.ends_with("fails") { "failure" } else { "success" };
            tracing::info_span!(
                "shop",
                mcp.method.name = "tools/call",
                gen_ai.tool.name = *tool,
                audit.outcome = outcome
            )
            .in_scope(|| ());
        }
    });
}

/// A server whose tools say whether they are read-only.
#[derive(Debug, Clone)]
struct Shop;

impl ServerHandler for Shop {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let tool = Tool::new(name.to_owned(), "", Arc::default());
        Some(tool.annotate(ToolAnnotations::new().read_only(name.starts_with("look"))))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let content = vec![ContentBlock::text("fine")];
        let fails = request.name.ends_with("fails");
        Ok(if fails { CallToolResult::error(content) } else { CallToolResult::success(content) }.into())
    }
}

/// Far beyond what anything here takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
