//! Typed events: each leaves one record, which is the one of `docs/events.md`.
//!
//! `REGENERATE=1 cargo test --test suite typed_events` writes the records that leave into the page.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use auditrail::capture::direct::*;
use auditrail::record::{EventName, Record, Value, names};
use auditrail::trail::{Class, DataUse, Digest, Framework, LegalBasis, Sensitivity, WhenFull};
use auditrail::{Actor, Call, Moment, Outcome, Trail};
use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _};
use opentelemetry_proto::tonic::common::v1::{AnyValue as ProtoValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use serde_json::{Value as Json, json};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::events::post;
use crate::support::{Bench, tracer};

/// The typed events of the page, by the names of their blocks.
fn examples(trail: &Trail) -> Vec<(&'static str, Moment)> {
    let all: Vec<(&'static str, Moment)> = vec![
        (
            "access",
            ResourceAccess::read("https://tickets.example/4711?token=secret").preview(trail.digest("shown")).into(),
        ),
        ("prompt", PromptInvocation::of("summarize_ticket").output(trail.result_digest("generated"), 412).into()),
        (
            "authn",
            Authn::failure("expired")
                .actor(Actor::asserted("bob"))
                .challenge("Bearer error=invalid_token")
                .rule("session_age")
                .into(),
        ),
        (
            "authz",
            Authz::deny("payments are closed on Sundays")
                .rule("sunday")
                .policy("payments", Digest::sha256("policy").as_str())
                .actions(["payments:write"])
                .target("account", "12")
                .into(),
        ),
        (
            "approval",
            Approval::approved(Actor::verified("bob"))
                .tool("close_ticket")
                .shown(trail.digest("shown").as_str())
                .at(UNIX_EPOCH + Duration::from_secs(1_796_075_287))
                .until(UNIX_EPOCH + Duration::from_secs(1_796_075_887))
                .rule("two_persons")
                .into(),
        ),
        ("context", ContextChange::update("preferences").before(trail.digest("a")).after(trail.digest("b")).into()),
        (
            "lifecycle",
            ServerLifecycle::configuration_changed("max_open_tickets")
                .before(trail.digest("50"))
                .after(trail.digest("80"))
                .into(),
        ),
        (
            "compliance",
            ComplianceEvent::of(Framework::Hipaa)
                .control("164.312(b)")
                .risk(RiskLevel::Medium)
                .mitigation("second_reviewer")
                .into(),
        ),
        (
            "violation",
            PolicyViolation::blocked("no_export_at_night")
                .policy("exports")
                .policy_digest(Digest::sha256("policy"))
                .into(),
        ),
        ("rate_limit", RateLimit::refused("calls_per_user").limit(100, Duration::from_secs(60)).into()),
        (
            "token_use",
            TokenUse::of(trail.digest("a jti"))
                .kind(TokenType::AccessToken)
                .issuer("https://id.example")
                .audience(["https://crm.example"])
                .client("ticket-server")
                .scopes(["crm.read"])
                .into(),
        ),
        (
            "token_exchange",
            TokenExchange::of(trail.digest("a jti"), trail.digest("another jti"))
                .kinds(TokenType::AccessToken, TokenType::AccessToken)
                .issuer("https://id.example")
                .audience(["https://crm.example"])
                .delegation(["ticket-agent"])
                .into(),
        ),
        ("threat", Threat::blocked(ThreatType::PromptInjection, ThreatLevel::High).rule("hidden_instructions").into()),
        (
            "lineage",
            Lineage::by("monthly_report", "aggregation")
                .input(DataSet::at("postgres://reader:pw@db/tickets").kind("table").id("v7"))
                .input(DataSet::at("s3://exports/2026-11"))
                .output(DataSet::at("s3://reports/2026-11.pdf").kind("document"))
                .metadata(["rows", "schema_version"])
                .into(),
        ),
        ("policy", PolicyChange::changed("exports", Digest::sha256("policy"), Digest::sha256("another policy")).into()),
        (
            "erasure",
            Erasure::of(trail.pseudonym("customer 4711"))
                .target("table", "tickets")
                .count(12)
                .data_use(DataUse::new().applicable([Framework::Gdpr]).legal_basis(LegalBasis::LegalObligation))
                .into(),
        ),
        (
            "retention",
            Retention::by("tickets_1y", RetentionStep::Deleted).target("table", "tickets").count(1204).into(),
        ),
    ];
    all
}

fn data_use(trail: &Trail) -> DataUse {
    DataUse::new()
        .purpose("support")
        .legal_basis(LegalBasis::Contract)
        .tags(["tickets"])
        .frameworks([Framework::Soc2])
        .applicable([Framework::Gdpr, Framework::Ccpa, Framework::Hipaa])
        .sensitivity(Sensitivity::Confidential)
        .access_reason("ticket_opened")
        .data_subject(trail.pseudonym("customer 4711"))
        .retention_class("six_years")
        .expires_at(UNIX_EPOCH + Duration::from_secs(1_985_385_600))
}

/// Runs all of them inside one call, and gives what left for each.
fn left() -> BTreeMap<&'static str, Json> {
    let bench = Bench::new();
    let (tracer, _spans) = tracer();
    let subscriber = tracing_subscriber::registry()
        .with(bench.trail.layer())
        .with(tracing_opentelemetry::layer().with_tracer(tracer));
    let trail = &bench.trail;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut ids = BTreeMap::new();
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let call = Call::mcp("tools/call").tool("close_ticket").actor(Actor::verified("alice"));
            let call = trail.begin(call.data_use(data_use(trail))).await.unwrap();
            call.run(async {
                for (name, moment) in examples(trail) {
                    ids.insert(trail.record(moment).to_string(), name);
                }
                let provider = SdkLoggerProvider::builder().with_log_processor(trail.log_processor()).build();
                let logger = provider.logger("billing");
                let mut event = logger.create_log_record();
                event.set_event_name("auditrail.authz");
                event.set_body(AnyValue::from("alice may close ticket 4711"));
                event.add_attribute("auditrail.decision", "allow");
                event.add_attribute("security_rule.name", "owner_may_close");
                event.add_attribute("ticket.subject", "nothing that leaves");
                logger.emit(event);
            })
            .await;
            call.finish(Outcome::ok()).await;
        });
    });
    drop(bench.records());
    let sent = bench.sunk.requests();
    let logs = sent.iter().flat_map(|request| &request.resource_logs).flat_map(|of| &of.scope_logs);
    logs.flat_map(|of| &of.log_records)
        .filter_map(|log| {
            let record = Record::from_proto(log.clone()).unwrap();
            let id = record.text(names::AUDIT_RECORD_ID).unwrap();
            let name = match (ids.get(id), record.text(names::AUDITRAIL_PHASE), &*record.event_name) {
                (Some(name), ..) => name,
                (None, Some("response"), _) => "data_use",
                (None, None, "auditrail.authz") => "log_processor",
                _ => return None,
            };
            Some((name, otlp_json(log)))
        })
        .collect()
}

