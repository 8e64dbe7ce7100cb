use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::edit::{Edit, edited};
use super::injected_trace::CallerTrace;
use super::splices::{MOST_MESSAGES, Splices};
use crate::capture::mcp::message::ScanOptions;
use crate::capture::mcp::scan::{Documents, Scanner};
use crate::record::{SpanId, SpanIds, TraceId};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// Of the same trace.
const OURS: &str = "00-0af7651916cd43dd8448eb211c80319c-0102030405060708-01";

/// As the proxy does it: the scanner reads the messages, and each request has that span.
fn spliced(unit: &str) -> Option<String> {
    splices(unit).apply(unit.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap())
}

fn splices(unit: &str) -> Splices {
    let mut messages = Vec::new();
    let mut scanner = Scanner::new(Arc::new(ScanOptions::default()), Documents::One);
    scanner.read(unit.as_bytes(), &mut |message| messages.push(message));
    scanner.end(&mut |message| messages.push(message));
    let mut splices = Splices::default();
    for message in messages {
        let is_request = message.method.is_some() && message.id.is_some();
        let joined = CallerTrace::of(&message).joined(is_request.then(span));
        splices.note(message.batch.is_some(), message.is_plain(), joined);
    }
    splices
}

fn span() -> SpanIds {
    let trace = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes();
    SpanIds { trace: TraceId::new(trace).unwrap(), span: SpanId::new([1, 2, 3, 4, 5, 6, 7, 8]), flags: 3 }
}

#[track_caller]
fn becomes(unit: &str, expected: &str) {
    let expected = expected.replace("OURS", OURS);
    assert_eq!(spliced(&unit.replace("PARENT", PARENT)).as_deref(), Some(expected.as_str()));
}

#[track_caller]
fn stays(unit: &str) {
    assert_eq!(spliced(unit), None, "{unit}");
}

