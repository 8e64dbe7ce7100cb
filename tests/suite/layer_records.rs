//! Which spans and events become records, and what the records contain.

use auditrail::record::{EventName, Record, Value, names};
use auditrail::trail::Moment;
use tracing::Instrument as _;
use tracing_subscriber::prelude::*;

use crate::support::{Bench, ending, record_ids, tracer};

#[tracing::instrument(skip_all, ret, fields(
    mcp.method.name = "tools/call", gen_ai.tool.name = "close", audit.actor.id = "alice", audit.target.id = ticket,
    http.response.status_code = "204", user.roles = "admin", secret = "canary-1", gen_ai.tool.call.arguments = "canary-2"
))]
async fn close(ticket: u32, note: &'static str) -> u32 {
    deep(note).await;
    tracing::Span::current().record("audit.target.id", ticket + 1);
    ticket
}

#[tracing::instrument(fields(auditrail.tenant.id = "blue", audit.actor.id = "mallory", audit.outcome = "failure", late = tracing::field::Empty, auditrail.data_subject.id = tracing::field::Empty))]
async fn deep(note: &'static str) {
    tracing::Span::current().record("auditrail.data_subject.id", "p-17");
    tracing::Span::current().record("late", "canary-3");
    // A task of its own, with nothing between it and the call.
    let span = tracing::info_span!("task", auditrail.compliance.purpose = "billing");
    tokio::spawn(async {}.instrument(span)).await.unwrap();
}

#[tokio::test]
async fn annotated_spans_give_one_pair_with_allowed_fields_only() {
    let bench = Bench::new();
    let _guard = tracing_subscriber::registry().with(bench.trail.layer()).set_default();
    close(7, "canary-4").await;
    let records = bench.records();
    assert_eq!(
        records.iter().map(ending).collect::<Vec<_>>(),
        [("request", "unknown", ""), ("response", "success", "ok")]
    );
    let (request, response) = (&records[0], &records[1]);
    assert_eq!(request.event_name, "auditrail.mcp.tools.call");
    assert_eq!(request.text(names::AUDITRAIL_EVENT), Some("auditrail.mcp.tools.call"));
    assert_eq!(request.text(names::AUDITRAIL_CALL_ID), response.text(names::AUDITRAIL_CALL_ID));
    assert_ne!(request.text(names::AUDIT_RECORD_ID), response.text(names::AUDIT_RECORD_ID));
    assert_eq!(request.text(names::AUDIT_TARGET_ID), Some("7"), "a number where the contract has a string");
    assert_eq!(response.text(names::AUDIT_TARGET_ID), Some("8"), "recorded later");
    assert_eq!(response.text(names::AUDIT_ACTOR_ID), Some("alice"), "enrichment replaces no identity");
    assert_eq!(response.text(names::AUDITRAIL_TENANT_ID), Some("blue"));
    assert_eq!(response.text(names::AUDITRAIL_DATA_SUBJECT_ID), Some("p-17"));
    assert_eq!(response.text(names::AUDITRAIL_COMPLIANCE_PURPOSE), Some("billing"), "from another task");
    assert_eq!(response.get(names::HTTP_RESPONSE_STATUS_CODE), Some(&Value::Int(204)));
    assert_eq!(response.get(names::USER_ROLES), Some(&Value::strings(["admin"])));
    assert_eq!(response.text(names::AUDIT_ACTION), Some("EXECUTE"));
    assert_eq!(response.text(names::GEN_AI_OPERATION_NAME), Some("execute_tool"));
    assert!(response.body.as_ref().unwrap().as_str().unwrap().starts_with("tools/call close: success in "));
    for record in &records {
        let mut keys: Vec<_> = record.attributes.iter().map(|(key, _)| key).collect();
        keys.sort();
        assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "keys are unique: {keys:?}");
        assert!(record.observed_time_unix_nano >= record.time_unix_nano);
    }
    assert!(!String::from_utf8_lossy(&bench.sunk.bytes()).contains("canary"));
}

#[test]
fn a_name_that_the_user_adds_leaves_too() {
    let bench = Bench::with(|builder| builder.allow_field("shop.id"));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()), || {
        tracing::info_span!("call", mcp.method.name = "tools/call", shop.id = 9_u64, shop.key = "canary")
            .in_scope(|| ());
    });
    let records = bench.records();
    assert_eq!(records[1].get("shop.id"), Some(&Value::Int(9)));
    assert_eq!(records[1].get("shop.key"), None);
}