/// What the HTTP tap and the trail itself record, by the names of their blocks.
fn captured() -> BTreeMap<&'static str, Json> {
    let bench = Bench::with(|builder| builder.journal_max_bytes(256 * 1024).flush_timeout(Duration::from_millis(50)));
    let layer = bench.trail.mcp_layer();
    post(
        &layer,
        r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"example-client","version":"1.0.0"}}}"#,
        r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}"#,
    );
    post(&layer, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, "");
    post(
        &layer,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"close_ticket","inputSchema":{"type":"object"}}]}}"#,
    );
    post(
        &layer,
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"close_ticket","arguments":{}}}"#,
        r#"{"jsonrpc":"2.0","id":2,"result":{"content":[],"isError":true}}"#,
    );
    post(
        &layer,
        r#"{"jsonrpc":"2.0","id":3,"method":"resources/read","params":{"uri":"https://tickets.example/4711?token=secret"}}"#,
        r#"{"jsonrpc":"2.0","id":3,"result":{"contents":[{"uri":"https://tickets.example/4711","text":"It rains"}]}}"#,
    );
    post(
        &layer,
        r#"{"jsonrpc":"2.0","id":4,"method":"prompts/get","params":{"name":"summarize_ticket"}}"#,
        r#"{"jsonrpc":"2.0","id":4,"error":{"code":-32602,"message":"no such ticket"}}"#,
    );
    post(&layer, "no message", "");
    drop(layer);
    bench.records();
    // A journal that has no room for one record.
    bench.sunk.away.store(true, std::sync::atomic::Ordering::SeqCst);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let refuse = Class { when_full: WhenFull::Refuse, ..Class::default() };
    let filler = || ContextChange::get("cart").class(refuse).attribute("app.filler", "x".repeat(2000));
    while runtime.block_on(bench.trail.record_durably(filler())).is_ok() {
        std::thread::yield_now();
    }
    bench.sunk.away.store(false, std::sync::atomic::Ordering::SeqCst);
    bench.records();
    let sent = bench.sunk.requests();
    let logs = sent.iter().flat_map(|request| &request.resource_logs).flat_map(|of| &of.scope_logs);
    let mut found = BTreeMap::new();
    for log in logs.flat_map(|of| &of.log_records) {
        let record = Record::from_proto(log.clone()).unwrap();
        let name = match (&*record.event_name, record.text(names::AUDITRAIL_PHASE)) {
            ("auditrail.mcp.tools.call", Some("request")) => "tools_call_request",
            ("auditrail.mcp.tools.call", _) => "tools_call_response",
            ("auditrail.mcp.resources.read", Some("response")) => "resources_read",
            ("auditrail.mcp.prompts.get", Some("response")) => "prompts_get",
            ("auditrail.mcp.request", Some("response")) => "request",
            ("auditrail.mcp.notification", _) => "notification",
            ("auditrail.mcp.session", _) => "session",
            ("auditrail.mcp.tool_definition", _) => "tool_definition",
            ("auditrail.http.request", Some("response")) => "http_request",
            ("auditrail.lifecycle", _) => "started",
            ("auditrail.gap", _) => "gap",
            _ => continue,
        };
        // The first of each kind.
        found.entry(name).or_insert_with(|| otlp_json(log));
    }
    found
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the page is written only if that is asked for")]
fn the_records_of_the_page_are_those_that_leave() {
    let mut left = left();
    left.extend(captured());
    let mut page = page();
    if std::env::var_os("REGENERATE").is_some() {
        for (name, record) in &left {
            let begin = page.find(&format!("```json {name}\n")).unwrap_or_else(|| panic!("no block {name}"));
            let inner = begin + page[begin..].find('\n').unwrap() + 1;
            let end = inner + page[inner..].find("```").unwrap();
            page.replace_range(inner..end, &pretty(record));
        }
        std::fs::write(PAGE, &page).unwrap();
    }
    let shown: BTreeMap<&str, Json> = page
        .split("```json ")
        .skip(1)
        .map(|block| {
            let (name, rest) = block.split_once('\n').unwrap();
            let json = rest.split("```").next().unwrap();
            (name, masked(serde_json::from_str(json).unwrap_or_else(|error| panic!("block {name}: {error}"))))
        })
        .collect();
    let left: BTreeMap<&str, Json> = left.into_iter().map(|(name, record)| (name, masked(record))).collect();
    assert_eq!(shown.keys().collect::<Vec<_>>(), left.keys().collect::<Vec<_>>());
    for (name, record) in left {
        assert_eq!(shown[name], record, "block {name}: REGENERATE=1 writes what leaves");
    }
}

