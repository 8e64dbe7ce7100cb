//! Server-sent events: whatever a server streams, cut anywhere, a call is recorded as it went for its client.
//!
//! The judge is [`Reader`], which shares no code with the library: events by WHATWG HTML, section 9.2.6, and of their data
//! what the official SDKs take for a message, by their schemas.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use auditrail::capture::mcp::{McpLayer, TapBody};
use auditrail::record::{Record, names};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use tower_layer::Layer as _;
use tower_service::Service;

use crate::support::{Bench, ending};

/// `(outcome, detail, error.type)` of the call `tool` whose POST is answered by that stream, in those pieces.
fn outcome_of(bench: &Bench, stream: &str) -> (String, String, String) {
    exchange(&bench.trail.mcp_layer(), "tool", "1", stream.as_bytes(), &[3], true);
    let records = bench.records();
    let said: Vec<_> = records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some("tool")).collect();
    assert_eq!(said.len(), 2, "one pair: {records:#?}");
    let (_, outcome, detail) = ending(said[1]);
    (outcome.into(), detail.into(), said[1].text(names::ERROR_TYPE).unwrap_or_default().into())
}

fn assert_outcome(stream: &str, expected: (&str, &str, &str)) {
    let (outcome, detail, error_type) = outcome_of(&Bench::new(), stream);
    assert_eq!((&*outcome, &*detail, &*error_type), expected, "{stream}");
}

#[test]
fn what_is_no_message_changes_no_outcome() {
    for event in [
        "event: status\ndata: {\"state\":\"running\",\"error\":null}\n\n",
        "data: {\"type\":\"heartbeat\",\"error\":null}\n\n",
        "data: {\"type\":\"heartbeat\",\"error\":{}}\n\n",
        "data: {\"type\":\"heartbeat\",\"error\":{\"code\":\"E1\"}}\n\n",
        "data: {\"jsonrpc\":\"2.0\",\"id\":null,\"error\":null}\n\n",
        "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"error\":null}\n\n",
        "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"error\":\"soon\"}\n\n",
        "data: {\"error\":{\"code\":-32000,\"message\":\"not of JSON-RPC\"}}\n\n",
        "data: {\"id\":1,\"result\":{\"isError\":true}}\n\n",
        "event: draft\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"isError\":true}}\n\n",
        "event: draft\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-1,\"message\":\"\"}}\n\n",
        "data: {\"jsonrpc\":\"2.0\",\"error\":{\"code\":-1,\"message\":\"\"}}\nevent: error\n\n",
        "data: ping\n\n",
    ] {
        assert_outcome(&format!("{event}{GOOD}"), ("success", "ok", ""));
        assert_outcome(event, ("unknown", "no_response", ""));
    }
}

#[test]
fn what_one_official_client_takes_is_an_answer() {
    for (event, expected) in [
        ("data: {\"jsonrpc\":\"2.0\",\"id\":1,\"error\":null,\"result\":{}}\n\n", ("success", "ok", "")),
        ("data: {\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{},\"result\":{}}\n\n", ("success", "ok", "")),
        (
            "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null,\"error\":{\"code\":-7,\"message\":\"\"}}\n\n",
            ("failure", "jsonrpc_error", "-7"),
        ),
        (
            "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{\"code\":-7,\"message\":\"\"}}\n\n",
            ("failure", "jsonrpc_error", "-7"),
        ),
        (
            "data: {\"jsonrpc\":\"2.0\",\"error\":{\"code\":-7,\"message\":\"\"}}\n\n",
            ("failure", "jsonrpc_error", "-7"),
        ),
        (
            "data: {\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-7,\"message\":\"\"}}\n\n",
            ("failure", "jsonrpc_error", "-7"),
        ),
        ("event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":{}}\n\n", ("success", "ok", "")),
    ] {
        assert_outcome(event, expected);
    }
}

