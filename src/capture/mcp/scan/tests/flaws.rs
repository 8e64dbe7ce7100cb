//! What is no message, or none alone.

use super::super::super::message::{Doubts, Flaw, IdKind, MAX_DEPTH, Message};
use super::{read, read_many, read_one};

#[test]
fn one_document_is_one_message_at_the_end_of_its_unit() {
    // [5]
    let message = read_one(" \t{\"method\":\"ping\",\"id\":1}\r");
    assert_eq!((message.method.as_deref(), message.flaw, message.bytes), (Some("ping"), None, 24));
    assert!(read("").is_empty());
    assert!(read(" \t\r\n").is_empty());
}

#[test]
fn what_follows_a_document_spoils_it_where_one_is_expected() {
    // [3]
    for unit in
        ["{\"method\":\"ping\"}{}", "{\"method\":\"ping\"} 1", "{\"method\":\"ping\"}]", "{\"method\":\"ping\"}\0"]
    {
        let message = read_one(unit);
        assert_eq!((message.method.as_deref(), message.flaw), (Some("ping"), Some(Flaw::NotJson)), "{unit}");
        assert_eq!(message.bytes, unit.len() as u64);
    }
}

#[test]
fn documents_follow_each_other_in_a_stream() {
    let messages = read_many("{\"method\":\"a\"}{\"method\":\"b\"}\n\n [{\"method\":\"c\"}]{\"method\":\"d\"} {");
    let methods: Vec<_> = messages.iter().map(|message| message.method.as_deref()).collect();
    assert_eq!(methods, [Some("a"), Some("b"), Some("c"), Some("d"), None]);
    assert_eq!(flaws(&messages), [None, None, None, None, Some(Flaw::NotJson)]);
    assert_eq!(messages[2].batch, Some(1));
    assert_eq!(messages[3].batch, None);
}

#[test]
fn the_rest_of_a_stream_is_skipped_behind_a_flaw() {
    let messages = read_many("{\"method\":\"a\"} Not Found {\"method\":\"b\"}");
    assert_eq!(flaws(&messages), [None, Some(Flaw::NotJson)]);
    assert_eq!(messages[1].bytes, 24);
}

#[test]
fn no_json_is_told_with_what_was_read_of_it() {
    for unit in [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "{,}",
        "{]",
        "[}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1]",
        "{\"a\":[1}}",
        "{\"a\":[1,]}",
        "{\"a\":[,1]}",
        "[{\"a\":1]",
        "tru",
        "trux",
        "nul",
        "True",
        "Nan",
        "nan",
        "-NaN",
        "+Infinity",
        "Infinit",
        "-Infinityx",
        "- Infinity",
        "-i",
        "'a'",
        "//a",
        "\u{feff}{}",
        "[\u{feff}1]",
        "\"",
        "\"a",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u123g\"",
        "\"\\u+123\"",
        "\"\n\"",
        "\"\0\"",
        "\"\u{1f}\"",
        "-",
        "+1",
        "01",
        "-01",
        "1.",
        ".1",
        "1.e1",
        "1e",
        "1e+",
        "0x1",
        "1_000",
        "--1",
        "1e1.5",
        "\u{c}1",
        "\u{a0}1",
        "1 2",
        "1\"a\"",
        "\"a\"\"b\"",
    ] {
        assert_eq!(flaws(&read(unit)), [Some(Flaw::NotJson)], "[3] {unit:?}");
    }
    let message =
        read_one("{\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"weather\",\"arguments\":{\"a\":x");
    assert_eq!(message.flaw, Some(Flaw::NotJson));
    assert_eq!(message.method.as_deref(), Some("tools/call"));
    assert_eq!(message.params.name.as_deref(), Some("weather"));
}

