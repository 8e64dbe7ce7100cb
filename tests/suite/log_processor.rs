//! The door for the Logs API of the OTel SDK: audit events get into the trail, and nothing else does; the rest passes unchanged.

use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use auditrail::record::{Record, Value, names};
use auditrail::trail::{Call, TrailBuilder};
use auditrail::{Actor, Outcome};
use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _};
use opentelemetry::{Context, InstrumentationScope, Key};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{
    BatchConfigBuilder, BatchLogProcessor, InMemoryLogExporter, LogBatch, LogExporter, LogProcessor, SdkLogRecord,
    SdkLogger, SdkLoggerProvider,
};
use tracing_subscriber::prelude::*;

use crate::support::{Bench, ids, record_ids, tracer};

/// Keeps what it gets.
#[derive(Debug, Clone, Default)]
struct Seen {
    records: Arc<Mutex<Vec<SdkLogRecord>>>,
    ended: Arc<Mutex<Vec<&'static str>>>,
}

impl LogProcessor for Seen {
    fn emit(&self, record: &mut SdkLogRecord, _: &InstrumentationScope) {
        self.records.lock().unwrap().push(record.clone());
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.ended.lock().unwrap().push("flush");
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        self.ended.lock().unwrap().push("shutdown");
        Ok(())
    }

    fn event_enabled(&self, level: Severity, _: &str, _: Option<&str>) -> bool {
        level >= Severity::Info
    }
}

struct Rig {
    bench: Bench,
    provider: SdkLoggerProvider,
    behind: Seen,
    beside: Seen,
}

fn rig() -> Rig {
    rig_with(|builder| builder)
}

fn rig_with(build: impl FnOnce(TrailBuilder) -> TrailBuilder) -> Rig {
    let bench = Bench::with(build);
    let (behind, beside) = (Seen::default(), Seen::default());
    let provider = SdkLoggerProvider::builder()
        .with_log_processor(bench.trail.log_processor().before(behind.clone()))
        .with_log_processor(beside.clone())
        .build();
    Rig { bench, provider, behind, beside }
}

impl Rig {
    fn emit(&self, change: impl FnOnce(&mut SdkLogRecord)) {
        emit(&self.provider.logger("app"), change);
    }
}

fn emit(logger: &SdkLogger, change: impl FnOnce(&mut SdkLogRecord)) {
    let mut record = logger.create_log_record();
    change(&mut record);
    logger.emit(record);
}

fn strings(items: &[&str]) -> AnyValue {
    AnyValue::ListAny(Box::new(items.iter().map(|item| AnyValue::from((*item).to_owned())).collect()))
}

