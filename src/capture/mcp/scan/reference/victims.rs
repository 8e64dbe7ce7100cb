//! What servers run of the same bytes, written a second time, from their sources and their behaviour: the oracle of
//! the profiles in property tests and fuzzing. It shares only serde_json's judgement of what is JSON with the
//! scanner.

#![allow(clippy::indexing_slicing, unreachable_pub, reason = "it runs in tests, and in the fuzz target from outside")]

use std::sync::Arc;

use serde_json::Value;

use super::oracle::{self, pieces};
use crate::capture::mcp::message::{Flaw, Message, ScanOptions};

/// A call that is run: its method, its tool or prompt, and its id.
type Call = (String, Option<String>, String);

/// Panics unless each call that a server runs of these lines is read, and no other call is read as one that most
/// servers run, for any sizes of the pieces.
pub fn check(bytes: &[u8], sizes: &[u8]) {
    let reading = &Arc::<ScanOptions>::default();
    let whole: Vec<Message> = oracle::lines(reading, [bytes]).into_iter().map(|(_, message)| message).collect();
    let cut = oracle::lines(reading, pieces(bytes, sizes)).into_iter().map(|(_, message)| message);
    assert_eq!(whole, cut.collect::<Vec<_>>(), "lines are something else in pieces");

    let text = String::from_utf8_lossy(bytes);
    let read = |message: &Message| {
        let is_call = message.flaw.is_none() || message.flaw == Some(Flaw::TooDeep);
        let (method, name, id, _) = message.runs().filter(|_| is_call)?;
        Some((method.to_owned(), name.map(str::to_owned), id.map(|id| id.text.clone()).unwrap_or_default()))
    };
    let all: Vec<Call> = whole.iter().filter_map(read).collect();
    let (ordinary, others): (Vec<&Message>, Vec<&Message>) = whole.iter().partition(|message| message.reader.is_none());
    let ordinary: Vec<Call> = ordinary.into_iter().filter_map(read).collect();
    let runs = run(text.split('\n'), last);
    assert!(runs.iter().all(|call| ordinary.contains(call)), "most servers run {runs:?} of {text:?}, not {ordinary:?}");
    // The elements of a batch are emitted before it turns out to be invalid.
    if !text.contains('[') {
        assert_eq!(ordinary, runs, "most servers run something else of {text:?}");
    }

    let newlines = || text.split('\n');
    for (victim, calls) in [
        ("Python over stdio", run(universal(&text), last)),
        ("readline", run(universal(&text).flat_map(|line| line.split(['\u{2028}', '\u{2029}'])), last)),
        ("splitlines", run(text.split(|character| SPLITLINES.contains(character)), last)),
        ("Go", run(newlines(), go)),
        ("simdjson", run(newlines(), first)),
        (".NET", run(universal(&text), go)),
        ("Decoder of Go", run(documents(&text).iter().map(String::as_str), last)),
    ] {
        for call in calls {
            assert!(all.contains(&call), "{victim} runs {call:?} of {text:?}, and {all:?} is read");
        }
    }
    for other in others {
        assert!(other.doubts.names().next().is_some() && other.alternative.is_some(), "no doubt about {other:?}");
    }
}

/// Documents that end with a line, on whatever lines they begin: the Go SDK stops at the first invalid one.
fn documents(text: &str) -> Vec<String> {
    let (mut documents, mut begun) = (Vec::new(), String::new());
    for line in text.split('\n') {
        begun += line;
        begun.push('\n');
        match serde_json::from_str::<Value>(&begun) {
            Ok(_) => documents.push(std::mem::take(&mut begun)),
            Err(why) if why.is_eof() => {}
            Err(_) => break,
        }
    }
    documents
}

/// Lines of Python's text streams.
fn universal(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\r', '\n'])
}

/// The line ends of `str.splitlines` (Python, library reference).
const SPLITLINES: &str = "\n\r\u{b}\u{c}\u{1c}\u{1d}\u{1e}\u{85}\u{2028}\u{2029}";

