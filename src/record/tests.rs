use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;

use super::*;

proptest! {
    /// Our bytes equal what prost writes for the same message, and decoding gives the record back.
    #[test]
    fn bytes_equal_prost_and_decode_back(record in records()) {
        let mut ours = Vec::new();
        record.encode(&mut ours);
        prop_assert_eq!(&ours, &to_proto(&record).encode_to_vec());
        prop_assert_eq!(Record::decode(&ours).unwrap(), record);
    }

    /// What is written with ids at hand equals what is written field by field.
    #[test]
    fn ids_are_written_as_fields(
        ids in prop::option::of((any::<[u8; 16]>(), prop::option::of(any::<[u8; 8]>()), any::<u8>())),
        time in any::<u64>(),
        event in ".{0,140}",
    ) {
        let ids = ids.and_then(|(trace, span, flags)| {
            Some(SpanIds { trace: TraceId::new(trace)?, span: span.and_then(SpanId::new), flags })
        });
        let (mut ours, mut plain) = (Vec::new(), Vec::new());
        Encoder::continued(&mut ours).finish(ids, time, &event);
        let message = LogRecord {
            flags: ids.map_or(0, |ids| u32::from(ids.flags)),
            trace_id: ids.map_or(Vec::new(), |ids| ids.trace.to_bytes().to_vec()),
            span_id: ids.and_then(|ids| ids.span).map_or(Vec::new(), |span| span.to_bytes().to_vec()),
            observed_time_unix_nano: time,
            event_name: event,
            ..LogRecord::default()
        };
        message.encode(&mut plain).unwrap();
        prop_assert_eq!(ours, plain);
    }

    /// The text of an id is made of that of any other that differs in the last four bits.
    #[test]
    fn siblings_have_the_text_of_their_id(time in any::<u64>(), random in any::<[u8; 10]>(), last in 0..16_u8) {
        let [first @ .., end] = random;
        let sibling = [&first[..], &[end & 0xF0 | last]].concat();
        let (mut text, mut expected) = ([0; 36], [0; 36]);
        RecordId::new(time, &random).encode(&mut text);
        RecordId::new(time, sibling.first_chunk().unwrap()).encode(&mut expected);
        prop_assert_eq!(RecordId::sibling(&text, last), expected);
    }

    /// Bytes that are no record are an error or some other record, never a panic.
    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..300)) {
        if let Ok(record) = Record::decode(&bytes) {
            let mut again = Vec::new();
            record.encode(&mut again);
            prop_assert_eq!(Record::decode(&again).unwrap(), record);
        }
    }
}

#[test]
fn the_contract_names_are_unique_and_found() {
    for (index, attribute) in names::ATTRIBUTES.iter().enumerate() {
        assert!(
            !names::ATTRIBUTES[..index].iter().any(|other| other.name == attribute.name),
            "{} twice",
            attribute.name
        );
        assert_eq!(names::attribute(attribute.name).unwrap().name, attribute.name);
    }
    assert!(names::attribute("gen_ai.tool.arguments").is_none());
}

#[test]
fn outcomes_follow_the_contract() {
    for (detail, status, severity) in [
        (Detail::Ok, Status::Success, 9),
        (Detail::ToolError, Status::Failure, 17),
        (Detail::JsonrpcError, Status::Failure, 17),
        (Detail::HttpError, Status::Failure, 17),
        (Detail::Denied, Status::Failure, 13),
        (Detail::Panic, Status::Failure, 17),
        (Detail::Cancelled, Status::Unknown, 13),
        (Detail::Timeout, Status::Unknown, 13),
        (Detail::NoResponse, Status::Unknown, 13),
        (Detail::Interrupted, Status::Unknown, 13),
        (Detail::InputRequired, Status::Unknown, 13),
        (Detail::Task, Status::Unknown, 13),
    ] {
        let outcome = Outcome::of(detail);
        assert_eq!((outcome.status, outcome.severity().number), (status, severity), "{detail:?}");
        assert_eq!(detail.as_str().parse(), Ok(detail));
    }
    assert!(!Outcome::jsonrpc_error(-32602).is_span_error());
    assert!(Outcome::jsonrpc_error(-32603).is_span_error());
    assert!(Outcome::of(Detail::ToolError).is_span_error());
    assert!(!Outcome::of(Detail::Cancelled).is_span_error());
}

