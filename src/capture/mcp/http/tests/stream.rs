//! The transport of 2024-11-05, HTTP with SSE: messages go to an endpoint of their own, and are answered on the one stream.

use std::future::ready;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use tower_layer::Layer as _;
use tower_service::Service as _;

use super::rig::{Rig, Script, Step, next, read};
use super::service::{Inner, now};
use crate::record::names;

const INITIALIZE: &[u8] = br#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"old","version":"1"}}}"#;
const CALL: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather"}}"#;
const LOST: &[u8] = br#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"slow"}}"#;

#[test]
fn what_is_sent_to_the_endpoint_of_a_stream_is_answered_there() {
    let rig = Rig::new();
    let stream = Arc::new(Mutex::new(Some(Script::of(
        [
            "event: endpoint\ndata: /messages/?session_id=canary-7\n\n",
            "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"2024-11-05\"}}\n\n",
            "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[]}}\n\n",
        ]
        .map(|event| Step::Data(Bytes::from_static(event.as_bytes()))),
    ))));
    let mut service = rig.trail.mcp_layer().layer(Inner(move |mut request: super::service::Asked| {
        read(request.body_mut());
        let (status, body) = match request.method().as_str() {
            "GET" => (200, stream.lock().unwrap().take().unwrap()),
            _ => (202, Script::new(&[b"Accepted"])),
        };
        let response = Response::builder().status(status).header("content-type", "text/event-stream");
        ready(Ok(response.body(body).unwrap()))
    }));
    let post = |body: &'static [u8]| {
        let request = Request::post("/messages/?session_id=canary-7").header("content-type", "application/json");
        request.body(Script::new(&[body]).with_length()).unwrap()
    };
    let mut events = now(service.call(Request::get("/sse").body(Script::new(&[])).unwrap())).unwrap();
    drop(next(events.body_mut()));
    for message in [INITIALIZE, CALL] {
        let mut accepted = now(service.call(post(message))).unwrap();
        assert_eq!(read(accepted.body_mut()), b"Accepted");
        drop(accepted);
        drop(next(events.body_mut()));
    }
    drop(read(now(service.call(post(LOST))).unwrap().body_mut()));
    drop(events);
    assert_eq!(
        rig.told(),
        [
            "mcp.request request initialize: -",
            "mcp.request response initialize: ok",
            "mcp.session - -: start",
            "mcp.tools.call request tools/call: -",
            "mcp.tools.call response tools/call: ok",
            "mcp.tools.call request tools/call: -",
            "mcp.tools.call response tools/call: no_response",
            "mcp.session - -: end",
        ]
    );
    let records = rig.records();
    assert!(records.iter().all(|record| record.text(names::MCP_SESSION_ID).is_none()), "it has no name");
    assert!(!format!("{records:?}").contains("canary"));
    assert!(records[3].text(names::AUDITRAIL_CLIENT_NAME) == Some("old"));
}
