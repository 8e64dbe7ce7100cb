use super::otlp_json::records_of;
use opentelemetry_proto::tonic::common::v1::any_value::Value;

#[test]
fn integers_come_as_strings_and_as_numbers_and_bytes_as_base64() {
    let line = br#"{"resourceLogs":[{"unknown":{"a":1},"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},
        "scopeLogs":[{"logRecords":[{"timeUnixNano":5,"observedTimeUnixNano":"6","severityNumber":17,"traceId":"0AF7651916cd43dd8448eb211c80319c",
        "attributes":[{"key":"i","value":{"intValue":"-7"}},{"key":"j","value":{"intValue":8}},{"key":"b","value":{"bytesValue":"AQIDBA=="}},
        {"key":"d","value":{"doubleValue":1}},{"key":"n","value":{"doubleValue":"NaN"}},
        {"key":"a","value":{"arrayValue":{"values":[{"boolValue":true}]}}},{"key":"none","value":{}}]}]}]}]}"#;
    let records = records_of(line).unwrap();
    let [found] = &records[..] else { panic!("{records:?}") };
    assert_eq!((found.time(), found.record.observed_time_unix_nano, found.service()), (5, 6, "s"));
    assert_eq!(found.record.trace_id[..3], [0x0a, 0xf7, 0x65]);
    assert_eq!(found.value("i"), Some(&Value::IntValue(-7)));
    assert_eq!(found.value("j"), Some(&Value::IntValue(8)));
    assert_eq!(found.value("b"), Some(&Value::BytesValue(vec![1, 2, 3, 4])));
    assert_eq!(found.value("d"), Some(&Value::DoubleValue(1.0)));
    assert!(matches!(found.value("n"), Some(Value::DoubleValue(number)) if number.is_nan()));
    assert!(matches!(found.value("a"), Some(Value::ArrayValue(array)) if array.values.len() == 1));
    assert_eq!(found.value("none"), None);
}

#[test]
fn lines_of_other_signals_have_no_records_and_other_lines_are_mistakes() {
    assert!(records_of(br#"{"resourceSpans":[{"scopeSpans":[]}]}"#).unwrap().is_empty());
    assert!(records_of(b"\n").unwrap().is_empty());
    for line in ["{", "text", r#"{"resourceLogs":"no"}"#, &format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000))] {
        assert!(records_of(line.as_bytes()).is_err(), "{}", &line[..1]);
    }
}