/// JSON with all its keys, in order.
#[derive(Debug, Clone)]
enum Json {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    String(String),
    Null,
    Other(String),
}

type Keys = fn(&[(String, Json)], &str) -> Option<Json>;

/// What a server runs that reads these lines and matches keys this way.
fn run<'a>(lines: impl Iterator<Item = &'a str>, keys: Keys) -> Vec<Call> {
    let documents = lines.filter(|line| serde_json::from_str::<Value>(line).is_ok()).map(|line| parse(&mut { line }));
    let elements = documents.flat_map(|document| match document {
        Json::Array(elements) => elements,
        document => vec![document],
    });
    elements.filter_map(|element| call(&element, keys)).collect()
}

fn call(message: &Json, keys: Keys) -> Option<Call> {
    let Json::Object(message) = message else { return None };
    let Some(Json::String(method)) = keys(message, "method") else { return None };
    let id = match keys(message, "id") {
        Some(Json::String(id) | Json::Other(id)) => id,
        _ => String::new(),
    };
    let name = match keys(message, "params") {
        Some(Json::Object(params)) if matches!(&*method, "tools/call" | "prompts/get") => keys(&params, "name"),
        _ => None,
    };
    let name = name.and_then(|name| if let Json::String(name) = name { Some(name) } else { None });
    Some((method, name, id))
}

fn last(object: &[(String, Json)], key: &str) -> Option<Json> {
    object.iter().rev().find(|(other, _)| other == key).map(|(_, value)| value.clone())
}

fn first(object: &[(String, Json)], key: &str) -> Option<Json> {
    object.iter().find(|(other, _)| other == key).map(|(_, value)| value.clone())
}

/// `encoding/json`: a key matches a field in any letter case, by the simple folding of Unicode. `null` leaves a
/// string unchanged, a second object goes into the same struct, and anything else fails.
fn go(object: &[(String, Json)], key: &str) -> Option<Json> {
    let folds = |other: &str| {
        let other = other.chars().map(|letter| match letter {
            'ſ' => 's',
            '\u{212a}' => 'k',
            letter => letter.to_ascii_lowercase(),
        });
        other.eq(key.chars().map(|letter| letter.to_ascii_lowercase()))
    };
    let values = object.iter().filter(|(other, _)| folds(other)).map(|(_, value)| value.clone());
    values.reduce(|before, value| match (before, value) {
        (Json::Object(before), Json::Object(more)) => Json::Object([before, more].concat()),
        (before, Json::Null) if key != "id" => before,
        (_, value) => value,
    })
}

/// Parses valid JSON.
fn parse(text: &mut &str) -> Json {
    *text = text.trim_ascii_start();
    match text.as_bytes()[0] {
        b'{' => {
            skip(text, '{');
            let mut members = Vec::new();
            while !skip(text, '}') {
                let Json::String(key) = parse(text) else { return Json::Null };
                skip(text, ':');
                members.push((key, parse(text)));
                skip(text, ',');
            }
            Json::Object(members)
        }
        b'[' => {
            skip(text, '[');
            let mut elements = Vec::new();
            while !skip(text, ']') {
                elements.push(parse(text));
                skip(text, ',');
            }
            Json::Array(elements)
        }
        b'"' => {
            let mut end = 1;
            while text.as_bytes()[end] != b'"' {
                end += if text.as_bytes()[end] == b'\\' { 2 } else { 1 };
            }
            let (string, rest) = text.split_at(end + 1);
            *text = rest;
            serde_json::from_str(string).map_or(Json::Null, Json::String)
        }
        _ => {
            let end = text.find([',', ']', '}', ' ', '\t', '\r', '\n']).unwrap_or(text.len());
            let (bare, rest) = text.split_at(end);
            *text = rest;
            if bare == "null" { Json::Null } else { Json::Other(bare.to_owned()) }
        }
    }
}

/// Skips that character if it comes next.
fn skip(text: &mut &str, what: char) -> bool {
    *text = text.trim_ascii_start();
    let behind = text.strip_prefix(what);
    *text = behind.unwrap_or(text);
    behind.is_some()
}
