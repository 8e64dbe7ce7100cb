//! The reading of serde_json, from the complete bytes: the oracle of property tests and fuzzing.

#![allow(clippy::indexing_slicing, unreachable_pub, reason = "it runs in tests, and in the fuzz target from outside")]

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Number, Value};
use sha2::{Digest as _, Sha256};

use crate::capture::mcp::message::{
    ErrorFacts, Flaw, Id, IdKind, MAX_ID, MAX_TEXT, Message, Params, PartCounts, ResultFacts, ScanOptions, StateDigest,
    ToolDefinition,
};
use crate::capture::mcp::raw_content::RawContent;
use crate::capture::mcp::scan::framing::{Events, Lines};
use crate::capture::mcp::scan::scanner::{Documents, Scanner};
use crate::identity::Claimed;
use crate::trail::{ContentKeys, ToolHints};

/// Panics unless the scanner agrees with serde_json about one document, for any sizes of its pieces. `is_json` is
/// whether the bytes are one JSON document in UTF-8.
pub fn check(bytes: &[u8], sizes: &[u8], is_json: bool) {
    let reading = &Arc::new(everything());
    let messages = scan(reading, Documents::One, [bytes]);
    for documents in [Documents::One, Documents::Many] {
        let whole = scan(reading, documents, [bytes]);
        assert_eq!(whole, scan(reading, documents, pieces(bytes, sizes)), "[1] in pieces it is something else");
    }
    assert_eq!(lines(reading, [bytes]), lines(reading, pieces(bytes, sizes)), "[1] lines are something else in pieces");
    assert_eq!(events(reading, [bytes]), events(reading, pieces(bytes, sizes)), "[1] so are events");

    let has = |flaw| messages.iter().any(|message| message.flaw == Some(flaw));
    let is_blank = bytes.iter().all(|byte| b" \t\r\n".contains(byte));
    assert_eq!(messages.is_empty(), is_blank, "[5] no message of something, or a message of nothing");
    let is_read = !has(Flaw::NotJson);
    let is_lenient = messages.iter().any(|message| message.doubts.invalid_utf8 || message.doubts.not_a_number);
    assert!(has(Flaw::TooDeep) || is_blank || is_json == (is_read && !is_lenient), "[3] JSON or not? {messages:?}");
    let other = messages.iter().position(|message| message.reader.is_some());
    let messages: Vec<Message> = messages.into_iter().filter(|message| message.reader.is_none()).collect();
    let length: u64 = messages.iter().map(|message| message.bytes).sum();
    assert!(length <= bytes.len() as u64, "[5] the messages are longer than the unit");
    // Invalid UTF-8 is read as by readers that replace it.
    let text = String::from_utf8_lossy(bytes);
    if let (true, Ok(value)) = (is_read, serde_json::from_str::<Value>(&text)) {
        // What only other readers take for a call is not a call to most.
        if other.is_none() || messages.len() == value.as_array().map_or(1, |elements| elements.len().max(1)) {
            assert_eq!(messages, expected(&value, reading, &messages), "[4] the facts are something else");
        }
    }
}

/// A reading that keeps everything.
pub(crate) fn everything() -> ScanOptions {
    let state_key = Hmac::new_from_slice(b"key").ok();
    let contents = state_key
        .clone()
        .map(|key| Arc::new(ContentKeys::new([key.clone(), key.clone(), key], String::new(), Arc::new(true.into()))));
    ScanOptions { state_key, wants_error_text: true, definitions: None, contents }
}

pub(crate) fn scan<'a>(
    reading: &Arc<ScanOptions>,
    documents: Documents,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<Message> {
    let mut scanner = Scanner::new(Arc::clone(reading), documents);
    let mut messages = Vec::new();
    for piece in pieces {
        scanner.read(piece, &mut |message| messages.push(message));
    }
    scanner.end(&mut |message| messages.push(message));
    messages
}

/// The messages of lines, each with how many bytes were read when it was emitted.
pub(crate) fn lines<'a>(
    reading: &Arc<ScanOptions>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<(Option<u64>, Message)> {
    let mut reader = Lines::new(Arc::clone(reading));
    let (mut messages, mut line, mut offset) = (Vec::new(), Vec::new(), 0);
    for mut piece in pieces {
        while !piece.is_empty() {
            let read = reader.read(piece, &mut |message| line.push(message));
            assert!(read == piece.len() || !line.is_empty(), "it stopped where no message is");
            let ended = piece[..read].ends_with(b"\n");
            offset += read as u64;
            piece = &piece[read..];
            if ended {
                messages.extend(line.drain(..).map(|message| (Some(offset), message)));
            }
        }
    }
    reader.end(&mut |message| line.push(message));
    messages.extend(line.into_iter().map(|message| (None, message)));
    messages
}