#[test]
fn an_audit_event_is_recorded_by_the_allow_list() {
    let rig = rig_with(|builder| builder.allow_field("app.ticket"));
    let then = UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789);
    rig.emit(|event| {
        event.set_event_name("auditrail.rate_limit");
        event.set_timestamp(then);
        event.set_severity_number(Severity::Fatal);
        event.set_severity_text("FATAL");
        event.set_body(AnyValue::from("canary-body alice@example.com"));
        event.add_attribute("audit.actor.id", "bob");
        event.add_attribute("auditrail.rate_limit.name", "calls");
        event.add_attribute("auditrail.rate_limit.limit", "100");
        event.add_attribute("auditrail.rate_limit.window", 60);
        event.add_attribute("auditrail.compliance.tags", "one");
        event.add_attribute("auditrail.compliance.applicable", strings(&["gdpr", "hipaa"]));
        event.add_attribute("auditrail.lineage.inputs", strings(&["https://me:canary-pw@host/a?canary=1"]));
        event.add_attribute("mcp.resource.uri", "https://me:canary-pw@host/a?canary=1");
        event.add_attribute("app.ticket", 4711);
        event.add_attribute("audit.outcome", "failure");
        event.add_attribute("error.type", "canary whole text of an error");
        // None of these may be said, or may leave.
        for name in ["app.other", "exception.message", "auditrail.result.digest", "gen_ai.tool.call.arguments"] {
            event.add_attribute(name, "canary");
        }
        for trails in names::ATTRIBUTES.iter().filter(|attribute| attribute.role == names::Role::Trail) {
            event.add_attribute(trails.name, "canary");
        }
        event.add_attribute("auditrail.decision", AnyValue::Map(Box::new([(Key::new("a"), "canary".into())].into())));
        event.add_attribute("auditrail.policy.id", AnyValue::Bytes(Box::new(b"canary".to_vec())));
    });
    let records = rig.bench.records();
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!(record.event_name, "auditrail.rate_limit");
    assert_eq!(record.time_unix_nano, 1_700_000_000_123_456_789);
    assert!(record.observed_time_unix_nano > record.time_unix_nano);
    assert_eq!((record.severity.number, &*record.severity.text), (17, "ERROR"), "that of its outcome");
    assert_eq!(record.body, Some("rate_limit: failure".into()));
    for (name, value) in [
        ("audit.actor.id", Value::from("bob")),
        ("auditrail.rate_limit.name", "calls".into()),
        ("auditrail.rate_limit.limit", Value::Int(100)),
        ("auditrail.rate_limit.window", Value::Double(60.0)),
        ("auditrail.compliance.tags", Value::strings(["one"])),
        ("auditrail.compliance.applicable", Value::strings(["gdpr", "hipaa"])),
        ("auditrail.lineage.inputs", Value::strings(["https://host/a"])),
        ("mcp.resource.uri", "https://host/a".into()),
        ("app.ticket", Value::Int(4711)),
        ("audit.outcome", "failure".into()),
        ("error.type", "_OTHER".into()),
        ("auditrail.event", "auditrail.rate_limit".into()),
    ] {
        assert_eq!(record.get(name), Some(&value), "{name}");
    }
    let bytes = rig.bench.sunk.bytes();
    assert!(!bytes.windows(6).any(|window| window == b"canary"), "{record:#?}");
}

#[test]
fn other_log_records_pass_unchanged_and_audit_events_do_not_pass() {
    let rig = rig();
    let other = |event: &mut SdkLogRecord| {
        event.set_event_name("app.audit");
        event.set_severity_number(Severity::Warn);
        event.set_body(AnyValue::from("text"));
        event.add_attribute("audit.actor.id", "bob");
    };
    rig.emit(other);
    rig.emit(|event| event.add_attribute("auditrail.event", "auditrail.authz"));
    rig.emit(|event| event.set_severity_number(Severity::Debug));
    let (behind, beside) = (rig.behind.records.lock().unwrap().clone(), rig.beside.records.lock().unwrap().clone());
    assert_eq!(behind.len(), 1, "not the audit event, and not what its own filter does not want: {behind:?}");
    assert_eq!(behind[0], beside[0], "unchanged");
    assert_eq!(beside.len(), 3, "what stands beside sees what the SDK gives it");
    let recorded: Vec<_> = rig.bench.records().iter().map(|record| record.event_name.to_string()).collect();
    assert_eq!(recorded, ["auditrail.authz"]);
}

/// Names that nobody knows are not lost.
#[test]
fn an_unknown_audit_event_is_recorded_and_told() {
    let rig = rig();
    rig.emit(|event| event.set_event_name("auditrail.misspelt"));
    rig.emit(|event| event.add_attribute("auditrail.event", "misspelt"));
    let recorded: Vec<_> = rig.bench.records().iter().map(|record| record.event_name.to_string()).collect();
    assert_eq!(recorded, ["auditrail.mcp.request", "auditrail.mcp.request"]);
    assert!(rig.bench.said().iter().any(|text| text.contains("no event name of auditrail")), "{:?}", rig.bench.said());
}

#[test]
fn an_event_belongs_to_the_span_and_the_call_in_which_it_is_emitted() {
    let rig = rig();
    let (tracer, spans) = tracer();
    let subscriber = tracing_subscriber::registry()
        .with(rig.bench.trail.layer())
        .with(tracing_opentelemetry::layer().with_tracer(tracer));
    let trail = rig.bench.trail.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let call = trail.begin(Call::mcp("tools/call").tool("t").actor(Actor::verified("alice"))).await.unwrap();
            call.run(async {
                let inner = tracing::info_span!("inner");
                let _inner = inner.enter();
                rig.emit(|event| event.set_event_name("auditrail.context"));
            })
            .await;
            call.finish(Outcome::ok()).await;
        });
    });
    let records = rig.bench.records();
    let event = records.iter().find(|record| record.event_name == "auditrail.context").unwrap();
    assert_eq!(event.text(names::AUDITRAIL_CALL_ID), records[0].text(names::AUDITRAIL_CALL_ID));
    assert_eq!(event.text(names::AUDIT_ACTOR_ID), Some("alice"));
    let inner = spans.named("inner");
    assert_eq!(record_ids(event), ids(&inner));
    assert!(inner.events.iter().any(|event| event.name == "auditrail.context"), "mirrored: {inner:?}");
}

