//! Lines and events.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::super::message::{Flaw, Message};
use super::super::super::profile::Profile;
use crate::capture::mcp::scan::framing::{Events, Lines};
use crate::capture::mcp::scan::reference::oracle;

#[test]
fn each_line_is_a_message_and_tells_where_it_ends() {
    let stream = b"{\"method\":\"a\"}\n\r\n  \n{\"method\":\"b\"}\r\n{\"method\":\n\"c\"}\n{\"method\":\"d\"}";
    for size in 1..stream.len() {
        let found = oracle::lines(&Arc::default(), stream.chunks(size));
        let found: Vec<_> = found.iter().map(|(end, message)| (*end, method(message), message.flaw)).collect();
        let broken = Some(Flaw::NotJson);
        let expected = [
            (Some(15), "a", None),
            (Some(36), "b", None),
            (Some(47), "", broken),
            // To who reads documents, the end of that.
            (Some(52), "c", None),
            (None, "d", None),
        ];
        assert_eq!(found, expected, "in pieces of {size}");
    }
}

#[test]
fn bytes_behind_a_message_can_be_held_back() {
    let mut lines = Lines::new(Arc::default());
    let stream = b"\n{\"method\":\"a\"}\n\n{\"method\":\"b\"}\n";
    let mut found = Vec::new();
    assert_eq!(lines.read(stream, &mut |message| found.push(message)), 16, "through its newline, not behind it");
    assert_eq!(found.iter().map(method).collect::<Vec<_>>(), ["a"]);
    assert_eq!(lines.read(&stream[16..], &mut |message| found.push(message)), 16, "blank lines do not count");
    assert_eq!(found.iter().map(method).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(lines.read(b"\n\n", &mut |message| found.push(message)), 2);
}

#[test]
fn a_batch_ends_where_its_line_does() {
    // Elements are there before, but the bytes of one line belong together.
    let stream = b"[{\"method\":\"a\"},{\"method\":\"b\"}]\n{\"method\":\"c\"}\n";
    for size in 1..stream.len() {
        let found = oracle::lines(&Arc::default(), stream.chunks(size));
        let ends: Vec<_> = found.iter().map(|(end, message)| (end.unwrap(), message.batch)).collect();
        assert_eq!(ends, [(32, Some(1)), (32, Some(1)), (47, None)]);
    }
}

#[test]
fn the_data_of_an_event_is_a_message() {
    for (stream, expected) in [
        ("data: {\"method\":\"a\"}\n\n", vec!["a"]),
        ("data:{\"method\":\"a\"}\r\rdata:{\"method\":\"b\"}\r\n\r\n", vec!["a", "b"]),
        ("\u{feff}data:{\"method\":\"a\"}\n\n", vec!["a"]),
        ("event: message\nid: 1\ndata: {\"method\":\ndata\ndata:\ndata: \"a\"}\nretry: 5\n\n", vec!["a"]),
        ("event: endpoint\ndata: /messages?session=1\n\ndata: {\"method\":\"a\"}\n\n", vec!["a"]),
        ("event:\ndata: {\"method\":\"a\"}\n\nevent\rdata: {\"method\":\"b\"}\r\r", vec!["a", "b"]),
        ("event: status\nevent:message\ndata: {\"method\":\"a\"}\n\n", vec!["a"]),
        ("events: status\nEvent: status\n event: status\ndata: {\"method\":\"a\"}\n\n", vec!["a"]),
        ("event: status\n\ndata: {\"method\":\"a\"}\n\n", vec!["a"]),
        (": comment {}\ndata: {\"method\":\"a\"}\n: data: x\n\n:\n\n", vec!["a"]),
        ("id: 0\nretry: 3000\ndata:\n\ndata: \n\ndata\n\n\n\ndata: {\"method\":\"a\"}\n\n", vec!["a"]),
        ("datax: 1\ndat: 1\n data: 1\nData: 1\nd\ndata{}: 1\ndata: {\"method\":\"a\"}\n\n", vec!["a"]),
        ("data:  {\"method\":\"a\"}\n\n", vec!["a"]),
        ("data: {\"method\":\"a: b\"}\n\n", vec!["a: b"]),
        ("\ndata: {\"method\":\"a\"}\n\n\u{feff}data: 1\n\n", vec!["a"]),
        ("data: {\"method\":\"a\"}\n\ndata: {\"method\":\"b\"}\n", vec!["a"]),
        ("data: {\"method\":\"a\"}", vec![]),
        ("", vec![]),
    ] {
        for size in 1..stream.len().max(2) {
            let (found, unfinished) = oracle::events(&Arc::default(), stream.as_bytes().chunks(size));
            assert_eq!(found.iter().map(method).collect::<Vec<_>>(), expected, "{stream:?} in pieces of {size}");
            assert!(found.iter().all(|message| message.flaw.is_none()), "{stream:?} in pieces of {size}");
            let whole = stream.matches("\"method\"").count();
            assert_eq!(unfinished, (whole - expected.len()) as u64, "{stream:?} in pieces of {size}");
        }
    }
}

#[test]
fn an_event_of_another_name_is_no_message() {
    for stream in [
        "event: status\ndata: {\"method\":\"a\"}\n\n",
        "data: {\"method\":\"a\"}\nevent: status\n\n",
        "event: message\ndata: [{\"method\":\"a\"}]\nevent: messages\n\n",
        "event: Message\ndata: {\"method\":\"a\"}\n\n",
        "event:  message\rdata: {\"method\":\"a\"}\r\r",
        "event: endpoint\ndata: {\"method\":\"a\"}\n\n",
        "event: a name that is longer than all those that are looked for are\ndata: {\"method\":\"a\"}\n\n",
    ] {
        for size in 1..stream.len() {
            let (found, unfinished) = oracle::events(&Arc::default(), stream.as_bytes().chunks(size));
            assert_eq!((found, unfinished), (vec![], 0), "{stream:?} in pieces of {size}");
        }
    }
}

#[test]
#[cfg(feature = "tower")]
fn only_the_event_of_that_name_tells_an_endpoint() {
    for (stream, endpoint) in [
        ("event: endpoint\ndata: /messages?session=1\n\n", Some("/messages?session=1")),
        ("data: /messages?session=1 \nevent:endpoint\n\n", Some("/messages?session=1")),
        ("data: /messages?session=1\n\n", None),
        ("event: message\ndata: /messages?session=1\n\n", None),
        ("event: endpoint\n\n", None),
    ] {
        for size in 1..stream.len() {
            let mut events = Events::new(Arc::default());
            stream.as_bytes().chunks(size).for_each(|piece| events.read(piece, &mut |_| panic!("no message")));
            assert_eq!(events.take_endpoint().as_deref(), endpoint, "{stream:?} in pieces of {size}");
        }
    }
}

#[test]
fn a_batch_counts_when_its_event_does() {
    let stream = "data: [{\"method\":\"a\"},\ndata: {\"method\":\"b\"}]\n\n";
    for end in 0..stream.len() {
        let (found, _) = oracle::events(&Arc::default(), [&stream.as_bytes()[..end]]);
        assert!(found.is_empty(), "{:?}: {found:?}", &stream[..end]);
    }
    let (found, _) = oracle::events(&Arc::default(), [stream.as_bytes()]);
    assert_eq!(found.iter().map(method).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn an_event_is_known_by_its_id() {
    let stream = "id: 7/1\ndata: {\"method\":\"a\"}\n\ndata: {\"method\":\"b\"}\nid:7/1\n\nid: 7/2\ndata: {\"method\":\"c\"}\n\n\
                  data: {\"method\":\"d\"}\n\nid: 7/1\ndata: [{\"method\":\"e\"}]\n\nidx: 7/1\nix: 7/1\ndata: {\"method\":\"f\"}\n\n\
                  id: 7\nid: 7/1\nid: 7\0\ndata: {\"method\":\"g\"}\n\nid: 7/1\nid\ndata: {\"method\":\"h\"}\n\n";
    for size in 1..stream.len() {
        let (found, _) = oracle::events(&Arc::default(), stream.as_bytes().chunks(size));
        let ids: Vec<_> = found.iter().map(|message| message.event).collect();
        let [first, again, other, none, in_batch, none_either, last, emptied] = ids[..] else { panic!("{found:?}") };
        assert!(first.is_some() && first == again, "in pieces of {size}");
        assert!(
            first == last && emptied.is_none(),
            "the last line counts, but for one with a NUL, in pieces of {size}"
        );
        assert!(other.is_some() && other != first, "in pieces of {size}");
        assert_eq!([none, in_batch, none_either], [None; 3], "in pieces of {size}");
    }
}

#[test]
fn lines_of_data_are_joined_by_newlines() {
    // So a string that is cut by one is no JSON, and two messages in one event are none.
    for stream in
        ["data: {\"method\":\"a\ndata: b\"}\n\n", "data: {\"method\":\"a\"}\ndata: {}\n\n", "data: {}\ndata: 2\n\n"]
    {
        let (found, unfinished) = oracle::events(&Arc::default(), [stream.as_bytes()]);
        assert_eq!(found.iter().map(|message| message.flaw).collect::<Vec<_>>(), [Some(Flaw::NotJson)], "{stream:?}");
        assert_eq!(unfinished, 0);
    }
}

#[test]
fn streams_follow_each_other() {
    let mut events = Events::new(Arc::default());
    let mut found = Vec::new();
    for stream in [
        "data: {\"method\":\"a\"}\r",
        "\ndata: {\"method\":\"b\"}\n\n",
        "\u{feff}data: [{\"method\":\"c\"}]\n\ndata: [{\"method\":\"d\"}",
        "data: {}\n\n",
    ] {
        events.read(stream.as_bytes(), &mut |message| found.push(message));
        events.end();
    }
    assert_eq!(found.iter().map(method).collect::<Vec<_>>(), ["b", "c", ""]);
    assert_eq!(events.unfinished(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, failure_persistence: None, ..ProptestConfig::default() })]

    /// Another reader, of whole streams, finds the same events.
    #[test]
    fn events_are_those_of_the_specification(
        parts in vec(select(PARTS), 0..24), sizes in vec(any::<u8>().prop_map(|size| size % 5), 0..4),
    ) {
        let stream = parts.concat();
        let (data, rest) = specified(&stream);
        let (found, unfinished) = oracle::events(&Arc::default(), oracle::pieces(stream.as_bytes(), &sizes));
        let messages = |data: &str| oracle::scan(&Arc::default(), crate::capture::mcp::scan::scanner::Documents::One, [data.as_bytes()]);
        let may_be_one = |data: &&String| data.trim_matches([' ', '\t', '\r', '\n']).starts_with(['{', '[']);
        let expected: Vec<_> = data.iter().filter(may_be_one).flat_map(|data| messages(data)).collect();
        let found = found.into_iter().map(|message| Message { event: None, ..message }).collect();
        prop_assert_eq!(numbered(found), numbered(expected));
        prop_assert_eq!(unfinished, u64::from(!rest.trim_matches([' ', '\t', '\r', '\n']).is_empty()));
    }

    /// A reader of whole lines finds the same messages.
    #[test]
    fn lines_are_those_of_the_stream(
        parts in vec(select(PARTS), 0..24), sizes in vec(any::<u8>().prop_map(|size| size % 5), 0..4),
    ) {
        // Carriage returns are read in `encodings`, and documents over several lines in `readers`.
        let stream = parts.concat().replace('\r', " ");
        let mut found = oracle::lines(&Arc::default(), oracle::pieces(stream.as_bytes(), &sizes));
        let mut expected = Vec::new();
        let mut end = 0;
        for line in stream.split_inclusive('\n') {
            end += line.len() as u64;
            let (is_transcoded, text) = match line.strip_prefix('\u{feff}') {
                Some(text) => (true, text),
                None => (false, line),
            };
            let messages = oracle::scan(&Arc::default(), crate::capture::mcp::scan::scanner::Documents::One, [text.trim_end_matches('\n').as_bytes()]);
            let messages = messages.into_iter().map(|message| Message { is_transcoded, ..message });
            expected.extend(messages.map(|message| (line.ends_with('\n').then_some(end), message)));
        }
        let is_joined = |message: &Message| message.reader == Some(Profile::GoDecoder);
        let joined: Vec<_> = found.iter().filter(|(_, message)| is_joined(message)).map(|(end, _)| *end).collect();
        found.retain(|(_, message)| !is_joined(message));
        expected.retain(|(end, message)| message.flaw != Some(Flaw::NotJson) || !joined.contains(end));
        prop_assert_eq!(found.iter().map(|(end, _)| *end).collect::<Vec<_>>(), expected.iter().map(|(end, _)| *end).collect::<Vec<_>>());
        let messages = |found: Vec<(_, Message)>| numbered(found.into_iter().map(|(_, message)| message).collect());
        prop_assert_eq!(messages(found), messages(expected));
    }
}

const PARTS: &[&str] = &[
    "data:",
    "data",
    "data: ",
    ":",
    " ",
    "\n",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "\u{feff}",
    "event: x",
    "event",
    "message",
    "x",
    "id:1",
    "{\"method\":\"a\"}",
    "{\"method\":\"b\",\"id\":1}",
    "{\"method\":",
    "\"c\"}",
    "[",
    "]",
    ",",
    "{}",
];

/// The data of the events of a stream, as WHATWG HTML, section 9.2.6, reads it line by line, and the data without an end.
fn specified(stream: &str) -> (Vec<String>, String) {
    let stream = stream.strip_prefix('\u{feff}').unwrap_or(stream).replace("\r\n", "\n").replace('\r', "\n");
    let (mut events, mut data, mut name) = (Vec::new(), String::new(), "");
    let mut lines: Vec<_> = stream.split('\n').collect();
    let unfinished = lines.pop().unwrap_or_default();
    for line in lines {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        match field {
            _ if line.is_empty() => {
                let data = std::mem::take(&mut data);
                if matches!(std::mem::take(&mut name), "" | "message") {
                    events.push(data);
                }
            }
            "event" => name = value.strip_prefix(' ').unwrap_or(value),
            "data" => data = data + value.strip_prefix(' ').unwrap_or(value) + "\n",
            _ => {}
        }
    }
    let begun = unfinished.strip_prefix("data:").unwrap_or_default();
    (events.iter().map(|data| data.strip_suffix('\n').unwrap_or(data).to_owned()).collect(), data + begun)
}

/// Readers that are made anew count batches anew.
fn numbered(messages: Vec<Message>) -> Vec<Message> {
    messages.into_iter().map(|message| Message { batch: message.batch.map(|_| 1), ..message }).collect()
}

fn method(message: &Message) -> &str {
    message.method.as_deref().unwrap_or_default()
}