/// Every event that user code has to tell has a typed one, and the page a section for it.
#[test]
fn every_event_of_user_code_has_a_type() {
    /// From the taps or from the trail alone.
    const OTHERS: [EventName; 7] = [
        EventName::McpToolsCall,
        EventName::McpRequest,
        EventName::McpNotification,
        EventName::McpSession,
        EventName::McpToolDefinition,
        EventName::HttpRequest,
        EventName::Gap,
    ];
    let bench = Bench::new();
    for (_, moment) in examples(&bench.trail) {
        bench.trail.record(moment);
    }
    let typed: Vec<String> = bench.all_records().iter().map(|record| record.event_name.to_string()).collect();
    let page = page();
    for event in EventName::ALL.iter().filter(|event| **event != EventName::Checkpoint) {
        let is_of_others = OTHERS.contains(event);
        assert!(is_of_others || typed.iter().any(|typed| typed == event.as_str()), "{event}");
        let heading = if is_of_others { "###" } else { "##" };
        assert!(page.contains(&format!("\n{heading} `{event}`\n")), "{event} has no section");
    }
}

/// The page has a record of every event, and of the names that no version has written yet it says so.
#[test]
fn the_page_has_a_record_of_every_event() {
    let page = page();
    let shown: Vec<&str> =
        page.split("\n  \"eventName\": \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let missing: Vec<&str> =
        EventName::ALL.iter().map(|event| event.as_str()).filter(|event| !shown.contains(event)).collect();
    assert_eq!(missing, ["auditrail.checkpoint"]);
    assert!(page.contains(
        "\n## `auditrail.checkpoint`\n\nThe name of the signed head of a stream. This version does not write it.\n"
    ));
}

/// Digests and pseudonyms are HMACs of keys that differ by use; equal input gives equal output, also in the next process.
#[test]
fn digests_and_pseudonyms_are_stable_and_apart() {
    let bench = Bench::new();
    let (digest, pseudonym) = (bench.trail.digest("alice"), bench.trail.pseudonym("alice"));
    assert_eq!(digest, bench.trail.digest(b"alice"));
    assert_ne!(digest.as_str(), pseudonym.as_str());
    let (key, value) = digest.as_str().split_once(':').unwrap();
    assert_eq!((key.len(), value.len()), (16, 64), "{digest:?}");
    assert_eq!(pseudonym.as_str().split_once(':').unwrap().0, key);
    let directory = bench.directory.clone();
    drop(bench);
    let next = Bench::on(directory, |builder| builder);
    assert_eq!(next.trail.pseudonym("alice"), pseudonym);
    assert_ne!(Bench::new().trail.pseudonym("alice"), pseudonym, "another key");
    assert_eq!(
        Digest::sha256("abc").as_str(),
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "FIPS 180-2, appendix B.1"
    );
}

/// Nobody but the wire says what a client claims.
#[test]
fn no_event_can_say_what_a_client_claims() {
    let bench = Bench::new();
    let mut liar = Actor::verified("alice");
    liar.claimed.purpose = Some("as if".to_owned());
    let claimed: Vec<&str> = names::ATTRIBUTES
        .iter()
        .map(|attribute| attribute.name)
        .filter(|name| name.starts_with("auditrail.claimed."))
        .collect();
    assert_eq!(claimed.len(), 5);
    let mut event = ContextChange::get("cart").actor(liar);
    for name in &claimed {
        event = event.attribute(*name, "as if");
    }
    bench.trail.record(event);
    let records = bench.records();
    assert_eq!(records.len(), 1);
    for name in claimed {
        assert_eq!(records[0].get(name), None, "{name}");
    }
    assert_eq!(records[0].text(names::AUDIT_ACTOR_ID), Some("alice"));
}

/// The time at which it happened is its time; the one at which it was recorded is never earlier.
#[test]
fn an_event_of_the_past_has_its_own_time() {
    let bench = Bench::new();
    let then = UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789);
    bench.trail.record(ContextChange::get("cart").at(then));
    bench.trail.record(ContextChange::get("cart").at(UNIX_EPOCH + Duration::from_secs(1 << 32)));
    let records = bench.records();
    assert_eq!(records[0].time_unix_nano, 1_700_000_000_123_456_789);
    assert!(records[0].observed_time_unix_nano > records[0].time_unix_nano);
    assert_eq!(records[1].time_unix_nano, records[1].observed_time_unix_nano, "what lies in the future happens now");
}