#[test]
fn an_audited_span_inside_an_open_call_enriches_it_and_a_moment_is_its_own() {
    let bench = Bench::new();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()), || {
        tracing::info_span!("outer", mcp.method.name = "tools/call", audit.outcome = "success").in_scope(|| {
            tracing::info_span!("inner", mcp.method.name = "tools/call", gen_ai.tool.name = "close").in_scope(|| ());
            tracing::info_span!("check", auditrail.event = "auditrail.authz", auditrail.decision = "allow")
                .in_scope(|| ());
            tracing::info!({ auditrail.event = "auditrail.context", audit.outcome = "failure" }, "canary");
        });
    });
    let records = bench.records();
    let names_and_endings: Vec<_> = records.iter().map(|record| (record.event_name.as_ref(), ending(record))).collect();
    assert_eq!(
        names_and_endings,
        [
            ("auditrail.mcp.tools.call", ("request", "unknown", "")),
            ("auditrail.authz", ("", "success", "")),
            ("auditrail.context", ("", "failure", "")),
            ("auditrail.mcp.tools.call", ("response", "success", "ok")),
        ]
    );
    assert_eq!(records[3].text(names::GEN_AI_TOOL_NAME), Some("close"));
    assert_eq!(records[1].text(names::AUDITRAIL_DECISION), Some("allow"));
    for record in &records {
        assert_eq!(record.text(names::AUDITRAIL_CALL_ID), records[0].text(names::AUDITRAIL_CALL_ID));
    }
    assert_eq!(records[2].text(names::ERROR_TYPE), Some("_OTHER"));
    assert!(!String::from_utf8_lossy(&bench.sunk.bytes()).contains("canary"));
}

#[test]
fn an_event_becomes_a_record_on_the_current_span_or_on_none() {
    let bench = Bench::new();
    let (tracer, spans) = tracer();
    let subscriber = tracing_subscriber::registry()
        .with(bench.trail.layer())
        .with(tracing_opentelemetry::layer().with_tracer(tracer));
    tracing::subscriber::with_default(subscriber, || {
        tracing::info_span!("work").in_scope(|| {
            tracing::warn!(
                auditrail.event = "auditrail.authn",
                user.name = "alice",
                auditrail.outcome.detail = "denied"
            );
        });
        tracing::info!(auditrail.event = "auditrail.compliance");
    });
    let records = bench.records();
    assert_eq!(record_ids(&records[0]), crate::support::ids(&spans.named("work")));
    assert_eq!(ending(&records[0]), ("", "failure", "denied"));
    assert_eq!((records[0].severity.number, records[0].text(names::AUDIT_ACTION)), (13, Some("LOGIN")));
    assert_eq!(record_ids(&records[1]), (String::new(), String::new()));
    let mirrored: Vec<_> = spans.named("work").events.iter().map(|event| event.name.to_string()).collect();
    assert!(mirrored.contains(&"auditrail.authn".to_owned()), "{mirrored:?}");
}

#[test]
fn a_predicate_on_metadata_audits_once_decided_per_callsite() {
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = asked.clone();
    let bench = Bench::with(|builder| {
        builder.audited_when(move |metadata| {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            metadata.name() == "transfer"
        })
    });
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()), || {
        for _ in 0..3 {
            tracing::info_span!("transfer", audit.outcome = tracing::field::Empty).in_scope(|| {
                tracing::Span::current().record("audit.outcome", "success");
            });
            tracing::info_span!("other").in_scope(|| ());
        }
    });
    let records = bench.records();
    assert_eq!(records.len(), 6);
    assert_eq!(records[1].text(names::AUDIT_TARGET_ID), Some("transfer"));
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[test]
fn a_method_that_is_recorded_later_still_names_the_event() {
    let bench = Bench::new();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()), || {
        let span = tracing::info_span!(
            "call",
            mcp.method.name = tracing::field::Empty,
            mcp.resource.uri = tracing::field::Empty
        );
        span.record("mcp.method.name", "resources/read");
        span.record("mcp.resource.uri", "https://me:canary@host/a?key=canary");
        span.in_scope(|| ());
    });
    let records = bench.records();
    assert_eq!(records[0].event_name, "auditrail.mcp.resources.read");
    assert_eq!(records[1].text(names::MCP_RESOURCE_URI), Some("https://host/a"));
    assert_eq!(records[1].text(names::AUDIT_ACTION), Some("READ"));
}

#[test]
fn an_unknown_event_name_is_said_and_loses_nothing() {
    let bench = Bench::new();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()), || {
        tracing::info_span!("odd", auditrail.event = "auditrail.canary").in_scope(|| ());
    });
    let records = bench.records();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].event_name, "auditrail.mcp.request");
    assert!(
        bench.said()[0].contains("the span or event odd has an auditrail.event that is no event name"),
        "{:?}",
        bench.said()
    );
    assert!(!bench.said()[0].contains("canary"));
}

