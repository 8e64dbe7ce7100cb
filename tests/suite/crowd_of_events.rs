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
        Authn::failure(format!("class.{number}")).challenge(long.clone()).rule(text.clone()).into(),
        Authz::deny(long.clone()).rule(text.clone()).policy(text.clone(), long.clone()).actions([text.clone()]).into(),
        Approval::approved(Actor::verified(format!("actor {number}"))).shown(long.clone()).tool(text.clone()).into(),
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
    let records = of_the_crowd(bench.sunk.records());
    let found = judged_all(&records).unwrap_or_else(|torn| panic!("{torn}"));
    assert_eq!(found, expected);
    let events: BTreeSet<&str> = records.iter().map(|record| &*record.event_name).collect();
    let all: BTreeSet<&str> = EventName::ALL.iter().map(|event| event.as_str()).collect();
    assert_eq!(events, all, "every kind of event");
    let counts = bench.trail.counts();
    assert_eq!((counts.refused, counts.lost, counts.quarantined), (0, 0, 0));
}

/// The typed events are all that a code may record: every event but those that the taps and the trail alone write.
#[test]
fn the_crowd_has_every_typed_event() {
    let bench = Bench::new();
    for event in typed(7) {
        bench.trail.record(event);
    }
    let recorded: BTreeSet<String> = bench.all_records().iter().map(|record| record.event_name.to_string()).collect();
    let missing: Vec<&str> =
        EventName::ALL.iter().map(|event| event.as_str()).filter(|event| !recorded.contains(*event)).collect();
    assert_eq!(
        missing,
        [
            "auditrail.mcp.tools.call",
            "auditrail.mcp.request",
            "auditrail.mcp.notification",
            "auditrail.mcp.session",
            "auditrail.mcp.tool_definition",
            "auditrail.http.request",
            "auditrail.gap",
            "auditrail.checkpoint",
        ]
    );
}

/// The judge sees each torn record: a whole one loses an attribute, or gets that of another number, of its kind or of the next.
#[test]
fn the_judge_sees_every_torn_record() {
    let bench = Bench::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for thread in [1, 2] {
        let mut number = numbers(thread);
        for kind in 0..typed(1).len() {
            bench.trail.record(typed(number()).swap_remove(kind));
        }
        runtime.block_on(by_call(&bench.trail, number()));
    }
    let records = of_the_crowd(bench.all_records());
    let half = records.len() / 2;
    assert_eq!(records.len(), 2 * (typed(1).len() + 3));
    judged_all(&records).unwrap();
    let mut planted = 0;
    for index in 0..half {
        for (place, (key, value)) in records[index].attributes.iter().enumerate() {
            let mut torn = records.clone();
            torn[index].attributes.remove(place);
            assert!(judged_all(&torn).is_err(), "without {key}: {:#?}", torn[index]);
            for other in [index, (index + 1) % half].map(|other| &records[half + other]) {
                let Some(others) = other.get(key).filter(|others| *others != value) else { continue };
                if **key == *names::AUDITRAIL_DURATION {
                    continue;
                }
                let mut torn = records.clone();
                torn[index].attributes[place].1 = others.clone();
                assert!(judged_all(&torn).is_err(), "{key} of another: {:#?}", torn[index]);
                planted += 1;
            }
        }
    }
    assert!(planted > 200, "{planted}");
}

/// Without what the trail tells of itself.
fn of_the_crowd(records: Vec<Record>) -> Vec<Record> {
    records.into_iter().filter(|record| record.text(names::AUDIT_ACTOR_ID) != Some("auditrail")).collect()
}

/// Whether all records are whole. Gives how many there are of each number, or what is torn.
fn judged_all(records: &[Record]) -> Result<BTreeMap<u64, usize>, String> {
    let mut found = BTreeMap::<u64, usize>::new();
    let (mut shapes, mut owners, mut once) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    let mut halves = BTreeMap::<u64, BTreeSet<(&str, &str)>>::new();
    for record in records {
        let (number, shape) = judged(record).map_err(|torn| format!("{torn}: {record:#?}"))?;
        *found.entry(number).or_default() += 1;
        // What is recorded in the same place of a round has the same attributes, and equal ones but for the number.
        let place = place(number);
        let phase = record.text("auditrail.phase").unwrap_or_default();
        halves.entry(number).or_default().insert((&*record.event_name, phase));
        let first = shapes.entry((place, &*record.event_name, phase)).or_insert_with(|| shape.clone());
        ensure(*first == shape, || format!("another shape than {first:#?}: {record:#?}"))?;
        for own in [names::AUDIT_RECORD_ID, names::AUDIT_SEQUENCE_NUMBER] {
            ensure(once.insert((own, format!("{:?}", record.get(own)))), || format!("{own} twice: {record:#?}"))?;
        }
        let traces = record.trace_id.map(|trace| format!("{trace:?}"));
        for shared in record.text("auditrail.call.id").map(ToOwned::to_owned).into_iter().chain(traces) {
            let owner = owners.entry(shared).or_insert(number);
            ensure(*owner == number, || format!("with the call or the trace of {owner}: {record:#?}"))?;
        }
    }
    let mut of_places = BTreeMap::new();
    for (number, halves) in halves {
        let first = of_places.entry(place(number)).or_insert_with(|| halves.clone());
        ensure(*first == halves, || format!("{number} has {halves:?}, others {first:?}"))?;
    }
    Ok(found)
}

