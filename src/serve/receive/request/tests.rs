use opentelemetry_proto::tonic::{
    collector::{logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    logs::v1::{ResourceLogs, ScopeLogs},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use proptest::{prelude::*, sample::Index};

use super::*;

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

fn record(id: &str) -> LogRecord {
    LogRecord { time_unix_nano: 7, attributes: vec![text("audit.record.id", id)], ..LogRecord::default() }
}

fn logs(records: &[&[&str]]) -> ExportLogsServiceRequest {
    let scope_logs = records.iter().map(|ids| ScopeLogs {
        scope: Some(InstrumentationScope { name: "auditrail".to_owned(), ..InstrumentationScope::default() }),
        log_records: ids.iter().map(|id| record(id)).collect(),
        schema_url: "https://example.com/scope".to_owned(),
    });
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(Resource { attributes: vec![text("service.name", "weather")], ..Resource::default() }),
            scope_logs: scope_logs.collect(),
            schema_url: "https://example.com/resource".to_owned(),
        }],
    }
}

/// A length-delimited field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    prost::encoding::encode_varint(content.len() as u64, &mut bytes);
    bytes.extend_from_slice(content);
    bytes
}

#[test]
fn records_keep_their_bytes_and_what_they_came_with() {
    let request = logs(&[&["a", "b"], &["c"]]);
    let taken = records(&request.encode_to_vec(), 42).unwrap();
    assert_eq!(taken.iter().map(|taken| taken.item.id().unwrap()).collect::<Vec<_>>(), ["a", "b", "c"]);
    for Weighed { item, .. } in &taken {
        assert_eq!(item.bytes, item.record.encode_to_vec());
        assert_eq!(item.resource_bytes, request.resource_logs[0].resource.as_ref().unwrap().encode_to_vec());
        assert_eq!(item.scope_bytes, item.scope.encode_to_vec());
        assert_eq!(&*item.resource_schema_url, "https://example.com/resource");
        assert_eq!(&*item.scope_schema_url, "https://example.com/scope");
        assert_eq!((item.scope.name.as_str(), item.received_unix_nano), ("auditrail", 42));
    }
}

#[test]
fn bytes_that_no_encoder_of_ours_would_write_are_kept() {
    // An unknown field, an overlong number, fields out of order, a repeated scalar: all valid.
    let odd_record =
        [&field(12, b"name")[..], &[0x10, 0x89, 0x00, 0x10, 0x89, 0x80, 0x00], &field(15, b"new")].concat();
    let odd_resource = [&field(1, &text("k", "v").encode_to_vec())[..], &field(14, b"newer")].concat();
    let scope_logs = [field(2, &odd_record), field(3, b"url"), field(1, b"")].concat();
    // The resource comes after what it describes, and in two parts.
    let resource_logs =
        [field(2, &scope_logs), field(1, &odd_resource), field(1, &[0x10, 0x01]), field(9, b"newest")].concat();
    let request = [field(1, &resource_logs), field(7, b"?")].concat();

    let taken = records(&request, 0).unwrap();
    let item = &taken[0].item;
    assert_eq!(item.bytes, odd_record);
    assert_ne!(item.bytes, item.record.encode_to_vec());
    assert_eq!(item.record.severity_number, 9);
    assert_eq!(item.resource_bytes, [&odd_resource[..], &[0x10, 0x01]].concat());
    assert_eq!((item.resource.attributes.len(), item.resource.dropped_attributes_count), (1, 1));
    assert!(item.scope_bytes.is_empty());
    assert_eq!(&*item.scope_schema_url, "url");
    let whole = ExportLogsServiceRequest::decode(&request[..]).unwrap();
    assert_eq!(whole.resource_logs[0].resource.as_ref(), Some(&*item.resource));
}

#[test]
fn mistakes_are_named_with_their_place() {
    let message = |request: &[u8]| records(request, 0).unwrap_err().to_string();
    let in_record = field(1, &field(2, &field(2, &field(3, &[0xff]))));
    assert!(message(&in_record).contains("LogRecord at byte 6"), "{}", message(&in_record));
    let in_url = field(1, &field(3, &[0xff]));
    assert!(message(&in_url).contains("schema URL of the resource at byte 2"), "{}", message(&in_url));
    let wrong_type = field(1, &[0x10, 0x01]);
    assert!(message(&wrong_type).contains("byte 2"), "{}", message(&wrong_type));
    let in_resource = field(1, &field(1, &[0x0a]));
    assert!(message(&in_resource).contains("the Resource"), "{}", message(&in_resource));
}