/// The SDK fills in the current context, and knows no difference between a span and its caller.
#[test]
fn ids_are_those_of_the_log_record_and_never_those_of_a_caller() {
    let rig = rig();
    let context = |remote| {
        let span = SpanContext::new(
            TraceId::from(0x11),
            SpanId::from(0x22),
            TraceFlags::SAMPLED,
            remote,
            TraceState::default(),
        );
        Context::new().with_remote_span_context(span)
    };
    {
        let _remote = context(true).attach();
        rig.emit(|event| event.set_event_name("auditrail.authz"));
    }
    let (tracer, _spans) = tracer();
    let own = tracer.start("own");
    let own = Context::new().with_span(own);
    {
        let _own = own.clone().attach();
        rig.emit(|event| event.set_event_name("auditrail.authz"));
    }
    rig.emit(|event| {
        event.set_event_name("auditrail.authz");
        event.set_trace_context(TraceId::from(0x33), SpanId::from(0x44), Some(TraceFlags::SAMPLED));
    });
    rig.emit(|event| event.set_event_name("auditrail.authz"));
    let found: Vec<_> = rig.bench.records().iter().map(record_ids).collect();
    let own = own.span().span_context().clone();
    let expected = [
        (TraceId::from(0x11).to_string(), String::new()),
        (own.trace_id().to_string(), own.span_id().to_string()),
        (TraceId::from(0x33).to_string(), SpanId::from(0x44).to_string()),
        Default::default(),
    ];
    assert_eq!(found, expected);
}

/// An exporter that never comes to an end.
#[derive(Debug, Clone, Default)]
struct Stuck(Arc<(Mutex<bool>, std::sync::Condvar)>);

impl LogExporter for Stuck {
    async fn export(&self, _: LogBatch<'_>) -> OTelSdkResult {
        let mut may_end = self.0.0.lock().unwrap();
        while !*may_end {
            may_end = self.0.1.wait(may_end).unwrap();
        }
        Ok(())
    }
}

#[test]
fn nothing_is_lost_when_the_batch_processor_drops() {
    let bench = Bench::new();
    let (stuck, kept) = (Stuck::default(), InMemoryLogExporter::default());
    let config = || BatchConfigBuilder::default().with_max_queue_size(4).with_max_export_batch_size(1).build();
    let dropping = BatchLogProcessor::builder(stuck.clone()).with_batch_config(config()).build();
    let provider = SdkLoggerProvider::builder()
        .with_log_processor(bench.trail.log_processor())
        .with_log_processor(dropping)
        .with_simple_exporter(kept)
        .build();
    let logger = provider.logger("app");
    for number in 0..500 {
        emit(&logger, |event| {
            event.set_event_name("auditrail.context");
            event.add_attribute("audit.target.id", number.to_string());
        });
    }
    let found: Vec<_> =
        bench.records().iter().map(|record| record.text(names::AUDIT_TARGET_ID).unwrap().to_owned()).collect();
    assert_eq!(found, (0..500).map(|number| number.to_string()).collect::<Vec<_>>());
    *stuck.0.0.lock().unwrap() = true;
    stuck.0.1.notify_all();
}