/// The place of a number in the rounds of its thread.
fn place(number: u64) -> u64 {
    (number % 1_000_000 - 1) % u64::try_from(typed(1).len() + 3 * EventName::ALL.len() + 1).unwrap()
}

/// What does not depend on the number, and which attributes do.
type Shape = BTreeMap<String, Option<String>>;

/// Whether everything in the record fits the number of its actor. Gives that number.
fn judged(record: &Record) -> Result<(u64, Shape), String> {
    let number = record.text(names::AUDIT_ACTOR_ID).and_then(|actor| actor.strip_prefix("actor ")?.parse().ok());
    let number: u64 = number.ok_or("no actor of the crowd")?;
    ensure(record.text("auditrail.event") == Some(&*record.event_name), || "two events".to_owned())?;
    let keys: BTreeSet<_> = record.attributes.iter().map(|(key, _)| key).collect();
    ensure(keys.len() == record.attributes.len(), || "an attribute twice".to_owned())?;
    let mut shape = Shape::new();
    for (key, value) in &record.attributes {
        let own = match key.as_ref() {
            "audit.record.id" | "auditrail.call.id" | "audit.sequence.number" | "auditrail.duration" => true,
            // Hexadecimal, so that its digits are nobody's number.
            "auditrail.stream.id" => false,
            key => is_of_number(key, value, number)?,
        };
        shape.insert(key.to_string(), (!own).then(|| format!("{value:?}")));
    }
    let body = format!("{:?}", record.body);
    ensure(fits(&body, number), || "the body of another".to_owned())?;
    // "… in 5 ms"
    let body = body.split(" in ").next().filter(|body| !body.contains(&number.to_string()));
    shape.insert("body".to_owned(), body.map(ToOwned::to_owned));
    shape.insert("severity".to_owned(), Some(format!("{:?}", record.severity)));
    Ok((number, shape))
}

/// Whether the value depends on the number; an error if it depends on another.
fn is_of_number(key: &str, value: &Value, number: u64) -> Result<bool, String> {
    let text = number.to_string();
    let long = text.repeat(1 + usize::try_from(number % 40).unwrap());
    let tags = [text.clone(), (number * 3).to_string()].map(Value::from);
    let expected = match key {
        "auditrail.compliance.purpose" => Value::from(purpose(number)),
        "auditrail.compliance.tags" if matches!(value, Value::Array(tags) if tags.len() == 1) => {
            Value::Array(vec![Value::Int(i64::try_from(number).unwrap())])
        }
        "auditrail.compliance.tags" => Value::Array(tags.into()),
        "auditrail.context.digest_before"
        | "auditrail.resource.preview_digest"
        | "auditrail.policy.digest"
        | "auditrail.token.id_digest"
        | "auditrail.token.issued_id_digest"
        | "auditrail.compliance.mitigation"
        | "auditrail.data_subject.id"
        | "auditrail.authn.challenge"
        | "auditrail.approval.shown_digest"
        | "auditrail.result.digest" => Value::from(long),
        "auditrail.lineage.inputs" | "auditrail.lineage.outputs" => Value::strings([long]),
        "mcp.resource.uri" => Value::from(format!("file:///{long}")),
        "gen_ai.tool.name"
        | "gen_ai.prompt.name"
        | "auditrail.compliance.control"
        | "auditrail.rate_limit.name"
        | "auditrail.token.issuer"
        | "auditrail.lineage.transformation"
        | "auditrail.policy.id"
        | "auditrail.retention.class" => Value::from(text),
        "auditrail.lineage.output_ids" | "auditrail.target.actions" => Value::strings([text]),
        "audit.actor.id" | "auditrail.approval.by" => Value::from(format!("actor {number}")),
        "error.type" if record_says_class(value) => Value::from(format!("class.{number}")),
        // The others may contain it, and no other.
        _ => {
            let shown = format!("{value:?}");
            ensure(fits(&shown, number), || format!("{key} of another"))?;
            return Ok(shown.contains(&text));
        }
    };
    ensure(*value == expected, || format!("{key} is not {expected:?}"))?;
    Ok(true)
}

fn record_says_class(value: &Value) -> bool {
    matches!(value, Value::Str(text) if text.starts_with("class."))
}

/// Whether each long number in the text is this one, or three times it, once or repeated.
fn fits(text: &str, number: u64) -> bool {
    let [one, three] = [number, number * 3].map(|number| number.to_string());
    text.split(|letter: char| !letter.is_ascii_digit())
        .filter(|digits| digits.len() >= 7)
        .all(|digits| digits.replace(&one, "").is_empty() || digits == three)
}

fn ensure(is_so: bool, torn: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(torn()) }
}