/// Nor does it count in the session, nor begin or end anything.
#[test]
fn what_is_no_message_is_no_part_of_the_session() {
    let bench = Bench::new();
    let layer = bench.trail.mcp_layer();
    let noise = "event: log\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"sampling/createMessage\"}\n\n\
                 event: log\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n\
                 data: {\"level\":\"info\",\"method\":\"GET\"}\n\ndata: {\"id\":8,\"method\":\"GET\"}\n\n";
    let initialized = "data: {\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"2025-06-18\"}}\n\n";
    let initialize = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
    let of_session = |body: &str, stream: String| {
        let request = Request::post("/mcp").header("content-type", "application/json").header("mcp-session-id", "s");
        play(&layer, request.body(Pieces::of(body.as_bytes(), &[])).unwrap(), stream.as_bytes(), &[5], true);
    };
    of_session(initialize, format!("{noise}{initialized}"));
    of_session(&call("tool", "1"), format!("{noise}{GOOD}"));
    drop(layer);
    let records = bench.records();
    let end = records.iter().find(|record| record.text(names::AUDITRAIL_MCP_SESSION_STATE) == Some("end")).unwrap();
    let count = |name| end.get(name).cloned();
    assert_eq!(count(names::AUDITRAIL_MCP_SESSION_REQUESTS), Some(auditrail::record::Value::Int(2)));
    assert_eq!(count(names::AUDITRAIL_MCP_SESSION_REQUESTS_TO_CLIENT), Some(auditrail::record::Value::Int(0)));
    assert_eq!(count(names::AUDITRAIL_MCP_SESSION_NOTIFICATIONS), Some(auditrail::record::Value::Int(0)));
    assert_eq!(count(names::AUDITRAIL_MCP_SESSION_FAILURES), Some(auditrail::record::Value::Int(0)));
    let asked = records.iter().filter(|record| record.text(names::AUDITRAIL_MCP_DIRECTION) == Some("server_to_client"));
    assert!(
        asked.clone().all(|record| record.text(names::MCP_METHOD_NAME).is_none()),
        "{:#?}",
        asked.collect::<Vec<_>>()
    );
}

/// A stream, how it is cut into pieces, and whether it comes to its end.
#[derive(Debug, Clone)]
struct Case {
    id: &'static str,
    stream: Vec<u8>,
    sizes: Vec<u8>,
    is_complete: bool,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_stream_gives_the_outcome_that_the_official_clients_see(cases in proptest::collection::vec(case(), 64)) {
        let bench = Bench::new();
        let layer = bench.trail.mcp_layer();
        for (number, case) in cases.iter().enumerate() {
            exchange(&layer, &format!("tool {number}"), case.id, &case.stream, &case.sizes, case.is_complete);
        }
        let records = bench.records();
        for (number, case) in cases.iter().enumerate() {
            let name = format!("tool {number}");
            let of_it = |record: &&Record| record.text(names::GEN_AI_TOOL_NAME) == Some(&name);
            let said: Vec<_> = records.iter().filter(of_it).map(|record| ending(record).2).collect();
            let expected = Reader::default().outcome(&case.stream, case.id);
            prop_assert_eq!(said, ["", expected], "{:?}", case);
        }
    }
}

fn case() -> impl Strategy<Value = Case> {
    let field = prop_oneof![
        6 => select(DATA).prop_map(|data| format!("data: {data}")),
        2 => select(DATA).prop_map(|data| format!("data:{data}")),
        2 => select(&["event: message", "event:message", "event:", "event", "event: status", "event: endpoint",
            "event:  message", "Event: status", "event: messages"][..]).prop_map(str::to_owned),
        1 => select(&["id: 7", "id", "retry: 5", ": {\"jsonrpc\":\"2.0\"}", ":", "data", "data: ", "datum: 1", " data: 1",
            "\u{feff}data: {}", "data: x\0"][..]).prop_map(str::to_owned),
    ];
    let end = || select(&["\n", "\r\n", "\r"][..]);
    // Mostly the end of an event behind a line, now and then none.
    let line = (field, end(), prop_oneof![3 => end().prop_map(str::to_owned), 2 => Just(String::new())])
        .prop_map(|(field, end, blank)| field + end + &blank);
    let mark = prop_oneof![3 => Just(""), 1 => Just("\u{feff}")];
    let whole =
        (mark, proptest::collection::vec(line, 0..12)).prop_map(|(mark, lines)| mark.to_owned() + &lines.concat());
    let cut = (whole, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(stream, at, is_cut)| {
        let bytes = stream.into_bytes();
        let length = if is_cut { at.index(bytes.len() + 1) } else { bytes.len() };
        bytes[..length].to_vec()
    });
    (select(&["1", "\"1\""][..]), cut, proptest::collection::vec(0_u8..9, 0..5), any::<bool>())
        .prop_map(|(id, stream, sizes, is_complete)| Case { id, stream, sizes, is_complete })
}

/// What an official client makes of a stream.
#[derive(Default)]
struct Reader {
    data: Option<String>,
    name: String,
}

impl Reader {
    /// The detail of the outcome of the only call that is open.
    fn outcome(mut self, stream: &[u8], asked: &str) -> &'static str {
        let stream = String::from_utf8_lossy(stream);
        let stream = stream.strip_prefix('\u{feff}').unwrap_or(&stream).replace("\r\n", "\n").replace('\r', "\n");
        // What is behind the last end of a line is no line.
        let lines: Vec<_> = stream.split('\n').collect();
        let ends =
            lines[..lines.len() - 1].iter().filter_map(|line| self.line(line)).find_map(|data| ended(&data, asked));
        ends.unwrap_or("no_response")
    }

    /// The data of the message that ends with that line.
    fn line(&mut self, line: &str) -> Option<String> {
        if line.is_empty() {
            let Self { data, name } = std::mem::take(self);
            return data.filter(|data| !data.is_empty() && matches!(&*name, "" | "message"));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => match &mut self.data {
                Some(data) => *data = format!("{data}\n{value}"),
                none => *none = Some(value.to_owned()),
            },
            "event" => value.clone_into(&mut self.name),
            _ => {}
        }
        None
    }
}