#[test]
fn ids_are_never_zero_and_wrong_lengths_are_named() {
    assert_eq!(TraceId::new([0; 16]), None);
    let bytes = LogRecord { trace_id: vec![1; 7], ..LogRecord::default() }.encode_to_vec();
    let error = Record::decode(&bytes).unwrap_err().to_string();
    assert_eq!(error, "trace_id has 7 bytes; OTLP wants 16, or none");
}

fn records() -> impl Strategy<Value = Record> {
    let times = (any::<u64>(), any::<u64>());
    let heads = (".{0,20}", any::<i32>(), ".{0,8}", proptest::option::of(values()));
    let tails = (any::<u32>(), any::<u32>(), any::<[u8; 16]>(), any::<[u8; 8]>());
    (times, heads, vec((".{0,12}", values()), 0..8), tails).prop_map(|(times, heads, attributes, tails)| Record {
        time_unix_nano: times.0,
        observed_time_unix_nano: times.1,
        event_name: heads.0.into(),
        severity: Severity { number: heads.1, text: heads.2.into() },
        body: heads.3,
        attributes: attributes.into_iter().map(|(key, value)| (key.into(), value)).collect(),
        dropped_attributes_count: tails.0,
        flags: tails.1,
        trace_id: TraceId::new(tails.2),
        span_id: SpanId::new(tails.3),
    })
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Empty),
        ".{0,200}".prop_map(Value::from),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_filter("NaN is not equal to itself", |number| !number.is_nan()).prop_map(Value::Double),
        vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::Array),
            vec((".{0,6}".prop_map(Key::from), inner), 0..5).prop_map(Value::Map),
        ]
    })
}

fn to_proto(record: &Record) -> LogRecord {
    LogRecord {
        time_unix_nano: record.time_unix_nano,
        observed_time_unix_nano: record.observed_time_unix_nano,
        severity_number: record.severity.number,
        severity_text: record.severity.text.to_string(),
        body: record.body.as_ref().map(any_proto),
        attributes: entries_proto(&record.attributes),
        dropped_attributes_count: record.dropped_attributes_count,
        flags: record.flags,
        trace_id: record.trace_id.map(|id| id.to_bytes().to_vec()).unwrap_or_default(),
        span_id: record.span_id.map(|id| id.to_bytes().to_vec()).unwrap_or_default(),
        event_name: record.event_name.to_string(),
    }
}

fn entries_proto(entries: &[(Key, Value)]) -> Vec<KeyValue> {
    entries
        .iter()
        .map(|(key, value)| KeyValue { key: key.to_string(), value: Some(any_proto(value)), key_strindex: 0 })
        .collect()
}

fn any_proto(value: &Value) -> AnyValue {
    let value = match value {
        Value::Empty => None,
        Value::Str(text) => Some(any_value::Value::StringValue(text.to_string())),
        Value::Bool(flag) => Some(any_value::Value::BoolValue(*flag)),
        Value::Int(number) => Some(any_value::Value::IntValue(*number)),
        Value::Double(number) => Some(any_value::Value::DoubleValue(*number)),
        Value::Bytes(bytes) => Some(any_value::Value::BytesValue(bytes.clone())),
        Value::Array(items) => {
            Some(any_value::Value::ArrayValue(ArrayValue { values: items.iter().map(any_proto).collect() }))
        }
        Value::Map(entries) => Some(any_value::Value::KvlistValue(KeyValueList { values: entries_proto(entries) })),
    };
    AnyValue { value }
}

/// What was encoded when this was compiled is what would be encoded now.
#[test]
fn constants_have_the_same_bytes() {
    for outcome in [Outcome::ok(), Outcome::status(Status::Failure), Outcome::status(Status::Unknown)] {
        let (mut fixed, mut plain) = (Vec::new(), Vec::new());
        let mut encoder = Encoder::continued(&mut fixed);
        encoder.duration(0.25);
        encoder.outcome(&outcome);
        let mut encoder = Encoder::continued(&mut plain);
        encoder.double(names::AUDITRAIL_DURATION, 0.25);
        encoder.text(names::AUDIT_OUTCOME, outcome.status.as_str());
        if let Some(detail) = outcome.detail {
            encoder.text(names::AUDITRAIL_OUTCOME_DETAIL, detail.as_str());
        }
        assert_eq!(fixed, plain);
    }
}

#[test]
fn a_text_is_cut_between_characters() {
    let text = "aä€🦀";
    for (bytes, expected) in
        [(0, ""), (1, "a"), (2, "a"), (3, "aä"), (5, "aä"), (6, "aä€"), (9, "aä€"), (10, text), (99, text)]
    {
        assert_eq!(super::cut(text, bytes), expected, "{bytes}");
    }
}
