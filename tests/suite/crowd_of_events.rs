//! 16 threads record every kind of event by every door into one trail: none is lost, none is torn.
//!
//! The judge knows what each record has to say from the number that is in it, and from nothing that the library gives it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use auditrail::capture::direct::*;
use auditrail::record::{EventName, Record, Value, names};
use auditrail::trail::{Call, DataUse, Digest, Framework, Pseudonym};
use auditrail::{Actor, Moment, Outcome, Trail};
use opentelemetry::logs::{LogRecord as _, Logger as _, LoggerProvider as _};
use opentelemetry_sdk::logs::SdkLoggerProvider;
use tracing_subscriber::prelude::*;

use crate::support::{Bench, tracer};

const THREADS: u64 = 16;
/// Of each kind of event, by each door.
const EACH: u64 = 12;

/// Every event that code may record, with the number in several places of different lengths.
fn typed(number: u64) -> Vec<Moment> {
    let text = number.to_string();
    let long = text.repeat(1 + usize::try_from(number % 40).unwrap());
    let digest = || Digest::own(long.clone());
    let all: Vec<Moment> = vec![
        ResourceAccess::read(&format!("file:///{long}")).preview(digest()).into(),
        PromptInvocation::of(text.clone()).output(digest(), 7).into(),
        ContextChange::set(text.clone()).before(digest()).into(),
        ServerLifecycle::started(text.clone()).before(digest()).into(),
        ComplianceEvent::of(Framework::Soc2).control(text.clone()).mitigation(long.clone()).into(),
        PolicyViolation::blocked(text.clone()).policy_digest(digest()).into(),
        RateLimit::refused(text.clone()).limit(3, Duration::from_secs(1)).into(),
        TokenUse::of(digest()).issuer(text.clone()).into(),
        TokenExchange::of(digest(), digest()).issuer(text.clone()).into(),
        Threat::observed(ThreatType::Probing, ThreatLevel::Low).rule(long.clone()).into(),
        Lineage::by(text.clone(), "copy").input(DataSet::at(&long)).output(DataSet::at(&long).id(text.clone())).into(),
        PolicyChange::loaded(text.clone(), digest()).into(),
        Erasure::of(Pseudonym::own(long.clone())).count(2).into(),
        Retention::by(text.clone(), RetentionStep::Held).count(2).into(),
    ];
    all.into_iter().map(|moment| told(moment, number)).collect()
}

/// What every record says of its number.
fn told(moment: Moment, number: u64) -> Moment {
    moment
        .actor(Actor::verified(format!("actor {number}")))
        .data_use(DataUse::new().tags([number.to_string(), (number * 3).to_string()]).purpose(purpose(number)))
}

fn purpose(number: u64) -> String {
    format!("purpose {number} {}", "x".repeat(usize::try_from(number % 97).unwrap()))
}

/// Every event of the list, by the doors that take any.
fn by_logs_api(provider: &SdkLoggerProvider, event: EventName, number: u64) {
    let logger = provider.logger("crowd");
    let mut record = logger.create_log_record();
    record.set_event_name(event.as_str());
    record.add_attribute("audit.actor.id", format!("actor {number}"));
    record.add_attribute("auditrail.compliance.purpose", purpose(number));
    record.add_attribute("auditrail.compliance.tags", {
        let tags = [number.to_string(), (number * 3).to_string()].map(opentelemetry::logs::AnyValue::from);
        opentelemetry::logs::AnyValue::ListAny(Box::new(tags.into()))
    });
    logger.emit(record);
}

fn by_span(event: EventName, number: u64) {
    let span = tracing::info_span!(
        parent: None,
        "crowd",
        auditrail.event = event.as_str(),
        audit.outcome = "success",
        audit.actor.id = format!("actor {number}"),
        auditrail.compliance.purpose = purpose(number),
        auditrail.compliance.tags = number,
    );
    span.in_scope(|| ());
}

fn by_tracing(event: EventName, number: u64) {
    tracing::info!(
        auditrail.event = event.as_str(),
        audit.actor.id = format!("actor {number}"),
        auditrail.compliance.purpose = purpose(number),
        auditrail.compliance.tags = number,
    );
}

async fn by_call(trail: &Trail, number: u64) {
    let data = DataUse::new().tags([number.to_string(), (number * 3).to_string()]).purpose(purpose(number));
    let call = Call::mcp("tools/call").tool(number.to_string()).actor(Actor::verified(format!("actor {number}")));
    let call = trail.begin(call.data_use(data)).await.unwrap();
    call.run(async {
        tokio::task::yield_now().await;
        // It has the actor of its call.
        trail.record(ContextChange::get("inside").data_use(DataUse::new().purpose(purpose(number))));
    })
    .await;
    call.finish(Outcome::ok()).await;
}

/// The numbers of a thread: no other has them.
fn numbers(thread: u64) -> impl FnMut() -> u64 {
    let mut next = thread * 1_000_000;
    move || {
        next += 1;
        next
    }
}

