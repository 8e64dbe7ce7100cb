//! What other readers see than most do, each with the example that a real one runs.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::super::message::{Flaw, MAX_DEPTH, Message};
use super::super::super::profile::Profile;
use super::{read, read_one};
use crate::capture::mcp::scan::reference::{oracle, victims};

/// The list that people read is that of the code.
#[test]
fn the_list_is_told() {
    let (_, told) = include_str!("../../../../../docs/record.md").split_once("list is closed (version 2)").unwrap();
    let (told, _) = told.split_once("Only keys of").unwrap();
    let rows: Vec<_> = told.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).collect();
    let names: Vec<_> = rows.into_iter().map(|(name, _)| name).filter(|name| !name.contains('.')).collect();
    assert_eq!(names, Profile::ALL.map(Profile::as_str));
}

const DELETE: &str = r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"delete_all","arguments":{}}}"#;
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

type Told<'a> = (Option<&'a str>, String, Vec<&'a str>);

/// Who reads each message, what it runs, and what is doubtful.
fn told(messages: &[Message]) -> Vec<Told<'_>> {
    let told = messages.iter().map(|message| {
        let (method, name) = message.runs().map(|(method, name, ..)| (method, name)).unwrap_or_default();
        let runs = [method, name.unwrap_or_default()].join(" ").trim_end().to_owned();
        let flaw = message.flaw.map(Flaw::as_str);
        (message.reader.map(Profile::as_str), runs, message.doubts.names().chain(flaw).collect())
    });
    told.collect()
}

fn lines(bytes: impl AsRef<[u8]>) -> Vec<Message> {
    let bytes = bytes.as_ref();
    let whole = oracle::lines(&Arc::default(), [bytes]);
    assert_eq!(whole, oracle::lines(&Arc::default(), bytes.chunks(1)), "byte by byte");
    whole.into_iter().map(|(_, message)| message).collect()
}

#[test]
fn a_carriage_return_parts_a_line_for_python() {
    let inside = format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{{\"progressToken\":1,\"progress\":\r{DELETE}\r}}}}\n"
    );
    let cr = || vec!["carriage_return"];
    assert_eq!(
        told(&lines(inside)),
        [(Some("python-text"), "tools/call delete_all".into(), cr()), (None, "notifications/progress".into(), cr())]
    );
    // Two documents are one line of no JSON to most, and two lines to these.
    assert_eq!(
        told(&lines(format!("{PING}\r{DELETE}\r\n"))),
        [(Some("python-text"), "ping".into(), cr()), (Some("python-text"), "tools/call delete_all".into(), cr())]
    );
    let messages = lines(format!("{PING}\r{DELETE}\rgarbage\n"));
    assert_eq!(messages.len(), 3, "and what nobody reads is unreadable");
    assert_eq!(messages[2].flaw, Some(Flaw::NotJson));
    // A form feed is whitespace to many, and not to JSON: the line is none, and the part before it is.
    let fed = lines(format!("{DELETE}\r\u{c}\n"));
    assert_eq!(told(&fed)[0], (Some("python-text"), "tools/call delete_all".into(), cr()));
    // One that all read alike.
    for line in [format!("{PING}\r\n"), format!("\r{PING}\n"), format!("{PING}\r\r \r\n")] {
        assert_eq!(told(&lines(line)), [(None, "ping".into(), vec![])]);
    }
    let folded = format!("x\r{}\n", DELETE.replace("method", "Method"));
    assert_eq!(told(&lines(folded))[0].0, Some("dotnet"));
}

#[test]
fn other_characters_end_lines_for_some() {
    let separator = || vec!["line_separator"];
    for (end, reader) in [
        ("\u{2028}", "node-readline"),
        ("\u{2029}", "node-readline"),
        ("\u{b}", "python-splitlines"),
        ("\u{c}", "python-splitlines"),
        ("\u{1c}", "python-splitlines"),
        ("\u{1d}", "python-splitlines"),
        ("\u{1e}", "python-splitlines"),
        ("\u{85}", "python-splitlines"),
    ] {
        assert_eq!(
            told(&lines(format!("{PING}{end}{DELETE}\n"))),
            [(Some(reader), "ping".into(), separator()), (Some(reader), "tools/call delete_all".into(), separator())],
            "{end:?}"
        );
        // In a text they are nobody's business, whatever else stands there.
        let text =
            serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "x": format!("a{end}{DELETE}{end}") });
        assert_eq!(told(&lines(format!("{text}\n"))), [(None, "ping".into(), vec![])], "{end:?}");
    }
    let spoiled = format!("{{\"a\":\"\u{2028}{DELETE}\u{2028}\"}}\n");
    assert_eq!(told(&lines(spoiled))[0].0, Some("node-readline"));
    // A reader of carriage returns sees the text with what others part it at.
    let both = DELETE.replace("{}", "{\"a\":\"\u{2028}\"}");
    assert_eq!(told(&lines(format!("x\r{both}\r\n")))[0].0, Some("python-text"));
}