/// Python's and Node's servers run such a message over stdio, with U+FFFD in the place of what is no character.
#[test]
fn what_is_no_utf_8_is_replaced_in_strings() {
    for bad in [
        &b"\x80"[..],
        b"\xc3",
        b"\xc3\x28",
        b"\xc0\x80",
        b"\xc1\xbf",
        b"\xe2\x82",
        b"\xe2\x28\xa1",
        b"\xe0\x80\x80",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98",
        b"\xf0\x80\x80\x80",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xff",
        b"12345678\xff",
        b"\xe2\x82\xac\xff",
        b"\xff\xe2\x82\xac\xe2\x82",
    ] {
        for (before, behind) in
            [("{\"method\":\"", "\"}"), ("{\"method\":\"a\",\"", "\":1}"), ("{\"method\":\"", "\\n\",\"a\":\"é\"}")]
        {
            // [3]
            let unit = [before.as_bytes(), bad, behind.as_bytes()].concat();
            let message = read_one(&unit);
            assert_eq!((message.flaw, message.doubts.invalid_utf8), (None, true), "{unit:x?}");
            let lossy: serde_json::Value = serde_json::from_str(&String::from_utf8_lossy(&unit)).unwrap();
            assert_eq!(message.method.as_deref(), lossy["method"].as_str(), "{unit:x?}");
        }
        assert_eq!(flaws(&read([b"{\"a\":", bad, b"}"].concat())), [Some(Flaw::NotJson)], "[3] outside of strings");
    }
    let sound = "{\"a\":\"é€😀\\ud83d\\ude00\",\"method\":\"12345678é12345678€1234😀\"}";
    let message = read_one(sound);
    assert_eq!(message.method.as_deref(), Some("12345678é12345678€1234😀"));
    assert_eq!(message.doubts, Doubts::default());
    let messages = read_many([&b"{\"method\":\"\xff\"}"[..], b"{\"method\":\"a\"}"].concat());
    assert!(messages[0].doubts.invalid_utf8 && !messages[1].doubts.invalid_utf8, "the next is another");
}

/// Python's parsers read them, and its JSON writers write them.
#[test]
fn numbers_that_are_none_are_read() {
    for number in ["NaN", "Infinity", "-Infinity"] {
        // [3]
        let message = read_one(format!("{{\"id\":{number},\"method\":\"a\",\"params\":[{number},{number}]}}"));
        assert_eq!((message.flaw, message.doubts.not_a_number), (None, true), "{number}");
        assert_eq!(message.id.map(|id| id.kind), Some(IdKind::Other));
        assert_eq!(message.method.as_deref(), Some("a"));
        assert_eq!(flaws(&read(number)), [Some(Flaw::NotAMessage)], "{number}");
    }
    let messages = read("[{\"method\":\"a\",\"x\":-Infinity},{\"method\":\"b\",\"x\":-1}]");
    assert!(messages[0].doubts.not_a_number && !messages[1].doubts.not_a_number);
}