/// Records everything, and gives the number of records that have to come for each number.
fn record_all(trail: &Trail, provider: &SdkLoggerProvider, thread: u64) -> BTreeMap<u64, usize> {
    let (mut number, mut expected) = (numbers(thread), BTreeMap::new());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for _ in 0..EACH {
        for kind in 0..typed(1).len() {
            let number = number();
            let event = typed(number).swap_remove(kind);
            // Each door of the trail's own in turn.
            if number % 2 == 0 {
                trail.record(event);
            } else {
                runtime.block_on(trail.record_durably(event)).unwrap();
            }
            expected.insert(number, 1);
        }
        for event in EventName::ALL {
            let [logs, spans, events] = [number(), number(), number()];
            by_logs_api(provider, *event, logs);
            by_span(*event, spans);
            by_tracing(*event, events);
            expected.extend([(logs, 1), (spans, if event.has_halves() { 2 } else { 1 }), (events, 1)]);
        }
        let number = number();
        runtime.block_on(by_call(trail, number));
        expected.insert(number, 3);
    }
    expected
}

#[test]
fn sixteen_threads_record_every_kind_of_event_and_none_is_lost_or_torn() {
    let bench = Bench::new();
    let provider = SdkLoggerProvider::builder().with_log_processor(bench.trail.log_processor()).build();
    let (tracer, _spans) = tracer();
    let subscriber: tracing::Dispatch = tracing_subscriber::registry()
        .with(bench.trail.layer())
        .with(tracing_opentelemetry::layer().with_tracer(tracer))
        .into();
    let start = Arc::new(Barrier::new(usize::try_from(THREADS).unwrap()));
    let threads: Vec<_> = (1..=THREADS)
        .map(|thread| {
            let (trail, provider, subscriber, start) =
                (bench.trail.clone(), provider.clone(), subscriber.clone(), start.clone());
            std::thread::spawn(move || {
                tracing::dispatcher::with_default(&subscriber, || {
                    start.wait();
                    record_all(&trail, &provider, thread)
                })
            })
        })
        .collect();
    let expected: BTreeMap<u64, usize> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    drop(bench.records());
    let records: Vec<Record> = bench
        .sunk
        .records()
        .into_iter()
        .filter(|record| record.text(names::AUDIT_ACTOR_ID) != Some("auditrail"))
        .collect();

    let ids: BTreeSet<&str> = records.iter().map(|record| record.text(names::AUDIT_RECORD_ID).unwrap()).collect();
    assert_eq!(ids.len(), records.len(), "each id once");
    let mut found = BTreeMap::<u64, usize>::new();
    records.iter().for_each(|record| *found.entry(judged(record)).or_default() += 1);
    assert_eq!(found, expected);
    let counts = bench.trail.counts();
    assert_eq!((counts.refused, counts.lost, counts.quarantined), (0, 0, 0));
}

/// Whether the record is whole: everything in it fits the number of its actor. Gives that number.
fn judged(record: &Record) -> u64 {
    let text = |name: &str| record.text(name).unwrap_or_else(|| panic!("no {name}: {record:#?}"));
    let number: u64 = text(names::AUDIT_ACTOR_ID).strip_prefix("actor ").unwrap().parse().unwrap();
    let what = || format!("{number}: {record:#?}");
    assert_eq!(text("auditrail.compliance.purpose"), purpose(number), "{}", what());
    assert_eq!(text("auditrail.event"), record.event_name, "{}", what());
    let keys: BTreeSet<_> = record.attributes.iter().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), record.attributes.len(), "{}", what());
    if let Some(Value::Array(tags)) = record.get("auditrail.compliance.tags") {
        let both = [number.to_string(), (number * 3).to_string()].map(Value::from);
        let one = [Value::Int(i64::try_from(number).unwrap())];
        assert!(tags[..] == both || tags[..] == one, "{}", what());
    }
    let long = number.to_string().repeat(1 + usize::try_from(number % 40).unwrap());
    for (key, value) in &record.attributes {
        let expected = match key.as_ref() {
            "auditrail.context.digest_before"
            | "auditrail.resource.preview_digest"
            | "auditrail.policy.digest"
            | "auditrail.token.id_digest"
            | "auditrail.token.issued_id_digest"
            | "auditrail.compliance.mitigation"
            | "auditrail.data_subject.id" => Value::from(long.clone()),
            "auditrail.result.digest" => Value::from(long.clone()),
            "auditrail.lineage.inputs" | "auditrail.lineage.outputs" => Value::strings([long.clone()]),
            "mcp.resource.uri" => Value::from(format!("file:///{long}")),
            "gen_ai.tool.name"
            | "gen_ai.prompt.name"
            | "auditrail.compliance.control"
            | "auditrail.rate_limit.name"
            | "auditrail.token.issuer"
            | "auditrail.lineage.transformation"
            | "auditrail.policy.id"
            | "auditrail.retention.class" => Value::from(number.to_string()),
            "auditrail.lineage.output_ids" => Value::strings([number.to_string()]),
            "auditrail.target.count" => Value::Int(2),
            _ => continue,
        };
        assert_eq!(value, &expected, "{key} of {}", what());
    }
    number
}