#[test]
fn lists_have_one_length_and_an_end() {
    let bench = Bench::new();
    let many = (0..100).fold(Lineage::by("copy", "copy"), |lineage, number| {
        let data = DataSet::at("file:///data");
        lineage.input(if number == 5 { data.kind("table") } else { data })
    });
    bench.trail.record(many);
    let record = &bench.records()[0];
    let length = |name| match record.get(name) {
        Some(Value::Array(items)) => items.len(),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!((length(names::AUDITRAIL_LINEAGE_INPUTS), length(names::AUDITRAIL_LINEAGE_INPUT_TYPES)), (64, 64));
    assert_eq!(record.get(names::AUDITRAIL_LINEAGE_INPUT_IDS), None);
    assert_eq!(record.get(names::AUDITRAIL_LINEAGE_OUTPUTS), None);
}

fn page() -> String {
    std::fs::read_to_string(PAGE).unwrap()
}

/// OTLP JSON, written from the message alone.
fn otlp_json(log: &LogRecord) -> Json {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let attributes: Vec<Json> = log
        .attributes
        .iter()
        .map(|entry| json!({ "key": entry.key, "value": value_json(entry.value.as_ref().unwrap()) }))
        .collect();
    json!({
        "timeUnixNano": log.time_unix_nano.to_string(),
        "observedTimeUnixNano": log.observed_time_unix_nano.to_string(),
        "severityNumber": log.severity_number,
        "severityText": log.severity_text,
        "body": value_json(log.body.as_ref().unwrap()),
        "attributes": attributes,
        "flags": log.flags,
        "traceId": hex(&log.trace_id),
        "spanId": hex(&log.span_id),
        "eventName": log.event_name,
    })
}

fn value_json(value: &ProtoValue) -> Json {
    match value.value.as_ref().unwrap() {
        any_value::Value::StringValue(text) => json!({ "stringValue": text }),
        any_value::Value::BoolValue(flag) => json!({ "boolValue": flag }),
        any_value::Value::IntValue(number) => json!({ "intValue": number.to_string() }),
        any_value::Value::DoubleValue(number) => json!({ "doubleValue": number }),
        any_value::Value::ArrayValue(array) => {
            json!({ "arrayValue": { "values": array.values.iter().map(value_json).collect::<Vec<_>>() } })
        }
        other => panic!("{other:?}"),
    }
}

/// One line for each field, and for each attribute.
fn pretty(record: &Json) -> String {
    let order = [
        "timeUnixNano",
        "observedTimeUnixNano",
        "severityNumber",
        "severityText",
        "body",
        "attributes",
        "flags",
        "traceId",
        "spanId",
        "eventName",
    ];
    let line = |name: &str| match (name, &record[name]) {
        ("attributes", Json::Array(attributes)) => {
            let lines: Vec<String> = attributes
                .iter()
                .map(|entry| format!("    {{ \"key\": {}, \"value\": {} }}", entry["key"], spaced(&entry["value"])))
                .collect();
            format!("  \"attributes\": [\n{}\n  ]", lines.join(",\n"))
        }
        (_, value) => format!("  \"{name}\": {}", spaced(value)),
    };
    format!("{{\n{}\n}}\n", order.map(line).join(",\n"))
}

fn spaced(value: &Json) -> String {
    let all = |items: Vec<String>| items.join(", ");
    match value {
        Json::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("\"{key}\": {}", spaced(value)));
            format!("{{ {} }}", all(entries.collect()))
        }
        Json::Array(items) => format!("[{}]", all(items.iter().map(spaced).collect())),
        other => other.to_string(),
    }
}

