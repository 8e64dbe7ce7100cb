//! The map of targets: what records say that a call acts on, on every route of capture.

use std::sync::{Arc, Mutex};

use auditrail::policy::{Decision, TargetMap, TargetRule};
use auditrail::record::{Record, Value, names};
use auditrail::{Call, Outcome};
use axum::Router;
use axum::extract::MatchedPath;
use axum::routing::{any, get};
use tracing_subscriber::prelude::*;

use crate::rig::{ask, serve};
use crate::support::{Bench, tracer};

fn targets() -> TargetMap {
    let rules = [
        TargetRule::tool("close_*").target_type("ticket").actions(["tickets:update"]),
        TargetRule::tool("read_ticket").actions(["tickets:read"]),
        TargetRule::prompt("report").target_type("report").id("daily").actions(["READ"]),
        TargetRule::resource("weather://cities/{city}").target_type("city").id("{city}").actions(["READ", "LIST"]),
        TargetRule::route("/cities/{city}").methods(["GET"]).target_type("city").id("{city}").actions(["READ"]),
        TargetRule::route("/cities/{city}").target_type("city").id("{city}").actions(["UPDATE"]),
    ];
    TargetMap::new(rules).unwrap()
}

/// Type, id and actions, `-` where there are none.
fn said(record: &Record) -> (&str, &str, String) {
    let text = |name| record.text(name).unwrap_or("-");
    let actions = match record.get(names::AUDITRAIL_TARGET_ACTIONS) {
        None => "-".to_owned(),
        Some(Value::Array(actions)) => actions.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        Some(other) => panic!("{other:?}"),
    };
    (text(names::AUDIT_TARGET_TYPE), text(names::AUDIT_TARGET_ID), actions)
}

/// The hooks see the actions before the call runs; both halves say the same.
#[tokio::test]
async fn calls_have_the_target_and_the_actions_of_their_rule() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sees = seen.clone();
    let bench = Bench::with(|builder| {
        builder.targets(targets()).authorize(move |call| {
            sees.lock().unwrap().push((call.required_actions().join(" "), call.is_read()));
            Decision::Allow
        })
    });
    let long = format!("weather://cities/{}", "x".repeat(100_000));
    let calls = [
        (Call::mcp("tools/call").tool("close_ticket"), ("ticket", "-", "tickets:update"), false),
        (Call::mcp("tools/call").tool("read_ticket"), ("tool", "read_ticket", "tickets:read"), true),
        (Call::mcp("tools/call").tool("other"), ("tool", "other", "-"), false),
        (Call::mcp("prompts/get").prompt("report"), ("report", "daily", "READ"), true),
        (Call::mcp("prompts/get").prompt("close_ticket"), ("prompt", "close_ticket", "-"), false),
        (
            Call::mcp("resources/read").resource("weather://cities/Lisbon?key=canary"),
            ("city", "Lisbon", "READ LIST"),
            true,
        ),
        (Call::mcp("resources/read").resource(&long), ("city", "", "READ LIST"), true),
        (Call::mcp("ping"), ("-", "-", "-"), false),
        // What is set where the call begins is no default.
        (
            Call::mcp("tools/call").tool("close_it").attribute(names::AUDIT_TARGET_ID, "17"),
            ("-", "17", "tickets:update"),
            false,
        ),
    ];
    for (call, (kind, id, actions), is_read) in calls {
        let known = bench.records().len();
        bench.trail.begin(call).await.unwrap().finish(Outcome::ok()).await;
        let records = bench.records().split_off(known);
        assert_eq!(records.len(), 2);
        for record in &records {
            let (said_kind, said_id, said_actions) = said(record);
            assert_eq!((said_kind, said_actions.as_str()), (kind, actions));
            match id {
                "" => assert!(said_id.starts_with("xxx") && said_id.len() < 10_000, "{}", said_id.len()),
                id => assert_eq!(said_id, id),
            }
            assert_eq!(record.get(names::AUDITRAIL_TRUNCATED).is_some(), id.is_empty());
        }
        let expected = if actions == "-" { "" } else { actions };
        assert_eq!(seen.lock().unwrap().pop().unwrap(), (expected.to_owned(), is_read));
    }
    assert!(!String::from_utf8_lossy(&bench.sunk.bytes()).contains("canary"));
}

