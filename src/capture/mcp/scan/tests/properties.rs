//! Any message and any bytes: what serde_json says of them is right (1, 3, 4, 5).

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::Union;
use serde::de::IgnoredAny;

use super::super::super::message::{MAX_ID, MAX_TEXT};
use crate::capture::mcp::scan::reference::oracle;

/// A message that is not written yet: keys in any order, some of them twice, each written in some way.
#[derive(Debug, Clone)]
enum Json {
    /// A number or a literal.
    Bare(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn facts_are_those_of_a_parser(message in messages(), style in vec(any::<u8>(), 0..40), sizes in sizes()) {
        agrees(write(&message, &style).as_bytes(), &sizes);
    }

    #[test]
    fn damaged_messages_are_json_or_not_as_for_a_parser(
        message in messages(), style in vec(any::<u8>(), 0..40), sizes in sizes(), edits in vec(edits(), 1..4),
    ) {
        let mut bytes = write(&message, &style).into_bytes();
        for edit in edits {
            edit.apply(&mut bytes);
        }
        agrees(&bytes, &sizes);
    }

    #[test]
    fn anything_is_json_or_not_as_for_a_parser(
        bytes in prop_oneof![vec(any::<u8>(), 0..64), vec(select(&b"{}[]\",:\\ \ntrue1-+.eE0u\xc3\xa9\xf0\x9f"[..]), 0..48)],
        sizes in sizes(),
    ) {
        agrees(&bytes, &sizes);
    }
}

/// Most readers see no call in it, and those that keep the first of two keys see one, with arguments.
#[test]
fn a_call_for_other_readers_alone_is_none_to_most() {
    agrees(br#"{"params":{"arguments":[]},"method":"","method":0}"#, &[]);
}

fn agrees(bytes: &[u8], sizes: &[u8]) {
    let is_json = str::from_utf8(bytes).is_ok() && serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
    oracle::check(bytes, sizes, is_json);
}

/// Pieces of one byte, of some bytes, or all at once for most messages.
fn sizes() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![0..4_u8, any::<u8>()], 0..6)
}

fn messages() -> impl Strategy<Value = Json> {
    prop_oneof![
        9 => message(),
        1 => vec(prop_oneof![4 => message(), 1 => anything()], 0..4).prop_map(Json::Array),
        1 => anything(),
    ]
}

fn message() -> impl Strategy<Value = Json> {
    object(vec![
        ("id", id()),
        ("method", text()),
        ("params", params()),
        ("result", result()),
        ("error", error()),
        ("jsonrpc", prop_oneof![3 => Just(Json::Text("2.0".into())), 1 => text()].boxed()),
    ])
}

fn params() -> BoxedStrategy<Json> {
    let client = || object(vec![("name", text()), ("version", text())]);
    let meta = object(vec![
        ("traceparent", text()),
        ("tracestate", text()),
        ("io.modelcontextprotocol/protocolVersion", text()),
        ("io.modelcontextprotocol/clientInfo", client()),
        ("io.modelcontextprotocol/clientCapabilities", anything().boxed()),
    ]);
    let mut members: Vec<_> =
        ["name", "uri", "taskId", "reason", "requestState", "protocolVersion"].map(|key| (key, text())).into();
    members.extend([("requestId", id()), ("clientInfo", client()), ("_meta", meta), ("arguments", anything().boxed())]);
    object(members)
}

fn result() -> BoxedStrategy<Json> {
    let mut members: Vec<_> =
        ["resultType", "requestState", "taskId", "status", "protocolVersion"].map(|key| (key, text())).into();
    let tool = object(vec![("name", text()), ("inputSchema", anything().boxed())]);
    members.extend([
        ("isError", select(vec!["true", "false", "null"]).prop_map(|bare| Json::Bare(bare.into())).boxed()),
        ("task", object(vec![("taskId", text()), ("status", text())])),
        ("content", vec(object(vec![("text", text()), ("type", text())]), 0..4).prop_map(Json::Array).boxed()),
        ("messages", vec(anything(), 0..4).prop_map(Json::Array).boxed()),
        ("contents", vec(anything(), 0..4).prop_map(Json::Array).boxed()),
        ("tools", vec(tool, 0..4).prop_map(Json::Array).boxed()),
    ]);
    object(members)
}

fn error() -> BoxedStrategy<Json> {
    object(vec![("code", number()), ("message", text()), ("data", anything().boxed())])
}

