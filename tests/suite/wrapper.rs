//! The rmcp wrapper: each request is one pair of records on one span, whatever becomes of it.

use std::collections::BTreeSet;

use auditrail::policy::Decision;
use auditrail::record::{Record, names};
use auditrail::trail::Actor;
use opentelemetry::trace::{SpanId, SpanKind, Status};
use rmcp::model::{
    ClientRequest, CustomRequest, GetPromptRequestParams, ReadResourceRequestParams, Request, RequestMetaObject,
};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::prelude::*;

use crate::server::{Everything, call, connect, request};
use crate::support::{Bench, Spans, attribute, double, ending, ids, record_ids, tracer};

fn traced(bench: &Bench) -> (DefaultGuard, Spans) {
    let (tracer, spans) = tracer();
    let subscriber = tracing_subscriber::registry()
        .with(bench.trail.layer())
        .with(tracing_opentelemetry::layer().with_tracer(tracer));
    (subscriber.set_default(), spans)
}

/// The halves of its calls.
fn of<'a>(records: &'a [Record], tool: &str) -> Vec<&'a Record> {
    let is_half = |record: &&Record| record.text(names::AUDITRAIL_PHASE).is_some();
    records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some(tool)).filter(is_half).collect()
}

#[tokio::test]
async fn every_outcome_is_told_apart_and_stands_on_record_and_span() {
    let bench = Bench::new();
    let (_guard, spans) = traced(&bench);
    let client = connect(&bench.trail, Everything::default()).await;
    for tool in ["ok", "annotated", "fails", "breaks", "misused", "logs", "nowhere"] {
        drop(call(&client, tool).await);
    }
    client.cancel().await.unwrap();
    let (records, error) = (bench.records(), Status::error(""));
    for (tool, ends, error_type, severity, status) in [
        ("ok", ("success", "ok"), None, 9, Status::Unset),
        ("annotated", ("success", "ok"), None, 9, Status::Unset),
        ("fails", ("failure", "tool_error"), Some("tool_error"), 17, error.clone()),
        ("breaks", ("failure", "jsonrpc_error"), Some("-32603"), 17, error.clone()),
        ("misused", ("failure", "jsonrpc_error"), Some("-32602"), 17, Status::Unset),
        ("nowhere", ("failure", "jsonrpc_error"), Some("-32602"), 17, Status::Unset),
    ] {
        let pair = of(&records, tool);
        let span = spans.named(&format!("tools/call {tool}"));
        assert_eq!(pair.len(), 2, "{tool}: one pair, wrapper and layer together");
        assert_eq!(ending(pair[0]), ("request", "unknown", ""), "{tool}");
        assert_eq!(ending(pair[1]), ("response", ends.0, ends.1), "{tool}");
        assert_eq!(pair[1].text(names::ERROR_TYPE), error_type, "{tool}");
        assert_eq!(pair[1].severity.number, severity, "{tool}");
        assert_eq!(pair[0].text(names::AUDITRAIL_CALL_ID), pair[1].text(names::AUDITRAIL_CALL_ID), "{tool}");
        assert_eq!(pair[0].text(names::JSONRPC_REQUEST_ID), pair[1].text(names::JSONRPC_REQUEST_ID), "{tool}");
        assert!(pair.iter().all(|record| record_ids(record) == ids(&span)), "{tool}");
        assert_eq!((span.status.clone(), span.span_kind.clone()), (status, SpanKind::Server), "{tool}");
        assert_eq!(span.parent_span_id, SpanId::INVALID, "{tool}: a root, not under serve_inner");
        assert_eq!(attribute(&span, names::AUDIT_OUTCOME).unwrap().as_str(), ends.0, "{tool}");
        let on_span = attribute(&span, names::AUDITRAIL_DURATION).unwrap();
        assert_eq!(on_span, &opentelemetry::Value::F64(double(pair[1], names::AUDITRAIL_DURATION)), "{tool}");
        let mirrored: Vec<_> = span.events.iter().filter(|event| event.name == "auditrail.mcp.tools.call").collect();
        let on_events: Vec<_> = mirrored.iter().map(|event| event.attributes[0].value.as_str().into_owned()).collect();
        assert_eq!(
            on_events,
            pair.iter().map(|record| record.text(names::AUDIT_RECORD_ID).unwrap()).collect::<Vec<_>>()
        );
        let keys: Vec<_> = span.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
        assert_eq!(
            keys.iter().collect::<BTreeSet<_>>().len(),
            keys.len(),
            "{tool}: no key twice on the span: {keys:?}"
        );
    }
    let ok = of(&records, "ok")[1];
    assert_eq!(ok.text(names::AUDIT_TARGET_ID), Some("Lisbon"), "the handler's span enriches");
    assert_eq!(ok.text(names::AUDITRAIL_CLIENT_NAME), Some("rmcp"));
    assert_eq!(ok.text(names::MCP_METHOD_NAME), Some("tools/call"));
    assert_eq!(ok.text(names::AUDIT_ACTOR_ID), Some("anonymous"));
    let annotated = of(&records, "annotated")[1];
    assert_eq!(annotated.text(names::AUDITRAIL_TENANT_ID), Some("blue"));
    assert_eq!(spans.named("handler").parent_span_id, spans.named("tools/call ok").span_context.span_id());
}

