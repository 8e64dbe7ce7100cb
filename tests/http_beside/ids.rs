//! Request ids, as hostile as HTTP allows.

use std::collections::HashSet;

use auditrail::RequestId;
use auditrail::record::{RecordId, names};
use axum::Router;
use axum::extract::Request;
use axum::routing::any;

use crate::rig::{ask, header, serve, told};
use crate::support::Bench;

/// Each as headers of a request, and whether it is taken.
fn sent() -> Vec<(Vec<Vec<u8>>, Option<&'static str>)> {
    let one = |value: &[u8]| vec![[b"x-request-id: ", value].concat()];
    vec![
        (one(b"order-17"), Some("order-17")),
        (one(b"  padded  "), Some("padded")),
        (vec![b"X-Request-ID: twice".to_vec(), b"x-request-id: twice".to_vec()], Some("twice")),
        (vec![b"x-request-id: one".to_vec(), b"x-request-id: two".to_vec()], None),
        (one(b"two words"), None),
        (one(b"a, b"), None),
        (one("grün".as_bytes()), None),
        (one(b"\xff\xfe"), None),
        (one(b"tab\there"), None),
        (one(&[b'x'; 129]), None),
        (one(&vec![b'x'; 64 << 10]), None),
        (one(b""), None),
        (vec![], None),
    ]
}

/// The handler, the records and, where that is switched on, the caller have one id: what was sent if it is usable, else a new one.
#[tokio::test]
async fn what_is_not_usable_as_an_id_counts_as_absent() {
    for (returns, mcp) in [(true, true), (true, false), (false, true), (false, false)] {
        let bench = Bench::new();
        let tells = any(async |request: Request| request.extensions().get::<RequestId>().unwrap().to_string());
        let router = Router::new().route("/", tells);
        let router = match mcp {
            true => router
                .layer(bench.trail.mcp_layer().record_http(auditrail::HttpRecording::all()).return_request_id(returns)),
            false => router.layer(bench.trail.http_layer().return_request_id(returns)),
        };
        let address = serve(router).await;
        let mut made = HashSet::new();
        let (sent, mut seen) = (sent(), Vec::new());
        for (headers, expected) in &sent {
            let headers: Vec<_> = headers.iter().map(Vec::as_slice).collect();
            let answer = ask(address, "POST /", &headers, "not JSON").await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            let handler = answer.split("\r\n\r\n").nth(1).unwrap().to_owned();
            match expected {
                Some(expected) => assert_eq!(handler, *expected),
                None => assert!(RecordId::parse(&handler).is_some() && made.insert(handler.clone()), "{handler}"),
            }
            assert_eq!(header(&answer, "x-request-id"), returns.then(|| handler.clone()));
            seen.push(handler);
        }
        let records = bench.records();
        assert_eq!(told(&records), ["http.request request: unknown", "http.request response: ok"].repeat(sent.len()));
        let recorded: Vec<_> = records.iter().map(|record| record.text(names::AUDITRAIL_REQUEST_ID).unwrap()).collect();
        let twice: Vec<_> = seen.iter().flat_map(|id| [id.as_str(), id.as_str()]).collect();
        assert_eq!(recorded, twice);
    }
}

/// What the service says itself is left as it is.
#[tokio::test]
async fn an_id_that_the_service_returns_itself_stays() {
    let bench = Bench::new();
    let own = any(async || [("x-request-id", "own")]);
    let router = Router::new().route("/", own).layer(bench.trail.http_layer().return_request_id(true));
    let answer = ask(serve(router).await, "GET /", &[b"x-request-id: sent"], "").await;
    assert_eq!(header(&answer, "x-request-id").as_deref(), Some("own"));
    assert_eq!(answer.matches("x-request-id").count(), 1);
    assert_eq!(bench.records()[0].text(names::AUDITRAIL_REQUEST_ID), Some("sent"));
}

/// Each message of an exchange has the id of its request: a call, a notification, what the server asks in its answer.
#[tokio::test]
async fn all_records_of_an_exchange_have_its_id() {
    let answer = r#"data: {"jsonrpc":"2.0","id":1,"method":"elicitation/create"}

data: {"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"a","inputSchema":{}}]}}

"#;
    let answers = any(async move |_: axum::body::Bytes| ([("content-type", "text/event-stream")], answer));
    let messages = [
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","id":8"#,
    ];
    for sent in [Some("order-17"), None] {
        let bench = Bench::new();
        let address = serve(Router::new().route("/mcp", answers.clone()).layer(bench.trail.mcp_layer())).await;
        for message in messages {
            let header = sent.map(|id| format!("x-request-id: {id}")).unwrap_or_default();
            let headers = [b"content-type: application/json".as_slice(), header.as_bytes()];
            let before = bench.records().len();
            ask(address, "POST /mcp", &headers[..1 + usize::from(sent.is_some())], message).await;
            let records = bench.records().split_off(before);
            assert!(!records.is_empty(), "{message}");
            let ids: Vec<_> = records.iter().map(|record| record.text(names::AUDITRAIL_REQUEST_ID)).collect();
            assert!(ids[0].is_some() && ids.iter().all(|id| *id == ids[0]), "{message}: {ids:?} {:?}", told(&records));
            assert!(sent.is_none_or(|sent| ids[0] == Some(sent)));
        }
        let events: HashSet<_> = bench.records().iter().map(|record| record.event_name.to_string()).collect();
        for event in ["mcp.request", "mcp.notification", "mcp.tool_definition"] {
            assert!(events.contains(&format!("auditrail.{event}")), "{event}: {events:?}");
        }
    }
}