/// What makes a line UTF-16 or UTF-32 to some, or may, is one or two odd characters to those who read text.
#[test]
fn a_line_that_seems_to_be_wide_is_parted_all_the_same() {
    for begin in
        [&b"\0"[..], b"\0\0", b"\xef", b"\xef\xbb", b"\xfe", b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xff\xfe\0\0", b"{\0"]
    {
        for (end, reader) in [("\r", "python-text"), ("\u{2028}", "node-readline"), ("\u{b}", "python-splitlines")] {
            let line = [begin, format!("{end}{DELETE}{end}x\n").as_bytes()].concat();
            let (messages, reader) = (lines(&line), Some(reader));
            let runs = |(seen, runs, _): &Told<'_>| *seen == reader && runs == "tools/call delete_all";
            assert!(told(&messages).iter().any(runs), "{line:?}: {:?}", told(&messages));
        }
    }
    // A message to those who read UTF-16, and another to those who read text.
    let hidden = format!("\r{DELETE}\r");
    let characters: String =
        char::decode_utf16(hidden.as_bytes().chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])))
            .map(Result::unwrap)
            .collect();
    let text =
        serde_json::json!({ "jsonrpc": "2.0", "method": "notifications/x", "params": { "x": characters } }).to_string();
    let mut bytes: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    bytes.extend(b"\0\n");
    let messages = lines(bytes);
    let (seen, runs, _) = &told(&messages)[0];
    assert_eq!((*seen, runs.as_str()), (Some("python-text"), "tools/call delete_all"));
    assert_eq!(told(&messages)[1].1, "notifications/x");
}

#[test]
fn a_document_over_several_lines_is_one_to_go() {
    let go = || (Some("go-decoder"), "tools/call delete_all".to_owned(), vec!["line_separator"]);
    for text in [
        DELETE.replace(",\"method\"", ",\n\"method\""),
        DELETE.replace(",\"method\"", "\r\n,\n\n \n\"method\""),
        DELETE.replace(':', "\n:\n"),
        DELETE.replace('{', "\n{\n"),
        format!("[\n{}\n]", DELETE.replace(':', ":\n")),
    ] {
        let all = lines(format!("{text}\n{PING}\n"));
        let calls: Vec<_> =
            told(&all).into_iter().filter(|(_, runs, flaws)| !runs.is_empty() && flaws.len() < 2).collect();
        let calls: Vec<_> = calls.into_iter().filter(|(.., flaws)| *flaws != ["not_json"]).collect();
        assert_eq!(calls, [go(), (None, "ping".into(), vec![])], "{text}");
    }
    // What is a line by itself is that to all, and what is no document is nobody's.
    for (text, rest) in [
        (format!("[\n{DELETE}\n]"), vec![(None, "tools/call delete_all".to_owned(), vec![])]),
        (format!("{{\"x\":\n{DELETE}\n}}"), vec![(None, "tools/call delete_all".to_owned(), vec![])]),
        (DELETE.replace("delete_all", "delete\n_all"), vec![]),
        (DELETE.replace(",\"method\"", ",\n\n,\"method\""), vec![]),
        (format!("{}x", DELETE.replace(",\"method\"", ",\n\"method\"")), vec![]),
    ] {
        let all = lines(format!("{text}\n"));
        let calls: Vec<_> = told(&all).into_iter().filter(|(.., flaws)| !flaws.contains(&"not_json")).collect();
        assert_eq!(calls, rest, "{text}");
    }
}

