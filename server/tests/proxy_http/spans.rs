//! The proxy's own spans over HTTP: by default, without a byte changed, with the caller's span as the parent.

use auditrail::record::{Record, names};
use auditrail::serve::Receiver;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::agreement::{Agreed, agree};
use crate::command::{LISTENS, Running};
use crate::message::Messages;
use crate::rig::{Client, Server, call, here, ok, post, result, within};

const HEAD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const META: &str = "00-11111111111111111111111111111111-2222222222222222-01";

fn records(receiver: &Receiver) -> Vec<Record> {
    receiver.records().iter().map(|got| Record::decode(&got.bytes).unwrap()).collect()
}

fn of_tool<'a>(records: &'a [Record], tool: &str) -> Vec<&'a Record> {
    records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some(tool)).collect()
}

/// A request as it is with `traceparent` in its head.
fn in_head(body: &str) -> Vec<u8> {
    String::from_utf8(post(body)).unwrap().replace("Host:", &format!("Traceparent: {HEAD}\r\nHost:")).into_bytes()
}

fn in_meta(body: &str) -> String {
    body.replace("\"arguments\"", &format!("\"_meta\":{{\"traceparent\":\"{META}\"}},\"arguments\""))
}

#[tokio::test]
async fn every_call_is_a_span_below_its_callers() {
    let server = Server::answering(|_| ok("application/json", &result(1))).await;
    let upstream = format!("http://{}", server.address);
    let mut running = Running::new(&["--listen", "127.0.0.1:0", "--upstream", &upstream]).await;
    let mut client = Client::to(running.told(LISTENS).await).await;
    let both = in_meta(&call(1, "both"));
    for request in [post(&call(1, "root")), in_head(&call(1, "head")), in_head(&both)] {
        assert_eq!(client.ask(request).await.status(), 200);
    }
    assert_eq!(server.last().text(), both, "no byte is changed");
    assert_eq!(server.last().field("traceparent"), Some(HEAD));
    let receiver = running.stopped().await;
    let (records, spans) = (records(&receiver), receiver.spans());
    assert_eq!(agree(&records, &spans), Agreed { pairs: 3, moments: 0 });
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let parent = |tool: &str| {
        let name = format!("tools/call {tool}");
        let span = &spans.iter().find(|got| got.span.name == name).unwrap().span;
        assert!(span.links.iter().all(|link| hex(&link.span_id) == HEAD[36..52]), "{span:#?}");
        (hex(&span.trace_id), hex(&span.parent_span_id), span.links.len())
    };
    assert_eq!((parent("root").1, parent("root").2), (String::new(), 0));
    assert_eq!(parent("head"), (HEAD[3..35].to_owned(), HEAD[36..52].to_owned(), 0));
    assert_eq!(parent("both"), (META[3..35].to_owned(), META[36..52].to_owned(), 1), "the message counts first");
}

#[tokio::test]
async fn without_spans_the_records_keep_the_trace_of_the_caller() {
    let server = Server::answering(|_| ok("application/json", &result(1))).await;
    let upstream = format!("http://{}", server.address);
    let arguments = ["--listen", "127.0.0.1:0", "--upstream", &upstream];
    let mut running = Running::configured(&arguments, "[trace]\nexport = false\n").await;
    let mut client = Client::to(running.told(LISTENS).await).await;
    for request in [post(&call(1, "root")), in_head(&call(1, "head")), in_head(&in_meta(&call(1, "both")))] {
        assert_eq!(client.ask(request).await.status(), 200);
    }
    let receiver = running.stopped().await;
    assert!(receiver.spans().is_empty());
    let records = records(&receiver);
    let trace = |tool: &str| {
        let pair = of_tool(&records, tool);
        assert!(pair.len() == 2 && pair.iter().all(|record| record.span_id.is_none()), "{pair:#?}");
        let traces: Vec<_> = pair.iter().map(|record| record.trace_id.map(|id| id.to_string())).collect();
        assert_eq!(traces[0], traces[1]);
        traces[0].clone()
    };
    assert_eq!(trace("root"), None);
    assert_eq!(trace("head").as_deref(), Some(&HEAD[3..35]));
    assert_eq!(trace("both").as_deref(), Some(&META[3..35]));
}

/// SIGTERM with a call that the server never answers, longer than the drain lasts: its pair is whole, and its span is there.
#[tokio::test]
async fn a_call_in_flight_at_the_end_has_its_span() {
    let slow = TcpListener::bind(here()).await.unwrap();
    let configuration = format!(
        "[[listener]]\nlisten = \"127.0.0.1:0\"\nupstream = \"http://{}\"\ndrain = \"100ms\"\n",
        slow.local_addr().unwrap()
    );
    let mut running = Running::configured(&[], &configuration).await;
    let mut client = Client::to(running.told(LISTENS).await).await;
    client.send(post(&call(2, "slow"))).await;
    let mut stream = within(slow.accept()).await.unwrap().0;
    within(Messages::new(&mut stream).request()).await.unwrap();
    let receiver = running.stopped().await;
    drop(stream.shutdown().await);
    let records = records(&receiver);
    assert_eq!(of_tool(&records, "slow").len(), 2);
    assert_eq!(agree(&records, &receiver.spans()), Agreed { pairs: 1, moments: 0 });
}