#[test]
fn what_is_missing_is_added_and_what_is_there_is_replaced() {
    becomes(r#"{"id":1,"method":"m"}"#, r#"{"id":1,"method":"m","params":{"_meta":{"traceparent":"OURS"}}}"#);
    becomes(
        r#"{"id":1,"method":"m","params":{} }"#,
        r#"{"id":1,"method":"m","params":{"_meta":{"traceparent":"OURS"}} }"#,
    );
    becomes(
        r#"{"id":1,"params":{"a":[1] },"method":"m"}"#,
        r#"{"id":1,"params":{"a":[1],"_meta":{"traceparent":"OURS"} },"method":"m"}"#,
    );
    becomes(
        r#"{"id":1,"method":"m","params":{"_meta":{"progressToken":7},"b":"}"}}"#,
        r#"{"id":1,"method":"m","params":{"_meta":{"progressToken":7,"traceparent":"OURS"},"b":"}"}}"#,
    );
    for old in [r#""PARENT""#, "null", r#"{"a":[]}"#, r#""""#, "-1.5e7", r#""\"""#] {
        becomes(
            &format!(r#"{{"id":1,"method":"m","params":{{"_meta":{{"a":1, "traceparent" : {old} ,"b":2}}}}}}"#),
            r#"{"id":1,"method":"m","params":{"_meta":{"a":1, "traceparent" : "OURS" ,"b":2}}}"#,
        );
    }
}

#[test]
fn a_tracestate_stays_with_its_trace_and_goes_with_another() {
    let meta = |meta: &str| format!(r#"{{"id":1,"method":"m","params":{{"_meta":{{{meta}}}}}}}"#);
    for (given, expected) in [
        (r#""traceparent":"PARENT","tracestate":"a=b""#, r#""traceparent":"OURS","tracestate":"a=b""#),
        (r#""tracestate":"a=b","baggage":"c=d""#, r#""traceparent":"OURS","baggage":"c=d""#),
        (r#""traceparent":"00-bad","tracestate":"a=b""#, r#""traceparent":"OURS""#),
        (r#" "tracestate":"a=b", "traceparent":"","c":1"#, r#" "traceparent":"OURS","c":1"#),
        (r#""c":1, "tracestate":"a=b" ,"traceparent":7"#, r#""c":1 ,"traceparent":"OURS""#),
    ] {
        becomes(&meta(given), &meta(expected));
    }
}

#[test]
fn only_requests_are_touched() {
    stays(r#"{"method":"m","params":{}}"#);
    stays(r#"{"id":1,"result":{"_meta":{}}}"#);
    stays("");
    becomes(
        "[ {\"method\":\"m\"},\r\n {\"id\":1,\"method\":\"m\"} ,{\"id\":2,\"result\":{}}, {\"id\":3,\"method\":\"m\",\"params\":{}}]\r\n",
        "[ {\"method\":\"m\"},\r\n {\"id\":1,\"method\":\"m\",\"params\":{\"_meta\":{\"traceparent\":\"OURS\"}}} ,\
         {\"id\":2,\"result\":{}}, {\"id\":3,\"method\":\"m\",\"params\":{\"_meta\":{\"traceparent\":\"OURS\"}}}]\r\n",
    );
}

#[test]
fn where_readers_may_disagree_nothing_is_touched() {
    for params in ["[1]", "null", r#""a""#, "7", r#"{"_meta":null}"#, r#"{"_meta":[]}"#, r#"{"_meta":"a"}"#] {
        stays(&format!(r#"{{"id":1,"method":"m","params":{params}}}"#));
    }
    for twice in [
        r#"{"id":1,"method":"m","params":{},"params":{}}"#,
        r#"{"id":1,"method":"m","params":{},"par\u0061ms":{}}"#,
        r#"{"id":1,"method":"m","Params":{}}"#,
        // Who folds Unicode takes it for an s.
        r#"{"id":1,"method":"m","paramſ":{"name":"pay"}}"#,
        r#"{"id":1,"method":"m","param\u017f":{"name":"pay"}}"#,
        r#"{"id":1,"id":2,"method":"m"}"#,
        r#"{"id":1,"method":"m","params":{"_meta":{},"_meta":{}}}"#,
        r#"{"id":1,"method":"m","params":{"_meta":{},"_META":{}}}"#,
        r#"{"id":1,"method":"m","params":{"_meta":{"traceparent":1,"traceparent":2}}}"#,
        r#"{"id":1,"method":"m","params":{"_meta":{"tracestate":1,"tracestate":2}}}"#,
    ] {
        stays(twice);
    }
    // The others of a batch are.
    becomes(
        r#"[{"id":1,"method":"m","params":[]},{"id":1,"method":"m","params":{}}]"#,
        r#"[{"id":1,"method":"m","params":[]},{"id":1,"method":"m","params":{"_meta":{"traceparent":"OURS"}}}]"#,
    );
}

#[test]
fn what_is_no_json_stays() {
    stays("\u{feff}{\"id\":1,\"method\":\"m\"}");
    stays(r#"{"id":1,"method":"m"}{"id":1,"method":"m"}"#);
    stays(r#"{"id":1,"method":"m","params":{"a":NaN}}"#);
    stays(r#"[{"id":1,"method":"m"},7]"#);
    stays(r#"{"id":1,"method":"m","#);
    let deep = format!(r#"{{"id":1,"method":"m","a":{}1{}}}"#, "[".repeat(600), "]".repeat(600));
    stays(&deep);
    assert!(
        spliced(&deep.replacen(&"[".repeat(600), &"[".repeat(500), 1).replacen(&"]".repeat(600), &"]".repeat(500), 1))
            .is_some()
    );
}

#[test]
fn keys_with_escapes_are_keys() {
    becomes(
        " \t{\"id\":1,\"method\":\"m\",\"par\\u0061ms\":{\"\\u005fmet\\u0061\":{\"tr\\u0061ceparent\":\"\\u0030\"}}}\r\n",
        " \t{\"id\":1,\"method\":\"m\",\"par\\u0061ms\":{\"\\u005fmet\\u0061\":{\"tr\\u0061ceparent\":\"OURS\"}}}\r\n",
    );
    // These only look like it.
    becomes(
        r#"{"id":1,"method":"m","params":{"x":{"_meta":{"traceparent":1}},"\"_meta\":{":1}}"#,
        r#"{"id":1,"method":"m","params":{"x":{"_meta":{"traceparent":1}},"\"_meta\":{":1,"_meta":{"traceparent":"OURS"}}}"#,
    );
}

#[test]
fn of_too_many_messages_nothing_is_noted() {
    let batch = |count: usize| format!("[{}]", vec![r#"{"id":1,"method":"m"}"#; count].join(","));
    assert!(spliced(&batch(MOST_MESSAGES)).is_some());
    stays(&batch(MOST_MESSAGES + 1));
    stays(&batch(3 * MOST_MESSAGES));
}

/// JSON as text: whitespace wherever it may be, and escapes in keys.
fn text_of(value: &Value, noise: &mut impl FnMut() -> u8) -> String {
    let space = |noise: &mut dyn FnMut() -> u8| ["", "", " ", "\r\n", "\t ", "\n"][usize::from(noise()) % 6].to_owned();
    let inner = match value {
        Value::Object(members) => {
            let mut parts = Vec::new();
            for (key, value) in members {
                let key: String = key
                    .chars()
                    .map(|letter| match noise() % 8 {
                        0 => format!("\\u{:04x}", u32::from(letter)),
                        _ => letter.to_string(),
                    })
                    .collect();
                parts.push(format!("{}\"{key}\"{}:{}", space(noise), space(noise), text_of(value, noise)));
            }
            format!("{{{}{}}}", parts.join(","), space(noise))
        }
        Value::Array(elements) => {
            let parts: Vec<String> = elements.iter().map(|element| text_of(element, noise)).collect();
            format!("[{}{}]", parts.join(","), space(noise))
        }
        other => other.to_string(),
    };
    format!("{}{inner}{}", space(noise), space(noise))
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z\"\\\\{}\\[\\],:é\u{1F600}\n]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any_key(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{0,3}",
        Just("params".into()),
        Just("_meta".into()),
        Just("traceparent".into()),
        Just("x y".into())
    ]
}

fn any_params() -> impl Strategy<Value = Option<Value>> {
    let members = prop::collection::btree_map("[a-cé]{1,3}|name", any_value(), 0..3);
    let parent = prop::option::of(prop_oneof![Just(json!(PARENT)), any_value()]);
    let meta = prop::option::of(
        (prop::collection::btree_map("[a-c]{1,2}|baggage", any_value(), 0..3), parent).prop_map(|(members, parent)| {
            let mut meta = serde_json::Map::from_iter(members);
            meta.extend(parent.map(|parent| ("traceparent".to_owned(), parent)));
            Value::Object(meta)
        }),
    );
    let object = (members, meta).prop_map(|(members, meta)| {
        let mut params = serde_json::Map::from_iter(members);
        params.extend(meta.map(|meta| ("_meta".to_owned(), meta)));
        Value::Object(params)
    });
    prop_oneof![1 => Just(None), 6 => object.prop_map(Some), 1 => any_value().prop_map(Some)]
}

fn any_message() -> impl Strategy<Value = Value> {
    let extra = prop::collection::btree_map("[a-c]{1,2}", any_value(), 0..2);
    (prop::option::of(any::<u32>()), any_params(), extra).prop_map(|(id, params, extra)| {
        let mut message = serde_json::Map::from_iter(extra);
        message.insert("method".into(), "tools/call".into());
        message.extend(id.map(|id| ("id".to_owned(), id.into())));
        message.extend(params.map(|params| ("params".to_owned(), params)));
        Value::Object(message)
    })
}

/// The member is set as a reader of JSON would do it; `false` where that must not be.
fn set(message: &mut Value) -> bool {
    let message = message.as_object_mut().unwrap();
    if !message.contains_key("id") {
        return false;
    }
    let params = message.entry("params").or_insert_with(|| json!({}));
    let Some(params) = params.as_object_mut() else { return false };
    let meta = params.entry("_meta").or_insert_with(|| json!({}));
    let Some(meta) = meta.as_object_mut() else { return false };
    meta.insert("traceparent".into(), OURS.into());
    true
}

proptest! {
    /// The result is the original with just that member, and every byte outside the splice is where it was.
    #[test]
    fn only_that_member_changes(
        mut messages in prop::collection::vec(any_message(), 1..4),
        is_batch: bool,
        noise in prop::collection::vec(any::<u8>(), 64),
    ) {
        messages.truncate(if is_batch { 4 } else { 1 });
        let unit = if is_batch { Value::from(messages.clone()) } else { messages[0].clone() };
        let mut noise = noise.into_iter().cycle();
        let text = text_of(&unit, &mut || noise.next().unwrap());
        prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), &unit);

        let touched: BTreeSet<usize> =
            messages.iter_mut().enumerate().filter_map(|(at, message)| set(message).then_some(at)).collect();
        let Some(result) = spliced(&text) else {
            prop_assert!(touched.is_empty());
            return Ok(());
        };
        let read: Value = serde_json::from_str(&result).unwrap();
        let originals = if is_batch { unit.as_array().unwrap().clone() } else { vec![unit] };
        let results = if is_batch { read.as_array().unwrap().clone() } else { vec![read] };
        for (at, (original, result)) in originals.iter().zip(&results).enumerate() {
            prop_assert_eq!(result, if touched.contains(&at) { &messages[at] } else { original });
        }
        // Outside of the edits all is the same, and what they replace is no more than the value of the member.
        let (mut from, mut to) = (0, 0);
        for Edit { bytes, text: written } in splices(&text).edits(text.as_bytes()).unwrap() {
            let same = bytes.start - from;
            prop_assert_eq!(&text[from..bytes.start], &result[to..to + same]);
            prop_assert_eq!(&result[to + same..to + same + written.len()], written.as_str());
            let replaced = &text[bytes.clone()];
            prop_assert!(replaced.is_empty() || serde_json::from_str::<Value>(replaced).is_ok(), "{}", replaced);
            (from, to) = (bytes.end, to + same + written.len());
        }
        prop_assert_eq!(&text[from..], &result[to..]);
    }

    /// Invariant 4: whatever it is, nobody panics over it.
    #[test]
    fn whatever_the_bytes_are(bytes in "[\\[\\]{}\",:\\\\ua0 \n]{0,60}|\\PC{0,40}", is_batch: bool, count in 1_usize..4) {
        let mut splices = Splices::default();
        for _ in 0..count {
            splices.note(is_batch, true, CallerTrace::default().joined(Some(span())));
        }
        drop(splices.edits(bytes.as_bytes()).map(|edits| edited(bytes.as_bytes(), edits)));
    }
}
