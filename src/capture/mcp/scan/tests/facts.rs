//! What is kept of a message.

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};

use super::super::super::message::{Flaw, Id, IdKind, MAX_ID, MAX_TEXT, MAX_TOOL, MAX_TOOLS, Message, ScanOptions};
use super::{read, read_as, read_one};
use crate::capture::mcp::scan::reference::oracle;
use crate::capture::mcp::scan::scanner::Documents;

#[test]
fn a_call_is_read_whatever_the_order_of_its_keys() {
    // [1]
    let members = [
        r#""jsonrpc":"2.0""#,
        r#""id":"a-1""#,
        r#""method":"tools/call""#,
        r#""params":{"arguments":{"name":"x","id":9,"_meta":{"traceparent":"x"}},"_meta":{"tracestate":"k=v","traceparent":"00-a-b-01"},"name":"weather"}"#,
    ];
    for turn in 0..members.len() {
        let mut members = members.to_vec();
        members.rotate_left(turn);
        let message = read_one(format!("{{{}}}", members.join(" , ")));
        assert_eq!(message.id, Some(id(IdKind::String, "a-1")));
        assert_eq!(message.method.as_deref(), Some("tools/call"));
        assert_eq!(message.params.name.as_deref(), Some("weather"));
        assert_eq!(message.params.traceparent.as_deref(), Some("00-a-b-01"));
        assert_eq!(message.params.tracestate.as_deref(), Some("k=v"));
        assert!(!message.has_result && !message.has_error && message.flaw.is_none());
    }
}

#[test]
fn client_and_version_are_claimed_in_two_places() {
    let direct = r#""protocolVersion":"2025-11-25","clientInfo":{"name":"a","version":"1"}"#;
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"version":"2","name":"b","title":"c"}}"#;
    let claimed = |params: String| {
        let params = read_one(format!("{{\"method\":\"x\",\"params\":{{{params}}}}}")).params;
        [params.protocol_version, params.client_name, params.client_version].map(Option::unwrap)
    };
    assert_eq!(claimed(direct.into()), ["2025-11-25", "a", "1"]);
    assert_eq!(claimed(meta.into()), ["2026-07-28", "b", "2"]);
    assert_eq!(claimed(format!("{direct},{meta}")), ["2026-07-28", "b", "2"]);
    assert_eq!(claimed(format!("{meta},{direct}")), ["2026-07-28", "b", "2"]);
}

#[test]
fn answers_tell_how_a_call_ended() {
    let message = read_one(
        r#"{"result":{"content":[{"type":"text","text":"secret"}],"isError":true,"resultType":"input_required",
        "task":{"taskId":"t","status":"working"},"protocolVersion":"2025-11-25"},"jsonrpc":"2.0","id":1}"#,
    );
    assert!(message.has_result && message.result.is_error);
    assert_eq!(message.result.result_type.as_deref(), Some("input_required"));
    assert_eq!(message.result.inner_task_id.as_deref(), Some("t"));
    assert_eq!(message.result.inner_task_status.as_deref(), Some("working"));
    assert_eq!((message.result.task_id, message.result.has_content), (None, true));
    assert_eq!(message.result.protocol_version.as_deref(), Some("2025-11-25"));
    assert_eq!(message.result.text, None, "nobody wants it");
    let message = read_one(r#"{"id":null,"error":{"code":-32600,"message":"secret","data":{"code":1}}}"#);
    assert!(message.has_error && !message.has_result);
    assert_eq!((message.error.code, message.error.message), (Some(-32600), None));
    assert_eq!(message.id, Some(id(IdKind::Null, "")));
    for (code, integer) in
        [("-32600.0", Some(-32600)), ("1e3", Some(1000)), ("1.5", None), ("1e30", None), ("\"1\"", None)]
    {
        assert_eq!(read_one(format!("{{\"error\":{{\"code\":{code}}}}}")).error.code, integer, "{code}");
    }
}