/// Without what differs each time: times, ids, numbers of records and keyed digests.
fn masked(record: Json) -> Json {
    const VARYING: [&str; 4] =
        ["audit.sequence.number", "auditrail.gap.since", "auditrail.gap.until", "service.instance.id"];
    match record {
        Json::String(text) => Json::String(masked_text(text)),
        Json::Array(items) => items.into_iter().map(masked).collect(),
        Json::Object(mut entries) => {
            if entries.get("key").and_then(Json::as_str).is_some_and(|key| VARYING.contains(&key)) {
                entries.insert("value".to_owned(), json!("something"));
            }
            let masked_entry = |(key, value): (String, Json)| {
                let value = match key.as_str() {
                    "timeUnixNano" | "observedTimeUnixNano" | "traceId" | "spanId" | "doubleValue" => {
                        // Not what it is, but that it is there.
                        Json::String(
                            if value == json!("") || value == json!("0") { "" } else { "something" }.to_owned(),
                        )
                    }
                    _ => masked(value),
                };
                (key, value)
            };
            entries.into_iter().map(masked_entry).collect()
        }
        other => other,
    }
}

fn masked_text(text: String) -> String {
    let is_hex = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_uuid = text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    let is_digest = text.split_once(':').is_some_and(|(key, digest)| is_hex(key, 16) && is_hex(digest, 64));
    match (is_uuid, is_digest) {
        (true, _) => "an id".to_owned(),
        (_, true) => "a digest".to_owned(),
        // "… in 5 ms"
        _ => text.split(" in ").next().unwrap_or_default().to_owned(),
    }
}

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/events.md");