/// How the call ends by those data, if it does.
fn ended(data: &str, asked: &str) -> Option<&'static str> {
    let message: Value = serde_json::from_str(data).ok()?;
    let taken = typescript(&message).or_else(|| python(&message))?;
    let asked: Value = serde_json::from_str(asked).unwrap();
    // Both clients read a string as a number, where it is one.
    let number = |id: &Value| id.as_str().map_or_else(|| id.as_f64(), |text| text.trim().parse().ok());
    match taken {
        Taken::Result(id) => (number(id) == number(&asked)).then_some(if message["result"]["isError"] == true {
            "tool_error"
        } else {
            "ok"
        }),
        Taken::Error(Some(id)) => (number(id) == number(&asked)).then_some("jsonrpc_error"),
        // Python answers whatever was asked with this request. TypeScript has no request for it, and says so.
        Taken::Error(None) => Some("jsonrpc_error"),
        Taken::Other => None,
    }
}

/// What a schema makes of a message.
enum Taken<'a> {
    Result(&'a Value),
    Error(Option<&'a Value>),
    Other,
}

/// `JSONRPCMessageSchema` of `@modelcontextprotocol/sdk` 1.32: a union of strict objects.
fn typescript(message: &Value) -> Option<Taken<'_>> {
    let object = message.as_object().filter(|object| object.get("jsonrpc") == Some(&Value::from("2.0")))?;
    let has_only = |keys: &[&str]| object.keys().all(|key| keys.contains(&&**key));
    let id = object.get("id");
    let is_id = |id: &&Value| id.is_string() || is_integer(id);
    if object.get("method").is_some_and(Value::is_string) && has_only(&["jsonrpc", "id", "method", "params"]) {
        return Some(Taken::Other);
    }
    if object.get("result").is_some_and(Value::is_object) && has_only(&["jsonrpc", "id", "result"]) {
        return id.filter(is_id).map(Taken::Result);
    }
    let error = object.get("error")?;
    let is_error = is_integer(&error["code"]) && error["message"].is_string() && id.is_none_or(|id| is_id(&id));
    (is_error && has_only(&["jsonrpc", "id", "error"])).then_some(Taken::Error(id))
}

/// `jsonrpc_message_adapter` of `mcp` 2.3: a union of models that do not mind other members, of which the one counts that
/// has most of its own, and the last of those that have as many.
fn python(message: &Value) -> Option<Taken<'_>> {
    let object = message.as_object().filter(|object| object.get("jsonrpc") == Some(&Value::from("2.0")))?;
    let is_id = |id: &&Value| id.is_string() || id.is_i64();
    let error = object.get("error").unwrap_or(&Value::Null);
    let is_error = is_integer(&error["code"]) && error["message"].is_string();
    if let Some(id) = object.get("id").filter(|id| is_error && (id.is_null() || is_id(id))) {
        return Some(Taken::Error(Some(id).filter(|id| !id.is_null())));
    }
    if object.get("method").is_some_and(Value::is_string) {
        return Some(Taken::Other);
    }
    object.get("id").filter(is_id).filter(|_| object.get("result").is_some_and(Value::is_object)).map(Taken::Result)
}