/// [4]: the last counts, and who takes another is told of.
#[test]
fn what_a_message_could_also_be_is_told() {
    let readings = |text: &str| {
        // What the others see is told by messages of their own, too.
        let message = read(text).remove(0);
        assert_eq!((message.flaw, message.reader), (None, None), "{text}");
        (message.doubts.duplicate_key, message.doubts.readings)
    };
    let none: [&str; 0] = [];
    for (text, others) in [
        (r#"{"method":"tools/call","id":1,"params":{"name":"delete"},"method":"ping"}"#, &["tools/call delete"][..]),
        (r#"{"method":"ping","method":"tools/call","params":{"name":"a"}}"#, &["ping"]),
        (r#"{"method":"tools/call","params":{"name":"a","name":"b","name":"c"}}"#, &["tools/call a", "tools/call b"]),
        (r#"{"method":"tools/call","params":{"name":"a"},"params":{"name":"b"}}"#, &["tools/call a"]),
        (r#"{"m\u0065thod":"tools/call","params":{"name":"a"},"method":"tools/call"}"#, &none),
        (r#"{"id":1,"id":2,"method":"ping"}"#, &none),
        (r#"{"method":"ping","params":{"uri":"a","uri":"b"}}"#, &none),
        (r#"{"method":"ping","method":"tools/call","params":{"name":"a","name":"b"}}"#, &["ping", "tools/call a"]),
    ] {
        assert_eq!(readings(text), (true, others.iter().map(|text| (*text).to_owned()).collect()), "{text}");
    }
    for single in [
        r#"{"id":1,"method":"ping","params":{"x":1,"x":2,"_meta":{},"_meta":{}},"x":{"id":1,"method":1}}"#,
        r#"{"method":"a","params":{"name":"b","arguments":{"name":1,"name":2,"method":"c"}}}"#,
    ] {
        assert_eq!(readings(single), (false, Vec::new()), "{single}");
    }
    let many = format!(r#"{{{}"params":{{"name":"x"}}}}"#, r#""method":"tools/call","method":"ping","#.repeat(100));
    assert_eq!(readings(&many).1, ["tools/call x"]);
}

#[test]
fn a_lone_surrogate_is_json() {
    // [3]
    let message = read_one(r#"{"method":"a\ud83d-\ude00\ud83d\ud83d\ude00\ud83d\n\ud83d"}"#);
    assert_eq!(message.flaw, None);
    assert_eq!(message.method.as_deref(), Some("a\u{fffd}-\u{fffd}\u{fffd}😀\u{fffd}\n\u{fffd}"));
}

#[test]
fn nesting_has_an_end() {
    let nested =
        |depth: usize| format!("{{\"method\":\"a\",\"x\":{}1{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert_eq!(flaws(&read(nested(MAX_DEPTH))), [None]);
    assert_eq!(flaws(&read(nested(MAX_DEPTH + 1))), [Some(Flaw::TooDeep)]);
    assert_eq!(flaws(&read(format!("[{}]", nested(MAX_DEPTH - 1)))), [None]);
    assert_eq!(flaws(&read(format!("[{}]", nested(MAX_DEPTH)))), [Some(Flaw::TooDeep)]);
    assert_eq!(read_one(nested(MAX_DEPTH + 1)).method.as_deref(), Some("a"));
    // Brackets and braces are told apart at each level, whatever stood there before.
    let mixed = "{\"a\":[{\"b\":[[{}]]},[[]]],\"c\":{\"d\":[{}]},\"method\":\"a\"}";
    assert_eq!(flaws(&read(mixed)), [None]);
    let inner = (0..200).fold("1".to_owned(), |inner, level| match level % 3 {
        0 => format!("[{inner}]"),
        _ => format!("{{\"a\":{inner}}}"),
    });
    assert_eq!(flaws(&read(format!("{{\"method\":\"a\",\"x\":[{inner},{inner}]}}"))), [None]);
}

#[test]
fn json_that_is_no_message_says_so() {
    for unit in [
        "{}",
        "{\"id\":1}",
        "{\"method\":1}",
        "{\"type\":\"heartbeat\",\"error\":null}",
        "{\"id\":1,\"result\":null}",
        "{\"id\":1,\"result\":[{}],\"error\":\"gone\"}",
        "{\"jsonrpc\":\"2.0\",\"params\":{}}",
        "1",
        "-0.5e3",
        "\"a\"",
        "true",
        "null",
        "[]",
        "[ ]",
    ] {
        assert_eq!(flaws(&read(unit)), [Some(Flaw::NotAMessage)], "{unit}");
        assert_eq!(flaws(&read_many(unit)), [Some(Flaw::NotAMessage)], "{unit}");
        assert_eq!(read_one(format!(" {unit} ")).bytes, unit.len() as u64, "{unit}");
    }
}

#[test]
fn elements_of_a_batch_are_messages() {
    // [5]
    let messages =
        read("[{\"method\":\"a\"} , {\"method\":\"b\"},1,[{\"method\":\"c\"}],{\"result\":null},{\"result\":{}}]");
    let none = Some(Flaw::NotAMessage);
    assert_eq!(flaws(&messages), [None, None, none, none, none, None]);
    assert!(messages.iter().all(|message| message.batch == Some(1)));
    assert_eq!(messages.iter().map(|message| message.bytes).collect::<Vec<_>>(), [14, 14, 1, 16, 15, 13]);
    assert_eq!(messages[1].method.as_deref(), Some("b"));
    assert_eq!(messages[3].method, None);
}

#[test]
fn one_flawed_message_tells_what_is_wrong_with_a_batch() {
    // [5]
    for behind in ["x]", ",]", ",", ",x]", "", "]]", "] 1", ",{\"id\":2,\"method\":\"b\"", ",{]", ",1", "\"a\""] {
        let messages = read(format!("[{{\"method\":\"a\"}}{behind}"));
        assert_eq!(flaws(&messages), [None, Some(Flaw::NotJson)], "{behind}");
        assert!(messages.iter().all(|message| message.batch == Some(1)), "{behind}");
        assert_eq!(messages[1].method.as_deref(), behind.contains("\"b\"").then_some("b"), "{behind}");
    }
    assert_eq!(flaws(&read("[] 1")), [Some(Flaw::NotJson)]);
    assert_eq!(flaws(&read_many("[] []")), [Some(Flaw::NotAMessage); 2]);
    assert_eq!(read_many("[][1]").iter().map(|message| message.batch).collect::<Vec<_>>(), [Some(1), Some(2)]);
}

fn flaws(messages: &[Message]) -> Vec<Option<Flaw>> {
    messages.iter().map(|message| message.flaw).collect()
}
