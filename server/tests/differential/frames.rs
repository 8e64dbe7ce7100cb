//! Streams of events by chance: what answers a call, framed in any way that WHATWG HTML allows, and in some that it does not.

use rand::Rng as _;
use rand::rngs::StdRng;

use crate::corpus::Entry;

/// The next one: its name ends with that number.
pub(crate) fn stream(random: &mut StdRng, number: usize) -> Entry {
    let mut entry = Entry { name: format!("stream_{number}"), ..Entry::default() };
    let ends = one_of(random, LINE_ENDS);
    if random.random_bool(0.12) {
        entry.body.push_str("<efbbbf>");
    }
    for _ in 0..random.random_range(1..=4) {
        event(random, ends, &mut entry.body);
    }
    for _ in 0..random.random_range(0..=2) {
        insert(random, &mut entry.body);
    }
    dress(random, &mut entry);
    entry
}

fn event(random: &mut StdRng, ends: &[&str], body: &mut String) {
    let mut lines = Vec::new();
    for _ in 0..random.random_range(0..=2) {
        lines.push(one_of(random, FIELDS).to_owned());
    }
    let data = one_of(random, DATA);
    lines.extend(pieces(random, data).into_iter().map(|piece| format!("{}{piece}", one_of(random, PREFIXES))));
    for _ in 0..random.random_range(0..=1) {
        let at = random.random_range(0..=lines.len());
        lines.insert(at, one_of(random, FIELDS).to_owned());
    }
    // Now and then the next event goes on with this one.
    let blank = [0, 1, 1, 1, 1, 1, 1, 2][random.random_range(0..8)];
    lines.extend(vec![String::new(); blank]);
    for line in lines {
        body.push_str(&line);
        body.push_str(one_of(random, ends));
    }
}

/// Mostly whole, else on several lines: a newline is white space between two tokens, and none within one.
fn pieces(random: &mut StdRng, data: &str) -> Vec<String> {
    if random.random_bool(0.6) {
        return vec![data.to_owned()];
    }
    let between: Vec<_> = data.match_indices([',', '{', '[']).map(|(at, _)| at + 1).collect();
    let at = match random.random_bool(0.8) && !between.is_empty() {
        true => between[random.random_range(0..between.len())],
        false => random.random_range(0..=data.len()),
    };
    vec![data[..at].to_owned(), data[at..].to_owned()]
}

/// Something odd, wherever a line, a field or a token may begin or end.
fn insert(random: &mut StdRng, body: &mut String) {
    let borders: Vec<_> = body.match_indices([',', ':', '{', '}', '"', '>', '<']).map(|(at, _)| at).collect();
    let at = borders[random.random_range(0..borders.len())];
    // Not within what stands for other bytes.
    let at = at + usize::from(!body[at..].starts_with('<'));
    body.insert_str(at, one_of(random, ODD));
}

/// What becomes of its bytes on their way.
fn dress(random: &mut StdRng, entry: &mut Entry) {
    if random.random_bool(0.3) {
        let length = entry.bytes(0).len();
        entry.done.push(format!("cut {}", random.random_range(0..=length)));
    }
    let coding = [None, None, None, None, Some("gzip"), Some("deflate")][random.random_range(0..6)];
    if let Some(coding) = coding {
        entry.head.push(format!("Content-Encoding: {coding}"));
        entry.done.push(coding.to_owned());
    }
    if random.random_bool(0.1) {
        entry.head.push(format!("Content-Type: {}", one_of(random, TYPES)));
    }
    if random.random_bool(0.7) {
        let sizes = (0..random.random_range(1..=4)).map(|_| random.random_range(1_usize..=40).to_string());
        entry.done.push(format!("pieces {}", sizes.collect::<Vec<_>>().join(" ")));
    }
}

fn one_of<T: Copy>(random: &mut StdRng, all: &[T]) -> T {
    all[random.random_range(0..all.len())]
}

const LINE_ENDS: &[&[&str]] =
    &[&["<0a>"], &["<0a>"], &["<0d0a>"], &["<0d>"], &["<0a>", "<0d0a>", "<0d>"], &["<0a>", "<0d>"]];
const PREFIXES: &[&str] = &["data: ", "data: ", "data: ", "data:", "data:", "data:  ", "data:<09>", "data :", "Data: "];
const FIELDS: &[&str] = &[
    ":",
    ": a comment",
    ":data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"isError\":true}}",
    "event: message",
    "event:message",
    "event",
    "event:",
    "event:  message",
    "event: messages",
    "event: ping",
    "event: error",
    "Event: ping",
    "event: endpoint",
    "id",
    "id: 7",
    "id:7<00>",
    "retry: 10",
    "retry: soon",
    "retry",
    "data",
    "data:",
    "data: ",
    "datum: 1",
    " data: 1",
    "data<00>: 1",
    "other: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
];
const DATA: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#,
    r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#,
    r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"data: {}"}],"isError":true}}"#,
    r#"{"result":{"content":[],"isError":true},"id":1,"jsonrpc":"2.0"}"#,
    r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"event: error"}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#,
    "ping",
    "",
];
const ODD: &[&str] = &[
    "<0d>", "<0a>", "<0d0a>", "<0a0a>", "<0d0d>", "<0a0d>", "<00>", "<0b>", "<0c>", "<1e>", "<85>", "<c285>",
    "<e280a8>", "<efbbbf>", "<ff>", "<c3>", " ", ":",
];
/// A charset does not count: an event stream is UTF-8 (section 9.2.5).
const TYPES: &[&str] =
    &["text/event-stream; charset=utf-8", "text/event-stream;charset=UTF-8", "text/event-stream; x=y"];