/// As JavaScript knows it: `1.0` is one, too.
fn is_integer(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

/// Data of one line. Not among them: where the two clients and the record differ on purpose. An error without its `message`
/// is one for the record; a batch, which only the revision 2025-03-26 knows, and neither client reads in an event, is read;
/// a `code` that is a string, and a call with another id, are answers for Python alone.
const DATA: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
    r#"{"jsonrpc":"2.0","id":"1","result":{"isError":true}}"#,
    r#"{"result":{},"id":"1","jsonrpc":"2.0","more":true}"#,
    r#"{"jsonrpc":"2.0","id":1.0,"result":{}}"#,
    r#"{"jsonrpc":"2.0","id":2,"result":{}}"#,
    r#"{"jsonrpc":"2.0","id":2,"id":1,"result":{}}"#,
    r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"x"}}"#,
    r#"{"jsonrpc":"2.0","id":"2","error":{"code":-32000,"message":"x"}}"#,
    r#"{"jsonrpc":"2.0","id":null,"error":{"code":1.0,"message":"x"}}"#,
    r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"x","data":[1]}}"#,
    r#"{"jsonrpc":"2.0","id":1,"result":null,"error":{"code":-32000,"message":"x"}}"#,
    r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":-32000,"message":"x"}}"#,
    r#"{"jsonrpc":"2.0","id":1,"error":null,"result":{}}"#,
    r#"{"jsonrpc":"2.0","id":1,"error":{},"result":{}}"#,
    r#"{"jsonrpc":"2.0","id":1,"error":null}"#,
    r#"{"jsonrpc":"2.0","id":1,"error":{"code":1.5,"message":"x"}}"#,
    r#"{"jsonrpc":"2.0","error":{}}"#,
    r#"{"jsonrpc":"2.0","id":1,"result":null}"#,
    r#"{"jsonrpc":"2.0","id":1,"result":[]}"#,
    r#"{"jsonrpc":"2.0","id":true,"result":{}}"#,
    r#"{"jsonrpc":"2.0","id":{},"error":{"code":-32000,"message":"x"}}"#,
    r#"{"jsonrpc":"2.0","result":{}}"#,
    r#"{"jsonrpc":"1.0","id":1,"result":{}}"#,
    r#"{"jsonrpc":2.0,"id":1,"result":{}}"#,
    r#"{"id":1,"result":{}}"#,
    r#"{"id":1,"error":{"code":-32000,"message":"x"}}"#,
    r#"{"state":"running","error":null}"#,
    r#"{"type":"heartbeat","error":{"code":-32000,"message":"x"}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}"#,
    r#"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#,
    r#"{"jsonrpc":"2.0","id":1,"#,
    r#""result":{}}"#,
    r#"{"jsonrpc":"2.0","id":1,"result":{}} {}"#,
    "{}",
    "1",
    "null",
    "ping",
];

const GOOD: &str = "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[]}}\n\n";

fn call(tool: &str, id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#)
}

/// One POST, answered by that stream, of which the client reads all.
fn exchange(layer: &McpLayer, tool: &str, id: &str, stream: &[u8], sizes: &[u8], is_complete: bool) {
    let request = Request::post("/mcp").header("content-type", "application/json");
    let body = Pieces::of(call(tool, id).as_bytes(), &[]);
    play(layer, request.body(body).unwrap(), stream, sizes, is_complete);
}

/// A client's POST in session `s`, answered by that event.
pub(crate) fn post(layer: &McpLayer, body: &str, event: &str) {
    let request = Request::post("/mcp").header("content-type", "application/json").header("mcp-session-id", "s");
    let event = if event.is_empty() { String::new() } else { format!("data: {event}\n\n") };
    play(layer, request.body(Pieces::of(body.as_bytes(), &[])).unwrap(), event.as_bytes(), &[], true);
}

fn play(layer: &McpLayer, request: Request<Pieces>, stream: &[u8], sizes: &[u8], is_complete: bool) {
    let mut service = layer.layer(Streaming(Pieces::of(stream, sizes)));
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(response) = Pin::new(&mut service.call(request)).poll(&mut context) else { panic!("it waits") };
    let mut body = response.unwrap().into_body();
    let mut read = Vec::new();
    while read.len() < stream.len() || is_complete {
        let Poll::Ready(frame) = Pin::new(&mut body).poll_frame(&mut context) else { panic!("it waits") };
        let Some(frame) = frame else { break };
        read.extend(frame.unwrap().into_data().unwrap());
    }
    assert_eq!(read, stream, "what passes is what was sent");
}

/// Reads the request, and answers with that stream.
#[derive(Clone)]
struct Streaming(Pieces);

impl Service<Request<TapBody<Pieces>>> for Streaming {
    type Response = Response<Pieces>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Pieces>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<TapBody<Pieces>>) -> Self::Future {
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(_)) = Pin::new(request.body_mut()).poll_frame(&mut context) {}
        let response = Response::builder().header("content-type", "text/event-stream").header("mcp-session-id", "s");
        ready(Ok(response.body(self.0.clone()).unwrap()))
    }
}

/// A body in pieces of those sizes, over and over; 0 stands for all that is left.
#[derive(Debug, Clone)]
struct Pieces(std::collections::VecDeque<Bytes>);

impl Pieces {
    fn of(mut bytes: &[u8], sizes: &[u8]) -> Self {
        let mut pieces = std::collections::VecDeque::new();
        let mut sizes = sizes.iter().cycle();
        while !bytes.is_empty() {
            let size =
                sizes.next().filter(|size| **size > 0).map_or(bytes.len(), |size| usize::from(*size).min(bytes.len()));
            let (piece, rest) = bytes.split_at(size);
            pieces.push_back(Bytes::copy_from_slice(piece));
            bytes = rest;
        }
        Self(pieces)
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}