#[test]
fn error_texts_are_kept_only_for_those_who_want_them() {
    let reading = Arc::new(oracle::everything());
    let read = |unit: &str| read_as(&reading, Documents::One, unit.as_bytes()).remove(0);
    let failed =
        |content: &str| read(&format!("{{\"result\":{{\"content\":{content},\"isError\":true}}}}")).result.text;
    assert_eq!(
        failed(r#"[{"text":"a"},{"text":1},{"text":""},[{"text":"x"}],{"x":{"text":"x"}},{"text":"b"}]"#).unwrap(),
        "a\n\nb"
    );
    assert_eq!(failed(r#"[{"text":"x","text":"a"},{"text":"b","text":"x","text":null}]"#).unwrap(), "a", "[4]");
    assert_eq!(failed("{\"text\":\"x\"}"), None);
    let long = "é".repeat(MAX_TEXT);
    let text = failed(&format!("[{{\"text\":\"a{long}\"}},{{\"text\":\"b\"}}]")).unwrap();
    assert_eq!((text.len(), text.chars().last()), (MAX_TEXT - 1, Some('é')), "cut between characters, and for good");
    assert_eq!(read(r#"{"result":{"content":[{"text":"a"}]}}"#).result.text, None, "no error");
    assert_eq!(read(r#"{"error":{"message":"a"}}"#).error.message.as_deref(), Some("a"));
}

#[test]
fn the_last_of_equal_keys_counts() {
    // [4]; others see messages of their own.
    let ordinary = |text: &str| read(text).into_iter().find(|message| message.reader.is_none()).unwrap();
    let message = ordinary(
        r#"{"method":"a","params":{"name":"x","uri":"u","_meta":{"traceparent":"x"}},"id":1,"id":2,"method":"b",
        "params":{"name":"y","name":"z","_meta":{"traceparent":"x","tracestate":"x"},"_meta":{"tracestate":"y"}}}"#,
    );
    assert_eq!((message.method.as_deref(), message.id), (Some("b"), Some(id(IdKind::Integer, "2"))));
    assert_eq!((message.params.name.as_deref(), message.params.uri), (Some("z"), None));
    assert_eq!((message.params.traceparent, message.params.tracestate.as_deref()), (None, Some("y")));
    let message = ordinary(r#"{"method":"a","method":"b","params":{"name":"x","name":["y"]},"id":1,"id":{}}"#);
    assert_eq!((message.method.as_deref(), message.params.name, message.flaw), (Some("b"), None, None));
    assert_eq!(message.id, Some(id(IdKind::Other, "")));
    let message =
        read_one(r#"{"result":{"isError":true,"tools":[{"name":"a"}],"taskId":"x"},"result":{"task":{"taskId":"y"}}}"#);
    assert_eq!((message.result.is_error, message.result.tools.len()), (false, 0));
    assert_eq!((message.result.task_id, message.result.inner_task_id.as_deref()), (None, Some("y")));
}

#[test]
fn keys_are_compared_as_they_are_meant() {
    let message = read_one(
        r#"{"\u0069d":1,"m\u0065thod":"a","params":{"\u006E\u0061me":"x","na\u006d\ud800e":"y","name\u0000":"z"}}"#,
    );
    assert_eq!((message.id, message.method.as_deref()), (Some(id(IdKind::Integer, "1")), Some("a")));
    assert_eq!(message.params.name.as_deref(), Some("x"));
    let long = format!("id{}", "x".repeat(100_000));
    assert_eq!(read_one(format!("{{\"{long}\":1,\"\\u0069{long}\":1,\"method\":\"a\",\"é\":1}}")).id, None);
}

#[test]
fn texts_are_cut_between_characters() {
    // [2]
    let name =
        |name: &str| read_one(format!("{{\"method\":\"a\",\"params\":{{\"name\":\"{name}\"}}}}")).params.name.unwrap();
    assert_eq!(name(&"x".repeat(MAX_TEXT)).len(), MAX_TEXT);
    assert_eq!(name(&"x".repeat(MAX_TEXT + 1)).len(), MAX_TEXT);
    assert_eq!(name(&format!("{}€yz", "x".repeat(MAX_TEXT - 2))), "x".repeat(MAX_TEXT - 2));
    assert_eq!(name(&format!("{}\\u20acyz", "x".repeat(MAX_TEXT - 3))), format!("{}€", "x".repeat(MAX_TEXT - 3)));
}

#[test]
fn ids_are_equal_if_they_mean_the_same() {
    let same = [
        &["1", "1.0", "1e0", "1E+0", "10e-1", "0.1e1", "100.000e-2", "0.0000001e7"][..],
        &["0", "-0", "0.0", "0e999999999999999999999", "-0.0E-7"],
        &["-12", "-12.0", "-1.2e1", "-120e-1"],
        &["9007199254740993", "9007199254740993.0", "9.007199254740993e15"],
        &["1e300", "10e299", "0.1e301"],
        &["1e999999999", "10e999999998", "1e0000999999999", "0.1e1000000000"],
        &["0.5", "5e-1", "0.50", "50e-2"],
        &["1e-300", "0.1e-299"],
        &[r#""a""#, r#""\u0061""#],
        &[r#""é""#, r#""\u00e9""#, r#""\u00E9""#],
        &["null"],
    ];
    let mut classes = Vec::new();
    for numbers in same {
        let first = id_of(numbers[0]);
        for number in numbers {
            assert_eq!(id_of(number), first, "{number}");
        }
        classes.push(first);
    }
    classes.extend(
        ["9007199254740992", "9007199254740994", "-1", r#""1""#, "1e301", "1e-301", "123456789012345678901234567890"]
            .map(id_of),
    );
    for (at, one) in classes.iter().enumerate() {
        assert!(classes[..at].iter().all(|other| other != one), "{one:?} comes twice");
    }
    let shown = |number| (id_of(number).kind, id_of(number).text);
    assert_eq!(shown("-1.50"), (IdKind::Fraction, "-1.5".into()));
    assert_eq!(shown("0.00015"), (IdKind::Fraction, "0.00015".into()));
    assert_eq!(shown("12e3"), (IdKind::Integer, "12000".into()));
    assert_eq!(shown("12e-300"), (IdKind::Fraction, "12e-300".into()));
    assert_eq!(shown("18446744073709551617"), (IdKind::Integer, "18446744073709551617".into()));
    assert_eq!(shown("true").0, IdKind::Other);
    assert_eq!(shown("[1,{\"id\":2}]").0, IdKind::Other);
}

#[test]
fn long_ids_are_told_apart_by_what_is_not_kept() {
    // [2]
    let long = |digit: &str, length: usize| digit.repeat(length);
    let ids = [
        format!("\"{}\"", long("x", MAX_ID)),
        format!("\"{}\"", long("x", MAX_ID + 1)),
        format!("\"{}\"", long("x", MAX_ID + 2)),
        format!("\"{}y\"", long("x", MAX_ID)),
        format!("\"{}é\"", long("x", MAX_ID - 1)),
        format!("\"{}è\"", long("x", MAX_ID - 1)),
        r#""\ud800""#.into(),
        r#""\ud801""#.into(),
        r#""\udc00""#.into(),
        "\"\u{fffd}\"".into(),
        r#""\ud800\ud800""#.into(),
        long("1", 5000),
        long("1", 5001),
        format!("{}2", long("1", 5000)),
        format!("{}.2", long("1", 5000)),
        format!("1{}1", long("0", 5000)),
        format!("1{}1", long("0", 5001)),
        format!("-1{}1", long("0", 5001)),
        format!("1{}10", long("0", 5000)),
    ];
    let ids: Vec<_> = ids.iter().map(|id| id_of(id)).collect();
    for (at, one) in ids.iter().enumerate() {
        assert!(one.text.len() <= MAX_ID, "{one:?}");
        assert!(ids[..at].iter().all(|other| other != one), "{one:?} comes twice");
    }
    assert_eq!(id_of(&format!("1{}1e3", long("0", 5000))), id_of(&format!("1{}1000.00", long("0", 5000))));
    assert_eq!(ids[0].rest, 0);
    let text = long("x", 1000);
    assert_eq!(id_of(&format!("\"{text}\"")), id_of(&format!("\"\\u0078{}\"", &text[1..])));
}

#[test]
fn states_are_digested_and_not_kept() {
    let reading = Arc::new(oracle::everything());
    let long = "é\\u00e9\\n".repeat(50_000);
    for (place, text) in [("params", "abc"), ("result", "abc"), ("params", long.as_str()), ("result", "")] {
        let unit = format!("{{\"method\":\"a\",\"{place}\":{{\"requestState\":\"{text}\"}}}}");
        let message = read_as(&reading, Documents::One, unit.as_bytes()).remove(0);
        let meant: String = serde_json::from_str(&format!("\"{text}\"")).unwrap();
        let digest = Hmac::<sha2::Sha256>::new_from_slice(b"key").unwrap().chain_update(meant).finalize().into_bytes();
        let found = message.params.request_state.or(message.result.request_state).unwrap();
        assert_eq!(found.0[..], digest[..], "{place}");
        assert_eq!(read_one(&unit).params.request_state, None, "without a key");
    }
    let message = read_as(&reading, Documents::One, br#"{"result":{"requestState":"a","requestState":[1]}}"#).remove(0);
    assert_eq!(message.result.request_state, None, "[4]");
}

#[test]
fn definitions_of_tools_are_digested_by_what_they_say() {
    let tools = |tools: &str| read_one(format!("{{\"id\":1,\"result\":{{\"tools\":[{tools}]}}}}")).result.tools;
    let one = tools(r#"{"name":"a","inputSchema":{"x":[1.0,{"b":2,"a":"é}\"]"}],"type":"object"}}"#);
    let same = tools(
        " { \"inputSchema\" : {\"type\":\"object\",\n\"x\":[1,{\"a\":\"\\u00e9}\\\"]\",\"b\":2e0}]}, \"name\":\"\\u0061\" } ",
    );
    assert_eq!((one.len(), &one), (1, &same));
    assert_ne!(one, tools(r#"{"name":"a","inputSchema":{"x":[1.0,{"b":2,"a":"è}\"]"}],"type":"object"}}"#));
    let found = tools(
        r#"{"name":"a"},{"name":1},{},[{"name":"x"}],1,"x",{"tools":[{"name":"x"}],"name":"b"}, {"name":"x","name":"c"}"#,
    );
    assert_eq!(found.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert!(
        read_one(r#"{"params":{"tools":[{"name":"a"}]},"result":{"x":{"tools":[{"name":"a"}]},"tools":{"name":"a"}}}"#)
            .result
            .tools
            .is_empty()
    );
    assert!(read(r#"[{"result":{"tools":[{"name":"a"}"#)[0].result.tools.len() == 1, "what was read before a flaw");
}

#[test]
fn few_and_short_definitions_are_looked_at() {
    // [2]
    let tool = |size: usize| format!("{{\"name\":\"a\",\"x\":\"{}\"}}", "x".repeat(size - 19));
    let count = |tools: &str| {
        let unit = format!("{{\"result\":{{\"tools\":[{tools}]}}}}");
        oracle::scan(&Arc::new(ScanOptions::default()), Documents::One, unit.as_bytes().chunks(10_000))[0]
            .result
            .tools
            .len()
    };
    assert_eq!(tool(100).len(), 100);
    assert_eq!(count(&[tool(MAX_TOOL), tool(100)].join(",")), 2);
    assert_eq!(count(&[tool(MAX_TOOL + 1), tool(100)].join(",")), 1);
    assert_eq!(count(&vec![tool(20); MAX_TOOLS + 3].join(",")), MAX_TOOLS);
    assert_eq!(count(&[vec!["{}".to_owned(); MAX_TOOLS].join(","), tool(20)].join(",")), 0);
}

#[test]
fn the_rest_of_a_message_is_not_in_its_facts() {
    let unit = r#"{"id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":"secret"},"secret":"secret","_meta":{"secret":"secret"}},
        "result":{"content":[{"text":"secret"}],"structuredContent":{"a":"secret"}},"error":{"message":"secret","data":"secret"},"secret":{"secret":1}}"#;
    let shown = format!("{:?}", read_one(unit));
    assert!(!shown.contains("secret"), "{shown}");
}

fn id_of(id: &str) -> Id {
    read_one(format!("{{\"method\":\"a\",\"id\":{id}}}")).id.unwrap()
}

fn id(kind: IdKind, text: &str) -> Id {
    Id { kind, text: text.into(), rest: 0 }
}

#[test]
fn nothing_of_one_message_is_in_the_next() {
    let full = r#"{"id":1,"method":"a","params":{"name":"x","_meta":{"traceparent":"y","io.modelcontextprotocol/protocolVersion":"z"}},
        "result":{"isError":true,"content":[{"text":"t"}],"task":{"taskId":"t"},"tools":[{"name":"a"}]},"error":{"code":1}}"#.replace('\n', "");
    let reading = Arc::new(oracle::everything());
    for (at, _) in full.char_indices() {
        let unit = format!("{}\n{{}}\n", &full[..at]);
        let (_, last) = oracle::lines(&reading, [unit.as_bytes()]).pop().unwrap();
        assert_eq!(last, Message { flaw: Some(Flaw::NotAMessage), bytes: 2, ..Message::default() }, "{unit}");
    }
}