#[test]
fn flush_and_shutdown_do_what_they_say() {
    let rig = rig();
    // A logger that is asked for later knows no processor.
    let logger = rig.provider.logger("app");
    let delivered = || rig.bench.sunk.records().iter().filter(|record| record.event_name == "auditrail.authz").count();
    rig.emit(|event| event.set_event_name("auditrail.authz"));
    rig.provider.force_flush().unwrap();
    assert_eq!(delivered(), 1, "it was delivered");

    rig.bench.sunk.away.store(true, std::sync::atomic::Ordering::SeqCst);
    rig.emit(|event| event.set_event_name("auditrail.authz"));
    let error = rig.provider.shutdown_with_timeout(Duration::from_millis(50)).unwrap_err();
    assert!(error.to_string().contains("not delivered"), "{error}");
    assert_eq!(*rig.behind.ended.lock().unwrap(), ["flush", "shutdown"], "and so does what stands behind");

    emit(&logger, |event| event.set_event_name("auditrail.authz"));
    assert!(rig.bench.said().iter().any(|text| text.contains("after its provider was shut down")));
    rig.bench.sunk.away.store(false, std::sync::atomic::Ordering::SeqCst);
    rig.bench.trail.record(auditrail::Moment::new(auditrail::EventName::Authn));
    let events: Vec<_> = rig.bench.records().iter().map(|record| record.event_name.to_string()).collect();
    assert_eq!(events, ["auditrail.authz", "auditrail.authz", "auditrail.authn"], "the trail goes on");
}

/// The SDK's logger is silent then; the trail's own door is not.
#[test]
fn a_suppressed_context_silences_the_logger_alone() {
    let rig = rig();
    let _suppressed = Context::enter_telemetry_suppressed_scope();
    rig.emit(|event| event.set_event_name("auditrail.authz"));
    rig.bench.trail.record(auditrail::Moment::new(auditrail::EventName::Authn));
    let events: Vec<_> = rig.bench.records().iter().map(|record| record.event_name.to_string()).collect();
    assert_eq!(events, ["auditrail.authn"]);
}

/// Of a `tracing` event, whichever of the layer, the bridge, or both are there, and in whatever order.
#[test]
fn an_event_of_tracing_has_one_record() {
    for which in ["bridge", "layer, bridge", "bridge, layer"] {
        let rig = rig();
        let bridge = OpenTelemetryTracingBridge::new(&rig.provider);
        let registry = tracing_subscriber::registry();
        let layer = rig.bench.trail.layer();
        let subscriber: tracing::Dispatch = match which {
            "bridge" => registry.with(bridge).into(),
            "layer, bridge" => registry.with(layer).with(bridge).into(),
            _ => registry.with(bridge).with(layer).into(),
        };
        tracing::dispatcher::with_default(&subscriber, || {
            for number in 0..3 {
                tracing::info!(
                    auditrail.event = "auditrail.authz",
                    audit.target.id = number,
                    auditrail.decision = "allow",
                    "canary-message"
                );
                // Each is the one that was told of last, until the next.
                emit(&rig.provider.logger("app"), |event| event.set_event_name("auditrail.authn"));
            }
            tracing::info!("nothing that is audited");
        });
        let records = rig.bench.records();
        let of = |name: &str| records.iter().filter(|record| record.event_name == name).collect::<Vec<&Record>>();
        let targets: Vec<_> = of("auditrail.authz").iter().map(|record| record.text("audit.target.id")).collect();
        assert_eq!(targets, [Some("0"), Some("1"), Some("2")], "{which}");
        assert_eq!(of("auditrail.authn").len(), 3, "{which}");
        assert!(!rig.bench.sunk.bytes().windows(6).any(|window| window == b"canary"), "{which}");
        assert_eq!(rig.behind.records.lock().unwrap().len(), 1, "{which}");
    }
}

/// One constant names what is emitted through `tracing` and what is emitted directly.
#[test]
fn a_log_record_with_the_name_of_the_last_event_of_tracing_is_another() {
    const NAME: &str = "auditrail.authz";
    for has_bridge in [true, false] {
        let rig = rig();
        let bridge = has_bridge.then(|| OpenTelemetryTracingBridge::new(&rig.provider));
        let subscriber = tracing_subscriber::registry().with(rig.bench.trail.layer()).with(bridge);
        tracing::subscriber::with_default(subscriber, || {
            for number in 0..3 {
                tracing::event!(name: NAME, tracing::Level::INFO, auditrail.event = NAME, audit.target.id = number);
                emit(&rig.provider.logger("app"), |event| event.set_event_name(NAME));
            }
        });
        let records = rig.bench.records();
        let targets: Vec<_> = records.iter().map(|record| record.text("audit.target.id")).collect();
        assert_eq!(targets, [Some("0"), None, Some("1"), None, Some("2"), None], "{has_bridge}");
    }
}
