//! What is no message, or none alone.

use super::super::super::message::{Flaw, MAX_DEPTH, Message};
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
        "NaN",
        "Infinity",
        "'a'",
        "//a",
        "\u{feff}{}",
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

#[test]
fn text_that_is_no_utf_8_is_no_json() {
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
    ] {
        for (before, behind) in
            [("{\"a\":\"", "\"}"), ("{\"", "\":1}"), ("{\"method\":\"", "\"}"), ("{\"id\":\"", "\\n\"}")]
        {
            let unit = [before.as_bytes(), bad, behind.as_bytes()].concat();
            assert_eq!(flaws(&read(&unit)), [Some(Flaw::NotJson)], "[3] {unit:x?}");
        }
    }
    let sound = "{\"a\":\"é€😀\\ud83d\\ude00\",\"method\":\"12345678é12345678€1234😀\"}";
    assert_eq!(read_one(sound).method.as_deref(), Some("12345678é12345678€1234😀"));
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