#[tokio::test]
async fn other_requests_and_notifications_are_recorded_too() {
    let bench = Bench::new();
    let (_guard, spans) = traced(&bench);
    let client = connect(&bench.trail, Everything::default()).await;
    client.list_tools(None).await.unwrap();
    client.get_prompt(GetPromptRequestParams::new("greet")).await.unwrap();
    client.read_resource(ReadResourceRequestParams::new("https://me:canary@host/doc?key=canary#canary")).await.unwrap();
    let custom = ClientRequest::CustomRequest(CustomRequest::new("shop/close", None));
    drop(client.send_request(custom).await);
    client.cancel().await.unwrap();
    let records = bench.records();
    let seen: Vec<_> = records
        .iter()
        .map(|record| (record.event_name.as_ref(), record.text(names::MCP_METHOD_NAME).unwrap(), ending(record).1))
        .collect();
    for (event, method, outcome) in [
        ("auditrail.mcp.request", "initialize", "success"),
        ("auditrail.mcp.notification", "notifications/initialized", "success"),
        ("auditrail.mcp.request", "tools/list", "success"),
        ("auditrail.mcp.prompts.get", "prompts/get", "success"),
        ("auditrail.mcp.resources.read", "resources/read", "success"),
        ("auditrail.mcp.request", "shop/close", "failure"),
    ] {
        assert_eq!(seen.iter().filter(|seen| **seen == (event, method, outcome)).count(), 1, "{method}: {seen:?}");
    }
    let resource = records.iter().rfind(|record| record.event_name == "auditrail.mcp.resources.read").unwrap();
    assert_eq!(resource.text(names::MCP_RESOURCE_URI), Some("https://host/doc"));
    assert_eq!(resource.text(names::AUDIT_TARGET_TYPE), Some("resource"));
    assert_eq!(spans.named("prompts/get greet").name, "prompts/get greet");
    assert_eq!(spans.named("resources/read").name, "resources/read", "no URI in the name");
    assert_eq!(spans.named("_OTHER").name, "_OTHER", "a method that no revision knows");
    assert!(!String::from_utf8_lossy(&bench.sunk.bytes()).contains("canary"));
}