/// The messages of events, and how many events had no end.
pub(crate) fn events<'a>(
    reading: &Arc<ScanOptions>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Message>, u64) {
    let mut reader = Events::new(Arc::clone(reading));
    let mut messages = Vec::new();
    for piece in pieces {
        reader.read(piece, &mut |message| messages.push(message));
    }
    reader.end();
    (messages, reader.unfinished())
}

/// Cuts into pieces of those sizes, repeatedly.
pub(crate) fn pieces<'a>(mut bytes: &'a [u8], sizes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut sizes = sizes.iter().chain([&1]).cycle();
    std::iter::from_fn(move || {
        let size = usize::from(*sizes.next()?).min(bytes.len());
        let (piece, rest) = bytes.split_at(size);
        let is_end = bytes.is_empty();
        bytes = rest;
        (!is_end).then_some(piece)
    })
}

/// The messages of a document. What a parsed value does not contain is taken from `found`.
fn expected(value: &Value, reading: &ScanOptions, found: &[Message]) -> Vec<Message> {
    let (elements, batch) = match value {
        Value::Array(elements) if elements.is_empty() => (vec![&Value::Null], Some(1)),
        Value::Array(elements) => (elements.iter().collect(), Some(1)),
        value => (vec![value], None),
    };
    let found = found.iter().map(Some).chain(std::iter::repeat(None));
    elements
        .into_iter()
        .zip(found)
        .map(|(element, found)| {
            let default = Message::default();
            let found = found.unwrap_or(&default);
            let (bytes, alternative) = (found.bytes, found.alternative);
            Message { batch, bytes, alternative, ..message(element, reading, found) }
        })
        .collect()
}

fn message(value: &Value, reading: &ScanOptions, found: &Message) -> Message {
    let Some(top) = value.as_object() else {
        return Message { flaw: Some(Flaw::NotAMessage), doubts: found.doubts.clone(), ..Message::default() };
    };
    let mut message = Message {
        id: top.get("id").map(|value| id(value, found.id.as_ref())),
        method: text(top, "method"),
        is_jsonrpc: text(top, "jsonrpc").as_deref() == Some("2.0"),
        has_result: inner(top, "result").is_some(),
        has_error: inner(top, "error").is_some(),
        // A parsed value does not say what occurred twice.
        doubts: found.doubts.clone(),
        ..Message::default()
    };
    if let Some(object) = inner(top, "params") {
        message.params = params(object, reading, &found.params);
    }
    if let Some(object) = inner(top, "result") {
        message.result = answer(object, reading);
        message.result.content = same(top.get("result"), found.result.content.as_ref());
        message.result.counts = Some(counts(object));
    }
    if let Some(object) = inner(top, "error") {
        message.error = ErrorFacts {
            code: object.get("code").and_then(Value::as_number).and_then(|number| code(number, found.error.code)),
            message: text(object, "message").filter(|_| reading.wants_error_text),
        };
    }
    let is_message = message.method.is_some() || message.has_result || message.has_error;
    message.flaw = (!is_message).then_some(Flaw::NotAMessage);
    message
}

fn params(object: &Map<String, Value>, reading: &ScanOptions, found: &Params) -> Params {
    let empty = Map::new();
    let meta = inner(object, "_meta").unwrap_or(&empty);
    let client = inner(object, "clientInfo").unwrap_or(&empty);
    let meta_client = inner(meta, "io.modelcontextprotocol/clientInfo").unwrap_or(&empty);
    Params {
        name: text(object, "name"),
        uri: text(object, "uri"),
        task_id: text(object, "taskId"),
        request_id: object.get("requestId").map(|value| id(value, found.request_id.as_ref())),
        reason: text(object, "reason"),
        request_state: state(object, reading),
        protocol_version: text(meta, "io.modelcontextprotocol/protocolVersion")
            .or_else(|| text(object, "protocolVersion")),
        client_name: text(meta_client, "name").or_else(|| text(client, "name")),
        client_version: text(meta_client, "version").or_else(|| text(client, "version")),
        traceparent: text(meta, "traceparent"),
        tracestate: text(meta, "tracestate"),
        claimed: claimed(meta),
        arguments: same(object.get("arguments"), found.arguments.as_ref()),
    }
}

fn claimed(meta: &Map<String, Value>) -> Option<Box<Claimed>> {
    let first = |keys: &[&str]| keys.iter().filter_map(|key| text(meta, key)).find(|text| !text.is_empty());
    let claimed = Claimed {
        actor_id: first(&["userId", "user_id", "openai/subject", "nousresearch.hermes/user_id"]),
        agent_id: first(&["agentId", "agent_id"]),
        tenant_id: first(&["tenantId", "tenant_id", "openai/organization"]),
        purpose: first(&["purpose"]),
        reason: first(&["reason"]),
    };
    (claimed != Claimed::default()).then(|| Box::new(claimed))
}

