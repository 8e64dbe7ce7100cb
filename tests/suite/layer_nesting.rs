//! Spans inside spans: what is a call of its own, and whose facts are whose.

use auditrail::record::names;
use auditrail::trail::Call;
use tracing_subscriber::prelude::*;

use crate::support::{Bench, ending};

/// A moment is no call: a call inside it is begun and finished like any other.
#[test]
fn a_call_inside_a_moment_is_a_call_of_its_own() {
    let bench = Bench::new();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()), || {
        tracing::info_span!("session", auditrail.event = "auditrail.mcp.session").in_scope(|| {
            tracing::info!(auditrail.event = "auditrail.context");
            tracing::info_span!("call", mcp.method.name = "tools/call", audit.outcome = "success").in_scope(|| ());
        });
    });
    let records = bench.records();
    let events: Vec<_> = records.iter().map(|record| (record.event_name.as_ref(), ending(record))).collect();
    assert_eq!(
        events,
        [
            ("auditrail.context", ("", "success", "")),
            ("auditrail.mcp.tools.call", ("request", "unknown", "")),
            ("auditrail.mcp.tools.call", ("response", "success", "ok")),
            ("auditrail.mcp.session", ("", "success", "")),
        ]
    );
    for (moment, call) in [(0, 1), (3, 1)] {
        assert_eq!(records[moment].text(names::AUDITRAIL_CALL_ID), None, "there is no call around it");
        assert!(records[call].text(names::AUDITRAIL_CALL_ID).is_some());
    }
}

/// What goes on after the answer is not lost in a call that is over.
#[tokio::test]
async fn an_audited_span_under_a_finished_call_is_a_call_of_its_own() {
    let bench = Bench::new();
    let _guard = tracing_subscriber::registry().with(bench.trail.layer()).set_default();
    let open = bench.trail.begin(Call::mcp("tools/call").tool("outer")).await.unwrap();
    let span = open.span().clone();
    open.finish(auditrail::record::Outcome::ok()).await;
    span.in_scope(|| {
        tracing::info_span!("later", mcp.method.name = "tools/call", gen_ai.tool.name = "inner").in_scope(|| ());
    });
    let records = bench.records();
    let tools: Vec<_> = records.iter().map(|record| record.text(names::GEN_AI_TOOL_NAME).unwrap()).collect();
    assert_eq!(tools, ["outer", "outer", "inner", "inner"]);
    assert_ne!(records[0].text(names::AUDITRAIL_CALL_ID), records[2].text(names::AUDITRAIL_CALL_ID));
}

/// Whoever says a fact first, each key stands once, and the span's own word counts.
#[test]
fn a_fact_that_the_span_itself_says_later_replaces_an_enrichment() {
    let bench = Bench::new();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()), || {
        let outer =
            tracing::info_span!("call", mcp.method.name = "tools/call", audit.target.id = tracing::field::Empty);
        outer.in_scope(|| tracing::info_span!("inner", audit.target.id = "theirs").in_scope(|| ()));
        outer.record("audit.target.id", "ours");
    });
    let records = bench.records();
    let ids: Vec<_> = records[1].attributes.iter().filter(|(key, _)| key == names::AUDIT_TARGET_ID).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(records[1].text(names::AUDIT_TARGET_ID), Some("ours"));
}

/// Two trails on one registry: nothing panics, nothing is doubled.
#[test]
fn two_trails_on_one_registry_do_not_get_into_each_others_way() {
    let (first, second) = (Bench::new(), Bench::new());
    let subscriber = tracing_subscriber::registry().with(first.trail.layer()).with(second.trail.layer());
    tracing::subscriber::with_default(subscriber, || {
        tracing::info_span!("call", mcp.method.name = "tools/call", audit.outcome = "success").in_scope(|| ());
    });
    assert_eq!((first.records().len(), second.records().len()), (2, 0));
}

/// A whole error text in the place of a class of errors does not leave, nor do the secrets of a URI by the typed API.
#[tokio::test]
async fn free_texts_have_no_way_out() {
    let bench = Bench::new();
    let _guard = tracing_subscriber::registry().with(bench.trail.layer()).set_default();
    tracing::info_span!("call", mcp.method.name = "tools/call", audit.outcome = "failure", error.type = "it broke: canary")
        .in_scope(|| ());
    let call = Call::mcp("resources/read").attribute(names::MCP_RESOURCE_URI, "https://me:canary@host/a?canary");
    let open = bench.trail.begin(call.attribute(names::AUDIT_RECORD_ID, "mine")).await.unwrap();
    open.enrich(names::AUDIT_OUTCOME, "canary");
    open.finish(auditrail::record::Outcome::ok()).await;
    let records = bench.records();
    assert_eq!(records[1].text(names::ERROR_TYPE), Some("_OTHER"));
    assert_eq!(records[2].text(names::MCP_RESOURCE_URI), Some("https://host/a"));
    assert_ne!(records[2].text(names::AUDIT_RECORD_ID), Some("mine"));
    assert_eq!(records[3].attributes.iter().filter(|(key, _)| key == names::AUDIT_OUTCOME).count(), 1);
    assert!(!String::from_utf8_lossy(&bench.sunk.bytes()).contains("canary"));
}