#[test]
fn empty_parts_are_bounded_in_number() {
    let within = field(1, &field(2, &[0x12, 0x00].repeat(MAX_PARTS - 2)));
    assert_eq!(records(&within, 0).unwrap().len(), MAX_PARTS - 2);
    let beyond = field(1, &field(2, &[0x12, 0x00].repeat(MAX_PARTS - 1)));
    assert!(matches!(records(&beyond, 0), Err(ReceiveError::TooMany { .. })));
    let groups = [0x0a, 0x00].repeat(MAX_PARTS + 1);
    assert!(matches!(spans(&groups, 0), Err(ReceiveError::TooMany { .. })));
}

#[test]
fn what_is_shared_weighs_on_the_last() {
    let taken = records(&logs(&[&["a", "b"], &[], &["c"]]).encode_to_vec(), 0).unwrap();
    let [a, b, c] = &taken[..] else { panic!("three records") };
    assert!(a.weight > a.item.bytes.len() + size_of::<LogRecord>());
    assert!(b.weight > a.weight, "the first scope leaves with b");
    assert!(c.weight > b.weight, "the resource and the last scope leave with c");
}

#[test]
fn spans_come_with_their_resource() {
    let span = Span { name: "tools/call".to_owned(), span_id: vec![1; 8], ..Span::default() };
    let scope_spans = ScopeSpans { spans: vec![span.clone()], ..ScopeSpans::default() };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { scope_spans: vec![scope_spans], ..ResourceSpans::default() }],
    };
    let taken = spans(&request.encode_to_vec(), 5).unwrap();
    assert_eq!((&taken[0].item.span, taken[0].item.received_unix_nano), (&span, 5));
}

/// Valid requests, and what becomes of them when some bytes change.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let ids = prop::collection::vec(prop::collection::vec("[a-z]{0,8}", 0..4), 0..3);
    let changes = prop::collection::vec((any::<Index>(), any::<u8>()), 0..4);
    (ids, changes, any::<Option<Index>>()).prop_map(|(ids, changes, cut)| {
        let ids: Vec<Vec<&str>> = ids.iter().map(|ids| ids.iter().map(String::as_str).collect()).collect();
        let mut bytes = logs(&ids.iter().map(Vec::as_slice).collect::<Vec<_>>()).encode_to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len() * 3));
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, failure_persistence: None, ..ProptestConfig::default() })]

    /// A decoder of whole requests is the judge: same verdict, same records, and each record decodes from its own bytes.
    #[test]
    fn any_bytes_give_what_prost_gives(bytes in prop_oneof![3 => damaged(), 1 => prop::collection::vec(any::<u8>(), 0..64)]) {
        let judge = ExportLogsServiceRequest::decode(&bytes[..]).ok();
        let taken = records(&bytes, 0).ok();
        prop_assert_eq!(taken.is_some(), judge.is_some());
        let scopes = judge.into_iter().flat_map(|request| request.resource_logs).flat_map(|group| {
            let resource = group.resource.unwrap_or_default();
            group.scope_logs.into_iter().map(move |scope_logs| (resource.clone(), scope_logs))
        });
        let expected: Vec<_> = scopes
            .flat_map(|(resource, group)| {
                let scope = group.scope.unwrap_or_default();
                group.log_records.into_iter().map(move |record| (resource.clone(), scope.clone(), record))
            })
            .collect();
        let taken: Vec<_> = taken.into_iter().flatten().map(|taken| taken.item).collect();
        prop_assert_eq!(taken.len(), expected.len());
        for (item, (resource, scope, record)) in taken.iter().zip(&expected) {
            // Compared encoded, because NaN is not equal to itself.
            prop_assert_eq!(item.record.encode_to_vec(), record.encode_to_vec());
            prop_assert_eq!(item.resource.encode_to_vec(), resource.encode_to_vec());
            prop_assert_eq!(item.scope.encode_to_vec(), scope.encode_to_vec());
            prop_assert_eq!(LogRecord::decode(&item.bytes[..]).unwrap().encode_to_vec(), record.encode_to_vec());
        }
        let traces = ExportTraceServiceRequest::decode(&bytes[..]);
        prop_assert_eq!(spans(&bytes, 0).is_ok(), traces.is_ok());
    }
}