#[tokio::test]
async fn a_cancelled_call_is_cancelled_although_its_handler_runs_on() {
    let bench = Bench::new();
    let server = Everything::default();
    let client = connect(&bench.trail, server.clone()).await;
    let slow = ClientRequest::CallToolRequest(Request::new(request("slow")));
    let handle = client.send_cancellable_request(slow, rmcp::service::PeerRequestOptions::no_options()).await.unwrap();
    server.begun.notified().await;
    handle.cancel(None).await.unwrap();
    // The cancellation is handled before whatever is sent after it.
    client.list_tools(None).await.unwrap();
    server.go_on.notify_one();
    let records = loop {
        let records = bench.records();
        if of(&records, "slow").len() == 2 {
            break records;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(ending(of(&records, "slow")[1]), ("response", "unknown", "cancelled"));
    assert!(records.iter().any(|record| record.text(names::MCP_METHOD_NAME) == Some("notifications/cancelled")));
}

#[tokio::test]
async fn a_panic_in_a_handler_is_recorded_and_nothing_else_is_touched() {
    let bench = Bench::new();
    let client = connect(&bench.trail, Everything::default()).await;
    let panics = ClientRequest::CallToolRequest(Request::new(request("panics")));
    // rmcp never answers it, so nobody waits for it.
    let handle =
        client.send_cancellable_request(panics, rmcp::service::PeerRequestOptions::no_options()).await.unwrap();
    call(&client, "ok").await.unwrap();
    let records = bench.records();
    assert_eq!(ending(of(&records, "panics")[1]), ("response", "failure", "panic"));
    assert_eq!(ending(of(&records, "ok")[1]), ("response", "success", "ok"));
    drop(handle);
}

#[tokio::test]
async fn a_refused_call_does_not_run_and_is_answered_by_a_clear_error() {
    let server = Everything::default();
    let bench = Bench::with(|builder| {
        builder.authorize(|call| match call.name() {
            Some("slow") => Decision::Deny { reason: "not on a Sunday".into(), rule: Some("sunday".into()) },
            Some("ok") => std::panic::resume_unwind(Box::new("expected")),
            _ => Decision::Allow,
        })
    });
    let (_guard, spans) = traced(&bench);
    let client = connect(&bench.trail, server.clone()).await;
    // If it ran, it would wait for ever.
    let error = call(&client, "slow").await.unwrap_err();
    let rmcp::ServiceError::McpError(error) = error else { panic!("{error}") };
    assert_eq!((error.code.0, error.message.as_ref()), (-32043, "call denied: not on a Sunday"));
    let undecided = call(&client, "ok").await.unwrap_err().to_string();
    assert!(undecided.contains("the decision could not be made"), "{undecided}");
    let records = bench.records();
    let pair = of(&records, "slow");
    assert_eq!(ending(pair[1]), ("response", "failure", "denied"));
    assert_eq!(pair[1].severity.number, 13);
    assert_eq!(pair[1].text(names::AUDITRAIL_DECISION), Some("deny"));
    assert_eq!(pair[1].text(names::AUDITRAIL_DECISION_REASON), Some("not on a Sunday"));
    assert_eq!(pair[1].text(names::SECURITY_RULE_NAME), Some("sunday"));
    assert_eq!(pair[1].text(names::RPC_RESPONSE_STATUS_CODE), Some("-32043"));
    let answered = error.data.unwrap()["auditrail.call.id"].as_str().map(ToOwned::to_owned);
    assert_eq!(answered.as_deref(), pair[1].text(names::AUDITRAIL_CALL_ID));
    assert_eq!(spans.named("tools/call slow").status, Status::error(""));
    assert!(bench.said()[0].contains("authorize hook panicked; the call is denied"));
}

#[tokio::test]
async fn a_denial_by_the_handler_itself_is_told_by_the_hook() {
    let bench = Bench::with(|builder| builder.denied_when(|failure| failure.message.contains("forbidden")));
    let client = connect(&bench.trail, Everything::default()).await;
    call(&client, "fails").await.unwrap();
    drop(call(&client, "breaks").await);
    let records = bench.records();
    assert_eq!(ending(of(&records, "fails")[1]), ("response", "failure", "denied"));
    assert_eq!(ending(of(&records, "breaks")[1]), ("response", "failure", "jsonrpc_error"));
}

#[tokio::test]
async fn the_callers_span_in_meta_is_the_parent() {
    let bench = Bench::new();
    let (_guard, spans) = traced(&bench);
    let client = connect(&bench.trail, Everything::default()).await;
    for (traceparent, sampled) in [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
        ("00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-00", false),
    ] {
        let mut params = request("ok");
        let mut meta = RequestMetaObject::default();
        meta.insert("traceparent".into(), traceparent.into());
        params.meta = Some(meta);
        client.call_tool(params).await.unwrap();
        let records = bench.records();
        let record = *of(&records, "ok").last().unwrap();
        assert_eq!(record.trace_id.unwrap().to_string(), &traceparent[3..35]);
        assert_eq!(record.flags, u32::from(sampled));
        if sampled {
            assert_eq!(spans.named("tools/call ok").parent_span_id.to_string(), "b7ad6b7169203331");
        }
    }
    let mut params = request("fails");
    let mut meta = RequestMetaObject::default();
    meta.insert("traceparent".into(), "00-canary-not-a-trace".into());
    params.meta = Some(meta);
    client.call_tool(params).await.unwrap();
    assert_eq!(spans.named("tools/call fails").parent_span_id, SpanId::INVALID, "malformed context is none");
}

#[tokio::test]
async fn an_extractor_that_panics_leaves_the_call_anonymous_and_one_that_answers_names_the_actor() {
    let bench = Bench::with(|builder| {
        builder.actor(|request| match request.method {
            "initialize" => std::panic::resume_unwind(Box::new("expected")),
            "tools/call" => Some(Actor::verified("alice").service().with_roles(["admin"])),
            _ => None,
        })
    });
    let client = connect(&bench.trail, Everything::default()).await;
    call(&client, "ok").await.unwrap();
    let records = bench.records();
    let initialize = records.iter().find(|record| record.text(names::MCP_METHOD_NAME) == Some("initialize")).unwrap();
    assert_eq!(initialize.text(names::AUDIT_ACTOR_ID), Some("anonymous"));
    let call = of(&records, "ok")[0];
    assert_eq!(
        (call.text(names::AUDIT_ACTOR_ID), call.text(names::AUDIT_ACTOR_TYPE)),
        (Some("alice"), Some("service"))
    );
    assert_eq!(call.get(names::AUDITRAIL_ACTOR_VERIFIED), Some(&auditrail::record::Value::Bool(true)));
}