#[test]
fn when_spans_close_and_none_is_audited_one_warning_says_how_to_annotate() {
    let bench = Bench::new();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()), || {
        for _ in 0..250 {
            tracing::info_span!("plain").in_scope(|| ());
        }
    });
    assert_eq!(bench.said().len(), 1);
    assert!(
        bench.said()[0].starts_with("100 span(s) have closed and none of them was audited; annotate handlers with")
    );

    let few = Bench::new();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(few.trail.layer()), || {
        tracing::info_span!("plain").in_scope(|| ());
    });
    let notices = few.notices.clone();
    drop(few);
    assert_eq!(notices.lock().unwrap().len(), 1, "also at the end of a short program");
}

#[test]
fn long_values_are_cut_and_named() {
    let bench = Bench::new();
    let long = "x".repeat(10_000);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()), || {
        tracing::info_span!("call", mcp.method.name = "tools/call", gen_ai.tool.name = long).in_scope(|| {
            tracing::info_span!("inner", auditrail.tenant.id = long).in_scope(|| ());
        });
    });
    let records = bench.records();
    assert_eq!(records[0].text(names::GEN_AI_TOOL_NAME).unwrap().len(), 4096);
    assert_eq!(records[0].get(names::AUDITRAIL_TRUNCATED), Some(&Value::strings([names::GEN_AI_TOOL_NAME])));
    assert_eq!(
        records[1].get(names::AUDITRAIL_TRUNCATED),
        Some(&Value::strings([names::GEN_AI_TOOL_NAME, names::AUDITRAIL_TENANT_ID]))
    );
    let lengths = Value::Array(vec![Value::Int(10_000), Value::Int(10_000)]);
    assert_eq!(records[1].get(names::AUDITRAIL_TRUNCATED_BYTES), Some(&lengths));
    let digests = |record: &Record| match record.get(names::AUDITRAIL_TRUNCATED_DIGESTS) {
        Some(Value::Array(digests)) => {
            digests.iter().map(|digest| digest.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let [request, response] = [&records[0], &records[1]].map(digests);
    assert_eq!(response, [request[0].clone(), request[0].clone()], "the same value has the same digest");
    let (key, hmac) = request[0].split_once(':').unwrap();
    assert_eq!((key.len(), hmac.len()), (16, 64));
}

/// Who has the key can tell that a cut value was a certain one; nobody else can.
#[test]
fn the_digest_of_a_cut_value_is_keyed() {
    let digest = |bench: &Bench| {
        let moment = Moment::new(EventName::Authz).attribute("auditrail.tenant.id", "x".repeat(5000));
        bench.trail.record(moment);
        bench.records().last().unwrap().get(names::AUDITRAIL_TRUNCATED_DIGESTS).cloned()
    };
    let (one, other) = (Bench::new(), Bench::new());
    assert_ne!(digest(&one), digest(&other), "two services have two keys");
    let directory = one.directory.clone();
    let before = digest(&one);
    drop(one);
    assert_eq!(digest(&Bench::on(directory, |builder| builder)), before, "the next process has the same key");
}

/// No record of a moment is written before its close, so that it may still say what it is; a call cannot any more once it
/// was entered.
#[test]
fn a_moment_may_say_which_event_it_is_until_its_close() {
    let bench = Bench::new();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()), || {
        let moment = tracing::info_span!("moment", auditrail.event = "auditrail.authn");
        moment.in_scope(|| ());
        moment.record(names::AUDITRAIL_EVENT, "auditrail.authz");
        drop(moment);
        let call = tracing::info_span!("moment", auditrail.event = "auditrail.authn");
        call.in_scope(|| ());
        call.record(names::AUDITRAIL_EVENT, "auditrail.mcp.tools.call");
        call.in_scope(|| ());
        call.record(names::AUDITRAIL_EVENT, "auditrail.authn");
    });
    let records = bench.records();
    let events: Vec<_> = records.iter().map(|record| record.event_name.as_ref()).collect();
    assert_eq!(events, ["auditrail.authz", "auditrail.mcp.tools.call", "auditrail.mcp.tools.call"]);
    let phases: Vec<_> = records.iter().map(|record| record.text(names::AUDITRAIL_PHASE)).collect();
    assert_eq!(phases, [None, Some("request"), Some("response")]);
    assert_eq!(records[1].text(names::AUDITRAIL_CALL_ID), records[2].text(names::AUDITRAIL_CALL_ID));
    let ids: std::collections::BTreeSet<_> = records.iter().map(|record| record.text(names::AUDIT_RECORD_ID)).collect();
    assert_eq!(ids.len(), records.len());
}