fn answer(object: &Map<String, Value>, reading: &ScanOptions) -> ResultFacts {
    let empty = Map::new();
    let task = inner(object, "task").unwrap_or(&empty);
    let elements = |key| object.get(key).and_then(Value::as_array).into_iter().flatten();
    let texts = elements("content").filter_map(|item| item.get("text")?.as_str());
    let texts =
        texts.fold(String::new(), |texts, text| if texts.is_empty() { text.into() } else { texts + "\n" + text });
    let is_error = object.get("isError") == Some(&Value::Bool(true));
    ResultFacts {
        is_error,
        result_type: text(object, "resultType"),
        request_state: state(object, reading),
        task_id: text(object, "taskId"),
        task_status: text(object, "status"),
        inner_task_id: text(task, "taskId"),
        inner_task_status: text(task, "status"),
        has_content: object.get("content").is_some_and(Value::is_array),
        protocol_version: text(object, "protocolVersion"),
        tools: elements("tools").filter_map(tool).collect(),
        content: None,
        counts: None,
        text: (is_error && reading.wants_error_text && !texts.is_empty()).then(|| cut(&texts, MAX_TEXT)),
    }
}

/// The content that was found, which is the value, if there is one that is read.
fn same(value: Option<&Value>, found: Option<&RawContent>) -> Option<RawContent> {
    let value = value.filter(|value| value.is_object() || value.is_array());
    if let (Some(value), Some(RawContent::Whole(raw))) = (value, found) {
        assert_eq!(serde_json::from_str::<Value>(&String::from_utf8_lossy(raw)).as_ref().ok(), Some(value), "content");
    }
    assert_eq!(value.is_some(), found.is_some(), "content");
    found.cloned()
}

fn counts(result: &Map<String, Value>) -> PartCounts {
    let count = |key| result.get(key).and_then(Value::as_array).map_or(0, Vec::len) as u64;
    PartCounts { content: count("content"), messages: count("messages"), contents: count("contents") }
}

fn tool(value: &Value) -> Option<ToolDefinition> {
    let name = cut(value.as_object()?.get("name")?.as_str()?, MAX_TEXT);
    let canonical = serde_jcs::to_vec(value).ok()?;
    let mut hints = ToolHints::default();
    for (hint, value) in value.get("annotations").and_then(Value::as_object).into_iter().flatten() {
        match hint.as_str() {
            "readOnlyHint" => hints.read_only = value.as_bool(),
            "destructiveHint" => hints.destructive = value.as_bool(),
            "idempotentHint" => hints.idempotent = value.as_bool(),
            "openWorldHint" => hints.open_world = value.as_bool(),
            _ => {}
        }
    }
    Some(ToolDefinition { name, digest: Sha256::digest(canonical).into(), canonical: None, hints })
}

fn state(object: &Map<String, Value>, reading: &ScanOptions) -> Option<StateDigest> {
    let mut state = reading.state_key.clone()?;
    state.update(object.get("requestState")?.as_str()?.as_bytes());
    Some(StateDigest(state.finalize().into_bytes().into()))
}

/// If serde_json has a number as binary floating point, digits are lost: what was found must only be as close to it.
fn id(value: &Value, found: Option<&Id>) -> Id {
    let (kind, text) = match value {
        Value::Null => (IdKind::Null, String::new()),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => (IdKind::Other, String::new()),
        Value::String(text) => {
            let rest = if text.len() > MAX_ID { found.map_or(0, |id| id.rest) } else { 0 };
            assert_eq!(rest == 0, text.len() <= MAX_ID, "a long id needs a hash");
            return Id { kind: IdKind::String, text: cut(text, MAX_ID), rest };
        }
        Value::Number(number) if number.is_f64() => match found {
            Some(id) if id.text.parse() == Ok(number.as_f64().unwrap_or(f64::NAN)) => return id.clone(),
            _ => (IdKind::Other, format!("not {number}")),
        },
        Value::Number(number) => (IdKind::Integer, number.to_string()),
    };
    Id { kind, text, rest: 0 }
}

fn code(number: &Number, found: Option<i64>) -> Option<i64> {
    if number.is_f64() { found.filter(|found| Some(*found as f64) == number.as_f64()) } else { number.as_i64() }
}

fn inner<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
    object.get(key)?.as_object()
}

fn text(object: &Map<String, Value>, key: &str) -> Option<String> {
    Some(cut(object.get(key)?.as_str()?, MAX_TEXT))
}

fn cut(text: &str, limit: usize) -> String {
    text.chars()
        .scan(0, |length, character| {
            *length += character.len_utf8();
            (*length <= limit).then_some(character)
        })
        .collect()
}