#[test]
fn keys_in_other_letters_are_keys_to_go() {
    let go = Some("go-json");
    for (text, ordinary, other) in [
        (r#"{"id":1,"method":"ping","Method":"tools/call","params":{"name":"a"}}"#, "ping", "tools/call a"),
        (r#"{"id":1,"method":"ping","METHOD":"tools/call","params":{"name":"a"}}"#, "ping", "tools/call a"),
        (r#"{"id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}"#, "tools/call a", "tools/call b"),
        (r#"{"id":1,"method":"tools/call","params":{"Name":"b"}}"#, "tools/call", "tools/call b"),
        (
            r#"{"id":1,"method":"tools/call","params":{"name":"a"},"Params":{"name":"b"}}"#,
            "tools/call a",
            "tools/call b",
        ),
        (
            r#"{"id":1,"method":"tools/call","params":{"name":"a"},"paramſ":{"name":"b"}}"#,
            "tools/call a",
            "tools/call b",
        ),
        (
            r#"{"id":1,"method":"tools/call","params":{"name":"a"},"param\u017f":{"name":"b"}}"#,
            "tools/call a",
            "tools/call b",
        ),
        (
            r#"{"id":1,"method":"resources/read","params":{"uri":"a","URI":"b"}}"#,
            "resources/read a",
            "resources/read b",
        ),
        (r#"{"id":1,"method":"tasks/get","params":{"taskId":"a","tas\u212aid":"b"}}"#, "tasks/get a", "tasks/get b"),
        (r#"{"ID":1,"method":"tools/call","params":{"name":"a"}}"#, "tools/call a", "tools/call a"),
    ] {
        let doubts = || vec!["key_case"];
        assert_eq!(told(&read(text)), [(None, ordinary.into(), doubts()), (go, other.into(), doubts())], "{text}");
    }
    // To most it is no message at all.
    for text in [
        r#"{"ID":1,"Method":"tools/call","Params":{"Name":"b"}}"#,
        r#"{"id":1,"Method":"tools/call","params":{"name":"b"}}"#,
    ] {
        assert_eq!(told(&read(text)), [(go, "tools/call b".into(), vec!["key_case"])], "{text}");
    }
    // It leaves what was there where null comes, and adds a second object to the first.
    for (text, other) in [
        (r#"{"id":1,"method":"ping","method":null}"#, "ping"),
        (r#"{"id":1,"method":"tools/call","params":{"name":"a"},"params":{"x":1}}"#, "tools/call a"),
    ] {
        assert!(told(&read(text)).iter().any(|(reader, runs, _)| reader.is_some() && runs == other), "{text}");
    }
    // The same in both.
    let again = r#"{"id":1,"method":"ping","Method":"ping"}"#;
    assert_eq!(told(&read(again)), [(None, "ping".into(), vec!["key_case"])]);
    for nothing in [
        r#"{"id":1,"method":"tools/call","params":{"name":"a","arguments":{"Name":"b","Method":"c"}},"Other":1}"#,
        r#"{"id":1,"method":"ping","params":{"_meta":{"Name":"b"},"Names":1}}"#,
    ] {
        assert_eq!(read_one(nothing).doubts.names().count(), 0, "{nothing}");
    }
    let batch = read(format!("[{PING},{{\"id\":2,\"Method\":\"tools/call\",\"params\":{{\"name\":\"b\"}}}}]"));
    assert_eq!(
        batch.iter().map(|message| (message.batch, message.reader.is_some())).collect::<Vec<_>>(),
        [(Some(1), false), (Some(1), true)]
    );
}

#[test]
fn the_first_of_two_keys_counts_for_some() {
    let text = r#"{"id":1,"method":"tools/call","params":{"name":"delete_all"},"method":"ping"}"#;
    let doubts = || vec!["duplicate_key"];
    assert_eq!(
        told(&read(text)),
        [(None, "ping".into(), doubts()), (Some("simdjson"), "tools/call delete_all".into(), doubts())]
    );
    let messages = read(r#"{"id":1,"id":2,"method":"ping"}"#);
    let ids: Vec<_> = messages.iter().map(|message| message.id.as_ref().map(|id| &*id.text)).collect();
    assert_eq!(ids, [Some("2"), Some("1")]);
    assert!(messages.iter().all(|message| message.alternative == Some(1)));
}

#[test]
fn what_is_nested_deeper_than_is_read_hides_nothing_behind_it() {
    let deep = format!("{}\"}}]\\\"{{\"{}", "[".repeat(2 * MAX_DEPTH), "]".repeat(2 * MAX_DEPTH));
    let message = read_one(format!(
        "{{\"x\":{deep},\"id\":9,\"method\":\"tools/call\",\"params\":{{\"y\":{deep},\"name\":\"a\"}}}}"
    ));
    assert_eq!((message.flaw, message.id.is_some()), (Some(Flaw::TooDeep), true));
    assert_eq!(told(&[message]), [(None, "tools/call a".into(), vec!["too_deep"])]);
    assert_eq!(read_one(format!("{{\"method\":\"a\",\"x\":{deep}")).flaw, Some(Flaw::NotJson), "it has no end");
}

/// What a line may be made of, so that it is often read in more than one way.
const PARTS: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
    r#"{"id":9,"method":"tools/call","params":{"name":"delete_all"}}"#,
    r#"{"id":2,"method":"ping","Method":"tools/call","params":{"name":"a"}}"#,
    r#"{"id":3,"method":"tools/call","params":{"name":"a","Name":"b"},"paramſ":{"name":"c"}}"#,
    r#"{"id":4,"method":"tools/call","method":"ping","params":{"name":"a","name":null}}"#,
    r#"{"ID":5,"METHOD":"prompts/get","PARAMS":{"NAME":"c"}}"#,
    r#"{"id":6,"method":"tools/call","params":{"name":"a","arguments":{"#,
    r#"{"method":"notifications/x","params":{"a":"#,
    r#""method":"tools/call","#,
    r#""Method":"ping","#,
    r#""id":7,"#,
    r#""Id":8,"#,
    r#""params":{"name":"d"},"#,
    r#""Params":{"name":"e"},"#,
    r#""params":null,"#,
    r#""x":1"#,
    "\"a\u{2028}b\"",
    "\"a\u{85}b\"",
    "{",
    "}",
    "}}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "1",
    " ",
    "\r",
    "\r",
    "\r\n",
    "\n",
    "\u{2028}",
    "\u{2029}",
    "\u{85}",
    "\u{b}",
    "\u{c}",
    "\u{1e}",
    "\u{2026}",
    "\u{e9}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_call_that_a_server_runs_is_read(parts in vec(select(PARTS), 0..14), sizes in vec(0..6_u8, 0..6)) {
        victims::check(parts.concat().as_bytes(), &sizes);
    }

    #[test]
    fn so_it_is_where_objects_are_whole(members in vec(select(&PARTS[8..16]), 0..6), end in select(&PARTS[27..]), sizes in vec(0..6_u8, 0..6)) {
        let object = format!("{{{}\"y\":1}}", members.concat().replace("\"x\":1", "\"x\":1,"));
        victims::check(format!("{object}{end}{object}{end}\n{object}").as_bytes(), &sizes);
    }
}