/// A span in the call knows better: its target replaces that of the map, both parts of it.
#[tokio::test]
async fn the_target_of_a_span_wins() {
    let bench = Bench::with(|builder| builder.targets(targets()));
    let (tracer, _spans) = tracer();
    let otel = tracing_opentelemetry::layer().with_tracer(tracer);
    let _guard = tracing_subscriber::registry().with(bench.trail.layer()).with(otel).set_default();
    let call = bench.trail.begin(Call::mcp("prompts/get").prompt("report")).await.unwrap();
    call.span().in_scope(|| tracing::info_span!("handler", audit.target.id = "weekly").in_scope(|| ()));
    call.finish(Outcome::ok()).await;
    // Spans that are calls themselves have their rules, too.
    tracing::info_span!("a", mcp.method.name = "tools/call", gen_ai.tool.name = "close_ticket").in_scope(|| ());
    let own =
        tracing::info_span!("b", mcp.method.name = "tools/call", gen_ai.tool.name = "close_it", audit.target.id = "9");
    own.in_scope(|| ());
    drop(own);
    let records = bench.records();
    let said: Vec<_> = records.iter().map(said).collect();
    let line = |kind, id, actions: &str| (kind, id, actions.to_owned());
    assert_eq!(
        said,
        [
            line("report", "daily", "READ"),
            line("-", "weekly", "READ"),
            line("ticket", "-", "tickets:update"),
            line("ticket", "-", "tickets:update"),
            line("-", "9", "tickets:update"),
            line("-", "9", "tickets:update"),
        ]
    );
}

/// On both layers; where the framework names no route, the rule does.
#[tokio::test]
async fn requests_have_the_target_of_their_route() {
    for is_mcp in [true, false] {
        let bench = Bench::with(|builder| builder.targets(targets()));
        let router = Router::new().route("/cities/{name}", any(async || "fine")).route("/other", get(async || "fine"));
        let router = match is_mcp {
            true => router.layer(bench.trail.mcp_layer().record_http(auditrail::HttpRecording::all())),
            false => router.layer(bench.trail.http_layer()),
        };
        let address = serve(router).await;
        let requests = [
            ("GET /cities/Lisbon?city=canary", ("city", "Lisbon", "READ"), Some("/cities/{city}")),
            ("PUT /cities/Lisbon", ("city", "Lisbon", "UPDATE"), Some("/cities/{city}")),
            ("GET /cities/Lisbon/", ("-", "-", "-"), None),
            ("GET /other", ("-", "-", "-"), None),
        ];
        for (line, (kind, id, actions), route) in requests {
            let known = bench.records().len();
            ask(address, line, &[], r#"{"city":"canary"}"#).await;
            let records = bench.records().split_off(known);
            assert_eq!(records.len(), 2, "{line}");
            for record in &records {
                assert_eq!(said(record), (kind, id, actions.to_owned()), "{line}");
                assert_eq!(record.text(names::HTTP_ROUTE), route, "{line}");
            }
        }
        assert!(!String::from_utf8_lossy(&bench.sunk.bytes()).contains("canary"));
    }
    let bench = Bench::with(|builder| builder.targets(targets()));
    let layer = bench.trail.http_layer();
    let layer = layer.route(|request| request.get::<MatchedPath>().map(|path| path.as_str().to_owned()));
    let address = serve(Router::new().route("/cities/{name}", get(async || "fine")).layer(layer)).await;
    ask(address, "GET /cities/Lisbon", &[], "").await;
    assert_eq!(bench.records()[0].text(names::HTTP_ROUTE), Some("/cities/{name}"), "the framework knows it");
}