/// Those members, one of them now and then with another value or under another key.
fn object(members: Vec<(&'static str, BoxedStrategy<Json>)>) -> BoxedStrategy<Json> {
    let all = members.len();
    let member = Union::new(members.into_iter().map(|(key, value)| {
        let key = prop_oneof![30 => Just(key.to_owned()), 1 => strings(), 1 => Just(format!("{key}x"))];
        (key, prop_oneof![12 => value, 1 => anything()])
    }));
    vec(member, 0..all + 2).prop_map(Json::Object).boxed()
}

fn anything() -> impl Strategy<Value = Json> {
    let leaf =
        prop_oneof![text(), number(), select(vec!["true", "false", "null"]).prop_map(|bare| Json::Bare(bare.into()))];
    let key = prop_oneof![
        strings(),
        select(vec!["id", "name", "params", "result", "tools", "_meta"]).prop_map(str::to_owned)
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::Array),
            vec((key.clone(), inner), 0..4).prop_map(Json::Object)
        ]
    })
}

fn id() -> BoxedStrategy<Json> {
    prop_oneof![3 => number(), 3 => text(), 1 => Just(Json::Bare("null".into()))].boxed()
}

fn number() -> BoxedStrategy<Json> {
    let number = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter_map("no number", |number| number.is_finite().then(|| format!("{number:e}"))),
        "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?",
        "-?0\\.0{0,20}[0-9]{1,4}",
    ];
    number.prop_map(Json::Bare).boxed()
}

fn text() -> BoxedStrategy<Json> {
    strings().prop_map(Json::Text).boxed()
}

/// Short ones, and those around the limits.
fn strings() -> impl Strategy<Value = String> {
    let character = select(vec!["x", "é", "€", "😀", "\n"]);
    let around = prop_oneof![3 => Just(MAX_ID), 1 => Just(MAX_TEXT)];
    let long = (character, around, 0..8_usize, ".{0,4}")
        .prop_map(|(character, limit, less, end)| character.repeat((limit + 4 - less) / character.len()) + &end);
    prop_oneof![20 => ".{0,12}", 20 => any::<String>(), 1 => long]
}

/// In a way that those numbers choose, over and over: escapes, whitespace.
fn write(json: &Json, style: &[u8]) -> String {
    let mut style = style.iter().chain([&0]).copied().cycle();
    let mut text = String::new();
    write_value(json, &mut style, &mut text);
    text
}

fn write_value(json: &Json, style: &mut impl Iterator<Item = u8>, to: &mut String) {
    space(style, to);
    match json {
        Json::Bare(bare) => to.push_str(bare),
        Json::Text(text) => write_text(text, style, to),
        Json::Array(elements) => {
            to.push('[');
            for (at, element) in elements.iter().enumerate() {
                to.push_str(if at > 0 { "," } else { "" });
                write_value(element, style, to);
            }
            space(style, to);
            to.push(']');
        }
        Json::Object(members) => {
            to.push('{');
            for (at, (key, value)) in members.iter().enumerate() {
                to.push_str(if at > 0 { "," } else { "" });
                space(style, to);
                write_text(key, style, to);
                space(style, to);
                to.push(':');
                write_value(value, style, to);
            }
            space(style, to);
            to.push('}');
        }
    }
    space(style, to);
}

fn write_text(text: &str, style: &mut impl Iterator<Item = u8>, to: &mut String) {
    match style.next() {
        Some(0..180) => to.push_str(&serde_json::to_string(text).unwrap()),
        _ => {
            to.push('"');
            for character in text.chars() {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    to.push_str(&if style.next() < Some(128) {
                        format!("\\u{unit:04x}")
                    } else {
                        format!("\\u{unit:04X}")
                    });
                }
            }
            to.push('"');
        }
    }
}

fn space(style: &mut impl Iterator<Item = u8>, to: &mut String) {
    to.push_str(match style.next() {
        Some(200..220) => " ",
        Some(220..235) => "\n\t",
        Some(235..) => "  \r\n        ",
        _ => "",
    });
}

/// Damage to a message.
#[derive(Debug, Clone)]
enum Edit {
    Put(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
    /// Some bytes, once more.
    Again(Index, Index),
}

fn edits() -> impl Strategy<Value = Edit> {
    let byte = || prop_oneof![select(&b"{}[]\",:\\ u0.-e\x80\xe2\x1f"[..]), any::<u8>()];
    prop_oneof![
        (any::<Index>(), byte()).prop_map(|(at, byte)| Edit::Put(at, byte)),
        (any::<Index>(), byte()).prop_map(|(at, byte)| Edit::Insert(at, byte)),
        any::<Index>().prop_map(Edit::Remove),
        any::<Index>().prop_map(Edit::Cut),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Edit::Again(from, to)),
    ]
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let place = |index: &Index| index.index(bytes.len());
        match self {
            Self::Put(at, byte) => {
                let at = place(at);
                bytes[at] = *byte;
            }
            Self::Insert(at, byte) => bytes.insert(place(at), *byte),
            Self::Remove(at) => _ = bytes.remove(place(at)),
            Self::Cut(at) => bytes.truncate(place(at)),
            Self::Again(one, other) => {
                let (one, other) = (place(one), place(other));
                let again = bytes[one.min(other)..one.max(other)].to_vec();
                bytes.splice(one..one, again);
            }
        }
    }
}
